//! Alarms as clients see them: raised by readings, dealt with by people, kept through a crash.

use serde_json::{Value as Json, json};

use super::Plant;
use crate::process::Workspace;

const OVEN: &str = "type: Oven
telemetry: {temperature: double degC}
computed: {kelvin: {value: \"temperature\", unit: K}}
rules:
  - {id: hot, params: {hi: 200 degC}, when: \"temperature > params.hi\", severity: MAJOR, text: \"{temperature} is above {params.hi}\"}
  - {id: warm, when: \"kelvin > 400\", acknowledge: no}
  - {id: stuck, when: \"temperature > 300\", severity: CRITICAL, latch: true}
";

const ALARMS: &str =
    "{ alarms { totalCount nodes { id twinId severity condition text acknowledged acknowledgedBy latched suppression count trigger } }
    alarmCounts { open active unacknowledged bySeverity { severity count } } oven(id: \"oven\") { severity kelvin { value origin } } }";

struct Kitchen(Plant);

impl Kitchen {
    fn start() -> Kitchen {
        let workspace = Workspace::empty();
        workspace.write("schemas/Oven.yaml", OVEN);
        workspace.write("twins/ovens.yaml", "twins: [{id: oven, type: Oven}, {id: other, type: Oven}]\n");
        Kitchen(Plant::of(workspace, &[]))
    }

    async fn heat(&self, temperature: f64) {
        let reading = json!({"twin": "oven", "values": {"temperature": temperature}});
        let answer = self.0.client.post(self.0.url("/ingest")).json(&reading).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
    }

    async fn alarms(&self) -> Json {
        self.0.data(ALARMS).await
    }

    /// What became of an action on one alarm.
    async fn act(&self, mutation: &str) -> Json {
        let document =
            format!("mutation {{ act: {mutation} {{ seq results {{ outcome alarm {{ id condition acknowledged suppression }} }} }} }}");
        self.0.data(&document).await["act"]["results"][0].clone()
    }
}

#[tokio::test]
async fn alarms_are_raised_seen_and_kept() {
    let mut kitchen = Kitchen::start();
    kitchen.heat(250.0).await;
    let told = kitchen.alarms().await;
    assert_eq!(told["oven"], json!({"severity": "MAJOR", "kelvin": {"value": 523.15, "origin": "COMPUTED"}}));
    let counts = json!({"open": 2, "active": 2, "unacknowledged": 1,
        "bySeverity": [{"severity": "MAJOR", "count": 1}, {"severity": "WARNING", "count": 1}]});
    assert_eq!(told["alarmCounts"], counts);
    let hot = &told["alarms"]["nodes"][0];
    assert_eq!((&hot["id"], &hot["text"]), (&json!("alarm/oven/hot/1"), &json!("250 degC is above 200 degC")));
    let values: Vec<&Json> = hot["trigger"]["values"].as_array().unwrap().iter().map(|part| &part["value"]).collect();
    assert_eq!(values, [&json!(250.0), &json!(200.0)]);

    let done = kitchen.act("acknowledgeAlarms(ids: [\"alarm/oven/hot/1\"], comment: \"seen\")").await;
    assert_eq!((&done["outcome"], &done["alarm"]["acknowledged"]), (&json!("DONE"), &json!(true)));
    let again = kitchen.act("acknowledgeAlarms(ids: [\"alarm/oven/hot/1\"])").await;
    assert_eq!(again["outcome"], "NOT_APPLICABLE");
    for unknown in ["alarm/oven/hot/7", "alarm/oven/cold/1", "alarm/nobody/hot/1", "hot"] {
        let answer = kitchen.act(&format!("commentAlarms(ids: [\"{unknown}\"], text: \"?\")")).await;
        assert_eq!(answer["outcome"], "NOT_FOUND", "{unknown}");
    }
    // What was answered is on the disk.
    kitchen.0.again();
    let told = kitchen.alarms().await;
    assert_eq!(
        (&told["alarms"]["nodes"][0]["id"], &told["alarms"]["nodes"][0]["acknowledgedBy"]),
        (&json!("alarm/oven/hot/1"), &json!("local"))
    );
    kitchen.heat(20.0).await;
    assert_eq!(kitchen.alarms().await["alarms"]["totalCount"], 0);
    assert_eq!(kitchen.0.data("{ node(id: \"alarm/oven/hot/1\") { id } }").await["node"], Json::Null);
}

#[tokio::test]
async fn people_shelve_clear_and_reset() {
    let kitchen = Kitchen::start();
    kitchen.heat(310.0).await;
    let shelved = kitchen.act("shelveAlarms(ids: [\"alarm/oven/stuck/1\"], for: \"2h\")").await;
    assert_eq!((&shelved["outcome"], &shelved["alarm"]["suppression"]), (&json!("DONE"), &json!("SHELVED")));
    // What is put aside does not count for the twin.
    assert_eq!(kitchen.alarms().await["oven"]["severity"], "MAJOR");
    assert_eq!(kitchen.act("unshelveAlarms(ids: [\"alarm/oven/stuck/1\"])").await["alarm"]["suppression"], "NONE");
    assert_eq!(kitchen.alarms().await["oven"]["severity"], "CRITICAL");
    let both = kitchen.0.ask(json!({"query": "mutation { shelveAlarms(ids: [], for: \"2h\", oneShot: true) { seq } }"})).await;
    assert_eq!(both["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{both}");

    // Cleared by hand, the same value does not raise it again; another rise does.
    assert_eq!(kitchen.act("clearAlarms(ids: [\"alarm/oven/hot/1\"])").await, json!({"outcome": "DONE", "alarm": null}));
    kitchen.heat(311.0).await;
    let open = |told: &Json| told["alarms"]["nodes"].as_array().unwrap().iter().map(|alarm| alarm["id"].clone()).collect::<Vec<_>>();
    assert_eq!(open(&kitchen.alarms().await), ["alarm/oven/stuck/1", "alarm/oven/warm/1"]);
    kitchen.heat(20.0).await;
    // Latched: it stays until somebody has seen and reset it.
    assert_eq!(open(&kitchen.alarms().await), ["alarm/oven/stuck/1"]);
    kitchen.act("acknowledgeAlarms(ids: [\"alarm/oven/stuck/1\"])").await;
    assert_eq!(kitchen.act("resetAlarms(ids: [\"alarm/oven/stuck/1\"])").await, json!({"outcome": "DONE", "alarm": null}));
    kitchen.heat(250.0).await;
    assert_eq!(open(&kitchen.alarms().await), ["alarm/oven/hot/2", "alarm/oven/warm/2"]);
}

#[tokio::test]
async fn an_edited_rule_is_in_force_at_once() {
    let kitchen = Kitchen::start();
    kitchen.heat(190.0).await;
    kitchen.0.data("{ alarms { totalCount } }").await;
    // A lower limit raises without any reading.
    kitchen.0.workspace.write("schemas/Oven.yaml", &OVEN.replace("hi: 200 degC", "hi: 180 degC"));
    let raised =
        |plant: &crate::process::Program| plant.json("/admin/twins/oven")["alarms"].to_string().contains("190 degC is above 180 degC");
    kitchen.0.program.until("the new limit is in force", raised);
    // Another meaning closes what was open, and is looked at anew.
    kitchen.0.workspace.write("schemas/Oven.yaml", &OVEN.replace("temperature > params.hi", "temperature > params.hi + quantity(10, 'K')"));
    let closed = |plant: &crate::process::Program| !plant.json("/admin/twins/oven")["alarms"].to_string().contains("\"hot\"");
    kitchen.0.program.until("the old alarm is closed", closed);
    // A rule that is gone takes its alarm along.
    kitchen.0.workspace.write("schemas/Oven.yaml", &OVEN.replace("  - {id: warm, when: \"kelvin > 400\", acknowledge: no}\n", ""));
    let gone = |plant: &crate::process::Program| plant.json("/admin/twins/oven")["alarms"] == json!([]);
    kitchen.0.program.until("no alarm is left", gone);
}

#[tokio::test]
async fn rules_say_where_they_stand() {
    let kitchen = Kitchen::start();
    let told =
        kitchen.0.data("{ rules(type: \"Oven\") { id name on kind severity source enabled } rule(id: \"rule/Oven.cold\") { id } }").await;
    assert_eq!(told["rule"], Json::Null);
    let hot = json!({"id": "rule/Oven.hot", "name": "hot", "on": "Oven", "kind": "RULE", "severity": "MAJOR",
        "source": "temperature > params.hi", "enabled": true});
    assert_eq!((told["rules"].as_array().unwrap().len(), &told["rules"][0]), (3, &hot));
    let state = async |rule: &str, twin: &str| {
        let query = format!("{{ ruleState(rule: \"{rule}\", twin: \"{twin}\") {{ condition disarmed raised rule {{ id }} }} }}");
        kitchen.0.data(&query).await["ruleState"].take()
    };
    // Nothing was heard yet, so whether it is hot is not known; that nothing was raised is.
    assert_eq!(state("hot", "oven").await, json!({"condition": "NORMAL", "disarmed": false, "raised": 0, "rule": {"id": "rule/Oven.hot"}}));
    kitchen.heat(250.0).await;
    kitchen.act("clearAlarms(ids: [\"alarm/oven/hot/1\"])").await;
    let cleared = json!({"condition": "NORMAL", "disarmed": true, "raised": 1, "rule": {"id": "rule/Oven.hot"}});
    assert_eq!(state("rule/Oven.hot", "oven").await, cleared);
    assert_eq!(state("warm", "oven").await["condition"], "ACTIVE");
    for (rule, twin) in [("cold", "oven"), ("hot", "nobody"), ("rule/Pan.hot", "oven")] {
        assert_eq!(state(rule, twin).await, Json::Null, "{rule} {twin}");
    }
    let node = kitchen.0.data("{ node(id: \"rule/Oven.warm\") { id ... on Rule { kind } } alarms { nodes { rule { id } } } }").await;
    assert_eq!(node, json!({"node": {"id": "rule/Oven.warm", "kind": "RULE"}, "alarms": {"nodes": [{"rule": {"id": "rule/Oven.warm"}}]}}));
}
