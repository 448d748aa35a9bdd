//! `TwinAggregate`: counts and statistics of twins, by groups.

use super::twin::{one, session};
use crate::api::access::{self, Aggregate, FloatStats, GroupKey, PropertyStats, decode_groups, decode_twin_where};
use crate::api::build::{Args, Out, SchemaBuilder};
use crate::api::engine::RequestContext;
use crate::api::error::ApiError;

pub fn declare(schema: &mut SchemaBuilder) {
    schema
        .object::<Aggregate>("TwinAggregate", "A group of twins.")
        .value("keys", "[GroupKey!]!", "What they have in common, in the order of `groupBy`.", |group, _| {
            Out::objects(group.keys.iter().cloned())
        })
        .value("count", "Int!", "How many they are.", |group, _| group.count)
        .value("stats", "[PropertyStats!]!", "Of the `properties` that were asked for.", |group, _| {
            Out::objects(group.stats.iter().cloned())
        });
    schema
        .object::<GroupKey>("GroupKey", "What the twins of a group have in common.")
        .value("name", "String!", "The property, `type`, or `ancestor`.", |key, _| key.name.clone())
        .value("value", "JSON", "Null where they have none.", |key, _| key.value.clone().map(Out::json))
        .field("twin", "Twin", "The ancestor.")
        .now(|key, _, ctx| {
            let session = session(ctx)?;
            Ok(key.twin.and_then(|no| session.by_no(no)).map_or(Out::Null, |seen| one(session, seen)))
        });
    schema
        .object::<PropertyStats>("PropertyStats", "Statistics of one property.")
        .value("property", "String!", "", |stats, _| stats.path.to_string())
        .value("stats", "FloatStats!", "", |stats, _| Out::object(stats.stats.clone()));
    schema
        .object::<FloatStats>("FloatStats", "Of the values that are there and not BAD.")
        .value("unit", "String", "", |stats, _| stats.unit.as_ref().map(|unit| unit.symbol().to_owned()))
        .value("count", "Int!", "How many values.", |stats, _| stats.count)
        .value("min", "Float", "", |stats, _| stats.min)
        .value("max", "Float", "", |stats, _| stats.max)
        .value("avg", "Float", "", |stats, _| stats.avg)
        .value("sum", "Float", "", |stats, _| stats.sum)
        .value("stddev", "Float", "Of all values that were counted: they are no sample of more.", |stats, _| stats.stddev);
}

/// `twinsAggregate(where:, groupBy:, properties:)`
pub fn root(ctx: &RequestContext, args: &Args) -> Result<Out, ApiError> {
    let session = session(ctx)?;
    let access = session.access(ctx.caller.role);
    let filter = decode_twin_where(&access, "where", args.get("where"))?;
    let groups = decode_groups(&access, "groupBy", args.get("groupBy"))?;
    let properties: Vec<Box<str>> = args.texts("properties").unwrap_or_default().into_iter().map(Into::into).collect();
    let found = access::aggregate(&access, &access::Scope::All, &filter, &groups, &properties)?;
    Ok(Out::objects(found))
}
