//! Relations and their inverses as connections: what they lead to, which edge they have, where their fields stand.

use std::sync::Arc;

use foldhash::HashMap;

use crate::catalog::layout::{Relation, RelationRule, Targets};
use crate::catalog::{CONTAINS, Catalog, Layout};

use super::claims::Claims;
use super::fields::distinct;
use super::plan::{ConnectionPlan, EdgeField, EdgePlan, Name, NodeRef, RelationField, TypePlan, Way};
use super::text::capitalised;
use super::values::Values;

/// Fields that edges and the inputs for them have anyway.
const EDGE_FIELDS: &[&str] = &["cursor", "node", "relationId", "target", "validFrom", "validTo"];

/// Gives each type its relation fields.
pub(super) fn plan(
    catalog: &Catalog,
    types: &mut [TypePlan],
    by_type: &HashMap<Arc<str>, usize>,
    claims: &mut Claims,
    values: &mut Values,
) -> Vec<ConnectionPlan> {
    let mut naming = Naming { catalog, by_type, claims, values, connections: Vec::new() };
    for index in 0..types.len() {
        naming.outgoing(types, index);
    }
    for index in 0..types.len() {
        naming.incoming(types, index);
    }
    naming.connections
}

struct Naming<'a> {
    catalog: &'a Catalog,
    by_type: &'a HashMap<Arc<str>, usize>,
    claims: &'a mut Claims,
    values: &'a mut Values,
    connections: Vec<ConnectionPlan>,
}

impl Naming<'_> {
    fn outgoing(&mut self, types: &mut [TypePlan], index: usize) {
        let layout = types[index].layout.clone();
        let mut fields = types[index].parent.map(|parent| types[parent].relations.clone()).unwrap_or_default();
        for rule in &layout.relations {
            let Some(relation) = self.catalog.relations.get(usize::from(rule.relation)) else { continue };
            if fields.iter().any(|field| *field.name == *rule.name) {
                continue;
            }
            let way = if relation.symmetric { Way::Both } else { Way::Out };
            let node = self.node_of_targets(&rule.to);
            let own = capitalised(&rule.name);
            let edge = self.own_edge(relation, &layout.name, &own);
            let (edge, own_edge) = edge.map_or_else(|| (edge_of(types, node), None), |(name, plan)| (name, Some(plan)));
            let name = self.claims.take(&format!("{}{own}", layout.name), "Connection");
            let input = (&*rule.name != CONTAINS).then(|| self.claims.take(&format!("{}{own}", layout.name), "Input"));
            fields.push(RelationField { name: rule.name.clone(), connection: self.connections.len() });
            self.connections.push(ConnectionPlan { name, relation: rule.relation, way, node, edge, own_edge, input });
        }
        types[index].relations = fields;
    }

    fn incoming(&mut self, types: &mut [TypePlan], index: usize) {
        let layout = types[index].layout.clone();
        let inherited: Vec<RelationField> = types[index].parent.map(|parent| types[parent].relations.clone()).unwrap_or_default();
        let mut inverses: Vec<RelationField> =
            inherited.into_iter().filter(|field| self.connections[field.connection].way == Way::In).collect();
        for (relation, named) in (0_u16..).zip(&self.catalog.relations) {
            let Some(inverse) = named.inverse.as_deref() else { continue };
            if inverses.iter().any(|field| *field.name == *inverse) {
                continue;
            }
            let rules = self.declarations(relation);
            if !rules.iter().any(|(_, rule)| self.leads_to(rule, &layout, Reach::All)) {
                continue;
            }
            let sources: Vec<Arc<str>> =
                rules.iter().filter(|(_, rule)| self.leads_to(rule, &layout, Reach::Some)).map(|(source, _)| source.name.clone()).collect();
            let node = self.common(&sources);
            let own = capitalised(inverse);
            let mut forth = types[index].relations.iter().map(|field| &self.connections[field.connection]);
            let shared = forth.find(|plan| plan.relation == relation && plan.node == node && plan.own_edge.is_some());
            let shared = shared.map(|plan| plan.edge.clone());
            let (edge, own_edge) = match shared {
                Some(edge) => (edge, None),
                None => match self.own_edge(named, &layout.name, &own) {
                    Some((edge, plan)) => (edge, Some(plan)),
                    None => (edge_of(types, node), None),
                },
            };
            let name = self.claims.take(&format!("{}{own}", layout.name), "Connection");
            inverses.push(RelationField { name: Arc::from(inverse), connection: self.connections.len() });
            self.connections.push(ConnectionPlan { name, relation, way: Way::In, node, edge, own_edge, input: None });
        }
        types[index].relations.extend(inverses);
    }

    /// The types that declare a relation, each without what it only inherits.
    fn declarations(&self, relation: u16) -> Vec<(&Arc<Layout>, &RelationRule)> {
        let of = |layout: &'_ Arc<Layout>| layout.relations.iter().any(|rule| rule.relation == relation);
        let is_first = |layout: &Arc<Layout>| {
            let parent = layout.ancestors.first().and_then(|parent| self.catalog.layout(parent));
            !parent.is_some_and(of)
        };
        let first = self.catalog.types.iter().filter(|layout| is_first(layout));
        first.filter_map(|layout| layout.relations.iter().find(|rule| rule.relation == relation).map(|rule| (layout, rule))).collect()
    }

    fn own_edge(&mut self, relation: &Relation, owner: &str, own: &str) -> Option<(Name, EdgePlan)> {
        if relation.properties.is_empty() {
            return None;
        }
        let name = self.claims.take(&format!("{owner}{own}"), "Edge");
        let names = distinct(relation.properties.iter().map(|field| &*field.name), EDGE_FIELDS);
        let mut fields = Vec::with_capacity(names.len());
        for (name, field) in names.into_iter().zip(&relation.properties) {
            let (value, unit) = self.values.edge_value(field, &format!("{owner}{own}"), self.claims);
            fields.push(EdgeField { name, property: field.name.clone(), value, unit, is_required: field.required });
        }
        Some((name, EdgePlan { fields }))
    }

    fn leads_to(&self, rule: &RelationRule, layout: &Layout, reach: Reach) -> bool {
        let is_below = |target: &str| reach == Reach::Some && self.catalog.layout(target).is_some_and(|target| target.is_a(&layout.name));
        match &rule.to {
            Targets::Any => true,
            Targets::Types(types) => types.iter().any(|target| layout.is_a(&target.name) || is_below(&target.name)),
        }
    }

    fn node_of_targets(&self, targets: &Targets) -> NodeRef {
        match targets {
            Targets::Any => NodeRef::Twin,
            Targets::Types(types) => self.common(&types.iter().map(|target| target.name.clone()).collect::<Vec<_>>()),
        }
    }

    /// The nearest generated type that all of these are.
    fn common(&self, names: &[Arc<str>]) -> NodeRef {
        let mut lineages = names.iter().map(|name| self.lineage(name));
        let Some(first) = lineages.next() else { return NodeRef::Twin };
        let others: Vec<Vec<usize>> = lineages.collect();
        let shared = first.into_iter().find(|index| others.iter().all(|other| other.contains(index)));
        shared.map_or(NodeRef::Twin, NodeRef::Type)
    }

    /// A type and its ancestors as far as they are generated, the nearest first.
    fn lineage(&self, name: &Arc<str>) -> Vec<usize> {
        let Some(layout) = self.catalog.layout(name) else { return Vec::new() };
        std::iter::once(&layout.name).chain(&layout.ancestors).filter_map(|name| self.by_type.get(name).copied()).collect()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Every twin of the type may be led to.
    All,
    /// Also where only some subtype may.
    Some,
}

fn edge_of(types: &[TypePlan], node: NodeRef) -> Name {
    match node {
        NodeRef::Twin => Arc::from("TwinEdge"),
        NodeRef::Type(index) => types[index].helpers.edge.clone(),
    }
}
