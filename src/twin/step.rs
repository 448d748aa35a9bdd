//! What an input means for a twin. Never fails: what cannot be used becomes an event.

use std::sync::Arc;

use crate::alarm::Verdict;
use crate::catalog::Layout;
use crate::catalog::layout::{Duplicates, Section, SlotSpec, Sync};
use crate::reading::{Group, Quality, Reading, Reason, SlotNo, Timestamp, Value};

use super::event::{Event, Outcome, Read, Rejection};
use super::follow::Follower;
use super::input::{Description, Edit, Input, Received, Told};
use super::recent::Fingerprint;
use super::state::Twin;

/// How much of a value that was refused is kept.
const EXCERPT_CHARS_MAX: usize = 256;
/// How far back a reading looks for another one of its slot in the same group.
const LOOK_BACK_MAX: usize = 64;

/// The facts to record, and what is to be counted and told to the sender.
#[derive(Debug, Default)]
pub struct Step {
    pub events: Vec<Event>,
    pub tally: Tally,
    /// What became of what somebody did to an alarm.
    pub told: Option<Verdict>,
}

/// What became of each reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    pub new: u16,
    pub duplicate: u16,
    pub conflict: u16,
    pub out_of_order: u16,
    pub too_old: u16,
    pub rejected: u16,
}

/// Decides what an input means. `now` is the wall time that the shell read for it; a packet says when it was received itself.
pub fn step(twin: &Twin, input: &Input, now: Timestamp) -> Step {
    let mut step = Step::default();
    match input {
        Input::Readings { group, received } => step.hear(twin, group, *received),
        Input::Refused(rejection) => step.reject(rejection.as_ref().clone()),
        Input::Described(description) => step.describe(twin, description, now),
        Input::Edited(edit) => step.edit(twin, edit, now),
        Input::Retyped(layout) => step.retype(twin, layout, now),
        Input::Woken => {
            if let Some(follower) = Follower::of(twin, &mut step.events, now) {
                follower.wake();
            }
        }
        Input::Told(told) => step.told = Some(step.tell(twin, told, now)),
        Input::Idle => {
            if twin.recent.is_worth_resting() {
                step.events.push(Event::Rested);
            }
        }
    }
    step
}

impl Step {
    fn hear(&mut self, twin: &Twin, group: &Group, received: Received) {
        let said = group.time.unwrap_or(received.at);
        let clock = if said > received.at.plus(received.future_tolerance) { Clock::Wrong { said } } else { Clock::Right };
        let time = match clock {
            Clock::Right => said,
            Clock::Wrong { .. } => received.at,
        };
        let fingerprint = Fingerprint::of(said, &group.readings);
        // Always looked up, also where the group is newer than all it touches: it may have been heard with a clock that was not believed, or
        // have been too old to become the newest.
        if twin.recent.contains(fingerprint) {
            self.tally.duplicate = u16::try_from(group.readings.len()).unwrap_or(u16::MAX);
            return;
        }
        self.events.reserve(group.readings.len() + 1);
        for reading in &group.readings {
            self.read(twin, reading, time, clock, received);
        }
        if self.events.is_empty() {
            return;
        }
        self.events.push(Event::Heard(fingerprint));
        let reads = std::mem::take(&mut self.events);
        match Follower::of(twin, &mut self.events, received.at) {
            Some(follower) => follower.readings(reads, time),
            None => self.events = reads,
        }
    }

    /// Somebody does something to an alarm.
    fn tell(&mut self, twin: &Twin, told: &Told, now: Timestamp) -> Verdict {
        match Follower::of(twin, &mut self.events, now) {
            Some(follower) => follower.act(&told.rule, told.no, &told.action, &told.by),
            None => Verdict::NotFound,
        }
    }

    /// What follows from settings that were changed.
    fn follow_settings(&mut self, twin: &Twin, now: Timestamp) {
        let facts = std::mem::take(&mut self.events);
        match Follower::of(twin, &mut self.events, now) {
            Some(follower) => follower.settings(facts),
            None => self.events = facts,
        }
    }

    fn read(&mut self, twin: &Twin, reading: &Reading, time: Timestamp, clock: Clock, received: Received) {
        let spec = twin.state.layout.slot(reading.slot);
        let (quality, reason, sent) = match clock {
            Clock::Right => (reading.quality, reading.reason, None),
            Clock::Wrong { said } => (reading.quality.worse(Quality::Uncertain), Reason::BadClock, Some(said)),
        };
        let head = self.head(twin, reading.slot);
        let outcome = if is_too_old(spec, time, received) {
            self.tally.too_old += 1;
            Outcome::TooOld
        } else if time > head.time {
            self.tally.new += 1;
            Outcome::New
        } else if time < head.time {
            self.tally.out_of_order += 1;
            Outcome::OutOfOrder
        } else if head.quality == quality && head.value == Some(&reading.value) {
            self.tally.duplicate += 1;
            return;
        } else {
            match spec.telemetry.as_ref().map(|rules| rules.duplicates).unwrap_or_default() {
                Duplicates::Last => Outcome::Replaced,
                Duplicates::First => Outcome::NotReplaced,
                Duplicates::Reject => return self.reject(conflict(twin, spec, &reading.value, time, received)),
            }
        };
        if matches!(outcome, Outcome::Replaced | Outcome::NotReplaced) {
            self.tally.conflict += 1;
        }
        let value = reading.value.clone();
        self.events.push(Event::Read(Read { slot: reading.slot, value, time, received: received.at, sent, quality, reason, outcome }));
    }

    /// The newest reading of a slot, as it will be once the events decided so far are applied.
    fn head<'a>(&'a self, twin: &'a Twin, slot: SlotNo) -> Head<'a> {
        for event in self.events.iter().rev().take(LOOK_BACK_MAX) {
            if let Event::Read(read) = event
                && read.slot == slot
                && read.outcome.is_current()
            {
                return Head { time: read.time, value: Some(&read.value), quality: read.quality };
            }
        }
        let slot = twin.state.slot(slot);
        Head { time: slot.time, value: slot.value.as_ref(), quality: slot.quality }
    }

    fn reject(&mut self, rejection: Rejection) {
        self.tally.rejected += 1;
        self.events.push(Event::Rejected(Box::new(rejection)));
    }

    fn describe(&mut self, twin: &Twin, description: &Description, now: Timestamp) {
        if twin.state.applied == description.applied {
            return;
        }
        for (index, spec) in twin.state.layout.slots.iter().enumerate() {
            let Some(rules) = spec.property.as_ref().filter(|_| spec.section == Section::Property) else { continue };
            let Ok(slot) = u16::try_from(index).map(SlotNo) else { break };
            let said = description.properties.iter().find(|(other, _)| *other == slot).map(|(_, value)| value);
            let wanted = said.or(rules.default.as_ref());
            let is_the_devices = said.is_none() && rules.sync == Sync::Reported;
            if twin.state.slot(slot).value.as_ref() != wanted && !is_the_devices {
                self.events.push(Event::PropertySet { slot, value: wanted.cloned(), layout: twin.state.layout.fingerprint });
            }
        }
        if description.name != twin.state.name {
            self.events.push(Event::Renamed(Arc::clone(&description.name)));
        }
        self.events.push(Event::Described { external_ids: description.external_ids.clone(), applied: description.applied });
        self.follow_settings(twin, now);
    }

    /// A setting is asked of the device; every other property is what it is set to.
    fn edit(&mut self, twin: &Twin, edit: &Edit, now: Timestamp) {
        let state = &twin.state;
        if let Some(name) = edit.name.as_ref().filter(|name| **name != state.name) {
            self.events.push(Event::Renamed(name.clone()));
        }
        for (slot, value) in &edit.set {
            let is_setting = state.layout.slot(*slot).property.as_ref().is_some_and(|rules| rules.sync == Sync::Desired);
            let (slot, wanted) = (*slot, value.clone());
            if is_setting && state.desired(slot).map(|desired| &desired.value) != value.as_ref() {
                self.events.push(Event::Desired { slot, value: wanted, layout: state.layout.fingerprint });
            } else if !is_setting && state.slot(slot).value != wanted {
                self.events.push(Event::PropertySet { slot, value: wanted, layout: state.layout.fingerprint });
            }
        }
        if let Some(hierarchy) = &edit.moved {
            self.events.push(Event::Moved { hierarchy: hierarchy.clone() });
        }
        self.follow_settings(twin, now);
    }

    /// Values move to the new slots; a property that the old form did not have begins with its default.
    fn retype(&mut self, twin: &Twin, layout: &Arc<Layout>, now: Timestamp) {
        if layout.fingerprint == twin.state.layout.fingerprint {
            return;
        }
        self.events.push(Event::Relaid(layout.clone()));
        for (index, spec) in layout.slots.iter().enumerate() {
            let Ok(slot) = u16::try_from(index).map(SlotNo) else { break };
            let default = spec.property.as_ref().and_then(|rules| rules.default.clone());
            if default.is_some() && twin.state.layout.slot_by_path(&spec.path).is_none() {
                self.events.push(Event::PropertySet { slot, value: default, layout: layout.fingerprint });
            }
        }
        let facts = std::mem::take(&mut self.events);
        let old = twin.state.layout.0.clone();
        // Also where only the new form has rules.
        if layout.logic.is_empty() && old.logic.is_empty() && twin.state.watches.is_empty() {
            self.events = facts;
        } else {
            Follower::begin(twin, &mut self.events, now).relaid(&old, facts);
        }
    }
}

/// Whether the sender's clock is believed (`rules.md`, clock sanity).
#[derive(Debug, Clone, Copy)]
enum Clock {
    Right,
    Wrong { said: Timestamp },
}

struct Head<'a> {
    time: Timestamp,
    value: Option<&'a Value>,
    quality: Quality,
}

fn is_too_old(spec: &SlotSpec, time: Timestamp, received: Received) -> bool {
    let age_max = spec.telemetry.as_ref().and_then(|rules| rules.max_age);
    age_max.is_some_and(|age| time < received.at.minus(age))
}

/// The packet is not known here, so the excerpt is the value.
fn conflict(twin: &Twin, spec: &SlotSpec, value: &Value, time: Timestamp, received: Received) -> Rejection {
    Rejection {
        at: received.at,
        address: String::new(),
        twin: Some(twin.state.id.clone()),
        field: Some(spec.path.to_string()),
        code: "CONFLICT".into(),
        message: format!("`{}` already has another value at {time}, and its type says `duplicates: reject`", spec.path),
        excerpt: spec.to_json(value).to_string().chars().take(EXCERPT_CHARS_MAX).collect(),
        payload_bytes: 0,
    }
}
