//! Whose values raised an alarm over a roll-up: told with the alarm, also where it was raised later and after a restart, and live.

use serde_json::{Value as Json, json};

use super::mutations::data;
use crate::support::{World, at};

const OVEN: &str = "type: Oven\ntelemetry: {temperature: double degC}\n";
const HALL: &str = "type: Hall
relations: {contains: {to: [Oven]}}
rollups: {total: {of: temperature, over: contains, agg: sum}, hottest: {of: temperature, over: contains, agg: max}, mean: {of: temperature, over: contains, agg: avg}}
rules:
  - {id: any, when: \"hottest > 110\", severity: CRITICAL}
  - {id: some, when: \"children.exists(c, c.temperature > 100)\"}
  - {id: all, when: \"mean > 60\", onDelay: 1m}
";

/// A hall with thirteen ovens; of one nothing is ever heard.
fn hall() -> World {
    let ovens: String = (1..=13).map(|no| format!("  - {{id: o{no:02}, type: Oven, in: hall}}\n")).collect();
    let twins = format!("twins:\n  - {{id: hall, type: Hall}}\n{ovens}");
    World::lasting(&[("schemas/Oven.yaml", OVEN), ("schemas/Hall.yaml", HALL), ("twins/all.yaml", &twins)])
}

fn heat(world: &World, oven: u32, temperature: f64) {
    let time = format!("10:00:{oven:02}");
    world.clock.set(at(&time));
    let said = json!({"temperature": temperature, "ts": format!("2026-01-01T{time}Z")});
    assert_eq!(world.post(&format!("/ingest/topic/pollux/o{oven:02}/telemetry"), said.to_string()).0, 200);
    world.time_has_passed();
}

/// By rule: the step of its explanation that tells who contributed.
fn raised(world: &World, rule: &str) -> Json {
    let said = data(
        world,
        &format!(
            "{{ alarms(where: {{rule: [\"{rule}\"]}}) {{ nodes {{ explain {{ truncated steps {{ kind label value detail }} }} }} }} }}"
        ),
    );
    rollup(&said["alarms"]["nodes"][0]["explain"])
}

fn rollup(explanation: &Json) -> Json {
    let steps = explanation["steps"].as_array().unwrap_or_else(|| panic!("{explanation}"));
    steps.iter().find(|step| step["kind"] == "ROLLUP").unwrap_or_else(|| panic!("{explanation}")).clone()
}

fn contributions(step: &Json) -> Vec<(String, Json)> {
    let told = step["detail"]["contributions"].as_array().unwrap_or_else(|| panic!("{step}"));
    told.iter().map(|one| (one["twin"].as_str().unwrap().to_owned(), one["value"].clone())).collect()
}

#[test]
fn an_alarm_tells_whose_values_raised_it() {
    let mut world = hall();
    world.time_has_passed();
    for oven in 1..=12 {
        heat(&world, oven, f64::from(oven * 10));
    }
    let ten = |from: u32, value: &dyn Fn(u32) -> Json| -> Vec<(String, Json)> {
        let known = (0..9).map(|place| (format!("o{:02}", from - place), value(from - place)));
        std::iter::once(("o13".to_owned(), Json::Null)).chain(known).collect()
    };
    // Whoever is not known comes first: he might have changed everything.
    let any = raised(&world, "any");
    assert_eq!((&any["label"], &any["value"]), (&json!("hottest"), &json!(120.0)), "{any}");
    assert_eq!(contributions(&any), ten(12, &|no| json!(f64::from(no * 10))));
    let twelfth = &any["detail"]["contributions"][1];
    assert_eq!((&twelfth["quality"], &twelfth["time"]), (&json!("GOOD"), &json!("2026-01-01T10:00:12Z")), "{any}");
    assert_eq!(any["detail"]["contributions"][0]["quality"], "MISSING");
    // A fold, at the moment it was raised: nothing was known of the twelfth then.
    let some = raised(&world, "some");
    let then = [("o12".into(), Json::Null), ("o13".into(), Json::Null), ("o11".into(), json!(true)), ("o01".into(), json!(false))];
    assert_eq!(contributions(&some)[..4], then, "{some}");
    // One that is raised later, by time alone, and not by the process that heard of it.
    world.kill();
    world.start();
    world.clock.set(at("10:02:00"));
    world.time_has_passed();
    let all = raised(&world, "all");
    assert_eq!((&all["label"], contributions(&all)), (&json!("mean"), ten(12, &|no| json!(f64::from(no * 10)))), "{all}");
    // The same live, by rule and by member.
    let live = data(
        &world,
        "{ rule: explainRule(rule: \"any\", twin: \"hall\") { steps { kind label value detail } }
           fold: explainRule(rule: \"some\", twin: \"hall\") { summary steps { kind label value detail } }
           unwatched: explain(twin: \"hall\", property: \"total\") { steps { kind label value detail } }
           member: explain(twin: \"hall\", property: \"hottest\") { steps { kind label value detail } } }",
    );
    assert_eq!(contributions(&rollup(&live["rule"])), contributions(&any));
    assert_eq!(contributions(&rollup(&live["member"])), contributions(&any));
    assert_eq!(contributions(&rollup(&live["unwatched"])), contributions(&any), "looked up where no rule looks at it");
    let fold = rollup(&live["fold"]);
    assert_eq!(
        contributions(&fold)[..4],
        [("o13".into(), Json::Null), ("o11".into(), json!(true)), ("o12".into(), json!(true)), ("o01".into(), json!(false))]
    );
    assert_eq!((&fold["label"], &fold["value"]), (&json!("children.exists(c, c.temperature > 100)"), &json!(true)), "{live}");
}
