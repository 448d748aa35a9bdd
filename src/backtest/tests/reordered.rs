//! The acceptance page where readings wait for older ones (T2 to T5b), from the files as they are.

use super::acceptance::{AMBIENT, MACHINE, data, figures, machine, replay};
use super::*;
use crate::backtest::plant::{Happened, Listener, Plant};
use crate::backtest::report::Seconds;
use crate::reading::{Group, Quality, Reading, Reason, SlotNo, Value};
use crate::twin::{Measured, Tally};

const TAXI: &str = "nab/nyc_taxi.csv";
const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;

const LINES: [&str; 5] =
    ["", ", deadband: 2", ", onDelay: 15m", ", deadband: 2, onDelay: 15m", ", deadband: 2, onDelay: 15m, offDelay: 15m"];

fn limits() -> String {
    LINES.iter().enumerate().map(|(no, line)| format!("  - {{id: r{no}, when: \"value > 95\"{line}}}\n")).collect()
}

/// T2 and T4: what waits for an hour, and what waits for five seconds.
#[test]
fn a_view_raises_as_often_as_it_should() {
    let Some(text) = data(MACHINE) else { return };
    for (reorder, raises, late, replaced) in [("1h", [298, 52, 58, 35, 30], 0, 12), ("5s", [299, 52, 58, 35, 30], 11, 1)] {
        for (telemetry, key) in [(format!(", reorder: {reorder}"), String::new()), (String::new(), format!(", reorder: {reorder}"))] {
            let rules = limits().replace('}', &format!("{key}}}"));
            let report = replay(&machine(&telemetry, &rules), &text, "");
            let readings = &report.readings;
            assert_eq!((readings.new, readings.out_of_order, readings.conflict, readings.duplicate), (22_683, 11, 1, 0));
            assert_eq!((readings.late_for_view, readings.replaced_in_view), (late, replaced), "{reorder}");
            let found: Vec<u64> = (0..5).map(|no| figures(&report, &format!("r{no}")).raises).collect();
            assert_eq!(found, raises, "{reorder}");
            let last = figures(&report, "r4");
            assert_eq!((last.open, last.ended_active_seconds), (1, Seconds(1_737_300 * SECOND)));
            assert_eq!(last.avoided, if reorder == "1h" { 84 } else { 85 });
        }
    }
}

#[test]
fn the_first_of_two_counts_where_the_type_says_so() {
    let Some(text) = data(MACHINE) else { return };
    let report = replay(&machine(", reorder: 1h, duplicates: first", &limits()), &text, "");
    assert_eq!(figures(&report, "r0").raises, 299);
    assert_eq!(report.readings.replaced_in_view, 0);
}

#[test]
fn levels_move_in_a_view() {
    let Some(text) = data(MACHINE) else { return };
    let rules = "  - {id: hot, when: \"value > 95\", deadband: 2, onDelay: 15m, offDelay: 15m, severity: MAJOR, levels: [{when: \"value > 100\", severity: CRITICAL}]}\n";
    let report = replay(&machine(", reorder: 1h", rules), &text, "");
    let figures = figures(&report, "hot");
    assert_eq!((figures.raises, figures.levels_up, figures.levels_down), (30, 30, 30));
}

/// T3.
#[test]
fn alarms_of_a_view_are_of_the_same_instants() {
    let Some(text) = data(MACHINE) else { return };
    let rules = "  - {id: hot, when: \"value > 100\", deadband: 2, onDelay: 15m, offDelay: 15m}\n";
    let spans = |telemetry: &str, run_on: &str| -> Vec<(String, Option<String>)> {
        let report = replay(&machine(telemetry, rules), &text, run_on);
        for one in &report.occurrences {
            assert_eq!(at(&one.raised_at).micros_since(at(&one.first_true_at)), 15 * 60 * SECOND);
        }
        report.occurrences.iter().map(|one| (one.raised_at.clone(), one.cleared_at.clone())).collect()
    };
    let waited = spans(", reorder: 1h", "");
    assert_eq!(waited, spans("", ""));
    let shown = |place: usize| (waited[place].0.as_str(), waited[place].1.as_deref().unwrap());
    assert_eq!(shown(0), ("2013-12-11T05:40:00Z", "2013-12-11T07:55:00Z"));
    assert_eq!(shown(1), ("2013-12-13T15:50:00Z", "2013-12-15T00:15:00Z"));
    assert_eq!(shown(2), ("2013-12-15T19:25:00Z", "2013-12-15T20:20:00Z"));
    assert_eq!(shown(waited.len() - 1), ("2014-02-15T14:25:00Z", "2014-02-16T15:45:00Z"));
}

/// What the windows of one twin said, and what became of its readings.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) results: Vec<Measured>,
    pub(super) tally: Tally,
}

impl Listener for Said {
    fn happened(&mut self, happened: &Happened<'_>) {
        self.tally.late += happened.tally.late;
        self.tally.late_for_view += happened.tally.late_for_view;
        self.results.extend_from_slice(happened.results);
    }
}

pub(super) fn rows(text: &str) -> Vec<(Timestamp, f64)> {
    let row = |line: &str| -> Option<(Timestamp, f64)> {
        let (time, value) = line.split_once(',')?;
        Some((at(&format!("{}Z", time.replace(' ', "T"))), value.parse().ok()?))
    };
    text.lines().skip(1).filter_map(row).collect()
}

/// A type with one member and one window over it.
pub(super) fn windowed(telemetry: &str, computed: &str, rules: &str) -> Catalog {
    let text =
        format!("type: Machine\ntelemetry: {{value: {{type: double{telemetry}}}}}\ncomputed: {{over: {computed}}}\nrules:\n{rules}\n");
    workspace(&[("schemas/Machine.yaml", &text), ("twins/machine.yaml", "twins: [{id: machine, type: Machine}]")])
}

/// Each row as a packet of its own, received at its own time, or with the one before it; then the clock runs on.
pub(super) fn drive(catalog: &Catalog, rows: &[(Timestamp, f64)], run_on: i64) -> (Said, Plant) {
    let mut said = Said::default();
    let begin = rows.iter().map(|(time, _)| *time).min().unwrap();
    let mut plant = Plant::new(catalog, begin, &mut said);
    let layout = plant.twin(0).state.layout.0.clone();
    for (time, value) in rows {
        let reading = Reading { slot: SlotNo(0), value: Value::Double(*value), quality: Quality::Good, reason: Reason::None };
        plant.feed(0, &layout, Group { time: Some(*time), readings: vec![reading] }, *time, &mut said);
    }
    let end = plant.now().shifted(run_on);
    plant.run_until(end, &mut said);
    (said, plant)
}

pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, bound: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as i64
    }
}

/// In the order of arrival: each with a delay below that.
pub(super) fn permuted(rows: &[(Timestamp, f64)], delay: i64, seed: u64) -> Vec<(Timestamp, f64)> {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut arriving: Vec<_> = rows.iter().map(|row| (row.0.shifted(dice.below(delay)), *row)).collect();
    arriving.sort_by_key(|(arrival, _)| *arrival);
    arriving.into_iter().map(|(_, row)| row).collect()
}

fn number(measured: &Measured) -> f64 {
    if let Some(Value::Double(number)) = measured.value { number } else { f64::NAN }
}

#[track_caller]
fn near(found: f64, wanted: f64) {
    assert!((found - wanted).abs() <= wanted.abs() * 1e-9, "{found} instead of {wanted}");
}

/// T5.
#[test]
fn days_close_once_and_complete_however_their_readings_come() {
    let Some(text) = data(TAXI) else { return };
    let rows = rows(&text);
    let day = "{of: value, agg: avg, window: {tumbling: 1d}}";
    let sorted = drive(&windowed("", day, "  []"), &rows, DAY).0.results;
    assert_eq!(sorted.len(), 215);
    assert!(sorted.iter().all(|day| day.basis.count == 48));
    near(number(&sorted[0]), 15540.979166666666);
    near(number(&sorted[214]), 18702.479166666668);
    let catalog = windowed(", reorder: 2h", day, "  []");
    let shown = |said: &[Measured]| -> Vec<(Timestamp, Timestamp, u64, u32, u64)> {
        said.iter().map(|day| (day.time, day.basis.start, number(day).to_bits(), day.basis.revision, day.basis.count)).collect()
    };
    for seed in 1..=10 {
        let (said, plant) = drive(&catalog, &permuted(&rows, 2 * HOUR, seed), DAY);
        assert_eq!(shown(&said.results), shown(&sorted), "seed {seed}");
        assert!(said.results.iter().all(|day| day.basis.revision == 0));
        assert_eq!((said.tally.late, said.tally.late_for_view, plant.twin(0).views.held()), (0, 0, 0));
    }
}

/// T5b: the last hour of the machine, and the rules that read it.
#[test]
fn a_sliding_window_waits_with_its_member() {
    let Some(text) = data(MACHINE) else { return };
    let rules = "  - {id: r95, when: \"over > 95\"}\n  - {id: r100, when: \"over > 100\"}\n";
    let catalog = windowed(", reorder: 1h", "{of: value, agg: avg, window: {sliding: 1h}}", rules);
    let (said, _) = drive(&catalog, &rows(&text), HOUR + SECOND);
    // A result at every reading; those that say something else because a reading falls out come besides.
    let times: std::collections::BTreeSet<Timestamp> = rows(&text).iter().map(|(time, _)| *time).collect();
    let at_readings: Vec<&Measured> = said.results.iter().filter(|one| times.contains(&one.time) && one.value.is_some()).collect();
    assert_eq!(at_readings.len(), 22_683);
    assert_eq!(at_readings.iter().filter(|one| one.basis.count == 12).count(), 22_672);
    let extreme = |sign: f64| *at_readings.iter().max_by(|a, b| (number(a) * sign).total_cmp(&(number(b) * sign))).unwrap();
    assert_eq!((extreme(1.0).time, extreme(-1.0).time), (at("2013-12-26T16:30:00Z"), at("2013-12-16T17:30:00Z")));
    near(number(extreme(1.0)), 107.00352920833333);
    near(number(extreme(-1.0)), 11.060712878083333);
    let report = replay(&catalog, &text, "");
    for (rule, raises, raised, cleared) in
        [("r95", 51, "2013-12-11T04:05:00Z", "2013-12-11T08:55:00Z"), ("r100", 30, "2013-12-11T05:35:00Z", "2013-12-11T07:30:00Z")]
    {
        assert_eq!(figures(&report, rule).raises, raises, "{rule}");
        let first = report.occurrences.iter().find(|one| one.rule.ends_with(rule)).unwrap();
        assert_eq!((first.raised_at.as_str(), first.cleared_at.as_deref()), (raised, Some(cleared)));
    }
}

/// T5b.
#[test]
fn counts_and_states_wait_with_their_member() {
    let Some(text) = data(MACHINE) else { return };
    let rows = rows(&text);
    let (hundreds, _) = drive(&windowed(", reorder: 1h", "{of: value, agg: avg, window: {count: 100}}", "  []"), &rows, 2 * HOUR);
    assert_eq!(hundreds.results.len(), 226);
    near(number(&hundreds.results[0]), 84.7228561482);
    near(number(&hundreds.results[225]), 93.0288414412);
    let state = "{of: value, agg: count, window: {state: \"value > 95\"}}";
    let (hot, plant) = drive(&windowed(", reorder: 1h", state, "  []"), &rows, 2 * HOUR);
    let closed: Vec<&Measured> = hot.results.iter().filter(|one| !one.basis.provisional).collect();
    assert_eq!(closed.len(), 297);
    let longest = closed.iter().max_by_key(|one| one.basis.end.micros_since(one.basis.start)).unwrap();
    assert_eq!(longest.basis.start, at("2013-12-13T10:10:00Z"));
    assert_eq!(longest.basis.end.micros_since(longest.basis.start), 209_400 * SECOND);
    let layout = &plant.twin(0).state.layout;
    assert!(plant.twin(0).windows.current(0, &layout.logic.windows[0], at("2014-02-19T15:25:00Z")).is_some());
}

/// T6, where the silence is that of a view.
#[test]
fn silence_is_of_the_same_instants_in_a_view() {
    let Some(text) = data(AMBIENT) else { return };
    let rules = "  - {id: two, noData: {of: value, after: 2h}}\n  - {id: three, noData: {of: value, after: 3h}}\n  - {id: cold, when: \"value < 63\", onDelay: 4h}\n";
    for every in ["", ", every: 1h"] {
        let spans = |telemetry: &str, run_on: &str| -> Vec<(String, String, Option<String>)> {
            let report = replay(&machine(&format!("{every}{telemetry}"), rules), &text, run_on);
            report.occurrences.iter().map(|one| (one.rule.clone(), one.raised_at.clone(), one.cleared_at.clone())).collect()
        };
        let waited = spans(", reorder: 30m", "10h");
        assert_eq!(waited, spans("", "10h"));
        assert_eq!(waited.iter().filter(|(rule, ..)| rule.ends_with("two")).count(), 10);
    }
}
