//! When the member was known: the intervals in which a known value was held. It gives a window its coverage.

use serde::{Deserialize, Serialize};

use super::sample::Reading;

/// More interruptions than this are not kept apart within what a window still holds: the shortest is taken as known.
pub(super) const COVER_STRETCHES_MAX: usize = 64;

/// Stretches `[from, to)` of known time that do not touch, the earliest first. A value without an age at which it is stale is held for ever.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Cover(Vec<(i64, i64)>);

impl Cover {
    /// A reading between two others takes the place of what the one before it was held for. Without a `reading`, one was removed there:
    /// from `at` on, the one before is held again.
    pub(super) fn set(&mut self, at: i64, reading: Option<Reading>, before: Option<Reading>, after: Option<Reading>, hold: Option<i64>) {
        if after.is_none() && self.goes_on(at, reading, hold) {
            return;
        }
        let until = after.map_or(i64::MAX, |after| after.at);
        self.clear(at, until);
        if let Some(held) = reading.or(before).filter(|held| held.sample.is_known()) {
            self.add(at, until.min(held_until(held, hold)));
        }
    }

    /// The usual case, and the cheap one: a known reading while the one before it is held, and nothing after it. Whether it is that.
    fn goes_on(&mut self, at: i64, reading: Option<Reading>, hold: Option<i64>) -> bool {
        let until = reading.filter(|reading| reading.sample.is_known()).map(|held| held_until(held, hold));
        match (self.0.last_mut(), until) {
            (Some((from, to)), Some(until)) if *from <= at && at <= *to && at < until => {
                *to = until;
                true
            }
            (Some(_) | None, _) => false,
        }
    }

    /// A late reading whose neighbours are no longer known: what it adds is known, what it cuts is not.
    pub(super) fn widen(&mut self, reading: Reading, hold: Option<i64>) {
        if reading.sample.is_known() {
            let until = held_until(reading, hold);
            // Without an age it is held until the next one, and from there on is what already is known.
            let next = self.0.iter().find(|(from, _)| *from > reading.at).map_or(i64::MAX, |(from, _)| *from);
            self.add(reading.at, if hold.is_some() { until } else { until.min(next) });
        }
    }

    /// Known time within `[from, to)`, in microseconds.
    pub(super) fn within(&self, from: i64, to: i64) -> i64 {
        let first = self.0.partition_point(|(_, end)| *end <= from);
        let overlaps = self.0[first..].iter().take_while(|(start, _)| *start < to);
        overlaps.map(|(start, end)| (*end).min(to).saturating_sub((*start).max(from)).max(0)).sum()
    }

    /// The share of `[from, to)` that is known. Of an instant: whether it is.
    pub(super) fn share(&self, from: i64, to: i64) -> f64 {
        if to <= from {
            return if self.within(to, to.saturating_add(1)) > 0 { 1.0 } else { 0.0 };
        }
        self.within(from, to) as f64 / to.saturating_sub(from) as f64
    }

    /// What lies before an instant is no longer asked for.
    pub(super) fn forget_before(&mut self, at: i64) {
        let gone = self.0.iter().take_while(|(_, end)| *end <= at).count();
        if gone > 0 {
            self.0.drain(..gone);
        }
    }

    fn add(&mut self, from: i64, to: i64) {
        if to <= from {
            return;
        }
        let start = self.0.partition_point(|(_, end)| *end < from);
        let end = start + self.0[start..].partition_point(|(other, _)| *other <= to);
        let (mut from, mut to) = (from, to);
        if end > start {
            from = from.min(self.0[start].0);
            to = to.max(self.0[end - 1].1);
            if end == start + 1 {
                self.0[start] = (from, to);
                return;
            }
        }
        self.0.splice(start..end, [(from, to)]);
        self.keep_few();
    }

    fn clear(&mut self, from: i64, to: i64) {
        let start = self.0.partition_point(|(_, end)| *end <= from);
        let end = start + self.0[start..].partition_point(|(other, _)| *other < to);
        if end == start || to <= from {
            return;
        }
        let (first, last) = (self.0[start], self.0[end - 1]);
        if end == start + 1 && to >= first.1 && first.0 < from {
            self.0[start].1 = from;
            return;
        }
        let left = (first.0 < from).then_some((first.0, from));
        let right = (last.1 > to).then_some((to, last.1));
        self.0.splice(start..end, left.into_iter().chain(right));
        self.keep_few();
    }

    fn keep_few(&mut self) {
        while self.0.len() > COVER_STRETCHES_MAX {
            let gaps = self.0.windows(2).map(|pair| pair[1].0.saturating_sub(pair[0].1));
            let Some((shortest, _)) = gaps.enumerate().min_by_key(|(_, gap)| *gap) else { return };
            self.0[shortest].1 = self.0[shortest + 1].1;
            self.0.remove(shortest + 1);
        }
    }
}

fn held_until(reading: Reading, hold: Option<i64>) -> i64 {
    hold.map_or(i64::MAX, |hold| reading.at.saturating_add(hold))
}

#[cfg(test)]
mod tests {
    use super::super::sample::Sample;
    use super::*;
    use crate::window::dice::Dice;

    /// Against a list of all readings, asked at every instant.
    #[test]
    fn cover_is_what_the_readings_say() {
        let mut dice = Dice::new(3);
        for round in 0..300 {
            let hold = [None, Some(7)][round % 2];
            let (mut cover, mut list) = (Cover::default(), Vec::<Reading>::new());
            for _ in 0..30 {
                let at = dice.below(60) as i64;
                let place = list.partition_point(|other| other.at < at);
                let exists = list.get(place).is_some_and(|other| other.at == at);
                let before = place.checked_sub(1).map(|place| list[place]);
                if exists {
                    let after = list.get(place + 1).copied();
                    list.remove(place);
                    cover.set(at, None, before, after, hold);
                } else {
                    let sample = if dice.below(4) == 0 { Sample::UNKNOWN } else { Sample::number(1.0) };
                    let reading = Reading { at, sample };
                    cover.set(at, Some(reading), before, list.get(place).copied(), hold);
                    list.insert(place, reading);
                }
                for t in 0..80 {
                    let held = list.iter().rev().find(|reading| reading.at <= t);
                    let known = held.is_some_and(|held| held.sample.is_known() && hold.is_none_or(|hold| t < held.at + hold));
                    assert_eq!(cover.within(t, t + 1), i64::from(known), "at {t} of {list:?}: {cover:?}");
                }
            }
        }
    }
}
