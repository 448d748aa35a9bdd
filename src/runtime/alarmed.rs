//! The twins of which some rule has something to say: so that lists of alarms do not look through a million twins that are well.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::RwLock;

use crate::reading::TwinNo;
use crate::twin::State;
use crate::view::Cell;

use super::resident::Resident;

#[derive(Debug, Default)]
pub(super) struct Alarmed(RwLock<BTreeMap<TwinNo, Arc<Cell>>>);

impl Alarmed {
    /// After a commit: this is what readers see of the twin now.
    pub(super) fn note(&self, resident: &Resident, state: &State) {
        let speaks = !state.watches.is_empty();
        if resident.alarmed.swap(speaks, Ordering::AcqRel) != speaks {
            let mut cells = self.0.write();
            if speaks {
                cells.insert(resident.no, resident.cell.clone());
            } else {
                cells.remove(&resident.no);
            }
        }
    }

    pub(super) fn forget(&self, no: TwinNo) {
        self.0.write().remove(&no);
    }

    /// In the order of their numbers.
    pub(super) fn cells(&self) -> Vec<Arc<Cell>> {
        self.0.read().values().cloned().collect()
    }
}
