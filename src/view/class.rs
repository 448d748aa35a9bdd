//! All twins of one layout in numbered rows, and the columns that someone has asked for.
//!
//! Each row has a tag: a count that is odd while the row is being written. A reader takes the tag, reads what it wants from as many columns as it
//! wants, and looks at the tag again: if it is the same, all of it was one state of the twin. Nobody waits for a reader, and a reader waits only
//! for the nanoseconds of a write.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Weak};

use arc_swap::{ArcSwap, ArcSwapOption};
use parking_lot::{Mutex, RwLock};

use crate::catalog::Layout;
use crate::reading::TwinId;
use crate::twin::State;

use super::Cell;
use super::column::{Chunk, Column, ColumnKey, ROWS, Word};
use super::population::Population;

/// The row is being written.
const BUSY: u64 = 1;
/// A twin is in the row.
const LIVE: u64 = 2;
/// One write.
const STEP: u64 = 4;

/// Where a twin stands.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) class: Arc<Class>,
    pub(super) row: u32,
}

impl Place {
    /// The twin's layout has changed, or it has become a twin of another type.
    pub(super) fn move_to_its_class(&mut self, cell: &Arc<Cell>) {
        let Some(population) = self.class.population.upgrade() else { return };
        let next = Population::take_in(&population, cell);
        self.class.give_up(self.row, cell.peek().id.as_str());
        *self = next;
    }
}

/// A row: of which class, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Row(pub u32);

#[derive(Debug)]
pub struct Class {
    pub layout: Arc<Layout>,
    population: Weak<Population>,
    rows: ArcSwap<Vec<Arc<RowChunk>>>,
    columns: ArcSwap<Vec<Arc<Column>>>,
    is_watched: AtomicBool,
    /// One column is made at a time.
    making: Mutex<()>,
    ids: RwLock<BTreeMap<TwinId, u32>>,
    register: Mutex<Register>,
    count: AtomicUsize,
}

#[derive(Debug, Default)]
struct Register {
    next: u32,
    free: Vec<u32>,
}

#[derive(Debug)]
struct RowChunk {
    tags: Box<[AtomicU64]>,
    cells: Box<[ArcSwapOption<Cell>]>,
}

impl RowChunk {
    fn new() -> RowChunk {
        RowChunk { tags: (0..ROWS).map(|_| AtomicU64::new(0)).collect(), cells: (0..ROWS).map(|_| ArcSwapOption::const_empty()).collect() }
    }
}

/// The entries of one row, in the order in which the columns were named.
#[derive(Debug)]
pub struct Words<'a> {
    chunks: &'a [Arc<Chunk>],
    at: usize,
}

impl Words<'_> {
    pub fn get(&self, column: usize) -> Word {
        self.chunks[column].get(self.at)
    }
}

impl Class {
    pub(super) fn new(layout: Arc<Layout>, population: Weak<Population>) -> Class {
        Class {
            layout,
            population,
            rows: ArcSwap::default(),
            columns: ArcSwap::default(),
            is_watched: AtomicBool::new(false),
            making: Mutex::new(()),
            ids: RwLock::default(),
            register: Mutex::default(),
            count: AtomicUsize::new(0),
        }
    }

    /// Whether a twin in this state belongs here.
    pub(super) fn holds(&self, state: &State) -> bool {
        Arc::ptr_eq(&self.layout, &state.layout) || self.is_like(&state.layout)
    }

    pub(super) fn is_like(&self, layout: &Layout) -> bool {
        self.layout.fingerprint == layout.fingerprint && self.layout.name == layout.name
    }

    pub fn count(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// Some column is kept.
    pub(super) fn is_watched(&self) -> bool {
        self.is_watched.load(Ordering::Acquire)
    }

    pub(super) fn take_in(&self, cell: &Arc<Cell>) -> u32 {
        let row = {
            let mut register = self.register.lock();
            register.free.pop().unwrap_or_else(|| {
                register.next += 1;
                register.next - 1
            })
        };
        let (chunk, at) = (row as usize / ROWS, row as usize % ROWS);
        if self.rows.load().len() <= chunk {
            self.rows.rcu(|rows| {
                let mut longer = Vec::clone(rows);
                longer.resize_with((chunk + 1).max(rows.len()), || Arc::new(RowChunk::new()));
                longer
            });
        }
        let rows = self.rows.load();
        let rows = &rows[chunk];
        rows.cells[at].store(Some(cell.clone()));
        let state = cell.state();
        self.write(rows, at, LIVE, row, &state);
        self.ids.write().insert(state.id.clone(), row);
        self.count.fetch_add(1, Ordering::AcqRel);
        row
    }

    pub(super) fn give_up(&self, row: u32, id: &str) {
        let (chunk, at) = (row as usize / ROWS, row as usize % ROWS);
        if let Some(rows) = self.rows.load().get(chunk) {
            let tag = rows.tags[at].load(Ordering::Relaxed);
            rows.tags[at].store((tag & !(LIVE | BUSY)).wrapping_add(STEP), Ordering::Release);
            rows.cells[at].store(None);
        }
        {
            let mut ids = self.ids.write();
            if ids.get(id) == Some(&row) {
                ids.remove(id);
            }
        }
        self.count.fetch_sub(1, Ordering::AcqRel);
        self.register.lock().free.push(row);
    }

    /// A twin has a new state: the columns follow.
    pub(super) fn follow(&self, row: u32, state: &State) {
        if let Some(rows) = self.rows.load().get(row as usize / ROWS) {
            self.write(rows, row as usize % ROWS, LIVE, row, state);
        }
    }

    fn write(&self, rows: &RowChunk, at: usize, live: u64, row: u32, state: &State) {
        let tag = &rows.tags[at];
        let count = tag.load(Ordering::Relaxed) & !(BUSY | LIVE);
        tag.store(count | live | BUSY, Ordering::Relaxed);
        fence(Ordering::Release);
        for column in self.columns.load().iter() {
            column.write(row, state);
        }
        tag.store(count.wrapping_add(STEP) | live, Ordering::Release);
    }

    /// The column of that key, made if it is not there yet.
    pub fn column(&self, key: ColumnKey) -> Option<Arc<Column>> {
        let population = self.population.upgrade()?;
        let known = || self.columns.load().iter().find(|column| column.key == key).cloned();
        let is_whole = |column: &Arc<Column>| column.is_whole.load(Ordering::Acquire);
        let column = match known().filter(is_whole) {
            Some(column) => column,
            None => {
                let _one_at_a_time = self.making.lock();
                match known().filter(is_whole) {
                    Some(column) => column,
                    None => self.make(key),
                }
            }
        };
        population.was_used(&column);
        Some(column)
    }

    fn make(&self, key: ColumnKey) -> Arc<Column> {
        let column = Arc::new(Column::new(key));
        self.columns.rcu(|columns| {
            let mut more = Vec::clone(columns);
            more.retain(|other| other.key != key);
            more.push(column.clone());
            more
        });
        self.is_watched.store(true, Ordering::Release);
        let rows = self.rows.load_full();
        for (row, cell) in (0_u32..).zip(rows.iter().flat_map(|chunk| chunk.cells.iter())) {
            let Some(cell) = cell.load_full() else { continue };
            // While this lock is held nothing is published of the twin: what was published before is in its state, and what comes after finds
            // the column.
            let place = cell.place.lock();
            if place.as_ref().is_some_and(|place| place.row == row && std::ptr::eq(&*place.class, self)) {
                column.write(row, &cell.state.load());
            }
        }
        column.is_whole.store(true, Ordering::Release);
        column
    }

    pub(super) fn drop_column(&self, column: &Arc<Column>) {
        self.columns.rcu(|columns| {
            let mut fewer = Vec::clone(columns);
            fewer.retain(|other| !Arc::ptr_eq(other, column));
            fewer
        });
        let _one_at_a_time = self.making.lock();
        self.is_watched.store(!self.columns.load().is_empty(), Ordering::Release);
    }

    pub(super) fn columns(&self) -> Arc<Vec<Arc<Column>>> {
        self.columns.load_full()
    }

    /// Looks at every row with the given columns. `look` may be called again for a row that changes meanwhile; what it answers last counts.
    pub fn scan<R>(&self, columns: &[Arc<Column>], mut look: impl FnMut(&Words<'_>) -> R, mut take: impl FnMut(Row, R)) {
        let rows = self.rows.load_full();
        let lists: Vec<_> = columns.iter().map(|column| column.chunks()).collect();
        let mut chunks: Vec<Arc<Chunk>> = Vec::with_capacity(columns.len());
        for (number, tags) in rows.iter().enumerate() {
            chunks.clear();
            // A chunk that a column lacks has come after the column was asked for: so have its twins.
            chunks.extend(lists.iter().filter_map(|list| list.get(number).cloned()));
            if chunks.len() < lists.len() {
                break;
            }
            for (at, tag) in tags.tags.iter().enumerate() {
                let words = Words { chunks: &chunks, at };
                if let Some(answer) = settled(tag, || look(&words)) {
                    take(Row(u32::try_from(number * ROWS + at).unwrap_or(u32::MAX)), answer);
                }
            }
        }
    }

    pub fn cell(&self, row: Row) -> Option<Arc<Cell>> {
        self.rows.load().get(row.0 as usize / ROWS)?.cells[row.0 as usize % ROWS].load_full()
    }

    /// Up to `limit` twins behind `after`, in the order of their ids.
    pub fn by_id(&self, after: Option<&str>, limit: usize) -> Vec<(TwinId, Row)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.ids.read().range::<str, _>((from, Bound::Unbounded)).take(limit).map(|(id, row)| (id.clone(), Row(*row))).collect()
    }
}

/// What `look` answers of one state of the row; `None` if there is no twin in it.
fn settled<R>(tag: &AtomicU64, mut look: impl FnMut() -> R) -> Option<R> {
    loop {
        let before = tag.load(Ordering::Acquire);
        if before & BUSY == 0 {
            if before & LIVE == 0 {
                return None;
            }
            let answer = look();
            fence(Ordering::Acquire);
            if tag.load(Ordering::Relaxed) == before {
                return Some(answer);
            }
        }
        std::hint::spin_loop();
    }
}
