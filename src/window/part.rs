//! The sums an aggregate is made of. Each is a sum over readings or over neighbouring pairs of them, so that a reading that comes late is
//! put in between, and one that is replaced is taken out, without looking at the others.

use serde::{Deserialize, Serialize};

use super::best::{Best, Wedge};
use super::sample::{Reading, Sample};
use super::sketch::Quantiles;
use super::sum::{ADDEND_MAX, ExactSum, FACTOR_MAX};
use super::total::{Direction, Total};

/// Ranks of severities: none, INFO, WARNING, MINOR, MAJOR, CRITICAL.
pub const RANKS: usize = 6;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Between {
    /// A value is held until the next one.
    Step,
    /// A straight line from one to the next; after the last, it is held.
    Linear,
}

/// Which sum. A window keeps those that its aggregates need, each once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PartKind {
    Sum,
    Squares,
    Slope,
    Trues,
    Ranks,
    Best,
    /// The best of readings that leave at the front.
    Wedge,
    Sketch,
    /// What a counter has counted, resets allowed for.
    Climb,
    Changes,
    Held(Between),
    InState(Sample),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Part {
    Sum(Total),
    Squares(Total),
    Slope(Box<SlopeSums>),
    Trues(u64),
    Ranks([u32; RANKS]),
    Best(Best),
    Wedge(Box<Wedge>),
    Sketch(Box<Quantiles>),
    Climb(ExactSum),
    Changes(u64),
    Held(Held),
    InState(i64),
}

/// Relative to 1970, as integers; the result shifts them to the window's start without loss.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct SlopeSums {
    pub t: i128,
    pub tt: i128,
    pub tx: ExactSum,
    pub too_large: u64,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Held {
    /// Value times microseconds.
    pub integral: ExactSum,
    /// Microseconds in which a value was known.
    pub known: i64,
}

impl PartKind {
    pub(super) fn empty(self) -> Part {
        match self {
            PartKind::Sum => Part::Sum(Total::default()),
            PartKind::Squares => Part::Squares(Total::default()),
            PartKind::Slope => Part::Slope(Box::default()),
            PartKind::Trues => Part::Trues(0),
            PartKind::Ranks => Part::Ranks([0; RANKS]),
            PartKind::Best => Part::Best(Best::default()),
            PartKind::Wedge => Part::Wedge(Box::default()),
            PartKind::Sketch => Part::Sketch(Box::default()),
            PartKind::Climb => Part::Climb(ExactSum::default()),
            PartKind::Changes => Part::Changes(0),
            PartKind::Held(_) => Part::Held(Held::default()),
            PartKind::InState(_) => Part::InState(0),
        }
    }

    /// Whether it can take in a late reading only if it still has the neighbours.
    pub(super) fn needs_order(self) -> bool {
        match self {
            PartKind::Climb | PartKind::Changes | PartKind::Held(_) | PartKind::InState(_) => true,
            PartKind::Sum | PartKind::Squares | PartKind::Slope | PartKind::Trues | PartKind::Ranks => false,
            PartKind::Best | PartKind::Wedge | PartKind::Sketch => false,
        }
    }
}

impl Part {
    /// A known reading comes in or goes out.
    pub(super) fn count(&mut self, reading: Reading, value: f64, direction: Direction) {
        match self {
            Part::Sum(total) => total.count(value, direction),
            Part::Squares(total) => total.count_product(value, value, direction),
            Part::Slope(sums) => sums.count(reading.at, value, direction),
            Part::Trues(count) => direction.count(count, u64::from(value != 0.0)),
            Part::Ranks(counts) => {
                let count = &mut counts[(value.max(0.0) as usize).min(RANKS - 1)];
                *count = if direction == Direction::In { count.saturating_add(1) } else { count.saturating_sub(1) };
            }
            Part::Sketch(quantiles) => quantiles.count(value, direction),
            // What goes out of these is found out by who holds the readings.
            Part::Best(best) if direction == Direction::In => best.take(reading),
            Part::Wedge(wedge) if direction == Direction::In => wedge.take(reading),
            Part::Best(_) | Part::Wedge(_) => {}
            Part::Climb(_) | Part::Changes(_) | Part::Held(_) | Part::InState(_) => {}
        }
    }

    /// Two known readings become neighbours, whatever unknown ones lie between them, or cease to be.
    pub(super) fn step(&mut self, from: f64, to: f64, direction: Direction) {
        match self {
            Part::Climb(_) if from.abs() >= ADDEND_MAX || to.abs() >= ADDEND_MAX => {}
            // A counter that falls has begun anew: what it shows has been counted since.
            Part::Climb(sum) if to < from => sum.add(direction.sign() * to),
            Part::Climb(sum) => {
                sum.add(direction.sign() * to);
                sum.subtract(direction.sign() * from);
            }
            Part::Changes(count) => direction.count(count, u64::from(from != to)),
            Part::Sum(_)
            | Part::Squares(_)
            | Part::Slope(_)
            | Part::Trues(_)
            | Part::Ranks(_)
            | Part::Best(_)
            | Part::Wedge(_)
            | Part::Sketch(_)
            | Part::Held(_)
            | Part::InState(_) => {}
        }
    }

    /// Two readings, known or not, become neighbours or cease to be.
    pub(super) fn link(&mut self, kind: PartKind, link: Link, hold: Option<i64>, direction: Direction) {
        match (self, kind) {
            (Part::Held(held), PartKind::Held(between)) => held.count(link, between, hold, direction),
            (Part::InState(micros), PartKind::InState(state)) if link.a.sample == state => {
                let length = link.length(hold);
                *micros = micros.saturating_add(if direction == Direction::In { length } else { -length });
            }
            _ => {}
        }
    }

    /// What later readings have added up to.
    pub(super) fn merge(&mut self, other: &Part) {
        match (self, other) {
            (Part::Sum(total), Part::Sum(other)) | (Part::Squares(total), Part::Squares(other)) => total.count_all(other, Direction::In),
            (Part::Slope(sums), Part::Slope(other)) => {
                sums.t = sums.t.wrapping_add(other.t);
                sums.tt = sums.tt.wrapping_add(other.tt);
                sums.tx.add_sum(&other.tx);
                sums.too_large = sums.too_large.saturating_add(other.too_large);
            }
            (Part::Trues(count), Part::Trues(other)) | (Part::Changes(count), Part::Changes(other)) => {
                *count = count.saturating_add(*other)
            }
            (Part::Ranks(counts), Part::Ranks(other)) => {
                counts.iter_mut().zip(other).for_each(|(count, other)| *count = count.saturating_add(*other));
            }
            (Part::Best(best), Part::Best(other)) => best.merge(*other),
            (Part::Sketch(sketch), Part::Sketch(other)) => sketch.merge(other),
            (Part::Climb(sum), Part::Climb(other)) => sum.add_sum(other),
            (Part::Held(held), Part::Held(other)) => {
                held.integral.add_sum(&other.integral);
                held.known = held.known.saturating_add(other.known);
            }
            (Part::InState(micros), Part::InState(other)) => *micros = micros.saturating_add(*other),
            _ => {}
        }
    }
}

impl SlopeSums {
    fn count(&mut self, at: i64, value: f64, direction: Direction) {
        let (t, sign) = (i128::from(at), if direction == Direction::In { 1 } else { -1 });
        self.t = self.t.wrapping_add(sign * t);
        self.tt = self.tt.wrapping_add(sign * t * t);
        if value.abs() < FACTOR_MAX {
            add_scaled(&mut self.tx, t, direction.sign() * value);
        } else {
            direction.count(&mut self.too_large, 1);
        }
    }
}

/// Adds an integer times a number, exactly: an instant may have more than the 53 bits of a double.
pub(super) fn add_scaled(sum: &mut ExactSum, integer: i128, value: f64) {
    let (mut rest, mut scale) = (integer, 1.0);
    while rest != 0 {
        if rest.unsigned_abs() < 1 << 53 {
            return sum.add_product(rest as f64 * scale, value);
        }
        let low = rest & 0xFFFF_FFFF;
        sum.add_product(low as f64 * scale, value);
        rest = (rest - low) >> 32;
        scale *= 4_294_967_296.0;
    }
}

impl Held {
    pub(super) fn count(&mut self, link: Link, between: Between, hold: Option<i64>, direction: Direction) {
        let (Some(value), length) = (link.a.sample.known(), link.length(hold)) else { return };
        if length <= 0 {
            return;
        }
        let (sign, micros) = (direction.sign(), length as f64);
        let end = link.line(between, hold);
        match end {
            Some((start, end)) if start.abs() < FACTOR_MAX && end.abs() < FACTOR_MAX => {
                self.integral.add_product(sign * start, micros / 2.0);
                self.integral.add_product(sign * end, micros / 2.0);
            }
            None if value.abs() < FACTOR_MAX => self.integral.add_product(sign * value, micros),
            // What is too large is left out of both sides, like unknown time.
            Some(_) | None => return,
        }
        self.known = self.known.saturating_add(if direction == Direction::In { length } else { -length });
    }
}

/// A reading, the one after it if there is one, and what of the time between them is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    pub a: Reading,
    pub b: Option<Reading>,
    pub from: i64,
    pub to: i64,
}

impl Link {
    /// All the time between two readings.
    pub(super) fn between(a: Reading, b: Reading) -> Link {
        Link { a, b: Some(b), from: a.at, to: b.at }
    }

    /// The time for which the first one is held.
    pub(super) fn length(&self, hold: Option<i64>) -> i64 {
        self.until(hold).saturating_sub(self.from.max(self.a.at)).max(0)
    }

    fn until(&self, hold: Option<i64>) -> i64 {
        let to = self.b.map_or(self.to, |b| self.to.min(b.at));
        hold.map_or(to, |hold| to.min(self.a.at.saturating_add(hold)))
    }

    /// The values at both ends of the time asked for, where a line runs between two known readings and the first was not stale before the
    /// second came.
    fn line(&self, between: Between, hold: Option<i64>) -> Option<(f64, f64)> {
        let (a, b, next) = (self.a.sample.known()?, self.b?.sample.known()?, self.b?);
        let span = next.at.saturating_sub(self.a.at);
        if between == Between::Step || span <= 0 || hold.is_some_and(|hold| span > hold) {
            return None;
        }
        let value_at = |at: i64| match at {
            at if at <= self.a.at => a,
            at if at >= next.at => b,
            at => a + (b - a) * (at.saturating_sub(self.a.at) as f64 / span as f64),
        };
        Some((value_at(self.from), value_at(self.until(hold))))
    }
}
