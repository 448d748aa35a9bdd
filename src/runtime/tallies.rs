//! How many readings had which outcome, over all twins.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::ingress::Tally;

/// `pollux_readings_total{outcome}`
#[derive(Debug, Default)]
pub struct Tallies {
    pub new: AtomicU64,
    pub duplicate: AtomicU64,
    pub conflict: AtomicU64,
    pub out_of_order: AtomicU64,
    pub too_old: AtomicU64,
    pub late: AtomicU64,
    pub rejected: AtomicU64,
    pub unmapped: AtomicU64,
    /// Besides, of those above: `pollux_view_late_total` and `pollux_view_replaced_total`.
    pub late_for_view: AtomicU64,
    pub replaced_in_view: AtomicU64,
}

impl Tallies {
    pub fn count(&self, tally: Tally) {
        let Tally { new, duplicate, conflict, out_of_order, too_old, late, rejected, unmapped } = tally;
        for (counter, more) in [
            (&self.new, new),
            (&self.duplicate, duplicate),
            (&self.conflict, conflict),
            (&self.out_of_order, out_of_order),
            (&self.too_old, too_old),
            (&self.late, late),
            (&self.rejected, rejected),
            (&self.unmapped, unmapped),
        ] {
            if more > 0 {
                counter.fetch_add(u64::from(more), Ordering::Relaxed);
            }
        }
    }

    /// What became of readings in the views of their twin.
    pub fn count_in_views(&self, late: u16, replaced: u16) {
        for (counter, more) in [(&self.late_for_view, late), (&self.replaced_in_view, replaced)] {
            if more > 0 {
                counter.fetch_add(u64::from(more), Ordering::Relaxed);
            }
        }
    }

    /// Names and counts, for the metrics page.
    pub fn each(&self) -> [(&'static str, u64); 8] {
        [
            ("new", &self.new),
            ("duplicate", &self.duplicate),
            ("conflict", &self.conflict),
            ("out_of_order", &self.out_of_order),
            ("too_old", &self.too_old),
            ("late", &self.late),
            ("rejected", &self.rejected),
            ("unmapped", &self.unmapped),
        ]
        .map(|(name, counter)| (name, counter.load(Ordering::Relaxed)))
    }
}
