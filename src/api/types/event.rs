//! `Event`: what a device or a rule says has happened. Lists and the lossless stream are read from the journal.

use std::sync::Arc;

use futures_util::{Stream, StreamExt};
use serde_json::Value as Json;

use super::alarm::{Twins, texts};
use super::change::GapNode;
use super::connection::{self, Page};
use super::twin::{one, session};
use crate::alarm::Severity;
use crate::api::access::{self, Check};
use crate::api::build::{Args, Item, Out, SchemaBuilder};
use crate::api::engine::{Ctx, RequestContext};
use crate::api::error::{ApiError, Code};
use crate::api::session::{Seen, Session};
use crate::api::streams::{StreamEvent, StreamItem, StreamName, decode_cursor, encode_cursor, happenings};
use crate::feed::{Happening, Occurred, Position};
use crate::reading::{Seq, Timestamp};
use crate::runtime::Runtime;
use crate::twin::Happened;

#[derive(Debug, Clone)]
pub struct EventNode(Happening, Happened);

#[derive(Debug)]
struct EventItem(StreamItem<Happening>);

impl EventNode {
    fn of(happening: &Happening) -> Option<EventNode> {
        match &happening.what {
            Occurred::Event(happened) => Some(EventNode(happening.clone(), happened.as_ref().clone())),
            Occurred::Alarm { .. } => None,
        }
    }

    fn id(&self) -> String {
        format!("event/{}/{}", self.0.position.seq, self.0.position.index)
    }
}

/// `EventWhere`
#[derive(Debug, Default)]
struct EventFilter {
    twins: Twins,
    names: Option<Vec<String>>,
    least: Option<Severity>,
    time: Vec<Check<i64>>,
}

impl EventFilter {
    fn read(ctx: &RequestContext, input: Option<&Json>) -> Result<EventFilter, ApiError> {
        let Some(input) = input else { return Ok(EventFilter::default()) };
        let access = session(ctx)?.access(ctx.caller.role);
        Ok(EventFilter {
            twins: Twins::read(ctx, "where", input)?,
            names: texts(input, "name"),
            least: input.get("minSeverity").and_then(Json::as_str).and_then(Severity::parse),
            time: input.get("time").map(|time| access::decode_time(&access, "where.time", time)).transpose()?.unwrap_or_default(),
        })
    }

    /// A twin that is gone is below nothing any more.
    fn holds(&self, happening: &Happening, runtime: &Runtime, now: Timestamp) -> bool {
        let Occurred::Event(event) = &happening.what else { return false };
        let fits = self.twins.hold_id(happening.id.as_str())
            && self.names.as_ref().is_none_or(|names| names.iter().any(|name| *name == *event.event))
            && self.least.is_none_or(|least| event.severity >= least)
            && self.time.iter().all(|check| check.holds(&event.time.0));
        fits && (!self.twins.asks_of_twins()
            || runtime.view().twin(happening.id.as_str()).is_some_and(|cell| self.twins.hold(&cell.state(), now)))
    }
}

pub fn declare(schema: &mut SchemaBuilder) {
    schema
        .object::<EventNode>("Event", "Something that has happened, as its type says it may.")
        .implements("Node")
        .value("id", "ID!", "Found again as long as the journal keeps it.", |event, _| event.id())
        .value("twinId", "ID!", "", |event, _| event.0.id.to_string())
        .field("twin", "Twin", "As it is now; null where it is gone.")
        .now(|event, _, ctx| {
            let session = session(ctx)?;
            let seen = session.by_id(event.0.id.as_str()).filter(|seen| seen.state.no == event.0.twin);
            Ok(seen.map_or(Out::Null, |seen| one(session, seen)))
        })
        .value("name", "String!", "", |event, _| event.1.event.to_string())
        .value("severity", "Severity!", "", |event, _| event.1.severity.as_str())
        .value("time", "DateTime!", "When it happened, in the time of the data.", |event, _| Out::print(event.1.time))
        .value("recordedAt", "DateTime!", "When it was taken in.", |event, _| Out::print(event.0.at))
        .value("seq", "Long!", "The commit.", |event, _| event.0.position.seq.0)
        .value("body", "JSON", "What was said with it.", |event, _| event.1.body.clone().map(Out::json))
        .value("ruleName", "String", "The rule that emitted it, if it was not the device.", |event, _| {
            event.1.rule.as_ref().map(ToString::to_string)
        });
    connection::declare_page::<EventNode>(schema, "Event");
    schema
        .input("EventWhere", "Which events. Keys are joined by AND; null means absent.")
        .field("twins", "[ID!]")
        .field("under", "ID")
        .doc("Of this twin and of all below it in the primary hierarchy.")
        .field("twin", "TwinWhere")
        .doc("By the twin as it is now.")
        .field("name", "[String!]")
        .field("minSeverity", "Severity")
        .field("time", "DateTimeMatch");
    schema
        .object::<EventItem>("EventItem", "An item of the stream of events.")
        .value("kind", "StreamKind!", "", |item, _| item.0.event.kind())
        .value("cursor", "String!", "For `after`: to go on behind this item.", |item, _| item.0.cursor.clone())
        .value("seq", "Long!", "The commit.", |item, _| item.0.seq.0)
        .value("event", "Event", "With ITEM.", |item, _| match &item.0.event {
            StreamEvent::Item(happening) => EventNode::of(happening).map_or(Out::Null, Out::object),
            StreamEvent::CaughtUp | StreamEvent::Gap { .. } => Out::Null,
        })
        .value("gap", "Gap", "With GAP.", |item, _| GapNode::of(&item.0.event).map_or(Out::Null, Out::object));
}

/// The subscription `events(where:, after:)`.
pub fn event_items(ctx: Ctx, args: &Args) -> Result<impl Stream<Item = Result<Item, ApiError>> + Send + use<>, ApiError> {
    let runtime = session(&ctx)?.runtime().clone();
    let after = ctx.resume_after.as_deref().or_else(|| args.text("after"));
    let after = after.map(|after| decode_cursor(StreamName::Events, after)).transpose()?;
    let (filter, reader) = (EventFilter::read(&ctx, args.get("where"))?, runtime.clone());
    let wants = move |happening: &Happening| filter.holds(happening, &reader, reader.shared.clock.now());
    Ok(happenings(runtime, StreamName::Events, after, Arc::new(wants)).map(move |item| {
        let item = item?;
        session(&ctx)?.renew();
        let cursor = Some(item.cursor.clone());
        Ok(Item { value: Out::object(EventItem(item)), cursor })
    }))
}

/// The query `events(where:, first:, after:)`, of all twins or of one.
pub async fn page(ctx: &Ctx, twin: Option<&Seen>, args: &Args) -> Result<Out, ApiError> {
    let session = session(ctx)?;
    let first = super::first(args, session)?;
    // The cursor of an event is the same here and in the stream: there what comes behind it is told, here what came before it.
    let before = args.text("after").map(|after| decode_cursor(StreamName::Events, after)).transpose().map_err(bad_cursor)?;
    let before = before.map(|before| Position { index: before.index.saturating_sub(1), ..before });
    let filter = EventFilter::read(ctx, args.get("where"))?;
    let (reader, now, only) = (session.runtime().clone(), session.now(), twin.map(|seen| seen.state.no));
    let wants = move |happening: &Happening| only.is_none_or(|no| no == happening.twin) && filter.holds(happening, &reader, now);
    let recent = session.runtime().recent(before, first + 1, Arc::new(wants)).await.map_err(unreadable)?;
    let mut found = recent.found;
    let has_more = found.len() > first;
    found.truncate(first);
    let cursors: Vec<String> = found.iter().map(|event| encode_cursor(StreamName::Events, event.position.next())).collect();
    let nodes = found.iter().filter_map(EventNode::of).collect();
    // A page that looked far back and found little is followed by another one all the same: its end says where.
    let has_next = has_more || recent.next.is_some();
    let page = Page { nodes, cursors, has_next, has_previous: before.is_some(), total: None, end: None };
    Ok(match recent.next {
        Some(next) if !has_more => Out::object(page.ending(encode_cursor(StreamName::Events, next))),
        Some(_) | None => Out::object(page),
    })
}

/// By what stands behind `event/`.
pub async fn find(session: &Session, place: &str) -> Result<Option<EventNode>, ApiError> {
    let place = place.split_once('/').and_then(|(seq, index)| Some((seq.parse().ok()?, index.parse::<u32>().ok()?)));
    let Some(position) = place.map(|(seq, index)| Position { seq: Seq(seq), index }) else { return Ok(None) };
    let found = session.runtime().event_at(position).await.map_err(unreadable)?;
    Ok(found.as_ref().and_then(EventNode::of))
}

fn bad_cursor(bad: crate::api::streams::BadCursor) -> ApiError {
    ApiError::new(Code::BadCursor, format!("`after` is no cursor of events: {bad}")).hint("use the `endCursor` of the page before")
}

fn unreadable(error: crate::runtime::changes::Error) -> ApiError {
    tracing::error!(%error, "events cannot be read");
    ApiError::new(Code::Internal, "internal error")
}
