//! The stream of changes: all of them, in order, from where the client was.

use serde_json::{Value as Json, json};

use super::Plant;
use super::ws::Socket;

async fn change(plant: &Plant, id: &str, recipe: &str) {
    plant.data(&format!("mutation {{ updateMixer(id: \"{id}\", set: {{recipe: \"{recipe}\"}}) {{ seq }} }}")).await;
}

async fn subscribe(socket: &mut Socket, id: &str, after: &Json) {
    let query = "subscription ($after: String) { changes(after: $after, kinds: [CREATED, UPDATED, DELETED], where: {isA: [\"Mixer\"]}) {
        kind cursor change { kind twinId changed twin { ... on Mixer { id } } } gap { reason } } }";
    socket.say(json!({"id": id, "type": "subscribe", "payload": {"query": query, "variables": {"after": after}}})).await;
}

async fn item(socket: &mut Socket) -> Json {
    let mut next = socket.hear().await;
    assert!(next["payload"].get("errors").is_none() && next["type"] == "next", "{next}");
    next["payload"]["data"]["changes"].take()
}

#[tokio::test]
async fn a_client_goes_on_where_it_was() {
    let plant = Plant::start();
    let mut socket = Socket::open(&plant).await;
    subscribe(&mut socket, "1", &Json::Null).await;
    let begin = item(&mut socket).await;
    assert_eq!(begin["kind"], "CAUGHT_UP");
    change(&plant, "mixer-1", "Cola").await;
    let first = item(&mut socket).await;
    assert_eq!(
        (&first["kind"], &first["change"]["kind"], &first["change"]["changed"]),
        (&json!("ITEM"), &json!("UPDATED"), &json!(["recipe"]))
    );
    drop(socket);
    for (id, recipe) in [("mixer-2", "Cola"), ("mixer-1", "Water"), ("mixer-2", "Water")] {
        change(&plant, id, recipe).await;
    }
    let mut socket = Socket::open(&plant).await;
    subscribe(&mut socket, "2", &first["cursor"]).await;
    let mut missed = Vec::new();
    loop {
        let item = item(&mut socket).await;
        if item["kind"] == "CAUGHT_UP" {
            break;
        }
        missed.push(item["change"]["twinId"].clone());
    }
    assert_eq!(missed, [json!("mixer-2"), json!("mixer-1"), json!("mixer-2")]);
    change(&plant, "mixer-1", "Juice").await;
    assert_eq!(item(&mut socket).await["change"]["twinId"], "mixer-1");
}

#[tokio::test]
async fn a_cursor_outlives_a_crash() {
    let mut plant = Plant::start();
    let mut socket = Socket::open(&plant).await;
    subscribe(&mut socket, "1", &Json::Null).await;
    let begin = item(&mut socket).await;
    change(&plant, "mixer-1", "Cola").await;
    change(&plant, "mixer-1", "Water").await;
    plant.again();
    let mut socket = Socket::open(&plant).await;
    subscribe(&mut socket, "1", &begin["cursor"]).await;
    let kinds = [item(&mut socket).await, item(&mut socket).await].map(|item| item["kind"].clone());
    // Either the journal still tells what was, or it says that it does not.
    assert!(kinds == ["ITEM", "ITEM"] || kinds[0] == "GAP", "{kinds:?}");
}
