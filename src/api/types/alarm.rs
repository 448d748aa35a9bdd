//! `Alarm`: one occurrence on one twin, as its committed state has it.

use std::cmp::Reverse;
use std::sync::Arc;

use serde_json::Value as Json;

use super::connection::{self, Page};
use super::twin::{one, session};
use crate::alarm::{AlarmState, Condition, Identity, Occurrence, Severity, Suppression, alarm_id};
use crate::api::build::{Args, Out, SchemaBuilder};
use crate::api::error::{ApiError, Code};
use crate::api::session::{Seen, Session};
use crate::reading::Timestamp;

/// An open occurrence.
#[derive(Debug, Clone)]
pub struct AlarmNode {
    pub seen: Seen,
    pub rule: Arc<str>,
    pub state: Arc<AlarmState>,
    pub occurrence: Arc<Occurrence>,
}

/// What stands in an id behind `alarm/`: the twin, the rule and the number.
pub fn parse_id(id: &str) -> Option<(&str, &str, u32)> {
    let mut parts = id.split('/');
    let (Some(twin), Some(rule), Some(no), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else { return None };
    Some((twin, rule, no.parse().ok()?))
}

impl AlarmNode {
    pub fn id(&self) -> String {
        let identity = Identity { rule: self.rule.as_ref().into(), key: Default::default() };
        alarm_id(&self.seen.state.id, &identity, self.occurrence.no)
    }

    fn suppression(&self) -> Suppression {
        self.state.suppression(None)
    }

    fn level(&self) -> Option<String> {
        (self.occurrence.level > 0).then(|| self.occurrence.level.to_string())
    }
}

/// The open alarms of a twin, by rule.
pub fn of_twin(seen: &Seen) -> impl Iterator<Item = AlarmNode> + '_ {
    seen.state.watches.iter().filter_map(|(rule, watch)| {
        let open = watch.alarm.open.as_deref().filter(|open| open.shown)?;
        let (rule, state) = (Arc::from(rule.as_str()), Arc::new(watch.alarm.clone()));
        Some(AlarmNode { seen: seen.clone(), rule, state, occurrence: Arc::new(open.clone()) })
    })
}

/// By what stands behind `alarm/`.
pub fn find(session: &Session, place: &str) -> Option<AlarmNode> {
    let (twin, rule, no) = parse_id(place)?;
    let seen = session.by_id(twin)?;
    of_twin(&seen).find(|alarm| *alarm.rule == *rule && alarm.occurrence.no == no)
}

/// All that are open and wanted.
fn all(session: &Session, filter: &AlarmFilter) -> Vec<AlarmNode> {
    let seen = session.runtime().alarmed().into_iter().map(|cell| session.see(&cell));
    seen.flat_map(|seen| of_twin(&seen).filter(|alarm| filter.holds(alarm)).collect::<Vec<_>>()).collect()
}

/// `AlarmWhere`
#[derive(Debug, Default)]
pub struct AlarmFilter {
    twins: Option<Vec<String>>,
    rules: Option<Vec<String>>,
    severities: Option<Vec<Severity>>,
    least: Option<Severity>,
    conditions: Option<Vec<String>>,
    acknowledged: Option<bool>,
    suppressions: Option<Vec<String>>,
}

impl AlarmFilter {
    pub fn read(input: Option<&Json>) -> AlarmFilter {
        let Some(keys) = input.and_then(Json::as_object) else { return AlarmFilter::default() };
        let texts = |key: &str| {
            let items = keys.get(key)?.as_array()?.iter();
            Some(items.filter_map(Json::as_str).map(str::to_owned).collect::<Vec<_>>())
        };
        AlarmFilter {
            twins: texts("twins"),
            rules: texts("rule"),
            severities: texts("severity").map(|names| names.iter().filter_map(|name| Severity::parse(name)).collect()),
            least: keys.get("minSeverity").and_then(Json::as_str).and_then(Severity::parse),
            conditions: texts("condition"),
            acknowledged: keys.get("acknowledged").and_then(Json::as_bool),
            suppressions: texts("suppression"),
        }
    }

    fn holds(&self, alarm: &AlarmNode) -> bool {
        let open = &alarm.occurrence;
        let is_one_of =
            |names: &Option<Vec<String>>, name: &str| names.as_ref().is_none_or(|names| names.iter().any(|known| known == name));
        is_one_of(&self.twins, alarm.seen.state.id.as_str())
            && is_one_of(&self.rules, &alarm.rule)
            && is_one_of(&self.conditions, open.condition.as_str())
            && is_one_of(&self.suppressions, alarm.suppression().as_str())
            && self.severities.as_ref().is_none_or(|severities| severities.contains(&open.severity))
            && self.least.is_none_or(|least| open.severity >= least)
            && self.acknowledged.is_none_or(|acknowledged| open.acknowledged == acknowledged)
    }
}

#[derive(Debug, Clone, Default)]
struct Counts {
    open: usize,
    active: usize,
    unacknowledged: usize,
    by_severity: Vec<(Severity, usize)>,
}

pub fn declare(schema: &mut SchemaBuilder) {
    schema.enumeration(
        "AlarmCondition",
        "Where the condition behind an alarm stands.",
        &[
            ("NORMAL", "It does not hold."),
            ("PENDING", "It holds, not yet for as long as it has to."),
            ("ACTIVE", "It holds."),
            ("RECOVERING", "It does not hold any more, not yet for as long as it has to."),
            ("NO_DATA", "Whether it holds is not known."),
        ],
    );
    schema.enumeration(
        "Suppression",
        "Why an alarm is not announced although it is there.",
        &[
            ("NONE", "It is announced."),
            ("SHELVED", "Somebody has put it aside for a while."),
            ("BY_DESIGN", "Its rule says so."),
            ("OUT_OF_SERVICE", "Somebody works on it."),
        ],
    );
    schema.enumeration(
        "AlarmOp",
        "What happened to an alarm.",
        &[
            ("RAISED", ""),
            ("UPDATED", "Its level or count changed, or it recovers."),
            ("ACKNOWLEDGED", ""),
            ("CLEARED", "It is back to normal."),
            ("SHELVED", ""),
            ("UNSHELVED", ""),
            ("SUPPRESSED", ""),
            ("UNSUPPRESSED", ""),
            ("COMMENTED", ""),
            ("RESET", ""),
            ("CLOSED", ""),
        ],
    );
    node(schema);
    schema
        .object::<crate::alarm::LogEntry>("AlarmLogEntry", "One thing that happened to an alarm.")
        .value("at", "DateTime!", "In the time of the data.", |entry, _| Out::print(entry.at))
        .value("op", "AlarmOp!", "", |entry, _| entry.op.as_str())
        .value("by", "String", "Who did it; null: the rule.", |entry, _| entry.by.as_ref().map(ToString::to_string))
        .value("comment", "String", "", |entry, _| entry.comment.as_ref().map(ToString::to_string));
    connection::declare_page::<AlarmNode>(schema, "Alarm");
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
    schema
        .input("AlarmWhere", "Which alarms. Keys are joined by AND; null means absent.")
        .field("twins", "[ID!]")
        .field("rule", "[String!]")
        .doc("By the ids of rules, as `overheat`.")
        .field("severity", "[Severity!]")
        .field("minSeverity", "Severity")
        .field("condition", "[AlarmCondition!]")
        .field("acknowledged", "Boolean")
        .field("suppression", "[Suppression!]");
}

fn node(schema: &mut SchemaBuilder) {
    let mut alarm =
        schema.object::<AlarmNode>("Alarm", "An occurrence of an alarm that is open: active, latched, or not yet acknowledged.");
    alarm
        .implements("Node")
        .value("id", "ID!", "`alarm/TWIN/RULE/N`: the N-th occurrence.", |alarm, _| alarm.id())
        .value("twinId", "ID!", "", |alarm, _| alarm.seen.state.id.to_string())
        .field("twin", "Twin", "")
        .now(|alarm, _, ctx| Ok(one(session(ctx)?, alarm.seen.clone())))
        .value("rule", "Rule", "Null where its type does not have it any more.", |alarm, ctx| {
            let session = session(ctx).ok()?;
            super::rule::find(session, &format!("{}.{}", alarm.seen.state.layout.name, alarm.rule)).map(Out::object)
        })
        .value("ruleName", "String!", "The id of the rule in its type.", |alarm, _| alarm.rule.to_string())
        .value("severity", "Severity!", "Of the highest level.", |alarm, _| alarm.occurrence.severity.as_str())
        .value("level", "String", "The level above the base condition; null at the base.", |alarm, _| alarm.level())
        .value("text", "String!", "As it was at the raise, or at the latest change of level.", |alarm, _| alarm.occurrence.text.to_string())
        .value("condition", "AlarmCondition!", "", |alarm, _| alarm.occurrence.condition.as_str())
        .value("open", "Boolean!", "Active or recovering, latched, or not acknowledged.", |alarm, _| alarm.occurrence.is_open())
        .value("acknowledged", "Boolean!", "", |alarm, _| alarm.occurrence.acknowledged)
        .value("latched", "Boolean!", "It stays until it is reset.", |alarm, _| alarm.occurrence.latched)
        .value("suppression", "Suppression!", "", |alarm, _| alarm.suppression().as_str())
        .value("count", "Int!", "How often it came back while it was open.", |alarm, _| {
            usize::try_from(alarm.occurrence.count).unwrap_or(usize::MAX)
        })
        .value("firstTrueAt", "DateTime!", "When its condition became true.", |alarm, _| Out::print(alarm.occurrence.first_true_at))
        .value("raisedAt", "DateTime", "", |alarm, _| Out::print(alarm.occurrence.raised_at))
        .value("lastAt", "DateTime!", "When it last happened.", |alarm, _| Out::print(alarm.occurrence.last_at))
        .value("clearedAt", "DateTime", "", |alarm, _| time(alarm.occurrence.cleared_at))
        .value("closedAt", "DateTime", "", |alarm, _| time(alarm.occurrence.closed_at))
        .value("acknowledgedBy", "String", "", |alarm, _| alarm.occurrence.acknowledgement.as_ref().map(|by| by.by.to_string()))
        .value("acknowledgedAt", "DateTime", "", |alarm, _| time(alarm.occurrence.acknowledgement.as_ref().map(|by| by.at)))
        .value("clearedBy", "String", "Who cleared it by hand.", |alarm, _| alarm.occurrence.cleared_by.as_ref().map(ToString::to_string))
        .value("shelvedUntil", "DateTime", "", |alarm, _| {
            time(alarm.state.suppressions.as_ref().and_then(|suppressions| suppressions.shelf.as_ref()?.until))
        })
        .value("firstOut", "Boolean!", "The first of a flood.", |alarm, _| alarm.occurrence.first_out)
        .value("chattering", "Boolean!", "It comes and goes.", |alarm, _| alarm.occurrence.chattering)
        .value("unknownSince", "DateTime", "Since when it is not known whether it still holds.", |alarm, _| {
            time(alarm.occurrence.unknown_since)
        })
        .value("log", "[AlarmLogEntry!]!", "What happened to it, the oldest first; at most 100 entries.", |alarm, _| {
            Out::objects(alarm.occurrence.log.iter().cloned())
        })
        .value("trigger", "JSON", "The values, limits and parameters that raised it.", |alarm, _| {
            alarm.occurrence.explain.as_ref().and_then(|explain| serde_json::from_str::<Json>(explain).ok()).map(Out::json)
        })
        .value("revision", "Long!", "Of its twin.", |alarm, _| alarm.seen.state.revision.0)
        .value("seq", "Long!", "The commit that this is as of.", |alarm, _| alarm.seen.seq.0);
}

fn time(time: Option<Timestamp>) -> Option<Out> {
    time.map(Out::print)
}

/// `alarms(where:, first:, after:)`
pub fn page(session: &Session, args: &Args) -> Result<Out, ApiError> {
    paged(all(session, &AlarmFilter::read(args.get("where"))), session, args)
}

/// The same of one twin.
pub fn page_of(session: &Session, seen: &Seen, args: &Args) -> Result<Out, ApiError> {
    let filter = AlarmFilter::read(args.get("where"));
    paged(of_twin(seen).filter(|alarm| filter.holds(alarm)).collect(), session, args)
}

/// The worst first, then the newest. A cursor is the id of the last alarm, with what it was sorted by: it may be closed by now.
fn paged(mut found: Vec<AlarmNode>, session: &Session, args: &Args) -> Result<Out, ApiError> {
    let first = super::first(args, session)?;
    let after = args.text("after").map(|after| Rank::parse(after).ok_or_else(bad_cursor)).transpose()?;
    found.sort_by_cached_key(Rank::of);
    let total = found.len();
    let mut nodes: Vec<AlarmNode> = found.into_iter().filter(|alarm| after.as_ref().is_none_or(|after| Rank::of(alarm) > *after)).collect();
    let has_next = nodes.len() > first;
    nodes.truncate(first);
    let cursors = nodes.iter().map(|alarm| Rank::of(alarm).to_string()).collect();
    Ok(Out::object(Page { nodes, cursors, has_next, has_previous: after.is_some(), total: Some(total) }))
}

/// Where an alarm stands in a list.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    severity: Reverse<Severity>,
    raised: Reverse<i64>,
    id: String,
}

impl Rank {
    fn of(alarm: &AlarmNode) -> Rank {
        Rank { severity: Reverse(alarm.occurrence.severity), raised: Reverse(alarm.occurrence.raised_at.0), id: alarm.id() }
    }

    fn parse(cursor: &str) -> Option<Rank> {
        let mut parts = cursor.splitn(3, ' ');
        let (severity, raised, id) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Rank { severity: Reverse(Severity::parse(severity)?), raised: Reverse(raised.parse().ok()?), id: id.to_owned() })
    }
}

impl std::fmt::Display for Rank {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.severity.0, self.raised.0, self.id)
    }
}

fn bad_cursor() -> ApiError {
    ApiError::new(Code::BadCursor, "`after` is no cursor of alarms").hint("use the `endCursor` of the page before")
}

/// `alarmCounts(where:)`
pub fn counts(session: &Session, args: &Args) -> Out {
    let found = all(session, &AlarmFilter::read(args.get("where")));
    let is_active = |alarm: &&AlarmNode| matches!(alarm.occurrence.condition, Condition::Active | Condition::Recovering);
    let of = |severity: Severity| found.iter().filter(|alarm| alarm.occurrence.severity == severity).count();
    let by_severity = Severity::ALL.into_iter().rev().map(|severity| (severity, of(severity))).filter(|(_, count)| *count > 0).collect();
    Out::object(Counts {
        open: found.len(),
        active: found.iter().filter(is_active).count(),
        unacknowledged: found.iter().filter(|alarm| !alarm.occurrence.acknowledged).count(),
        by_severity,
    })
}
