//! Parts of a date, of a time of day, and of a length of time, counted as CEL counts them.

use jiff::tz::TimeZone;

use super::super::datum::{Datum, Known, Why};
use super::super::tree::Part;

const MICROS_PER_MILLI: i64 = 1000;
const MICROS_PER_SECOND: i64 = 1_000_000;

pub(super) fn part(part: Part, datum: &Datum, zone: &TimeZone) -> Known<i64> {
    if let Datum::Duration(micros) = datum {
        return of_duration(part, *micros);
    }
    let Datum::Timestamp(time) = datum else { return Err(Why::NotConvertible.into()) };
    let instant = jiff::Timestamp::from_microsecond(time.0).map_err(|_| Why::Overflow)?;
    let civil = zone.to_datetime(instant);
    Ok(match part {
        Part::FullYear => i64::from(civil.year()),
        Part::Month => i64::from(civil.month()) - 1,
        Part::Date => i64::from(civil.day()),
        Part::DayOfMonth => i64::from(civil.day()) - 1,
        Part::DayOfWeek => i64::from(civil.weekday().to_sunday_zero_offset()),
        Part::DayOfYear => i64::from(civil.day_of_year()) - 1,
        Part::Hours => i64::from(civil.hour()),
        Part::Minutes => i64::from(civil.minute()),
        Part::Seconds => i64::from(civil.second()),
        Part::Milliseconds => i64::from(civil.millisecond()),
    })
}

/// Hours, minutes and seconds are the whole length; milliseconds are what is left over.
fn of_duration(part: Part, micros: i64) -> Known<i64> {
    match part {
        Part::Hours => Ok(micros / (3600 * MICROS_PER_SECOND)),
        Part::Minutes => Ok(micros / (60 * MICROS_PER_SECOND)),
        Part::Seconds => Ok(micros / MICROS_PER_SECOND),
        Part::Milliseconds => Ok(micros % MICROS_PER_SECOND / MICROS_PER_MILLI),
        Part::FullYear | Part::Month | Part::Date | Part::DayOfMonth | Part::DayOfWeek | Part::DayOfYear => Err(Why::NotConvertible.into()),
    }
}
