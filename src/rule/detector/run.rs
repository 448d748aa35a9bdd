//! One evaluation of a detector: from a trigger to facts and effects. Nothing changes here.

use std::borrow::Cow;
use std::cell::Cell;

use smol_str::SmolStr;

use crate::alarm::Severity;
use crate::reading::Timestamp;

use super::super::action::{Ask, Expression};
use super::definition::{Action, Definition, Duration, Entry, Mode, Phase};
use super::evaluator::{Evaluator, Scalar, Scope, TriggerKind};
use super::state::{DetectorState, Fact, bit};

/// How many timers a twin serves for one input; what is left is served next, before anything else.
pub const TIMER_RUNS_MAX: usize = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    Input,
    /// A timer that is due ([`next_timer`]), at the instant it was due.
    Timer(u8),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    Raise {
        severity: Option<Severity>,
        text: SmolStr,
    },
    Clear,
    /// An action of the rule, with all it says as of this moment; or the expression that is unknown.
    Act {
        action: u8,
        /// The state it ran in, and the entry that asked for it.
        state: u8,
        event: SmolStr,
        ask: Result<Ask, Expression>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Diagnostic {
    /// `reset` of a timer that was never set or was cleared.
    NoSuchTimer { timer: u8 },
    /// What a variable was to be set to is undefined or of another type.
    NotSet { variable: u8 },
    /// No number, or not positive.
    NoDuration { timer: u8 },
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Run {
    pub facts: Vec<Fact>,
    pub effects: Vec<Effect>,
    pub diagnostics: Vec<Diagnostic>,
}

/// The earliest; of several at one instant, the first by name. Serve it before an input whose time is not before it.
pub fn next_timer(definition: &Definition, state: &DetectorState) -> Option<(Timestamp, u8)> {
    let timers = state.timers.iter().take(definition.timers.len()).enumerate();
    let due = timers.filter_map(|(place, timer)| Some((timer.as_ref()?.due?, u8::try_from(place).ok()?)));
    due.min()
}

/// Evaluates once. The first input begins it: it enters its initial state and then hears the same input.
pub fn run(definition: &Definition, state: &DetectorState, trigger: Trigger, at: Timestamp, evaluator: &dyn Evaluator) -> Run {
    let at = state.last.map_or(at, |last| at.max(last));
    let mut running = Running {
        definition,
        evaluator,
        state: Cow::Borrowed(state),
        kind: match trigger {
            Trigger::Input => TriggerKind::Input,
            Trigger::Timer(_) => TriggerKind::Timer,
        },
        at,
        expired: 0,
        asked: Cell::new(0),
        dropped: 0,
        run: Run::default(),
    };
    if let Trigger::Timer(timer) = trigger {
        running.push(Fact::TimerExpired { timer });
    }
    running.expired = running.state.expired;
    if running.state.state.is_none() {
        running.begin();
    }
    running.hear();
    running.finish()
}

pub(super) fn initial_values(definition: &Definition) -> impl Iterator<Item = Fact> + '_ {
    let places = (0u8..).zip(definition.variables.iter());
    places.filter(|(_, spec)| spec.initial.is_some()).map(|(variable, spec)| Fact::VariableSet { variable, value: spec.initial.clone() })
}

pub(super) fn micros(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

pub(super) fn started(timer: u8, duration: i64, at: Timestamp) -> Fact {
    Fact::TimerStarted { timer, duration, due: Timestamp(at.0.saturating_add(duration)) }
}

struct Running<'a> {
    definition: &'a Definition,
    evaluator: &'a dyn Evaluator,
    state: Cow<'a, DetectorState>,
    kind: TriggerKind,
    at: Timestamp,
    /// What `timeout` answers, for the whole evaluation: what is set and cleared meanwhile counts for later ones.
    expired: u32,
    asked: Cell<u32>,
    dropped: u32,
    run: Run,
}

impl<'a> Running<'a> {
    fn push(&mut self, fact: Fact) {
        self.state.to_mut().apply(&fact);
        self.run.facts.push(fact);
    }

    fn begin(&mut self) {
        for fact in initial_values(self.definition) {
            self.push(fact);
        }
        self.enter(self.definition.initial);
    }

    fn enter(&mut self, state: u8) {
        let definition = self.definition;
        self.push(Fact::Entered { state });
        if let Some(spec) = definition.states.get(usize::from(state)) {
            self.take(&spec.on_enter);
        }
    }

    fn hear(&mut self) {
        let definition = self.definition;
        let Some(spec) = self.state.state.and_then(|state| definition.states.get(usize::from(state))) else { return };
        let Some((transition, next)) = self.take(&spec.on_input) else { return };
        self.act(transition);
        self.take(&spec.on_exit);
        self.enter(*next);
    }

    /// Runs the events of a phase. Gives back the transition to take.
    fn take(&mut self, phase: &'a Phase) -> Option<&'a (Entry, u8)> {
        match self.definition.mode {
            Mode::Batch => {
                let events: Vec<&Entry> = phase.events.iter().filter(|entry| self.holds(entry)).collect();
                let taken: Vec<&(Entry, u8)> = phase.transitions.iter().filter(|(entry, _)| self.holds(entry)).collect();
                for entry in events {
                    self.act(entry);
                }
                taken.first().copied()
            }
            Mode::Serial => {
                for entry in &phase.events {
                    if self.holds(entry) {
                        self.act(entry);
                    }
                }
                phase.transitions.iter().find(|(entry, _)| self.holds(entry))
            }
        }
    }

    fn scope(&self) -> Scope<'_> {
        Scope {
            trigger: self.kind,
            state: self.state.state.unwrap_or(self.definition.initial),
            at: self.at,
            variables: &self.state.variables,
            timers: &self.state.timers,
            expired: self.expired,
            asked: &self.asked,
        }
    }

    fn holds(&self, entry: &Entry) -> bool {
        entry.when.is_none_or(|when| self.evaluator.condition(when, &self.scope()) == Some(true))
    }

    fn act(&mut self, entry: &Entry) {
        for action in &entry.actions {
            match action {
                Action::Set { variable, value } => self.set(*variable, self.evaluator.value(*value, &self.scope())),
                Action::Start { timer, duration } => self.start(*timer, *duration),
                Action::Reset { timer } => self.reset(*timer),
                Action::Stop { timer } => self.stop(*timer),
                Action::Raise { severity, text } => {
                    let text = text.map(|text| self.evaluator.text(text, &self.scope())).unwrap_or_default();
                    self.run.effects.push(Effect::Raise { severity: *severity, text });
                }
                Action::Clear => self.run.effects.push(Effect::Clear),
                Action::Act { action } => {
                    let ask = self.evaluator.ask(*action, &entry.name, &self.scope());
                    let state = self.state.state.unwrap_or(self.definition.initial);
                    self.run.effects.push(Effect::Act { action: *action, state, event: entry.name.clone(), ask });
                }
            }
        }
    }

    /// A variable can never be unset: what is undefined or does not fit leaves it as it is.
    fn set(&mut self, variable: u8, value: Option<Scalar>) {
        let spec = self.definition.variables.get(usize::from(variable));
        match spec.zip(value).and_then(|(spec, value)| spec.fitted(value)) {
            Some(value) if self.state.variable(variable) == Some(&value) => {}
            Some(value) => self.push(Fact::VariableSet { variable, value: Some(value) }),
            None => self.run.diagnostics.push(Diagnostic::NotSet { variable }),
        }
    }

    fn start(&mut self, timer: u8, duration: Duration) {
        let length = match duration {
            Duration::Fixed(duration) => Some(micros(duration)),
            Duration::Seconds(expression) => self.evaluator.value(expression, &self.scope()).and_then(|value| whole_seconds(&value)),
        };
        match length.filter(|length| *length > 0) {
            Some(length) => {
                self.dropped |= bit(timer);
                self.push(started(timer, length, self.at));
            }
            None => self.run.diagnostics.push(Diagnostic::NoDuration { timer }),
        }
    }

    fn reset(&mut self, timer: u8) {
        match self.state.timer(timer) {
            Some(present) => {
                self.dropped |= bit(timer);
                self.push(started(timer, present.duration, self.at));
            }
            None => self.run.diagnostics.push(Diagnostic::NoSuchTimer { timer }),
        }
    }

    fn stop(&mut self, timer: u8) {
        self.dropped |= bit(timer);
        if self.state.timer(timer).is_some() {
            self.push(Fact::TimerStopped { timer });
        }
    }

    fn finish(mut self) -> Run {
        let read = self.state.expired & (self.asked.get() | self.dropped);
        if read != 0 {
            self.push(Fact::ExpiriesRead(read));
        }
        if !self.run.facts.is_empty() || !self.run.effects.is_empty() {
            self.run.facts.insert(0, Fact::Ran { at: self.at });
        }
        self.run
    }
}

/// In microseconds.
fn whole_seconds(value: &Scalar) -> Option<i64> {
    const MICROS: i64 = 1_000_000;
    match value {
        Scalar::Int(seconds) => seconds.checked_mul(MICROS),
        // Beyond this a double has no whole microseconds any more; no timer is meant to be that long.
        Scalar::Double(seconds) if seconds.abs() < 9.0e12 => (seconds.floor() as i64).checked_mul(MICROS),
        Scalar::Duration(micros) => Some(micros - micros.rem_euclid(MICROS)),
        Scalar::Double(_) | Scalar::Bool(_) | Scalar::Text(_) | Scalar::Timestamp(_) => None,
    }
}
