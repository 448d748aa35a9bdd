//! Hours, edges, cron and daylight saving.

use jiff::civil::Time;
use jiff::tz::TimeZone;

use crate::reading::Timestamp;
use crate::rule::{
    Cron, Instants, InvalidCron, Period, START_GRACE, Schedule, Timer, TimerKind, Weekday, parse_time_of_day, wake_after_start, zone,
    zone_names,
};

use super::data::{HOUR, MINUTE, Random, minutes};

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn berlin() -> TimeZone {
    zone("Europe/Berlin").unwrap()
}

fn time(text: &str) -> Time {
    parse_time_of_day(text).unwrap()
}

fn schedule(days: &[&str], from: &str, to: &str) -> Schedule {
    let days: Vec<Weekday> = days.iter().map(|day| Weekday::parse(day).unwrap()).collect();
    Schedule::new(vec![Period::new(&days, time(from), time(to))], berlin()).unwrap()
}

/// All edges from an instant on, as local texts.
fn edges(schedule: &Schedule, from: &str, count: usize) -> Vec<String> {
    let edges = std::iter::successors(schedule.next_edge(at(from)), |edge| schedule.next_edge(*edge));
    edges.take(count).map(|edge| format!("{} {}", edge, if schedule.contains(edge) { "opens" } else { "closes" })).collect()
}

#[test]
fn hours_of_a_day() {
    let shift = schedule(&["MON", "fri"], "06:00", "22:00");
    // 2026-01-05 is a Monday; Berlin is one hour ahead.
    assert_eq!(
        edges(&shift, "2026-01-04T12:00:00Z", 4),
        ["2026-01-05T05:00:00Z opens", "2026-01-05T21:00:00Z closes", "2026-01-09T05:00:00Z opens", "2026-01-09T21:00:00Z closes"]
    );
    assert!(shift.contains(at("2026-01-05T05:00:00Z")) && !shift.contains(at("2026-01-05T21:00:00Z")));
    assert!(shift.contains(at("2026-01-05T20:59:59.999999Z")) && !shift.contains(at("2026-01-06T12:00:00Z")));
}

#[test]
fn over_midnight_belongs_to_the_day_it_begins() {
    let night = schedule(&["FRI"], "22:00", "06:00");
    assert_eq!(
        edges(&night, "2026-01-05T12:00:00Z", 3),
        ["2026-01-09T21:00:00Z opens", "2026-01-10T05:00:00Z closes", "2026-01-16T21:00:00Z opens"]
    );
    assert!(night.contains(at("2026-01-10T04:59:00Z")), "Saturday morning is still Friday night");
    let always = schedule(&[], "00:00", "00:00");
    assert!(always.contains(at("2026-01-05T12:00:00Z")) && always.next_edge(at("2026-01-05T12:00:00Z")).is_none());
    let to_midnight = schedule(&["MON"], "20:00", "24:00");
    assert_eq!(edges(&to_midnight, "2026-01-05T12:00:00Z", 2), ["2026-01-05T19:00:00Z opens", "2026-01-05T23:00:00Z closes"]);
}

#[test]
fn clocks_are_changed() {
    let early = schedule(&[], "01:00", "04:00");
    // In spring the three hours are two, in autumn four.
    assert_eq!(edges(&early, "2026-03-28T12:00:00Z", 2), ["2026-03-29T00:00:00Z opens", "2026-03-29T02:00:00Z closes"]);
    assert_eq!(edges(&early, "2026-10-24T12:00:00Z", 2), ["2026-10-24T23:00:00Z opens", "2026-10-25T03:00:00Z closes"]);
    // 02:30 does not exist on 29 March: it opens when the clock has gone on.
    let skipped = schedule(&[], "02:30", "05:00");
    assert_eq!(edges(&skipped, "2026-03-28T12:00:00Z", 2), ["2026-03-29T01:30:00Z opens", "2026-03-29T03:00:00Z closes"]);
    // 02:30 comes twice on 25 October: the first one counts.
    assert_eq!(edges(&skipped, "2026-10-24T12:00:00Z", 2), ["2026-10-25T00:30:00Z opens", "2026-10-25T04:00:00Z closes"]);
}

#[test]
fn periods_that_touch_have_no_edge_between_them() {
    let periods = vec![Period::new(&[], time("06:00"), time("14:00")), Period::new(&[], time("14:00"), time("22:00"))];
    let both = Schedule::new(periods, TimeZone::UTC).unwrap();
    assert_eq!(edges(&both, "2026-01-05T07:00:00Z", 2), ["2026-01-05T22:00:00Z closes", "2026-01-06T06:00:00Z opens"]);
    assert!(Schedule::new(Vec::new(), TimeZone::UTC).is_err());
}

#[test]
fn the_next_edge_is_the_first_instant_at_which_it_differs() {
    let mut random = Random::new(7);
    for _ in 0..40 {
        let mut clock = || Time::new(i8::try_from(random.below(24)).unwrap(), i8::try_from(random.below(4) * 15).unwrap(), 0, 0).unwrap();
        let (a, b, c, d) = (clock(), clock(), clock(), clock());
        let days: Vec<Weekday> = (0..7).filter(|_| random.below(2) == 0).map(Weekday).collect();
        let schedule = Schedule::new(vec![Period::new(&days, a, b), Period::new(&[Weekday(2)], c, d)], berlin()).unwrap();
        let from = Timestamp(at("2026-03-25T00:00:00Z").0 + i64::try_from(random.below(60 * 24 * 7)).unwrap() * MINUTE);
        let brute = (1..8 * 24 * 4).map(|quarter| Timestamp((from.0 / (15 * MINUTE) + quarter) * 15 * MINUTE));
        let brute = brute.into_iter().find(|time| schedule.contains(*time) != schedule.contains(from));
        assert_eq!(schedule.next_edge(from), brute, "{schedule:?} from {from}");
    }
}

#[test]
fn times_of_day() {
    for text in ["26:00", "6:00", "06", "06:60", "24:01", "", "06:00:00:00", "-1:00", "aa:bb"] {
        assert!(parse_time_of_day(text).is_err(), "{text}");
    }
    assert_eq!((time("06:00:30").second(), time("24:00")), (30, Time::midnight()));
    assert_eq!(parse_time_of_day("26:00").unwrap_err().to_string(), "`26:00` is no time of day: write it as 06:00, up to 24:00");
    assert!(zone_names().iter().any(|name| name == "Europe/Berlin"));
    assert!(zone("Europe/Berlyn").is_err() && Weekday::parse("MONDAY").is_err());
}

fn runs(text: &str, zone: &TimeZone, from: &str, count: usize) -> Vec<String> {
    let cron = Cron::parse(text).unwrap();
    let runs = std::iter::successors(cron.next_after(at(from), zone), |run| cron.next_after(*run, zone));
    runs.take(count).map(|run| run.to_string()).collect()
}

#[test]
fn cron() {
    let utc = TimeZone::UTC;
    for (text, from, expected) in [
        ("*/15 * * * *", "2026-01-01T00:00:00Z", vec!["2026-01-01T00:15:00Z", "2026-01-01T00:30:00Z"]),
        ("0 6 * * *", "2026-01-01T06:00:00Z", vec!["2026-01-02T06:00:00Z"]),
        ("0 6 * * *", "2026-01-01T05:59:59.999999Z", vec!["2026-01-01T06:00:00Z"]),
        // 0 and 7 are Sunday.
        ("0 0 * * 7", "2026-01-01T00:00:00Z", vec!["2026-01-04T00:00:00Z", "2026-01-11T00:00:00Z"]),
        ("0 0 * * SUN", "2026-01-01T00:00:00Z", vec!["2026-01-04T00:00:00Z"]),
        ("0 0 * * 1-5", "2026-01-02T00:00:00Z", vec!["2026-01-05T00:00:00Z"]),
        // Day of month and day of week are OR-ed.
        (
            "0 0 13 * FRI",
            "2026-02-12T00:00:00Z",
            vec!["2026-02-13T00:00:00Z", "2026-02-20T00:00:00Z", "2026-02-27T00:00:00Z", "2026-03-06T00:00:00Z", "2026-03-13T00:00:00Z"],
        ),
        ("0 0 29 2 *", "2026-01-01T00:00:00Z", vec!["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]),
        ("0 0 29 feb *", "2097-01-01T00:00:00Z", vec!["2104-02-29T00:00:00Z"]),
        ("0 0 30 2 *", "2026-01-01T00:00:00Z", vec![]),
        (
            "5,10-12,50/5 0 1 1 *",
            "2026-01-01T00:00:00Z",
            vec![
                "2026-01-01T00:05:00Z",
                "2026-01-01T00:10:00Z",
                "2026-01-01T00:11:00Z",
                "2026-01-01T00:12:00Z",
                "2026-01-01T00:50:00Z",
                "2026-01-01T00:55:00Z",
            ],
        ),
    ] {
        assert_eq!(runs(text, &utc, from, expected.len().max(1)), expected, "{text} from {from}");
    }
}

#[test]
fn cron_when_clocks_are_changed() {
    let zone = berlin();
    // Skipped, it comes when the clock has gone on; repeated, it comes once.
    assert_eq!(runs("30 2 * * *", &zone, "2026-03-28T12:00:00Z", 2), ["2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"]);
    assert_eq!(runs("30 2 * * *", &zone, "2026-10-24T12:00:00Z", 2), ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
    // What runs every hour runs every hour that passes.
    let hourly = ["2026-10-24T23:30:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z"];
    assert_eq!(runs("30 * * * *", &zone, "2026-10-24T23:00:00Z", 4), hourly);
    assert_eq!(
        runs("30 * * * *", &zone, "2026-03-29T00:00:00Z", 3),
        ["2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z", "2026-03-29T02:30:00Z"]
    );
}

/// One field as text, with the values it has.
fn any_field(random: &mut Random, from: u8, to: u8) -> (String, Vec<u8>) {
    let mut value = || from + u8::try_from(random.below(u64::from(to - from) + 1)).unwrap();
    let (a, b, step) = (value(), value(), 2 + value() % 7);
    let (first, last) = (a.min(b), a.max(b));
    match random.below(6) {
        0 | 1 => ("*".to_owned(), (from..=to).collect()),
        2 => (format!("*/{step}"), (from..=to).step_by(step.into()).collect()),
        3 => (format!("{first}-{last}"), (first..=last).collect()),
        4 => (format!("{first}/{step}"), (first..=to).step_by(step.into()).collect()),
        _ => (format!("{b},{a}"), vec![a, b]),
    }
}

/// Day by day and minute by minute, as a person would with a calendar and a clock.
#[test]
fn a_cron_comes_when_every_minute_is_tried() {
    let mut random = Random::new(11);
    let zones = ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/Santiago"].map(|name| zone(name).unwrap());
    for round in 0..30 {
        let zone = &zones[usize::try_from(random.below(4)).unwrap()];
        let (minute, minutes) = any_field(&mut random, 0, 59);
        let (hour, hours) = any_field(&mut random, 0, 23);
        let (day, days) = any_field(&mut random, 1, 31);
        let (weekday, weekdays) = any_field(&mut random, 0, 7);
        let text = format!("{minute} {hour} {day} * {weekday}");
        // Some weeks of spring or autumn, in which clocks are changed somewhere.
        let begin = jiff::civil::date(2026, [3, 4, 9, 10][usize::try_from(random.below(4)).unwrap()], 25);
        let fits = |date: jiff::civil::Date| {
            let by_day = days.iter().any(|day| i8::try_from(*day) == Ok(date.day()));
            let sunday_first = date.weekday().to_sunday_zero_offset();
            let by_weekday = weekdays.iter().any(|day| i8::try_from(*day % 7) == Ok(sunday_first));
            if day != "*" && weekday != "*" { by_day || by_weekday } else { by_day && by_weekday }
        };
        let mut expected = std::collections::BTreeSet::new();
        let start = Timestamp(begin.to_zoned(zone.clone()).unwrap().timestamp().as_microsecond());
        if hour == "*" {
            let all = (0..21 * 24 * 60).map(|minute| Timestamp(start.0 + minute * MINUTE));
            expected.extend(all.filter(|time| {
                let local = jiff::Timestamp::from_microsecond(time.0).unwrap().to_zoned(zone.clone());
                fits(local.date()) && minutes.contains(&u8::try_from(local.minute()).unwrap())
            }));
        } else {
            for date in begin.series(jiff::Span::new().days(1)).take(20).filter(|date| fits(*date)) {
                for (hour, minute) in hours.iter().flat_map(|hour| minutes.iter().map(move |minute| (*hour, *minute))) {
                    let time = date.at(i8::try_from(hour).unwrap(), i8::try_from(minute).unwrap(), 0, 0);
                    expected.insert(Timestamp(time.to_zoned(zone.clone()).unwrap().timestamp().as_microsecond()));
                }
            }
        }
        let cron = Cron::parse(&text).unwrap();
        let before = Timestamp(start.0 - 1);
        let found = std::iter::successors(cron.next_after(before, zone), |run| cron.next_after(*run, zone));
        let end = Timestamp(start.0 + 19 * 24 * HOUR);
        let found: Vec<Timestamp> = found.take_while(|time| *time < end).take(4000).collect();
        let expected: Vec<Timestamp> = expected.into_iter().filter(|time| *time < end).take(4000).collect();
        assert!(found == expected, "round {round}: `{text}` in {zone:?} from {begin}: {:?}", {
            found.iter().zip(&expected).find(|(found, expected)| found != expected).map(|(a, b)| (a.to_string(), b.to_string()))
        });
    }
}

#[test]
fn crons_that_are_none() {
    assert_eq!(Cron::parse("0 0 * * * *"), Err(InvalidCron::Fields(6)));
    assert_eq!(
        Cron::parse("0 0 * * * *").unwrap_err().to_string(),
        "cron has 6 fields; five are meant: minute, hour, day of month, month, day of week"
    );
    for text in [
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "a * * * *",
        "5-1 * * * *",
        "*/0 * * * *",
        ", * * * *",
        "1- * * * *",
        "+1 * * * *",
        "*/999 * * * *",
    ] {
        assert!(matches!(Cron::parse(text), Err(InvalidCron::Field { .. })), "{text}");
    }
}

#[test]
fn every_so_often() {
    let hourly = Instants::Every(minutes(60));
    assert_eq!(hourly.next_after(Timestamp(HOUR)), Some(Timestamp(2 * HOUR)));
    assert_eq!(hourly.next_after(Timestamp(-1)), Some(Timestamp(0)));
    assert_eq!(Instants::Every(minutes(0)).next_after(Timestamp(0)), None);
    assert_eq!(hourly.next_after(Timestamp(i64::MAX)), None);
}

#[test]
fn ties_and_the_grace_after_a_start() {
    let timer = |kind, place| Timer { due: Timestamp(5), kind, place };
    let mut timers =
        [timer(TimerKind::WindowEnd, 0), timer(TimerKind::Silence, 0), timer(TimerKind::RuleDelay, 9), timer(TimerKind::RuleDelay, 2)];
    timers.sort_unstable();
    let order: Vec<(TimerKind, u16)> = timers.iter().map(|timer| (timer.kind, timer.place)).collect();
    assert_eq!(order, [(TimerKind::RuleDelay, 2), (TimerKind::RuleDelay, 9), (TimerKind::Silence, 0), (TimerKind::WindowEnd, 0)]);
    let (started, overdue) = (Timestamp(100 * HOUR), Timestamp(HOUR));
    assert_eq!(wake_after_start(overdue, started, false), started.plus(START_GRACE));
    assert_eq!(wake_after_start(overdue, started, true), overdue);
    assert_eq!(wake_after_start(Timestamp(200 * HOUR), started, false), Timestamp(200 * HOUR));
}
