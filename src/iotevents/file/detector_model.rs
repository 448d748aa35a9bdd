//! Detector models, in both published wrappers and bare.

use smol_str::SmolStr;

use crate::rule::detector::Mode;

use super::super::finding::{Findings, Kind};
use super::action::Action;
use super::node::Node;

#[derive(Debug, Clone, PartialEq)]
pub struct DetectorModel {
    pub name: SmolStr,
    pub description: Option<SmolStr>,
    pub version: SmolStr,
    /// The path in a payload that tells the instances apart; without one there is a single instance.
    pub key: Option<SmolStr>,
    pub key_place: String,
    pub mode: Mode,
    pub initial: SmolStr,
    pub states: Vec<State>,
    /// Where the definition stands in the file.
    pub place: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct State {
    pub name: SmolStr,
    pub on_enter: Vec<Event>,
    /// The events of `onInput`.
    pub on_input: Vec<Event>,
    pub transitions: Vec<Event>,
    pub on_exit: Vec<Event>,
    pub place: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub name: SmolStr,
    pub condition: Option<SmolStr>,
    pub actions: Vec<Action>,
    /// Of a transition.
    pub next: Option<SmolStr>,
    pub place: String,
}

const CONFIGURATION: [&str; 10] = [
    "detectorModelName",
    "detectorModelVersion",
    "detectorModelDescription",
    "detectorModelArn",
    "roleArn",
    "creationTime",
    "lastUpdateTime",
    "status",
    "key",
    "evaluationMethod",
];

impl State {
    /// All events and transitions, in the order of their phases.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.on_enter.iter().chain(&self.on_input).chain(&self.transitions).chain(&self.on_exit)
    }
}

impl DetectorModel {
    /// `stem` names it where the file does not.
    pub(super) fn read(stem: &str, root: Node<'_>, findings: &mut Findings) -> Option<DetectorModel> {
        let (outer, settings) = match root.get("detectorModel") {
            Some(wrapped) => {
                root.only(&["detectorModel", "schemaVersion"], findings);
                wrapped.only(&["detectorModelDefinition", "detectorModelConfiguration"], findings);
                let settings = wrapped.get("detectorModelConfiguration").unwrap_or_else(|| wrapped.clone());
                settings.only(&[&CONFIGURATION[..], &["detectorModelDefinition", "detectorModelConfiguration"]].concat(), findings);
                (wrapped, settings)
            }
            None => {
                root.only(&[&CONFIGURATION[..], &["detectorModelDefinition", "schemaVersion", "tags"]].concat(), findings);
                (root.clone(), root)
            }
        };
        let definition = outer.require("detectorModelDefinition", findings)?;
        definition.only(&["states", "initialStateName"], findings);
        Some(DetectorModel {
            name: settings.text("detectorModelName", findings).unwrap_or_else(|| SmolStr::new(stem)),
            description: settings.text("detectorModelDescription", findings),
            version: version(&settings).unwrap_or_else(|| SmolStr::new_static("1")),
            key: settings.text("key", findings),
            key_place: settings.path_of("key"),
            mode: mode(&settings, findings),
            initial: definition.require_text("initialStateName", findings)?,
            states: definition.list("states", findings).iter().filter_map(|state| State::read(state, findings)).collect(),
            place: definition.path,
        })
    }

    pub fn events(&self) -> impl Iterator<Item = (&State, &Event)> {
        self.states.iter().flat_map(|state| state.events().map(move |event| (state, event)))
    }
}

/// AWS writes it as text; a number is understood too.
fn version(settings: &Node<'_>) -> Option<SmolStr> {
    let version = settings.get("detectorModelVersion")?;
    Some(version.json.as_str().map_or_else(|| SmolStr::new(version.json.to_string()), SmolStr::new))
}

fn mode(settings: &Node<'_>, findings: &mut Findings) -> Mode {
    match settings.text("evaluationMethod", findings).as_deref() {
        None | Some("BATCH") => Mode::Batch,
        Some("SERIAL") => Mode::Serial,
        Some(other) => {
            let message = format!("there is no evaluation method `{other}`: BATCH or SERIAL");
            findings.error(Kind::Structure, &settings.path_of("evaluationMethod"), message);
            Mode::Batch
        }
    }
}

impl State {
    fn read(node: &Node<'_>, findings: &mut Findings) -> Option<State> {
        if !node.is_object(findings) {
            return None;
        }
        node.only(&["stateName", "onEnter", "onInput", "onExit"], findings);
        let mut phase = |phase: &str, key: &str| {
            let Some(phase) = node.get(phase).filter(|node| node.is_object(findings)) else { return Vec::new() };
            let is_input = phase.path.ends_with("onInput");
            phase.only(if is_input { &["events", "transitionEvents"] } else { &["events"] }, findings);
            let events = phase.list(key, findings);
            events.iter().filter_map(|event| Event::read(event, key == "transitionEvents", findings)).collect::<Vec<Event>>()
        };
        let (on_enter, on_input) = (phase("onEnter", "events"), phase("onInput", "events"));
        let (transitions, on_exit) = (phase("onInput", "transitionEvents"), phase("onExit", "events"));
        Some(State { name: node.require_text("stateName", findings)?, on_enter, on_input, transitions, on_exit, place: node.path.clone() })
    }
}

impl Event {
    fn read(node: &Node<'_>, is_transition: bool, findings: &mut Findings) -> Option<Event> {
        if !node.is_object(findings) {
            return None;
        }
        let known: &[&str] = &["eventName", "condition", "actions", "nextState"];
        node.only(if is_transition { known } else { &known[..3] }, findings);
        let next = if is_transition { Some(node.require_text("nextState", findings)?) } else { None };
        if is_transition {
            node.require("condition", findings)?;
        }
        let actions = node.list("actions", findings).iter().filter_map(|action| Action::read(action, findings)).collect();
        Some(Event {
            name: node.require_text("eventName", findings)?,
            condition: node.text("condition", findings),
            actions,
            next,
            place: node.path.clone(),
        })
    }
}
