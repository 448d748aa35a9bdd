//! Detector models.

use std::collections::BTreeMap;
use std::time::Duration as Time;

use crate::rule::detector::{ActionDraft, Duration, ENTRIES_MAX, EntryDraft, STATES_MAX, StateDraft};

use super::super::file::{ActionKind, DetectorModel, Event, Length, State};
use super::super::finding::{Finding, Findings, Kind};
use super::Detector;
use super::builder::Builder;

/// Of one event or transition.
const ACTIONS_MAX: usize = 64;

/// Without a detector there is an error among the findings. What is only unwise is said by `lint`.
pub fn compile(file: &str, model: &DetectorModel) -> (Option<Detector>, Vec<Finding>) {
    let mut findings = Findings::new(file);
    let mut builder = Builder::default();
    builder.draft.mode = model.mode;
    builder.draft.initial = model.initial.clone();
    if let Some(message) = exceeds(model) {
        findings.error(Kind::ServiceLimits, &model.place, message);
        return (None, findings.into_list());
    }
    check_names(model, &mut findings);
    for state in &model.states {
        let state = read_state(state, &mut builder, &mut findings);
        builder.draft.states.push(state);
    }
    let key = Builder::key(model.key.as_ref(), &model.key_place, &mut findings);
    let detector = builder.finish((&model.name, &model.version), key, &model.place, &mut findings);
    (detector, findings.into_list())
}

/// Bounds of the engine, looked at first: nothing later has to fear a file that is only meant to be large.
pub(in crate::iotevents) fn exceeds(model: &DetectorModel) -> Option<String> {
    let phases = |state: &State| [state.on_enter.len(), state.on_input.len() + state.transitions.len(), state.on_exit.len()];
    let counts = [
        ("states", model.states.len(), STATES_MAX),
        ("events in one phase", model.states.iter().flat_map(phases).max().unwrap_or(0), ENTRIES_MAX),
        ("actions in one event", model.events().map(|(_, event)| event.actions.len()).max().unwrap_or(0), ACTIONS_MAX),
    ];
    let exceeding = counts.into_iter().find(|(_, count, max)| count > max);
    exceeding.map(|(what, count, max)| format!("{count} {what}; at most {max} are run"))
}

fn check_names(model: &DetectorModel, findings: &mut Findings) {
    let mut seen = BTreeMap::new();
    for state in &model.states {
        if let Some(first) = seen.insert(&state.name, &state.place) {
            findings.error(Kind::Structure, &state.place, format!("there are two states `{}`; the other is {first}", state.name));
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if state.name.is_empty() || state.name.len() > 128 || !state.name.chars().all(is_plain) {
            let message = format!("`{}` is no name of a state: 1 to 128 letters, digits, `_` and `-`", state.name);
            findings.error(Kind::Structure, &state.place, message);
        }
    }
    let names = || model.states.iter().map(|state| state.name.as_str()).collect::<Vec<_>>().join(", ");
    if !seen.contains_key(&model.initial) {
        let message = format!("initialStateName: there is no state `{}`; states are {}", model.initial, names());
        findings.error(Kind::Structure, &model.place, message);
    }
    for (_, event) in model.events() {
        if let Some(next) = event.next.as_ref().filter(|next| !seen.contains_key(next)) {
            findings.error(Kind::Structure, &event.place, format!("nextState: there is no state `{next}`; states are {}", names()));
        }
    }
}

fn read_state(state: &State, builder: &mut Builder, findings: &mut Findings) -> StateDraft {
    let mut phase = |events: &[Event]| events.iter().map(|event| read_event(event, builder, findings)).collect::<Vec<_>>();
    let on_enter = phase(&state.on_enter);
    let mut on_input = phase(&state.on_input);
    on_input.extend(phase(&state.transitions));
    StateDraft { name: state.name.clone(), on_enter, on_input, on_exit: phase(&state.on_exit) }
}

fn read_event(event: &Event, builder: &mut Builder, findings: &mut Findings) -> EntryDraft {
    let when = event.condition.as_ref().and_then(|condition| builder.expression(condition, &event.place, findings));
    let mut actions = Vec::new();
    for action in &event.actions {
        let place = &action.place;
        actions.extend(match &action.kind {
            ActionKind::SetVariable { variable, value } => {
                builder.variable(variable);
                let value = builder.expression(value, place, findings);
                value.map(|value| ActionDraft::Set { variable: variable.clone(), value })
            }
            ActionKind::SetTimer { timer, length } => {
                let duration = match length {
                    Length::Seconds(seconds) => Some(Duration::Fixed(Time::from_secs(*seconds))),
                    Length::Expression(text) => builder.expression(text, place, findings).map(Duration::Seconds),
                };
                duration.map(|duration| ActionDraft::Start { timer: timer.clone(), duration })
            }
            ActionKind::ResetTimer { timer } => Some(ActionDraft::Reset { timer: timer.clone() }),
            ActionKind::ClearTimer { timer } => Some(ActionDraft::Stop { timer: timer.clone() }),
            ActionKind::Send(send) => builder.send(send, None, place, findings),
        });
    }
    EntryDraft { name: event.name.clone(), when, actions, evaluates: Vec::new(), goto: event.next.clone() }
}
