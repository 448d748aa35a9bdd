//! Rules tried on what has come in: unchanged ones raise what they have raised in life, changed ones are compared with them, and what is wrong with
//! a text is told with its place.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use pollux::alarm::What;
use pollux::journal::record;
use pollux::reading::{Timestamp, TwinNo};
use pollux::rule;
use pollux::twin::{Event, Fact};
use serde_json::{Value as Json, json};

use super::mutations::{ask, data, data_of};
use crate::support::{World, at};

const OVEN: &str = "type: Oven
properties: {limit: {type: double, unit: degC, default: 100}}
telemetry: {temperature: double degC, door: bool}
events: {fuelled: , opened: , shut: }
computed: {mean: {of: temperature, agg: avg, window: {sliding: 10m}}, since: {of: temperature, agg: max, window: {since: fuelled}}}
rules:
  - {id: hot, params: {hi: limit}, when: \"temperature > params.hi\", deadband: 2 K, onDelay: 1m, severity: MAJOR, do: [{raise: parent, id: childHot, severity: MAJOR}]}
  - {id: warm, when: \"mean > 90\", offDelay: 5m}
  - {id: peak, when: \"since > 120\", acknowledge: no}
  - {id: ajar, pattern: {after: \"event('opened')\", absent: \"event('shut')\", within: 30s}, clearWhen: \"event('shut')\"}
  - id: cycle
    initial: cold
    states:
      cold: {onInput: [{when: \"temperature > 60\", do: [{timer: burn, set: 2m}], goto: burning}]}
      burning: {onInput: [{when: \"timeout('burn')\", goto: long}, {when: \"temperature < 40\", goto: cold}]}
      long: {onEnter: [{do: [{raise: true, severity: MINOR}]}], onInput: [{when: \"event('fuelled')\", do: [{clear: true}], goto: cold}]}
";
const HALL: &str = "type: Hall
relations: {contains: {to: [Oven]}}
rollups: {hottest: {of: temperature, over: contains, agg: max}}
rules:
  - {id: any, when: \"hottest > 110\", severity: CRITICAL}
  - {id: below, when: \"children.exists(c, c.severity == 'MAJOR')\", acknowledge: no}
";
const TWINS: &str = "twins:
  - {id: hall, type: Hall}
  - {id: one, type: Oven, in: hall}
  - {id: two, type: Oven, in: hall, properties: {limit: 80}, rules: {warm: {enabled: false}, hot: {params: {hi: 85}}}}
";

const RUN: &str = "query ($source: String, $rule: ID, $set: JSON, $twins: [ID!], $under: ID, $range: RangeInput!, $against: Boolean) {
    dryRunRule(source: $source, rule: $rule, set: $set, twins: $twins, under: $under, range: $range, against: $against) {
        readings evaluations from to truncated
        rules { rule raises activeTime longest unknownTime chatter avoided current { raises } }
        occurrences { twinId rule severity raisedAt clearedAt change wasRaisedAt wasClearedAt explain { summary steps { label value } } }
        issues { code severity message file line column } } }";

fn cellar() -> World {
    World::lasting(&[("schemas/Oven.yaml", OVEN), ("schemas/Hall.yaml", HALL), ("twins/all.yaml", TWINS)])
}

fn day() -> Json {
    json!({"between": {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}})
}

/// What came of a dry run that could be done.
fn run(world: &World, mut asked: Json) -> Json {
    if asked["range"].is_null() {
        asked["range"] = day();
    }
    data_of(world, RUN, asked)["dryRunRule"].take()
}

fn heat(world: &World, twin: &str, time: &str, temperature: f64) {
    tell(world, &format!("{twin}/telemetry"), time, json!({"temperature": temperature, "ts": format!("2026-01-01T{time}Z")}));
}

fn happen(world: &World, twin: &str, event: &str, time: &str) {
    tell(world, &format!("{twin}/events/{event}"), time, json!({"ts": format!("2026-01-01T{time}Z")}));
}

fn tell(world: &World, topic: &str, time: &str, payload: Json) {
    pass(world, time);
    let (status, said) = world.post(&format!("/ingest/topic/pollux/{topic}"), payload.to_string());
    assert_eq!(status, 200, "{topic}: {said}");
    world.time_has_passed();
}

/// In steps that every delay of the story ends with, so that nothing is seen late.
fn pass(world: &World, time: &str) {
    const STEP: i64 = 30_000_000;
    loop {
        let next = Timestamp((world.clock.now().0.div_euclid(STEP) + 1) * STEP);
        if next >= at(time) {
            break;
        }
        world.clock.set(next);
        world.time_has_passed();
    }
    world.clock.set(world.clock.now().max(at(time)));
    world.time_has_passed();
}

fn mutate(world: &World, what: &str) {
    data(world, &format!("mutation {{ {what} {{ seq userErrors {{ message }} }} }}"));
    world.time_has_passed();
}

/// By twin and rule: when each was raised and cleared.
type Alarms = BTreeMap<(String, String), Vec<(String, Option<String>)>>;

/// All alarms that there were.
fn lived(world: &World) -> Alarms {
    let runtime = &world.app().runtime;
    let types: BTreeMap<&str, &str> = [("hall", "Hall"), ("one", "Oven"), ("two", "Oven")].into();
    let mut lived = Alarms::new();
    let each = |no: TwinNo, events: Vec<Event>, lived: &mut BTreeMap<_, Vec<_>>| {
        let id = runtime.shared.directory.id_of(no).unwrap().to_string();
        for event in events {
            let Event::Watched { rule, fact } = event else { continue };
            let rule::Fact::Alarm(change) = *fact else { continue };
            let rules = || (id.clone(), format!("{}.{rule}", types[id.as_str()]));
            match change.what {
                // What another twin raises is no rule of this one.
                What::Raised { .. } | What::Cleared { .. } if rule.contains(':') => {}
                What::Raised { .. } => lived.entry(rules()).or_default().push((change.at.to_string(), None)),
                What::Cleared { .. } => lived.get_mut(&rules()).unwrap().last_mut().unwrap().1 = Some(change.at.to_string()),
                _ => {}
            }
        }
    };
    runtime
        .each_entry(&mut |_, bytes| {
            let entry = record::decode(bytes, &|fingerprint| runtime.layouts.get(fingerprint)).unwrap();
            for fact in entry.facts {
                if let Fact::Happened { no, events, .. } = fact {
                    each(no, events, &mut lived);
                }
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    lived
}

/// The same of a dry run.
fn told(run: &Json) -> Alarms {
    let text = |from: &Json| from.as_str().map(str::to_owned);
    let mut told = Alarms::new();
    for one in run["occurrences"].as_array().unwrap() {
        let key = (text(&one["twinId"]).unwrap(), text(&one["rule"]).unwrap());
        told.entry(key).or_default().push((text(&one["raisedAt"]).unwrap(), text(&one["clearedAt"])));
    }
    told
}

/// A day with everything in it that may happen to rules.
fn live(world: &mut World) {
    for (twin, from) in [("one", 50.0), ("two", 50.0)] {
        heat(world, twin, "10:00:01", from);
    }
    happen(world, "one", "fuelled", "10:00:05");
    heat(world, "one", "10:01:00", 105.0);
    happen(world, "two", "opened", "10:01:10");
    // Raised in silence; one is acknowledged, then cleared by hand while it is hot, and not raised again before it was cold.
    pass(world, "10:03:00");
    mutate(world, "acknowledgeAlarms(ids: [\"alarm/one/hot/1\"], comment: \"seen\")");
    mutate(world, "clearAlarms(ids: [\"alarm/one/hot/1\"])");
    heat(world, "one", "10:04:00", 112.0);
    happen(world, "two", "shut", "10:04:30");
    heat(world, "one", "10:06:00", 90.0);
    heat(world, "one", "10:06:30", 101.0);
    heat(world, "two", "10:07:00", 84.0);
    heat(world, "two", "10:07:30", 86.0);
    world.kill();
    world.start();
    pass(world, "10:09:00");
    mutate(world, "shelveAlarms(ids: [\"alarm/one/hot/2\"], for: \"PT10M\")");
    mutate(world, "setRuleEnabled(id: \"hot\", twin: \"two\", enabled: false)");
    heat(world, "two", "10:10:00", 95.0);
    heat(world, "one", "10:11:00", 125.0);
    mutate(world, "setRuleEnabled(id: \"hot\", twin: \"two\", enabled: true)");
    heat(world, "two", "10:13:00", 70.0);
    happen(world, "one", "fuelled", "10:14:00");
    mutate(world, "updateTwin(input: {id: \"one\", set: {limit: 60}})");
    heat(world, "one", "10:16:00", 59.0);
    heat(world, "one", "10:20:00", 30.0);
    heat(world, "two", "10:21:00", 30.0);
    pass(world, "10:40:00");
}

#[test]
fn unchanged_rules_raise_what_they_have_raised_in_life() {
    let mut world = cellar();
    live(&mut world);
    let lived = lived(&world);
    let names: Vec<String> = lived.keys().map(|(twin, rule)| format!("{twin} {rule}")).collect();
    let all = ["hall Hall.any", "hall Hall.below", "one Oven.cycle", "one Oven.hot", "one Oven.peak", "one Oven.warm", "two Oven.ajar"];
    for name in all {
        assert!(names.iter().any(|known| known == name), "{name} is in the story: {lived:?}");
    }
    let mut dry = BTreeMap::new();
    for rule in ["Hall.any", "Hall.below", "Oven.hot", "Oven.warm", "Oven.peak", "Oven.ajar", "Oven.cycle"] {
        let run = run(&world, json!({ "rule": rule }));
        assert_eq!((&run["truncated"], &run["issues"]), (&json!(false), &json!([])), "{run}");
        dry.extend(told(&run));
    }
    assert_eq!(dry, lived);
}

#[test]
fn a_changed_rule_is_compared_with_the_one_that_stands() {
    let mut world = cellar();
    live(&mut world);
    let before = world.app().runtime.view().seq();
    let asked = json!({"rule": "rule/Oven.hot", "set": {"hi": 120, "onDelay": "30s"}, "twins": ["one"], "against": true});
    let run = run(&world, asked);
    let rule = &run["rules"][0];
    assert_eq!((&rule["rule"], &rule["raises"], &rule["current"]["raises"]), (&json!("Oven.hot"), &json!(1), &json!(2)), "{run}");
    let changes: Vec<(&str, &str)> = run["occurrences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["change"].as_str().unwrap(), one["raisedAt"].as_str().unwrap()))
        .collect();
    assert_eq!(changes, [("REMOVED", "2026-01-01T10:02:00Z"), ("MOVED", "2026-01-01T10:11:30Z")], "{run}");
    let moved = &run["occurrences"][1];
    assert_eq!(moved["wasRaisedAt"], "2026-01-01T10:07:30Z", "{run}");
    assert!(moved["explain"]["summary"].as_str().unwrap().contains("temperature > params.hi"), "{run}");
    assert!(moved["explain"]["steps"].as_array().unwrap().iter().any(|step| step["value"] == json!(125.0)), "{run}");
    // Nothing of it touches what lives.
    assert_eq!(world.app().runtime.view().seq(), before);
    // A new rule is one that nobody had before; the hall hears of its ovens in the trial, too.
    let source = "type: Hall\nrules:\n  - {id: many, when: \"children('Oven').count(o, o.temperature > 80) >= 2\", severity: MINOR}\n";
    let run = self::run(&world, json!({"source": source, "against": true}));
    let first = &run["occurrences"][0];
    assert_eq!((&first["change"], &first["twinId"], &first["severity"]), (&json!("ADDED"), &json!("hall"), &json!("MINOR")), "{run}");
    assert_eq!(run["rules"].as_array().unwrap().len(), 1, "{run}");
    // Only what is below.
    let below = self::run(&world, json!({"rule": "Oven.peak", "under": "two"}));
    assert_eq!((&below["rules"][0]["raises"], &below["occurrences"]), (&json!(0), &json!([])), "{below}");
}

#[test]
fn only_the_range_is_gone_through() {
    let mut world = cellar();
    live(&mut world);
    let range = json!({"between": {"from": "2026-01-01T10:05:00Z", "to": "2026-01-01T10:08:00Z"}});
    let run = run(&world, json!({"rule": "Oven.hot", "range": range}));
    assert_eq!(
        (&run["readings"], &run["from"], &run["to"]),
        (&json!("4"), &json!("2026-01-01T10:06:00Z"), &json!("2026-01-01T10:08:00Z")),
        "{run}"
    );
    assert_eq!(run["occurrences"].as_array().unwrap().len(), 1, "{run}");
    // Nothing came in then.
    let empty = json!({"between": {"from": "2025-01-01T00:00:00Z", "to": "2025-01-02T00:00:00Z"}});
    let none = self::run(&world, json!({"rule": "Oven.hot", "range": empty}));
    assert_eq!((&none["readings"], &none["from"], &none["occurrences"]), (&json!("0"), &json!("2025-01-01T00:00:00Z"), &json!([])));
    let last = self::run(&world, json!({"rule": "Oven.hot", "range": {"last": "10m"}}));
    assert_eq!(last["occurrences"], json!([]), "{last}");
}

#[test]
fn more_than_can_be_told_is_counted() {
    let world = cellar();
    let start = at("10:00:00").0 / 1000;
    let flaps: Vec<Json> = (0..2_200_i64).map(|no| json!({"temperature": 40 + no % 2, "ts": start + no * 1000})).collect();
    world.clock.set(at("10:40:00"));
    let (status, said) = world.post("/ingest/topic/pollux/one/telemetry", Json::from(flaps).to_string());
    assert_eq!(status, 200, "{said}");
    let source = "type: Oven\nrules: [{id: flap, when: \"temperature > 40\"}]\n";
    let run = run(&world, json!({ "source": source }));
    assert_eq!((&run["rules"][0]["raises"], &run["truncated"]), (&json!(1_100), &json!(true)));
    let told = run["occurrences"].as_array().unwrap();
    assert_eq!((told.len(), &told[0]["raisedAt"]), (1_000, &json!("2026-01-01T10:00:01Z")));
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let world = cellar();
    let wrong = run(&world, json!({"source": "type: Oven\nrules:\n  - {id: cold, when: \"temprature < 5\"}\n"}));
    let issue = &wrong["issues"][0];
    assert_eq!(
        (&issue["code"], &issue["file"], &issue["line"], &issue["column"]),
        (&json!("E702"), &json!("source"), &json!(3), &json!(23))
    );
    assert_eq!((&wrong["rules"], &wrong["occurrences"]), (&json!([]), &json!([])));
    let wrong = run(&world, json!({"rule": "Oven.hot", "set": {"hii": 3}}));
    assert_eq!((&wrong["issues"][0]["code"], &wrong["issues"][0]["file"]), (&json!("E711"), &json!("set hii")), "{wrong}");
    for (asked, part) in [
        (json!({"rule": "Oven.hott"}), "did you mean `hot`?"),
        (json!({"rule": "hot"}), "`rule` is `TYPE.ID`"),
        (json!({"set": {"hi": 3}}), "name a `rule`"),
        (json!({"rule": "Oven.hot", "against": true}), "nothing to compare"),
        (json!({"rule": "Oven.hot", "twins": ["onne"]}), "did you mean `one`?"),
        (json!({"rule": "Oven.hot", "set": [1]}), "`set` is an object"),
        (
            json!({"rule": "Oven.hot", "range": {"between": {"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}}}),
            "ends before it begins",
        ),
    ] {
        let mut asked = asked;
        if asked["range"].is_null() {
            asked["range"] = day();
        }
        let answer = ask(&world, RUN, asked);
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{answer}");
        assert!(error["message"].as_str().unwrap().contains(part), "{part}: {answer}");
    }
    // A rule of which nothing was ever known says so.
    heat(&world, "one", "10:00:01", 20.0);
    let source = "type: Oven\nrules: [{id: open, when: \"door\"}]\n";
    let never = run(&world, json!({ "source": source }));
    assert_eq!(never["issues"][0]["code"], "W735", "{never}");
}

#[test]
fn types_that_would_be_published_are_tested() {
    let world = cellar();
    let tests = |expected: &str| {
        format!(
            "{OVEN}tests:\n  - name: it waits\n    steps:\n      - {{at: 0s, temperature: 101}}\n      - {{at: 1m, expect: {{hot: {expected}}}}}\n"
        )
    };
    let publish = "mutation ($sources: [String!]!, $dryRun: Boolean!) { publishTypes(sources: $sources, dryRun: $dryRun) {
        issues { code message file line } userErrors { message } } }";
    let said = |expected: &str, dry_run: bool| {
        data_of(&world, publish, json!({"sources": [tests(expected)], "dryRun": dry_run}))["publishTypes"].take()
    };
    assert_eq!(said("ACTIVE", true), json!({"issues": [], "userErrors": []}));
    let failing = said("NORMAL", true);
    let lines = OVEN.lines().count() as u64;
    assert_eq!(
        failing["issues"],
        json!([{"code": "TEST_FAILED", "message": "Oven: it waits: after 1m: hot: expected NORMAL, was ACTIVE", "file": "schemas/Oven.yaml", "line": lines + 5}])
    );
}
