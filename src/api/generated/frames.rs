//! Live selections of a type: root fields of subscriptions, and the frames they send.

use std::sync::Arc;

use crate::api::access::{self, decode_where};
use crate::api::build::{Args, SchemaBuilder};
use crate::api::engine::RequestContext;
use crate::api::error::ApiError;
use crate::api::frames::Choice;
use crate::api::live::{Condition, bounded};
use crate::api::names::ViewPlan;
use crate::api::subscription::twin_frames;
use crate::api::types::frame;
use crate::api::types::twin::session;
use crate::feed::Types;
use crate::reading::TwinId;

/// Where the twins of a frame stand.
const NODES: &str = "nodes";
const LIMIT_DEFAULT: usize = 500;

pub(super) fn declare(schema: &mut SchemaBuilder, plan: &Arc<ViewPlan>, index: usize) {
    let ty = &plan.types[index];
    let frame = format!("{}!", ty.helpers.frame);
    frame::declare_twins(schema, &ty.helpers.frame, NODES, ty.output());
    let mut root = schema.subscription();
    let shared = plan.clone();
    root.stream(&ty.roots.one, &frame, &format!("One {}, live. It may come and go: a frame says so.", ty.name()))
        .arg("id", "ID!")
        .arg("maxRateHz", "Float = 4")
        .subscribe(move |args, ctx| {
            let plan = shared.clone();
            async move {
                let ids = TwinId::parse(args.required_text("id")?).into_iter().collect();
                let filter = Some(Arc::new(condition(&ctx, &plan, index, &args)?) as _);
                twin_frames(&ctx, &args, Choice::Twins { ids, filter }, &args.selection.below(NODES))
            }
        });
    let shared = plan.clone();
    root.stream(&ty.roots.many, &frame, &format!("Twins of the type {} that match, live.", ty.name()))
        .arg("where", &ty.helpers.filter)
        .arg("limit", "Int = 500")
        .arg_doc("Twins, by id; `truncated` says that more match.")
        .arg("maxRateHz", "Float = 4")
        .subscribe(move |args, ctx| {
            let plan = shared.clone();
            async move {
                let max = session(&ctx)?.services.limits.frame_twins_max;
                let limit = bounded("limit", args.integer("limit"), LIMIT_DEFAULT, "frame_twins_max", max)?;
                let choice = Choice::Matching { filter: Arc::new(condition(&ctx, &plan, index, &args)?), limit };
                twin_frames(&ctx, &args, choice, &args.selection.below(NODES))
            }
        });
}

/// Twins of the type, of its subtypes too, that `where` lets through; without it all of them.
fn condition(ctx: &RequestContext, plan: &Arc<ViewPlan>, index: usize, args: &Args) -> Result<Condition, ApiError> {
    let (plan, input) = (plan.clone(), args.get("where").cloned());
    let type_name = plan.types[index].name().clone();
    let decode = move |access: &access::Access<'_>| {
        let filter = decode_where(access, &plan, index, "where", input.as_ref())?;
        Ok(access::Filter::All(vec![access::Filter::IsA(vec![plan.types[index].name().clone()]), filter]))
    };
    Condition::new(ctx, Types::Named(Box::new([type_name])), Arc::new(decode))
}
