//! How a fact changes a twin. Total and without I/O; the same function serves the live twin and the replay.

use std::sync::Arc;

use crate::catalog::Layout;
use crate::catalog::stored::carry_over;
use crate::reading::{Quality, Timestamp};

use super::event::{Event, Read};
use super::slots::Slots;
use super::state::{SharedLayout, Slot, State, Twin};

impl Twin {
    /// `at` is when the fact was recorded.
    pub fn apply(&mut self, event: &Event, at: Timestamp) {
        let state = Arc::make_mut(&mut self.state);
        state.revision.0 += 1;
        state.updated = at;
        match event {
            Event::Read(read) => state.take(read),
            Event::Heard(fingerprint) => self.recent.remember(*fingerprint, at),
            Event::Rejected(_) => {}
            Event::PropertySet { slot, value } => {
                let set = match value {
                    Some(value) => Slot { value: Some(value.clone()), time: at, received: at, quality: Quality::Good, ..Slot::EMPTY },
                    None => Slot::EMPTY,
                };
                state.slots.set(*slot, set);
            }
            Event::Described { name, external_ids, applied } => {
                state.name = state.id.shared_with(name);
                state.external_ids = external_ids.clone();
                state.applied = *applied;
            }
            Event::Relaid(layout) => state.relay(layout),
            Event::Rested => self.recent.rest(),
        }
    }
}

impl State {
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
        self.slots.set(read.slot, slot);
    }

    fn relay(&mut self, layout: &Arc<Layout>) {
        let mut fresh = Slots::empty(layout.slots.len());
        for (new, carry) in carry_over(&self.layout, layout) {
            let slot = self.slot(carry.from);
            if let Some(value) = slot.value.as_ref().and_then(|value| carry.convert(value)) {
                fresh.set(new, Slot { value: Some(value), ..slot.clone() });
            }
        }
        self.slots = fresh;
        self.layout = SharedLayout(layout.clone());
    }
}
