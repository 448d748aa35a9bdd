//! Webhooks: other people's HTTP endpoints, which are told what rules ask for. The one place that calls out.
//!
//! [`Hooks`] takes a [`Delivery`] without ever waiting and says later how it ended, through the function that was handed in. Each hook has its
//! own queue and its own bound of requests in flight, so a receiver that is dead or slow delays nobody but itself. Deliveries that fail are
//! tried again with growing pauses; each attempt carries the same `Idempotency-Key` and a signature of its own time. Nothing is kept on disk:
//! what was not ended when the program stops is asked for again after the next start, under the same key.

mod back_off;
mod config;
mod figures;
mod hook;
mod hooks;
mod queue;
mod request;
mod signature;
#[cfg(test)]
mod tests;
mod url;
mod verdict;

use smol_str::SmolStr;

pub use config::{Headers, HookConfig, InvalidHook};
pub use figures::Figures;
pub use hooks::{Hooks, Refused};
pub use signature::sign;
pub use url::{HookUrl, InvalidUrl};

use crate::reading::Timestamp;

/// One message for a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The same for every attempt, also after a restart: the receiver knows a repetition by it.
    pub key: SmolStr,
    /// JSON.
    pub body: Vec<u8>,
    /// When it was asked for first. Attempts end [`HookConfig::give_up_after`] later.
    pub asked_at: Timestamp,
}

/// How a delivery ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The receiver answered 2xx.
    Delivered { status: u16, attempts: u32 },
    /// It never will be: the receiver does not want it, or time is up. The reason is for people. Attempts count from the last start.
    GivenUp { reason: String, attempts: u32 },
    /// The program stops. It is to be asked for again after the next start.
    Stopped,
}

/// Is told the end. It runs in the task of the hooks, so it passes the word on and does nothing long.
pub type Ended = Box<dyn FnOnce(End) + Send>;
