//! The scalars of the API: what they say, and what they take as input. Output is checked where it is made.

use rust_decimal::Decimal;
use serde_json::Value as Json;

use crate::api::build::{ScalarCheck, SchemaBuilder};
use crate::reading::{Timestamp, parse_duration};

const SCALARS: [(&str, &str, ScalarCheck); 9] = [
    ("DateTime", "RFC 3339 in UTC, `Z`, with 0, 3 or 6 fraction digits.", date_time),
    ("Duration", "ISO 8601 duration; input also `90s`, `5m`, `2h`, `7d`.", duration),
    ("Long", "64-bit integer; a decimal string on output, string or integer on input.", long),
    ("JSON", "Any JSON. Integers beyond 2^53 are strings.", json),
    ("Date", "A calendar date, `2026-01-31`.", date),
    ("LocalTime", "A time of day without a zone, `12:30:00`.", local_time),
    ("Decimal", "A decimal number of up to 28 digits, as a string.", decimal),
    ("TimeArray", "JSON array of milliseconds since 1970 (fraction = microseconds).", numbers),
    ("FloatArray", "JSON array of numbers and nulls.", numbers),
];

/// Declares them all. Those that nothing uses do not get into the schema.
pub fn declare(schema: &mut SchemaBuilder) {
    for (name, doc, check) in SCALARS {
        schema.scalar(name, doc, check);
    }
}

fn date_time(value: Json) -> Result<Json, String> {
    let text = value.as_str().ok_or("must be a string with a time in RFC 3339")?;
    Timestamp::parse_rfc3339(text).map(|_| ()).map_err(|error| error.to_string())?;
    Ok(value)
}

fn duration(value: Json) -> Result<Json, String> {
    let text = value.as_str().ok_or("must be a string with a duration")?;
    parse_duration(text).ok_or_else(|| format!("`{text}` is not a duration: write 90s, 5m, 2h, 7d, or ISO 8601 as in PT1M30S"))?;
    Ok(value)
}

fn long(value: Json) -> Result<Json, String> {
    let whole = match &value {
        Json::String(text) => text.parse::<i64>().ok(),
        Json::Number(number) => number.as_i64(),
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
    };
    whole.map(Json::from).ok_or_else(|| "must be a 64-bit integer, as a string or a number".to_owned())
}

#[expect(clippy::unnecessary_wraps, reason = "it stands in a table of checks, and takes everything")]
fn json(value: Json) -> Result<Json, String> {
    Ok(value)
}

fn date(value: Json) -> Result<Json, String> {
    let is_date = value.as_str().is_some_and(|text| text.parse::<jiff::civil::Date>().is_ok());
    if is_date { Ok(value) } else { Err("must be a date, as in 2026-01-31".to_owned()) }
}

fn local_time(value: Json) -> Result<Json, String> {
    let is_time = value.as_str().is_some_and(|text| text.parse::<jiff::civil::Time>().is_ok());
    if is_time { Ok(value) } else { Err("must be a time of day, as in 12:30:00".to_owned()) }
}

/// Also a number: as it is written, so that no digit is lost.
fn decimal(value: Json) -> Result<Json, String> {
    let text = match &value {
        Json::String(text) => text.clone(),
        Json::Number(number) => number.to_string(),
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => String::new(),
    };
    let is_decimal = text.parse::<Decimal>().is_ok() || Decimal::from_scientific(&text).is_ok();
    if is_decimal { Ok(Json::String(text)) } else { Err("must be a decimal number, as in \"12.50\"".to_owned()) }
}

fn numbers(value: Json) -> Result<Json, String> {
    let fits = value.as_array().is_some_and(|items| items.iter().all(|item| item.is_number() || item.is_null()));
    if fits { Ok(value) } else { Err("must be a list of numbers".to_owned()) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(name: &str, value: Json) -> Result<Json, String> {
        let (_, _, check) = SCALARS.iter().find(|(scalar, _, _)| *scalar == name).expect("a scalar");
        check(value)
    }

    #[test]
    fn good_values_are_taken() {
        assert_eq!(check("Long", json!("-9223372036854775808")), Ok(json!(i64::MIN)));
        assert_eq!(check("Long", json!(7)), Ok(json!(7)));
        assert_eq!(check("Decimal", json!(12.50)), Ok(json!("12.5")));
        assert_eq!(check("Decimal", json!("12.50")), Ok(json!("12.50")));
        for (name, value) in [
            ("DateTime", json!("2026-11-19T03:12:00+01:00")),
            ("Duration", json!("90s")),
            ("Duration", json!("PT1M")),
            ("Date", json!("2026-01-31")),
            ("LocalTime", json!("12:30")),
            ("JSON", json!({"a": [null]})),
            ("FloatArray", json!([1, null, 2.5])),
        ] {
            assert_eq!(check(name, value.clone()), Ok(value));
        }
    }

    #[test]
    fn bad_values_are_refused_with_a_reason() {
        for (name, value) in [
            ("DateTime", json!("2026-11-19")),
            ("DateTime", json!(5)),
            ("Duration", json!("soon")),
            ("Long", json!(1.5)),
            ("Long", json!("9223372036854775808")),
            ("Date", json!("2026-02-30")),
            ("LocalTime", json!("25:00")),
            ("Decimal", json!("twelve")),
            ("TimeArray", json!([true])),
        ] {
            assert!(check(name, value.clone()).is_err(), "{name} {value}");
        }
    }
}
