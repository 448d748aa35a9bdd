//! Payloads that were seen: batches for BatchPutMessage, and files of simulators in any shape. They show which names really arrive.

use serde_json::Value as Json;
use smol_str::SmolStr;

use super::super::expression::{Step, follow};
use super::super::finding::{Findings, Kind};
use super::input::{Attribute, Input};
use super::node::Node;

/// Of one file.
const SAMPLES_MAX: usize = 256;
/// How far into a file of a simulator payloads are looked for.
const LEVELS_MAX: usize = 4;

/// A payload, with its input where the file says it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub input: Option<SmolStr>,
    pub message_id: Option<SmolStr>,
    pub payload: Json,
    pub place: String,
}

/// The samples, and the inputs that a simulator's file declares as `inputs: {Name: [attribute, …]}`.
pub(super) fn read(root: Node<'_>, findings: &mut Findings) -> (Vec<Sample>, Vec<Input>) {
    if root.get("messages").is_some() {
        let messages = root.list("messages", findings);
        return (messages.iter().take(SAMPLES_MAX).filter_map(|message| read_message(message, findings)).collect(), Vec::new());
    }
    let mut samples = Vec::new();
    let mut waiting = vec![(root.clone(), 0)];
    while let Some((node, level)) = waiting.pop() {
        let Some(object) = node.json.as_object() else { continue };
        let has_values = object.values().any(|value| value.is_number() || value.is_boolean());
        if level > 0 && has_values && samples.len() < SAMPLES_MAX {
            samples.push(Sample { input: None, message_id: None, payload: node.json.clone(), place: node.path.clone() });
        }
        if level < LEVELS_MAX {
            let inner = object.keys().filter(|key| level > 0 || key.as_str() != "inputs");
            waiting.extend(inner.filter_map(|key| Some((node.get(key)?, level + 1))));
        }
    }
    samples.sort_by(|one, other| one.place.cmp(&other.place));
    (samples, declared(&root, findings))
}

fn read_message(message: &Node<'_>, findings: &mut Findings) -> Option<Sample> {
    message.only(&["messageId", "inputName", "payload", "timestamp"], findings);
    let text = message.require_text("payload", findings)?;
    let payload = serde_json::from_str(&text)
        .map_err(|error| findings.error(Kind::File, &message.path_of("payload"), format!("the payload is no JSON: {error}")));
    Some(Sample {
        input: Some(message.require_text("inputName", findings)?),
        message_id: message.text("messageId", findings),
        payload: payload.ok()?,
        place: message.path.clone(),
    })
}

fn declared(root: &Node<'_>, findings: &mut Findings) -> Vec<Input> {
    let Some(inputs) = root.get("inputs") else { return Vec::new() };
    let names = inputs.json.as_object().into_iter().flatten().filter(|(_, value)| value.is_array());
    let names: Vec<&String> = names.map(|(name, _)| name).collect();
    let read = |name: &String| {
        let attributes = inputs.list(name, findings);
        let attributes = attributes.iter().filter_map(|attribute| Attribute::read(attribute.json.as_str()?, &attribute.path, findings));
        let attributes = attributes.collect();
        Input { name: name.into(), attributes, place: inputs.path_of(name) }
    };
    names.into_iter().map(read).collect()
}

/// The samples of one input: those that say so, and those of simulators whose names fit it better than any other input.
pub fn samples<'a>(all: &'a [Sample], input: &Input, inputs: &[Input]) -> Vec<&'a Sample> {
    all.iter().filter(|sample| sample.input.as_ref().map_or_else(|| is_of(sample, input, inputs), |own| *own == input.name)).collect()
}

/// At least half of the attributes are there, and a larger share than of any other input.
fn is_of(sample: &Sample, input: &Input, inputs: &[Input]) -> bool {
    let (own, size) = (share(sample, input), input.attributes.len());
    let better = |other: &Input| {
        let (found, of) = share(sample, other);
        found * size > own.0 * of || (found * size == own.0 * of && found > own.0)
    };
    own.0 * 2 >= size.max(1) && !inputs.iter().any(better)
}

/// How many of the attributes it has, of how many.
fn share(sample: &Sample, input: &Input) -> (usize, usize) {
    let found = input.attributes.iter().filter(|attribute| follow(&sample.payload, &attribute.path).is_some()).count();
    (found, input.attributes.len().max(1))
}

impl Sample {
    /// The paths of all its values.
    pub fn paths(&self) -> Vec<Vec<Step>> {
        let (mut paths, mut waiting) = (Vec::new(), vec![(&self.payload, Vec::new())]);
        while let Some((json, path)) = waiting.pop() {
            match json {
                Json::Object(object) if path.len() < LEVELS_MAX => {
                    waiting.extend(object.iter().map(|(name, json)| (json, [&path[..], &[Step::Name(name.into())]].concat())));
                }
                Json::Object(_) | Json::Array(_) | Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => paths.push(path),
            }
        }
        paths.sort();
        paths
    }
}
