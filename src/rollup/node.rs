//! One twin's side of a roll-up: the last contribution of every member, what they add up to, and what that says.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::reading::Timestamp;
use crate::window::total::Direction;
use crate::window::{Figure, Why, variance};

use super::partial::{Contribution, Partial, Pick};
use super::spec::{Agg, Spec};

/// Members of one roll-up of one twin. Who joins beyond that does not take part.
pub const MEMBERS_MAX: usize = 1_000_000;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Node {
    members: BTreeMap<u32, Member>,
    total: Partial,
    /// Every member's best, the best of all first: so the second is known when the first one goes.
    low: BTreeSet<Place>,
    high: BTreeSet<Place>,
    /// Whoever says most comes first; where that is wanted.
    #[serde(default)]
    telling: BTreeSet<(i64, u32)>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Member {
    contribution: Contribution,
    weight: Option<f64>,
}

/// Order of a value, the twin it comes from, and the member that reported it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Place(i64, u32, u32);

/// What a roll-up says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rolled {
    /// Members there should be, and those whose contribution is known.
    pub expected: u64,
    pub known: u64,
    /// Those that `where` lets in.
    pub count: u64,
    pub coverage: f64,
    /// The newest event time of a contribution, in microseconds.
    pub at: Option<i64>,
    pub low: Option<Pick>,
    pub high: Option<Pick>,
    /// In the order of the aggregates.
    pub figures: Vec<Figure>,
}

impl Node {
    /// A member is expected from now on; its contribution is unknown until it reports. A node that only stands between reports, at once, that
    /// nothing is below it. `false` if there are too many.
    pub fn join(&mut self, spec: &Spec, member: u32, weight: Option<f64>, at: Timestamp) -> bool {
        if self.members.len() >= MEMBERS_MAX && !self.members.contains_key(&member) {
            return false;
        }
        if !self.members.contains_key(&member) {
            self.put(spec, member, Member { contribution: Contribution::Unknown, weight }, at);
        }
        true
    }

    /// A member is gone, with what it contributed.
    pub fn leave(&mut self, spec: &Spec, member: u32, at: Timestamp) -> bool {
        let Some(gone) = self.members.remove(&member) else { return false };
        self.count(spec, member, &gone, Direction::Out);
        self.total.at = self.total.at.max(Some(at.0));
        true
    }

    /// What a member contributes now takes the place of what it contributed before. `false` if it is not a member (any more).
    pub fn report(&mut self, spec: &Spec, member: u32, contribution: Contribution, at: Timestamp) -> bool {
        let Some(former) = self.members.get(&member) else { return false };
        let weight = former.weight;
        self.put(spec, member, Member { contribution, weight }, at);
        true
    }

    /// The weight of a member's edge has changed.
    pub fn weigh(&mut self, spec: &Spec, member: u32, weight: Option<f64>, at: Timestamp) -> bool {
        let Some(former) = self.members.get(&member) else { return false };
        let contribution = former.contribution.clone();
        self.put(spec, member, Member { contribution, weight }, at);
        true
    }

    pub fn members(&self) -> impl ExactSizeIterator<Item = (u32, &Contribution)> {
        self.members.iter().map(|(member, said)| (*member, &said.contribution))
    }

    /// What this node forwards to its own parent. The same contributions give the same partial.
    pub fn partial(&self) -> Partial {
        let (low, high) = self.best();
        Partial { low, high, ..self.total.clone() }.canonical()
    }

    pub fn rolled(&self, spec: &Spec) -> Rolled {
        let Partial { expected, known, counted, at, .. } = self.total;
        let (low, high) = self.best();
        let coverage = if expected == 0 { 1.0 } else { known as f64 / expected as f64 };
        let figures = spec.aggs.iter().map(|agg| self.figure(spec, *agg, coverage)).collect();
        Rolled { expected, known, count: counted, coverage, at, low, high, figures }
    }

    /// The members that say most about the result: those that are unknown, then those with the largest values, or of a minimum the smallest.
    pub fn telling(&self, count: usize) -> Vec<(u32, &Contribution)> {
        let told = self.telling.iter().take(count);
        told.filter_map(|(_, number)| Some((*number, &self.members.get(number)?.contribution))).collect()
    }

    fn put(&mut self, spec: &Spec, number: u32, member: Member, at: Timestamp) {
        if let Some(former) = self.members.remove(&number) {
            self.count(spec, number, &former, Direction::Out);
        }
        self.count(spec, number, &member, Direction::In);
        self.members.insert(number, member);
        self.total.at = self.total.at.max(Some(at.0));
    }

    fn count(&mut self, spec: &Spec, number: u32, member: &Member, direction: Direction) {
        let Member { contribution, weight } = member;
        self.total.count(spec, contribution, *weight, number, direction);
        (self.total.low, self.total.high) = (None, None);
        if let Some(telling) = spec.telling(contribution).filter(|_| spec.tells) {
            let place = (order(-telling), number);
            match direction {
                Direction::In => drop(self.telling.insert(place)),
                Direction::Out => drop(self.telling.remove(&place)),
            }
        }
        if !spec.needs_low() && !spec.needs_high() {
            return;
        }
        let (low, high) = match contribution {
            Contribution::Below(partial) => (partial.low, partial.high),
            Contribution::Value(_) | Contribution::Unknown | Contribution::Out => {
                let own = Partial::of(spec, contribution, *weight, number, 0);
                (own.low, own.high)
            }
        };
        let low = low.map(|pick| Place(order(pick.value), pick.twin, number));
        let high = high.map(|pick| Place(order(-pick.value), pick.twin, number));
        for (places, place) in [(&mut self.low, low), (&mut self.high, high)] {
            match (direction, place) {
                (Direction::In, Some(place)) => drop(places.insert(place)),
                (Direction::Out, Some(place)) => drop(places.remove(&place)),
                (_, None) => {}
            }
        }
    }

    fn best(&self) -> (Option<Pick>, Option<Pick>) {
        let low = self.low.first().map(|Place(order, twin, _)| Pick { value: value_of(*order), twin: *twin });
        let high = self.high.first().map(|Place(order, twin, _)| Pick { value: -value_of(*order) + 0.0, twin: *twin });
        (low, high)
    }

    fn figure(&self, spec: &Spec, agg: Agg, coverage: f64) -> Figure {
        let Partial { expected, known, counted, trues, .. } = self.total;
        let too_little = Figure::Unknown(Why::Coverage);
        match agg {
            Agg::Count => return Figure::Number(counted as f64),
            Agg::Exists if trues > 0 => return Figure::Truth(true),
            Agg::Exists => return if known < expected { too_little } else { Figure::Truth(false) },
            Agg::ForAll if trues < counted => return Figure::Truth(false),
            Agg::ForAll => return if known < expected { too_little } else { Figure::Truth(true) },
            Agg::WorstSeverity => return self.worst(),
            Agg::Sum if expected == 0 => return Figure::Number(0.0),
            _ if expected == 0 => return Figure::Unknown(Why::Empty),
            _ if coverage < spec.min_coverage || known == 0 => return too_little,
            Agg::Any => return Figure::Truth(trues > 0),
            Agg::All => return Figure::Truth(trues == counted),
            Agg::Sum | Agg::Avg | Agg::WeightedAvg | Agg::Stddev | Agg::Min | Agg::Max => {}
        }
        let (low, high) = self.best();
        let sums = self.total.sum.as_ref().filter(|_| counted > 0);
        match (agg, sums) {
            (Agg::Min, _) => low.map_or(Figure::Unknown(Why::Empty), |pick| Figure::number(pick.value)),
            (Agg::Max, _) => high.map_or(Figure::Unknown(Why::Empty), |pick| Figure::number(pick.value)),
            // `where` lets none of the known ones in.
            (Agg::Sum, None) => Figure::Number(0.0),
            (Agg::Sum, Some(sums)) => sums.values.number(1.0),
            (Agg::Stddev, Some(sums)) => match sums.squares.as_ref().map(|squares| variance(counted, &sums.values, squares, false)) {
                Some(Figure::Number(variance)) => Figure::number(variance.sqrt()),
                unknown => unknown.unwrap_or(Figure::Unknown(Why::Empty)),
            },
            (_, Some(sums)) if spec.is_weighted => match sums.weights.value() {
                weight if weight > 0.0 => sums.values.number(weight),
                _ => Figure::Unknown(Why::Empty),
            },
            (_, Some(sums)) => sums.values.number(counted as f64),
            (_, None) => Figure::Unknown(Why::Empty),
        }
    }

    fn worst(&self) -> Figure {
        let rank = self.total.ranks.as_ref().and_then(|ranks| ranks.iter().rposition(|count| *count > 0));
        rank.map_or(Figure::Unknown(Why::Empty), |rank| Figure::Number(rank as f64))
    }
}

/// An integer in the order of the numbers.
fn order(value: f64) -> i64 {
    let bits = (value + 0.0).to_bits() as i64;
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

fn value_of(order: i64) -> f64 {
    f64::from_bits((order ^ (((order >> 63) as u64) >> 1) as i64) as u64)
}
