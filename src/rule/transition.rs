//! Facts about one rule on one twin, and how they change its state. Total and without I/O; the same function serves the live twin and the replay.

use serde::{Deserialize, Serialize};

use crate::alarm::CloseReason;
use crate::reading::Timestamp;

use super::pattern::PatternMove;
use super::state::{Phase, RuleState};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// In rule time.
    #[serde(with = "crate::alarm::stored_time")]
    pub at: Timestamp,
    pub step: Step,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// The condition became true and has to last.
    Pending {
        level: u8,
    },
    /// It did not last.
    Avoided,
    Raised {
        #[serde(with = "crate::alarm::stored_time")]
        first_true_at: Timestamp,
        level: u8,
    },
    /// Another level; while pending, the one it would be raised at.
    Leveled {
        level: u8,
    },
    Recovering,
    Resumed,
    /// A pattern fired again while active.
    Repeated,
    Cleared,
    Unknown,
    Known,
    /// Ended by hand. `disarmed`: its condition still holds, so it must be false once before it may raise again.
    Dismissed {
        disarmed: bool,
    },
    Rearmed,
    Ended(CloseReason),
    /// Its settings were edited; nothing falls due before this.
    Edited,
    /// It has looked at all its instants before this one, which is on the wall.
    Looked {
        #[serde(with = "crate::alarm::stored_time")]
        next: Timestamp,
    },
    Pattern(PatternMove),
}

impl RuleState {
    pub fn apply(&mut self, transition: &Transition) {
        let at = transition.at;
        self.last = self.last.max(at);
        match &transition.step {
            Step::Pending { level } => {
                self.phase = Phase::Pending { since: at, stood: 0 };
                self.level = *level;
            }
            Step::Avoided => {
                self.rest();
                self.avoided = self.avoided.saturating_add(1);
            }
            Step::Raised { level, .. } => {
                self.phase = Phase::Active { since: at };
                self.level = *level;
            }
            Step::Leveled { level } => self.level = *level,
            Step::Recovering => self.phase = Phase::Recovering { since: at, stood: 0 },
            Step::Resumed | Step::Repeated => self.phase = Phase::Active { since: at },
            Step::Cleared => self.rest(),
            Step::Unknown => self.unknown_since = Some(at),
            Step::Known => self.stand_until(at),
            Step::Dismissed { disarmed } => {
                self.rest();
                self.disarmed = *disarmed;
            }
            Step::Rearmed => self.disarmed = false,
            Step::Ended(reason) => {
                self.rest();
                self.unknown_since = None;
                self.pattern = None;
                // Outside its hours nobody looks at the value: that it has been seen by hand stays true.
                self.disarmed &= *reason == CloseReason::Schedule;
            }
            Step::Edited => {}
            Step::Looked { next } => self.looks_at = Some(*next),
            Step::Pattern(step) => self.pattern.get_or_insert_default().apply(step),
        }
        if self.pattern.as_ref().is_some_and(|pattern| pattern.is_empty()) {
            self.pattern = None;
        }
    }

    fn rest(&mut self) {
        self.phase = Phase::Normal;
        self.level = 0;
    }

    /// What was unknown does not count for a delay.
    fn stand_until(&mut self, at: Timestamp) {
        let gap = self.unknown_since.take().map_or(0, |since| at.micros_since(since).max(0));
        match &mut self.phase {
            Phase::Pending { stood, .. } | Phase::Recovering { stood, .. } => *stood = stood.saturating_add(gap),
            Phase::Normal | Phase::Active { .. } => {}
        }
    }
}
