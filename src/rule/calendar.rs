//! Days and times of day in a zone, as instants. What a clock skips in spring comes when it goes on; what it repeats in autumn comes the first time.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use crate::reading::Timestamp;

/// The local date and time of an instant.
pub(super) fn local(time: Timestamp, zone: &TimeZone) -> Option<DateTime> {
    Some(zone.to_datetime(jiff::Timestamp::from_microsecond(time.0).ok()?))
}

pub(super) fn instant(date: Date, time: Time, zone: &TimeZone) -> Option<Timestamp> {
    let instant = zone.to_timestamp(date.to_datetime(time)).ok()?;
    Timestamp::from_micros(instant.as_microsecond())
}
