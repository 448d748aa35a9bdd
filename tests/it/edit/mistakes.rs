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
    check(
        &world,
        ops,
        &expect![[r#"
        INVALID_VALUE ops.0.update.set.note: `note` does not fit: expected text, got 4
        NOT_APPLICABLE ops.0.update.set.serial: `serial` is immutable: it is set when the twin is created
        UNKNOWN_PROPERTY ops.0.update.set.size.widht: `size` has no field `widht` [did you mean `width`?]
        UNKNOWN_PROPERTY ops.0.update.set.spedMax: a Machine has no property `spedMax` [did you mean `speedMax`?]
        NOT_APPLICABLE ops.0.update.set.temperature: `temperature` is telemetry of a Machine: it comes from devices
        UNKNOWN_PROPERTY ops.0.update.unset.0: a Machine has no property `nothing` [its properties: serial, speedMax, size, note]
        REVISION_CONFLICT ops.1.update.expectedRevision: `m-2` is at revision 2 [read it again and decide anew]
        WRONG_UNIT ops.1.update.set.size.width.value: `size.width` is in m, and kg does not convert to that
        OUT_OF_RANGE ops.1.update.set.speedMax.value: `speedMax` does not fit: 4000 rpm is above max 3000 rpm
        ALREADY_EXISTS ops.2.create.id: there is a twin `m-1`
        UNKNOWN_TYPE ops.3.create.type: there is no type `Machin` [did you mean `Machine`?]
        INVALID_VALUE ops.4.create.kind: a Tank is of kind ASSET
        REQUIRED ops.4.create.set.height: a Tank needs the property `height`
        ALREADY_EXISTS ops.4.create.externalIds.0: `m-1` has the external id `1` in `sap`
        ALREADY_EXISTS ops.5.create.set.serial: `serial` is unique, and `m-1` has the same value"#]],
    );
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
    check(
        &world,
        ops,
        &expect![[r#"
        INVALID_VALUE ops.0.relate.name: there is no relation `fedBy` [it is the inverse of `feeds`: begin the edge at the other twin]
        NOT_APPLICABLE ops.1.relate.name: a Tank has no relation `feeds` [its relations: none]
        WRONG_UNIT ops.2.relate.set.flow: `flow` does not fit: kg does not convert to L/min
        INVALID_VALUE ops.2.relate.set.pipe: `pipe` does not fit: "wide" does not match the pattern DN[0-9]+
        REQUIRED ops.3.relate.source: an edge needs the twin where it begins
        INVALID_VALUE ops.4.unrelate.id: there is no relation `relation/999` [ids of relations are like `relation/12`]
        UNKNOWN_TWIN ops.5.move.parent: `m-9` is deleted in the same change
        INVALID_VALUE ops.5.move.hierarchy: there is no hierarchy `feeds` [hierarchies: contains, powers]
        UNKNOWN_TWIN ops.6.delete.id: there is no twin `m-9`"#]],
    );
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
    check(
        &world,
        ops,
        &expect![[r#"
        UNKNOWN_TWIN ops.2.relate.target: `hall-1` is deleted in the same change
        UNKNOWN_TWIN ops.3.move.parent: `hall-1` is deleted in the same change
        UNKNOWN_TWIN ops.4.move.id: `hall-1` is deleted in the same change
        HAS_CHILDREN ops.6.delete.id: `hall-1` has children: m-2, tank-1 [delete with `subtree: true`, or move them first]"#]],
    );
    let ops = json!([
        {"relate": {"source": "m-1", "name": "feeds", "target": "m-2"}},
        {"relate": {"source": "m-1", "name": "feeds", "target": "m-2"}},
        {"relate": {"source": "m-2", "name": "feeds", "target": "hall-1"}},
        {"move": {"id": "hall-2", "parent": "hall-1"}},
        {"move": {"id": "hall-1", "parent": "hall-2"}},
        {"move": {"id": "m-1", "parent": "m-2"}},
    ]);
    check(
        &world,
        ops,
        &expect![[r#"
        CARDINALITY ops.1.relate: `m-1` has 3 edges `feeds` at 2026-01-01T10:00:00Z; at most 2 may hold at one time
        WRONG_TARGET_TYPE ops.2.relate.target: `feeds` of `m-2` leads to Machine, Tank; `hall-1` is of type Hall
        CYCLE ops.4.move.parent: a ring in `contains`: hall-1 is below hall-2 is below hall-1
        NOT_APPLICABLE ops.5.move.parent: Machine `m-2` has edges `contains`, which its type does not declare"#]],
    );
    let ops = json!([
        {"create": {"id": "x", "type": "Machine", "relations": [{"name": "feeds", "target": "tank-1"}]}},
        {"delete": {"id": "hall-1", "subtree": true}},
    ]);
    check(&world, ops, &expect!["UNKNOWN_TWIN ops.0.create.relations.0.target: `tank-1` is deleted in the same change"]);
    check(
        &world,
        json!([{"delete": {"id": "hall-1"}}]),
        &expect!["HAS_CHILDREN ops.0.delete.id: `hall-1` has children: m-1, m-2, tank-1 [delete with `subtree: true`, or move them first]"],
    );
}
