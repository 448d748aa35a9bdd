//! Where a detector stands on one twin, and the facts that bring it there.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::reading::Timestamp;

use super::definition::{TIMERS_MAX, VARIABLES_MAX};
use super::evaluator::Scalar;
use super::force::Setting;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DetectorState {
    /// Without one it has not begun: the first input does.
    pub state: Option<u8>,
    /// By place; those behind the end are undefined.
    pub variables: Vec<Option<Scalar>>,
    /// By place; those behind the end do not exist.
    pub timers: Vec<Option<TimerState>>,
    /// Timers that ran out and that nobody has asked about since, one bit each.
    pub expired: u32,
    /// The rule time of the latest evaluation with some outcome. It never runs backwards.
    #[serde(with = "crate::alarm::stored_time::option")]
    pub last: Option<Timestamp>,
    /// How often it was evaluated with some outcome: it numbers its actions.
    pub runs: u64,
    /// Of the definition that its places are counted in.
    pub meaning: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimerState {
    /// Without one it has run out; it can be reset.
    #[serde(with = "crate::alarm::stored_time::option")]
    pub due: Option<Timestamp>,
    /// Microseconds, as last computed.
    pub duration: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Fact {
    /// The beginning of an evaluation that has some outcome.
    Ran {
        #[serde(with = "crate::alarm::stored_time")]
        at: Timestamp,
    },
    Entered {
        state: u8,
    },
    VariableSet {
        variable: u8,
        /// `None` only at the beginning, for a variable without an initial value.
        value: Option<Scalar>,
    },
    TimerStarted {
        timer: u8,
        duration: i64,
        #[serde(with = "crate::alarm::stored_time")]
        due: Timestamp,
    },
    TimerStopped {
        timer: u8,
    },
    TimerExpired {
        timer: u8,
    },
    /// Which expiries have been read or dropped, one bit per timer.
    ExpiriesRead(u32),
    /// The rule is not there any more, or means something else: it begins anew.
    Ended,
    /// The first fact of a detector that begins, or begins anew.
    Begun {
        meaning: u64,
    },
    /// Somebody sets it: the facts behind this one say what became of it.
    Forced {
        by: SmolStr,
        setting: Box<Setting>,
    },
}

impl DetectorState {
    pub fn apply(&mut self, fact: &Fact) {
        match fact {
            Fact::Begun { meaning } => self.meaning = *meaning,
            Fact::Forced { .. } => {}
            Fact::Ran { at } => {
                self.runs = self.runs.saturating_add(1);
                self.last = Some(*at);
            }
            Fact::Entered { state } => self.state = Some(*state),
            Fact::VariableSet { variable, value } => put(&mut self.variables, *variable, value.clone(), VARIABLES_MAX),
            Fact::TimerStarted { timer, duration, due } => {
                put(&mut self.timers, *timer, Some(TimerState { due: Some(*due), duration: *duration }), TIMERS_MAX);
            }
            Fact::TimerStopped { timer } => put(&mut self.timers, *timer, None, TIMERS_MAX),
            Fact::TimerExpired { timer } => {
                if let Some(Some(timer)) = self.timers.get_mut(usize::from(*timer)) {
                    timer.due = None;
                }
                self.expired |= bit(*timer);
            }
            Fact::ExpiriesRead(read) => self.expired &= !read,
            Fact::Ended => *self = DetectorState { runs: self.runs, last: self.last, ..DetectorState::default() },
        }
    }

    /// It stands in some state.
    pub fn has_begun(&self) -> bool {
        self.state.is_some()
    }

    pub fn variable(&self, place: u8) -> Option<&Scalar> {
        self.variables.get(usize::from(place))?.as_ref()
    }

    pub fn timer(&self, place: u8) -> Option<TimerState> {
        self.timers.get(usize::from(place)).copied().flatten()
    }
}

pub(super) fn bit(timer: u8) -> u32 {
    1u32.checked_shl(u32::from(timer)).unwrap_or(0)
}

fn put<T>(list: &mut Vec<Option<T>>, place: u8, value: Option<T>, places_max: usize) {
    let place = usize::from(place);
    if place >= places_max {
        return;
    }
    if list.len() <= place {
        list.resize_with(place + 1, || None);
    }
    if let Some(slot) = list.get_mut(place) {
        *slot = value;
    }
    while list.last().is_some_and(Option::is_none) {
        list.pop();
    }
}
