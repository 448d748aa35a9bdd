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

#[tokio::test]
async fn what_is_bound_while_it_runs_has_a_name_too() {
    let bounds = [
        ("GRAPHQL_LIMITS_RESPONSE_BYTES_MAX", "65536"),
        ("GRAPHQL_LIMITS_SERIES_PER_SUBSCRIPTION_MAX", "2"),
        ("GRAPHQL_LIMITS_FRAME_TWINS_MAX", "3"),
        ("GRAPHQL_LIMITS_OPERATIONS_PER_SOCKET_MAX", "4"),
    ];
    let plant = Plant::of(demo(), &bounds);
    let long = "a".repeat(1_000);
    let query = format!("{{ twins(first: 100) {{ nodes {{ {long}: id b{long}: id }} }} }}");
    let body = plant.ask(json!({ "query": query })).await;
    assert_eq!(refusal(&body), ("RESOURCE_LIMIT".to_owned(), "response_bytes_max".to_owned(), 65_536, true), "{body}");
    // What the schema is must be told whole.
    let schema = plant.data("{ __schema { types { name description fields { name description type { name } } } } }").await;
    assert!(schema.to_string().len() > 65_536);

    let mut socket = Socket::open(&plant).await;
    let series = "readings(select: {twins: [{twin: \"mixer-1\", properties: [\"temperature\", \"speed\", \"torque\"]}]}) { kind }";
    let frames = "mixers(limit: 4) { kind }";
    for (field, limit, value) in [(series, "series_per_subscription_max", 2), (frames, "frame_twins_max", 3)] {
        socket.subscribe(limit, &format!("subscription {{ {field} }}")).await;
        let said = loop {
            let message = socket.hear().await;
            if message.to_string().contains("errors") || message["type"] == "error" {
                break message;
            }
        };
        let errors = if said["type"] == "error" { said["payload"].clone() } else { said["payload"]["errors"].clone() };
        assert_eq!(refusal(&json!({ "errors": errors })), ("RESOURCE_LIMIT".to_owned(), limit.to_owned(), value, true), "{said}");
    }
    let mut socket = Socket::open(&plant).await;
    for id in ["1", "2", "3", "4", "5"] {
        socket.subscribe(id, "subscription { schemaChanged { revision } }").await;
    }
    let refused = loop {
        let message = socket.hear().await;
        if message["type"] == "error" {
            break message;
        }
    };
    let said = refusal(&json!({"errors": refused["payload"]}));
    assert_eq!((refused["id"].as_str(), said.1.as_str(), said.2), (Some("5"), "operations_per_socket_max", 4), "{refused}");
}

#[tokio::test]
async fn where_too_much_runs_the_next_is_sent_away() {
    let plant = Plant::of(demo(), &[("GRAPHQL_LIMITS_OPERATIONS_IN_FLIGHT_MAX", "1")]);
    // Each would wait until a commit of the far future can be read.
    let patient = json!({"query": "{ __typename }", "extensions": {"pollux": {"afterSeq": "900000000"}}});
    let asked = (0..3).map(|_| plant.ask(patient.clone()));
    let mut said: Vec<_> = futures_util::future::join_all(asked).await.iter().map(refusal).map(|(code, limit, ..)| (code, limit)).collect();
    said.sort();
    let sent_away = ("UNAVAILABLE".to_owned(), "operations_in_flight_max".to_owned());
    assert_eq!(said, [("TIMEOUT".to_owned(), String::new()), sent_away.clone(), sent_away]);
    assert_eq!(plant.data("{ __typename }").await, json!({"__typename": "Query"}));
}

#[tokio::test]
async fn a_thousand_sockets_hear_of_a_reading() {
    raise_the_limit_of_open_files();
    let plant = Plant::start();
    let mut sockets = Vec::new();
    for _ in 0..1_000 {
        let mut socket = Socket::open(&plant).await;
        socket.subscribe("1", "subscription { mixer(id: \"mixer-1\") { nodes { temperature { value } } } }").await;
        sockets.push(socket);
    }
    let reading = json!({"twin": "mixer-1", "values": {"temperature": 71.25}});
    plant.client.post(plant.url("/ingest")).json(&reading).send().await.unwrap();
    for socket in &mut sockets {
        while !socket.hear().await.to_string().contains("71.25") {}
    }
}

/// A test needs one for each socket; the soft limit is often 1,024.
fn raise_the_limit_of_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
}
