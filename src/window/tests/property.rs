//! Whatever comes late, twice, anew or is taken back: the windows say what the readings say, and what a window says that had them in order.

use super::brute::{Brute, is_near};
use super::dice::Dice;
use super::*;

fn all_aggs() -> Vec<Vec<Agg>> {
    let per = 10;
    let state = Sample::number(3.0);
    vec![
        vec![
            Agg::Count,
            Agg::Sum,
            Agg::Avg,
            Agg::Variance { sample: false },
            Agg::Stddev { sample: true },
            Agg::Min,
            Agg::Max,
            Agg::First,
            Agg::Last,
            Agg::Slope { per },
            Agg::Any,
            Agg::All,
            Agg::WorstSeverity,
        ],
        vec![
            Agg::Delta { counter: false },
            Agg::Delta { counter: true },
            Agg::Rate { counter: true, per },
            Agg::Rate { counter: false, per },
            Agg::Quantile { q: 0.95 },
            Agg::Quantile { q: 0.5 },
            Agg::TimeAvg { between: Between::Step },
            Agg::Integral { between: Between::Step },
            Agg::TimeAvg { between: Between::Linear },
            Agg::Integral { between: Between::Linear },
            Agg::TimeIn { state },
            Agg::Transitions,
        ],
        vec![Agg::Avg],
    ]
}

fn specs() -> Vec<Spec> {
    let shapes = [
        Shape::Tumbling { size: 20, every: 20, closed: Closed::Start },
        Shape::Tumbling { size: 20, every: 20, closed: Closed::End },
        Shape::Tumbling { size: 24, every: 10, closed: Closed::Start },
        Shape::Sliding { size: 25, every: None },
        Shape::Sliding { size: 25, every: Some(10) },
        Shape::Count { size: 8, every: 3 },
        Shape::Session { gap: 6, max: None },
        Shape::Session { gap: 6, max: Some(25) },
        Shape::Since,
    ];
    let mut specs = Vec::new();
    for shape in shapes {
        for aggs in all_aggs() {
            for hold in [None, Some(9)] {
                let outline = Outline { hold, lateness: 10_000, ..Outline::new(shape.clone(), aggs.clone()) };
                specs.push(Spec::new(outline).unwrap());
            }
        }
    }
    specs
}

/// What a member has been told, as its recent readings know it.
struct Member {
    readings: Vec<Reading>,
    /// A session does not keep unknown readings; they only show in its coverage.
    is_always_known: bool,
}

impl Member {
    fn of(spec: &Spec) -> Member {
        Member { readings: Vec::new(), is_always_known: matches!(spec.shape, Shape::Session { .. }) }
    }
}

impl Member {
    /// The next thing that happens: mostly readings in order, some late, some repeated, some replaced, some removed.
    fn next(&mut self, dice: &mut Dice, clock: &mut i64) -> Option<(Change, i64)> {
        let sample = match dice.below(12) {
            0 if !self.is_always_known => Sample::UNKNOWN,
            // Few values, so that there are ties; others of very different size.
            1 => Sample::number((dice.number() - 0.5) * 1e3),
            2 => Sample::number(dice.number() * 1e-2),
            _ => Sample::number(dice.below(6) as f64),
        };
        let kind = dice.below(10);
        let at = if kind < 6 || self.readings.is_empty() {
            *clock += 1 + dice.below(9) as i64;
            if dice.below(40) == 0 {
                *clock += 60;
            }
            *clock
        } else {
            (*clock - dice.below(70) as i64).max(1)
        };
        let place = self.readings.partition_point(|other| other.at < at);
        let old = self.readings.get(place).copied().filter(|other| other.at == at);
        let new = Reading { at, sample };
        match old {
            Some(old) if kind == 9 => {
                self.readings.remove(place);
                Some((Change::Removed(old), at))
            }
            Some(old) if old == new => None,
            Some(old) => {
                self.readings[place] = new;
                Some((Change::Replaced { old, new }, at))
            }
            None => {
                self.readings.insert(place, new);
                Some((Change::New(new), at))
            }
        }
    }
}

fn in_order(spec: &Spec, readings: &[Reading], clock: i64) -> Driven {
    let mut driven = Driven::new(spec.clone());
    for reading in readings {
        driven.take(Change::New(*reading), reading.at);
    }
    driven.run_to(clock);
    driven
}

/// Outcomes with what depends on the arrival left out.
fn stripped(outcome: &Outcome) -> Outcome {
    Outcome { revision: 0, ..outcome.clone() }
}

#[test]
fn the_result_is_that_of_the_readings_whatever_their_arrival() {
    for (number, spec) in specs().into_iter().enumerate() {
        for seed in 0..6 {
            let mut dice = Dice::new(seed * 100 + number as u64 + 1);
            let (mut member, mut clock, mut driven) = (Member::of(&spec), 0, Driven::new(spec.clone()));
            for _ in 0..120 {
                let Some((change, at)) = member.next(&mut dice, &mut clock) else { continue };
                driven.take(change, at);
            }
            driven.run_to(clock + 100);
            let fresh = in_order(&spec, &member.readings, clock + 100);
            let context = format!("seed {seed} of {:?} {:?} hold {:?}", spec.shape, spec.aggs, spec.hold);
            assert_eq!(driven.late, 0, "{context}");
            match spec.shape {
                Shape::Tumbling { .. } | Shape::Session { .. } => {
                    let (ours, theirs) = (driven.last_word(), fresh.last_word());
                    for start in ours.keys().chain(theirs.keys()) {
                        let (ours, theirs) = (ours.get(start).map(stripped), theirs.get(start).map(stripped));
                        let has_readings = ours.iter().chain(&theirs).any(|outcome| outcome.count > 0);
                        if has_readings || (ours.is_some() && theirs.is_some()) {
                            assert_eq!(ours, theirs, "window {start}, {context}");
                        }
                    }
                }
                // Readings that had fallen out of the count when they were removed are not fetched back.
                Shape::Count { .. } => {}
                Shape::Sliding { .. } | Shape::Since | Shape::State => {
                    assert_eq!(driven.current().as_ref().map(stripped), fresh.current().as_ref().map(stripped), "{context}");
                }
            }
            check_against_brute_force(&fresh, &member.readings, &context);
            check_against_brute_force(&driven, &member.readings, &context);
        }
    }
}

/// Every last word, and what is said now, is what the plain list says.
fn check_against_brute_force(driven: &Driven, readings: &[Reading], context: &str) {
    let spec = &driven.spec;
    let brute = Brute { readings, hold: spec.hold };
    let mut outcomes: Vec<Outcome> = Vec::new();
    match spec.shape {
        Shape::Tumbling { .. } => outcomes.extend(driven.last_word().into_values()),
        Shape::Sliding { .. } | Shape::Since => outcomes.extend(driven.current()),
        Shape::Session { .. } | Shape::Count { .. } | Shape::State => return,
    }
    for outcome in outcomes {
        let (start, end) = (outcome.start, outcome.end);
        let inside = |at: i64| match spec.shape {
            Shape::Tumbling { closed: Closed::Start, .. } => start <= at && at < end,
            Shape::Since => start <= at,
            Shape::Tumbling { closed: Closed::End, .. } | Shape::Sliding { .. } => start < at && at <= end,
            Shape::Count { .. } | Shape::Session { .. } | Shape::State => false,
        };
        let expected = brute.figures(&spec.aggs, start, end, &inside);
        for ((figure, expected), agg) in outcome.figures.iter().zip(&expected).zip(&spec.aggs) {
            assert!(is_near(*figure, *expected), "{agg:?} is {figure:?}, not {expected:?}, in {start} to {end} of {readings:?}, {context}");
        }
        if end > start {
            let expected = brute.coverage(start, end);
            assert!(
                (outcome.coverage - expected).abs() < 1e-12,
                "coverage {} of {expected} {start} to {end}, {readings:?}, {context}",
                outcome.coverage
            );
        }
        assert!(!outcome.approximate, "{context}");
    }
}

/// Whatever the lateness: a reading is in its window or it was late, and what is said last is the sum of those that are in.
#[test]
fn every_reading_is_counted_or_late() {
    for (seed, lateness) in [(1, 0), (2, 5), (3, 20), (4, 60), (5, 200)] {
        for closed in [Closed::Start, Closed::End] {
            let shape = Shape::Tumbling { size: 20, every: 20, closed };
            let outline = Outline { lateness, hold: Some(7), ..Outline::new(shape, vec![Agg::Count, Agg::Sum, Agg::Max]) };
            let (mut dice, mut driven, mut clock) = (Dice::new(seed), Driven::new(Spec::new(outline).unwrap()), 0);
            let mut accepted = 0.0;
            for number in 1..2000 {
                clock += dice.below(4) as i64;
                let (at, late) = (clock - dice.below(100) as i64, driven.late);
                driven.read(at, f64::from(number));
                accepted += if driven.late == late { f64::from(number) } else { 0.0 };
            }
            driven.run_to(clock + 500);
            let windows = driven.last_word();
            let total = |place: usize| windows.values().filter_map(|window| window.figures[place].known()).sum::<f64>();
            assert_eq!(total(0) as usize + driven.late, 1999, "lateness {lateness}");
            assert_eq!(total(1), accepted);
            assert_eq!(driven.late > 0, lateness < 200);
        }
    }
}

/// The last so many, whatever came late among them; with the readings that were accepted as a plain list.
#[test]
fn a_count_is_over_the_last_readings_by_time() {
    for seed in 0..30 {
        let (mut dice, mut at) = (Dice::new(seed + 1), 0);
        let mut driven = Driven::new(super::spec(Shape::Count { size: 7, every: 1 }, &[Agg::Sum, Agg::Max, Agg::First]));
        let mut accepted: Vec<Reading> = Vec::new();
        for _ in 0..200 {
            at += dice.below(4) as i64;
            let reading = reading(at - dice.below(12) as i64, dice.below(50) as f64);
            if accepted.iter().any(|other| other.at == reading.at) {
                continue;
            }
            let mut published = Vec::new();
            let taken = driven.window.take(&driven.spec, Change::New(reading), Timestamp(at), &mut published);
            let oldest = accepted.len().checked_sub(7).map(|place| accepted[place].at);
            let fits = accepted.len() < 7 || oldest.is_some_and(|oldest| reading.at > oldest);
            if taken == Taken::Counted {
                accepted.insert(accepted.partition_point(|other| other.at < reading.at), reading);
            } else {
                assert!(!fits, "seed {seed}: {reading:?} of {accepted:?}");
                continue;
            }
            let last = &accepted[accepted.len().saturating_sub(7)..];
            let brute = Brute { readings: last, hold: None };
            let (outcome, inside) = (&published[0].outcome, |_: i64| true);
            let expected = brute.figures(driven.spec.aggs(), last[0].at, at, &inside);
            assert!(outcome.figures.iter().zip(expected).all(|(figure, expected)| is_near(*figure, expected)), "{outcome:?} of {last:?}");
        }
    }
}

/// The condition goes by its own order; readings come as they like, and are in the window in which they happened.
#[test]
fn a_state_window_has_the_readings_of_its_time() {
    for seed in 0..30 {
        let (mut dice, mut clock, mut driven) = (Dice::new(seed + 5), 0, Driven::new(super::spec(Shape::State, &all_aggs()[0])));
        let (mut readings, mut holds): (Vec<Reading>, bool) = (Vec::new(), false);
        for _ in 0..200 {
            clock += 1 + dice.below(4) as i64;
            if dice.below(6) == 0 {
                holds = !holds;
                driven.condition(clock, Some(holds));
            }
            let at = if dice.below(3) == 0 { (clock - dice.below(40) as i64).max(0) } else { clock };
            if readings.iter().any(|other| other.at == at) {
                continue;
            }
            let new = reading(at, dice.below(6) as f64);
            readings.insert(readings.partition_point(|other| other.at < at), new);
            driven.clock = clock;
            driven.window.take(&driven.spec, Change::New(new), Timestamp(clock), &mut driven.published);
        }
        let brute = Brute { readings: &readings, hold: None };
        let open = driven.current();
        for outcome in driven.last_word().values().chain(&open) {
            let inside = |at: i64| outcome.start <= at && (at < outcome.end || outcome.provisional);
            let expected = brute.figures(driven.spec.aggs(), outcome.start, outcome.end, &inside);
            assert!(
                outcome.figures.iter().zip(&expected).all(|(figure, expected)| is_near(*figure, *expected)),
                "{outcome:?}: {expected:?}"
            );
        }
    }
}

#[test]
fn a_state_that_is_written_and_read_back_goes_on_the_same() {
    for (number, spec) in specs().into_iter().enumerate() {
        let mut dice = Dice::new(number as u64 + 7);
        let (mut member, mut clock, mut driven) = (Member::of(&spec), 0, Driven::new(spec.clone()));
        let mut restarted = driven.clone();
        for step in 0..150 {
            let Some((change, at)) = member.next(&mut dice, &mut clock) else { continue };
            driven.take(change, at);
            restarted.take(change, at);
            if step % 10 == 3 {
                let text = serde_json::to_string(&restarted.window).unwrap();
                restarted.window = serde_json::from_str(&text).unwrap();
            }
            assert_eq!(restarted.window, driven.window, "{:?}", spec.shape);
            assert_eq!(restarted.published, driven.published);
        }
    }
}

/// Half the readings come again, at once: nothing is counted twice, thanks to what the member remembers.
#[test]
fn readings_that_are_sent_again_change_nothing() {
    for spec in specs() {
        let (mut dice, mut recent) = (Dice::new(9), RecentReadings::default());
        let (mut once, mut twice) = (Driven::new(spec.clone()), Driven::new(spec.clone()));
        let mut at = 0;
        for _ in 0..200 {
            at += 1 + dice.below(5) as i64;
            let reading = reading(at - dice.below(20) as i64, dice.below(9) as f64);
            for repeat in 0..2 {
                let change = match recent.recognise(reading, Keep::Last) {
                    Recognised::New => Some(Change::New(reading)),
                    Recognised::Replaces(old) => Some(Change::Replaced { old: Reading { sample: old, ..reading }, new: reading }),
                    Recognised::Duplicate | Recognised::Refused => None,
                };
                let Some(change) = change else { continue };
                assert_eq!(repeat, 0);
                recent.remember(reading);
                once.take(change, reading.at);
                twice.take(change, reading.at);
            }
        }
        assert_eq!(once.window, twice.window);
    }
}

/// No input makes it panic, and nothing it says is not a finite number.
#[test]
fn any_input_is_survived() {
    for (number, spec) in specs().into_iter().enumerate() {
        let mut dice = Dice::new(number as u64 + 77);
        let (mut window, mut published) = (Window::new(&spec), Vec::new());
        for _ in 0..400 {
            let at = match dice.below(8) {
                0 => i64::MIN + dice.below(1000) as i64,
                1 => i64::MAX - dice.below(1000) as i64,
                _ => dice.below(2000) as i64 - 1000,
            };
            // The ends of time come late, so that the rest is not all too late.
            let at = if dice.below(20) == 0 { at } else { at.clamp(-1000, 1000) };
            let sample = match dice.below(5) {
                0 => Sample::UNKNOWN,
                1 => Sample::number(f64::MAX * (dice.number() - 0.5)),
                2 => Sample::number(f64::from_bits(dice.next())),
                _ => Sample::number(dice.number()),
            };
            let reading = Reading { at, sample };
            let change = match dice.below(4) {
                0 => Change::Removed(reading),
                1 => Change::Replaced { old: reading, new: Reading { sample: Sample::number(1.0), ..reading } },
                _ => Change::New(reading),
            };
            window.take(&spec, change, Timestamp(at), &mut published);
            window.fire(&spec, Timestamp(at.saturating_add(5)), &mut published);
            window.reset(&spec, Timestamp(at), &mut published);
            window.condition(&spec, Timestamp(at), [None, Some(true), Some(false)][dice.below(3) as usize], &mut published);
            published.extend(window.current(&spec, Timestamp(at)).map(|outcome| Published { at, cause: Cause::Moved, outcome }));
            window.due(&spec);
            for outcome in published.drain(..).map(|published| published.outcome) {
                assert!(outcome.figures.iter().all(|figure| figure.known().is_none_or(f64::is_finite)), "{outcome:?}");
                assert!((0.0..=1.0).contains(&outcome.coverage), "{outcome:?}");
            }
        }
    }
}
