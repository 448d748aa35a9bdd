//! Where what a detector sends goes here: a sink per ARN or name, or a topic made of its kind and the last part of its target.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};
use smol_str::SmolStr;

use crate::rule::{Ask, Target};

use super::super::file::SendKind;

/// Below it lies a topic per input, for messages from outside and for the action `iotEvents`.
pub const INPUT_TOPICS: &str = "iotevents/inputs";

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sink {
    /// A topic of MQTT.
    Publish(String),
    /// A webhook of the settings, by name.
    Webhook(SmolStr),
    /// A command of the twin, with the payload as its arguments.
    Command(SmolStr),
    /// An event of the twin, recorded with the payload: nothing leaves.
    Log(SmolStr),
}

/// By the whole target, as the file says it (an ARN, a URL, a name).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sinks(pub BTreeMap<String, Sink>);

impl Sinks {
    pub(super) fn ask(&self, kind: SendKind, target: &str, payload: Json) -> Ask {
        match self.0.get(target) {
            None => publish(default_topic(kind, target), payload),
            Some(Sink::Publish(topic)) => publish(topic.clone(), payload),
            Some(Sink::Webhook(name)) => Ask::Webhook { name: name.clone(), body: Some(payload) },
            Some(Sink::Command(name)) => {
                let args = match payload {
                    Json::Object(args) => args,
                    other @ (Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_)) => {
                        Map::from_iter([("payload".to_owned(), other)])
                    }
                };
                Ask::Command { name: name.clone(), args, target: Target::This }
            }
            Some(Sink::Log(event)) => Ask::Emit { event: event.clone(), data: Some(payload) },
        }
    }
}

fn publish(topic: String, payload: Json) -> Ask {
    Ask::Publish { topic, payload: Some(payload), qos: 1, retain: false }
}

/// A topic to publish on is its own, an input has one, everything else lies below `pollux/sinks`.
pub fn default_topic(kind: SendKind, target: &str) -> String {
    match kind {
        SendKind::IotTopicPublish => topic(target),
        SendKind::IotEvents => format!("{INPUT_TOPICS}/{}", level(target)),
        SendKind::Sns
        | SendKind::Lambda
        | SendKind::Sqs
        | SendKind::Firehose
        | SendKind::DynamoDb
        | SendKind::DynamoDbV2
        | SendKind::IotSiteWise => format!("pollux/sinks/{}/{}", kind.as_str(), level(last_part(target))),
    }
}

/// Of an ARN, a URL or a path: what stands last. The name of a function is not its alias.
pub fn last_part(target: &str) -> &str {
    if let Some((_, function)) = target.split_once(":function:") {
        return function.split(':').next().unwrap_or(function);
    }
    target.trim_end_matches(['/', ':']).rsplit(['/', ':']).next().unwrap_or(target)
}

/// A topic to publish on has no wildcards.
fn topic(text: &str) -> String {
    text.chars().map(|c| if matches!(c, '+' | '#' | '\0') { '_' } else { c }).collect()
}

fn level(text: &str) -> String {
    let level: String = topic(text).replace('/', "_");
    if level.is_empty() { "_".to_owned() } else { level }
}
