//! What happens at the very instant, at the first reading, after the last one, and at the bounds.

use super::dice::Dice;
use super::*;

fn tumbling(size: i64) -> Shape {
    Shape::Tumbling { size, every: size, closed: Closed::Start }
}

fn sliding(size: i64) -> Shape {
    Shape::Sliding { size, every: None }
}

fn figures(driven: &Driven, place: usize) -> Vec<(i64, Option<f64>)> {
    driven.published.iter().map(|one| (one.at, one.outcome.figures[place].known())).collect()
}

/// The worked numbers of the specification (`rules.md`, 5.2).
#[test]
fn a_value_is_held_until_the_next() {
    let aggs = [Agg::TimeAvg { between: Between::Step }, Agg::Integral { between: Between::Step }];
    let mut driven = Driven::new(spec(sliding(10 * SECOND), &aggs));
    for (at, value) in [(0, 10.0), (2, 11.0), (19, 9.0), (20, 8.0)] {
        driven.read(at * SECOND, value);
    }
    let at = [0, 2, 10, 12, 19, 20].map(|second| second * SECOND);
    let averages = [10.0, 10.0, 10.8, 11.0, 11.0, 10.8].map(Some);
    let integrals = [0.0, 20.0, 108.0, 110.0, 110.0, 108.0].map(Some);
    assert_eq!(figures(&driven, 0), at.into_iter().zip(averages).collect::<Vec<_>>());
    assert_eq!(figures(&driven, 1), at.into_iter().zip(integrals).collect::<Vec<_>>());
}

#[test]
fn a_sliding_window_says_when_a_reading_falls_out() {
    let mut driven = Driven::new(spec(sliding(10), &[Agg::Avg, Agg::Count]));
    driven.read(0, 1.0);
    driven.read(4, 3.0);
    assert_eq!(driven.window.due(&driven.spec), Some(Timestamp(10)));
    driven.run_to(100);
    assert_eq!(figures(&driven, 0), [(0, Some(1.0)), (4, Some(2.0)), (10, Some(3.0)), (14, None)]);
    assert_eq!(figures(&driven, 1).last(), Some(&(14, Some(0.0))));
    assert_eq!(driven.window.due(&driven.spec), None);
    // A reading at the instant at which another one falls out: one result.
    driven.read(200, 1.0);
    driven.read(210, 2.0);
    assert_eq!(figures(&driven, 0)[4..], [(200, Some(1.0)), (210, Some(2.0))]);
    // What is older than the window is in none of it.
    let before = driven.published.len();
    let taken = driven.window.take(&driven.spec, Change::New(reading(199, 9.0)), Timestamp(210), &mut driven.published);
    assert_eq!((taken, driven.published.len()), (Taken::Outside, before));
}

#[test]
fn a_sliding_window_at_multiples_is_silent_when_empty() {
    let shape = Shape::Sliding { size: 5000, every: Some(2500) };
    let mut driven = Driven::new(spec(shape, &[Agg::Sum]));
    for at in [1000, 2500, 2600, 20_000] {
        driven.read(at, 1.0);
    }
    driven.run_to(60_000);
    let expected = [(2500, 2.0), (5000, 3.0), (7500, 1.0), (20_000, 1.0), (22_500, 1.0)];
    assert_eq!(figures(&driven, 0), expected.map(|(at, sum)| (at, Some(sum))));
}

#[test]
fn a_reading_at_the_border_is_in_one_window() {
    for (closed, counts) in [(Closed::Start, [2.0, 1.0]), (Closed::End, [1.0, 2.0])] {
        let mut driven = Driven::new(spec(Shape::Tumbling { size: 10, every: 10, closed }, &[Agg::Count]));
        [10, 15, 20].iter().for_each(|at| driven.read(*at, 1.0));
        driven.run_to(30);
        let counted: Vec<f64> = driven.last_word().values().filter_map(|one| one.figures[0].known()).take(2).collect();
        // Closed at its end, the first reading is the last of the window before.
        assert_eq!(counted, counts, "{closed:?}");
    }
}

#[test]
fn a_window_is_corrected_within_its_lateness_and_not_at_its_end() {
    let outline = Outline { lateness: 5, ..Outline::new(tumbling(10), vec![Agg::Sum]) };
    let mut driven = Driven::new(Spec::new(outline).unwrap());
    driven.read(1, 1.0);
    driven.read(14, 1.0);
    driven.take(Change::New(reading(2, 2.0)), 14);
    let corrected = driven.published.last().unwrap().clone();
    assert_eq!((corrected.at, corrected.outcome.revision, corrected.outcome.figures[0]), (10, 1, Figure::Number(3.0)));
    assert!(matches!(&corrected.cause, Cause::Corrected { former } if former.figures[..] == [Figure::Number(1.0)]));
    driven.take(Change::Replaced { old: reading(2, 2.0), new: reading(2, 5.0) }, 14);
    driven.take(Change::Removed(reading(1, 1.0)), 14);
    let last = driven.published.last().unwrap();
    assert_eq!((last.outcome.revision, last.outcome.figures[0], last.outcome.count), (3, Figure::Number(5.0), 1));
    driven.read(15, 1.0);
    let said = driven.published.len();
    driven.take(Change::New(reading(3, 9.0)), 15);
    assert_eq!((driven.late, driven.published.len()), (1, said));
    // A window from before the first reading, but not too late: it is published as it is.
    let mut driven = Driven::new(spec(tumbling(10), &[Agg::Sum]));
    driven.read(25, 1.0);
    driven.take(Change::New(reading(12, 4.0)), 25);
    let first = &driven.published[0];
    assert_eq!((first.at, &first.cause, first.outcome.revision, first.outcome.figures[0]), (20, &Cause::Ended, 0, Figure::Number(4.0)));
}

/// A slow member remembers readings of windows that are final.
#[test]
fn a_correction_of_a_final_window_comes_too_late() {
    let outline = Outline { lateness: 5, ..Outline::new(tumbling(10), vec![Agg::Sum]) };
    let mut driven = Driven::new(Spec::new(outline).unwrap());
    [1, 2, 31].iter().for_each(|at| driven.read(*at, 1.0));
    let said = driven.published.len();
    for change in [Change::Replaced { old: reading(1, 1.0), new: reading(1, 9.0) }, Change::Removed(reading(2, 1.0))] {
        driven.take(change, 31);
    }
    driven.run_to(40);
    let last = driven.published.last().unwrap();
    assert_eq!((driven.late, driven.published.len(), last.outcome.figures[0]), (2, said + 1, Figure::Number(1.0)));
}

/// The value that is carried in changes, and with it windows that had no part in the reading.
#[test]
fn a_late_reading_changes_what_is_carried_into_later_windows() {
    let mut driven = Driven::new(spec(tumbling(10), &[Agg::TimeAvg { between: Between::Step }]));
    driven.read(0, 1.0);
    driven.read(45, 9.0);
    driven.take(Change::New(reading(15, 3.0)), 45);
    let averages: Vec<Option<f64>> = driven.last_word().values().map(|one| one.figures[0].known()).collect();
    assert_eq!(averages, [1.0, 2.0, 3.0, 3.0].map(Some));
    assert_eq!(driven.last_word().values().map(|one| one.revision).collect::<Vec<_>>(), [0, 1, 1, 1]);
}

#[test]
fn a_day_of_a_zone_may_have_23_hours() {
    let at = |text: &str| Timestamp::parse_rfc3339(text).unwrap().0;
    let aggs = vec![Agg::TimeIn { state: Sample::number(1.0) }];
    let outline = Outline { zone: zone("Europe/Berlin"), ..Outline::new(tumbling(DAY), aggs) };
    let mut driven = Driven::new(Spec::new(outline).unwrap());
    driven.read(at("2026-03-27T23:00:00Z"), 1.0);
    driven.run_to(at("2026-03-31T00:00:00Z"));
    let hours: Vec<f64> = driven.last_word().values().filter_map(|day| day.figures[0].known()).map(|s| s / 3600.0).collect();
    assert_eq!(hours, [24.0, 23.0, 24.0]);
    assert_eq!(driven.published[1].at, at("2026-03-29T22:00:00Z"));
}

#[test]
fn windows_that_overlap_follow_the_clocks_as_well() {
    let at = |text: &str| Timestamp::parse_rfc3339(text).unwrap().0;
    let shape = Shape::Tumbling { size: DAY, every: 6 * HOUR, closed: Closed::Start };
    let aggs = vec![Agg::TimeIn { state: Sample::number(1.0) }, Agg::Count];
    let mut driven = Driven::new(Spec::new(Outline { zone: zone("Europe/Berlin"), ..Outline::new(shape, aggs) }).unwrap());
    for hour in 0..120 {
        driven.read(at("2026-10-22T22:00:00Z") + hour * HOUR, 1.0);
    }
    let windows = driven.last_word();
    let of = |start: &str| windows[&at(start)].figures.iter().filter_map(|figure| figure.known()).collect::<Vec<f64>>();
    // From midnight to midnight, and from six to six, over the night in which an hour comes twice; and a day later.
    assert_eq!(of("2026-10-24T22:00:00Z"), [25.0 * 3600.0, 25.0]);
    assert_eq!(of("2026-10-24T04:00:00Z"), [25.0 * 3600.0, 25.0]);
    assert_eq!(of("2026-10-25T05:00:00Z"), [24.0 * 3600.0, 24.0]);
    let starts: Vec<i64> = windows.keys().copied().collect();
    assert!(starts.windows(2).all(|pair| [6, 7].contains(&((pair[1] - pair[0]) / HOUR))));
}

#[test]
fn silence_is_published_for_a_while_and_then_costs_nothing() {
    let mut driven = Driven::new(spec(tumbling(MINUTE), &[Agg::Count, Agg::Avg]));
    driven.read(30 * SECOND, 1.0);
    driven.run_to(365 * DAY);
    assert_eq!(driven.published.len(), usize::from(EMPTY_WINDOWS_MAX));
    assert_eq!(driven.published[1].outcome.figures[..], [Figure::Number(0.0), Figure::Unknown(Why::Empty)]);
    assert_eq!(driven.window.due(&driven.spec), None);
    driven.read(365 * DAY + SECOND, 5.0);
    assert_eq!(driven.window.due(&driven.spec), Some(Timestamp(365 * DAY + MINUTE)));
    driven.run_to(365 * DAY + MINUTE);
    assert_eq!(driven.published.len(), usize::from(EMPTY_WINDOWS_MAX) + 1);
    assert_eq!(driven.published.last().unwrap().outcome.figures[1], Figure::Number(5.0));
    // Also where something wants to be said all the time.
    for shape in [tumbling(HOUR), Shape::Since, Shape::State, Shape::Sliding { size: HOUR, every: Some(1000) }] {
        let aggs = vec![Agg::TimeIn { state: Sample::number(1.0) }];
        let mut driven = Driven::new(Spec::new(Outline { early: Some(1000), ..Outline::new(shape.clone(), aggs) }).unwrap());
        driven.condition(0, Some(true));
        driven.read(0, 1.0);
        driven.run_to(365 * DAY);
        assert!(driven.published.len() <= 2 * usize::from(EMPTY_WINDOWS_MAX) + 2, "{shape:?}: {}", driven.published.len());
        assert_eq!(driven.window.due(&driven.spec), None, "{shape:?}");
    }
}

#[test]
fn early_results_say_that_they_are() {
    let outline = Outline { early: Some(10), ..Outline::new(tumbling(60), vec![Agg::Sum]) };
    let mut driven = Driven::new(Spec::new(outline).unwrap());
    driven.read(0, 1.0);
    driven.read(25, 2.0);
    driven.read(61, 4.0);
    let said: Vec<(i64, bool, Option<f64>)> =
        driven.published.iter().map(|one| (one.at, one.outcome.provisional, one.outcome.figures[0].known())).collect();
    assert_eq!(said, [(10, true, Some(1.0)), (30, true, Some(3.0)), (60, false, Some(3.0))]);
    assert_eq!(driven.current().map(|now| (now.start, now.end, now.provisional, now.count)), Some((60, 61, true, 1)));
}

#[test]
fn sessions_end_grow_together_and_are_taken_back() {
    let mut driven = Driven::new(spec(Shape::Session { gap: 10, max: None }, &[Agg::Sum]));
    [0, 10, 30, 35].iter().for_each(|at| driven.read(*at, 1.0));
    let word = |driven: &Driven| -> Vec<(i64, i64, u64, u32)> {
        driven.last_word().values().map(|one| (one.start, one.end, one.count, one.revision)).collect()
    };
    // Exactly the gap is still the same session.
    assert_eq!(word(&driven), [(0, 10, 2, 0)]);
    driven.run_to(45);
    assert_eq!(word(&driven), [(0, 10, 2, 0), (30, 35, 2, 0)]);
    driven.take(Change::New(reading(20, 1.0)), 45);
    assert_eq!(word(&driven), [(0, 35, 5, 1)]);
    driven.take(Change::Removed(reading(20, 1.0)), 45);
    assert_eq!(word(&driven), [(0, 10, 2, 2), (30, 35, 2, 0)]);
    // The last one goes on after all.
    driven.take(Change::New(reading(42, 1.0)), 45);
    assert_eq!(word(&driven), [(0, 10, 2, 2)]);
    driven.run_to(60);
    assert_eq!(word(&driven), [(0, 10, 2, 2), (30, 42, 3, 1)]);
}

#[test]
fn a_session_lasts_no_longer_than_its_longest() {
    let mut driven = Driven::new(spec(Shape::Session { gap: 10, max: Some(20) }, &[Agg::Count]));
    (0..=8).for_each(|step| driven.read(step * 5, 1.0));
    driven.run_to(100);
    let ends: Vec<(i64, i64, i64)> = driven.published.iter().map(|one| (one.at, one.outcome.start, one.outcome.end)).collect();
    assert_eq!(ends, [(20, 0, 15), (40, 20, 35), (50, 40, 40)]);
}

#[test]
fn a_state_window_is_open_while_its_condition_is_unknown() {
    let mut driven = Driven::new(spec(Shape::State, &[Agg::Count, Agg::TimeIn { state: Sample::number(1.0) }]));
    let mut step = |at: i64, holds: Option<bool>, value: f64| {
        driven.condition(at, holds);
        driven.read(at, value);
    };
    step(0, Some(false), 0.0);
    step(10, Some(true), 1.0);
    step(20, None, 2.0);
    step(30, Some(true), 1.0);
    step(40, Some(false), 0.0);
    step(50, Some(true), 1.0);
    let closed = driven.last_word()[&10].clone();
    assert_eq!((closed.end, closed.figures[0], closed.figures[1]), (40, Figure::Number(3.0), Figure::Number(20e-6)));
    assert_eq!(driven.current().map(|now| (now.start, now.count, now.provisional)), Some((50, 1, true)));
    // Late: between the windows, within the closed one, within the open one.
    for (at, taken) in [(45, Taken::Outside), (35, Taken::Counted), (55, Taken::Counted)] {
        let found = driven.window.take(&driven.spec, Change::New(reading(at, 2.0)), Timestamp(60), &mut driven.published);
        assert_eq!(found, taken, "{at}");
    }
    let corrected = driven.last_word()[&10].clone();
    assert_eq!((corrected.count, corrected.revision, corrected.figures[1]), (4, 1, Figure::Number(15e-6)));
    assert_eq!(driven.current().map(|now| now.count), Some(2));
}

#[test]
fn counting_begins_anew_at_the_event() {
    let aggs = [Agg::TimeIn { state: Sample::number(1.0) }, Agg::Count];
    let mut driven = Driven::new(spec(Shape::Since, &aggs));
    driven.read(0, 1.0);
    driven.read(10 * SECOND, 1.0);
    assert_eq!(driven.current().map(|now| now.figures[0]), Some(Figure::Number(10.0)));
    driven.window.reset(&driven.spec, Timestamp(14 * SECOND), &mut driven.published);
    // It runs on since the event, though no reading came.
    let later = driven.window.current(&driven.spec, Timestamp(20 * SECOND)).unwrap();
    assert_eq!((later.start, &later.figures[..]), (14 * SECOND, &[Figure::Number(6.0), Figure::Number(0.0)][..]));
    // Late, and before the event, it is what was carried in.
    driven.take(Change::New(reading(12 * SECOND, 0.0)), 20 * SECOND);
    let later = driven.window.current(&driven.spec, Timestamp(20 * SECOND)).unwrap();
    assert_eq!(later.figures[0], Figure::Number(0.0));
    driven.window.reset(&driven.spec, Timestamp(13 * SECOND), &mut driven.published);
    assert_eq!(driven.current().map(|now| now.start), Some(14 * SECOND));
}

#[test]
fn too_many_readings_for_a_sliding_window_are_kept_in_panes() {
    let aggs = [Agg::Avg, Agg::Max, Agg::Quantile { q: 0.5 }, Agg::TimeAvg { between: Between::Step }, Agg::Count];
    let mut driven = Driven::new(spec(sliding(8_000), &aggs));
    let mut dice = Dice::new(4);
    let mut readings = Vec::new();
    for at in 1..=12_000 {
        readings.push(dice.number() + f64::from(at) / 10_000.0);
        driven.read(i64::from(at), readings[readings.len() - 1]);
    }
    let now = driven.published.last().unwrap().outcome.clone();
    assert!(now.approximate);
    let exact: f64 = readings[4_000..].iter().sum::<f64>() / 8_000.0;
    for place in [0, 2, 3] {
        let figure = now.figures[place].known().unwrap();
        assert!((figure - exact).abs() < 0.02 * exact, "{figure} of {exact}");
    }
    // At most one pane too many.
    let count = now.figures[4].known().unwrap();
    assert!((8_000.0..=8_000.0 + 32.0).contains(&count), "{count}");
    assert_eq!(now.figures[1].known(), readings.iter().copied().reduce(f64::max));
    let bytes = serde_json::to_string(&driven.window).unwrap().len();
    assert!(bytes < 400_000, "{bytes}");
    // Empty once, it is exact again.
    driven.read(100_000, 1.0);
    driven.read(100_001, 3.0);
    let now = driven.published.last().unwrap();
    assert_eq!((now.outcome.approximate, now.outcome.figures[0]), (false, Figure::Number(2.0)));
}

/// More readings than are kept: what does not depend on their order stays exact, whatever comes late; the rest says that it is not.
#[test]
fn a_long_window_keeps_only_its_newest_readings() {
    let run = |aggs: &[Agg], late: bool| {
        let mut driven = Driven::new(spec(tumbling(100_000), aggs));
        (1..=20_000).for_each(|at| driven.read(at * 2, f64::from(at as i32) * 0.1));
        if late {
            driven.take(Change::New(reading(101, 77.7)), 40_000);
            driven.take(Change::New(reading(39_999, 66.6)), 40_000);
        }
        driven
    };
    let aggs = [Agg::Sum, Agg::Stddev { sample: false }, Agg::Max, Agg::Slope { per: 1000 }, Agg::Quantile { q: 0.5 }];
    let driven = run(&aggs[..4], true);
    let mut in_order = Driven::new(spec(tumbling(100_000), &aggs[..4]));
    for at in 1..=20_000 {
        if at == 51 {
            in_order.read(101, 77.7);
        }
        if at == 20_000 {
            in_order.read(39_999, 66.6);
        }
        in_order.read(at * 2, f64::from(at as i32) * 0.1);
    }
    assert_eq!(driven.current(), in_order.current());
    assert!(!driven.current().unwrap().approximate);
    assert!(serde_json::to_string(&driven.window).unwrap().len() < 8000);
    assert!(run(&aggs, false).current().unwrap().approximate, "a sketch is no exact quantile");
    let ordered = [Agg::TimeAvg { between: Between::Step }];
    assert!(!run(&ordered, false).current().unwrap().approximate);
    assert!(run(&ordered, true).current().unwrap().approximate);
}

#[test]
fn a_hopping_window_of_too_many_panes_is_approximate_and_says_so() {
    let coarse = spec(Shape::Tumbling { size: 30 * DAY, every: SECOND, closed: Closed::Start }, &[Agg::Count]);
    assert!(coarse.is_approximate());
    let fine = spec(Shape::Tumbling { size: DAY, every: HOUR, closed: Closed::Start }, &[Agg::Count]);
    assert!(!fine.is_approximate());
    let mut driven = Driven::new(spec(Shape::Tumbling { size: 10_000, every: 10, closed: Closed::Start }, &[Agg::Count]));
    (0..15_000).for_each(|at| driven.read(at, 1.0));
    let last = driven.published.last().unwrap();
    let count = last.outcome.figures[0].known().unwrap();
    assert!(last.outcome.approximate && (count - 10_000.0).abs() <= 41.0, "{count}");
}

#[test]
fn a_window_that_makes_no_sense_is_refused() {
    let refused = |shape: Shape, agg: Agg| Spec::new(Outline::new(shape, vec![agg])).err();
    assert_eq!(refused(Shape::Tumbling { size: HOUR, every: 2 * HOUR, closed: Closed::Start }, Agg::Avg), Some(Error::EveryTooLong));
    assert_eq!(refused(tumbling(0), Agg::Avg), Some(Error::Length));
    assert_eq!(refused(sliding(i64::MAX), Agg::Avg), Some(Error::Length));
    assert_eq!(refused(Shape::Count { size: 5000, every: 1 }, Agg::Avg), Some(Error::TooManyReadings));
    assert_eq!(refused(Shape::Count { size: 5, every: 0 }, Agg::Avg), Some(Error::EveryTooLong));
    assert_eq!(refused(Shape::State, Agg::Quantile { q: 1.5 }), Some(Error::Quantile));
    assert_eq!(refused(Shape::State, Agg::Slope { per: 0 }), Some(Error::Per));
    assert_eq!(Spec::new(Outline::new(Shape::Since, vec![])).err(), Some(Error::Aggregates));
}

/// A stale value is unknown to the window from then on, and a bad one at once.
#[test]
fn unknown_time_is_left_out() {
    let aggs = vec![Agg::TimeAvg { between: Between::Step }, Agg::Avg];
    let outline = Outline { hold: Some(3), ..Outline::new(tumbling(20), aggs) };
    let mut driven = Driven::new(Spec::new(outline).unwrap());
    driven.read(0, 1.0);
    driven.read(10, 4.0);
    driven.take(Change::New(Reading { at: 11, sample: Sample::UNKNOWN }), 11);
    driven.read(18, 1.0);
    driven.run_to(60);
    let said: Vec<(f64, Option<f64>)> = driven.last_word().values().map(|one| (one.coverage, one.figures[0].known())).collect();
    // Known: 0 to 3, 10 to 11, 18 to 20; then 20 to 21; then never.
    assert_eq!(said, [(0.3, Some(1.5)), (0.05, Some(1.0)), (0.0, None)]);
}

/// Windows that share what they are over share their state: the union of the sums, each once.
#[test]
fn several_aggregates_share_one_window() {
    let aggs = [Agg::Avg, Agg::Sum, Agg::Stddev { sample: false }, Agg::Count];
    let mut driven = Driven::new(spec(sliding(100), &aggs));
    [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0].iter().enumerate().for_each(|(at, value)| driven.read(at as i64, *value));
    let figures = &driven.published.last().unwrap().outcome.figures;
    assert_eq!(figures[..], [5.0, 40.0, 2.0, 8.0].map(Figure::Number));
    let mut constant = Driven::new(spec(sliding(100), &[Agg::Variance { sample: false }]));
    (0..50).for_each(|at| constant.read(at, 0.1));
    assert_eq!(constant.published.last().unwrap().outcome.figures[..], [Figure::Number(0.0)]);
}
