//! Alarms as clients see them: raised by readings, dealt with by people, kept through a crash.

use std::time::Duration;

use pollux::runtime::clock::Clock;
use serde_json::{Value as Json, json};

use super::{Plant, patiently};
use crate::process::Workspace;

const OVEN: &str = "type: Oven
telemetry: {temperature: double degC}
events: {opened: {severity: WARNING}, stirred: {}}
computed: {kelvin: {value: \"temperature\", unit: K}}
rules:
  - {id: hot, params: {hi: 200 degC}, when: \"temperature > params.hi\", severity: MAJOR, text: \"{temperature} is above {params.hi}\"}
  - {id: warm, when: \"kelvin > 400\", acknowledge: no}
  - {id: stuck, when: \"temperature > 300\", severity: CRITICAL, latch: true}
";

const ALARMS: &str =
    "{ alarms { totalCount nodes { id twinId severity condition text acknowledged acknowledgedBy latched suppression count trigger } }
    alarmCounts { open active unacknowledged bySeverity { severity count } } oven(id: \"oven\") { severity kelvin { value origin } } }";

pub(super) struct Kitchen(pub(super) Plant);

impl Kitchen {
    pub(super) fn start() -> Kitchen {
        let workspace = Workspace::empty();
        workspace.write("schemas/Oven.yaml", OVEN);
        workspace.write("schemas/Kitchen.yaml", "type: Kitchen\nrelations: {contains: {to: [Oven]}}\n");
        workspace.write(
            "twins/ovens.yaml",
            "twins: [{id: kitchen, type: Kitchen}, {id: oven, type: Oven, in: kitchen}, {id: other, type: Oven, in: kitchen}]\n",
        );
        Kitchen(Plant::of(workspace, &[]))
    }

    pub(super) async fn heat(&self, temperature: f64) {
        self.heat_of("oven", temperature).await;
    }

    pub(super) async fn heat_of(&self, twin: &str, temperature: f64) {
        let reading = json!({"twin": twin, "values": {"temperature": temperature}});
        let answer = self.0.client.post(self.0.url("/ingest")).json(&reading).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
    }

    /// An event of its type, as a device tells it.
    pub(super) async fn report(&self, twin: &str, event: &str, body: Json) {
        let url = self.0.url(&format!("/ingest/topic/pollux/{twin}/events/{event}"));
        let answer = self.0.client.post(url).json(&body).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
    }

    pub(super) async fn alarms(&self) -> Json {
        self.0.data(ALARMS).await
    }

    /// What became of an action on one alarm.
    pub(super) async fn act(&self, mutation: &str) -> Json {
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
    let over = kitchen.0.data("{ node(id: \"alarm/oven/hot/1\") { ... on Alarm { open closedReason acknowledgedBy suppression } } }").await;
    assert_eq!(over["node"], json!({"open": false, "closedReason": "RETURNED", "acknowledgedBy": "local", "suppression": "NONE"}));
    assert_eq!(kitchen.0.data("{ node(id: \"alarm/oven/hot/2\") { id } }").await["node"], Json::Null);
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
    let over = |id: &str, acknowledged: bool| json!({"id": id, "condition": "NORMAL", "acknowledged": acknowledged, "suppression": "NONE"});
    let cleared = kitchen.act("clearAlarms(ids: [\"alarm/oven/hot/1\"])").await;
    assert_eq!(cleared, json!({"outcome": "DONE", "alarm": over("alarm/oven/hot/1", false)}));
    kitchen.heat(311.0).await;
    let open = |told: &Json| told["alarms"]["nodes"].as_array().unwrap().iter().map(|alarm| alarm["id"].clone()).collect::<Vec<_>>();
    assert_eq!(open(&kitchen.alarms().await), ["alarm/oven/stuck/1", "alarm/oven/warm/1"]);
    kitchen.heat(20.0).await;
    // Latched: it stays until somebody has seen and reset it.
    assert_eq!(open(&kitchen.alarms().await), ["alarm/oven/stuck/1"]);
    kitchen.act("acknowledgeAlarms(ids: [\"alarm/oven/stuck/1\"])").await;
    let reset = kitchen.act("resetAlarms(ids: [\"alarm/oven/stuck/1\"])").await;
    assert_eq!(reset, json!({"outcome": "DONE", "alarm": over("alarm/oven/stuck/1", true)}));
    kitchen.heat(250.0).await;
    assert_eq!(open(&kitchen.alarms().await), ["alarm/oven/hot/2", "alarm/oven/warm/2"]);
}

#[tokio::test]
async fn lists_are_filtered_and_ordered_and_pages_stay_while_alarms_go() {
    let kitchen = Kitchen::start();
    kitchen.heat_of("oven", 310.0).await;
    kitchen.heat_of("other", 250.0).await;
    let ids = async |arguments: &str| {
        let told = kitchen.0.data(&format!("{{ alarms{arguments} {{ totalCount nodes {{ id }} pageInfo {{ endCursor }} }} }}")).await;
        let ids =
            told["alarms"]["nodes"].as_array().unwrap().iter().map(|alarm| alarm["id"].as_str().unwrap()["alarm/".len()..].to_owned());
        (ids.collect::<Vec<_>>().join(" "), told["alarms"]["pageInfo"]["endCursor"].as_str().unwrap_or_default().to_owned())
    };
    for (wanted, expected) in [
        ("", "oven/stuck/1 other/hot/1 oven/hot/1 other/warm/1 oven/warm/1"),
        ("(where: {under: \"oven\"})", "oven/stuck/1 oven/hot/1 oven/warm/1"),
        (
            "(where: {under: \"kitchen\"}, orderBy: {field: RULE, direction: ASC})",
            "oven/hot/1 other/hot/1 oven/stuck/1 oven/warm/1 other/warm/1",
        ),
        ("(where: {twin: {property: {name: \"temperature\", number: {gt: 300}}}, rule: [\"hot\"]})", "oven/hot/1"),
        ("(where: {text: {contains: \"310 degC\"}})", "oven/hot/1"),
        ("(where: {text: {startsWith: \"WARM\", ignoreCase: true}, severity: [WARNING]})", "other/warm/1 oven/warm/1"),
        ("(where: {open: false})", ""),
        ("(where: {raisedAt: {gt: \"2100-01-01T00:00:00Z\"}})", ""),
        ("(where: {raisedAt: {within: \"1h\"}, minSeverity: CRITICAL, open: true})", "oven/stuck/1"),
        ("(where: {acknowledged: true}, orderBy: [{field: TWIN}, {field: RULE}])", "oven/warm/1 other/warm/1"),
        (
            "(orderBy: [{field: TWIN}, {field: SEVERITY, direction: ASC}, {field: COUNT}])",
            "oven/warm/1 oven/hot/1 oven/stuck/1 other/warm/1 other/hot/1",
        ),
    ] {
        let (mut found, mut expected) = (ids(wanted).await.0, expected.to_owned());
        if wanted.contains("RULE, direction") {
            // Which twin is first was not asked for: the id decides.
            let sorted = |text: &str| text.split(' ').map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
            assert_eq!(sorted(&found), sorted(&expected), "{wanted}");
            (found, expected) = (String::new(), String::new());
        }
        assert_eq!(found, expected, "{wanted}");
    }
    let (first, cursor) = ids("(first: 2, orderBy: {field: RULE, direction: ASC})").await;
    assert_eq!(first, "other/hot/1 oven/hot/1");
    kitchen.act("clearAlarms(ids: [\"alarm/oven/hot/1\"])").await;
    assert_eq!(
        ids(&format!("(first: 9, orderBy: {{field: RULE, direction: ASC}}, after: \"{cursor}\")")).await.0,
        "oven/stuck/1 other/warm/1 oven/warm/1"
    );
    let other = format!("{{ alarms(orderBy: {{field: TWIN}}, after: \"{cursor}\") {{ totalCount }} }}");
    assert_eq!(kitchen.0.ask(json!({"query": other})).await["errors"][0]["extensions"]["code"], "BAD_CURSOR");
    let wrong = kitchen.0.ask(json!({"query": "{ alarms(where: {twin: {isA: [\"Ofen\"]}}) { totalCount } }"})).await;
    assert!(wrong["errors"][0]["message"].as_str().unwrap().contains("where.twin.isA"), "{wrong}");
}

#[tokio::test]
async fn what_happened_last_night_is_asked_in_the_morning() {
    let mut kitchen = Kitchen::start();
    // One chatters: its latest ten are kept. The other two rules keep theirs.
    for _ in 0..12 {
        kitchen.heat(190.0).await;
        kitchen.heat(20.0).await;
    }
    kitchen.heat_of("other", 250.0).await;
    kitchen.heat(250.0).await;
    kitchen.act("acknowledgeAlarms(ids: [\"alarm/oven/hot/1\"], comment: \"door was open\")").await;
    kitchen.heat(100.0).await;
    let told = kitchen.act("commentAlarms(ids: [\"alarm/oven/hot/1\"], text: \"new hinge\")").await;
    assert_eq!((&told["outcome"], &told["alarm"]["id"]), (&json!("DONE"), &json!("alarm/oven/hot/1")));
    assert_eq!(kitchen.act("acknowledgeAlarms(ids: [\"alarm/oven/hot/1\"])").await["outcome"], "NOT_APPLICABLE");

    let ids = async |kitchen: &Kitchen, place: &str, arguments: &str| {
        let page = "totalCount nodes { id } pageInfo { endCursor hasNextPage }";
        let told = kitchen.0.data(&format!("{{ {place} {{ alarms{arguments} {{ {page} }} }} }}")).await;
        let alarms = told["alarms"].clone();
        let alarms = if alarms.is_null() { told["twin"]["alarms"].clone() } else { alarms };
        let ids = alarms["nodes"].as_array().unwrap().iter().map(|alarm| alarm["id"].as_str().unwrap()["alarm/".len()..].to_owned());
        (ids.collect::<Vec<_>>().join(" "), alarms)
    };
    let all = async |kitchen: &Kitchen, arguments: &str| ids(kitchen, "... on Query", arguments).await;
    let newest = "orderBy: [{field: RAISED_AT}], where: {open: false";
    for again in [false, true] {
        if again {
            kitchen.0.again();
        }
        let (_, closed) = all(&kitchen, "(where: {open: false})").await;
        assert_eq!(closed["totalCount"], 11);
        let (first, page) = all(&kitchen, &format!("(first: 3, {newest}}})")).await;
        assert_eq!((&*first, &page["pageInfo"]["hasNextPage"]), ("oven/hot/1 oven/warm/13 oven/warm/12", &json!(true)));
        let cursor = page["pageInfo"]["endCursor"].as_str().unwrap();
        let (next, _) = all(&kitchen, &format!("(first: 3, {newest}}}, after: \"{cursor}\")")).await;
        assert_eq!(next, "oven/warm/11 oven/warm/10 oven/warm/9");
        for (wanted, expected) in [
            ("rule: [\"hot\"]", "oven/hot/1"),
            ("minSeverity: MAJOR, acknowledged: true, under: \"kitchen\"", "oven/hot/1"),
            ("raisedAt: {within: \"1h\"}, text: {contains: \"250 degC\"}", "oven/hot/1"),
            ("condition: [ACTIVE]", ""),
            ("suppression: [NONE], severity: [MAJOR]", "oven/hot/1"),
            ("twins: [\"other\"]", ""),
        ] {
            assert_eq!(all(&kitchen, &format!("({newest}, {wanted}}})")).await.0, expected, "{wanted}");
        }
        let of_twin = ids(&kitchen, "twin(id: \"oven\")", "(where: {open: false, rule: [\"hot\"]})").await.0;
        assert_eq!(of_twin, "oven/hot/1");
        // What is open is still what lists are of, and what is counted.
        assert_eq!(all(&kitchen, "").await.0, "other/hot/1 other/warm/1");
        let counts = kitchen.0.data("{ alarmCounts { open } none: alarmCounts(where: {open: false}) { open } }").await;
        assert_eq!(counts, json!({"alarmCounts": {"open": 2}, "none": {"open": 0}}));
        let log = "{ node(id: \"alarm/oven/hot/1\") { ... on Alarm { open clearedAt closedAt text trigger log { op comment } } } }";
        let over = kitchen.0.data(log).await["node"].clone();
        // So many alarms are a flood of the kitchen; that this one was part of it is noted when the kitchen says so.
        let noted = |entry: &&Json| entry["op"] != "UPDATED";
        let log: Vec<&Json> = over["log"].as_array().unwrap().iter().filter(noted).collect();
        let ops: Vec<&str> = log.iter().filter_map(|entry| entry["op"].as_str()).collect();
        assert_eq!(ops, ["RAISED", "ACKNOWLEDGED", "CLEARED", "CLOSED", "COMMENTED"]);
        assert_eq!((&over["open"], &log[4]["comment"]), (&json!(false), &json!("new hinge")));
        assert!(over["clearedAt"].is_string() && over["closedAt"] == over["clearedAt"] && over["trigger"]["values"].is_array(), "{over}");
    }
}

#[tokio::test]
async fn what_is_worked_on_is_silent_until_it_is_back() {
    let mut kitchen = Kitchen::start();
    kitchen.heat(250.0).await;
    let out = kitchen.act("setOutOfService(twin: \"oven\", rule: \"hot\", reason: \"new sensor\")").await;
    assert_eq!((&out["outcome"], &out["alarm"]["suppression"]), (&json!("DONE"), &json!("OUT_OF_SERVICE")));
    assert_eq!(kitchen.alarms().await["oven"]["severity"], "WARNING", "only that rule");
    let twin = "setOutOfService(twin: \"oven\", until: \"2100-01-01T00:00:00Z\", reason: \"cleaning\")";
    assert_eq!(kitchen.act(twin).await["outcome"], "DONE");
    assert_eq!(kitchen.act(twin).await["outcome"], "NOT_APPLICABLE");
    assert_eq!(kitchen.alarms().await["oven"]["severity"], Json::Null);
    // It is recorded all the same, and it outlives a crash.
    kitchen.heat(310.0).await;
    kitchen.0.again();
    let told = kitchen.0.data("{ alarms(where: {suppression: [OUT_OF_SERVICE]}) { totalCount } ruleState(rule: \"stuck\", twin: \"oven\") { condition suppression outOfServiceUntil outOfServiceReason } }").await;
    assert_eq!(told["alarms"]["totalCount"], 3);
    let state = json!({"condition": "ACTIVE", "suppression": "OUT_OF_SERVICE", "outOfServiceUntil": "2100-01-01T00:00:00Z", "outOfServiceReason": "cleaning"});
    assert_eq!(told["ruleState"], state);
    assert_eq!(kitchen.act("backInService(twin: \"oven\")").await["outcome"], "DONE");
    assert_eq!(kitchen.alarms().await["oven"]["severity"], "CRITICAL");
    let hot = "{ ruleState(rule: \"hot\", twin: \"oven\") { suppression } }";
    assert_eq!(kitchen.0.data(hot).await["ruleState"]["suppression"], "OUT_OF_SERVICE", "the rule is taken back by itself");
    kitchen.act("backInService(twin: \"oven\", rule: \"rule/Oven.hot\")").await;
    assert_eq!(kitchen.0.data(hot).await["ruleState"]["suppression"], "NONE");
    // A time that is short ends by itself.
    let soon = Clock::system().now().plus(Duration::from_secs(3));
    let told = kitchen.act(&format!("setOutOfService(twin: \"oven\", until: \"{soon}\", reason: \"a look\")")).await;
    assert_eq!((&told["outcome"], &told["alarm"]["suppression"]), (&json!("DONE"), &json!("OUT_OF_SERVICE")));
    patiently(async { while kitchen.alarms().await["oven"]["severity"] != "CRITICAL" {} }).await;
    for wrong in ["setOutOfService(twin: \"nobody\", reason: \"?\")", "setOutOfService(twin: \"oven\", rule: \"cold\", reason: \"?\")"] {
        let told = kitchen.0.data(&format!("mutation {{ act: {wrong} {{ seq userErrors {{ code }} }} }}")).await;
        assert_eq!((&told["act"]["seq"], told["act"]["userErrors"].as_array().unwrap().len()), (&Json::Null, 1));
    }
    let over = kitchen
        .0
        .ask(json!({"query": "mutation { setOutOfService(twin: \"oven\", until: \"2001-01-01T00:00:00Z\", reason: \"?\") { seq } }"}))
        .await;
    assert_eq!(over["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
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
