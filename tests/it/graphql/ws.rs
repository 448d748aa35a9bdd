//! Many operations on one socket.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value as Json, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::{Plant, patiently};

pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub(super) async fn connect(plant: &Plant, protocol: &str) -> Socket {
        let mut request = format!("ws://{}/graphql/ws", plant.http).into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", protocol.parse().unwrap());
        let (socket, _) = patiently(connect_async(request)).await.unwrap();
        Socket(socket)
    }

    /// Connected and let in.
    pub(crate) async fn open(plant: &Plant) -> Socket {
        let mut socket = Socket::connect(plant, "graphql-transport-ws").await;
        socket.say(json!({"type": "connection_init"})).await;
        let ack = socket.hear().await;
        assert_eq!(ack["type"], "connection_ack");
        assert!(ack["payload"]["schemaRevision"].is_string() && ack["payload"]["limits"].is_object(), "{ack}");
        socket
    }

    pub(super) async fn say(&mut self, message: Json) {
        patiently(self.0.send(Message::text(message.to_string()))).await.unwrap();
    }

    pub(super) async fn subscribe(&mut self, id: &str, query: &str) {
        self.subscribe_with(id, query, json!({})).await;
    }

    pub(crate) async fn subscribe_with(&mut self, id: &str, query: &str, variables: Json) {
        self.say(json!({"id": id, "type": "subscribe", "payload": {"query": query, "variables": variables}})).await;
    }

    pub(crate) async fn hear(&mut self) -> Json {
        loop {
            match patiently(self.0.next()).await.unwrap().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) => {}
                other => panic!("no message: {other:?}"),
            }
        }
    }

    /// Reads up to the close.
    pub(super) async fn closed(&mut self) -> u16 {
        loop {
            if let Message::Close(close) = patiently(self.0.next()).await.unwrap().unwrap() {
                return close.unwrap().code.into();
            }
        }
    }
}

#[tokio::test]
async fn queries_mutations_and_subscriptions_run_side_by_side() {
    let plant = Plant::start();
    let mut socket = Socket::open(&plant).await;
    socket.subscribe("live", "subscription { system(maxRateHz: 5) { seq } }").await;
    let first = socket.hear().await;
    assert_eq!((&first["id"], &first["type"]), (&json!("live"), &json!("next")));
    assert!(first["payload"]["data"]["system"]["seq"].is_string(), "{first}");
    for (query, name) in [("{ __typename }", "Query"), ("mutation { __typename }", "Mutation")] {
        socket.subscribe("one", query).await;
        let mut heard = Vec::new();
        while heard.len() < 2 {
            let message = socket.hear().await;
            if message["id"] == "one" {
                heard.push(message);
            }
        }
        assert_eq!(heard[0], json!({"id": "one", "type": "next", "payload": {"data": {"__typename": name}}}));
        assert_eq!(heard[1], json!({"id": "one", "type": "complete"}));
    }
    socket.say(json!({"id": "live", "type": "complete"})).await;
    socket.say(json!({"type": "ping", "payload": {"last": true}})).await;
    while socket.hear().await != json!({"type": "pong", "payload": {"last": true}}) {}
}

#[tokio::test]
async fn a_request_that_cannot_run_gets_an_error() {
    let plant = Plant::start();
    let mut socket = Socket::open(&plant).await;
    for (query, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { a: system { seq } b: system { seq } }", "GRAPHQL_VALIDATION_FAILED"),
    ] {
        socket.subscribe("1", query).await;
        let error = socket.hear().await;
        assert_eq!((&error["type"], &error["payload"][0]["extensions"]["code"]), (&json!("error"), &json!(code)), "{error}");
    }
}

#[tokio::test]
async fn closes_with_the_codes_of_the_protocol() {
    let plant = Plant::start();
    assert_eq!(Socket::connect(&plant, "graphql-ws").await.closed().await, 4406);
    let mut socket = Socket::connect(&plant, "graphql-transport-ws").await;
    socket.subscribe("1", "{ __typename }").await;
    assert_eq!(socket.closed().await, 4401);
    let mut socket = Socket::open(&plant).await;
    socket.say(json!({"type": "connection_init"})).await;
    assert_eq!(socket.closed().await, 4429);
    let mut socket = Socket::open(&plant).await;
    socket.subscribe("1", "subscription { system { seq } }").await;
    socket.subscribe("1", "subscription { system { seq } }").await;
    assert_eq!(socket.closed().await, 4409);
    let mut socket = Socket::open(&plant).await;
    socket.say(json!({"type": "start"})).await;
    assert_eq!(socket.closed().await, 4400);
    let mut socket = Socket::open(&plant).await;
    plant.program.terminate();
    assert_eq!(socket.closed().await, 1012);
}
