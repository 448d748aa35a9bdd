//! The loader: the files of a workspace to a [`Catalog`]. Pure; all problems of all files in one run, each once, consequences left out.
//!
//! In steps that each build on the one before: files to trees, relations, types, twins, the graph's rules, bindings.
//! What a step could not read is remembered by name, so that what refers to it is not reported as well.

mod applicable;
mod binding;
mod binding_map;
pub mod change;
mod constraint;
mod edge;
mod enum_value;
mod example;
mod exports;
mod files;
mod fingerprint;
mod graph;
mod layouts;
mod literal;
mod logic;
mod member;
mod names;
pub mod observe;
mod relation;
mod relation_rule;
mod rings;
mod twin;
mod twin_rules;
mod twin_values;
mod types;
mod unused;
mod value_type;

use crate::source::{Diagnostics, Sources};

use super::Catalog;
use change::{Change, RuleName};

pub use member::fixed_items;
pub use names::{RESERVED_TYPES, is_type_name};

/// The catalog is fit for use only if the diagnostics hold no error; with errors it holds what could be understood.
pub fn load(sources: &Sources) -> (Catalog, Diagnostics) {
    let (catalog, problems, _) = load_changed(sources, &[]);
    (catalog, problems)
}

/// The same with rules that are tried; also which rules these are.
pub fn load_changed(sources: &Sources, changes: &[Change]) -> (Catalog, Diagnostics, Vec<RuleName>) {
    let mut problems = Diagnostics::new();
    problems.extend(sources.problems().clone());
    let mut files = files::read(sources, &mut problems);
    let touched = change::apply(&mut files, sources, changes, &mut problems);
    let declared = types::collect(&files, &mut problems);
    let mut values = value_type::ValueReader::new(&files, &mut problems);
    let relations = relation::collect(&files, &declared, &mut values, &mut problems);
    let types = layouts::compile(&declared, &relations, &mut values, &mut problems);
    relation_rule::check_inverses(&relations, &types, &mut problems);
    let twins = twin::collect(&files, &types, &relations, &mut problems);
    let bindings = binding::collect(&files, &types, &twins, &mut problems);
    let examples = example::collect(&declared, &types, &mut problems);
    unused::warn(&types, &twins, &bindings, &files, &mut problems);
    let (specs, places) = twins.into_parts();
    let catalog = Catalog { examples, ..Catalog::new(types.layouts(), relations.into_relations(), specs, bindings) };
    graph::check(&catalog, &types, &places, files.twins_broken, &mut problems);
    (catalog, problems.sorted(), touched)
}
