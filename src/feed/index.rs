//! Who watches what: from a twin's number, and from its type, to the watches that are to be marked.

use std::sync::Arc;

use foldhash::HashMap;

use crate::reading::TwinNo;
use crate::twin::State;

use super::Types;
use super::watch::Inner;

#[derive(Debug, Default)]
pub(super) struct Index {
    by_twin: HashMap<TwinNo, Vec<Place>>,
    wide: Vec<(Arc<Inner>, Types)>,
    /// All watches: changes of the structure may concern any of them.
    all: Vec<Arc<Inner>>,
    /// Changes with `wide`, so that the publisher knows when what it remembers of it is old.
    pub(super) wide_epoch: u64,
}

/// A twin as one watch knows it.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) inner: Arc<Inner>,
    pub(super) place: u32,
}

impl Index {
    pub(super) fn add(&mut self, inner: &Arc<Inner>) {
        self.all.push(inner.clone());
    }

    pub(super) fn add_wide(&mut self, inner: &Arc<Inner>, types: Types) {
        self.wide.push((inner.clone(), types));
        self.wide_epoch += 1;
    }

    pub(super) fn add_twin(&mut self, inner: &Arc<Inner>, place: u32, twin: TwinNo) {
        self.by_twin.entry(twin).or_default().push(Place { inner: inner.clone(), place });
    }

    pub(super) fn remove_twin(&mut self, inner: &Arc<Inner>, twin: TwinNo) {
        let Some(places) = self.by_twin.get_mut(&twin) else { return };
        places.retain(|place| !Arc::ptr_eq(&place.inner, inner));
        if places.is_empty() {
            self.by_twin.remove(&twin);
        }
    }

    pub(super) fn remove(&mut self, inner: &Arc<Inner>) {
        self.all.retain(|other| !Arc::ptr_eq(other, inner));
        let before = self.wide.len();
        self.wide.retain(|(other, _)| !Arc::ptr_eq(other, inner));
        if self.wide.len() != before {
            self.wide_epoch += 1;
        }
    }

    pub(super) fn of_twin(&self, twin: TwinNo) -> &[Place] {
        self.by_twin.get(&twin).map_or(&[], Vec::as_slice)
    }

    pub(super) fn all(&self) -> &[Arc<Inner>] {
        &self.all
    }

    /// The wide watches of the type of `state`, found out anew.
    pub(super) fn wide_of(&self, state: &State) -> Vec<Arc<Inner>> {
        let wants = |types: &Types| match types {
            Types::All => true,
            Types::Named(names) => names.iter().any(|name| state.layout.is_a(name)),
        };
        self.wide.iter().filter(|(_, types)| wants(types)).map(|(inner, _)| inner.clone()).collect()
    }
}
