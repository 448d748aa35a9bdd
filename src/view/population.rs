//! The classes of all twins, and the bound on what their columns take.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use foldhash::HashMap;
use parking_lot::{Mutex, RwLock};

use crate::catalog::Layout;

use super::Cell;
use super::class::{Class, Place};
use super::column::Column;

/// What all columns may take; beyond it the ones that were asked for longest ago go.
pub const COLUMN_BYTES_MAX: usize = 256 << 20;

#[derive(Debug)]
pub(super) struct Population {
    classes: ArcSwap<Vec<Arc<Class>>>,
    /// By the fingerprints of their layouts; types that are laid out alike share one.
    by_fingerprint: RwLock<HashMap<u64, Vec<Arc<Class>>>>,
    changing: Mutex<()>,
    column_bytes_max: usize,
    turn: AtomicU64,
}

impl Default for Population {
    fn default() -> Population {
        Population::new(COLUMN_BYTES_MAX)
    }
}

impl Population {
    pub(super) fn new(column_bytes_max: usize) -> Population {
        Population {
            classes: ArcSwap::default(),
            by_fingerprint: RwLock::default(),
            changing: Mutex::new(()),
            column_bytes_max,
            turn: AtomicU64::new(0),
        }
    }

    pub(super) fn classes(&self) -> Arc<Vec<Arc<Class>>> {
        self.classes.load_full()
    }

    /// A row for a twin among those of its layout.
    pub(super) fn take_in(population: &Arc<Population>, cell: &Arc<Cell>) -> Place {
        let state = cell.state();
        let known = || population.by_fingerprint.read().get(&state.layout.fingerprint)?.iter().find(|class| class.holds(&state)).cloned();
        let class = known().unwrap_or_else(|| {
            let _one_at_a_time = population.changing.lock();
            known().unwrap_or_else(|| population.found(&state.layout.0, population))
        });
        let row = class.take_in(cell);
        Place { class, row }
    }

    fn found(&self, layout: &Arc<Layout>, this: &Arc<Population>) -> Arc<Class> {
        let class = Arc::new(Class::new(layout.clone(), Arc::downgrade(this)));
        self.by_fingerprint.write().entry(layout.fingerprint).or_default().push(class.clone());
        let more = self.classes.load().iter().chain([&class]).cloned().collect();
        self.classes.store(Arc::new(more));
        class
    }

    pub(super) fn column_bytes(&self) -> usize {
        self.classes.load().iter().flat_map(|class| class.columns().to_vec()).map(|column| column.bytes()).sum()
    }

    /// Notes that a column was asked for, and lets go of others until there is room for all.
    pub(super) fn was_used(&self, column: &Arc<Column>) {
        let is_new = column.used.swap(self.turn.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed) == 0;
        if !is_new {
            return;
        }
        let _one_at_a_time = self.changing.lock();
        while self.column_bytes() > self.column_bytes_max {
            let classes = self.classes.load();
            let all =
                classes.iter().flat_map(|class| class.columns().iter().map(|column| (class.clone(), column.clone())).collect::<Vec<_>>());
            let others = all.filter(|(_, other)| !Arc::ptr_eq(other, column) && other.is_whole.load(Ordering::Acquire));
            let Some((class, oldest)) = others.min_by_key(|(_, other)| other.used.load(Ordering::Relaxed)) else { return };
            class.drop_column(&oldest);
        }
    }
}
