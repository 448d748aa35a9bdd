//! Variables, timers and inputs that are used: whether they are there, and in time.

use std::collections::BTreeSet;

use crate::iotevents::expression::{Reference, Term};
use crate::iotevents::file::{ActionKind, is_input_name};
use crate::iotevents::finding::{Findings, Kind};

use super::Beside;
use super::flow::{Knowledge, entered, hearing};
use super::names::look_alike;
use super::types::input_of;
use super::view::{EventView, View};

/// Variables that may have been set.
#[derive(Debug, Clone, Default)]
struct Set(BTreeSet<String>);

impl Knowledge for Set {
    fn after(&mut self, event: &EventView<'_>, _certain: bool) {
        for action in &event.event.actions {
            if let ActionKind::SetVariable { variable, .. } = &action.kind {
                self.0.insert(variable.to_string());
            }
        }
    }

    fn join(&mut self, other: &Self) -> bool {
        let before = self.0.len();
        self.0.extend(other.0.iter().cloned());
        self.0.len() > before
    }
}

pub(super) fn check(view: &View<'_>, beside: &Beside<'_>, findings: &mut Findings) {
    check_variables(view, findings);
    check_timers(view, findings);
    // As AWS does, at the event and not at the action.
    let terms = view.events().flat_map(|event| event.terms().map(|(term, _)| (term, event.place())));
    check_inputs("Detector Model Definition", terms, beside, findings);
}

fn check_variables(view: &View<'_>, findings: &mut Findings) {
    let mut all = Set::default();
    view.events().for_each(|event| all.after(event, false));
    for (state, known) in view.states.iter().zip(entered(view, Set::default())) {
        let Some(mut set) = known else { continue };
        let inside = hearing(state, &set);
        for event in &state.on_enter {
            check_event(event, &set, &all, findings);
            set.after(event, false);
        }
        for event in &state.on_input {
            check_event(event, &inside, &all, findings);
        }
        for event in state.transitions.iter().chain(&state.on_exit) {
            let mut leaving = inside.clone();
            state.transitions.iter().chain(&state.on_exit).for_each(|event| leaving.after(event, false));
            check_event(event, if event.event.next.is_some() { &inside } else { &leaving }, &all, findings);
        }
    }
}

/// What its own earlier actions set is set.
fn check_event(event: &EventView<'_>, set: &Set, all: &Set, findings: &mut Findings) {
    let mut set = set.clone();
    let mut look = |term: &Term, place: &str, set: &Set| {
        for reference in term.references() {
            let Reference::Variable(name) = reference else { continue };
            if !all.0.contains(name.as_str()) {
                let near = look_alike(name, all.0.iter().map(String::as_str)).map(|near| format!("; `{near}` is")).unwrap_or_default();
                findings.error(Kind::ReferencedData, place, format!("$variable.{name} is used and never set{near}"));
            } else if !set.0.contains(name.as_str()) {
                findings.warning(
                    Kind::ReferencedData,
                    place,
                    format!("$variable.{name} is used before it can have been set: it is undefined"),
                );
            }
        }
    };
    if let Some(condition) = &event.condition {
        look(condition, event.place(), &set);
    }
    for action in &event.event.actions {
        for used in event.uses.iter().filter(|used| used.is_of(action)) {
            look(&used.term, used.place, &set);
        }
        if let ActionKind::SetVariable { variable, .. } = &action.kind {
            set.0.insert(variable.to_string());
        }
    }
}

fn check_timers(view: &View<'_>, findings: &mut Findings) {
    let set: BTreeSet<&str> = view
        .actions()
        .filter_map(|action| if let ActionKind::SetTimer { timer, .. } = &action.kind { Some(timer.as_str()) } else { None })
        .collect();
    let mut missing = |timer: &str, what: &str, place: &str| {
        if !set.contains(timer) {
            let near = look_alike(timer, set.iter().copied()).map(|near| format!("; `{near}` is")).unwrap_or_default();
            findings.error(Kind::ReferencedData, place, format!("timer `{timer}` is {what} and never set{near}"));
        }
    };
    for event in view.events() {
        for (term, place) in event.terms() {
            for reference in term.references() {
                if let Reference::Timeout(timer) = reference {
                    missing(timer, "asked about", place);
                }
            }
        }
        for action in &event.event.actions {
            match &action.kind {
                ActionKind::ResetTimer { timer } => missing(timer, "reset", &action.place),
                ActionKind::ClearTimer { timer } => missing(timer, "cleared", &action.place),
                ActionKind::SetTimer { .. } | ActionKind::SetVariable { .. } | ActionKind::Send(_) => {}
            }
        }
    }
}

/// Once per input, where it is first named.
pub(super) fn check_inputs<'m>(what: &str, terms: impl Iterator<Item = (&'m Term, &'m str)>, beside: &Beside<'_>, findings: &mut Findings) {
    let mut said = BTreeSet::new();
    for (term, place) in terms {
        for input in term.references().iter().filter_map(input_of) {
            if beside.inputs.iter().any(|own| own.name == input) || !said.insert(input.to_owned()) {
                continue;
            }
            if !is_input_name(input) {
                let message = format!("`{input}` is no name of an input: a letter, then letters, digits and `_`");
                findings.error(Kind::ReferencedResource, place, message);
                continue;
            }
            let near = look_alike(input, beside.inputs.iter().map(|own| own.name.as_str()));
            let near = near.map(|near| format!(" There is an Input '{near}'.")).unwrap_or_default();
            let message = format!("{what} contains reference to Input '{input}' that does not exist.{near}");
            findings.error(Kind::ReferencedResource, place, message);
        }
    }
}
