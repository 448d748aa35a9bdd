//! The numbers of the acceptance page for rules (T1 to T6b), with its default settings, from the files as they are. The data are not part of the
//! project: `POLLUX_TEST_DATA` names their folder.

use super::recorded::{
    AMBIENT, AS_IT_IS, AVOIDED, DAY, DAY_READINGS, DAYS, EACH_ROW_TWICE, ENDED_ACTIVE_S, FORMULAS, HOT, HOT_SPANS, LABELS, LINES, MACHINE,
    MILL, MILL_COLUMNS, MILL_START, Outcomes, POWERS, SILENCES, TAXI, THREE, THREE_FIRST, THREE_LAST, TWO, TWO_FIRST, TWO_LAST, data,
    labelled, limits, machine_type, mill_type, patterns, silences,
};
use super::*;
use crate::backtest::report::{Figures, ReadingReport, Seconds};

/// A machine with one member, of which this is said besides.
pub(super) fn machine(telemetry: &str, rules: &str) -> Catalog {
    let text = machine_type("Machine", telemetry, "", rules);
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

pub(super) fn outcomes(readings: &ReadingReport) -> Outcomes {
    Outcomes { new: readings.new, duplicate: readings.duplicate, out_of_order: readings.out_of_order, conflict: readings.conflict }
}

/// Minute by minute, one packet per row.
fn ai4i() -> CsvOptions {
    let times = Times::Every { start: at(MILL_START), every: Duration::from_secs(60) };
    CsvOptions { times, map: MILL_COLUMNS.map(|(column, member)| (column.to_owned(), member.to_owned())).into(), ..table("mill") }
}

fn mill(power: (&str, bool), rules: &str) -> Catalog {
    workspace(&[("schemas/Mill.yaml", &mill_type("Mill", power, rules)), ("twins/mill.yaml", "twins: [{id: mill, type: Mill}]")])
}

/// T1: after each row each rule is active exactly where the row's label says so.
#[test]
fn three_formulas_agree_with_all_labels() {
    let Some(text) = data(MILL) else { return };
    for power in POWERS {
        let catalog = mill(power, FORMULAS);
        let report = run(&catalog, None, csv(&catalog, &text, ai4i()).unwrap(), "");
        assert_eq!(report.readings.new, 60_000);
        for formula in LABELS {
            let rule = formula.id;
            assert_eq!(figures(&report, rule).raises, formula.raises, "{rule}");
            let row_of = |time: &str| (at(time).micros_since(at(MILL_START)) / 60_000_000 + 1) as u64;
            let end = row_of(report.to.as_deref().unwrap()) + 1;
            let of_rule = report.occurrences.iter().filter(|occurrence| occurrence.rule.ends_with(rule));
            let active: Vec<u64> = of_rule.flat_map(|one| row_of(&one.raised_at)..one.cleared_at.as_deref().map_or(end, row_of)).collect();
            assert_eq!(active, labelled(&text, rule), "{rule}");
            assert_eq!((active.len(), active[0], *active.last().unwrap()), (formula.rows_active, formula.first, formula.last), "{rule}");
        }
    }
}

/// T1b.
#[test]
fn patterns_fire_as_often_as_they_should() {
    let Some(text) = data(MILL) else { return };
    let (rules, expected) = patterns();
    let catalog = mill(POWERS[0], &rules);
    let report = run(&catalog, None, csv(&catalog, &text, ai4i()).unwrap(), "");
    let fires = |rule: &str| -> u64 {
        let name = format!("Mill.{rule}");
        report.occurrences.iter().filter(|one| one.rule == name).map(|one| u64::from(one.count)).sum()
    };
    let found: Vec<(String, u64)> = expected.iter().map(|(rule, _)| (rule.clone(), fires(rule))).collect();
    assert_eq!(found, expected);
}

/// T2 and T4.
#[test]
fn deadband_and_delays_raise_as_often_as_they_should() {
    let Some(text) = data(MACHINE) else { return };
    let catalog = machine("", &limits(""));
    let report = replay(&catalog, &text, "");
    assert_eq!((outcomes(&report.readings), report.readings.total), (AS_IT_IS, 22_695));
    for (no, line) in LINES.iter().enumerate() {
        assert_eq!(figures(&report, &format!("r{no}")).raises, line.raises, "{}", line.settings);
    }
    let last = figures(&report, "r4");
    assert_eq!((last.avoided, last.open, last.ended_active_seconds), (AVOIDED, 1, Seconds(ENDED_ACTIVE_S * 1_000_000)));
    let mut twice = String::new();
    text.lines().enumerate().for_each(|(row, line)| (0..if row == 0 { 1 } else { 2 }).for_each(|_| twice += &format!("{line}\n")));
    let again = replay(&catalog, &twice, "");
    assert_eq!(outcomes(&again.readings), EACH_ROW_TWICE);
    assert_eq!(again.occurrences, report.occurrences);
}

/// T3.
#[test]
fn alarms_are_raised_and_cleared_at_their_instants() {
    let Some(text) = data(MACHINE) else { return };
    let catalog = machine("", HOT);
    let report = replay(&catalog, &text, "");
    let shown: Vec<(&str, &str)> =
        report.occurrences.iter().map(|one| (&*one.raised_at, one.cleared_at.as_deref().unwrap_or("never"))).collect();
    assert_eq!(shown[..3], HOT_SPANS[..3]);
    assert_eq!(*shown.last().unwrap(), HOT_SPANS[3]);
    for one in &report.occurrences {
        assert_eq!(at(&one.raised_at).micros_since(at(&one.first_true_at)), 15 * 60_000_000);
    }
}

/// T6.
#[test]
fn silence_is_noticed() {
    let Some(text) = data(AMBIENT) else { return };
    for (telemetry, two, three) in SILENCES {
        let catalog = machine(telemetry, &silences(two, three));
        for (run_on, more) in [("", 0), ("4h", 1)] {
            let report = replay(&catalog, &text, run_on);
            let spans = |rule: &str| -> Vec<(String, Option<String>)> {
                let name = format!("Machine.{rule}");
                let of_rule = report.occurrences.iter().filter(|one| one.rule == name);
                of_rule.map(|one| (one.raised_at.clone(), one.cleared_at.clone())).collect()
            };
            let span = |(raised, cleared): (&str, &str)| (raised.to_owned(), Some(cleared.to_owned()));
            let (two, three) = (spans("two"), spans("three"));
            assert_eq!((two.len(), three.len()), (TWO + more, THREE + more));
            assert_eq!((&two[0], &two[TWO - 1]), (&span(TWO_FIRST), &span(TWO_LAST)));
            assert_eq!((three[0].0.as_str(), three[THREE - 1].0.as_str()), (THREE_FIRST, THREE_LAST));
            assert_eq!(two[TWO..].iter().chain(&three[THREE..]).filter(|(_, cleared)| cleared.is_some()).count(), 0);
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
    let Some(text) = data(TAXI) else { return };
    let rules = "  - {id: most, when: \"day > 20553\"}\n  - {id: least, when: \"day < 4835\"}\n  - {id: always, when: \"day > 0\"}\n";
    let text_of_type = machine_type("Machine", "", &format!("computed: {{day: {DAY}}}\n"), rules);
    let catalog = workspace(&[("schemas/Machine.yaml", &text_of_type), ("twins/machine.yaml", "twins: [{id: machine, type: Machine}]")]);
    let report = replay(&catalog, &text, "1d");
    assert_eq!((report.readings.new, report.readings.total), (DAYS as u64 * DAY_READINGS, DAYS as u64 * DAY_READINGS));
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
    assert_eq!(figures(&report, "always").evaluations, DAYS as u64);
}
