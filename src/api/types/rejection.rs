//! `Rejection`: what came in and could not be used, with the reason.

use serde_json::Value as Json;

use super::connection::{self, Page};
use crate::api::build::{Args, Out, SchemaBuilder};
use crate::api::error::{ApiError, Code};
use crate::api::session::Session;
use crate::reading::{Seq, Timestamp};
use crate::store::{self, RejectionFilter, RejectionRow};

#[derive(Debug, Clone)]
pub struct RejectionNode(pub RejectionRow);

impl RejectionNode {
    pub fn id(&self) -> String {
        format!("rejection/{}/{}", self.0.seq, self.0.part)
    }

    /// What stands in an id behind `rejection/`, and in a cursor.
    pub fn place(text: &str) -> Option<(Seq, u32)> {
        let (seq, part) = text.split_once('/')?;
        Some((Seq(seq.parse().ok()?), part.parse().ok()?))
    }

    fn transport(&self) -> &'static str {
        match &*self.0.rejection.address {
            "" => "internal",
            address if address.starts_with("/ingest") => "http",
            _ => "mqtt",
        }
    }

    /// The topic, also of what HTTP brought to one.
    pub fn topic(&self) -> Option<&str> {
        let address = &*self.0.rejection.address;
        match address.strip_prefix("/ingest") {
            Some(path) => path.strip_prefix("/topic/"),
            None => Some(address).filter(|address| !address.is_empty()),
        }
    }

    /// Whether all of the payload was kept, byte for byte.
    pub fn is_whole(&self) -> bool {
        let rejection = &self.0.rejection;
        rejection.payload_bytes > 0 && rejection.excerpt.len() as u64 == rejection.payload_bytes && !rejection.excerpt.contains('\u{fffd}')
    }
}

pub fn declare(schema: &mut SchemaBuilder) {
    schema
        .object::<RejectionNode>("Rejection", "What came in and could not be used.")
        .implements("Node")
        .value("id", "ID!", "", |node, _| node.id())
        .value("time", "DateTime!", "When it came in.", |node, _| Out::print(node.0.rejection.at))
        .value("transport", "String!", "`mqtt`, `http`, or `internal` for a value that was refused by its twin.", |node, _| {
            node.transport()
        })
        .value("topic", "String", "The topic it was sent to, where it was sent to one.", |node, _| node.topic().map(str::to_owned))
        .value("twinId", "ID", "The twin it was for, as far as that could be told.", |node, _| {
            node.0.rejection.twin.as_ref().map(ToString::to_string)
        })
        .value("code", "String!", "For programs; `pollux explain CODE` says more.", |node, _| node.0.rejection.code.to_string())
        .value("reason", "String!", "For people.", |node, _| node.0.rejection.message.clone())
        .value("hint", "String", "What to do about it.", |node, _| hint(&node.0.rejection.code))
        .value("payloadExcerpt", "String!", "The beginning of the payload as text.", |node, _| node.0.rejection.excerpt.clone())
        .value("payloadBytes", "Int!", "How long the payload was; 0 where that was not noted.", |node, _| {
            usize::try_from(node.0.rejection.payload_bytes).unwrap_or(usize::MAX)
        })
        .value("replayable", "Boolean!", "Whether the payload was kept whole, so that `replayRejection` can offer it again.", |node, _| {
            node.is_whole()
        });
    connection::declare_page::<RejectionNode>(schema, "Rejection");
    schema
        .input("RejectionWhere", "Which rejections. Keys are joined by AND; null means absent.")
        .field("twin", "ID")
        .field("topic", "String")
        .doc("Exactly this topic.")
        .field("code", "[String!]")
        .field("since", "DateTime");
}

fn hint(code: &str) -> Option<&'static str> {
    Some(match code {
        "UNKNOWN_TWIN" => "create the twin, or bind the topic with `unknownTwin: {provision: TYPE}`, and replay",
        "QUARANTINED" => "see `proposals`: accept the sender, or refuse it with a reason",
        "NO_BINDING" | "UNROUTED" => "add a binding for the topic to twins/",
        _ => return None,
    })
}

/// The newest first.
pub async fn page(session: &Session, args: &Args) -> Result<Out, ApiError> {
    let first = super::first(args, session)?;
    let filter = args.get("where").and_then(Json::as_object);
    let text = |key: &str| filter.and_then(|filter| filter.get(key)).and_then(Json::as_str).map(str::to_owned);
    let codes = filter.and_then(|filter| filter.get("code")).and_then(Json::as_array).into_iter().flatten();
    let since = text("since").map(|since| Timestamp::parse_rfc3339(&since)).transpose();
    let before = args.text("after").map(|after| RejectionNode::place(after).ok_or_else(bad_cursor)).transpose()?;
    let filter = RejectionFilter {
        twin: text("twin"),
        addresses: text("topic").map(|topic| vec![format!("/ingest/topic/{topic}"), topic]).unwrap_or_default(),
        codes: codes.filter_map(Json::as_str).map(str::to_owned).collect(),
        since: since.map_err(|error| ApiError::bad_input(format!("where.since: {error}")))?,
        before,
        limit: first + 1,
    };
    let store = session.runtime().store();
    let mut rows = store.rejections(&filter).await.map_err(|error| unavailable(&error))?;
    let has_next = rows.len() > first;
    rows.truncate(first);
    let total = match args.selection.has("totalCount") {
        true => Some(store.count_rejections_of(&RejectionFilter { before: None, ..filter }).await.map_err(|error| unavailable(&error))?),
        false => None,
    };
    let nodes: Vec<RejectionNode> = rows.into_iter().map(RejectionNode).collect();
    let cursors = nodes.iter().map(|node| format!("{}/{}", node.0.seq, node.0.part)).collect();
    Ok(Out::object(Page { nodes, cursors, has_next, has_previous: args.text("after").is_some(), total, end: None }))
}

pub async fn find(session: &Session, place: &str) -> Result<Option<RejectionNode>, ApiError> {
    let Some((seq, part)) = RejectionNode::place(place) else { return Ok(None) };
    let found = session.runtime().store().rejection(seq, part).await;
    found.map(|row| row.map(RejectionNode)).map_err(|error| unavailable(&error))
}

fn bad_cursor() -> ApiError {
    ApiError::new(Code::BadCursor, "`after` is not a cursor of rejections").hint("pass the `endCursor` of the page before as it came")
}

/// The graph store does not answer. What it says goes to the log, not to the client.
pub fn unavailable(error: &store::Error) -> ApiError {
    tracing::warn!(%error, "the graph store has not answered a request");
    ApiError::new(Code::Unavailable, "the graph store does not answer").hint("ask again later")
}
