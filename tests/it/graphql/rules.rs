//! Rules on one twin: switched on and off, and why they are on and why they are not; what windows say of their results.

use serde_json::{Value as Json, json};

use super::Plant;
use crate::process::Workspace;

const BOILER: &str = "type: Boiler
properties: {limit: {type: double, unit: degC, default: 80}}
telemetry: {temperature: double degC, load: double kW}
computed:
  mean: {of: temperature, agg: avg, window: {sliding: 10m}}
  over: {value: \"mean - limit\", unit: K}
rules:
  - {id: hot, params: {hi: limit}, when: \"temperature > params.hi\", severity: MAJOR}
  - {id: slow, when: \"over > 5\", onDelay: 1h}
  - {id: never, when: \"load > 1\", active: {days: [MON], from: \"00:00\", to: \"00:01\", zone: UTC}}
  - {id: after, when: \"alarm.hot\", acknowledge: no}
";

struct Cellar(Plant);

impl Cellar {
    fn start() -> Cellar {
        let workspace = Workspace::empty();
        workspace.write("schemas/Boiler.yaml", BOILER);
        workspace.write("twins/all.yaml", "twins: [{id: b, type: Boiler}]\n");
        Cellar(Plant::of(workspace, &[]))
    }

    async fn heat(&self, temperature: f64) {
        let reading = json!({"twin": "b", "values": {"temperature": temperature}});
        assert_eq!(self.0.client.post(self.0.url("/ingest")).json(&reading).send().await.unwrap().status().as_u16(), 200);
    }

    async fn set(&self, rule: &str, enabled: bool) -> Json {
        let document = format!(
            "mutation {{ set: setRuleEnabled(id: \"{rule}\", twin: \"b\", enabled: {enabled}) {{ seq rule {{ id }} state {{ enabled condition }} userErrors {{ code path }} }} }}"
        );
        self.0.data(&document).await["set"].take()
    }

    async fn explain(&self, rule: &str) -> Json {
        let query = format!(
            "{{ explainRule(rule: \"{rule}\", twin: \"b\") {{ summary truncated steps {{ kind label property value unit quality detail inputs }} }} }}"
        );
        self.0.data(&query).await["explainRule"].take()
    }

    async fn summary(&self, rule: &str) -> String {
        self.explain(rule).await["summary"].as_str().unwrap().to_owned()
    }

    async fn open(&self) -> Json {
        self.0.data("{ alarms(orderBy: {field: RULE, direction: ASC}) { nodes { ruleName closedReason } } }").await["alarms"]["nodes"]
            .take()
    }
}

#[tokio::test]
async fn a_rule_is_switched_off_and_on_for_one_twin() {
    let mut cellar = Cellar::start();
    cellar.heat(90.0).await;
    assert_eq!(cellar.open().await, json!([{"ruleName": "after", "closedReason": null}, {"ruleName": "hot", "closedReason": null}]));
    let off = cellar.set("hot", false).await;
    assert_eq!((&off["state"], &off["rule"]["id"]), (&json!({"enabled": false, "condition": "NORMAL"}), &json!("rule/Boiler.hot")));
    // What asks for its alarm hears of it, too.
    assert_eq!(cellar.open().await, json!([]));
    assert_eq!(cellar.set("rule/Boiler.hot", false).await["state"]["enabled"], false, "it may be said twice");
    cellar.heat(95.0).await;
    assert_eq!(cellar.open().await, json!([]));
    cellar.0.again();
    cellar.heat(96.0).await;
    assert_eq!(cellar.open().await, json!([]), "it stays off");
    assert_eq!(cellar.summary("hot").await, "`hot` is off: disabled on this twin");
    // On again, it is looked at at once.
    assert_eq!(cellar.set("hot", true).await["state"], json!({"enabled": true, "condition": "ACTIVE"}));
    assert_eq!(cellar.open().await.as_array().unwrap().len(), 2);
    let wrong = cellar.set("cold", true).await;
    assert_eq!((&wrong["seq"], &wrong["userErrors"]), (&Json::Null, &json!([{"code": "NOT_APPLICABLE", "path": ["id"]}])));
}

#[tokio::test]
async fn a_rule_says_why_it_is_on_and_why_it_is_not() {
    let cellar = Cellar::start();
    let unknown = cellar.explain("hot").await;
    assert_eq!(unknown["summary"], "`hot` is unknown: `temperature` is missing");
    assert_eq!(unknown["steps"][0]["detail"]["unknown"], json!([{"expr": "temperature", "why": "MISSING"}]));
    cellar.heat(70.0).await;
    assert_eq!(cellar.summary("hot").await, "`hot` is off: its condition is false");
    cellar.heat(90.0).await;
    let on = cellar.explain("hot").await;
    assert!(on["summary"].as_str().unwrap().starts_with("`hot` is on since 20"), "{on}");
    let steps = on["steps"].as_array().unwrap();
    assert_eq!(
        (&steps[0]["kind"], &steps[0]["value"], &steps[0]["detail"]["condition"]),
        (&json!("RULE"), &json!(true), &json!("temperature > params.hi"))
    );
    let shown = |step: &Json| (step["kind"].clone(), step["label"].clone(), step["value"].clone(), step["unit"].clone());
    let inputs: Vec<_> = steps[0]["inputs"].as_array().unwrap().iter().map(|at| shown(&steps[at.as_u64().unwrap() as usize])).collect();
    assert_eq!(inputs[0], (json!("READING"), json!("temperature"), json!(90.0), json!("degC")));
    assert_eq!(inputs[1], (json!("DEFAULT"), json!("params.hi"), json!(80.0), json!("degC")));
    // The parameter stands on a property, and that on the type.
    let param = steps.iter().find(|step| step["label"] == "params.hi").unwrap();
    assert_eq!(param["detail"], json!({"from": "type Boiler", "expression": "limit"}));
    assert_eq!(steps[param["inputs"][0].as_u64().unwrap() as usize]["label"], "limit");
    let alarm = cellar.0.data("{ alarms(where: {rule: [\"after\"]}) { nodes { explain { summary steps { kind label value } } } } }").await;
    let raised = json!({"summary": "`Boiler.after` was raised: alarm.hot",
        "steps": [{"kind": "RULE", "label": "Boiler.after", "value": true}, {"kind": "RULE", "label": "alarm.hot", "value": true}]});
    assert_eq!(alarm["alarms"]["nodes"], json!([{ "explain": raised }]));
    cellar.0.data("mutation { clearAlarms(ids: [\"alarm/b/hot/1\"]) { seq } }").await;
    assert_eq!(cellar.summary("hot").await, "`hot` is off: cleared by hand, and its condition was not false since");
    assert!(cellar.summary("never").await.contains("schedule") || cellar.summary("never").await.contains("unknown"));
    // A delay that runs says when it ends; what is behind it goes back to the reading.
    let reading = json!({"twin": "b", "values": {"temperature": 120}});
    cellar.0.client.post(cellar.0.url("/ingest")).json(&reading).send().await.unwrap();
    let slow = cellar.explain("slow").await;
    assert!(slow["summary"].as_str().unwrap().starts_with("`slow` is pending since"), "{slow}");
    let kinds: Vec<&str> = slow["steps"].as_array().unwrap().iter().map(|step| step["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["RULE", "COMPUTED", "WINDOW", "READING", "DEFAULT"], "{slow}");
    assert!(slow["steps"][2]["detail"]["coverage"].is_number() && slow["steps"][2]["detail"]["count"].is_number(), "{slow}");
    let state = cellar.0.data("{ ruleState(rule: \"slow\", twin: \"b\") { condition until windows lastError { code } } }").await;
    assert_eq!(state["ruleState"]["condition"], "PENDING");
    assert_eq!((state["ruleState"]["until"].is_string(), &state["ruleState"]["lastError"]), (true, &Json::Null));
    assert_eq!(cellar.explain("cold").await, Json::Null);
    assert_eq!(cellar.open().await, json!([]), "what asks for an alarm hears that it was cleared by hand");
}

#[tokio::test]
async fn a_result_says_what_it_is_based_on() {
    let cellar = Cellar::start();
    cellar.heat(70.0).await;
    cellar.heat(90.0).await;
    let query = "{ boiler(id: \"b\") { temperature { window { count } } over { window { count } explain { summary truncated steps { label inputs } } }
        mean { window { start end count coverage revision provisional approximate } explain(depth: 1) { steps { kind label } } } }
        explain(twin: \"b\", property: \"limit\") { summary steps { kind } } none: explain(twin: \"b\", property: \"nothing\") { summary } }";
    let told = cellar.0.data(query).await;
    let boiler = &told["boiler"];
    assert_eq!((&boiler["temperature"]["window"], &boiler["over"]["window"]), (&Json::Null, &Json::Null));
    let window = &boiler["mean"]["window"];
    assert_eq!((&window["count"], &window["approximate"], &window["revision"]), (&json!("2"), &json!(false), &json!(0)));
    assert!(window["start"].as_str() < window["end"].as_str(), "{window}");
    assert_eq!(
        boiler["mean"]["explain"]["steps"],
        json!([{"kind": "WINDOW", "label": "mean"}, {"kind": "READING", "label": "temperature"}])
    );
    let labels: Vec<&str> =
        boiler["over"]["explain"]["steps"].as_array().unwrap().iter().map(|step| step["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["over", "mean", "temperature", "limit"]);
    assert_eq!(boiler["over"]["explain"]["truncated"], false);
    assert_eq!(told["explain"], json!({"summary": "`limit` is 80.0 degC", "steps": [{"kind": "DEFAULT"}]}));
    assert_eq!(told["none"], Json::Null);
    let deep = cellar.0.ask(json!({"query": "{ explain(twin: \"b\", property: \"over\", depth: 21) { summary } }"})).await;
    assert_eq!(deep["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
}
