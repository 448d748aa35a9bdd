//! `Alarm`: one occurrence on one twin, as its committed state has it.

mod figures;
mod filter;
mod item;
mod list;

use std::sync::Arc;

use serde_json::Value as Json;

use super::explanation;
use super::twin::{one, session};
use crate::alarm::{AlarmState, Condition, Identity, Occurrence, Suppression, alarm_id};
use crate::api::build::{Out, SchemaBuilder};
use crate::api::session::{Seen, Session};
use crate::feed::After;
use crate::reading::Timestamp;

pub use figures::figures;
pub use filter::{AlarmFilter, Twins, texts};
pub use item::alarm_items;
pub use list::{counts, page, page_of};

/// An occurrence: open, or as it was when it was closed.
#[derive(Debug, Clone)]
pub struct AlarmNode {
    pub seen: Seen,
    pub rule: Arc<str>,
    /// How its identity stood then; of what is over and remembered by its twin nothing suppresses anything.
    pub state: Option<Arc<AlarmState>>,
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
        let suppression = |state: &Arc<AlarmState>| state.suppression(self.seen.state.out_of_service.as_deref());
        self.state.as_ref().map_or(Suppression::None, suppression)
    }

    /// Of what has returned and is still open: whether its condition is known at all.
    fn condition(&self) -> Condition {
        let rule = &self.seen.state.watches.get(&self.rule).rule;
        let stands = self.occurrence.condition;
        let is_unknown = stands == Condition::Normal && self.occurrence.is_open() && rule.unknown_since.is_some();
        if is_unknown { Condition::NoData } else { stands }
    }

    fn key(&self) -> Option<String> {
        self.rule.split_once(':').map(|(_, key)| key.to_owned())
    }

    /// The evidence of the raise.
    fn trigger(&self) -> Option<Json> {
        serde_json::from_str(self.occurrence.explain.as_ref()?).ok()
    }

    fn level(&self) -> Option<String> {
        (self.occurrence.level > 0).then(|| self.occurrence.level.to_string())
    }
}

/// The open alarms of a twin, by rule.
pub fn of_twin(seen: &Seen) -> impl Iterator<Item = AlarmNode> + '_ {
    seen.state.watches.iter().filter_map(|(rule, watch)| {
        let open = watch.alarm.open.as_deref().filter(|open| open.shown)?;
        let (rule, state) = (Arc::from(rule.as_str()), Some(Arc::new(watch.alarm.clone())));
        Some(AlarmNode { seen: seen.clone(), rule, state, occurrence: Arc::new(open.clone()) })
    })
}

/// Those that are closed and that it remembers, the latest first.
pub fn once_of_twin(seen: &Seen) -> impl Iterator<Item = AlarmNode> + '_ {
    seen.state.closed.iter().rev().map(|(rule, occurrence)| AlarmNode {
        seen: seen.clone(),
        rule: Arc::from(rule.as_str()),
        state: None,
        occurrence: occurrence.clone(),
    })
}

/// An alarm as it was after a change, on a twin as it is now.
pub fn after_change(seen: Seen, rule: &str, after: &After) -> AlarmNode {
    AlarmNode { seen, rule: rule.into(), state: Some(after.state.clone()), occurrence: after.occurrence.clone() }
}

/// By what stands behind `alarm/`.
pub fn find(session: &Session, place: &str) -> Option<AlarmNode> {
    let (twin, rule, no) = parse_id(place)?;
    let seen = session.by_id(twin)?;
    of_twin(&seen).chain(once_of_twin(&seen)).find(|alarm| *alarm.rule == *rule && alarm.occurrence.no == no)
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
    figures::declare(schema);
    filter::declare(schema);
    list::declare(schema);
    item::declare(schema);
}

fn node(schema: &mut SchemaBuilder) {
    let mut alarm = schema.object::<AlarmNode>("Alarm", "An occurrence of an alarm.");
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
        .value("key", "String", "Who raises it, where that is none of the twin's own rules.", |alarm, _| alarm.key())
        .value("condition", "AlarmCondition!", "", |alarm, _| alarm.condition().as_str())
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
        .value(
            "closedReason",
            "String",
            "Why it was closed: `RETURNED MANUAL SUPERSEDED SCHEDULE RULE_DISABLED RULE_CHANGED …`.",
            |alarm, _| alarm.occurrence.closed.map(crate::alarm::CloseReason::as_str),
        )
        .value("clearedBy", "String", "Who cleared it by hand.", |alarm, _| alarm.occurrence.cleared_by.as_ref().map(ToString::to_string))
        .value("shelvedUntil", "DateTime", "", |alarm, _| {
            time(alarm.state.as_ref().and_then(|state| state.suppressions.as_ref()?.shelf.as_ref()?.until))
        })
        .value("flood", "Boolean!", "It came when alarms of its area came faster than people can follow.", |alarm, _| {
            alarm.occurrence.flood
        })
        .value("firstOut", "Boolean!", "The first of a flood.", |alarm, _| alarm.occurrence.first_out)
        .value("chattering", "Boolean!", "It comes and goes.", |alarm, _| alarm.occurrence.chattering)
        .value("unknownSince", "DateTime", "Since when it is not known whether it still holds.", |alarm, _| {
            time(alarm.occurrence.unknown_since)
        })
        .value("log", "[AlarmLogEntry!]!", "What happened to it, the oldest first; at most 100 entries.", |alarm, _| {
            Out::objects(alarm.occurrence.log.iter().cloned())
        })
        .value("trigger", "JSON", "The values, limits and parameters that raised it.", |alarm, _| alarm.trigger().map(Out::json))
        .value("explain", "Explanation", "The same as a tree: why it was raised.", |alarm, _| {
            alarm.trigger().and_then(|trigger| explanation::of_trigger(&trigger))
        })
        .value("revision", "Long!", "Of its twin.", |alarm, _| alarm.seen.state.revision.0)
        .value("seq", "Long!", "The commit that this is as of.", |alarm, _| alarm.seen.seq.0);
}

fn time(time: Option<Timestamp>) -> Option<Out> {
    time.map(Out::print)
}
