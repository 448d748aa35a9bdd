//! What falls due by time alone: staleness, silence, ends of windows, ends of delays. Each is served at its own instant, earliest first.

use smallvec::{SmallVec, smallvec};

use crate::catalog::places::Places;
use crate::reading::{SlotNo, Timestamp};
use crate::rule::Truths;
use crate::rule::detector::TIMER_RUNS_MAX;
use crate::twin::event::Event;
use crate::twin::state::Slot;
use crate::twin::windows::Turn;

use super::detectors::Timers;
use super::{Follower, Moment, clock};

/// In the order in which they are served at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// A delay of a rule ends. In views only: elsewhere delays end before what is evaluated next.
    Delay(u16),
    /// A member's value has outlived its time.
    Stale(u16),
    /// A rule that listens for missing data has heard nothing.
    Silent(u16),
    /// A window is over, or a reading falls out of it.
    Window(u16),
}

/// What is still to be served, earliest first, each once.
#[derive(Debug, Default)]
struct Agenda(SmallVec<[(Timestamp, Due); 8]>);

impl Agenda {
    fn insert(&mut self, at: Timestamp, due: Due) {
        // The next one is at the end.
        if let Err(place) = self.0.binary_search_by(|other| (at, due).cmp(other)) {
            self.0.insert(place, (at, due));
        }
    }

    fn next(&self) -> Option<Timestamp> {
        self.0.last().map(|(at, _)| *at)
    }

    fn take_next(&mut self) -> Option<(Timestamp, Due)> {
        self.0.pop()
    }
}

impl Follower<'_> {
    /// What of these slots, of the windows that follow from them, and of these timers of detectors is due, in order.
    pub(super) fn serve(&mut self, slots: &[u16], mut timers: Timers, is_due: impl Fn(&Slot, Timestamp) -> bool) {
        let layout = self.layout.clone();
        let state = &self.twin.state;
        let mut agenda = Agenda::default();
        for no in slots {
            let slot = state.slot(SlotNo(*no));
            let Some(readers) = layout.logic.readers(SlotNo(*no)) else { continue };
            let stale = layout
                .slots
                .get(usize::from(*no))
                .and_then(|spec| spec.telemetry.as_ref())
                .and_then(|rules| rules.stale)
                .map(|age| slot.time.plus(age));
            if let Some(stale) = stale.filter(|stale| slot.value.is_some() && is_due(slot, *stale))
                && readers.is_evaluated()
            {
                agenda.insert(stale, Due::Stale(*no));
            }
            for place in &readers.rules {
                let spec = &layout.logic.rules[usize::from(*place)];
                if spec.view.is_none()
                    && let Some(silent) = clock::silent_at(spec, self.twin).filter(|silent| is_due(slot, *silent))
                {
                    agenda.insert(silent, Due::Silent(*place));
                }
            }
            for place in &readers.windows_behind {
                self.expect_window(*place, &is_due, &mut agenda);
            }
        }
        let mut run_out = 0;
        loop {
            // Of one instant, as with delays: a timer comes first.
            let before = agenda.next().unwrap_or(Timestamp(i64::MAX));
            if let Some(timer) = self.next_timer(&timers).filter(|(due, ..)| *due <= before) {
                run_out += 1;
                if run_out > TIMER_RUNS_MAX {
                    self.too_many_timers(timer);
                    timers.clear();
                } else {
                    self.run_out(timer);
                }
                continue;
            }
            let Some((at, due)) = agenda.take_next() else { return };
            match due {
                Due::Delay(_) => {}
                Due::Stale(no) => self.settle(smallvec![no], Moment { stale: &[no], is_timed: true, ..Moment::new(at, &[]) }),
                Due::Silent(place) => {
                    let spec = &layout.logic.rules[usize::from(place)];
                    self.evaluate(spec, &Truths::plain(Some(true)), Moment::new(at, &[]));
                }
                Due::Window(place) => {
                    self.push(Event::Turned { window: place, turn: Turn::Passed(at) });
                    self.follow_windows(Moment::new(at, &[]));
                    self.expect_window(place, &is_due, &mut agenda);
                }
            }
        }
    }

    /// Windows over these slots, and over what follows from them, that are due up to and including an instant.
    pub(super) fn serve_windows(&mut self, slots: &[u16], until: Timestamp) {
        let layout = self.layout.clone();
        let mut agenda = Agenda::default();
        for no in slots {
            for place in layout.logic.readers(SlotNo(*no)).iter().flat_map(|readers| readers.windows_behind.iter()) {
                self.expect_window(*place, |_, due| due <= until, &mut agenda);
            }
        }
        while let Some((at, due)) = agenda.take_next() {
            if let Due::Window(place) = due {
                self.push(Event::Turned { window: place, turn: Turn::Passed(at) });
                self.follow_windows(Moment::new(at, &[]));
                self.expect_window(place, |_, due| due <= until, &mut agenda);
            }
        }
    }

    fn expect_window(&self, place: u16, is_due: impl Fn(&Slot, Timestamp) -> bool, agenda: &mut Agenda) {
        let Some(windowed) = self.layout.logic.windows.get(usize::from(place)).filter(|windowed| windowed.view.is_none()) else { return };
        let due = self.twin.windows.due(place, windowed);
        if let Some(due) = due.filter(|due| is_due(self.twin.state.slot(windowed.of), *due)) {
            agenda.insert(due, Due::Window(place));
        }
    }

    /// Delays of the rules that follow from these slots, as far as they end before that time: with the values of before.
    pub(super) fn end_delays(&mut self, slots: &[u16], moment: Moment<'_>) {
        if self.twin.state.watches.is_empty() {
            return;
        }
        let (layout, now) = (self.layout.clone(), self.now);
        let mut places = Places::default();
        for slot in slots {
            places.extend(layout.logic.readers(SlotNo(*slot)).iter().flat_map(|readers| readers.rules_behind.iter().copied()));
        }
        let until = moment.at.shifted(-1);
        for place in places.iter() {
            let spec = &layout.logic.rules[usize::from(place)];
            if spec.view == moment.view && !self.watch(spec).is_default() {
                self.decide(spec, |watched, watch| watched.elapse(watch, until, now), Moment { at: until, ..moment });
            }
        }
    }
}
