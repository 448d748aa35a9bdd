//! Readings that a client sends in, refused messages that are offered again, and unknown senders that become twins.

use serde_json::json;

use super::{FILES, data, data_of};
use crate::support::World;

const INGEST: &str = r#"mutation($readings: [ReadingInput!]!, $key: String) { ingest(readings: $readings, idempotencyKey: $key) {
    seq accepted duplicates rejected results { index outcome code } } }"#;
const TEMPERATURE: &str = r#"{ twin(id: "m-1") { readings(names: "temperature") { value } } }"#;

#[test]
fn readings_are_taken_in_one_by_one() {
    let world = World::of(FILES);
    let readings = json!([
        {"twin": "m-1", "property": "temperature", "value": 100.4, "unit": "degF", "time": "2026-01-01T10:00:00Z"},
        {"twin": "m-1", "property": "temperature", "value": 100.4, "unit": "degF", "time": "2026-01-01T10:00:00Z"},
        {"twin": "m-1", "property": "temperature", "value": 30, "time": "2026-01-01T09:59:00Z"},
        {"twin": "m-1", "property": "temperatur", "value": 30},
        {"twin": "m-1", "property": "count", "value": "many"},
        {"twin": "nobody", "property": "count", "value": 1},
    ]);
    let told = data_of(&world, INGEST, json!({"readings": readings}));
    let told = &told["ingest"];
    assert_eq!((&told["accepted"], &told["duplicates"], &told["rejected"]), (&json!(2), &json!(1), &json!(3)), "{told}");
    let outcomes: Vec<_> = told["results"].as_array().unwrap().iter().map(|result| result["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["ACCEPTED", "DUPLICATE", "OUT_OF_ORDER", "REJECTED", "REJECTED", "REJECTED"]);
    assert_eq!((&told["results"][3]["code"], &told["results"][5]["code"]), (&json!("UNKNOWN_PROPERTY"), &json!("UNKNOWN_TWIN")));
    let shown = data(&world, TEMPERATURE)["twin"]["readings"][0]["value"].as_f64().unwrap();
    assert!((shown - 38.0).abs() < 1e-9, "{shown}");
}

#[test]
fn with_a_key_readings_are_taken_in_once() {
    let world = World::of(FILES);
    let variables = json!({"readings": {"twin": "m-1", "property": "count", "value": 7}, "key": "k"});
    let first = data_of(&world, INGEST, variables.clone());
    assert_eq!(data_of(&world, INGEST, variables), first);
}

#[test]
fn what_was_refused_is_offered_again() {
    let world = World::of(FILES);
    world.post("/ingest/m-7", r#"{"temperature": 21.5, "ts": "2026-01-01T10:00:00Z"}"#);
    let rejections = "{ rejections { nodes { id code replayable } } }";
    world.until("the rejection can be read", || data(&world, rejections)["rejections"]["nodes"] != json!([]));
    let node = data(&world, rejections)["rejections"]["nodes"][0].clone();
    assert_eq!((&node["code"], &node["replayable"]), (&json!("UNKNOWN_TWIN"), &json!(true)));
    let told = data_of(
        &world,
        r#"mutation($id: ID!) { createTwin(input: {id: "m-7", type: "Machine"}) { seq }
             replayRejection(id: $id) { accepted results { outcome } userErrors { code } }
             again: replayRejection(id: $id) { duplicates }
             none: replayRejection(id: "rejection/1/9") { userErrors { code path } } }"#,
        json!({"id": node["id"]}),
    );
    assert_eq!(told["replayRejection"], json!({"accepted": 1, "results": [{"outcome": "ACCEPTED"}], "userErrors": []}));
    assert_eq!((&told["again"]["duplicates"], &told["none"]["userErrors"][0]["code"]), (&json!(1), &json!("NOT_APPLICABLE")));
    let shown = data(&world, r#"{ twin(id: "m-7") { readings(names: "temperature") { value time } } }"#);
    assert_eq!(shown["twin"]["readings"][0], json!({"value": 21.5, "time": "2026-01-01T10:00:00Z"}));
}

#[test]
fn an_unknown_sender_becomes_a_twin() {
    const BINDING: &str =
        "bindings:\n  - {id: keep, source: http, topic: \"keep/{id}\", twin: \"{id}\", map: [{path: $.t, to: temperature}], unknownTwin: quarantine}\n";
    let files: Vec<_> = FILES.iter().copied().chain([("twins/bindings.yaml", BINDING)]).collect();
    let world = World::of(&files);
    for value in ["20", "21"] {
        world.post("/ingest/topic/keep/s-1", format!("{{\"t\": {value}}}"));
    }
    let proposals = "{ proposals { id source messages matches { type { name } } } }";
    world.until("the messages can be read", || data(&world, proposals)["proposals"][0]["messages"] == "2");
    let proposal = data(&world, proposals)["proposals"][0].clone();
    assert_eq!((&proposal["source"], &proposal["matches"][0]["type"]["name"]), (&json!("s-1"), &json!("Machine")));
    let accept = r#"mutation($id: ID!, $twin: ID!) { acceptProposal(id: $id, type: "Machine", twin: $twin, parent: "hall-1") {
        twin { id path readings(names: "temperature") { value } } userErrors { code path } } }"#;
    let wrong = data_of(&world, accept, json!({"id": proposal["id"], "twin": "s-2"}));
    assert_eq!(wrong["acceptProposal"]["userErrors"], json!([{"code": "NOT_APPLICABLE", "path": ["twin"]}]));
    let made = data_of(&world, accept, json!({"id": proposal["id"], "twin": "s-1"}));
    let twin = json!({"id": "s-1", "path": "/hall-1/s-1", "readings": [{"value": 21.0}]});
    assert_eq!(made["acceptProposal"], json!({"twin": twin, "userErrors": []}));
    assert_eq!(data(&world, proposals)["proposals"], json!([]));
}
