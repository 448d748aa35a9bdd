//! Detectors on a twin (`rules.md`, 10): what they hear, and their timers. Timers due at or before an input are served before it, each at its own
//! instant; overdue ones after a stop as well, without waiting for anything.

use crate::alarm::When;
use crate::catalog::detector::Language;
use crate::catalog::logic::RuleSpec;
use crate::expr::Operand;
use crate::iotevents::detector::Instance;
use crate::reading::{SlotNo, Timestamp};
use crate::rule::detector::{Diagnostic, Forced, TIMER_RUNS_MAX, Trigger};
use crate::rule::{Decision, Kind, Watched};
use crate::twin::input::Forced as Wanted;
use crate::twin::state::State;

use super::changes::Changes;
use super::machine::{Machine, Payloads};
use super::voice::Speaker;
use super::{Follower, Moment, clock};

/// Detectors with the instants up to which their timers are due.
pub(super) type Timers = Vec<(u16, Timestamp)>;

impl Follower<'_> {
    /// The detectors that follow from these slots: their timers are due up to an instant that comes in now, or as far as their clocks have run.
    pub(super) fn timers_behind(&self, slots: &[u16], time: Timestamp) -> Timers {
        let logic = &self.layout.logic;
        let follows = |place: &u16| {
            let mut readers = slots.iter().filter_map(|slot| logic.readers(SlotNo(*slot)));
            readers.any(|readers| readers.rules_behind.contains(place))
        };
        let places = logic.detectors.iter().copied().filter(follows);
        places.map(|place| (place, time.max(self.clock_of(&logic.rules[usize::from(place)])))).collect()
    }

    /// Of all detectors, as far as their clocks have run; of those that hear events, also up to this instant.
    pub(super) fn timers_due(&self, event: Option<Timestamp>) -> Timers {
        let logic = &self.layout.logic;
        let until = |place: &u16| {
            let spec = &logic.rules[usize::from(*place)];
            let clock = self.clock_of(spec);
            (*place, event.filter(|_| hears_events(spec)).map_or(clock, |event| event.max(clock)))
        };
        logic.detectors.iter().map(until).collect()
    }

    fn clock_of(&self, spec: &RuleSpec) -> Timestamp {
        self.now.shifted(clock::offset(&self.twin.state, spec))
    }

    /// The earliest timer that is due; of several at one instant, that of the first detector in the file.
    pub(super) fn next_timer(&self, timers: &Timers) -> Option<(Timestamp, u16, Trigger)> {
        let due = timers.iter().filter_map(|(place, until)| {
            let (due, trigger) = next_timer(&self.layout.logic.rules[usize::from(*place)], &self.twin.state)?;
            (due <= *until).then_some((due, *place, trigger))
        });
        due.min_by_key(|(due, place, _)| (*due, *place))
    }

    pub(super) fn run_out(&mut self, (due, place, trigger): (Timestamp, u16, Trigger)) {
        let layout = self.layout.clone();
        let spec = &layout.logic.rules[usize::from(place)];
        let was_active = self.watch(spec).rule.is_active();
        let moment = Moment::new(due, &[]);
        let decision = self.detect(spec, trigger, None, moment);
        self.follow(spec, decision, moment);
        let moved: &[u16] = if self.watch(spec).rule.is_active() == was_active { &[] } else { &[place] };
        self.judge(layout.logic.rules_that_ask(moved), Changes::default(), moment);
    }

    /// There is no end to them: what is left is served with the next input, before anything else.
    pub(super) fn too_many_timers(&mut self, (due, place, _): (Timestamp, u16, Trigger)) {
        let rule = self.layout.logic.rules[usize::from(place)].rule.id.clone();
        self.trouble("RULE_ERROR", &rule, format!("more than {TIMER_RUNS_MAX} timers ran out at one input; the others are late"), due);
    }

    /// What one of ours makes of what has changed. It is only looked at: others see what it saw. `None`: it does not hear of it.
    pub(super) fn look(&self, spec: &RuleSpec, moment: Moment<'_>) -> Option<Decision> {
        self.hears(spec, moment).then(|| self.detect(spec, Trigger::Input, None, moment))
    }

    /// What an imported one makes of messages: each by itself.
    pub(super) fn hear(&mut self, spec: &RuleSpec, moment: Moment<'_>) {
        let Some(Language::Imported(imported)) = spec.detector.as_ref().map(|detector| &detector.language) else { return };
        if !moment.is_heard || self.is_off(spec) {
            return;
        }
        // What has only become stale is no message.
        let messages = moment.changed.iter().filter(|slot| !moment.stale.contains(slot)).map(|slot| SlotNo(*slot));
        for slot in messages.filter(|slot| imported.inputs.iter().any(|(_, input)| input == slot)) {
            let payloads =
                Payloads { imported, surroundings: self.surroundings(moment, false), current: Some(slot), message: self.message };
            // Without the key it is for no instance (D2).
            if imported.detector.key.is_some() && payloads.at(slot).and_then(|payload| imported.detector.key_value(payload)).is_none() {
                let input = self.layout.slot(slot).path.to_string();
                self.trouble("RULE_ERROR", &spec.rule.id, format!("a message of {input} without the key was left out"), moment.at);
                continue;
            }
            let decision = self.detect(spec, Trigger::Input, Some(slot), moment);
            self.follow(spec, decision, moment);
        }
    }

    /// A detector that has not begun waits for its first reading, or an event: settings have no time that its clock could go by.
    fn hears(&self, spec: &RuleSpec, moment: Moment<'_>) -> bool {
        let state = &self.twin.state;
        let mut live = spec.clocks.iter().filter(|slot| self.layout.slot(**slot).section.is_live()).peekable();
        let can_begin = live.peek().is_none() || !moment.events.is_empty() || live.any(|slot| state.slot(*slot).value.is_some());
        let has_begun = self.watch(spec).detector.as_ref().is_some_and(|detector| detector.has_begun());
        moment.is_heard && !self.is_off(spec) && (has_begun || can_begin)
    }

    fn detect(&self, spec: &RuleSpec, trigger: Trigger, current: Option<SlotNo>, moment: Moment<'_>) -> Decision {
        let Some(detector) = &spec.detector else { return Decision::default() };
        let state = &self.twin.state;
        let mut surroundings = self.surroundings(moment, spec.accepts_good_only);
        if let Trigger::Timer(_) = trigger {
            // What has become stale since then was not when the timer ran out, nor what does at that very instant.
            surroundings.now = self.now.min(moment.at.shifted(-clock::offset(state, spec))).shifted(-1);
        }
        let voice = Speaker { spec, surroundings };
        let watched = Watched { rule: &spec.rule, twin: &state.id, key: "", out_of_service: None, voice: &voice };
        let when = When { at: moment.at, now: self.now };
        let watch = self.watch(spec);
        match &detector.language {
            Language::Own(own) => watched.detect(watch, trigger, &Machine { spec, own, surroundings }, when),
            Language::Imported(imported) => {
                let payloads = Payloads { imported, surroundings, current, message: self.message };
                let runs = watch.detector.as_ref().map_or(0, |detector| detector.runs);
                let instance = Instance::new(&imported.detector, &payloads, &imported.sinks, state.id.as_str(), runs);
                watched.detect(watch, trigger, &instance, when)
            }
        }
    }

    pub(super) fn diagnose(&mut self, spec: &RuleSpec, diagnostic: &Diagnostic, at: Timestamp) {
        let Some(detector) = &spec.detector else { return };
        let name = |names: &[smol_str::SmolStr], place: u8| names.get(usize::from(place)).cloned().unwrap_or_default();
        let message = match diagnostic {
            Diagnostic::NoSuchTimer { timer } => {
                format!("timer `{}` was reset and does not exist", name(&detector.names.timers, *timer))
            }
            Diagnostic::NotSet { variable } => {
                format!("variable `{}` was not set: its value is unknown or of another type", name(&detector.names.variables, *variable))
            }
            Diagnostic::NoDuration { timer } => {
                format!("timer `{}` was not set: its length is unknown or not positive", name(&detector.names.timers, *timer))
            }
        };
        self.trouble("RULE_ERROR", &spec.rule.id, message, at);
    }

    /// Somebody sets state, variables and timers; nothing is evaluated (D18).
    pub(in crate::twin) fn force(mut self, wanted: &Wanted) -> Result<(), String> {
        let Wanted { rule: id, setting, by } = wanted;
        let layout = self.layout.clone();
        let no_detector = || format!("{} has no detector `{id}`", layout.name);
        let spec = layout.rule(id).ok_or_else(no_detector)?;
        let (Some(detector), Kind::Detector(definition)) = (&spec.detector, &spec.rule.kind) else { return Err(no_detector()) };
        if self.is_off(spec) {
            return Err(format!("the detector `{id}` is switched off"));
        }
        let forced: Forced = detector.names.place(definition, setting)?;
        // What fell due before belongs to the time before.
        let timers = self.timers_due(None);
        self.serve(&[], timers, |_, _| false);
        let (at, now) = (self.newest().max(self.clock_of(spec)), self.now);
        self.decide(spec, |watched, watch| watched.force(watch, &forced, (setting, by), When { at, now }), Moment::new(at, &[]));
        Ok(())
    }
}

pub(super) fn next_timer(spec: &RuleSpec, state: &State) -> Option<(Timestamp, Trigger)> {
    let Kind::Detector(definition) = &spec.rule.kind else { return None };
    let (due, timer) = crate::rule::detector::next_timer(definition, state.watches.get(&spec.rule.id).detector.as_deref()?)?;
    Some((due, Trigger::Timer(timer)))
}

fn hears_events(spec: &RuleSpec) -> bool {
    let dependencies = spec.conditions().flat_map(|checked| &checked.dependencies);
    dependencies.into_iter().any(|dependency| matches!(dependency.operand, Operand::Event(_)))
}
