//! How the states hang together, and what a timer may set off by itself.

use std::collections::BTreeSet;

use crate::iotevents::expression::Reference;
use crate::iotevents::finding::{Findings, Kind};

use super::view::{EventView, StateView, View};

pub(super) fn check(view: &View<'_>, findings: &mut Findings) {
    check_inputs(view, findings);
    let reached = reachable(view);
    for (_, state) in view.states.iter().enumerate().filter(|(at, _)| !reached.contains(at)) {
        let message = format!("state `{}` can never be reached from `{}`", state.state.name, view.model.initial);
        findings.warning(Kind::Structure, &state.state.place, message);
    }
    for state in &view.states {
        check_actions(state, findings);
        if view.has_timers() {
            state.on_input.iter().for_each(|event| check_timer_trigger(event, findings));
            state.transitions.iter().for_each(|event| check_timer_trigger(event, findings));
        }
    }
}

/// Something has to come in from somewhere.
fn check_inputs(view: &View<'_>, findings: &mut Findings) {
    let is_input = |reference: &Reference<'_>| matches!(reference, Reference::Input { .. } | Reference::CurrentInput(_));
    // A condition that could not be read may have been the one.
    let may_use = |event: &EventView<'_>| event.asks().iter().any(is_input) || event.condition.is_none() && event.event.condition.is_some();
    let uses_input = view.events().any(may_use);
    if !uses_input && !view.states.is_empty() {
        findings.error(Kind::Structure, &view.model.place, "no condition uses an input: no message can ever reach this detector");
    }
}

/// States by their places, from the initial one on.
fn reachable(view: &View<'_>) -> BTreeSet<usize> {
    // Where the first state is unknown, nothing can be said.
    let Some(initial) = view.state(&view.model.initial) else { return (0..view.states.len()).collect() };
    let (mut reached, mut waiting) = (BTreeSet::from([initial]), vec![initial]);
    while let Some(state) = waiting.pop().and_then(|at| view.states.get(at)) {
        let possible = state.transitions.iter().filter(|transition| !transition.is_impossible());
        let next = possible.filter_map(|transition| view.state(transition.event.next.as_deref()?));
        waiting.extend(next.filter(|next| reached.insert(*next)));
    }
    reached
}

fn check_actions(state: &StateView<'_>, findings: &mut Findings) {
    for event in state.events().filter(|event| event.is_impossible() && (event.event.next.is_some() || !event.event.actions.is_empty())) {
        findings.warning(Kind::Structure, event.place(), format!("`{}` can never happen: its condition is false", event.event.name));
    }
    let mut certain: Option<&EventView<'_>> = None;
    for transition in &state.transitions {
        if let Some(first) = certain {
            let message = format!("`{}` is never taken: `{}` before it is always true", transition.event.name, first.event.name);
            findings.warning(Kind::Structure, transition.place(), message);
        } else if transition.is_certain() {
            certain = Some(transition);
        }
    }
}

/// A timer is a trigger too, and the payloads of before are still there (D16).
fn check_timer_trigger(event: &EventView<'_>, findings: &mut Findings) {
    let reads_input = event.asks().iter().any(|reference| matches!(reference, Reference::Input { .. }));
    if event.is_guarded() {
        return;
    }
    if reads_input {
        let message = "An input attribute is being read, but this may be caused by a timer expiration: add triggerType(\"Message\") && to the \
                       condition if only a message is meant";
        findings.warning(Kind::Structure, event.place(), message);
    }
    if event.sends() {
        let message = "An expiring timer can cause an unexpected amount of messages to be sent: add triggerType(\"Message\") && to the condition \
                       if only a message is meant";
        findings.warning(Kind::Structure, event.place(), message);
    }
}
