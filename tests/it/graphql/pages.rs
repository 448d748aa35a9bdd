//! Pages and levels: what is joined from small parts is the whole, and costs a bounded number of questions to the graph store.

use serde_json::{Value as Json, json};

use super::Plant;
use crate::process::Workspace;

/// Machines that feed each other in three levels: 1 → 10 → 100 → 900.
fn levels() -> Workspace {
    let workspace = Workspace::empty();
    workspace.write("schemas/Station.yaml", "type: Station\nproperties:\n  weight: {type: int}\nrelations:\n  feeds: {to: [Station]}\n");
    let mut twins = "twins:\n".to_owned();
    let level = |name: &str, count: usize, fan: usize, below: &str, twins: &mut String| {
        for at in 0..count {
            let targets: Vec<String> = (at * fan..(at + 1) * fan).map(|target| format!("{below}-{target}")).collect();
            twins.push_str(&format!("  - {{id: {name}-{at}, type: Station, relations: {{feeds: [{}]}}}}\n", targets.join(", ")));
        }
    };
    level("a", 1, 10, "b", &mut twins);
    level("b", 10, 10, "c", &mut twins);
    level("c", 100, 9, "d", &mut twins);
    (0..900).for_each(|at| twins.push_str(&format!("  - {{id: d-{at}, type: Station, properties: {{weight: {}}}}}\n", at % 7)));
    workspace.write("twins/all.yaml", &twins);
    workspace
}

#[tokio::test]
async fn a_level_costs_one_question_to_the_store() {
    let plant = Plant::of(levels(), &[]);
    let seq = plant.data("{ system { seq } }").await["system"]["seq"].clone();
    let query =
        "{ station(id: \"a-0\") { feeds(first: 10) { nodes { feeds(first: 10) { nodes { feeds(first: 9) { nodes { id name } } } } } } } }";
    let request = json!({"query": query, "extensions": {"pollux": {"receipt": true, "afterSeq": seq}}});
    let mut body = plant.ask(request.clone()).await;
    // The store is given a thousand twins at the start, and five seconds are not enough for that on a busy machine.
    while body["errors"][0]["extensions"]["code"] == "TIMEOUT" {
        body = plant.ask(request.clone()).await;
    }
    assert!(body.get("errors").is_none(), "{body}");
    assert_eq!(body.to_string().matches("\"d-").count(), 1_800, "900 twins, each with its id and its name");
    let statements = body["extensions"]["receipt"]["storeStatements"].as_u64().unwrap();
    assert_eq!(statements, 3, "one question for each level");
    assert_eq!(body["extensions"]["receipt"]["twinsRead"], 1_011);
}

#[tokio::test]
async fn joined_pages_are_the_whole_while_others_write() {
    let plant = Plant::of(levels(), &[]);
    let all: Vec<String> = (0..900).map(|at| format!("d-{at}")).collect();
    // The order key of one half changes all the time; the other half must be seen exactly once.
    let writing = async {
        for round in 0..60 {
            let id = &all[round * 2 % 900];
            plant.data(&format!("mutation {{ updateTwin(input: {{id: \"{id}\", set: {{weight: {round}}}}}) {{ seq }} }}")).await;
        }
    };
    let reading = async {
        let (mut seen, mut after) = (Vec::new(), Json::Null);
        loop {
            let query = "query ($after: String) { twins(first: 37, after: $after, where: {property: {name: \"weight\", number: {gte: 0}}},
                orderBy: [{property: \"weight\", direction: DESC}]) { nodes { id } pageInfo { hasNextPage endCursor } } }";
            let body = plant.ask(json!({"query": query, "variables": {"after": after}})).await;
            assert!(body.get("errors").is_none(), "{body}");
            let page = &body["data"]["twins"];
            seen.extend(page["nodes"].as_array().unwrap().iter().map(|node| node["id"].as_str().unwrap().to_owned()));
            if page["pageInfo"]["hasNextPage"] == false {
                return seen;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
    };
    let ((), seen) = tokio::join!(writing, reading);
    let changed: Vec<&String> = (0..60).map(|round| &all[round * 2 % 900]).collect();
    for id in all.iter().filter(|id| !changed.contains(id)) {
        assert_eq!(seen.iter().filter(|seen| *seen == id).count(), 1, "{id}");
    }
    // By id, the order that nothing changes, each is there once.
    let (mut ids, mut after) = (Vec::new(), Json::Null);
    while after != json!(false) {
        let query =
            "query ($after: String) { twins(first: 200, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } totalCount } }";
        let page = plant.ask(json!({"query": query, "variables": {"after": after}})).await["data"]["twins"].take();
        assert_eq!(page["totalCount"], 1_011);
        ids.extend(page["nodes"].as_array().unwrap().iter().map(|node| node["id"].as_str().unwrap().to_owned()));
        after = if page["pageInfo"]["hasNextPage"] == true { page["pageInfo"]["endCursor"].clone() } else { json!(false) };
    }
    assert_eq!(ids.len(), 1_011);
    assert!(ids.is_sorted_by(|one, other| one < other));
}
