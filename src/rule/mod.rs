//! Rules: when a condition becomes an alarm (`rules.md`, 3, 7, 9.3 and 10). Pure: time comes in, facts go out.
//!
//! Expressions are evaluated elsewhere; here come in their [`Truth`]s. [`evaluate`] says what a reading means for one rule on one twin, [`elapse`]
//! what time alone means, and both change nothing: they answer with [`Transition`]s, from which [`RuleState::apply`] makes the new state.
//! A [`Watch`] joins a rule's state with its alarm and says which actions are asked for.

mod action;
mod calendar;
mod cron;
mod decide;
pub mod detector;
mod edit;
mod elapse;
mod evaluate;
mod no_data;
mod pattern;
mod schedule;
mod settings;
mod state;
#[cfg(test)]
mod tests;
mod timer;
mod transition;
mod truth;
mod watch;

pub use action::{Action, Ask, By, Expression, Failure, Kind as ActionKind, Occasion, On, Request, Target, Voice, idempotency_key};
pub use cron::{Cron, InvalidCron};
pub use edit::{Edited, compare, keep};
pub use elapse::{clear, due, elapse, end, fire};
pub use evaluate::evaluate;
pub use no_data::{Member, NoData, silent_at};
pub use pattern::{PATTERN_STEPS_MAX, Pattern, PatternMove, PatternState, REPEAT_TIMES_MAX};
pub use schedule::{Instants, InvalidSchedule, PERIODS_MAX, Period, Schedule, Weekday, parse_time_of_day, zone};
pub use settings::{ACTIONS_MAX, Kind, LEVELS_MAX, Level, OnUnknown, RULES_MAX, Rule};
pub use state::{Phase, RuleState};
pub use timer::{START_GRACE, Timer, TimerKind, wake_after_start};
pub use transition::{Step, Transition};
pub use truth::{LevelTruth, Truth, Truths};
pub use watch::{Decision, Fact, Watch, Watched};
