//! What a type says about its edges of a relation: where they may lead, and how many there may be.

use std::collections::HashMap;
use std::sync::Arc;

use crate::catalog::layout::{RelationRule, TargetType, Targets};
use crate::source::keys::{TARGET, TYPE_RELATION};
use crate::source::{Diagnostic, Diagnostics, Entry, Fields, Node, NodeKind, Span, codes, expect_text};

use super::layouts::Types;
use super::relation::Relations;
use super::types::Declared;

const COUNT_MAX: u64 = u32::MAX as u64;

/// The entry's keys were checked when the relations were collected; what is wrong with them is not said again.
pub(super) fn read(
    entry: &Entry,
    relation: u16,
    type_name: &str,
    declared: &Declared<'_>,
    problems: &mut Diagnostics,
) -> Option<RelationRule> {
    let what = format!("relation `{}` of `{type_name}`", entry.key.text);
    if entry.value.is_null() {
        problems.push(
            Diagnostic::new(&codes::MISSING_KEY, entry.key.span, format!("{what} needs `to`"))
                .help("write {to: Type}, {to: [A, B]} or {to: any}"),
        );
        return None;
    }
    let fields = Fields::read(&TYPE_RELATION, &entry.value, what, &mut Diagnostics::new())?;
    let to = targets(fields.require("to", problems)?, &fields.what, declared, problems)?;
    let (min, max) = bounds(&fields, "min", "max", problems);
    let (inverse_min, inverse_max) = bounds(&fields, "inverseMin", "inverseMax", problems);
    Some(RelationRule { relation, name: Arc::from(&*entry.key.text), to, min, max, inverse_min, inverse_max })
}

fn bounds(fields: &Fields<'_>, low: &str, high: &str, problems: &mut Diagnostics) -> (u32, Option<u32>) {
    let mut count = |key: &str| fields.whole(key, COUNT_MAX, problems).and_then(|value| u32::try_from(value).ok());
    let (min, max) = (count(low).unwrap_or(0), count(high));
    if let Some(max) = max.filter(|max| *max < min) {
        let span = fields.get(high).map_or(fields.span, |node| node.span);
        let message = format!("`{low}` of {} is {min} and `{high}` is {max}", fields.what);
        problems.push(Diagnostic::new(&codes::BAD_CARDINALITY, span, message));
    }
    (min, max)
}

fn targets(node: &Node, what: &str, declared: &Declared<'_>, problems: &mut Diagnostics) -> Option<Targets> {
    let plain = |name: &str| TargetType { name: Arc::from(name), min: 0, max: None };
    match &node.kind {
        NodeKind::Scalar(_) => match expect_text(node, &format!("`to` of {what}"), problems)? {
            "any" => Some(Targets::Any),
            name => {
                check_target(name, node.span, declared, problems);
                Some(Targets::Types(Box::new([plain(name)])))
            }
        },
        NodeKind::Sequence(items) => {
            let mut types = Vec::new();
            for item in items {
                if let Some(name) = expect_text(item, &format!("a target of {what}"), problems) {
                    check_target(name, item.span, declared, problems);
                    types.push(plain(name));
                }
            }
            Some(Targets::Types(types.into()))
        }
        NodeKind::Mapping(mapping) => {
            let mut types = Vec::new();
            for entry in &mapping.entries {
                let name = &*entry.key.text;
                check_target(name, entry.key.span, declared, problems);
                let fields = Fields::read(&TARGET, &entry.value, format!("target `{name}` of {what}"), problems);
                let (min, max) = fields.map(|fields| bounds(&fields, "min", "max", problems)).unwrap_or_default();
                types.push(TargetType { min, max, ..plain(name) });
            }
            Some(Targets::Types(types.into()))
        }
    }
}

fn check_target(name: &str, span: Span, declared: &Declared<'_>, problems: &mut Diagnostics) {
    if !declared.exists(name) {
        let diagnostic = Diagnostic::new(&codes::UNKNOWN_TARGET, span, format!("there is no type `{name}`"));
        problems.push(diagnostic.suggest(declared.nearest(name)).help("`to: any` allows every type"));
    }
}

/// An inverse becomes a field of the types it leads to, and of nothing else there may that be the name.
pub(super) fn check_inverses(relations: &Relations, types: &Types, problems: &mut Diagnostics) {
    let mut taken: HashMap<&str, &str> = HashMap::new();
    for (relation, place) in relations.iter() {
        let (Some(inverse), Some(place)) = (relation.inverse.as_deref(), place) else { continue };
        let clash = |with: String| {
            Diagnostic::new(&codes::INVERSE_CLASH, place, format!("`{inverse}`, the inverse of `{}`, is also {with}", relation.name))
        };
        if relations.index_of(inverse).is_some() {
            problems.push(clash("a relation".to_owned()));
        } else if let Some(other) = taken.insert(inverse, &relation.name) {
            problems.push(clash(format!("the inverse of `{other}`")));
        }
        for target in types.by_name.values().filter(|target| is_target(&relation.name, target, types)) {
            if let Some(member) = target.layout.member(inverse).filter(|member| member.declared_by == target.layout.name) {
                let span = target.places.get(&*member.name).copied().unwrap_or(target.span);
                problems.push(clash(format!("a member of `{}`, to which it leads", target.layout.name)).related(span, "the member"));
            }
        }
    }
}

fn is_target(relation: &str, target: &super::layouts::Type, types: &Types) -> bool {
    let rules = types.by_name.values().flat_map(|source| &source.layout.relations).filter(|rule| &*rule.name == relation);
    rules.into_iter().any(|rule| match &rule.to {
        Targets::Any => true,
        Targets::Types(named) => named.iter().any(|named| target.layout.is_a(&named.name)),
    })
}
