//! What readings of a stretch of time have added up to. Partials of neighbouring stretches merge into that of both.

use serde::{Deserialize, Serialize};

use super::best::Best;
use super::part::{Link, Part, PartKind};
use super::sample::Reading;
use super::total::Direction;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Partial {
    /// How many known readings.
    pub known: u64,
    /// First and last of all readings.
    pub ends: Option<Ends>,
    /// First and last of the known ones.
    pub known_ends: Option<Ends>,
    pub parts: Box<[Part]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ends {
    pub first: Reading,
    pub last: Reading,
}

/// What a partial is kept of: the sums, in the order in which a partial has them, and the age at which a value is stale.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measures<'a> {
    pub kinds: &'a [PartKind],
    pub hold: Option<i64>,
}

impl Measures<'_> {
    /// Whether some sum depends on which readings are neighbours.
    pub(super) fn need_order(self) -> bool {
        self.kinds.iter().any(|kind| kind.needs_order())
    }
}

/// The readings around a place, as far as they are known.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Around {
    pub before: Option<Reading>,
    pub after: Option<Reading>,
    pub known_before: Option<f64>,
    pub known_after: Option<f64>,
}

impl Partial {
    pub(super) fn empty(kinds: &[PartKind]) -> Partial {
        Partial { known: 0, ends: None, known_ends: None, parts: kinds.iter().map(|kind| kind.empty()).collect() }
    }

    /// A reading comes in between others or goes out from between them. Ends are the business of who knows the readings.
    pub(super) fn put(&mut self, measures: Measures<'_>, reading: Reading, around: Around, direction: Direction) {
        self.put_loose(reading, direction);
        let opposite = direction.opposite();
        if let (Some(before), Some(after)) = (around.before, around.after) {
            self.link(measures, before, after, opposite);
        }
        if let Some(before) = around.before {
            self.link(measures, before, reading, direction);
        }
        if let Some(after) = around.after {
            self.link(measures, reading, after, direction);
        }
        let Some(value) = reading.sample.known() else { return };
        if let (Some(before), Some(after)) = (around.known_before, around.known_after) {
            self.step(before, after, opposite);
        }
        if let Some(before) = around.known_before {
            self.step(before, value, direction);
        }
        if let Some(after) = around.known_after {
            self.step(value, after, direction);
        }
    }

    /// Only what does not depend on the neighbours.
    pub(super) fn put_loose(&mut self, reading: Reading, direction: Direction) {
        let Some(value) = reading.sample.known() else { return };
        self.known = if direction == Direction::In { self.known.saturating_add(1) } else { self.known.saturating_sub(1) };
        self.parts.iter_mut().for_each(|part| part.count(reading, value, direction));
    }

    /// Widens the ends to a reading that came in.
    pub(super) fn reach(&mut self, reading: Reading) {
        reach(&mut self.ends, reading);
        if reading.sample.is_known() {
            reach(&mut self.known_ends, reading);
        }
    }

    /// `later` follows: what lies between the two is counted as well.
    pub(super) fn merge(&mut self, measures: Measures<'_>, later: &Partial) {
        if let (Some(ends), Some(other)) = (self.ends, later.ends) {
            self.link(measures, ends.last, other.first, Direction::In);
        }
        if let (Some(ends), Some(other)) = (self.known_ends, later.known_ends)
            && let (Some(from), Some(to)) = (ends.last.sample.known(), other.first.sample.known())
        {
            self.step(from, to, Direction::In);
        }
        self.known = self.known.saturating_add(later.known);
        self.parts.iter_mut().zip(&later.parts).for_each(|(part, other)| part.merge(other));
        for reading in [later.ends.map(|ends| ends.first), later.ends.map(|ends| ends.last)].into_iter().flatten() {
            reach(&mut self.ends, reading);
        }
        for reading in [later.known_ends.map(|ends| ends.first), later.known_ends.map(|ends| ends.last)].into_iter().flatten() {
            reach(&mut self.known_ends, reading);
        }
    }

    pub(super) fn best(&self) -> Best {
        let found = self.parts.iter().find_map(|part| match part {
            Part::Best(best) => Some(*best),
            Part::Wedge(wedge) => Some(wedge.best()),
            Part::Sum(_)
            | Part::Squares(_)
            | Part::Slope(_)
            | Part::Trues(_)
            | Part::Ranks(_)
            | Part::Sketch(_)
            | Part::Climb(_)
            | Part::Changes(_)
            | Part::Held(_)
            | Part::InState(_) => None,
        });
        found.unwrap_or_default()
    }

    fn link(&mut self, measures: Measures<'_>, a: Reading, b: Reading, direction: Direction) {
        let pairs = self.parts.iter_mut().zip(measures.kinds);
        pairs.for_each(|(part, kind)| part.link(*kind, Link::between(a, b), measures.hold, direction));
    }

    fn step(&mut self, from: f64, to: f64, direction: Direction) {
        self.parts.iter_mut().for_each(|part| part.step(from, to, direction));
    }
}

/// At equal times the first stays the first and the newcomer becomes the last, as they arrived.
fn reach(ends: &mut Option<Ends>, reading: Reading) {
    match ends {
        None => *ends = Some(Ends { first: reading, last: reading }),
        Some(ends) => {
            if reading.at < ends.first.at {
                ends.first = reading;
            }
            if reading.at >= ends.last.at {
                ends.last = reading;
            }
        }
    }
}
