//! What becomes of packets, or parts of them, that cannot be used: a rejection on disk, with a reason, and an answer to the sender.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::ingress::{Fault, Receipt, Refused, Tally};
use crate::journal::{Journal, record};
use crate::reading::Timestamp;
use crate::twin::{Entry, Fact, Rejection};

use super::clock::Clock;
use super::held::{Aside, Held, Settling};

/// How much of a payload is kept with a rejection.
pub const EXCERPT_BYTES_MAX: usize = 256;
/// How much of one that waits in quarantine.
pub const QUARANTINE_BYTES_MAX: usize = 4096;

/// How many rejections of one packet are stored; the rest are counted.
const REJECTIONS_PER_PACKET_MAX: usize = 16;

/// Refuses packets that no twin can be found for, and keeps a flood of them from filling the disk.
#[derive(Debug)]
pub struct Refusals {
    pub journal: Journal<Held>,
    pub clock: Clock,
    pub per_second_max: u32,
    pub second: Mutex<(i64, u32)>,
    /// Refused packets, stored or not.
    pub total: AtomicU64,
    /// Those that were counted only, because more than `per_second_max` came.
    pub not_stored: AtomicU64,
}

impl Refusals {
    pub fn new(journal: Journal<Held>, clock: Clock, per_second_max: u32) -> Refusals {
        Refusals { journal, clock, per_second_max, second: Mutex::new((0, 0)), total: AtomicU64::new(0), not_stored: AtomicU64::new(0) }
    }

    /// Records the rejection and tells the sender once it is on disk.
    pub fn refuse(&self, rejection: Rejection, fault: Fault, code: &'static str, receipt: Receipt) {
        self.total.fetch_add(1, Ordering::Relaxed);
        let refused = Arc::new(Refused { fault, code, message: rejection.message.clone() });
        let settling = Settling { receipt, tally: Tally { rejected: 1, ..Tally::default() }, refused: Some(refused) };
        let at = self.clock.now();
        if !self.may_store(at) {
            self.not_stored.fetch_add(1, Ordering::Relaxed);
            self.append(|_| {}, Held { receipts: vec![settling], ..Held::default() });
            return;
        }
        let entry = Entry { at, facts: vec![Fact::Refused(Box::new(rejection.clone()))] };
        let aside = Aside { rejections: vec![rejection], ..Aside::default() };
        let held = Held { receipts: vec![settling], aside: Some(Box::new(aside)), ..Held::default() };
        self.append(|out| record::encode(&entry, out), held);
    }

    fn append(&self, encode: impl FnOnce(&mut Vec<u8>), held: Held) {
        // Without room the receipt is dropped with what is held, and so the sender is asked to try again.
        self.journal.try_append(encode, held).ok();
    }

    /// How many of the rejections of one packet may be stored.
    pub fn room_for(&self, count: usize) -> usize {
        if count == 0 || !self.may_store(self.clock.now()) { 0 } else { count.min(REJECTIONS_PER_PACKET_MAX) }
    }

    fn may_store(&self, at: Timestamp) -> bool {
        let this_second = at.0.div_euclid(1_000_000);
        let mut second = self.second.lock();
        if second.0 != this_second {
            *second = (this_second, 0);
        }
        second.1 += 1;
        second.1 <= self.per_second_max
    }
}

/// The beginning of a payload as text; what is not UTF-8 shows as `\u{fffd}`.
pub fn excerpt(payload: &[u8], bytes_max: usize) -> String {
    let head = &payload[..payload.len().min(bytes_max)];
    let mut text = String::from_utf8_lossy(head).into_owned();
    if payload.len() > bytes_max {
        text.push('…');
    }
    text
}
