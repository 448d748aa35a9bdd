//! A slice of the graph: what is reached from one twin within so many steps. Each step is one statement of the graph store.

use std::sync::Arc;

use foldhash::{HashMap, HashSet};

use crate::api::build::{Args, ObjectBuilder, Out, Root, SchemaBuilder};
use crate::api::cohort::Cohort;
use crate::api::engine::Ctx;
use crate::api::error::ApiError;
use crate::api::session::{Seen, Session};
use crate::api::types::twin::twin_out;
use crate::reading::{Seq, TwinNo};
use crate::twin::{Edge, EdgeNo};

use super::names;
use super::node::{PAGE_WEIGHT, RelationNode};
use super::walk::{self, other_end};

/// Steps from the root.
const DEPTH_MAX: usize = 20;
/// Twins in a slice.
const TWINS_MAX: usize = 5_000;

/// Twins with the edges between them, side by side.
#[derive(Debug, Clone)]
pub(super) struct Slice {
    pub(super) seq: Seq,
    pub(super) twins: Vec<Seen>,
    pub(super) edges: Vec<Arc<Edge>>,
    pub(super) cohort: Arc<Cohort>,
    pub(super) is_truncated: bool,
}

impl Slice {
    pub(super) fn new(seq: Seq, twins: Vec<Seen>, edges: Vec<Arc<Edge>>, is_truncated: bool) -> Slice {
        let cohort = Cohort::of(twins.iter().map(|seen| seen.state.no));
        Slice { seq, twins, edges, cohort, is_truncated }
    }

    pub(super) fn twins_out(&self, ctx: &Ctx) -> Result<Out, ApiError> {
        let session = ctx.services::<Session>()?;
        Ok(Out::List(self.twins.iter().map(|seen| twin_out(session, seen.clone(), self.cohort.clone())).collect()))
    }

    pub(super) fn edges_out(&self) -> Out {
        Out::objects(self.edges.iter().map(|edge| RelationNode::among(edge.clone(), &self.cohort)))
    }
}

pub(super) fn declare(schema: &mut SchemaBuilder) {
    schema
        .object::<Slice>("GraphSlice", "Twins with the edges between them that were followed.")
        .value("seq", "Long!", "The edges are as of this commit, or a later one.", |slice, _| slice.seq.0)
        .field("twins", "[Twin!]!", "The root first, then by steps from it.")
        .now(|slice, _, ctx| slice.twins_out(ctx))
        .value("relations", "[Relation!]!", "", |slice, _| slice.edges_out())
        .value("truncated", "Boolean!", "Whether there are more twins than `limit`.", |slice, _| slice.is_truncated);
}

pub(super) fn declare_field(query: &mut ObjectBuilder<'_, Root>) {
    query
        .field("graph", "GraphSlice", "What is reached from a twin along relations; null if there is no such twin.")
        .arg("root", "ID!")
        .arg("relations", "[String!]")
        .arg_doc("Only these; without it all.")
        .arg("direction", "Direction = OUT")
        .arg("depth", "Int = 2")
        .arg_doc("Steps from the root, up to 20.")
        .arg("limit", "Int = 500")
        .arg_doc("Twins, up to 5,000.")
        .weight(PAGE_WEIGHT)
        .resolve(|_, args, ctx| async move { graph(&args, &ctx).await });
}

async fn graph(args: &Args, ctx: &Ctx) -> Result<Out, ApiError> {
    let session = ctx.services::<Session>()?;
    let depth = bounded(args, "depth", 0, DEPTH_MAX)?;
    let limit = bounded(args, "limit", 1, TWINS_MAX)?;
    let relations = args.texts("relations");
    let walk = names::some(&session.services.catalog, relations.as_deref(), names::way(args.text("direction")))?;
    let Some(root) = session.by_id(args.required_text("root")?) else { return Ok(Out::Null) };
    let mut reached = Reached::from(root, limit);
    let mut level = vec![reached.twins[0].state.no];
    let mut seq = None;
    for _ in 0..depth {
        let edges = walk::read(ctx, &level, &walk).await?;
        seq = Some(seq.map_or(edges.seq, |seq: Seq| seq.min(edges.seq)));
        let mut next = Vec::new();
        for twin in level {
            for edge in edges.of(twin) {
                next.extend(reached.follow(session, edge, twin));
            }
        }
        level = next;
        if level.is_empty() {
            break;
        }
    }
    let seq = seq.unwrap_or_else(|| session.runtime().projected());
    let Reached { twins, mut edges, is_truncated, .. } = reached;
    let mut known: HashSet<EdgeNo> = HashSet::default();
    edges.retain(|edge| known.insert(edge.no));
    Ok(Out::object(Slice::new(seq, twins, edges, is_truncated)))
}

/// An argument that counts.
pub(super) fn bounded(args: &Args, name: &str, min: usize, max: usize) -> Result<usize, ApiError> {
    let given = args.integer(name).unwrap_or_default();
    let fits = usize::try_from(given).ok().filter(|given| (min..=max).contains(given));
    fits.ok_or_else(|| ApiError::bad_input(format!("`{name}` is {given}; it is a number from {min} to {max}")))
}

/// What has been reached so far.
struct Reached {
    twins: Vec<Seen>,
    edges: Vec<Arc<Edge>>,
    /// Whether each is in the slice; those that are not committed, or no more, never are.
    known: HashMap<TwinNo, bool>,
    limit: usize,
    is_truncated: bool,
}

impl Reached {
    fn from(root: Seen, limit: usize) -> Reached {
        let known = HashMap::from_iter([(root.state.no, true)]);
        Reached { twins: vec![root], edges: Vec::new(), known, limit, is_truncated: false }
    }

    /// Answers the other end if nobody has been there before.
    fn follow(&mut self, session: &Session, edge: &Arc<Edge>, twin: TwinNo) -> Option<TwinNo> {
        let no = other_end(edge, twin);
        if let Some(is_inside) = self.known.get(&no) {
            self.edges.extend(is_inside.then(|| edge.clone()));
            return None;
        }
        let seen = session.by_no(no);
        let has_room = self.twins.len() < self.limit;
        self.is_truncated |= seen.is_some() && !has_room;
        let seen = seen.filter(|_| has_room);
        self.known.insert(no, seen.is_some());
        self.twins.push(seen?);
        self.edges.push(edge.clone());
        Some(no)
    }
}
