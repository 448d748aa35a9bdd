//! What the conditions mean at one instant: the decision, as transitions. Nothing changes here.

use std::borrow::Cow;

use crate::alarm::CloseReason;
use crate::reading::Timestamp;

use super::settings::{Kind, Rule};
use super::state::{Phase, RuleState};
use super::transition::{Step, Transition};
use super::truth::{Truth, Truths};

/// Evaluates a rule at its rule time, after a reading or whatever else changed what it reads.
///
/// Delays that fell due before `at` are served first and those due at it last: at one instant readings come before delays. A caller whose
/// condition becomes unknown by time alone serves the delays of that instant itself, first ([`super::elapse`]): delays come before staleness.
pub fn evaluate(rule: &Rule, state: &RuleState, truths: &Truths<'_>, at: Timestamp) -> Vec<Transition> {
    if is_quiet(rule, state, truths) {
        return Vec::new();
    }
    let at = at.max(state.last);
    let mut run = Run::new(rule, state);
    if !truths.in_schedule {
        run.leave_schedule(at);
        return run.moves;
    }
    run.elapse(Timestamp(at.0.saturating_sub(1)));
    match &rule.kind {
        Kind::Condition | Kind::NoData(_) => run.take(truths, at),
        Kind::Pattern(pattern) => run.take_pattern(pattern, truths, at),
        Kind::Detector(_) | Kind::Outside => {}
    }
    run.elapse(at);
    run.moves
}

/// The common case, and the cheap one: nothing is on, nothing was unknown, and the condition is false.
pub(super) fn is_quiet(rule: &Rule, state: &RuleState, truths: &Truths<'_>) -> bool {
    state.phase == Phase::Normal
        && state.unknown_since.is_none()
        && !state.disarmed
        && matches!(rule.kind, Kind::Condition | Kind::NoData(_))
        && (!truths.in_schedule || rule.on_unknown.read(truths.when) == Some(false))
}

/// A decision in the making: each transition is applied to a copy, so that the next one sees it.
pub(super) struct Run<'a> {
    pub(super) rule: &'a Rule,
    pub(super) state: Cow<'a, RuleState>,
    pub(super) moves: Vec<Transition>,
}

impl<'a> Run<'a> {
    pub(super) fn new(rule: &'a Rule, state: &'a RuleState) -> Run<'a> {
        Run { rule, state: Cow::Borrowed(state), moves: Vec::new() }
    }

    pub(super) fn push(&mut self, at: Timestamp, step: Step) {
        let transition = Transition { at, step };
        self.state.to_mut().apply(&transition);
        self.moves.push(transition);
    }

    fn leave_schedule(&mut self, at: Timestamp) {
        let is_at_rest = self.state.phase == Phase::Normal && self.state.pattern.is_none() && self.state.unknown_since.is_none();
        if !is_at_rest {
            self.push(at, Step::Ended(CloseReason::Schedule));
        }
    }

    fn take(&mut self, truths: &Truths<'_>, at: Timestamp) {
        if self.state.is_active() {
            self.take_stay(truths.stay, at);
            self.follow_level(truths, at);
            return;
        }
        let Some(when) = self.note_unknown(truths.when, at) else { return };
        match (self.state.phase, when) {
            (Phase::Normal, true) if !self.state.disarmed => self.begin(truths, at),
            (Phase::Normal, false) if self.state.disarmed => self.push(at, Step::Rearmed),
            (Phase::Pending { .. }, true) => {
                let level = self.pending_level(truths);
                if level != self.state.level {
                    self.push(at, Step::Leveled { level });
                }
            }
            (Phase::Pending { .. }, false) => self.push(at, Step::Avoided),
            (Phase::Normal | Phase::Active { .. } | Phase::Recovering { .. }, _) => {}
        }
    }

    fn begin(&mut self, truths: &Truths<'_>, at: Timestamp) {
        let level = self.pending_level(truths);
        if self.rule.on_delay.is_zero() {
            self.raise(at, at, level);
        } else {
            self.push(at, Step::Pending { level });
        }
    }

    pub(super) fn raise(&mut self, first_true_at: Timestamp, at: Timestamp, level: u8) {
        self.push(at, Step::Raised { first_true_at, level });
        if self.rule.is_pulse() {
            self.push(at, Step::Cleared);
        }
    }

    /// Whether an active alarm stays.
    pub(super) fn take_stay(&mut self, stay: Truth, at: Timestamp) {
        let Some(stay) = self.note_unknown(stay, at) else { return };
        match (self.state.phase, stay) {
            (Phase::Active { .. }, false) if self.rule.off_delay.is_zero() => self.push(at, Step::Cleared),
            (Phase::Active { .. }, false) => self.push(at, Step::Recovering),
            (Phase::Recovering { .. }, true) => self.push(at, Step::Resumed),
            (Phase::Normal | Phase::Pending { .. } | Phase::Active { .. } | Phase::Recovering { .. }, _) => {}
        }
    }

    /// The truth as the rule reads it; notes when it becomes unknown and known.
    fn note_unknown(&mut self, truth: Truth, at: Timestamp) -> Truth {
        let truth = self.rule.on_unknown.read(truth);
        match (truth, self.state.unknown_since) {
            (None, None) => self.push(at, Step::Unknown),
            (Some(_), Some(_)) => self.push(at, Step::Known),
            (None, Some(_)) | (Some(_), None) => {}
        }
        truth
    }

    /// The highest true level. What is not known stays as it was.
    fn pending_level(&self, truths: &Truths<'_>) -> u8 {
        let holds = |level: u8| match self.level_truth(truths, level).0 {
            Some(holds) => holds,
            None => level <= self.state.level,
        };
        (1..=self.rule.level_max()).rev().find(|level| holds(*level)).unwrap_or(0)
    }

    /// A level above the present one is entered when its condition is true; the present one and those below are held by the deadband.
    fn follow_level(&mut self, truths: &Truths<'_>, at: Timestamp) {
        let present = self.state.level;
        // An edit may have taken all levels away while one of them was on.
        if !self.state.is_active() || (self.rule.levels.is_empty() && present == 0) {
            return;
        }
        let holds = |level: u8| match self.level_truth(truths, level) {
            (when, _) if level > present => when == Some(true),
            (_, stay) => stay != Some(false),
        };
        let level = (1..=self.rule.level_max()).rev().find(|level| holds(*level)).unwrap_or(0);
        if level != present {
            self.push(at, Step::Leveled { level });
        }
    }

    /// `when` and the stay condition of a level; the first is 1.
    fn level_truth(&self, truths: &Truths<'_>, level: u8) -> (Truth, Truth) {
        let truth = usize::from(level).checked_sub(1).and_then(|index| truths.levels.get(index)).copied().unwrap_or_default();
        (self.rule.on_unknown.read(truth.when), self.rule.on_unknown.read(truth.stay))
    }
}
