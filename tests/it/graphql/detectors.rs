//! Detectors set by a mutation: what was set stands there, outlives a restart, and is what the next input and the next timer find; and a dry run
//! over the journal sets them again.

use serde_json::{Value as Json, json};

use super::mutations::{ask, data, data_of};
use crate::support::{World, at};

const PUMP: &str = "type: Pump
telemetry: {current: double A, mode: {type: enum, values: [IDLE, RUN]}}
events: {serviced: }
rules:
  - id: cycle
    initial: off
    variables: {minutes: 0, share: 0.5, longest: 1m, note: x}
    acknowledge: no
    severity: MAJOR
    states:
      off: {onInput: [{when: \"current > 10\", do: [{timer: run, set: 60s}, {var: since, value: \"now\"}], goto: on}]}
      on:
        onInput:
          - {when: \"timeout('run')\", do: [{var: minutes, value: \"vars.minutes + 1\"}, {timer: run, reset: true}]}
          - {when: \"vars.minutes > 100 && vars.share > 0.1 && vars.note == 'go' && now - vars.since > vars.longest\", goto: due}
      due:
        onEnter: [{do: [{raise: true, text: \"due after {vars.minutes}\"}]}]
        onInput: [{when: \"event('serviced')\", do: [{var: minutes, value: \"0\"}, {clear: true}], goto: off}]
  - {id: high, when: \"current > 100\"}
";

const SET: &str = "mutation ($rule: ID!, $twin: ID!, $state: String, $variables: JSON, $timers: JSON) {
    setDetectorState(rule: $rule, twin: $twin, state: $state, variables: $variables, timers: $timers) {
        seq rule { id } state { state variables timers condition } userErrors { code path message } } }";

fn station() -> World {
    World::lasting(&[("schemas/Pump.yaml", PUMP), ("twins/all.yaml", "twins: [{id: p, type: Pump}, {id: q, type: Pump}]\n")])
}

fn set(world: &World, mut wanted: Json) -> Json {
    wanted["rule"] = json!("cycle");
    wanted["twin"] = json!("p");
    data_of(world, SET, wanted)["setDetectorState"].take()
}

fn state(world: &World) -> Json {
    data(world, "{ ruleState(rule: \"cycle\", twin: \"p\") { state variables timers condition raised } }")["ruleState"].take()
}

fn load(world: &World, time: &str, current: f64) {
    world.clock.set(at(time));
    world.time_has_passed();
    let said = json!({"current": current, "ts": format!("2026-01-01T{time}Z")});
    assert_eq!(world.post("/ingest/topic/pollux/p/telemetry", said.to_string()).0, 200);
    world.time_has_passed();
}

#[test]
fn what_is_set_outlives_a_restart_and_is_found_by_what_comes() {
    let mut world = station();
    load(&world, "10:00:00", 12.0);
    let variables = json!({"minutes": 100, "share": 1, "since": "2026-01-01T09:00:00Z", "longest": "PT2M", "note": "go"});
    let done = set(&world, json!({"variables": variables, "timers": {"run": "90.000001s"}}));
    assert_eq!((&done["userErrors"], &done["state"]["state"]), (&json!([]), &json!("on")), "{done}");
    assert_eq!(done["state"]["timers"], json!({"run": "2026-01-01T10:01:30.000001Z"}), "{done}");
    let before = state(&world);
    assert_eq!(
        before["variables"],
        json!({"minutes": 100, "share": 1.0, "since": "2026-01-01T09:00:00Z", "longest": "PT2M", "note": "go"}),
        "nothing is evaluated"
    );
    world.kill();
    world.start();
    assert_eq!(state(&world), before, "to the microsecond");
    load(&world, "10:01:30", 13.0);
    assert_eq!(state(&world)["variables"]["minutes"], 100, "not yet");
    load(&world, "10:01:31", 14.0);
    assert_eq!((&state(&world)["state"], &state(&world)["condition"]), (&json!("due"), &json!("ACTIVE")), "{}", state(&world));
    // It goes back without having been served; a timer is stopped, and one that does not run stays so.
    let done = set(&world, json!({"state": "on", "variables": {"minutes": 5}, "timers": {"run": null}}));
    assert_eq!((&done["state"]["state"], &done["state"]["timers"], &done["userErrors"]), (&json!("on"), &json!({}), &json!([])), "{done}");
    // A dry run over the journal sees all of it.
    let range = json!({"between": {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}});
    let run = "query ($range: RangeInput!) { dryRunRule(rule: \"Pump.cycle\", range: $range) { rules { raises } occurrences { raisedAt text } } }";
    let dry = data_of(&world, run, json!({ "range": range }))["dryRunRule"].take();
    let lived = data(&world, "{ alarms { nodes { raisedAt text } } }")["alarms"]["nodes"].take();
    assert_eq!(lived, json!([{"raisedAt": "2026-01-01T10:01:31Z", "text": "due after 101"}]));
    assert_eq!(dry["occurrences"], lived);
}

#[test]
fn one_that_has_not_begun_begins_with_it() {
    let world = station();
    assert_eq!(state(&world)["state"], Json::Null);
    let done = set(&world, json!({"variables": {"minutes": 7}}));
    assert_eq!((&done["state"]["state"], &done["state"]["variables"]["minutes"]), (&json!("off"), &json!(7)), "{done}");
    let other = data(&world, "{ ruleState(rule: \"cycle\", twin: \"q\") { state } }");
    assert_eq!(other["ruleState"]["state"], Json::Null, "of one twin alone");
}

#[test]
fn what_cannot_be_set_is_told_with_its_place() {
    let world = station();
    load(&world, "10:00:00", 12.0);
    let before = state(&world);
    for (wanted, path, message) in [
        (json!({"state": "onn"}), json!(["state"]), "there is no state `onn`; there are off, on, due"),
        (json!({"state": "due", "variables": {"minuets": 1}}), json!(["variables", "minuets"]), "there is no variable `minuets`"),
        (json!({"variables": {"minutes": "many"}}), json!(["variables", "minutes"]), "variable `minutes` takes another type of value"),
        (json!({"variables": {"since": "noon"}}), json!(["variables", "since"]), "is not an instant"),
        (json!({"variables": {"longest": "long"}}), json!(["variables", "longest"]), "is not a length of time"),
        (json!({"variables": {"note": null}}), json!(["variables", "note"]), "is not true or false, a number or text"),
        (json!({"timers": {"burn": "60s"}}), json!(["timers", "burn"]), "there is no timer `burn`; there are run"),
        (json!({"timers": {"run": 60}}), json!(["timers", "run"]), "takes the time until it runs out"),
    ] {
        let done = set(&world, wanted);
        let error = &done["userErrors"][0];
        assert_eq!((&error["code"], &error["path"]), (&json!("INVALID_VALUE"), &path), "{done}");
        assert!(error["message"].as_str().unwrap().contains(message), "{message}: {done}");
    }
    assert_eq!(state(&world), before, "all or nothing");
    let refused = |asked: Json| data_of(&world, SET, asked)["setDetectorState"]["userErrors"][0].take();
    assert_eq!(refused(json!({"rule": "high", "twin": "p", "state": "on"}))["path"], json!(["rule"]));
    assert_eq!(refused(json!({"rule": "none", "twin": "p", "state": "on"}))["code"], "NOT_APPLICABLE");
    assert_eq!(refused(json!({"rule": "cycle", "twin": "x", "state": "on"}))["code"], "UNKNOWN_TWIN");
    let nothing = ask(&world, SET, json!({"rule": "cycle", "twin": "p"}));
    assert_eq!(nothing["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{nothing}");
}
