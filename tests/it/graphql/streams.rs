//! The lossless streams of alarms and of events: everything once and in order, over reconnects and crashes, and what of it lists still show.

use pollux::api::streams::{StreamName, encode_cursor};
use pollux::feed::Position;
use pollux::reading::Seq;
use serde_json::{Value as Json, json};

use super::Plant;
use super::alarms::Kitchen;
use super::ws::Socket;

const ALARMS: &str = "subscription ($after: String, $where: AlarmWhere) { items: alarmChanges(after: $after, where: $where) {
    kind cursor seq op alarmId twinId ruleName by comment alarm { id open condition acknowledged closedReason severity log { op } } gap { reason } } }";
const EVENTS: &str = "subscription ($after: String, $where: EventWhere) { items: events(after: $after, where: $where) {
    kind cursor event { id name severity body ruleName twin { id } } gap { reason } } }";

async fn follow(plant: &Plant, query: &str, variables: Json) -> Socket {
    let mut socket = Socket::open(plant).await;
    socket.subscribe_with("1", query, variables).await;
    socket
}

async fn item(socket: &mut Socket) -> Json {
    let mut next = socket.hear().await;
    assert!(next["payload"].get("errors").is_none() && next["type"] == "next", "{next}");
    next["payload"]["data"]["items"].take()
}

/// Items until the past is delivered.
async fn past(socket: &mut Socket) -> Vec<Json> {
    let mut items = Vec::new();
    loop {
        let item = item(socket).await;
        if item["kind"] == "CAUGHT_UP" {
            return items;
        }
        items.push(item);
    }
}

/// `OP ID condition`
fn told(item: &Json) -> String {
    let text = |json: &Json| json.as_str().unwrap_or("-").to_owned();
    format!("{} {} {}", text(&item["op"]), text(&item["alarmId"]), text(&item["alarm"]["condition"]))
}

#[tokio::test]
async fn what_happens_to_alarms_is_told_live() {
    let kitchen = Kitchen::start();
    let mut socket = follow(&kitchen.0, ALARMS, json!({"where": {"rule": ["hot"]}})).await;
    assert_eq!(item(&mut socket).await["kind"], "CAUGHT_UP");
    kitchen.heat(250.0).await;
    let raised = item(&mut socket).await;
    assert_eq!(told(&raised), "RAISED alarm/oven/hot/1 ACTIVE");
    assert_eq!((&raised["twinId"], &raised["ruleName"], &raised["by"]), (&json!("oven"), &json!("hot"), &Json::Null));
    kitchen.act("commentAlarms(ids: [\"alarm/oven/hot/1\"], text: \"on my way\")").await;
    let commented = item(&mut socket).await;
    assert_eq!((told(&commented), &commented["comment"]), ("COMMENTED alarm/oven/hot/1 ACTIVE".to_owned(), &json!("on my way")));
    kitchen.act("shelveAlarms(ids: [\"alarm/oven/hot/1\"], for: \"1h\")").await;
    kitchen.act("unshelveAlarms(ids: [\"alarm/oven/hot/1\"])").await;
    kitchen.act("acknowledgeAlarms(ids: [\"alarm/oven/hot/1\"])").await;
    kitchen.heat(20.0).await;
    let mut rest = Vec::new();
    for _ in 0..5 {
        rest.push(item(&mut socket).await);
    }
    let ops: Vec<String> = rest.iter().map(told).collect();
    let one = |op: &str, condition: &str| format!("{op} alarm/oven/hot/1 {condition}");
    let expected =
        [("SHELVED", "ACTIVE"), ("UNSHELVED", "ACTIVE"), ("ACKNOWLEDGED", "ACTIVE"), ("CLEARED", "NORMAL"), ("CLOSED", "NORMAL")];
    assert_eq!(ops, expected.map(|(op, condition)| one(op, condition)));
    // As it was when it was closed, with all that happened to it, though no list shows it any more.
    let closed = &rest[4]["alarm"];
    assert_eq!((&closed["open"], &closed["closedReason"]), (&json!(false), &json!("RETURNED")));
    assert_eq!(closed["log"].as_array().unwrap().len(), 7, "{closed}");
    assert_eq!(kitchen.alarms().await["alarms"]["totalCount"], 0);
}

#[tokio::test]
async fn alarms_are_told_once_over_reconnects_and_a_crash() {
    let mut kitchen = Kitchen::start();
    let mut socket = follow(&kitchen.0, ALARMS, json!({})).await;
    let begin = item(&mut socket).await;
    for temperature in [250.0, 310.0, 20.0] {
        kitchen.heat(temperature).await;
    }
    kitchen.act("acknowledgeAlarms(ids: [\"alarm/oven/hot/1\"])").await;
    let mut live = Vec::new();
    while live.last().is_none_or(|last| *last != "CLOSED alarm/oven/hot/1 NORMAL") {
        live.push(told(&item(&mut socket).await));
    }
    assert_eq!(&live[..3], ["RAISED alarm/oven/hot/1 ACTIVE", "RAISED alarm/oven/warm/1 ACTIVE", "RAISED alarm/oven/stuck/1 ACTIVE"]);
    drop(socket);
    // From the beginning, out of the journal: the same.
    let mut socket = follow(&kitchen.0, ALARMS, json!({"after": begin["cursor"]})).await;
    let again = past(&mut socket).await;
    assert_eq!(again.iter().map(told).collect::<Vec<_>>(), live);
    // From each cursor on: the rest, and nothing twice.
    for (place, from) in again.iter().enumerate() {
        let mut socket = follow(&kitchen.0, ALARMS, json!({"after": from["cursor"]})).await;
        let rest: Vec<Json> = past(&mut socket).await.iter().map(|item| item["cursor"].clone()).collect();
        assert_eq!(rest, again[place + 1..].iter().map(|item| item["cursor"].clone()).collect::<Vec<_>>());
    }
    kitchen.0.again();
    let mut socket = follow(&kitchen.0, ALARMS, json!({"after": begin["cursor"]})).await;
    let after_crash = past(&mut socket).await;
    // Either the journal still tells what was, or it says that it does not.
    if after_crash.first().is_none_or(|first| first["kind"] != "GAP") {
        let cursors = |items: &[Json]| items.iter().map(|item| item["cursor"].clone()).collect::<Vec<_>>();
        assert_eq!(cursors(&after_crash), cursors(&again));
    }
    kitchen.heat(250.0).await;
    assert_eq!(told(&item(&mut socket).await), "RAISED alarm/oven/hot/2 ACTIVE");
    let foreign = kitchen.0.data("{ events { pageInfo { endCursor } } }").await;
    assert_eq!(foreign["events"]["pageInfo"]["endCursor"], Json::Null);
}

#[tokio::test]
async fn a_stream_of_alarms_tells_of_those_that_are_wanted() {
    let kitchen = Kitchen::start();
    let mut socket =
        follow(&kitchen.0, ALARMS, json!({"where": {"minSeverity": "MAJOR", "twin": {"ids": ["oven"]}, "raisedAt": {"within": "1h"}}}))
            .await;
    assert_eq!(item(&mut socket).await["kind"], "CAUGHT_UP");
    kitchen.heat(310.0).await;
    let both = [item(&mut socket).await, item(&mut socket).await].map(|item| told(&item));
    assert_eq!(both, ["RAISED alarm/oven/hot/1 ACTIVE", "RAISED alarm/oven/stuck/1 ACTIVE"]);
    // A cursor of what is not there: said so, and then it goes on.
    for (name, query) in [(StreamName::Alarms, ALARMS), (StreamName::Events, EVENTS)] {
        let beyond = encode_cursor(name, Position { seq: Seq(1_000_000), index: 0 });
        let mut socket = follow(&kitchen.0, query, json!({ "after": beyond })).await;
        let gap = item(&mut socket).await;
        assert_eq!((&gap["kind"], gap["gap"]["reason"].as_str().map(str::is_empty)), (&json!("GAP"), Some(false)));
        assert_eq!(item(&mut socket).await["kind"], "CAUGHT_UP");
    }
    let bad = "subscription { alarmChanges(after: \"MAJOR\") { kind } }";
    let answer = kitchen.0.post("text/event-stream", bad).send().await.unwrap().text().await.unwrap();
    assert!(answer.contains("BAD_CURSOR"), "{answer}");
}

#[tokio::test]
async fn events_are_told_once_and_listed_newest_first() {
    let mut kitchen = Kitchen::start();
    let mut socket = follow(&kitchen.0, EVENTS, json!({"where": {"minSeverity": "WARNING"}})).await;
    let begin = item(&mut socket).await;
    for n in 0..5 {
        kitchen.report("oven", "opened", json!({ "n": n })).await;
        kitchen.report("other", "stirred", Json::Null).await;
    }
    let mut live = Vec::new();
    for n in 0..5 {
        let item = item(&mut socket).await;
        let event = &item["event"];
        assert_eq!((&event["name"], &event["twin"]["id"], &event["body"]), (&json!("opened"), &json!("oven"), &json!({ "n": n })));
        assert_eq!(event["ruleName"], Json::Null);
        live.push(item);
    }
    let list = async |kitchen: &Kitchen, first: u32, after: &Json| {
        let query = format!(
            "{{ events(first: {first}, after: {after}) {{ nodes {{ id name body }} pageInfo {{ endCursor hasNextPage startCursor }} }} }}"
        );
        kitchen.0.data(&query).await["events"].take()
    };
    let (mut found, mut after) = (Vec::new(), Json::Null);
    loop {
        let page = list(&kitchen, 3, &after).await;
        found.extend(page["nodes"].as_array().unwrap().clone());
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == json!(false) {
            break;
        }
    }
    let names: Vec<&str> = found.iter().map(|event| event["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["stirred", "opened"].repeat(5));
    assert_eq!((&found[1]["body"], &found[9]["body"]), (&json!({"n": 4}), &json!({"n": 0})));
    let query = "{ oven(id: \"oven\") { events(where: {name: [\"opened\"]}, first: 2) { nodes { body } edges { cursor } } } none: events(where: {under: \"other\", minSeverity: MAJOR}) { nodes { id } } }";
    let of_oven = kitchen.0.data(query).await;
    assert_eq!(of_oven["oven"]["events"]["nodes"], json!([{"body": {"n": 4}}, {"body": {"n": 3}}]));
    assert_eq!(of_oven["none"]["nodes"], json!([]));
    // A cursor is the same in lists and in the stream.
    assert_eq!(of_oven["oven"]["events"]["edges"][0]["cursor"], live[4]["cursor"]);
    let id = found[1]["id"].as_str().unwrap().to_owned();
    let node =
        kitchen.0.data(&format!("{{ node(id: \"{id}\") {{ ... on Event {{ name }} }} gone: node(id: \"event/1/99\") {{ id }} }}")).await;
    assert_eq!(node, json!({"node": {"name": "opened"}, "gone": null}));
    kitchen.0.again();
    let mut socket = follow(&kitchen.0, EVENTS, json!({"after": begin["cursor"], "where": {"twins": ["oven"]}})).await;
    let again = past(&mut socket).await;
    if again.first().is_none_or(|first| first["kind"] != "GAP") {
        let cursors = |items: &[Json]| items.iter().map(|item| item["cursor"].clone()).collect::<Vec<_>>();
        assert_eq!(cursors(&again), cursors(&live));
    }
}
