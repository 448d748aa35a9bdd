//! What values become in the columns of a tensor: numbers, lists of zeros with a one, labels, hours.

use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::pick::number;
use super::{Code, Datum, Other, Time};
use crate::reading::Timestamp;

const MICROS_PER_HOUR: f64 = 3_600_000_000.0;

/// Behind the others. Why not, if the value has no place.
pub(super) fn encode(value: &Datum, code: &Code, into: &mut Vec<Datum>) -> Result<(), String> {
    match code {
        Code::Plain => {
            into.push(number(value).map_or_else(|| value.clone(), Datum::Number));
            Ok(())
        }
        Code::OneHot { values, other } => {
            let text = text_of(value);
            let place = values.iter().position(|known| *known == text);
            let column = match (place, other) {
                (Some(place), _) => Some(place),
                (None, Other::Column) => Some(values.len()),
                (None, Other::Zeros) => None,
                (None, Other::Refused) => return Err(format!("`{text}` is none of {}", values.join(", "))),
            };
            let width = values.len() + usize::from(*other == Other::Column);
            into.extend((0..width).map(|at| Datum::Number(f64::from(u8::from(Some(at) == column)))));
            Ok(())
        }
        Code::Label { values, other } => {
            let text = text_of(value);
            let label = values.iter().find(|(known, _)| *known == text).map(|(_, label)| *label).or(*other);
            let known = || values.iter().map(|(known, _)| known.as_str()).collect::<Vec<_>>().join(", ");
            into.push(Datum::Number(label.ok_or_else(|| format!("`{text}` is none of {}", known()))?));
            Ok(())
        }
    }
}

/// As a list of values in a manifest writes it.
fn text_of(value: &Datum) -> String {
    match value {
        Datum::Text(text) => text.to_string(),
        Datum::Bool(value) => value.to_string(),
        Datum::Number(number) => number.to_string(),
    }
}

/// Why not, if the zone is unknown or the twin has no beginning.
pub(super) fn time(what: Time, is_cyclic: bool, zone: Option<&str>, at: Timestamp, started: Option<Timestamp>) -> Result<Vec<f64>, String> {
    let (value, period) = match what {
        Time::SinceStart => {
            let started = started.ok_or_else(|| "the twin has no beginning".to_owned())?;
            return Ok(vec![at.micros_since(started) as f64 / MICROS_PER_HOUR]);
        }
        Time::HourOfDay => (local(at, zone)?.0, 24.0),
        Time::DayOfWeek => (local(at, zone)?.1, 7.0),
    };
    if !is_cyclic {
        return Ok(vec![value]);
    }
    let angle = value / period * std::f64::consts::TAU;
    // Not the machine's own, whose last digit may differ from another's.
    Ok(vec![libm::sin(angle), libm::cos(angle)])
}

/// The hour with its fraction, and the day of the week.
fn local(at: Timestamp, zone: Option<&str>) -> Result<(f64, f64), String> {
    let zone = match zone {
        None => TimeZone::UTC,
        Some(name) => TimeZoneDatabase::bundled().get(name).map_err(|_| format!("the time zone `{name}` is unknown"))?,
    };
    let instant = jiff::Timestamp::from_microsecond(at.0).map_err(|error| error.to_string())?.to_zoned(zone);
    let seconds = f64::from(instant.minute()) * 60.0 + f64::from(instant.second()) + f64::from(instant.subsec_nanosecond()) / 1e9;
    let hour = f64::from(instant.hour()) + seconds / 3600.0;
    Ok((hour, f64::from(instant.weekday().to_monday_zero_offset())))
}
