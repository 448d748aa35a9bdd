//! Files of AWS IoT Events and of what feeds it, as they are exported. They are told apart by their keys.
//!
//! `null` is the same as absent. Unknown keys are reported as INFO; they are kept, because the files themselves are kept.

mod action;
mod alarm_model;
mod detector_model;
mod input;
mod node;
mod sample;
#[cfg(test)]
mod tests;
mod topic_rule;

use serde_json::Value as Json;

pub use action::{Action, ActionKind, Length, Payload, PayloadType, Send, SendKind};
pub use alarm_model::{AlarmModel, Comparison, Notification};
pub use detector_model::{DetectorModel, Event, State};
pub(super) use input::is_input_name;
pub use input::{Attribute, Input};
pub use sample::{Sample, samples};
pub use topic_rule::{Feed, TopicRule};

use super::finding::{Finding, Findings, Kind};
use node::Node;

pub const FILE_BYTES_MAX: usize = 4 * 1024 * 1024;

#[derive(Debug, Clone, PartialEq)]
pub enum Document {
    DetectorModel(DetectorModel),
    AlarmModel(AlarmModel),
    Input(Input),
    /// A batch for BatchPutMessage, or whatever else holds payloads that were seen; and inputs that such a file declares beside them.
    Samples {
        samples: Vec<Sample>,
        inputs: Vec<Input>,
    },
    TopicRule(TopicRule),
}

/// Reads any of them. Without a document there is an error among the findings.
pub fn read(file: &str, text: &str) -> (Option<Document>, Vec<Finding>) {
    let mut findings = Findings::new(file);
    let document = parse(text, &mut findings).and_then(|json| document(file, &json, &mut findings));
    (document, findings.into_list())
}

fn parse(text: &str, findings: &mut Findings) -> Option<Json> {
    if text.len() > FILE_BYTES_MAX {
        findings.error(Kind::File, "", format!("the file has {} bytes; at most {FILE_BYTES_MAX} are read", text.len()));
        return None;
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    serde_json::from_str(text).map_err(|error| findings.error(Kind::File, "", format!("this is no JSON: {error}"))).ok()
}

fn document(file: &str, json: &Json, findings: &mut Findings) -> Option<Document> {
    let root = Node::root(json);
    if json.get("detectorModel").is_some() || json.get("detectorModelDefinition").is_some() {
        return DetectorModel::read(&stem(file), root, findings).map(Document::DetectorModel);
    }
    if json.get("alarmRule").is_some() {
        return AlarmModel::read(&stem(file), root, findings).map(Document::AlarmModel);
    }
    if json.get("inputDefinition").is_some() {
        return Input::read(root, findings).map(Document::Input);
    }
    if json.get("topicRulePayload").is_some() || (json.get("sql").is_some() && json.get("actions").is_some()) {
        return TopicRule::read(&stem(file), root, findings).map(Document::TopicRule);
    }
    if json.is_object() {
        let (samples, inputs) = sample::read(root, findings);
        if !samples.is_empty() || !inputs.is_empty() {
            return Some(Document::Samples { samples, inputs });
        }
    }
    findings.error(
        Kind::File,
        "",
        "this is none of the files that are known: a detector model (detectorModelDefinition), an alarm model (alarmRule), an input \
         (inputDefinition), messages (messages) or a topic rule (topicRulePayload)",
    );
    None
}

/// The name of a file without folders and ending: the name of what it holds, where the file does not say one.
fn stem(file: &str) -> String {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned()
}
