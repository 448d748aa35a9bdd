//! How a fact changes a twin. Total and without I/O; the same function serves the live twin and the replay.

use std::sync::Arc;

use crate::catalog::Layout;
use crate::catalog::stored::carry_over;
use crate::reading::{Quality, SlotNo, Timestamp, Value};

use super::event::{Event, Read};
use super::slots::Slots;
use super::state::{Desired, SharedLayout, Slot, State, Twin};

impl Twin {
    /// `at` is when the fact was recorded.
    pub fn apply(&mut self, event: &Event, at: Timestamp) {
        Arc::make_mut(&mut self.state).apply(event, at);
        match event {
            Event::Heard(fingerprint) => self.recent.remember(*fingerprint, at),
            Event::Rested => self.recent.rest(),
            Event::Read(_)
            | Event::Rejected(_)
            | Event::PropertySet { .. }
            | Event::Described { .. }
            | Event::Relaid(_)
            | Event::Renamed(_)
            | Event::Desired { .. }
            | Event::Computed { .. }
            | Event::Watched { .. }
            | Event::Moved { .. } => {}
        }
    }
}

impl State {
    /// What readers see of it.
    pub(super) fn apply(&mut self, event: &Event, at: Timestamp) {
        self.revision.0 += 1;
        self.updated = at;
        match event {
            Event::Read(read) => self.take(read),
            Event::Heard(_) | Event::Rested => {}
            Event::Rejected(_) => {}
            Event::PropertySet { slot, value, .. } => {
                let set = match value {
                    Some(value) => Slot { value: Some(value.clone()), time: at, received: at, quality: Quality::Good, ..Slot::EMPTY },
                    None => Slot::EMPTY,
                };
                self.slots.set(*slot, set);
            }
            Event::Described { external_ids, applied } => {
                self.external_ids = external_ids.clone();
                self.applied = *applied;
            }
            Event::Relaid(layout) => self.relay(layout),
            Event::Renamed(name) => self.name = self.id.shared_with(name),
            Event::Desired { slot, value, .. } => self.desire(*slot, value.as_ref(), at),
            Event::Computed { slot, value, time, quality } => {
                let computed = Slot { value: value.clone(), time: *time, received: at, quality: *quality, ..Slot::EMPTY };
                self.slots.set(*slot, computed);
            }
            Event::Watched { rule, fact } => self.watches.apply(rule, fact),
            // Where it stands is in the graph; here it only counts as a change.
            Event::Moved { .. } => {}
        }
    }
    fn take(&mut self, read: &Read) {
        if !read.outcome.is_current() {
            return;
        }
        let slot = Slot {
            value: Some(read.value.clone()),
            time: read.time,
            received: read.received,
            sent: read.sent.map(Box::new),
            quality: read.quality,
            reason: read.reason,
        };
        if self.layout.logic.keeps_previous(read.slot) {
            self.keep(read.slot);
        }
        self.slots.set(read.slot, slot);
    }

    /// What a slot holds is about to be what it held before.
    fn keep(&mut self, slot: SlotNo) {
        let before = self.slots.get(slot).clone();
        match self.previous.iter_mut().find(|(known, _)| *known == slot) {
            Some((_, previous)) => *previous = before,
            None => self.previous = std::mem::take(&mut self.previous).into_iter().chain([(slot, before)]).collect(),
        }
    }

    fn desire(&mut self, slot: SlotNo, value: Option<&Value>, since: Timestamp) {
        let others = self.desired.iter().filter(|desired| desired.slot != slot).cloned();
        let wanted = value.map(|value| Desired { slot, value: value.clone(), since });
        let mut desired: Vec<Desired> = others.chain(wanted).collect();
        desired.sort_by_key(|desired| desired.slot);
        self.desired = desired.into();
    }

    fn relay(&mut self, layout: &Arc<Layout>) {
        let mut fresh = Slots::empty(layout.slots.len());
        let mut wanted = Vec::new();
        for (new, carry) in carry_over(&self.layout, layout) {
            if let Some(desired) = self.desired(carry.from)
                && let Some(value) = carry.convert(&desired.value)
            {
                wanted.push(Desired { slot: new, value, since: desired.since });
            }
            let slot = self.slot(carry.from);
            if let Some(value) = slot.value.as_ref().and_then(|value| carry.convert(value)) {
                fresh.set(new, Slot { value: Some(value), ..slot.clone() });
            }
        }
        self.slots = fresh;
        // What they were numbered by is gone.
        self.previous = Box::default();
        self.desired = wanted.into();
        self.layout = SharedLayout(layout.clone());
    }
}
