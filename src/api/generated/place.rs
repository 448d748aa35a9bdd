//! Where the values of a member lie in the twins of a type. Numbers are worked out when the schema is made; a twin that still has an older form of
//! its type is met now and then, and its slots are found by their paths.

use std::ops::Range;
use std::sync::Arc;

use crate::catalog::Layout;
use crate::catalog::layout::SlotSpec;
use crate::reading::unit::Unit;
use crate::reading::{SlotNo, Timestamp, Value};
use crate::twin::State;

/// The slots of a member.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// As the schema was made.
    pub(super) layout: Arc<Layout>,
    pub(super) slots: Range<u16>,
    /// Of the first slot.
    path: Arc<str>,
    /// The unit that the type states now.
    pub(super) unit: Option<Unit>,
}

impl Place {
    pub(super) fn new(layout: &Arc<Layout>, slots: &Range<u16>) -> Place {
        let first = layout.slots.get(usize::from(slots.start));
        let path = first.map_or_else(|| Arc::from(""), |spec| Arc::from(&*spec.path));
        Place { layout: layout.clone(), slots: slots.clone(), path, unit: first.and_then(|spec| spec.unit.clone()) }
    }

    /// The same slots in this twin.
    pub(super) fn slots_in(&self, state: &State) -> Option<Range<u16>> {
        let is_there = |spec: &SlotSpec| *spec.path == *self.path;
        if state.layout.slots.get(usize::from(self.slots.start)).is_some_and(is_there) {
            return Some(self.slots.clone());
        }
        let first = state.layout.slot_by_path(&self.path)?;
        let member = state.layout.members.get(usize::from(state.layout.slot(first).member))?;
        Some(member.slots.clone())
    }

    /// The unit that the type states, where a twin of an older form has another.
    pub(super) fn unit_if_other(&self, state: &State) -> Option<Unit> {
        let unit = self.unit.as_ref()?;
        let spec = state.layout.slots.get(usize::from(self.slots_in(state)?.start))?;
        (spec.unit.as_ref() != Some(unit)).then(|| unit.clone())
    }
}

/// Which of its two values a slot of a setting is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// What it holds: told by the device, or set.
    Held,
    /// What is asked of the device.
    Asked,
}

/// A slot's value with its description.
pub(super) fn held(state: &State, slot: u16, side: Side) -> Option<(&SlotSpec, &Value)> {
    let spec = state.layout.slots.get(usize::from(slot))?;
    let value = match side {
        Side::Held => state.slot(SlotNo(slot)).value.as_ref(),
        Side::Asked => asked(state, slot).map(|(value, _)| value),
    };
    value.map(|value| (spec, value))
}

/// What is asked of the device, and since when.
pub(super) fn asked(state: &State, slot: u16) -> Option<(&Value, Timestamp)> {
    state.desired(SlotNo(slot)).map(|desired| (&desired.value, desired.since))
}
