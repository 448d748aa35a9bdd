//! Times as people's tables write them.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::reading::Timestamp;

/// Whole numbers from here on are milliseconds: as seconds they would lie behind the year 5000.
const MILLIS_FROM: f64 = 1e11;
/// And from here on microseconds.
const MICROS_FROM: f64 = 1e14;

/// ISO 8601 with an offset or without one (then it is UTC), with a `T` or a blank before the time of day; or a number of seconds, milliseconds or
/// microseconds since 1970, told apart by its size.
pub fn read_time(text: &str) -> Result<Timestamp, String> {
    let text = text.trim();
    let first = text.as_bytes().first().copied().unwrap_or(b' ');
    // Dates begin with four digits and a hyphen; what is a number throughout counts from 1970.
    if let Some(number) = Some(text).filter(|_| first.is_ascii_digit() || first == b'-').and_then(|text| text.parse::<f64>().ok()) {
        return since_1970(number).ok_or_else(|| invalid(text));
    }
    let civil = || {
        let local = text.parse::<DateTime>().or_else(|_| text.parse::<Date>().map(Date::into)).ok()?;
        TimeZone::UTC.to_timestamp(local).ok()
    };
    let has_offset = text.ends_with('Z') || text.get(10..).is_some_and(|clock| clock.contains(['+', '-', 'z']));
    let instant = if has_offset { text.parse().ok() } else { civil() };
    instant.and_then(|instant| Timestamp::from_micros(instant.as_microsecond())).ok_or_else(|| invalid(text))
}

fn since_1970(number: f64) -> Option<Timestamp> {
    let micros = match number.abs() {
        size if size >= MICROS_FROM => number,
        size if size >= MILLIS_FROM => number * 1e3,
        _ => number * 1e6,
    };
    (micros.abs() < 9e18).then(|| micros.round() as i64).and_then(Timestamp::from_micros)
}

fn invalid(text: &str) -> String {
    let shown: String = text.chars().take(60).collect();
    format!("`{shown}` is not a time: write 2026-01-31T12:00:00Z, 2026-01-31 12:00:00 (UTC), or seconds or milliseconds since 1970")
}
