//! Columns say what a look at every state would say, whatever is published, inserted, removed and relaid meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::catalog::{Catalog, Layout, load};
use crate::reading::{Quality, Seq, SlotNo, Timestamp, TwinId, TwinNo, Value};
use crate::source::Sources;
use crate::twin::{Event, Outcome, Read, State, Twin};

use super::{Cell, ColumnKey, View, Word};

fn catalog(telemetry: &str) -> Catalog {
    let mut sources = Sources::new();
    sources.add("schemas/Pump.yaml", format!("type: Pump\ntelemetry: {telemetry}\n").as_bytes());
    let (catalog, problems) = load(&sources);
    assert!(!problems.has_errors(), "{problems:?}");
    catalog
}

fn layout(telemetry: &str) -> Arc<Layout> {
    catalog(telemetry).layout("Pump").expect("the type").clone()
}

struct Plant {
    view: View,
    twins: Vec<(Arc<Cell>, Twin)>,
    last: u32,
    seq: u64,
    time: i64,
}

impl Plant {
    fn new(view: View) -> Plant {
        Plant { view, twins: Vec::new(), last: 0, seq: 0, time: 0 }
    }

    fn create(&mut self, layout: &Arc<Layout>) {
        self.last += 1;
        let no = self.last;
        let id = TwinId::parse(&format!("pump-{no}")).expect("an id");
        let twin = Twin::new(State::new(TwinNo(no), id.clone(), layout.clone(), Timestamp(0)));
        let cell = Arc::new(Cell::new(twin.state.clone(), Seq(0)));
        self.view.insert(id, cell.clone());
        self.twins.push((cell, twin));
    }

    fn tell(&mut self, index: usize, event: &Event) {
        self.time += 1;
        self.seq += 1;
        let (cell, twin) = &mut self.twins[index];
        twin.apply(event, Timestamp(self.time));
        cell.publish(twin.state.clone(), Seq(self.seq));
        self.view.advance(Seq(self.seq));
    }

    fn read(&mut self, index: usize, slot: u16, value: f64, quality: Quality) {
        let time = Timestamp(self.time + 1);
        let reason = crate::reading::Reason::None;
        let read = Read {
            slot: SlotNo(slot),
            value: Value::Double(value),
            time,
            received: time,
            sent: None,
            quality,
            reason,
            outcome: Outcome::New,
        };
        self.tell(index, &Event::Read(read));
    }

    /// By id, what a column of each class holds, and what the states say.
    fn check(&self, slot: SlotNo) {
        let mut rows = 0;
        for class in self.view.classes().iter() {
            let key = ColumnKey::Slot(slot);
            let columns = [class.column(key).expect("the view is there")];
            class.scan(
                &columns,
                |words| words.get(0),
                |row, word| {
                    let state = class.cell(row).expect("a twin is in the row").state();
                    assert_eq!(word, Word::of(key, &state), "{}", state.id);
                    rows += 1;
                },
            );
        }
        assert_eq!(rows, self.view.count());
    }
}

/// A small generator, so that a failing seed can be run again.
fn random(seed: &mut u64) -> usize {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    (*seed >> 33) as usize
}

#[test]
fn columns_say_what_the_states_say() {
    let (old, new) = (layout("{speed: double, flow: double}"), layout("{speed: double, flow: double, load: double}"));
    for start in 1..20_u64 {
        let mut seed = start;
        let mut plant = Plant::new(View::default());
        (0..50).for_each(|_| plant.create(&old));
        plant.check(SlotNo(0));
        for _ in 0..2000 {
            let index = random(&mut seed) % plant.twins.len();
            match random(&mut seed) % 100 {
                0 => plant.create(&old),
                1 => plant.tell(index, &Event::Relaid(new.clone())),
                2 => {
                    let id = plant.twins.swap_remove(index).1.state.id.clone();
                    let cell = plant.view.twin(id.as_str()).unwrap();
                    plant.view.remove(&cell);
                    if plant.twins.is_empty() {
                        plant.create(&old);
                    }
                }
                n if n < 50 => plant.read(index, 0, (random(&mut seed) % 100) as f64, Quality::Good),
                _ => plant.read(index, 1, (random(&mut seed) % 100) as f64, Quality::Bad),
            }
            if random(&mut seed).is_multiple_of(50) {
                plant.check(SlotNo((random(&mut seed) % 2) as u16));
            }
        }
        plant.check(SlotNo(0));
        plant.check(SlotNo(1));
    }
}

/// Both slots are always set to the same number, so a reader that sees two numbers has seen two states.
#[test]
fn a_row_is_one_state_while_the_release_writes() {
    let layout = layout("{speed: double, flow: double}");
    let mut plant = Plant::new(View::default());
    (0..3000).for_each(|_| plant.create(&layout));
    let classes = plant.view.classes();
    let cells: Vec<Arc<Cell>> = plant.twins.iter().map(|(cell, _)| cell.clone()).collect();
    let mut states: Vec<State> = plant.twins.iter().map(|(_, twin)| State::clone(&twin.state)).collect();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let both = |number: f64| {
                let slot = crate::twin::Slot {
                    value: Some(Value::Double(number)),
                    time: Timestamp(1),
                    received: Timestamp(number as i64),
                    sent: None,
                    quality: Quality::Good,
                    reason: crate::reading::Reason::None,
                };
                [slot.clone(), slot].into_iter().collect()
            };
            for round in 1..60_u64 {
                for (state, cell) in states.iter_mut().zip(&cells) {
                    state.slots = both(round as f64);
                    cell.publish(Arc::new(state.clone()), Seq(round));
                }
            }
            is_over.store(true, Ordering::Release);
        });
        let class = &classes[0];
        let mut last = vec![0_u64; 3000];
        while !is_over.load(Ordering::Acquire) {
            // Made anew again and again while the other thread writes.
            let columns = [0, 1].map(|slot| class.column(ColumnKey::Slot(SlotNo(slot))).expect("the view is there"));
            class.scan(
                &columns,
                |words| (words.get(0), words.get(1)),
                |row, (speed, flow)| {
                    assert_eq!(speed, flow);
                    let number = if speed.has_value() { f64::from_bits(speed.bits) as u64 } else { 0 };
                    assert!(number >= last[row.0 as usize], "an older state after a newer one");
                    last[row.0 as usize] = number;
                },
            );
            columns.iter().for_each(|column| class.drop_column(column));
        }
    });
    for class in classes.iter() {
        let columns = [class.column(ColumnKey::Slot(SlotNo(0))).expect("the view is there")];
        class.scan(&columns, |words| words.get(0), |_, word| assert_eq!(f64::from_bits(word.bits), 59.0));
    }
}

#[test]
fn columns_keep_to_their_bound() {
    let layout = layout("{a: double, b: double, c: double}");
    let mut plant = Plant::new(View::with_column_bytes_max(2 * 16 * 1024));
    (0..10).for_each(|_| plant.create(&layout));
    for slot in [0, 1, 2, 0, 2, 1] {
        plant.check(SlotNo(slot));
        assert!(plant.view.column_bytes() <= 2 * 16 * 1024);
    }
    plant.read(3, 1, 7.0, Quality::Good);
    plant.check(SlotNo(1));
}
