//! Stories of twin frames.

use std::sync::Arc;
use std::time::Duration;

use crate::api::frames::{Choice, FrameKind, Interest, Rate, TwinFrame, TwinFrames};
use crate::reading::Value;
use crate::twin::Event;

use super::{FLOW, FlowAbove, World, id};

fn four_hz() -> Rate {
    Rate::of(4.0, 30.0).unwrap()
}

fn named(world: &World, ids: &[&str], interest: Interest) -> TwinFrames {
    let choice = Choice::Twins { ids: ids.iter().map(|text| id(text)).collect(), filter: None };
    TwinFrames::new(&world.feed, world.view.clone(), choice, interest, four_hz())
}

fn above(world: &World, least: f64, limit: usize) -> TwinFrames {
    let choice = Choice::Matching { filter: Arc::new(FlowAbove(least)), limit };
    TwinFrames::new(&world.feed, world.view.clone(), choice, Interest::all(), four_hz())
}

/// Kind, twins, removed, truncated, coalesced.
fn show(frame: &TwinFrame) -> String {
    let twins: Vec<&str> = frame.twins.iter().map(|seen| seen.state.id.as_str()).collect();
    let removed: Vec<&str> = frame.removed.iter().map(|id| id.as_str()).collect();
    let truncated = if frame.truncated { " …" } else { "" };
    format!("{} {twins:?} -{removed:?}{truncated} ~{} @{}", frame.kind.name(), frame.coalesced, frame.seq)
}

#[test]
fn the_first_after_silence_goes_at_once_and_the_last_before_it_is_delivered() {
    let mut world = World::new();
    world.create("a");
    let mut frames = named(&world, &["a"], Interest::all());
    assert_eq!(show(&world.frame(&mut frames)), r#"SNAPSHOT ["a"] -[] ~0 @1"#);
    assert_eq!(world.rest(&mut frames), Some(250), "the snapshot counts for the rate");
    world.forward(1000);
    assert_eq!(world.rest(&mut frames), None);
    world.flow("a", 1.0);
    assert_eq!(show(&world.frame(&mut frames)), r#"DELTA ["a"] -[] ~0 @2"#);
    for value in 2..=10 {
        world.forward(10);
        world.flow("a", f64::from(value));
        assert!(world.rest(&mut frames).is_some());
    }
    world.forward(160);
    let last = world.frame(&mut frames);
    assert_eq!(show(&last), r#"DELTA ["a"] -[] ~8 @11"#);
    assert_eq!(last.twins[0].state.slot(world.slot("a", FLOW)).value, Some(Value::Double(10.0)));
    assert_eq!(last.twins[0].seq, last.seq);
}

#[test]
fn what_is_not_selected_wakes_nobody() {
    let mut world = World::new();
    world.create("a");
    let mut frames = named(&world, &["a"], Interest::members([FLOW.into()]));
    world.frame(&mut frames);
    world.forward(1000);
    world.read("a", "heat", Value::Double(5.0));
    assert_eq!(world.rest(&mut frames), Some(5), "it was looked at in vain");
    world.forward(5);
    assert_eq!(world.rest(&mut frames), None);
    world.happen("a", &[Event::Rested]);
    assert_eq!(world.rest(&mut frames), Some(5));
    world.forward(5);
    world.flow("a", 1.0);
    assert_eq!(world.frame(&mut frames).kind, FrameKind::Delta);
    drop(frames);
    let mut heads = named(&world, &["a"], Interest::members([FLOW.into()]).and_head());
    world.frame(&mut heads);
    world.forward(1000);
    world.happen("a", &[Event::Rested]);
    assert_eq!(world.frame(&mut heads).kind, FrameKind::Delta, "its revision is selected");
}

#[test]
fn a_value_that_becomes_stale_in_silence_makes_a_frame() {
    let mut world = World::new();
    world.create("a");
    world.flow("a", 1.0);
    let mut frames = named(&world, &["a"], Interest::members([FLOW.into()]));
    world.frame(&mut frames);
    world.forward(1000);
    assert_eq!(world.rest(&mut frames), Some(9000));
    world.forward(5000);
    world.flow("a", 2.0);
    world.frame(&mut frames);
    world.forward(5000);
    assert_eq!(world.rest(&mut frames), Some(5000), "the new value has its own time");
    world.forward(5001);
    assert_eq!(show(&world.frame(&mut frames)), r#"DELTA ["a"] -[] ~0 @3"#);
    world.forward(1000);
    assert_eq!(world.rest(&mut frames), None, "it becomes stale once");
}

#[test]
fn twins_come_and_go() {
    let mut world = World::new();
    let mut frames = named(&world, &["a", "b"], Interest::all());
    world.create("a");
    assert_eq!(show(&world.frame(&mut frames)), r#"SNAPSHOT ["a"] -[] ~0 @1"#);
    world.forward(1000);
    world.create("b");
    assert_eq!(show(&world.frame(&mut frames)), r#"DELTA ["b"] -[] ~0 @2"#);
    world.forward(1000);
    world.delete("a");
    assert_eq!(show(&world.frame(&mut frames)), r#"DELTA [] -["a"] ~0 @3"#);
    world.forward(1000);
    world.create("a");
    assert_eq!(show(&world.frame(&mut frames)), r#"DELTA ["a"] -[] ~0 @4"#);
    world.forward(1000);
    world.flow("a", 1.0);
    assert_eq!(show(&world.frame(&mut frames)), r#"DELTA ["a"] -[] ~0 @5"#, "the new one of the same id is watched");
}

#[test]
fn the_first_by_id_are_shown_and_the_others_move_up() {
    let mut world = World::new();
    for twin in ["a", "b", "c", "d", "e"] {
        world.create(twin);
        world.flow(twin, 1.0);
    }
    world.flow("b", 0.0);
    let mut frames = above(&world, 0.5, 2);
    assert_eq!(show(&world.frame(&mut frames)), r#"SNAPSHOT ["a", "c"] -[] … ~0 @11"#);
    let mut step = |world: &mut World| {
        world.forward(1000);
        match world.poll(&mut frames) {
            super::Turn::Frame(frame) => show(&frame),
            super::Turn::Sleep(_) | super::Turn::Listen(_) => "nothing".to_owned(),
        }
    };
    world.flow("e", 2.0);
    assert_eq!(step(&mut world), "nothing", "it matches, but is not shown");
    world.flow("a", 0.0);
    assert_eq!(step(&mut world), r#"DELTA ["d"] -["a"] … ~0 @13"#);
    world.flow("b", 3.0);
    assert_eq!(step(&mut world), r#"DELTA ["b"] -["d"] … ~0 @14"#);
    world.delete("e");
    world.flow("d", 0.0);
    assert_eq!(step(&mut world), r#"DELTA [] -[] ~0 @16"#, "nobody else matches");
    world.create("aa");
    world.flow("aa", 9.0);
    assert_eq!(step(&mut world), r#"DELTA ["aa"] -["c"] … ~1 @18"#);
    let other = world.other.clone();
    world.create_of("ab", &other);
    world.flow("ab", 9.0);
    assert_eq!(step(&mut world), "nothing", "it is of another type");
}

#[test]
fn a_client_that_must_begin_anew_is_told_so() {
    let mut world = World::new();
    world.create("a");
    let mut frames = named(&world, &["a"], Interest::all());
    world.frame(&mut frames);
    let nudge = super::Conflation::watch(&frames).nudge();
    nudge.resync();
    assert_eq!(world.rest(&mut frames), Some(250));
    world.forward(250);
    assert_eq!(show(&world.frame(&mut frames)), "RESYNC [] -[] ~0 @1");
    assert_eq!(show(&world.frame(&mut frames)), r#"SNAPSHOT ["a"] -[] ~0 @1"#);
    world.forward(1000);
    assert_eq!(world.rest(&mut frames), None);
}

#[test]
fn rates_are_clamped() {
    let every = |hz| Rate::of(hz, 30.0).map(Rate::every);
    assert_eq!(every(4.0), Some(Duration::from_millis(250)));
    assert_eq!(every(1000.0), Some(Duration::from_secs_f64(1.0 / 30.0)));
    assert_eq!(every(1e-300), Some(Duration::from_secs(1000)));
    assert_eq!((every(0.0), every(-1.0), every(f64::NAN)), (None, None, None));
}
