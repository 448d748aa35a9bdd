//! What each operation does, and that it is still so after a restart, from the journal alone and from the store.

use std::time::Duration;

use pollux::runtime::edit::{OpResult, Options};
use serde_json::{Value as Json, json};

use super::{FILES, property, related};
use crate::support::World;

fn tell(world: &World, id: &str, body: Json) -> u16 {
    world.post(&format!("/ingest/{id}"), body.to_string()).0
}

/// In both ways in which a program can end.
fn restart(world: &mut World, orderly: bool) {
    if orderly {
        world.stop();
    } else {
        world.kill();
    }
    world.start();
}

#[test]
fn a_twin_is_created_changed_moved_and_deleted() {
    for orderly in [true, false] {
        let mut world = World::lasting(FILES);
        let made = world.edit(json!([
            {"create": {"id": "m-3", "type": "Machine", "name": "Third", "parent": "hall-2", "set": {"speedMax": {"value": 10, "unit": "rps"}, "size": {"width": 2}},
                "externalIds": [{"namespace": "sap", "value": "3"}], "relations": [{"name": "feeds", "target": "tank-2", "set": {"flow": {"value": 1, "unit": "L/s"}}}]}},
            {"create": {"id": "tank-2", "type": "Tank", "set": {"height": 3}, "parent": "hall-2"}},
            {"create": {"type": "Machine"}},
        ]));
        let made = made.unwrap();
        let OpResult::Created { id: generated, .. } = &made.results[2] else { panic!("{made:?}") };
        assert!(generated.starts_with("machine-"), "{generated}");
        assert!(world.app().runtime.view().seq() >= made.seq);
        let look = |world: &World| {
            assert_eq!(property(world, "m-3", "speedMax"), json!(600.0));
            assert_eq!(property(world, "m-3", "size.width"), json!(2.0));
            assert_eq!(property(world, generated, "speedMax"), json!(100.0));
            assert_eq!(&*world.state("m-3").name, "Third");
            assert_eq!(related(world, "hall-2", "out", "contains"), ["m-3", "tank-2"]);
            assert_eq!(related(world, "tank-2", "in", "feeds"), ["m-3"]);
            let directory = &world.app().runtime.shared.directory;
            assert_eq!(directory.by_external_id("sap", "3").unwrap().id.as_str(), "m-3");
            assert_eq!(directory.by_id("m-3").unwrap().parent(), directory.by_id("hall-2").unwrap().no);
        };
        look(&world);
        assert_eq!(tell(&world, "m-3", json!({"count": 5})), 200);
        restart(&mut world, orderly);
        look(&world);
        assert_eq!(property(&world, "m-3", "count"), json!(5));

        let revision = world.state("m-3").revision.0;
        let changed = world.edit(json!([
            {"update": {"id": "m-3", "name": "The third", "set": {"note": "new", "speedMax": null}, "unset": ["speedMax", "size"], "expectedRevision": revision.to_string()}},
            {"move": {"id": "m-3", "parent": "hall-1"}},
        ]));
        changed.unwrap();
        let look = |world: &World| {
            assert_eq!((property(world, "m-3", "note"), property(world, "m-3", "speedMax")), (json!("new"), json!(100.0)));
            assert_eq!(property(world, "m-3", "size.width"), Json::Null);
            assert_eq!(&*world.state("m-3").name, "The third");
            assert_eq!(related(world, "m-3", "in", "contains"), ["hall-1"]);
        };
        look(&world);
        restart(&mut world, orderly);
        look(&world);

        let no = world.state("m-3").no;
        let gone = world.edit(json!([{"delete": {"id": "m-3"}}])).unwrap();
        assert_eq!(gone.results, [OpResult::Deleted { ids: vec!["m-3".to_owned()] }]);
        let look = |world: &World| {
            let runtime = &world.app().runtime;
            assert!(runtime.view().twin("m-3").is_none());
            assert!(runtime.shared.directory.by_external_id("sap", "3").is_none());
            assert_eq!(related(world, "tank-2", "in", "feeds"), Vec::<String>::new());
            assert_eq!(tell(world, "m-3", json!({"count": 6})), 404);
        };
        look(&world);
        world.projected();
        assert!(world.row("m-3")["deleted"].is_i64());
        assert_eq!(world.stored_edges(), world.edges());
        restart(&mut world, orderly);
        look(&world);
        // The id may be used again; the number may not.
        world.edit(json!([{"create": {"id": "m-3", "type": "Machine"}}])).unwrap();
        assert!(world.state("m-3").no > no);
        assert_eq!(property(&world, "m-3", "count"), Json::Null);
        world.projected();
        assert!(world.row("m-3")["deleted"].is_null());
        restart(&mut world, orderly);
        assert_eq!(world.state("m-3").revision.0, world.row("m-3")["revision"].as_u64().unwrap());
    }
}

#[test]
fn a_number_is_not_given_again_after_the_journal_has_forgotten_the_twin() {
    let settings = ("pollux.toml", "[runtime]\ncheckpoint_every = \"1s\"\n");
    let files: Vec<_> = FILES.iter().copied().chain([settings]).collect();
    let mut world = World::lasting(&files);
    world.edit(json!([{"create": {"id": "x", "type": "Machine"}}])).unwrap();
    let no = world.state("x").no;
    world.edit(json!([{"delete": {"id": "x"}}])).unwrap();
    world.stop();
    world.start();
    assert!(world.app().found.replayed == 0);
    world.edit(json!([{"create": {"id": "x", "type": "Machine"}}])).unwrap();
    assert!(world.state("x").no > no);
}

#[test]
fn a_subtree_goes_as_a_whole() {
    let mut world = World::of(FILES);
    world.post("/ingest/m-1", r#"{"count": 1}"#);
    let gone = world.edit(json!([{"delete": {"id": "hall-1", "subtree": true}}])).unwrap();
    let OpResult::Deleted { ids } = &gone.results[0] else { panic!("{gone:?}") };
    assert_eq!((&*ids[0], ids.len()), ("hall-1", 4));
    assert_eq!(world.app().runtime.view().count(), 1);
    // The files still describe all of it, and say nothing new.
    world.kill();
    world.start();
    assert_eq!(world.app().runtime.view().count(), 1);
    assert_eq!(world.app().applied.left_deleted, 4);
    // Now they do, of one.
    let plant = FILES.iter().find(|(path, _)| *path == "twins/plant.yaml").unwrap().1;
    world.write("twins/plant.yaml", &plant.replace("{speedMax: 500}", "{speedMax: 600}"));
    world.kill();
    world.start();
    assert_eq!(property(&world, "m-2", "speedMax"), json!(600.0));
    assert_eq!(world.app().runtime.view().count(), 2);
}

#[test]
fn what_was_changed_while_running_outlives_a_start_with_the_same_files() {
    let mut world = World::lasting(FILES);
    let edges = world.edges();
    let feeds = edges.iter().find(|edge| &*edge.relation == "feeds").unwrap().no.0;
    world
        .edit(json!([
            {"move": {"id": "m-2", "parent": "hall-2"}},
            {"relate": {"source": "m-2", "name": "feeds", "target": "m-1", "set": {"pipe": "DN20"}}},
            {"unrelate": {"id": format!("relation/{feeds}")}},
            {"move": {"id": "m-2", "hierarchy": "powers", "parent": "m-1"}},
        ]))
        .unwrap();
    for orderly in [false, true] {
        restart(&mut world, orderly);
        assert_eq!(related(&world, "m-2", "in", "contains"), ["hall-2"]);
        assert_eq!(related(&world, "m-2", "out", "feeds"), ["m-1"]);
        assert_eq!(related(&world, "m-1", "out", "feeds"), Vec::<String>::new());
        assert_eq!(related(&world, "m-2", "in", "powers"), ["m-1"]);
        assert_eq!(world.app().applied.edges_begun, 0);
    }
    // A file that says something new wins.
    let plant = FILES.iter().find(|(path, _)| *path == "twins/plant.yaml").unwrap().1;
    world.write(
        "twins/plant.yaml",
        &format!(
            "{}  - {{id: hall-3, type: Hall}}\n",
            plant.replace("{id: m-2, type: Machine, in: hall-1", "{id: m-2, type: Machine, in: hall-3")
        ),
    );
    world.stop();
    world.start();
    assert_eq!(related(&world, "m-2", "in", "contains"), ["hall-3"]);
}

#[test]
fn a_setting_is_asked_of_the_device() {
    let mut world = World::lasting(FILES);
    world.edit(json!([{"create": {"id": "s-1", "type": "Sensor", "set": {"interval": "PT5S"}}}])).unwrap();
    for life in 0..3 {
        let state = world.state("s-1");
        let slot = state.layout.slot_by_path("interval").unwrap();
        assert!(state.slot(slot).value.is_none());
        assert_eq!(state.layout.slot(slot).to_json(&state.desired(slot).unwrap().value), json!("PT5S"));
        restart(&mut world, life == 0);
    }
    world.edit(json!([{"update": {"id": "s-1", "unset": ["interval"]}}])).unwrap();
    assert!(world.state("s-1").desired.is_empty());
}

#[test]
fn a_device_that_is_bound_while_running_measures_its_asset() {
    let world = World::of(FILES);
    let bound = world.edit(json!([
        {"create": {"id": "s-1", "type": "Sensor", "relations": [{"name": "observes", "target": "tank-1", "set": {"map": ["level"]}}]}},
    ]));
    let OpResult::Created { relations, .. } = &bound.unwrap().results[0] else { panic!() };
    assert_eq!(tell(&world, "s-1", json!({"level": 150})), 200);
    assert_eq!(property(&world, "tank-1", "level"), json!(1.5));
    world.clock.forward(Duration::from_secs(1));
    world.edit(json!([{"unrelate": {"id": relations[0]}}])).unwrap();
    world.clock.forward(Duration::from_secs(1));
    assert_eq!(tell(&world, "s-1", json!({"level": 180})), 200);
    assert_eq!(property(&world, "tank-1", "level"), json!(1.5));
}

#[test]
fn a_dry_run_says_what_would_be() {
    let world = World::of(FILES);
    let seq = world.app().runtime.view().seq();
    let ops = json!([{"update": {"id": "m-1", "set": {"speedMax": 7}}}, {"create": {"id": "x", "type": "Machine"}}]);
    let would = world.edit_with(ops, Options { dry_run: true, key: None }).unwrap();
    let slot = world.state("m-1").layout.slot_by_path("speedMax").unwrap();
    let values = |state: &pollux::twin::State| state.slot(slot).value.clone();
    let change = would.twins.iter().find(|change| change.before.is_some()).unwrap();
    assert_ne!(values(change.before.as_ref().unwrap()), values(&change.after));
    assert_eq!(property(&world, "m-1", "speedMax"), json!(100.0));
    assert!(world.app().runtime.view().twin("x").is_none());
    assert_eq!(world.app().runtime.view().seq(), seq);
    assert_eq!(tell(&world, "m-1", json!({"count": 1})), 200);
}

#[test]
fn a_key_is_answered_again_also_after_a_restart() {
    let mut world = World::lasting(FILES);
    let key = |key: &str| Options { dry_run: false, key: Some(key.to_owned()) };
    let ops = json!([{"create": {"type": "Machine"}}]);
    let first = world.edit_with(ops.clone(), key("a")).unwrap();
    assert!(!first.repeated);
    let count = world.app().runtime.view().count();
    for life in 0..4 {
        let again = world.edit_with(ops.clone(), key("a")).unwrap();
        assert!(again.repeated);
        assert_eq!((again.seq, &again.results), (first.seq, &first.results));
        assert_eq!(world.app().runtime.view().count(), count);
        restart(&mut world, life % 2 == 1);
    }
    let other = world.edit_with(json!([{"create": {"type": "Tank", "set": {"height": 1}}}]), key("a"));
    assert_eq!(super::refused(other)[0].code, "IDEMPOTENCY_KEY_REUSED");
    world.clock.forward(Duration::from_secs(25 * 3600));
    assert!(!world.edit_with(ops, key("a")).unwrap().repeated);
}

#[test]
fn a_commit_can_be_waited_for() {
    let world = World::lasting(FILES);
    let made = world.edit(json!([{"create": {"id": "x", "type": "Machine"}}])).unwrap();
    assert!(world.wait_for(made.seq, true));
    assert_eq!(world.row("x")["type"], "Machine");
}

#[test]
fn what_is_moved_below_a_twin_that_goes_goes_with_all_below_it() {
    let world = World::of(FILES);
    let ops = json!([{"move": {"id": "hall-1", "parent": "hall-1-b"}}, {"create": {"id": "hall-1-b", "type": "Hall", "parent": "hall-2"}}]);
    world.edit(ops).unwrap();
    let ops = json!([{"move": {"id": "hall-1", "parent": "hall-2"}}, {"delete": {"id": "hall-1-b"}}]);
    world.edit(ops).unwrap();
    let ops = json!([{"create": {"id": "top", "type": "Hall"}}, {"move": {"id": "hall-2", "parent": "top"}}]);
    world.edit(ops).unwrap();
    let gone = world.edit(json!([{"move": {"id": "hall-2", "parent": null}}, {"move": {"id": "hall-1", "parent": "m-1"}}]));
    assert!(gone.is_err(), "a machine contains nothing");
    let ops = json!([{"create": {"id": "other", "type": "Hall"}}, {"create": {"id": "below", "type": "Hall", "parent": "other"}}]);
    world.edit(ops).unwrap();
    let gone = world.edit(json!([{"move": {"id": "other", "parent": "hall-2"}}, {"delete": {"id": "top", "subtree": true}}])).unwrap();
    let OpResult::Deleted { ids } = &gone.results[1] else { panic!("{gone:?}") };
    assert_eq!(ids.len(), 8);
    assert_eq!(world.app().runtime.view().count(), 0);
}
