//! Alarm models: every cell of the state machine.

use serde_json::{Value as Json, json};

use super::super::{Detector, Instance, Sinks, alarm_action_input, compile_alarm, parse_alarm_requests};
use super::{Payloads, SECOND, Speaker};
use crate::alarm::{Severity, When};
use crate::iotevents::file::{Document, read};
use crate::reading::{Timestamp, TwinId};
use crate::rule::detector::{DetectorState, Effect, Trigger, next_timer, run};
use crate::rule::{Ask, Watch, Watched};

fn file(acknowledge: bool, disabled: bool, operator: &str, threshold: &str) -> Json {
    json!({
        "alarmModelName": "Overpressure", "key": "motorid", "severity": 3, "roleArn": "arn:aws:iam::1:role/x",
        "alarmRule": {"simpleRule": {"inputProperty": "$input.PressureInput.sensorData.pressure", "comparisonOperator": operator, "threshold": threshold}},
        "alarmCapabilities": {"acknowledgeFlow": {"enabled": acknowledge}, "initializationConfiguration": {"disabledOnInitialization": disabled}},
        "alarmEventActions": {"alarmActions": [{"sns": {"targetArn": "arn:aws:sns:x:1:ops"}}]},
        "alarmNotification": {"notificationActions": [{"action": {"lambdaAction": {"functionArn": "arn:aws:lambda:x:1:function:notify"}},
            "emailConfigurations": [{"from": "a@b.c"}]}]}
    })
}

fn compiled(file: &Json) -> Detector {
    let (document, findings) = read("alarm.json", &file.to_string());
    let Some(Document::AlarmModel(model)) = document else { panic!("{findings:?}") };
    let (detector, findings) = compile_alarm("alarm.json", &model, Severity::Major);
    detector.unwrap_or_else(|| panic!("{findings:?}"))
}

struct World {
    detector: Detector,
    payloads: Payloads,
    state: DetectorState,
    effects: Vec<Effect>,
}

impl World {
    fn new(file: &Json) -> World {
        World { detector: compiled(file), payloads: Payloads::default(), state: DetectorState::default(), effects: Vec::new() }
    }

    fn run(&mut self, trigger: Trigger, at: Timestamp) -> String {
        let sinks = Sinks::default();
        let instance = Instance::new(&self.detector, &self.payloads, &sinks, "M-1", self.state.runs);
        let ran = run(&self.detector.definition, &self.state, trigger, at, &instance);
        ran.facts.iter().for_each(|fact| self.state.apply(fact));
        self.effects = ran.effects;
        self.detector.names.states[usize::from(self.state.state.unwrap())].to_string()
    }

    fn pressure(&mut self, second: i64, pressure: &Json) -> String {
        self.payloads.hear("PressureInput", json!({"motorid": "M-1", "sensorData": {"pressure": pressure}}));
        self.run(Trigger::Input, Timestamp(second * SECOND))
    }

    fn act(&mut self, second: i64, action: &str) -> String {
        let mut request = json!({"requestId": "r", "alarmModelName": "Overpressure", "keyValue": "M-1"});
        if action == "snooze" {
            request["snoozeDuration"] = json!(120);
        }
        let calls = parse_alarm_requests(&json!({format!("{action}ActionRequests"): [request]})).unwrap();
        self.payloads.hear(&alarm_action_input(&self.detector.name), calls[0].payload.clone());
        self.run(Trigger::Input, Timestamp(second * SECOND))
    }

    fn wait(&mut self) -> String {
        let (due, timer) = next_timer(&self.detector.definition, &self.state).unwrap();
        self.payloads.current = None;
        self.run(Trigger::Timer(timer), due)
    }

    /// Brings it into a state.
    fn bring(&mut self, state: &str) {
        let reached = match state {
            "NORMAL" => self.pressure(0, &json!(10)),
            "SNOOZE_DISABLED" => self.act(0, "snooze"),
            "DISABLED" => self.act(0, "disable"),
            _ => {
                self.pressure(0, &json!(80));
                match state {
                    "ACTIVE" => self.pressure(1, &json!(81)),
                    "ACKNOWLEDGED" => self.act(1, "acknowledge"),
                    _ => self.pressure(1, &json!(10)),
                }
            }
        };
        assert_eq!(reached, state);
    }
}

#[test]
fn every_cell() {
    // breach, in range, acknowledge, snooze, disable, enable, reset; all with the acknowledge flow
    let table = [
        ("NORMAL", ["ACTIVE", "NORMAL", "NORMAL", "SNOOZE_DISABLED", "DISABLED", "NORMAL", "NORMAL"]),
        ("ACTIVE", ["ACTIVE", "LATCHED", "ACKNOWLEDGED", "SNOOZE_DISABLED", "DISABLED", "ACTIVE", "NORMAL"]),
        ("ACKNOWLEDGED", ["ACKNOWLEDGED", "NORMAL", "ACKNOWLEDGED", "SNOOZE_DISABLED", "DISABLED", "ACKNOWLEDGED", "NORMAL"]),
        ("LATCHED", ["ACTIVE", "LATCHED", "NORMAL", "SNOOZE_DISABLED", "DISABLED", "LATCHED", "NORMAL"]),
        ("SNOOZE_DISABLED", ["SNOOZE_DISABLED", "SNOOZE_DISABLED", "SNOOZE_DISABLED", "SNOOZE_DISABLED", "DISABLED", "NORMAL", "NORMAL"]),
        ("DISABLED", ["DISABLED", "DISABLED", "DISABLED", "SNOOZE_DISABLED", "DISABLED", "NORMAL", "NORMAL"]),
    ];
    for (state, expected) in table {
        let inputs = ["80", "10", "acknowledge", "snooze", "disable", "enable", "reset"];
        for (input, expected) in inputs.into_iter().zip(expected) {
            let mut world = World::new(&file(true, false, "GREATER", "70"));
            world.bring(state);
            let reached = match input.parse::<i64>() {
                Ok(pressure) => world.pressure(5, &json!(pressure)),
                Err(_) => world.act(5, input),
            };
            assert_eq!(reached, expected, "{state} and {input}");
            let told = world.effects.iter().filter(|effect| matches!(effect, Effect::Act { .. })).count();
            assert_eq!(
                told,
                if state == expected { 0 } else { 2 },
                "{state} and {input}: told of every change of state, and of nothing else"
            );
            let is_on = |state: &str| ["ACTIVE", "ACKNOWLEDGED", "LATCHED"].contains(&state);
            let moved = world.effects.iter().find(|effect| matches!(effect, Effect::Raise { .. } | Effect::Clear));
            match (is_on(state), is_on(expected)) {
                (false, true) => assert_eq!(moved, Some(&Effect::Raise { severity: Some(Severity::Major), text: "80 > 70".into() })),
                (true, false) => assert_eq!(moved, Some(&Effect::Clear)),
                _ => assert_eq!(moved, None, "{state} and {input}"),
            }
        }
    }
}

#[test]
fn without_the_acknowledge_flow_it_returns_by_itself() {
    let mut world = World::new(&file(false, false, "GREATER", "70"));
    assert_eq!(world.pressure(0, &json!(80)), "ACTIVE");
    assert_eq!(world.pressure(1, &json!(70)), "NORMAL");
}

/// After a snooze it is NORMAL until the next reading says otherwise; a second snooze begins anew.
#[test]
fn snoozed() {
    let mut world = World::new(&file(true, false, "GREATER", "70"));
    world.pressure(0, &json!(80));
    world.act(10, "snooze");
    assert_eq!(world.act(60, "snooze"), "SNOOZE_DISABLED");
    assert_eq!(next_timer(&world.detector.definition, &world.state).map(|(due, _)| due), Some(Timestamp(180 * SECOND)));
    assert_eq!(world.wait(), "NORMAL");
    assert_eq!(world.act(181, "acknowledge"), "NORMAL", "the old payload does not raise it");
    assert_eq!(world.pressure(182, &json!(80)), "ACTIVE");
    world.act(190, "snooze");
    assert_eq!(world.act(191, "enable"), "NORMAL");
    assert_eq!(next_timer(&world.detector.definition, &world.state), None);
}

#[test]
fn missing_data_neither_raise_nor_clear() {
    for operator in ["GREATER", "LESS_OR_EQUAL", "NOT_EQUAL"] {
        let mut world = World::new(&file(false, false, operator, "70"));
        assert_eq!(world.pressure(0, &Json::Null), "NORMAL");
        let breach = if operator == "LESS_OR_EQUAL" { 60 } else { 80 };
        assert_eq!(world.pressure(1, &json!(breach)), "ACTIVE");
        for missing in [Json::Null, json!("text"), json!({})] {
            assert_eq!(world.pressure(2, &missing), "ACTIVE", "{operator} {missing}");
        }
    }
    let mut world = World::new(&file(false, true, "GREATER", "$input.PressureInput.limit"));
    assert_eq!(world.pressure(0, &json!(80)), "DISABLED", "disabled from the start");
    assert_eq!(world.act(1, "enable"), "NORMAL");
    assert_eq!(world.pressure(2, &json!(80)), "NORMAL", "its limit is missing");
}

/// Our alarm follows the machine: open from the breach until it is NORMAL again, and everyone is told once of each change.
#[test]
fn the_alarm_of_ours() {
    let detector = compiled(&file(true, false, "GREATER", "70"));
    let (rule, twin) = (detector.rule("over"), TwinId::parse("M-1").unwrap());
    let own = Watched { rule: &rule, twin: &twin, key: "", out_of_service: None, voice: &Speaker };
    let (mut watch, mut payloads, mut keys) = (Watch::default(), Payloads::default(), Vec::new());
    let mut hear = |second: i64, input: &str, payload: Json| {
        payloads.hear(input, payload);
        let (sinks, runs) = (Sinks::default(), watch.detector.as_ref().map_or(0, |detector| detector.runs));
        let instance = Instance::new(&detector, &payloads, &sinks, "M-1", runs);
        let decision = own.detect(&watch, Trigger::Input, &instance, When::both(Timestamp(second * SECOND)));
        for fact in &decision.facts {
            watch.apply(fact);
        }
        let fresh = decision.requests.iter().filter(|request| !keys.contains(&request.key)).count();
        assert_eq!(fresh, decision.requests.len(), "each request has a key of its own");
        keys.extend(decision.requests.iter().map(|request| request.key.clone()));
        (watch.alarm.open.as_ref().map(|open| open.severity), decision.requests.len())
    };
    let pressure = |value: i64| json!({"motorid": "M-1", "sensorData": {"pressure": value}});
    assert_eq!(hear(0, "PressureInput", pressure(80)), (Some(Severity::Major), 2));
    assert_eq!(hear(1, "PressureInput", pressure(90)), (Some(Severity::Major), 0));
    assert_eq!(hear(2, "PressureInput", pressure(10)), (Some(Severity::Major), 2), "LATCHED");
    assert_eq!(hear(3, &alarm_action_input("Overpressure"), json!({"action": "acknowledge"})), (None, 2));
    assert_eq!(hear(4, "PressureInput", pressure(80)), (Some(Severity::Major), 2));
}

#[test]
fn what_is_told() {
    let mut world = World::new(&file(true, false, "GREATER", "70"));
    world.pressure(5, &json!(80));
    let told: Vec<(String, Json)> = world
        .effects
        .iter()
        .filter_map(|effect| {
            let Effect::Act { ask: Ok(Ask::Publish { topic, payload, .. }), .. } = effect else { return None };
            Some((topic.clone(), payload.clone().unwrap()))
        })
        .collect();
    let event = json!({"alarmModelName": "Overpressure", "keyValue": "M-1", "severity": 3, "stateUpdateTime": 5000, "alarmState":
        {"stateName": "ACTIVE", "ruleEvaluation": {"simpleRule": {"inputProperty": 80, "operator": "GREATER", "threshold": 70}}}});
    assert_eq!(told[0], ("pollux/sinks/sns/ops".to_owned(), event.clone()));
    let text = told[1].1["notificationEventPayload"].as_str().unwrap();
    assert_eq!((told[1].0.as_str(), serde_json::from_str::<Json>(text).unwrap()), ("pollux/sinks/lambda/notify", event));
    assert_eq!((&told[1].1["emailConfigurations"], &told[1].1["smsConfigurations"]), (&json!([{"from": "a@b.c"}]), &json!([])));
}

#[test]
fn requests_are_read_or_refused() {
    for (json, message) in [
        (
            json!({}),
            "no requests: one of acknowledgeActionRequests, disableActionRequests, enableActionRequests, resetActionRequests, snoozeActionRequests is expected",
        ),
        (
            json!({"snoozeActionRequests": [{"requestId": "1", "alarmModelName": "a"}]}),
            "snoozeActionRequests[0]: snoozeDuration: a whole number of seconds above 0 is expected",
        ),
        (json!({"enableActionRequests": [{"alarmModelName": "a"}]}), "enableActionRequests[0]: requestId: a text is expected"),
        (json!({"resetActionRequests": 5}), "resetActionRequests: expected a list"),
    ] {
        assert_eq!(parse_alarm_requests(&json), Err(message.to_owned()));
    }
}
