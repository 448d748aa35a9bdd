//! The machines with clocks turned by hand: single stories, and seeded interleavings against a model of a client.

mod model;
mod readings;
mod twins;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::catalog::{self, Layout};
use crate::feed::{Feed, Publisher, Types};
use crate::reading::{Quality, Reason, Seq, SlotNo, Timestamp, TwinId, TwinNo, Value};
use crate::source::Sources;
use crate::twin::{Event, Outcome, Read, State, Twin};
use crate::view::{Cell, View};

use super::{Conflation, Filter, Turn};

const TYPES: &str = "
type: Pump
properties:
  note: string
telemetry:
  flow: {type: double, stale: 10s}
  heat: double
  mode: {type: enum, values: [OFF, ON]}
  shake: {type: object, fields: {x: double, y: double}}
";

const FLOW: &str = "flow";
const START: Timestamp = Timestamp(1_767_225_600_000_000);

/// A view, its feed and its gate, and the clocks.
struct World {
    layout: Arc<Layout>,
    other: Arc<Layout>,
    feed: Arc<Feed>,
    view: Arc<View>,
    publisher: Publisher,
    twins: Vec<(Twin, Arc<Cell>)>,
    seq: Seq,
    last_no: u32,
    began: Instant,
    passed: Duration,
}

impl World {
    fn new() -> World {
        let mut sources = Sources::new();
        sources.add("schemas/Pump.yaml", TYPES.as_bytes());
        sources.add("schemas/Valve.yaml", b"type: Valve\ntelemetry: {flow: double}\n");
        let (catalog, problems) = catalog::load(&sources);
        assert!(!problems.has_errors(), "{problems:?}");
        let feed = Arc::new(Feed::default());
        World {
            layout: catalog.layout("Pump").unwrap().clone(),
            other: catalog.layout("Valve").unwrap().clone(),
            publisher: Publisher::new(feed.clone()),
            feed,
            view: Arc::new(View::default()),
            twins: Vec::new(),
            seq: Seq(0),
            last_no: 0,
            began: Instant::now(),
            passed: Duration::ZERO,
        }
    }

    fn now(&self) -> Instant {
        self.began + self.passed
    }

    fn wall(&self) -> Timestamp {
        START.plus(self.passed)
    }

    fn forward(&mut self, millis: u64) {
        self.passed += Duration::from_millis(millis);
    }

    fn commit(&mut self) -> Seq {
        self.seq.0 += 1;
        self.seq
    }

    fn create(&mut self, id: &str) {
        let layout = self.layout.clone();
        self.create_of(id, &layout);
    }

    fn create_of(&mut self, id: &str, layout: &Arc<Layout>) {
        self.last_no += 1;
        let twin = Twin::new(State::new(TwinNo(self.last_no), TwinId::parse(id).unwrap(), layout.clone(), self.wall()));
        let seq = self.commit();
        let cell = Arc::new(Cell::new(twin.state.clone(), seq));
        self.view.insert(twin.state.id.clone(), cell.clone());
        if let Some(mut round) = self.publisher.round() {
            round.created(&twin.state, seq);
        }
        self.view.advance(seq);
        self.publisher.wake();
        self.twins.push((twin, cell));
    }

    fn place(&self, id: &str) -> usize {
        self.twins.iter().position(|(twin, _)| twin.state.id.as_str() == id).unwrap()
    }

    fn delete(&mut self, id: &str) {
        let place = self.place(id);
        let (twin, _) = self.twins.remove(place);
        let seq = self.commit();
        let cell = self.view.twin(id).unwrap();
        self.view.remove(&cell);
        if let Some(mut round) = self.publisher.round() {
            round.removed(&twin.state);
        }
        self.view.advance(seq);
        self.publisher.wake();
    }

    fn happen(&mut self, id: &str, events: &[Event]) {
        let (place, at, seq) = (self.place(id), self.wall(), self.commit());
        let (twin, cell) = &mut self.twins[place];
        events.iter().for_each(|event| twin.apply(event, at));
        cell.publish(twin.state.clone(), seq);
        if let Some(mut round) = self.publisher.round() {
            round.changed(&twin.state, seq);
        }
        self.view.advance(seq);
        self.publisher.wake();
    }

    fn read(&mut self, id: &str, slot: &str, value: Value) {
        self.read_as(id, slot, value, Quality::Good);
    }

    fn read_as(&mut self, id: &str, slot: &str, value: Value, quality: Quality) {
        let slot = self.slot(id, slot);
        let (time, received) = (self.wall(), self.wall());
        let read = Read { slot, value, time, received, sent: None, quality, reason: Reason::None, outcome: Outcome::New };
        self.happen(id, &[Event::Read(read)]);
    }

    fn flow(&mut self, id: &str, value: f64) {
        self.read(id, FLOW, Value::Double(value));
    }

    fn slot(&self, id: &str, slot: &str) -> SlotNo {
        self.twins[self.place(id)].0.state.layout.slot_by_path(slot).unwrap()
    }

    fn poll<M: Conflation>(&self, machine: &mut M) -> Turn<M::Frame> {
        machine.poll(self.now(), self.wall())
    }

    fn frame<M: Conflation>(&self, machine: &mut M) -> M::Frame {
        match self.poll(machine) {
            Turn::Frame(frame) => frame,
            Turn::Sleep(_) | Turn::Listen(_) => panic!("a frame was due"),
        }
    }

    /// In milliseconds, how long there is nothing; `None`: until something happens.
    fn rest<M: Conflation>(&self, machine: &mut M) -> Option<u128> {
        match self.poll(machine) {
            Turn::Frame(_) => panic!("no frame was due"),
            Turn::Sleep(until) => Some((until - self.now()).as_millis()),
            Turn::Listen(until) => until.map(|until| (until - self.now()).as_millis()),
        }
    }
}

/// `flow` above something, of pumps.
#[derive(Debug)]
struct FlowAbove(f64);

impl Filter for FlowAbove {
    fn matches(&self, state: &State, _now: Timestamp) -> bool {
        let Some(slot) = state.layout.slot_by_path(FLOW) else { return false };
        matches!(state.slot(slot).value, Some(Value::Double(flow)) if flow > self.0) && &*state.layout.name == "Pump"
    }

    fn types(&self) -> Types {
        Types::Named(["Pump".into()].into())
    }
}

fn id(text: &str) -> TwinId {
    TwinId::parse(text).unwrap()
}
