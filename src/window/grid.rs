//! The instants at which windows begin: multiples of a length since 1970, or of civil time in a zone, where a day may have 23 or 25 hours.

use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};

const HOUR: i64 = 3_600_000_000;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Grid {
    width: i64,
    offset: i64,
    zone: Option<TimeZone>,
}

/// A time zone by its name, from the rules that travel with the program: every machine has the same.
pub fn zone(name: &str) -> Option<TimeZone> {
    TimeZoneDatabase::bundled().get(name).ok()
}

impl Grid {
    pub(super) fn new(width: i64, offset: i64, zone: Option<TimeZone>) -> Grid {
        Grid { width: width.max(1), offset, zone }
    }

    /// The last line at or before an instant.
    pub(super) fn floor(&self, at: i64) -> i64 {
        let Some(zone) = &self.zone else { return self.floor_plain(at) };
        let local = self.floor_plain(local(zone, at));
        let instants = instants(zone, local);
        if self.repeats() && instants.1 <= at { instants.1 } else { instants.0.min(at) }
    }

    /// The first line after one.
    pub(super) fn next(&self, line: i64) -> i64 {
        let Some(zone) = &self.zone else { return line.saturating_add(self.width) };
        let passed = self.floor(line.saturating_add(self.width));
        if self.repeats() && passed > line {
            return passed;
        }
        let local = self.floor_plain(local(zone, line));
        instants(zone, local.saturating_add(self.width)).0.max(line.saturating_add(1))
    }

    /// An instant moved by a length of civil time: a day later is the same time of day.
    pub(super) fn shift(&self, at: i64, micros: i64) -> i64 {
        match &self.zone {
            None => at.saturating_add(micros),
            Some(zone) => instants(zone, local(zone, at).saturating_add(micros)).0,
        }
    }

    /// Whether a line that civil time shows twice is two lines. So the two hours from 2 to 3 of an autumn night are two windows; a day
    /// that has its first hour twice is one.
    fn repeats(&self) -> bool {
        self.width <= HOUR
    }

    fn floor_plain(&self, at: i64) -> i64 {
        let steps = at.saturating_sub(self.offset).div_euclid(self.width);
        steps.saturating_mul(self.width).saturating_add(self.offset)
    }
}

/// What the clocks of a zone show, as microseconds since their 1970.
fn local(zone: &TimeZone, at: i64) -> i64 {
    let Ok(instant) = jiff::Timestamp::from_microsecond(at) else { return at };
    at.saturating_add(micros(zone.to_offset(instant)))
}

/// The first and the last instant at which the clocks of a zone show a time; of one that they skip, the instant of the change.
fn instants(zone: &TimeZone, local: i64) -> (i64, i64) {
    let Ok(shown) = jiff::Timestamp::from_microsecond(local) else { return (local, local) };
    match zone.to_ambiguous_timestamp(Offset::UTC.to_datetime(shown)).offset() {
        AmbiguousOffset::Unambiguous { offset } => (local - micros(offset), local - micros(offset)),
        AmbiguousOffset::Fold { before, after } => (local - micros(before), local - micros(after)),
        AmbiguousOffset::Gap { before, .. } => {
            let behind = local - micros(before);
            let search = jiff::Timestamp::from_microsecond(behind.saturating_add(1)).unwrap_or(shown);
            let change = zone.preceding(search).next().map_or(behind, |change| change.timestamp().as_microsecond());
            (change, change)
        }
    }
}

fn micros(offset: Offset) -> i64 {
    i64::from(offset.seconds()) * 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * HOUR;

    fn at(text: &str) -> i64 {
        crate::reading::Timestamp::parse_rfc3339(text).unwrap().0
    }

    #[test]
    fn days_follow_the_clocks() {
        let berlin = Grid::new(DAY, 0, zone("Europe/Berlin"));
        for (inside, start, end) in [
            ("2026-01-15T12:00:00Z", "2026-01-14T23:00:00Z", "2026-01-15T23:00:00Z"),
            ("2026-03-29T10:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
            ("2026-10-25T00:30:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
        ] {
            assert_eq!(berlin.floor(at(inside)), at(start), "{inside}");
            assert_eq!(berlin.next(at(start)), at(end), "{inside}");
        }
        assert_eq!(zone("Europe/Berlyn"), None);
    }

    #[test]
    fn an_hour_that_comes_twice_is_two() {
        let hours = Grid::new(HOUR, 0, zone("Europe/Berlin"));
        assert_eq!(hours.floor(at("2026-10-25T00:30:00Z")), at("2026-10-25T00:00:00Z"));
        assert_eq!(hours.next(at("2026-10-25T00:00:00Z")), at("2026-10-25T01:00:00Z"));
        assert_eq!(hours.floor(at("2026-10-25T01:30:00Z")), at("2026-10-25T01:00:00Z"));
        assert_eq!(hours.next(at("2026-10-25T01:00:00Z")), at("2026-10-25T02:00:00Z"));
    }

    /// Whatever the zone does, the lines cut time into pieces without a hole.
    #[test]
    fn every_instant_lies_in_exactly_one_piece() {
        for name in ["Europe/Berlin", "America/Havana", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"] {
            for width in [HOUR / 2, HOUR, 6 * HOUR, 7 * HOUR, DAY, 7 * DAY] {
                let grid = Grid::new(width, 0, zone(name));
                for (start, days) in [("2011-12-20T00:00:00Z", 20), ("2018-10-25T00:00:00Z", 20), ("2026-03-01T00:00:00Z", 40)] {
                    let (mut t, end) = (at(start), at(start) + days * DAY);
                    let mut line = grid.floor(t);
                    while t < end {
                        let next = grid.next(line);
                        assert!(line <= t && t < next, "{name} {width}: {t} is not in {line} to {next}");
                        assert_eq!(grid.floor(t), line, "{name} {width} at {t}");
                        t += 17 * 60_000_000;
                        while grid.next(line) <= t {
                            line = grid.next(line);
                            assert_eq!(grid.floor(line), line, "{name} {width}");
                        }
                    }
                }
            }
        }
    }
}
