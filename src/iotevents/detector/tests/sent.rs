//! What is sent, key by key.

use serde_json::{Value as Json, json};

use super::super::{Detector, Instance, Sink, Sinks, compile, default_topic, last_part};
use super::{Payloads, SECOND};
use crate::iotevents::file::{Document, SendKind, read};
use crate::reading::Timestamp;
use crate::rule::Ask;
use crate::rule::detector::{DetectorState, Effect, Trigger, next_timer, run};

/// A model with one state that does these actions on every message, and on a timer.
fn model(actions: &Json) -> Detector {
    let text = json!({
        "detectorModelName": "motorDetectorModel", "key": "motorid",
        "detectorModelDefinition": {"initialStateName": "Only", "states": [{
            "stateName": "Only",
            "onEnter": {"events": [{"eventName": "begin", "actions": [
                {"setVariable": {"variableName": "n", "value": "3"}}, {"setTimer": {"timerName": "t", "seconds": 60}}]}]},
            "onInput": {"events": [{"eventName": "Pressure Threshold Breached", "condition": "$input.PressureInput.p > 70", "actions": actions}]}
        }]}
    });
    let (document, findings) = read("motor.json", &text.to_string());
    let Some(Document::DetectorModel(model)) = document else { panic!("{findings:?}") };
    let (detector, findings) = compile("motor.json", &model);
    detector.unwrap_or_else(|| panic!("{findings:?}"))
}

fn hear(detector: &Detector, sinks: &Sinks) -> (Vec<Effect>, Vec<Effect>) {
    let mut payloads = Payloads { message_id: Some("00001".to_owned()), ..Payloads::default() };
    payloads.hear("PressureInput", json!({"motorid": "Fulton-A32", "p": 80, "w": 1.0}));
    let mut state = DetectorState::default();
    let instance = Instance::new(detector, &payloads, sinks, "Fulton-A32", state.runs);
    let first = run(&detector.definition, &state, Trigger::Input, Timestamp(1_558_129_816 * SECOND + 420_000), &instance);
    first.facts.iter().for_each(|fact| state.apply(fact));
    let (due, timer) = next_timer(&detector.definition, &state).unwrap();
    payloads.current = None;
    let instance = Instance::new(detector, &payloads, sinks, "Fulton-A32", state.runs);
    let second = run(&detector.definition, &state, Trigger::Timer(timer), due, &instance);
    (first.effects, second.effects)
}

fn asks(effects: &[Effect]) -> Vec<(String, Json)> {
    let ask = |effect: &Effect| {
        let Effect::Act { ask: Ok(Ask::Publish { topic, payload, qos: 1, retain: false }), .. } = effect else { panic!("{effect:?}") };
        (topic.clone(), payload.clone().unwrap())
    };
    effects.iter().map(ask).collect()
}

#[test]
fn the_default_payload_has_exactly_its_keys() {
    let sns = json!({"sns": {"targetArn": "arn:aws:sns:us-east-1:123456789012:underPressureAction"}});
    let detector = model(&json!([sns, sns]));
    let (message, timer) = hear(&detector, &Sinks::default());
    let (message, timer) = (asks(&message), asks(&timer));
    let expected = |id: &Json, time: i64, trigger: Json, timers: Json| {
        json!({"eventTime": time, "payload": {
            "actionExecutionId": id,
            "detector": {"detectorModelName": "motorDetectorModel", "keyValue": "Fulton-A32", "detectorModelVersion": "1"},
            "eventTriggerDetails": trigger,
            "state": {"stateName": "Only", "variables": {"n": 3}, "timers": timers}}, "eventName": "Pressure Threshold Breached"})
    };
    let id = |ask: &(String, Json)| ask.1["payload"]["actionExecutionId"].clone();
    let details = json!({"inputName": "PressureInput", "messageId": "00001", "triggerType": "Message"});
    assert_eq!(message[0].0, "pollux/sinks/sns/underPressureAction");
    assert_eq!(message[0].1, expected(&id(&message[0]), 1_558_129_816_420, details, json!({"t": 1_558_129_876.42})));
    assert_eq!(timer[0].1, expected(&id(&timer[0]), 1_558_129_876_420, json!({"triggerType": "Timer"}), json!({})));
    let ids = [id(&message[0]), id(&message[1]), id(&timer[0]), id(&timer[1])];
    assert!(ids.iter().enumerate().all(|(place, id)| !ids[..place].contains(id)), "each is another one: {ids:?}");
    let shape: String = ids[0].as_str().unwrap().chars().map(|c| if c.is_ascii_hexdigit() { 'x' } else { c }).collect();
    assert_eq!(shape, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
    assert_eq!((ids[0].as_str().unwrap().as_bytes()[14], detector.rule("r").actions.len()), (b'8', 1), "sent twice, compiled once");
    assert_eq!(asks(&hear(&detector, &Sinks::default()).0), message, "the same again gives the same ids");
}

#[test]
fn own_payloads() {
    let publish = |content: &str, kind: &str| json!({"iotTopicPublish": {"mqttTopic": "hvac/Cooling/On", "payload": {"contentExpression": content, "type": kind}}});
    let detector = model(&json!([
        publish("'{\"p\": ${$input.PressureInput.p}, \"n\": ${$variable.n}}'", "JSON"),
        publish("'p is ${$input.PressureInput.p} of ${$input.PressureInput.w}'", "STRING"),
        publish("$variable.n", "JSON"),
        {"iotTopicPublish": {"mqttTopic": "'dt/${$input.PressureInput.motorid}/out'", "payload": {"contentExpression": "$variable.n"}}},
        {"iotEvents": {"inputName": "OtherInput", "payload": {"contentExpression": "'{\"motorid\": \"${$input.PressureInput.motorid}\"}'", "type": "JSON"}}},
        {"sqs": {"queueUrl": "https://sqs.us-east-1.amazonaws.com/1234/queue", "useBase64": true, "payload": {"contentExpression": "'hey'", "type": "STRING"}}},
        {"firehose": {"deliveryStreamName": "stream", "separator": "\n", "payload": {"contentExpression": "'{\"a\":1}'", "type": "JSON"}}},
    ]));
    assert_eq!(
        asks(&hear(&detector, &Sinks::default()).0),
        [
            ("hvac/Cooling/On".to_owned(), json!({"p": 80, "n": 3})),
            ("hvac/Cooling/On".to_owned(), json!("p is 80 of 1.0")),
            ("hvac/Cooling/On".to_owned(), json!(3)),
            ("dt/Fulton-A32/out".to_owned(), json!(3)),
            ("iotevents/inputs/OtherInput".to_owned(), json!({"motorid": "Fulton-A32"})),
            ("pollux/sinks/sqs/queue".to_owned(), json!("aGV5")),
            ("pollux/sinks/firehose/stream".to_owned(), json!("{\"a\":1}\n")),
        ]
    );
}

#[test]
fn rows_and_properties() {
    let payload = json!({"contentExpression": "'{\"p\":${$input.PressureInput.p}}'", "type": "JSON"});
    let detector = model(&json!([
        {"dynamoDB": {"tableName": "t", "hashKeyField": "id", "hashKeyType": "STRING", "hashKeyValue": "$input.PressureInput.motorid",
            "rangeKeyField": "n", "rangeKeyType": "NUMBER", "rangeKeyValue": "$variable.n", "operation": "UPDATE", "payloadField": "body", "payload": payload}},
        {"dynamoDBv2": {"tableName": "t2", "payload": payload}},
        {"iotSiteWise": {"propertyAlias": "/plant/motor/p", "propertyValue": {"value": {"doubleValue": "$input.PressureInput.w"}, "quality": "GOOD"}}},
        {"iotSiteWise": {"assetId": "a", "propertyId": "b", "propertyValue": {"value": {"integerValue": "$input.PressureInput.p"},
            "timestamp": {"timeInSeconds": "17"}}}}
    ]));
    assert_eq!(
        asks(&hear(&detector, &Sinks::default()).0),
        [
            (
                "pollux/sinks/dynamoDB/t".to_owned(),
                json!({"operation": "UPDATE", "item": {"id": "Fulton-A32", "n": 3, "body": "{\"p\":80}"}})
            ),
            ("pollux/sinks/dynamoDBv2/t2".to_owned(), json!({"p": 80})),
            (
                "pollux/sinks/iotSiteWise/p".to_owned(),
                json!({"propertyAlias": "/plant/motor/p", "propertyValues": [{"value": {"doubleValue": 1.0}, "quality": "GOOD",
                    "timestamp": {"timeInSeconds": 1_558_129_816, "offsetInNanos": 420_000_000}}]})
            ),
            (
                "pollux/sinks/iotSiteWise/b".to_owned(),
                json!({"assetId": "a", "propertyId": "b", "propertyValues": [{"value": {"integerValue": 80}, "quality": "GOOD",
                    "timestamp": {"timeInSeconds": 17}}]})
            ),
        ]
    );
}

/// What cannot be said is not sent; the expression that is unknown is named.
#[test]
fn unknown_parts_fail_the_action() {
    let publish = |topic: &str, content: &str| json!({"iotTopicPublish": {"mqttTopic": topic, "payload": {"contentExpression": content, "type": "JSON"}}});
    let detector =
        model(&json!([publish("t", "'${$input.PressureInput.never}'"), publish("$variable.never", "1"), publish("t", "'no json'")]));
    let (effects, _) = hear(&detector, &Sinks::default());
    let failed: Vec<String> = effects
        .iter()
        .map(|effect| {
            let Effect::Act { ask: Err(expression), .. } = effect else { panic!("{effect:?}") };
            detector.terms()[usize::from(expression.0)].to_string()
        })
        .collect();
    assert_eq!(failed, ["'${$input.PressureInput.never}'", "$variable.never", "'no json'"]);
}

#[test]
fn sinks_by_name() {
    let arn = "arn:aws:lambda:us-east-1:1:function:repair:prod";
    let detector = model(&json!([{"lambda": {"functionArn": arn, "payload": {"contentExpression": "'{\"a\": 1}'"}}}]));
    let asked = |sink: Sink| {
        let (effects, _) = hear(&detector, &Sinks([(arn.to_owned(), sink)].into()));
        let [Effect::Act { ask: Ok(ask), .. }] = effects.as_slice() else { panic!("{effects:?}") };
        ask.clone()
    };
    assert_eq!(asked(Sink::Webhook("maint".into())), Ask::Webhook { name: "maint".into(), body: Some(json!({"a": 1})) });
    assert_eq!(asked(Sink::Log("repair".into())), Ask::Emit { event: "repair".into(), data: Some(json!({"a": 1})) });
    let Ask::Command { name, args, .. } = asked(Sink::Command("stop".into())) else { panic!() };
    assert_eq!((name.as_str(), Json::Object(args)), ("stop", json!({"a": 1})));
    assert_eq!(default_topic(SendKind::Lambda, arn), "pollux/sinks/lambda/repair");
    assert_eq!(default_topic(SendKind::IotTopicPublish, "a/+/#"), "a/_/_");
    assert_eq!(["a:b:c", "https://x/1/q/", "sns-topic-arn", ""].map(last_part), ["c", "q", "sns-topic-arn", ""]);
    assert_eq!(default_topic(SendKind::Sns, ""), "pollux/sinks/sns/_");
}
