//! The read view: the committed state of every twin. The gate's release swaps it in; readers load it and wait for nobody.
//!
//! Beside the states stand *columns*: the values of one slot of all twins of a type, side by side, so that a filter or an order over 100,000 twins
//! reads a few megabytes in a row and not a hundred thousand scattered states. A column is made when it is first asked for and kept up to date by
//! the release from then on; what nobody filters or sorts by costs nothing.

mod class;
mod column;
mod population;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwap, Guard};
use parking_lot::{Mutex, RwLock};

use crate::reading::{Seq, TwinId, TwinNo};
use crate::twin::State;

pub use class::{Class, Row, Words};
pub use column::{Column, ColumnKey, Word, prefix};
pub use population::COLUMN_BYTES_MAX;

use class::Place;
use population::Population;

/// What readers see of one twin.
#[derive(Debug)]
pub struct Cell {
    state: ArcSwap<State>,
    /// The commit that carried its latest change.
    seq: AtomicU64,
    /// Its row among the twins of its type, once it is in the view. The lock is held by the release, and for a moment by who makes a column;
    /// readers never take it.
    place: Mutex<Option<Place>>,
}

impl Cell {
    pub fn new(state: Arc<State>, seq: Seq) -> Cell {
        Cell { state: ArcSwap::new(state), seq: AtomicU64::new(seq.0), place: Mutex::new(None) }
    }

    pub fn state(&self) -> Arc<State> {
        self.state.load_full()
    }

    /// For a look: to be let go of soon.
    pub fn peek(&self) -> Guard<Arc<State>> {
        self.state.load()
    }

    pub fn seq(&self) -> Seq {
        Seq(self.seq.load(Ordering::Acquire))
    }

    /// Only the release of the gate calls this.
    pub fn publish(self: &Arc<Cell>, state: Arc<State>, seq: Seq) {
        let mut place = self.place.lock();
        let stays = place.as_ref().is_none_or(|place| place.class.holds(&state));
        self.state.store(state);
        self.seq.store(seq.0, Ordering::Release);
        match &mut *place {
            Some(place) if !stays => place.move_to_its_class(self),
            Some(place) if place.class.is_watched() => place.class.follow(place.row, &self.state.load()),
            Some(_) | None => {}
        }
    }
}

/// All committed twins, by id and by type.
#[derive(Debug, Default)]
pub struct View {
    cells: RwLock<BTreeMap<TwinId, Arc<Cell>>>,
    /// Place 0 is nobody.
    by_no: RwLock<Vec<Option<Arc<Cell>>>>,
    population: Arc<Population>,
    seq: AtomicU64,
}

impl View {
    /// With another bound on the memory of all columns than [`COLUMN_BYTES_MAX`].
    pub fn with_column_bytes_max(column_bytes_max: usize) -> View {
        View { population: Arc::new(Population::new(column_bytes_max)), ..View::default() }
    }

    pub fn insert(&self, id: TwinId, cell: Arc<Cell>) {
        let no = cell.peek().no.0 as usize;
        {
            let mut by_no = self.by_no.write();
            if by_no.len() <= no {
                by_no.resize(no + 1, None);
            }
            by_no[no] = Some(cell.clone());
        }
        {
            let mut place = cell.place.lock();
            if place.is_none() {
                *place = Some(Population::take_in(&self.population, &cell));
            }
        }
        self.cells.write().insert(id, cell);
    }

    /// The twin is no more. One that has got its id since stays.
    pub fn remove(&self, cell: &Arc<Cell>) {
        let (id, no) = (cell.peek().id.clone(), cell.peek().no.0 as usize);
        let mut cells = self.cells.write();
        if cells.get(id.as_str()).is_some_and(|known| Arc::ptr_eq(known, cell)) {
            cells.remove(id.as_str());
        }
        drop(cells);
        if let Some(place) = cell.place.lock().take() {
            place.class.give_up(place.row, id.as_str());
        }
        if let Some(entry) = self.by_no.write().get_mut(no) {
            *entry = None;
        }
    }

    pub fn twin(&self, id: &str) -> Option<Arc<Cell>> {
        self.cells.read().get(id).cloned()
    }

    pub fn twin_no(&self, no: TwinNo) -> Option<Arc<Cell>> {
        self.by_no.read().get(no.0 as usize).cloned().flatten()
    }

    /// One more than the largest number of a twin.
    pub fn numbers(&self) -> usize {
        self.by_no.read().len()
    }

    pub fn count(&self) -> usize {
        self.cells.read().len()
    }

    /// Up to `limit` twins in order of their ids, beginning behind `after`.
    pub fn page(&self, after: Option<&str>, limit: usize) -> Vec<Arc<Cell>> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.cells.read().range::<str, _>((from, Bound::Unbounded)).take(limit).map(|(_, cell)| cell.clone()).collect()
    }

    /// The twins by their layouts: one class for each that some twin has, or has had.
    pub fn classes(&self) -> Arc<Vec<Arc<Class>>> {
        self.population.classes()
    }

    /// What all columns take, in bytes.
    pub fn column_bytes(&self) -> usize {
        self.population.column_bytes()
    }

    /// Everything up to here is visible.
    pub fn seq(&self) -> Seq {
        Seq(self.seq.load(Ordering::Acquire))
    }

    pub fn advance(&self, seq: Seq) {
        self.seq.fetch_max(seq.0, Ordering::AcqRel);
    }
}
