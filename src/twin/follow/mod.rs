//! What follows from an input (`rules.md`, 1): timers that were due before it, computed values and windows, rules. Each fact is applied to the
//! twin as soon as it is decided on, so that the next one is decided against what is then true.

mod agenda;
mod changes;
mod clock;
mod deeds;
mod detectors;
mod environment;
mod explain;
mod judge;
mod machine;
mod manage;
mod outside;
#[cfg(test)]
mod tests;
mod view;
mod voice;
mod wave;

use std::sync::Arc;

use crate::alarm::{Action, CloseReason, Verdict, When};
use crate::catalog::Layout;
use crate::catalog::logic::RuleSpec;
use crate::catalog::places::Places;
use crate::reading::Timestamp;
use crate::rule::{Edited, Watch, compare};

use super::bases::Basis;
use super::event::{Event, Happened, Measured};
use super::input::Gathered;
use super::state::Twin;
use super::step::Step;
use super::windows::Said;
use changes::{Changed, Changes};
use deeds::Deeds;

pub(super) use clock::due;
pub(super) use environment::{Surroundings, at_rest};
pub use explain::{explain_member, explain_rule};

pub(super) struct Follower<'a> {
    layout: Arc<Layout>,
    twin: &'a mut Twin,
    step: &'a mut Step,
    /// The wall time of the input: what clocks go by.
    now: Timestamp,
    /// When its facts are recorded.
    recorded: Timestamp,
    /// What windows have said and nobody has taken notice of yet.
    said: Said,
    deeds: Deeds,
}

/// An evaluation at one instant: what has changed, and what is not known although it is there.
#[derive(Debug, Clone, Copy)]
struct Moment<'a> {
    at: Timestamp,
    changed: &'a [u16],
    /// These have just outlived their time.
    stale: &'a [u16],
    /// Events of the type that happen now.
    events: &'a [u16],
    /// Time alone brought it about: delays that end now come first.
    is_timed: bool,
    /// Detectors hear of it: it is not just that the type has another form now.
    is_heard: bool,
    /// What is looked at: the newest values, or what a view has come to.
    view: Option<u16>,
}

impl<'a> Moment<'a> {
    fn new(at: Timestamp, changed: &'a [u16]) -> Moment<'a> {
        Moment { at, changed, stale: &[], events: &[], is_timed: false, is_heard: true, view: None }
    }

    fn within(self, view: u16) -> Moment<'a> {
        Moment { view: Some(view), ..self }
    }
}

impl<'a> Follower<'a> {
    pub(super) fn begin(twin: &'a mut Twin, step: &'a mut Step, now: Timestamp, recorded: Timestamp) -> Follower<'a> {
        Follower { layout: twin.state.layout.0.clone(), twin, step, now, recorded, said: Said::default(), deeds: Deeds::default() }
    }

    /// Readings of one instant. What fell due before them comes first, what falls due with them last.
    pub(super) fn readings(mut self, reads: Vec<Event>, time: Timestamp) {
        let mut changed = Changed::new();
        for event in &reads {
            if let Event::Read(read) = event
                && read.outcome.is_current()
            {
                wave::mark(&mut changed, read.slot.0);
            }
        }
        if !changed.is_empty() {
            let timers = self.timers_behind(&changed, time);
            self.serve(&changed, timers, |_, due| due < time);
            self.end_delays(&changed, Moment::new(time, &[]));
        }
        reads.into_iter().for_each(|event| self.push(event));
        if changed.is_empty() {
            // Only windows care for what is not newer than the newest.
            self.correct();
        } else {
            let heard = changed.clone();
            self.settle(changed, Moment::new(time, &[]));
            self.serve_windows(&heard, time);
        }
        self.advance();
    }

    /// Properties were set, or the twin was described anew.
    pub(super) fn settings(mut self, facts: Vec<Event>) {
        let changed: Changed =
            facts.iter().filter_map(|fact| if let Event::PropertySet { slot, .. } = fact { Some(slot.0) } else { None }).collect();
        let timers = if changed.is_empty() { Vec::new() } else { self.timers_due(None) };
        self.serve(&[], timers, |_, _| false);
        let concerned: Vec<_> = facts
            .iter()
            .filter_map(|fact| if let Event::Switched { rule, .. } | Event::Tuned { rule, .. } = fact { Some(rule.clone()) } else { None })
            .collect();
        facts.into_iter().for_each(|event| self.push(event));
        let at = self.newest();
        if !changed.is_empty() {
            self.settle(changed, Moment::new(at, &[]));
        }
        let rules = (0_u16..).zip(&self.layout.logic.rules);
        let places: Places = rules.filter(|(_, spec)| concerned.contains(&spec.rule.id)).map(|(place, _)| place).collect();
        if !places.is_empty() {
            self.judge(places, Changes::default(), Moment::new(at, &[]));
        }
    }

    /// Its type has another form: rules that are gone or mean something else end, the others go on, and all are looked at.
    pub(super) fn relaid(mut self, old: &Arc<Layout>, facts: Vec<Event>) {
        facts.into_iter().for_each(|event| self.push(event));
        self.layout = self.twin.state.layout.0.clone();
        let at = self.newest();
        let kept: Vec<_> = self.twin.state.watches.iter().map(|(id, _)| id.clone()).collect();
        for id in kept {
            let before = old.rule(&id);
            let now = self.layout.clone();
            match (before, now.rule(&id)) {
                (Some(before), None) => self.end(before, CloseReason::RuleRemoved, at),
                (Some(before), Some(after)) => match compare(&before.rule, &after.rule) {
                    Edited::Same => {}
                    Edited::Kept => self.keep(after, at),
                    Edited::Restarted => self.end(before, CloseReason::RuleChanged, at),
                },
                // What it was is not known any more; only a detector knows what its places are counted in.
                (None, Some(after)) if self.means_another(after) => self.end(after, CloseReason::RuleChanged, at),
                (None, Some(after)) => self.keep(after, at),
                (None, None) if RuleSpec::is_outside(&id) => {}
                (None, None) => self.end_unknown(&id, at),
            }
        }
        let all = self.all_slots();
        let moment = Moment { is_heard: false, ..Moment::new(at, &[]) };
        self.settle_all(Changes::everything(&all, self.layout.logic.views.len()), moment);
        self.advance();
    }

    fn means_another(&self, spec: &RuleSpec) -> bool {
        self.watch(spec).detector.as_ref().is_some_and(|detector| detector.has_begun() && detector.meaning != spec.rule.meaning)
    }

    /// A device, or somebody else, says that an event of the type has happened.
    pub(super) fn event(mut self, happened: Happened) {
        let at = happened.time;
        let timers = self.timers_due(Some(at));
        self.serve(&[], timers, |_, _| false);
        self.deeds.report(happened);
        self.judge(Places::default(), Changes::default(), Moment::new(at, &[]));
    }

    /// Roll-ups say something else. What was numbered by another form of the type is told again by whoever has gathered it.
    pub(super) fn gathered(mut self, gathered: &[Gathered]) {
        let fingerprint = self.layout.fingerprint;
        let mut changed = Changed::new();
        let mut latest = Timestamp(i64::MIN);
        for Gathered { slot, value, time, known, coverage, .. } in gathered.iter().filter(|gathered| gathered.layout == fingerprint) {
            let before = self.twin.state.slot(*slot);
            // It never runs backwards, also where whoever was newest is gone.
            let time = (*time).max(before.time);
            if before.value != *value {
                changed.push(slot.0);
            }
            let basis =
                Basis { start: time, end: time, count: *known, coverage: *coverage, revision: 0, provisional: false, approximate: false };
            let measured = Measured { slot: *slot, value: value.clone(), time, received: self.now, basis, withdrawn: false };
            self.push(Event::Measured(Box::new(measured)));
            latest = latest.max(time);
        }
        if !changed.is_empty() {
            let heard = changed.clone();
            let timers = self.timers_due(None);
            self.serve(&heard, timers, |_, due| due < latest);
            self.end_delays(&heard, Moment::new(latest, &[]));
            self.settle(changed, Moment::new(latest, &[]));
            self.serve_windows(&heard, latest);
        }
    }

    /// Time has passed, and nothing else happened.
    pub(super) fn wake(mut self) {
        let now = self.now;
        self.resume_service();
        let all = self.all_slots();
        let timers = self.timers_due(None);
        self.serve(&all, timers, |slot, due| due <= slot.clock(now));
        self.advance();
        let layout = self.layout.clone();
        let (mut moved, mut latest) = (Vec::new(), self.newest());
        for (place, spec) in (0_u16..).zip(&layout.logic.rules) {
            let was_active = self.watch(spec).rule.is_active();
            let clock = self.time_in(spec.view, now.shifted(clock::offset(&self.twin.state, spec)));
            let moment = Moment { view: spec.view, ..Moment::new(clock, &[]) };
            self.decide(spec, |watched, watch| watched.elapse(watch, clock, now), moment);
            self.decide(spec, |watched, watch| watched.elapse_on_wall(watch, When { at: clock, now }), moment);
            if spec.rule.active.is_some() {
                let truths = self.truths(spec, moment);
                self.evaluate(spec, &truths.borrow(), moment);
            }
            if self.watch(spec).rule.is_active() != was_active {
                moved.push(place);
                latest = latest.max(clock);
            }
        }
        let outside: Vec<_> = self.twin.state.watches.iter().map(|(id, _)| id.clone()).filter(|id| RuleSpec::is_outside(id)).collect();
        for id in outside {
            let spec = RuleSpec::outside_as_it_is(&id);
            self.decide(&spec, |watched, watch| watched.elapse_on_wall(watch, When { at: now, now }), Moment::new(now, &[]));
        }
        self.judge(layout.logic.rules_that_ask(&moved), Changes::default(), Moment::new(latest, &[]));
    }

    /// What somebody does to an alarm. Whether it could be done.
    pub(super) fn act(mut self, id: &str, no: Option<u32>, action: &Action, by: &str) -> Verdict {
        let layout = self.layout.clone();
        let outside;
        let spec = match layout.rule(id) {
            Some(spec) => spec,
            None if self.twin.state.watches.find(id).is_some() => {
                outside = RuleSpec::outside_as_it_is(id);
                &outside
            }
            None => return Verdict::NotFound,
        };
        let timers = self.timers_due(None);
        self.serve(&[], timers, |_, _| false);
        let (at, now) = (self.time_in(spec.view, self.newest()), self.now);
        let mut verdict = Verdict::NotFound;
        let act = |watched: &crate::rule::Watched<'_>, watch: &Watch| {
            let (said, decision) = watched.act(watch, no, action, by, When { at, now });
            verdict = said;
            decision
        };
        let moment = Moment { view: spec.view, ..Moment::new(at, &[]) };
        let was_active = self.watch(spec).rule.is_active();
        self.decide(spec, act, moment);
        // A clear by hand is what rules hear that ask for this alarm.
        let moved: Vec<u16> = layout.logic.rule(id).and_then(|(place, _)| u16::try_from(place).ok()).into_iter().collect();
        let asking = if self.watch(spec).rule.is_active() == was_active { Places::default() } else { layout.logic.rules_that_ask(&moved) };
        self.judge(asking, Changes::default(), moment);
        verdict
    }

    fn push(&mut self, event: Event) {
        self.twin.take_in(&event, self.recorded, &mut self.said);
        if std::mem::take(&mut self.said.late) {
            self.step.tally.late += 1;
            self.step.tally.out_of_order = self.step.tally.out_of_order.saturating_sub(1);
        }
        self.step.results.append(&mut self.said.results);
        self.step.tally.late_for_view += std::mem::take(&mut self.said.late_for_view);
        self.step.tally.replaced_in_view += std::mem::take(&mut self.said.replaced_in_view);
        self.step.events.push(event);
    }

    fn all_slots(&self) -> Vec<u16> {
        (0..u16::try_from(self.layout.slots.len()).unwrap_or(u16::MAX)).collect()
    }

    /// The newest event time of its readings: settings have none of their own that a rule could go by.
    fn newest(&self) -> Timestamp {
        let slots = self.layout.slots.iter().zip(self.twin.state.slots.iter());
        let heard = slots.filter(|(spec, slot)| spec.section.is_live() && slot.value.is_some());
        heard.map(|(_, slot)| slot.time).max().unwrap_or(self.now)
    }

    fn watch(&self, spec: &RuleSpec) -> &Watch {
        self.twin.state.watches.get(&spec.rule.id)
    }
}
