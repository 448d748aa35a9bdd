//! Quantiles: of few readings the reading of the rank; of many a DDSketch, which counts values in bins whose width is a share of the value,
//! so that a quantile is at most 1 % off.
//!
//! The bins follow the exponent and the fraction of the number, not a logarithm: no function whose last digit depends on the machine.

use serde::{Deserialize, Serialize};

use super::total::Direction;

/// Bins per doubling. With 50, the two ends of a bin differ by a factor of at most e^0.02, and its middle by 1 % from either.
const BINS_PER_DOUBLING: f64 = 50.0;
/// Bins of one sign. Beyond, the bins of the smallest values are put together.
pub(super) const SKETCH_BINS_MAX: usize = 2048;

/// Up to so many readings, a quantile is exact.
pub(super) const QUANTILE_EXACT_MAX: u64 = 256;
/// Values are kept up to twice as many, so that a window around that size does not collect them again and again.
const VALUES_MAX: usize = 512;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Quantiles {
    sketch: Sketch,
    /// In rising order; `None` since they have been too many.
    values: Option<Vec<f64>>,
}

impl Default for Quantiles {
    fn default() -> Quantiles {
        Quantiles { sketch: Sketch::default(), values: Some(Vec::new()) }
    }
}

impl Quantiles {
    pub(super) fn count(&mut self, value: f64, direction: Direction) {
        let place = self.values.as_deref().map(|values| values.partition_point(|other| *other < value));
        match direction {
            Direction::In => self.sketch.add(value),
            Direction::Out => self.sketch.remove(value),
        }
        match (&mut self.values, place, direction) {
            (Some(values), _, Direction::In) if values.len() >= VALUES_MAX => self.values = None,
            (Some(values), Some(place), Direction::In) => values.insert(place, value),
            (Some(values), Some(place), Direction::Out) if values.get(place) == Some(&value) => drop(values.remove(place)),
            (Some(_) | None, ..) => {}
        }
    }

    pub(super) fn merge(&mut self, other: &Quantiles) {
        self.sketch.merge(&other.sketch);
        self.values = match (self.values.take(), &other.values) {
            (Some(mut values), Some(others)) if values.len() + others.len() <= VALUES_MAX => {
                values.extend_from_slice(others);
                values.sort_by(f64::total_cmp);
                Some(values)
            }
            (Some(_) | None, _) => None,
        };
    }

    /// Whether so few are left that their values should be collected again.
    pub(super) fn lacks_values(&self, known: u64) -> bool {
        self.values.is_none() && known <= QUANTILE_EXACT_MAX
    }

    pub(super) fn collect(&mut self, values: impl Iterator<Item = f64>) {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        self.values = Some(values);
    }

    /// Where there are many sketches of parts, the values would take more room than all of them.
    pub(super) fn forget_values(&mut self) {
        self.values = None;
    }

    /// The value of the given rank, from 1, of so many.
    pub(super) fn value_at(&self, rank: u64, known: u64) -> Option<f64> {
        match &self.values {
            Some(values) if known <= QUANTILE_EXACT_MAX => {
                let place = usize::try_from(rank).ok()?.checked_sub(1)?;
                values.get(place).copied()
            }
            Some(_) | None => self.sketch.value_at(rank),
        }
    }

    pub(super) fn is_exact(&self, known: u64) -> bool {
        self.values.is_some() && known <= QUANTILE_EXACT_MAX
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Sketch {
    zeros: u32,
    above: Bins,
    below: Bins,
}

/// Number of the bin and how many are in it, the smallest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Bins(Vec<(i32, u32)>);

impl Sketch {
    pub(super) fn add(&mut self, value: f64) {
        match value {
            0.0 => self.zeros = self.zeros.saturating_add(1),
            value if value > 0.0 => self.above.add(bin(value), 1),
            value => self.below.add(bin(-value), 1),
        }
    }

    pub(super) fn remove(&mut self, value: f64) {
        match value {
            0.0 => self.zeros = self.zeros.saturating_sub(1),
            value if value > 0.0 => self.above.remove(bin(value)),
            value => self.below.remove(bin(-value)),
        }
    }

    pub(super) fn merge(&mut self, other: &Sketch) {
        self.zeros = self.zeros.saturating_add(other.zeros);
        other.above.0.iter().for_each(|(bin, count)| self.above.add(*bin, *count));
        other.below.0.iter().for_each(|(bin, count)| self.below.add(*bin, *count));
    }

    /// The value of the given rank, from 1.
    pub(super) fn value_at(&self, rank: u64) -> Option<f64> {
        let mut left = rank;
        for (bin, count) in self.below.0.iter().rev() {
            match left.checked_sub(u64::from(*count)) {
                None | Some(0) => return Some(-middle(*bin)),
                Some(rest) => left = rest,
            }
        }
        match left.checked_sub(u64::from(self.zeros)) {
            None | Some(0) if self.zeros > 0 => return Some(0.0),
            Some(rest) => left = rest,
            None => {}
        }
        for (bin, count) in &self.above.0 {
            match left.checked_sub(u64::from(*count)) {
                None | Some(0) => return Some(middle(*bin)),
                Some(rest) => left = rest,
            }
        }
        None
    }
}

impl Bins {
    fn add(&mut self, bin: i32, count: u32) {
        match self.0.binary_search_by_key(&bin, |(bin, _)| *bin) {
            Ok(place) => self.0[place].1 = self.0[place].1.saturating_add(count),
            Err(0) if self.0.len() >= SKETCH_BINS_MAX => self.0[0].1 = self.0[0].1.saturating_add(count),
            Err(place) => self.0.insert(place, (bin, count)),
        }
        if self.0.len() > SKETCH_BINS_MAX {
            let (_, count) = self.0.remove(0);
            self.0[0].1 = self.0[0].1.saturating_add(count);
        }
    }

    fn remove(&mut self, bin: i32) {
        // A bin that was put together with others counts in the lowest one.
        let place = self.0.partition_point(|(other, _)| *other < bin).min(self.0.len().saturating_sub(1));
        if let Some((_, count)) = self.0.get_mut(place) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.0.remove(place);
            }
        }
    }
}

/// The logarithm to base 2, straight between the powers of two.
fn bin(value: f64) -> i32 {
    // Subnormal numbers share the lowest bin.
    let value = value.max(f64::MIN_POSITIVE);
    let bits = value.to_bits();
    let exponent = (bits >> 52) as i32 - 1023;
    let fraction = f64::from_bits((bits & ((1 << 52) - 1)) | (1023 << 52)) - 1.0;
    ((f64::from(exponent) + fraction) * BINS_PER_DOUBLING).floor() as i32
}

/// The value that is equally far, as a share, from both ends of a bin.
fn middle(bin: i32) -> f64 {
    let (low, high) = (start(bin), start(bin + 1));
    low * (2.0 / (low / high + 1.0))
}

fn start(bin: i32) -> f64 {
    let position = f64::from(bin) / BINS_PER_DOUBLING;
    let exponent = position.floor();
    let power = f64::from_bits(((exponent.clamp(-1022.0, 1023.0) as i64 + 1023) as u64) << 52);
    power * (1.0 + (position - exponent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::dice::Dice;

    #[test]
    fn every_rank_is_within_one_percent() {
        let mut dice = Dice::new(5);
        let (mut sketch, mut values) = (Sketch::default(), Vec::new());
        for _ in 0..3000 {
            let value = (dice.number() - 0.3) * 10f64.powi(dice.below(9) as i32 - 4);
            let value = if dice.below(20) == 0 { 0.0 } else { value };
            sketch.add(value);
            values.push(value);
        }
        for _ in 0..1000 {
            sketch.remove(values.swap_remove(dice.below(values.len() as u64) as usize));
        }
        values.sort_by(f64::total_cmp);
        for (index, exact) in values.iter().enumerate() {
            let near = sketch.value_at(index as u64 + 1).unwrap();
            assert!((near - exact).abs() <= 0.0101 * exact.abs(), "rank {index}: {near} for {exact}");
        }
        assert_eq!(sketch.value_at(values.len() as u64 + 1), None);
    }

    #[test]
    fn any_order_and_any_split_give_the_same_bins() {
        let mut dice = Dice::new(6);
        let mut values: Vec<f64> = (0..500).map(|_| dice.number() * 100.0 - 20.0).collect();
        let of = |values: &[f64]| {
            let mut sketch = Sketch::default();
            values.iter().for_each(|value| sketch.add(*value));
            sketch
        };
        let whole = of(&values);
        dice.shuffle(&mut values);
        let (mut left, right) = (of(&values[..200]), of(&values[200..]));
        left.merge(&right);
        assert_eq!(left, whole);
    }

    #[test]
    fn extreme_values_are_held() {
        let mut sketch = Sketch::default();
        for value in [f64::MAX, f64::MIN, 5e-324, -5e-324, 1.0] {
            sketch.add(value);
        }
        assert!((1..=5).all(|rank| sketch.value_at(rank).is_some_and(f64::is_finite)), "{sketch:?}");
    }
}
