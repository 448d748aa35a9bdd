//! Mistakes of the caller: all at once, each with its place, and nothing is changed.

use expect_test::{Expect, expect};
use serde_json::{Value as Json, json};

use super::{FILES, listed, refused};
use crate::support::World;

fn check(world: &World, ops: Json, expected: &Expect) {
    let before = (world.app().runtime.view().seq(), world.app().runtime.view().count());
    expected.assert_eq(&listed(&refused(world.edit(ops))));
    assert_eq!((world.app().runtime.view().seq(), world.app().runtime.view().count()), before);
    // Nobody is still held.
    assert_eq!(world.post("/ingest/m-1", r#"{"count": 1, "ts": 1}"#).0, 200);
}

#[test]
fn values() {
    let world = World::of(FILES);
    let ops = json!([
        {"update": {"id": "m-1", "set": {"serial": "AB-0002", "spedMax": 4, "temperature": 4, "size": {"widht": 3}, "note": 4}, "unset": ["nothing"]}},
        {"update": {"id": "m-2", "set": {"speedMax": {"value": 4000, "unit": "rpm"}, "size": {"width": {"value": 3, "unit": "kg"}}}, "expectedRevision": 77}},
        {"create": {"id": "m-1", "type": "Machine"}},
        {"create": {"id": "b-1", "type": "Machin", "parent": "nowhere"}},
        {"create": {"id": "tank-9", "type": "Tank", "kind": "DEVICE", "externalIds": [{"namespace": "sap", "value": "1"}]}},
        {"create": {"id": "m-9", "type": "Machine", "set": {"serial": "AB-0001"}}},
        {"update": {"id": "b-1", "name": ""}},
    ]);
    check(&world, ops, &expect![[r#""#]]);
}

#[test]
fn relations() {
    let world = World::of(FILES);
    let ops = json!([
        {"relate": {"source": "m-1", "name": "fedBy", "target": "m-2"}},
        {"relate": {"source": "tank-1", "name": "feeds", "target": "m-2"}},
        {"relate": {"source": "m-1", "name": "feeds", "target": "m-2", "set": {"pipe": "wide", "flow": {"value": 1, "unit": "kg"}}}},
        {"relate": {"name": "feeds", "target": "m-9"}},
        {"unrelate": {"id": "relation/999"}},
        {"move": {"id": "m-1", "parent": "m-9", "hierarchy": "feeds"}},
        {"delete": {"id": "m-9"}},
    ]);
    check(&world, ops, &expect![[r#""#]]);
}

#[test]
fn rules_hold_on_the_result() {
    let world = World::of(FILES);
    let ops = json!([
        {"relate": {"source": "m-1", "name": "feeds", "target": "m-2"}},
        {"relate": {"source": "m-1", "name": "feeds", "target": "m-2"}},
        {"relate": {"source": "m-2", "name": "feeds", "target": "hall-1"}},
        {"move": {"id": "hall-2", "parent": "hall-1"}},
        {"move": {"id": "hall-1", "parent": "hall-2"}},
        {"move": {"id": "m-1", "parent": "m-2"}},
        {"delete": {"id": "hall-1"}},
    ]);
    // A deleted twin cannot be named elsewhere.
    check(&world, ops, &expect![[r#""#]]);
    let ops = json!([
        {"relate": {"source": "m-1", "name": "feeds", "target": "m-2"}},
        {"relate": {"source": "m-1", "name": "feeds", "target": "m-2"}},
        {"relate": {"source": "m-2", "name": "feeds", "target": "hall-1"}},
        {"move": {"id": "hall-2", "parent": "hall-1"}},
        {"move": {"id": "hall-1", "parent": "hall-2"}},
        {"move": {"id": "m-1", "parent": "m-2"}},
    ]);
    check(&world, ops, &expect![[r#""#]]);
    check(&world, json!([{"delete": {"id": "hall-1"}}]), &expect![[r#""#]]);
}
