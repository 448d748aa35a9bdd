//! Values as every door writes them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::civil;
use serde_json::Value as Json;

use crate::catalog::layout::{SlotSpec, ValueType};
use crate::reading::{Value, format_duration};

use super::scalar::EXACT_IN_DOUBLE_MAX;

impl SlotSpec {
    /// Enum values by name, times in RFC 3339, decimals and whole numbers beyond 2^53 as text, bytes in base64.
    pub fn to_json(&self, value: &Value) -> Json {
        to_json(&self.value_type, value)
    }
}

pub(super) fn to_json(value_type: &ValueType, value: &Value) -> Json {
    match value {
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(number) if number.unsigned_abs() > EXACT_IN_DOUBLE_MAX => Json::String(number.to_string()),
        Value::Int(number) => (*number).into(),
        Value::Double(number) => (*number).into(),
        Value::Decimal(number) => Json::String(number.to_string()),
        Value::Text(text) => Json::String(text.to_string()),
        Value::Timestamp(time) => Json::String(time.to_string()),
        Value::Date(days) => date(*days),
        Value::Time(micros) => time(*micros),
        Value::Duration(micros) => Json::String(format_duration(*micros)),
        Value::Enum(index) => enum_name(value_type, *index),
        Value::Bytes(bytes) => Json::String(STANDARD.encode(bytes)),
        Value::Json(json) => (**json).clone(),
    }
}

fn enum_name(value_type: &ValueType, index: u16) -> Json {
    let ValueType::Enum(values) = value_type else { return Json::Null };
    values.get(usize::from(index)).map_or(Json::Null, |value| Json::String(value.name.to_string()))
}

fn date(days: i32) -> Json {
    let date = civil::date(1970, 1, 1).checked_add(jiff::Span::new().try_days(days).unwrap_or_default());
    date.map_or(Json::Null, |date| Json::String(date.to_string()))
}

fn time(micros: i64) -> Json {
    let (seconds, fraction) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    let clock = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    let digits = format!("{fraction:06}");
    Json::String(match digits.trim_end_matches('0') {
        "" => clock,
        digits => format!("{clock}.{digits}"),
    })
}
