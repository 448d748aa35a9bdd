//! What cannot work in a detector, found before it runs.

use std::collections::{BTreeMap, BTreeSet};

use super::super::action::Expression;
use super::compile::{ActionDraft, DetectorDraft, Reads, StateDraft};
use super::definition::Duration;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub code: &'static str,
    /// Where in the rule, as `states.on.onInput[2]`.
    pub place: String,
    pub message: String,
    /// It can run all the same.
    pub warning: bool,
}

impl Problem {
    pub(super) fn error(code: &'static str, place: &str, message: String) -> Problem {
        Problem { code, place: place.to_owned(), message, warning: false }
    }
}

/// States that cannot be reached, timers that are asked about and never set, variables that nobody reads.
pub fn check(draft: &DetectorDraft, reads: &BTreeMap<Expression, Reads>) -> Vec<Problem> {
    let mut problems = Vec::new();
    check_states(draft, &mut problems);
    check_timers(draft, reads, &mut problems);
    check_variables(draft, reads, &mut problems);
    problems
}

fn check_states(draft: &DetectorDraft, problems: &mut Vec<Problem>) {
    let mut names = BTreeSet::new();
    for state in &draft.states {
        if !names.insert(state.name.as_str()) {
            problems.push(Problem::error("E720", &format!("states.{}", state.name), format!("state `{}` stands twice", state.name)));
        }
    }
    let mut reached = BTreeSet::from([draft.initial.as_str()]);
    let mut waiting = vec![draft.initial.as_str()];
    while let Some(name) = waiting.pop() {
        let state = draft.states.iter().find(|state| state.name == name);
        let next = state.into_iter().flat_map(|state| &state.on_input).filter_map(|entry| entry.goto.as_deref());
        waiting.extend(next.filter(|goto| reached.insert(goto)));
    }
    // Without a state to begin in, all of them would be named.
    if !names.contains(draft.initial.as_str()) {
        return;
    }
    for state in draft.states.iter().filter(|state| !reached.contains(state.name.as_str())) {
        problems.push(Problem::error("E720", &format!("states.{}", state.name), format!("state `{}` can never be reached", state.name)));
    }
}

fn check_timers(draft: &DetectorDraft, reads: &BTreeMap<Expression, Reads>, problems: &mut Vec<Problem>) {
    let actions = || draft.states.iter().flat_map(StateDraft::entries).flat_map(|entry| &entry.actions);
    let set: BTreeSet<&str> =
        actions().filter_map(|action| if let ActionDraft::Start { timer, .. } = action { Some(timer.as_str()) } else { None }).collect();
    for state in &draft.states {
        for ((phase, index), entry) in state.placed_entries() {
            let place = format!("states.{}.{phase}[{index}]", state.name);
            for timer in expressions(entry).filter_map(|expression| reads.get(&expression)).flat_map(|reads| &reads.timeouts) {
                if !set.contains(timer.as_str()) {
                    problems.push(Problem::error("E721", &place, format!("timeout('{timer}'): no such timer is ever set")));
                }
            }
            for action in &entry.actions {
                if let ActionDraft::Reset { timer } = action
                    && !set.contains(timer.as_str())
                {
                    problems.push(Problem::error("E721", &place, format!("timer `{timer}` is reset and never set")));
                }
            }
        }
    }
}

fn check_variables(draft: &DetectorDraft, reads: &BTreeMap<Expression, Reads>, problems: &mut Vec<Problem>) {
    let entries = draft.states.iter().flat_map(StateDraft::entries);
    let read: BTreeSet<&str> = entries
        .flat_map(expressions)
        .filter_map(|expression| reads.get(&expression))
        .flat_map(|reads| reads.variables.iter().map(|name| name.as_str()))
        .collect();
    for variable in draft.variables.iter().filter(|variable| !read.contains(variable.name.as_str())) {
        let message = format!("variable `{}` is never read", variable.name);
        problems.push(Problem { warning: true, ..Problem::error("E721", &format!("variables.{}", variable.name), message) });
    }
}

/// All that an entry evaluates.
fn expressions(entry: &super::compile::EntryDraft) -> impl Iterator<Item = Expression> + '_ {
    let actions = entry.actions.iter().filter_map(|action| match action {
        ActionDraft::Set { value, .. } => Some(*value),
        ActionDraft::Start { duration: Duration::Seconds(seconds), .. } => Some(*seconds),
        ActionDraft::Raise { text, .. } => *text,
        ActionDraft::Start { .. } | ActionDraft::Reset { .. } | ActionDraft::Stop { .. } | ActionDraft::Clear | ActionDraft::Act { .. } => {
            None
        }
    });
    entry.when.into_iter().chain(actions).chain(entry.evaluates.iter().copied())
}
