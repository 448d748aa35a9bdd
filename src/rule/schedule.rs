//! When a rule is evaluated: the hours in which it may speak, and the only instants at which it looks. Both follow wall time in a zone.

use std::time::Duration;

use jiff::ToSpan;
use jiff::civil::{Date, Time};
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::reading::Timestamp;

use super::calendar::{instant, local};
use super::cron::Cron;

/// Rules that look at certain instants look so often at most.
pub const INSTANTS_EVERY_MIN: Duration = Duration::from_secs(1);
/// Per rule.
pub const PERIODS_MAX: usize = 32;
/// How far ahead the next edge is looked for: in a week and a day each period begins once.
const DAYS_AHEAD: i32 = 8;
/// A period that began this many days ago may still last: it is at most a day long, and clocks may be set back.
const DAYS_BACK: i32 = 2;

/// Monday first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weekday(pub u8);

/// Hours on some days; those that reach over midnight belong to the day on which they begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// One bit per day, Monday first.
    pub days: u8,
    pub from: Time,
    /// At or before `from`: on the next day.
    pub to: Time,
}

/// The hours of a rule: the union of its periods.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    pub periods: Box<[Period]>,
    pub zone: TimeZone,
}

/// The only instants at which a rule is evaluated.
#[derive(Debug, Clone, PartialEq)]
pub enum Instants {
    Cron {
        cron: Box<Cron>,
        zone: TimeZone,
    },
    /// At whole multiples since 1970.
    Every(Duration),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSchedule {
    #[error("`{0}` is no time of day: write it as 06:00, up to 24:00")]
    TimeOfDay(String),
    #[error("`{0}` is no day: MON, TUE, WED, THU, FRI, SAT, SUN")]
    Day(String),
    #[error("`{0}` is no time zone; write one as Europe/Berlin")]
    Zone(String),
    #[error("a schedule has 1 to {PERIODS_MAX} periods, this one has {0}")]
    Periods(usize),
}

impl Weekday {
    const NAMES: [&'static str; 7] = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];

    pub fn parse(text: &str) -> Result<Weekday, InvalidSchedule> {
        let place = Weekday::NAMES.iter().position(|name| name.eq_ignore_ascii_case(text));
        place.and_then(|place| u8::try_from(place).ok()).map(Weekday).ok_or_else(|| InvalidSchedule::Day(shown(text)))
    }

    fn bit(self) -> u8 {
        1u8.checked_shl(u32::from(self.0)).unwrap_or(0)
    }

    fn of(date: Date) -> Weekday {
        Weekday(u8::try_from(date.weekday().to_monday_zero_offset()).unwrap_or(0))
    }
}

/// `06:00`, or with seconds; `24:00` is the midnight that ends the day.
pub fn parse_time_of_day(text: &str) -> Result<Time, InvalidSchedule> {
    let wrong = || InvalidSchedule::TimeOfDay(shown(text));
    let parts: Vec<&str> = text.split(':').collect();
    let number =
        |part: &str| (part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit())).then(|| part.parse::<i8>().ok()).flatten();
    let (hour, minute, second) = match parts.as_slice() {
        [hour, minute] => (number(hour), number(minute), Some(0)),
        [hour, minute, second] => (number(hour), number(minute), number(second)),
        _ => return Err(wrong()),
    };
    match (hour, minute, second) {
        (Some(24), Some(0), Some(0)) => Ok(Time::midnight()),
        (Some(hour), Some(minute), Some(second)) => Time::new(hour, minute, second, 0).map_err(|_| wrong()),
        _ => Err(wrong()),
    }
}

fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

impl Period {
    /// No days means every day.
    pub fn new(days: &[Weekday], from: Time, to: Time) -> Period {
        let named = days.iter().fold(0, |bits, day| bits | day.bit());
        Period { days: if named == 0 { 0x7f } else { named }, from, to }
    }

    /// From its beginning on a day up to, and without, its end. `None` where it does not begin on that day.
    fn on(&self, date: Date, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
        if self.days & Weekday::of(date).bit() == 0 {
            return None;
        }
        let last = if self.to <= self.from { date.checked_add(1.day()).ok()? } else { date };
        Some((instant(date, self.from, zone)?, instant(last, self.to, zone)?))
    }
}

impl Schedule {
    pub fn new(periods: Vec<Period>, zone: TimeZone) -> Result<Schedule, InvalidSchedule> {
        if periods.is_empty() || periods.len() > PERIODS_MAX {
            return Err(InvalidSchedule::Periods(periods.len()));
        }
        Ok(Schedule { periods: periods.into(), zone })
    }

    pub fn contains(&self, time: Timestamp) -> bool {
        self.around(time, 0).any(|(from, to)| from <= time && time < to)
    }

    /// The next instant at which it opens or closes; `None` where it never does.
    pub fn next_edge(&self, after: Timestamp) -> Option<Timestamp> {
        let present = self.contains(after);
        let mut edges: Vec<Timestamp> =
            self.around(after, DAYS_AHEAD).flat_map(|(from, to)| [from, to]).filter(|edge| *edge > after).collect();
        edges.sort_unstable();
        edges.dedup();
        edges.into_iter().find(|edge| self.contains(*edge) != present)
    }

    fn around(&self, time: Timestamp, days_ahead: i32) -> impl Iterator<Item = (Timestamp, Timestamp)> + '_ {
        let today = local(time, &self.zone).map(|local| local.date());
        let days = (-DAYS_BACK..=days_ahead).filter_map(move |days| today?.checked_add(days.days()).ok());
        days.flat_map(move |day| self.periods.iter().filter_map(move |period| period.on(day, &self.zone)))
    }
}

impl Instants {
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        match self {
            Instants::Cron { cron, zone } => cron.next_after(after, zone),
            Instants::Every(every) => {
                let every = i64::try_from(every.as_micros()).ok().filter(|every| *every > 0)?;
                let next = after.0.div_euclid(every).checked_add(1)?.checked_mul(every)?;
                Some(Timestamp(next))
            }
        }
    }
}

/// All zones there are, for suggestions.
pub fn zone_names() -> Vec<String> {
    TimeZoneDatabase::bundled().available().map(|name| name.to_string()).collect()
}

/// A zone by its name, from the zones that come with the program: those of the machine may be others elsewhere, and a replay must give the same.
pub fn zone(name: &str) -> Result<TimeZone, InvalidSchedule> {
    TimeZoneDatabase::bundled().get(name).map_err(|_| InvalidSchedule::Zone(shown(name)))
}
