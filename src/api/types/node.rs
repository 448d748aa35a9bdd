//! `Node`: whatever has an id by which it can be asked for again. Twins are named by their own ids; all else has a slash in it.

use crate::api::build::SchemaBuilder;

/// The parent of the interface. Each object declares its `id` itself.
#[derive(Debug)]
pub struct AnyNode;

pub fn declare(schema: &mut SchemaBuilder) {
    schema.interface::<AnyNode>("Node", "What has an id by which `node(id:)` finds it again.").field(
        "id",
        "ID!",
        "Readable, yet to be taken as it is: it never changes.",
    );
}

/// What an id says it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeId<'a> {
    Twin(&'a str),
    /// `type/Mixer`
    Type(&'a str),
    /// `rejection/812/0`
    Rejection(&'a str),
    /// `proposal/…`
    Proposal(&'a str),
    /// `relation/12`
    Relation(&'a str),
    /// `job/7`
    Job(&'a str),
    /// `alarm/mixer-1/overheat/3`
    Alarm(&'a str),
    /// `rule/Mixer.overheat`
    Rule(&'a str),
    /// `event/812/0`
    Event(&'a str),
    Unknown,
}

impl NodeId<'_> {
    pub fn parse(id: &str) -> NodeId<'_> {
        match id.split_once('/') {
            None => NodeId::Twin(id),
            Some(("type", name)) => NodeId::Type(name),
            Some(("rejection", place)) => NodeId::Rejection(place),
            Some(("proposal", sender)) => NodeId::Proposal(sender),
            Some(("relation", _)) => NodeId::Relation(id),
            Some(("job", no)) => NodeId::Job(no),
            Some(("alarm", place)) => NodeId::Alarm(place),
            Some(("rule", place)) => NodeId::Rule(place),
            Some(("event", place)) => NodeId::Event(place),
            Some(_) => NodeId::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_say_what_they_are_of() {
        assert_eq!(NodeId::parse("mixer-1"), NodeId::Twin("mixer-1"));
        assert_eq!(NodeId::parse("type/Mixer"), NodeId::Type("Mixer"));
        assert_eq!(NodeId::parse("rejection/812/0"), NodeId::Rejection("812/0"));
        assert_eq!(NodeId::parse("relation/12"), NodeId::Relation("relation/12"));
        assert_eq!(NodeId::parse("event/812/0"), NodeId::Event("812/0"));
        assert_eq!(NodeId::parse("scene/hall"), NodeId::Unknown);
    }
}
