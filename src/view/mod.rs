//! The read view: the committed state of every twin. The gate's release swaps it in; readers load it and wait for nobody.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use parking_lot::RwLock;

use crate::reading::{Seq, TwinId};
use crate::twin::State;

/// What readers see of one twin.
#[derive(Debug)]
pub struct Cell {
    state: ArcSwap<State>,
    /// The commit that carried its latest change.
    seq: AtomicU64,
}

impl Cell {
    pub fn new(state: Arc<State>, seq: Seq) -> Cell {
        Cell { state: ArcSwap::new(state), seq: AtomicU64::new(seq.0) }
    }

    pub fn state(&self) -> Arc<State> {
        self.state.load_full()
    }

    pub fn seq(&self) -> Seq {
        Seq(self.seq.load(Ordering::Acquire))
    }

    /// Only the release of the gate calls this.
    pub fn publish(&self, state: Arc<State>, seq: Seq) {
        self.state.store(state);
        self.seq.store(seq.0, Ordering::Release);
    }
}

/// All committed twins, by id.
#[derive(Debug, Default)]
pub struct View {
    cells: RwLock<BTreeMap<TwinId, Arc<Cell>>>,
    seq: AtomicU64,
}

impl View {
    pub fn insert(&self, id: TwinId, cell: Arc<Cell>) {
        self.cells.write().insert(id, cell);
    }

    /// The twin is no more. One that has got its id since stays.
    pub fn remove(&self, id: &TwinId, cell: &Arc<Cell>) {
        let mut cells = self.cells.write();
        if cells.get(id.as_str()).is_some_and(|known| Arc::ptr_eq(known, cell)) {
            cells.remove(id.as_str());
        }
    }

    pub fn twin(&self, id: &str) -> Option<Arc<Cell>> {
        self.cells.read().get(id).cloned()
    }

    pub fn count(&self) -> usize {
        self.cells.read().len()
    }

    /// Up to `limit` twins in order of their ids, beginning behind `after`.
    pub fn page(&self, after: Option<&str>, limit: usize) -> Vec<Arc<Cell>> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.cells.read().range::<str, _>((from, Bound::Unbounded)).take(limit).map(|(_, cell)| cell.clone()).collect()
    }

    /// Everything up to here is visible.
    pub fn seq(&self) -> Seq {
        Seq(self.seq.load(Ordering::Acquire))
    }

    pub fn advance(&self, seq: Seq) {
        self.seq.fetch_max(seq.0, Ordering::AcqRel);
    }
}
