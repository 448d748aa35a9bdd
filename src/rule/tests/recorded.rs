//! Recorded series with known counts (`acceptance-rules-models.md`, T1b to T6b). The data are not part of the project: `POLLUX_TEST_DATA` names their folder.

#![expect(clippy::disallowed_methods, reason = "the folder of the data is a matter of the machine that runs the tests")]

use std::path::PathBuf;

use crate::reading::Timestamp;
use crate::rule::{Kind, Member as Observed, NoData, OnUnknown, Pattern, Rule, RuleState, Step, Truths, evaluate, silent_at};

use super::data::{HOUR, Limits, MINUTE, Member, minutes};

fn data(file: &str) -> Option<String> {
    let Some(folder) = std::env::var_os("POLLUX_TEST_DATA").map(PathBuf::from) else {
        eprintln!("SKIPPED: POLLUX_TEST_DATA names no folder, so {file} was not looked at");
        return None;
    };
    let found = [folder.join(file), folder.join("ml").join(file)].into_iter().find(|path| path.is_file());
    if found.is_none() {
        eprintln!("SKIPPED: there is no {file} in {}", folder.display());
    }
    Some(std::fs::read_to_string(found?).unwrap())
}

/// `2013-12-02 21:15:00,73.9`
fn series(file: &str) -> Option<Vec<(Timestamp, f64)>> {
    let text = data(file)?;
    let rows = text.lines().skip(1).map(|line| {
        let (time, value) = line.split_once(',').unwrap();
        (time_of(time), value.trim().parse().unwrap())
    });
    Some(rows.collect())
}

fn time_of(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(&format!("{}Z", text.replace(' ', "T"))).unwrap()
}

/// As a view with a reorder of an hour sees it: by time, and of one time the later one.
fn reordered(rows: &[(Timestamp, f64)]) -> Vec<(Timestamp, f64)> {
    let mut sorted = rows.to_vec();
    sorted.sort_by_key(|(time, _)| *time);
    let mut kept: Vec<(Timestamp, f64)> = Vec::new();
    for row in sorted {
        match kept.last_mut() {
            Some(last) if last.0 == row.0 => *last = row,
            Some(_) | None => kept.push(row),
        }
    }
    kept
}

fn run(rows: &[(Timestamp, f64)], limits: Limits, on_delay: u64, off_delay: u64) -> Member {
    let mut rule = Rule::new("hot", Kind::Condition);
    rule.levels = limits.levels.iter().map(|_| crate::rule::Level { severity: crate::alarm::Severity::Critical }).collect();
    (rule.on_delay, rule.off_delay) = (minutes(on_delay), minutes(off_delay));
    let mut member = Member::new(rule, limits);
    for (time, value) in rows {
        member.replay(*time, *value);
    }
    member
}

const MACHINE: &str = "nab/machine_temperature_system_failure.csv";
const AMBIENT: &str = "nab/ambient_temperature_system_failure.csv";

#[test]
fn deadband_and_delays() {
    let Some(rows) = series(MACHINE) else { return };
    let sorted = reordered(&rows);
    for (deadband, on, off, with_reorder, in_file_order) in
        [(0.0, 0, 0, 298, 299), (2.0, 0, 0, 52, 52), (0.0, 15, 0, 58, 58), (2.0, 15, 0, 35, 35), (2.0, 15, 15, 30, 30)]
    {
        let limits = Limits::above(95.0, deadband);
        assert_eq!(run(&sorted, limits.clone(), on, off).raises(), with_reorder, "{deadband} {on} {off}, reordered");
        assert_eq!(run(&rows, limits, on, off).raises(), in_file_order, "{deadband} {on} {off}, in file order");
    }
    let (last, limits) = (sorted.last().unwrap().0, Limits::above(95.0, 2.0));
    let (view, plain) = (run(&sorted, limits.clone(), 15, 15), run(&rows, limits, 15, 15));
    assert_eq!((view.state.avoided, plain.state.avoided), (84, 85));
    assert_eq!(view.occurrences(), plain.occurrences());
    let ended: i64 = view.occurrences().iter().filter_map(|(raised, cleared)| Some(cleared.as_ref()?.micros_since(*raised))).sum();
    assert_eq!(ended, 1_737_300 * 1_000_000);
    assert_eq!(view.occurrences().iter().filter(|(_, cleared)| cleared.is_none()).count(), 1);
    assert!(view.active_micros(last) > ended);
}

#[test]
fn conflicts_of_one_instant_are_judged_one_after_the_other() {
    let Some(mut rows) = series(MACHINE) else { return };
    rows.sort_by_key(|(time, _)| *time);
    assert_eq!(run(&rows, Limits::above(95.0, 0.0), 0, 0).raises(), 300);
    let mut first_wins = rows.clone();
    first_wins.dedup_by_key(|(time, _)| *time);
    assert_eq!(run(&first_wins, Limits::above(95.0, 0.0), 0, 0).raises(), 299);
}

#[test]
fn levels() {
    let Some(rows) = series(MACHINE) else { return };
    let limits = Limits { levels: vec![100.0], ..Limits::above(95.0, 2.0) };
    let member = run(&reordered(&rows), limits, 15, 15);
    let raised_at: Vec<u8> =
        member.all.iter().filter_map(|t| if let Step::Raised { level, .. } = t.step { Some(level) } else { None }).collect();
    assert_eq!(raised_at, vec![0; 30]);
    // Changes of the level it would be raised at are none of an alarm's: only those while it is active are counted.
    let (mut state, mut up, mut down) = (RuleState::default(), 0, 0);
    for transition in &member.all {
        if let (Step::Leveled { level }, true) = (&transition.step, state.is_active()) {
            *(if *level > state.level { &mut up } else { &mut down }) += 1;
        }
        state.apply(transition);
    }
    assert_eq!((up, down), (30, 30));
}

#[test]
fn instants() {
    let Some(rows) = series(MACHINE) else { return };
    for rows in [reordered(&rows), rows] {
        let member = run(&rows, Limits::above(100.0, 2.0), 15, 15);
        let occurrences = member.occurrences();
        let expected = [
            ("2013-12-11 05:40:00", "2013-12-11 07:55:00"),
            ("2013-12-13 15:50:00", "2013-12-15 00:15:00"),
            ("2013-12-15 19:25:00", "2013-12-15 20:20:00"),
        ];
        let expected: Vec<_> = expected.iter().map(|(raised, cleared)| (time_of(raised), Some(time_of(cleared)))).collect();
        assert_eq!(occurrences[..3], expected);
        assert_eq!(*occurrences.last().unwrap(), (time_of("2014-02-15 14:25:00"), Some(time_of("2014-02-16 15:45:00"))));
        for transition in &member.all {
            if let Step::Raised { first_true_at, .. } = transition.step {
                assert_eq!(transition.at.micros_since(first_true_at), 15 * MINUTE);
            }
        }
    }
}

/// Silence as a rule: raised by its timer, cleared by the next reading.
fn silences(rows: &[(Timestamp, f64)], no_data: &NoData, run_on: i64) -> Vec<(Timestamp, Option<Timestamp>)> {
    let mut member = Member::new(Rule::new("silent", Kind::NoData(no_data.clone())), Limits::above(0.0, 0.0));
    let mut head = None;
    let end = Timestamp(rows.last().unwrap().0.0 + run_on);
    for time in rows.iter().map(|(time, _)| Some(*time)).chain([None]) {
        let observed = [Observed { head, excused_until: None }];
        let silent = silent_at(no_data, &observed, Timestamp(0));
        // A reading at the very instant still counts.
        if let Some(due) = silent.filter(|due| time.map_or(*due <= end, |time| *due < time)) {
            let moves = evaluate(&member.rule, &member.state, &Truths::plain(Some(true)), due);
            member.apply(moves);
        }
        if let Some(time) = time {
            let moves = evaluate(&member.rule, &member.state, &Truths::plain(Some(false)), time);
            member.apply(moves);
            head = Some(time);
        }
    }
    member.occurrences()
}

#[test]
fn missing_data() {
    let Some(rows) = series(AMBIENT) else { return };
    let after = |hours: u64| NoData { allowed: [minutes(60 * hours)].into(), since_creation: false };
    let episodes = silences(&rows, &after(2), 0);
    assert_eq!(episodes.len(), 9);
    assert_eq!(episodes[0], (time_of("2013-07-28 06:00:00"), Some(time_of("2013-07-29 12:00:00"))));
    assert_eq!(*episodes.last().unwrap(), (time_of("2014-04-03 11:00:00"), Some(time_of("2014-04-10 15:00:00"))));
    let episodes = silences(&rows, &after(3), 0);
    assert_eq!(episodes.len(), 8);
    assert_eq!(episodes[0].0, time_of("2013-07-28 07:00:00"));
    assert_eq!(episodes.last().unwrap().0, time_of("2014-04-03 12:00:00"));
    assert_eq!((silences(&rows, &after(2), 4 * HOUR).len(), silences(&rows, &after(3), 4 * HOUR).len()), (10, 9));
}

#[test]
fn delays_in_gaps() {
    let Some(rows) = series(AMBIENT) else { return };
    let last = rows.last().unwrap().0;
    let below = |hours: u64| (Limits::below(63.0), hours);
    let above = |hours: u64| (Limits::above(73.5, 0.0), hours);
    let cases = [
        (below(4), [(11, 630_000), (10, 590_400), (10, 590_400), (18, 2_653_200)]),
        (above(12), [(40, 5_680_800), (39, 5_446_800), (40, 5_068_800), (45, 7_009_200)]),
    ];
    for ((limits, hours), expected) in cases {
        let kinds = [(false, OnUnknown::Keep), (true, OnUnknown::Keep), (true, OnUnknown::Ok), (true, OnUnknown::Alarm)];
        for ((goes_stale, on_unknown), (raises, seconds)) in kinds.into_iter().zip(expected) {
            let mut rule = Rule::new("gap", Kind::Condition);
            (rule.on_delay, rule.on_unknown) = (minutes(60 * hours), on_unknown);
            let mut member = Member::new(rule, limits.clone());
            if goes_stale {
                member = member.stale_after(3 * HOUR);
            }
            for (time, value) in &rows {
                member.replay(*time, *value);
            }
            let active = member.active_micros(last) / 1_000_000;
            assert_eq!((member.raises(), active), (raises, seconds), "{hours} h, stale {goes_stale}, {on_unknown:?}");
        }
    }
}

struct Row {
    change: bool,
    worn: bool,
    hdf: bool,
    pwf: bool,
    osf: bool,
    heavy: bool,
}

fn ai4i() -> Option<Vec<Row>> {
    let text = data("ai4i2020.csv")?;
    let mut last_wear = 0.0;
    let rows = text.lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        let number = |index: usize| fields[index].parse::<f64>().unwrap();
        let (air, process, speed, torque, wear) = (number(3), number(4), number(5), number(6), number(7));
        let power = torque * speed * 2.0 * std::f64::consts::PI / 60.0;
        let limit = match fields[2] {
            "L" => 11000.0,
            "M" => 12000.0,
            _ => 13000.0,
        };
        let change = wear < last_wear;
        last_wear = wear;
        Row {
            change,
            worn: wear >= 200.0,
            hdf: process - air < 8.6 && speed < 1380.0,
            pwf: !(3500.0..=9000.0).contains(&power),
            osf: wear * torque > limit,
            heavy: torque > 55.0,
        }
    });
    Some(rows.collect())
}

/// How often a pattern fires over the rows, one a minute.
fn fires(rows: &[Row], pattern: Pattern, steps: impl Fn(&Row) -> Vec<bool>) -> usize {
    let mut member = Member::new(Rule::new("pattern", Kind::Pattern(pattern)), Limits::above(0.0, 0.0));
    for (minute, row) in (0i64..).zip(rows) {
        let steps: Vec<Option<bool>> = steps(row).into_iter().map(Some).collect();
        let moves = evaluate(&member.rule, &member.state, &Truths::of_pattern(&steps, None), Timestamp(minute * MINUTE));
        member.apply(moves);
    }
    member.count(|step| matches!(step, Step::Raised { .. } | Step::Repeated))
}

#[test]
fn patterns() {
    let Some(rows) = ai4i() else { return };
    assert_eq!(rows.len(), 10_000);
    let once = |times| Pattern::Repetition { times, within: minutes(0), events: 0 };
    assert_eq!(fires(&rows, once(1), |row| vec![row.change]), 119);
    assert_eq!(fires(&rows, once(1), |row| vec![row.worn]), 116);
    for (within, expected) in [(5, 68), (10, 20), (12, 12), (15, 3)] {
        let absence = Pattern::Absence { within: minutes(within), events: 0 };
        assert_eq!(fires(&rows, absence, |row| vec![row.worn, row.change]), expected, "absence within {within}");
    }
    let sequence = |within| Pattern::Sequence { steps: 2, within: minutes(within), events: 0 };
    for (within, wear, heat) in [(10, 44, 5), (30, 47, 8)] {
        assert_eq!(fires(&rows, sequence(within), |row| vec![row.worn, row.osf]), wear, "worn, then OSF within {within}");
        assert_eq!(fires(&rows, sequence(within), |row| vec![row.hdf, row.pwf]), heat, "HDF, then PWF within {within}");
    }
    for (times, within, expected) in [(1, 0, 566), (3, 10, 34), (5, 30, 16)] {
        let repeat = Pattern::Repetition { times, within: minutes(within), events: 0 };
        assert_eq!(fires(&rows, repeat, |row| vec![row.heavy]), expected, "{times} times within {within}");
    }
}
