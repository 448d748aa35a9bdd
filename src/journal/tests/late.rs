//! What came too late for the windows over a member is counted of it and told of once a minute, and a message is known by its id: through records
//! and checkpoints, too.

use std::time::Duration;

use crate::catalog;
use crate::journal::checkpoint::{decode_twin, encode_twin};
use crate::journal::record::{decode, encode_happened, encode_start};
use crate::reading::{Group, Quality, Reading, Reason, SlotNo, Timestamp, TwinId, TwinNo, Value};
use crate::source::Sources;
use crate::twin::{Event, Fact, Input, NEVER_AWAY, Numbered, Received, State, Step, Twin, step};

const SECOND: i64 = 1_000_000;
const CELL: &str = "type: Cell
telemetry: {a: double, b: double}
computed:
  ofA: {of: a, agg: sum, window: {tumbling: 10s, lateness: 0s}}
  ofB: {of: b, agg: sum, window: {tumbling: 10s, lateness: 0s}}
";

/// A twin, and one that is only told what was decided, as it was written, and lives in checkpoints.
struct World {
    twin: Twin,
    stored: Twin,
}

impl World {
    fn new() -> World {
        let mut sources = Sources::new();
        sources.add("schemas/Cell.yaml", CELL.as_bytes());
        let (catalog, problems) = catalog::load(&sources);
        assert!(!problems.has_errors());
        let state = State::new(TwinNo(1), TwinId::parse("cell-1").unwrap(), catalog.layout("Cell").unwrap().clone(), Timestamp(0));
        World { twin: Twin::new(state.clone()), stored: Twin::new(state) }
    }

    fn hear(&mut self, member: u16, time: i64, received: i64, message: Option<&str>) -> Step {
        let (at, value) = (Timestamp(received * SECOND), Value::Double(time as f64));
        let reading = Reading { slot: SlotNo(member), value, quality: Quality::Good, reason: Reason::None };
        let group = Group { time: Some(Timestamp(time * SECOND)), readings: vec![reading] };
        let received = Received { at, future_tolerance: Duration::ZERO, started: NEVER_AWAY };
        let input = match message {
            None => Input::Readings { group, received },
            Some(id) => Input::Message { message: Numbered { id: id.into(), sent: at }, group, received },
        };
        let before = self.twin.state.revision;
        let step = step(&mut self.twin, &input, at);
        if !step.events.is_empty() {
            let layout = self.twin.state.layout.0.clone();
            let layouts = |fingerprint: u64| (fingerprint == layout.fingerprint).then(|| layout.clone());
            let mut bytes = Vec::new();
            encode_start(at, &mut bytes);
            encode_happened(at, TwinNo(1), before, &step.events, &mut bytes);
            let Fact::Happened { events, .. } = &decode(&bytes, &layouts).unwrap().facts[0] else { panic!("not what was written") };
            events.iter().for_each(|event| self.stored.apply(event, at));
            let mut bytes = Vec::new();
            encode_twin(&self.stored, &mut bytes);
            self.stored = decode_twin(&bytes, &layouts).unwrap();
        }
        assert_eq!(self.stored, self.twin);
        step
    }

    fn late(&self) -> [u64; 2] {
        [0, 1].map(|slot| self.twin.state.late.of(SlotNo(slot)))
    }
}

#[test]
fn what_is_late_is_counted_of_its_member_and_told_of_once_a_minute() {
    let mut world = World::new();
    let tells =
        |step: &Step| step.events.iter().filter(|event| matches!(event, Event::Troubled(trouble) if trouble.code == "LATE_DATA")).count();
    for member in [0, 1] {
        world.hear(member, 100, 100, None);
    }
    let first = world.hear(0, 50, 101, None);
    assert_eq!((world.late(), tells(&first), first.tally.late, first.tally.out_of_order), ([1, 0], 1, 1, 0));
    // Of both members together: whoever asks finds the counts.
    for (member, time, received) in [(0, 51, 101), (1, 52, 102), (1, 53, 160)] {
        assert_eq!(tells(&world.hear(member, time, received, None)), 0);
    }
    assert_eq!(world.late(), [2, 2]);
    assert_eq!(tells(&world.hear(1, 54, 161, None)), 1);
    // The minute is not over.
    world.hear(0, 99, 161, None);
    assert_eq!((world.late(), world.twin.state.troubles.iter().count()), ([3, 3], 2));
}

#[test]
fn a_message_is_known_by_its_id() {
    let mut world = World::new();
    let is_new = |step: Step| (step.tally.new, step.tally.duplicate) == (1, 0);
    assert!(is_new(world.hear(0, 1, 1, Some("x"))));
    assert!(!is_new(world.hear(0, 2, 2, Some("x"))), "whatever it says");
    assert!(is_new(world.hear(1, 2, 2, Some("x"))), "of another input");
    assert!(is_new(world.hear(0, 3, 3, Some("y"))));
    assert!(!is_new(world.hear(0, 301, 301, Some("x"))), "five minutes are not over");
    assert!(is_new(world.hear(0, 302, 302, Some("x"))));
    assert!(!is_new(world.hear(0, 400, 400, Some("x"))), "what was heard again counts from then on");
}
