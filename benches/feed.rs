//! What the change feed costs the gate, and what its listeners cost: `cargo bench --bench feed`. One thread, the best of several rounds.

#![expect(clippy::expect_used, clippy::print_stdout, clippy::disallowed_methods, reason = "a benchmark measures time and prints it")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pollux::api::frames::{Conflation, Rate, ReadingFrames, ReadingSelection, SeriesChoice, Turn};
use pollux::catalog::{Layout, load};
use pollux::feed::{Feed, Publisher, Types, Watch};
use pollux::reading::{Quality, Reason, Seq, SlotNo, Timestamp, TwinId, TwinNo, Value};
use pollux::source::Sources;
use pollux::twin::{Event, Outcome, Read, State, Twin};
use pollux::view::{Cell, View};

const ROUNDS: usize = 5;
const PUBLISHED: u64 = 100_000;
/// A group of commits at a moderate load.
const GROUP: u64 = 20;
const TWINS: u32 = 1000;

/// A second has four quarters, and a beginning.
type States = [Arc<State>; 5];

fn main() {
    let twins = twins();
    publish("publish while nobody watches", &twins, |_| Vec::new());
    publish("publish what nobody watches, beside 500 watches of other twins", &twins, |feed| {
        (0..500).map(|_| watch(feed, TWINS)).collect()
    });
    publish("publish what one watches", &twins, |feed| (0..5).map(|part| watch(feed, part * 200)).collect());
    publish("publish what 50 watch", &twins, |feed| (0..250).map(|part| watch(feed, part % 5 * 200)).collect());
    publish("publish beside 50 filters of its type", &twins, |feed| (0..50).map(|_| feed.watch_types(Types::All)).collect());
    dashboards(&twins);
}

/// Each twin as it is one after the other.
fn twins() -> Vec<States> {
    let mut sources = Sources::new();
    sources.add("schemas/Machine.yaml", b"type: Machine\ntelemetry: {speed: double, torque: double, load: double, heat: double}\n");
    let (catalog, problems) = load(&sources);
    assert!(!problems.has_errors(), "the type of the benchmark loads");
    let layout = catalog.layout("Machine").expect("it was just written").clone();
    (1..=TWINS).map(|no| twin(no, &layout)).collect()
}

fn twin(no: u32, layout: &Arc<Layout>) -> States {
    let id = TwinId::parse(&format!("machine-{no:05}")).expect("an id");
    let mut twin = Twin::new(State::new(TwinNo(no), id, layout.clone(), Timestamp(0)));
    [1, 2, 3, 4, 5].map(|time| {
        let (time, value) = (Timestamp(time), Value::Double(time as f64));
        let read = Read {
            slot: SlotNo(0),
            value,
            time,
            received: time,
            sent: None,
            quality: Quality::Good,
            reason: Reason::None,
            outcome: Outcome::New,
        };
        twin.apply(&Event::Read(read), time);
        twin.state.clone()
    })
}

/// A watch of 200 twins.
fn watch(feed: &Arc<Feed>, first: u32) -> Watch {
    let mut watch = feed.watch();
    watch.set(&(first + 1..=first + 200).map(|no| Some(TwinNo(no))).collect::<Vec<_>>());
    watch
}

fn publish(what: &str, twins: &[States], watches: impl Fn(&Arc<Feed>) -> Vec<Watch>) {
    let feed = Arc::new(Feed::default());
    let watches = watches(&feed);
    let mut publisher = Publisher::new(feed);
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        for group in 0..PUBLISHED / GROUP {
            if let Some(mut round) = publisher.round() {
                for place in group * GROUP..(group + 1) * GROUP {
                    round.changed(&twins[place as usize % twins.len()][0], Seq(place));
                }
            }
            publisher.wake();
        }
        best = best.min(began.elapsed());
        watches.iter().for_each(|watch| drop(black_box(watch.take())));
    }
    println!("{what}: {:.0} ns", best.as_secs_f64() * 1e9 / PUBLISHED as f64);
}

/// 500 listeners of 200 series each at 4 frames a second, while 10,000 messages a second come in: one second of it.
fn dashboards(twins: &[States]) {
    const MESSAGES: usize = 10_000;
    let (feed, view) = (Arc::new(Feed::default()), Arc::new(View::default()));
    let cells: Vec<Arc<Cell>> = twins.iter().map(|states| Arc::new(Cell::new(states[0].clone(), Seq(0)))).collect();
    twins.iter().zip(&cells).for_each(|(states, cell)| view.insert(states[0].id.clone(), cell.clone()));
    let mut publisher = Publisher::new(feed.clone());
    let rate = Rate::of(4.0, 30.0).expect("a rate");
    let mut machines: Vec<ReadingFrames> = (0..500)
        .map(|number| {
            let chosen = (0..200).map(|place| (twins[(number * 7 + place) % twins.len()][0].id.clone(), vec!["speed".into()])).collect();
            let selection = ReadingSelection { series: SeriesChoice::Twins(chosen), delta_min: None, series_max: 5000 };
            ReadingFrames::new(&feed, view.clone(), selection, rate)
        })
        .collect();
    let start = tokio::time::Instant::now();
    let (mut frames, mut series) = (0, 0);
    let mut poll = |machines: &mut Vec<ReadingFrames>, millis: u64| {
        for machine in machines {
            if let Turn::Frame(frame) = machine.poll(start + Duration::from_millis(millis), Timestamp(9)) {
                (frames, series) = (frames + 1, series + frame.values.len());
                black_box(frame);
            }
        }
    };
    poll(&mut machines, 0);
    let (mut publishing, mut polling) = (Duration::ZERO, Duration::ZERO);
    for quarter in 1..=4 {
        let began = Instant::now();
        for message in 0..MESSAGES / 4 {
            let place = message % twins.len();
            let state = &twins[place][quarter];
            cells[place].publish(state.clone(), Seq(message as u64));
            if let Some(mut round) = publisher.round() {
                round.changed(state, Seq(message as u64));
            }
            publisher.wake();
        }
        publishing += began.elapsed();
        let began = Instant::now();
        poll(&mut machines, quarter as u64 * 250);
        polling += began.elapsed();
    }
    println!(
        "500 listeners of 200 series at 4 Hz, 10,000 messages: {publishing:.1?} on the gate, {polling:.1?} for {frames} frames of {series} values"
    );
}
