//! The live graph as the rules of the graph see it (`catalog::structure`): the same rules hold for files and for what happens while running.

use std::sync::Arc;

use crate::catalog::structure::{Breach, Change, GraphView, Link, Overlay, check};
use crate::catalog::{Catalog, EdgeSpec, Layout};
use crate::reading::TwinId;
use crate::twin::Edge;

use super::directory::Directory;
use super::structure::Graph;

pub(super) struct LiveGraph<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) directory: &'a Directory,
    pub(super) graph: &'a Graph,
}

impl LiveGraph<'_> {
    /// What a change as a whole would break.
    pub(super) fn check(&self, changes: impl IntoIterator<Item = Change>) -> Vec<Breach> {
        let after = Overlay::new(self, changes, self.catalog.relations.len());
        check(self.catalog, &after, after.touched())
    }

    pub(super) fn link(&self, edge: &Edge) -> Option<Link> {
        let relation = self.catalog.relations.iter().position(|relation| relation.name == edge.relation)?;
        let (from, to) = (self.directory.by_no(edge.from)?, self.directory.by_no(edge.to)?);
        let spec = EdgeSpec {
            relation: u16::try_from(relation).ok()?,
            name: edge.relation.clone(),
            to: to.id.clone(),
            properties: edge.properties.clone(),
            valid_from: Some(edge.valid_from),
            valid_to: edge.valid_to,
        };
        Some(Link::of(&from.id, &spec))
    }

    fn is_of(&self, relation: u16, edge: &Edge) -> bool {
        self.catalog.relations.get(usize::from(relation)).is_some_and(|named| named.name == edge.relation)
    }
}

impl GraphView for LiveGraph<'_> {
    fn layout_of(&self, twin: &TwinId) -> Option<Arc<Layout>> {
        let name = self.directory.by_id(twin.as_str())?.cell.state().layout.name.clone();
        self.catalog.layout(&name).cloned()
    }

    fn edges_out(&self, relation: u16, twin: &TwinId) -> Vec<Link> {
        let Some(resident) = self.directory.by_id(twin.as_str()) else { return Vec::new() };
        self.graph.out(resident.no).filter(|edge| self.is_of(relation, edge)).filter_map(|edge| self.link(edge)).collect()
    }

    fn edges_in(&self, relation: u16, twin: &TwinId) -> Vec<Link> {
        let Some(resident) = self.directory.by_id(twin.as_str()) else { return Vec::new() };
        self.graph.incoming(resident.no).filter(|edge| self.is_of(relation, edge)).filter_map(|edge| self.link(edge)).collect()
    }
}
