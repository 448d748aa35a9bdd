//! Files in all their shapes: both wrappers and bare, null for absent, and what is wrong at its path.

use serde_json::{Value as Json, json};

use super::{ActionKind, Document, Length, PayloadType, read};
use crate::iotevents::finding::Level;
use crate::rule::detector::Mode;

fn definition() -> Json {
    json!({"initialStateName": "s", "states": [{"stateName": "s", "onInput": {"events": [{"eventName": "e", "condition": "$input.In.v > 1"}]}}]})
}

fn model(json: &Json) -> super::DetectorModel {
    match read("folder/some.model.json", &json.to_string()) {
        (Some(Document::DetectorModel(model)), findings) if findings.is_empty() => model,
        other => panic!("{other:?}"),
    }
}

#[test]
fn both_wrappers_and_bare() {
    let flat = model(
        &json!({"detectorModelName": "m", "detectorModelDescription": "d", "key": "id", "roleArn": "r", "evaluationMethod": "SERIAL",
        "detectorModelDefinition": definition()}),
    );
    let wrapped = model(&json!({"detectorModel": {"detectorModelDefinition": definition(), "detectorModelConfiguration": {
        "detectorModelName": "m", "detectorModelVersion": "4", "detectorModelDescription": "d", "detectorModelArn": "a", "roleArn": "r", "creationTime": 1.5e9,
        "lastUpdateTime": "2019-12-14T03:19:42.866Z", "status": "ACTIVE", "key": "id", "evaluationMethod": "SERIAL"}}, "schemaVersion": 1}));
    let bare = model(&json!({"detectorModelDefinition": definition()}));
    assert_eq!((flat.name.as_str(), flat.key.as_deref(), flat.mode, flat.version.as_str()), ("m", Some("id"), Mode::Serial, "1"));
    assert_eq!(
        (wrapped.name.as_str(), wrapped.key.as_deref(), wrapped.mode, wrapped.version.as_str()),
        ("m", Some("id"), Mode::Serial, "4")
    );
    assert_eq!((bare.name.as_str(), bare.key.as_deref(), bare.mode), ("some.model", None, Mode::Batch));
    assert_eq!(wrapped.states[0].on_input[0].place, "detectorModel.detectorModelDefinition.states[0].onInput.events[0]");
}

#[test]
fn null_is_absent() {
    let with_nulls = json!({"detectorModelName": "m", "key": null, "evaluationMethod": null, "unknown": null, "detectorModelDefinition": {
        "initialStateName": "s", "states": [{"stateName": "s", "onEnter": null, "onExit": {"events": null}, "onInput": {"transitionEvents": null,
            "events": [{"eventName": "e", "condition": null, "actions": null}, {"eventName": "f", "actions": [null, {"setTimer": {"timerName": "t", "seconds": 60, "durationExpression": null}, "sns": null}]}]}}]}});
    let model = model(&with_nulls);
    let events = &model.states[0].on_input;
    assert_eq!((&events[0].condition, events[0].actions.len(), model.mode), (&None, 0, Mode::Batch));
    assert_eq!(events[1].actions[0].kind, ActionKind::SetTimer { timer: "t".into(), length: Length::Seconds(60) });
}

#[test]
fn the_other_files() {
    let document = |json: &Json| match read("x.json", &json.to_string()) {
        (Some(document), findings) if findings.is_empty() => document,
        other => panic!("{other:?}"),
    };
    let Document::Input(input) = document(&json!({"inputName": "In", "inputDescription": "d", "inputDefinition": {"attributes": [
        {"jsonPath": "sensorData.pressure"}, {"jsonPath": "`motor id`"}]}}))
    else {
        panic!()
    };
    assert_eq!((input.name.as_str(), input.attributes.len(), input.attributes[1].path.len()), ("In", 2, 1));
    let Document::Samples { samples, .. } = document(
        &json!({"messages": [{"messageId": "1", "inputName": "In", "payload": "{\"a\": 20.0}", "timestamp": {"timeInMillis": 1}}]}),
    ) else {
        panic!()
    };
    assert_eq!((samples[0].payload.to_string().as_str(), samples[0].input.as_deref()), ("{\"a\":20.0}", Some("In")));
    let Document::TopicRule(rule) =
        document(&json!({"sql": "select * from \"a/+\"", "actions": [{"iotEvents": {"inputName": "In", "roleArn": "r"}}, {"s3": {}}]}))
    else {
        panic!()
    };
    assert_eq!((rule.topic.as_deref(), rule.is_plain, rule.feeds.len(), rule.name.as_str()), (Some("a/+"), true, 1, "x"));
}

#[test]
fn a_payload_is_json_unless_it_says_otherwise() {
    let actions = json!([{"sns": {"targetArn": "x", "payload": {"contentExpression": "'a'"}}}, {"sns": {"targetArn": "x", "payload": {"contentExpression": "'a'", "type": "STRING"}}}]);
    let mut definition = definition();
    definition["states"][0]["onInput"]["events"][0]["actions"] = actions;
    let model = model(&json!({"detectorModelDefinition": definition}));
    let kinds: Vec<_> = model.states[0].on_input[0]
        .actions
        .iter()
        .map(|action| {
            let ActionKind::Send(send) = &action.kind else { panic!("{action:?}") };
            send.payload.as_ref().unwrap().kind
        })
        .collect();
    assert_eq!(kinds, [PayloadType::Json, PayloadType::Text]);
}

/// What is wrong or unknown, at its path.
#[test]
fn findings_at_their_paths() {
    let with = |pointer: &str, value: &Json| {
        let mut json = json!({"detectorModelName": "m", "detectorModelDefinition": definition()});
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        json.pointer_mut(parent).unwrap()[key] = value.clone();
        json
    };
    let event = "/detectorModelDefinition/states/0/onInput/events/0";
    let at = "detectorModelDefinition.states[0].onInput.events[0]";
    let action = |action: &Json| with(&format!("{event}/actions"), &json!([action]));
    for (json, expected) in [
        (
            with("/roleARN", &json!("r")),
            "INFO file roleARN: `roleARN` is not known here, and has no effect; `roleArn` is another name; it is kept in the file"
                .to_owned(),
        ),
        (
            with(&format!("{event}/nextState"), &json!("s")),
            format!("INFO file {at}.nextState: `nextState` is not known here, and has no effect; it is kept in the file"),
        ),
        (with(&format!("{event}/eventName"), &Json::Null), format!("ERROR file {at}: `eventName` is missing")),
        (with(&format!("{event}/condition"), &json!(5)), format!("ERROR file {at}.condition: expected a text, found 5")),
        (
            with("/evaluationMethod", &json!("PARALLEL")),
            "ERROR structure evaluationMethod: there is no evaluation method `PARALLEL`: BATCH or SERIAL".to_owned(),
        ),
        (
            with("/detectorModelDefinition/states", &json!({})),
            "ERROR file detectorModelDefinition.states: expected a list, found {}".to_owned(),
        ),
        (
            action(&json!({"sns": {"targetArn": "x"}, "sqs": {"queueUrl": "y"}})),
            format!("ERROR structure {at}.actions[0]: an action is an object with exactly one key; this one has several"),
        ),
        (action(&json!({})), format!("ERROR structure {at}.actions[0]: an action is an object with exactly one key; this one has none")),
        (
            action(&json!({"setTimers": {}})),
            format!("ERROR supported-actions {at}.actions[0]: there is no action `setTimers`; did you mean `setTimer`?"),
        ),
        (
            action(&json!({"setTimer": {"timerName": "t", "seconds": 5, "durationExpression": "5"}})),
            format!("ERROR structure {at}.actions[0].setTimer: a timer has either `seconds` or `durationExpression`; this one has both"),
        ),
        (
            action(&json!({"setTimer": {"timerName": "t", "seconds": 0}})),
            format!("ERROR structure {at}.actions[0].setTimer: a timer of 0 seconds: it takes at least one"),
        ),
        (
            action(&json!({"dynamoDB": {"tableName": "t", "hashKeyField": "h"}})),
            format!("ERROR file {at}.actions[0].dynamoDB: `hashKeyValue` is missing"),
        ),
        (
            action(&json!({"iotSiteWise": {"assetId": "a"}})),
            format!(
                "ERROR structure {at}.actions[0].iotSiteWise: a property is named by `propertyAlias`, or by `assetId` and `propertyId`"
            ),
        ),
    ] {
        let (_, findings) = read("m", &json.to_string());
        let said: Vec<String> = findings.iter().map(|finding| finding.to_string().replacen(" m ", " ", 1)).collect();
        assert_eq!(said, [expected], "{json}");
    }
}

#[test]
fn none_of_the_files() {
    for text in ["", "{", "[]", "5", "{}", "{\"a\": 1}", "\u{feff}{}"] {
        let (document, findings) = read("x.json", text);
        assert!(document.is_none() && findings.len() == 1 && findings[0].level == Level::Error, "{text}: {findings:?}");
    }
    let huge = format!("{{\"detectorModelDefinition\": {}}}", "[".repeat(100_000));
    assert!(read("x.json", &huge).0.is_none(), "too deep is refused");
}
