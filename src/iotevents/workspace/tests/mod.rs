//! What an import writes, to the letter, and what it refuses.

mod data;

use expect_test::{Expect, expect};
use serde_json::{Value as Json, json};

use super::{Imported, Source, import};
use crate::iotevents::finding::Level;

fn model(name: &str, key: Option<&str>, input: &str) -> String {
    let go = json!([{"eventName": "go", "condition": format!("$input.{input}.v > 1"), "nextState": "s"}]);
    let definition = json!({"initialStateName": "s", "states": [{"stateName": "s", "onInput": {"transitionEvents": go}}]});
    let mut model = json!({"detectorModelName": name, "detectorModelDefinition": definition});
    model["key"] = key.map_or(Json::Null, Json::from);
    model.to_string()
}

fn alarm(name: &str, key: Option<&str>) -> String {
    let rule = json!({"inputProperty": "$input.Pressure.v", "comparisonOperator": "GREATER", "threshold": "70"});
    let mut model = json!({"alarmModelName": name, "severity": 3, "alarmRule": {"simpleRule": rule}});
    model["key"] = key.map_or(Json::Null, Json::from);
    model.to_string()
}

const INPUT: &str = r#"{"inputName": "Pressure", "inputDefinition": {"attributes": [{"jsonPath": "motorid"}, {"jsonPath": "v"}]}}"#;

fn imported(files: &[(&str, &str)]) -> Imported {
    let sources: Vec<Source<'_>> = files.iter().map(|(name, text)| Source { name, text }).collect();
    import(&sources)
}

/// The files that it made, without those it took over, and what it said that is no INFO.
fn shown(imported: &Imported) -> String {
    let mut text = String::new();
    for (path, content) in &imported.files {
        text.push_str(&format!("=== {path}\n"));
        if !path.ends_with(".json") {
            text.push_str(content);
        }
    }
    for finding in imported.findings.iter().filter(|finding| finding.level > Level::Info) {
        text.push_str(&format!("{finding}\n"));
    }
    text
}

fn check(files: &[(&str, &str)], expected: &Expect) {
    let made = imported(files);
    expected.assert_eq(&shown(&made));
    for (path, content) in made.files.iter().filter(|(path, _)| path.ends_with(".json")) {
        assert!(files.iter().any(|(_, text)| text == content), "{path} is not as it came");
    }
    let mut turned = files.to_vec();
    turned.reverse();
    assert_eq!(imported(&turned).files, made.files, "the order of the files changes nothing");
}

#[test]
fn a_model_with_its_input() {
    check(
        &[("a/motor model.json", &model("motor-model", Some("motorid"), "Pressure")), ("PressureInput.json", INPUT)],
        &expect![[r#"
            === detectors/inputs/PressureInput.json
            === detectors/motor-model.json
            === schemas/MotorModel.yaml
            # Made by `pollux import iot-events`. The models it names run as they were exported.
            type: MotorModel
            kind: DEVICE
            title: motor-model
            telemetry:
              Pressure: {type: json, description: "motorid, v"}
            rules:
              - {id: motor_model, detector: detectors/motor-model.json}
            === twins/iotevents.yaml
            # Made by `pollux import iot-events`. A message on a topic below is one of BatchPutMessage: its payload is the whole input.
            bindings:
              - id: iotevents-Pressure
                source: mqtt
                topic: "iotevents/inputs/Pressure"
                twin: {path: "$.motorid"}
                map: [{path: $, to: Pressure}]
                unknownTwin: {provision: MotorModel}
        "#]],
    );
}

/// Models and alarm models with one key are rules of one type; what operators do has a topic of its own.
#[test]
fn models_with_one_key() {
    let (motor, second) = (model("motor", Some("motorid"), "Pressure"), model("IoTMotor", Some("motorid"), "Other"));
    check(
        &[("m.json", &motor), ("x/m.json", &second), ("over.json", &alarm("Over", Some("motorid"))), ("in.json", INPUT)],
        &expect![[r#"
            === detectors/inputs/in.json
            === detectors/m-2.json
            === detectors/m.json
            === detectors/over.json
            === schemas/IoTMotor.yaml
            # Made by `pollux import iot-events`. The models it names run as they were exported.
            type: IoTMotor
            kind: DEVICE
            telemetry:
              Other: {type: json}
              Pressure: {type: json, description: "motorid, v"}
              Over_Action: {type: json, description: "what operators do about Over"}
            rules:
              - {id: IoTMotor, detector: detectors/m-2.json}
              - {id: motor, detector: detectors/m.json}
              - {id: Over, detector: detectors/over.json}
            === twins/iotevents.yaml
            # Made by `pollux import iot-events`. A message on a topic below is one of BatchPutMessage: its payload is the whole input.
            bindings:
              - id: iotevents-Over_Action
                source: mqtt
                topic: "iotevents/alarms/Over"
                twin: {path: "$.keyValue"}
                map: [{path: $, to: Over_Action}]
              - id: iotevents-Other
                source: mqtt
                topic: "iotevents/inputs/Other"
                twin: {path: "$.motorid"}
                map: [{path: $, to: Other}]
                unknownTwin: {provision: IoTMotor}
              - id: iotevents-Pressure
                source: mqtt
                topic: "iotevents/inputs/Pressure"
                twin: {path: "$.motorid"}
                map: [{path: $, to: Pressure}]
                unknownTwin: {provision: IoTMotor}
            WARNING referenced-resource x/m.json detectorModelDefinition.states[0].onInput.transitionEvents[0]: Detector Model Definition contains reference to Input 'Other' that does not exist.
        "#]],
    );
}

/// Without a key there is one twin, named like its type.
#[test]
fn without_a_key() {
    check(
        &[("heartbeat.json", &model("7 heart beats", None, "Beat"))],
        &expect![[r#"
            === detectors/heartbeat.json
            === schemas/Detector7HeartBeats.yaml
            # Made by `pollux import iot-events`. The models it names run as they were exported.
            type: Detector7HeartBeats
            kind: DEVICE
            title: "7 heart beats"
            telemetry:
              Beat: {type: json}
            rules:
              - {id: detector_7_heart_beats, detector: detectors/heartbeat.json}
            === twins/iotevents.yaml
            # Made by `pollux import iot-events`. A message on a topic below is one of BatchPutMessage: its payload is the whole input.
            bindings:
              - id: iotevents-Beat
                source: mqtt
                topic: "iotevents/inputs/Beat"
                twin: Detector7HeartBeats
                map: [{path: $, to: Beat}]
                unknownTwin: {provision: Detector7HeartBeats}
            WARNING referenced-resource heartbeat.json detectorModelDefinition.states[0].onInput.transitionEvents[0]: Detector Model Definition contains reference to Input 'Beat' that does not exist.
        "#]],
    );
}

/// Models without a key have a twin each, unless they share an input.
#[test]
fn several_without_a_key() {
    let types = |second: &str| {
        let made = imported(&[("a.json", &model("a", None, "One")), ("b.json", &model("b", None, second))]);
        made.files.iter().filter(|(path, _)| path.starts_with("schemas")).map(|(path, _)| path.clone()).collect::<Vec<_>>()
    };
    assert_eq!(types("Two"), ["schemas/A.yaml", "schemas/B.yaml"]);
    assert_eq!(types("One"), ["schemas/A.yaml"]);
}

#[test]
fn keys_that_are_paths() {
    check(
        &[("m.json", &model("m", Some("a.`motor id`[0]"), "Pressure"))],
        &expect![[r#"
        === detectors/m.json
        === schemas/M.yaml
        # Made by `pollux import iot-events`. The models it names run as they were exported.
        type: M
        kind: DEVICE
        title: m
        telemetry:
          Pressure: {type: json}
        rules:
          - {id: m, detector: detectors/m.json}
        === twins/iotevents.yaml
        # Made by `pollux import iot-events`. A message on a topic below is one of BatchPutMessage: its payload is the whole input.
        bindings:
          - id: iotevents-Pressure
            source: mqtt
            topic: "iotevents/inputs/Pressure"
            twin: {path: "$.a['motor id'][0]"}
            map: [{path: $, to: Pressure}]
            unknownTwin: {provision: M}
        WARNING referenced-resource m.json detectorModelDefinition.states[0].onInput.transitionEvents[0]: Detector Model Definition contains reference to Input 'Pressure' that does not exist.
    "#]],
    );
}

#[test]
fn topics_of_topic_rules() {
    let rule = |name: &str, sql: &str| {
        json!({"ruleName": name, "topicRulePayload": {"sql": sql, "actions": [{"iotEvents": {"inputName": "Pressure"}}, {"iotEvents": {"inputName": "Nobody"}}]}}).to_string()
    };
    let (plain, other) = (rule("Plain", "SELECT * FROM 'dt/+/p/#'"), rule("Changes", "SELECT a AS b FROM 'x'"));
    check(
        &[("m.json", &model("m", Some("motorid"), "Pressure")), ("r.json", &plain), ("o.json", &other)],
        &expect![[r#"
        === detectors/m.json
        === schemas/M.yaml
        # Made by `pollux import iot-events`. The models it names run as they were exported.
        type: M
        kind: DEVICE
        title: m
        telemetry:
          Pressure: {type: json}
        rules:
          - {id: m, detector: detectors/m.json}
        === twins/iotevents.yaml
        # Made by `pollux import iot-events`. A message on a topic below is one of BatchPutMessage: its payload is the whole input.
        bindings:
          - id: iotrule-Plain
            source: mqtt
            topic: "dt/{level1}/p/{rest...}"
            twin: {path: "$.motorid"}
            map: [{path: $, to: Pressure}]
            unknownTwin: {provision: M}
          - id: iotevents-Pressure
            source: mqtt
            topic: "iotevents/inputs/Pressure"
            twin: {path: "$.motorid"}
            map: [{path: $, to: Pressure}]
            unknownTwin: {provision: M}
        WARNING import o.json topicRulePayload.sql: only SELECT * without WHERE is brought over; a payload that this rule changes or holds back is not
        WARNING referenced-resource m.json detectorModelDefinition.states[0].onInput.transitionEvents[0]: Detector Model Definition contains reference to Input 'Pressure' that does not exist.
    "#]],
    );
}

#[test]
fn all_or_nothing() {
    let good = model("good", Some("motorid"), "Pressure");
    let refused = |name: &str, text: &str| {
        let imported = imported(&[("good.json", &good), (name, text)]);
        assert!(imported.files.is_empty(), "{:?}", imported.files);
        imported.findings.iter().filter(|finding| finding.level == Level::Error).map(|finding| format!("{finding}\n")).collect::<String>()
    };
    expect![[r#"
        ERROR file bad.json: this is no JSON: EOF while parsing an object at line 1 column 1
    "#]]
    .assert_eq(&refused("bad.json", "{"));
    expect![[r#"
        ERROR import good.json: there are two models `good`; the other is in bad.json
    "#]]
    .assert_eq(&refused("bad.json", &model("good", None, "Else")));
    expect![[r#"
        ERROR import bad.json: models share inputs and not their key (good has the key `motorid`, bad has the key `other`): a message goes to one twin here. Import them into workspaces of their own, or give them one key
    "#]].assert_eq(&refused("bad.json", &model("bad", Some("other"), "Pressure")));
    expect![[r#"
        ERROR expression-syntax bad.json detectorModelDefinition.states[0].onInput.transitionEvents[0]: `$input.1.v > 1` is no expression: expected a name; one that is not letters, digits and `_` stands in back-ticks, found `1.v > 1`, at character 8
    "#]].assert_eq(&refused("bad.json", &model("bad", None, "1")));
    let nothing = imported(&[("in.json", INPUT)]);
    assert_eq!(shown(&nothing), "ERROR file: there is neither a detector model nor an alarm model among the files\n");
}

#[test]
fn inputs_that_nobody_reads_or_feeds() {
    let rule = json!({"sql": "SELECT * FROM 'x'", "actions": [{"iotEvents": {"inputName": "Pressure"}}]}).to_string();
    let (one, two) = (model("one", Some("motorid"), "Pressure"), model("two", Some("motorid"), "Other"));
    let unread = INPUT.replace("Pressure", "Unread");
    let made = imported(&[("one.json", &one), ("two.json", &two), ("in.json", INPUT), ("un.json", &unread), ("rule.json", &rule)]);
    let infos: Vec<String> = made.findings.iter().filter(|finding| finding.level == Level::Info).map(ToString::to_string).collect();
    assert_eq!(
        infos,
        [
            "INFO never-arrives: the input Unread is declared, and no model here reads it",
            "INFO never-arrives: no topic rule here feeds Other: publish on iotevents/inputs/Other"
        ]
    );
    let many: Vec<(String, String)> =
        (0..11).map(|n| (format!("{n}.json"), model(&format!("m{n}"), Some("motorid"), "Pressure"))).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    assert!(shown(&imported(&many)).contains("WARNING service-limits: 11 models read Pressure; AWS allows 10\n"));
}

/// An id that no twin may have is said beforehand, where messages show it.
#[test]
fn keys_that_are_no_ids() {
    let messages = r#"{"messages": [{"messageId": "1", "inputName": "Pressure", "payload": "{\"motorid\": \"M 1\", \"v\": 2}"}]}"#;
    let imported = imported(&[("m.json", &model("m", Some("motorid"), "Pressure")), ("in.json", INPUT), ("msg.json", messages)]);
    let text = shown(&imported);
    assert!(
        text.ends_with("WARNING import: the key of m is `M 1` in messages[0], which is no id of a twin: such messages are rejected\n"),
        "{text}"
    );
}
