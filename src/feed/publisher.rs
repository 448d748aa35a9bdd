//! The gate's end of the feed: marks the watches of what is being released, and wakes their listeners once all of it can be read.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use foldhash::HashMap;
use parking_lot::RwLockReadGuard;

use crate::reading::Seq;
use crate::twin::State;

use super::Feed;
use super::index::Index;
use super::watch::Inner;

/// Layouts whose wide watches are remembered: more are found out again and again.
const LAYOUTS_MAX: usize = 4096;

/// There is one, and the gate's thread has it.
#[derive(Debug)]
pub struct Publisher {
    feed: Arc<Feed>,
    /// By the fingerprint of a layout, the wide watches of its type.
    wide: HashMap<u64, Vec<Arc<Inner>>>,
    wide_epoch: u64,
    /// Whose listeners are to be woken; kept for its room.
    woken: Vec<Arc<Inner>>,
    /// Something that followers of the log may want to know of was released.
    has_change: bool,
}

/// One group of commits being released, while somebody watches.
#[derive(Debug)]
pub struct Round<'a> {
    index: RwLockReadGuard<'a, Index>,
    wide: &'a mut HashMap<u64, Vec<Arc<Inner>>>,
    woken: &'a mut Vec<Arc<Inner>>,
}

impl Publisher {
    pub fn new(feed: Arc<Feed>) -> Publisher {
        Publisher { feed, wide: HashMap::default(), wide_epoch: 0, woken: Vec::new(), has_change: false }
    }

    /// `None` while nobody watches.
    pub fn round(&mut self) -> Option<Round<'_>> {
        if self.feed.count.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let index = self.feed.index.read();
        if self.wide_epoch != index.wide_epoch || self.wide.len() > LAYOUTS_MAX {
            self.wide_epoch = index.wide_epoch;
            self.wide.clear();
        }
        Some(Round { index, wide: &mut self.wide, woken: &mut self.woken })
    }

    /// An entry is released that says more than readings.
    pub fn note_change(&mut self) {
        self.has_change = true;
    }

    /// After readers can see all of the group.
    pub fn wake(&mut self) {
        self.woken.drain(..).for_each(|inner| inner.wake());
        if std::mem::take(&mut self.has_change) {
            self.feed.log.ring();
            self.feed.happenings.ring();
        }
    }
}

impl Round<'_> {
    /// A twin has a new committed state, which readers see already.
    pub fn changed(&mut self, state: &Arc<State>, seq: Seq) {
        for place in self.index.of_twin(state.no) {
            if place.inner.hit(place.place) {
                self.woken.push(place.inner.clone());
            }
        }
        let index = &self.index;
        let wide = self.wide.entry(state.layout.fingerprint).or_insert_with(|| index.wide_of(state));
        for inner in wide.iter() {
            if inner.mark(state.no, &state.id, Some((state, seq))) {
                self.woken.push(inner.clone());
            }
        }
    }

    /// A twin is there that was not.
    pub fn created(&mut self, state: &Arc<State>, seq: Seq) {
        self.changed(state, seq);
        self.structure();
    }

    /// A twin is not there any more.
    pub fn removed(&mut self, state: &Arc<State>) {
        for place in self.index.of_twin(state.no) {
            if place.inner.structure(true) {
                self.woken.push(place.inner.clone());
            }
        }
        for inner in self.index.wide_of(state) {
            if inner.mark(state.no, &state.id, None) {
                self.woken.push(inner);
            }
        }
        self.structure();
    }

    /// Edges have begun or ended.
    pub fn structure(&mut self) {
        let interested = self.index.all().iter().filter(|inner| inner.structure(false)).cloned();
        self.woken.extend(interested);
    }
}
