//! What can be followed: it is read out of entries of the journal, and its latest are kept in a log.

use std::sync::Arc;

use crate::reading::Seq;
use crate::twin::Entry;

use super::change::{Change, Placed};
use super::facts::{Names, changes_of};
use super::happening::{Happening, happenings_of};
use super::memory::Occurrences;
use super::{Feed, Log};

pub trait Recorded: Placed + std::fmt::Debug + Send + Sync + Sized + 'static {
    /// What a reader remembers from entry to entry.
    type Memory: Default + std::fmt::Debug + Send + 'static;

    fn log(feed: &Feed) -> &Arc<Log<Self>>;

    /// What an entry says of it, in order.
    fn of(seq: Seq, entry: &Entry, names: &dyn Names, memory: &mut Self::Memory) -> Vec<Self>;
}

impl Recorded for Change {
    type Memory = ();

    fn log(feed: &Feed) -> &Arc<Log<Change>> {
        &feed.log
    }

    fn of(seq: Seq, entry: &Entry, names: &dyn Names, (): &mut ()) -> Vec<Change> {
        changes_of(seq, entry, names)
    }
}

impl Recorded for Happening {
    type Memory = Occurrences;

    fn log(feed: &Feed) -> &Arc<Log<Happening>> {
        &feed.happenings
    }

    fn of(seq: Seq, entry: &Entry, names: &dyn Names, known: &mut Occurrences) -> Vec<Happening> {
        happenings_of(seq, entry, names, known)
    }
}
