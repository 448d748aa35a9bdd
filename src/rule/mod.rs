//! Rules: when a condition becomes an alarm (`rules.md`, 3, 7, 9.3 and 10). Pure: time comes in, facts go out.
//!
//! Expressions are evaluated elsewhere; here come in their [`Truth`]s. [`evaluate`] says what a reading means for one rule on one twin, [`elapse`]
//! what time alone means, and both change nothing: they answer with [`Transition`]s, from which [`RuleState::apply`] makes the new state.
//! A [`Watch`] joins a rule's state with its alarm and says which actions are asked for.
//!
//! What a twin does for one input, by its rules in file order ([`Watched`] is a rule in its surroundings):
//! 1. Before the input's time: what is due earlier, in the order of [`Timer`]s. Delays by [`Watched::elapse`]; of detectors also what is due at that
//!    very time, by [`Watched::detect`] with [`Watched::next_timer`]. Silence ([`silent_at`]) and staleness are evaluations, after the delays of
//!    their instant.
//! 2. After the values: [`Watched::evaluate`] with the truths of that moment, or [`Watched::detect`].
//! 3. Every fact of a [`Decision`] goes through [`Watch::apply`], in order, before the next rule is asked; an occurrence that comes back is closed.
//! 4. The wake-up is the earliest of [`Watched::due`], [`Watched::next_timer`], [`silent_at`], the schedule's next edge and, on the wall,
//!    `AlarmState::due_on_wall`, which [`Watched::elapse_on_wall`] serves.

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
pub use schedule::{
    INSTANTS_EVERY_MIN, Instants, InvalidSchedule, PERIODS_MAX, Period, Schedule, Weekday, parse_time_of_day, zone, zone_names,
};
pub use settings::{ACTIONS_MAX, Kind, LEVELS_MAX, Level, OnUnknown, RULES_MAX, Rule};
pub use state::{Phase, RuleState};
pub use timer::{START_GRACE, Timer, TimerKind, wake_after_start};
pub use transition::{Step, Transition};
pub use truth::{LevelTruth, Truth, Truths};
pub use watch::{Decision, Fact, Watch, Watched};
