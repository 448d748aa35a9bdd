//! Roll-ups across twins: who takes part in which, what each contributes, and what that adds up to. Pure: the graph and the twins are asked for,
//! and time is told.
//!
//! It is a follower: everything in it can be made anew from what is committed. What it says goes to the twins that hold the roll-ups, through
//! their one door, and is a fact there.

mod members;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use foldhash::HashMap;
use serde_json::Value as Json;

use crate::catalog::Layout;
use crate::catalog::rolled::{Export, Over, Rollup};
use crate::reading::{Quality, SlotNo, Timestamp, TwinNo, Value};
use crate::rollup::{Contribution, Node, Rolled};
use crate::twin::{CONTRIBUTORS_MAX, Contributor, Gathered, State, contributed};

use members::members;

/// Twins that are asked for one explanation.
const LOOKED_UP_MAX: usize = 20_000;

/// What is committed.
pub trait World {
    fn state(&self, twin: TwinNo) -> Option<Arc<State>>;
    /// Today's form of the twin's type, if its slots are numbered as in the state.
    fn layout(&self, state: &State) -> Option<Arc<Layout>>;
    /// The other ends of the edges of a relation that hold now, with what they say.
    fn each(&self, twin: TwinNo, over: &Over, take: &mut dyn FnMut(TwinNo, &serde_json::Map<String, Json>));
}

/// A roll-up of a twin, by its place in the type.
type Place = (TwinNo, u16);

#[derive(Debug, Default)]
pub struct Summary {
    nodes: BTreeMap<Place, Standing>,
    /// In which roll-ups a twin takes part.
    part_of: HashMap<TwinNo, Vec<Place>>,
    /// When, on the wall, time alone changes what a twin contributes.
    stale: BTreeSet<(Timestamp, TwinNo)>,
    stale_at: HashMap<TwinNo, Timestamp>,
    /// Whose members have to be looked up again.
    regrouped: BTreeSet<Place>,
    /// Whose contributions have to be looked at again.
    touched: BTreeSet<TwinNo>,
    /// Whose results may be others.
    changed: BTreeSet<Place>,
    /// Whoever says most is wanted of every roll-up, not only of those that rules look at.
    tells_all: bool,
}

#[derive(Debug)]
struct Standing {
    rollup: Arc<Rollup>,
    node: Node,
    layout: u64,
    /// What was said last.
    said: Option<(Option<Value>, u64, u64)>,
}

impl Summary {
    /// A twin is there, or is another one than before.
    pub fn twin(&mut self, no: TwinNo, state: &State) {
        let (layout, logic) = (state.layout.fingerprint, &state.layout.logic);
        let known = self.nodes.range((no, 0)..=(no, u16::MAX)).next().map(|(_, standing)| standing.layout);
        if known.is_some_and(|known| known != layout) || (known.is_none() && logic.all_rollups().next().is_some()) {
            self.drop_rollups_of(no);
            for (place, rollup) in (0_u16..).zip(logic.all_rollups()) {
                let mut rollup = rollup.clone();
                rollup.spec.tells = self.tells_all || logic.readers(rollup.slot).is_some_and(|readers| !readers.rules_behind.is_empty());
                let standing = Standing { rollup: Arc::new(rollup), node: Node::default(), layout, said: None };
                self.nodes.insert((no, place), standing);
                self.regrouped.insert((no, place));
            }
        }
        if self.part_of.contains_key(&no) {
            self.touched.insert(no);
        }
    }

    pub fn gone(&mut self, no: TwinNo) {
        self.drop_rollups_of(no);
        self.touched.remove(&no);
        self.forget_staleness(no);
        for place in self.part_of.remove(&no).unwrap_or_default() {
            self.regrouped.insert(place);
        }
    }

    fn drop_rollups_of(&mut self, no: TwinNo) {
        let places: Vec<Place> = self.nodes.range((no, 0)..=(no, u16::MAX)).map(|(place, _)| *place).collect();
        for place in places {
            if let Some(standing) = self.nodes.remove(&place) {
                standing.node.members().for_each(|(member, _)| self.part(TwinNo(member), place));
            }
            self.regrouped.remove(&place);
            self.changed.remove(&place);
        }
    }

    fn part(&mut self, member: TwinNo, from: Place) {
        if let Some(places) = self.part_of.get_mut(&member) {
            places.retain(|place| *place != from);
        }
    }

    /// An edge has begun or ended: everybody above it may have other members.
    pub fn edge(&mut self, world: &dyn World, relation: &str, from: TwinNo, to: TwinNo) {
        let concerned: BTreeSet<bool> = self
            .nodes
            .values()
            .map(|standing| &standing.rollup.over)
            .filter(|over| *over.relation == *relation)
            .map(|over| over.is_inverse)
            .collect();
        for is_inverse in concerned {
            let over = Over { relation: relation.into(), is_inverse };
            let start = if is_inverse { to } else { from };
            for above in members::above(world, start, &over) {
                let places = self.nodes.range((above, 0)..=(above, u16::MAX)).filter(|(_, standing)| standing.rollup.over == over);
                self.regrouped.extend(places.map(|(place, _)| *place));
            }
        }
    }

    /// When, on the wall, it has to be looked at though nothing happens.
    pub fn due(&self) -> Option<Timestamp> {
        self.stale.first().map(|(at, _)| *at)
    }

    pub fn is_idle(&self) -> bool {
        self.regrouped.is_empty() && self.touched.is_empty() && self.changed.is_empty()
    }

    /// Takes in all that has happened, and says which roll-ups are others now.
    pub fn gather(&mut self, world: &dyn World, now: Timestamp) -> Vec<(TwinNo, Vec<Gathered>)> {
        while let Some((_, no)) = self.stale.first().copied().filter(|(at, _)| *at <= now) {
            self.forget_staleness(no);
            self.touched.insert(no);
        }
        for place in std::mem::take(&mut self.regrouped) {
            self.regroup(world, place, now);
        }
        for no in std::mem::take(&mut self.touched) {
            self.contribute(world, no, now);
        }
        let mut told: BTreeMap<TwinNo, Vec<Gathered>> = BTreeMap::new();
        for place in std::mem::take(&mut self.changed) {
            if let Some(gathered) = self.say(world, place, now) {
                told.entry(place.0).or_default().push(gathered);
            }
        }
        told.into_iter().collect()
    }

    fn regroup(&mut self, world: &dyn World, place: Place, now: Timestamp) {
        let Some(standing) = self.nodes.get_mut(&place) else { return };
        let wanted = members(world, place.0, &standing.rollup);
        let leaving: Vec<u32> =
            standing.node.members().map(|(member, _)| member).filter(|member| !wanted.contains_key(&TwinNo(*member))).collect();
        let spec = &standing.rollup.spec;
        for member in &leaving {
            standing.node.leave(spec, *member, now);
        }
        let known: BTreeSet<u32> = standing.node.members().map(|(member, _)| member).collect();
        let mut joined = Vec::new();
        for (member, weight) in wanted {
            let is_new = !known.contains(&member.0);
            if is_new && standing.node.join(spec, member.0, weight, now) {
                joined.push(member);
            } else if standing.rollup.weight.is_some() {
                standing.node.weigh(spec, member.0, weight, now);
            }
        }
        leaving.into_iter().for_each(|member| self.part(TwinNo(member), place));
        for member in joined {
            self.part_of.entry(member).or_default().push(place);
            self.touched.insert(member);
        }
        self.changed.insert(place);
    }

    fn contribute(&mut self, world: &dyn World, no: TwinNo, now: Timestamp) {
        self.forget_staleness(no);
        let Some((state, places)) = world.state(no).zip(self.part_of.get(&no).cloned()) else { return };
        let layout = world.layout(&state);
        let mut stale_at: Option<Timestamp> = None;
        for place in places {
            let Some(standing) = self.nodes.get_mut(&place) else { continue };
            let export = layout.as_ref().and_then(|layout| Some((layout, export_of(layout, &standing.rollup)?)));
            let (contribution, time) = match export {
                Some((layout, export)) => {
                    let said = contributed(&state, layout, export, now);
                    stale_at = [stale_at, said.stale_at].into_iter().flatten().min();
                    (said.contribution, said.time)
                }
                None => (Contribution::Unknown, now),
            };
            standing.node.report(&standing.rollup.spec, no.0, contribution, time);
            self.changed.insert(place);
        }
        if let Some(at) = stale_at {
            self.stale.insert((at, no));
            self.stale_at.insert(no, at);
        }
    }

    fn forget_staleness(&mut self, no: TwinNo) {
        if let Some(at) = self.stale_at.remove(&no) {
            self.stale.remove(&(at, no));
        }
    }

    /// What is the same as before, or as the twin has it, is not said again.
    fn say(&mut self, world: &dyn World, place: Place, now: Timestamp) -> Option<Gathered> {
        let standing = self.nodes.get(&place)?;
        let rolled = standing.node.rolled(&standing.rollup.spec);
        let value = rolled.figures.first().and_then(|figure| standing.rollup.value(*figure));
        let says = (value.clone(), rolled.known, rolled.expected);
        let state = world.state(place.0)?;
        if state.layout.fingerprint != standing.layout || standing.said.as_ref() == Some(&says) {
            return None;
        }
        let (slot, layout) = (standing.rollup.slot, standing.layout);
        let contributors = self.contributors(world, standing, now);
        let is_there = state.slot(slot).value == value
            && state.bases.get(slot).is_some_and(|basis| basis.count == rolled.known && basis.coverage == rolled.coverage)
            && state.contributors.get(slot).is_empty() == contributors.is_none();
        self.nodes.get_mut(&place)?.said = Some(says);
        let time = rolled.at.map_or(now, Timestamp);
        let Rolled { known, coverage, .. } = rolled;
        (!is_there).then_some(Gathered { layout, slot, value, time, known, coverage, contributors })
    }

    /// The members that say most about a roll-up, where rules look at it.
    fn contributors(&self, world: &dyn World, standing: &Standing, now: Timestamp) -> Option<Arc<[Contributor]>> {
        let contributors = standing.node.telling(CONTRIBUTORS_MAX).into_iter().filter_map(|(member, said)| {
            let state = world.state(TwinNo(member))?;
            let value = if let Contribution::Value(value) = said { Some(*value).filter(|value| value.is_finite()) } else { None };
            let layout = world.layout(&state);
            let export = layout.as_ref().and_then(|layout| Some((layout, export_of(layout, &standing.rollup)?)));
            let reads = export.iter().flat_map(|(_, export)| &export.reads);
            let quality = reads.map(|slot| state.slot(*slot).quality).fold(Quality::Good, Quality::worse) as u8;
            let time = export.map_or(now, |(layout, export)| contributed(&state, layout, export, now).time);
            Some(Contributor { twin: state.id.as_str().into(), value, time, quality })
        });
        Some(contributors.collect::<Vec<_>>()).filter(|contributors| !contributors.is_empty()).map(Into::into)
    }
}

/// Who says most about the roll-ups of one twin, looked up anew; nothing where they go over too many.
pub fn contributors(world: &dyn World, no: TwinNo, state: &State, now: Timestamp) -> Vec<(SlotNo, Arc<[Contributor]>)> {
    let mut summary = Summary { tells_all: true, ..Summary::default() };
    summary.twin(no, state);
    for place in std::mem::take(&mut summary.regrouped) {
        summary.regroup(world, place, now);
    }
    if summary.touched.len() > LOOKED_UP_MAX {
        return Vec::new();
    }
    for member in std::mem::take(&mut summary.touched) {
        summary.contribute(world, member, now);
    }
    let told = summary.nodes.values().filter_map(|standing| Some((standing.rollup.slot, summary.contributors(world, standing, now)?)));
    told.collect()
}

fn export_of<'l>(layout: &'l Layout, rollup: &Rollup) -> Option<&'l Export> {
    layout.logic.exports.iter().find(|export| export.key == rollup.key)
}
