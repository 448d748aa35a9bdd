//! Changes while everything is in motion: readings, other changes, crashes of the twins that are changed.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use pollux::runtime::edit::Error;
use serde_json::json;

use super::{FILES, property, related};
use crate::support::World;

#[test]
fn a_twin_is_changed_under_full_ingest() {
    let mut world = World::of(FILES);
    let (done, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let _end = Raise(&done);
        for device in ["left", "right"] {
            let (world, done, sent) = (&world, &done, &sent);
            scope.spawn(move || {
                let mut sender = world.sender(device);
                while !done.load(Ordering::Relaxed) {
                    let ids: Vec<u16> = (0..20)
                        .map(|_| {
                            let count = sent.fetch_add(1, Ordering::Relaxed);
                            sender.send("pollux/m-1/telemetry", format!("{{\"count\": {count}, \"ts\": {count}}}").as_bytes())
                        })
                        .collect();
                    for id in ids {
                        assert_eq!(sender.answer(id), "ack");
                    }
                }
            });
        }
        for round in 0..50 {
            world
                .edit(json!([{"update": {"id": "m-1", "set": {"speedMax": round}}}, {"update": {"id": "m-2", "set": {"speedMax": round}}}]))
                .unwrap();
            assert_eq!(property(&world, "m-1", "speedMax"), json!(f64::from(round)));
            let parent = format!("hall-{}", 1 + round % 2);
            world.edit(json!([{"move": {"id": "m-1", "parent": parent}}])).unwrap();
            assert_eq!(related(&world, "m-1", "in", "contains"), [parent]);
        }
    });
    world.settled();
    let before = world.state("m-1");
    assert!(before.revision.0 > 2 * sent.load(Ordering::Relaxed), "every reading is there");
    world.kill();
    world.start();
    assert_eq!(world.state("m-1"), before);
}

#[test]
fn changes_that_cross_are_done_one_after_the_other() {
    let world = World::of(FILES);
    let conflicts = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for turn in 0..4 {
            let (world, conflicts) = (&world, &conflicts);
            scope.spawn(move || {
                for round in 0..25 {
                    let (first, second) = if turn % 2 == 0 { ("m-1", "m-2") } else { ("m-2", "m-1") };
                    world.edit(json!([{"update": {"id": first, "set": {"note": format!("{turn}-{round}")}}}, {"update": {"id": second, "set": {"note": format!("{turn}-{round}")}}}])).unwrap();
                    // Only one of those who saw the same revision gets through.
                    let revision = world.state("m-1").revision.0;
                    if world.edit(json!([{"update": {"id": "m-1", "name": format!("{turn}-{round}"), "expectedRevision": revision}}])).is_err() {
                        conflicts.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!(property(&world, "m-1", "note"), property(&world, "m-2", "note"));
    println!("{} conflicts", conflicts.load(Ordering::Relaxed));
}

#[test]
fn two_moves_that_would_make_a_ring_do_not_both_succeed() {
    let world = World::of(FILES);
    std::thread::scope(|scope| {
        let moves = [("hall-1", "hall-2"), ("hall-2", "hall-1")].map(|(id, parent)| {
            let world = &world;
            scope.spawn(move || world.edit(json!([{"move": {"id": id, "parent": parent}}])).is_ok())
        });
        let succeeded = moves.into_iter().map(|moved| moved.join().unwrap()).filter(|moved| *moved).count();
        assert_eq!(succeeded, 1);
    });
}

#[test]
fn a_crowd_asks_with_one_key_and_one_twin_is_made() {
    let world = World::of(FILES);
    let count = world.app().runtime.view().count();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let options = pollux::runtime::edit::Options { dry_run: false, key: Some("k".to_owned()) };
                world.edit_with(json!([{"create": {"type": "Machine"}}]), options).unwrap();
            });
        }
    });
    assert_eq!(world.app().runtime.view().count(), count + 1);
}

/// There is no input over which a twin crashes, so the clock does it, while the message of the editor waits behind.
#[test]
fn a_twin_that_crashes_before_it_is_held_is_changed_by_the_next_try() {
    let world = World::of(FILES);
    assert_eq!(world.post("/ingest/m-1", r#"{"count": 1}"#).0, 200);
    let resident = world.app().runtime.shared.directory.by_id("m-1").unwrap();
    world.until("it is awake", || resident.actor().is_some());
    world.clock.set_trap();
    resident.actor().unwrap().send_message(pollux::runtime::twin_actor::TwinMsg::Save).unwrap();
    world.clock.wait_until_caught();
    let ops = json!([{"update": {"id": "m-1", "set": {"speedMax": 7}}}, {"update": {"id": "m-2", "set": {"speedMax": 7}}}]);
    std::thread::scope(|scope| {
        let held = scope.spawn(|| world.edit(ops.clone()));
        world.until("the editor asks for it", || resident.observe().mailbox > 0);
        world.clock.spring();
        match held.join().unwrap() {
            Err(Error::Unavailable(reason)) => assert!(reason.contains("m-1"), "{reason}"),
            other => panic!("{other:?}"),
        }
    });
    assert_eq!(property(&world, "m-2", "speedMax"), json!(500.0), "nothing was changed");
    world.edit(ops).unwrap();
    assert_eq!((property(&world, "m-1", "speedMax"), property(&world, "m-1", "count")), (json!(7.0), json!(1)));
    assert_eq!(property(&world, "m-2", "speedMax"), json!(7.0));
}

/// What holds an actor still is no lock: it may be killed all the while, and is rebuilt with the change or without it, never with half of it.
#[test]
fn actors_that_are_killed_while_they_are_changed_lose_nothing() {
    let mut world = World::of(FILES);
    let done = AtomicBool::new(false);
    let mut wanted = json!(null);
    std::thread::scope(|scope| {
        let _end = Raise(&done);
        scope.spawn(|| {
            let directory = &world.app().runtime.shared.directory;
            while !done.load(Ordering::Relaxed) {
                for id in ["m-1", "m-2"] {
                    directory.by_id(id).and_then(|resident| resident.actor()).inspect(|actor| actor.kill());
                }
                std::thread::park_timeout(Duration::from_micros(300));
            }
        });
        for round in 0..100 {
            world.post("/ingest/m-1", json!({"count": round, "ts": round}).to_string());
            let note = json!(round.to_string());
            let ops = json!([{"update": {"id": "m-1", "set": {"note": note}}}, {"update": {"id": "m-2", "set": {"note": note}}}]);
            match world.edit(ops) {
                Ok(_) => wanted = note,
                Err(Error::Unavailable(_)) => {}
                Err(other) => panic!("{other}"),
            }
            for id in ["m-1", "m-2"] {
                assert_eq!(property(&world, id, "note"), wanted);
            }
        }
    });
    println!("the last change that was made is {wanted}");
    world.kill();
    world.start();
    assert_eq!(property(&world, "m-1", "note"), wanted);
    assert_eq!(property(&world, "m-2", "note"), wanted);
}

/// Ends those who run beside the test, also when it fails.
struct Raise<'a>(&'a AtomicBool);

impl Drop for Raise<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_moved_twin_outlives_its_old_parent() {
    let world = World::of(FILES);
    for id in ["m-1", "m-2", "tank-1"] {
        let body = if id == "tank-1" { r#"{"level": 1}"# } else { r#"{"count": 1}"# };
        assert_eq!(world.post(&format!("/ingest/{id}"), body).0, 200);
    }
    let directory = &world.app().runtime.shared.directory;
    let actor = |id: &str| directory.by_id(id).unwrap().actor().map(|actor| actor.get_id());
    world.until("they are awake", || ["m-1", "m-2", "tank-1"].iter().all(|id| actor(id).is_some()));
    let before = actor("m-1");
    let ops = json!([{"move": {"id": "m-1", "parent": "hall-2"}}, {"move": {"id": "m-2"}}, {"move": {"id": "tank-1", "parent": "hall-2"}}, {"delete": {"id": "hall-1"}}]);
    world.edit(ops).unwrap();
    for ts in 2..50 {
        assert_eq!(world.post("/ingest/m-1", format!("{{\"count\": 2, \"ts\": {ts}}}")).0, 200);
    }
    assert_eq!(actor("m-1"), before, "its actor has gone on");
    assert_eq!(world.metric("pollux_actor_restarts_total"), 0);
}
