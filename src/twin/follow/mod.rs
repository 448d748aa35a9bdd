//! What follows from an input (`rules.md`, 1): timers that were due before it, computed values and windows, rules. Each fact is applied to the
//! twin as soon as it is decided on, so that the next one is decided against what is then true.

mod agenda;
mod changes;
mod clock;
mod contributions;
mod deeds;
mod detectors;
mod environment;
mod explain;
mod flood;
mod instants;
mod judge;
mod machine;
mod manage;
mod outside;
mod passing;
mod relaid;
#[cfg(test)]
mod tests;
mod view;
mod voice;
mod wave;

use std::sync::Arc;
use std::time::Duration;

use smol_str::SmolStr;

use crate::catalog::Layout;
use crate::catalog::logic::RuleSpec;
use crate::catalog::places::Places;
use crate::reading::{SlotNo, Timestamp};
use crate::rule::Watch;

use super::bases::Basis;
use super::event::{Event, Happened, Measured};
use super::input::{Gathered, NEVER_AWAY, Numbered};
use super::state::Twin;
use super::step::Step;
use super::windows::Said;
use changes::{Changed, Changes};
use deeds::Deeds;

pub(super) use clock::due;
pub(super) use environment::{Surroundings, at_rest};
pub use explain::{explain_member, explain_rule};
pub use flood::is_notice;

/// What is said of readings that came too late for a window, and how often at most.
const LATE_DATA: &str = "LATE_DATA";
const LATE_EVERY: Duration = Duration::from_secs(60);

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
    /// There are more instants to look at than one input can take.
    is_behind: bool,
    /// The id of the message that it is about, if its sender gave it one.
    message: Option<&'a str>,
    /// Since when the program runs.
    started: Timestamp,
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
    /// Rules that look at certain instants only, and this is one of them.
    instant_of: &'a [u16],
    /// What is looked at: the newest values, or what a view has come to.
    view: Option<u16>,
}

impl<'a> Moment<'a> {
    fn new(at: Timestamp, changed: &'a [u16]) -> Moment<'a> {
        Moment { at, changed, stale: &[], events: &[], is_timed: false, is_heard: true, instant_of: &[], view: None }
    }

    fn within(self, view: u16) -> Moment<'a> {
        Moment { view: Some(view), ..self }
    }
}

impl<'a> Follower<'a> {
    pub(super) fn begin(twin: &'a mut Twin, step: &'a mut Step, now: Timestamp, recorded: Timestamp) -> Follower<'a> {
        Follower::begin_since(NEVER_AWAY, twin, step, now, recorded)
    }

    /// The program runs since `started`.
    pub(super) fn begin_since(
        started: Timestamp,
        twin: &'a mut Twin,
        step: &'a mut Step,
        now: Timestamp,
        recorded: Timestamp,
    ) -> Follower<'a> {
        let mut follower = Follower {
            layout: twin.state.layout.0.clone(),
            twin,
            step,
            now,
            recorded,
            said: Said::default(),
            deeds: Deeds::default(),
            is_behind: false,
            message: None,
            started,
        };
        // What was to be looked at before this came is looked at without it.
        follower.is_behind = !follower.serve_instants(|instant| instant < now);
        follower
    }

    pub(super) fn told_by(self, message: Option<&'a Numbered>) -> Follower<'a> {
        Follower { message: message.map(|message| message.id.as_str()), ..self }
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
        let switched_on: Vec<_> = facts
            .iter()
            .filter_map(|fact| if let Event::Switched { rule, enabled: true } = fact { Some(rule.clone()) } else { None })
            .collect();
        facts.into_iter().for_each(|event| self.push(event));
        switched_on.iter().for_each(|rule| self.look_from_now(rule));
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
        for Gathered { slot, value, time, known, coverage, contributors, .. } in
            gathered.iter().filter(|gathered| gathered.layout == fingerprint)
        {
            let before = self.twin.state.slot(*slot);
            // It never runs backwards, also where whoever was newest is gone.
            let time = (*time).max(before.time);
            if before.value != *value {
                changed.push(slot.0);
            }
            let basis =
                Basis { start: time, end: time, count: *known, coverage: *coverage, revision: 0, provisional: false, approximate: false };
            let (value, contributors) = (value.clone(), contributors.clone());
            let measured = Measured { slot: *slot, value, time, received: self.now, basis, withdrawn: false, contributors };
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

    fn push(&mut self, event: Event) {
        self.twin.take_in(&event, self.recorded, &mut self.said);
        let late = std::mem::take(&mut self.said.late);
        if late.is_some() {
            self.step.tally.late += 1;
            self.step.tally.out_of_order = self.step.tally.out_of_order.saturating_sub(1);
        }
        self.step.results.append(&mut self.said.results);
        self.step.tally.late_for_view += std::mem::take(&mut self.said.late_for_view);
        self.step.tally.replaced_in_view += std::mem::take(&mut self.said.replaced_in_view);
        self.step.events.push(event);
        if let Some(slot) = late {
            self.tell_late(slot);
        }
    }

    /// A sender whose data are always late is told of once a minute, not with each of them.
    fn tell_late(&mut self, slot: SlotNo) {
        let (since, layout) = (self.recorded.minus(LATE_EVERY), self.layout.clone());
        let Some(spec) = layout.slots.get(slot.index()) else { return };
        if !self.twin.state.troubles.iter().any(|trouble| trouble.code == LATE_DATA && trouble.at > since) {
            let message =
                format!("readings of `{}` come too late for its windows; `lateness` says how long they may be corrected", spec.path);
            self.trouble(LATE_DATA, &SmolStr::default(), message, self.recorded);
        }
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
