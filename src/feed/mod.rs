//! The change feed: who is told that something was committed, and of what.
//!
//! Two kinds of listeners, because they want opposite things:
//! - A [`Watch`] wants the newest state of the twins it has selected and may miss what lies between. The gate leaves marks for it, one per twin
//!   however often the twin changes, so its memory is bounded by what it selected and never by how much happens.
//! - A follower of a [`Log`] wants everything once and in order, and keeps a [`Position`]: changes of twins, or what happens to alarms and events
//!   of types. The latest are in memory; what is older is read from the journal (`runtime::changes`).
//!
//! The gate's thread is the only one that publishes. While nobody watches this costs one load for each group of commits.

mod change;
mod facts;
mod happening;
mod index;
mod log;
mod memory;
mod publisher;
mod recorded;
#[cfg(test)]
mod tests;
mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::RwLock;

use crate::reading::TwinNo;

use index::Index;

pub use change::{Change, ChangeKind, Placed, Position};
pub use facts::{Names, changes_of};
pub use happening::{Happening, Occurred, happenings_of};
pub use log::{CHANGES_KEPT_MAX, ChangeLog, Follower, Log, Taken};
pub use memory::{After, OCCURRENCES_MAX, Occurrences};
pub use publisher::{Publisher, Round};
pub use recorded::Recorded;
pub use watch::{Mark, Marks, Nudge, WIDE_MARKS_MAX, Watch};

/// Twins that are added to the index under one lock: the gate's thread never waits for a long selection.
const ADDED_AT_ONCE: usize = 256;

/// Which twins a wide watch is told of.
#[derive(Debug, Clone)]
pub enum Types {
    All,
    /// Twins of these types and of what extends them.
    Named(Box<[Arc<str>]>),
}

/// What the gate and its listeners share.
#[derive(Debug, Default)]
pub struct Feed {
    index: RwLock<Index>,
    /// The number of watches, readable without the lock.
    count: AtomicUsize,
    pub log: Arc<ChangeLog>,
    /// The same of alarms, and of events of types.
    pub happenings: Arc<Log<Happening>>,
}

impl Feed {
    /// A watch of single twins: those it is given with [`Watch::add`].
    pub fn watch(self: &Arc<Feed>) -> Watch {
        let watch = Watch::new(self.clone());
        self.index.write().add(&watch.inner);
        self.count.fetch_add(1, Ordering::Release);
        watch
    }

    /// A watch of all twins of some types, whether they are there yet or not.
    pub fn watch_types(self: &Arc<Feed>, types: Types) -> Watch {
        let watch = self.watch();
        self.index.write().add_wide(&watch.inner, types);
        watch
    }

    /// How many watches there are.
    pub fn watches(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    fn add_twins(&self, inner: &Arc<watch::Inner>, twins: &[(u32, TwinNo)]) {
        for chunk in twins.chunks(ADDED_AT_ONCE) {
            let mut index = self.index.write();
            chunk.iter().for_each(|(place, twin)| index.add_twin(inner, *place, *twin));
        }
    }

    fn remove_twins(&self, inner: &Arc<watch::Inner>, twins: &[TwinNo]) {
        for chunk in twins.chunks(ADDED_AT_ONCE) {
            let mut index = self.index.write();
            chunk.iter().for_each(|twin| index.remove_twin(inner, *twin));
        }
    }

    fn remove(&self, inner: &Arc<watch::Inner>) {
        self.index.write().remove(inner);
        self.count.fetch_sub(1, Ordering::Release);
    }
}
