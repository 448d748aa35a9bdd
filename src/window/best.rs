//! The smallest and the largest reading, at equal values the earliest: of readings that only come (`Best`), and of readings that also leave,
//! the oldest first (`Wedge`).

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::sample::Reading;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Best {
    pub low: Option<Reading>,
    pub high: Option<Reading>,
}

impl Best {
    pub(super) fn take(&mut self, reading: Reading) {
        if self.low.is_none_or(|low| is_better(reading, low, Side::Low)) {
            self.low = Some(reading);
        }
        if self.high.is_none_or(|high| is_better(reading, high, Side::High)) {
            self.high = Some(reading);
        }
    }

    pub(super) fn merge(&mut self, other: Best) {
        [other.low, other.high].into_iter().flatten().for_each(|reading| self.take(reading));
    }

    /// Whether the readings have to be looked through if this one goes.
    pub(super) fn depends_on(&self, reading: Reading) -> bool {
        self.low == Some(reading) || self.high == Some(reading)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Low,
    High,
}

/// Whether `a` stands before `b`: by value, then by time.
fn is_better(a: Reading, b: Reading, side: Side) -> bool {
    let (Some(x), Some(y)) = (a.sample.known(), b.sample.known()) else { return a.sample.is_known() };
    match side {
        Side::Low => x < y || (x == y && a.at < b.at),
        Side::High => x > y || (x == y && a.at < b.at),
    }
}

/// For each side those readings, by time, that can still become the best: no later one is better.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Wedge {
    low: VecDeque<Reading>,
    high: VecDeque<Reading>,
}

impl Wedge {
    pub(super) fn best(&self) -> Best {
        Best { low: self.low.front().copied(), high: self.high.front().copied() }
    }

    /// Also in the middle, for a reading that comes late.
    pub(super) fn take(&mut self, reading: Reading) {
        for (queue, side) in [(&mut self.low, Side::Low), (&mut self.high, Side::High)] {
            let place = queue.partition_point(|other| other.at <= reading.at);
            // A later one that is strictly better, or an equal one of the same instant that came before, outlives it.
            if queue.get(place).is_some_and(|later| strictly(*later, reading, side)) {
                continue;
            }
            let mut start = place;
            while start > 0 && strictly(reading, queue[start - 1], side) {
                start -= 1;
            }
            if start == place {
                queue.insert(place, reading);
            } else {
                queue[start] = reading;
                queue.drain(start + 1..place);
            }
        }
    }

    /// The oldest reading of all leaves.
    pub(super) fn leave(&mut self, oldest: Reading) {
        for queue in [&mut self.low, &mut self.high] {
            if queue.front() == Some(&oldest) {
                queue.pop_front();
            }
        }
    }
}

fn strictly(a: Reading, b: Reading, side: Side) -> bool {
    let (Some(x), Some(y)) = (a.sample.known(), b.sample.known()) else { return false };
    match side {
        Side::Low => x < y,
        Side::High => x > y,
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::Sample;
    use super::*;
    use crate::window::dice::Dice;

    /// Readings come, some of them late, and the oldest leave; the best is the one a look through all of them finds, at ties the earliest.
    #[test]
    fn the_best_is_the_earliest_of_the_best() {
        let mut dice = Dice::new(8);
        for _ in 0..100 {
            let (mut wedge, mut held) = (Wedge::default(), VecDeque::<Reading>::new());
            for step in 0..80 {
                let at = 10 * step + if dice.below(3) == 0 { 0 } else { 10 * dice.below(8) as i64 } - 40;
                if held.iter().any(|other| other.at == at) || held.front().is_some_and(|oldest| at < oldest.at) {
                    continue;
                }
                let reading = Reading { at, sample: Sample::number(dice.below(5) as f64) };
                held.insert(held.partition_point(|other| other.at < at), reading);
                wedge.take(reading);
                if dice.below(3) == 0 {
                    wedge.leave(held.pop_front().unwrap());
                }
                let value = |reading: &&Reading| reading.sample.known().unwrap() as i64;
                let low = held.iter().min_by_key(value).copied();
                let high = held.iter().rev().max_by_key(value).copied();
                assert_eq!(wedge.best(), Best { low, high }, "{held:?}");
                let (mut whole, (front, back)) = (Best::default(), held.as_slices());
                back.iter().chain(front).for_each(|reading| whole.take(*reading));
                assert_eq!(whole, Best { low, high });
            }
        }
    }
}
