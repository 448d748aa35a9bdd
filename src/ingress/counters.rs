//! Plain counters of what comes in, for `observe` to read.

use std::sync::atomic::{AtomicU64, Ordering};

/// All of them only grow, but for `connections`.
#[derive(Debug, Default)]
pub struct Counters {
    /// Open now.
    pub connections: AtomicU64,
    pub connects: AtomicU64,
    /// Connections turned away: too many, not MQTT, an unknown version.
    pub connects_refused: AtomicU64,
    pub packets: AtomicU64,
    pub bytes_in: AtomicU64,
    pub bytes_out: AtomicU64,
    pub publishes_qos0: AtomicU64,
    pub publishes_qos1: AtomicU64,
    pub acks: AtomicU64,
    /// Acknowledgements that carried a refusal.
    pub refused: AtomicU64,
    /// QoS 0 messages that came when there was no permit.
    pub shed: AtomicU64,
    /// Connections ended because of what they sent.
    pub malformed: AtomicU64,
    /// Packets offered again because nobody had dealt with them.
    pub offered_again: AtomicU64,
    pub sent_to_subscribers: AtomicU64,
    pub dropped_to_subscribers: AtomicU64,
}

/// Adds to a counter; nothing hangs on the order in which others see it.
pub(super) fn count(counter: &AtomicU64, amount: u64) {
    if amount != 0 {
        counter.fetch_add(amount, Ordering::Relaxed);
    }
}

/// Takes from a counter that goes both ways.
pub(super) fn uncount(counter: &AtomicU64, amount: u64) {
    counter.fetch_sub(amount, Ordering::Relaxed);
}
