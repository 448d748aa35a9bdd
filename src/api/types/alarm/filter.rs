//! `AlarmWhere`: which alarms.

use serde_json::{Value as Json, json};

use super::AlarmNode;
use crate::alarm::Severity;
use crate::api::access::{self, Check, Filter, TextTest};
use crate::api::build::SchemaBuilder;
use crate::api::engine::RequestContext;
use crate::api::error::ApiError;
use crate::api::frames::Filter as _;
use crate::api::live::Condition;
use crate::api::types::twin::session;
use crate::feed::Types;
use crate::reading::Timestamp;
use crate::twin::State;

pub(super) fn declare(schema: &mut SchemaBuilder) {
    schema
        .input("AlarmWhere", "Which alarms. Keys are joined by AND; null means absent.")
        .field("twins", "[ID!]")
        .field("under", "ID")
        .doc("Of this twin and of all below it in the primary hierarchy.")
        .field("twin", "TwinWhere")
        .doc("By the twin as it is now.")
        .field("rule", "[String!]")
        .doc("By the ids of rules, as `overheat`.")
        .field("severity", "[Severity!]")
        .field("minSeverity", "Severity")
        .field("condition", "[AlarmCondition!]")
        .field("open", "Boolean")
        .doc("Lists have open ones; with `open: false` those that are closed, as far as their twins keep them: the latest of each rule. Streams have both unless this says which.")
        .field("acknowledged", "Boolean")
        .field("suppression", "[Suppression!]")
        .field("text", "StringMatch")
        .field("raisedAt", "DateTimeMatch");
}

/// Which twins something is to be about: `twins`, `under` and `twin` of an input.
#[derive(Debug, Default)]
pub struct Twins {
    ids: Option<Vec<String>>,
    condition: Option<Condition>,
}

impl Twins {
    pub fn read(ctx: &RequestContext, name: &'static str, input: &Json) -> Result<Twins, ApiError> {
        let (twin, under) = (input.get("twin").cloned(), input.get("under").cloned());
        let condition = match (&twin, &under) {
            (None, None) => None,
            (_, _) => {
                let decode = move |access: &access::Access<'_>| {
                    let by_twin = access::decode_twin_where(access, &format!("{name}.twin"), twin.as_ref())?;
                    let Some(under) = &under else { return Ok(by_twin) };
                    let place = json!({"or": [{"ids": [under]}, {"path": {"under": under}}]});
                    let below = access::decode_twin_where(access, &format!("{name}.under"), Some(&place))?;
                    Ok(Filter::All(vec![by_twin, below]))
                };
                Some(Condition::new(ctx, Types::All, std::sync::Arc::new(decode))?)
            }
        };
        Ok(Twins { ids: texts(input, "twins"), condition })
    }

    pub fn hold_id(&self, id: &str) -> bool {
        is_one_of(&self.ids, id)
    }

    /// Whether it has to be known what the twin is.
    pub fn asks_of_twins(&self) -> bool {
        self.condition.is_some()
    }

    pub fn hold(&self, state: &State, now: Timestamp) -> bool {
        self.hold_id(state.id.as_str()) && self.condition.as_ref().is_none_or(|condition| condition.matches(state, now))
    }
}

#[derive(Debug, Default)]
pub struct AlarmFilter {
    twins: Twins,
    rules: Option<Vec<String>>,
    severities: Option<Vec<Severity>>,
    least: Option<Severity>,
    conditions: Option<Vec<String>>,
    open: Option<bool>,
    acknowledged: Option<bool>,
    suppressions: Option<Vec<String>>,
    text: Option<TextTest>,
    raised: Vec<Check<i64>>,
}

impl AlarmFilter {
    /// The argument `where`.
    pub fn read(ctx: &RequestContext, input: Option<&Json>) -> Result<AlarmFilter, ApiError> {
        let Some(input) = input else { return Ok(AlarmFilter::default()) };
        let session = session(ctx)?;
        let access = session.access(ctx.caller.role);
        let flag = |key: &str| input.get(key).and_then(Json::as_bool);
        Ok(AlarmFilter {
            twins: Twins::read(ctx, "where", input)?,
            rules: texts(input, "rule"),
            severities: texts(input, "severity").map(|names| names.iter().filter_map(|name| Severity::parse(name)).collect()),
            least: input.get("minSeverity").and_then(Json::as_str).and_then(Severity::parse),
            conditions: texts(input, "condition"),
            open: flag("open"),
            acknowledged: flag("acknowledged"),
            suppressions: texts(input, "suppression"),
            text: input.get("text").map(|text| access::decode_text(&access, "where.text", text)).transpose()?,
            raised: input.get("raisedAt").map(|time| access::decode_time(&access, "where.raisedAt", time)).transpose()?.unwrap_or_default(),
        })
    }

    /// Lists are of those, and of no others.
    pub fn is_of_closed(&self) -> bool {
        self.open == Some(false)
    }

    pub fn holds(&self, alarm: &AlarmNode, now: Timestamp) -> bool {
        let open = &alarm.occurrence;
        self.hold_identity(alarm.seen.state.id.as_str(), &alarm.rule)
            && is_one_of(&self.conditions, alarm.condition().as_str())
            && is_one_of(&self.suppressions, alarm.suppression().as_str())
            && self.severities.as_ref().is_none_or(|severities| severities.contains(&open.severity))
            && self.least.is_none_or(|least| open.severity >= least)
            && self.open.is_none_or(|wanted| open.is_open() == wanted)
            && self.acknowledged.is_none_or(|acknowledged| open.acknowledged == acknowledged)
            && self.text.as_ref().is_none_or(|test| test.holds(&open.text))
            && self.raised.iter().all(|check| check.holds(&open.raised_at.0))
            && self.twins.hold(&alarm.seen.state, now)
    }

    /// As far as it is about whose alarm it is: of what is not known any more that is all there is to go by.
    pub fn hold_identity(&self, twin: &str, rule: &str) -> bool {
        self.twins.hold_id(twin) && is_one_of(&self.rules, rule)
    }
}

pub fn texts(input: &Json, key: &str) -> Option<Vec<String>> {
    let items = input.get(key)?.as_array()?.iter();
    Some(items.filter_map(Json::as_str).map(str::to_owned).collect())
}

pub(super) fn is_one_of(names: &Option<Vec<String>>, name: &str) -> bool {
    names.as_ref().is_none_or(|names| names.iter().any(|known| known == name))
}
