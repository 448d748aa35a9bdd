//! Detectors: state machines with variables and durable timers (`rules.md`, 10). The profile D1 to D19 of `seed-systems.md`, 1.3, for ours and for
//! imported ones alike; which language the expressions are in, only the [`Evaluator`] knows.
//!
//! A detector differs from other rules on purpose: timers due at or before an input are served before it, and what is unknown counts as false.

mod check;
mod compile;
mod definition;
mod evaluator;
mod force;
mod messages;
mod run;
mod state;
#[cfg(test)]
mod tests;

pub use check::{Problem, check};
pub use compile::{ActionDraft, DetectorDraft, EntryDraft, Names, Reads, StateDraft, assemble, compile};
pub use definition::{
    Action, Definition, Duration, ENTRIES_MAX, Entry, Mode, Phase, STATES_MAX, StateSpec, TIMERS_MAX, VARIABLES_MAX, VariableSpec,
};
pub use evaluator::{Evaluator, Scalar, Scope, TriggerKind};
pub use force::{Forced, Setting, force};
pub use messages::{MESSAGES_MAX, Messages, REPEATED_WITHIN};
pub use run::{Diagnostic, Effect, Run, TIMER_RUNS_MAX, Trigger, next_timer, run};
pub use state::{DetectorState, Fact, TimerState};
