//! From one kind to another: `int(x)`, `string(x)`, `timestamp(x)`. What cannot be read as what is asked for is unknown.

use std::sync::Arc;

use crate::reading::{Timestamp, parse_duration};

use super::super::datum::{Datum, Known, Why};

/// Seconds as CEL writes lengths of time.
const MICROS_PER_SECOND: i64 = 1_000_000;
/// Units of CEL's lengths of time, and ours.
const DURATION_UNITS: [(&str, i64); 7] = [
    ("ms", 1000),
    ("us", 1),
    ("ns", 0),
    ("s", MICROS_PER_SECOND),
    ("m", 60 * MICROS_PER_SECOND),
    ("h", 3600 * MICROS_PER_SECOND),
    ("d", 86_400 * MICROS_PER_SECOND),
];

pub(super) fn to_int(datum: &Datum) -> Known<Datum> {
    let unreadable = || Why::NotConvertible.into();
    match datum {
        Datum::Int(number) => Ok(Datum::Int(*number)),
        Datum::Double(number) => {
            let cut = number.trunc();
            let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&cut);
            if fits { Ok(Datum::Int(cut as i64)) } else { Err(Why::Overflow.into()) }
        }
        Datum::Text(text) => text.parse().map(Datum::Int).map_err(|_| unreadable()),
        Datum::Timestamp(time) => Ok(Datum::Int(time.0.div_euclid(MICROS_PER_SECOND))),
        Datum::Json(json) => match (json.as_i64(), json.as_f64()) {
            (Some(number), _) => Ok(Datum::Int(number)),
            (None, Some(number)) => to_int(&Datum::Double(number)),
            (None, None) => Err(unreadable()),
        },
        Datum::Null | Datum::Bool(_) | Datum::Duration(_) | Datum::Enum(_) | Datum::List(_) | Datum::Map(_) => Err(unreadable()),
    }
}

pub(super) fn to_double(datum: &Datum) -> Known<Datum> {
    let number = match datum {
        Datum::Int(number) => Some(*number as f64),
        Datum::Double(number) => Some(*number),
        Datum::Text(text) => text.trim().parse().ok(),
        Datum::Json(json) => json.as_f64(),
        Datum::Null | Datum::Bool(_) | Datum::Timestamp(_) | Datum::Duration(_) | Datum::Enum(_) | Datum::List(_) | Datum::Map(_) => None,
    };
    match number {
        Some(number) if number.is_finite() => Ok(Datum::Double(number)),
        Some(_) => Err(Why::NotFinite.into()),
        None => Err(Why::NotConvertible.into()),
    }
}

pub(super) fn to_text(datum: &Datum) -> Known<Datum> {
    let text = match datum {
        Datum::Text(text) => return Ok(Datum::Text(text.clone())),
        Datum::Bool(truth) => truth.to_string(),
        Datum::Int(number) => number.to_string(),
        Datum::Double(number) => text_of_number(*number),
        Datum::Timestamp(time) => time.to_string(),
        Datum::Duration(micros) => format!("{}s", text_of_number(*micros as f64 / MICROS_PER_SECOND as f64)),
        Datum::Json(json) => json.as_str().map_or_else(|| json.to_string(), ToOwned::to_owned),
        Datum::Null | Datum::Enum(_) | Datum::List(_) | Datum::Map(_) => return Err(Why::NotConvertible.into()),
    };
    Ok(Datum::Text(Arc::from(text)))
}

pub(super) fn to_bool(datum: &Datum) -> Known<Datum> {
    let truth = match datum {
        Datum::Bool(truth) => Some(*truth),
        Datum::Text(text) => match &**text {
            "true" | "True" | "TRUE" | "t" | "1" => Some(true),
            "false" | "False" | "FALSE" | "f" | "0" => Some(false),
            _ => None,
        },
        Datum::Json(json) => json.as_bool(),
        Datum::Null
        | Datum::Int(_)
        | Datum::Double(_)
        | Datum::Timestamp(_)
        | Datum::Duration(_)
        | Datum::Enum(_)
        | Datum::List(_)
        | Datum::Map(_) => None,
    };
    truth.map(Datum::Bool).ok_or_else(|| Why::NotConvertible.into())
}

/// Of RFC 3339 text, or of seconds since 1970.
pub(super) fn to_timestamp(datum: &Datum) -> Known<Datum> {
    let time = match datum {
        Datum::Timestamp(time) => Some(*time),
        Datum::Int(seconds) => seconds.checked_mul(MICROS_PER_SECOND).and_then(Timestamp::from_micros),
        Datum::Text(text) => Timestamp::parse_rfc3339(text).ok(),
        Datum::Json(json) => json.as_str().and_then(|text| Timestamp::parse_rfc3339(text).ok()),
        Datum::Null | Datum::Bool(_) | Datum::Double(_) | Datum::Duration(_) | Datum::Enum(_) | Datum::List(_) | Datum::Map(_) => None,
    };
    time.map(Datum::Timestamp).ok_or_else(|| Why::NotConvertible.into())
}

pub(super) fn to_duration(datum: &Datum) -> Known<Datum> {
    let micros = match datum {
        Datum::Duration(micros) => Some(*micros),
        Datum::Text(text) => duration_of_text(text),
        Datum::Json(json) => json.as_str().and_then(duration_of_text),
        Datum::Null
        | Datum::Bool(_)
        | Datum::Int(_)
        | Datum::Double(_)
        | Datum::Timestamp(_)
        | Datum::Enum(_)
        | Datum::List(_)
        | Datum::Map(_) => None,
    };
    micros.map(Datum::Duration).ok_or_else(|| Why::NotConvertible.into())
}

/// As CEL writes it (`1h30m`, `-1.5s`), as files do (`7d`), or ISO 8601. Below a microsecond it is cut.
pub(in super::super) fn duration_of_text(text: &str) -> Option<i64> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest.starts_with('P') {
        return i64::try_from(parse_duration(rest)?.as_micros()).ok()?.checked_mul(sign);
    }
    if rest == "0" {
        return Some(0);
    }
    let (mut rest, mut sum) = (rest, 0_i64);
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, behind) = rest.split_at(number_end);
        let (unit, size) = DURATION_UNITS.iter().find(|(unit, _)| behind.starts_with(unit))?;
        sum = sum.checked_add(scaled(number, *size)?)?;
        rest = &behind[unit.len()..];
    }
    if text.is_empty() || sum < 0 { None } else { sum.checked_mul(sign) }
}

/// A decimal number of a size in microseconds; nanoseconds have the size 0.
fn scaled(number: &str, size: i64) -> Option<i64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let fraction = &fraction[..fraction.len().min(9)];
    let whole: i128 = whole.parse().ok()?;
    let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    let fraction: i128 = fraction.parse().ok()?;
    let micros = if size == 0 { whole / 1000 } else { whole.checked_mul(i128::from(size))? + fraction * i128::from(size) / scale };
    i64::try_from(micros).ok()
}

/// The shortest text that is read back as the same number; whole numbers without a point.
pub(in super::super) fn text_of_number(number: f64) -> String {
    let magnitude = number.abs();
    if magnitude != 0.0 && !(1e-5..1e15).contains(&magnitude) { format!("{number:e}") } else { format!("{number}") }
}
