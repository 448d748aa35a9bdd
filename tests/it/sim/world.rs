//! The whole program over a few lives: random ingest through MQTT, ended now in good order and now in the middle of everything.
//!
//! Afterwards every acknowledged reading is there once, and the graph store says the same as the read view.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use pollux::catalog::SlotSpec;
use pollux::catalog::stored::LayoutRecord;
use pollux::journal::{self, record};
use pollux::reading::{Seq, SlotNo, TwinNo};
use pollux::runtime::layouts::Layouts;
use pollux::twin::{Event, Fact, Slot};
use serde_json::{Value as Json, json};

use super::dice::Dice;
use super::number;
use crate::support::World;

const MACHINES: u64 = 6;
const LIVES: u64 = 5;
const SCHEMA: &str = "type: Machine\ntelemetry:\n  count: {type: int}\n  temperature: {type: double, unit: degC, min: 0, max: 100}\n";

#[test]
fn the_graph_follows_and_nothing_acknowledged_is_lost() {
    let seed = number("SIM_SEED").unwrap_or(1);
    println!("SIM_SEED={seed}");
    let mut dice = Dice::of(seed);
    let twins: String = (0..MACHINES).map(|no| format!("  - {{id: m-{no}, type: Machine}}\n")).collect();
    let settings = "[runtime]\nproject_every = \"10ms\"\ncheckpoint_every = \"1s\"\npassivate_after = \"2s\"\n";
    let files = [("pollux.toml", settings), ("schemas/Machine.yaml", SCHEMA), ("twins/all.yaml", &format!("twins:\n{twins}"))];
    let mut world = World::lasting(&files);
    let mut load = Load::default();
    for life in 0..LIVES {
        load.run(&world, &mut dice);
        graph_equals_view(&world);
        if dice.once_in(2) {
            world.stop();
        } else {
            load.leave_behind(&world, &mut dice);
            world.kill();
        }
        println!("life {life}: {} readings acknowledged", load.acknowledged.values().map(Vec::len).sum::<usize>());
        world.start();
        load.check(&world);
    }
    graph_equals_view(&world);
    load.check(&world);
}

#[derive(Default)]
struct Load {
    next: i64,
    acknowledged: BTreeMap<u64, Vec<i64>>,
    /// Sent and not heard of.
    open: Vec<(u64, i64)>,
}

impl Load {
    /// A device's life: new readings and, first, those that it did not hear of.
    fn run(&mut self, world: &World, dice: &mut Dice) {
        let mut sender = world.sender("device");
        let mut under_way: Vec<(u16, u64, i64)> = Vec::new();
        let again = std::mem::take(&mut self.open);
        let fresh: Vec<(u64, i64)> = (0..100 + dice.below(200)).map(|_| self.fresh(dice)).collect();
        for (machine, count) in again.into_iter().chain(fresh) {
            let id = sender.send(&format!("pollux/m-{machine}/telemetry"), payload(count).as_bytes());
            under_way.push((id, machine, count));
            if dice.once_in(10) {
                // The same once more.
                let id = sender.send(&format!("pollux/m-{machine}/telemetry"), payload(count).as_bytes());
                under_way.push((id, machine, count));
            }
            if under_way.len() > 30 {
                self.hear(&mut sender, &mut under_way);
            }
            world.clock.forward(std::time::Duration::from_millis(dice.below(100)));
        }
        self.hear(&mut sender, &mut under_way);
    }

    fn fresh(&mut self, dice: &mut Dice) -> (u64, i64) {
        self.next += 1;
        (dice.below(MACHINES), self.next)
    }

    fn hear(&mut self, sender: &mut crate::support::Sender, under_way: &mut Vec<(u16, u64, i64)>) {
        for (id, machine, count) in under_way.drain(..) {
            assert_eq!(sender.answer_code(id), Some(0));
            let known = self.acknowledged.entry(machine).or_default();
            if !known.contains(&count) {
                known.push(count);
            }
        }
    }

    /// Sends without listening, so that the end comes in the middle of it.
    fn leave_behind(&mut self, world: &World, dice: &mut Dice) {
        let mut sender = world.sender("device");
        for _ in 0..dice.below(40) {
            let (machine, count) = self.fresh(dice);
            sender.send(&format!("pollux/m-{machine}/telemetry"), payload(count).as_bytes());
            self.open.push((machine, count));
        }
    }

    /// Every acknowledged reading is in the journal exactly once, and the newest one is what readers see.
    fn check(&self, world: &World) {
        let runtime = &world.app().runtime;
        let mut times: BTreeMap<(TwinNo, i64), u32> = BTreeMap::new();
        let layouts = Layouts::default();
        let read = journal::read(&world.journal(), Seq(1), &mut |_, bytes| {
            let entry = record::decode(bytes, &|fingerprint| layouts.get(fingerprint)).unwrap();
            for fact in entry.facts {
                match fact {
                    Fact::TypeKnown(known) => layouts.remember(&known as &LayoutRecord),
                    Fact::Happened { no, events, .. } => {
                        for count in events.iter().filter_map(count_of) {
                            *times.entry((no, count)).or_default() += 1;
                        }
                    }
                    Fact::Created { .. }
                    | Fact::Deleted(_)
                    | Fact::EdgeBegun(_)
                    | Fact::EdgeEnded { .. }
                    | Fact::Refused(_)
                    | Fact::Edited(_) => {}
                }
            }
            ControlFlow::Continue(())
        });
        read.unwrap();
        for (machine, counts) in &self.acknowledged {
            let state = world.state(&format!("m-{machine}"));
            let seen = runtime.view().twin(&format!("m-{machine}")).unwrap().state().slot(SlotNo(0)).time;
            for count in counts {
                assert_eq!(times.get(&(state.no, *count)), Some(&1), "reading {count} of m-{machine}");
                assert!(seen.0 >= time_of(*count) * 1000, "reading {count} of m-{machine} was acknowledged and is not seen");
            }
        }
    }
}

fn time_of(count: i64) -> i64 {
    1_600_000_000_000 + count
}

fn payload(count: i64) -> String {
    json!({ "count": count, "temperature": count % 120, "ts": time_of(count) }).to_string()
}

fn count_of(event: &Event) -> Option<i64> {
    match event {
        Event::Read(read) if read.slot.0 == 0 => match read.value {
            pollux::reading::Value::Int(count) => Some(count),
            _ => None,
        },
        _ => None,
    }
}

/// Twins that go to rest commit, too: what is compared must be as of one commit.
fn graph_equals_view(world: &World) {
    let mut differences = Vec::new();
    world.until("nothing is committed while graph and view are compared", || {
        let seq = world.projected();
        differences = (0..MACHINES).filter_map(|no| difference(world, &format!("m-{no}"))).collect();
        world.app().runtime.view().seq() == seq
    });
    assert!(differences.is_empty(), "{differences:#?}");
}

fn difference(world: &World, id: &str) -> Option<String> {
    let cell = world.app().runtime.view().twin(id).unwrap();
    let (state, row) = (cell.state(), world.row(id));
    let is_same = |(spec, slot): (&SlotSpec, &Slot)| {
        let stored = &row["values"][&*spec.path];
        let value = slot.value.as_ref().map_or(Json::Null, |value| spec.to_json(value));
        stored["v"] == value && stored["t"].as_i64().unwrap_or(i64::MIN) == slot.time.0
    };
    let is_current = row["revision"] == state.revision.0 && row["seq"] == cell.seq().0;
    let all_same = state.layout.slots.iter().zip(state.slots.iter()).all(is_same);
    (!is_current || !all_same)
        .then(|| format!("{id} is at revision {} as of {} with {:?}, but stored as {row}", state.revision.0, cell.seq(), state.slots))
}
