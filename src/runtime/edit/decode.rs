//! Scalars of the API in JSON: a `Long` is a number or a text, an instant is RFC 3339.

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

use crate::reading::Timestamp;

pub(super) fn long<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let given = Option::<Json>::deserialize(deserializer)?;
    let expected = |given: &Json| D::Error::custom(format!("expected a whole number, got {given}"));
    match given {
        None => Ok(None),
        Some(Json::String(text)) => text.parse().map(Some).map_err(|_| expected(&Json::String(text))),
        Some(number) => number.as_u64().map(Some).ok_or_else(|| expected(&number)),
    }
}

pub(super) fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let given = Option::<String>::deserialize(deserializer)?;
    given.map(|text| Timestamp::parse_rfc3339(&text).map_err(D::Error::custom)).transpose()
}
