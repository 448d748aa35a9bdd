//! The numbers of the acceptance page for rules (T1 to T6b), with its default settings, from the files as they are. The data are not part of the
//! project: `POLLUX_TEST_DATA` names their folder.

#![expect(clippy::disallowed_methods, reason = "the folder of the data is a matter of the machine that runs the tests")]

use std::path::PathBuf;

use super::*;
use crate::backtest::report::{Figures, Seconds};

pub(super) const MACHINE: &str = "nab/machine_temperature_system_failure.csv";
pub(super) const AMBIENT: &str = "nab/ambient_temperature_system_failure.csv";

pub(super) fn data(file: &str) -> Option<String> {
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

/// A machine with one member, of which this is said besides.
pub(super) fn machine(telemetry: &str, rules: &str) -> Catalog {
    let text = format!("type: Machine\ntelemetry: {{value: {{type: double{telemetry}}}}}\nrules:\n{rules}\n");
    workspace(&[("schemas/Machine.yaml", &text), ("twins/machine.yaml", "twins: [{id: machine, type: Machine}]")])
}

pub(super) fn timestamps() -> CsvOptions {
    CsvOptions { times: Times::Column("timestamp".to_owned()), ..table("machine") }
}

pub(super) fn replay(catalog: &Catalog, text: &str, run_on: &str) -> Report {
    run(catalog, None, csv(catalog, text, timestamps()).unwrap(), run_on)
}

pub(super) fn figures<'r>(report: &'r Report, rule: &str) -> &'r Figures {
    let name = rule.to_owned();
    &report.rules.iter().find(|known| known.rule.rsplit_once('.').is_some_and(|(_, id)| id == name)).unwrap().figures
}

/// Minute by minute, one packet per row.
fn ai4i() -> CsvOptions {
    let map = [
        ("Type", "variant"),
        ("Air temperature [K]", "airTemperature"),
        ("Process temperature [K]", "processTemperature"),
        ("Rotational speed [rpm]", "speed"),
        ("Torque [Nm]", "torque"),
        ("Tool wear [min]", "toolWear"),
    ];
    let times = Times::Every { start: at("2026-01-01T00:00:00Z"), every: Duration::from_secs(60) };
    CsvOptions { times, map: map.map(|(column, member)| (column.to_owned(), member.to_owned())).into(), ..table("mill") }
}

fn mill(power: &str, units: bool, rules: &str) -> Catalog {
    let unit = |unit: &str| if units { format!(", unit: {unit}") } else { String::new() };
    let text = format!(
        "type: Mill
telemetry:
  variant: {{type: enum, values: [L, M, H]}}
  airTemperature: {{type: double{}}}
  processTemperature: {{type: double{}}}
  speed: {{type: double{}}}
  torque: {{type: double{}}}
  toolWear: {{type: double{}}}
computed: {{power: {power}}}
rules:
{rules}",
        unit("K"),
        unit("K"),
        unit("rpm"),
        unit("N.m"),
        unit("min")
    );
    workspace(&[("schemas/Mill.yaml", &text), ("twins/mill.yaml", "twins: [{id: mill, type: Mill}]")])
}

const FORMULAS: &str = r#"
  - {id: HDF, when: "processTemperature - airTemperature < 8.6 && speed < 1380"}
  - {id: PWF, when: "power < 3500 || power > 9000"}
  - {id: OSF, when: "toolWear * torque > (variant == 'L' ? 11000 : variant == 'M' ? 12000 : 13000)"}
"#;

/// T1: after each row each rule is active exactly where the row's label says so.
#[test]
fn three_formulas_agree_with_all_labels() {
    let Some(text) = data("ai4i2020.csv") else { return };
    let powers = [("{value: \"torque * speed\", unit: W}", true), ("{value: \"torque * speed * 2 * math.pi / 60\"}", false)];
    for (power, units) in powers {
        let catalog = mill(power, units, FORMULAS);
        let report = run(&catalog, None, csv(&catalog, &text, ai4i()).unwrap(), "");
        assert_eq!(report.readings.new, 60_000);
        let labels = text.lines().next().unwrap().split(',').collect::<Vec<_>>();
        for (rule, rows_active, raises, first, last) in
            [("HDF", 115, 104, 3237, 4852), ("PWF", 95, 94, 51, 9975), ("OSF", 98, 88, 70, 9975)]
        {
            assert_eq!(figures(&report, rule).raises, raises, "{rule}");
            let column = labels.iter().position(|label| *label == rule).unwrap();
            let wanted: Vec<u64> =
                text.lines().skip(1).zip(1..).filter(|(row, _)| row.split(',').nth(column) == Some("1")).map(|(_, row)| row).collect();
            let row_of = |time: &str| (at(time).micros_since(at("2026-01-01T00:00:00Z")) / 60_000_000 + 1) as u64;
            let end = row_of(report.to.as_deref().unwrap()) + 1;
            let of_rule = report.occurrences.iter().filter(|occurrence| occurrence.rule.ends_with(rule));
            let active: Vec<u64> = of_rule.flat_map(|one| row_of(&one.raised_at)..one.cleared_at.as_deref().map_or(end, row_of)).collect();
            assert_eq!(active, wanted, "{rule}");
            assert_eq!((active.len(), active[0], *active.last().unwrap()), (rows_active, first, last), "{rule}");
        }
    }
}

/// T1b.
#[test]
fn patterns_fire_as_often_as_they_should() {
    let Some(text) = data("ai4i2020.csv") else { return };
    let change = "toolWear < previous(toolWear)";
    let hdf = "processTemperature - airTemperature < 8.6 && speed < 1380";
    let pwf = "power < 3500 || power > 9000";
    let osf = "toolWear * torque > (variant == 'L' ? 11000 : variant == 'M' ? 12000 : 13000)";
    let mut rules = format!(
        "  - {{id: changes, when: \"{change}\"}}\n  - {{id: worn, when: \"toolWear >= 200\"}}\n  - {{id: heavy, when: \"torque > 55\"}}\n"
    );
    let mut expected = vec![("changes".to_owned(), 119), ("worn".to_owned(), 116), ("heavy".to_owned(), 566)];
    for (within, fires) in [(5, 68), (10, 20), (12, 12), (15, 3)] {
        rules += &format!(
            "  - {{id: absent{within}, pattern: {{after: \"toolWear >= 200\", absent: \"{change}\", within: {within}m}}, clearAfter: 1s}}\n"
        );
        expected.push((format!("absent{within}"), fires));
    }
    for (id, a, b, within, fires) in [
        ("wear10", "toolWear >= 200", osf, 10, 44),
        ("wear30", "toolWear >= 200", osf, 30, 47),
        ("fail10", hdf, pwf, 10, 5),
        ("fail30", hdf, pwf, 30, 8),
    ] {
        rules += &format!("  - {{id: {id}, pattern: {{sequence: [\"{a}\", \"{b}\"], within: {within}m}}, clearAfter: 1s}}\n");
        expected.push((id.to_owned(), fires));
    }
    for (times, within, fires) in [(3, 10, 34), (5, 30, 16)] {
        rules += &format!(
            "  - {{id: repeat{times}, pattern: {{repeat: \"torque > 55\", times: {times}, within: {within}m}}, clearAfter: 1s}}\n"
        );
        expected.push((format!("repeat{times}"), fires));
    }
    let catalog = mill("{value: \"torque * speed\", unit: W}", true, &rules);
    let report = run(&catalog, None, csv(&catalog, &text, ai4i()).unwrap(), "");
    let fires = |rule: &str| -> u64 {
        let name = format!("Mill.{rule}");
        report.occurrences.iter().filter(|one| one.rule == name).map(|one| u64::from(one.count)).sum()
    };
    let found: Vec<(String, u64)> = expected.iter().map(|(rule, _)| (rule.clone(), fires(rule))).collect();
    assert_eq!(found, expected);
}

/// The five lines of T2, in file order.
const LINES: [(&str, u64, u64); 5] = [
    ("", 299, 0),
    (", deadband: 2", 52, 0),
    (", onDelay: 15m", 58, 0),
    (", deadband: 2, onDelay: 15m", 35, 0),
    (", deadband: 2, onDelay: 15m, offDelay: 15m", 30, 85),
];

/// T2 and T4.
#[test]
fn deadband_and_delays_raise_as_often_as_they_should() {
    let Some(text) = data(MACHINE) else { return };
    let rules: String =
        LINES.iter().enumerate().map(|(no, (settings, ..))| format!("  - {{id: line{no}, when: \"value > 95\"{settings}}}\n")).collect();
    let catalog = machine("", &rules);
    let report = replay(&catalog, &text, "");
    let readings = report.readings;
    assert_eq!((readings.new, readings.out_of_order, readings.conflict, readings.total), (22_683, 11, 1, 22_695));
    for (no, (settings, raises, avoided)) in LINES.into_iter().enumerate() {
        let found = figures(&report, &format!("line{no}"));
        assert_eq!(found.raises, raises, "{settings}");
        if avoided > 0 {
            assert_eq!((found.avoided, found.open, found.ended_active_seconds), (avoided, 1, Seconds(1_737_300_000_000)));
        }
    }
    // Each row sent twice in succession makes duplicates, and nothing else. A twin knows what it was lately told, also where no window reads it, so
    // that the eleven late rows are duplicates the second time, too.
    let mut twice = String::new();
    text.lines().enumerate().for_each(|(row, line)| (0..if row == 0 { 1 } else { 2 }).for_each(|_| twice += &format!("{line}\n")));
    let again = replay(&catalog, &twice, "");
    let readings = again.readings;
    assert_eq!((readings.new, readings.duplicate, readings.out_of_order, readings.conflict), (22_683, 22_695, 11, 1));
    assert_eq!(again.occurrences, report.occurrences);
}

/// T3.
#[test]
fn alarms_are_raised_and_cleared_at_their_instants() {
    let Some(text) = data(MACHINE) else { return };
    let catalog = machine("", "  - {id: hot, when: \"value > 100\", deadband: 2, onDelay: 15m, offDelay: 15m}");
    let report = replay(&catalog, &text, "");
    let shown: Vec<(&str, &str)> =
        report.occurrences.iter().map(|one| (&*one.raised_at, one.cleared_at.as_deref().unwrap_or("never"))).collect();
    assert_eq!(
        shown[..3],
        [
            ("2013-12-11T05:40:00Z", "2013-12-11T07:55:00Z"),
            ("2013-12-13T15:50:00Z", "2013-12-15T00:15:00Z"),
            ("2013-12-15T19:25:00Z", "2013-12-15T20:20:00Z")
        ]
    );
    assert_eq!(*shown.last().unwrap(), ("2014-02-15T14:25:00Z", "2014-02-16T15:45:00Z"));
    for one in &report.occurrences {
        assert_eq!(at(&one.raised_at).micros_since(at(&one.first_true_at)), 15 * 60_000_000);
    }
}

/// T6.
#[test]
fn silence_is_noticed() {
    let Some(text) = data(AMBIENT) else { return };
    let cases = [("", "after: 2h", "after: 3h"), (", every: 1h", "missed: 2", "missed: 3")];
    for (telemetry, two, three) in cases {
        let rules = format!("  - {{id: two, noData: {{of: value, {two}}}}}\n  - {{id: three, noData: {{of: value, {three}}}}}\n");
        let catalog = machine(telemetry, &rules);
        for (run_on, more) in [("", 0), ("4h", 1)] {
            let report = replay(&catalog, &text, run_on);
            let spans = |rule: &str| -> Vec<(String, Option<String>)> {
                let name = format!("Machine.{rule}");
                let of_rule = report.occurrences.iter().filter(|one| one.rule == name);
                of_rule.map(|one| (one.raised_at.clone(), one.cleared_at.clone())).collect()
            };
            let span = |raised: &str, cleared: &str| (raised.to_owned(), Some(cleared.to_owned()));
            let (two, three) = (spans("two"), spans("three"));
            assert_eq!((two.len(), three.len()), (9 + more, 8 + more));
            assert_eq!(two[0], span("2013-07-28T06:00:00Z", "2013-07-29T12:00:00Z"));
            assert_eq!(two[8], span("2014-04-03T11:00:00Z", "2014-04-10T15:00:00Z"));
            assert_eq!((three[0].0.as_str(), three[7].0.as_str()), ("2013-07-28T07:00:00Z", "2014-04-03T12:00:00Z"));
            assert_eq!(two[9..].iter().chain(&three[8..]).filter(|(_, cleared)| cleared.is_some()).count(), 0);
        }
    }
}

/// T6b.
#[test]
fn delays_stand_still_in_gaps() {
    let Some(text) = data(AMBIENT) else { return };
    let columns = [
        ("", "keep", 11, 630_000, 40, 5_680_800),
        (", every: 1h", "keep", 10, 590_400, 39, 5_446_800),
        (", every: 1h", "ok", 10, 590_400, 40, 5_068_800),
        (", every: 1h", "alarm", 18, 2_653_200, 45, 7_009_200),
    ];
    for (telemetry, on_unknown, cold, cold_seconds, warm, warm_seconds) in columns {
        let rules = format!(
            "  - {{id: cold, when: \"value < 63\", onDelay: 4h, onUnknown: {on_unknown}}}\n  - {{id: warm, when: \"value > 73.5\", onDelay: 12h, onUnknown: {on_unknown}}}\n"
        );
        let report = replay(&machine(telemetry, &rules), &text, "");
        let found = |rule: &str| {
            let figures = figures(&report, rule);
            (figures.raises, figures.active_seconds)
        };
        assert_eq!(found("cold"), (cold, Seconds(cold_seconds * 1_000_000)), "cold{telemetry} {on_unknown}");
        assert_eq!(found("warm"), (warm, Seconds(warm_seconds * 1_000_000)), "warm{telemetry} {on_unknown}");
    }
}

/// T5: the days of the taxis, through the rules that read them.
#[test]
fn windows_take_part() {
    let Some(text) = data("nab/nyc_taxi.csv") else { return };
    let rules = "  - {id: most, when: \"day > 20553\"}\n  - {id: least, when: \"day < 4835\"}\n  - {id: always, when: \"day > 0\"}\n";
    let catalog = workspace(&[
        (
            "schemas/Machine.yaml",
            &format!(
                "type: Machine\ntelemetry: {{value: double}}\ncomputed: {{day: {{of: value, agg: avg, window: {{tumbling: 1d}}}}}}\nrules:\n{rules}"
            ),
        ),
        ("twins/machine.yaml", "twins: [{id: machine, type: Machine}]"),
    ]);
    let report = replay(&catalog, &text, "1d");
    assert_eq!((report.readings.new, report.readings.total), (10_320, 10_320));
    let shown: Vec<(&str, &str, Option<&str>)> =
        report.occurrences.iter().map(|one| (&*one.rule, &*one.raised_at, one.cleared_at.as_deref())).collect();
    // A day is known when it is over.
    assert_eq!(
        shown,
        [
            ("Machine.always", "2014-07-02T00:00:00Z", None),
            ("Machine.most", "2014-11-02T00:00:00Z", Some("2014-11-03T00:00:00Z")),
            ("Machine.least", "2015-01-28T00:00:00Z", Some("2015-01-29T00:00:00Z"))
        ]
    );
    assert_eq!(figures(&report, "always").evaluations, 215);
}
