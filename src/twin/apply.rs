//! How a fact changes a twin. Total and without I/O; the same function serves the live twin and the replay.

use std::sync::Arc;

use smol_str::SmolStr;

use crate::catalog::Layout;
use crate::catalog::stored::carry_over;
use crate::catalog::windowed::sample;
use crate::reading::{Quality, SlotNo, Timestamp, Value};
use crate::window::{Cause, Sample};

use super::bases::{Bases, Basis};
use super::event::{Event, Measured, Read};
use super::pushed::Pushed;
use super::slots::Slots;
use super::state::{Desired, SharedLayout, Slot, State, Twin};
use super::windows::Said;

impl Twin {
    /// `at` is when the fact was recorded.
    pub fn apply(&mut self, event: &Event, at: Timestamp) {
        self.take_in(event, at, &mut Said::default());
    }

    /// What windows say of it is part of it: no fact of its own, for it follows from what they have heard.
    pub(super) fn take_in(&mut self, event: &Event, at: Timestamp, said: &mut Said) {
        self.change(event, at, said);
        if !said.published.is_empty() {
            self.show_results(at, said);
        }
    }

    fn change(&mut self, event: &Event, at: Timestamp, said: &mut Said) {
        if let Event::Relaid(layout) = event {
            self.windows.relay(&self.state.layout, layout);
            self.views.relay(&self.state, layout);
        }
        Arc::make_mut(&mut self.state).apply(event, at);
        match event {
            Event::Heard(fingerprint) => self.recent.remember(*fingerprint, at),
            Event::Rested => self.recent.rest(),
            Event::Read(read) if read.outcome.is_counted() => {
                let sample = if read.quality == Quality::Bad { Sample::UNKNOWN } else { sample(&read.value) };
                self.hear(read.slot, read.time, sample, read.received, said);
                let kept = self.views.hold(&self.state, read);
                said.late_for_view += kept.late;
                said.replaced_in_view += kept.replaced;
            }
            Event::Released { view, at } => {
                let layout = self.state.layout.0.clone();
                for read in self.views.release(&layout, *view, *at) {
                    let sample = if read.quality == Quality::Bad { Sample::UNKNOWN } else { sample(&read.value) };
                    self.windows.hear_released(&layout, *view, read.slot, read.time, sample, said);
                }
            }
            Event::Viewed { view, slot, value, time, quality } => {
                let layout = self.state.layout.0.clone();
                let computed = Slot { value: value.clone(), time: *time, received: at, quality: *quality, ..Slot::EMPTY };
                self.views.compute(&layout, *view, *slot, computed);
                let sample = value.as_ref().map_or(Sample::UNKNOWN, sample);
                self.windows.hear_viewed(&layout, *view, *slot, *time, sample, said);
            }
            Event::Computed { slot, value, time, .. } => {
                self.hear(*slot, *time, value.as_ref().map_or(Sample::UNKNOWN, sample), at, said);
            }
            Event::Measured(measured) if !measured.withdrawn => {
                let layout = self.state.layout.0.clone();
                self.hear_measured(&layout, measured, at, said);
            }
            Event::PropertySet { slot, value, .. } => self.hear(*slot, at, value.as_ref().map_or(Sample::UNKNOWN, sample), at, said),
            Event::Turned { window, turn } => {
                let layout = &self.state.layout;
                let of = layout.logic.windows.get(usize::from(*window)).map(|windowed| self.state.slot(windowed.of));
                let waits = layout.logic.windows.get(usize::from(*window)).is_some_and(|windowed| windowed.view.is_some());
                // What it hears is in order.
                let clock = if waits { turn.at() } else { of.map_or(at, |slot| slot.clock(at)) };
                self.windows.turn(layout, *window, *turn, clock, said);
            }
            Event::Read(_)
            | Event::Measured(_)
            | Event::Rejected(_)
            | Event::Described { .. }
            | Event::Relaid(_)
            | Event::Renamed(_)
            | Event::Desired { .. }
            | Event::Happened(_)
            | Event::Asked(_)
            | Event::Ended { .. }
            | Event::Troubled(_)
            | Event::Switched { .. }
            | Event::Tuned { .. }
            | Event::TakenOut(_)
            | Event::Watched { .. }
            | Event::Moved { .. } => {}
        }
    }

    /// Results get into the state, and may be what other windows look at.
    fn show_results(&mut self, at: Timestamp, said: &mut Said) {
        let layout = self.state.layout.0.clone();
        let mut next = 0;
        while let Some((place, published)) = said.published.get(next) {
            next += 1;
            let Some(windowed) = layout.logic.windows.get(usize::from(*place)) else { continue };
            let of = self.state.slot(windowed.of);
            let time = Timestamp(published.at);
            let measured = Measured {
                slot: windowed.slot,
                value: published.outcome.figures.first().and_then(|figure| windowed.value(*figure)),
                time,
                received: if of.received.0 == i64::MIN { at } else { of.received.shifted(time.micros_since(of.time)) },
                basis: Basis::of(&published.outcome),
                withdrawn: matches!(published.cause, Cause::Withdrawn { .. }),
            };
            let before = self.state.slot(measured.slot);
            if time >= before.time && (measured.withdrawn || before.value != measured.value) {
                said.moved.push(measured.slot);
            }
            Arc::make_mut(&mut self.state).measure(&measured);
            if !measured.withdrawn {
                self.hear_measured(&layout, &measured, at, said);
            }
            said.results.push(measured);
        }
        said.published.clear();
    }

    fn hear_measured(&mut self, layout: &Layout, measured: &Measured, at: Timestamp, said: &mut Said) {
        let known = measured.value.as_ref().map_or(Sample::UNKNOWN, sample);
        let clock = self.state.slot(measured.slot).clock(at);
        self.windows.hear_result(layout, measured.slot, measured.time, known, clock, said);
    }

    /// Windows over a slot hear of a value of it. `now` is when it came.
    fn hear(&mut self, slot: SlotNo, time: Timestamp, sample: Sample, now: Timestamp, said: &mut Said) {
        let clock = self.state.slot(slot).clock(now);
        self.windows.hear(&self.state.layout, slot, time, sample, clock, said);
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
            Event::Measured(measured) => self.measure(measured),
            Event::Turned { .. } | Event::Happened(_) | Event::Released { .. } | Event::Viewed { .. } => {}
            Event::Asked(request) => self.asked.ask(request, at),
            Event::Ended { key, .. } => self.asked.end(key),
            Event::Troubled(trouble) => self.troubles.take(trouble),
            Event::Tuned { rule, name, value } => self.tuning.set(rule, name, value.as_ref()),
            Event::TakenOut(out) => self.out_of_service.clone_from(out),
            Event::Switched { rule, enabled } => self.switch(rule, *enabled),
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

    /// Of an earlier window than the one that is shown, the result is history only.
    fn measure(&mut self, measured: &Measured) {
        let Measured { slot, value, time, received, basis, withdrawn } = measured;
        if *time < self.slot(*slot).time {
            return;
        }
        let value = if *withdrawn { None } else { value.clone() };
        let quality = if value.is_some() { Quality::Good } else { Quality::Missing };
        if self.layout.logic.keeps_previous(*slot) {
            self.keep(*slot);
        }
        let held = Slot { value, time: *time, received: *received, quality, ..Slot::EMPTY };
        if slot.is_remote() {
            self.pushed.set(*slot, held);
        } else {
            self.slots.set(*slot, held);
        }
        self.bases.set(*slot, *basis);
    }

    fn switch(&mut self, rule: &SmolStr, enabled: bool) {
        let mut disabled: Vec<SmolStr> = self.disabled.iter().filter(|known| *known != rule).cloned().collect();
        if !enabled {
            disabled.push(rule.clone());
        }
        self.disabled = disabled.into();
    }

    /// What a slot holds is about to be what it held before.
    fn keep(&mut self, slot: SlotNo) {
        let before = self.slot(slot).clone();
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
        // Whoever pushed it does so again, by the new numbers.
        self.pushed = Pushed::default();
        let bases = self.bases.iter().filter_map(|(slot, basis)| {
            let path = &self.layout.slots.get(slot.index())?.path;
            Some((layout.slot_by_path(path)?, *basis))
        });
        self.bases = Bases::restore(bases.collect());
        self.desired = wanted.into();
        self.layout = SharedLayout(layout.clone());
    }
}
