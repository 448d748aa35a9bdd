//! Many twins by a filter: previews, counts, refusals of single twins, and jobs.

use expect_test::expect;
use serde_json::{Value as Json, json};

use super::{FILES, data, data_of, mistakes};
use crate::support::World;

const UPDATE: &str = r#"mutation($where: TwinWhere!, $set: JSON, $dryRun: Boolean!, $expected: Int, $key: String) {
    updateTwins(where: $where, set: $set, dryRun: $dryRun, expectedCount: $expected, idempotencyKey: $key) {
        seq matched changed refused preview { twin { id } before after issues { code path message } } job { id } userErrors { code path message } } }"#;
const DELETE: &str = r#"mutation($where: TwinWhere!, $dryRun: Boolean!) {
    deleteTwins(where: $where, dryRun: $dryRun) { matched changed refused preview { twin { id } issues { code } } userErrors { code path message } } }"#;

#[test]
fn a_set_of_twins_is_previewed_and_changed() {
    let world = World::of(FILES);
    let machines = json!({"isA": ["Machine"]});
    let dry = data_of(&world, UPDATE, json!({"where": machines, "set": {"speedMax": 100}, "dryRun": true}));
    let dry = &dry["updateTwins"];
    assert_eq!((&dry["seq"], &dry["matched"], &dry["changed"], &dry["refused"]), (&Json::Null, &json!(2), &json!(1), &json!(0)));
    assert_eq!(
        dry["preview"],
        json!([
            {"twin": {"id": "m-1"}, "before": {"speedMax": 100.0}, "after": {"speedMax": 100.0}, "issues": []},
            {"twin": {"id": "m-2"}, "before": {"speedMax": 500.0}, "after": {"speedMax": 100.0}, "issues": []},
        ])
    );
    let miscounted = data_of(&world, UPDATE, json!({"where": machines, "set": {"speedMax": 7}, "dryRun": false, "expected": 3}));
    expect!["COUNT_MISMATCH expectedCount: 2 twins match, and 3 were expected; nothing was done"].assert_eq(&mistakes(&miscounted["updateTwins"]));
    let changed = data_of(&world, UPDATE, json!({"where": machines, "set": {"speedMax": 7}, "dryRun": false, "expected": 2}));
    assert_eq!((&changed["updateTwins"]["changed"], &changed["updateTwins"]["preview"]), (&json!(2), &json!([])));
    assert_eq!(data(&world, r#"{ twin(id: "m-2") { properties(names: "speedMax") { value } } }"#)["twin"]["properties"][0]["value"], 7.0);
}

#[test]
fn single_twins_are_refused_with_their_reasons() {
    let world = World::of(FILES);
    let all = json!({"isA": ["Machine", "Tank"]});
    let changed = data_of(&world, UPDATE, json!({"where": all, "set": {"speedMax": 7}, "dryRun": false}));
    let changed = &changed["updateTwins"];
    assert_eq!((&changed["matched"], &changed["changed"], &changed["refused"]), (&json!(3), &json!(2), &json!(1)));
    expect!["UNKNOWN_PROPERTY tank-1.set.speedMax: tank-1: a Tank has no property `speedMax`"].assert_eq(&mistakes(changed));
    let wrong = data_of(&world, UPDATE, json!({"where": {"isA": ["Maschine"]}, "set": {}, "dryRun": false}));
    expect!["INVALID_VALUE where: where.isA[0]: there is no type `Maschine`"].assert_eq(&mistakes(&wrong["updateTwins"]));
}

#[test]
fn children_go_before_their_parents() {
    let world = World::of(FILES);
    let hall_alone = json!({"where": {"ids": ["hall-1", "m-1"]}, "dryRun": true});
    let dry = data_of(&world, DELETE, hall_alone);
    assert_eq!((&dry["deleteTwins"]["changed"], &dry["deleteTwins"]["refused"]), (&json!(1), &json!(1)));
    let all = json!({"or": [{"ids": ["hall-1"]}, {"path": {"under": "/hall-1"}}]});
    let dry = data_of(&world, DELETE, json!({"where": all, "dryRun": true}));
    assert_eq!((&dry["deleteTwins"]["changed"], &dry["deleteTwins"]["refused"]), (&json!(4), &json!(0)));
    let gone = data_of(&world, DELETE, json!({"where": all, "dryRun": false}));
    assert_eq!((&gone["deleteTwins"]["changed"], &gone["deleteTwins"]["userErrors"]), (&json!(4), &json!([])));
    assert_eq!(data(&world, "{ twins { nodes { id } } }")["twins"]["nodes"], json!([{"id": "hall-2"}]));
}

#[test]
fn the_first_answer_for_a_set_is_given_again() {
    let world = World::of(FILES);
    let variables = json!({"where": {"ids": ["m-1"]}, "set": {"speedMax": 7}, "dryRun": false, "key": "k"});
    let first = data_of(&world, UPDATE, variables.clone());
    data(&world, r#"mutation { updateTwin(input: {id: "m-1", set: {speedMax: 8}}) { seq } }"#);
    assert_eq!(data_of(&world, UPDATE, variables), first);
    assert_eq!(data(&world, r#"{ twin(id: "m-1") { properties(names: "speedMax") { value } } }"#)["twin"]["properties"][0]["value"], 8.0);
    let other = data_of(&world, UPDATE, json!({"where": {"ids": ["m-2"]}, "set": {"speedMax": 7}, "dryRun": false, "key": "k"}));
    assert_eq!(other["updateTwins"]["userErrors"][0]["code"], "IDEMPOTENCY_KEY_REUSED");
}

#[test]
fn a_large_set_becomes_a_job() {
    let files: Vec<_> = FILES.iter().copied().chain([("pollux.toml", "[graphql.limits]\nbulk_inline_max = 2\n")]).collect();
    let world = World::of(&files);
    let all = json!({"isA": ["Machine", "Tank"]});
    let begun = data_of(&world, UPDATE, json!({"where": all, "set": {"speedMax": 7}, "dryRun": false}));
    let begun = &begun["updateTwins"];
    assert_eq!((&begun["matched"], &begun["changed"], &begun["seq"]), (&json!(3), &json!(0), &Json::Null));
    let id = begun["job"]["id"].as_str().unwrap();
    let query = "query($id: ID!) { job(id: $id) { kind state total done failed finishedAt errors { code path } } node(id: $id) { id } }";
    let look = || data_of(&world, query, json!({"id": id}));
    world.until("the job has ended", || look()["job"]["state"] != "RUNNING");
    let ended = look();
    assert_eq!(ended["node"]["id"], id);
    let job = &ended["job"];
    assert_eq!((&job["kind"], &job["state"], &job["total"], &job["failed"]), (&json!("updateTwins"), &json!("SUCCEEDED"), &json!(3), &json!(1)));
    assert_eq!(job["errors"], json!([{"code": "UNKNOWN_PROPERTY", "path": ["tank-1", "set", "speedMax"]}]));
    assert_eq!(data(&world, r#"{ twin(id: "m-2") { properties(names: "speedMax") { value } } }"#)["twin"]["properties"][0]["value"], 7.0);
}
