//! Pages as Relay has them: edges with cursors, the nodes by themselves, and what lies before and behind.

use std::fmt;
use std::sync::Arc;

use super::twin::{session, twin_out};
use crate::api::build::{Out, SchemaBuilder};
use crate::api::cohort::Cohort;
use crate::api::session::Seen;

#[derive(Debug, Clone, Default)]
pub struct PageInfo {
    pub has_next: bool,
    pub has_previous: bool,
    pub start: Option<String>,
    pub end: Option<String>,
}

/// The cursor of a place. It is signed only where somebody asks.
pub type CursorAt = Box<dyn Fn(usize) -> Option<String> + Send + Sync>;

/// A page of twins.
#[derive(Debug, Clone)]
pub struct TwinPage(Arc<Inner>);

struct Inner {
    twins: Vec<Seen>,
    cursor_at: CursorAt,
    cohort: Arc<Cohort>,
    has_next: bool,
    has_previous: bool,
    /// Where it was asked for, and does not take too long.
    total: Option<usize>,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TwinPage").field("twins", &self.twins.len()).field("has_next", &self.has_next).finish_non_exhaustive()
    }
}

impl TwinPage {
    pub fn new(twins: Vec<Seen>, cursor_at: CursorAt, has_next: bool, has_previous: bool, total: Option<usize>) -> TwinPage {
        let cohort = Cohort::of(twins.iter().map(|seen| seen.state.no));
        TwinPage::beside(cohort, twins, cursor_at, has_next, has_previous, total)
    }

    /// Of some of the twins that stand side by side in the answer.
    pub fn beside(
        cohort: Arc<Cohort>,
        twins: Vec<Seen>,
        cursor_at: CursorAt,
        has_next: bool,
        has_previous: bool,
        total: Option<usize>,
    ) -> TwinPage {
        TwinPage(Arc::new(Inner { twins, cursor_at, cohort, has_next, has_previous, total }))
    }

    fn info(&self) -> PageInfo {
        let Inner { twins, cursor_at, has_next, has_previous, .. } = &*self.0;
        let end = twins.len().checked_sub(1).and_then(cursor_at);
        PageInfo { has_next: *has_next, has_previous: *has_previous, start: cursor_at(0), end }
    }
}

/// A place in a page.
#[derive(Debug)]
struct TwinEdge {
    page: TwinPage,
    place: usize,
}

/// The objects of pages of `node`, an object or interface of twins.
pub fn declare_twins(schema: &mut SchemaBuilder, connection: &str, edge: &str, node: &str) {
    declare_page_of_twins(schema, connection, edge, node);
    declare_twin_edge(schema, edge, node);
}

/// A page whose edges are declared with another one.
pub fn declare_page_of_twins(schema: &mut SchemaBuilder, connection: &str, edge: &str, node: &str) {
    schema
        .object::<TwinPage>(connection, "A page.")
        .value("edges", &format!("[{edge}!]!"), "The nodes with their cursors.", |page, _| {
            Out::objects((0..page.0.twins.len()).map(|place| TwinEdge { page: page.clone(), place }))
        })
        .field("nodes", &format!("[{node}!]!"), "The nodes by themselves.")
        .now(|page, _, ctx| {
            let session = session(ctx)?;
            let nodes = page.0.twins.iter().map(|seen| twin_out(session, seen.clone(), page.0.cohort.clone()));
            Ok(Out::List(nodes.collect()))
        })
        .value("pageInfo", "PageInfo!", "", |page, _| Out::object(page.info()))
        .value("totalCount", "Int", "How many there are on all pages; null where counting takes too long.", |page, _| page.0.total);
}

fn declare_twin_edge(schema: &mut SchemaBuilder, edge: &str, node: &str) {
    schema
        .object::<TwinEdge>(edge, "A node and its place in the page.")
        .value("cursor", "String!", "For `after`: to go on behind this one.", |edge, _| (edge.page.0.cursor_at)(edge.place))
        .field("node", &format!("{node}!"), "")
        .now(|edge, _, ctx| {
            let inner = &*edge.page.0;
            let seen = inner.twins.get(edge.place).cloned();
            Ok(match seen {
                Some(seen) => twin_out(session(ctx)?, seen, inner.cohort.clone()),
                None => Out::Null,
            })
        });
}

/// A page of anything else, whole.
#[derive(Debug, Clone)]
pub struct Page<T> {
    pub nodes: Vec<T>,
    pub cursors: Vec<String>,
    pub has_next: bool,
    pub has_previous: bool,
    pub total: Option<usize>,
    /// Where the next page begins, if that is not behind the last node.
    pub end: Option<String>,
}

impl<T> Page<T> {
    /// More was looked at than the nodes show.
    #[must_use]
    pub fn ending(self, end: String) -> Page<T> {
        Page { end: Some(end), ..self }
    }
}

#[derive(Debug)]
struct Edge<T> {
    cursor: String,
    node: T,
}

/// The objects of pages of `node`, an object of `T`.
pub fn declare_page<T: Clone + std::fmt::Debug + Send + Sync + 'static>(schema: &mut SchemaBuilder, node: &str) {
    let edge = format!("{node}Edge");
    schema
        .object::<Page<T>>(&format!("{node}Connection"), "A page.")
        .value("edges", &format!("[{edge}!]!"), "The nodes with their cursors.", |page, _| {
            let edges = page.nodes.iter().zip(&page.cursors);
            Out::objects(edges.map(|(node, cursor)| Edge { cursor: cursor.clone(), node: node.clone() }))
        })
        .value("nodes", &format!("[{node}!]!"), "The nodes by themselves.", |page, _| Out::objects(page.nodes.iter().cloned()))
        .value("pageInfo", "PageInfo!", "", |page, _| {
            let (start, end) = (page.cursors.first().cloned(), page.end.as_ref().or(page.cursors.last()).cloned());
            Out::object(PageInfo { has_next: page.has_next, has_previous: page.has_previous, start, end })
        })
        .value("totalCount", "Int", "How many there are on all pages; null where counting takes too long.", |page, _| page.total);
    schema
        .object::<Edge<T>>(&edge, "A node and its place in the page.")
        .value("cursor", "String!", "For `after`: to go on behind this one.", |edge, _| edge.cursor.clone())
        .value("node", &format!("{node}!"), "", |edge, _| Out::object(edge.node.clone()));
}

pub fn declare(schema: &mut SchemaBuilder) {
    schema
        .object::<PageInfo>("PageInfo", "What lies before and behind a page.")
        .value("hasNextPage", "Boolean!", "", |info, _| info.has_next)
        .value(
            "hasPreviousPage",
            "Boolean!",
            "True where `after` was given: there is no paging backwards, reverse the order instead.",
            |info, _| info.has_previous,
        )
        .value("startCursor", "String", "", |info, _| info.start.clone())
        .value("endCursor", "String", "For `after`, to get the next page.", |info, _| info.end.clone());
    declare_twins(schema, "TwinConnection", "TwinEdge", "Twin");
}
