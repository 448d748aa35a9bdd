//! The twins of the files as a graph, and its rules' breaches shown where the edges are written.

use std::sync::Arc;

use foldhash::HashMap;

use crate::catalog::layout::Layout;
use crate::catalog::structure::{self, GraphView, Link, Rule};
use crate::catalog::{CONTAINS, Catalog, EdgeSpec};
use crate::reading::TwinId;
use crate::source::{Code, Diagnostic, Diagnostics, codes};

use super::layouts::Types;
use super::twin::Places;

pub(super) fn check(catalog: &Catalog, types: &Types, places: &Places, twins_missing: bool, problems: &mut Diagnostics) {
    let graph = FileGraph::new(catalog);
    for breach in structure::check(catalog, &graph, catalog.twins.iter().map(|twin| &twin.id)) {
        let Some(spec) = catalog.twin(breach.twin.as_str()) else { continue };
        let type_is_unsure = types.get(&spec.layout.name).is_some_and(|entry| entry.is_incomplete);
        let is_consequence = match breach.rule {
            Rule::Undeclared | Rule::TargetType => type_is_unsure,
            Rule::TooFew => places.incomplete.contains(&breach.twin),
            Rule::TooFewIncoming => twins_missing || !places.incomplete.is_empty(),
            Rule::TooMany | Rule::SecondParent | Rule::Cycle | Rule::ObservedTwice => false,
        };
        if is_consequence {
            continue;
        }
        let spans = breach.edges.iter().filter_map(|link| {
            let key = (link.relation, link.from.clone(), link.to.clone(), link.valid_from);
            places.edges.get(&key).map(|span| (*span, link))
        });
        // Where there are several the last one is too much; the others are shown beside it.
        let mut written: Vec<_> = spans.collect();
        written.sort_by_key(|(span, _)| *span);
        let span = written.pop().map_or(spec.span, |(span, _)| span);
        let mut diagnostic = Diagnostic::new(code_of(breach.rule), span, breach.message);
        for (other, link) in written.iter().take(RELATED_MAX) {
            diagnostic = diagnostic.related(*other, format!("`{}` to `{}`", link.from, link.to));
        }
        if breach.rule == Rule::Undeclared && &*breach.relation == CONTAINS {
            diagnostic = diagnostic.help(format!("add `relations: {{contains: {{to: […]}}}}` to the type `{}`", spec.layout.name));
        }
        problems.push(diagnostic);
    }
}

/// Other places shown with one breach.
const RELATED_MAX: usize = 5;

fn code_of(rule: Rule) -> &'static Code {
    match rule {
        Rule::Undeclared => &codes::UNKNOWN_RELATION,
        Rule::TargetType => &codes::TARGET_TYPE,
        Rule::TooMany => &codes::TOO_MANY_EDGES,
        Rule::TooFew | Rule::TooFewIncoming => &codes::TOO_FEW_EDGES,
        Rule::SecondParent => &codes::SECOND_PARENT,
        Rule::Cycle => &codes::HIERARCHY_CYCLE,
        Rule::ObservedTwice => &codes::OBSERVED_TWICE,
    }
}

#[derive(Debug)]
struct FileGraph<'c> {
    catalog: &'c Catalog,
    inward: HashMap<(u16, &'c TwinId), Vec<(&'c TwinId, &'c EdgeSpec)>>,
}

impl<'c> FileGraph<'c> {
    fn new(catalog: &'c Catalog) -> FileGraph<'c> {
        let mut inward: HashMap<(u16, &TwinId), Vec<_>> = HashMap::default();
        for twin in &catalog.twins {
            for edge in &twin.edges {
                inward.entry((edge.relation, &edge.to)).or_default().push((&twin.id, edge));
            }
        }
        FileGraph { catalog, inward }
    }
}

impl GraphView for FileGraph<'_> {
    fn layout_of(&self, twin: &TwinId) -> Option<Arc<Layout>> {
        self.catalog.twin(twin.as_str()).map(|spec| spec.layout.clone())
    }

    fn edges_out(&self, relation: u16, twin: &TwinId) -> Vec<Link> {
        let Some(spec) = self.catalog.twin(twin.as_str()) else { return Vec::new() };
        spec.edges.iter().filter(|edge| edge.relation == relation).map(|edge| Link::of(twin, edge)).collect()
    }

    fn edges_in(&self, relation: u16, twin: &TwinId) -> Vec<Link> {
        self.inward.get(&(relation, twin)).into_iter().flatten().map(|(from, edge)| Link::of(from, edge)).collect()
    }
}
