//! Whether what comes in now is distributed as what a model was trained on: the population stability index and the gap of Kolmogorov and
//! Smirnov.

use serde::{Deserialize, Serialize};

/// Fewer values say nothing.
pub const VALUES_MIN: u64 = 200;
/// No share counts as smaller.
const SHARE_MIN: f64 = 0.0001;
/// The baseline is cut at its tenths.
const BINS: usize = 10;

/// The baseline of one feature: edges at its tenths and the share of each bin. All that a comparison needs, however long the training was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    edges: Vec<f64>,
    shares: Vec<f64>,
}

/// What has come since, in the bins of a baseline. Counts of several twins add up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    bins: Vec<u64>,
}

impl Baseline {
    /// `None` of no values. What is not a number is not looked at.
    pub fn of(values: &[f64]) -> Option<Baseline> {
        let sorted = sorted(values);
        let last = sorted.len().checked_sub(1)?;
        let mut edges: Vec<f64> = (1..BINS).map(|tenth| quantile(&sorted, last, tenth as f64 / BINS as f64)).collect();
        edges.dedup();
        let mut counts = Counts { bins: vec![0; edges.len() + 1] };
        let baseline = Baseline { edges, shares: Vec::new() };
        sorted.iter().for_each(|value| counts.add(&baseline, *value));
        Some(Baseline { shares: counts.shares(), ..baseline })
    }

    pub fn counts(&self) -> Counts {
        Counts { bins: vec![0; self.edges.len() + 1] }
    }

    /// A value lies in a bin from its lower edge on, and below its upper one.
    fn bin(&self, value: f64) -> usize {
        self.edges.partition_point(|edge| *edge <= value)
    }

    /// `None` for fewer than [`VALUES_MIN`] values, or counts of another baseline.
    pub fn psi(&self, counts: &Counts) -> Option<f64> {
        if counts.total() < VALUES_MIN || counts.bins.len() != self.shares.len() {
            return None;
        }
        let term = |(own, now): (&f64, f64)| {
            let (own, now) = (own.max(SHARE_MIN), now.max(SHARE_MIN));
            (now - own) * (now / own).ln()
        };
        Some(self.shares.iter().zip(counts.shares()).map(term).sum())
    }
}

/// The interpolated value at a share of the sorted ones.
fn quantile(sorted: &[f64], last: usize, share: f64) -> f64 {
    let place = last as f64 * share;
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64)
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    sorted
}

impl Counts {
    pub fn add(&mut self, baseline: &Baseline, value: f64) {
        if value.is_finite()
            && let Some(bin) = self.bins.get_mut(baseline.bin(value))
        {
            *bin += 1;
        }
    }

    /// Counts of the same baseline, of another twin or another window.
    pub fn merge(&mut self, other: &Counts) {
        for (own, more) in self.bins.iter_mut().zip(&other.bins) {
            *own += more;
        }
    }

    pub fn total(&self) -> u64 {
        self.bins.iter().sum()
    }

    fn shares(&self) -> Vec<f64> {
        let total = self.total().max(1) as f64;
        self.bins.iter().map(|bin| *bin as f64 / total).collect()
    }
}

/// The largest gap between the shares of values at most so large. `None` if either holds nothing.
pub fn ks(baseline: &[f64], current: &[f64]) -> Option<f64> {
    let (a, b) = (sorted(baseline), sorted(current));
    if a.is_empty() || b.is_empty() {
        return None;
    }
    let (mut i, mut j, mut largest) = (0, 0, 0.0_f64);
    while i < a.len() && j < b.len() {
        let value = a[i].min(b[j]);
        i += a[i..].iter().take_while(|own| **own <= value).count();
        j += b[j..].iter().take_while(|own| **own <= value).count();
        largest = largest.max((i as f64 / a.len() as f64 - j as f64 / b.len() as f64).abs());
    }
    Some(largest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing;

    fn psi(baseline: &[f64], current: &[f64]) -> Option<f64> {
        let baseline = Baseline::of(baseline)?;
        let mut counts = baseline.counts();
        current.iter().for_each(|value| counts.add(&baseline, *value));
        baseline.psi(&counts)
    }

    #[test]
    fn a_shift_by_half_is_known_by_hand() {
        let baseline: Vec<f64> = (0..1000).map(f64::from).collect();
        assert!(psi(&baseline, &baseline).is_some_and(|psi| psi.abs() < 1e-12));
        // Everything lies in the upper five bins, a fifth in each, and a tenth was in each of ten.
        let current: Vec<f64> = (0..1000).map(|at| 500.0 + f64::from(at) / 2.0).collect();
        let expected = 5.0 * (0.2 - 0.1) * (0.2_f64 / 0.1).ln() + 5.0 * (0.0001 - 0.1) * (0.0001_f64 / 0.1).ln();
        assert!(psi(&baseline, &current).is_some_and(|psi| (psi - expected).abs() < 0.02), "{:?}", psi(&baseline, &current));
        assert!(ks(&baseline, &current).is_some_and(|ks| (ks - 0.5).abs() < 0.002));
    }

    #[test]
    fn edges_that_are_alike_are_one() {
        let mut baseline = vec![0.0; 900];
        baseline.extend((0..100).map(f64::from));
        let made = Baseline::of(&baseline).expect("values");
        assert!(made.edges.len() < BINS - 1, "{:?}", made.edges);
        assert_eq!(made.shares.len(), made.edges.len() + 1);
    }

    #[test]
    fn too_little_says_nothing() {
        let baseline: Vec<f64> = (0..1000).map(f64::from).collect();
        assert_eq!(psi(&baseline, &baseline[..199]), None);
        assert_eq!(psi(&[], &baseline), None);
        assert_eq!(ks(&[], &baseline), None);
        assert!(psi(&baseline, &[f64::NAN; 500]).is_none());
    }

    #[test]
    fn counts_of_many_twins_are_those_of_all_together() {
        let baseline = Baseline::of(&(0..500).map(f64::from).collect::<Vec<_>>()).expect("values");
        let (mut all, mut merged) = (baseline.counts(), baseline.counts());
        for twin in 0..7 {
            let mut own = baseline.counts();
            for value in (0..100).map(|at| f64::from(at * 7 % 600 + twin)) {
                own.add(&baseline, value);
                all.add(&baseline, value);
            }
            merged.merge(&own);
        }
        assert_eq!(all, merged);
    }

    /// The figures of the acceptance page.
    #[test]
    fn the_recorded_machines_drift_as_published() {
        let Some(columns) = testing::machines() else { return };
        let expected = [
            ("airTemperature", 0.699575, 0.153, 8.054490),
            ("processTemperature", 0.772631, 0.325, 8.066887),
            ("speed", 0.005543, 0.0196, 2.575604),
            ("torque", 0.003846, 0.0184, 0.330478),
            ("toolWear", 0.002177, 0.015, 0.089157),
        ];
        for (column, (name, own, gap, scaled)) in columns.iter().zip(expected) {
            let (baseline, current) = column.split_at(5000);
            let larger: Vec<f64> = current.iter().map(|value| value * 1.15).collect();
            for (what, found, expected) in [
                ("PSI", psi(baseline, current), own),
                ("KS", ks(baseline, current), gap),
                ("PSI of larger ones", psi(baseline, &larger), scaled),
            ] {
                assert!(found.is_some_and(|found| (found - expected).abs() <= 1e-6), "{what} of {name}: {found:?}, not {expected}");
            }
            let odd: Vec<f64> = column.iter().copied().step_by(2).collect();
            let even: Vec<f64> = column.iter().copied().skip(1).step_by(2).collect();
            assert!(psi(&odd, &even).is_some_and(|psi| psi < 0.003), "{name}");
        }
    }
}
