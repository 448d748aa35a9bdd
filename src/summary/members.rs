//! Who takes part in a roll-up: the twins that a relation leads to, one step or all the way, as far as their types contribute.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value as Json;

use crate::catalog::rolled::{Over, Rollup};
use crate::reading::TwinNo;
use crate::rollup::MEMBERS_MAX;

use super::{World, export_of};

/// With the weight of the edge by which each was reached first.
pub(super) fn members(world: &dyn World, of: TwinNo, rollup: &Rollup) -> BTreeMap<TwinNo, Option<f64>> {
    let mut found = BTreeMap::new();
    let mut seen = BTreeSet::from([of]);
    let mut waiting = VecDeque::from([of]);
    while let Some(twin) = waiting.pop_front() {
        let mut next = Vec::new();
        world.each(twin, &rollup.over, &mut |other, properties| {
            let weight = rollup.weight.as_deref().and_then(|name| properties.get(name)).and_then(Json::as_f64);
            next.push((other, weight));
        });
        for (other, weight) in next {
            if !seen.insert(other) || found.len() >= MEMBERS_MAX {
                continue;
            }
            if contributes(world, other, rollup) {
                found.insert(other, weight);
                if rollup.is_nearest {
                    return found;
                }
            }
            if rollup.is_deep {
                waiting.push_back(other);
            }
        }
    }
    found
}

fn contributes(world: &dyn World, twin: TwinNo, rollup: &Rollup) -> bool {
    let Some(state) = world.state(twin) else { return false };
    let is_meant = rollup.types.is_empty() || rollup.types.iter().any(|wanted| state.layout.is_a(wanted));
    is_meant && world.layout(&state).is_some_and(|layout| export_of(&layout, rollup).is_some())
}

/// A twin and all from which the relation leads to it.
pub(super) fn above(world: &dyn World, start: TwinNo, over: &Over) -> BTreeSet<TwinNo> {
    let back = Over { is_inverse: !over.is_inverse, ..over.clone() };
    let mut seen = BTreeSet::from([start]);
    let mut waiting = VecDeque::from([start]);
    while let Some(twin) = waiting.pop_front() {
        world.each(twin, &back, &mut |other, _| {
            if seen.insert(other) {
                waiting.push_back(other);
            }
        });
    }
    seen
}
