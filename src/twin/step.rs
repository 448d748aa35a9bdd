//! What an input means for a twin. Never fails: what cannot be used becomes an event.

use std::sync::Arc;

use smol_str::SmolStr;

use crate::alarm::Verdict;
use crate::catalog::Layout;
use crate::catalog::layout::{Duplicates, Section, SlotSpec, Sync};
use crate::catalog::windowed::sample;
use crate::reading::{Group, Quality, Reading, Reason, SlotNo, Timestamp, Value};
use crate::window::{self, Recognised, Sample};

use super::asked::Ending;
use super::event::{Event, Measured, Outcome, Read, Rejection};
use super::follow::Follower;
use super::input::{Description, Edit, Input, Received, Told};
use super::recent::Fingerprint;
use super::state::Twin;
use super::troubles::Trouble;

/// How much of a value that was refused is kept.
const EXCERPT_CHARS_MAX: usize = 256;
/// How far back a reading looks for another one of its slot in the same group.
const LOOK_BACK_MAX: usize = 64;

/// The facts to record, and what is to be counted and told to the sender.
#[derive(Debug, Default)]
pub struct Step {
    pub events: Vec<Event>,
    /// What windows have said meanwhile, in order. It is in the state; these are for whoever watches.
    pub results: Vec<Measured>,
    pub tally: Tally,
    /// What became of what somebody did to an alarm or a rule.
    pub told: Option<Verdict>,
    /// Why a detector could not be set.
    pub refused: Option<String>,
}

/// What became of each reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    pub new: u16,
    pub duplicate: u16,
    pub conflict: u16,
    pub out_of_order: u16,
    pub too_old: u16,
    /// Too late for a window that was over.
    pub late: u16,
    pub rejected: u16,
    /// Besides, of those above: too late for the rules that wait for older readings, and taken by them in the place of another one.
    pub late_for_view: u16,
    pub replaced_in_view: u16,
}

/// Decides what an input means, and applies it: when it returns, the twin is what its events make of it. `now` is the wall time that the shell
/// read for it, which is when its events are recorded; a packet says when it was received itself.
pub fn step(twin: &mut Twin, input: &Input, now: Timestamp) -> Step {
    let mut step = Step::default();
    match input {
        Input::Readings { group, received } => step.hear(twin, group, *received, now),
        Input::Refused(rejection) => {
            step.tally.rejected += 1;
            step.record(twin, Event::Rejected(Box::new(rejection.as_ref().clone())), now);
        }
        Input::Described(description) => step.describe(twin, description, now),
        Input::Edited(edit) => step.edit(twin, edit, now),
        Input::Retyped(layout) => step.retype(twin, layout, now),
        Input::Woken => {
            if follows(twin) {
                Follower::begin(twin, &mut step, now, now).wake();
            }
        }
        Input::Ended { key, ending } => step.end(twin, key, ending, now),
        Input::Happened { stamp: Some(stamp), .. } if twin.recent.contains(*stamp) => step.tally.duplicate = 1,
        Input::Happened { happened, stamp } => {
            step.tally.new = 1;
            Follower::begin(twin, &mut step, now, now).event(happened.as_ref().clone());
            if let Some(stamp) = stamp {
                step.record(twin, Event::Heard(*stamp), now);
            }
        }
        Input::Gathered(gathered) => Follower::begin(twin, &mut step, now, now).gathered(gathered),
        Input::Raised(raised) => Follower::begin(twin, &mut step, now, now).raised(raised),
        Input::Forced(forced) => step.refused = Follower::begin(twin, &mut step, now, now).force(&forced.rule, &forced.setting).err(),
        Input::Managed(managed) => step.told = Some(Follower::begin(twin, &mut step, now, now).manage(managed)),
        Input::Told(told) => step.told = Some(step.tell(twin, told, now)),
        Input::Idle => {
            if twin.recent.is_worth_resting() {
                step.record(twin, Event::Rested, now);
            }
        }
    }
    step
}

impl Step {
    /// A fact from which nothing follows.
    fn record(&mut self, twin: &mut Twin, event: Event, now: Timestamp) {
        twin.apply(&event, now);
        self.events.push(event);
    }

    fn hear(&mut self, twin: &mut Twin, group: &Group, received: Received, now: Timestamp) {
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
        let mut facts = Vec::with_capacity(group.readings.len() + 1);
        for reading in &group.readings {
            facts.extend(self.read(twin, &facts, reading, time, clock, received));
        }
        if facts.is_empty() {
            return;
        }
        facts.push(Event::Heard(fingerprint));
        if follows(twin) {
            self.events.reserve(facts.len());
            Follower::begin(twin, self, received.at, now).readings(facts, time);
        } else {
            facts.iter().for_each(|event| twin.apply(event, now));
            self.events = facts;
        }
    }

    /// Of what it does not wait for, the end is no news.
    fn end(&mut self, twin: &mut Twin, key: &SmolStr, ending: &Ending, now: Timestamp) {
        let Some(pending) = twin.state.asked.get(key) else { return };
        let trouble = match ending {
            Ending::Failed(why) => {
                let rule = key.split('/').nth(1).unwrap_or_default().into();
                let message = format!("{}: {why}", pending.request.ask.name());
                Some(Trouble { code: "ACTION_FAILED".into(), rule, message, at: now, count: 1 })
            }
            Ending::Done | Ending::Dropped | Ending::Unknown => None,
        };
        self.record(twin, Event::Ended { key: key.clone(), ending: ending.clone() }, now);
        if let Some(trouble) = trouble {
            self.record(twin, Event::Troubled(Box::new(trouble)), now);
        }
    }

    /// Somebody does something to an alarm.
    fn tell(&mut self, twin: &mut Twin, told: &Told, now: Timestamp) -> Verdict {
        if !follows(twin) {
            return Verdict::NotFound;
        }
        Follower::begin(twin, self, now, now).act(&told.rule, told.no, &told.action, &told.by)
    }

    /// Settings were changed.
    fn settle(&mut self, twin: &mut Twin, facts: Vec<Event>, now: Timestamp) {
        if follows(twin) {
            Follower::begin(twin, self, now, now).settings(facts);
        } else {
            facts.into_iter().for_each(|event| self.record(twin, event, now));
        }
    }

    /// What one reading is, behind those of its group that were looked at before it.
    fn read(
        &mut self,
        twin: &Twin,
        before: &[Event],
        reading: &Reading,
        time: Timestamp,
        clock: Clock,
        received: Received,
    ) -> Option<Event> {
        let spec = twin.state.layout.slot(reading.slot);
        let (quality, reason, sent) = match clock {
            Clock::Right => (reading.quality, reading.reason, None),
            Clock::Wrong { said } => (reading.quality.worse(Quality::Uncertain), Reason::BadClock, Some(said)),
        };
        let head = head(twin, before, reading.slot);
        let outcome = if is_too_old(spec, time, received) {
            self.tally.too_old += 1;
            Outcome::TooOld
        } else if time > head.time {
            self.tally.new += 1;
            Outcome::New
        } else if time < head.time {
            match self.recognise(twin, spec, reading, time, quality) {
                Recognised::Duplicate => {
                    self.tally.duplicate += 1;
                    return None;
                }
                Recognised::New | Recognised::Replaces(_) | Recognised::Refused => {
                    self.tally.out_of_order += 1;
                    Outcome::OutOfOrder
                }
            }
        } else if head.quality == quality && head.value == Some(&reading.value) {
            self.tally.duplicate += 1;
            return None;
        } else {
            match spec.telemetry.as_ref().map(|rules| rules.duplicates).unwrap_or_default() {
                Duplicates::Last => Outcome::Replaced,
                Duplicates::First => Outcome::NotReplaced,
                Duplicates::Reject => {
                    self.tally.rejected += 1;
                    return Some(Event::Rejected(Box::new(conflict(twin, spec, &reading.value, time, received))));
                }
            }
        };
        if matches!(outcome, Outcome::Replaced | Outcome::NotReplaced) {
            self.tally.conflict += 1;
        }
        let value = reading.value.clone();
        Some(Event::Read(Read { slot: reading.slot, value, time, received: received.at, sent, quality, reason, outcome }))
    }

    /// Of a member that windows look at, a reading that is not new is compared with those it lately had.
    fn recognise(&self, twin: &Twin, spec: &SlotSpec, reading: &Reading, time: Timestamp, quality: Quality) -> Recognised {
        if twin.windows.is_empty() {
            return Recognised::New;
        }
        let sample = if quality == Quality::Bad { Sample::UNKNOWN } else { sample(&reading.value) };
        let duplicates = spec.telemetry.as_ref().map(|rules| rules.duplicates).unwrap_or_default();
        twin.windows.recognise(reading.slot, window::Reading::new(time, sample), duplicates)
    }

    fn describe(&mut self, twin: &mut Twin, description: &Description, now: Timestamp) {
        if twin.state.applied == description.applied {
            return;
        }
        let mut facts = Vec::new();
        for (index, spec) in twin.state.layout.slots.iter().enumerate() {
            let Some(rules) = spec.property.as_ref().filter(|_| spec.section == Section::Property) else { continue };
            let Ok(slot) = u16::try_from(index).map(SlotNo) else { break };
            let said = description.properties.iter().find(|(other, _)| *other == slot).map(|(_, value)| value);
            let wanted = said.or(rules.default.as_ref());
            let is_the_devices = said.is_none() && rules.sync == Sync::Reported;
            if twin.state.slot(slot).value.as_ref() != wanted && !is_the_devices {
                facts.push(Event::PropertySet { slot, value: wanted.cloned(), layout: twin.state.layout.fingerprint });
            }
        }
        if description.name != twin.state.name {
            facts.push(Event::Renamed(Arc::clone(&description.name)));
        }
        tune(twin, description, &mut facts);
        facts.push(Event::Described { external_ids: description.external_ids.clone(), applied: description.applied });
        self.settle(twin, facts, now);
    }

    /// A setting is asked of the device; every other property is what it is set to.
    fn edit(&mut self, twin: &mut Twin, edit: &Edit, now: Timestamp) {
        let mut facts = Vec::new();
        let state = &twin.state;
        if let Some(name) = edit.name.as_ref().filter(|name| **name != state.name) {
            facts.push(Event::Renamed(name.clone()));
        }
        for (slot, value) in &edit.set {
            let is_setting = state.layout.slot(*slot).property.as_ref().is_some_and(|rules| rules.sync == Sync::Desired);
            let (slot, wanted) = (*slot, value.clone());
            if is_setting && state.desired(slot).map(|desired| &desired.value) != value.as_ref() {
                facts.push(Event::Desired { slot, value: wanted, layout: state.layout.fingerprint });
            } else if !is_setting && state.slot(slot).value != wanted {
                facts.push(Event::PropertySet { slot, value: wanted, layout: state.layout.fingerprint });
            }
        }
        if let Some(hierarchy) = &edit.moved {
            facts.push(Event::Moved { hierarchy: hierarchy.clone() });
        }
        self.settle(twin, facts, now);
    }

    /// Values move to the new slots; a property that the old form did not have begins with its default.
    fn retype(&mut self, twin: &mut Twin, layout: &Arc<Layout>, now: Timestamp) {
        if layout.fingerprint == twin.state.layout.fingerprint {
            return;
        }
        let mut facts = vec![Event::Relaid(layout.clone())];
        for (index, spec) in layout.slots.iter().enumerate() {
            let Ok(slot) = u16::try_from(index).map(SlotNo) else { break };
            let default = spec.property.as_ref().and_then(|rules| rules.default.clone());
            if default.is_some() && twin.state.layout.slot_by_path(&spec.path).is_none() {
                facts.push(Event::PropertySet { slot, value: default, layout: layout.fingerprint });
            }
        }
        let old = twin.state.layout.0.clone();
        // Also where only the new form has rules.
        if layout.logic.is_empty() && !follows(twin) {
            facts.into_iter().for_each(|event| self.record(twin, event, now));
        } else {
            Follower::begin(twin, self, now, now).relaid(&old, facts);
        }
    }
}

/// What the file says of rules; what it does not say any more is as the type has it.
fn tune(twin: &Twin, description: &Description, facts: &mut Vec<Event>) {
    let state = &twin.state;
    for tuned in state.tuning.iter() {
        let still = description
            .rules
            .iter()
            .any(|setting| setting.rule == tuned.rule && setting.params.iter().any(|(name, _)| **name == *tuned.name));
        if !still {
            facts.push(Event::Tuned { rule: tuned.rule.clone(), name: tuned.name.clone(), value: None });
        }
    }
    for setting in &description.rules {
        for (name, value) in &setting.params {
            if state.tuning.get(&setting.rule, name) != Some(value) {
                facts.push(Event::Tuned { rule: setting.rule.clone(), name: name.as_ref().into(), value: Some(value.clone()) });
            }
        }
    }
    for spec in &state.layout.logic.rules {
        let id = &spec.rule.id;
        let wanted = description.rules.iter().find(|setting| setting.rule == *id).and_then(|setting| setting.enabled).unwrap_or(true);
        if wanted == state.disabled.contains(id) {
            facts.push(Event::Switched { rule: id.clone(), enabled: wanted });
        }
    }
}

/// Whether anything follows from what happens to a twin.
fn follows(twin: &Twin) -> bool {
    !twin.state.layout.logic.is_empty() || !twin.state.watches.is_empty() || twin.state.out_of_service.is_some()
}

/// The newest reading of a slot, as it will be once the facts decided so far are applied.
fn head<'a>(twin: &'a Twin, decided: &'a [Event], slot: SlotNo) -> Head<'a> {
    for event in decided.iter().rev().take(LOOK_BACK_MAX) {
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
