//! The twins that have alarms, and those that had some: so that lists of alarms do not look through a million twins that are well.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;

use crate::reading::TwinNo;
use crate::twin::State;
use crate::view::Cell;

use super::resident::Resident;

#[derive(Debug, Default)]
pub(super) struct Alarmed {
    /// With an open alarm.
    open: Cells,
    /// With alarms that are closed and not forgotten.
    closed: Cells,
}

#[derive(Debug, Default)]
struct Cells(RwLock<BTreeMap<TwinNo, Arc<Cell>>>);

impl Alarmed {
    /// After a commit: this is what readers see of the twin now.
    pub(super) fn note(&self, resident: &Resident, state: &State) {
        let is_open = state.watches.iter().any(|(_, watch)| watch.alarm.open.is_some());
        self.open.note(resident, &resident.alarmed, is_open);
        self.closed.note(resident, &resident.once_alarmed, !state.closed.is_empty());
    }

    pub(super) fn forget(&self, no: TwinNo) {
        self.open.0.write().remove(&no);
        self.closed.0.write().remove(&no);
    }

    /// Those with an open alarm, in the order of their numbers.
    pub(super) fn open(&self) -> Vec<Arc<Cell>> {
        self.open.all()
    }

    /// Those that keep closed ones.
    pub(super) fn closed(&self) -> Vec<Arc<Cell>> {
        self.closed.all()
    }
}

impl Cells {
    /// `stands` is whether the twin stands among them.
    fn note(&self, resident: &Resident, stands: &AtomicBool, belongs: bool) {
        if stands.swap(belongs, Ordering::AcqRel) != belongs {
            let mut cells = self.0.write();
            if belongs {
                cells.insert(resident.no, resident.cell.clone());
            } else {
                cells.remove(&resident.no);
            }
        }
    }

    fn all(&self) -> Vec<Arc<Cell>> {
        self.0.read().values().cloned().collect()
    }
}
