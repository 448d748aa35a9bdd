//! What the types of a workspace give, on a whole program: their own fields, units, edges, filters, sums and changes.

use serde_json::json;

use super::mutations::{data, data_of, mistakes};
use crate::support::World;

const FILES: &[(&str, &str)] = &[
    ("schemas/relations.yaml", "relations:\n  feeds: {inverse: fedBy, properties: {pipe: string, flow: double L/min}}\n"),
    ("schemas/Hall.yaml", "type: Hall\nrelations: {contains: {to: [Hall, Machine, Tank]}}\n"),
    (
        "schemas/Machine.yaml",
        "
type: Machine
properties:
  serial: {type: string, immutable: true}
  pin: {type: string, sensitive: true}
  recipe: {type: string, sync: desired}
  power: {type: double, unit: kW}
  flag: {type: enum, values: ['true', OPEN]}
  phases: {type: array, items: double, minItems: 3, maxItems: 3}
telemetry:
  mode: {type: enum, values: [IDLE, RUN]}
  temperature: {type: double, unit: degC}
  vibration: {type: object, fields: {x: double mm/s, y: double mm/s}}
relations: {feeds: {to: [Machine, Tank]}}
",
    ),
    ("schemas/Mixer.yaml", "type: Mixer\nextends: Machine\ntelemetry: {speed: double rpm}\n"),
    ("schemas/Tank.yaml", "type: Tank\ntelemetry: {level: {type: double, unit: m}}\n"),
    (
        "twins/plant.yaml",
        "
twins:
  - {id: hall, type: Hall}
  - {id: m-1, type: Machine, in: hall, properties: {serial: A, pin: '1234', power: 2, phases: [1, 2, 3]}, relations: {feeds: [{to: tank, pipe: DN50, flow: 30}]}}
  - {id: x-1, type: Mixer, in: hall, properties: {power: 5, flag: 'true'}, relations: {feeds: [{to: m-1}]}}
  - {id: tank, type: Tank, in: hall}
",
    ),
];

fn heard(world: &World) {
    let reading = |twin: &str, property: &str, value: serde_json::Value| json!({"twin": twin, "property": property, "value": value});
    let readings = json!([
        reading("m-1", "temperature", json!(20)),
        reading("x-1", "temperature", json!(80)),
        reading("x-1", "speed", json!(60)),
        reading("x-1", "mode", json!("RUN")),
        reading("m-1", "vibration", json!({"x": 1.5, "y": 2})),
    ]);
    let taken = data_of(
        world,
        "mutation($readings: [ReadingInput!]!) { ingest(readings: $readings) { accepted rejected } }",
        json!({"readings": readings}),
    );
    assert_eq!(taken["ingest"], json!({"accepted": 5, "rejected": 0}));
}

#[test]
fn members_have_fields_of_their_own() {
    let world = World::of(FILES);
    heard(&world);
    let shown = data(
        &world,
        "{ machine(id: \"m-1\") { __typename id serial pin power(unit: WATT) flag phases recipe { reported desired inSync }
             mode { value quality } temperature(unit: DEGREE_FAHRENHEIT) { value unit } vibration { value { x y(unit: \"m/s\") } quality } }
           mixer(id: \"x-1\") { flag mode { value } speed(unit: REVOLUTION_PER_SECOND) { value unit } }
           none: mixer(id: \"m-1\") { id } }",
    );
    let expected = json!({
        "machine": {
            "__typename": "Machine", "id": "m-1", "serial": "A", "pin": "1234", "power": 2000.0, "flag": null, "phases": [1.0, 2.0, 3.0],
            "recipe": {"reported": null, "desired": null, "inSync": true}, "mode": {"value": null, "quality": "MISSING"},
            "temperature": {"value": 68.0, "unit": "degF"}, "vibration": {"value": {"x": 1.5, "y": 0.002}, "quality": "GOOD"},
        },
        "mixer": {"flag": "true_", "mode": {"value": "RUN"}, "speed": {"value": 1.0, "unit": "rps"}},
        "none": null,
    });
    assert_eq!(shown, expected);
}

#[test]
fn relations_lead_on_with_what_their_edges_say() {
    let world = World::of(FILES);
    let shown = data(
        &world,
        "{ mixer(id: \"x-1\") { feeds { totalCount edges { pipe node { __typename id ... on AnyMachine {
             feeds(where: {ids: [\"tank\", \"hall\"]}) { nodes { id } edges { pipe flow(unit: LITRE_PER_SECOND) node { id } } } } } } } }
           tank(id: \"tank\") { fedBy(where: {serial: {eq: \"A\"}}) { edges { node { id serial } } pageInfo { hasNextPage } } } }",
    );
    let expected = json!({
        "mixer": {"feeds": {"totalCount": 1, "edges": [{"pipe": null, "node": {"__typename": "Machine", "id": "m-1", "feeds": {
            "nodes": [{"id": "tank"}], "edges": [{"pipe": "DN50", "flow": 0.5, "node": {"id": "tank"}}],
        }}}]}},
        "tank": {"fedBy": {"edges": [{"node": {"id": "m-1", "serial": "A"}}], "pageInfo": {"hasNextPage": false}}},
    });
    assert_eq!(shown, expected);
}

#[test]
fn twins_of_a_type_are_listed_and_added_up() {
    let world = World::of(FILES);
    heard(&world);
    let shown = data(
        &world,
        "{ all: machines(orderBy: {field: temperature, direction: DESC}) { totalCount nodes { __typename id } }
           hot: machines(where: {temperature: {gt: 100, unit: \"degF\"}, twin: {path: {under: \"/hall\"}}}) { nodes { id } }
           flagged: machines(where: {flag: {eq: true_}}) { nodes { id } }
           fed: machines(where: {fedBy: {some: {twin: {isA: \"Mixer\"}}}}) { nodes { id } }
           page: machines(first: 1) { nodes { id } pageInfo { hasNextPage endCursor } }
           machinesAggregate { count power { sum unit } }
           mixersAggregate(where: {power: {gt: 9}}) { count } }",
    );
    assert_eq!(
        shown["all"],
        json!({"totalCount": 2, "nodes": [{"__typename": "Mixer", "id": "x-1"}, {"__typename": "Machine", "id": "m-1"}]})
    );
    assert_eq!((&shown["hot"], &shown["flagged"]), (&json!({"nodes": [{"id": "x-1"}]}), &json!({"nodes": [{"id": "x-1"}]})));
    assert_eq!(shown["fed"], json!({"nodes": [{"id": "m-1"}]}));
    assert_eq!((&shown["page"]["nodes"], &shown["page"]["pageInfo"]["hasNextPage"]), (&json!([{"id": "m-1"}]), &json!(true)));
    assert_eq!(shown["machinesAggregate"], json!([{"count": 2, "power": {"sum": 7.0, "unit": "kW"}}]));
    assert_eq!(shown["mixersAggregate"], json!([{"count": 0}]));
}

#[test]
fn twins_of_a_type_are_made_and_changed() {
    let world = World::of(FILES);
    let made = data(
        &world,
        "mutation { createMixer(input: {id: \"x-2\", name: \"Two\", parent: \"hall\", power: 3, flag: true_, recipe: \"R1\",
             feeds: [{target: \"tank\", pipe: \"DN20\"}]}) {
           userErrors { code } mixer { id name power flag recipe { desired inSync } parent { id } feeds { edges { pipe node { id } } } } } }",
    );
    let expected = json!({"userErrors": [], "mixer": {
        "id": "x-2", "name": "Two", "power": 3.0, "flag": "true_", "recipe": {"desired": "R1", "inSync": false}, "parent": {"id": "hall"},
        "feeds": {"edges": [{"pipe": "DN20", "node": {"id": "tank"}}]},
    }});
    assert_eq!(made["createMixer"], expected);
    let changed = data(
        &world,
        "mutation { updateMachine(id: \"x-2\", set: {power: 4, name: \"Zwei\"}, unset: [flag]) { userErrors { code } machine { name power flag } } }",
    );
    assert_eq!(changed["updateMachine"], json!({"userErrors": [], "machine": {"name": "Zwei", "power": 4.0, "flag": null}}));
    let wrong = data(
        &world,
        "mutation { a: createMixer(input: {id: \"x-3\", feeds: [{target: \"tank\"}, {target: \"nobody\"}], phases: [1]}) { userErrors { code path message } }
           b: updateMixer(id: \"tank\", set: {power: 1}) { userErrors { code path message } }
           c: updateMixers(where: {}, set: {power: 9}, dryRun: false, expectedCount: 7) { userErrors { code path message } } }",
    );
    let all: Vec<String> = ["a", "b", "c"].iter().map(|field| mistakes(&wrong[*field])).collect();
    for place in ["input.feeds.1.target", "input.phases"] {
        assert!(all[0].contains(place), "{place} in {}", all[0]);
    }
    assert_eq!(all[1], "UNKNOWN_TWIN id: `tank` is a Tank, which is no Mixer");
    assert!(all[2].starts_with("COUNT_MISMATCH expectedCount"), "{}", all[2]);
    let bulk = data(
        &world,
        "mutation { updateMixers(where: {power: {lt: 5}}, set: {power: 9}, dryRun: false) { matched changed refused userErrors { code } } }",
    );
    assert_eq!(bulk["updateMixers"], json!({"matched": 1, "changed": 1, "refused": 0, "userErrors": []}));
}

#[test]
fn twins_of_a_type_are_followed() {
    let world = World::of(FILES);
    let query = "subscription { machines(where: {power: {gt: 1}}, limit: 1) { kind truncated nodes { __typename id power } } }";
    let request = reqwest::Client::new().post(format!("http://{}/graphql", world.app().http));
    let request = request.header("accept", "text/event-stream").json(&json!({ "query": query }));
    let first = world.block_on(async {
        let mut response = super::patiently(request.send()).await.unwrap();
        let mut text = String::new();
        while !text.contains("data: ") || !text.ends_with("\n\n") {
            let chunk = super::patiently(response.chunk()).await.unwrap().expect("the stream goes on");
            text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        text
    });
    let item = first.lines().find_map(|line| line.strip_prefix("data: ")).unwrap_or_else(|| panic!("no item in {first}"));
    let item: serde_json::Value = serde_json::from_str(item).unwrap();
    let frame = json!({"kind": "SNAPSHOT", "truncated": true, "nodes": [{"__typename": "Machine", "id": "m-1", "power": 2.0}]});
    assert_eq!(item["data"]["machines"], frame, "{item}");
}
