//! What the twins of a type come to: counts and statistics by groups, with a field for each member that has numbers.

use std::sync::Arc;

use crate::api::access::{self, Aggregate, decode_typed_groups, decode_where};
use crate::api::build::{Args, Out, SchemaBuilder};
use crate::api::engine::Ctx;
use crate::api::error::ApiError;
use crate::api::names::{TypePlan, ViewPlan};
use crate::api::types::twin::session;

pub(super) fn declare(schema: &mut SchemaBuilder, plan: &Arc<ViewPlan>, index: usize) {
    let ty = &plan.types[index];
    declare_row(schema, ty);
    let shared = plan.clone();
    schema
        .query()
        .field(
            &ty.roots.aggregate,
            &format!("[{}!]", ty.helpers.aggregate),
            &format!("What twins of the type {} come to, by groups.", ty.name()),
        )
        .arg("where", &ty.helpers.filter)
        .arg("groupBy", &format!("[{}!]", ty.helpers.group_by))
        .arg_doc("Without it, all are one group.")
        .looks_ahead()
        .now(move |_, args, ctx| rows(&shared, index, args, ctx));
}

fn declare_row(schema: &mut SchemaBuilder, ty: &TypePlan) {
    let mut row = schema.object::<Aggregate>(&ty.helpers.aggregate, "A group of twins.");
    row.value("keys", "[GroupKey!]!", "What they have in common, in the order of `groupBy`.", |row, _| {
        Out::objects(row.keys.iter().cloned())
    })
    .value("count", "Int!", "How many they are.", |row, _| row.count);
    for (name, field) in &ty.stats {
        let path = ty.fields[*field].name.clone();
        row.value(name, "FloatStats", "", move |row, _| {
            let stats = row.stats.iter().find(|stats| *stats.path == *path);
            stats.map_or(Out::Null, |stats| Out::object(stats.stats.clone()))
        });
    }
}

/// Only what is selected is added up.
fn rows(plan: &ViewPlan, index: usize, args: &Args, ctx: &Ctx) -> Result<Out, ApiError> {
    let ty = &plan.types[index];
    let access = session(ctx)?.access(ctx.caller.role);
    let filter = decode_where(&access, plan, index, "where", args.get("where"))?;
    let groups = decode_typed_groups(&access, ty, "groupBy", args.get("groupBy"))?;
    let wanted = ty.stats.iter().filter(|(name, _)| args.selection.has(name));
    let paths: Vec<Box<str>> = wanted.map(|(_, field)| (&*ty.fields[*field].name).into()).collect();
    let found = access::aggregate(&access, &access::Scope::Type(ty.name().clone()), &filter, &groups, &paths)?;
    Ok(Out::objects(found))
}
