//! Sums that do not depend on the order of what is added, and from which what was added can be taken out again without a trace.
//!
//! A sum is a double-double. It is exact as long as 106 bits hold it, which is so for everything that is measured; the rare remainder that
//! they do not hold is kept beside them, so the sum stays exact for any finite input. Hence the same readings give the same bytes in every
//! order, a window that slides for a year does not drift, and a contribution that is retracted is gone.

use serde::{Deserialize, Serialize};

/// What is larger takes no part in sums (the result is then unknown): below it no sum of fewer than eight million values can overflow.
pub const ADDEND_MAX: f64 = 1e301;
/// What is larger takes no part in sums of products and squares.
pub const FACTOR_MAX: f64 = 1e140;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ExactSum {
    hi: f64,
    lo: f64,
    /// What the pair cannot hold: numbers that do not overlap, the smallest first. At most about forty, nearly always none.
    rest: Vec<f64>,
}

impl ExactSum {
    pub fn add(&mut self, x: f64) {
        let (sum, error) = two_sum(self.hi, x);
        let (low, lost) = two_sum(self.lo, error);
        (self.hi, self.lo) = two_sum(sum, low);
        if lost != 0.0 {
            grow(&mut self.rest, lost);
        }
    }

    pub fn subtract(&mut self, x: f64) {
        self.add(-x);
    }

    /// Adds the exact product of two numbers.
    pub fn add_product(&mut self, x: f64, y: f64) {
        let (product, error) = two_product(x, y);
        self.add(product);
        if error != 0.0 {
            self.add(error);
        }
    }

    pub fn add_sum(&mut self, other: &ExactSum) {
        other.parts().for_each(|part| self.add(part));
    }

    pub fn subtract_sum(&mut self, other: &ExactSum) {
        other.parts().for_each(|part| self.add(-part));
    }

    /// This sum times a number, exactly.
    pub fn times(&self, factor: f64) -> ExactSum {
        let mut product = ExactSum::default();
        self.parts().for_each(|part| product.add_product(part, factor));
        product
    }

    /// The number nearest to the sum.
    pub fn value(&self) -> f64 {
        if self.rest.is_empty() { self.hi } else { self.pair().hi }
    }

    /// The sum to twice the precision of a number.
    pub fn pair(&self) -> Pair {
        if self.rest.is_empty() {
            return Pair { hi: self.hi, lo: self.lo };
        }
        let mut spread = self.spread();
        let hi = nearest(&spread);
        grow(&mut spread, -hi);
        Pair { hi, lo: nearest(&spread) }
    }

    /// The same sum in the one form that depends on nothing but its value.
    pub fn canonical(&self) -> ExactSum {
        let pair = self.pair();
        let mut spread = self.spread();
        grow(&mut spread, -pair.hi);
        grow(&mut spread, -pair.lo);
        let mut rest = Vec::new();
        while let next = nearest(&spread)
            && next != 0.0
        {
            grow(&mut spread, -next);
            rest.insert(0, next);
        }
        ExactSum { hi: pair.hi, lo: pair.lo, rest }
    }

    pub fn parts(&self) -> impl Iterator<Item = f64> {
        [self.hi, self.lo].into_iter().chain(self.rest.iter().copied()).filter(|part| *part != 0.0)
    }

    fn spread(&self) -> Vec<f64> {
        let mut spread = self.rest.clone();
        grow(&mut spread, self.lo);
        grow(&mut spread, self.hi);
        spread
    }
}

/// A number of about 106 bits: `hi` is the nearest double, `lo` what it lacks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    pub hi: f64,
    pub lo: f64,
}

impl Pair {
    pub fn of(x: f64) -> Pair {
        Pair { hi: x, lo: 0.0 }
    }

    /// Nearly exact: an integer of 128 bits may lose its last 22.
    pub fn of_integer(x: i128) -> Pair {
        let hi = x as f64;
        let lo = x.wrapping_sub(hi as i128) as f64;
        let (hi, lo) = two_sum(hi, lo);
        Pair { hi, lo }
    }

    pub fn minus(self, other: Pair) -> Pair {
        let (sum, error) = two_sum(self.hi, -other.hi);
        let (low, low_error) = two_sum(self.lo, -other.lo);
        let (sum, error) = two_sum(sum, error + low);
        let (hi, lo) = two_sum(sum, error + low_error);
        Pair { hi, lo }
    }

    pub fn times(self, other: Pair) -> Pair {
        let (product, error) = two_product(self.hi, other.hi);
        let (hi, lo) = two_sum(product, error + (self.hi * other.lo + self.lo * other.hi));
        Pair { hi, lo }
    }

    pub fn over(self, other: Pair) -> Pair {
        let first = self.hi / other.hi;
        let left = self.minus(other.times(Pair::of(first)));
        let second = left.hi / other.hi;
        let third = left.minus(other.times(Pair::of(second))).hi / other.hi;
        let (hi, lo) = two_sum(first, second);
        let (hi, lo) = two_sum(hi, lo + third);
        Pair { hi, lo }
    }
}

/// The sum as a double and what it lacks, exactly.
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let b_seen = sum - a;
    (sum, (a - (sum - b_seen)) + (b - b_seen))
}

/// The product as a double and what it lacks. Without a fused operation, which not every machine has.
fn two_product(a: f64, b: f64) -> (f64, f64) {
    let product = a * b;
    let ((a_hi, a_lo), (b_hi, b_lo)) = (halves(a), halves(b));
    (product, ((a_hi * b_hi - product) + a_hi * b_lo + a_lo * b_hi) + a_lo * b_lo)
}

/// A double as the sum of two of 26 bits (Veltkamp).
fn halves(a: f64) -> (f64, f64) {
    let scaled = 134_217_729.0 * a;
    let hi = scaled - (scaled - a);
    (hi, a - hi)
}

/// Adds to numbers that do not overlap, so that they do not overlap afterwards (Shewchuk).
fn grow(parts: &mut Vec<f64>, x: f64) {
    let mut carried = x;
    parts.retain_mut(|part| {
        let (sum, error) = two_sum(carried, *part);
        carried = sum;
        *part = error;
        error != 0.0
    });
    if carried != 0.0 {
        parts.push(carried);
    }
}

/// The double nearest to the sum of numbers that do not overlap; ties go to the even one.
fn nearest(parts: &[f64]) -> f64 {
    let mut rest = parts.iter().rev().copied();
    let Some(mut hi) = rest.next() else { return 0.0 };
    while let Some(part) = rest.next() {
        let (sum, lost) = two_sum(hi, part);
        hi = sum;
        if lost != 0.0 {
            // Half a step was lost: what is smaller still says in which direction the sum really lies.
            if let Some(smaller) = rest.next()
                && (smaller > 0.0) == (lost > 0.0)
                && hi + 2.0 * lost - hi == 2.0 * lost
            {
                hi += 2.0 * lost;
            }
            break;
        }
    }
    hi
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::dice::Dice;

    #[test]
    fn what_is_lost_by_plain_addition_is_kept() {
        let mut sum = ExactSum::default();
        for x in [1e300, 1.0, 1e-300, -1e300, 3.0, -1e-300] {
            sum.add(x);
        }
        assert_eq!(sum.value(), 4.0);
        sum.subtract(4.0);
        assert_eq!(sum.canonical(), ExactSum::default());
    }

    /// Ten million updates that come and go, and the sum of what is left is the sum of what is left.
    #[test]
    fn a_sum_does_not_drift() {
        let mut dice = Dice::new(7);
        let (mut sum, mut held) = (ExactSum::default(), std::collections::VecDeque::new());
        for _ in 0..300_000 {
            let x = dice.number() * 1e6;
            sum.add(x);
            held.push_back(x);
            if held.len() > 100 {
                sum.subtract(held.pop_front().unwrap());
            }
        }
        let mut fresh = ExactSum::default();
        held.iter().for_each(|x| fresh.add(*x));
        assert_eq!(sum.value().to_bits(), fresh.value().to_bits());
        assert_eq!(sum.canonical(), fresh.canonical());
    }

    #[test]
    fn any_order_gives_the_same_bytes() {
        let mut dice = Dice::new(11);
        for _ in 0..200 {
            let mut xs: Vec<f64> = (0..40).map(|_| (dice.number() - 0.5) * 10f64.powi(dice.below(60) as i32 - 30)).collect();
            let of = |xs: &[f64]| {
                let mut sum = ExactSum::default();
                xs.iter().for_each(|x| sum.add(*x));
                sum
            };
            let first = of(&xs);
            dice.shuffle(&mut xs);
            let second = of(&xs);
            assert_eq!(first.value().to_bits(), second.value().to_bits());
            assert_eq!(first.canonical(), second.canonical());
            let mut both = first.clone();
            both.subtract_sum(&second);
            assert_eq!(both.canonical(), ExactSum::default());
        }
    }

    #[test]
    fn products_are_exact() {
        let mut sum = ExactSum::default();
        sum.add_product(0.1, 0.1);
        sum.subtract(0.1 * 0.1);
        assert_eq!(sum.value(), 0.1f64.mul_add(0.1, -(0.1 * 0.1)));
        let third = Pair::of(1.0).over(Pair::of(3.0));
        let one = third.times(Pair::of(3.0));
        assert!((one.hi - 1.0 + one.lo).abs() < 1e-31);
    }
}
