//! What tests of the whole program stand on: a [`World`] is one program on a temporary folder, with a clock that is turned by hand.

mod clock;
mod sender;
mod world;

pub use clock::at;
pub use sender::{Sender, body, words};
pub use world::{PATIENCE, World};
