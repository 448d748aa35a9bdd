//! The mailbox of one watch: marks, not messages. A twin that changes a thousand times before anybody looks is one mark that says a thousand.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use arc_swap::ArcSwap;
use foldhash::HashMap;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::reading::{Seq, TwinId, TwinNo};
use crate::twin::State;

use super::Feed;

/// Twins that wait in a wide watch. Beyond it the watch is told to look at everything anew.
pub const WIDE_MARKS_MAX: usize = 65_536;

/// The listener's end. Nothing is marked any more once it is dropped.
#[derive(Debug)]
pub struct Watch {
    feed: Arc<Feed>,
    pub(super) inner: Arc<Inner>,
    /// What the index holds for this watch, to take it out again.
    twins: Vec<TwinNo>,
}

/// A twin of a wide watch that has changed.
#[derive(Debug, Clone)]
pub struct Mark {
    pub id: TwinId,
    /// Its newest committed state and the commit that carried it; `None`: it was deleted.
    pub state: Option<(Arc<State>, Seq)>,
    /// How often it was published since it was looked at.
    pub updates: u32,
}

/// What has happened since the last look.
#[derive(Debug, Default)]
pub struct Marks {
    /// Places given to [`Watch::add`], and how often each was published.
    pub places: Vec<(u32, u32)>,
    pub twins: HashMap<TwinNo, Mark>,
    /// Twins have come or gone, or edges have: what was found by id or over edges is to be found anew.
    pub structure: bool,
    /// More twins changed than are kept apart.
    pub overflowed: bool,
    /// Somebody asked for a new beginning.
    pub resync: bool,
}

impl Marks {
    pub fn is_empty(&self) -> bool {
        self.places.is_empty() && self.twins.is_empty() && !self.structure && !self.overflowed && !self.resync
    }
}

#[derive(Debug, Default)]
pub(super) struct Inner {
    waiting: Mutex<Waiting>,
    /// For each place, how often its twin was published since the last look. Only the first of them takes the lock.
    hits: ArcSwap<Vec<AtomicU32>>,
    /// Whether changes of the structure are wanted.
    wants_structure: AtomicBool,
    bell: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    places: Vec<u32>,
    rest: Marks,
}

impl Watch {
    pub(super) fn new(feed: Arc<Feed>) -> Watch {
        Watch { feed, inner: Arc::default(), twins: Vec::new() }
    }

    /// Watches these twins and no others. The place of a twin is where it stands in the list; `None` keeps a place free.
    ///
    /// To be called before the twins are looked at, so that no change is missed in between.
    pub fn set(&mut self, twins: &[Option<TwinNo>]) {
        self.feed.remove_twins(&self.inner, &std::mem::take(&mut self.twins));
        self.inner.hits.store(Arc::new(twins.iter().map(|_| AtomicU32::new(0)).collect()));
        self.inner.waiting.lock().places.clear();
        let placed: Vec<(u32, TwinNo)> = (0..).zip(twins).filter_map(|(place, twin)| Some((place, (*twin)?))).collect();
        self.twins = placed.iter().map(|(_, twin)| *twin).collect();
        self.feed.add_twins(&self.inner, &placed);
    }

    /// Whether to be told that twins come or go and that edges do.
    pub fn want_structure(&self, wanted: bool) {
        self.inner.wants_structure.store(wanted, Ordering::Release);
    }

    /// Takes what has happened since the last time. Whoever looks at a twin after this sees at least the state that the mark stands for.
    pub fn take(&self) -> Marks {
        let (places, mut marks) = {
            let mut waiting = self.inner.waiting.lock();
            (std::mem::take(&mut waiting.places), std::mem::take(&mut waiting.rest))
        };
        let hits = self.inner.hits.load();
        let count = |place: u32| hits.get(place as usize).map(|hits| (place, hits.swap(0, Ordering::AcqRel)));
        marks.places = places.into_iter().filter_map(count).collect();
        marks
    }

    /// Comes back when there may be something to take.
    pub async fn changed(&self) {
        self.inner.bell.notified().await;
    }

    /// To wake the listener from elsewhere.
    pub fn nudge(&self) -> Nudge {
        Nudge(self.inner.clone())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.feed.remove_twins(&self.inner, &self.twins);
        self.feed.remove(&self.inner);
    }
}

/// Lets somebody else ask the listener to begin anew.
#[derive(Debug, Clone)]
pub struct Nudge(Arc<Inner>);

impl Nudge {
    pub fn resync(&self) {
        self.0.waiting.lock().rest.resync = true;
        self.0.bell.notify_one();
    }
}

impl Inner {
    /// A watched twin was published. Whether its listener is to be woken.
    pub(super) fn hit(&self, place: u32) -> bool {
        let hits = self.hits.load();
        let Some(count) = hits.get(place as usize) else { return false };
        if count.fetch_add(1, Ordering::AcqRel) != 0 {
            return false;
        }
        let mut waiting = self.waiting.lock();
        // A list that was replaced just now is not to be written to; whoever replaced it looks at everything anyway.
        if !Arc::ptr_eq(&hits, &self.hits.load()) {
            return false;
        }
        waiting.places.push(place);
        waiting.places.len() == 1
    }

    /// A twin of a wide watch was published, or deleted.
    pub(super) fn mark(&self, twin: TwinNo, id: &TwinId, state: Option<(&Arc<State>, Seq)>) -> bool {
        let mut waiting = self.waiting.lock();
        let marks = &mut waiting.rest;
        if marks.overflowed {
            return false;
        }
        let was_empty = marks.twins.is_empty();
        if marks.twins.len() >= WIDE_MARKS_MAX && !marks.twins.contains_key(&twin) {
            marks.overflowed = true;
            marks.twins = HashMap::default();
            return true;
        }
        let mark = marks.twins.entry(twin).or_insert_with(|| Mark { id: id.clone(), state: None, updates: 0 });
        mark.state = state.map(|(state, seq)| (state.clone(), seq));
        mark.updates = mark.updates.saturating_add(1);
        was_empty
    }

    pub(super) fn structure(&self, is_certain: bool) -> bool {
        if !is_certain && !self.wants_structure.load(Ordering::Acquire) {
            return false;
        }
        !std::mem::replace(&mut self.waiting.lock().rest.structure, true)
    }

    pub(super) fn wake(&self) {
        self.bell.notify_one();
    }
}
