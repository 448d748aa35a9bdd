//! A shortest way from one twin to another, along edges in whichever direction. It is looked for from both ends in turn, always on the side where
//! fewer twins are to be asked, one statement of the graph store for each step.

use std::sync::Arc;

use foldhash::HashMap;

use crate::api::build::{Args, ObjectBuilder, Out, Root, SchemaBuilder};
use crate::api::engine::Ctx;
use crate::api::error::ApiError;
use crate::api::names::Way;
use crate::api::session::{Seen, Session};
use crate::reading::{Seq, TwinNo};
use crate::twin::Edge;

use super::names;
use super::node::PAGE_WEIGHT;
use super::slice::{Slice, bounded};
use super::walk::{self, Walk, other_end};

/// Edges on a way.
const HOPS_MAX: usize = 20;
/// Twins that one search may look at.
const TWINS_MAX: usize = 100_000;

#[derive(Debug, Clone)]
struct Path(Slice);

pub(super) fn declare(schema: &mut SchemaBuilder) {
    schema
        .object::<Path>("Path", "A shortest way from one twin to another.")
        .value("hops", "Int!", "How many edges it has.", |path, _| path.0.edges.len())
        .field("twins", "[Twin!]!", "From the first to the last.")
        .now(|path, _, ctx| path.0.twins_out(ctx))
        .value("relations", "[Relation!]!", "The edges between them, in this order, whichever direction each has.", |path, _| {
            path.0.edges_out()
        });
}

pub(super) fn declare_field(query: &mut ObjectBuilder<'_, Root>) {
    query
        .field("path", "Path", "A shortest way between two twins, along edges in either direction; null if there is none.")
        .arg("from", "ID!")
        .arg("to", "ID!")
        .arg("relations", "[String!]")
        .arg_doc("Only along these; without it along all.")
        .arg("maxHops", "Int = 6")
        .arg_doc("Edges on the way, up to 20.")
        .weight(PAGE_WEIGHT)
        .resolve(|_, args, ctx| async move { path(&args, &ctx).await });
}

async fn path(args: &Args, ctx: &Ctx) -> Result<Out, ApiError> {
    let session = ctx.services::<Session>()?;
    let hops = bounded(args, "maxHops", 0, HOPS_MAX)?;
    let relations = args.texts("relations");
    let walk = names::some(&session.services.catalog, relations.as_deref(), Way::Both)?;
    let ends = (session.by_id(args.required_text("from")?), session.by_id(args.required_text("to")?));
    let (Some(from), Some(to)) = ends else { return Ok(Out::Null) };
    let (mut near, mut far) = (Side::new(from.state.no), Side::new(to.state.no));
    let mut met = (from.state.no == to.state.no).then_some(from.state.no);
    let mut steps = 0;
    while met.is_none() && steps < hops && !near.front.is_empty() && !far.front.is_empty() {
        let (side, other) = if near.front.len() <= far.front.len() { (&mut near, &far) } else { (&mut far, &near) };
        met = side.step(ctx, &walk, other).await?;
        steps += 1;
        if near.came_by.len() + far.came_by.len() > TWINS_MAX {
            let message = format!("more than {TWINS_MAX} twins lie within {steps} steps, and no way was found among them");
            let error = ApiError::limit("path_twins_max", TWINS_MAX as u64, message);
            return Err(error.hint("name the relations to go along, or fewer hops"));
        }
    }
    let Some(met) = met else { return Ok(Out::Null) };
    let mut way = near.back_from(met);
    way.reverse();
    way.extend(far.back_from(met));
    Ok(shown(session, &from, way).map_or(Out::Null, |slice| Out::object(Path(slice))))
}

/// The edges of a way, from its beginning on, with the twins on it.
fn shown(session: &Session, from: &Seen, way: Vec<Arc<Edge>>) -> Option<Slice> {
    let mut twins = vec![from.clone()];
    let mut at = from.state.no;
    for edge in &way {
        at = other_end(edge, at);
        twins.push(session.by_no(at)?);
    }
    Some(Slice::new(Seq(0), twins, way, false))
}

/// What has been reached from one end.
struct Side {
    /// The edge over which each twin was first reached; none at the end itself.
    came_by: HashMap<TwinNo, Option<Arc<Edge>>>,
    /// Those reached with the last step.
    front: Vec<TwinNo>,
}

impl Side {
    fn new(end: TwinNo) -> Side {
        Side { came_by: HashMap::from_iter([(end, None)]), front: vec![end] }
    }

    /// One step on all of the front. Answers a twin that the other side has reached, too: a shortest way leads over it, since all that is nearer to
    /// the other end would have been met a step before.
    async fn step(&mut self, ctx: &Ctx, walk: &Walk, other: &Side) -> Result<Option<TwinNo>, ApiError> {
        let session = ctx.services::<Session>()?;
        let edges = walk::read(ctx, &self.front, walk).await?;
        let mut met = None;
        for twin in std::mem::take(&mut self.front) {
            for edge in edges.of(twin) {
                let no = other_end(edge, twin);
                if self.came_by.contains_key(&no) || session.runtime().view().twin_no(no).is_none() {
                    continue;
                }
                self.came_by.insert(no, Some(edge.clone()));
                self.front.push(no);
                if other.came_by.contains_key(&no) {
                    met = met.or(Some(no));
                }
            }
        }
        Ok(met)
    }

    /// The edges from a twin back to the end.
    fn back_from(&self, twin: TwinNo) -> Vec<Arc<Edge>> {
        let mut edges = Vec::new();
        let mut at = twin;
        while let Some(Some(edge)) = self.came_by.get(&at) {
            at = other_end(edge, at);
            edges.push(edge.clone());
        }
        edges
    }
}
