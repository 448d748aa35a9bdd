//! What a window says: its bounds, how much it is based on, and the figures of its aggregates.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::cover::Cover;
use super::part::{Between, Held, Link, Part, PartKind, SlopeSums, add_scaled};
use super::partial::{Measures, Partial};
use super::run::Run;
use super::sample::{Figure, Reading, Sample, Why};
use super::spec::{Agg, Spec};
use super::sum::{ExactSum, Pair};
use super::total::{Direction, Total};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Microseconds, like `end`.
    pub start: i64,
    pub end: i64,
    /// Known readings.
    pub count: u64,
    /// Time known, as a share of the window's length.
    pub coverage: f64,
    pub revision: u32,
    /// The window has not ended.
    pub provisional: bool,
    pub approximate: bool,
    /// In the order of the aggregates.
    pub figures: SmallVec<[Figure; 1]>,
}

/// A result that the window gives by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Published {
    /// The instant it is the result of.
    pub at: i64,
    pub cause: Cause,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Cause {
    /// A window that moves: a reading came, or one fell out.
    Moved,
    /// A window is over.
    Ended,
    /// Before the end, because `early` asks for it.
    Early,
    /// A closed window was corrected; this is what it said before.
    Corrected { former: Box<Outcome> },
    /// A closed session has become part of another one, or goes on after all; what it said before is taken back.
    Withdrawn { former: Box<Outcome> },
}

/// Readings between two instants, and the one in force when they begin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch<'a> {
    pub(super) partial: &'a Partial,
    pub(super) measures: Measures<'a>,
    pub(super) carried_in: Option<Reading>,
    pub(super) start: i64,
    pub(super) end: i64,
    /// Where all readings are kept: the runs they are in.
    pub(super) runs: &'a [&'a Run],
}

impl Stretch<'_> {
    pub(super) fn outcome(&self, spec: &Spec, cover: &Cover, provisional: bool) -> Outcome {
        let quantiles = if let Some(Part::Sketch(quantiles)) = self.part(PartKind::Sketch) { Some(quantiles) } else { None };
        let is_estimated = self.partial.known > 0 && quantiles.is_some_and(|quantiles| !quantiles.is_exact(self.partial.known));
        Outcome {
            start: self.start,
            end: self.end,
            count: self.partial.known,
            coverage: cover.share(self.start, self.end),
            revision: 0,
            provisional,
            approximate: spec.is_approximate() || is_estimated || self.runs.iter().any(|run| run.is_approximate()),
            figures: spec.aggs.iter().map(|agg| self.figure(*agg)).collect(),
        }
    }

    fn figure(&self, agg: Agg) -> Figure {
        let known = self.partial.known;
        let empty = Figure::Unknown(Why::Empty);
        match agg {
            Agg::Count => Figure::number(known as f64),
            Agg::TimeIn { state } => Figure::number(self.micros_in(state) as f64 / 1e6),
            Agg::Transitions => Figure::number(self.changes() as f64),
            Agg::TimeAvg { between } => self.time_average(between),
            Agg::Integral { between } => match self.held(between) {
                held if held.known > 0 => Figure::number(held.integral.value() / 1e6),
                _ if self.in_force().is_some() => Figure::Number(0.0),
                _ => empty,
            },
            _ if known == 0 => empty,
            Agg::Sum => self.total(PartKind::Sum).map_or(empty, |total| total.number(1.0)),
            Agg::Avg => self.total(PartKind::Sum).map_or(empty, |total| total.number(known as f64)),
            Agg::Variance { sample } => self.variance(sample),
            Agg::Stddev { sample } => match self.variance(sample) {
                Figure::Number(variance) => Figure::number(variance.sqrt()),
                unknown @ (Figure::Truth(_) | Figure::Unknown(_)) => unknown,
            },
            Agg::Min => of(self.partial.best().low),
            Agg::Max => of(self.partial.best().high),
            Agg::First => of(self.partial.known_ends.map(|ends| ends.first)),
            Agg::Last => of(self.partial.known_ends.map(|ends| ends.last)),
            Agg::Delta { counter } => self.delta(counter),
            Agg::Rate { counter, per } => self.rate(counter, per),
            Agg::Slope { per } => self.slope(per),
            Agg::Quantile { q } => self.quantile(q),
            Agg::Any => self.trues().map_or(empty, |trues| Figure::Truth(trues > 0)),
            Agg::All => self.trues().map_or(empty, |trues| Figure::Truth(trues == known)),
            Agg::WorstSeverity => self.worst().map_or(empty, |rank| Figure::Number(rank as f64)),
        }
    }

    fn part(&self, kind: PartKind) -> Option<&Part> {
        self.measures.kinds.iter().position(|other| *other == kind).and_then(|place| self.partial.parts.get(place))
    }

    fn total(&self, kind: PartKind) -> Option<&Total> {
        if let Some(Part::Sum(total) | Part::Squares(total)) = self.part(kind) { Some(total) } else { None }
    }

    fn trues(&self) -> Option<u64> {
        if let Some(Part::Trues(count)) = self.part(PartKind::Trues) { Some(*count) } else { None }
    }

    fn worst(&self) -> Option<usize> {
        let Some(Part::Ranks(counts)) = self.part(PartKind::Ranks) else { return None };
        counts.iter().rposition(|count| *count > 0)
    }

    fn variance(&self, sample: bool) -> Figure {
        let (Some(sum), Some(squares)) = (self.total(PartKind::Sum), self.total(PartKind::Squares)) else {
            return Figure::Unknown(Why::Empty);
        };
        variance(self.partial.known, sum, squares, sample)
    }

    fn delta(&self, counter: bool) -> Figure {
        let Some(ends) = self.partial.known_ends else { return Figure::Unknown(Why::Empty) };
        match (self.part(PartKind::Climb), ends.first.sample.known(), ends.last.sample.known()) {
            (Some(Part::Climb(sum)), ..) if counter => Figure::number(sum.value()),
            (_, Some(first), Some(last)) => Figure::number(last - first),
            _ => Figure::Unknown(Why::Empty),
        }
    }

    fn rate(&self, counter: bool, per: i64) -> Figure {
        let span = self.partial.known_ends.map_or(0, |ends| ends.last.at.saturating_sub(ends.first.at));
        match self.delta(counter) {
            Figure::Number(delta) if span > 0 => Figure::number(delta / span as f64 * per as f64),
            Figure::Number(_) => Figure::Unknown(Why::Empty),
            unknown @ (Figure::Truth(_) | Figure::Unknown(_)) => unknown,
        }
    }

    /// Exact up to the last division, so neither the order of the readings nor the distance to 1970 shows.
    fn slope(&self, per: i64) -> Figure {
        let (Some(Part::Slope(sums)), Some(total)) = (self.part(PartKind::Slope), self.total(PartKind::Sum)) else {
            return Figure::Unknown(Why::Empty);
        };
        if sums.too_large > 0 || total.too_large > 0 {
            return Figure::Unknown(Why::NotComputable);
        }
        let (n, start) = (i128::from(self.partial.known), i128::from(self.start));
        let SlopeSums { t, tt, tx, .. } = sums.as_ref();
        let since = t.wrapping_sub(n.wrapping_mul(start));
        let squares = tt.wrapping_sub(2i128.wrapping_mul(start).wrapping_mul(*t)).wrapping_add(n.wrapping_mul(start).wrapping_mul(start));
        let scale = Pair::of_integer(n).times(Pair::of_integer(squares));
        let spread = scale.minus(Pair::of_integer(since).times(Pair::of_integer(since))).hi;
        // n Σtx − Σt Σx, with t since the start.
        let mut rise = tx.times(n as f64);
        total.sum.parts().for_each(|x| add_scaled(&mut rise, n.wrapping_mul(start).wrapping_neg(), x));
        total.sum.parts().for_each(|x| add_scaled(&mut rise, since.wrapping_neg(), x));
        if spread > 0.0 { Figure::number(rise.value() / spread * per as f64) } else { Figure::Unknown(Why::Empty) }
    }

    /// The smallest reading that at least the share `q` of the readings does not exceed.
    fn quantile(&self, q: f64) -> Figure {
        let known = self.partial.known;
        // A share like 0.95 is not exact in binary: of 20 readings it means the 19th.
        let rank = (q * known as f64 - 1e-9).ceil().clamp(1.0, known as f64) as u64;
        let Some(Part::Sketch(quantiles)) = self.part(PartKind::Sketch) else { return Figure::Unknown(Why::Empty) };
        quantiles.value_at(rank, known).map_or(Figure::Unknown(Why::Empty), Figure::number)
    }

    /// The stretches at both ends: from the start to the first reading, and from the last one to the end.
    fn edges(&self) -> impl Iterator<Item = Link> {
        let ends = self.partial.ends;
        let lead = self.carried_in.map(|a| Link { a, b: ends.map(|ends| ends.first), from: self.start, to: self.end });
        let tail = ends.map(|ends| Link { a: ends.last, b: None, from: ends.last.at.max(self.start), to: self.end });
        lead.into_iter().chain(tail)
    }

    fn held(&self, between: Between) -> Held {
        let mut held = match self.part(PartKind::Held(between)) {
            Some(Part::Held(held)) => held.clone(),
            _ => Held::default(),
        };
        self.edges().for_each(|link| held.count(link, between, self.measures.hold, Direction::In));
        held
    }

    fn time_average(&self, between: Between) -> Figure {
        let held = self.held(between);
        match (held.known, self.in_force()) {
            (1.., _) => Figure::number(held.integral.value() / held.known as f64),
            (_, Some(value)) => Figure::number(value),
            (_, None) => Figure::Unknown(Why::Empty),
        }
    }

    /// The value at the end, if one is known then.
    fn in_force(&self) -> Option<f64> {
        let last = self.partial.ends.map(|ends| ends.last).or(self.carried_in)?;
        let is_fresh = self.measures.hold.is_none_or(|hold| self.end <= last.at.saturating_add(hold));
        last.sample.known().filter(|_| is_fresh)
    }

    fn micros_in(&self, state: Sample) -> i64 {
        let inner = if let Some(Part::InState(micros)) = self.part(PartKind::InState(state)) { *micros } else { 0 };
        let edges = self.edges().filter(|link| link.a.sample == state).map(|link| link.length(self.measures.hold));
        edges.fold(inner, i64::saturating_add)
    }

    fn changes(&self) -> u64 {
        let inner = if let Some(Part::Changes(count)) = self.part(PartKind::Changes) { *count } else { 0 };
        let first = self.partial.known_ends.and_then(|ends| ends.first.sample.known());
        let before = self.carried_in.and_then(|reading| reading.sample.known());
        inner + u64::from(first.is_some() && before.is_some() && first != before)
    }
}

impl Total {
    pub fn number(&self, divisor: f64) -> Figure {
        if self.too_large > 0 { Figure::Unknown(Why::NotComputable) } else { Figure::number(self.sum.value() / divisor) }
    }
}

/// From exact sums, so it is exact up to the last division: readings that are all equal have none.
pub fn variance(known: u64, sum: &Total, squares: &Total, sample: bool) -> Figure {
    if sum.too_large > 0 || squares.too_large > 0 {
        return Figure::Unknown(Why::NotComputable);
    }
    let n = known as f64;
    let divisor = if sample { n - 1.0 } else { n };
    if divisor <= 0.0 {
        return Figure::Unknown(Why::Empty);
    }
    let mut spread: ExactSum = squares.sum.times(n);
    sum.sum.parts().for_each(|part| spread.subtract_sum(&sum.sum.times(part)));
    Figure::number((spread.value() / n / divisor).max(0.0))
}

fn of(reading: Option<Reading>) -> Figure {
    reading.and_then(|reading| reading.sample.known()).map_or(Figure::Unknown(Why::Empty), Figure::number)
}
