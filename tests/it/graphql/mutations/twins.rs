//! Single twins and edges, and many of them in one commit.

use expect_test::expect;
use serde_json::{Value as Json, json};

use super::{FILES, ask, data, data_of, mistakes};
use crate::support::World;

const ERRORS: &str = "userErrors { code path message }";

#[test]
fn a_twin_lives_and_its_answers_show_it() {
    let world = World::of(FILES);
    let made = data(
        &world,
        r#"mutation { createTwin(input: {id: "m-3", type: "Machine", name: "Third", parent: "hall-1", set: {speedMax: {value: 1200, unit: "rpm"}},
             externalIds: {namespace: "sap", value: "3"}, relations: {name: "feeds", target: "tank-1", set: {pipe: "DN20"}}}) {
             userErrors { code } twin { id name revision parent { id } properties(names: "speedMax") { value }
               relations { nodes { name properties target { id } } } } } }"#,
    );
    assert_eq!(
        made["createTwin"],
        json!({"userErrors": [], "twin": {
            "id": "m-3", "name": "Third", "revision": made["createTwin"]["twin"]["revision"], "parent": {"id": "hall-1"},
            "properties": [{"value": 1200.0}],
            "relations": {"nodes": [
                {"name": "contains", "properties": {}, "target": {"id": "m-3"}},
                {"name": "feeds", "properties": {"pipe": "DN20"}, "target": {"id": "tank-1"}},
            ]},
        }})
    );
    let revision = made["createTwin"]["twin"]["revision"].clone();
    let update = r#"mutation($revision: Long) { updateTwin(input: {id: "m-3", name: "Drei", set: {note: "new", serial: null}, unset: "speedMax",
        expectedRevision: $revision}) { seq userErrors { code path message } twin { name properties(names: ["speedMax", "note"]) { name value } } } }"#;
    let updated = data_of(&world, update, json!({"revision": revision}));
    assert_eq!(updated["updateTwin"]["twin"]["name"], "Drei");
    assert_eq!(
        updated["updateTwin"]["twin"]["properties"],
        json!([{"name": "speedMax", "value": 100.0}, {"name": "note", "value": "new"}])
    );
    let conflict = data_of(&world, update, json!({"revision": revision}));
    assert_eq!(conflict["updateTwin"]["userErrors"][0]["code"], "REVISION_CONFLICT");
    assert_eq!((&conflict["updateTwin"]["seq"], &conflict["updateTwin"]["twin"]), (&Json::Null, &Json::Null));

    let moved =
        data(&world, r#"mutation { moveTwin(input: {id: "m-3", parent: "hall-2"}) { twin { path parent { id } } userErrors { code } } }"#);
    assert_eq!(moved["moveTwin"], json!({"twin": {"path": "/hall-2/m-3", "parent": {"id": "hall-2"}}, "userErrors": []}));
    let related = data(
        &world,
        r#"mutation { relate(input: {source: "m-3", name: "feeds", target: "m-1"}) { relation { id source { id } target { id } } userErrors { code } } }"#,
    );
    let edge = related["relate"]["relation"]["id"].as_str().unwrap();
    assert_eq!(related["relate"]["relation"], json!({"id": edge, "source": {"id": "m-3"}, "target": {"id": "m-1"}}));
    let ended = data_of(&world, "mutation($id: ID!) { unrelate(input: {id: $id}) { deleted userErrors { code } } }", json!({"id": edge}));
    assert_eq!(ended["unrelate"], json!({"deleted": [edge], "userErrors": []}));

    let in_the_way = data(&world, r#"mutation { deleteTwin(input: {id: "hall-2"}) { deleted userErrors { code path message } } }"#);
    expect!["HAS_CHILDREN input.id: `hall-2` has children: m-3"].assert_eq(&mistakes(&in_the_way["deleteTwin"]));
    let deleted = data(&world, r#"mutation { deleteTwin(input: {id: "hall-2", subtree: true}) { deleted userErrors { code } } }"#);
    assert_eq!(deleted["deleteTwin"]["deleted"], json!(["hall-2", "m-3"]));
    assert_eq!(data(&world, r#"{ twin(id: "m-3") { id } }"#)["twin"], Json::Null);
}

#[test]
fn mistakes_are_data_with_their_places() {
    let world = World::of(FILES);
    let wrong = data(
        &world,
        &format!(
            r#"mutation {{
            a: createTwin(input: {{id: "m-1", type: "Machine", set: {{speedMax: 9000, sped: 1}}, relations: [{{name: "feeds", target: "nobody"}}]}}) {{ {ERRORS} }}
            b: createTwin(input: {{type: "Maschine"}}) {{ {ERRORS} }}
            c: updateTwin(input: {{id: "m-1", set: 5}}) {{ {ERRORS} }}
            d: updateTwin(input: {{id: "m-1", expectedRevision: -1}}) {{ {ERRORS} }}
            e: relate(input: {{name: "feeds", target: "m-1"}}) {{ {ERRORS} }}
            f: unrelate(input: {{id: "relation/99"}}) {{ {ERRORS} }}
            g: createTwin(input: {{type: "Machine"}}, idempotencyKey: "") {{ {ERRORS} }} }}"#
        ),
    );
    let all: Vec<String> = "abcdefg".chars().map(|field| format!("{field}\n{}", mistakes(&wrong[field.to_string()]))).collect();
    expect![[r#"
        a
        ALREADY_EXISTS input.id: there is a twin `m-1`
        b
        UNKNOWN_TYPE input.type: there is no type `Maschine`
        c
        INVALID_VALUE input.set: `set` is an object of properties, not 5
        d
        INVALID_VALUE input: expected a whole number, got -1
        e
        REQUIRED input.source: an edge needs the twin where it begins
        f
        INVALID_VALUE input.id: there is no relation `relation/99`
        g
        INVALID_VALUE idempotencyKey: an idempotency key has 1 to 128 characters"#]]
    .assert_eq(&all.join("\n"));
}

#[test]
fn a_graph_is_applied_whole_or_not_at_all() {
    let world = World::of(FILES);
    let apply = r#"mutation($ops: [GraphOp!]!, $dryRun: Boolean) { applyGraph(ops: $ops, dryRun: $dryRun) {
        seq userErrors { code path message } twins { id name } relations { name source { id } target { id } } deleted } }"#;
    let ops = json!([
        {"create": {"id": "m-9", "type": "Machine", "parent": "hall-9", "relations": [{"name": "feeds", "target": "m-1"}]}},
        {"create": {"id": "hall-9", "type": "Hall", "name": "Ninth"}},
        {"update": {"id": "m-1", "name": "First"}},
        {"delete": {"id": "m-2"}},
    ]);
    let planned = data_of(&world, apply, json!({"ops": ops, "dryRun": true}));
    let planned = &planned["applyGraph"];
    assert_eq!((&planned["seq"], &planned["deleted"], &planned["relations"]), (&Json::Null, &json!(["m-2"]), &json!([])));
    assert_eq!(planned["twins"].as_array().unwrap().len(), 3);
    assert_eq!(data(&world, r#"{ twin(id: "m-9") { id } }"#)["twin"], Json::Null);

    let applied = data_of(&world, apply, json!({"ops": ops}));
    let applied = &applied["applyGraph"];
    assert_eq!(applied["twins"], json!([{"id": "m-9", "name": "m-9"}, {"id": "hall-9", "name": "Ninth"}, {"id": "m-1", "name": "First"}]));
    assert_eq!(applied["relations"], json!([{"name": "feeds", "source": {"id": "m-9"}, "target": {"id": "m-1"}}]));
    assert_eq!(applied["deleted"], json!(["m-2"]));

    let wrong = data_of(
        &world,
        apply,
        json!({"ops": [{"create": {"type": "Hall"}}, {"update": {"id": "m-1", "set": {"speedMax": -1}}}, {"update": {"id": "m-1", "set": []}}]}),
    );
    expect!["INVALID_VALUE ops.2.update.set: `set` is an object of properties, not []"].assert_eq(&mistakes(&wrong["applyGraph"]));
    let wrong = data_of(&world, apply, json!({"ops": [{"create": {"type": "Hall"}}, {"update": {"id": "m-1", "set": {"speedMax": -1}}}]}));
    assert_eq!(wrong["applyGraph"]["userErrors"][0]["path"], json!(["ops", "1", "update", "set", "speedMax"]));
    let many: Vec<Json> = (0..1_001).map(|_| json!({"delete": {"id": "m-1"}})).collect();
    let answer = ask(&world, apply, json!({"ops": many}));
    assert_eq!(answer["errors"][0]["extensions"]["limit"], "graph_ops_max");
}

#[test]
fn the_first_answer_is_given_again() {
    let mut world = World::of(FILES);
    let create = r#"mutation($name: String) { createTwin(input: {type: "Machine", name: $name}, idempotencyKey: "k-1") { seq twin { id } userErrors { code path } } }"#;
    let first = data_of(&world, create, json!({"name": "a"}));
    assert_eq!(data_of(&world, create, json!({"name": "a"})), first);
    world.stop();
    world.start();
    assert_eq!(data_of(&world, create, json!({"name": "a"})), first);
    let other = data_of(&world, create, json!({"name": "b"}));
    assert_eq!(other["createTwin"]["userErrors"], json!([{"code": "IDEMPOTENCY_KEY_REUSED", "path": ["idempotencyKey"]}]));
}
