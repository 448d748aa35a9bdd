//! `ChangeItem`: one item of the lossless stream of changes.

use std::sync::Arc;

use super::twin::{one, session};
use crate::api::build::{Out, SchemaBuilder};
use crate::api::relations::RelationNode;
use crate::api::streams::{ChangeItem, StreamEvent};
use crate::feed::{Change, ChangeKind};
use crate::reading::Seq;

#[derive(Debug, Clone)]
pub struct ChangeNode(pub Arc<Change>);

#[derive(Debug)]
pub struct GapNode {
    from: Seq,
    to: Seq,
    reason: String,
}

impl GapNode {
    pub fn of<T>(event: &StreamEvent<T>) -> Option<GapNode> {
        match event {
            StreamEvent::Gap { from, to, reason } => Some(GapNode { from: *from, to: *to, reason: reason.clone() }),
            StreamEvent::Item(_) | StreamEvent::CaughtUp => None,
        }
    }
}

pub fn declare(schema: &mut SchemaBuilder) {
    schema.enumeration(
        "StreamKind",
        "What an item of a lossless stream is.",
        &[
            ("ITEM", ""),
            ("CAUGHT_UP", "The past is delivered; from here on it is live."),
            ("GAP", "Some items may have been missed: query what you show again."),
        ],
    );
    schema.enumeration(
        "ChangeKind",
        "What happened to a twin.",
        &[
            ("CREATED", ""),
            ("UPDATED", "Its name or a property; readings are no change in this sense."),
            ("MOVED", "It has another place in a hierarchy."),
            ("DELETED", ""),
            ("RELATED", "A relation of it began."),
            ("UNRELATED", "A relation of it ended."),
            ("PRESENCE", "It came online, or went offline."),
            ("RETYPED", "Its type has another form."),
        ],
    );
    schema
        .object::<ChangeItem>("ChangeItem", "An item of the stream of changes.")
        .value("kind", "StreamKind!", "", |item, _| item.event.kind())
        .value("cursor", "String!", "For `after`: to go on behind this item.", |item, _| item.cursor.clone())
        .value("seq", "Long!", "The commit.", |item, _| item.seq.0)
        .value("change", "Change", "With ITEM.", |item, _| match &item.event {
            StreamEvent::Item(change) => Out::object(ChangeNode(change.clone())),
            StreamEvent::CaughtUp | StreamEvent::Gap { .. } => Out::Null,
        })
        .value("gap", "Gap", "With GAP.", |item, _| GapNode::of(&item.event).map_or(Out::Null, Out::object));
    schema
        .object::<ChangeNode>("Change", "Something that happened to a twin.")
        .value("kind", "ChangeKind!", "", |change, _| change.0.kind.name())
        .value("twinId", "ID!", "", |change, _| change.0.id.to_string())
        .field("twin", "Twin", "As it is now, which may be newer than the change; null where it is gone.")
        .now(|change, _, ctx| {
            let session = session(ctx)?;
            let seen =
                session.by_id(change.0.id.as_str()).filter(|seen| seen.state.no == change.0.twin && change.0.kind != ChangeKind::Deleted);
            Ok(seen.map_or(Out::Null, |seen| one(session, seen)))
        })
        .field("revision", "Long!", "The twin's revision after it; of a relation, the twin's at this moment.")
        .now(|change, _, ctx| {
            let revision = match change.0.revision {
                Some(revision) => Some(revision),
                None => session(ctx)?.by_id(change.0.id.as_str()).map(|seen| seen.state.revision),
            };
            Ok(Out::from(revision.unwrap_or_default().0))
        })
        .value("relation", "Relation", "That began or ended.", |change, _| {
            change.0.edge.clone().map_or(Out::Null, |edge| Out::object(RelationNode::alone(edge)))
        })
        .value("at", "DateTime!", "", |change, _| Out::print(change.0.at))
        .value("by", "String", "Who wanted it, if somebody did.", |change, _| change.0.by.as_ref().map(ToString::to_string))
        .value("changed", "[String!]!", "The names of what is new.", |change, _| {
            Out::list(change.0.changed.iter().map(ToString::to_string))
        });
    schema
        .object::<GapNode>("Gap", "Commits whose changes may have been missed.")
        .value("from", "Long!", "", |gap, _| gap.from.0)
        .value("to", "Long!", "", |gap, _| gap.to.0)
        .value("reason", "String!", "", |gap, _| gap.reason.clone());
}
