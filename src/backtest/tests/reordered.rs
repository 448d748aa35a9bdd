//! The acceptance page where readings wait for older ones (T2 to T5b), from the files as they are.

use super::acceptance::{figures, machine, outcomes, replay};
use super::recorded::{
    AMBIENT, AS_IT_IS, AVOIDED, AVOIDED_WAITED, DAY as DAYS_OF_TAXIS, DAY_READINGS, DAYS, ENDED_ACTIVE_S, FIRST_DAY, HOT, HOT_SPANS,
    LARGEST_DAY, LAST_DAY, LINES, MACHINE, SMALLEST_DAY, TAXI, WAITS, data, limits, machine_type, permuted, rows_of,
};
use super::*;
use crate::backtest::plant::{Happened, Listener, Plant};
use crate::backtest::report::Seconds;
use crate::reading::{Group, Quality, Reading, Reason, SlotNo, Value};
use crate::twin::{Measured, Tally};

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;

/// T2 and T4: what waits for an hour, and what waits for five seconds.
#[test]
fn a_view_raises_as_often_as_it_should() {
    let Some(text) = data(MACHINE) else { return };
    for (reorder, late, replaced) in WAITS {
        for (telemetry, key) in [(format!(", reorder: {reorder}"), String::new()), (String::new(), format!(", reorder: {reorder}"))] {
            let report = replay(&machine(&telemetry, &limits(&key)), &text, "");
            let readings = &report.readings;
            assert_eq!(outcomes(readings), AS_IT_IS);
            assert_eq!((readings.late_for_view, readings.replaced_in_view), (late, replaced), "{reorder}");
            let is_in_order = late == 0;
            for (no, line) in LINES.iter().enumerate() {
                assert_eq!(figures(&report, &format!("r{no}")).raises, if is_in_order { line.waited } else { line.raises }, "{reorder}");
            }
            let last = figures(&report, "r4");
            assert_eq!((last.open, last.ended_active_seconds), (1, Seconds(ENDED_ACTIVE_S * SECOND)));
            assert_eq!(last.avoided, if is_in_order { AVOIDED_WAITED } else { AVOIDED });
        }
    }
}

#[test]
fn the_first_of_two_counts_where_the_type_says_so() {
    let Some(text) = data(MACHINE) else { return };
    let report = replay(&machine(", reorder: 1h, duplicates: first", &limits("")), &text, "");
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
    let spans = |telemetry: &str, run_on: &str| -> Vec<(String, Option<String>)> {
        let report = replay(&machine(telemetry, HOT), &text, run_on);
        for one in &report.occurrences {
            assert_eq!(at(&one.raised_at).micros_since(at(&one.first_true_at)), 15 * 60 * SECOND);
        }
        report.occurrences.iter().map(|one| (one.raised_at.clone(), one.cleared_at.clone())).collect()
    };
    let waited = spans(", reorder: 1h", "");
    assert_eq!(waited, spans("", ""));
    let shown = |place: usize| (waited[place].0.as_str(), waited[place].1.as_deref().unwrap());
    for (place, span) in [0, 1, 2, waited.len() - 1].into_iter().zip(HOT_SPANS) {
        assert_eq!(shown(place), span);
    }
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
    rows_of(text).into_iter().map(|(time, value)| (at(&time), value.parse().unwrap())).collect()
}

/// A type with one member and one window over it.
pub(super) fn windowed(telemetry: &str, computed: &str, rules: &str) -> Catalog {
    let text = machine_type("Machine", telemetry, &format!("computed: {{over: {computed}}}\n"), rules);
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

/// In the order of arrival.
pub(super) fn shuffled(rows: &[(Timestamp, f64)], delay: i64, seed: u64) -> Vec<(Timestamp, f64)> {
    let rows: Vec<(i64, f64)> = rows.iter().map(|(time, value)| (time.0, *value)).collect();
    permuted(&rows, delay, seed).into_iter().map(|(time, value)| (Timestamp(time), value)).collect()
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
    let sorted = drive(&windowed("", DAYS_OF_TAXIS, "  []"), &rows, DAY).0.results;
    assert_eq!(sorted.len(), DAYS);
    assert!(sorted.iter().all(|day| day.basis.count == DAY_READINGS));
    near(number(&sorted[0]), FIRST_DAY);
    near(number(&sorted[DAYS - 1]), LAST_DAY);
    for (sign, (start, mean)) in [(-1.0, SMALLEST_DAY), (1.0, LARGEST_DAY)] {
        let found = sorted.iter().max_by(|a, b| (number(a) * sign).total_cmp(&(number(b) * sign))).unwrap();
        assert_eq!(found.basis.start, at(start));
        near(number(found), mean);
    }
    let catalog = windowed(", reorder: 2h", DAYS_OF_TAXIS, "  []");
    let shown = |said: &[Measured]| -> Vec<(Timestamp, Timestamp, u64, u32, u64)> {
        said.iter().map(|day| (day.time, day.basis.start, number(day).to_bits(), day.basis.revision, day.basis.count)).collect()
    };
    for seed in 1..=10 {
        let (said, plant) = drive(&catalog, &shuffled(&rows, 2 * HOUR, seed), DAY);
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
