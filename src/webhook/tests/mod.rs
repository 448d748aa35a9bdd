//! The decisions without a network, and the whole against a small receiver.

mod decisions;
mod delivery;
mod queue;
mod receiver;
