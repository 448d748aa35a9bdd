//! A stretch of readings with what they add up to: the engine under every window.
//!
//! The newest readings are kept, so that a late one finds its neighbours and one that is replaced or removed is taken out exactly. Older
//! ones may be let go of (`settle_oldest`): they stay in the sums. What comes late among those is still added up exactly where the sums do
//! not depend on the order; where they do, the stretch says `approximate`.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::best::{Best, Wedge};
use super::part::Part;
use super::partial::{Around, Ends, Measures, Partial};
use super::sample::Reading;
use super::total::Direction;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Run {
    partial: Partial,
    /// By time, and by arrival where times are equal.
    kept: VecDeque<Reading>,
    settled: Settled,
    approximate: bool,
}

/// Readings that are no longer kept, but counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Settled {
    None,
    /// All of them: what is known of them is what is known of the whole. So are most panes of most windows.
    All,
    /// The oldest.
    Front(Box<Facts>),
}

/// What is known of readings that are no longer kept.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Facts {
    ends: Ends,
    known_ends: Option<Ends>,
    best: Best,
}

impl Run {
    pub(super) fn new(measures: Measures<'_>) -> Run {
        Run { partial: Partial::empty(measures.kinds), kept: VecDeque::new(), settled: Settled::None, approximate: false }
    }

    pub(super) fn partial(&self) -> &Partial {
        &self.partial
    }

    pub(super) fn kept(&self) -> &VecDeque<Reading> {
        &self.kept
    }

    /// Whether it still has every reading.
    pub(super) fn has_all(&self) -> bool {
        self.settled == Settled::None
    }

    /// Keeps no values for exact quantiles.
    pub(super) fn forget_values(&mut self) {
        for part in &mut self.partial.parts {
            if let Part::Sketch(quantiles) = part {
                quantiles.forget_values();
            }
        }
    }

    /// What it holds is not what it should.
    pub(super) fn mark_approximate(&mut self) {
        self.approximate = true;
    }

    pub(super) fn is_approximate(&self) -> bool {
        self.approximate
    }

    pub(super) fn is_empty(&self) -> bool {
        self.partial.ends.is_none()
    }

    pub(super) fn first(&self) -> Option<Reading> {
        self.partial.ends.map(|ends| ends.first)
    }

    pub(super) fn last(&self) -> Option<Reading> {
        self.partial.ends.map(|ends| ends.last)
    }

    /// The reading in force at an instant and the next one, where they are still kept.
    pub(super) fn neighbours(&self, at: i64) -> (Option<Reading>, Option<Reading>) {
        let place = self.place_after(at);
        (self.reading_before(place), self.kept.get(place).copied())
    }

    /// Whether `at` lies among readings that are no longer kept.
    pub(super) fn is_settled_at(&self, at: i64) -> bool {
        self.last_settled().is_some_and(|last| at < last.at)
    }

    pub(super) fn insert(&mut self, measures: Measures<'_>, reading: Reading) {
        if self.is_settled_at(reading.at) {
            self.partial.put_loose(reading, Direction::In);
            self.partial.reach(reading);
            if let Settled::Front(facts) = &mut self.settled {
                facts.take(reading);
            }
            self.approximate |= measures.need_order();
            return;
        }
        if self.settled == Settled::All
            && let Some(facts) = self.facts()
        {
            self.settled = Settled::Front(Box::new(facts));
        }
        let place = self.place_after(reading.at);
        self.put(measures, reading, (place, place), Direction::In);
        self.partial.reach(reading);
        if place == self.kept.len() { self.kept.push_back(reading) } else { self.kept.insert(place, reading) }
    }

    /// Takes a reading out again. `false` if it is not here.
    pub(super) fn remove(&mut self, measures: Measures<'_>, reading: Reading) -> bool {
        let from = self.kept.partition_point(|kept| kept.at < reading.at);
        let found = self.kept.iter().skip(from).take_while(|kept| kept.at == reading.at).position(|kept| *kept == reading);
        let Some(place) = found.map(|offset| from + offset) else {
            return self.remove_settled(measures, reading);
        };
        self.put(measures, reading, (place, place + 1), Direction::Out);
        self.kept.remove(place);
        self.find_ends();
        self.find_best(reading);
        self.find_values();
        true
    }

    /// The oldest reading leaves the window.
    pub(super) fn evict_oldest(&mut self, measures: Measures<'_>) -> Option<Reading> {
        let reading = *self.kept.front()?;
        if measures.need_order() {
            let around = Around { before: None, known_before: None, ..self.around(0, 1) };
            self.partial.put(measures, reading, around, Direction::Out);
        } else {
            self.partial.put_loose(reading, Direction::Out);
        }
        self.kept.pop_front();
        self.find_ends();
        for part in &mut self.partial.parts {
            if let Part::Wedge(wedge) = part {
                wedge.leave(reading);
            }
        }
        self.find_values();
        Some(reading)
    }

    /// The oldest kept reading is let go of; it stays in the sums.
    pub(super) fn settle_oldest(&mut self) {
        let Some(reading) = self.kept.pop_front() else { return };
        match &mut self.settled {
            Settled::Front(facts) => facts.take(reading),
            Settled::None | Settled::All => {
                let ends = Ends { first: reading, last: reading };
                let mut facts = Facts { ends, known_ends: None, best: Best::default() };
                facts.take(reading);
                self.settled = Settled::Front(Box::new(facts));
            }
        }
        if self.kept.is_empty() {
            self.settled = Settled::All;
        }
    }

    fn facts(&self) -> Option<Facts> {
        match &self.settled {
            Settled::None => None,
            Settled::All => {
                let Partial { ends, known_ends, .. } = self.partial;
                Some(Facts { ends: ends?, known_ends, best: self.partial.best() })
            }
            Settled::Front(facts) => Some(**facts),
        }
    }

    fn last_settled(&self) -> Option<Reading> {
        match &self.settled {
            Settled::None => None,
            Settled::All => self.last(),
            Settled::Front(facts) => Some(facts.ends.last),
        }
    }

    fn remove_settled(&mut self, measures: Measures<'_>, reading: Reading) -> bool {
        let is_within = self.facts().is_some_and(|facts| facts.ends.first.at <= reading.at && reading.at <= facts.ends.last.at);
        if is_within {
            self.partial.put_loose(reading, Direction::Out);
            // Its neighbours and the second best are not known any more.
            self.approximate |= measures.need_order() || self.partial.best().depends_on(reading);
        }
        is_within
    }

    fn place_after(&self, at: i64) -> usize {
        match self.kept.back() {
            Some(newest) if newest.at > at => self.kept.partition_point(|kept| kept.at <= at),
            Some(_) | None => self.kept.len(),
        }
    }

    fn reading_before(&self, place: usize) -> Option<Reading> {
        match place.checked_sub(1) {
            Some(place) => self.kept.get(place).copied(),
            None => self.last_settled(),
        }
    }

    /// A reading between those before a place and those from another one on. Most sums do not care what is around it.
    fn put(&mut self, measures: Measures<'_>, reading: Reading, (place, next): (usize, usize), direction: Direction) {
        if measures.need_order() {
            let around = self.around(place, next);
            self.partial.put(measures, reading, around, direction);
        } else {
            self.partial.put_loose(reading, direction);
        }
    }

    /// What lies before `place` and from `next` on.
    fn around(&self, place: usize, next: usize) -> Around {
        let known_of = |reading: &Reading| reading.sample.known();
        let settled = || self.facts()?.known_ends?.last.sample.known();
        Around {
            before: self.reading_before(place),
            after: self.kept.get(next).copied(),
            known_before: self.kept.range(..place).rev().find_map(known_of).or_else(settled),
            known_after: self.kept.range(next..).find_map(known_of),
        }
    }

    fn find_ends(&mut self) {
        let (settled, known_settled) = self.facts().map_or((None, None), |facts| (Some(facts.ends), facts.known_ends));
        let whole = |settled: Option<Ends>, first: Option<Reading>, last: Option<Reading>| {
            let first = settled.map(|ends| ends.first).or(first)?;
            Some(Ends { first, last: last.or(settled.map(|ends| ends.last))? })
        };
        self.partial.ends = whole(settled, self.kept.front().copied(), self.kept.back().copied());
        let is_known = |reading: &&Reading| reading.sample.is_known();
        let (first, last) = (self.kept.iter().find(is_known).copied(), self.kept.iter().rev().find(is_known).copied());
        self.partial.known_ends = whole(known_settled, first, last);
    }

    /// So few readings are left that their quantiles are exact again.
    fn find_values(&mut self) {
        if !self.has_all() {
            return;
        }
        let known = self.partial.known;
        for part in &mut self.partial.parts {
            if let Part::Sketch(quantiles) = part
                && quantiles.lacks_values(known)
            {
                quantiles.collect(self.kept.iter().filter_map(|reading| reading.sample.known()));
            }
        }
    }

    /// A reading from the middle is gone; if it was the best, the others are looked through.
    fn find_best(&mut self, gone: Reading) {
        let settled = self.facts().map_or(Best::default(), |facts| facts.best);
        for part in &mut self.partial.parts {
            let known = self.kept.iter().filter(|reading| reading.sample.is_known());
            match part {
                Part::Best(best) if best.depends_on(gone) => {
                    *best = settled;
                    known.for_each(|reading| best.take(*reading));
                }
                Part::Wedge(wedge) => {
                    **wedge = Wedge::default();
                    known.for_each(|reading| wedge.take(*reading));
                }
                Part::Best(_)
                | Part::Sum(_)
                | Part::Squares(_)
                | Part::Slope(_)
                | Part::Trues(_)
                | Part::Ranks(_)
                | Part::Sketch(_)
                | Part::Climb(_)
                | Part::Changes(_)
                | Part::Held(_)
                | Part::InState(_) => {}
            }
        }
    }
}

impl Facts {
    fn take(&mut self, reading: Reading) {
        self.ends = widened(self.ends, reading);
        if reading.sample.is_known() {
            self.known_ends = Some(self.known_ends.map_or(Ends { first: reading, last: reading }, |ends| widened(ends, reading)));
            self.best.take(reading);
        }
    }
}

fn widened(ends: Ends, reading: Reading) -> Ends {
    Ends {
        first: if reading.at < ends.first.at { reading } else { ends.first },
        last: if reading.at >= ends.last.at { reading } else { ends.last },
    }
}
