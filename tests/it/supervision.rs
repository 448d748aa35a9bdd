//! A twin whose actor crashes: it is rebuilt from what is committed, takes nobody with it, and one that keeps crashing is left alone for a while.
//!
//! There is no input that makes a twin panic, so the clock does it: it is a trap for the actor when it asks for the time.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use pollux::reading::SlotNo;
use pollux::runtime::twin_actor::TwinMsg;

use crate::support::World;

const FILES: &[(&str, &str)] = &[
    ("pollux.toml", "[runtime]\nrestarts_max = 2\nrestart_window = \"60s\"\nfault_rest = \"30s\"\n"),
    ("schemas/Line.yaml", "type: Line\nrelations: {contains: {to: [Pump]}}\n"),
    ("schemas/Pump.yaml", "type: Pump\ntelemetry: {flow: {type: double}, pressure: {type: double}}\n"),
    (
        "twins/plant.yaml",
        "twins:\n  - {id: line, type: Line}\n  - {id: pump, type: Pump, in: line}\n  - {id: other, type: Pump, in: line}\n",
    ),
];

/// Messages behind the one over which a twin crashes.
const MAIL: u64 = 50;

/// The actor of `pump` is caught in the middle of a message, and crashes when the clock springs.
fn catch_pump(world: &World) {
    let resident = world.app().runtime.shared.directory.by_id("pump").unwrap();
    world.until("the pump is awake", || resident.actor().is_some());
    world.clock.set_trap();
    resident.actor().unwrap().send_message(TwinMsg::Save).unwrap();
    world.clock.wait_until_caught();
}

/// Comes back when the crash has been noticed.
fn crash_pump(world: &World) {
    let observe = || world.app().runtime.observe("pump").unwrap();
    let before = observe().restarts;
    catch_pump(world);
    world.clock.spring();
    world.until("the crash is noticed", || observe().restarts > before);
}

fn accepted(world: &World, id: &str, body: &str) {
    let (status, answer) = world.post(&format!("/ingest/{id}"), body.to_owned());
    assert_eq!(status, 200, "{answer}");
}

#[test]
fn a_twin_that_crashes_is_rebuilt_and_takes_nobody_with_it() {
    let world = World::of(FILES);
    accepted(&world, "pump", r#"{"flow": 1}"#);
    accepted(&world, "other", r#"{"flow": 2}"#);
    let (before, other) = (world.state("pump"), world.app().runtime.shared.directory.by_id("other").unwrap().actor().unwrap().get_id());
    crash_pump(&world);
    world.until("the pump is back", || world.app().runtime.observe("pump").unwrap().state == "AWAKE");
    assert_eq!(world.state("pump"), before);

    let seen = world.app().runtime.observe("pump").unwrap();
    assert_eq!(seen.restarts, 1);
    assert!(seen.last_error.as_deref().unwrap_or_default().contains("a trap"), "{seen:?}");
    assert_eq!(world.metric("pollux_actor_restarts_total"), 1);
    let neighbour = world.app().runtime.shared.directory.by_id("other").unwrap();
    assert_eq!((neighbour.actor().unwrap().get_id(), neighbour.observe().restarts), (other, 0));

    // It goes on where it was, and knows what it was told before.
    world.clock.forward(Duration::from_secs(1));
    accepted(&world, "pump", r#"{"pressure": 3}"#);
    let after = world.state("pump");
    assert!(after.revision > before.revision);
    assert_eq!(after.slot(SlotNo(0)), before.slot(SlotNo(0)));
}

/// Its creation and its readings are in no journal any more; what was stored of it is all there is.
#[test]
fn a_twin_that_crashes_is_rebuilt_also_after_the_journal_has_forgotten_it() {
    let mut files = FILES.to_vec();
    let quick = "[runtime]\ncheckpoint_every = \"1s\"\n[store]\nsync_every = \"100ms\"\n";
    files[0].1 = quick;
    let world = World::lasting(&files);
    accepted(&world, "pump", r#"{"flow": 1, "pressure": 2}"#);
    let before = world.state("pump");
    let first = segments(&world).into_iter().next().unwrap();

    let mut ts = 0;
    world.until("the journal has forgotten its first segment", || {
        let lines: Vec<String> =
            (ts..ts + 1000).map(|ts| format!(r#"{{"twin": "other", "ts": {ts}, "values": {{"flow": {ts}.5}}}}"#)).collect();
        ts += 1000;
        let (status, answer) = world.post("/ingest", lines.join("\n"));
        assert_eq!(status, 200, "{answer}");
        !first.exists()
    });
    crash_pump(&world);
    world.until("the pump is back", || world.app().runtime.observe("pump").unwrap().state == "AWAKE");
    assert_eq!(world.state("pump"), before);
    world.clock.forward(Duration::from_secs(1));
    accepted(&world, "pump", r#"{"pressure": 3}"#);
    assert_eq!(world.state("pump").slot(SlotNo(0)), before.slot(SlotNo(0)));
}

fn segments(world: &World) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(world.journal()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.is_file());
    paths.sort();
    paths
}

#[test]
fn mail_of_a_twin_that_crashes_is_offered_again() {
    let world = World::of(FILES);
    accepted(&world, "pump", r#"{"flow": 1}"#);
    let resident = world.app().runtime.shared.directory.by_id("pump").unwrap();
    let mut sender = world.sender("device");
    catch_pump(&world);
    let ids: Vec<u16> =
        (0..MAIL).map(|n| sender.send("pollux/pump/telemetry", format!("{{\"flow\": {n}, \"ts\": {n}}}").as_bytes())).collect();
    world.until("some of it is in the mailbox", || resident.observe().mailbox > 1);
    world.clock.spring();
    for id in ids {
        assert_eq!(sender.answer(id), "ack");
    }
    assert_eq!(resident.observe().restarts, 1);
    assert_eq!(world.metric("pollux_readings_total{outcome=\"out_of_order\"}"), MAIL);
}

#[test]
fn a_twin_that_keeps_crashing_is_left_alone_and_comes_back() {
    let world = World::of(FILES);
    accepted(&world, "other", r#"{"flow": 2}"#);
    accepted(&world, "pump", r#"{"flow": 1}"#);
    for _ in 0..3 {
        crash_pump(&world);
    }
    let runtime = &world.app().runtime;
    world.until("the pump is left alone", || runtime.observe("pump").unwrap().state == "FAULTED");
    assert_eq!(runtime.observe("line").unwrap().fault_below.as_deref(), Some("pump"));
    assert_eq!(world.metric("pollux_twins{state=\"FAULTED\"}"), 1);

    // Senders hear that it is not their fault, and others notice nothing.
    let mut sender = world.sender("device");
    let id = sender.send("pollux/pump/telemetry", br#"{"flow": 3}"#);
    assert_eq!(sender.answer_code(id), Some(0x97));
    let (status, answer) = world.post("/ingest/pump", r#"{"flow": 3}"#.to_owned());
    assert_eq!(status, 503, "{answer}");
    accepted(&world, "other", r#"{"flow": 4}"#);
    assert_eq!(sender.publish("pollux/other/telemetry", br#"{"flow": 5, "ts": 1}"#), "ack");
    // Readers still see what is committed.
    assert_eq!(world.json("/admin/twins/pump")["telemetry"]["flow"]["value"], 1.0);

    // After its rest it is tried again.
    world.clock.forward(Duration::from_secs(31));
    accepted(&world, "pump", r#"{"flow": 6}"#);
    world.until("the line is well", || runtime.observe("line").unwrap().fault_below.is_none());
    assert_eq!(runtime.observe("pump").unwrap().state, "AWAKE");
    assert_eq!(world.json("/admin/twins/pump")["telemetry"]["flow"]["value"], 6.0);
}
