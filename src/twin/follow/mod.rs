//! What follows from an input (`rules.md`, 1): timers that were due before it, computed values, rules. Pure: each fact is applied to a copy of
//! the twin, so that the next one is decided against what is then true.

mod clock;
mod environment;
mod voice;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::alarm::{Action, CloseReason, Verdict, When};
use crate::catalog::Layout;
use crate::catalog::logic::{Logic, RuleSpec};
use crate::expr::{Checked, Known};
use crate::reading::{Quality, SlotNo, Timestamp, Value};
use crate::rule::{Decision, Edited, Kind, LevelTruth, Truth, Truths, Watch, Watched, compare};

use super::event::Event;
use super::state::{Slot, State, Twin};
use environment::Surroundings;
use voice::Speaker;

/// Rules that read the alarms of others are evaluated again after those, so often at most for one input.
const GENERATIONS_MAX: usize = 8;

pub(super) struct Follower<'a> {
    layout: Arc<Layout>,
    /// The twin's state with all that has been decided. What it has lately been told plays no part here, and is large.
    draft: Arc<State>,
    events: &'a mut Vec<Event>,
    /// The wall time of the input.
    now: Timestamp,
}

/// An evaluation at one instant: what has changed, and what is not known although it is there.
#[derive(Debug, Clone, Copy)]
struct Moment<'a> {
    at: Timestamp,
    changed: &'a [u16],
    /// These have just outlived their time.
    stale: &'a [u16],
}

impl<'a> Follower<'a> {
    /// `None` where nothing follows from anything.
    pub(super) fn of(twin: &Twin, events: &'a mut Vec<Event>, now: Timestamp) -> Option<Follower<'a>> {
        let layout = twin.state.layout.0.clone();
        let follows = !layout.logic.is_empty() || !twin.state.watches.is_empty();
        follows.then(|| Follower::begin(twin, events, now))
    }

    pub(super) fn begin(twin: &Twin, events: &'a mut Vec<Event>, now: Timestamp) -> Follower<'a> {
        Follower { layout: twin.state.layout.0.clone(), draft: twin.state.clone(), events, now }
    }

    /// Readings of one instant. What fell due before them comes first.
    pub(super) fn readings(mut self, reads: Vec<Event>, time: Timestamp) {
        let mut changed: Vec<u16> = Vec::new();
        for event in &reads {
            if let Event::Read(read) = event
                && read.outcome.is_current()
                && !changed.contains(&read.slot.0)
            {
                changed.push(read.slot.0);
            }
        }
        if !changed.is_empty() {
            self.serve(&changed, |_, due| due < time);
            self.end_delays(&changed, time);
        }
        reads.into_iter().for_each(|event| self.push(event));
        if !changed.is_empty() {
            self.settle(changed, time, &[]);
        }
    }

    /// Properties were set, or the twin was described anew.
    pub(super) fn settings(mut self, facts: Vec<Event>) {
        let changed: Vec<u16> =
            facts.iter().filter_map(|fact| if let Event::PropertySet { slot, .. } = fact { Some(slot.0) } else { None }).collect();
        facts.into_iter().for_each(|event| self.push(event));
        if !changed.is_empty() {
            let at = self.newest();
            self.settle(changed, at, &[]);
        }
    }

    /// Its type has another form: rules that are gone or mean something else end, the others go on, and all are looked at.
    pub(super) fn relaid(mut self, old: &Arc<Layout>, facts: Vec<Event>) {
        facts.into_iter().for_each(|event| self.push(event));
        self.layout = self.draft.layout.0.clone();
        let at = self.newest();
        let kept: Vec<_> = self.draft.watches.iter().map(|(id, _)| id.clone()).collect();
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
                // What it was is not known any more; it goes on as what it is.
                (None, Some(after)) => self.keep(after, at),
                (None, None) => self.end_unknown(&id, at),
            }
        }
        let all = (0..u16::try_from(self.layout.slots.len()).unwrap_or(u16::MAX)).collect();
        self.settle(all, at, &[]);
    }

    /// Time has passed, and nothing else happened.
    pub(super) fn wake(mut self) {
        let now = self.now;
        let all: Vec<u16> = (0..u16::try_from(self.layout.slots.len()).unwrap_or(u16::MAX)).collect();
        self.serve(&all, |slot, due| due <= clock::of(slot, now));
        let layout = self.layout.clone();
        let (mut moved, mut latest) = (Vec::new(), Timestamp(i64::MIN));
        for (place, spec) in (0_u16..).zip(&layout.logic.rules) {
            let was_active = self.watch(spec).rule.is_active();
            let clock = now.shifted(clock::offset(&self.draft, spec));
            self.decide(spec, |watched, watch| watched.elapse(watch, clock, now), clock, &[]);
            self.decide(spec, |watched, watch| watched.elapse_on_wall(watch, When { at: clock, now }), clock, &[]);
            if spec.rule.active.is_some() {
                let truths = self.truths(spec, Moment { at: clock, changed: &[], stale: &[] });
                self.evaluate(spec, &truths.borrow(), clock, &[]);
            }
            if self.watch(spec).rule.is_active() != was_active {
                moved.push(place);
                latest = latest.max(clock);
            }
        }
        self.judge(layout.logic.rules_that_ask(&moved), Vec::new(), latest, &[]);
    }

    fn push(&mut self, event: Event) {
        Arc::make_mut(&mut self.draft).apply(&event, self.now);
        self.events.push(event);
    }

    /// The newest event time of its readings: settings have none of their own that a rule could go by.
    fn newest(&self) -> Timestamp {
        let slots = self.layout.slots.iter().zip(self.draft.slots.iter());
        let heard = slots.filter(|(spec, slot)| spec.section.is_live() && slot.value.is_some());
        heard.map(|(_, slot)| slot.time).max().unwrap_or(self.now)
    }

    /// Staleness and silence of these slots, as far as they are due, in order, each at its own instant.
    fn serve(&mut self, slots: &[u16], is_due: impl Fn(&Slot, Timestamp) -> bool) {
        let layout = self.layout.clone();
        let mut due: BTreeSet<(Timestamp, bool, u16)> = BTreeSet::new();
        for no in slots {
            let slot = self.draft.slot(SlotNo(*no));
            let Some(readers) = layout.logic.readers(SlotNo(*no)) else { continue };
            let stale = layout.slot(SlotNo(*no)).telemetry.as_ref().and_then(|rules| rules.stale).map(|age| slot.time.plus(age));
            if let Some(stale) = stale.filter(|stale| slot.value.is_some() && is_due(slot, *stale))
                && !(readers.computed.is_empty() && readers.rules.is_empty())
            {
                due.insert((stale, false, *no));
            }
            for place in &readers.rules {
                let spec = &layout.logic.rules[usize::from(*place)];
                if let Some(silent) = clock::silent_at(spec, &self.draft).filter(|silent| is_due(slot, *silent)) {
                    due.insert((silent, true, *place));
                }
            }
        }
        for (at, is_silence, no) in due {
            if is_silence {
                let spec = &layout.logic.rules[usize::from(no)];
                self.evaluate(spec, &Truths::plain(Some(true)), at, &[]);
            } else {
                self.settle(vec![no], at, &[no]);
            }
        }
    }

    /// Delays of the rules that read these slots, as far as they end before that time: with the values of before.
    fn end_delays(&mut self, slots: &[u16], time: Timestamp) {
        let (layout, now) = (self.layout.clone(), self.now);
        if self.draft.watches.is_empty() {
            return;
        }
        let mut places: BTreeSet<u16> = BTreeSet::new();
        for slot in self.touched(slots) {
            places.extend(layout.logic.readers(SlotNo(slot)).iter().flat_map(|readers| readers.rules.iter()));
        }
        for place in places {
            let spec = &layout.logic.rules[usize::from(place)];
            let until = time.shifted(-1);
            self.decide(spec, |watched, watch| watched.elapse(watch, until, now), until, &[]);
        }
    }

    /// These slots and the computed values that follow from them.
    fn touched(&self, slots: &[u16]) -> Vec<u16> {
        let logic = &self.layout.logic;
        let mut all = slots.to_vec();
        let mut next = 0;
        while let Some(slot) = all.get(next).copied() {
            for place in logic.readers(SlotNo(slot)).iter().flat_map(|readers| readers.computed.iter()) {
                let computed = logic.computed[usize::from(*place)].slot.0;
                if !all.contains(&computed) {
                    all.push(computed);
                }
            }
            next += 1;
        }
        all
    }

    /// Computed values and rules that read what has changed, and what reads those.
    fn settle(&mut self, mut changed: Vec<u16>, at: Timestamp, stale: &[u16]) {
        let layout = self.layout.clone();
        self.compute(&layout.logic, &mut changed, at, stale);
        let mut places: BTreeSet<u16> = BTreeSet::new();
        for slot in &changed {
            places.extend(layout.logic.readers(SlotNo(*slot)).iter().flat_map(|readers| readers.rules.iter()));
        }
        self.judge(places, changed, at, stale);
    }

    /// These rules, then those that ask for the alarms of those that moved, and so on.
    fn judge(&mut self, mut places: BTreeSet<u16>, mut changed: Vec<u16>, at: Timestamp, stale: &[u16]) {
        let layout = self.layout.clone();
        for _ in 0..GENERATIONS_MAX {
            if places.is_empty() {
                return;
            }
            // All against the same state; only then anything is done.
            let moment = Moment { at, changed: &changed, stale };
            let truths: Vec<(u16, OwnTruths)> =
                places.iter().map(|place| (*place, self.truths(&layout.logic.rules[usize::from(*place)], moment))).collect();
            let mut moved = Vec::new();
            for (place, truths) in truths {
                let spec = &layout.logic.rules[usize::from(place)];
                let was_active = self.watch(spec).rule.is_active();
                // Delays come before what time alone makes unknown.
                if !stale.is_empty() {
                    let now = self.now;
                    self.decide(spec, |watched, watch| watched.elapse(watch, at, now), at, stale);
                }
                self.evaluate(spec, &truths.borrow(), at, stale);
                if self.watch(spec).rule.is_active() != was_active {
                    moved.push(place);
                }
            }
            places = layout.logic.rules_that_ask(&moved);
            changed.clear();
        }
    }

    fn compute(&mut self, logic: &Logic, changed: &mut Vec<u16>, at: Timestamp, stale: &[u16]) {
        let mut waiting: BTreeSet<u16> = BTreeSet::new();
        for slot in changed.iter() {
            waiting.extend(logic.readers(SlotNo(*slot)).iter().flat_map(|readers| readers.computed.iter()));
        }
        while let Some(place) = waiting.pop_first() {
            let computed = &logic.computed[usize::from(place)];
            let slots = || computed.reads.iter().map(|slot| self.draft.slot(*slot));
            let time = slots().filter(|slot| slot.value.is_some()).map(|slot| slot.time).max().unwrap_or(at);
            let worst = slots().fold(Quality::Good, |worst, slot| worst.worse(slot.quality));
            let known = self.value(&computed.value, Moment { at, changed, stale });
            let (value, quality) = match known {
                Some(value) => (Some(value), worst),
                None => (None, Quality::Missing),
            };
            let standing = self.draft.slot(computed.slot);
            if standing.value == value && standing.quality == quality {
                continue;
            }
            self.push(Event::Computed { slot: computed.slot, value, time, quality });
            changed.push(computed.slot.0);
            waiting.extend(logic.readers(computed.slot).iter().flat_map(|readers| readers.computed.iter()));
        }
    }

    fn value(&self, checked: &Checked, moment: Moment<'_>) -> Option<Value> {
        checked.tree.evaluate(&self.surroundings(moment, false)).ok()?.into_value()
    }

    fn surroundings<'s>(&'s self, moment: Moment<'s>, good_only: bool) -> Surroundings<'s> {
        Surroundings { layout: &self.layout, state: &self.draft, moment, now: self.now, good_only }
    }

    fn watch(&self, spec: &RuleSpec) -> &Watch {
        self.draft.watches.get(&spec.rule.id)
    }

    fn truths(&self, spec: &RuleSpec, moment: Moment<'_>) -> OwnTruths {
        let surroundings = self.surroundings(moment, spec.accepts_good_only);
        let truth = |checked: &Option<Checked>| checked.as_ref().and_then(|checked| known(checked.tree.is_true(&surroundings)));
        let when = match &spec.rule.kind {
            Kind::NoData(_) => Some(clock::silent_at(spec, &self.draft).is_some_and(|silent| silent <= moment.at)),
            Kind::Condition | Kind::Pattern(_) | Kind::Detector(_) | Kind::Outside => truth(&spec.when),
        };
        let stay = match &spec.clear_when {
            Some(_) => truth(&spec.clear_when).map(|clear| !clear),
            None if spec.stay.is_some() => truth(&spec.stay),
            None => when,
        };
        let level = |checked: &Checked| known(checked.tree.is_true(&surroundings));
        let in_schedule = spec.rule.active.as_ref().is_none_or(|hours| hours.contains(self.now));
        OwnTruths {
            plain: Truths { when, stay, suppressed_by: truth(&spec.suppressed_by), in_schedule, levels: &[], steps: &[] },
            levels: spec.levels.iter().map(|spec| LevelTruth { when: level(&spec.when), stay: level(&spec.stay) }).collect(),
            steps: spec.steps.iter().map(level).collect(),
        }
    }

    fn evaluate(&mut self, spec: &RuleSpec, truths: &Truths<'_>, at: Timestamp, stale: &[u16]) {
        if !spec.rule.enabled {
            if !self.watch(spec).is_default() {
                self.end(spec, CloseReason::RuleDisabled, at);
            }
            return;
        }
        let now = self.now;
        self.decide(spec, |watched, watch| watched.evaluate(watch, truths, When { at, now }), at, stale);
    }

    fn keep(&mut self, spec: &RuleSpec, at: Timestamp) {
        let now = self.now;
        self.decide(spec, |watched, watch| watched.keep(watch, When { at, now }), at, &[]);
    }

    fn end(&mut self, spec: &RuleSpec, reason: CloseReason, at: Timestamp) {
        let now = self.now;
        self.decide(spec, |watched, watch| watched.end(watch, reason, When { at, now }), at, &[]);
    }

    /// Of a rule of which nothing but its state is left.
    fn end_unknown(&mut self, id: &str, at: Timestamp) {
        let spec = RuleSpec::unknown(id);
        self.end(&spec, CloseReason::RuleRemoved, at);
    }

    fn decide(&mut self, spec: &RuleSpec, decide: impl FnOnce(&Watched<'_>, &Watch) -> Decision, at: Timestamp, stale: &[u16]) {
        let decision = {
            let surroundings = self.surroundings(Moment { at, changed: &[], stale }, spec.accepts_good_only);
            let voice = Speaker { spec, surroundings };
            let watched = Watched { rule: &spec.rule, twin: &self.draft.id, key: "", out_of_service: None, voice: &voice };
            decide(&watched, self.watch(spec))
        };
        for fact in decision.facts {
            self.push(Event::Watched { rule: spec.rule.id.clone(), fact: Box::new(fact) });
        }
    }

    /// What somebody does to an alarm. Whether it could be done.
    pub(super) fn act(mut self, id: &str, no: Option<u32>, action: &Action, by: &str) -> Verdict {
        let layout = self.layout.clone();
        let Some(spec) = layout.rule(id) else { return Verdict::NotFound };
        let (at, now) = (self.newest(), self.now);
        let mut verdict = Verdict::NotFound;
        self.decide(
            spec,
            |watched, watch| {
                let (said, decision) = watched.act(watch, no, action, by, When { at, now });
                verdict = said;
                decision
            },
            at,
            &[],
        );
        verdict
    }
}

/// The truths of a rule with the lists that they lend.
struct OwnTruths {
    plain: Truths<'static>,
    levels: Vec<LevelTruth>,
    steps: Vec<Truth>,
}

impl OwnTruths {
    fn borrow(&self) -> Truths<'_> {
        Truths { levels: &self.levels, steps: &self.steps, ..self.plain }
    }
}

fn known(truth: Known<bool>) -> Truth {
    truth.ok()
}

/// When time alone will next matter to the twin, on the wall.
pub(super) fn due(twin: &Twin, now: Timestamp) -> Option<Timestamp> {
    clock::due(twin, now)
}
