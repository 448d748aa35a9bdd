//! The `…Where` of a generated type: its fields, its relations, and `twin` for all that every twin has.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::api::access::filter::{Filter, RelationTest, ValueTest};
use crate::api::error::ApiError;
use crate::api::names::{FieldPlan, Match, NodeRef, RelationField, TypePlan, ViewPlan};
use crate::catalog::layout::ValueType;

use super::{Decoder, matches, twin};

pub(super) fn filter(decoder: &mut Decoder<'_>, plan: &ViewPlan, index: usize, input: &Json, depth: usize) -> Result<Filter, ApiError> {
    decoder.depth(depth)?;
    let keys = decoder.object(input)?;
    let mut all = Vec::with_capacity(keys.len() + 1);
    for (key, input) in keys {
        all.push(decoder.inside(key, |decoder| one(decoder, plan, index, key, input, depth))?);
    }
    Ok(Filter::All(all))
}

fn one(decoder: &mut Decoder<'_>, plan: &ViewPlan, index: usize, key: &str, input: &Json, depth: usize) -> Result<Filter, ApiError> {
    let own = &plan.types[index];
    let inner = |decoder: &mut Decoder<'_>, input: &Json| filter(decoder, plan, index, input, depth + 1);
    match key {
        "and" => return decoder.list(input, inner).map(Filter::All),
        "or" => return decoder.list(input, inner).map(Filter::Any),
        "not" => return inner(decoder, input).map(|filter| Filter::Not(Box::new(filter))),
        "twin" => return twin::filter(decoder, input, depth + 1),
        _ => {}
    }
    if let Some(field) = own.fields.iter().find(|field| &*field.name == key) {
        return member(decoder, plan, own, field, input);
    }
    if let Some(relation) = own.relations.iter().find(|field| &*field.name == key) {
        return related(decoder, plan, relation, input, depth);
    }
    let fields = own.fields.iter().map(|field| &*field.name).chain(own.relations.iter().map(|field| &*field.name));
    Err(decoder.unknown("key", key, fields.chain(["and", "or", "not", "twin"])))
}

fn member(decoder: &mut Decoder<'_>, plan: &ViewPlan, own: &TypePlan, field: &FieldPlan, input: &Json) -> Result<Filter, ApiError> {
    let value_type = &own.layout.members[field.member].value_type;
    let Some(kind) = field.filter else { return Err(decoder.error(format!("`{}` cannot be filtered by", field.name))) };
    value(decoder, plan, kind, value_type, field.name.to_string(), input)
}

fn value(
    decoder: &mut Decoder<'_>,
    plan: &ViewPlan,
    kind: Match,
    value_type: &ValueType,
    path: String,
    input: &Json,
) -> Result<Filter, ApiError> {
    let test: ValueTest = match kind {
        Match::Float | Match::FloatReading | Match::Int => matches::number(decoder, input)?,
        Match::Boolean => matches::bool(decoder, input)?,
        Match::String => matches::text(decoder, input)?,
        Match::DateTime => matches::time(decoder, input)?,
        Match::Enum(index) => {
            let ValueType::Enum(values) = value_type else { return Err(decoder.error("this is no enum any more")) };
            let names: Vec<(&str, &str)> =
                plan.enums[index].values.iter().map(|name| &**name).zip(values.iter().map(|value| &*value.name)).collect();
            matches::enumeration(decoder, input, &names)?
        }
        Match::Object(index) => return object(decoder, plan, index, value_type, &path, input),
    };
    decoder.measures(&test, &path)?;
    Ok(Filter::Value { path: path.into(), test })
}

fn object(
    decoder: &mut Decoder<'_>,
    plan: &ViewPlan,
    index: usize,
    value_type: &ValueType,
    path: &str,
    input: &Json,
) -> Result<Filter, ApiError> {
    let object = &plan.objects[index];
    let ValueType::Object(types) = value_type else { return Err(decoder.error("this is no object any more")) };
    let mut all = Vec::new();
    for (key, input) in decoder.object(input)? {
        let found = object.fields.iter().zip(types.iter()).find(|(field, _)| &*field.name == key);
        let Some((field, own)) = found.filter(|(field, _)| field.filter.is_some()) else {
            return Err(decoder.unknown("key", key, object.fields.iter().map(|field| &*field.name)));
        };
        if let Some(kind) = field.filter {
            let path = format!("{path}.{}", own.name);
            all.push(decoder.inside(key, |decoder| value(decoder, plan, kind, &own.value.value_type, path, input))?);
        }
    }
    Ok(Filter::All(all))
}

fn related(decoder: &mut Decoder<'_>, plan: &ViewPlan, field: &RelationField, input: &Json, depth: usize) -> Result<Filter, ApiError> {
    let connection = &plan.connections[field.connection];
    let Some(relation) = decoder.catalog.relations.get(usize::from(connection.relation)) else {
        return Err(decoder.error("the relation is gone"));
    };
    let name: Arc<str> = relation.name.clone();
    let keys = decoder.object(input)?;
    let quantifiers = twin::quantifiers(decoder, keys, &mut |decoder, input| match connection.node {
        NodeRef::Twin => twin::filter(decoder, input, depth + 1),
        NodeRef::Type(index) => filter(decoder, plan, index, input, depth + 1),
    })?;
    Ok(Filter::Relation(Box::new(RelationTest { relation: name, way: connection.way, quantifiers })))
}
