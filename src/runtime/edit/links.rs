//! The part of a plan that is about edges: twins get another place, are related and are related no more. An edge is never written over: a move
//! ends one and begins another, so that the past can be asked for.

use std::sync::Arc;

use serde_json::Map;

use crate::catalog::structure::{Change, Link};
use crate::catalog::{CONTAINS, EdgeSpec, OBSERVES, Relation};
use crate::reading::{Timestamp, TwinNo};
use crate::runtime::live_graph::LiveGraph;
use crate::source::{did_you_mean, list_some};
use crate::twin::{Edge, EdgeNo, Edit};

use super::plan::{Cause, Node, Plan};
use super::problem::{INVALID_VALUE, Place, REQUIRED, meant};
use super::{MoveTwin, OpResult, Relate, Unrelate, observe, values};

/// Edges are named to clients like this.
pub const RELATION_PREFIX: &str = "relation/";

impl Plan<'_> {
    pub(super) fn relate_twins(&mut self, relate: &Relate, place: &Place) -> Option<OpResult> {
        let Some(source) = &relate.source else {
            self.problems.add(REQUIRED, &place.at("source"), "an edge needs the twin where it begins");
            return None;
        };
        let source = self.resolve(source, &place.at("source"))?;
        Some(OpResult::Related { id: self.relate(&source, relate, place)? })
    }

    pub(super) fn relate(&mut self, source: &Node, relate: &Relate, place: &Place) -> Option<String> {
        let target = self.resolve(&relate.target, &place.at("target"));
        let relation = self.relation_of(source, &relate.name, place);
        self.incomplete |= relation.is_none();
        let (target, relation) = (target?, relation?);
        let properties = match &*relation.name {
            OBSERVES => observe::properties(&source.layout, &target.layout, &relate.set, &place.at("set"), &mut self.problems),
            _ => values::of_relation(&relation.properties, &relate.set, &relate.name, &place.at("set"), &mut self.problems),
        };
        let edge = Edge {
            no: self.next_edge(),
            relation: relation.name,
            from: source.no,
            to: target.no,
            properties,
            valid_from: relate.valid_from.unwrap_or(self.scene.at),
            valid_to: None,
            live: true,
        };
        let id = format!("{RELATION_PREFIX}{}", edge.no.0);
        self.begin(edge, source, &target, place, &place.at("target"));
        Some(id)
    }

    fn relation_of(&mut self, source: &Node, name: &str, place: &Place) -> Option<Relation> {
        let (catalog, layout) = (self.scene.catalog, &source.layout);
        let place = place.at("name");
        let known = || layout.relations.iter().map(|rule| &*rule.name);
        let Some(relation) = catalog.relation(name) else {
            let inverse = catalog.relations.iter().find(|relation| relation.inverse.as_deref() == Some(name));
            let hint = match inverse {
                Some(relation) => Some(format!("it is the inverse of `{}`: begin the edge at the other twin", relation.name)),
                None => meant(did_you_mean(name, catalog.relations.iter().map(|relation| &*relation.name))),
            };
            self.problems.add_with(INVALID_VALUE, &place, format!("there is no relation `{name}`"), hint);
            return None;
        };
        let is_declared = known().any(|rule| rule == name);
        let is_observing = name == OBSERVES && layout.kind == crate::catalog::layout::Kind::Device;
        if !is_declared && !is_observing {
            let hint = Some(format!("its relations: {}", list_some(known())));
            self.not_applicable(&place, format!("a {} has no relation `{name}`", layout.name), hint);
            return None;
        }
        Some(relation.clone())
    }

    pub(super) fn unrelate(&mut self, unrelate: &Unrelate, place: &Place) -> Option<OpResult> {
        let number = unrelate.id.strip_prefix(RELATION_PREFIX).and_then(|no| no.parse().ok()).map(EdgeNo);
        let edge = number.and_then(|no| self.scene.graph.edge(no)).cloned();
        let Some(edge) = edge.filter(|edge| self.id_of(edge.from).is_some() && self.id_of(edge.to).is_some()) else {
            let shown: String = unrelate.id.chars().take(64).collect();
            let message = format!("there is no relation `{shown}`");
            self.problems.add_with(
                INVALID_VALUE,
                &place.at("id"),
                message,
                Some(format!("ids of relations are like `{RELATION_PREFIX}12`")),
            );
            return None;
        };
        if self.ended.contains_key(&edge.no) || edge.valid_to.is_some_and(|end| end <= self.scene.at) {
            self.not_applicable(&place.at("id"), format!("`{}` has ended already", unrelate.id), None);
            return None;
        }
        let end = unrelate.valid_to.unwrap_or(self.scene.at.max(edge.valid_from));
        if unrelate.valid_to.is_some_and(|end| end <= edge.valid_from) {
            let message = format!("it begins at {}, so it cannot end at {end}", edge.valid_from);
            self.problems.add(INVALID_VALUE, &place.at("validTo"), message);
            return None;
        }
        self.end(&edge, end, place);
        Some(OpResult::Unrelated { id: unrelate.id.clone() })
    }

    pub(super) fn relocate(&mut self, wanted: &MoveTwin, place: &Place) -> Option<OpResult> {
        let drafted = self.draft(&wanted.id, &place.at("id"));
        let parent = wanted.parent.as_ref().map(|parent| self.resolve(parent, &place.at("parent")));
        let hierarchy = self.hierarchy(wanted.hierarchy.as_deref().unwrap_or(CONTAINS), &place.at("hierarchy"));
        let ((index, node), hierarchy) = (drafted?, hierarchy?);
        self.expect(index, wanted.expected_revision, place);
        let result = Some(OpResult::Moved { id: node.id.to_string() });
        // One that is not there has been said.
        let Some(parent) = parent.map_or(Some(None), |parent| parent.map(Some)) else { return result };
        let now = self.standing(node.no, &hierarchy, false);
        let stays = match (&parent, now.as_slice()) {
            (None, []) => true,
            (Some(parent), [edge]) => edge.from == parent.no && edge.valid_to.is_none() && edge.valid_from <= self.scene.at,
            (None | Some(_), _) => false,
        };
        if !stays {
            now.iter().for_each(|edge| self.end(edge, self.scene.at.max(edge.valid_from), place));
            if let Some(parent) = &parent {
                self.place_inside(&hierarchy, parent, &node, place);
            }
            self.drafts[index].edit(Edit { moved: Some(hierarchy), ..Edit::default() }, self.scene.at);
        }
        result
    }

    fn hierarchy(&mut self, name: &str, place: &Place) -> Option<Arc<str>> {
        let catalog = self.scene.catalog;
        if let Some(relation) = catalog.relation(name).filter(|relation| relation.hierarchy) {
            return Some(relation.name.clone());
        }
        let known = catalog.relations.iter().filter(|relation| relation.hierarchy).map(|relation| &*relation.name);
        let hint = Some(format!("hierarchies: {}", list_some(known)));
        self.problems.add_with(INVALID_VALUE, place, format!("there is no hierarchy `{name}`"), hint);
        None
    }

    /// The edge from a parent, of now on.
    pub(super) fn place_inside(&mut self, hierarchy: &str, parent: &Node, child: &Node, place: &Place) {
        let Some(relation) = self.scene.catalog.relation(hierarchy).cloned() else { return };
        if let Some(field) = relation.properties.iter().find(|field| field.required) {
            let message = format!("an edge `{hierarchy}` needs the property `{}`: relate the two instead", field.name);
            self.problems.add(REQUIRED, &place.at("parent"), message);
        }
        let (no, at) = (self.next_edge(), self.scene.at);
        let relation = relation.name;
        let edge = Edge { no, relation, from: parent.no, to: child.no, properties: Map::new(), valid_from: at, valid_to: None, live: true };
        self.begin(edge, parent, child, &place.at("parent"), &place.at("parent"));
    }

    fn next_edge(&self) -> EdgeNo {
        let taken = self.begun.last().map_or(0, |edge| edge.no.0);
        EdgeNo(self.scene.graph.peek_edge().0.max(taken + 1))
    }

    fn begin(&mut self, edge: Edge, from: &Node, to: &Node, place: &Place, target: &Place) {
        let link = self.link(&edge);
        if let Some(link) = &link {
            self.changes.push(Change::AddEdge(link.clone()));
        }
        let twins = vec![from.id.clone(), to.id.clone()];
        self.causes.push(Cause { link, twins, place: place.clone(), target: target.clone() });
        self.begun.push(edge);
    }

    fn end(&mut self, edge: &Edge, at: Timestamp, place: &Place) {
        let twins = [edge.from, edge.to].into_iter().filter_map(|no| self.id_of(no)).collect();
        if let Some(now) = self.link(edge) {
            let change = match self.begun.iter().position(|begun| begun.no == edge.no) {
                Some(_) => Change::RemoveEdge(now),
                None => Change::ChangeEdge { valid_from: now.valid_from, valid_to: Some(at), now },
            };
            self.changes.push(change);
        }
        self.causes.push(Cause { link: None, twins, place: place.clone(), target: place.clone() });
        if self.begun.iter().any(|begun| begun.no == edge.no) {
            self.begun.retain(|begun| begun.no != edge.no);
        } else {
            self.ended.insert(edge.no, at);
        }
    }

    /// The edges of a relation that lead to a twin (or from it), now or later, as this change leaves them so far.
    pub(super) fn standing(&self, no: TwinNo, relation: &str, out: bool) -> Vec<Edge> {
        let is_it = |edge: &Edge| {
            &*edge.relation == relation && edge.valid_to.is_none_or(|end| end > self.scene.at) && !self.ended.contains_key(&edge.no)
        };
        let begun = self.begun.iter().filter(|edge| is_it(edge) && if out { edge.from == no } else { edge.to == no });
        let graph = self.scene.graph;
        let known: Vec<&Arc<Edge>> = if out { graph.out(no).collect() } else { graph.incoming(no).collect() };
        known.into_iter().map(|edge| &**edge).filter(|edge| is_it(edge)).chain(begun).cloned().collect()
    }

    pub(super) fn link(&self, edge: &Edge) -> Option<Link> {
        let live = LiveGraph { catalog: self.scene.catalog, directory: self.scene.directory, graph: self.scene.graph };
        live.link(edge).or_else(|| {
            let relation = self.scene.catalog.relations.iter().position(|relation| relation.name == edge.relation)?;
            let spec = EdgeSpec {
                relation: u16::try_from(relation).ok()?,
                name: edge.relation.clone(),
                to: self.id_of(edge.to)?,
                properties: edge.properties.clone(),
                valid_from: Some(edge.valid_from),
                valid_to: edge.valid_to,
            };
            Some(Link::of(&self.id_of(edge.from)?, &spec))
        })
    }
}
