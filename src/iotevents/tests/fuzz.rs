//! Files whose bytes were changed, and files whose parts were swapped for others: whatever comes of them is refused in words or runs.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::alarm::Severity;
use crate::iotevents::detector::{Detector, Inputs, Instance, Sinks, compile, compile_alarm};
use crate::iotevents::file::{Document, read};
use crate::iotevents::finding::Level;
use crate::iotevents::lint::{Beside, lint};
use crate::iotevents::workspace::{Source, import};
use crate::reading::Timestamp;
use crate::rule::detector::{DetectorState, Trigger, next_timer, run};

struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % (below.max(1) as u64)).unwrap()
    }
}

fn sample() -> Json {
    let payload = json!({"contentExpression": "'{\"v\": ${$input.In.v}}'", "type": "JSON"});
    json!({"detectorModelName": "m", "key": "id", "evaluationMethod": "SERIAL", "detectorModelDefinition": {"initialStateName": "a", "states": [
        {"stateName": "a", "onEnter": {"events": [{"eventName": "e", "actions": [{"setVariable": {"variableName": "n", "value": "0"}},
            {"setTimer": {"timerName": "t", "durationExpression": "$input.In.v * 10"}}]}]},
         "onInput": {"events": [{"eventName": "f", "condition": "timeout('t') || currentInput('In')", "actions": [
                {"resetTimer": {"timerName": "t"}}, {"setVariable": {"variableName": "n", "value": "$variable.n + 1"}},
                {"sns": {"targetArn": "arn:aws:sns:x:1:ops", "payload": payload}}, {"dynamoDB": {"tableName": "t", "hashKeyField": "h", "hashKeyValue": "$variable.n"}}]}],
            "transitionEvents": [{"eventName": "g", "condition": "$variable.n > 2 && $input.In.v != 3", "nextState": "b"}]},
         "onExit": {"events": [{"eventName": "x", "condition": "true", "actions": [{"clearTimer": {"timerName": "t"}}]}]}},
        {"stateName": "b", "onInput": {"transitionEvents": [{"eventName": "h", "condition": "$input.In.v < 2", "actions": null, "nextState": "a"}]}}
    ]}})
}

fn alarm() -> Json {
    json!({"alarmModelName": "o", "key": "id", "severity": 1, "alarmRule": {"simpleRule": {"inputProperty": "$input.In.v", "comparisonOperator": "GREATER", "threshold": "2"}},
        "alarmCapabilities": {"acknowledgeFlow": {"enabled": true}}, "alarmEventActions": {"alarmActions": [{"sns": {"targetArn": "x"}}]}})
}

struct Payload(BTreeMap<&'static str, Json>);

impl Inputs for Payload {
    fn payload(&self, input: &str) -> Option<&Json> {
        self.0.get(input)
    }

    fn is_current(&self, input: &str) -> bool {
        input == "In"
    }
}

/// A few messages and timers; the facts add up to the state.
fn exercise(detector: &Detector, random: &mut Random) {
    let (mut state, mut replayed, sinks) = (DetectorState::default(), DetectorState::default(), Sinks::default());
    for step in 0..8 {
        let values = [json!(1), json!(3.5), json!("x"), json!(null), json!({"a": [1]}), json!(true)];
        let value = values[random.next(values.len())].clone();
        let inputs = Payload(BTreeMap::from([("In", json!({"id": "m-1", "v": value}))]));
        let mut at = Timestamp(step * 7_000_000);
        let mut trigger = Trigger::Input;
        if let Some((due, timer)) = next_timer(&detector.definition, &state).filter(|_| step % 2 == 1) {
            (at, trigger) = (due, Trigger::Timer(timer));
        }
        let instance = Instance::new(detector, &inputs, &sinks, "m-1", state.runs);
        let ran = run(&detector.definition, &state, trigger, at, &instance);
        for fact in &ran.facts {
            state.apply(fact);
            replayed.apply(&serde_json::from_str(&serde_json::to_string(fact).unwrap()).unwrap());
        }
    }
    assert_eq!(state, replayed);
}

/// Whatever it is: no document without an error, no detector with one; what compiles runs.
fn try_text(text: &str, random: &mut Random) -> bool {
    let (document, findings) = read("m.json", text);
    let has_errors = |findings: &[crate::iotevents::finding::Finding]| findings.iter().any(|finding| finding.level == Level::Error);
    assert!(document.is_some() || has_errors(&findings), "{text}");
    let detector = match document {
        Some(Document::DetectorModel(model)) => {
            let found = lint("m.json", &model, &Beside::default());
            let (detector, problems) = compile("m.json", &model);
            assert_eq!(detector.is_none(), has_errors(&problems), "{text}");
            assert!(problems.iter().all(|problem| found.contains(problem)));
            detector
        }
        Some(Document::AlarmModel(model)) => compile_alarm("m.json", &model, Severity::Minor).0,
        Some(Document::Input(_) | Document::Samples { .. } | Document::TopicRule(_)) | None => None,
    };
    if let Some(detector) = &detector {
        exercise(detector, random);
    }
    let imported = import(&[Source { name: "m.json", text }]);
    assert_eq!(imported.files.is_empty(), has_errors(&imported.findings), "{text}");
    detector.is_some()
}

#[test]
fn changed_bytes() {
    let mut random = Random(0x0123_4567_89ab_cdef);
    let (samples, mut ran) = ([sample().to_string(), alarm().to_string()], 0);
    for _ in 0..600 {
        let mut bytes = samples[random.next(2)].as_bytes().to_vec();
        for _ in 0..=random.next(3) {
            let at = random.next(bytes.len());
            match random.next(3) {
                0 => bytes[at] = b"\"{}[],:0az$'<"[random.next(13)],
                1 => drop(bytes.remove(at)),
                _ => bytes[at] ^= 1 << random.next(8),
            }
        }
        ran += usize::from(try_text(&String::from_utf8_lossy(&bytes), &mut random));
    }
    assert!(ran > 50, "only {ran} were still models");
}

/// Parts take each other's places: keys stay, and what stands under them is something else.
#[test]
fn swapped_parts() {
    let (mut random, mut ran) = (Random(0xfeed_beef_0000_0001), 0);
    for _ in 0..600 {
        let mut json = if random.next(3) == 0 { alarm() } else { sample() };
        let paths = pointers(&json);
        let (from, to) = (&paths[random.next(paths.len())], &paths[random.next(paths.len())]);
        let others = [json!(null), json!(7), json!("text"), json!([]), json!({}), json!(-1.5), json!(true)];
        let part = match random.next(2) {
            0 => json.pointer(from).cloned().unwrap_or_default(),
            _ => others[random.next(others.len())].clone(),
        };
        if let Some(slot) = json.pointer_mut(to) {
            *slot = part;
        }
        ran += usize::from(try_text(&json.to_string(), &mut random));
    }
    assert!(ran > 50, "only {ran} were still models");
}

fn pointers(json: &Json) -> Vec<String> {
    let (mut paths, mut waiting) = (Vec::new(), vec![(String::new(), json)]);
    while let Some((path, json)) = waiting.pop() {
        match json {
            Json::Object(object) => waiting.extend(object.iter().map(|(key, json)| (format!("{path}/{key}"), json))),
            Json::Array(items) => waiting.extend(items.iter().enumerate().map(|(at, json)| (format!("{path}/{at}"), json))),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
        }
        paths.push(path);
    }
    paths
}
