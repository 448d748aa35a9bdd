//! Root fields of queries: one twin of a type, many of them, and what they come to.

use std::sync::Arc;

use crate::api::access::{self, decode_typed_order, decode_where};
use crate::api::build::{Args, Out, SchemaBuilder};
use crate::api::engine::Ctx;
use crate::api::error::ApiError;
use crate::api::list;
use crate::api::names::ViewPlan;
use crate::api::types::twin::{self, session};

pub(super) fn declare(schema: &mut SchemaBuilder, plan: &Arc<ViewPlan>, index: usize) {
    let ty = &plan.types[index];
    let (name, roots, helpers) = (ty.name(), &ty.roots, &ty.helpers);
    let mut query = schema.query();
    let type_name = name.clone();
    query
        .field(&roots.one, ty.output(), &format!("The {name} of that id; null if there is none."))
        .arg("id", "ID!")
        .now(move |_, args, ctx| one(&type_name, args, ctx));
    let shared = plan.clone();
    query
        .field(&roots.many, &helpers.connection, &format!("Twins of the type {name}, those of its subtypes included."))
        .arg("where", &helpers.filter)
        .arg("orderBy", &format!("[{}!]", helpers.sort))
        .arg_doc("By id at last, and without it.")
        .arg("first", "Int = 50")
        .arg("after", "String")
        .arg_doc("The `endCursor` of the page before.")
        .looks_ahead()
        .now(move |_, args, ctx| many(&shared, index, args, ctx));
}

fn one(type_name: &str, args: &Args, ctx: &Ctx) -> Result<Out, ApiError> {
    let session = session(ctx)?;
    let seen = session.by_id(args.required_text("id")?).filter(|seen| seen.state.layout.is_a(type_name));
    Ok(seen.map_or(Out::Null, |seen| twin::one(session, seen)))
}

fn many(plan: &ViewPlan, index: usize, args: &Args, ctx: &Ctx) -> Result<Out, ApiError> {
    let ty = &plan.types[index];
    let access = session(ctx)?.access(ctx.caller.role);
    let filter = decode_where(&access, plan, index, "where", args.get("where"))?;
    let order = decode_typed_order(&access, ty, "orderBy", args.get("orderBy"))?;
    let page = list::page(ctx, args, access::Scope::Type(ty.name().clone()), &ty.roots.many, filter, order)?;
    Ok(Out::object(page))
}
