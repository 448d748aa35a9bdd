//! Views (`rules.md`, 3.3): what has waited long enough is seen, in the order in which it happened, with what falls due between it.

use std::collections::BTreeSet;

use smallvec::smallvec;

use crate::catalog::logic::RuleSpec;
use crate::catalog::places::Places;
use crate::reading::{SlotNo, Timestamp};
use crate::rule::Truths;
use crate::twin::event::Event;
use crate::twin::state::Twin;
use crate::twin::views::{HELD_MAX, ahead, passed};
use crate::twin::windows::Turn;

use super::agenda::Due;
use super::changes::{Changed, Changes};
use super::wave::mark;
use super::{Follower, Moment, clock};

impl Follower<'_> {
    /// All views come as far as they may.
    pub(super) fn advance(&mut self) {
        let views = 0..u16::try_from(self.layout.logic.views.len()).unwrap_or(u16::MAX);
        for view in views.clone() {
            self.advance_view(view, None);
        }
        while self.twin.views.held() > HELD_MAX {
            let oldest = views.clone().filter_map(|view| Some((self.twin.views.oldest(view)?, view))).min();
            let Some((at, view)) = oldest else { return };
            self.advance_view(view, Some(at));
        }
    }

    /// Readings first, then what is due at the same instant. `early`: at least to there.
    fn advance_view(&mut self, view: u16, early: Option<Timestamp>) {
        let layout = self.layout.clone();
        let Some(spec) = layout.logic.view(view) else { return };
        let Some(passed) = passed(&self.twin.state, spec, self.now).max(early) else { return };
        let mut next = self.twin.views.until(view);
        let begun = next;
        let mut served: BTreeSet<(Timestamp, Due)> = BTreeSet::new();
        loop {
            let reading = self.twin.views.oldest(view).filter(|at| *at <= passed);
            let due = dues(self.twin, view).filter(|(at, due)| {
                let is_new = match due {
                    Due::Window(_) => true,
                    Due::Delay(_) => !served.contains(&(*at, *due)),
                    Due::Stale(_) | Due::Silent(_) => *at > begun && !served.contains(&(*at, *due)),
                };
                *at <= passed && is_new
            });
            let due = due.min();
            match (reading, due) {
                (Some(at), due) if due.is_none_or(|(due, _)| at <= due) => self.release(view, at),
                (_, Some((at, due))) => {
                    served.insert((at, due));
                    if !matches!(due, Due::Delay(_)) {
                        next = next.max(at);
                    }
                    self.serve_in_view(view, at, due);
                }
                (_, None) => break,
            }
        }
        // What was due alone is not due again.
        if next > self.twin.views.until(view) {
            self.push(Event::Released { view, at: next });
        }
    }

    /// Readings of one instant are seen.
    fn release(&mut self, view: u16, at: Timestamp) {
        let mut changed = Changed::new();
        let held = self.twin.views.get(view).map_or(&[][..], |view| &view.held);
        for read in held.iter().take_while(|read| read.time <= at) {
            mark(&mut changed, read.slot.0);
        }
        self.push(Event::Released { view, at });
        self.settle(changed, Moment::new(at, &[]).within(view));
    }

    fn serve_in_view(&mut self, view: u16, at: Timestamp, due: Due) {
        let layout = self.layout.clone();
        let moment = Moment::new(at, &[]).within(view);
        match due {
            Due::Delay(place) => {
                let Some(spec) = layout.logic.rules.get(usize::from(place)) else { return };
                let (was_active, now) = (self.watch(spec).rule.is_active(), self.now);
                self.decide(spec, |watched, watch| watched.elapse(watch, at, now), moment);
                let moved = if self.watch(spec).rule.is_active() == was_active { Vec::new() } else { vec![place] };
                self.judge(layout.logic.rules_that_ask(&moved), Changes::default(), moment);
            }
            Due::Stale(no) => self.settle(smallvec![no], Moment { stale: &[no], is_timed: true, ..moment }),
            Due::Silent(place) => {
                if let Some(spec) = layout.logic.rules.get(usize::from(place)) {
                    self.evaluate(spec, &Truths::plain(Some(true)), moment);
                    self.judge(Places::default(), Changes::default(), moment);
                }
            }
            Due::Window(place) => {
                self.push(Event::Turned { window: place, turn: Turn::Passed(at) });
                self.follow_windows(moment);
            }
        }
    }
}

/// What time alone will bring in a view, in event time: ends of delays, staleness, silence, ends of windows.
fn dues(twin: &Twin, view: u16) -> impl Iterator<Item = (Timestamp, Due)> {
    let layout = &twin.state.layout;
    let spec = layout.logic.view(view);
    let members = spec.into_iter().flat_map(|spec| spec.members.iter().copied());
    let stale = members.filter_map(move |no| {
        let age = layout.slots.get(usize::from(no))?.telemetry.as_ref()?.stale?;
        let slot = twin.seen(Some(view), SlotNo(no));
        slot.value.as_ref().map(|_| (slot.time.plus(age), Due::Stale(no)))
    });
    let silent = rules(twin, view).filter_map(move |(place, rule)| {
        let is_silent = rule.rule.enabled && twin.state.watches.get(&rule.rule.id).rule.is_active();
        clock::silent_at(rule, twin).filter(|_| !is_silent).map(|at| (at, Due::Silent(place)))
    });
    let windows = spec.into_iter().flat_map(|spec| spec.windows.iter().copied());
    let windows = windows.filter_map(move |place| {
        let windowed = layout.logic.windows.get(usize::from(place))?;
        Some((twin.windows.due(place, windowed)?, Due::Window(place)))
    });
    let delays = rules(twin, view).filter(|(_, rule)| rule.rule.enabled).filter_map(move |(place, rule)| {
        let watch = twin.state.watches.get(&rule.rule.id);
        let due = [crate::rule::due(&rule.rule, &watch.rule), watch.alarm.due_in_data()];
        let due = if watch.is_default() { None } else { due.into_iter().flatten().min() };
        due.map(|at| (at, Due::Delay(place)))
    });
    delays.chain(stale).chain(silent).chain(windows)
}

fn rules(twin: &Twin, view: u16) -> impl Iterator<Item = (u16, &RuleSpec)> {
    let logic = &twin.state.layout.logic;
    let places = logic.view(view).into_iter().flat_map(|spec| spec.rules.iter().copied());
    places.filter_map(|place| Some((place, logic.rules.get(usize::from(place))?)))
}

/// When time alone will next matter to a view, on the wall.
pub(super) fn due_in_view(twin: &Twin, view: u16) -> Option<Timestamp> {
    let (state, layout) = (&*twin.state, &twin.state.layout);
    let spec = layout.logic.view(view)?;
    let until = twin.views.until(view);
    let timed = dues(twin, view).filter(|(at, due)| matches!(due, Due::Window(_) | Due::Delay(_)) || *at > until).map(|(at, _)| at);
    let next = twin.views.oldest(view).into_iter().chain(timed).min()?;
    Some(next.shifted(spec.delay()).shifted(-ahead(state, spec)?))
}
