//! Features over small recordings whose results are known by hand.

use super::*;
use crate::model::tensor::{Data, Dtype};
use crate::reading::unit::{Conversion, Unit};

/// One member, in the order of time, and what else there is to know.
#[derive(Default)]
struct Recording {
    readings: Vec<Reading>,
    staleness: Option<Duration>,
    property: Option<Datum>,
}

impl Source for Recording {
    fn newest_first(&self, _feature: usize, until: Timestamp, each: &mut dyn FnMut(&Reading) -> ControlFlow<()>) {
        let known = self.readings.partition_point(|reading| reading.at <= until);
        for reading in self.readings[..known].iter().rev() {
            if each(reading).is_break() {
                return;
            }
        }
    }

    fn property(&self, _feature: usize) -> Option<Datum> {
        self.property.clone()
    }

    fn staleness(&self, _feature: usize) -> Option<Duration> {
        self.staleness
    }

    fn started(&self) -> Option<Timestamp> {
        Some(second(0.0))
    }
}

fn second(second: f64) -> Timestamp {
    Timestamp((second * 1e6) as i64)
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn recording(readings: &[(f64, f64)]) -> Recording {
    let reading = |(at, value): &(f64, f64)| Reading { at: second(*at), value: Datum::Number(*value), is_good: true };
    Recording { readings: readings.iter().map(reading).collect(), ..Recording::default() }
}

fn spec(pick: Pick) -> Spec {
    Spec {
        name: "current".to_owned(),
        from: From::Member,
        unit: None,
        every: None,
        pick,
        code: Code::Plain,
        scale: None,
        missing: Missing::Hold,
        max_gap: None,
    }
}

fn pipeline(spec: Spec) -> Pipeline {
    let input =
        Input { name: "x".to_owned(), dtype: Dtype::F64, dims: vec![spec.width() * spec.steps()], layout: Layout::Steps, from: vec![0] };
    Pipeline::new(vec![spec], vec![input], Vec::new())
}

fn row(spec: &Spec, recording: &Recording, at: f64) -> Result<Vec<f64>, String> {
    let row = pipeline(spec.clone()).row(recording, second(at)).map_err(|skip| skip.reason)?;
    let (_, tensor) = &row.batch.inputs[0];
    Ok((0..tensor.data().len()).filter_map(|at| tensor.data().number(at)).collect())
}

#[test]
fn the_current_value_is_the_newest_that_is_known() {
    let current = spec(Pick::Current);
    let mut known = recording(&[(1.0, 10.0), (2.0, 20.0), (3.0, 30.0)]);
    assert_eq!(row(&current, &known, 2.5), Ok(vec![20.0]));
    assert_eq!(row(&current, &known, 0.5), Err("MISSING current: nothing was ever received".to_owned()));
    known.readings[1].is_good = false;
    known.readings[2].value = Datum::Number(f64::NAN);
    assert_eq!(row(&current, &known, 3.0), Ok(vec![10.0]));
    known.staleness = Some(seconds(1));
    assert_eq!(row(&current, &known, 3.0), Err("MISSING current since 1970-01-01T00:00:01Z, longer than PT1S".to_owned()));
    // What the feature itself says goes before the member.
    assert_eq!(row(&Spec { max_gap: Some(seconds(2)), ..current }, &known, 3.0), Ok(vec![10.0]));
}

#[test]
fn what_is_missing_is_filled_only_as_declared() {
    let known = Recording { staleness: Some(seconds(1)), ..recording(&[(1.0, 10.0)]) };
    let with = |missing| row(&Spec { missing, ..spec(Pick::Current) }, &known, 5.0);
    assert!(with(Missing::Hold).is_err_and(|why| why.starts_with("MISSING current since")));
    assert!(with(Missing::Skip).is_err());
    assert!(with(Missing::Linear).is_err());
    assert_eq!(with(Missing::Value(7.0)), Ok(vec![7.0]));
    assert_eq!(with(Missing::Mean(12.1)), Ok(vec![12.1]));
}

#[test]
fn the_last_values_are_oldest_first_and_padded_at_the_front() {
    let known = recording(&[(1.0, 1.0), (2.0, 2.0), (3.0, 3.0)]);
    let last = |count, min, pad| row(&spec(Pick::Last { count, min, pad }), &known, 9.0);
    assert_eq!(last(2, 2, Pad::Repeat), Ok(vec![2.0, 3.0]));
    assert_eq!(last(5, 2, Pad::Repeat), Ok(vec![1.0, 1.0, 1.0, 2.0, 3.0]));
    assert_eq!(last(5, 2, Pad::Zero), Ok(vec![0.0, 0.0, 1.0, 2.0, 3.0]));
    assert_eq!(last(5, 5, Pad::Repeat), Err("MISSING current since 1970-01-01T00:00:03Z: 3 of 5 readings".to_owned()));
}

#[test]
fn a_grid_is_aligned_to_the_epoch() {
    let known = recording(&[(0.5, 0.0), (1.5, 10.0), (2.2, 20.0), (2.8, 40.0), (3.9, 50.0)]);
    let grid = |method, at| row(&spec(Pick::Resample { step: seconds(1), count: 3, method }), &known, at);
    assert_eq!(grid(Method::Last, 3.95), Ok(vec![0.0, 10.0, 40.0]));
    // 1.0 lies half-way from 0.5 to 1.5; 2.0 five sevenths from 1.5 to 2.2; 3.0 two elevenths from 2.8 to 3.9.
    let expected = [5.0, 10.0 + 10.0 * 5.0 / 7.0, 40.0 + 10.0 * 2.0 / 11.0];
    let found = grid(Method::Linear, 3.95).expect("a row");
    assert!(found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-9), "{found:?}");
    assert_eq!(grid(Method::Avg, 3.95), Ok(vec![0.0, 10.0, 30.0]));
    // On a line of the grid, and before the reading at 3.9: nothing newer leaks into the line at 3.
    assert_eq!(grid(Method::Linear, 3.0).map(|row| row[2]), Ok(40.0));
}

#[test]
fn a_lag_looks_back_from_the_instant() {
    let known = recording(&[(0.0, 1.0), (10.0, 2.0), (20.0, 3.0)]);
    let lag = |missing, at| row(&Spec { missing, ..spec(Pick::Lag(seconds(5))) }, &known, at);
    assert_eq!(lag(Missing::Hold, 20.0), Ok(vec![2.0]));
    assert_eq!(lag(Missing::Linear, 20.0), Ok(vec![2.5]));
    assert_eq!(lag(Missing::Hold, 15.0), Ok(vec![2.0]));
    assert!(lag(Missing::Hold, 4.0).is_err());
}

#[test]
fn statistics_of_a_window() {
    let known = recording(&[(0.0, 100.0), (10.0, 1.0), (12.0, 3.0), (14.0, 5.0), (16.0, 7.0)]);
    let stat = |stat| row(&spec(Pick::Stat { stat, over: Over::Time(seconds(10)) }), &known, 18.0).map(|row| row[0]);
    let near = |found: Result<f64, String>, expected: f64| {
        assert!(found.as_ref().is_ok_and(|found| (found - expected).abs() < 1e-9), "{found:?} is not {expected}");
    };
    near(stat(Stat::Avg), 4.0);
    near(stat(Stat::Min), 1.0);
    near(stat(Stat::Max), 7.0);
    near(stat(Stat::Std), 5.0_f64.sqrt());
    near(stat(Stat::Rms), 21.0_f64.sqrt());
    near(stat(Stat::Slope), 1.0);
    near(stat(Stat::Delta), 6.0);
    near(stat(Stat::Count), 4.0);
    near(stat(Stat::First), 1.0);
    near(stat(Stat::Last), 7.0);
    near(stat(Stat::Quantile(0.5)), 3.0);
    near(stat(Stat::Quantile(1.0)), 7.0);
    // From 8 to 10 the hundred that came before still held.
    near(stat(Stat::TimeAvg), (100.0 * 2.0 + 1.0 * 2.0 + 3.0 * 2.0 + 5.0 * 2.0 + 7.0 * 2.0) / 10.0);
    let newest = row(&spec(Pick::Stat { stat: Stat::Avg, over: Over::Readings(2) }), &known, 18.0);
    assert_eq!(newest, Ok(vec![6.0]));
    let empty = row(&spec(Pick::Stat { stat: Stat::Avg, over: Over::Time(seconds(1)) }), &known, 30.0);
    assert_eq!(empty, Err("MISSING current since 1970-01-01T00:00:16Z".to_owned()));
    let none = row(&spec(Pick::Stat { stat: Stat::Count, over: Over::Time(seconds(1)) }), &known, 30.0);
    assert_eq!(none, Ok(vec![0.0]));
}

#[test]
fn texts_become_columns_or_labels() {
    let text = |value: &str| Recording {
        readings: vec![Reading { at: second(1.0), value: Datum::Text(value.into()), is_good: true }],
        ..Recording::default()
    };
    let values = || vec!["IDLE".to_owned(), "RUN".to_owned()];
    let hot = |other, value: &str| row(&Spec { code: Code::OneHot { values: values(), other }, ..spec(Pick::Current) }, &text(value), 2.0);
    assert_eq!(hot(Other::Refused, "RUN"), Ok(vec![0.0, 1.0]));
    assert_eq!(hot(Other::Refused, "WASH"), Err("UNKNOWN current: `WASH` is none of IDLE, RUN".to_owned()));
    assert_eq!(hot(Other::Zeros, "WASH"), Ok(vec![0.0, 0.0]));
    assert_eq!(hot(Other::Column, "WASH"), Ok(vec![0.0, 0.0, 1.0]));
    assert_eq!(hot(Other::Column, "IDLE"), Ok(vec![1.0, 0.0, 0.0]));
    let labels = || vec![("IDLE".to_owned(), 5.0), ("RUN".to_owned(), 6.0)];
    let label = |other, value: &str| row(&Spec { code: Code::Label { values: labels(), other }, ..spec(Pick::Current) }, &text(value), 2.0);
    assert_eq!(label(None, "RUN"), Ok(vec![6.0]));
    assert_eq!(label(Some(-1.0), "WASH"), Ok(vec![-1.0]));
    assert!(label(None, "WASH").is_err());
    assert_eq!(row(&spec(Pick::Current), &text("RUN"), 2.0), Err("UNKNOWN current: `RUN` is no number".to_owned()));
}

#[test]
fn hours_and_days_follow_a_zone() {
    let time = |what, is_cyclic, zone: Option<&str>| {
        let from = From::Time { what, is_cyclic, zone: zone.map(str::to_owned) };
        // Thursday, 1970-01-01T22:30Z
        row(&Spec { from, ..spec(Pick::Current) }, &Recording::default(), 81_000.0)
    };
    assert_eq!(time(Time::HourOfDay, false, None), Ok(vec![22.5]));
    assert_eq!(time(Time::DayOfWeek, false, None), Ok(vec![3.0]));
    assert_eq!(time(Time::HourOfDay, false, Some("Asia/Tokyo")), Ok(vec![7.5]));
    assert_eq!(time(Time::DayOfWeek, false, Some("Asia/Tokyo")), Ok(vec![4.0]));
    assert_eq!(time(Time::SinceStart, false, None), Ok(vec![22.5]));
    let cyclic = time(Time::HourOfDay, true, None).expect("a row");
    assert!((cyclic[0] - (-0.382_683_432)).abs() < 1e-9 && (cyclic[1] - 0.923_879_532).abs() < 1e-9, "{cyclic:?}");
    assert_eq!(time(Time::HourOfDay, false, Some("Mars/North")), Err("MISSING current: the time zone `Mars/North` is unknown".to_owned()));
}

#[test]
fn properties_and_constants_need_no_readings() {
    let with = |from, property| row(&Spec { from, ..spec(Pick::Current) }, &Recording { property, ..Recording::default() }, 1.0);
    assert_eq!(with(From::Const(2.5), None), Ok(vec![2.5]));
    assert_eq!(with(From::Param("power".to_owned()), Some(Datum::Number(11.0))), Ok(vec![11.0]));
    assert_eq!(with(From::Param("power".to_owned()), None), Err("MISSING current: the twin has no `power`".to_owned()));
}

#[test]
fn units_are_converted_before_anything_is_made_of_them_and_scaled_at_the_end() {
    let conversion = Unit::parse("degF").ok().zip(Unit::parse("degC").ok()).and_then(|(from, to)| from.conversion_to(&to));
    let conversion = conversion.unwrap_or(Conversion::IDENTITY);
    assert!(!conversion.is_identity());
    let spec = |pick| Spec { scale: Some(Scale::Standard { mean: 10.0, std: 5.0 }), ..spec(pick) };
    let known = recording(&[(1.0, 50.0), (2.0, 68.0)]);
    let with = |pick| {
        let own = pipeline(spec(pick));
        let own = Pipeline::new(own.features().to_vec(), own.inputs().to_vec(), vec![conversion]);
        let row = own.row(&known, second(3.0)).expect("a row");
        let (_, tensor) = &row.batch.inputs[0];
        (row.taken[0].values.clone(), tensor.data().number(0).expect("a number"))
    };
    let (taken, scaled) = with(Pick::Current);
    assert_eq!(taken, [Datum::Number(20.0)]);
    assert!((scaled - 2.0).abs() < 1e-12);
    // The spread of 50 and 68 °F is 9 K · 5/9, without an offset.
    let (taken, _) = with(Pick::Stat { stat: Stat::Std, over: Over::Readings(2) });
    assert!(matches!(taken[..], [Datum::Number(std)] if (std - 5.0).abs() < 1e-12), "{taken:?}");
    assert!((Scale::MinMax { min: 10.0, max: 30.0 }.apply(15.0) - 0.25).abs() < 1e-12);
}

#[test]
fn sequences_lie_as_steps_or_as_channels() {
    let known = recording(&[(1.0, 1.0), (2.0, 2.0)]);
    let last = spec(Pick::Last { count: 2, min: 2, pad: Pad::Repeat });
    let negative = Spec { scale: Some(Scale::Standard { mean: 0.0, std: -1.0 }), ..last.clone() };
    let tensor = |layout, dims: &[usize], dtype| {
        let input = Input { name: "x".to_owned(), dtype, dims: dims.to_vec(), layout, from: vec![0, 1] };
        let row = Pipeline::new(vec![last.clone(), negative.clone()], vec![input], Vec::new()).row(&known, second(3.0));
        row.expect("a row").batch.inputs.remove(0).1
    };
    let steps = tensor(Layout::Steps, &[2, 2], Dtype::F32);
    assert_eq!((steps.dims(), steps.data()), (&[1, 2, 2][..], &Data::F32(vec![1.0, -1.0, 2.0, -2.0])));
    let channels = tensor(Layout::Channels, &[2, 2], Dtype::I64);
    assert_eq!(channels.data(), &Data::I64(vec![1, 2, -1, -2]));
    // Another shape of as many elements, as some exporters ask for.
    assert_eq!(tensor(Layout::Steps, &[4, 1], Dtype::F64).dims(), [1, 4, 1]);
}

#[test]
fn nothing_newer_than_the_instant_is_seen() {
    let picks = [
        Pick::Current,
        Pick::Last { count: 4, min: 1, pad: Pad::Repeat },
        Pick::Lag(seconds(3)),
        Pick::Resample { step: seconds(2), count: 4, method: Method::Linear },
        Pick::Resample { step: seconds(2), count: 4, method: Method::Avg },
        Pick::Stat { stat: Stat::TimeAvg, over: Over::Time(seconds(7)) },
        Pick::Stat { stat: Stat::Slope, over: Over::Readings(5) },
    ];
    let mut seed = 3_u64;
    let mut dice = move |sides: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % sides
    };
    for round in 0..200 {
        let mut at = 0.0;
        let all: Vec<(f64, f64)> = (0..40)
            .map(|_| {
                at += 0.1 + dice(30) as f64 / 10.0;
                (at, dice(100) as f64)
            })
            .collect();
        let whole = recording(&all);
        let instant = dice(60) as f64;
        let until: Vec<(f64, f64)> = all.iter().copied().filter(|(at, _)| second(*at) <= second(instant)).collect();
        for pick in picks {
            for missing in [Missing::Hold, Missing::Linear] {
                let spec = Spec { missing, ..spec(pick) };
                assert_eq!(row(&spec, &whole, instant), row(&spec, &recording(&until), instant), "round {round}: {pick:?} at {instant}");
            }
        }
    }
}

#[test]
fn a_window_of_too_many_readings_has_no_value() {
    let many: Vec<(f64, f64)> = (0..=READINGS_MAX).map(|at| (at as f64 / 1000.0, 1.0)).collect();
    let stat =
        |readings: &[(f64, f64)]| row(&spec(Pick::Stat { stat: Stat::Count, over: Over::Time(seconds(10)) }), &recording(readings), 9.0);
    assert_eq!(stat(&many[1..]), Ok(vec![READINGS_MAX as f64]));
    assert_eq!(stat(&many), Err("MISSING current: more than 4096 readings to look at".to_owned()));
}

#[test]
fn the_same_readings_have_the_same_hash() {
    let spec = spec(Pick::Last { count: 3, min: 1, pad: Pad::Repeat });
    let hash = |readings: &[(f64, f64)]| pipeline(spec.clone()).row(&recording(readings), second(9.0)).expect("a row").batch.hash();
    assert_eq!(hash(&[(1.0, 1.0), (2.0, 2.0)]), hash(&[(1.0, 1.0), (2.0, 2.0)]));
    // The same values at other times are the same row.
    assert_eq!(hash(&[(1.0, 1.0), (2.0, 2.0)]), hash(&[(3.0, 1.0), (4.0, 2.0)]));
    assert_ne!(hash(&[(1.0, 1.0), (2.0, 2.0)]), hash(&[(1.0, 1.0), (2.0, 3.0)]));
}
