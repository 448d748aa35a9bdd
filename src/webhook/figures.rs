//! What there is to see of a hook from outside.

use serde::Serialize;
use smol_str::SmolStr;

/// A moment of one hook. Counts are since the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Figures {
    pub name: SmolStr,
    /// Deliveries that wait for their first or their next attempt.
    pub waiting: usize,
    pub in_flight: usize,
    pub delivered: u64,
    /// Attempts without success, whatever became of their deliveries.
    pub failed_attempts: u64,
    pub given_up: u64,
    /// The last of the failures.
    pub last_error: Option<String>,
    /// Of the last answer there was.
    pub last_status: Option<u16>,
    /// The last attempt failed in a way that may pass: it is tried again, and what waits, waits for the receiver.
    pub is_failing: bool,
}

/// The part that only grows.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    pub(super) delivered: u64,
    pub(super) failed_attempts: u64,
    pub(super) given_up: u64,
    pub(super) last_error: Option<String>,
    pub(super) last_status: Option<u16>,
    pub(super) is_failing: bool,
}

impl Tally {
    pub(super) fn failed(&mut self, status: Option<u16>, why: &str) {
        self.failed_attempts += 1;
        self.last_status = status.or(self.last_status);
        self.last_error = Some(why.to_owned());
    }
}
