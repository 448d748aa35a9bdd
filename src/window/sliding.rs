//! Sliding windows `(t − size, t]`: a result at every reading and whenever one falls out, or, with `every`, at multiples of it.
//!
//! All readings are kept and leave at the front. When there are more than [`RETAINED_MAX`], the window goes over to panes of a 256th of its
//! length and says `approximate`, until it has been empty once.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::Taken;
use super::bounds::next_multiple;
use super::outcome::{Cause, Outcome, Published, Stretch};
use super::partial::Partial;
use super::run::Run;
use super::sample::Reading;
use super::spec::{EMPTY_WINDOWS_MAX, RETAINED_MAX, Shape, Spec};
use super::timeline::Timeline;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Sliding {
    run: Run,
    coarse: Option<Box<Coarse>>,
    /// The newest reading that has fallen out.
    carried_in: Option<Reading>,
    /// The newest instant it was asked for.
    now: i64,
    /// With `every`: results since the last reading.
    quiet: u16,
}

/// Too many readings to keep.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Coarse {
    /// Begin of the pane, and its readings.
    panes: VecDeque<(i64, Run)>,
    /// All panes but the newest, merged; `None` when one of them has changed.
    older: Option<Box<Partial>>,
}

impl Sliding {
    pub(super) fn new(spec: &Spec) -> Sliding {
        Sliding { run: Run::new(spec.measures()), coarse: None, carried_in: None, now: i64::MIN, quiet: 0 }
    }

    pub(super) fn take(
        &mut self,
        spec: &Spec,
        line: &mut Timeline,
        (old, new): (Option<Reading>, Option<Reading>),
        published: &mut Vec<Published>,
    ) -> Taken {
        let Some(at) = new.or(old).map(|reading| reading.at) else { return Taken::Outside };
        self.fire(spec, line, at.saturating_sub(1), published);
        if at > self.now {
            self.move_to(spec, line, at);
        }
        self.quiet = 0;
        let is_inside = at > self.now.saturating_sub(spec.size());
        if is_inside {
            if let Some(old) = old {
                self.remove(spec, line, old);
            }
            if let Some(new) = new {
                self.insert(spec, line, new);
            }
        } else if !self.carry(spec, line, old, new) {
            return Taken::Outside;
        }
        if every(spec).is_none() {
            self.publish(spec, line, self.now, published);
        }
        if is_inside { Taken::Counted } else { Taken::Outside }
    }

    pub(super) fn due(&self, spec: &Spec) -> Option<i64> {
        let leaves = self.oldest()?.saturating_add(spec.size());
        let Some(every) = every(spec) else { return Some(leaves) };
        // After many results without a reading, the next one is when a reading has fallen out.
        let least = if self.quiet >= EMPTY_WINDOWS_MAX { self.now.saturating_add(1).max(leaves) } else { self.now };
        let line = spec.starts.floor(least);
        let is_done = line < least || (line == self.now && self.quiet > 0);
        Some(if is_done { next_multiple(line, every, line.saturating_add(1)) } else { line })
    }

    pub(super) fn fire(&mut self, spec: &Spec, line: &mut Timeline, until: i64, published: &mut Vec<Published>) {
        // Every turn lets a reading fall out or is one of `EMPTY_WINDOWS_MAX`. At the end of time nothing falls out.
        while let Some(due) = self.due(spec).filter(|due| *due <= until && *due < i64::MAX) {
            self.move_to(spec, line, due);
            self.quiet = self.quiet.saturating_add(1);
            if every(spec).is_none() || self.oldest().is_some() {
                self.publish(spec, line, due, published);
            }
        }
    }

    pub(super) fn current(&self, spec: &Spec, line: &Timeline, clock: i64) -> Outcome {
        let at = clock.max(self.now);
        if self.oldest().is_none_or(|oldest| oldest > at.saturating_sub(spec.size())) {
            return self.outcome(spec, line, at);
        }
        let (mut later, mut line) = (self.clone(), line.clone());
        later.move_to(spec, &mut line, at);
        later.outcome(spec, &line, at)
    }

    fn publish(&mut self, spec: &Spec, line: &Timeline, at: i64, published: &mut Vec<Published>) {
        if let Some(coarse) = &mut self.coarse {
            coarse.merge_older(spec);
        }
        published.push(Published { at, cause: Cause::Moved, outcome: self.outcome(spec, line, at) });
    }

    fn outcome(&self, spec: &Spec, line: &Timeline, at: i64) -> Outcome {
        let (start, end, carried_in) = (at.saturating_sub(spec.size()), at, self.carried_in);
        let Some(coarse) = &self.coarse else {
            let (partial, runs) = (self.run.partial(), [&self.run]);
            let stretch = Stretch { partial, measures: spec.measures(), carried_in, start, end, runs: &runs };
            return stretch.outcome(spec, &line.cover, false);
        };
        let (partial, newest) = (coarse.merged(spec), coarse.panes.back());
        let runs: Vec<&Run> = newest.iter().map(|(_, run)| run).collect();
        let stretch = Stretch { partial: &partial, measures: spec.coarse_measures(), carried_in, start, end, runs: &runs };
        Outcome { approximate: true, ..stretch.outcome(spec, &line.cover, false) }
    }

    /// When the reading happened that falls out next; of a pane, its last.
    fn oldest(&self) -> Option<i64> {
        match &self.coarse {
            None => self.run.first().map(|first| first.at),
            Some(coarse) => coarse.panes.front()?.1.last().map(|last| last.at),
        }
    }

    /// Time goes on, and readings fall out.
    fn move_to(&mut self, spec: &Spec, line: &mut Timeline, at: i64) {
        self.now = self.now.max(at);
        let start = self.now.saturating_sub(spec.size());
        while self.oldest().is_some_and(|oldest| oldest <= start) {
            self.carried_in = match &mut self.coarse {
                None => self.run.evict_oldest(spec.measures()),
                Some(coarse) => {
                    coarse.older = None;
                    coarse.panes.pop_front().and_then(|(_, run)| run.last())
                }
            };
        }
        if self.coarse.as_ref().is_some_and(|coarse| coarse.panes.is_empty()) {
            self.coarse = None;
            self.run = Run::new(spec.measures());
        }
        line.cover.forget_before(start);
    }

    fn insert(&mut self, spec: &Spec, line: &mut Timeline, reading: Reading) {
        match &mut self.coarse {
            None => {
                let (before, after) = self.run.neighbours(reading.at);
                line.insert(reading, Some((before.or(self.carried_in), after)), spec.hold);
                self.run.insert(spec.measures(), reading);
                if self.run.kept().len() > RETAINED_MAX {
                    let mut coarse = Coarse::default();
                    self.run.kept().iter().for_each(|kept| coarse.insert(spec, *kept));
                    self.coarse = Some(Box::new(coarse));
                    self.run = Run::new(spec.measures());
                }
            }
            Some(coarse) => {
                line.insert(reading, None, spec.hold);
                coarse.insert(spec, reading);
            }
        }
    }

    fn remove(&mut self, spec: &Spec, line: &mut Timeline, reading: Reading) {
        match &mut self.coarse {
            None => {
                if self.run.remove(spec.measures(), reading) {
                    let (before, after) = self.run.neighbours(reading.at);
                    line.remove(reading, Some((before.or(self.carried_in), after)), spec.hold);
                }
            }
            Some(coarse) => coarse.remove(spec, reading),
        }
    }

    /// A reading before the window matters only as the one that is in force when it begins. Whether it is that.
    fn carry(&mut self, spec: &Spec, line: &mut Timeline, old: Option<Reading>, new: Option<Reading>) -> bool {
        let is_newer = self.carried_in.is_none_or(|carried| new.is_some_and(|new| new.at > carried.at));
        let replaces = old.is_some() && old == self.carried_in;
        match new {
            Some(new) if spec.carries_in && (is_newer || replaces) => {
                line.insert(new, Some((self.carried_in, self.run.first())), spec.hold);
                self.carried_in = Some(new);
                true
            }
            Some(_) | None => false,
        }
    }
}

impl Coarse {
    fn insert(&mut self, spec: &Spec, reading: Reading) {
        let start = spec.panes.floor(reading.at);
        let place = self.panes.partition_point(|(begin, _)| *begin < start);
        if place + 1 < self.panes.len() || self.panes.get(place).is_none_or(|(begin, _)| *begin != start) {
            self.older = None;
        }
        if self.panes.get(place).is_none_or(|(begin, _)| *begin != start) {
            self.panes.insert(place, (start, Run::new(spec.coarse_measures())));
        }
        let (_, run) = &mut self.panes[place];
        run.insert(spec.coarse_measures(), reading);
        run.settle_oldest();
        run.forget_values();
    }

    fn remove(&mut self, spec: &Spec, reading: Reading) {
        let start = spec.panes.floor(reading.at);
        if let Some((_, run)) = self.panes.iter_mut().find(|(begin, _)| *begin == start) {
            run.remove(spec.coarse_measures(), reading);
            self.older = None;
        }
    }

    fn merge_older(&mut self, spec: &Spec) {
        if self.older.is_none() {
            self.older = Some(Box::new(self.merge_all_but_newest(spec)));
        }
    }

    fn merge_all_but_newest(&self, spec: &Spec) -> Partial {
        let mut sum = Partial::empty(spec.coarse_measures().kinds);
        let older = self.panes.len().saturating_sub(1);
        self.panes.iter().take(older).for_each(|(_, run)| sum.merge(spec.coarse_measures(), run.partial()));
        sum
    }

    fn merged(&self, spec: &Spec) -> Partial {
        let mut sum = self.older.as_ref().map_or_else(|| self.merge_all_but_newest(spec), |older| (**older).clone());
        if let Some((_, run)) = self.panes.back() {
            sum.merge(spec.coarse_measures(), run.partial());
        }
        sum
    }
}

fn every(spec: &Spec) -> Option<i64> {
    if let Shape::Sliding { every, .. } = spec.shape { every } else { None }
}
