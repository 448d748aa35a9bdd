//! `Proposal`: an unknown sender under quarantine, with what it could be.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use serde_json::Value as Json;

use super::rejection::unavailable;
use super::twin_type::TypeNode;
use crate::api::build::{Args, Out, SchemaBuilder};
use crate::api::error::ApiError;
use crate::api::session::Session;
use crate::catalog::Layout;
use crate::reading::unit::Unit;
use crate::runtime::quarantine::{Sent, UnknownSender};

/// Types that a sender is said to look like.
const MATCHES_MAX: usize = 5;

#[derive(Debug, Clone)]
pub struct ProposalNode {
    pub sender: Arc<UnknownSender>,
    matches: Vec<TypeMatch>,
}

#[derive(Debug, Clone)]
struct TypeMatch {
    layout: Arc<Layout>,
    members: usize,
    of: usize,
}

impl ProposalNode {
    fn new(sender: UnknownSender, session: &Session) -> ProposalNode {
        let types = session.services.catalog.types.iter().filter(|layout| !layout.is_abstract);
        let mut matches: Vec<TypeMatch> = types
            .map(|layout| {
                let members = sender.members.keys().filter(|name| has(layout, name)).count();
                TypeMatch { layout: layout.clone(), members, of: sender.members.len() }
            })
            .filter(|found| found.members > 0)
            .collect();
        // Of those that know as many of its names, the one with the fewest others is most alike.
        matches.sort_by_key(|found| (std::cmp::Reverse(found.members), found.layout.telemetry_fields.names().count()));
        matches.truncate(MATCHES_MAX);
        ProposalNode { sender: Arc::new(sender), matches }
    }

    pub fn id(&self) -> String {
        format!("proposal/{}", self.sender.key())
    }

    fn newest(&self) -> Option<&crate::store::RejectionRow> {
        self.sender.rows.first()
    }
}

fn has(layout: &Layout, name: &str) -> bool {
    layout.telemetry_fields.names().any(|known| known == name) || layout.slot_by_path(name).is_some()
}

pub fn declare(schema: &mut SchemaBuilder) {
    schema
        .object::<ProposalNode>("Proposal", "An unknown sender whose messages are kept in quarantine.")
        .implements("Node")
        .value("id", "ID!", "", |node, _| node.id())
        .value("source", "String!", "What it is called by its messages.", |node, _| node.sender.name.clone())
        .value("topicPattern", "String!", "Of the binding that keeps them.", |node, _| node.sender.binding.topic.text.to_string())
        .value("firstSeen", "DateTime!", "Of the messages that are kept.", |node, _| {
            node.sender.rows.last().map(|row| Out::print(row.rejection.at))
        })
        .value("lastSeen", "DateTime!", "", |node, _| node.newest().map(|row| Out::print(row.rejection.at)))
        .value("messages", "Long!", "That are kept.", |node, _| node.sender.rows.len() as u64)
        .value("bytes", "Long!", "Of the messages that are kept.", |node, _| {
            node.sender.rows.iter().map(|row| row.rejection.payload_bytes).sum::<u64>()
        })
        .value("sample", "String!", "Its newest message.", |node, _| {
            node.newest().map(|row| row.rejection.excerpt.clone()).unwrap_or_default()
        })
        .value("proposedType", "String!", "A type that would take what it sends, as a file of the workspace.", |node, _| {
            proposed(&node.sender.name, &node.sender.members)
        })
        .value("matches", "[TypeMatch!]!", "Types that know what it sends, the most alike first.", |node, _| {
            Out::objects(node.matches.iter().cloned())
        });
    schema
        .object::<TypeMatch>("TypeMatch", "How well a type fits what a sender says.")
        .value("type", "TwinType!", "", |found, _| Out::object(TypeNode(found.layout.clone())))
        .value("members", "Int!", "Names that the type knows.", |found, _| found.members)
        .value("of", "Int!", "Names that are sent.", |found, _| found.of);
}

/// `proposals(first:)`
pub async fn list(session: &Session, args: &Args) -> Result<Out, ApiError> {
    let first = super::first(args, session)?;
    let senders = session.runtime().unknown_senders().await.map_err(|error| unavailable(&error))?;
    Ok(Out::objects(senders.into_iter().take(first).map(|sender| ProposalNode::new(sender, session))))
}

/// By its whole id.
pub async fn find(session: &Session, id: &str) -> Result<Option<ProposalNode>, ApiError> {
    let senders = session.runtime().unknown_senders().await.map_err(|error| unavailable(&error))?;
    let found = senders.into_iter().map(|sender| ProposalNode::new(sender, session)).find(|node| node.id() == id);
    Ok(found)
}

/// The source of a type with one member for each name.
fn proposed(name: &str, members: &BTreeMap<String, Sent>) -> String {
    let mut text = format!("type: {}\nkind: DEVICE\ntelemetry:\n", type_name(name));
    for (name, Sent { value, unit }) in members {
        let value_type = match value {
            Json::Bool(_) => "bool",
            Json::Number(_) => "double",
            Json::String(_) | Json::Null => "string",
            Json::Array(_) | Json::Object(_) => "json",
        };
        let known = unit.as_ref().filter(|unit| Unit::parse(unit).is_ok());
        let unit = known.filter(|_| value_type == "double").map(|unit| format!(", unit: {unit}")).unwrap_or_default();
        // A path into an object is no name of a member.
        let name = name.replace('.', "_");
        writeln!(text, "  {name}: {{type: {value_type}{unit}}}").ok();
    }
    text
}

/// `press-7` → `Press7`
fn type_name(sender: &str) -> String {
    let words = sender.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let joined: String = words.map(|word| word[..1].to_uppercase() + &word[1..]).collect();
    if joined.starts_with(|c: char| c.is_ascii_uppercase()) { joined } else { format!("Device{joined}") }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_type_is_proposed_by_what_is_sent() {
        let sent = |value: Json, unit: Option<&str>| Sent { value, unit: unit.map(str::to_owned) };
        let members = BTreeMap::from([
            ("temperature".to_owned(), sent(json!(21.5), Some("degC"))),
            ("running".to_owned(), sent(json!(true), None)),
            ("vibration.x".to_owned(), sent(json!(1), Some("nonsense"))),
        ]);
        expect![[r#"
            type: Press7
            kind: DEVICE
            telemetry:
              running: {type: bool}
              temperature: {type: double, unit: degC}
              vibration_x: {type: double}
        "#]]
        .assert_eq(&proposed("press-7", &members));
        assert_eq!(type_name("7"), "Device7");
    }
}
