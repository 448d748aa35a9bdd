//! Frames of single values in columns: thousands of series cost a few arrays, not thousands of objects.

use std::collections::BTreeSet;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};
use serde_json::Value as Json;
use tokio::time::Instant;

use crate::feed::{Feed, Watch};
use crate::reading::{Quality, Seq, SlotNo, Timestamp, TwinId, Value};
use crate::twin::State;
use crate::view::View;

use super::interest::{ripens, stale_after};
use super::members::{Members, Touched};
use super::pace::{Pace, instant_of};
use super::reading_frame::ReadingFrame;
use super::{Choice, Conflation, Filter, FrameKind, Rate, Turn};

/// Which values are wanted.
#[derive(Debug, Clone)]
pub enum SeriesChoice {
    /// In this order. A member of several slots gives one series for each.
    Twins(Vec<(TwinId, Vec<Box<str>>)>),
    /// Of the first `limit` matching twins, those of these that their types have.
    Matching { filter: Arc<dyn Filter>, names: Vec<Box<str>>, limit: usize },
}

#[derive(Debug, Clone)]
pub struct ReadingSelection {
    pub series: SeriesChoice,
    /// A number closer than this to the one that was sent last is not sent.
    pub delta_min: Option<f64>,
    pub series_max: usize,
}

#[derive(Debug)]
pub struct ReadingFrames {
    members: Members,
    selection: ReadingSelection,
    pace: Pace,
    is_begun: bool,
    columns: Vec<Column>,
    /// The form of each twin's type when the keys were told, and its columns. Another form may have other keys.
    by_twin: HashMap<TwinId, (Option<u64>, Vec<u32>)>,
    /// At most one entry for each column; it may have been put off since.
    ripe: BTreeSet<(Timestamp, u32)>,
    updates: u64,
}

/// One series.
#[derive(Debug)]
struct Column {
    id: TwinId,
    name: Box<str>,
    slot: Option<SlotNo>,
    sent: Sent,
    ripens: Option<Timestamp>,
    /// Its entry in `ripe`.
    noted: Option<Timestamp>,
}

impl Column {
    /// Has it looked at when it ripens, or before: a series that changes all the time would else be moved with each change.
    fn note(&mut self, place: u32, ripe: &mut BTreeSet<(Timestamp, u32)>) {
        let Some(ripens) = self.ripens.filter(|ripens| self.noted.is_none_or(|noted| *ripens < noted)) else { return };
        if let Some(noted) = self.noted.replace(ripens) {
            ripe.remove(&(noted, place));
        }
        ripe.insert((ripens, place));
    }
}

/// What the client has of a series.
#[derive(Debug, Clone, PartialEq)]
struct Sent {
    value: Option<Value>,
    time: Option<Timestamp>,
    quality: Quality,
    is_stale: bool,
}

impl Sent {
    const MISSING: Sent = Sent { value: None, time: None, quality: Quality::Missing, is_stale: false };

    fn of(state: &State, slot: SlotNo, wall: Timestamp) -> Sent {
        let held = state.slot(slot);
        let Some(value) = &held.value else { return Sent::MISSING };
        let is_stale = held.is_stale(stale_after(state, slot), wall);
        Sent { value: Some(value.clone()), time: Some(held.time), quality: held.quality, is_stale }
    }

    /// Whether a client that has this must be told of `now`.
    fn is_overtaken(&self, now: &Sent, delta_min: Option<f64>) -> bool {
        if self.quality != now.quality || self.is_stale != now.is_stale {
            return true;
        }
        match (delta_min, self.value.as_ref().and_then(number), now.value.as_ref().and_then(number)) {
            (Some(delta_min), Some(before), Some(after)) => (after - before).abs() >= delta_min && self != now,
            (Some(_), _, _) => self.value != now.value,
            (None, _, _) => self != now,
        }
    }

    /// What a value is worth: its quality, unless it is usable and has outlived its time.
    fn quality(&self) -> Option<&'static str> {
        match self.quality {
            Quality::Good | Quality::Uncertain if self.is_stale => Some("STALE"),
            Quality::Good => None,
            Quality::Uncertain | Quality::Bad | Quality::Missing => Some(self.quality.as_str()),
        }
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Double(number) => Some(*number),
        Value::Int(number) => Some(*number as f64),
        Value::Decimal(number) => f64::try_from(*number).ok(),
        Value::Bool(_)
        | Value::Text(_)
        | Value::Timestamp(_)
        | Value::Date(_)
        | Value::Time(_)
        | Value::Duration(_)
        | Value::Enum(_)
        | Value::Bytes(_)
        | Value::Json(_) => None,
    }
}

/// A twin, as it is if it is there, and the names that are wanted of it.
type Asked = (TwinId, Option<Arc<State>>, Vec<Box<str>>);

impl ReadingFrames {
    pub fn new(feed: &Arc<Feed>, view: Arc<View>, selection: ReadingSelection, rate: Rate) -> ReadingFrames {
        let choice = match &selection.series {
            SeriesChoice::Twins(series) => Choice::Twins { ids: series.iter().map(|(id, _)| id.clone()).collect(), filter: None },
            SeriesChoice::Matching { filter, limit, .. } => Choice::Matching { filter: filter.clone(), limit: *limit },
        };
        ReadingFrames {
            members: Members::new(feed, view, choice),
            selection,
            pace: Pace::new(rate),
            is_begun: false,
            columns: Vec::new(),
            by_twin: HashMap::new(),
            ripe: BTreeSet::new(),
            updates: 0,
        }
    }

    fn snapshot(&mut self, wall: Timestamp) -> ReadingFrame {
        let seq = self.members.view.seq();
        self.members.begin(wall);
        (self.is_begun, self.updates) = (true, 0);
        let truncated = self.lay_out();
        self.ripe.clear();
        let all: Vec<u32> = (0..).take(self.columns.len()).collect();
        let keys = self.columns.iter().map(|column| (column.id.clone(), column.name.clone())).collect();
        let frame = self.frame(FrameKind::Snapshot, seq, &all, wall);
        ReadingFrame { keys: Some(keys), index: None, truncated: truncated || self.members.is_truncated(), ..frame }
    }

    /// Decides the keys. Whether there were too many.
    fn lay_out(&mut self) -> bool {
        let series: Vec<Asked> = match &self.selection.series {
            SeriesChoice::Twins(series) => {
                let state = |id: &TwinId| self.members.shown_twin(id).map(|seen| seen.state.clone());
                series.iter().map(|(id, names)| (id.clone(), state(id), names.clone())).collect()
            }
            SeriesChoice::Matching { names, .. } => {
                self.members.shown().map(|(id, seen)| (id.clone(), Some(seen.state.clone()), names.clone())).collect()
            }
        };
        let is_named = matches!(self.selection.series, SeriesChoice::Twins(_));
        self.columns.clear();
        self.by_twin.clear();
        for (id, state, names) in series {
            let form = state.as_ref().map(|state| state.layout.fingerprint);
            let places = &mut self.by_twin.entry(id.clone()).or_insert_with(|| (form, Vec::new())).1;
            for (name, slot) in names.iter().flat_map(|name| slots(state.as_deref(), name, is_named)) {
                if self.columns.len() >= self.selection.series_max {
                    return true;
                }
                places.extend(u32::try_from(self.columns.len()));
                self.columns.push(Column { id: id.clone(), name, slot, sent: Sent::MISSING, ripens: None, noted: None });
            }
        }
        false
    }

    fn resync(&mut self, wall: Timestamp) -> ReadingFrame {
        self.is_begun = false;
        let seq = self.members.view.seq();
        self.frame(FrameKind::Resync, seq, &[], wall)
    }

    /// The frame that brings these columns up to date.
    fn frame(&mut self, kind: FrameKind, seq: Seq, places: &[u32], wall: Timestamp) -> ReadingFrame {
        let (mut times, mut values) = (Vec::with_capacity(places.len()), Vec::with_capacity(places.len()));
        let mut qualities = Vec::new();
        for place in places {
            let column = &mut self.columns[*place as usize];
            let state = self.members.shown_twin(&column.id).map(|seen| &seen.state);
            let (now, json) = match (state, column.slot) {
                (Some(state), Some(slot)) => {
                    let now = Sent::of(state, slot, wall);
                    let json = now.value.as_ref().map_or(Json::Null, |value| state.layout.slot(slot).to_json(value));
                    column.ripens = ripens(state, slot, wall);
                    column.note(*place, &mut self.ripe);
                    (now, json)
                }
                (None, _) | (_, None) => (Sent::MISSING, Json::Null),
            };
            times.push(now.time);
            values.push(json);
            qualities.extend(now.quality().map(|quality| (*place, quality)));
            column.sent = now;
        }
        let updates = std::mem::take(&mut self.updates);
        let coalesced = if kind == FrameKind::Delta { updates } else { 0 };
        let index = (kind == FrameKind::Delta).then(|| places.to_vec());
        ReadingFrame { kind, seq, at: wall, coalesced, keys: None, index, times, values, qualities, truncated: false }
    }

    /// Whether the keys that the client has are not the right ones any more.
    fn has_other_keys(&self, touched: &Touched) -> bool {
        let form = |id: &TwinId| self.members.shown_twin(id).map(|seen| seen.state.layout.fingerprint);
        let reformed = touched.ids.iter().any(|id| self.by_twin.get(id).is_some_and(|(told, _)| *told != form(id)));
        let is_named = matches!(self.selection.series, SeriesChoice::Twins(_));
        let others = || {
            let mut count = 0;
            let all_known = self.members.shown().all(|(id, _)| {
                count += 1;
                self.by_twin.contains_key(id)
            });
            !all_known || count != self.by_twin.len()
        };
        reformed || (!is_named && touched.membership && others())
    }

    /// The columns that have something new.
    fn overtaken(&mut self, touched: &Touched, wall: Timestamp) -> Vec<u32> {
        let mut places = self.take_ripe(wall);
        let touched = touched.ids.iter().filter_map(|id| self.by_twin.get_key_value(id));
        for (id, (_, columns)) in touched {
            let Some(seen) = self.members.shown_twin(id) else { continue };
            let is_overtaken = |place: &&u32| {
                let column = &self.columns[**place as usize];
                let now = column.slot.map_or(Sent::MISSING, |slot| Sent::of(&seen.state, slot, wall));
                column.sent.is_overtaken(&now, self.selection.delta_min)
            };
            places.extend(columns.iter().filter(is_overtaken));
        }
        places.into_iter().collect()
    }

    fn take_ripe(&mut self, wall: Timestamp) -> BTreeSet<u32> {
        let mut taken = BTreeSet::new();
        while let Some((_, place)) = self.ripe.first().copied().filter(|(then, _)| *then <= wall) {
            self.ripe.pop_first();
            let column = &mut self.columns[place as usize];
            column.noted = None;
            match column.ripens {
                Some(ripens) if ripens > wall => column.note(place, &mut self.ripe),
                Some(_) => {
                    taken.insert(place);
                }
                None => {}
            }
        }
        taken
    }

    fn deadline(&self, now: Instant, wall: Timestamp) -> Option<Instant> {
        let ripe = self.ripe.first().map(|(then, _)| *then);
        ripe.into_iter().chain(self.members.rescan_at()).min().map(|then| instant_of(then, now, wall))
    }
}

/// The series of a member or slot, with their names.
fn slots(state: Option<&State>, name: &str, is_named: bool) -> Vec<(Box<str>, Option<SlotNo>)> {
    let unknown = || if is_named { vec![(Box::from(name), None)] } else { Vec::new() };
    let Some(layout) = state.map(|state| &state.layout) else { return unknown() };
    if let Some(slot) = layout.slot_by_path(name) {
        return vec![(name.into(), Some(slot))];
    }
    match layout.member(name) {
        Some(member) => member.slots.clone().map(SlotNo).map(|slot| (layout.slot(slot).path.clone(), Some(slot))).collect(),
        None => unknown(),
    }
}

impl Conflation for ReadingFrames {
    type Frame = ReadingFrame;

    fn poll(&mut self, now: Instant, wall: Timestamp) -> Turn<ReadingFrame> {
        if !self.is_begun {
            self.pace.sent(now);
            return Turn::Frame(self.snapshot(wall));
        }
        if let Some(until) = self.pace.holds_until(now) {
            return Turn::Sleep(until);
        }
        let seq = self.members.view.seq();
        let touched = self.members.look(wall);
        if touched.resync || self.has_other_keys(&touched) {
            return Turn::Frame(self.resync(wall));
        }
        self.updates += touched.updates;
        let places = self.overtaken(&touched, wall);
        if !places.is_empty() {
            self.pace.sent(now);
            let twins = touched.ids.len() as u64;
            self.updates = self.updates.saturating_sub(twins);
            return Turn::Frame(self.frame(FrameKind::Delta, seq, &places, wall));
        }
        match touched.any {
            true => Turn::Sleep(self.pace.looked_in_vain(now)),
            false => Turn::Listen(self.deadline(now, wall)),
        }
    }

    fn begin_anew(&mut self, wall: Timestamp) -> ReadingFrame {
        self.resync(wall)
    }

    fn watch(&self) -> &Watch {
        &self.members.watch
    }
}
