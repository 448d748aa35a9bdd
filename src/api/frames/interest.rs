//! What of a twin a selection shows: only a change of that is worth a frame.

use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};

use crate::catalog::Layout;
use crate::reading::{SlotNo, Timestamp};
use crate::twin::State;

/// Forms of types whose slots are remembered.
const LAYOUTS_MAX: usize = 1024;

#[derive(Debug, Clone)]
pub struct Interest {
    /// Names of members; `None` means all.
    members: Option<Box<[Box<str>]>>,
    /// Whether the name or the external ids are shown.
    is_named: bool,
    /// Whether something is shown that every event changes: revision, seq, times of the twin itself.
    is_head: bool,
    slots: HashMap<u64, Arc<[SlotNo]>>,
}

impl Interest {
    /// Everything that can be read of a twin.
    pub fn all() -> Interest {
        Interest { members: None, is_named: true, is_head: true, slots: HashMap::new() }
    }

    /// These members only.
    pub fn members(names: impl IntoIterator<Item = Box<str>>) -> Interest {
        Interest { members: Some(names.into_iter().collect()), is_named: false, is_head: false, slots: HashMap::new() }
    }

    pub fn and_name(mut self) -> Interest {
        self.is_named = true;
        self
    }

    pub fn and_head(mut self) -> Interest {
        self.is_head = true;
        self
    }

    /// Whether a client that was told `before` must be told `after`.
    pub(super) fn differs(&mut self, before: &State, after: &State) -> bool {
        // Another twin may have the same id by now.
        if before.no != after.no {
            return true;
        }
        if before.revision == after.revision {
            return false;
        }
        if self.is_head || before.layout.fingerprint != after.layout.fingerprint {
            return true;
        }
        if self.is_named && (before.name != after.name || before.external_ids != after.external_ids) {
            return true;
        }
        before.desired != after.desired || self.slots_of(&after.layout).iter().any(|slot| before.slot(*slot) != after.slot(*slot))
    }

    /// When the next of what is shown becomes stale, if nothing comes before.
    pub(super) fn ripens(&mut self, state: &State, now: Timestamp) -> Option<Timestamp> {
        self.slots_of(&state.layout).iter().filter_map(|slot| ripens(state, *slot, now)).min()
    }

    fn slots_of(&mut self, layout: &Layout) -> Arc<[SlotNo]> {
        if let Some(slots) = self.slots.get(&layout.fingerprint) {
            return slots.clone();
        }
        let is_shown = |member: u16| match (&self.members, layout.members.get(usize::from(member))) {
            (None, _) => true,
            (Some(names), Some(member)) => names.contains(&member.name),
            (Some(_), None) => false,
        };
        let shown = (0..).zip(&layout.slots).filter(|(_, spec)| is_shown(spec.member)).map(|(no, _)| SlotNo(no));
        let slots: Arc<[SlotNo]> = shown.collect();
        if self.slots.len() >= LAYOUTS_MAX {
            self.slots.clear();
        }
        self.slots.insert(layout.fingerprint, slots.clone());
        slots
    }
}

/// When a slot becomes stale; `None` if it is so already or never will be.
pub(super) fn ripens(state: &State, slot: SlotNo, now: Timestamp) -> Option<Timestamp> {
    let age = stale_after(state, slot)?;
    let held = state.slot(slot);
    // The first instant at which `Slot::is_stale` says so.
    let ripe = Timestamp(held.received.plus(age).0.saturating_add(1));
    (held.value.is_some() && now < ripe).then_some(ripe)
}

pub(super) fn stale_after(state: &State, slot: SlotNo) -> Option<std::time::Duration> {
    state.layout.slot(slot).telemetry.as_ref()?.stale
}
