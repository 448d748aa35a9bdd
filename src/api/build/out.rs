//! What resolvers give back.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde_json::Value as Json;

/// The value of a field. It must fit the type the field declares; what does not is a fault of ours and fails the field.
pub enum Out {
    /// Absent.
    Null,
    Boolean(bool),
    Int(i32),
    /// Null where it is not finite: GraphQL knows neither NaN nor infinity.
    Float(f64),
    /// A string, an id, an enum value, or a scalar that is written as a string.
    Text(Cow<'static, str>),
    /// Any value of a scalar that is written as JSON.
    Json(Json),
    /// The same, already written: nobody looks into it again. It must be valid JSON.
    Raw(Bytes),
    /// An object of the type that the field names.
    Object(Box<dyn Any + Send + Sync>),
    /// An object with the name of its type: fields of an interface need it.
    Node {
        type_name: Cow<'static, str>,
        value: Box<dyn Any + Send + Sync>,
    },
    /// Lists never hold null: an absent item fails the field.
    List(Vec<Out>),
}

impl Out {
    pub fn text(text: impl Into<Cow<'static, str>>) -> Out {
        Out::Text(text.into())
    }

    /// Whatever can be printed, as text: a time, an id, a 64-bit integer.
    pub fn print(value: impl fmt::Display) -> Out {
        Out::Text(Cow::Owned(value.to_string()))
    }

    pub fn object<T: Any + Send + Sync>(value: T) -> Out {
        Out::Object(Box::new(value))
    }

    pub fn node<T: Any + Send + Sync>(type_name: impl Into<Cow<'static, str>>, value: T) -> Out {
        Out::Node { type_name: type_name.into(), value: Box::new(value) }
    }

    pub fn list<T: Into<Out>>(items: impl IntoIterator<Item = T>) -> Out {
        Out::List(items.into_iter().map(Into::into).collect())
    }

    /// Objects of one type.
    pub fn objects<T: Any + Send + Sync>(items: impl IntoIterator<Item = T>) -> Out {
        Out::List(items.into_iter().map(Out::object).collect())
    }

    /// A `JSON` scalar. Integers that JavaScript would round become strings.
    pub fn json(mut value: Json) -> Out {
        keep_integers(&mut value);
        Out::Json(value)
    }
}

/// The largest integer up to which a double holds each of them.
const SAFE_INTEGER_MAX: u64 = (1 << 53) - 1;

fn keep_integers(value: &mut Json) {
    match value {
        Json::Number(number) => {
            let is_unsafe = match (number.as_i64(), number.as_u64()) {
                (Some(integer), _) => integer.unsigned_abs() > SAFE_INTEGER_MAX,
                (None, whole) => whole.is_some(),
            };
            if is_unsafe {
                *value = Json::String(number.to_string());
            }
        }
        Json::Array(items) => items.iter_mut().for_each(keep_integers),
        Json::Object(map) => map.values_mut().for_each(keep_integers),
        Json::Null | Json::Bool(_) | Json::String(_) => {}
    }
}

impl fmt::Debug for Out {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Out::Null => f.write_str("Null"),
            Out::Boolean(value) => write!(f, "Boolean({value})"),
            Out::Int(value) => write!(f, "Int({value})"),
            Out::Float(value) => write!(f, "Float({value})"),
            Out::Text(text) => write!(f, "Text({text:?})"),
            Out::Json(json) => write!(f, "Json({json})"),
            Out::Raw(raw) => write!(f, "Raw({} bytes)", raw.len()),
            Out::Object(_) => f.write_str("Object"),
            Out::Node { type_name, .. } => write!(f, "Node({type_name})"),
            Out::List(items) => f.debug_list().entries(items).finish(),
        }
    }
}

impl<T: Into<Out>> From<Option<T>> for Out {
    fn from(value: Option<T>) -> Out {
        value.map_or(Out::Null, Into::into)
    }
}

impl From<bool> for Out {
    fn from(value: bool) -> Out {
        Out::Boolean(value)
    }
}

impl From<i32> for Out {
    fn from(value: i32) -> Out {
        Out::Int(value)
    }
}

/// Counts beyond an `Int` stay at its end; what may be larger is declared a `Long`.
impl From<usize> for Out {
    fn from(value: usize) -> Out {
        Out::Int(i32::try_from(value).unwrap_or(i32::MAX))
    }
}

/// A `Long`.
impl From<u64> for Out {
    fn from(value: u64) -> Out {
        Out::print(value)
    }
}

/// A `Long`.
impl From<i64> for Out {
    fn from(value: i64) -> Out {
        Out::print(value)
    }
}

impl From<f64> for Out {
    fn from(value: f64) -> Out {
        Out::Float(value)
    }
}

impl From<&'static str> for Out {
    fn from(text: &'static str) -> Out {
        Out::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Out {
    fn from(text: String) -> Out {
        Out::Text(Cow::Owned(text))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn integers_beyond_a_double_become_strings() {
        let Out::Json(value) = Out::json(json!({"a": [9_007_199_254_740_991_i64, 9_007_199_254_740_992_i64], "b": u64::MAX, "c": 1e300}))
        else {
            panic!("json")
        };
        assert_eq!(value, json!({"a": [9_007_199_254_740_991_i64, "9007199254740992"], "b": "18446744073709551615", "c": 1e300}));
    }
}
