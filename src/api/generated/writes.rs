//! From the inputs of a type to what the runtime is asked to change, and back again with the paths of what was wrong.

use std::mem::take;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::api::error::ApiError;
use crate::api::names::{EdgeField, Name, TypePlan, ValuePlan, ViewPlan, Way};
use crate::reading::Timestamp;
use crate::runtime::edit::{CreateTwin, ExternalId, Relate, UpdateTwin};

/// A twin to make, with the places its edges were given at.
#[derive(Debug)]
pub(super) struct Creation {
    pub(super) create: CreateTwin,
    edges: Vec<(Name, usize)>,
}

impl Creation {
    pub(super) fn read(plan: &ViewPlan, ty: &TypePlan, input: Json) -> Result<Creation, ApiError> {
        let mut input = object(input);
        let mut edges = Vec::new();
        let mut relations = Vec::new();
        for relation in &ty.relations {
            let connection = &plan.connections[relation.connection];
            if connection.way == Way::In {
                continue;
            }
            let given = input.remove(&*relation.name).map(list).unwrap_or_default();
            for (index, edge) in given.into_iter().enumerate() {
                let fields = connection.own_edge.as_ref().map(|edge| edge.fields.as_slice()).unwrap_or_default();
                relations.push(relate(plan, &relation.name, fields, edge)?);
                edges.push((relation.name.clone(), index));
            }
        }
        let create = CreateTwin {
            id: text(&mut input, "id"),
            type_name: ty.name().to_string(),
            name: text(&mut input, "name"),
            kind: None,
            parent: text(&mut input, "parent"),
            external_ids: input.remove("externalIds").map(list).unwrap_or_default().into_iter().map(external_id).collect(),
            set: members(plan, ty, input),
            relations,
        };
        Ok(Creation { create, edges })
    }

    /// Where in the arguments a problem is: `["set", "speed"]` stands at `["input", "speed"]`.
    pub(super) fn path(&self, path: &[String]) -> Vec<String> {
        let inside: Vec<String> = match path {
            [first, rest @ ..] if first == "set" => rest.to_vec(),
            [first, index, rest @ ..] if first == "relations" => {
                let edge = index.parse().ok().and_then(|index: usize| self.edges.get(index));
                let place = edge.map(|(name, index)| [name.to_string(), index.to_string()]).into_iter().flatten();
                // Properties of the edge stand beside its target.
                let rest = rest.iter().skip(usize::from(rest.first().is_some_and(|step| step == "set")));
                place.chain(rest.cloned()).collect()
            }
            path => path.to_vec(),
        };
        std::iter::once("input".to_owned()).chain(inside).collect()
    }
}

/// What to set and to clear; the id is left to the caller.
pub(super) fn update(plan: &ViewPlan, ty: &TypePlan, set: Option<Json>, unset: Option<Json>) -> UpdateTwin {
    let mut set = set.map(object).unwrap_or_default();
    let name = text(&mut set, "name");
    let unset = unset.map(list).unwrap_or_default();
    let cleared = unset.iter().filter_map(Json::as_str).filter_map(|chosen| ty.unsets.iter().find(|(value, _)| **value == *chosen));
    UpdateTwin {
        name,
        set: members(plan, ty, set),
        unset: cleared.map(|(_, field)| ty.fields[*field].name.to_string()).collect(),
        ..UpdateTwin::default()
    }
}

/// The name is set beside the members, but stands among them.
pub(super) fn update_path(path: &[String]) -> Vec<String> {
    match path {
        [only] if only == "name" => vec!["set".to_owned(), "name".to_owned()],
        path => path.to_vec(),
    }
}

/// The members that are left in the input, as the type has them.
fn members(plan: &ViewPlan, ty: &TypePlan, mut input: Map<String, Json>) -> Map<String, Json> {
    let given = ty.fields.iter().filter_map(|field| Some((field, input.remove(&*field.name)?)));
    given.map(|(field, json)| (field.name.to_string(), own_words(plan, &field.value, json))).collect()
}

/// Enum values in the words of the type: in the schema some are called otherwise.
fn own_words(plan: &ViewPlan, value: &ValuePlan, json: Json) -> Json {
    match (value, json) {
        (ValuePlan::Enum(index), Json::String(chosen)) => {
            let words = &plan.enums[*index];
            let place = words.values.iter().position(|value| **value == *chosen);
            let own = place.and_then(|place| words.words.get(place)).map(|word| word.to_string());
            Json::String(own.unwrap_or(chosen))
        }
        (ValuePlan::Object(index), Json::Object(mut fields)) => {
            for field in &plan.objects[*index].fields {
                if let Some(part) = fields.get_mut(&*field.name) {
                    *part = own_words(plan, &field.value, take(part));
                }
            }
            Json::Object(fields)
        }
        (ValuePlan::List(items), Json::Array(values)) => values.into_iter().map(|value| own_words(plan, items, value)).collect(),
        (ValuePlan::Scalar(_) | ValuePlan::Enum(_) | ValuePlan::Object(_) | ValuePlan::List(_), json) => json,
    }
}

fn relate(plan: &ViewPlan, name: &Arc<str>, fields: &[EdgeField], edge: Json) -> Result<Relate, ApiError> {
    let mut edge = object(edge);
    let valid_from = text(&mut edge, "validFrom").map(|time| Timestamp::parse_rfc3339(&time)).transpose();
    let given = fields.iter().filter_map(|field| Some((field, edge.get(&*field.name)?.clone())));
    Ok(Relate {
        source: None,
        name: name.to_string(),
        set: given.map(|(field, json)| (field.property.to_string(), own_words(plan, &field.value, json))).collect(),
        valid_from: valid_from.map_err(|problem| ApiError::bad_input(problem.to_string()))?,
        target: text(&mut edge, "target").unwrap_or_default(),
    })
}

fn external_id(given: Json) -> ExternalId {
    let mut given = object(given);
    let mut part = |name| text(&mut given, name).unwrap_or_default();
    ExternalId { namespace: part("namespace"), value: part("value") }
}

fn text(map: &mut Map<String, Json>, name: &str) -> Option<String> {
    match map.remove(name) {
        Some(Json::String(text)) => Some(text),
        Some(_) | None => None,
    }
}

/// The schema lets nothing else through.
fn object(json: Json) -> Map<String, Json> {
    match json {
        Json::Object(map) => map,
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => Map::new(),
    }
}

fn list(json: Json) -> Vec<Json> {
    match json {
        Json::Array(items) => items,
        Json::Null => Vec::new(),
        one @ (Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Object(_)) => vec![one],
    }
}
