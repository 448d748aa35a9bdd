//! `SearchHit`: twins by what they are called.

use std::sync::Arc;

use super::twin::{TwinNode, session, twin_out};
use crate::api::access::{Search, search};
use crate::api::build::{Args, Out, SchemaBuilder};
use crate::api::cohort::Cohort;
use crate::api::engine::RequestContext;
use crate::api::error::ApiError;

#[derive(Debug)]
struct HitNode {
    twin: TwinNode,
    score: f64,
    matched: Vec<&'static str>,
}

pub fn declare(schema: &mut SchemaBuilder) {
    schema
        .object::<HitNode>("SearchHit", "A twin that was found.")
        .field("twin", "Twin!", "")
        .now(|hit, _, ctx| Ok(twin_out(session(ctx)?, hit.twin.seen.clone(), hit.twin.cohort.clone())))
        .value("score", "Float!", "1 is a whole match; beginnings are worth more than what lies within.", |hit, _| hit.score)
        .value("matched", "[String!]!", "What was found in: `id`, `name`, `externalId`, `type`.", |hit, _| {
            Out::list(hit.matched.iter().copied())
        });
}

/// `search(text:, isA:, first:)`
pub fn root(ctx: &RequestContext, args: &Args) -> Result<Out, ApiError> {
    let session = session(ctx)?;
    let is_a: Vec<Arc<str>> = args.texts("isA").unwrap_or_default().into_iter().map(Arc::from).collect();
    let wanted = Search { text: args.required_text("text")?, is_a: &is_a, first: super::first(args, session)? };
    let seq = session.runtime().view().seq();
    let hits = search(&session.access(ctx.caller.role), &wanted)?;
    let cohort = Cohort::of(hits.iter().map(|hit| hit.state.no));
    Ok(Out::objects(hits.into_iter().map(|hit| {
        let seen = session.see_state(&hit.cell, hit.state, seq);
        HitNode { twin: TwinNode { seen, cohort: cohort.clone() }, score: hit.score, matched: hit.matched }
    })))
}
