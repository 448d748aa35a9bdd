//! Permits bound what is between the wire and the gate, over all senders together.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// So many packets may be under way at once; each holds one permit from the moment it is read until its sender has been told.
#[derive(Debug)]
pub struct Permits {
    max: usize,
    taken: AtomicUsize,
    given_back: Notify,
}

impl Permits {
    pub fn new(max: usize) -> Permits {
        Permits { max, taken: AtomicUsize::new(0), given_back: Notify::new() }
    }

    pub fn try_take(&self) -> bool {
        self.taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, |taken| (taken < self.max).then_some(taken + 1)).is_ok()
    }

    /// Waits for one. Woken waiters compete with newcomers, so under overload the order among senders is not kept; it is kept within each.
    pub async fn take(&self) {
        loop {
            let notified = self.given_back.notified();
            if self.try_take() {
                return;
            }
            notified.await;
        }
    }

    pub fn give_back(&self, count: usize) {
        if count == 0 {
            return;
        }
        let before = self.taken.fetch_sub(count, Ordering::AcqRel);
        debug_assert!(before >= count, "more permits given back than taken");
        if before == self.max {
            self.given_back.notify_waiters();
        }
    }

    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Acquire)
    }
}
