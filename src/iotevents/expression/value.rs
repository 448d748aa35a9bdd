//! Values while an expression is evaluated, and as text.

use std::fmt;

use serde_json::Value as Json;
use smol_str::SmolStr;

use crate::rule::detector::Scalar;

/// Of a text that an expression makes. A variable that is set to twice itself would grow without end; what is longer is invalid.
pub const TEXT_BYTES_MAX: usize = 32 * 1024;

/// JSON `20` is an integer and `20.0` a decimal, and stays one.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    Null,
    Bool(bool),
    Int(i64),
    /// Finite, always.
    Decimal(f64),
    Text(SmolStr),
    /// An object or an array of a payload.
    Structure(&'a Json),
}

impl<'a> Value<'a> {
    pub fn of_json(json: &'a Json) -> Value<'a> {
        match json {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(value), _) => Value::Int(value),
                (None, value) => Value::Decimal(value.unwrap_or(f64::MAX)),
            },
            Json::String(text) => Value::Text(text.into()),
            Json::Array(_) | Json::Object(_) => Value::Structure(json),
        }
    }

    /// `None` for what no variable of this language holds.
    pub fn of_scalar(scalar: &Scalar) -> Option<Value<'a>> {
        match scalar {
            Scalar::Bool(value) => Some(Value::Bool(*value)),
            Scalar::Int(value) => Some(Value::Int(*value)),
            Scalar::Double(value) => Some(Value::Decimal(*value)),
            Scalar::Text(text) => Some(Value::Text(text.clone())),
            Scalar::Timestamp(_) | Scalar::Duration(_) => None,
        }
    }

    /// What a variable can hold: neither null nor a structure.
    pub fn into_scalar(self) -> Option<Scalar> {
        match self {
            Value::Bool(value) => Some(Scalar::Bool(value)),
            Value::Int(value) => Some(Scalar::Int(value)),
            Value::Decimal(value) => Some(Scalar::Double(value)),
            Value::Text(text) => Some(Scalar::Text(text)),
            Value::Null | Value::Structure(_) => None,
        }
    }

    pub fn to_json(&self) -> Json {
        match self {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Int(value) => Json::from(*value),
            Value::Decimal(value) => Json::from(*value),
            Value::Text(text) => Json::from(text.as_str()),
            Value::Structure(json) => (*json).clone(),
        }
    }
}

/// As a template renders it: texts without quotes, decimals with their point.
impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("null"),
            Value::Bool(value) => value.fmt(f),
            Value::Int(value) => value.fmt(f),
            Value::Decimal(value) => write!(f, "{value:?}"),
            Value::Text(text) => f.write_str(text),
            Value::Structure(json) => json.fmt(f),
        }
    }
}

/// As DescribeDetector tells it: JSON as text, so that texts keep their quotes and decimals their point.
pub fn render_json(scalar: &Scalar) -> String {
    match Value::of_scalar(scalar) {
        Some(value) => value.to_json().to_string(),
        None => "null".to_owned(),
    }
}
