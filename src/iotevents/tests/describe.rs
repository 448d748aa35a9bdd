//! DescribeDetector and BatchUpdateDetector.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::iotevents::describe::{Described, Update, parse_scalar, parse_updates};
use crate::iotevents::detector::{Detector, Inputs, Instance, Sinks, compile};
use crate::iotevents::file::{Document, read};
use crate::reading::Timestamp;
use crate::rule::detector::{DetectorState, Scalar, Trigger, force, run};

const SECOND: i64 = 1_000_000;

struct One(Json);

impl Inputs for One {
    fn payload(&self, input: &str) -> Option<&Json> {
        (input == "In").then_some(&self.0)
    }

    fn is_current(&self, input: &str) -> bool {
        input == "In"
    }
}

fn detector() -> Detector {
    let set = |name: &str, value: &str| json!({"setVariable": {"variableName": name, "value": value}});
    let actions =
        json!([set("i", "3"), set("d", "15.0"), set("b", "1 > 2"), set("t", "'01'"), {"setTimer": {"timerName": "wait", "seconds": 60}}]);
    let text = json!({"detectorModelName": "m", "key": "id", "detectorModelDefinition": {"initialStateName": "begin", "states": [
        {"stateName": "begin", "onEnter": {"events": [{"eventName": "e", "actions": actions}]},
            "onInput": {"transitionEvents": [{"eventName": "go", "condition": "$input.In.v > $variable.i", "nextState": "over"}]}},
        {"stateName": "over"}
    ]}});
    let Some(Document::DetectorModel(model)) = read("m.json", &text.to_string()).0 else { panic!() };
    compile("m.json", &model).0.unwrap()
}

fn begun(detector: &Detector, value: i64, state: &mut DetectorState, second: i64) {
    let (inputs, sinks) = (One(json!({"id": "x", "v": value})), Sinks::default());
    let instance = Instance::new(detector, &inputs, &sinks, "x", state.runs);
    let ran = run(&detector.definition, state, Trigger::Input, Timestamp(second * SECOND), &instance);
    ran.facts.iter().for_each(|fact| state.apply(fact));
}

#[test]
fn described() {
    let (detector, mut state) = (detector(), DetectorState::default());
    let describe = |state: &DetectorState| {
        let described =
            Described { detector: &detector, state, key_value: Some("x"), created: Timestamp(SECOND / 2), updated: Timestamp(SECOND) };
        described.to_json()
    };
    assert_eq!(describe(&state), None, "no message has come");
    begun(&detector, 1, &mut state, 1_557_520_394);
    assert_eq!(
        describe(&state),
        Some(json!({"detector": {
            "detectorModelName": "m", "keyValue": "x", "detectorModelVersion": "1", "creationTime": 0.5, "lastUpdateTime": 1.0,
            "state": {"stateName": "begin",
                "variables": [{"name": "b", "value": "false"}, {"name": "d", "value": "15.0"}, {"name": "i", "value": "3"}, {"name": "t", "value": "\"01\""}],
                "timers": [{"name": "wait", "timestamp": 1_557_520_454.0}]}
        }}))
    );
}

/// What is described is taken back: names and values are those of an update.
#[test]
fn updated() {
    let (detector, mut state) = (detector(), DetectorState::default());
    begun(&detector, 1, &mut state, 0);
    let update = json!({"detectors": [{"messageId": "1", "detectorModelName": "m", "keyValue": "x", "state": {"stateName": "begin",
        "variables": [{"name": "i", "value": "22"}, {"name": "t", "value": "\"y\""}], "timers": [{"name": "wait", "seconds": 5}]}}]});
    let updates = parse_updates(&update).unwrap();
    let expected = Update {
        message_id: "1".to_owned(),
        model: "m".to_owned(),
        key_value: Some("x".to_owned()),
        state: "begin".to_owned(),
        variables: vec![("i".to_owned(), Scalar::Int(22)), ("t".to_owned(), Scalar::Text("y".into()))],
        timers: vec![("wait".to_owned(), Duration::from_secs(5))],
    };
    assert_eq!(updates, [expected]);
    let forced = updates[0].resolve(&detector).unwrap();
    for fact in force(&detector.definition, &state, &forced, Timestamp(10 * SECOND)) {
        state.apply(&fact);
    }
    assert_eq!(
        (state.variable(2), state.variable(3), state.variable(0)),
        (Some(&Scalar::Int(22)), Some(&Scalar::Text("y".into())), Some(&Scalar::Bool(false)))
    );
    assert_eq!(state.timer(0).and_then(|timer| timer.due), Some(Timestamp(15 * SECOND)));
    begun(&detector, 20, &mut state, 11);
    assert_eq!(state.state, Some(0), "the next message finds what was set");
    begun(&detector, 23, &mut state, 12);
    assert_eq!(state.state, Some(1));
}

#[test]
fn refused() {
    let one = |state: &Json| json!({"detectors": [{"messageId": "1", "detectorModelName": "m", "state": state}]});
    for (json, message) in [
        (json!({}), "detectors: a list is expected"),
        (json!({"detectors": [{"messageId": "1"}]}), "detectors[0].state: an object is expected"),
        (one(&json!({})), "detectors[0].state.stateName: a text is expected"),
        (
            one(&json!({"stateName": "s", "variables": [{"name": "n", "value": "x"}]})),
            "detectors[0].state.variables[0].value: `x` is no value: write 22, 1.0, true or, for a text, \\\"x\\\" with its quotes",
        ),
        (
            one(&json!({"stateName": "s", "timers": [{"name": "n", "seconds": -1}]})),
            "detectors[0].state.timers[0].seconds: a whole number is expected",
        ),
    ] {
        assert_eq!(parse_updates(&json), Err(message.to_owned()));
    }
    let resolve = |state: &Json| parse_updates(&one(state)).unwrap()[0].resolve(&detector()).unwrap_err();
    assert_eq!(resolve(&json!({"stateName": "nowhere"})), "there is no state `nowhere`; there are begin, over");
    assert_eq!(
        resolve(&json!({"stateName": "over", "variables": [{"name": "z", "value": "1"}]})),
        "there is no variable `z`; there are b, d, i, t"
    );
    let parsed = ["22", "1.0", "true", "\"x\"", "-3"].map(|text| parse_scalar(text).unwrap());
    assert_eq!(parsed, [Scalar::Int(22), Scalar::Double(1.0), Scalar::Bool(true), Scalar::Text("x".into()), Scalar::Int(-3)]);
    assert!(["null", "[1]", "", "x"].iter().all(|text| parse_scalar(text).is_err()));
}
