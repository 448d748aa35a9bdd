//! From names to places. The expressions are compiled by whoever knows their language, with the places that [`DetectorDraft::names`] gives.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use crate::alarm::Severity;

use super::super::action::Expression;
use super::check::{Problem, check};
use super::definition::{
    Action, Definition, Duration, ENTRIES_MAX, Entry, Mode, Phase, STATES_MAX, StateSpec, TIMERS_MAX, VARIABLES_MAX, VariableSpec,
};

/// A detector as a file says it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DetectorDraft {
    pub mode: Mode,
    pub initial: SmolStr,
    pub variables: Vec<VariableSpec>,
    pub states: Vec<StateDraft>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct StateDraft {
    pub name: SmolStr,
    pub on_enter: Vec<EntryDraft>,
    pub on_input: Vec<EntryDraft>,
    pub on_exit: Vec<EntryDraft>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct EntryDraft {
    pub name: SmolStr,
    pub when: Option<Expression>,
    pub actions: Vec<ActionDraft>,
    /// What those of its actions evaluate that are actions of the rule.
    pub evaluates: Vec<Expression>,
    pub goto: Option<SmolStr>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ActionDraft {
    Set {
        variable: SmolStr,
        value: Expression,
    },
    Start {
        timer: SmolStr,
        duration: Duration,
    },
    Reset {
        timer: SmolStr,
    },
    Stop {
        timer: SmolStr,
    },
    /// Without a severity, with that of the rule; likewise the text.
    Raise {
        severity: Option<Severity>,
        text: Option<Expression>,
    },
    Clear,
    Act {
        action: u8,
    },
}

/// What an expression reads of the detector itself, by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reads {
    pub variables: Vec<SmolStr>,
    pub timeouts: Vec<SmolStr>,
}

/// In the order of their places.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    pub states: Vec<SmolStr>,
    pub variables: Vec<SmolStr>,
    pub timers: Vec<SmolStr>,
}

impl DetectorDraft {
    /// All names there are. A timer is named where it is set, reset or cleared.
    pub fn names(&self) -> Names {
        let mut timers = BTreeSet::new();
        for action in self.states.iter().flat_map(StateDraft::entries).flat_map(|entry| &entry.actions) {
            match action {
                ActionDraft::Start { timer, .. } | ActionDraft::Reset { timer } | ActionDraft::Stop { timer } => {
                    timers.insert(timer.clone());
                }
                ActionDraft::Set { .. } | ActionDraft::Raise { .. } | ActionDraft::Clear | ActionDraft::Act { .. } => {}
            }
        }
        Names {
            states: self.states.iter().map(|state| state.name.clone()).collect(),
            variables: self.variables.iter().map(|variable| variable.name.clone()).collect(),
            timers: timers.into_iter().collect(),
        }
    }
}

impl StateDraft {
    pub(super) fn entries(&self) -> impl Iterator<Item = &EntryDraft> {
        self.placed_entries().map(|(_, entry)| entry)
    }

    /// With the phase they stand in, and their place in it.
    pub(super) fn placed_entries(&self) -> impl Iterator<Item = ((&'static str, usize), &EntryDraft)> {
        let phases = [("onEnter", &self.on_enter), ("onInput", &self.on_input), ("onExit", &self.on_exit)];
        phases.into_iter().flat_map(|(phase, entries)| entries.iter().enumerate().map(move |(index, entry)| ((phase, index), entry)))
    }
}

/// The definition, if it has no errors, and all that is to be said of it. `reads` tells of each expression.
pub fn compile(draft: &DetectorDraft, reads: &BTreeMap<Expression, Reads>) -> (Option<Definition>, Vec<Problem>) {
    let (definition, mut problems) = assemble(draft);
    // Within its bounds it is looked at as a whole, even if a name is wrong.
    if definition.is_some() || !exceeds(draft) {
        problems.extend(check(draft, reads));
    }
    let fails = problems.iter().any(|problem| !problem.warning);
    (definition.filter(|_| !fails), problems)
}

/// The definition alone: of files that run as they are, whatever else is to be said of them.
pub fn assemble(draft: &DetectorDraft) -> (Option<Definition>, Vec<Problem>) {
    let mut compiler = Compiler { names: draft.names(), problems: Vec::new() };
    compiler.bounds(draft);
    if !compiler.problems.is_empty() {
        return (None, compiler.problems);
    }
    let initial = compiler.state(&draft.initial, "initial");
    let states = draft.states.iter().map(|state| compiler.state_spec(state)).collect();
    let timers = compiler.names.timers.clone().into();
    let definition = Definition { mode: draft.mode, initial, states, variables: draft.variables.clone().into(), timers };
    (compiler.problems.is_empty().then_some(definition), compiler.problems)
}

fn exceeds(draft: &DetectorDraft) -> bool {
    let mut compiler = Compiler { names: draft.names(), problems: Vec::new() };
    compiler.bounds(draft);
    !compiler.problems.is_empty()
}

struct Compiler {
    names: Names,
    problems: Vec<Problem>,
}

impl Compiler {
    fn bounds(&mut self, draft: &DetectorDraft) {
        let names = &self.names;
        let entries = draft.states.iter().flat_map(|state| [state.on_enter.len(), state.on_input.len(), state.on_exit.len()]).max();
        let counts = [
            ("states", names.states.len(), STATES_MAX),
            ("variables", names.variables.len(), VARIABLES_MAX),
            ("timers", names.timers.len(), TIMERS_MAX),
            ("entries in one phase", entries.unwrap_or(0), ENTRIES_MAX),
        ];
        for (what, count, max) in counts {
            if count > max {
                self.problems.push(Problem::error("E720", "states", format!("{count} {what}; at most {max} are allowed")));
            }
        }
    }

    fn state_spec(&mut self, state: &StateDraft) -> StateSpec {
        let place = |phase: &str| format!("states.{}.{phase}", state.name);
        StateSpec {
            name: state.name.clone(),
            on_enter: self.phase(&state.on_enter, &place("onEnter")),
            on_input: self.phase(&state.on_input, &place("onInput")),
            on_exit: self.phase(&state.on_exit, &place("onExit")),
        }
    }

    fn phase(&mut self, entries: &[EntryDraft], place: &str) -> Phase {
        let (mut events, mut transitions) = (Vec::new(), Vec::new());
        for (index, entry) in entries.iter().enumerate() {
            let place = format!("{place}[{index}]");
            let compiled = Entry {
                name: entry.name.clone(),
                when: entry.when,
                actions: entry.actions.iter().map(|action| self.action(action, &place)).collect(),
            };
            match &entry.goto {
                None => events.push(compiled),
                Some(goto) if place.contains(".onInput") => transitions.push((compiled, self.state(goto, &place))),
                Some(_) => self.problems.push(Problem::error("E720", &place, "goto stands in onInput only".to_owned())),
            }
        }
        Phase { events: events.into(), transitions: transitions.into() }
    }

    fn action(&mut self, action: &ActionDraft, place: &str) -> Action {
        match action {
            ActionDraft::Set { variable, value } => Action::Set { variable: self.variable(variable, place), value: *value },
            ActionDraft::Start { timer, duration } => Action::Start { timer: self.timer(timer), duration: *duration },
            ActionDraft::Reset { timer } => Action::Reset { timer: self.timer(timer) },
            ActionDraft::Stop { timer } => Action::Stop { timer: self.timer(timer) },
            ActionDraft::Raise { severity, text } => Action::Raise { severity: *severity, text: *text },
            ActionDraft::Clear => Action::Clear,
            ActionDraft::Act { action } => Action::Act { action: *action },
        }
    }

    fn state(&mut self, name: &str, place: &str) -> u8 {
        found(&self.names.states, name).unwrap_or_else(|| {
            let what = if place == "initial" { "initial" } else { "goto" };
            let message = format!("{what}: `{name}` is no state; states are {}", listed(&self.names.states));
            self.problems.push(Problem::error("E720", place, message));
            0
        })
    }

    fn variable(&mut self, name: &str, place: &str) -> u8 {
        found(&self.names.variables, name).unwrap_or_else(|| {
            let message = format!("`{name}` is no variable; variables are {}", listed(&self.names.variables));
            self.problems.push(Problem::error("E721", place, message));
            0
        })
    }

    /// Always there: a timer is named by being used.
    fn timer(&self, name: &str) -> u8 {
        found(&self.names.timers, name).unwrap_or(0)
    }
}

fn found(names: &[SmolStr], name: &str) -> Option<u8> {
    names.iter().position(|own| own == name).and_then(|place| u8::try_from(place).ok())
}

fn listed(names: &[SmolStr]) -> String {
    if names.is_empty() { "not declared".to_owned() } else { names.join(", ") }
}
