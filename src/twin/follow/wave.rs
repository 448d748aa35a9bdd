//! Computed values and windows after something has changed, in an order in which each sees what it reads.

use crate::catalog::logic::Computed;
use crate::catalog::places::Places;
use crate::expr::Checked;
use crate::reading::{Quality, SlotNo, Value};
use crate::twin::event::Event;
use crate::twin::windows::Turn;

use super::changes::{Changed, Changes};
use super::{Follower, Moment};

impl Follower<'_> {
    /// Computed values and rules that read what has changed, and what reads those.
    pub(super) fn settle(&mut self, changed: Changed, moment: Moment<'_>) {
        self.settle_all(Changes::of(moment.view, changed), moment);
    }

    /// As `settle`, where different things have changed for those who see different things.
    pub(super) fn settle_all(&mut self, mut changes: Changes, moment: Moment<'_>) {
        self.spread(&mut changes, moment);
        let places = self.rules_that_see(&changes, &[]);
        self.judge(places, changes, moment);
    }

    /// A window has gone on by time.
    pub(super) fn follow_windows(&mut self, moment: Moment<'_>) {
        let mut changed = Changed::new();
        self.take_notice(&mut changed);
        if !changed.is_empty() {
            self.settle(changed, Moment { is_timed: true, ..moment });
        }
    }

    /// Readings came that are not the newest: windows may say something else now, and what reads those is looked at again as of now.
    pub(super) fn correct(&mut self) {
        if self.layout.logic.windows.is_empty() {
            return;
        }
        let mut changed = Changed::new();
        self.take_in_waiting();
        self.take_notice(&mut changed);
        if !changed.is_empty() {
            let at = self.newest();
            self.settle(changed, Moment::new(at, &[]));
        }
    }

    pub(super) fn run_wave(&mut self, changed: &mut Changed, moment: Moment<'_>) {
        let layout = self.layout.clone();
        let logic = &layout.logic;
        let view = moment.view.and_then(|view| logic.view(view));
        let (mut computed, mut gates) = (Places::default(), Places::default());
        let mut seen = 0;
        loop {
            while let Some(slot) = changed.get(seen).copied() {
                seen += 1;
                let Some(readers) = logic.readers(SlotNo(slot)) else { continue };
                let is_meant = |place: &&u16| match view {
                    Some(spec) => spec.has(logic.computed[usize::from(**place)].slot),
                    None => true,
                };
                computed.extend(readers.computed.iter().filter(is_meant).copied());
                // Readings of a gated window wait for its condition, whether that moved or not.
                let waiting = readers.windows.iter().filter(|place| self.twin.windows.waits(**place));
                let gated = readers.gates.iter().chain(waiting).copied();
                gates.extend(gated.filter(|place| logic.windows[usize::from(*place)].view == moment.view));
            }
            if let Some(place) = computed.pop_first() {
                self.compute(&logic.computed[usize::from(place)], changed, moment);
            } else if let Some(place) = gates.pop_first() {
                self.gate(place, changed, moment);
            } else {
                return;
            }
        }
    }

    fn compute(&mut self, computed: &Computed, changed: &mut Changed, moment: Moment<'_>) {
        let slots = || computed.reads.iter().map(|slot| self.twin.seen(moment.view, *slot));
        let time = slots().filter(|slot| slot.value.is_some()).map(|slot| slot.time).max().unwrap_or(moment.at);
        let worst = slots().fold(Quality::Good, |worst, slot| worst.worse(slot.quality));
        let (value, quality) = match self.value(&computed.value, Moment { changed, ..moment }) {
            Some(value) => (Some(value), worst),
            None => (None, Quality::Missing),
        };
        let standing = self.twin.seen(moment.view, computed.slot);
        if standing.value == value && standing.quality == quality {
            return;
        }
        let slot = computed.slot;
        self.push(match moment.view {
            Some(view) => Event::Viewed { view, slot, value, time, quality },
            None => Event::Computed { slot, value, time, quality },
        });
        mark(changed, computed.slot.0);
        self.take_notice(changed);
    }

    /// The condition of a window, and the readings that wait for it.
    fn gate(&mut self, place: u16, changed: &mut Changed, moment: Moment<'_>) {
        let layout = self.layout.clone();
        let Some(condition) = layout.logic.windows.get(usize::from(place)).and_then(|windowed| windowed.gate()) else { return };
        let holds = condition.tree.is_true(&self.surroundings(Moment { changed, ..moment }, false)).ok();
        let moved = holds.is_some() && holds != self.twin.windows.holds(place);
        if moved || self.twin.windows.waits(place) {
            self.push(Event::Turned { window: place, turn: Turn::Gated(moment.at, holds) });
            self.take_notice(changed);
        }
    }

    /// Readings that are not the newest do not move the condition of their window.
    fn take_in_waiting(&mut self) {
        for place in 0..u16::try_from(self.layout.logic.windows.len()).unwrap_or(u16::MAX) {
            let is_direct = self.layout.logic.windows.get(usize::from(place)).is_some_and(|windowed| windowed.view.is_none());
            if is_direct && self.twin.windows.waits(place) {
                let at = self.newest();
                self.push(Event::Turned { window: place, turn: Turn::Gated(at, None) });
            }
        }
    }

    /// What windows have said since, as far as it is something else than before.
    pub(super) fn take_notice(&mut self, changed: &mut Changed) {
        for slot in self.said.moved.drain(..) {
            mark(changed, slot.0);
        }
    }

    pub(super) fn value(&self, checked: &Checked, moment: Moment<'_>) -> Option<Value> {
        checked.tree.evaluate(&self.surroundings(moment, false)).ok()?.into_value()
    }
}

pub(super) fn mark(changed: &mut Changed, slot: u16) {
    if !changed.contains(&slot) {
        changed.push(slot);
    }
}
