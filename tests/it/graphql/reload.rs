//! Types that are edited while clients are there.

use std::fs;

use serde_json::{Value as Json, json};

use super::Plant;
use super::ws::Socket;

const MIXER: &str = "schemas/Mixer.yaml";

struct Edited {
    plant: Plant,
    mixer: String,
}

impl Edited {
    fn start() -> Edited {
        let plant = Plant::start();
        let mixer = fs::read_to_string(plant.workspace.path().join(MIXER)).unwrap();
        Edited { plant, mixer }
    }

    /// With one more property.
    fn add(&self, name: &str) {
        self.plant.workspace.write(MIXER, &self.mixer.replace("properties:\n", &format!("properties:\n  {name}: {{type: string}}\n")));
    }
}

/// Reads until `holds`, and gives the data of that message.
async fn until(socket: &mut Socket, id: &str, holds: impl Fn(&Json) -> bool) -> Json {
    loop {
        let message = socket.hear().await;
        if message["id"] == id && holds(&message) {
            return message;
        }
    }
}

#[tokio::test]
async fn an_edit_shows_at_once_and_no_socket_is_lost() {
    let edited = Edited::start();
    let mut socket = Socket::open(&edited.plant).await;
    socket.subscribe("schema", "subscription { schemaChanged { revision issues { code file line message } } }").await;
    socket.subscribe("typed", "subscription { mixers { kind nodes { id recipe } } }").await;
    socket.subscribe("core", "subscription { twins(where: {isA: [\"Mixer\"]}) { kind twins { id } } }").await;
    until(&mut socket, "core", |message| message["payload"]["data"]["twins"]["kind"] == "SNAPSHOT").await;
    edited.add("colour");
    until(&mut socket, "typed", |message| message["payload"]["data"]["mixers"]["kind"] == "RESYNC").await;
    assert!(edited.plant.data("{ mixer(id: \"mixer-1\") { colour } }").await["mixer"]["colour"].is_null());
    let text = edited.plant.get("*/*", "/graphql/schema.graphql").send().await.unwrap().text().await.unwrap();
    assert!(text.contains("colour: String"));
    // The old socket knows the new type, too.
    socket.subscribe("new", "{ mixer(id: \"mixer-1\") { colour } }").await;
    until(&mut socket, "new", |message| message["type"] == "next").await;

    edited.plant.workspace.write(MIXER, &edited.mixer.replace("unit: degC", "unit: degX"));
    let said = until(&mut socket, "schema", |message| message["payload"]["data"]["schemaChanged"]["issues"] != json!([])).await;
    let issue = &said["payload"]["data"]["schemaChanged"]["issues"][0];
    assert_eq!((&issue["file"], issue["line"].is_u64()), (&json!(MIXER), true), "{said}");
    let data = edited.plant.data("{ issues { file line } mixer(id: \"mixer-1\") { colour } }").await;
    assert_eq!(data, json!({"issues": [{"file": MIXER, "line": issue["line"]}], "mixer": {"colour": null}}), "what was stays");
}

#[tokio::test]
async fn a_subscription_to_what_is_gone_ends_and_says_why() {
    let edited = Edited::start();
    edited.add("colour");
    edited.plant.program.until("the edit is in force", |program| program.get("/graphql/schema.graphql").1.contains("colour: String"));
    let mut socket = Socket::open(&edited.plant).await;
    socket.subscribe("typed", "subscription { mixers { nodes { id colour } } }").await;
    until(&mut socket, "typed", |message| message["type"] == "next").await;
    edited.plant.workspace.write(MIXER, &edited.mixer);
    let last = until(&mut socket, "typed", |message| message.to_string().contains("SCHEMA_CHANGED")).await;
    assert!(last.to_string().contains("\"code\":\"SCHEMA_CHANGED\""), "{last}");
}

#[tokio::test]
async fn a_storm_of_edits_leaves_the_last_in_force() {
    let edited = Edited::start();
    let mut sockets = Vec::new();
    for _ in 0..20 {
        let mut socket = Socket::open(&edited.plant).await;
        socket.subscribe("live", "subscription { mixers(maxRateHz: 30) { kind nodes { id temperature { value } } } }").await;
        until(&mut socket, "live", |message| message["payload"]["data"]["mixers"]["kind"] == "SNAPSHOT").await;
        sockets.push(socket);
    }
    for round in 0..30 {
        edited.add(&format!("colour{round}"));
        edited.plant.data("{ mixers { nodes { id } } }").await;
    }
    edited
        .plant
        .program
        .until("the last edit is in force", |program| program.get("/graphql/schema.graphql").1.contains("colour29: String"));
    let reading = json!({"twin": "mixer-1", "values": {"temperature": 71.25}});
    edited.plant.client.post(edited.plant.url("/ingest")).json(&reading).send().await.unwrap();
    for socket in &mut sockets {
        until(socket, "live", |message| message["payload"].to_string().contains("71.25")).await;
    }
}

#[tokio::test]
async fn a_stream_of_changes_loses_nothing_to_an_edit() {
    let edited = Edited::start();
    let mut socket = Socket::open(&edited.plant).await;
    socket.subscribe("changes", "subscription { changes(kinds: [UPDATED], where: {isA: [\"Mixer\"]}) { kind seq } }").await;
    until(&mut socket, "changes", |message| message["payload"]["data"]["changes"]["kind"] == "CAUGHT_UP").await;
    let mut missing = Vec::new();
    for round in 0..40 {
        let change = format!("mutation {{ updateMixer(id: \"mixer-1\", set: {{manufacturer: \"Maker {round}\"}}) {{ seq }} }}");
        missing.push(edited.plant.data(&change).await["updateMixer"]["seq"].clone());
        if round % 10 == 5 {
            edited.add(&format!("colour{round}"));
        }
    }
    edited
        .plant
        .program
        .until("the last edit is in force", |program| program.get("/graphql/schema.graphql").1.contains("colour35: String"));
    let mut heard = Vec::new();
    while missing.iter().any(|seq| !heard.contains(seq)) {
        let message = until(&mut socket, "changes", |message| message["type"] == "next").await;
        let item = &message["payload"]["data"]["changes"];
        assert_ne!(item["kind"], "GAP", "{message}");
        if item["kind"] == "ITEM" {
            heard.push(item["seq"].clone());
        }
    }
}

#[tokio::test]
async fn an_edit_of_a_type_takes_back_nothing_and_old_changes_keep_their_names() {
    let edited = Edited::start();
    let query =
        "subscription($after: String) { changes(after: $after, where: {ids: [\"mixer-1\"]}) { kind cursor change { kind changed } } }";
    let mut socket = Socket::open(&edited.plant).await;
    socket.subscribe("before", query).await;
    let start = until(&mut socket, "before", |message| message["payload"]["data"]["changes"]["kind"] == "CAUGHT_UP").await;
    let after = start["payload"]["data"]["changes"]["cursor"].clone();
    edited.plant.data("mutation { updateMixer(id: \"mixer-1\", set: {manufacturer: \"Somebody\"}) { seq } }").await;
    // It comes first, so every other member gets another number.
    edited.add("aColour");
    edited.plant.program.until("the edit is in force", |program| program.get("/graphql/schema.graphql").1.contains("aColour: String"));
    edited.plant.data("mutation { updateMixer(id: \"mixer-1\", set: {recipe: \"Plum\"}) { seq } }").await;
    let data = edited.plant.data("{ mixer(id: \"mixer-1\") { manufacturer recipe } }").await;
    assert_eq!(data["mixer"], json!({"manufacturer": "Somebody", "recipe": "Plum"}));

    socket.subscribe_with("after", query, json!({"after": after})).await;
    let mut heard = Vec::new();
    while heard.len() < 3 {
        let message = until(&mut socket, "after", |message| message["payload"]["data"]["changes"]["kind"] == "ITEM").await;
        heard.push(message["payload"]["data"]["changes"]["change"].clone());
    }
    let expected = json!([
        {"kind": "UPDATED", "changed": ["manufacturer"]},
        {"kind": "RETYPED", "changed": []},
        {"kind": "UPDATED", "changed": ["recipe"]},
    ]);
    assert_eq!(json!(heard), expected);
}

#[tokio::test]
async fn types_are_published_by_a_mutation() {
    let edited = Edited::start();
    let mutation = "mutation($sources: [String!]!, $dryRun: Boolean) { publishTypes(sources: $sources, dryRun: $dryRun) {
        seq types { name } schema { revision } userErrors { code path message } } }";
    let publish = async |sources: Json, dry_run: bool| {
        let variables = json!({"sources": sources, "dryRun": dry_run});
        let mut body = edited.plant.ask(json!({"query": mutation, "variables": variables})).await;
        assert!(body.get("errors").is_none(), "{body}");
        body["data"]["publishTypes"].take()
    };
    let mixer = edited.mixer.replace("properties:\n", "properties:\n  colour: {type: string}\n");
    let press = "type: Press\nextends: Machine\ntelemetry: {force: double N}\n";
    let path = edited.plant.workspace.path().join("schemas/Press.yaml");

    // Refused as a whole, with the places.
    let refused = publish(json!([press, edited.mixer.replace("unit: degC", "unit: degX"), "kind: ASSET"]), false).await;
    assert_eq!((&refused["seq"], &refused["userErrors"][0]["path"]), (&Json::Null, &json!(["sources", "2"])), "{refused}");
    let refused = publish(json!([press, edited.mixer.replace("unit: degC", "unit: degX")]), false).await;
    let first = &refused["userErrors"][0];
    assert_eq!(first["path"], json!(["sources", "1"]), "{refused}");
    assert!(first["message"].as_str().unwrap().starts_with("schemas/Mixer.yaml:"), "{refused}");
    let dry = publish(json!([mixer, press]), true).await;
    assert_eq!((&dry["types"], &dry["seq"]), (&json!([{"name": "Mixer"}, {"name": "Press"}]), &Json::Null), "{dry}");
    assert!(!path.exists());

    // In force when it is answered, for sockets that were open before as well.
    let mut socket = Socket::open(&edited.plant).await;
    socket.subscribe("typed", "subscription { mixers { kind nodes { id } } }").await;
    until(&mut socket, "typed", |message| message["payload"]["data"]["mixers"]["kind"] == "SNAPSHOT").await;
    let done = publish(json!([mixer, press]), false).await;
    assert!(done["seq"].is_string() && done["userErrors"] == json!([]), "{done}");
    let data = edited.plant.data("{ mixer(id: \"mixer-1\") { colour } presses { totalCount } }").await;
    assert_eq!(data, json!({"mixer": {"colour": null}, "presses": {"totalCount": 0}}));
    until(&mut socket, "typed", |message| message["payload"]["data"]["mixers"]["kind"] == "RESYNC").await;
    assert_eq!(fs::read_to_string(path).unwrap(), press);

    // The files that were written are no edit of their own: the next one is one revision further.
    let again = publish(json!([press.replace("force", "strength")]), false).await;
    let revision = |payload: &Json| payload["schema"]["revision"].as_str().map(|text| text.parse::<u64>().unwrap());
    assert_eq!(revision(&again), revision(&done).map(|revision| revision + 1), "{again}");
}
