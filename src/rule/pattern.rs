//! Patterns: one thing after another, the absence of an answer, and repetition. What is counted are occurrences: the instants at which a
//! condition becomes true or an event happens.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::reading::Timestamp;

use super::evaluate::Run;
use super::state::RuleState;
use super::transition::Step;
use super::truth::Truths;

pub const PATTERN_STEPS_MAX: usize = 8;
pub const REPEAT_TIMES_MAX: usize = 64;
/// Not marked.
const NEVER: Timestamp = Timestamp(i64::MIN);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pattern {
    /// Step after step within a time. Of two steps, counted from the latest first one; of more, from the first of the chain.
    Sequence {
        steps: u8,
        within: Duration,
        /// Which steps are events, one bit each: they hold for one evaluation only.
        events: u16,
    },
    /// Step 0 happened, and step 1 did not within a time.
    Absence {
        within: Duration,
        events: u16,
    },
    Repetition {
        times: u8,
        within: Duration,
        events: u16,
    },
}

/// How far a pattern has come.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PatternState {
    /// Which conditions were true when they were last known, one bit each.
    held: u16,
    /// Sequence: by step, when the newest chain that has come so far began. Absence: the deadline. Repetition: the occurrences that count.
    #[serde(with = "crate::alarm::stored_time::list")]
    marks: Vec<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PatternMove {
    Held(u16),
    Marked {
        index: u8,
        #[serde(with = "crate::alarm::stored_time")]
        time: Timestamp,
    },
    /// The oldest so many do not count any more.
    Forgot(u8),
    /// It fired or was answered: from here on it is counted anew.
    Restarted,
}

impl Pattern {
    /// Which of its steps are events, one bit each.
    #[must_use]
    pub fn with_events(self, events: u16) -> Pattern {
        match self {
            Pattern::Sequence { steps, within, .. } => Pattern::Sequence { steps, within, events },
            Pattern::Absence { within, .. } => Pattern::Absence { within, events },
            Pattern::Repetition { times, within, .. } => Pattern::Repetition { times, within, events },
        }
    }
}

impl PatternState {
    pub(super) fn is_empty(&self) -> bool {
        self.held == 0 && self.marks.is_empty()
    }

    pub(super) fn apply(&mut self, step: &PatternMove) {
        match step {
            PatternMove::Held(held) => self.held = *held,
            PatternMove::Marked { index, time } => {
                let index = usize::from(*index);
                if self.marks.len() <= index {
                    self.marks.resize(index + 1, NEVER);
                }
                if let Some(mark) = self.marks.get_mut(index) {
                    *mark = *time;
                }
            }
            PatternMove::Forgot(count) => drop(self.marks.drain(..usize::from(*count).min(self.marks.len()))),
            PatternMove::Restarted => self.marks.clear(),
        }
    }

    fn mark(&self, index: usize) -> Option<Timestamp> {
        self.marks.get(index).copied().filter(|mark| *mark != NEVER)
    }
}

impl Pattern {
    pub fn steps(&self) -> usize {
        match self {
            Pattern::Sequence { steps, .. } => usize::from(*steps).min(PATTERN_STEPS_MAX),
            Pattern::Absence { .. } => 2,
            Pattern::Repetition { .. } => 1,
        }
    }

    fn events(&self) -> u16 {
        match self {
            Pattern::Sequence { events, .. } | Pattern::Absence { events, .. } | Pattern::Repetition { events, .. } => *events,
        }
    }

    /// When an unanswered first step fires.
    pub(super) fn deadline(&self, state: Option<&PatternState>) -> Option<Timestamp> {
        match self {
            Pattern::Absence { .. } => state?.mark(0),
            Pattern::Sequence { .. } | Pattern::Repetition { .. } => None,
        }
    }
}

impl Run<'_> {
    pub(super) fn take_pattern(&mut self, pattern: &Pattern, truths: &Truths<'_>, at: Timestamp) {
        let occurred = self.occurrences(pattern, truths, at);
        let fired = match pattern {
            Pattern::Sequence { steps, within, .. } => {
                self.follow_sequence(usize::from(*steps).min(PATTERN_STEPS_MAX), *within, occurred, at)
            }
            Pattern::Absence { within, .. } => {
                self.await_answer(*within, occurred, at);
                None
            }
            Pattern::Repetition { times, within, .. } => self.count(usize::from(*times), *within, occurred, at),
        };
        match fired {
            Some(first_true_at) => self.fire(first_true_at, at),
            None if self.rule.clears && self.state.is_active() => self.take_stay(truths.stay, at),
            None => {}
        }
    }

    /// Which steps occur now, one bit each. A condition occurs when it becomes true; what is unknown in between is no change.
    fn occurrences(&mut self, pattern: &Pattern, truths: &Truths<'_>, at: Timestamp) -> u16 {
        let before = self.state.pattern.as_ref().map_or(0, |state| state.held);
        let (mut held, mut occurred) = (before, 0);
        for (index, truth) in truths.steps.iter().take(pattern.steps()).enumerate() {
            let bit = 1u16 << index;
            let is_event = pattern.events() & bit != 0;
            match truth {
                Some(true) if is_event => occurred |= bit,
                Some(true) => {
                    occurred |= bit & !before;
                    held |= bit;
                }
                Some(false) => held &= !bit,
                None => {}
            }
        }
        if held != before {
            self.push(at, Step::Pattern(PatternMove::Held(held)));
        }
        occurred
    }

    fn mark(&mut self, at: Timestamp, index: usize, time: Timestamp) {
        let index = u8::try_from(index).unwrap_or(u8::MAX);
        self.push(at, Step::Pattern(PatternMove::Marked { index, time }));
    }

    /// From the last step to the first, so that two steps never match in one evaluation. Gives back when the chain that is complete began.
    fn follow_sequence(&mut self, steps: usize, within: Duration, occurred: u16, at: Timestamp) -> Option<Timestamp> {
        let mut fired = None;
        for step in (1..steps).rev().filter(|step| occurred & (1 << step) != 0) {
            let begun = self.state.pattern.as_ref().and_then(|state| state.mark(step - 1)).filter(|begun| begun.plus(within) >= at);
            let Some(begun) = begun else { continue };
            if step + 1 == steps {
                fired = Some(begun);
                self.push(at, Step::Pattern(PatternMove::Restarted));
                break;
            }
            self.mark(at, step, begun);
        }
        if occurred & 1 != 0 {
            self.mark(at, 0, at);
        }
        fired
    }

    /// The deadline counts from the first unanswered one. An answer in the same evaluation is an answer.
    fn await_answer(&mut self, within: Duration, occurred: u16, at: Timestamp) {
        let waits = waits(&self.state);
        let (asked, answered) = (occurred & 1 != 0, occurred & 2 != 0);
        if answered && waits {
            self.push(at, Step::Pattern(PatternMove::Restarted));
        } else if asked && !answered && !waits {
            self.mark(at, 0, at.plus(within));
        }
    }

    pub(super) fn go_unanswered(&mut self, deadline: Timestamp, at: Timestamp) {
        let first_true_at = match &self.rule.kind {
            super::Kind::Pattern(Pattern::Absence { within, .. }) => deadline.minus(*within),
            super::Kind::Pattern(_) | super::Kind::Condition | super::Kind::NoData(_) | super::Kind::Detector(_) | super::Kind::Outside => {
                deadline
            }
        };
        self.push(at, Step::Pattern(PatternMove::Restarted));
        self.fire(first_true_at, at);
    }

    /// Gives back the first of those that make it enough.
    fn count(&mut self, times: usize, within: Duration, occurred: u16, at: Timestamp) -> Option<Timestamp> {
        if occurred & 1 == 0 {
            return None;
        }
        let times = times.clamp(1, REPEAT_TIMES_MAX);
        let marks: &[Timestamp] = self.state.pattern.as_ref().map_or(&[], |state| &state.marks);
        let too_old = marks.iter().take_while(|mark| mark.plus(within) < at).count();
        let kept = marks.len() - too_old;
        let first = marks.get(too_old).copied().unwrap_or(at);
        if kept + 1 >= times {
            if !marks.is_empty() {
                self.push(at, Step::Pattern(PatternMove::Restarted));
            }
            return Some(first);
        }
        if too_old > 0 {
            self.push(at, Step::Pattern(PatternMove::Forgot(u8::try_from(too_old).unwrap_or(u8::MAX))));
        }
        self.mark(at, kept, at);
        None
    }
}

fn waits(state: &RuleState) -> bool {
    state.pattern.as_ref().is_some_and(|pattern| pattern.mark(0).is_some())
}
