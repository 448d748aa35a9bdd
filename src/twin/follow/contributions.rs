//! Who made a roll-up what it is, in explanations.

use serde_json::{Value as Json, json};

use crate::catalog::rolled::SEVERITIES;
use crate::reading::SlotNo;
use crate::rollup::Agg;
use crate::twin::contributors::Contributor;
use crate::twin::state::State;

/// The key that they are told by.
pub(super) const CONTRIBUTIONS: &str = "contributions";

/// `[{"twin": "mixer-1", "value": 99, "quality": "GOOD", "time": …}]`, whoever says most first; `None`: it is no roll-up, or nobody takes part.
pub(super) fn contributions(state: &State, slot: SlotNo) -> Option<Json> {
    let contributors = state.contributors.get(slot);
    let rollup = state.layout.logic.all_rollups().find(|rollup| rollup.slot == slot)?;
    let agg = rollup.spec.aggs.first();
    let told = |contributor: &Contributor| {
        let value = contributor.value.map(|value| match agg {
            Some(Agg::Any | Agg::All | Agg::Exists | Agg::ForAll) => json!(value != 0.0),
            Some(Agg::WorstSeverity) => json!(SEVERITIES.get(value as usize)),
            _ => json!(value),
        });
        json!({"twin": contributor.twin, "value": value, "quality": contributor.quality().as_str(), "time": contributor.time.to_string()})
    };
    (!contributors.is_empty()).then(|| contributors.iter().map(told).collect())
}
