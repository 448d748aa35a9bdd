//! What a roll-up is, compiled.

use serde::{Deserialize, Serialize};

use super::partial::Contribution;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Agg {
    Count,
    Sum,
    Avg,
    /// By the weight of the edge.
    WeightedAvg,
    Stddev,
    Min,
    Max,
    Any,
    All,
    WorstSeverity,
    /// The fold `exists` of a condition, in three-valued logic: one true one is enough, whoever else is unknown.
    Exists,
    /// The fold `all`: one false one is enough.
    ForAll,
}

/// Aggregates over the same contributions: they share a node's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    pub aggs: Vec<Agg>,
    /// The share of the members that must be known.
    pub min_coverage: f64,
    /// Whether contributions to sums are multiplied with the weight of the edge.
    pub is_weighted: bool,
    /// Whether it is kept in order which members say most about it.
    pub tells: bool,
}

impl Spec {
    pub const MIN_COVERAGE: f64 = 0.5;

    pub fn new(aggs: Vec<Agg>) -> Spec {
        let is_weighted = aggs.contains(&Agg::WeightedAvg);
        Spec { aggs, min_coverage: Spec::MIN_COVERAGE, is_weighted, tells: false }
    }

    /// How much a contribution says about the first of the aggregates. What does not count says nothing.
    pub(super) fn telling(&self, contribution: &Contribution) -> Option<f64> {
        let value = match contribution {
            Contribution::Unknown => return Some(f64::INFINITY),
            Contribution::Value(value) if !value.is_finite() => return Some(f64::INFINITY),
            Contribution::Value(value) => *value,
            Contribution::Below(partial) => partial.high.or(partial.low).map_or(partial.counted as f64, |pick| pick.value),
            Contribution::Out => return None,
        };
        Some(match self.aggs.first() {
            Some(Agg::Min | Agg::All | Agg::ForAll) => -value,
            Some(Agg::Max) => value,
            _ => value.abs(),
        })
    }

    pub(super) fn needs_sum(&self) -> bool {
        self.aggs.iter().any(|agg| matches!(agg, Agg::Sum | Agg::Avg | Agg::WeightedAvg | Agg::Stddev))
    }

    pub(super) fn needs_squares(&self) -> bool {
        self.aggs.contains(&Agg::Stddev)
    }

    pub(super) fn needs_low(&self) -> bool {
        self.aggs.contains(&Agg::Min)
    }

    pub(super) fn needs_high(&self) -> bool {
        self.aggs.contains(&Agg::Max)
    }

    pub(super) fn needs_ranks(&self) -> bool {
        self.aggs.contains(&Agg::WorstSeverity)
    }
}
