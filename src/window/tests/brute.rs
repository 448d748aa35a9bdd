//! Every aggregate as the specification says it, from the list of all readings: slow, plain, and independent of the engine.

use super::*;

/// All readings by time, and the age at which a value is stale.
pub(super) struct Brute<'a> {
    pub(super) readings: &'a [Reading],
    pub(super) hold: Option<i64>,
}

impl Brute<'_> {
    /// The figures of the readings that `is_inside`, in a window from `start` to `end`.
    pub(super) fn figures(&self, aggs: &[Agg], start: i64, end: i64, is_inside: &dyn Fn(i64) -> bool) -> Vec<Option<f64>> {
        aggs.iter().map(|agg| self.figure(*agg, start, end, is_inside)).collect()
    }

    pub(super) fn coverage(&self, start: i64, end: i64) -> f64 {
        self.pieces(start, end).filter(|(value, ..)| value.is_some()).map(|(_, from, to)| to - from).sum::<i64>() as f64
            / (end - start) as f64
    }

    fn figure(&self, agg: Agg, start: i64, end: i64, is_inside: &dyn Fn(i64) -> bool) -> Option<f64> {
        let inside: Vec<(i64, f64)> =
            self.readings.iter().filter(|r| is_inside(r.at)).filter_map(|r| Some((r.at, r.sample.known()?))).collect();
        let values: Vec<f64> = inside.iter().map(|(_, value)| *value).collect();
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let (first, last) = (inside.first().copied(), inside.last().copied());
        let climb = || values.windows(2).map(|pair| if pair[1] < pair[0] { pair[1] } else { pair[1] - pair[0] }).sum::<f64>();
        let delta = |counter: bool| first.map(|first| if counter { climb() } else { last.unwrap_or(first).1 - first.1 });
        let spread = |sample: bool| {
            let divisor = if sample { n - 1.0 } else { n };
            (divisor > 0.0).then(|| values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / divisor)
        };
        let some = |value: f64| (!values.is_empty()).then_some(value);
        match agg {
            Agg::Count => Some(n),
            Agg::Sum => some(values.iter().sum()),
            Agg::Avg => some(mean),
            Agg::Variance { sample } => spread(sample),
            Agg::Stddev { sample } => spread(sample).map(f64::sqrt),
            Agg::Min => values.iter().copied().reduce(f64::min),
            Agg::Max => values.iter().copied().reduce(f64::max),
            Agg::WorstSeverity => values.iter().map(|value| value.clamp(0.0, 5.0).floor()).reduce(f64::max),
            Agg::First => first.map(|first| first.1),
            Agg::Last => last.map(|last| last.1),
            Agg::Delta { counter } => delta(counter),
            Agg::Rate { counter, per } => {
                let span = last?.0 - first?.0;
                (span > 0).then(|| delta(counter).map(|delta| delta / span as f64 * per as f64))?
            }
            Agg::Slope { per } => {
                let middle = inside.iter().map(|(at, _)| (at - start) as f64).sum::<f64>() / n;
                let tt: f64 = inside.iter().map(|(at, _)| ((at - start) as f64 - middle).powi(2)).sum();
                let tx: f64 = inside.iter().map(|(at, value)| ((at - start) as f64 - middle) * (value - mean)).sum();
                (tt > 0.0).then(|| tx / tt * per as f64)
            }
            Agg::Quantile { q } => {
                let mut sorted = values.clone();
                sorted.sort_by(f64::total_cmp);
                let rank = (q * n - 1e-9).ceil().max(1.0) as usize;
                sorted.get(rank - 1).copied()
            }
            Agg::TimeAvg { between } => {
                let (area, known) = self.area(between, start, end, is_inside);
                if known > 0.0 { Some(area / known) } else { self.in_force(start, end, is_inside) }
            }
            Agg::Integral { between } => {
                let (area, known) = self.area(between, start, end, is_inside);
                (known > 0.0 || self.in_force(start, end, is_inside).is_some()).then_some(area / 1e6)
            }
            Agg::TimeIn { state } => {
                let matching = self.pieces(start, end).filter(|(value, ..)| *value == state.known() && value.is_some());
                Some(matching.map(|(_, from, to)| to - from).sum::<i64>() as f64 / 1e6)
            }
            Agg::Transitions => {
                let before = self.readings.iter().rev().find(|r| r.at <= start && !is_inside(r.at)).and_then(|r| r.sample.known());
                let all: Vec<f64> = before.into_iter().filter(|_| !values.is_empty()).chain(values.iter().copied()).collect();
                Some(all.windows(2).filter(|pair| pair[0] != pair[1]).count() as f64)
            }
            Agg::Any => some(f64::from(values.iter().any(|value| *value != 0.0))),
            Agg::All => some(f64::from(values.iter().all(|value| *value != 0.0))),
        }
    }

    fn in_force(&self, start: i64, end: i64, is_inside: &dyn Fn(i64) -> bool) -> Option<f64> {
        let held = self.readings.iter().rev().find(|reading| is_inside(reading.at) || reading.at <= start)?;
        held.sample.known().filter(|_| self.hold.is_none_or(|hold| end <= held.at + hold))
    }

    /// The time from `start` to `end` in pieces of one value.
    fn pieces(&self, start: i64, end: i64) -> impl Iterator<Item = (Option<f64>, i64, i64)> {
        self.readings.iter().enumerate().filter_map(move |(place, held)| {
            let next = self.readings.get(place + 1).map_or(i64::MAX, |next| next.at);
            let until = self.hold.map_or(next, |hold| next.min(held.at + hold));
            let (from, to) = (held.at.max(start), until.min(end));
            (to > from).then_some((held.sample.known(), from, to))
        })
    }

    fn area(&self, between: Between, start: i64, end: i64, is_inside: &dyn Fn(i64) -> bool) -> (f64, f64) {
        let (mut area, mut known) = (0.0, 0.0);
        for (value, from, to) in self.pieces(start, end) {
            let Some(value) = value else { continue };
            let place = self.readings.iter().rposition(|reading| reading.at <= from).unwrap();
            let (held, next) = (self.readings[place], self.readings.get(place + 1));
            // The line goes to the next reading, unless that is not in the window: then the value is held.
            let line = next.filter(|next| is_inside(next.at) && self.hold.is_none_or(|hold| next.at - held.at <= hold));
            let height = match (between, line.and_then(|next| Some((next.at, next.sample.known()?)))) {
                (Between::Linear, Some((at, next))) => {
                    let value_at = |t: i64| value + (next - value) * ((t - held.at) as f64 / (at - held.at) as f64);
                    (value_at(from) + value_at(to)) / 2.0
                }
                _ => value,
            };
            area += height * (to - from) as f64;
            known += (to - from) as f64;
        }
        (area, known)
    }
}

pub(super) fn is_near(figure: Figure, expected: Option<f64>) -> bool {
    match (figure.known(), expected) {
        (Some(figure), Some(expected)) => (figure - expected).abs() <= 1e-9 * expected.abs().max(1.0),
        (figure, expected) => figure.is_none() && expected.is_none(),
    }
}
