//! Which types a view generates: by name, by pattern, by ancestor; and what comes along so that nothing is left without a type.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::catalog::binding::UnknownTwin;
use crate::catalog::layout::Targets;
use crate::catalog::{Catalog, Layout};
use crate::source::did_you_mean;

use super::text::matches;

const EXTENDS: &str = "extends:";

/// A word of `generate` that chooses nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` of `generate` names no type{}", nearest.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
pub struct NoSuchType {
    pub pattern: String,
    pub nearest: Option<String>,
}

/// The types that a view generates, with all that comes along.
pub fn select(catalog: &Catalog, patterns: &[String]) -> Result<BTreeSet<Arc<str>>, Vec<NoSuchType>> {
    let mut chosen = BTreeSet::new();
    let mut problems = Vec::new();
    for pattern in patterns {
        let meant = |layout: &Layout| match pattern.strip_prefix(EXTENDS) {
            Some(ancestor) => layout.is_a(ancestor),
            None => matches(pattern, &layout.name),
        };
        let named: Vec<Arc<str>> = catalog.types.iter().filter(|layout| meant(layout)).map(|layout| layout.name.clone()).collect();
        // A bare `*` of a workspace without types is no mistake.
        if named.is_empty() && pattern != "*" {
            let word = pattern.strip_prefix(EXTENDS).unwrap_or(pattern);
            let nearest = did_you_mean(word, catalog.types.iter().map(|layout| &*layout.name)).map(str::to_owned);
            problems.push(NoSuchType { pattern: pattern.clone(), nearest });
        }
        chosen.extend(named);
    }
    if problems.is_empty() { Ok(complete(catalog, chosen)) } else { Err(problems) }
}

/// What the twins of the workspace's files and its bindings name: the default view of a workspace with too many types.
pub fn select_used(catalog: &Catalog) -> BTreeSet<Arc<str>> {
    let twins = catalog.twins.iter().map(|twin| twin.layout.name.clone());
    let provisioned = catalog.bindings.iter().filter_map(|binding| match &binding.unknown_twin {
        UnknownTwin::Provision { type_name, .. } => catalog.layout(type_name).map(|layout| layout.name.clone()),
        UnknownTwin::Reject | UnknownTwin::Quarantine => None,
    });
    let chosen = twins.chain(provisioned).collect();
    complete(catalog, chosen)
}

/// Ancestors, and the interfaces of what relations lead to.
fn complete(catalog: &Catalog, chosen: BTreeSet<Arc<str>>) -> BTreeSet<Arc<str>> {
    let mut all = chosen.clone();
    let targets = chosen.iter().filter_map(|name| catalog.layout(name)).flat_map(|layout| &layout.relations);
    for rule in targets {
        let Targets::Types(types) = &rule.to else { continue };
        for target in types.iter().filter_map(|target| catalog.layout(&target.name)) {
            let lineage = std::iter::once(&target.name).chain(&target.ancestors).filter_map(|name| catalog.layout(name));
            all.extend(lineage.filter(|layout| layout.is_abstract).map(|layout| layout.name.clone()));
        }
    }
    let ancestors: Vec<Arc<str>> =
        all.iter().filter_map(|name| catalog.layout(name)).flat_map(|layout| layout.ancestors.to_vec()).collect();
    all.extend(ancestors);
    all
}
