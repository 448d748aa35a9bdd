//! A sum of values that come and go, and how many of them were too large to be part of it.

use serde::{Deserialize, Serialize};

use super::sum::{ADDEND_MAX, ExactSum, FACTOR_MAX};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    In,
    Out,
}

impl Direction {
    pub fn sign(self) -> f64 {
        match self {
            Direction::In => 1.0,
            Direction::Out => -1.0,
        }
    }

    pub fn opposite(self) -> Direction {
        match self {
            Direction::In => Direction::Out,
            Direction::Out => Direction::In,
        }
    }

    pub fn count(self, count: &mut u64, by: u64) {
        *count = match self {
            Direction::In => count.saturating_add(by),
            Direction::Out => count.saturating_sub(by),
        };
    }
}

/// While a value is too large for the sum, the sum is not computable; when it has gone, the sum is what it was.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Total {
    pub sum: ExactSum,
    pub too_large: u64,
}

impl Total {
    pub fn count(&mut self, value: f64, direction: Direction) {
        if value.abs() < ADDEND_MAX {
            self.sum.add(direction.sign() * value);
        } else {
            direction.count(&mut self.too_large, 1);
        }
    }

    pub fn count_product(&mut self, x: f64, y: f64, direction: Direction) {
        if x.abs() < FACTOR_MAX && y.abs() < FACTOR_MAX {
            self.sum.add_product(direction.sign() * x, y);
        } else {
            direction.count(&mut self.too_large, 1);
        }
    }

    pub fn count_all(&mut self, other: &Total, direction: Direction) {
        match direction {
            Direction::In => self.sum.add_sum(&other.sum),
            Direction::Out => self.sum.subtract_sum(&other.sum),
        }
        direction.count(&mut self.too_large, other.too_large);
    }
}
