//! `RangeInput`: a stretch of time.

use serde_json::Value as Json;

use crate::api::build::{Args, SchemaBuilder};
use crate::api::error::ApiError;
use crate::reading::{Timestamp, parse_duration};

/// From one instant up to another, which is not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    pub from: Timestamp,
    pub to: Timestamp,
}

impl Range {
    /// The argument of this name.
    pub fn read(args: &Args, name: &str, now: Timestamp) -> Result<Range, ApiError> {
        let input = args.get(name);
        let bad = |what: &str| ApiError::bad_input(format!("`{name}` {what}"));
        if let Some(last) = input.and_then(|input| input.get("last")).and_then(Json::as_str) {
            let last = parse_duration(last).ok_or_else(|| bad("needs a duration as `last`, as in 24h"))?;
            return Ok(Range { from: now.minus(last), to: now });
        }
        let instant = |key: &str| {
            let text = input.and_then(|input| input.get("between")?.get(key)?.as_str());
            text.and_then(|text| Timestamp::parse_rfc3339(text).ok()).ok_or_else(|| bad(&format!("needs an instant as `between.{key}`")))
        };
        let range = Range { from: instant("from")?, to: instant("to")? };
        if range.from >= range.to {
            return Err(bad("ends before it begins: `from` has to be before `to`"));
        }
        Ok(range)
    }
}

pub fn declare(schema: &mut SchemaBuilder) {
    schema.input("RangeInput", "A stretch of time.").field("last", "Duration").doc("Up to now.").field("between", "BetweenInput").one_of();
    schema.input("BetweenInput", "From one instant up to another, which is not in it.").field("from", "DateTime!").field("to", "DateTime!");
}
