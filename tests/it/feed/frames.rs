//! From a device's message to a frame.

use std::sync::Arc;
use std::time::Duration;

use pollux::api::frames::{Choice, Filter, FrameKind, Interest, Rate, ReadingFrames, ReadingSelection, SeriesChoice, TwinFrames, frames};
use pollux::reading::{Timestamp, TwinId, Value};
use pollux::twin::State;

use super::{FILES, is_silent, next};
use crate::support::World;

const MESSAGES: u32 = 1000;

fn id(text: &str) -> TwinId {
    TwinId::parse(text).unwrap()
}

fn accepted(world: &World, id: &str, body: &str) {
    let (status, answer) = world.post(&format!("/ingest/{id}"), body.to_owned());
    assert_eq!(status, 200, "{answer}");
}

#[test]
fn the_last_value_of_a_flood_arrives_and_other_twins_are_silent() {
    let world = World::of(&FILES);
    let threads = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let runtime = &world.app().runtime;
    let select = |twin: &str| ReadingSelection {
        series: SeriesChoice::Twins(vec![(id(twin), vec!["flow".into()])]),
        delta_min: None,
        series_max: 10,
    };
    let rate = Rate::of(30.0, 30.0).unwrap();
    let busy = ReadingFrames::new(runtime.feed(), runtime.view_shared(), select("pump-1"), rate);
    let quiet = ReadingFrames::new(runtime.feed(), runtime.view_shared(), select("pump-2"), rate);
    let mut busy = Box::pin(frames(busy, runtime.shared.clock.0.clone(), false));
    let mut quiet = Box::pin(frames(quiet, runtime.shared.clock.0.clone(), false));
    threads.block_on(async {
        assert_eq!(next(&mut busy).await.v_json().to_string(), "[null]");
        assert_eq!(next(&mut quiet).await.kind, FrameKind::Snapshot);
    });
    let address = world.mqtt();
    let device = std::thread::spawn(move || {
        let mut sender = crate::support::Sender::v5(address, "device");
        for message in 1..=MESSAGES {
            let time = 1_767_261_600_000_u64 - u64::from(MESSAGES - message);
            sender.publish("pollux/pump-1/telemetry", format!(r#"{{"flow": {message}, "ts": {time}}}"#).as_bytes());
        }
    });
    let (mut frames, mut folded) = (0, 0);
    threads.block_on(async {
        loop {
            let frame = next(&mut busy).await;
            (frames, folded) = (frames + 1, folded + frame.coalesced);
            if frame.values == [f64::from(MESSAGES)] {
                break;
            }
        }
        assert!(is_silent(&mut quiet).await, "its twin did nothing");
    });
    assert!(frames < MESSAGES && folded > 0, "{frames} frames, {folded} folded");
    device.join().unwrap();
    assert_eq!(runtime.feed().watches(), 2);
    drop((busy, quiet));
    assert_eq!(runtime.feed().watches(), 0, "nothing is left of a client that has gone");
}

#[derive(Debug)]
struct Hot;

impl Filter for Hot {
    fn matches(&self, state: &State, _now: Timestamp) -> bool {
        let Some(slot) = state.layout.slot_by_path("heat") else { return false };
        matches!(state.slot(slot).value, Some(Value::Double(heat)) if heat > 50.0)
    }
}

#[test]
fn twins_join_and_leave_a_filter_as_their_values_change() {
    let world = World::of(&FILES);
    let threads = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let runtime = &world.app().runtime;
    let choice = Choice::Matching { filter: Arc::new(Hot), limit: 10 };
    let hot = TwinFrames::new(runtime.feed(), runtime.view_shared(), choice, Interest::all(), Rate::of(30.0, 30.0).unwrap());
    let mut hot = Box::pin(frames(hot, runtime.shared.clock.0.clone(), false));
    threads.block_on(async { assert!(next(&mut hot).await.twins.is_empty()) });
    accepted(&world, "pump-3", r#"{"heat": 80}"#);
    let frame = threads.block_on(next(&mut hot));
    assert_eq!((frame.kind, frame.twins[0].state.id.as_str()), (FrameKind::Delta, "pump-3"));
    assert!(frame.twins[0].seq <= runtime.view().seq());
    accepted(&world, "pump-2", r#"{"heat": 20}"#);
    assert!(threads.block_on(is_silent(&mut hot)));
    world.clock.forward(Duration::from_secs(1));
    accepted(&world, "pump-3", r#"{"heat": 30}"#);
    assert_eq!(threads.block_on(next(&mut hot)).removed, [id("pump-3")]);
}
