//! `Relation`: an edge as a node of its own, and the pages of all edges of a twin.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use foldhash::HashMap;
use serde_json::Value as Json;

use crate::api::build::{ObjectBuilder, Out, SchemaBuilder};
use crate::api::cohort::Cohort;
use crate::api::engine::Ctx;
use crate::api::error::ApiError;
use crate::api::names::NodeRef;
use crate::api::session::Session;
use crate::api::types::connection::PageInfo;
use crate::api::types::twin::{TwinNode, twin_out};
use crate::reading::TwinNo;
use crate::twin::{Edge, EdgeNo};

use super::page::{RelationPage, page_of};
use super::{id_of, names, walk};

/// What a page that asks the graph store weighs.
pub(super) const PAGE_WEIGHT: u32 = 5;

/// An edge within an answer, with the twins that stand beside each of its ends.
#[derive(Debug, Clone)]
pub struct RelationNode {
    pub edge: Arc<Edge>,
    beside_source: Arc<Cohort>,
    beside_target: Arc<Cohort>,
}

impl RelationNode {
    /// An edge whose ends are shown with it alone.
    pub fn alone(edge: Arc<Edge>) -> RelationNode {
        let ends = Cohort::of([edge.from, edge.to]);
        RelationNode::among(edge, &ends)
    }

    /// An edge between twins that stand side by side.
    pub(super) fn among(edge: Arc<Edge>, twins: &Arc<Cohort>) -> RelationNode {
        RelationNode { edge, beside_source: twins.clone(), beside_target: twins.clone() }
    }

    /// As a value of a field that is typed `Relation`.
    pub fn out(self) -> Out {
        Out::object(self)
    }

    /// As a value of a field that is typed `Node`.
    pub fn node(self) -> Out {
        Out::node("Relation", self)
    }

    fn end(ctx: &Ctx, no: TwinNo, beside: &Arc<Cohort>) -> Result<Out, ApiError> {
        let session = ctx.services::<Session>()?;
        Ok(session.by_no(no).map_or(Out::Null, |seen| twin_out(session, seen, beside.clone())))
    }
}

/// A page of the edges of a twin.
#[derive(Debug, Clone)]
struct Edges {
    of: TwinNode,
    page: Arc<RelationPage>,
}

/// A place in it.
#[derive(Debug, Clone)]
struct Place {
    edges: Edges,
    place: usize,
}

impl Edges {
    fn node(&self, place: usize) -> Option<RelationNode> {
        let edge = self.page.edges.get(place)?.edge.clone();
        let (own, others) = (self.of.cohort.clone(), self.page.cohort.clone());
        let begins_here = edge.from == self.of.seen.state.no;
        let (beside_source, beside_target) = if begins_here { (own, others) } else { (others, own) };
        Some(RelationNode { edge, beside_source, beside_target })
    }
}

/// The edges of ids such as `relation/12`, by these ids, whether or not they still hold. What never was is left out.
pub async fn by_ids<'a>(ctx: &Ctx, ids: impl IntoIterator<Item = &'a str>) -> Result<HashMap<&'a str, RelationNode>, ApiError> {
    let number = |id: &'a str| Some((EdgeNo(id.strip_prefix("relation/")?.parse().ok()?), id));
    let wanted: HashMap<EdgeNo, &str> = ids.into_iter().filter_map(number).collect();
    if wanted.is_empty() {
        return Ok(HashMap::default());
    }
    let session = ctx.services::<Session>()?;
    walk::arrive(ctx, session).await?;
    let numbers: Vec<EdgeNo> = wanted.keys().copied().collect();
    let found = session.runtime().store().edges(&numbers).await.map_err(walk::failed)?;
    ctx.receipt.store_statements.fetch_add(found.statements, Ordering::Relaxed);
    let nodes = found.edges.into_iter().filter_map(|edge| Some((*wanted.get(&edge.no)?, RelationNode::alone(Arc::new(edge)))));
    Ok(nodes.collect())
}

pub(super) fn declare_field(twin: &mut ObjectBuilder<'_, TwinNode>) {
    twin.field(
        "relations",
        "RelationConnection",
        "The edges that begin or end at it and hold now, by the id of the twin at the other end.",
    )
    .arg("name", "String")
    .arg_doc("Only edges of this relation; the name of an inverse follows its relation the other way.")
    .arg("direction", "Direction = BOTH")
    .arg("first", "Int = 50")
    .arg("after", "String")
    .weight(PAGE_WEIGHT)
    .resolve(|twin, args, ctx| async move {
        let session = ctx.services::<Session>()?;
        let walk = names::one(&session.services.catalog, args.text("name"), names::way(args.text("direction")))?;
        let page = page_of(&twin, walk, NodeRef::Twin, args, &ctx).await?;
        Ok(Out::object(Edges { of: twin, page }))
    });
}

pub(super) fn declare(schema: &mut SchemaBuilder) {
    schema
        .object::<RelationNode>("Relation", "An edge from one twin to another.")
        .implements("Node")
        .value("id", "ID!", "For `unrelate` and `node`.", |node, _| id_of(node.edge.no))
        .value("name", "String!", "The relation it is of.", |node, _| node.edge.relation.to_string())
        .field("source", "Twin", "Where it begins; null if the twin is no more.")
        .now(|node, _, ctx| RelationNode::end(ctx, node.edge.from, &node.beside_source))
        .field("target", "Twin", "Where it ends; null if the twin is no more.")
        .now(|node, _, ctx| RelationNode::end(ctx, node.edge.to, &node.beside_target))
        .value("properties", "JSON!", "What it says of itself, in the units of the relation.", |node, _| {
            Out::json(Json::Object(node.edge.properties.clone()))
        })
        .value("validFrom", "DateTime!", "Since when it holds.", |node, _| Out::print(node.edge.valid_from))
        .value("validTo", "DateTime", "Until when; null if no end is known.", |node, _| node.edge.valid_to.map_or(Out::Null, Out::print))
        .value("revision", "Long!", "1 as it began, 2 once it has an end: nothing else of an edge ever changes.", |node, _| {
            1 + u64::from(node.edge.valid_to.is_some())
        });
    schema
        .object::<Edges>("RelationConnection", "A page.")
        .value("edges", "[RelationEdge!]!", "The nodes with their cursors.", |edges, _| {
            Out::objects((0..edges.page.edges.len()).map(|place| Place { edges: edges.clone(), place }))
        })
        .value("nodes", "[Relation!]!", "The nodes by themselves.", |edges, _| {
            Out::objects((0..edges.page.edges.len()).filter_map(|place| edges.node(place)))
        })
        .value("pageInfo", "PageInfo!", "", |edges, _| {
            let page = &edges.page;
            let last = page.edges.len().checked_sub(1);
            let (start, end) = (last.map(|_| page.cursor(0)), last.map(|last| page.cursor(last)));
            Out::object(PageInfo { has_next: page.has_next, has_previous: page.has_previous, start, end })
        })
        .value("totalCount", "Int", "How many there are on all pages.", |edges, _| edges.page.total());
    schema
        .object::<Place>("RelationEdge", "A node and its place in the page.")
        .value("cursor", "String!", "For `after`: to go on behind this one.", |place, _| place.edges.page.cursor(place.place))
        .value("node", "Relation!", "", |place, _| place.edges.node(place.place).map_or(Out::Null, Out::object))
        .field("other", "Twin", "The twin at the other end.")
        .now(|place, _, ctx| {
            let page = &place.edges.page;
            let Some(edge) = page.edges.get(place.place) else { return Ok(Out::Null) };
            Ok(twin_out(ctx.services::<Session>()?, edge.other.clone(), page.cohort.clone()))
        });
}
