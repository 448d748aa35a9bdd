//! Whatever is published, polled and waited for in whatever order: a client that applies its frames ends up with what is there.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::api::frames::{
    Choice, Filter, FrameKind, Interest, Rate, ReadingFrame, ReadingFrames, ReadingSelection, SeriesChoice, Turn, TwinFrame, TwinFrames,
};
use crate::reading::{Quality, TwinId, Value};
use crate::twin::State;

use super::{FLOW, FlowAbove, World, id};

const NAMES: [&str; 9] = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];

struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % bound
    }

    fn name(&mut self) -> &'static str {
        NAMES[self.below(NAMES.len() as u64) as usize]
    }
}

/// One thing happens.
fn happen(world: &mut World, dice: &mut Dice) {
    let name = dice.name();
    let is_there = world.twins.iter().any(|(twin, _)| twin.state.id.as_str() == name);
    match dice.below(10) {
        0 if is_there => world.delete(name),
        _ if !is_there => world.create(name),
        1 => world.forward(dice.below(4000)),
        2 => world.read(name, "heat", Value::Double(1.0)),
        3 => world.read_as(name, FLOW, Value::Double(dice.below(8) as f64 / 4.0), Quality::Bad),
        _ => world.flow(name, dice.below(8) as f64 / 4.0),
    }
}

/// What a client knows of twins.
#[derive(Default)]
struct Twins {
    known: BTreeMap<TwinId, Arc<State>>,
    truncated: bool,
    is_begun: bool,
}

impl Twins {
    fn take(&mut self, frame: TwinFrame) {
        match frame.kind {
            FrameKind::Snapshot => *self = Twins { is_begun: true, ..Twins::default() },
            FrameKind::Delta => assert!(self.is_begun, "a delta needs a snapshot"),
            FrameKind::Resync => {
                self.is_begun = false;
                return;
            }
        }
        for gone in frame.removed {
            assert!(self.known.remove(&gone).is_some(), "only what was known is removed");
        }
        self.known.extend(frame.twins.into_iter().map(|seen| (seen.state.id.clone(), seen.state)));
        self.truncated = frame.truncated;
    }
}

/// Polls until nothing is left to say.
fn drain<M: super::Conflation>(world: &mut World, machine: &mut M, mut take: impl FnMut(M::Frame)) {
    for _ in 0..50 {
        match world.poll(machine) {
            Turn::Frame(frame) => take(frame),
            Turn::Sleep(_) => world.forward(250),
            Turn::Listen(_) => return,
        }
    }
    panic!("it does not come to rest");
}

fn play_twins(seed: u64) {
    let (mut world, mut dice) = (World::new(), Dice(seed * 2 + 1));
    (0..dice.below(20)).for_each(|_| happen(&mut world, &mut dice));
    let filter = Arc::new(FlowAbove(0.6));
    let limit = 1 + dice.below(4) as usize;
    let choice = match seed % 2 {
        0 => Choice::Matching { filter: filter.clone(), limit },
        _ => Choice::Twins { ids: NAMES[..5].iter().map(|name| id(name)).collect(), filter: Some(filter.clone()) },
    };
    let rate = Rate::of(20.0, 30.0).unwrap();
    let mut machine = TwinFrames::new(&world.feed, world.view.clone(), choice.clone(), Interest::members([FLOW.into()]), rate);
    let mut client = Twins::default();
    for _ in 0..200 {
        happen(&mut world, &mut dice);
        match dice.below(4) {
            0 => drain(&mut world, &mut machine, |frame| client.take(frame)),
            1 => {
                if let Turn::Frame(frame) = world.poll(&mut machine) {
                    client.take(frame);
                }
            }
            2 if dice.below(40) == 0 => super::Conflation::watch(&machine).nudge().resync(),
            _ => {}
        }
    }
    drain(&mut world, &mut machine, |frame| client.take(frame));

    let now = world.wall();
    let all: BTreeMap<TwinId, Arc<State>> = world.twins.iter().map(|(twin, _)| (twin.state.id.clone(), twin.state.clone())).collect();
    let matching = all.values().filter(|state| filter.matches(state, now));
    let expected: Vec<&Arc<State>> = match &choice {
        Choice::Matching { .. } => matching.collect(),
        Choice::Twins { ids, .. } => matching.filter(|state| ids.contains(&state.id)).collect(),
    };
    let (limit, is_named) = (limit, matches!(choice, Choice::Twins { .. }));
    let shown = if is_named { expected.len() } else { expected.len().min(limit) };
    let flow = |state: &State| state.slot(state.layout.slot_by_path(FLOW).unwrap()).clone();
    let known: Vec<_> = client.known.values().map(|state| (state.id.clone(), flow(state))).collect();
    let expected_now: Vec<_> = expected[..shown].iter().map(|state| (state.id.clone(), flow(state))).collect();
    assert_eq!(known, expected_now, "seed {seed}");
    assert_eq!(client.truncated, expected.len() > shown, "seed {seed}");
}

#[test]
fn clients_of_twins_end_up_with_what_is_there() {
    (0..500).for_each(play_twins);
}

#[derive(Default)]
struct Columns {
    keys: Vec<(TwinId, Box<str>)>,
    values: Vec<Json>,
    qualities: Vec<&'static str>,
    is_begun: bool,
}

impl Columns {
    fn take(&mut self, frame: ReadingFrame) {
        let index: Vec<u32> = match frame.kind {
            FrameKind::Resync => {
                self.is_begun = false;
                return;
            }
            FrameKind::Snapshot => {
                self.keys = frame.keys.unwrap();
                self.values = vec![Json::Null; self.keys.len()];
                self.qualities = vec!["GOOD"; self.keys.len()];
                self.is_begun = true;
                (0..).take(self.keys.len()).collect()
            }
            FrameKind::Delta => frame.index.unwrap(),
        };
        assert!(self.is_begun && frame.times.len() == index.len() && frame.values.len() == index.len());
        for (place, value) in index.iter().zip(frame.values) {
            self.values[*place as usize] = value;
            self.qualities[*place as usize] = "GOOD";
        }
        frame.qualities.iter().for_each(|(place, quality)| self.qualities[*place as usize] = quality);
    }
}

fn play_columns(seed: u64) {
    let (mut world, mut dice) = (World::new(), Dice(seed * 2 + 1));
    (0..dice.below(20)).for_each(|_| happen(&mut world, &mut dice));
    let delta_min = [None, Some(0.6)][(seed / 2 % 2) as usize];
    let filter = Arc::new(FlowAbove(0.6));
    let wanted = match seed % 2 {
        0 => SeriesChoice::Matching { filter: filter.clone(), names: vec![FLOW.into(), "heat".into()], limit: 100 },
        _ => SeriesChoice::Twins(NAMES[..5].iter().map(|name| (id(name), vec![FLOW.into(), "heat".into()])).collect()),
    };
    let selection = ReadingSelection { series: wanted, delta_min, series_max: 1000 };
    let mut machine = ReadingFrames::new(&world.feed, world.view.clone(), selection, Rate::of(20.0, 30.0).unwrap());
    let mut client = Columns::default();
    for _ in 0..200 {
        happen(&mut world, &mut dice);
        match dice.below(4) {
            0 => drain(&mut world, &mut machine, |frame| client.take(frame)),
            1 => {
                if let Turn::Frame(frame) = world.poll(&mut machine) {
                    client.take(frame);
                }
            }
            _ => {}
        }
    }
    drain(&mut world, &mut machine, |frame| client.take(frame));

    let now = world.wall();
    let state = |id: &TwinId| world.twins.iter().map(|(twin, _)| &twin.state).find(|state| state.id == *id);
    for ((twin, name), (value, quality)) in client.keys.iter().zip(client.values.iter().zip(&client.qualities)) {
        let Some(state) = state(twin) else {
            assert_eq!((value, *quality), (&Json::Null, "MISSING"), "seed {seed}");
            continue;
        };
        let slot = state.layout.slot_by_path(name).unwrap();
        let held = state.slot(slot);
        let stale = state.layout.slot(slot).telemetry.as_ref().and_then(|rules| rules.stale);
        let expected = match held.quality {
            Quality::Good | Quality::Uncertain if held.is_stale(stale, now) => "STALE",
            Quality::Good | Quality::Uncertain | Quality::Bad | Quality::Missing => held.quality.as_str(),
        };
        assert_eq!(*quality, expected, "seed {seed}: {twin} {name}");
        match (&held.value, delta_min) {
            (Some(Value::Double(held)), Some(band)) => {
                assert!((value.as_f64().unwrap() - held).abs() < band, "seed {seed}: {twin} {name} {value} {held}");
            }
            (Some(Value::Double(held)), None) => assert_eq!(value.as_f64(), Some(*held), "seed {seed}"),
            (held, _) => assert!(held.is_none() && value.is_null(), "seed {seed}"),
        }
    }
    if seed.is_multiple_of(2) {
        let mut twins: Vec<&TwinId> = client.keys.iter().map(|(twin, _)| twin).collect();
        twins.dedup();
        let mut expected: Vec<&TwinId> =
            world.twins.iter().filter(|(twin, _)| filter.matches(&twin.state, now)).map(|(twin, _)| &twin.state.id).collect();
        expected.sort();
        assert_eq!(twins, expected, "seed {seed}");
    }
}

#[test]
fn clients_of_columns_end_up_with_what_is_there() {
    (0..500).for_each(play_columns);
}
