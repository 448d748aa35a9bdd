//! What clients change: through the API of a whole program, read back in the same answers.

mod bulk;
mod readings;
mod twins;

use serde_json::{Value as Json, json};

use crate::support::World;

pub const FILES: &[(&str, &str)] = &[
    ("schemas/relations.yaml", "relations:\n  feeds: {inverse: fedBy, properties: {pipe: {type: string}}}\n"),
    ("schemas/Hall.yaml", "type: Hall\nrelations: {contains: {to: [Hall, Machine, Tank]}}\n"),
    ("schemas/Machine.yaml", MACHINE),
    ("schemas/Tank.yaml", "type: Tank\nproperties: {height: {type: double, unit: m, required: true}}\ntelemetry: {level: {type: double, unit: m}}\n"),
    ("twins/plant.yaml", PLANT),
];

const MACHINE: &str = "
type: Machine
properties:
  serial: {type: string, immutable: true}
  speedMax: {type: double, unit: rpm, min: 0, max: 3000, default: 100}
  note: {type: string}
telemetry:
  count: {type: int}
  temperature: {type: double, unit: degC, max: 500}
relations:
  feeds: {to: [Machine, Tank], max: 2}
";
const PLANT: &str = "
twins:
  - {id: hall-1, type: Hall}
  - {id: hall-2, type: Hall}
  - {id: m-1, type: Machine, in: hall-1, relations: {feeds: [{to: tank-1, pipe: DN50}]}}
  - {id: m-2, type: Machine, in: hall-1, properties: {speedMax: 500}}
  - {id: tank-1, type: Tank, in: hall-1, properties: {height: 2}}
";

/// The whole answer.
pub fn ask(world: &World, query: &str, variables: Json) -> Json {
    let request = reqwest::Client::new().post(format!("http://{}/graphql", world.app().http));
    let request = request.json(&json!({ "query": query, "variables": variables }));
    world.block_on(async { request.send().await.unwrap().json().await.unwrap() })
}

/// The data of an answer without errors.
pub fn data(world: &World, query: &str) -> Json {
    data_of(world, query, json!({}))
}

pub fn data_of(world: &World, query: &str, variables: Json) -> Json {
    let mut answer = ask(world, query, variables);
    assert_eq!(answer["errors"], Json::Null, "{query}");
    answer["data"].take()
}

/// `CODE path: message`, one in a line.
pub fn mistakes(payload: &Json) -> String {
    let errors = payload["userErrors"].as_array().unwrap_or_else(|| panic!("no mistakes are selected: {payload}"));
    let path = |error: &Json| error["path"].as_array().into_iter().flatten().filter_map(Json::as_str).collect::<Vec<_>>().join(".");
    let line = |error: &Json| format!("{} {}: {}", error["code"].as_str().unwrap(), path(error), error["message"].as_str().unwrap());
    errors.iter().map(line).collect::<Vec<_>>().join("\n")
}
