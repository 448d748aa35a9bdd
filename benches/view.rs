//! What columns cost the release and give the readers: `cargo bench --bench view`. 100,000 live twins; the best of several rounds, and for pages
//! the 95th of a hundred as well.

#![expect(clippy::expect_used, clippy::print_stdout, clippy::disallowed_methods, reason = "a benchmark measures time and prints it")]

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pollux::api::access::{Access, Bounds, CursorKey, PageRequest, Scope, Trees, decode_order, decode_twin_where, page};
use pollux::catalog::{CONTAINS, Catalog, Layout, load};
use pollux::reading::{Quality, Reason, Seq, SlotNo, Timestamp, TwinId, TwinNo, Value};
use pollux::runtime::committed::Committed;
use pollux::source::Sources;
use pollux::twin::{Edge, EdgeNo, Event, Outcome, Read, State, Twin};
use pollux::view::{Cell, ColumnKey, View};

const TWINS: usize = 100_000;
const NOW: Timestamp = Timestamp(1_767_225_600_000_000);

const TYPE: &str = "type: Pump
properties:
  label: string
telemetry:
  temperature: {type: double, unit: degC}
  pressure: {type: double, unit: bar}
  speed: {type: double, unit: rpm, stale: 60s}
  current: double
  torque: double
  load: double
  mode: {type: enum, values: [IDLE, RUN, CLEAN, FAULT]}
";

struct Plant {
    view: View,
    catalog: Catalog,
    links: Committed,
    cells: Vec<Arc<Cell>>,
}

fn main() {
    let plant = plant();
    publish(&plant);
    pages(&plant);
    pages_while_others_write(&plant);
}

fn plant() -> Plant {
    let mut sources = Sources::new();
    sources.add("schemas/Pump.yaml", TYPE.as_bytes());
    sources.add("schemas/Hall.yaml", b"type: Hall\nrelations: {contains: {to: [Hall, Pump]}}\n");
    let (catalog, problems) = load(&sources);
    assert!(!problems.has_errors(), "the types of the benchmark load");
    let (view, links) = (View::default(), Committed::default());
    let layout = catalog.layout("Pump").expect("it was just written").clone();
    let hall = catalog.layout("Hall").expect("it was just written").clone();
    let halls = 100_u32;
    for no in 1..=halls {
        insert(&view, no, &format!("hall-{no}"), &hall);
        if no > 1 {
            contain(&links, 1, no);
        }
    }
    let mut cells = Vec::with_capacity(TWINS);
    for number in 0..TWINS {
        let no = halls + 1 + u32::try_from(number).expect("it is small");
        cells.push(insert(&view, no, &format!("pump-{number:06}"), &layout));
        contain(&links, 2 + no % (halls - 1), no);
    }
    for (number, cell) in cells.iter().enumerate() {
        let mut twin = Twin::new(State::clone(&cell.state()));
        for slot in 1..7_u16 {
            twin.apply(&read(slot, (number * 7919 * usize::from(slot) % 10_000) as f64 / 100.0), NOW);
        }
        let mode = Read { value: Value::Enum((number % 4) as u16), slot: SlotNo(7), ..reading(7, 0.0) };
        twin.apply(&Event::Read(mode), NOW);
        cell.publish(twin.state, Seq(1));
    }
    Plant { view, catalog, links, cells }
}

fn insert(view: &View, no: u32, id: &str, layout: &Arc<Layout>) -> Arc<Cell> {
    let id = TwinId::parse(id).expect("an id");
    let cell = Arc::new(Cell::new(Arc::new(State::new(TwinNo(no), id.clone(), layout.clone(), NOW)), Seq(0)));
    view.insert(id, cell.clone());
    cell
}

fn contain(links: &Committed, from: u32, to: u32) {
    let properties = serde_json::Map::new();
    let (from, to) = (TwinNo(from), TwinNo(to));
    let edge = Edge {
        no: EdgeNo(u64::from(to.0)),
        relation: Arc::from(CONTAINS),
        from,
        to,
        properties,
        valid_from: NOW,
        valid_to: None,
        live: false,
    };
    links.begin(&edge, Seq(1));
}

fn reading(slot: u16, value: f64) -> Read {
    Read {
        slot: SlotNo(slot),
        value: Value::Double(value),
        time: NOW,
        received: NOW,
        sent: None,
        quality: Quality::Good,
        reason: Reason::None,
        outcome: Outcome::New,
    }
}

fn read(slot: u16, value: f64) -> Event {
    Event::Read(reading(slot, value))
}

/// Two states of each twin, published by turns in an order that no cache foresees: what is measured is the publication alone.
fn publish(plant: &Plant) {
    let states: Vec<[Arc<State>; 2]> = plant
        .cells
        .iter()
        .map(|cell| {
            let mut twin = Twin::new(State::clone(&cell.state()));
            twin.apply(&read(1, 1.0), NOW);
            [cell.state(), twin.state]
        })
        .collect();
    let class = plant.view.classes().iter().find(|class| &*class.layout.name == "Pump").expect("it has twins").clone();
    let apart: Vec<Arc<Cell>> = plant.cells.iter().map(|cell| Arc::new(Cell::new(cell.state(), Seq(0)))).collect();
    report("publish, to a cell that is in no view", &apart, &states);
    for columns in 0..=7_u16 {
        if columns > 0 {
            class.column(ColumnKey::Slot(SlotNo(columns))).expect("the view is there");
        }
        if matches!(columns, 0 | 1 | 2 | 4 | 7) {
            report(&format!("publish, with {columns} columns"), &plant.cells, &states);
        }
    }
}

fn report(what: &str, cells: &[Arc<Cell>], states: &[[Arc<State>; 2]]) {
    let mut best = Duration::MAX;
    for round in 0..7 {
        let fresh: Vec<Arc<State>> = states.iter().map(|pair| pair[round % 2].clone()).collect();
        let mut at = 0;
        let began = Instant::now();
        for _ in 0..cells.len() {
            at = (at + 61_803) % cells.len();
            cells[at].publish(fresh[at].clone(), Seq(2));
        }
        best = best.min(began.elapsed());
    }
    println!("{what}: {:.0} ns", best.as_secs_f64() * 1e9 / cells.len() as f64);
}

const PAGES: &[(&str, &str, &str)] = &[
    ("all, by id", "{}", "[]"),
    ("temperature above 99 (1 %), by id", r#"{"property": {"name": "temperature", "number": {"gt": 99}}}"#, "[]"),
    ("temperature above 50 (50 %), by id", r#"{"property": {"name": "temperature", "number": {"gt": 50}}}"#, "[]"),
    (
        "temperature above 90 (10 %) and RUN, by pressure",
        r#"{"property": {"name": "temperature", "number": {"gt": 90}}, "and": [{"property": {"name": "mode", "text": {"eq": "RUN"}}}]}"#,
        r#"[{"property": "pressure", "direction": "DESC"}]"#,
    ),
    (
        "temperature above 10 (90 %), by pressure",
        r#"{"property": {"name": "temperature", "number": {"gt": 10}}}"#,
        r#"[{"property": "pressure"}]"#,
    ),
    ("all, by mode and then temperature", "{}", r#"[{"property": "mode"}, {"property": "temperature"}]"#),
    (
        "under the root, temperature above 90, by pressure",
        r#"{"path": {"under": "hall-1"}, "property": {"name": "temperature", "number": {"gt": 90}}}"#,
        r#"[{"property": "pressure"}]"#,
    ),
    ("stale speed, by name", r#"{"property": {"name": "speed", "number": {"stale": false}}}"#, r#"[{"field": "NAME"}]"#),
    ("name like *99, by id", r#"{"name": {"like": "*99"}}"#, "[]"),
];

fn pages(plant: &Plant) {
    let trees = Trees::default();
    for (what, filter, order) in PAGES {
        let times = times(plant, &trees, filter, order, 100);
        println!("page of 50, {what}: median {:.2} ms, p95 {:.2} ms", millis(times[50]), millis(times[95]));
    }
}

fn times(plant: &Plant, trees: &Trees, filter: &str, order: &str, rounds: usize) -> Vec<Duration> {
    let (filter, order) = (serde_json::from_str(filter).expect("JSON"), serde_json::from_str(order).expect("JSON"));
    let (bounds, key) = (Bounds::default(), CursorKey::new([3; 32]));
    let (view, catalog) = (&plant.view, &plant.catalog);
    let access = Access { view, catalog, links: &plant.links, trees, now: NOW, bounds: &bounds, sees_sensitive: true };
    let mut times: Vec<Duration> = (0..=rounds)
        .map(|_| {
            let began = Instant::now();
            let filter = decode_twin_where(&access, "where", Some(&filter)).expect("a filter");
            let order = decode_order(&access, "orderBy", Some(&order)).expect("an order");
            let scope = Scope::Type(Arc::from("Pump"));
            let request = PageRequest { scope, filter, order, first: 50, after: None, belongs_to: 0, key: &key, wants_count: false };
            black_box(page(&access, &request).expect("a page"));
            began.elapsed()
        })
        .skip(1)
        .collect();
    times.sort();
    times
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn pages_while_others_write(plant: &Plant) {
    let (is_over, published) = (AtomicBool::new(false), AtomicU64::new(0));
    let states: Vec<Arc<State>> = plant.cells.iter().map(|cell| cell.state()).collect();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut at = 0;
            while !is_over.load(Ordering::Relaxed) {
                at = (at + 61_803) % states.len();
                let count = published.fetch_add(1, Ordering::Relaxed);
                plant.cells[at].publish(Arc::new(State::clone(&states[at])), Seq(count + 3));
            }
        });
        let (trees, began) = (Trees::default(), Instant::now());
        let (what, filter, order) = PAGES[3];
        let times = times(plant, &trees, filter, order, 1000);
        is_over.store(true, Ordering::Relaxed);
        let rate = published.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64();
        let pages = 1000.0 / began.elapsed().as_secs_f64();
        println!(
            "while another thread makes and publishes {rate:.0} states/s: {pages:.0} pages/s, {what}: median {:.2} ms, p95 {:.2} ms",
            millis(times[500]),
            millis(times[950])
        );
    });
}
