//! `/graphql/ws` over real connections: what cannot be told of the protocol alone, from the upgrade to a client that does not read.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value as Json, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::http::graphql::{Settings, Timing};

use super::{Server, patiently};

struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    async fn upgrade(server: &Server, path: &str, headers: &[(&'static str, &str)]) -> Result<Client, Box<Error>> {
        let mut request = format!("ws://{}{path}", server.address).into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        patiently(connect_async(request)).await.map(|(socket, _)| Client(socket)).map_err(Box::new)
    }

    async fn connect(server: &Server) -> Client {
        Client::upgrade(server, "/graphql/ws", &[("sec-websocket-protocol", "graphql-transport-ws")]).await.unwrap()
    }

    /// Connected and let in.
    async fn open(server: &Server) -> Client {
        let mut client = Client::connect(server).await;
        client.say(json!({"type": "connection_init"})).await;
        assert_eq!(client.hear().await, json!({"type": "connection_ack", "payload": {"schemaRevision": "1"}}));
        client
    }

    async fn say(&mut self, message: Json) {
        patiently(self.0.send(Message::text(message.to_string()))).await.unwrap();
    }

    async fn subscribe(&mut self, id: &str, query: &str) {
        self.say(json!({"id": id, "type": "subscribe", "payload": {"query": query}})).await;
    }

    async fn frame(&mut self) -> Message {
        patiently(self.0.next()).await.expect("the server says something").unwrap()
    }

    async fn hear(&mut self) -> Json {
        loop {
            match self.frame().await {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) => {}
                other => panic!("no message: {other:?}"),
            }
        }
    }

    /// Reads everything up to the close.
    async fn closed(&mut self) -> (u16, String) {
        loop {
            if let Message::Close(close) = self.frame().await {
                let close = close.expect("a close has a code");
                return (close.code.into(), close.reason.as_str().to_owned());
            }
        }
    }
}

#[tokio::test]
async fn runs_many_operations_at_once() {
    let server = Server::start().await;
    let mut client = Client::open(&server).await;
    client.subscribe("never", "{ never }").await;
    client.subscribe("q", "{ a }").await;
    assert_eq!(client.hear().await, json!({"id": "q", "type": "next", "payload": {"data": {"a": 1}}}));
    assert_eq!(client.hear().await, json!({"id": "q", "type": "complete"}));
    client.subscribe("s", "count 2").await;
    assert_eq!(client.hear().await["payload"]["data"]["number"], 1);
    assert_eq!(client.hear().await["payload"]["data"]["number"], 2);
    assert_eq!(client.hear().await, json!({"id": "s", "type": "complete"}));
    client.subscribe("w", "{ wrong }").await;
    let error = client.hear().await;
    assert_eq!(
        (&error["id"], &error["type"], &error["payload"][0]["extensions"]["code"]),
        (&json!("w"), &json!("error"), &json!("GRAPHQL_VALIDATION_FAILED"))
    );
    client.subscribe("b", "{ busy }").await;
    assert_eq!(client.hear().await["payload"][0]["extensions"]["code"], "UNAVAILABLE");
    client.say(json!({"type": "ping", "payload": {"x": 1}})).await;
    assert_eq!(client.hear().await, json!({"type": "pong", "payload": {"x": 1}}));
}

#[tokio::test]
async fn a_completed_subscription_is_let_go() {
    let server = Server::start().await;
    let mut client = Client::open(&server).await;
    client.subscribe("s", "silence").await;
    client.say(json!({"id": "s", "type": "complete"})).await;
    client.subscribe("s", "silence").await;
    patiently(server.script.dropped.notified()).await;
    drop(client);
    patiently(server.script.dropped.notified()).await;
}

#[tokio::test]
async fn only_our_subprotocol_is_spoken() {
    let server = Server::start().await;
    let wanted = (4406, "Subprotocol not acceptable".to_owned());
    for protocol in [&[][..], &[("sec-websocket-protocol", "graphql-ws")], &[("sec-websocket-protocol", "other, graphql-ws")]] {
        let mut client = Client::upgrade(&server, "/graphql/ws", protocol).await.unwrap();
        assert_eq!(client.closed().await, wanted);
    }
    Client::upgrade(&server, "/graphql/ws", &[("sec-websocket-protocol", "graphql-ws, graphql-transport-ws")]).await.unwrap();
}

#[tokio::test]
async fn upgrades_are_refused_with_a_status() {
    let server = Server::with(Settings { sockets_max: 1, ..Settings::default() }).await;
    let refused = async |path: &str, origin: &str| match Client::upgrade(&server, path, &[("origin", origin)]).await {
        Err(error) => match *error {
            Error::Http(response) => response.status().as_u16(),
            other => panic!("{other}"),
        },
        Ok(_) => 101,
    };
    let own = format!("http://{}", server.address);
    assert_eq!(refused("/graphql/ws", "https://evil.example").await, 403);
    assert_eq!(refused("/graphql/ws?view=none", &own).await, 404);
    let client = Client::open(&server).await;
    assert_eq!(refused("/graphql/ws", &own).await, 503);
    drop(client);
    patiently(Box::pin(async { while refused("/graphql/ws?view=known", &own).await != 101 {} })).await;
}

#[tokio::test]
async fn who_says_nothing_is_let_go() {
    let server = Server::timed(Timing { init_wait_max: Duration::from_millis(50), ..Timing::default() }).await;
    assert_eq!(Client::connect(&server).await.closed().await, (4408, "Connection initialisation timeout".to_owned()));

    let timing = Timing { ping_every: Duration::from_millis(20), silence_max: Duration::from_millis(100), ..Timing::default() };
    let server = Server::timed(timing).await;
    let mut client = Client::open(&server).await;
    // It answers pings only while it reads.
    assert!(matches!(client.frame().await, Message::Ping(_)));
    for _ in 0..10 {
        assert!(matches!(client.frame().await, Message::Ping(_)), "who answers stays");
    }
    client.subscribe("s", "silence").await;
    patiently(server.script.dropped.notified()).await;
    assert_eq!(client.closed().await, (1001, "nothing was heard".to_owned()));
}

#[tokio::test]
async fn frames_that_cannot_be_read_close() {
    let server = Server::with(Settings { body_bytes_max: 1000, ..Settings::default() }).await;
    let mut client = Client::open(&server).await;
    client.subscribe("s", &"x".repeat(1000)).await;
    assert_eq!(client.closed().await, (1009, "the message is larger than 1000 bytes (body_bytes_max)".to_owned()));
    let mut client = Client::open(&server).await;
    client.0.send(Message::binary("{}")).await.unwrap();
    assert_eq!(client.closed().await, (4400, "messages are text".to_owned()));
    server.stop().await;
}

#[tokio::test]
async fn a_crash_closes_with_a_code() {
    let server = Server::start().await;
    let mut client = Client::open(&server).await;
    client.subscribe("c", "{ crash }").await;
    assert_eq!(client.closed().await, (4500, "Internal server error".to_owned()));
}

#[tokio::test]
async fn the_end_of_the_server_is_said() {
    let server = Server::start().await;
    let mut client = Client::open(&server).await;
    client.subscribe("s", "silence").await;
    server.closing.cancel();
    assert_eq!(client.closed().await, (1012, "the server stops".to_owned()));
    server.stop().await;
}

#[tokio::test]
async fn one_operation_does_not_starve_another() {
    let server = Server::start().await;
    let mut client = Client::open(&server).await;
    client.subscribe("flood", "flood 100000").await;
    client.hear().await;
    client.subscribe("count", "count 5").await;
    let mut others = 0;
    loop {
        let message = client.hear().await;
        match (message["id"].as_str().unwrap(), message["type"].as_str().unwrap()) {
            ("flood", _) => others += 1,
            (_, "complete") => break,
            _ => {}
        }
    }
    // What was on its way before, and one turn for each of the six messages.
    assert!(others < 200, "{others} messages of the flood came before five of the other");
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_let_go() {
    let timing = Timing { stall_max: Duration::from_millis(200), goodbye_wait_max: super::PATIENCE, ..Timing::default() };
    let server = Server::timed(timing).await;
    let (mut stuck, mut other) = (Client::open(&server).await, Client::open(&server).await);
    stuck.subscribe("flood", "flood 100000").await;
    patiently(server.script.dropped.notified()).await;
    // What the system's buffers hold, and our own share.
    let given = server.script.given.load(Ordering::Relaxed);
    assert!(given < 500, "{given} results were taken that nobody reads");
    other.subscribe("s", "count 1000").await;
    while other.hear().await["type"] != "complete" {}
    assert_eq!(stuck.closed().await, (1013, "nothing was taken of what was sent".to_owned()));
}

#[tokio::test]
async fn a_client_that_asks_and_never_listens_is_heard_and_let_go() {
    let timing = Timing { goodbye_wait_max: super::PATIENCE, ..Timing::default() };
    let server = Server::with(Settings { outbound_bytes_per_socket_max: 100_000, timing, ..Settings::default() }).await;
    let mut client = Client::open(&server).await;
    client.subscribe("flood", "flood 100000").await;
    let ping = Message::text(json!({"type": "ping", "payload": {"x": "x".repeat(50_000)}}).to_string());
    // Its pings are read although nothing can be written any more: otherwise this would come to a halt.
    let ask = async {
        while client.0.send(ping.clone()).await.is_ok() {}
        std::future::pending().await
    };
    tokio::select! {
        () = ask => {}
        () = patiently(server.script.dropped.notified()) => {}
    }
    assert_eq!(client.closed().await, (1013, "too much is waiting to be taken".to_owned()));
}
