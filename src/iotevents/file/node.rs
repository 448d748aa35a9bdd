//! A place in a JSON file that knows its path, and reads what should stand there.

use serde_json::Value as Json;
use smol_str::SmolStr;

use super::super::finding::{Findings, Kind};

#[derive(Debug, Clone)]
pub(super) struct Node<'j> {
    pub(super) json: &'j Json,
    pub(super) path: String,
}

impl<'j> Node<'j> {
    pub(super) fn root(json: &'j Json) -> Node<'j> {
        Node { json, path: String::new() }
    }

    pub(super) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// What stands under a key; null is nothing.
    pub(super) fn get(&self, key: &str) -> Option<Node<'j>> {
        let json = self.json.get(key).filter(|json| !json.is_null())?;
        Some(Node { json, path: self.path_of(key) })
    }

    pub(super) fn require(&self, key: &str, findings: &mut Findings) -> Option<Node<'j>> {
        let found = self.get(key);
        if found.is_none() {
            findings.error(Kind::File, &self.path, format!("`{key}` is missing"));
        }
        found
    }

    fn wrong(&self, expected: &str, findings: &mut Findings) {
        let shown: String = self.json.to_string().chars().take(40).collect();
        findings.error(Kind::File, &self.path, format!("expected {expected}, found {shown}"));
    }

    pub(super) fn is_object(&self, findings: &mut Findings) -> bool {
        if !self.json.is_object() {
            self.wrong("an object", findings);
        }
        self.json.is_object()
    }

    pub(super) fn as_text(&self, findings: &mut Findings) -> Option<SmolStr> {
        if self.json.as_str().is_none() {
            self.wrong("a text", findings);
        }
        self.json.as_str().map(SmolStr::new)
    }

    pub(super) fn text(&self, key: &str, findings: &mut Findings) -> Option<SmolStr> {
        self.get(key)?.as_text(findings)
    }

    pub(super) fn require_text(&self, key: &str, findings: &mut Findings) -> Option<SmolStr> {
        self.require(key, findings)?.as_text(findings)
    }

    pub(super) fn flag(&self, key: &str, findings: &mut Findings) -> Option<bool> {
        let node = self.get(key)?;
        if node.json.as_bool().is_none() {
            node.wrong("true or false", findings);
        }
        node.json.as_bool()
    }

    pub(super) fn whole(&self, key: &str, findings: &mut Findings) -> Option<i64> {
        let node = self.get(key)?;
        if node.json.as_i64().is_none() {
            node.wrong("a whole number", findings);
        }
        node.json.as_i64()
    }

    /// The items of a list; none if it is absent.
    pub(super) fn list(&self, key: &str, findings: &mut Findings) -> Vec<Node<'j>> {
        let Some(node) = self.get(key) else { return Vec::new() };
        let Some(items) = node.json.as_array() else {
            node.wrong("a list", findings);
            return Vec::new();
        };
        let items = items.iter().enumerate().filter(|(_, json)| !json.is_null());
        items.map(|(index, json)| Node { json, path: format!("{}[{index}]", node.path) }).collect()
    }

    /// Says which keys nobody here knows.
    pub(super) fn only(&self, known: &[&str], findings: &mut Findings) {
        let Some(object) = self.json.as_object() else { return };
        for (key, value) in object.iter().filter(|(key, value)| !value.is_null() && !known.contains(&key.as_str())) {
            let near =
                known.iter().filter(|known| known.eq_ignore_ascii_case(key)).map(|known| format!("; `{known}` is another name")).next();
            let nothing = matches!(value, Json::Array(items) if items.is_empty());
            let effect = if nothing { "" } else { ", and has no effect" };
            let near = near.unwrap_or_default();
            findings.info(Kind::File, &self.path_of(key), format!("`{key}` is not known here{effect}{near}; it is kept in the file"));
        }
    }
}
