//! What time alone does to a rule, and what it is told from outside. Delays end at their own instants, whenever they are served.

use std::time::Duration;

use crate::alarm::CloseReason;
use crate::reading::Timestamp;

use super::evaluate::Run;
use super::settings::{Kind, Rule};
use super::state::{Phase, RuleState};
use super::transition::{Step, Transition};
use super::truth::Truth;

/// When the next delay ends, on the clock of the rule. Nothing ends while the condition is unknown.
pub fn due(rule: &Rule, state: &RuleState) -> Option<Timestamp> {
    let delay = match state.phase {
        Phase::Pending { since, stood } if state.unknown_since.is_none() => Some(ends(since, stood, rule.on_delay)),
        Phase::Recovering { since, stood } if state.unknown_since.is_none() => Some(ends(since, stood, rule.off_delay)),
        Phase::Active { since } => rule.clear_after.map(|after| since.plus(after)),
        Phase::Normal | Phase::Pending { .. } | Phase::Recovering { .. } => None,
    };
    [delay, unanswered(rule, state)].into_iter().flatten().min().map(|due| due.max(state.last))
}

fn ends(since: Timestamp, stood: i64, delay: Duration) -> Timestamp {
    Timestamp(since.plus(delay).0.saturating_add(stood))
}

fn unanswered(rule: &Rule, state: &RuleState) -> Option<Timestamp> {
    match &rule.kind {
        Kind::Pattern(pattern) => pattern.deadline(state.pattern.as_deref()),
        Kind::Condition | Kind::NoData(_) | Kind::Detector(_) | Kind::Outside => None,
    }
}

/// Serves every delay that ends at or before `until`, in order, each at its own instant.
pub fn elapse(rule: &Rule, state: &RuleState, until: Timestamp) -> Vec<Transition> {
    let mut run = Run::new(rule, state);
    run.elapse(until);
    run.moves
}

/// It happened: an alarm from outside, or what a detector raises. While it is active that is a repetition.
pub fn fire(rule: &Rule, state: &RuleState, at: Timestamp) -> Vec<Transition> {
    let at = at.max(state.last);
    let mut run = Run::new(rule, state);
    run.elapse(Timestamp(at.0.saturating_sub(1)));
    run.fire(at, at);
    run.moves
}

/// It is over, said from outside.
pub fn clear(rule: &Rule, state: &RuleState, at: Timestamp) -> Vec<Transition> {
    let at = at.max(state.last);
    let mut run = Run::new(rule, state);
    run.elapse(Timestamp(at.0.saturating_sub(1)));
    if run.state.is_active() {
        run.push(at, Step::Cleared);
    }
    run.moves
}

/// The rule may not speak any more: back to normal, for this reason.
pub fn end(rule: &Rule, state: &RuleState, reason: CloseReason, at: Timestamp) -> Vec<Transition> {
    let mut run = Run::new(rule, state);
    if !state.is_default() {
        run.push(at.max(state.last), Step::Ended(reason));
    }
    run.moves
}

/// Its alarm was cleared by hand. The same value must not raise it again at once, so the condition has to be false before it may.
pub(super) fn dismiss(rule: &Rule, state: &RuleState, when: Truth, at: Timestamp) -> Vec<Transition> {
    let mut run = Run::new(rule, state);
    if state.phase != Phase::Normal {
        let lasts = matches!(rule.kind, Kind::Condition | Kind::NoData(_));
        let disarmed = lasts && rule.on_unknown.read(when) != Some(false);
        run.push(at.max(state.last), Step::Dismissed { disarmed });
    }
    run.moves
}

impl Run<'_> {
    /// Every turn ends a delay or answers a pattern, and none of them begins another one that is due: so it ends.
    pub(super) fn elapse(&mut self, until: Timestamp) {
        while let Some(due) = due(self.rule, &self.state).filter(|due| *due <= until) {
            // What goes unanswered happens before the alarm of the last time clears by itself: then it is the same alarm, once more.
            match unanswered(self.rule, &self.state) {
                Some(deadline) if deadline <= due => self.go_unanswered(deadline, due),
                Some(_) | None => self.end_delay(due),
            }
        }
    }

    fn end_delay(&mut self, due: Timestamp) {
        match self.state.phase {
            Phase::Pending { since, .. } => {
                let level = self.state.level.min(self.rule.level_max());
                self.raise(since, due, level);
            }
            Phase::Normal | Phase::Active { .. } | Phase::Recovering { .. } => self.push(due, Step::Cleared),
        }
    }

    /// A pattern fires, or an alarm comes from outside. It began at `first_true_at`.
    pub(super) fn fire(&mut self, first_true_at: Timestamp, at: Timestamp) {
        match self.state.phase {
            Phase::Normal | Phase::Pending { .. } => {
                self.push(at, Step::Raised { first_true_at, level: 0 });
                if self.rule.is_momentary() {
                    self.push(at, Step::Cleared);
                }
            }
            Phase::Active { .. } => self.push(at, Step::Repeated),
            Phase::Recovering { .. } => self.push(at, Step::Resumed),
        }
    }
}
