//! The latest changes in memory, so that live followers read nothing from disk and share one copy.
//!
//! It is filled only while somebody follows. A follower that is behind what is kept here reads the journal until it has caught up; so what a
//! slow follower costs is its position.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::RwLock;
use tokio::sync::{Notify, watch};

use crate::reading::Seq;

use super::change::{Change, Placed, Position};

/// Changes that are kept of each kind.
pub const CHANGES_KEPT_MAX: usize = 16_384;

/// The latest changes of twins and relations.
pub type ChangeLog = Log<Change>;

#[derive(Debug)]
pub struct Log<T> {
    kept: RwLock<Kept<T>>,
    /// Counts the times that something was added or begun anew. Idle followers wait for it, all on one notification.
    grown: watch::Sender<u64>,
    followers: AtomicUsize,
    /// For a time nobody followed, so what is kept does not go on to now.
    lapsed: AtomicBool,
    /// Rung by the gate for whoever fills the log.
    bell: Notify,
}

#[derive(Debug)]
struct Kept<T> {
    /// Everything from here …
    floor: Position,
    /// … to before here is kept.
    head: Position,
    changes: VecDeque<Arc<T>>,
}

/// What the log has for a follower.
#[derive(Debug, PartialEq)]
pub enum Taken<T> {
    /// In order, and where to go on. None at all: wait.
    Changes(Vec<Arc<T>>, Position),
    /// The journal has to be read from there.
    Behind,
}

impl<T> Default for Log<T> {
    fn default() -> Log<T> {
        let nowhere = Position::at(Seq(u64::MAX));
        Log {
            kept: RwLock::new(Kept { floor: nowhere, head: nowhere, changes: VecDeque::new() }),
            grown: watch::Sender::new(0),
            followers: AtomicUsize::new(0),
            lapsed: AtomicBool::new(true),
            bell: Notify::new(),
        }
    }
}

impl<T: Placed> Log<T> {
    pub fn follow(self: &Arc<Self>) -> Follower<T> {
        Follower::new(self.clone())
    }

    pub fn followers(&self) -> usize {
        self.followers.load(Ordering::Acquire)
    }

    /// Something was committed that may be a change.
    pub(super) fn ring(&self) {
        if self.followers() > 0 {
            self.bell.notify_one();
        }
    }

    /// For whoever fills the log: comes back when there may be something to add.
    pub async fn rung(&self) {
        self.bell.notified().await;
    }

    /// Where filling goes on. `now` is behind everything that has been released: there it begins if nobody has followed for a while.
    pub fn resume(&self, now: Position) -> Position {
        if self.lapsed.swap(false, Ordering::AcqRel) {
            self.begin_anew(now);
        }
        self.kept.read().head
    }

    /// Forgets everything. Whoever stands before `now` reads the journal.
    pub fn begin_anew(&self, now: Position) {
        *self.kept.write() = Kept { floor: now, head: now, changes: VecDeque::new() };
        self.tell();
    }

    /// Adds what is between the head and `head`.
    pub fn add(&self, changes: Vec<T>, head: Position) {
        {
            let mut kept = self.kept.write();
            kept.changes.extend(changes.into_iter().map(Arc::new));
            kept.head = head;
            while kept.changes.len() > CHANGES_KEPT_MAX {
                let Some(oldest) = kept.changes.pop_front() else { break };
                kept.floor = oldest.position().next();
            }
        }
        // Also without a change: somebody may wait to have caught up.
        self.tell();
    }

    fn tell(&self) {
        self.grown.send_modify(|times| *times = times.wrapping_add(1));
    }

    /// At most `count` changes from `from` on.
    pub fn take(&self, from: Position, count: usize) -> Taken<T> {
        let kept = self.kept.read();
        if from < kept.floor {
            return Taken::Behind;
        }
        let begin = kept.changes.partition_point(|change| change.position() < from);
        let changes: Vec<Arc<T>> = kept.changes.range(begin..).take(count).cloned().collect();
        let is_all = begin + changes.len() == kept.changes.len();
        let next = match changes.last() {
            Some(_) if is_all => kept.head.max(from),
            Some(last) => last.position().next(),
            None => from.max(kept.head),
        };
        Taken::Changes(changes, next)
    }
}

/// Somebody who follows. While there is one, the log is filled.
#[derive(Debug)]
pub struct Follower<T> {
    log: Arc<Log<T>>,
    grown: watch::Receiver<u64>,
}

impl<T: Placed> Follower<T> {
    fn new(log: Arc<Log<T>>) -> Follower<T> {
        let grown = log.grown.subscribe();
        log.followers.fetch_add(1, Ordering::AcqRel);
        log.bell.notify_one();
        Follower { log, grown }
    }

    /// Takes from the log; what is added after this wakes [`Follower::grown`].
    pub fn take(&mut self, from: Position, count: usize) -> Taken<T> {
        self.grown.borrow_and_update();
        self.log.take(from, count)
    }

    /// Comes back when something was added since the last [`Follower::take`].
    pub async fn grown(&mut self) {
        if self.grown.changed().await.is_err() {
            // The log lives as long as its followers.
            std::future::pending::<()>().await;
        }
    }
}

impl<T> Drop for Follower<T> {
    fn drop(&mut self) {
        if self.log.followers.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.log.lapsed.store(true, Ordering::Release);
        }
    }
}
