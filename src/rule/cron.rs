//! Cron: five fields, minute to day of week. Day of month and day of week are OR-ed where both are given.
//!
//! Where the hour is given, an instant follows the clock on the wall: skipped in spring, it comes when the clock goes on; repeated in autumn, it
//! comes once. Where the hour is `*`, every hour counts that passes, so nothing is skipped and nothing is doubled in real time.

use std::ops::Range;

use jiff::ToSpan;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use crate::reading::Timestamp;

use super::calendar::{instant, local};

/// A day that matches is found within this many, or there is none: 29 February comes again after eight years at most.
const DAYS_AHEAD_MAX: i32 = 8 * 366 + 2;
const MICROS_PER_MINUTE: i64 = 60_000_000;
/// The longest day there is, with a clock that is set back by hours.
const MINUTES_PER_DAY_MAX: i64 = 27 * 60;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    /// Sunday is 0.
    weekdays: u64,
    every_hour: bool,
    any_day: bool,
    any_weekday: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCron {
    #[error("cron has {0} fields; five are meant: minute, hour, day of month, month, day of week")]
    Fields(usize),
    #[error("`{text}` is no {field} of a cron: {from} to {to}, `*`, lists, ranges, and steps as `*/5`")]
    Field { text: String, field: &'static str, from: u8, to: u8, place: Range<usize> },
}

impl InvalidCron {
    /// The bytes of that text that are wrong.
    pub fn place(&self, text: &str) -> Range<usize> {
        match self {
            InvalidCron::Field { place, .. } => place.clone(),
            // From the first one that is too many on.
            InvalidCron::Fields(_) => text.split_ascii_whitespace().nth(FIELDS.len()).map_or(0, |more| offset(text, more))..text.len(),
        }
    }
}

/// Where a part of a text stands in it.
fn offset(text: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize)
}

struct Field {
    name: &'static str,
    from: u8,
    to: u8,
    /// For what stands at `from` on.
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", from: 0, to: 59, names: &[] },
    Field { name: "hour", from: 0, to: 23, names: &[] },
    Field { name: "day of month", from: 1, to: 31, names: &[] },
    Field { name: "month", from: 1, to: 12, names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"] },
    Field { name: "day of week", from: 0, to: 7, names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"] },
];

impl Cron {
    pub fn parse(text: &str) -> Result<Cron, InvalidCron> {
        let parts: Vec<&str> = text.split_ascii_whitespace().take(16).collect();
        let [minutes, hours, days, months, weekdays] = parts.as_slice() else { return Err(InvalidCron::Fields(parts.len())) };
        let field = |no: usize, part: &str| FIELDS[no].parse(part).map_err(|item| FIELDS[no].wrong(text, item));
        let (minutes_set, hours_set, days_set) = (field(0, minutes)?, field(1, hours)?, field(2, days)?);
        let (months_set, sunday_twice) = (field(3, months)?, field(4, weekdays)?);
        Ok(Cron {
            minutes: minutes_set,
            hours: hours_set,
            days: days_set,
            months: months_set,
            weekdays: (sunday_twice | (sunday_twice >> 7)) & 0x7f,
            every_hour: *hours == "*",
            any_day: *days == "*",
            any_weekday: *weekdays == "*",
        })
    }

    /// The next instant after this one; `None` if there is none, as on 30 February.
    pub fn next_after(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let today = local(after, zone)?.date();
        // From yesterday on: what the clock skips at the end of a day comes on the next.
        let days = (-1..=DAYS_AHEAD_MAX).map_while(|days| today.checked_add(days.days()).ok());
        days.filter(|day| self.matches(*day)).find_map(|day| self.on(day, after, zone))
    }

    fn matches(&self, date: Date) -> bool {
        let has = |bits: u64, value: i8| u32::try_from(value).is_ok_and(|value| bits & (1 << value) != 0);
        let (day, weekday) = (has(self.days, date.day()), has(self.weekdays, date.weekday().to_sunday_zero_offset()));
        let fits = match (self.any_day, self.any_weekday) {
            (false, false) => day || weekday,
            (true, false) => weekday,
            (false, true) => day,
            (true, true) => true,
        };
        fits && has(self.months, date.month())
    }

    /// The first instant of a day after `after`.
    fn on(&self, date: Date, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        if self.every_hour { self.on_by_minutes(date, after, zone) } else { self.on_by_hours(date, after, zone) }
    }

    fn on_by_hours(&self, date: Date, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let times = (0..24i8).filter(|hour| self.hours & (1 << hour) != 0).flat_map(|hour| {
            let minutes = (0..60i8).filter(|minute| self.minutes & (1 << minute) != 0);
            minutes.filter_map(move |minute| Time::new(hour, minute, 0, 0).ok())
        });
        times.filter_map(|time| instant(date, time, zone)).filter(|time| *time > after).min()
    }

    fn on_by_minutes(&self, date: Date, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let begins = instant(date, Time::midnight(), zone)?;
        let passed = (after.micros_since(begins).div_euclid(MICROS_PER_MINUTE) + 1).max(0);
        let minutes = (passed..MINUTES_PER_DAY_MAX).map(|minute| Timestamp(begins.0.saturating_add(minute * MICROS_PER_MINUTE)));
        let local = minutes.map_while(|time| local(time, zone).filter(|local| local.date() <= date).map(|local| (time, local)));
        local.filter(|(_, local)| self.minutes & (1 << local.minute()) != 0 && local.date() == date).map(|(time, _)| time).next()
    }
}

impl Field {
    /// One bit per value, or the item that is wrong.
    fn parse<'t>(&self, text: &'t str) -> Result<u64, &'t str> {
        text.split(',').try_fold(0, |bits, item| Ok(bits | self.item(item).ok_or(item)?))
    }

    fn item(&self, item: &str) -> Option<u64> {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<u8>().ok().filter(|step| *step > 0)?)),
            None => (item, None),
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (self.from, self.to),
            Some((first, last)) => (self.value(first)?, self.value(last)?),
            // `10/5`: from 10 on, every fifth.
            None => (self.value(range)?, if step.is_some() { self.to } else { self.value(range)? }),
        };
        let values = (first..=last).step_by(usize::from(step.unwrap_or(1)));
        (first <= last).then(|| values.fold(0, |bits, value| bits | (1u64 << value)))
    }

    fn value(&self, text: &str) -> Option<u8> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text)).and_then(|place| u8::try_from(place).ok());
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let value = match named {
            Some(place) => place + self.from,
            None => text.parse::<u8>().ok().filter(|_| is_number)?,
        };
        (self.from..=self.to).contains(&value).then_some(value)
    }

    fn wrong(&self, text: &str, item: &str) -> InvalidCron {
        let start = offset(text, item);
        let place = start..start + item.len().max(1);
        InvalidCron::Field { text: item.chars().take(40).collect(), field: self.name, from: self.from, to: self.to, place }
    }
}
