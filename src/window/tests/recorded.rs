//! The numbers of the acceptance page, over the recorded data in the folder that `POLLUX_TEST_DATA` names. Without it nothing is shown, and the
//! test says so.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::dice::Dice;
use super::*;

#[expect(clippy::disallowed_methods, reason = "the data is not part of the project, so whoever runs the tests says where it is")]
pub(crate) fn data_folder() -> Option<PathBuf> {
    let folder = std::env::var_os("POLLUX_TEST_DATA").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("SKIPPED: POLLUX_TEST_DATA does not name the folder with the recorded data, so its numbers are NOT checked");
    }
    folder
}

fn at(text: &str) -> i64 {
    Timestamp::parse_rfc3339(&format!("{}Z", text.replace(' ', "T"))).unwrap().0
}

/// Rows in the order of the file.
fn rows(name: &str) -> Option<Vec<(i64, f64)>> {
    let text = std::fs::read_to_string(data_folder()?.join("nab").join(name)).unwrap();
    let parse = |line: &str| {
        let (time, value) = line.split_once(',').unwrap();
        (at(time), value.trim().parse().unwrap())
    };
    Some(text.lines().skip(1).filter(|line| !line.is_empty()).map(parse).collect())
}

/// By time, the later value of each instant: what a reorder tolerance that is long enough makes of a file.
fn reordered(name: &str) -> Option<Vec<(i64, f64)>> {
    let by_time: BTreeMap<i64, f64> = rows(name)?.into_iter().collect();
    Some(by_time.into_iter().collect())
}

const MACHINE: &str = "machine_temperature_system_failure.csv";
const AMBIENT: &str = "ambient_temperature_system_failure.csv";
const TAXI: &str = "nyc_taxi.csv";

fn drive(spec: Spec, rows: &[(i64, f64)]) -> Driven {
    let mut driven = Driven::new(spec);
    rows.iter().for_each(|(at, value)| driven.read(*at, *value));
    driven
}

#[track_caller]
fn near(figure: Figure, expected: f64) {
    let value = figure.known().unwrap();
    assert!((value - expected).abs() <= 1e-9 * expected.abs(), "{value} is not {expected}");
}

fn numbers(driven: &Driven) -> Vec<(i64, f64)> {
    driven.published.iter().filter_map(|one| Some((one.at, one.outcome.figures[0].known()?))).collect()
}

#[test]
fn days_of_taxis_do_not_depend_on_arrival() {
    let Some(rows) = reordered(TAXI) else { return };
    let days = |lateness: i64| {
        let outline = Outline::new(Shape::Tumbling { size: DAY, every: DAY, closed: Closed::Start }, vec![Agg::Avg]);
        Spec::new(Outline { lateness, ..outline }).unwrap()
    };
    let end = at("2015-02-01 00:00:00") + DAY;
    let mut sorted = drive(days(HOUR), &rows);
    sorted.run_to(end);
    let full: Vec<Outcome> = sorted.last_word().into_values().filter(|day| day.count > 0).collect();
    assert_eq!((full.len(), full.iter().all(|day| day.count == 48)), (215, true));
    near(full[0].figures[0], 15540.979166666666);
    near(full[214].figures[0], 18702.479166666668);
    let by_value = |day: &&Outcome| (day.figures[0].known().unwrap() * 1e6) as i64;
    let (least, most) = (full.iter().min_by_key(by_value).unwrap(), full.iter().max_by_key(by_value).unwrap());
    assert_eq!((least.start, most.start), (at("2015-01-27 00:00:00"), at("2014-11-01 00:00:00")));
    near(least.figures[0], 4834.541666666667);
    near(most.figures[0], 20553.5);
    for seed in 1..=10 {
        let mut dice = Dice::new(seed);
        let mut arrivals: Vec<(i64, i64, f64)> = rows.iter().map(|(at, v)| (at + dice.below(2 * HOUR as u64) as i64, *at, *v)).collect();
        arrivals.sort_by_key(|(arrival, ..)| *arrival);
        let permuted: Vec<(i64, f64)> = arrivals.iter().map(|(_, at, value)| (*at, *value)).collect();
        let mut corrected = drive(days(2 * HOUR), &permuted);
        corrected.run_to(end);
        let again: Vec<Outcome> = corrected.last_word().into_values().filter(|day| day.count > 0).collect();
        assert_eq!(corrected.late, 0);
        assert_eq!(
            again.iter().map(|day| day.figures.clone()).collect::<Vec<_>>(),
            full.iter().map(|day| day.figures.clone()).collect::<Vec<_>>()
        );
        let revisions = corrected.published.iter().filter(|one| matches!(one.cause, Cause::Corrected { .. })).count();
        assert!((60..160).contains(&revisions), "{revisions} revisions");
        let mut strict = drive(days(0), &permuted);
        strict.run_to(end);
        let counted: u64 = strict.last_word().values().map(|day| day.count).sum();
        assert!(strict.late > 0);
        assert_eq!(counted + strict.late as u64, 10_320);
    }
}

#[test]
fn the_last_hour_of_the_machine() {
    let Some(rows) = reordered(MACHINE) else { return };
    let driven = drive(spec(Shape::Sliding { size: HOUR, every: None }, &[Agg::Avg]), &rows);
    assert_eq!(driven.published.len(), 22_683);
    assert_eq!(driven.published.iter().filter(|one| one.outcome.count == 12).count(), 22_672);
    let averages = numbers(&driven);
    let extreme = |sign: f64| *averages.iter().max_by(|a, b| (a.1 * sign).total_cmp(&(b.1 * sign))).unwrap();
    assert_eq!(extreme(1.0).0, at("2013-12-26 16:30:00"));
    near(Figure::Number(extreme(1.0).1), 107.00352920833333);
    assert_eq!(extreme(-1.0).0, at("2013-12-16 17:30:00"));
    near(Figure::Number(extreme(-1.0).1), 11.060712878083333);
    for (limit, raises, first, cleared) in
        [(95.0, 51, "2013-12-11 04:05:00", "2013-12-11 08:55:00"), (100.0, 30, "2013-12-11 05:35:00", "2013-12-11 07:30:00")]
    {
        let edges =
            |up: bool| averages.windows(2).filter(move |pair| (pair[0].1 > limit) != up && (pair[1].1 > limit) == up).map(|pair| pair[1].0);
        assert_eq!(edges(true).count(), raises);
        assert_eq!((edges(true).next(), edges(false).next()), (Some(at(first)), Some(at(cleared))));
    }
}

#[test]
fn hopping_days_of_taxis() {
    let Some(rows) = reordered(TAXI) else { return };
    let mut driven = drive(spec(Shape::Tumbling { size: DAY, every: 6 * HOUR, closed: Closed::Start }, &[Agg::Avg]), &rows);
    driven.run_to(at("2015-02-03 00:00:00"));
    let windows: Vec<Outcome> = driven.last_word().into_values().filter(|window| window.count > 0).collect();
    let full: Vec<&Outcome> = windows.iter().filter(|window| window.count == 48).collect();
    assert_eq!((windows.len(), full.len()), (863, 857));
    let value = |window: &&&Outcome| (window.figures[0].known().unwrap() * 1e9) as i64;
    let (most, least) = (full.iter().max_by_key(value).unwrap(), full.iter().min_by_key(value).unwrap());
    assert_eq!((most.start, least.start), (at("2014-11-01 00:00:00"), at("2015-01-26 18:00:00")));
    near(most.figures[0], 20553.5);
    near(least.figures[0], 2986.3333333333335);
}

#[test]
fn sessions_of_the_office() {
    let Some(rows) = reordered(AMBIENT) else { return };
    let session = |max: Option<i64>| {
        let mut driven = drive(spec(Shape::Session { gap: 2 * HOUR, max }, &[Agg::Avg]), &rows);
        driven.run_to(at("2014-07-01 00:00:00"));
        driven.last_word().into_values().collect::<Vec<_>>()
    };
    let sessions = session(None);
    assert_eq!(sessions.len(), 10);
    let length = |session: &&Outcome| session.end - session.start;
    let (longest, shortest) = (sessions.iter().max_by_key(length).unwrap(), sessions.iter().min_by_key(length).unwrap());
    assert_eq!((longest.start, longest.count), (at("2013-10-14 19:00:00"), 3321));
    assert_eq!((longest.end - longest.start, shortest.end - shortest.start), (11_952_000 * SECOND, 514_800 * SECOND));
    assert_eq!(shortest.count, 144);
    assert_eq!(session(Some(7 * DAY)).len(), 48);
}

#[test]
fn every_hundred_readings_of_the_machine() {
    let Some(rows) = reordered(MACHINE) else { return };
    let driven = drive(spec(Shape::Count { size: 100, every: 100 }, &[Agg::Avg]), &rows);
    let averages = numbers(&driven);
    assert_eq!((averages.len(), rows.len() - 100 * averages.len()), (226, 83));
    near(Figure::Number(averages[0].1), 84.7228561482);
    near(Figure::Number(averages[225].1), 93.0288414412);
}

#[test]
fn the_machine_while_it_is_hot() {
    let Some(rows) = reordered(MACHINE) else { return };
    let aggs = [Agg::TimeIn { state: Sample::number(1.0) }, Agg::Count];
    let mut driven = Driven::new(spec(Shape::State, &aggs));
    for (at, value) in &rows {
        driven.condition(*at, Some(*value > 95.0));
        driven.take(Change::New(Reading { at: *at, sample: Sample::truth(*value > 95.0) }), *at);
    }
    let closed: Vec<Outcome> = driven.last_word().into_values().collect();
    let open = driven.current().unwrap();
    assert_eq!((closed.len(), driven.count(&Cause::Ended)), (297, 297));
    let longest = closed.iter().max_by_key(|window| window.end - window.start).unwrap();
    assert_eq!((longest.start, longest.end - longest.start), (at("2013-12-13 10:10:00"), 209_400 * SECOND));
    let time_in: f64 = closed.iter().chain([&open]).filter_map(|window| window.figures[0].known()).sum();
    assert_eq!(time_in, 1_467_900.0);
}

#[test]
fn days_of_the_office_with_and_without_readings() {
    let Some(rows) = reordered(AMBIENT) else { return };
    let aggs = [Agg::Avg, Agg::TimeAvg { between: Between::Step }];
    let mut driven = drive(spec(Shape::Tumbling { size: DAY, every: DAY, closed: Closed::Start }, &aggs), &rows);
    driven.run_to(at("2014-05-29 00:00:00"));
    let days = driven.last_word();
    assert_eq!(days.values().filter(|day| day.count > 0).count(), 311);
    assert_eq!(days.values().filter(|day| day.count == 0).count(), 18);
    let day = &days[&at("2014-03-24 00:00:00")];
    assert_eq!(day.count, 10);
    near(day.figures[0], 66.196507216);
    near(day.figures[1], 64.29207997333333);
    let day = &days[&at("2013-08-28 00:00:00")];
    assert_eq!(day.figures[0], Figure::Unknown(Why::Empty));
    near(day.figures[1], 67.21755426);
}

#[test]
fn the_whole_file_of_the_machine() {
    let Some(rows) = reordered(MACHINE) else { return };
    let aggs = [Agg::Avg, Agg::Stddev { sample: false }, Agg::Quantile { q: 0.5 }, Agg::Quantile { q: 0.95 }];
    let driven = drive(spec(Shape::Since, &aggs), &rows);
    let whole = driven.current().unwrap();
    near(whole.figures[0], 85.9221585657306);
    near(whole.figures[1], 13.748938533251406);
    for (figure, exact) in [(whole.figures[2], 89.40333244), (whole.figures[3], 100.8510761)] {
        let near = figure.known().unwrap();
        assert!((near - exact).abs() <= 0.01 * exact, "{near} for {exact}");
    }
    let last = at("2013-12-26 16:30:00");
    let until: Vec<(i64, f64)> = rows.iter().copied().filter(|(at, _)| *at <= last).collect();
    for shape in [Shape::Count { size: 12, every: 1 }, Shape::Sliding { size: HOUR, every: None }] {
        let driven = drive(spec(shape, &[Agg::Slope { per: HOUR }]), &until);
        near(driven.current().unwrap().figures[0], -1.0064936685314674);
    }
}

/// Every row once or twice, with the rows that jump back: an hour has each instant once.
#[test]
fn hours_of_the_machine_count_each_instant_once() {
    let Some(rows) = rows(MACHINE) else { return };
    for repeats in [1, 2] {
        let mut driven = Driven::new(spec(Shape::Tumbling { size: HOUR, every: HOUR, closed: Closed::Start }, &[Agg::Count]));
        let mut recent = RecentReadings::default();
        for (at, value) in rows.iter().flat_map(|row| std::iter::repeat_n(*row, repeats)) {
            let new = reading(at, value);
            let change = match recent.recognise(new, Keep::Last) {
                Recognised::New => Change::New(new),
                Recognised::Replaces(old) => Change::Replaced { old: Reading { at, sample: old }, new },
                Recognised::Duplicate | Recognised::Refused => continue,
            };
            recent.remember(new);
            driven.take(change, at);
        }
        assert_eq!(driven.last_word()[&at("2014-01-07 02:00:00")].count, 12);
        assert_eq!(driven.late, 0);
    }
}
