//! What the journal says of itself: for `/readyz`, metrics, the inspect query and tests.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::reading::Seq;

/// Bucket `i` counts syncs that took less than `2^i` microseconds and not less than half of that; the last one also all longer ones.
pub const FSYNC_BUCKETS: usize = 24;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    pub state: State,
    /// Not yet released, with what is held back.
    pub pending_bytes: usize,
    pub pending_entries: u64,
    pub pending_bytes_max: usize,
    /// Everything up to here is released.
    pub last_seq: Seq,
    pub groups: u64,
    pub bytes_written: u64,
    pub fsyncs: u64,
    pub fsyncs_failed: u64,
    pub fsync_micros_total: u64,
    pub fsync_micros_max: u64,
    pub fsync_buckets: [u64; FSYNC_BUCKETS],
    pub segments: u64,
    pub bytes_on_disk: u64,
    /// Why the segment after this one cannot be prepared. An early warning: entries are still written.
    pub next_segment_problem: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    Writable,
    /// The disk or quota is full. Nothing is released; goes on by itself when there is room.
    NoSpace {
        attempts: u64,
        message: String,
    },
    /// The disk refuses for another reason. Nothing is released; tries on.
    Failing {
        attempts: u64,
        message: String,
    },
    Closed,
}

/// Counters of the writer.
#[derive(Debug, Default)]
pub(super) struct Meter {
    pub(super) groups: AtomicU64,
    pub(super) bytes_written: AtomicU64,
    fsyncs: AtomicU64,
    pub(super) fsyncs_failed: AtomicU64,
    fsync_micros_total: AtomicU64,
    fsync_micros_max: AtomicU64,
    fsync_buckets: [AtomicU64; FSYNC_BUCKETS],
}

impl Meter {
    pub(super) fn synced(&self, micros: u64) {
        self.fsyncs.fetch_add(1, Ordering::Relaxed);
        self.fsync_micros_total.fetch_add(micros, Ordering::Relaxed);
        self.fsync_micros_max.fetch_max(micros, Ordering::Relaxed);
        let bucket = (u64::BITS - micros.leading_zeros()) as usize;
        self.fsync_buckets[bucket.min(FSYNC_BUCKETS - 1)].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn wrote_group(&self, bytes: u64) {
        self.groups.fetch_add(1, Ordering::Relaxed);
        self.bytes_written.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The counters; the rest is for the caller to fill in.
    pub(super) fn read(&self) -> Health {
        Health {
            state: State::Writable,
            pending_bytes: 0,
            pending_entries: 0,
            pending_bytes_max: 0,
            last_seq: Seq(0),
            groups: self.groups.load(Ordering::Relaxed),
            bytes_written: self.bytes_written.load(Ordering::Relaxed),
            fsyncs: self.fsyncs.load(Ordering::Relaxed),
            fsyncs_failed: self.fsyncs_failed.load(Ordering::Relaxed),
            fsync_micros_total: self.fsync_micros_total.load(Ordering::Relaxed),
            fsync_micros_max: self.fsync_micros_max.load(Ordering::Relaxed),
            fsync_buckets: std::array::from_fn(|bucket| self.fsync_buckets[bucket].load(Ordering::Relaxed)),
            segments: 0,
            bytes_on_disk: 0,
            next_segment_problem: None,
        }
    }
}
