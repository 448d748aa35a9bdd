//! Stories of frames in columns.

use std::sync::Arc;

use crate::api::frames::{Rate, ReadingFrame, ReadingFrames, ReadingSelection, SeriesChoice};
use crate::reading::{Quality, Timestamp, Value};
use crate::twin::Event;

use super::{FLOW, FlowAbove, World, id};

fn columns(world: &World, series: SeriesChoice, delta_min: Option<f64>) -> ReadingFrames {
    let selection = ReadingSelection { series, delta_min, series_max: 6 };
    ReadingFrames::new(&world.feed, world.view.clone(), selection, Rate::of(4.0, 30.0).unwrap())
}

fn series(list: &[(&str, &[&str])]) -> SeriesChoice {
    SeriesChoice::Twins(list.iter().map(|(twin, names)| (id(twin), names.iter().map(|name| Box::from(*name)).collect())).collect())
}

fn show(frame: &ReadingFrame) -> String {
    let (keys, index, v, q) = (frame.keys_json(), frame.index_json(), frame.v_json(), frame.q_json());
    let keys = if keys.is_null() { index } else { keys };
    let truncated = if frame.truncated { " …" } else { "" };
    format!("{} {keys} {v} {q}{truncated}", frame.kind.name())
}

#[test]
fn keys_come_first_and_then_only_what_is_new() {
    let mut world = World::new();
    world.create("a");
    world.create("b");
    world.flow("a", 1.5);
    let wanted = series(&[("b", &["mode", "shake"]), ("a", &["flow", "nothing"]), ("c", &["flow"])]);
    let mut frames = columns(&world, wanted, None);
    let first = world.frame(&mut frames);
    assert_eq!(
        show(&first),
        r#"SNAPSHOT [["b","mode"],["b","shake.x"],["b","shake.y"],["a","flow"],["a","nothing"],["c","flow"]] [null,null,null,1.5,null,null] {"0":"MISSING","1":"MISSING","2":"MISSING","4":"MISSING","5":"MISSING"}"#
    );
    assert_eq!(first.t_json().to_string(), "[null,null,null,1767225600000,null,null]");
    world.forward(1000);
    world.read("b", "mode", Value::Enum(1));
    world.read_as("a", "flow", Value::Double(2.0), Quality::Bad);
    world.read("a", "heat", Value::Double(2.0));
    assert_eq!(show(&world.frame(&mut frames)), r#"DELTA [0,3] ["ON",2.0] {"3":"BAD"}"#);
    world.forward(1000);
    world.create("c");
    assert_eq!(show(&world.frame(&mut frames)), "RESYNC null [] null", "what a twin has is known only now");
    assert_eq!(world.frame(&mut frames).keys.map(|keys| keys.len()), Some(6));
}

#[test]
fn times_keep_their_microseconds() {
    let mut world = World::new();
    world.create("a");
    let mut frames = columns(&world, series(&[("a", &["heat"])]), None);
    world.frame(&mut frames);
    world.forward(1000);
    world.passed += std::time::Duration::from_micros(250);
    world.read("a", "heat", Value::Double(1.0));
    assert_eq!(world.frame(&mut frames).t_json().to_string(), "[1767225601000.25]");
}

#[test]
fn small_changes_stay_within_the_band_and_quality_passes() {
    let mut world = World::new();
    world.create("a");
    world.flow("a", 10.0);
    let mut frames = columns(&world, series(&[("a", &[FLOW])]), Some(1.0));
    world.frame(&mut frames);
    world.forward(1000);
    for value in [10.5, 10.9, 9.2] {
        world.flow("a", value);
        assert_eq!(world.rest(&mut frames), Some(5));
        world.forward(5);
    }
    world.flow("a", 11.0);
    assert_eq!(show(&world.frame(&mut frames)), "DELTA [0] [11.0] null");
    world.forward(1000);
    world.read_as("a", FLOW, Value::Double(11.1), Quality::Uncertain);
    assert_eq!(show(&world.frame(&mut frames)), r#"DELTA [0] [11.1] {"0":"UNCERTAIN"}"#);
    world.forward(10_001);
    assert_eq!(show(&world.frame(&mut frames)), r#"DELTA [0] [11.1] {"0":"STALE"}"#, "it became stale in silence");
    world.flow("a", 11.2);
    world.forward(1000);
    assert_eq!(show(&world.frame(&mut frames)), "DELTA [0] [11.2] null", "it is fresh again");
}

#[test]
fn other_twins_are_other_keys() {
    let mut world = World::new();
    for twin in ["a", "b"] {
        world.create(twin);
        world.flow(twin, 1.0);
    }
    let names = vec![FLOW.into(), "nothing".into()];
    let wanted = SeriesChoice::Matching { filter: Arc::new(FlowAbove(0.5)), names, limit: 10 };
    let mut frames = columns(&world, wanted, None);
    assert_eq!(show(&world.frame(&mut frames)), r#"SNAPSHOT [["a","flow"],["b","flow"]] [1.0,1.0] null"#);
    world.forward(1000);
    world.flow("a", 2.0);
    assert_eq!(show(&world.frame(&mut frames)), "DELTA [0] [2.0] null");
    world.forward(1000);
    world.flow("a", 0.0);
    assert_eq!(show(&world.frame(&mut frames)), "RESYNC null [] null");
    assert_eq!(show(&world.frame(&mut frames)), r#"SNAPSHOT [["b","flow"]] [1.0] null"#);
}

#[test]
fn a_twin_of_another_form_has_other_keys_and_no_more_than_the_most() {
    let mut world = World::new();
    world.create("a");
    let all: &[&str] = &["flow", "heat", "mode", "shake", "note", "flow"];
    let mut frames = columns(&world, series(&[("a", all)]), None);
    let first = world.frame(&mut frames);
    assert_eq!((first.keys.as_ref().map(Vec::len), first.truncated), (Some(6), true));
    world.forward(1000);
    let other = world.other.clone();
    world.happen("a", &[Event::Relaid(other)]);
    assert_eq!(show(&world.frame(&mut frames)), "RESYNC null [] null");
    let second = world.frame(&mut frames);
    assert_eq!((second.keys.as_ref().map(Vec::len), second.truncated), (Some(6), false));
    assert_eq!(second.at, Timestamp(super::START.0 + 1_000_000));
}
