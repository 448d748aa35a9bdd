//! Values: what a slot holds (`Value`), and what a payload or a file says before it is checked (`Raw`).

use std::fmt;
use std::sync::Arc;

use rust_decimal::Decimal;
use serde_json::Value as Json;

use super::Timestamp;

/// A checked value of a slot. Text and structure are shared, so a clone never copies more than 24 bytes.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Bool(bool),
    Int(i64),
    /// Finite, always.
    Double(f64),
    Decimal(Decimal),
    /// Strings, and names of units.
    Text(Arc<str>),
    Timestamp(Timestamp),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since midnight.
    Time(i64),
    /// Microseconds.
    Duration(i64),
    /// The place of the value in the type's list of enum values.
    Enum(u16),
    Bytes(Arc<[u8]>),
    /// Arrays, maps, geometries and free JSON, checked against the type.
    Json(Arc<Json>),
}

/// A value as it was sent or written, not yet checked against any type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Raw<'a> {
    Null,
    Bool(bool),
    Int(i64),
    /// A whole number above `i64::MAX`.
    UInt(u64),
    Float(f64),
    Text(&'a str),
    /// An array or an object.
    Structure(&'a Json),
}

impl<'a> From<&'a Json> for Raw<'a> {
    fn from(json: &'a Json) -> Raw<'a> {
        match json {
            Json::Null => Raw::Null,
            Json::Bool(value) => Raw::Bool(*value),
            Json::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(value), _) => Raw::Int(value),
                (None, Some(value)) => Raw::UInt(value),
                (None, None) => Raw::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Raw::Text(text),
            Json::Array(_) | Json::Object(_) => Raw::Structure(json),
        }
    }
}

/// For messages: the value as JSON would show it, cut at 60 characters.
impl fmt::Display for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Raw::Null => return f.write_str("null"),
            Raw::Bool(value) => return value.fmt(f),
            Raw::Int(value) => return value.fmt(f),
            Raw::UInt(value) => return value.fmt(f),
            Raw::Float(value) => return write!(f, "{value:?}"),
            Raw::Text(text) => format!("{text:?}"),
            Raw::Structure(json) => json.to_string(),
        };
        match text.char_indices().nth(60) {
            None => f.write_str(&text),
            Some((cut, _)) => write!(f, "{}…", &text[..cut]),
        }
    }
}
