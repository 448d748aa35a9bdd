//! What the results of windows are based on, for those who read them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::reading::{SlotNo, Timestamp};
use crate::window::Outcome;

/// The bounds of the window behind a computed value, and how much is in it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Basis {
    #[serde(with = "crate::alarm::stored_time")]
    pub start: Timestamp,
    #[serde(with = "crate::alarm::stored_time")]
    pub end: Timestamp,
    /// Known readings.
    pub count: u64,
    /// Time known, as a share of its length.
    pub coverage: f64,
    /// How often it was corrected since it was first published.
    pub revision: u32,
    /// It has not ended.
    pub provisional: bool,
    pub approximate: bool,
}

impl Basis {
    pub fn of(outcome: &Outcome) -> Basis {
        let Outcome { start, end, count, coverage, revision, provisional, approximate, .. } = *outcome;
        Basis { start: Timestamp(start), end: Timestamp(end), count, coverage, revision, provisional, approximate }
    }
}

/// By slot; nothing for a twin without windows. Shared with readers until it changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bases(Option<Arc<Vec<(SlotNo, Basis)>>>);

impl Bases {
    pub fn restore(bases: Vec<(SlotNo, Basis)>) -> Bases {
        Bases(Some(bases).filter(|bases| !bases.is_empty()).map(Arc::new))
    }

    pub fn get(&self, slot: SlotNo) -> Option<&Basis> {
        self.0.as_ref()?.iter().find(|(known, _)| *known == slot).map(|(_, basis)| basis)
    }

    pub fn iter(&self) -> impl Iterator<Item = &(SlotNo, Basis)> {
        self.0.iter().flat_map(|bases| bases.iter())
    }

    pub(super) fn set(&mut self, slot: SlotNo, basis: Basis) {
        let bases = Arc::make_mut(self.0.get_or_insert_default());
        match bases.iter_mut().find(|(known, _)| *known == slot) {
            Some((_, standing)) => *standing = basis,
            None => bases.push((slot, basis)),
        }
    }
}
