//! What a twin keeps for rules that wait for older readings (`rules.md`, 3.3): readings that are held, and what is seen of those that are
//! released. Nothing until the first reading of a member; not shared with readers, who never wait.

use std::sync::Arc;

use crate::catalog::Layout;
use crate::catalog::stored::carry_over;
use crate::catalog::viewed::ViewSpec;
use crate::reading::{SlotNo, Timestamp};

use super::event::Read;
use super::state::{Slot, State};

/// Readings that wait, in all views of a twin together; beyond these the oldest is released early.
pub const HELD_MAX: usize = 4096;

/// By the place of the view in the type.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Views(Option<Arc<Vec<View>>>);

#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// How long readings wait in it, in microseconds: by this it is known again in another form of the type.
    pub reorder: i64,
    /// By time, then by arrival.
    pub held: Vec<Read>,
    /// By slot: the newest released value of each member, and what is computed from those.
    pub face: Vec<(SlotNo, Slot)>,
    /// What the face held before, of those that some expression asks for it.
    pub previous: Vec<(SlotNo, Slot)>,
    /// All up to and with this instant has been seen.
    pub until: Timestamp,
    /// Readings that came when those after them had been seen already.
    pub late: u64,
    /// Readings of the same instant as one that waited, in the place of which they came.
    pub replaced: u64,
    /// Readings that were released before their time, because there were too many.
    pub early: u64,
}

/// What became of a reading in the views of its member.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Kept {
    pub late: u16,
    pub replaced: u16,
}

impl View {
    fn new(reorder: i64) -> View {
        View {
            reorder,
            held: Vec::new(),
            face: Vec::new(),
            previous: Vec::new(),
            until: Timestamp(i64::MIN),
            late: 0,
            replaced: 0,
            early: 0,
        }
    }

    fn slot(&self, slot: SlotNo) -> Option<&Slot> {
        find(&self.face, slot)
    }

    /// A reading of a member, where the view has come to `passed`.
    fn hold(&mut self, spec: &ViewSpec, read: &Read, passed: Timestamp, kept: &mut Kept) {
        if read.time <= passed || read.time <= self.until {
            self.late += 1;
            kept.late += 1;
            return;
        }
        let behind = self.held.partition_point(|held| held.time <= read.time);
        let before = self.held.partition_point(|held| held.time < read.time);
        match self.held[before..behind].iter_mut().find(|held| held.slot == read.slot) {
            Some(held) if held.value == read.value && held.quality == read.quality => {}
            Some(_) if spec.firsts.binary_search(&read.slot.0).is_ok() => {}
            Some(held) => {
                *held = read.clone();
                self.replaced += 1;
                kept.replaced += 1;
            }
            None => self.held.insert(behind, read.clone()),
        }
    }

    fn show(&mut self, slot: SlotNo, value: Slot, keeps_previous: bool) {
        let before = put(&mut self.face, slot, value);
        if keeps_previous {
            put(&mut self.previous, slot, before.unwrap_or(Slot::EMPTY));
        }
    }
}

impl Views {
    /// From a checkpoint.
    pub fn restore(views: Vec<View>) -> Views {
        Views(Some(views).filter(|views| !views.is_empty()).map(Arc::new))
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &View> {
        self.0.as_ref().map_or(&[][..], |views| views.as_slice()).iter()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn get(&self, view: u16) -> Option<&View> {
        self.0.as_ref()?.get(usize::from(view))
    }

    /// How many readings wait.
    pub fn held(&self) -> usize {
        self.iter().map(|view| view.held.len()).sum()
    }

    pub fn late(&self) -> u64 {
        self.iter().map(|view| view.late).sum()
    }

    pub fn replaced(&self) -> u64 {
        self.iter().map(|view| view.replaced).sum()
    }

    pub fn early(&self) -> u64 {
        self.iter().map(|view| view.early).sum()
    }

    /// The instant of the reading that has waited longest.
    pub(super) fn oldest(&self, view: u16) -> Option<Timestamp> {
        Some(self.get(view)?.held.first()?.time)
    }

    pub(super) fn until(&self, view: u16) -> Timestamp {
        self.get(view).map_or(Timestamp(i64::MIN), |view| view.until)
    }

    /// What the view shows of a slot; `None`: nothing of its own.
    pub(super) fn slot(&self, layout: &Layout, view: u16, slot: SlotNo) -> Option<&Slot> {
        const NONE: &Slot = &Slot::EMPTY;
        layout.logic.view(view).filter(|spec| spec.has(slot))?;
        Some(self.get(view).and_then(|view| view.slot(slot)).unwrap_or(NONE))
    }

    pub(super) fn previous(&self, view: u16, slot: SlotNo) -> Option<&Slot> {
        find(&self.get(view)?.previous, slot)
    }

    /// A reading that counts was taken in; `state` is as it is then.
    pub(super) fn hold(&mut self, state: &State, read: &Read) -> Kept {
        let mut kept = Kept::default();
        for (no, spec) in (0_u16..).zip(&state.layout.logic.views) {
            if spec.is_member(read.slot) {
                let passed = passed(state, spec, read.received).unwrap_or(Timestamp(i64::MIN));
                self.view(&state.layout, no, |view| view.hold(spec, read, passed, &mut kept));
            }
        }
        kept
    }

    /// All readings up to and with an instant are seen from now on. What they are.
    pub(super) fn release(&mut self, layout: &Layout, no: u16, until: Timestamp) -> Vec<Read> {
        let is_full = self.held() > HELD_MAX;
        let mut released = Vec::new();
        self.view(layout, no, |view| {
            let count = view.held.partition_point(|held| held.time <= until);
            released = view.held.drain(..count).collect();
            view.until = view.until.max(until);
            if is_full {
                view.early += count as u64;
            }
            for read in &released {
                let slot = Slot {
                    value: Some(read.value.clone()),
                    time: read.time,
                    received: read.received,
                    sent: read.sent.map(Box::new),
                    quality: read.quality,
                    reason: read.reason,
                };
                view.show(read.slot, slot, layout.logic.keeps_previous(read.slot));
            }
        });
        released
    }

    /// A value was computed from what is seen.
    pub(super) fn compute(&mut self, layout: &Layout, no: u16, slot: SlotNo, value: Slot) {
        self.view(layout, no, |view| view.show(slot, value, false));
    }

    fn view(&mut self, layout: &Layout, no: u16, change: impl FnOnce(&mut View)) {
        if self.0.as_ref().is_none_or(|views| views.len() <= usize::from(no)) {
            let views = Arc::make_mut(self.0.get_or_insert_default());
            views.extend(layout.logic.views.iter().skip(views.len()).map(|spec| View::new(spec.reorder)));
        }
        if let Some(view) = self.0.as_mut().and_then(|views| Arc::make_mut(views).get_mut(usize::from(no))) {
            change(view);
        }
    }

    /// The type has another form. Views in which readings wait as long go on; others begin with the newest values. `state` is still as it was.
    pub(super) fn relay(&mut self, state: &State, new: &Layout) {
        let old = self.0.take();
        if new.logic.views.is_empty() {
            return;
        }
        let carried = carry_over(&state.layout, new);
        let moved = |slot: SlotNo, value: &crate::reading::Value| {
            let (to, carry) = carried.iter().find(|(_, carry)| carry.from == slot)?;
            Some((*to, carry.convert(value)?))
        };
        let slots = |slots: &[(SlotNo, Slot)], spec: &ViewSpec| -> Vec<(SlotNo, Slot)> {
            let carry = |(slot, held): &(SlotNo, Slot)| {
                let (slot, value) = moved(*slot, held.value.as_ref()?)?;
                spec.has(slot).then(|| (slot, Slot { value: Some(value), ..held.clone() }))
            };
            let mut carried: Vec<_> = slots.iter().filter_map(carry).collect();
            carried.sort_by_key(|(slot, _)| *slot);
            carried
        };
        let before = old.as_deref().map_or(&[][..], Vec::as_slice);
        let views = new.logic.views.iter().map(|spec| {
            let mut view = View::new(spec.reorder);
            if let Some(old) = before.iter().find(|view| view.reorder == spec.reorder) {
                let hold = |read: &Read| {
                    let (slot, value) = moved(read.slot, &read.value)?;
                    spec.is_member(slot).then(|| Read { slot, value, ..read.clone() })
                };
                view.held = old.held.iter().filter_map(hold).collect();
                (view.face, view.previous) = (slots(&old.face, spec), slots(&old.previous, spec));
                (view.until, view.late, view.replaced, view.early) = (old.until, old.late, old.replaced, old.early);
            }
            view.begin(spec, state, &carried);
            view
        });
        let views: Vec<View> = views.collect();
        if views.iter().any(|view| !view.face.is_empty() || !view.held.is_empty()) {
            self.0 = Some(Arc::new(views));
        }
    }
}

impl View {
    /// Members that were not in the view are in it as they are now.
    fn begin(&mut self, spec: &ViewSpec, state: &State, carried: &[(SlotNo, crate::catalog::stored::Carry)]) {
        for (slot, carry) in carried.iter().filter(|(slot, _)| spec.is_member(*slot)) {
            let is_known = self.slot(*slot).is_some() || self.held.iter().any(|held| held.slot == *slot);
            let now = state.slot(carry.from);
            if let Some(value) = now.value.as_ref().filter(|_| !is_known).and_then(|value| carry.convert(value)) {
                put(&mut self.face, *slot, Slot { value: Some(value), ..now.clone() });
                self.until = self.until.max(now.time);
            }
        }
    }
}

/// How far the clock of a view is ahead of the wall: the newest among those of its members.
pub(super) fn ahead(state: &State, spec: &ViewSpec) -> Option<i64> {
    let heard = spec.members.iter().map(|slot| state.slot(SlotNo(*slot))).filter(|slot| slot.value.is_some());
    heard.map(|slot| slot.time.micros_since(slot.received)).max()
}

/// The instant to which a view has come: all up to and with it may be seen. `None`: none of its members was ever heard.
pub(super) fn passed(state: &State, spec: &ViewSpec, now: Timestamp) -> Option<Timestamp> {
    ahead(state, spec).map(|ahead| now.shifted(ahead).shifted(-spec.delay()))
}

fn find(slots: &[(SlotNo, Slot)], slot: SlotNo) -> Option<&Slot> {
    slots.binary_search_by_key(&slot, |(slot, _)| *slot).ok().map(|place| &slots[place].1)
}

/// What it was before.
fn put(slots: &mut Vec<(SlotNo, Slot)>, slot: SlotNo, value: Slot) -> Option<Slot> {
    match slots.binary_search_by_key(&slot, |(slot, _)| *slot) {
        Ok(place) => Some(std::mem::replace(&mut slots[place].1, value)),
        Err(place) => {
            slots.insert(place, (slot, value));
            None
        }
    }
}
