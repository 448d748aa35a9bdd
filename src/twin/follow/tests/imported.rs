//! Detectors as they were exported elsewhere, from a workspace that an import wrote.

use serde_json::{Value as Json, json};

use crate::iotevents::workspace::{Source, import};
use crate::rule::Ask;
use crate::source::{Sources, render_text};
use crate::twin::{Event, Input};

use super::{World, at, catalog};

fn motor() -> Json {
    let count =
        json!({"eventName": "count", "condition": "true", "actions": [{"setVariable": {"variableName": "n", "value": "$variable.n + 1"}}]});
    let tell = json!({"eventName": "tell", "condition": "currentInput('Pressure') && $input.Pressure.v > 70 && $input.Speed.rpm > 0", "actions": [
        {"sns": {"targetArn": "arn:aws:sns:eu:1:ops"}}, {"lambda": {"functionArn": "arn:aws:lambda:eu:1:function:stop"}}, {"setTimer": {"timerName": "quiet", "seconds": 60}}]});
    let init = json!({"eventName": "init", "condition": "true", "actions": [{"setVariable": {"variableName": "n", "value": "0"}}]});
    let go = json!({"eventName": "quiet", "condition": "timeout('quiet')", "nextState": "calm", "actions": []});
    json!({"detectorModelName": "motor", "key": "id", "detectorModelDefinition": {"initialStateName": "on", "states": [
        {"stateName": "on", "onEnter": {"events": [init]}, "onInput": {"events": [count, tell], "transitionEvents": [go]}},
        {"stateName": "calm"}
    ]}})
}

fn imported(rule: &str) -> Vec<(String, String)> {
    let model = motor().to_string();
    let made = import(&[Source { name: "motor.json", text: &model }]);
    let mut files = made.files;
    assert!(!files.is_empty(), "{:?}", made.findings);
    for (path, text) in &mut files {
        if path.starts_with("schemas") {
            *text = text.replace("detector: detectors/motor.json", &format!("detector: detectors/motor.json{rule}"));
            text.push_str("events: {stopped: }\n");
        }
    }
    files
}

fn world(rule: &str) -> World {
    let files = imported(rule);
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    World::new(catalog(&files).layout("Motor").unwrap().clone())
}

#[test]
fn every_message_counts_and_inputs_stay() {
    let mut world = world("");
    world.hear(0, &[("Speed", json!({"id": "pump-1", "rpm": 5}))]);
    assert_eq!(world.shown("motor"), r#"on {"n":1} []"#);
    // The same payload again is a message again.
    world.hear(1, &[("Speed", json!({"id": "pump-1", "rpm": 5}))]);
    assert_eq!(world.shown("motor"), r#"on {"n":2} []"#);
    world.hear(2, &[("Pressure", json!({"id": "pump-1", "v": 71}))]);
    assert_eq!(world.shown("motor"), r#"on {"n":3} [quiet@62]"#);
    let asked: Vec<Ask> = world.twin.state.asked.iter().map(|pending| pending.request.ask.clone()).collect();
    let [Ask::Publish { topic, payload: Some(payload), .. }, Ask::Publish { topic: second, .. }] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!((topic.as_str(), second.as_str()), ("pollux/sinks/sns/ops", "pollux/sinks/lambda/stop"));
    assert_eq!(
        payload["payload"]["detector"],
        json!({"detectorModelName": "motor", "keyValue": "pump-1", "detectorModelVersion": payload["payload"]["detector"]["detectorModelVersion"]})
    );
    assert_eq!(payload["payload"]["state"]["variables"], json!({"n": 3}));
    // Without the key it is for nobody (D2).
    world.hear(3, &[("Pressure", json!({"v": 72}))]);
    assert_eq!(world.troubles(), ["motor a message of Pressure without the key was left out"]);
    // Nor is a message that is older than the newest.
    world.hear_late(1, 4, &[("Pressure", json!({"id": "pump-1", "v": 73}))]);
    assert_eq!(world.shown("motor"), r#"on {"n":3} [quiet@62]"#);
    world.pass_until(100);
    assert_eq!(world.shown("motor"), r#"calm {"n":4} []"#);
    assert_eq!(world.all.last().map(|(now, _)| *now), Some(at(62)));
}

#[test]
fn silence_is_no_message() {
    let mut files = imported("");
    for (path, text) in &mut files {
        if path.starts_with("schemas") {
            *text = text.replace("Speed: {type: json", "Speed: {type: json, every: 10s");
        }
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let mut world = World::new(catalog(&files).layout("Motor").unwrap().clone());
    world.hear(0, &[("Speed", json!({"id": "pump-1", "rpm": 5}))]);
    world.take(at(100), &Input::Woken { started: crate::twin::NEVER_AWAY });
    assert_eq!(world.shown("motor"), r#"on {"n":1} []"#);
    // What has come stays, however old it is (D5).
    world.hear(101, &[("Pressure", json!({"id": "pump-1", "v": 71}))]);
    assert_eq!(world.shown("motor"), r#"on {"n":2} [quiet@161]"#);
}

/// Two inputs in one packet are two messages.
#[test]
fn each_input_is_a_message() {
    let mut world = world("");
    world.hear(0, &[("Speed", json!({"id": "pump-1", "rpm": 5})), ("Pressure", json!({"id": "pump-1", "v": 71}))]);
    assert_eq!(world.shown("motor"), r#"on {"n":2} [quiet@60]"#);
}

#[test]
fn what_it_sends_goes_where_the_rule_says() {
    let sinks = ", severity: MAJOR, sinks: {\"arn:aws:sns:eu:1:ops\": {publish: plant/ops}, \"arn:aws:lambda:eu:1:function:stop\": {emit: stopped}}";
    let mut world = world(sinks);
    world.hear(0, &[("Speed", json!({"id": "pump-1", "rpm": 5}))]);
    world.hear(1, &[("Pressure", json!({"id": "pump-1", "v": 71}))]);
    let asked: Vec<String> = world.twin.state.asked.iter().map(|pending| pending.request.ask.name()).collect();
    assert_eq!(asked, ["publish plant/ops"]);
    assert!(world.all.iter().any(|(_, event)| matches!(event, Event::Happened(happened) if happened.event == "stopped")));
}

#[test]
fn an_edit_of_the_file_begins_it_anew_where_it_means_something_else() {
    let mut world = world("");
    world.hear(0, &[("Speed", json!({"id": "pump-1", "rpm": 5}))]);
    let edited = |from: &str, to: &str| {
        let mut files = imported("");
        for (path, text) in &mut files {
            if path.ends_with("motor.json") {
                assert!(text.contains(from));
                *text = text.replace(from, to);
            }
        }
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        catalog(&files).layout("Motor").unwrap().clone()
    };
    let old = world.twin.state.layout.fingerprint;
    world.take(at(1), &Input::Retyped(edited("eu:1:ops", "eu:1:hotline")));
    assert_ne!(world.twin.state.layout.fingerprint, old);
    assert_eq!(world.shown("motor"), r#"on {"n":1} []"#);
    world.take(at(2), &Input::Retyped(edited("> 70", "> 60")));
    assert_eq!(world.shown("motor"), "-");
}

/// What the loader says of rules that name such a file.
#[test]
fn files_that_cannot_run() {
    let model = motor().to_string();
    let broken = model.replace("currentInput('Pressure') &&", "currentInput(");
    let schema =
        |path: &str, telemetry: &str| format!("type: Motor\ntelemetry: {{{telemetry}}}\nrules:\n  - {{id: motor, detector: {path}}}\n");
    let inputs = "Speed: {type: json}, Pressure: {type: json}";
    let cases = [
        (schema("detectors/moter.json", inputs), "there is no file `detectors/moter.json` in the workspace"),
        (
            schema("detectors/motor.json", "Speed: {type: json}"),
            "detectors/motor.json reads the input Pressure, and Motor has no telemetry of that name",
        ),
        (schema("detectors/motor.json", "Speed: {type: json}, Pressure: double"), "`Pressure` of Motor must be telemetry of type json"),
        (schema("detectors/broken.json", inputs), "detectors/broken.json detectorModelDefinition.states[0].onInput.events[1]"),
        (schema("detectors/input.json", inputs), "detectors/input.json is neither a detector model nor an alarm model"),
    ];
    for (schema, expected) in cases {
        let mut sources = Sources::new();
        sources.add("schemas/Motor.yaml", schema.as_bytes());
        for (path, text) in [
            ("motor", model.as_str()),
            ("broken", &broken),
            ("input", r#"{"inputName": "Pressure", "inputDefinition": {"attributes": [{"jsonPath": "v"}]}}"#),
        ] {
            sources.add(format!("detectors/{path}.json"), text.as_bytes());
        }
        let (_, problems) = crate::catalog::load(&sources);
        let told = render_text(&sources, &problems, false);
        assert!(told.contains("error[E728]") && told.contains(expected), "{expected}\n{told}");
        assert_eq!(told.matches("error[").count(), 1, "{told}");
    }
}

/// An alarm model: it raises and clears the alarm of its rule, and hears what operators do as messages.
#[test]
fn an_alarm_model() {
    let rule = json!({"inputProperty": "$input.Pressure.v", "comparisonOperator": "GREATER", "threshold": "70"});
    let flow = json!({"acknowledgeFlow": {"enabled": true}});
    let model =
        json!({"alarmModelName": "pressure", "severity": 3, "key": "id", "alarmRule": {"simpleRule": rule}, "alarmCapabilities": flow})
            .to_string();
    let made = import(&[Source { name: "pressure.json", text: &model }]);
    let mut files = made.files;
    for (_, text) in &mut files {
        *text = text.replace("detector: detectors/pressure.json", "detector: detectors/pressure.json, severity: CRITICAL");
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let catalog = catalog(&files);
    let layout = catalog.types.iter().find(|layout| !layout.logic.rules.is_empty()).unwrap().clone();
    let rule = layout.logic.rules[0].rule.id.to_string();
    let mut world = World { restarts: true, ..World::new(layout) };
    let mut states = Vec::new();
    for (second, v) in [(0, 60), (1, 80), (2, 60), (3, 90)] {
        world.hear(second, &[("Pressure", json!({"id": "pump-1", "v": v}))]);
        let shown = world.shown(&rule);
        states.push((shown.split(' ').next().unwrap().to_owned(), world.alarm(&rule).split(' ').take(2).collect::<Vec<_>>().join(" ")));
    }
    let state = |state: &str, alarm: &str| (state.to_owned(), alarm.to_owned());
    assert_eq!(
        states,
        [state("NORMAL", "-"), state("ACTIVE", "ACTIVE CRITICAL"), state("LATCHED", "ACTIVE CRITICAL"), state("ACTIVE", "ACTIVE CRITICAL")]
    );
}
