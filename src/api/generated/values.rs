//! Values of slots, and of JSON, as values of the API.

use std::ops::Range;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::api::build::Out;
use crate::api::names::{EnumPlan, Scalar, ValuePlan, ViewPlan};
use crate::catalog::layout::{SlotSpec, ValueType};
use crate::reading::Value;
use crate::reading::unit::Unit;
use crate::twin::State;

use super::object::ObjectNode;
use super::place::{Side, held};

/// The value of a member, or of a part of it: null where a slot is empty. Numbers come in `unit`, if one is named.
pub(super) fn slots_out(plan: &ViewPlan, value: &ValuePlan, state: &Arc<State>, slots: Range<u16>, side: Side, unit: Option<&Unit>) -> Out {
    match value {
        ValuePlan::Object(_) => ObjectNode::of_slots(state, slots, side).map_or(Out::Null, Out::object),
        ValuePlan::List(items) => list_out(plan, items, state, slots, side),
        ValuePlan::Scalar(Scalar::Json) if slots.len() > 1 => Out::json(json_of_slots(state, slots, side)),
        ValuePlan::Scalar(_) | ValuePlan::Enum(_) => {
            held(state, slots.start, side).map_or(Out::Null, |(spec, found)| leaf_out(plan, value, spec, found, unit))
        }
    }
}

/// A list is one slot, or one slot for each item. Lists never hold null: one that is not complete is not there.
fn list_out(plan: &ViewPlan, items: &ValuePlan, state: &State, slots: Range<u16>, side: Side) -> Out {
    let mut list = Vec::with_capacity(slots.len());
    for slot in slots {
        match held(state, slot, side) {
            Some((_, Value::Json(json))) => return json_list_out(plan, items, json),
            Some((spec, found)) => list.push(leaf_out(plan, items, spec, found, None)),
            None => return Out::Null,
        }
    }
    Out::List(list)
}

fn json_of_slots(state: &State, slots: Range<u16>, side: Side) -> Json {
    slots.map(|slot| held(state, slot, side).map_or(Json::Null, |(spec, found)| spec.to_json(found))).collect()
}

/// One value of one slot; null where it is of another type than the schema says, as in a twin of an older form.
pub(super) fn leaf_out(plan: &ViewPlan, as_type: &ValuePlan, spec: &SlotSpec, value: &Value, unit: Option<&Unit>) -> Out {
    match (as_type, value) {
        (ValuePlan::Scalar(Scalar::Float), Value::Double(number)) => match unit {
            None => Out::Float(*number),
            Some(unit) => converted(*number, spec.unit.as_ref(), unit),
        },
        (ValuePlan::Scalar(Scalar::Int), Value::Int(number)) => i32::try_from(*number).map_or(Out::Null, Out::Int),
        (ValuePlan::Scalar(Scalar::Long), Value::Int(number)) => Out::print(number),
        (ValuePlan::Scalar(Scalar::Float), Value::Int(number)) => Out::Float(*number as f64),
        (ValuePlan::Scalar(Scalar::Boolean), Value::Bool(value)) => Out::Boolean(*value),
        (ValuePlan::Scalar(Scalar::String), Value::Text(text)) => Out::text(text.to_string()),
        (ValuePlan::Scalar(Scalar::Decimal), Value::Decimal(number)) => Out::print(number),
        (ValuePlan::Scalar(Scalar::DateTime), Value::Timestamp(time)) => Out::print(time),
        (ValuePlan::Enum(index), Value::Enum(place)) => {
            let ValueType::Enum(own) = &spec.value_type else { return Out::Null };
            let own = own.get(usize::from(*place));
            own.map_or(Out::Null, |own| enum_out(&plan.enums[*index], usize::from(*place), &own.name))
        }
        (ValuePlan::Scalar(Scalar::Json), value) => Out::json(spec.to_json(value)),
        (ValuePlan::Scalar(Scalar::Date), Value::Date(_))
        | (ValuePlan::Scalar(Scalar::LocalTime), Value::Time(_))
        | (ValuePlan::Scalar(Scalar::Duration), Value::Duration(_)) => text_out(&spec.to_json(value)),
        (ValuePlan::Scalar(_) | ValuePlan::Enum(_) | ValuePlan::Object(_) | ValuePlan::List(_), _) => Out::Null,
    }
}

/// By the place first; in a twin of an older form the word may have another.
fn enum_out(words: &EnumPlan, place: usize, own: &str) -> Out {
    let place = if words.words.get(place).is_some_and(|word| **word == *own) { Some(place) } else { place_of(words, own) };
    place.and_then(|place| words.values.get(place)).map_or(Out::Null, |value| Out::text(value.to_string()))
}

fn place_of(words: &EnumPlan, own: &str) -> Option<usize> {
    words.words.iter().position(|word| **word == *own)
}

fn converted(number: f64, from: Option<&Unit>, unit: &Unit) -> Out {
    match from.and_then(|from| from.conversion_to(unit)) {
        Some(conversion) => Out::Float(conversion.apply(number)),
        None => Out::Null,
    }
}

/// A value that lies in JSON, as the catalog has written it: in a list, on an edge.
pub(super) fn json_out(plan: &ViewPlan, value: &ValuePlan, json: &Json, conversion: Option<(&Unit, &Unit)>) -> Out {
    match (value, json) {
        (_, Json::Null) => Out::Null,
        (ValuePlan::Scalar(Scalar::Boolean), Json::Bool(value)) => Out::Boolean(*value),
        (ValuePlan::Scalar(Scalar::Int), json) => json.as_i64().and_then(|number| i32::try_from(number).ok()).map_or(Out::Null, Out::Int),
        (ValuePlan::Scalar(Scalar::Long), Json::Number(number)) => Out::print(number),
        (ValuePlan::Scalar(Scalar::Float), Json::Number(number)) => match (number.as_f64(), conversion) {
            (Some(number), Some((from, unit))) => converted(number, Some(from), unit),
            (Some(number), None) => Out::Float(number),
            (None, _) => Out::Null,
        },
        (ValuePlan::Scalar(Scalar::Json), json) => Out::json(json.clone()),
        (
            ValuePlan::Scalar(
                Scalar::Long | Scalar::String | Scalar::Decimal | Scalar::DateTime | Scalar::Date | Scalar::LocalTime | Scalar::Duration,
            ),
            json,
        ) => text_out(json),
        (ValuePlan::Enum(index), Json::String(word)) => enum_out(&plan.enums[*index], usize::MAX, word),
        (ValuePlan::Object(_), Json::Object(_)) => Out::object(ObjectNode::of_json(json)),
        (ValuePlan::List(items), json) => json_list_out(plan, items, json),
        (ValuePlan::Scalar(_) | ValuePlan::Enum(_) | ValuePlan::Object(_), _) => Out::Null,
    }
}

fn json_list_out(plan: &ViewPlan, items: &ValuePlan, json: &Json) -> Out {
    let Json::Array(values) = json else { return Out::Null };
    let list: Vec<Out> = values.iter().map(|value| json_out(plan, items, value, None)).collect();
    if list.iter().any(|item| matches!(item, Out::Null)) { Out::Null } else { Out::List(list) }
}

fn text_out(json: &Json) -> Out {
    json.as_str().map_or(Out::Null, |text| Out::text(text.to_owned()))
}
