//! What a twin keeps of the windows over its members. Nothing until the first reading of one of them; not shared with readers, who see results.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::catalog::Layout;
use crate::catalog::layout::Duplicates;
use crate::catalog::windowed::Windowed;
use crate::reading::{SlotNo, Timestamp};
use crate::window::{Change, Keep, Outcome, Published, Reading, RecentReadings, Recognised, Sample, Taken, Window};

use super::event::Measured;

/// Readings that wait for the condition of their window; more come only from one delivery.
const WAITING_MAX: usize = 4096;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Windows(Option<Arc<Kept>>);

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Kept {
    /// By the place of the window in the type.
    frames: Vec<Option<Frame>>,
    /// Of the members that windows are over: what was lately heard, so that a repetition is known.
    recent: Vec<(u16, RecentReadings)>,
    /// Readings that came too late for every window.
    late: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Frame {
    /// [`Windowed::meaning`].
    meaning: u64,
    window: Window,
    /// Of a gated window: what its condition was last.
    holds: Option<bool>,
    /// Readings that wait until that is known for their instant.
    waiting: Vec<Change>,
}

/// What became of it.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Results that are not in the state yet, by the place of the window.
    pub published: Vec<(u16, Published)>,
    /// What one window says, before it is known whose it is.
    fresh: Vec<Published>,
    /// Results as they are in the state since.
    pub results: Vec<Measured>,
    /// The slots of those that are something else than before.
    pub moved: Vec<SlotNo>,
    /// Some window was over for too long.
    pub late: bool,
    /// Of readings in views.
    pub late_for_view: u16,
    pub replaced_in_view: u16,
}

/// What happens to a window besides readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Its clock has come to this instant.
    Passed(Timestamp),
    /// Its condition at this instant; the readings of before are taken in by it.
    Gated(Timestamp, Option<bool>),
    /// The event since which it counts happened.
    Reset(Timestamp),
}

impl Turn {
    pub(super) fn at(self) -> Timestamp {
        match self {
            Turn::Passed(at) | Turn::Gated(at, _) | Turn::Reset(at) => at,
        }
    }
}

impl Windows {
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Readings that came too late for a window.
    pub fn late(&self) -> u64 {
        self.0.as_ref().map_or(0, |kept| kept.late)
    }

    /// What a reading that is not newer than the newest is to the windows over its member.
    pub(super) fn recognise(&self, slot: SlotNo, reading: Reading, duplicates: Duplicates) -> Recognised {
        match self.0.as_ref().and_then(|kept| kept.recent.iter().find(|(known, _)| *known == slot.0)) {
            Some((_, recent)) => recent.recognise(reading, keep(duplicates)),
            None => Recognised::New,
        }
    }

    /// What the condition of a window was last.
    pub(super) fn holds(&self, place: u16) -> Option<bool> {
        self.frame(place)?.holds
    }

    pub(super) fn waits(&self, place: u16) -> bool {
        self.frame(place).is_some_and(|frame| !frame.waiting.is_empty())
    }

    fn frame(&self, place: u16) -> Option<&Frame> {
        self.0.as_ref()?.frames.get(usize::from(place))?.as_ref()
    }

    /// On the window's clock.
    pub(super) fn due(&self, place: u16, windowed: &Windowed) -> Option<Timestamp> {
        self.frame(place)?.window.due(&windowed.spec)
    }

    /// What the window that is open would say at an instant of its clock.
    pub fn current(&self, place: u16, windowed: &Windowed, clock: Timestamp) -> Option<Outcome> {
        self.frame(place)?.window.current(&windowed.spec, clock)
    }

    /// A slot has a value, or another one, of this time.
    pub(super) fn hear(&mut self, layout: &Layout, slot: SlotNo, at: Timestamp, sample: Sample, clock: Timestamp, said: &mut Said) {
        let windows = || layout.logic.readers(slot).into_iter().flat_map(|readers| readers.windows.iter());
        let is_direct = |place: &u16| layout.logic.windows.get(usize::from(*place)).is_some_and(|windowed| windowed.view.is_none());
        // Views know a repetition by it, too.
        if !windows().any(is_direct) && !layout.logic.is_awaited(slot) {
            return;
        }
        if let Some(change) = self.recall(layout, slot, at, sample) {
            self.take(layout, slot, change, said, |windowed| windowed.view.is_none().then_some(clock));
        }
    }

    /// A result of a window is there, for windows over that.
    pub(super) fn hear_result(&mut self, layout: &Layout, slot: SlotNo, at: Timestamp, sample: Sample, clock: Timestamp, said: &mut Said) {
        if layout.logic.readers(slot).is_some_and(|readers| !readers.windows.is_empty())
            && let Some(change) = self.recall(layout, slot, at, sample)
        {
            self.take(layout, slot, change, said, |windowed| Some(if windowed.view.is_some() { at } else { clock }));
        }
    }

    /// A reading is seen in a view: each instant comes once, and in order.
    pub(super) fn hear_released(&mut self, layout: &Layout, view: u16, slot: SlotNo, at: Timestamp, sample: Sample, said: &mut Said) {
        if layout.logic.view(view).is_some_and(|view| !view.windows.is_empty()) {
            let change = Change::New(Reading::new(at, sample));
            self.take(layout, slot, change, said, |windowed| (windowed.view == Some(view)).then_some(at));
        }
    }

    /// A value that was computed in a view.
    pub(super) fn hear_viewed(&mut self, layout: &Layout, view: u16, slot: SlotNo, at: Timestamp, sample: Sample, said: &mut Said) {
        let windows = layout.logic.readers(slot).into_iter().flat_map(|readers| readers.windows.iter());
        let mut specs = windows.filter_map(|place| layout.logic.windows.get(usize::from(*place)));
        if specs.any(|windowed| windowed.view == Some(view))
            && let Some(change) = self.recall(layout, slot, at, sample)
        {
            self.take(layout, slot, change, said, |windowed| (windowed.view == Some(view)).then_some(at));
        }
    }

    /// What a value is beside those that were lately heard; `None`: nothing new.
    fn recall(&mut self, layout: &Layout, slot: SlotNo, at: Timestamp, sample: Sample) -> Option<Change> {
        let duplicates =
            layout.slots.get(slot.index()).and_then(|spec| spec.telemetry.as_ref()).map(|rules| rules.duplicates).unwrap_or_default();
        let kept = Arc::make_mut(self.0.get_or_insert_default());
        let reading = Reading::new(at, sample);
        let change = match kept.heard(slot).recognise(reading, keep(duplicates)) {
            Recognised::New => Change::New(reading),
            Recognised::Replaces(sample) => Change::Replaced { old: Reading::new(at, sample), new: reading },
            Recognised::Duplicate | Recognised::Refused => return None,
        };
        kept.heard(slot).remember(reading);
        Some(change)
    }

    /// Windows over a slot take it in, each by its clock; `None`: it is not for that one.
    fn take(&mut self, layout: &Layout, slot: SlotNo, change: Change, said: &mut Said, clock: impl Fn(&Windowed) -> Option<Timestamp>) {
        let Some(readers) = layout.logic.readers(slot) else { return };
        let kept = Arc::make_mut(self.0.get_or_insert_default());
        let mut late = false;
        for place in readers.windows.iter().copied() {
            let Some(windowed) = layout.logic.windows.get(usize::from(place)) else { continue };
            let Some(clock) = clock(windowed) else { continue };
            let frame = kept.frame(place, windowed);
            if windowed.is_gated() {
                frame.wait(change);
                continue;
            }
            late |= frame.window.take(&windowed.spec, change, clock, &mut said.fresh) == Taken::Late;
            said.collect(place);
        }
        kept.late += u64::from(late);
        said.late |= late;
    }

    pub(super) fn turn(&mut self, layout: &Layout, place: u16, turn: Turn, clock: Timestamp, said: &mut Said) {
        let Some(windowed) = layout.logic.windows.get(usize::from(place)) else { return };
        let kept = Arc::make_mut(self.0.get_or_insert_default());
        let frame = kept.frame(place, windowed);
        let published = &mut said.fresh;
        let late = match turn {
            Turn::Passed(until) => {
                frame.window.fire(&windowed.spec, until, published);
                false
            }
            Turn::Reset(at) => {
                frame.window.reset(&windowed.spec, at, published);
                false
            }
            Turn::Gated(at, holds) => frame.gate(windowed, at, holds, clock, published),
        };
        kept.late += u64::from(late);
        said.late |= late;
        said.collect(place);
    }

    /// The type has another form: windows that mean the same go on, the others begin anew.
    pub(super) fn relay(&mut self, old: &Layout, new: &Layout) {
        let Some(kept) = self.0.take() else { return };
        let mut kept = Arc::unwrap_or_clone(kept);
        let mut frames: Vec<Option<Frame>> = new.logic.windows.iter().map(|_| None).collect();
        for frame in kept.frames.into_iter().flatten() {
            let place = new.logic.windows.iter().position(|windowed| windowed.meaning == frame.meaning);
            if let Some(place) = place.filter(|place| frames[*place].is_none()) {
                frames[place] = Some(frame);
            }
        }
        let path = |slot: u16| old.slots.get(usize::from(slot)).map(|spec| &*spec.path);
        let moved = |slot: u16| new.slot_by_path(path(slot)?).map(|slot| slot.0);
        kept.recent = kept.recent.into_iter().filter_map(|(slot, recent)| Some((moved(slot)?, recent))).collect();
        let is_read = |slot: SlotNo| new.logic.readers(slot).is_some_and(|readers| !readers.windows.is_empty());
        kept.recent.retain(|(slot, _)| is_read(SlotNo(*slot)) || new.logic.is_awaited(SlotNo(*slot)));
        kept.frames = frames;
        if kept.frames.iter().any(Option::is_some) || kept.late > 0 || !kept.recent.is_empty() {
            self.0 = Some(Arc::new(kept));
        }
    }

    /// As it is stored.
    pub fn store(&self) -> Option<impl Serialize> {
        self.0.as_deref()
    }

    pub fn restore<'d, D: serde::Deserializer<'d>>(stored: D) -> Result<Windows, D::Error> {
        Ok(Windows(Some(Arc::new(Kept::deserialize(stored)?))))
    }
}

impl Said {
    fn collect(&mut self, place: u16) {
        self.published.extend(self.fresh.drain(..).map(|result| (place, result)));
    }
}

impl Kept {
    fn heard(&mut self, slot: SlotNo) -> &mut RecentReadings {
        let place = match self.recent.iter().position(|(known, _)| *known == slot.0) {
            Some(place) => place,
            None => {
                // By slot: which was heard first makes no difference.
                let place = self.recent.partition_point(|(known, _)| *known < slot.0);
                self.recent.insert(place, (slot.0, RecentReadings::default()));
                place
            }
        };
        &mut self.recent[place].1
    }

    fn frame(&mut self, place: u16, windowed: &Windowed) -> &mut Frame {
        let place = usize::from(place);
        if self.frames.len() <= place {
            self.frames.resize_with(place + 1, || None);
        }
        self.frames[place].get_or_insert_with(|| Frame::new(windowed))
    }
}

impl Frame {
    fn new(windowed: &Windowed) -> Frame {
        Frame { meaning: windowed.meaning, window: Window::new(&windowed.spec), holds: None, waiting: Vec::new() }
    }

    fn wait(&mut self, change: Change) {
        if self.waiting.len() < WAITING_MAX {
            self.waiting.push(change);
        }
    }

    /// Whether something came too late.
    fn gate(&mut self, windowed: &Windowed, at: Timestamp, holds: Option<bool>, clock: Timestamp, published: &mut Vec<Published>) -> bool {
        // Other shapes take no notice.
        self.window.condition(&windowed.spec, at, holds, published);
        if holds == Some(true) && self.holds != Some(true) {
            self.window.reset(&windowed.spec, at, published);
        }
        self.holds = holds.or(self.holds);
        let mut late = false;
        for change in std::mem::take(&mut self.waiting) {
            late |= self.window.take(&windowed.spec, change, clock, published) == Taken::Late;
        }
        late
    }
}

fn keep(duplicates: Duplicates) -> Keep {
    match duplicates {
        Duplicates::Last => Keep::Last,
        Duplicates::First | Duplicates::Reject => Keep::First,
    }
}
