//! Times as payloads write them.

use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::{Offset, TimeZone};
use serde_json::Value as Json;

use crate::catalog::binding::TimeFormat;
use crate::reading::{Raw, Timestamp};

/// `ts` of a native payload: RFC 3339 text, or milliseconds since 1970 whose fraction is microseconds.
pub fn native(raw: Raw<'_>) -> Result<Timestamp, String> {
    let time = match raw {
        Raw::Text(text) => Timestamp::parse_rfc3339(text),
        Raw::Int(millis) => Timestamp::from_millis(millis),
        Raw::UInt(millis) => Timestamp::from_millis_f64(millis as f64),
        Raw::Float(millis) => Timestamp::from_millis_f64(millis),
        Raw::Null | Raw::Bool(_) | Raw::Structure(_) => {
            return Err(format!("expected a time, as RFC 3339 text or as milliseconds since 1970, got {raw}"));
        }
    };
    time.map_err(|invalid| invalid.to_string())
}

/// A [`TimeFormat`] ready for use: its time zone is resolved.
#[derive(Debug, Clone)]
pub struct TimeReader {
    form: Form,
}

#[derive(Debug, Clone)]
enum Form {
    Rfc3339,
    /// How many microseconds one unit of the sent number is.
    Since1970 {
        unit_micros: i64,
    },
    Pattern {
        pattern: Box<str>,
        zone: TimeZone,
    },
}

impl TimeReader {
    /// Refuses a pattern or zone that nothing can be read with; the text says which and why.
    pub fn new(format: &TimeFormat) -> Result<TimeReader, String> {
        let form = match format {
            TimeFormat::Rfc3339 => Form::Rfc3339,
            TimeFormat::Unix => Form::Since1970 { unit_micros: 1_000_000 },
            TimeFormat::UnixMillis => Form::Since1970 { unit_micros: 1000 },
            TimeFormat::UnixMicros => Form::Since1970 { unit_micros: 1 },
            TimeFormat::Pattern { pattern, zone } => {
                check_pattern(pattern)?;
                Form::Pattern { pattern: pattern.clone(), zone: time_zone(zone)? }
            }
        };
        Ok(TimeReader { form })
    }

    pub fn read(&self, json: &Json) -> Result<Timestamp, String> {
        match &self.form {
            Form::Rfc3339 => match json.as_str() {
                Some(text) => Timestamp::parse_rfc3339(text).map_err(|invalid| invalid.to_string()),
                None => Err(format!("expected a time as RFC 3339 text, got {}", Raw::from(json))),
            },
            Form::Since1970 { unit_micros } => {
                since_1970(json, *unit_micros).ok_or_else(|| format!("expected a time as a number since 1970, got {}", Raw::from(json)))
            }
            Form::Pattern { pattern, zone } => {
                // Some formats are digits only, and some senders write those as a number.
                let number = json.is_number().then(|| json.to_string());
                let text = json.as_str().or(number.as_deref());
                let time = text.and_then(|text| by_pattern(pattern, zone, text));
                time.ok_or_else(|| format!("expected a time of the form {pattern}, got {}", Raw::from(json)))
            }
        }
    }
}

/// The number may be written as text, since the format leaves no doubt.
fn since_1970(json: &Json, unit_micros: i64) -> Option<Timestamp> {
    let (whole, number) = match json {
        Json::Number(number) => (number.as_i64(), number.as_f64()?),
        Json::String(text) => (text.parse::<i64>().ok(), text.parse::<f64>().ok()?),
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => return None,
    };
    match whole {
        Some(whole) => Timestamp::from_micros(whole.checked_mul(unit_micros)?),
        None => Timestamp::from_millis_f64(number * (unit_micros as f64 / 1000.0)).ok(),
    }
}

fn by_pattern(pattern: &str, zone: &TimeZone, text: &str) -> Option<Timestamp> {
    let parts = BrokenDownTime::parse(pattern, text).ok()?;
    let instant = match parts.to_timestamp() {
        Ok(instant) => instant,
        Err(_) => {
            let local =
                parts.to_datetime().or_else(|_| parts.to_date().map(|date| date.to_datetime(jiff::civil::Time::midnight()))).ok()?;
            local.to_zoned(zone.clone()).ok()?.timestamp()
        }
    };
    Timestamp::from_micros(instant.as_microsecond())
}

/// A pattern is good if what it writes can be read with it: that needs at least a date.
fn check_pattern(pattern: &str) -> Result<(), String> {
    let sample = jiff::Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
    let written =
        jiff::fmt::strtime::format(pattern, &sample).map_err(|error| format!("the time format `{pattern}` cannot be used: {error}"))?;
    let read = by_pattern(pattern, &TimeZone::UTC, &written);
    if read.is_some() { Ok(()) } else { Err(format!("the time format `{pattern}` does not say a date")) }
}

/// An IANA name, `Z`, or an offset as in `+02:00`.
fn time_zone(name: &str) -> Result<TimeZone, String> {
    if matches!(name, "Z" | "UTC" | "utc") {
        return Ok(TimeZone::UTC);
    }
    if let Some(offset) = fixed_offset(name) {
        return Ok(TimeZone::fixed(offset));
    }
    TimeZone::get(name)
        .map_err(|_| format!("unknown time zone `{name}`: write an IANA name as in Europe/Berlin, or an offset as in +02:00"))
}

fn fixed_offset(text: &str) -> Option<Offset> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let number = |digits: &str, max: i32| {
        let is_number = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { digits.parse::<i32>().ok().filter(|number| *number <= max) } else { None }
    };
    Offset::from_seconds(sign * (number(hours, 23)? * 3600 + number(minutes, 59)? * 60)).ok()
}
