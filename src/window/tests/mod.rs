//! Windows against a plain recomputation, at their borders, and over recorded data.

mod borders;
mod brute;
mod property;
pub(crate) mod recorded;

use super::*;

pub(super) const SECOND: i64 = 1_000_000;
pub(super) const MINUTE: i64 = 60 * SECOND;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;

pub(super) fn reading(at: i64, value: f64) -> Reading {
    Reading { at, sample: Sample::number(value) }
}

pub(super) fn spec(shape: Shape, aggs: &[Agg]) -> Spec {
    Spec::new(Outline::new(shape, aggs.to_vec())).unwrap()
}

/// A window with its clock, as a twin drives it, and everything it has published.
#[derive(Debug, Clone)]
pub(super) struct Driven {
    pub(super) spec: Spec,
    pub(super) window: Window,
    pub(super) clock: i64,
    pub(super) published: Vec<Published>,
    pub(super) late: usize,
}

impl Driven {
    pub(super) fn new(spec: Spec) -> Driven {
        Driven { window: Window::new(&spec), spec, clock: i64::MIN, published: Vec::new(), late: 0 }
    }

    pub(super) fn take(&mut self, change: Change, at: i64) {
        self.clock = self.clock.max(at);
        self.fire_before(at);
        let taken = self.window.take(&self.spec, change, Timestamp(self.clock), &mut self.published);
        self.late += usize::from(taken == Taken::Late);
        self.run_to(self.clock);
    }

    pub(super) fn read(&mut self, at: i64, value: f64) {
        self.take(Change::New(reading(at, value)), at);
    }

    /// One instant after the other, as timers fire.
    pub(super) fn run_to(&mut self, clock: i64) {
        self.clock = self.clock.max(clock);
        while let Some(due) = self.window.due(&self.spec).filter(|due| due.0 <= clock) {
            self.window.fire(&self.spec, due, &mut self.published);
        }
    }

    fn fire_before(&mut self, at: i64) {
        while let Some(due) = self.window.due(&self.spec).filter(|due| due.0 < at) {
            self.window.fire(&self.spec, due, &mut self.published);
        }
    }

    pub(super) fn condition(&mut self, at: i64, holds: Option<bool>) {
        self.window.condition(&self.spec, Timestamp(at), holds, &mut self.published);
    }

    pub(super) fn current(&self) -> Option<Outcome> {
        self.window.current(&self.spec, Timestamp(self.clock))
    }

    /// Every window by its start, as it was last published.
    pub(super) fn last_word(&self) -> std::collections::BTreeMap<i64, Outcome> {
        let mut windows = std::collections::BTreeMap::new();
        for published in self.published.iter().filter(|published| published.cause != Cause::Early) {
            if let Cause::Withdrawn { .. } = published.cause {
                windows.remove(&published.outcome.start);
            } else {
                windows.insert(published.outcome.start, published.outcome.clone());
            }
        }
        windows
    }

    pub(super) fn count(&self, cause: &Cause) -> usize {
        self.published.iter().filter(|published| published.cause == *cause).count()
    }
}
