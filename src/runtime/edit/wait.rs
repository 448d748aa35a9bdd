//! Waiting until a commit can be read.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::reading::Seq;
use crate::runtime::Runtime;

impl Runtime {
    /// Waits until readers see this commit, and with `in_store` until the graph store has it, too. `false`: not within `patience`.
    pub async fn wait_for(&self, seq: Seq, in_store: bool, patience: Duration) -> bool {
        tokio::time::timeout(patience, self.wait(seq, in_store)).await.is_ok()
    }

    async fn wait(&self, seq: Seq, in_store: bool) {
        loop {
            // Made before the look, so that what comes in between is not missed.
            let released = self.followers.released.notified();
            if self.view.seq() >= seq {
                break;
            }
            released.await;
        }
        if !in_store {
            return;
        }
        loop {
            let moved = self.progress.moved.notified();
            if self.progress.position.load(Ordering::Acquire) >= seq.0 {
                break;
            }
            self.progress.hurry.notify_one();
            moved.await;
        }
    }
}
