//! What others have pushed to a twin because its expressions read it: members of those above, folds over those below.

use std::sync::Arc;

use crate::reading::SlotNo;

use super::state::Slot;

/// By number; shared with readers until it changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pushed(Option<Arc<Vec<(SlotNo, Slot)>>>);

impl Pushed {
    pub fn restore(pushed: Vec<(SlotNo, Slot)>) -> Pushed {
        Pushed(Some(pushed).filter(|pushed| !pushed.is_empty()).map(Arc::new))
    }

    pub fn iter(&self) -> impl Iterator<Item = &(SlotNo, Slot)> {
        self.0.iter().flat_map(|pushed| pushed.iter())
    }

    pub(super) fn get(&self, no: SlotNo) -> Option<&Slot> {
        self.iter().find(|(known, _)| *known == no).map(|(_, slot)| slot)
    }

    pub(super) fn set(&mut self, no: SlotNo, slot: Slot) {
        let pushed = Arc::make_mut(self.0.get_or_insert_default());
        match pushed.iter_mut().find(|(known, _)| *known == no) {
            Some((_, standing)) => *standing = slot,
            None => pushed.push((no, slot)),
        }
    }
}
