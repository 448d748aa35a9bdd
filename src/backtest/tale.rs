//! What happened to the rules of a plant: each occurrence from its raise to its end, and the figures of each rule on each twin.

use std::sync::Arc;

use smol_str::SmolStr;

use crate::alarm::{AlarmState, CloseReason, Occurrence, Severity, What};
use crate::catalog::Layout;
use crate::catalog::logic::Logic;
use crate::catalog::places::Places;
use crate::reading::{SlotNo, Timestamp, TwinId};
use crate::rule::{Fact, Step, detector};
use crate::twin::{Event, Tally};

use super::plant::{Happened, Listener};

/// Occurrences that are kept; what comes after is counted and not told.
pub const OCCURRENCES_MAX: usize = 100_000;

/// Keeps all that a report needs.
#[derive(Debug, Default)]
pub struct Tale {
    twins: Vec<TwinTale>,
    pub readings: Readings,
    kept: usize,
}

/// What became of the readings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Readings {
    pub new: u64,
    pub duplicate: u64,
    pub conflict: u64,
    pub out_of_order: u64,
    pub too_old: u64,
    pub rejected: u64,
    /// Of those above: too late for a window that was over.
    pub late: u64,
    /// Of those above: too late for rules that wait for older readings, and taken by them in the place of another one.
    pub late_for_view: u64,
    pub replaced_in_view: u64,
}

#[derive(Debug)]
struct TwinTale {
    id: TwinId,
    layout: Arc<Layout>,
    /// Whether anything was read or computed on it.
    is_concerned: bool,
    /// By the place of the rule in the type.
    rules: Vec<RuleTale>,
}

/// One rule on one twin.
#[derive(Debug, Default)]
pub struct RuleTale {
    pub raises: u64,
    /// Pendings that ended without an alarm.
    pub avoided: u64,
    /// How often something that it reads changed, or a timer of it ran out.
    pub evaluations: u64,
    pub unknown_since: Option<Timestamp>,
    pub unknown_micros: i64,
    /// Whether it was ever known if its condition holds.
    pub was_known: bool,
    /// In the order in which they were raised.
    pub occurrences: Vec<Outcome>,
    /// Those beyond what is kept; the latest of them stands last among the others all the same.
    pub untold: Folded,
    alarm: AlarmState,
}

/// What is left of occurrences that are not kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Folded {
    pub count: u64,
    pub active_micros: i64,
    pub longest_micros: i64,
    pub chattering: u64,
    pub levels_up: u64,
    pub levels_down: u64,
}

/// One occurrence, as a report tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub no: u32,
    /// The highest that it reached.
    pub severity: Severity,
    pub level: u8,
    pub first_true_at: Timestamp,
    pub raised_at: Timestamp,
    pub cleared_at: Option<Timestamp>,
    pub closed_at: Option<Timestamp>,
    pub closed: Option<CloseReason>,
    pub acknowledged: bool,
    pub count: u32,
    pub levels_up: u32,
    pub levels_down: u32,
    pub chattering: bool,
    pub text: SmolStr,
    /// The evidence of the raise, as JSON.
    pub explain: Option<SmolStr>,
}

impl Readings {
    fn add(&mut self, tally: Tally) {
        let Tally { new, duplicate, conflict, out_of_order, too_old, late, rejected, late_for_view, replaced_in_view } = tally;
        self.new += u64::from(new);
        self.duplicate += u64::from(duplicate);
        self.conflict += u64::from(conflict);
        self.out_of_order += u64::from(out_of_order);
        self.too_old += u64::from(too_old);
        self.rejected += u64::from(rejected);
        self.late += u64::from(late);
        self.late_for_view += u64::from(late_for_view);
        self.replaced_in_view += u64::from(replaced_in_view);
    }

    pub fn total(&self) -> u64 {
        self.new + self.duplicate + self.conflict + self.out_of_order + self.too_old + self.rejected
    }
}

impl Listener for Tale {
    fn happened(&mut self, happened: &Happened<'_>) {
        while self.twins.len() <= happened.place {
            self.twins.push(TwinTale::of(happened));
        }
        self.readings.add(happened.tally);
        let twin = &mut self.twins[happened.place];
        let layout = &happened.twin.state.layout.0;
        if happened.events.is_empty() || layout.logic.rules.is_empty() {
            return;
        }
        let is_about_values = |event: &Event| matches!(event, Event::Read(_) | Event::Computed { .. } | Event::Measured(_));
        twin.is_concerned |= !happened.results.is_empty() || happened.events.iter().any(is_about_values);
        for event in happened.events {
            if let Event::Watched { rule, fact } = event
                && let Some((place, _)) = layout.logic.rule(rule)
            {
                twin.rules[place].take(fact, &mut self.kept);
            }
        }
        twin.count_evaluations(&layout.logic, happened);
    }
}

impl Tale {
    /// Each rule of each twin with what happened to it, by twin in the order of the plant and by rule in that of the type. Of a plant of which one
    /// machine was recorded, the others may be left out.
    pub fn rules(&self, concerned_only: bool) -> impl Iterator<Item = (&TwinId, &Arc<Layout>, usize, &RuleTale)> {
        let twins = self.twins.iter().filter(move |twin| twin.is_concerned || !concerned_only);
        twins.flat_map(|twin| twin.rules.iter().enumerate().map(move |(place, rule)| (&twin.id, &twin.layout, place, rule)))
    }

    pub fn rule(&self, place: usize, rule: usize) -> Option<&RuleTale> {
        self.twins.get(place)?.rules.get(rule)
    }
}

impl TwinTale {
    fn of(happened: &Happened<'_>) -> TwinTale {
        let layout = happened.twin.state.layout.0.clone();
        let rules = layout.logic.rules.iter().map(|_| RuleTale::default()).collect();
        TwinTale { id: happened.twin.state.id.clone(), layout, is_concerned: false, rules }
    }

    fn count_evaluations(&mut self, logic: &Logic, happened: &Happened<'_>) {
        let slot_of = |event: &Event| -> Option<SlotNo> {
            match event {
                Event::Read(read) => read.outcome.is_current().then_some(read.slot),
                Event::PropertySet { slot, .. } | Event::Computed { slot, .. } => Some(*slot),
                Event::Measured(measured) => Some(measured.slot),
                Event::Heard(_)
                | Event::Rejected(_)
                | Event::Described { .. }
                | Event::Relaid(_)
                | Event::Rested
                | Event::Renamed(_)
                | Event::Desired { .. }
                | Event::Released { .. }
                | Event::Viewed { .. }
                | Event::Turned { .. }
                | Event::Happened(_)
                | Event::Asked(_)
                | Event::Ended { .. }
                | Event::Troubled(_)
                | Event::Switched { .. }
                | Event::Tuned { .. }
                | Event::TakenOut(_)
                | Event::Watched { .. }
                | Event::Moved { .. } => None,
            }
        };
        let slots = happened.events.iter().filter_map(slot_of).chain(happened.results.iter().map(|result| result.slot));
        // Evaluated once for all that changed together.
        let rules: Places = slots.filter_map(|slot| logic.readers(slot)).flat_map(|readers| readers.rules.iter().copied()).collect();
        for rule in rules.iter() {
            let tale = &mut self.rules[usize::from(rule)];
            tale.evaluations += 1;
            tale.was_known |= tale.unknown_since.is_none();
        }
    }
}

impl RuleTale {
    fn take(&mut self, fact: &Fact, kept: &mut usize) {
        match fact {
            Fact::Rule(transition) => match &transition.step {
                Step::Avoided => self.avoided += 1,
                Step::Unknown => self.unknown_since = Some(transition.at),
                Step::Known => self.known(transition.at),
                Step::Ended(_) => self.known(transition.at),
                Step::Raised { .. } => self.was_known = true,
                Step::Pending { .. }
                | Step::Leveled { .. }
                | Step::Recovering
                | Step::Resumed
                | Step::Repeated
                | Step::Cleared
                | Step::Dismissed { .. }
                | Step::Rearmed
                | Step::Edited
                | Step::Pattern(_) => {}
            },
            Fact::Alarm(change) => {
                let closed = self.alarm.apply(change);
                if matches!(change.what, What::Raised { .. }) {
                    self.raises += 1;
                    if *kept < OCCURRENCES_MAX {
                        *kept += 1;
                    } else {
                        self.fold(change.at);
                    }
                    self.occurrences.extend(self.alarm.open.as_deref().map(Outcome::begin));
                }
                for occurrence in closed.iter().chain(self.alarm.open.as_deref()) {
                    if let Some(told) = self.occurrences.iter_mut().rev().take(2).find(|told| told.no == occurrence.no) {
                        told.follow(occurrence);
                        if change.no == occurrence.no {
                            told.note(&change.what);
                        }
                    }
                }
            }
            Fact::Detector(detector::Fact::TimerExpired { .. }) => self.evaluations += 1,
            Fact::Detector(_) => {}
        }
    }

    /// Of what is beyond the bound only the figures stay, once the next one begins.
    fn fold(&mut self, at: Timestamp) {
        let untold = &mut self.untold;
        if untold.count > 0
            && let Some(last) = self.occurrences.pop()
        {
            let active = last.active_until(at);
            untold.active_micros = untold.active_micros.saturating_add(active);
            untold.longest_micros = untold.longest_micros.max(active);
            untold.chattering += u64::from(last.chattering);
            untold.levels_up += u64::from(last.levels_up);
            untold.levels_down += u64::from(last.levels_down);
        }
        untold.count += 1;
    }

    fn known(&mut self, at: Timestamp) {
        if let Some(since) = self.unknown_since.take() {
            self.unknown_micros = self.unknown_micros.saturating_add(at.micros_since(since).max(0));
        }
    }

    /// How long it was not known, until then.
    pub fn unknown_until(&self, end: Timestamp) -> i64 {
        let running = self.unknown_since.map_or(0, |since| end.micros_since(since).max(0));
        self.unknown_micros.saturating_add(running)
    }

    /// Microseconds in which it was active, until then.
    pub fn active_until(&self, end: Timestamp) -> i64 {
        self.occurrences.iter().fold(0, |sum: i64, occurrence| sum.saturating_add(occurrence.active_until(end)))
    }
}

impl Outcome {
    fn begin(occurrence: &Occurrence) -> Outcome {
        Outcome {
            no: occurrence.no,
            severity: occurrence.severity,
            level: occurrence.level,
            first_true_at: occurrence.first_true_at,
            raised_at: occurrence.raised_at,
            cleared_at: None,
            closed_at: None,
            closed: None,
            acknowledged: occurrence.acknowledged,
            count: occurrence.count,
            levels_up: 0,
            levels_down: 0,
            chattering: false,
            text: occurrence.text.clone(),
            explain: occurrence.explain.clone(),
        }
    }

    fn follow(&mut self, occurrence: &Occurrence) {
        self.severity = self.severity.max(occurrence.severity);
        self.level = occurrence.level;
        self.cleared_at = occurrence.cleared_at;
        self.closed_at = occurrence.closed_at;
        self.closed = occurrence.closed;
        self.acknowledged = occurrence.acknowledged;
        self.count = occurrence.count;
        self.chattering |= occurrence.chattering;
    }

    fn note(&mut self, what: &What) {
        if let What::Leveled { up, .. } = what {
            if *up {
                self.levels_up += 1;
            } else {
                self.levels_down += 1;
            }
        }
    }

    /// When it was no longer active, as far as that is known.
    pub fn ended_at(&self) -> Option<Timestamp> {
        self.cleared_at.or(self.closed_at)
    }

    pub fn active_until(&self, end: Timestamp) -> i64 {
        self.ended_at().unwrap_or(end).micros_since(self.raised_at).max(0)
    }
}
