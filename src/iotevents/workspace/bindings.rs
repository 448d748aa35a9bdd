//! Topics: one per input, one per alarm model for what operators do, and those of the topic rules that fed the inputs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use smol_str::SmolStr;

use super::super::detector::INPUT_TOPICS;
use super::super::expression::{Step, parse_path};
use super::super::file::TopicRule;
use super::super::finding::{Finding, Findings, Kind};
use super::Source;
use super::group::Group;
use super::yaml::scalar;

const ALARM_TOPICS: &str = "iotevents/alarms";

struct Binding<'g, 'm, 'a> {
    group: &'g Group<'m, 'a>,
    id: String,
    /// A JSON path to the id of the twin.
    key: Option<String>,
    members: Vec<SmolStr>,
    /// A first message makes the twin. What operators do about an alarm makes none.
    provisions: bool,
}

pub(super) fn bindings(groups: &[Group<'_, '_>], rules: &[(Source<'_>, TopicRule)], findings: &mut Vec<Finding>) -> String {
    let mut bindings: BTreeMap<String, Binding<'_, '_, '_>> = BTreeMap::new();
    for group in groups {
        let key = group.key.as_ref().and_then(|key| parse_path(key).ok()).map(|key| json_path(&key));
        for input in group.inputs() {
            let binding =
                Binding { group, id: format!("iotevents-{input}"), key: key.clone(), members: vec![input.clone()], provisions: true };
            bindings.insert(format!("{INPUT_TOPICS}/{input}"), binding);
        }
        for model in &group.models {
            if let Some(input) = &model.action_input {
                let key = group.key.as_ref().map(|_| "$.keyValue".to_owned());
                let binding = Binding { group, id: format!("iotevents-{input}"), key, members: vec![input.clone()], provisions: false };
                bindings.insert(format!("{ALARM_TOPICS}/{}", slug(&model.detector.name)), binding);
            }
        }
    }
    feed(groups, rules, &mut bindings, findings);
    let mut text = String::from(
        "# Made by `pollux import iot-events`. A message on a topic below is one of BatchPutMessage: its payload is the whole input.\nbindings:\n",
    );
    for (topic, binding) in &bindings {
        write(&mut text, topic, binding);
    }
    text
}

/// Topic rules that pass on what is published: their topics feed the inputs, too.
fn feed<'g, 'm, 'a>(
    groups: &'g [Group<'m, 'a>],
    rules: &[(Source<'_>, TopicRule)],
    bindings: &mut BTreeMap<String, Binding<'g, 'm, 'a>>,
    findings: &mut Vec<Finding>,
) {
    for (source, rule) in rules.iter().filter(|(_, rule)| rule.is_plain) {
        let Some(topic) = rule.topic.as_deref().map(topic_pattern) else { continue };
        for feed in &rule.feeds {
            let mut own = Findings::new(source.name);
            let Some(group) = groups.iter().find(|group| group.inputs().contains(&feed.input)) else {
                own.info(Kind::Import, &feed.place, format!("no model here reads {}: {} is left out", feed.input, rule.name));
                findings.extend(own.into_list());
                continue;
            };
            let key = group.key.as_ref().and_then(|key| parse_path(key).ok()).map(|key| json_path(&key));
            let id = format!("iotrule-{}", slug(&rule.name));
            let new = || Binding { group, id, key, members: Vec::new(), provisions: true };
            let binding = bindings.entry(topic.clone()).or_insert_with(new);
            if binding.group.type_name != group.type_name {
                let message = format!(
                    "{} feeds {} and an input of {}: a message goes to one twin here",
                    rule.name, feed.input, binding.group.type_name
                );
                own.error(Kind::Import, &feed.place, message);
                findings.extend(own.into_list());
            } else if !binding.members.contains(&feed.input) {
                binding.members.push(feed.input.clone());
                binding.members.sort();
            }
        }
    }
}

fn write(text: &mut String, topic: &str, binding: &Binding<'_, '_, '_>) {
    let twin = match &binding.key {
        Some(key) => format!("{{path: {}}}", quoted(key)),
        None => scalar(binding.group.single_twin()),
    };
    let map: Vec<String> = binding.members.iter().map(|member| format!("{{path: $, to: {member}}}")).collect();
    let (id, topic, map) = (scalar(&binding.id), quoted(topic), map.join(", "));
    // Writing into a text does not fail.
    let _written = writeln!(text, "  - id: {id}\n    source: mqtt\n    topic: {topic}\n    twin: {twin}\n    map: [{map}]");
    if binding.provisions {
        let _written = writeln!(text, "    unknownTwin: {{provision: {}}}", binding.group.type_name);
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// As RFC 9535 writes it.
fn json_path(path: &[Step]) -> String {
    let mut text = String::from("$");
    for step in path {
        match step {
            Step::Name(name) if name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(is_plain) => {
                text.push('.');
                text.push_str(name);
            }
            Step::Name(name) => text.push_str(&format!("['{}']", name.replace('\\', "\\\\").replace('\'', "\\'"))),
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// `dt/+/temp/#` → `dt/{level1}/temp/{rest...}`
fn topic_pattern(filter: &str) -> String {
    let levels = filter.split('/').enumerate().map(|(at, level)| match level {
        "+" => format!("{{level{at}}}"),
        "#" => "{rest...}".to_owned(),
        plain => plain.to_owned(),
    });
    levels.collect::<Vec<_>>().join("/")
}

fn slug(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '-' }).collect()
}
