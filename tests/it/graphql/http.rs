//! One document for a request.

use serde_json::{Value as Json, json};

use super::{Plant, answer, patiently};

const RESPONSE: &str = "application/graphql-response+json";
const JSON: &str = "application/json";

#[tokio::test]
async fn queries_are_answered_by_post_and_by_get() {
    let plant = Plant::start();
    let version = json!({"data": {"system": {"version": env!("CARGO_PKG_VERSION")}}});
    for accept in [RESPONSE, JSON, "*/*"] {
        assert_eq!(answer(plant.post(accept, "{ system { version } }")).await, (200, version.clone()));
        assert_eq!(answer(plant.get(accept, "/graphql?query={system{version}}")).await, (200, version.clone()));
    }
    assert_eq!(answer(plant.post(RESPONSE, "{ __typename }")).await, (200, json!({"data": {"__typename": "Query"}})));
    assert_eq!(answer(plant.post(RESPONSE, "{ twin(id: \"mixer-1\") { id } }")).await, (200, json!({"data": {"twin": {"id": "mixer-1"}}})));
    let named = json!({"query": "query A { __typename } query B($id: ID!) { twin(id: $id) { id } }", "operationName": "B", "variables": {"id": "mixer-1"}});
    assert_eq!(answer(plant.client.post(plant.url("/graphql")).json(&named)).await, (200, json!({"data": {"twin": {"id": "mixer-1"}}})));
}

#[tokio::test]
async fn what_cannot_run_has_no_data() {
    let plant = Plant::start();
    for (query, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { __typename } query B { __typename }", "OPERATION_RESOLUTION_FAILED"),
        ("query ($id: ID!) { twin(id: $id) { id } }", "BAD_USER_INPUT"),
    ] {
        for (accept, wanted) in [(RESPONSE, 400), (JSON, 200)] {
            let (status, body) = answer(plant.post(accept, query)).await;
            assert_eq!((status, &body["errors"][0]["extensions"]["code"]), (wanted, &json!(code)), "{query}: {body}");
            assert!(body.get("data").is_none(), "{query}: {body}");
        }
    }
}

#[tokio::test]
async fn a_get_changes_nothing() {
    let plant = Plant::start();
    let (status, _) = answer(plant.get(RESPONSE, "/graphql?query=mutation{__typename}")).await;
    assert_eq!(status, 405);
    assert_eq!(answer(plant.post(RESPONSE, "mutation { __typename }")).await, (200, json!({"data": {"__typename": "Mutation"}})));
    let (status, _) = answer(plant.post(RESPONSE, "subscription { system(maxRateHz: 5) { seq } }")).await;
    assert_eq!(status, 406);
}

#[tokio::test]
async fn the_schema_is_there_as_text() {
    let plant = Plant::start();
    let response = patiently(plant.get("*/*", "/graphql/schema.graphql").send()).await.unwrap();
    let tag = response.headers()["etag"].clone();
    let text = patiently(response.text()).await.unwrap();
    assert!(text.contains("type Query") && text.contains("type Mixer"), "{text}");
    let again = plant.get("*/*", "/graphql/schema.graphql").header("if-none-match", tag);
    assert_eq!(patiently(again.send()).await.unwrap().status().as_u16(), 304);
    let (status, body): (u16, Json) = answer(plant.get("*/*", "/graphql/schema.graphql?view=none")).await;
    assert_eq!((status, &body["errors"][0]["extensions"]["code"]), (404, &json!("NOT_FOUND")));
}

#[tokio::test]
async fn a_large_body_is_refused() {
    let plant = Plant::start();
    let (status, body) = answer(plant.post(RESPONSE, &format!("{{ __typename }} #{}", "x".repeat(5 * 1024 * 1024)))).await;
    assert_eq!((status, &body["errors"][0]["extensions"]["limit"]), (413, &json!("body_bytes_max")));
}
