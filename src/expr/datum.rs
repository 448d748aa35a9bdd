//! Values while an expression is evaluated, and what stands in their place when there is none.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::reading::{Timestamp, Value, format_duration, parse_duration};

use super::kind::{Kind, Shape};
use super::scope::Operand;

/// A value that is known. Numbers and truths are held in place; texts and structures are shared.
#[derive(Debug, Clone, PartialEq)]
pub enum Datum {
    /// Only inside of structures.
    Null,
    Bool(bool),
    Int(i64),
    /// Finite, always.
    Double(f64),
    Text(Arc<str>),
    Timestamp(Timestamp),
    /// Microseconds.
    Duration(i64),
    /// The place of the name in the list of the enum.
    Enum(u16),
    /// A list that an expression made.
    List(Arc<[Datum]>),
    /// A map that an expression made.
    Map(Arc<BTreeMap<Arc<str>, Datum>>),
    /// A list, map, object, geometry or free JSON that a slot holds.
    Json(Arc<Json>),
}

/// No value, and why: the first cause met on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unknown {
    pub why: Why,
    /// What was read when it happened; `None` if it came of reckoning.
    pub operand: Option<Operand>,
}

pub type Known<T> = Result<T, Unknown>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Why {
    /// Never received, or never set.
    Missing,
    Bad,
    Stale,
    /// UNCERTAIN, where the rule accepts good values only.
    Uncertain,
    DivisionByZero,
    /// A whole number or an instant beyond its range.
    Overflow,
    /// Infinite or not a number.
    NotFinite,
    /// An index, key or field that is not there.
    NotThere,
    /// A text that cannot be read as what is asked for, or free JSON of another kind.
    NotConvertible,
    /// A list or text beyond its bound.
    TooLarge,
    EmptyWindow,
    Coverage,
    NoParent,
}

impl Why {
    pub fn as_str(self) -> &'static str {
        match self {
            Why::Missing => "MISSING",
            Why::Bad => "BAD",
            Why::Stale => "STALE",
            Why::Uncertain => "UNCERTAIN",
            Why::DivisionByZero => "DIVISION_BY_ZERO",
            Why::Overflow => "OVERFLOW",
            Why::NotFinite => "NOT_FINITE",
            Why::NotThere => "NOT_THERE",
            Why::NotConvertible => "NOT_CONVERTIBLE",
            Why::TooLarge => "TOO_LARGE",
            Why::EmptyWindow => "EMPTY_WINDOW",
            Why::Coverage => "COVERAGE",
            Why::NoParent => "NO_PARENT",
        }
    }
}

impl Unknown {
    pub fn of(operand: Operand, why: Why) -> Unknown {
        Unknown { why, operand: Some(operand) }
    }
}

impl From<Why> for Unknown {
    fn from(why: Why) -> Unknown {
        Unknown { why, operand: None }
    }
}

const MICROS_PER_DAY: i64 = 86_400_000_000;

impl Datum {
    /// A number, whole or not, as a double.
    pub fn as_number(&self) -> Option<f64> {
        if let Datum::Double(number) = self {
            return Some(*number);
        }
        if let Datum::Int(number) = self { Some(*number as f64) } else { None }
    }

    /// Of what a slot holds. `None` for bytes, which expressions do not know. A date is its first instant in UTC, a time of day the length
    /// of time since midnight, a decimal the nearest double.
    pub fn from_value(value: &Value) -> Option<Datum> {
        Some(match value {
            Value::Bool(value) => Datum::Bool(*value),
            Value::Int(value) => Datum::Int(*value),
            Value::Double(value) => Datum::Double(*value),
            Value::Decimal(value) => Datum::Double(value.to_string().parse().ok()?),
            Value::Text(value) => Datum::Text(value.clone()),
            Value::Timestamp(value) => Datum::Timestamp(*value),
            Value::Date(days) => Datum::Timestamp(Timestamp(i64::from(*days).saturating_mul(MICROS_PER_DAY))),
            Value::Time(micros) | Value::Duration(micros) => Datum::Duration(*micros),
            Value::Enum(place) => Datum::Enum(*place),
            Value::Bytes(_) => return None,
            Value::Json(json) => Datum::Json(json.clone()),
        })
    }

    /// As a slot holds it, if the slot has the kind of the expression.
    pub fn into_value(self) -> Option<Value> {
        Some(match self {
            Datum::Null => return None,
            Datum::Bool(value) => Value::Bool(value),
            Datum::Int(value) => Value::Int(value),
            Datum::Double(value) => Value::Double(value),
            Datum::Text(value) => Value::Text(value),
            Datum::Timestamp(value) => Value::Timestamp(value),
            Datum::Duration(micros) => Value::Duration(micros),
            Datum::Enum(place) => Value::Enum(place),
            Datum::Json(json) => Value::Json(json),
            made @ (Datum::List(_) | Datum::Map(_)) => Value::Json(Arc::new(made.to_json())),
        })
    }

    /// As payloads and explanations say it. An enum is the number of its place: who knows its names asks [`Datum::named`] first.
    pub fn to_json(&self) -> Json {
        match self {
            Datum::Null => Json::Null,
            Datum::Bool(value) => Json::Bool(*value),
            Datum::Int(value) => Json::from(*value),
            Datum::Double(value) => Json::from(*value),
            Datum::Text(value) => Json::String((**value).to_owned()),
            Datum::Timestamp(value) => Json::String(value.to_string()),
            Datum::Duration(micros) => Json::String(format_duration(*micros)),
            Datum::Enum(place) => Json::from(*place),
            Datum::List(items) => items.iter().map(Datum::to_json).collect(),
            Datum::Map(entries) => Json::Object(entries.iter().map(|(name, value)| ((**name).to_owned(), value.to_json())).collect()),
            Datum::Json(json) => (**json).clone(),
        }
    }

    /// What [`Datum::to_json`] wrote of a constant of this kind.
    pub fn of_json(json: &Json, shape: &Shape) -> Option<Datum> {
        Some(match (&shape.kind, json) {
            (Kind::Bool, Json::Bool(value)) => Datum::Bool(*value),
            (Kind::Int, Json::Number(number)) => Datum::Int(number.as_i64()?),
            (Kind::Double, Json::Number(number)) => Datum::Double(number.as_f64()?),
            (Kind::Enum(_), Json::Number(number)) => Datum::Enum(u16::try_from(number.as_u64()?).ok()?),
            (Kind::Text, Json::String(text)) => Datum::Text(Arc::from(text.as_str())),
            (Kind::Timestamp, Json::String(text)) => Datum::Timestamp(Timestamp::parse_rfc3339(text).ok()?),
            (Kind::Duration, Json::String(text)) => Datum::Duration(i64::try_from(parse_duration(text)?.as_micros()).ok()?),
            (_, other) => Datum::Json(Arc::new(other.clone())),
        })
    }

    /// An enum as the text of its name; everything else as it is.
    pub fn named(self, names: &[Box<str>]) -> Datum {
        match &self {
            Datum::Enum(place) => names.get(usize::from(*place)).map_or(Datum::Null, |name| Datum::Text(Arc::from(&**name))),
            Datum::Null
            | Datum::Bool(_)
            | Datum::Int(_)
            | Datum::Double(_)
            | Datum::Text(_)
            | Datum::Timestamp(_)
            | Datum::Duration(_)
            | Datum::List(_)
            | Datum::Map(_)
            | Datum::Json(_) => self,
        }
    }
}
