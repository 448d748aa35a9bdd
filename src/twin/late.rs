//! How many readings of each member came too late for every window over it.

use std::sync::Arc;

use crate::reading::SlotNo;

/// By number; nothing for a twin none of whose readings was late. Shared with readers until it changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Late(Option<Arc<Vec<(SlotNo, u64)>>>);

impl Late {
    pub fn restore(counts: Vec<(SlotNo, u64)>) -> Late {
        Late(Some(counts).filter(|counts| !counts.is_empty()).map(Arc::new))
    }

    pub fn iter(&self) -> impl Iterator<Item = (SlotNo, u64)> {
        self.0.iter().flat_map(|counts| counts.iter().copied())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub fn of(&self, slot: SlotNo) -> u64 {
        self.iter().find(|(known, _)| *known == slot).map_or(0, |(_, count)| count)
    }

    pub(super) fn count(&mut self, slot: SlotNo) {
        let counts = Arc::make_mut(self.0.get_or_insert_default());
        match counts.iter_mut().find(|(known, _)| *known == slot) {
            Some((_, count)) => *count += 1,
            None => counts.push((slot, 1)),
        }
    }
}
