//! The type of a group of models.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::super::file::Input;
use super::group::{Group, rule_id};
use super::yaml::scalar;

pub(super) fn schema(group: &Group<'_, '_>, inputs: &[&Input]) -> String {
    let mut text = String::from("# Made by `pollux import iot-events`. The models it names run as they were exported.\n");
    let mut line = |line: String| {
        // Writing into a text does not fail.
        let _written = writeln!(text, "{line}");
    };
    line(format!("type: {}", group.type_name));
    line("kind: DEVICE".to_owned());
    if let [model] = group.models.as_slice() {
        line(format!("title: {}", scalar(&model.detector.name)));
        if let Some(description) = &model.description {
            line(format!("description: {}", scalar(description)));
        }
    }
    line("telemetry:".to_owned());
    for name in group.inputs() {
        let declared = inputs.iter().find(|input| input.name == *name);
        let attributes: Vec<&str> = declared.iter().flat_map(|input| &input.attributes).map(|attribute| attribute.text.as_str()).collect();
        let described = if attributes.is_empty() { String::new() } else { format!(", description: {}", scalar(&attributes.join(", "))) };
        line(format!("  {name}: {{type: json{described}}}"));
    }
    for model in &group.models {
        if let Some(input) = &model.action_input {
            let described = scalar(&format!("what operators do about {}", model.detector.name));
            line(format!("  {input}: {{type: json, description: {described}}}"));
        }
    }
    line("rules:".to_owned());
    let mut taken = BTreeSet::new();
    for model in &group.models {
        let id = rule_id(&model.detector.name, &mut taken);
        line(format!("  - {{id: {id}, detector: {}}}", scalar(&model.path)));
    }
    text
}
