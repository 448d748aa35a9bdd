//! What one or many members contribute, in the form in which contributions merge and are taken back.

use serde::{Deserialize, Serialize};

use crate::window::RANKS;
use crate::window::sum::ExactSum;
use crate::window::total::{Direction, Total};

use super::spec::Spec;

/// What a member last said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Contribution {
    /// Expected, but not known: stale, bad, faulted, or not heard of yet.
    Unknown,
    /// Known, and `where` leaves it out.
    Out,
    /// A finite number; conditions are 0 and 1, severities their rank.
    Value(f64),
    /// Of a node between: all that is below it, and itself if it is one of those asked for.
    Below(Box<Partial>),
}

/// A value and the number of the twin it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pick {
    pub value: f64,
    pub twin: u32,
}

/// Sums over members. Only what the aggregates need is kept.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Partial {
    /// Members there should be, those that are known, and of these the ones that `where` lets in.
    pub expected: u64,
    pub known: u64,
    pub counted: u64,
    /// Values that are not 0.
    pub trues: u64,
    /// Values, times their weights if there are any.
    pub sum: Option<Box<Sums>>,
    /// How many have each rank.
    pub ranks: Option<Box<[u64; RANKS]>>,
    pub low: Option<Pick>,
    pub high: Option<Pick>,
    /// The newest event time of a contribution.
    pub at: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Sums {
    pub values: Total,
    pub weights: ExactSum,
    pub squares: Option<Total>,
}

impl Partial {
    /// What a single twin contributes. `weight` is that of its edge; without one where one is needed, it is not known.
    pub fn of(spec: &Spec, contribution: &Contribution, weight: Option<f64>, twin: u32, at: i64) -> Partial {
        let mut partial = Partial { at: Some(at), ..Partial::default() };
        partial.count(spec, contribution, weight, twin, Direction::In);
        partial
    }

    /// Adds what other members contribute.
    pub fn merge(&mut self, other: &Partial) {
        self.count_all(other, Direction::In);
        self.low = better(self.low, other.low, |a, b| a < b);
        self.high = better(self.high, other.high, |a, b| a > b);
        self.at = self.at.max(other.at);
    }

    /// A contribution comes or goes. The best of what is left is the business of who has the others.
    pub(super) fn count(&mut self, spec: &Spec, contribution: &Contribution, weight: Option<f64>, twin: u32, direction: Direction) {
        let weight = if spec.is_weighted { weight.filter(|weight| weight.is_finite() && *weight >= 0.0) } else { Some(1.0) };
        if let Contribution::Below(partial) = contribution {
            return self.count_all(partial, direction);
        }
        direction.count(&mut self.expected, 1);
        let value = match (contribution, weight) {
            (Contribution::Value(value), Some(weight)) if value.is_finite() => Some((*value + 0.0, weight)),
            (Contribution::Out, _) => None,
            (Contribution::Value(_) | Contribution::Unknown | Contribution::Below(_), _) => return,
        };
        direction.count(&mut self.known, 1);
        let Some((value, weight)) = value else { return };
        direction.count(&mut self.counted, 1);
        direction.count(&mut self.trues, u64::from(value != 0.0));
        if spec.needs_sum() {
            let sums = self.sum.get_or_insert_default();
            if spec.is_weighted {
                sums.values.count_product(weight, value, direction);
                sums.weights.add(direction.sign() * weight);
            } else {
                sums.values.count(value, direction);
            }
            if spec.needs_squares() {
                sums.squares.get_or_insert_default().count_product(value, value, direction);
            }
        }
        if spec.needs_ranks() {
            let ranks = self.ranks.get_or_insert_default();
            direction.count(&mut ranks[(value.max(0.0) as usize).min(RANKS - 1)], 1);
        }
        let pick = Some(Pick { value, twin }).filter(|_| direction == Direction::In);
        if spec.needs_low() {
            self.low = better(self.low, pick, |a, b| a < b);
        }
        if spec.needs_high() {
            self.high = better(self.high, pick, |a, b| a > b);
        }
    }

    fn count_all(&mut self, other: &Partial, direction: Direction) {
        direction.count(&mut self.expected, other.expected);
        direction.count(&mut self.known, other.known);
        direction.count(&mut self.counted, other.counted);
        direction.count(&mut self.trues, other.trues);
        if let Some(other) = &other.sum {
            let sums = self.sum.get_or_insert_default();
            sums.values.count_all(&other.values, direction);
            match direction {
                Direction::In => sums.weights.add_sum(&other.weights),
                Direction::Out => sums.weights.subtract_sum(&other.weights),
            }
            if let Some(other) = &other.squares {
                sums.squares.get_or_insert_default().count_all(other, direction);
            }
        }
        if let Some(other) = &other.ranks {
            let ranks = self.ranks.get_or_insert_default();
            ranks.iter_mut().zip(other.iter()).for_each(|(count, other)| direction.count(count, *other));
        }
    }

    /// The same in the one form that does not tell the order in which contributions came: what is equal is not sent again.
    pub(super) fn canonical(mut self) -> Partial {
        if let Some(sums) = &mut self.sum {
            sums.values.sum = sums.values.sum.canonical();
            sums.weights = sums.weights.canonical();
            if let Some(squares) = &mut sums.squares {
                squares.sum = squares.sum.canonical();
            }
        }
        if self.counted == 0 {
            (self.sum, self.ranks) = (None, None);
        }
        self
    }
}

/// By value; of equal ones that of the twin with the smaller number.
fn better(a: Option<Pick>, b: Option<Pick>, is_better: impl Fn(f64, f64) -> bool) -> Option<Pick> {
    match (a, b) {
        (Some(x), Some(y)) if is_better(y.value, x.value) || (x.value == y.value && y.twin < x.twin) => b,
        (Some(_), _) => a,
        (None, _) => b,
    }
}
