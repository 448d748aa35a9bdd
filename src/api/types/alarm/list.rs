//! Lists of alarms, in an order that stays while others come and go, and their numbers.

use std::cmp::Ordering;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{AlarmFilter, AlarmNode, of_twin, once_of_twin};
use crate::alarm::{Condition, Severity};
use crate::api::build::{Args, Out, SchemaBuilder};
use crate::api::engine::RequestContext;
use crate::api::error::{ApiError, Code};
use crate::api::session::{Seen, Session};
use crate::api::types::connection::{self, Page};
use crate::api::types::twin::session;

/// A cursor longer than this is none of ours.
const CURSOR_CHARS_MAX: usize = 4_096;
/// Keys of one order.
const SORT_KEYS_MAX: usize = 6;

#[derive(Debug, Clone, Default)]
struct Counts {
    open: usize,
    active: usize,
    unacknowledged: usize,
    by_severity: Vec<(Severity, usize)>,
}

pub(super) fn declare(schema: &mut SchemaBuilder) {
    connection::declare_page::<AlarmNode>(schema, "Alarm");
    schema
        .input("AlarmSort", "One key of an order; the id comes last in any.")
        .field("field", "AlarmSortField!")
        .field("direction", "SortDirection = DESC");
    schema.enumeration(
        "AlarmSortField",
        "What alarms are ordered by.",
        &[("RAISED_AT", ""), ("LAST_AT", ""), ("SEVERITY", ""), ("TWIN", "By the id of the twin."), ("RULE", ""), ("COUNT", "")],
    );
    schema
        .object::<Counts>("AlarmCounts", "How many alarms there are.")
        .value("open", "Int!", "", |counts, _| counts.open)
        .value("active", "Int!", "Active or recovering.", |counts, _| counts.active)
        .value("unacknowledged", "Int!", "", |counts, _| counts.unacknowledged)
        .value("bySeverity", "[SeverityCount!]!", "The worst first; those of which there are none are left out.", |counts, _| {
            Out::objects(counts.by_severity.iter().copied())
        });
    schema
        .object::<(Severity, usize)>("SeverityCount", "How many there are of a severity.")
        .value("severity", "Severity!", "", |(severity, _), _| severity.as_str())
        .value("count", "Int!", "", |(_, count), _| *count);
}

/// All that are wanted: of those that are open, or of those that are closed and remembered.
fn all(session: &Session, filter: &AlarmFilter) -> Vec<AlarmNode> {
    let runtime = session.runtime();
    let cells = if filter.is_of_closed() { runtime.once_alarmed() } else { runtime.alarmed() };
    cells.into_iter().flat_map(|cell| of_one(session, &session.see(&cell), filter)).collect()
}

fn of_one(session: &Session, seen: &Seen, filter: &AlarmFilter) -> Vec<AlarmNode> {
    let wanted = |alarm: &AlarmNode| filter.holds(alarm, session.now());
    if filter.is_of_closed() { once_of_twin(seen).filter(wanted).collect() } else { of_twin(seen).filter(wanted).collect() }
}

/// `alarms(where:, orderBy:, first:, after:)`
pub fn page(ctx: &RequestContext, args: &Args) -> Result<Out, ApiError> {
    let session = session(ctx)?;
    paged(all(session, &AlarmFilter::read(ctx, args.get("where"))?), session, args)
}

/// The same of one twin.
pub fn page_of(ctx: &RequestContext, seen: &Seen, args: &Args) -> Result<Out, ApiError> {
    let (session, filter) = (session(ctx)?, AlarmFilter::read(ctx, args.get("where"))?);
    paged(of_one(session, seen, &filter), session, args)
}

/// `alarmCounts(where:)`
pub fn counts(ctx: &RequestContext, args: &Args) -> Result<Out, ApiError> {
    let filter = AlarmFilter::read(ctx, args.get("where"))?;
    let found = if filter.is_of_closed() { Vec::new() } else { all(session(ctx)?, &filter) };
    let is_active = |alarm: &&AlarmNode| matches!(alarm.occurrence.condition, Condition::Active | Condition::Recovering);
    let of = |severity: Severity| found.iter().filter(|alarm| alarm.occurrence.severity == severity).count();
    let by_severity = Severity::ALL.into_iter().rev().map(|severity| (severity, of(severity))).filter(|(_, count)| *count > 0).collect();
    Ok(Out::object(Counts {
        open: found.len(),
        active: found.iter().filter(is_active).count(),
        unacknowledged: found.iter().filter(|alarm| !alarm.occurrence.acknowledged).count(),
        by_severity,
    }))
}

fn paged(found: Vec<AlarmNode>, session: &Session, args: &Args) -> Result<Out, ApiError> {
    let first = super::super::first(args, session)?;
    let order = Order::read(args.get("orderBy"))?;
    let after = args.text("after").map(|after| order.parse(after).ok_or_else(bad_cursor)).transpose()?;
    let total = found.len();
    let mut ranked: Vec<(Rank, AlarmNode)> = found.into_iter().map(|alarm| (order.rank(&alarm), alarm)).collect();
    ranked.sort_by(|(a, _), (b, _)| order.compare(a, b));
    ranked.retain(|(rank, _)| after.as_ref().is_none_or(|after| order.compare(rank, after) == Ordering::Greater));
    let has_next = ranked.len() > first;
    ranked.truncate(first);
    let cursors = ranked.iter().map(|(rank, _)| order.cursor(rank)).collect();
    let nodes = ranked.into_iter().map(|(_, alarm)| alarm).collect();
    Ok(Out::object(Page { nodes, cursors, has_next, has_previous: after.is_some(), total: Some(total), end: None }))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Field {
    RaisedAt,
    LastAt,
    Severity,
    Twin,
    Rule,
    Count,
}

/// The keys of an order, and whether each falls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Order(Vec<(Field, bool)>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Key {
    #[serde(rename = "n")]
    Number(i64),
    #[serde(rename = "t")]
    Text(String),
}

/// Where an alarm stands in a list. It may be closed by now, and its place is still known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Rank {
    keys: Vec<Key>,
    id: String,
}

impl Order {
    /// Without a wish: the worst first, then the newest.
    fn read(input: Option<&Json>) -> Result<Order, ApiError> {
        let sorts: Vec<&Json> = match input {
            None => Vec::new(),
            Some(Json::Array(sorts)) => sorts.iter().collect(),
            Some(one) => vec![one],
        };
        if sorts.len() > SORT_KEYS_MAX {
            let message = format!("{} keys of an order; at most {SORT_KEYS_MAX}", sorts.len());
            return Err(ApiError::limit("sort_keys_max", SORT_KEYS_MAX as u64, message));
        }
        if sorts.is_empty() {
            return Ok(Order(vec![(Field::Severity, true), (Field::RaisedAt, true)]));
        }
        let key = |sort: &&Json| {
            let field = serde_json::from_value(sort.get("field").cloned().unwrap_or_default());
            let falls = sort.get("direction").and_then(Json::as_str) != Some("ASC");
            field.map(|field| (field, falls)).map_err(|error| ApiError::bad_input(format!("orderBy: {error}")))
        };
        Ok(Order(sorts.iter().map(key).collect::<Result<_, _>>()?))
    }

    fn rank(&self, alarm: &AlarmNode) -> Rank {
        let one = &alarm.occurrence;
        let key = |(field, _): &(Field, bool)| match field {
            Field::RaisedAt => Key::Number(one.raised_at.0),
            Field::LastAt => Key::Number(one.last_at.0),
            Field::Severity => Key::Number(one.severity as i64),
            Field::Twin => Key::Text(alarm.seen.state.id.to_string()),
            Field::Rule => Key::Text(alarm.rule.to_string()),
            Field::Count => Key::Number(i64::from(one.count)),
        };
        Rank { keys: self.0.iter().map(key).collect(), id: alarm.id() }
    }

    fn compare(&self, a: &Rank, b: &Rank) -> Ordering {
        let keys = self.0.iter().zip(a.keys.iter().zip(&b.keys));
        let by_keys = keys.map(|((_, falls), (a, b))| if *falls { b.cmp(a) } else { a.cmp(b) });
        by_keys.fold(Ordering::Equal, Ordering::then).then_with(|| a.id.cmp(&b.id))
    }

    fn cursor(&self, rank: &Rank) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&(self, rank)).unwrap_or_default())
    }

    /// One of another order is none of this.
    fn parse(&self, cursor: &str) -> Option<Rank> {
        if cursor.len() > CURSOR_CHARS_MAX {
            return None;
        }
        let (order, rank): (Order, Rank) = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
        (order == *self && rank.keys.len() == self.0.len()).then_some(rank)
    }
}

fn bad_cursor() -> ApiError {
    ApiError::new(Code::BadCursor, "`after` is no cursor of this list of alarms")
        .hint("use the `endCursor` of the page before, with its order")
}
