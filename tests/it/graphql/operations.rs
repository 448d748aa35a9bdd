//! Every operation in `graphql/operations` runs against the demo plant. What is kept in `graphql/operations/shapes.txt` is the shape of the
//! answers: which keys there are and of what kind their values. `UPDATE_EXPECT=1` writes it anew.

use std::fs;
use std::path::{Path, PathBuf};

use expect_test::expect_file;
use serde_json::{Value as Json, json};

use super::ws::Socket;
use super::{Plant, answer};

struct Operation {
    name: String,
    document: String,
    variables: Json,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("graphql/operations")
}

fn operations() -> Vec<Operation> {
    let paths = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|extension| extension == "graphql")).collect();
    paths.sort();
    let read = |path: &PathBuf| {
        let variables = fs::read_to_string(path.with_extension("variables.json")).unwrap_or_else(|_| "{}".to_owned());
        Operation {
            name: path.file_stem().unwrap().to_string_lossy().into_owned(),
            document: fs::read_to_string(path).unwrap(),
            variables: serde_json::from_str(&variables).unwrap(),
        }
    };
    paths.iter().map(read).collect()
}

/// Kinds instead of values; of a list the first element. What is null may be so by chance, so it is told like any value of a scalar.
fn shape(value: &Json, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    match value {
        Json::Object(fields) => {
            out.push_str("{\n");
            for (name, field) in fields {
                out.push_str(&format!("{indent}  {name}: "));
                shape(field, depth + 1, out);
            }
            out.push_str(&format!("{indent}}}\n"));
        }
        Json::Array(list) => match list.first() {
            Some(first) if first.is_object() => {
                out.push_str("list of ");
                shape(first, depth, out);
            }
            _ => out.push_str("list\n"),
        },
        Json::String(_) => out.push_str("text\n"),
        Json::Number(_) => out.push_str("number\n"),
        Json::Bool(_) => out.push_str("boolean\n"),
        Json::Null => out.push_str("null\n"),
    }
}

#[tokio::test]
async fn each_operation_runs_on_the_demo_plant() {
    let plant = Plant::start();
    let levels = json!([
        {"twin": "mixer-1", "values": {"temperature": 71.5, "speed": 60, "mode": "RUN"}},
        {"twin": "pump-product", "values": {"flow": 12}},
        {"twin": "mixer-2", "values": {"nothing": 1}},
    ]);
    plant.client.post(plant.url("/ingest")).json(&levels).send().await.unwrap();
    let mut socket = Socket::open(&plant).await;
    let mut shapes = String::new();
    for Operation { name, document, variables } in operations() {
        let request = json!({"query": document, "variables": variables, "operationName": name});
        let body = match document.lines().any(|line| line.starts_with("subscription")) {
            false => answer(plant.client.post(plant.url("/graphql")).json(&request)).await.1,
            true => {
                socket.say(json!({"id": name, "type": "subscribe", "payload": request})).await;
                let mut next = socket.hear().await;
                // The one before may have had something to say until its end arrived.
                while next["id"] != name.as_str() {
                    next = socket.hear().await;
                }
                socket.say(json!({"id": name, "type": "complete"})).await;
                assert_eq!(next["type"], "next", "{next}");
                next["payload"].clone()
            }
        };
        assert!(body.get("errors").is_none(), "{name}: {body}");
        let mistakes = body["data"].as_object().unwrap().values().filter_map(|field| field["userErrors"].as_array());
        assert!(mistakes.clone().all(Vec::is_empty), "{name}: {body}");
        shapes.push_str(&format!("{name} "));
        shape(&body["data"], 0, &mut shapes);
        shapes.push('\n');
    }
    expect_file![folder().join("shapes.txt")].assert_eq(&shapes);
}
