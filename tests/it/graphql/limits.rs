//! Requests that ask for too much: each is refused at once, with the bound, its value and what to do instead.

use serde_json::{Value as Json, json};

use super::ws::Socket;
use super::{Plant, answer, demo};

/// The code, the bound and its value, and whether there is a hint.
fn refusal(body: &Json) -> (String, String, u64, bool) {
    let said = &body["errors"][0]["extensions"];
    let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
    (text("code"), text("limit"), said["value"].as_u64().unwrap_or_default(), said["hint"].is_string())
}

#[tokio::test]
async fn every_bound_of_a_document_has_a_name() {
    let plant = Plant::start();
    let repeat = |count: usize, text: &dyn Fn(usize) -> String| (0..count).map(text).collect::<Vec<_>>().join(" ");
    let filter = repeat(201, &|_| "{kind: ASSET}".to_owned());
    let deletions = repeat(1_001, &|_| "{delete: {id: \"x\"}}".to_owned());
    let readings = repeat(1_001, &|_| "{twin: \"x\", property: \"y\", value: 1}".to_owned());
    for (what, query, limit, value) in [
        ("a hundred levels", format!("{}b{}", "{a".repeat(100), "}".repeat(100)), "nesting_max", 64),
        ("a deep tree", format!("{{ twin(id: \"mixer-1\") {{ {} id {} }} }}", "parent {".repeat(30), "}".repeat(30)), "depth_max", 15),
        ("ten thousand aliases", format!("{{ {} }}", repeat(10_000, &|i| format!("a{i}:__typename"))), "document_bytes_max", 65_536),
        ("many aliases", format!("{{ system {{ {} }} }}", repeat(101, &|i| format!("a{i}: seq"))), "aliases_max", 100),
        ("many roots", format!("{{ {} }}", repeat(51, &|i| format!("a{i}: __typename"))), "root_fields_max", 50),
        ("many directives", format!("{{ __typename {} }}", repeat(101, &|_| "@include(if: true)".to_owned())), "directives_max", 100),
        ("many selections", format!("{{ system {{ {} }} }}", repeat(2_001, &|_| "seq".to_owned())), "selections_max", 2_000),
        ("many tokens", format!("{{ {} }}", repeat(15_001, &|_| "a".to_owned())), "tokens_max", 15_000),
        ("pages in pages", "{ twins(first: 200) { nodes { children(first: 200) { nodes { id } } } } }".to_owned(), "cost_max", 10_000),
        ("a large page", "{ twins(first: 201) { nodes { id } } }".to_owned(), "page_max", 200),
        ("a long filter", format!("{{ twins(where: {{or: [{filter}]}}) {{ nodes {{ id }} }} }}"), "filter_terms_max", 200),
        ("a large change", format!("mutation {{ applyGraph(ops: [{deletions}]) {{ seq }} }}"), "graph_ops_max", 1_000),
        ("many readings", format!("mutation {{ ingest(readings: [{readings}]) {{ seq }} }}"), "ingest_readings_max", 1_000),
    ] {
        let body = plant.ask(json!({ "query": query })).await;
        assert_eq!(refusal(&body), ("RESOURCE_LIMIT".to_owned(), limit.to_owned(), value, true), "{what}: {body}");
    }
    let long = "x".repeat(1 << 20);
    let body = plant.ask(json!({"query": "query ($id: ID!) { twin(id: $id) { id } }", "variables": {"id": long}})).await;
    assert_eq!(refusal(&body), ("RESOURCE_LIMIT".to_owned(), "variables_bytes_max".to_owned(), 1 << 20, true), "{body}");
}

#[tokio::test]
async fn fragments_that_spread_each_other_cost_no_time() {
    let plant = Plant::start();
    let mut query = "{ ...f0 } fragment f30 on Query { __typename }".to_owned();
    for at in 0..30 {
        query.push_str(&format!(" fragment f{at} on Query {{ ...f{next} ...f{next} }}", next = at + 1));
    }
    let body = plant.ask(json!({ "query": query })).await;
    assert_eq!(refusal(&body).0, "RESOURCE_LIMIT", "{body}");
}

#[tokio::test]
async fn a_setting_changes_a_bound() {
    let settings = [("GRAPHQL_LIMITS_DEPTH_MAX", "2"), ("GRAPHQL_LIMITS_INTROSPECTION", "off")];
    let plant = Plant::of(demo(), &settings);
    let body = plant.ask(json!({"query": "{ twin(id: \"mixer-1\") { parent { id } } }"})).await;
    assert_eq!((refusal(&body).1.as_str(), refusal(&body).2), ("depth_max", 2), "{body}");
    let body = plant.ask(json!({"query": "{ __schema { types { name } } }"})).await;
    assert!(body["errors"][0]["extensions"]["code"].is_string() && body.get("data").is_none(), "{body}");
}

#[tokio::test]
async fn introspection_again_and_again_is_answered() {
    let plant = Plant::start();
    let query = "{ __schema { types { name fields { name type { name ofType { name } } } } } }";
    let first = plant.data(query).await;
    let asked = (0..200).map(|_| answer(plant.client.post(plant.url("/graphql")).json(&json!({ "query": query }))));
    for (status, body) in futures_util::future::join_all(asked).await {
        assert_eq!((status, &body["data"]), (200, &first));
    }
}

#[tokio::test]
async fn a_subject_has_no_more_sockets_than_allowed() {
    let plant = Plant::of(demo(), &[("GRAPHQL_LIMITS_SOCKETS_MAX", "20")]);
    let mut open = Vec::new();
    for _ in 0..20 {
        open.push(Socket::open(&plant).await);
    }
    let upgrade = plant.get("*/*", "/graphql/ws").header("connection", "upgrade").header("upgrade", "websocket");
    let upgrade = upgrade.header("sec-websocket-version", "13").header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    let refused = upgrade.header("sec-websocket-protocol", "graphql-transport-ws").send().await.unwrap();
    assert_eq!(refused.status().as_u16(), 503);
    assert_eq!(plant.data("{ __typename }").await, json!({"__typename": "Query"}));
    // Those that are open hear no less of it.
    for socket in &mut open {
        socket.subscribe("1", "{ __typename }").await;
        assert_eq!(socket.hear().await["type"], "next");
    }
}
