//! Values without parts.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use jiff::civil;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use crate::catalog::layout::{EnumValue, EnumWire};
use crate::reading::unit::{Unit, parse_quantity};
use crate::reading::{Raw, Timestamp, Value, parse_duration};

use super::{Check, Place, Refusal, TEXT_CHARS_MAX};

/// Standard alphabet, with or without padding.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&base64::alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent));
/// The names of an enum that a message lists.
const NAMES_SHOWN_MAX: usize = 12;
/// Whole numbers up to here survive a double; those beyond may be sent as text.
pub(super) const EXACT_IN_DOUBLE_MAX: u64 = 1 << 53;

impl Check<'_> {
    pub(super) fn double(&mut self, place: Place<'_>, raw: Raw<'_>) -> Result<f64, Refusal> {
        let number = match raw {
            Raw::Float(number) => number,
            Raw::Int(number) => number as f64,
            Raw::UInt(number) => number as f64,
            Raw::Text(text) if self.literal => quantity(place, text, raw)?,
            Raw::Null | Raw::Bool(_) | Raw::Text(_) | Raw::Structure(_) => return Err(not_a_number("a number", place, raw)),
        };
        let value = self.from.map_or(number, |conversion| conversion.apply(number));
        if !value.is_finite() {
            return Err(Refusal::new("NOT_FINITE", format!("expected a finite number, got {raw}")));
        }
        self.number(place, value)?;
        Ok(value)
    }

    pub(super) fn int(&mut self, place: Place<'_>, raw: Raw<'_>) -> Result<i64, Refusal> {
        let value = match (raw, self.from.filter(|conversion| !conversion.is_identity())) {
            (Raw::Int(number), None) => number,
            (Raw::Float(number), None) => whole(number, 0.0).ok_or_else(|| not_whole(raw))?,
            (Raw::Int(number), Some(from)) => whole(from.apply(number as f64), 1e-9).ok_or_else(|| not_whole(raw))?,
            (Raw::Float(number), Some(from)) => whole(from.apply(number), 1e-9).ok_or_else(|| not_whole(raw))?,
            (Raw::UInt(_), _) => return Err(not_whole(raw)),
            (Raw::Text(text), _) => match large(text) {
                Some(number) => number,
                None if self.literal => whole(quantity(place, text, raw)?, 1e-9).ok_or_else(|| not_whole(raw))?,
                None => return Err(not_a_number("a whole number", place, raw)),
            },
            (Raw::Null | Raw::Bool(_) | Raw::Structure(_), _) => return Err(not_a_number("a whole number", place, raw)),
        };
        self.number(place, value as f64)?;
        Ok(value)
    }

    pub(super) fn decimal(&mut self, place: Place<'_>, raw: Raw<'_>) -> Result<Value, Refusal> {
        let exact = match raw {
            Raw::Text(text) => match decimal(text) {
                Some(exact) => Some(exact),
                None if self.literal && parse_quantity(text).is_some() => Decimal::try_from(quantity(place, text, raw)?).ok(),
                None => None,
            },
            Raw::Int(number) => Some(Decimal::from(number)),
            Raw::UInt(number) => Some(Decimal::from(number)),
            Raw::Float(number) => decimal(&number.to_string()),
            Raw::Null | Raw::Bool(_) | Raw::Structure(_) => None,
        };
        let mut value = exact.ok_or_else(|| not_a_number("a decimal number as text, of at most 28 digits", place, raw))?;
        if let Some(from) = self.from.filter(|conversion| !conversion.is_identity()) {
            let converted = value.to_f64().map(|number| from.apply(number)).and_then(|number| Decimal::try_from(number).ok());
            value = converted.ok_or_else(|| not_a_number("a decimal number", place, raw))?;
        }
        self.number(place, value.to_f64().unwrap_or(f64::NAN))?;
        Ok(Value::Decimal(value))
    }

    pub(super) fn text(&mut self, place: Place<'_>, raw: Raw<'_>) -> Result<Value, Refusal> {
        let Raw::Text(text) = raw else { return Err(Refusal::wrong_type("text", raw)) };
        let chars_max = place.constraints.length_max.unwrap_or(TEXT_CHARS_MAX);
        // Characters are counted only where the bytes leave a doubt.
        if text.len() > chars_max.max(TEXT_CHARS_MAX) && text.chars().nth(chars_max.max(TEXT_CHARS_MAX)).is_some() {
            let count = text.chars().count();
            return Err(Refusal::new("TOO_LONG", format!("expected at most {chars_max} characters, got {count}")));
        }
        self.text_constraints(place.constraints, chars_max, text)?;
        Ok(Value::Text(Arc::from(text)))
    }
}

/// A number with a unit, in the unit of its place.
fn quantity(place: Place<'_>, text: &str, raw: Raw<'_>) -> Result<f64, Refusal> {
    let Some((number, unit_text)) = parse_quantity(text) else { return Err(not_a_number("a number", place, raw)) };
    let unit = Unit::parse(unit_text).map_err(|unknown| Refusal::new("UNKNOWN_UNIT", unknown.to_string()))?;
    let Some(target) = place.unit else {
        return Err(Refusal::new("WRONG_UNIT", format!("expected a number without a unit, got {raw}")));
    };
    let conversion = unit.conversion_to(target);
    let conversion = conversion.ok_or_else(|| Refusal::new("WRONG_UNIT", format!("{unit} does not convert to {target}")))?;
    Ok(conversion.apply(number))
}

#[cold]
fn not_a_number(expected: &str, place: Place<'_>, raw: Raw<'_>) -> Refusal {
    let Raw::Text(text) = raw else { return Refusal::wrong_type(expected, raw) };
    let plain = text.trim_start_matches(['+', '-']).to_ascii_lowercase();
    if matches!(plain.as_str(), "nan" | "inf" | "infinity") {
        return Refusal::new("NOT_FINITE", format!("expected {expected}, got {raw}: what is not finite is not a reading"));
    }
    let mut refusal = Refusal::wrong_type(expected, raw);
    if parse_quantity(text).is_some() {
        let unit = place.unit.map_or_else(|| "no unit".to_owned(), |unit| format!("the unit {unit}"));
        refusal.message.push_str(&format!("; here a number stands alone and has {unit}"));
    } else if text.trim().parse::<f64>().is_ok() {
        refusal.message.push_str("; write it without quotes");
    }
    refusal
}

#[cold]
fn not_whole(raw: Raw<'_>) -> Refusal {
    Refusal::wrong_type("a whole number of 64 bits", raw)
}

/// A double as a whole number, if it is one up to a tolerance.
fn whole(number: f64, tolerance: f64) -> Option<i64> {
    let rounded = number.round();
    let fits = rounded >= i64::MIN as f64 && rounded < i64::MAX as f64;
    (fits && (number - rounded).abs() <= tolerance).then_some(rounded as i64)
}

/// Whole numbers that JSON numbers of other programs cannot hold; we write them as text and so we read them.
fn large(text: &str) -> Option<i64> {
    text.parse().ok().filter(|number: &i64| number.unsigned_abs() > EXACT_IN_DOUBLE_MAX)
}

fn decimal(text: &str) -> Option<Decimal> {
    if text.contains(['e', 'E']) { Decimal::from_scientific(text).ok() } else { Decimal::from_str_exact(text).ok() }
}

pub(super) fn bool(raw: Raw<'_>) -> Result<Value, Refusal> {
    match raw {
        Raw::Bool(value) => Ok(Value::Bool(value)),
        Raw::Null | Raw::Int(_) | Raw::UInt(_) | Raw::Float(_) | Raw::Text(_) | Raw::Structure(_) => {
            Err(Refusal::wrong_type("true or false", raw))
        }
    }
}

pub(super) fn enum_value(values: &[EnumValue], raw: Raw<'_>) -> Result<Value, Refusal> {
    let place = match raw {
        Raw::Text(text) => {
            let by_name = values.iter().position(|value| &*value.name == text);
            by_name.or_else(|| values.iter().position(|value| matches!(&value.wire, EnumWire::Text(wire) if **wire == *text)))
        }
        Raw::Int(number) => by_number(values, number),
        Raw::Float(number) => whole(number, 0.0).and_then(|number| by_number(values, number)),
        Raw::UInt(_) => None,
        Raw::Null | Raw::Bool(_) | Raw::Structure(_) => return Err(Refusal::wrong_type(&one_of(values), raw)),
    };
    let index = place.and_then(|index| u16::try_from(index).ok());
    index.map(Value::Enum).ok_or_else(|| unknown_enum_value(values, raw))
}

fn by_number(values: &[EnumValue], number: i64) -> Option<usize> {
    values.iter().position(|value| value.wire == EnumWire::Int(number))
}

#[cold]
fn unknown_enum_value(values: &[EnumValue], raw: Raw<'_>) -> Refusal {
    let mut message = format!("expected {}, got {raw}", one_of(values));
    if let Raw::Text(text) = raw {
        let alike =
            values.iter().map(|value| (strsim::normalized_damerau_levenshtein(&value.name.to_lowercase(), &text.to_lowercase()), value));
        if text.len() <= 128
            && let Some((_, value)) = alike.filter(|(likeness, _)| *likeness >= 0.6).max_by(|a, b| a.0.total_cmp(&b.0))
        {
            message.push_str(&format!("; did you mean {}?", value.name));
        }
    }
    Refusal::new("UNKNOWN_ENUM_VALUE", message)
}

fn one_of(values: &[EnumValue]) -> String {
    let shown = values.iter().take(NAMES_SHOWN_MAX).map(|value| match &value.wire {
        EnumWire::Text(wire) if *wire == value.name => value.name.to_string(),
        EnumWire::Text(wire) => format!("{} ({wire:?})", value.name),
        EnumWire::Int(wire) => format!("{} ({wire})", value.name),
    });
    let more = if values.len() > NAMES_SHOWN_MAX { ", …" } else { "" };
    format!("one of {}{more}", shown.collect::<Vec<_>>().join(", "))
}

fn parsed<T>(expected: &'static str, raw: Raw<'_>, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, Refusal> {
    let Raw::Text(text) = raw else { return Err(Refusal::wrong_type(expected, raw)) };
    parse(text).ok_or_else(|| Refusal::new("FORMAT", format!("expected {expected}, got {raw}")))
}

pub(super) fn timestamp(raw: Raw<'_>) -> Result<Value, Refusal> {
    parsed("a time in RFC 3339 with an offset, as in 2026-01-31T12:00:00Z", raw, |text| Timestamp::parse_rfc3339(text).ok())
        .map(Value::Timestamp)
}

pub(super) fn date(raw: Raw<'_>) -> Result<Value, Refusal> {
    let days = |text: &str| {
        let date: civil::Date = (text.len() == 10).then(|| text.parse().ok())??;
        Some(civil::date(1970, 1, 1).until((jiff::Unit::Day, date)).ok()?.get_days())
    };
    parsed("a date, as in 2026-01-31", raw, days).map(Value::Date)
}

/// A time of day has no date and no zone; a `Z` is allowed, as ISO 8601 full times have one.
pub(super) fn time(raw: Raw<'_>) -> Result<Value, Refusal> {
    let micros = |text: &str| {
        let text = text.strip_suffix(['Z', 'z']).unwrap_or(text);
        let digits_only = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.'));
        let time: civil::Time = (digits_only && text.contains(':')).then(|| text.parse().ok())??;
        let seconds = (i64::from(time.hour()) * 60 + i64::from(time.minute())) * 60 + i64::from(time.second());
        Some(seconds * 1_000_000 + i64::from(time.subsec_nanosecond() / 1000))
    };
    parsed("a time of day, as in 12:30:00", raw, micros).map(Value::Time)
}

pub(super) fn duration(raw: Raw<'_>) -> Result<Value, Refusal> {
    let micros = |text: &str| match text.strip_prefix('-') {
        Some(rest) => i64::try_from(parse_duration(rest)?.as_micros()).ok().map(|micros| -micros),
        None => i64::try_from(parse_duration(text)?.as_micros()).ok(),
    };
    parsed("a duration, as in 15s, 5m or PT1H30M", raw, micros).map(Value::Duration)
}

/// Only people get suggestions: looking for them compares with the whole table, and machines may err ten thousand times a payload.
pub(super) fn unit(quantity: Option<&str>, raw: Raw<'_>, literal: bool) -> Result<Value, Refusal> {
    let Raw::Text(text) = raw else { return Err(Refusal::wrong_type("the name or symbol of a unit", raw)) };
    let unit = if literal {
        Unit::parse(text).map_err(|unknown| Refusal::new("UNKNOWN_UNIT", unknown.to_string()))?
    } else {
        Unit::find(text).ok_or_else(|| Refusal::new("UNKNOWN_UNIT", format!("unknown unit {raw}")))?
    };
    match quantity {
        Some(kind) if !unit.in_quantity(kind) => Err(Refusal::new("WRONG_UNIT", format!("{unit} is not a unit of {kind}"))),
        Some(_) | None => Ok(Value::Text(Arc::from(unit.name()))),
    }
}

pub(super) fn bytes(bytes_max: usize, raw: Raw<'_>) -> Result<Value, Refusal> {
    let too_long = |count: usize| Refusal::new("TOO_LONG", format!("expected at most {bytes_max} bytes, got {count}"));
    let Raw::Text(text) = raw else { return Err(Refusal::wrong_type("bytes in base64", raw)) };
    // Four characters carry three bytes: refuse before anything is decoded.
    let at_least = (text.len() / 4).saturating_sub(1).saturating_mul(3);
    if at_least > bytes_max {
        return Err(too_long(at_least));
    }
    let bytes = BASE64.decode(text).map_err(|_| Refusal::new("FORMAT", format!("expected bytes in base64, got {raw}")))?;
    if bytes.len() > bytes_max { Err(too_long(bytes.len())) } else { Ok(Value::Bytes(bytes.into())) }
}
