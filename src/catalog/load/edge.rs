//! The edges that a twin's file gives it, with their properties and validity.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::catalog::layout::{Field, ValueType};
use crate::catalog::twin_spec::EdgeSpec;
use crate::catalog::{CONTAINS, OBSERVES};
use crate::reading::Timestamp;
use crate::source::keys::EDGE;
use crate::source::{Diagnostic, Diagnostics, Fields, Node, Span, codes, did_you_mean, expect_mapping, is_ignored, list_some};

use super::layouts::Type;
use super::literal;
use super::relation::Relations;
use super::twin::{Draft, Twins};

/// Each edge with the place where it is written.
pub(super) fn read(
    draft: &Draft<'_, '_>,
    entry: &Type,
    relations: &Relations,
    twins: &Twins,
    problems: &mut Diagnostics,
) -> Vec<(EdgeSpec, Span)> {
    let mut edges = Vec::new();
    let Some(node) = draft.fields.get("relations").filter(|node| !node.is_null()) else { return edges };
    let Some(mapping) = expect_mapping(node, &format!("`relations` of {}", draft.fields.what), problems) else { return edges };
    for named in mapping.entries.iter().filter(|named| !is_ignored(&named.key.text)) {
        let name = &*named.key.text;
        let rule = entry.layout.relations.iter().find(|rule| &*rule.name == name);
        let Some(rule) = rule.filter(|_| name != CONTAINS) else {
            unknown(name, named.key.span, entry, relations, problems);
            continue;
        };
        let properties = &relations.get(rule.relation).properties;
        for item in named.value.items_or_one() {
            let what = format!("an edge `{name}` of `{}`", draft.id);
            edges.extend(edge(item, rule.relation, &rule.name, &what, properties, twins, problems).map(|edge| (edge, item.span)));
        }
    }
    edges
}

fn unknown(name: &str, span: Span, entry: &Type, relations: &Relations, problems: &mut Diagnostics) {
    let layout = &entry.layout;
    if matches!(name, CONTAINS | OBSERVES) {
        let message = format!("`{name}` is built in and does not stand under `relations`");
        let help =
            if name == CONTAINS { "write `contains:` on the twin, or `in:` on its children" } else { "write `observes:` on the twin" };
        problems.push(Diagnostic::new(&codes::BUILT_IN_RELATION, span, message).help(help));
        return;
    }
    if entry.may_have(name) {
        return;
    }
    let diagnostic = Diagnostic::new(&codes::UNKNOWN_RELATION, span, format!("`{}` has no relation `{name}`", layout.name));
    let inverse_of = relations.iter().find(|(relation, _)| relation.inverse.as_deref() == Some(name));
    if let Some((relation, _)) = inverse_of {
        problems.push(diagnostic.help(format!("it is the inverse of `{}`: write the edge on the twin where it begins", relation.name)));
        return;
    }
    let known = || layout.relations.iter().map(|rule| &*rule.name).filter(|name| *name != CONTAINS);
    problems.push(diagnostic.suggest(did_you_mean(name, known())).help(format!("its relations: {}", list_some(known()))));
}

fn edge(
    node: &Node,
    relation: u16,
    name: &Arc<str>,
    what: &str,
    properties: &[Field],
    twins: &Twins,
    problems: &mut Diagnostics,
) -> Option<EdgeSpec> {
    let is_long = node.as_mapping().is_some_and(|mapping| mapping.get("externalId").is_none());
    if !is_long {
        check_required(&Map::new(), node.span, what, properties, problems);
        let to = twins.resolve(node, what, problems)?;
        return Some(EdgeSpec { relation, name: name.clone(), to, properties: Map::new(), valid_from: None, valid_to: None });
    }
    let more: Vec<&str> = properties.iter().map(|field| &*field.name).collect();
    let fields = Fields::read_with(&EDGE, node, what, &more, problems)?;
    let mut values = Map::new();
    for (field, given) in fields.others().filter_map(|given| Some((properties.iter().find(|field| *field.name == *given.key.text)?, given)))
    {
        let is_decimal = matches!(field.value.value_type, ValueType::Decimal);
        match literal::with_raw(&given.value, is_decimal, |raw| field.value.accept_literal(raw)) {
            Ok(value) => drop(values.insert(field.name.to_string(), value)),
            Err(refusal) => {
                let message = format!("`{}` of {what} does not fit: {refusal}", field.name);
                problems.push(Diagnostic::new(&codes::BAD_VALUE, given.value.span, message));
                values.insert(field.name.to_string(), Json::Null);
            }
        }
    }
    check_required(&values, node.span, what, properties, problems);
    let (valid_from, valid_to) = validity(&fields, problems);
    let to = twins.resolve(fields.require("to", problems)?, &format!("`to` of {what}"), problems)?;
    Some(EdgeSpec { relation, name: name.clone(), to, properties: values, valid_from, valid_to })
}

fn check_required(values: &Map<String, Json>, span: Span, what: &str, properties: &[Field], problems: &mut Diagnostics) {
    for field in properties.iter().filter(|field| field.required && !values.contains_key(&*field.name)) {
        problems.push(Diagnostic::new(&codes::MISSING_PROPERTY, span, format!("{what} needs the property `{}`", field.name)));
    }
}

pub(super) fn validity(fields: &Fields<'_>, problems: &mut Diagnostics) -> (Option<Timestamp>, Option<Timestamp>) {
    let (from, to) = (fields.time("validFrom", problems), fields.time("validTo", problems));
    if let (Some(begin), Some(end)) = (from, to)
        && begin >= end
    {
        let span = fields.get("validTo").map_or(fields.span, |node| node.span);
        let message = format!("{} never holds: `validTo` is not after `validFrom`", fields.what);
        problems.push(Diagnostic::new(&codes::BAD_VALIDITY, span, message));
    }
    (from, to)
}
