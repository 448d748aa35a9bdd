//! What a roll-up is, compiled.

use serde::{Deserialize, Serialize};

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
}

impl Spec {
    pub const MIN_COVERAGE: f64 = 0.5;

    pub fn new(aggs: Vec<Agg>) -> Spec {
        let is_weighted = aggs.contains(&Agg::WeightedAvg);
        Spec { aggs, min_coverage: Spec::MIN_COVERAGE, is_weighted }
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
