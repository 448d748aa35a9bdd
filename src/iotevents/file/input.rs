//! Inputs: a name and the attributes that it declares.

use smol_str::SmolStr;

use super::super::expression::{Step, parse_path};
use super::super::finding::{Findings, Kind};
use super::node::Node;

#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    pub name: SmolStr,
    pub attributes: Vec<Attribute>,
    pub place: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Attribute {
    /// As written.
    pub text: SmolStr,
    pub path: Box<[Step]>,
}

impl Input {
    pub(super) fn read(node: Node<'_>, findings: &mut Findings) -> Option<Input> {
        node.only(&["inputName", "inputDescription", "inputDefinition", "inputArn", "tags"], findings);
        let definition = node.require("inputDefinition", findings)?;
        definition.only(&["attributes"], findings);
        let attributes = definition.list("attributes", findings);
        let attributes = attributes.iter().filter_map(|attribute| {
            attribute.only(&["jsonPath"], findings);
            let text = attribute.require_text("jsonPath", findings)?;
            Attribute::read(&text, &attribute.path, findings)
        });
        let attributes = attributes.collect();
        let name = node.require_text("inputName", findings)?;
        if !is_input_name(&name) {
            let message = format!("`{name}` is no name of an input: a letter, then letters, digits and `_`");
            findings.error(Kind::ReferencedResource, &node.path_of("inputName"), message);
        }
        Some(Input { name, attributes, place: node.path })
    }

    /// Whether a path is one of the attributes, or leads into or holds one.
    pub fn declares(&self, path: &[Step]) -> bool {
        self.attributes.iter().any(|own| path.starts_with(&own.path) || own.path.starts_with(path))
    }
}

impl Attribute {
    pub(super) fn read(text: &str, place: &str, findings: &mut Findings) -> Option<Attribute> {
        let path = parse_path(text).map_err(|error| findings.error(Kind::ExpressionSyntax, place, format!("not a path: {error}")));
        Some(Attribute { text: text.into(), path: path.ok()? })
    }
}

pub(in crate::iotevents) fn is_input_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.len() <= 128 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
