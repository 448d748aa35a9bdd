//! A workspace of very many types: the schema has those in use, and views have the others.

use serde_json::json;

use super::{Plant, answer};
use crate::process::Workspace;

const TYPES: usize = 1_300;

fn many() -> Workspace {
    let workspace = Workspace::empty();
    for at in 0..TYPES {
        let text = format!("type: Kind{at}\nproperties:\n  label: {{type: string}}\ntelemetry:\n  level: {{type: double, unit: m}}\n");
        workspace.write(&format!("schemas/Kind{at}.yaml"), &text);
    }
    workspace.write("twins/some.yaml", "twins:\n  - {id: k-7, type: Kind7}\n  - {id: k-8, type: Kind8}\n");
    workspace.write("pollux.toml", "[graphql.views.tens]\ngenerate = [\"Kind?0\"]\n");
    workspace
}

#[tokio::test]
async fn thirteen_hundred_types_are_no_burden() {
    let plant = Plant::of(many(), &[]);
    let data = plant.data("{ issues { code hint } types { name } kind7(id: \"k-7\") { id level { unit } } }").await;
    assert_eq!((data["types"].as_array().unwrap().len(), &data["kind7"]["level"]["unit"]), (TYPES, &json!("m")));
    assert!(
        data["issues"].as_array().unwrap().iter().any(|issue| issue["code"] == "VIEW_SUGGESTED" && issue["hint"].is_string()),
        "{data}"
    );
    let introspected = plant.data("{ __schema { types { name fields { name } } } }").await.to_string();
    assert!(introspected.contains("\"Kind7\"") && !introspected.contains("\"Kind9\""));

    let in_view = |query: &str| answer(plant.client.post(plant.url("/graphql?view=tens")).json(&json!({ "query": query })));
    let (_, body) = in_view("{ kind20s { totalCount } twin(id: \"k-7\") { __typename readings { property } } }").await;
    assert_eq!(body["data"]["kind20s"], json!({"totalCount": 0}), "{body}");
    assert_eq!(body["data"]["twin"]["readings"], json!([{"property": "level"}]), "nothing is out of reach: {body}");
    let (_, body) = in_view("{ kind7(id: \"k-7\") { id } }").await;
    assert_eq!(body["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{body}");
    let (status, body) = answer(plant.client.post(plant.url("/graphql?view=none")).json(&json!({"query": "{ __typename }"}))).await;
    assert_eq!((status, &body["errors"][0]["extensions"]["code"]), (404, &json!("NOT_FOUND")));
}
