//! Relations of types: the fields that follow them, their pages, and edges that say more of themselves than where they lead.

use std::sync::Arc;

use crate::api::build::{ObjectBuilder, Out, SchemaBuilder};
use crate::api::names::{ConnectionPlan, EdgeField, RelationField, ViewPlan, Way};
use crate::api::relations::{self, RelationEdge, RelationPage};
use crate::api::types::connection::{self, PageInfo, TwinPage};
use crate::api::types::twin::{TwinNode, session, twin_out};
use crate::catalog::{Catalog, Relation};
use crate::reading::unit::Unit;

use super::text::{output, unit_doc};
use super::units;
use super::values::json_out;

/// What a page that asks the graph store weighs.
const PAGE_WEIGHT: u32 = 5;

/// A page of edges that carry properties.
#[derive(Debug, Clone)]
struct EdgePage(Arc<RelationPage>);

/// A place in it.
#[derive(Debug, Clone)]
struct EdgeNode {
    page: Arc<RelationPage>,
    place: usize,
}

impl EdgeNode {
    fn edge(&self) -> Option<&RelationEdge> {
        self.page.edges.get(self.place)
    }
}

/// The field of a relation, or of its inverse.
pub(super) fn declare_field(builder: &mut ObjectBuilder<'_, TwinNode>, catalog: &Catalog, plan: &ViewPlan, field: &RelationField) {
    let connection = &plan.connections[field.connection];
    let Some(relation) = catalog.relations.get(usize::from(connection.relation)) else { return };
    let doc = match connection.way {
        Way::Out => format!("Where its relation `{}` leads to.", relation.name),
        Way::In => format!("Where the relation `{}` comes from that leads to it.", relation.name),
        Way::Both => format!("What it is related to by `{}`, which has no direction.", relation.name),
    };
    let (name, way, node) = (relation.name.clone(), connection.way, connection.node);
    let is_own = has_own_edge(plan, connection);
    builder
        .field(&field.name, &connection.name, &doc)
        .arg("where", plan.node_filter(node))
        .arg("orderBy", &format!("[{}!]", plan.node_sort(node)))
        .arg("first", "Int = 50")
        .arg("after", "String")
        .weight(PAGE_WEIGHT)
        .resolve(move |twin, args, ctx| {
            let name = name.clone();
            async move {
                let page = relations::page(&twin, name, way, node, args, &ctx).await?;
                Ok(if is_own { Out::object(EdgePage(page)) } else { Out::object(twin_page(page)) })
            }
        });
}

/// Where the edges say nothing of themselves, their page is one of twins.
fn twin_page(page: Arc<RelationPage>) -> TwinPage {
    let twins = page.edges.iter().map(|edge| edge.other.clone()).collect();
    let (cohort, has_next, has_previous, total) = (page.cohort.clone(), page.has_next, page.has_previous, page.total());
    let cursor_at = move |place: usize| (place < page.edges.len()).then(|| page.cursor(place));
    TwinPage::beside(cohort, twins, Box::new(cursor_at), has_next, has_previous, Some(total))
}

/// Whether its edges carry the properties of the relation, though they may be declared with another connection.
fn has_own_edge(plan: &ViewPlan, connection: &ConnectionPlan) -> bool {
    *connection.edge != *plan.node_edge(connection.node)
}

/// The pages and edges of all relations of the view.
pub(super) fn declare(schema: &mut SchemaBuilder, catalog: &Catalog, plan: &Arc<ViewPlan>) {
    for connection in &plan.connections {
        let node = plan.node_output(connection.node);
        if has_own_edge(plan, connection) {
            declare_page(schema, connection, node);
        } else {
            connection::declare_page_of_twins(schema, &connection.name, &connection.edge, node);
        }
        let relation = catalog.relations.get(usize::from(connection.relation));
        if let (Some(edge), Some(relation)) = (&connection.own_edge, relation) {
            declare_edge(schema, plan, connection, &edge.fields, relation);
        }
    }
}

fn declare_page(schema: &mut SchemaBuilder, connection: &ConnectionPlan, node: &str) {
    schema
        .object::<EdgePage>(&connection.name, "A page.")
        .value("edges", &format!("[{}!]!", connection.edge), "The nodes with their edges and cursors.", |page, _| {
            Out::objects((0..page.0.edges.len()).map(|place| EdgeNode { page: page.0.clone(), place }))
        })
        .field("nodes", &format!("[{node}!]!"), "The nodes by themselves.")
        .now(|page, _, ctx| {
            let session = session(ctx)?;
            let nodes = page.0.edges.iter().map(|edge| twin_out(session, edge.other.clone(), page.0.cohort.clone()));
            Ok(Out::List(nodes.collect()))
        })
        .value("pageInfo", "PageInfo!", "", |page, _| {
            let last = page.0.edges.len().checked_sub(1);
            let (start, end) = (last.map(|_| page.0.cursor(0)), last.map(|last| page.0.cursor(last)));
            Out::object(PageInfo { has_next: page.0.has_next, has_previous: page.0.has_previous, start, end })
        })
        .value("totalCount", "Int", "How many there are on all pages.", |page, _| page.0.total());
}

fn declare_edge(schema: &mut SchemaBuilder, plan: &Arc<ViewPlan>, connection: &ConnectionPlan, fields: &[EdgeField], relation: &Relation) {
    let node = plan.node_output(connection.node);
    let doc = format!("An edge of the relation `{}`.", relation.name);
    let mut builder = schema.object::<EdgeNode>(&connection.edge, &doc);
    builder
        .value("cursor", "String!", "For `after`: to go on behind this one.", |node, _| node.page.cursor(node.place))
        .field("node", &format!("{node}!"), "The twin at the other end.")
        .now(|node, _, ctx| {
            let Some(edge) = node.edge() else { return Ok(Out::Null) };
            Ok(twin_out(session(ctx)?, edge.other.clone(), node.page.cohort.clone()))
        })
        .value("relationId", "ID!", "For `unrelate` and `node`.", |node, _| node.edge().map(|edge| relations::id_of(edge.edge.no)))
        .value("validFrom", "DateTime!", "Since when it holds.", |node, _| node.edge().map(|edge| Out::print(edge.edge.valid_from)))
        .value("validTo", "DateTime", "Until when; null if no end is known.", |node, _| {
            node.edge().and_then(|edge| edge.edge.valid_to).map(Out::print)
        });
    for field in fields {
        let own =
            relation.properties.iter().find(|property| property.name == field.property).and_then(|property| property.value.unit.clone());
        declare_property(&mut builder, plan, field, own);
    }
}

fn declare_property(builder: &mut ObjectBuilder<'_, EdgeNode>, plan: &Arc<ViewPlan>, field: &EdgeField, own: Option<Unit>) {
    let (ty, doc) = (output(plan, &field.value), unit_doc("", own.as_ref()));
    let (shown, property, value, unit) = (plan.clone(), field.property.clone(), field.value.clone(), field.unit);
    let out = move |node: &EdgeNode, asked: Option<(&Unit, &Unit)>| {
        let json = node.edge().and_then(|edge| edge.edge.properties.get(&*property));
        json.map_or(Out::Null, |json| json_out(&shown, &value, json, asked))
    };
    match units::arg_type(plan, unit) {
        None => builder.value(&field.name, &ty, &doc, move |node, _| out(node, None)),
        Some(arg) => {
            let plan = plan.clone();
            builder.field(&field.name, &ty, &doc).arg("unit", arg).now(move |node, args, _| {
                let asked = units::asked(&plan, unit, own.as_ref(), args)?;
                Ok(out(node, own.as_ref().zip(asked.as_ref())))
            })
        }
    };
}
