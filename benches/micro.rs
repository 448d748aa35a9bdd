//! What the steps of one measurement cost, one by one: `cargo bench --bench micro`. Nanoseconds of one thread, the best of several rounds.

#![expect(clippy::expect_used, clippy::print_stdout, clippy::disallowed_methods, reason = "a benchmark measures time and prints it")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pollux::catalog::binding::Unmapped;
use pollux::catalog::{Layout, load};
use pollux::codec::{Decoded, native};
use pollux::journal::{Config, checkpoint, open, record};
use pollux::reading::{Group, Seq, Timestamp, TwinId, TwinNo, Value};
use pollux::source::Sources;
use pollux::twin::{Input, Received, State, Twin, step};

const ROUNDS: usize = 7;
const TURNS: i64 = 200_000;

const TYPE: &str = "type: Machine
telemetry:
  temperature: {type: double, unit: degC, min: -40, max: 250}
  pressure: {type: double, unit: bar}
  speed: {type: double, unit: rpm}
  current: double
  torque: double
  load: double
  count: int
  mode: {type: enum, values: {IDLE: 0, RUN: 1}}
";

fn main() {
    let layout = layout();
    decode(&layout);
    step_and_apply(&layout);
    follow();
    encode(&layout);
    journal();
}

fn layout() -> Arc<Layout> {
    layout_with("")
}

fn layout_with(logic: &str) -> Arc<Layout> {
    let mut sources = Sources::new();
    sources.add("schemas/Machine.yaml", format!("{TYPE}{logic}").as_bytes());
    let (catalog, problems) = load(&sources);
    assert!(!problems.has_errors(), "the type of the benchmark loads");
    catalog.layout("Machine").expect("it was just written").clone()
}

fn message(turn: i64) -> String {
    format!(r#"{{"temperature": {}.5, "pressure": 2.25, "speed": 1480, "ts": {}}}"#, turn % 90, 1_767_225_600_000 + turn)
}

fn decode(layout: &Layout) {
    let messages: Vec<String> = (0..1000).map(message).collect();
    let mut decoded = Decoded::default();
    report("decode a message of three readings", TURNS, &mut |turn| {
        let payload = messages[usize::try_from(turn % 1000).expect("small")].as_bytes();
        native::decode(layout, &layout.telemetry_fields, &Unmapped::Count, payload, &mut decoded).expect("it is well formed");
        black_box(&decoded);
    });
}

fn group(layout: &Layout, turn: i64) -> Group {
    let mut decoded = Decoded::default();
    native::decode(layout, &layout.telemetry_fields, &Unmapped::Count, message(turn).as_bytes(), &mut decoded).expect("it is well formed");
    decoded.groups.remove(0)
}

fn twin(layout: &Arc<Layout>) -> Twin {
    let id = TwinId::parse("machine-1").expect("an id");
    Twin::new(State::new(TwinNo(1), id, layout.clone(), Timestamp(0)))
}

fn input(group: Group) -> Input {
    Input::Readings { group, received: Received { at: Timestamp(i64::MAX / 2), future_tolerance: Duration::ZERO } }
}

/// With a reader that holds the state of before, as the view does: so each change copies the state.
fn step_and_apply(layout: &Arc<Layout>) {
    let mut twin = twin(layout);
    let mut seen = twin.state.clone();
    let mut group = group(layout, 0);
    let mut time = 0;
    report("step and apply it, with a reader of the state before", TURNS, &mut |_| {
        time += 1;
        group.time = Some(Timestamp(time));
        black_box(step(&mut twin, &input(group.clone()), Timestamp(i64::MAX / 2)));
        seen = twin.state.clone();
        black_box(&seen);
    });
}

/// Windows of the kinds that people write.
const WINDOWS: [&str; 5] = [
    "agg: avg, window: {sliding: 10m}",
    "agg: avg, window: {tumbling: 1m}",
    "agg: max, window: {hopping: 5m, every: 1m}",
    "agg: avg, window: {count: 100}",
    "agg: rate, window: {sliding: 10m}",
];

/// What rules cost whose members each message carries, and which never come true.
fn follow() {
    let short = ["agg: avg, window: {sliding: 5s}"];
    for (thresholds, windows, kinds, apart) in [
        (0, 0, &[][..], 1_000_000),
        (1, 0, &[], 1_000_000),
        (5, 0, &[], 1_000_000),
        (0, 1, &WINDOWS[..1], 1_000_000),
        (0, 5, &WINDOWS, 1_000_000),
        (5, 5, &WINDOWS, 1_000_000),
        // The worst: at each reading another one falls out, at an instant of its own.
        (0, 5, &short, 3333),
    ] {
        let layout = layout_with(&logic(thresholds, windows, kinds));
        let mut twin = twin(&layout);
        let mut seen = twin.state.clone();
        let mut group = group(&layout, 0);
        let (mut time, mut out, mut bytes) = (0, Vec::new(), 0);
        let what = format!("step, apply and encode with {thresholds} thresholds and {windows} rules over windows, each {apart} µs");
        report(&what, TURNS, &mut |turn| {
            time += apart;
            group.time = Some(Timestamp(time));
            group.readings[0].value = Value::Double(turn.rem_euclid(90) as f64);
            let before = twin.state.revision;
            let events = step(&mut twin, &input(group.clone()), Timestamp(i64::MAX / 2)).events;
            out.clear();
            record::encode_happened(Timestamp(0), TwinNo(1), before, &events, &mut out);
            bytes = out.len();
            seen = twin.state.clone();
            black_box((&seen, &out));
        });
        println!("  {bytes} bytes");
    }
}

fn logic(thresholds: usize, windows: usize, kinds: &[&str]) -> String {
    let members = ["temperature", "pressure", "speed"];
    let member = |no: usize| members[no % members.len()];
    let mut computed: Vec<String> = Vec::new();
    let mut rules: Vec<String> = Vec::new();
    for no in 0..thresholds {
        rules.push(format!("  - {{id: limit{no}, when: \"{} > 9000\", onDelay: 10s}}\n", member(no)));
    }
    for no in 0..windows {
        computed.push(format!("  figure{no}: {{of: {}, {}}}\n", member(no), kinds[no % kinds.len()]));
        rules.push(format!("  - {{id: trend{no}, when: \"figure{no} > 9000\", deadband: 1}}\n"));
    }
    let section = |name: &str, lines: &[String]| if lines.is_empty() { String::new() } else { format!("{name}:\n{}", lines.concat()) };
    section("computed", &computed) + &section("rules", &rules)
}

fn encode(layout: &Arc<Layout>) {
    let mut twin = twin(layout);
    let before = twin.state.revision;
    let events = step(&mut twin, &input(group(layout, 1)), Timestamp(i64::MAX / 2)).events;
    let mut out = Vec::new();
    report("encode its events for the journal", TURNS, &mut |_| {
        out.clear();
        record::encode_start(Timestamp(0), &mut out);
        record::encode_happened(Timestamp(0), TwinNo(1), before, &events, &mut out);
        black_box(&out);
    });
    println!("  {} bytes", out.len());
    report("encode a checkpoint of the twin", TURNS, &mut |_| {
        out.clear();
        checkpoint::encode_twin(&twin, &mut out);
        black_box(&out);
    });
    println!("  {} bytes", out.len());
}

/// Appending from one thread, and until the last entry is on disk.
fn journal() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let recovered = open(Config::new(folder.path().join("journal")), Seq(0), &mut |_, _| Ok(())).expect("a new journal");
    let journal = recovered.start::<()>(|group| drop(black_box(group))).expect("it starts");
    let entries = 2_000_000_u32;
    let began = Instant::now();
    for _ in 0..entries {
        journal.append_blocking(|out| out.extend_from_slice(&[7; 100]), ()).expect("it is open");
    }
    journal.close().expect("it closes");
    let spent = began.elapsed();
    println!("journal: {:.0} entries of 100 bytes a second, appended and synced", f64::from(entries) / spent.as_secs_f64());
}

fn report(what: &str, turns: i64, turn: &mut dyn FnMut(i64)) {
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        (0..turns).for_each(&mut *turn);
        best = best.min(began.elapsed());
    }
    println!("{what}: {:.0} ns", best.as_secs_f64() * 1e9 / turns as f64);
}
