//! The golden traces, step by step, also with the state written and read back between any two: definitions as published, unedited.
//!
//! The data are not part of the project: `POLLUX_TEST_DATA` names a folder with them (or its neighbour `ml`). The small traces below always run.

#![expect(clippy::disallowed_methods, reason = "the folder of the data is a matter of the machine that runs the tests")]

use std::path::PathBuf;

use serde_json::{Value as Json, json};

use crate::iotevents::file::{Document, read};
use crate::reading::Timestamp;
use crate::rule::detector::{DetectorState, Diagnostic, Effect, Fact, Run, Scalar, Trigger, next_timer, run};

use super::super::{Detector, Instance, Sinks, compile};
use super::{Payloads, SECOND};

/// One instance on a virtual clock.
struct Machine<'a> {
    detector: &'a Detector,
    inputs: Payloads,
    state: DetectorState,
    all: Vec<Fact>,
}

/// What a step brought: as the traces write it.
#[derive(Debug, Default, PartialEq)]
struct Told {
    emitted: Vec<Json>,
    transitions: Vec<Json>,
    diagnostics: Vec<Json>,
}

impl<'a> Machine<'a> {
    fn new(detector: &'a Detector) -> Machine<'a> {
        Machine { detector, inputs: Payloads::default(), state: DetectorState::default(), all: Vec::new() }
    }

    /// Timers due at or before the step come first (D14); then the message, if there is one.
    fn step(&mut self, step: &Json) -> Told {
        let at = Timestamp(step["t"].as_i64().unwrap() * SECOND);
        let mut told = Told::default();
        while let Some((due, timer)) = next_timer(&self.detector.definition, &self.state).filter(|(due, _)| *due <= at) {
            self.inputs.current = None;
            self.run(Trigger::Timer(timer), due, &mut told);
        }
        if let Some(input) = step["input"].as_str() {
            self.inputs.hear(input, step["payload"].clone());
            self.run(Trigger::Input, at, &mut told);
        }
        told
    }

    fn run(&mut self, trigger: Trigger, at: Timestamp, told: &mut Told) {
        let before = self.state.state;
        let sinks = Sinks::default();
        let instance = Instance::new(self.detector, &self.inputs, &sinks, "twin", self.state.runs);
        let Run { facts, effects, diagnostics } = run(&self.detector.definition, &self.state, trigger, at, &instance);
        for fact in &facts {
            self.state.apply(fact);
        }
        let (names, seconds) = (&self.detector.names, at.0 / SECOND);
        let name = |state: u8| names.states[usize::from(state)].as_str();
        let mut left = before.unwrap_or(self.detector.definition.initial);
        let entered = facts.iter().filter_map(|fact| if let Fact::Entered { state } = fact { Some(*state) } else { None });
        for next in entered.skip(usize::from(before.is_none())) {
            let event = self.event_of(left, next);
            told.transitions.push(json!([seconds, name(left), event, name(next)]));
            left = next;
        }
        for effect in &effects {
            if let Effect::Act { action, state, .. } = effect {
                let (kind, target) = self.detector.action(*action).unwrap();
                told.emitted.push(json!([seconds, kind, target, name(*state)]));
            }
        }
        for diagnostic in &diagnostics {
            let Diagnostic::NoSuchTimer { timer } = diagnostic else { panic!("{diagnostic:?}") };
            let timer = names.timers[usize::from(*timer)].as_str();
            told.diagnostics.push(json!([seconds, "resetTimer on a timer that does not exist", timer]));
        }
        self.all.extend(facts);
    }

    fn event_of(&self, left: u8, next: u8) -> &str {
        let transitions = &self.detector.definition.states[usize::from(left)].on_input.transitions;
        transitions.iter().find(|(_, goto)| *goto == next).map_or("?", |(entry, _)| entry.name.as_str())
    }

    fn check(&self, step: &Json, context: &str) {
        let names = &self.detector.names;
        assert_eq!(names.states[usize::from(self.state.state.unwrap())], step["state"].as_str().unwrap(), "{context}");
        let variables = names.variables.iter().enumerate().filter_map(|(place, name)| {
            let value = self.state.variable(u8::try_from(place).unwrap())?;
            let Scalar::Int(value) = value else { panic!("{value:?}") };
            let value = json!(value);
            Some((name.to_string(), value))
        });
        assert_eq!(Json::Object(variables.collect()), step["variables"], "{context}");
        let timers = names.timers.iter().enumerate().filter_map(|(place, name)| {
            let due = self.state.timer(u8::try_from(place).unwrap())?.due?;
            Some((name.to_string(), json!(due.0 / SECOND)))
        });
        assert_eq!(Json::Object(timers.collect()), step["timers"], "{context}");
    }
}

fn detector(text: &str) -> Detector {
    let (document, findings) = read("test.json", text);
    let Some(Document::DetectorModel(model)) = document else { panic!("{findings:?}") };
    let (detector, findings) = compile("test.json", &model);
    detector.unwrap_or_else(|| panic!("{findings:?}"))
}

/// Runs a trace; with `restart`, the state is written and read back after every step.
fn replay(text: &str, steps: &[Json], name: &str, restart: bool) {
    let detector = detector(text);
    let mut machine = Machine::new(&detector);
    for (index, step) in steps.iter().enumerate() {
        let context = format!("{name}, step {index}: {step}");
        let told = machine.step(step);
        let list = |key: &str| step[key].as_array().cloned().unwrap_or_default();
        let expected = Told { emitted: list("emitted"), transitions: list("transitions"), diagnostics: list("diagnostics") };
        assert_eq!(told, expected, "{context}");
        machine.check(step, &context);
        if restart {
            let stored = serde_json::to_string(&machine.state).unwrap();
            machine.state = serde_json::from_str(&stored).unwrap();
        }
    }
    let mut replayed = DetectorState::default();
    for fact in &machine.all {
        replayed.apply(&serde_json::from_str(&serde_json::to_string(fact).unwrap()).unwrap());
    }
    assert_eq!(replayed, machine.state, "{name}: the facts add up to the state");
}

#[test]
fn golden_traces() {
    let Some(folder) = std::env::var_os("POLLUX_TEST_DATA").map(PathBuf::from) else {
        eprintln!("SKIPPED: POLLUX_TEST_DATA names no folder, so the golden traces were not looked at");
        return;
    };
    let folders = [folder.join("seeds/iotevents"), folder.join("../seeds/iotevents")];
    let Some(folder) = folders.iter().find(|folder| folder.join("golden_traces.json").is_file()) else {
        eprintln!("SKIPPED: there is no golden_traces.json in {}", folder.display());
        return;
    };
    let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
    let traces: Json = serde_json::from_str(&read("golden_traces.json")).unwrap();
    let traces = traces["traces"].as_array().unwrap();
    assert_eq!(traces.len(), 7);
    for trace in traces {
        let definition = read(trace["definition"].as_str().unwrap());
        for restart in [false, true] {
            replay(&definition, trace["steps"].as_array().unwrap(), trace["name"].as_str().unwrap(), restart);
        }
    }
}

/// A pump of our own: runs are counted by a timer that is set anew whenever it runs out, and overheating by a second one.
#[test]
fn a_small_trace() {
    let definition = json!({"detectorModelDefinition": {"initialStateName": "off", "states": [
        {"stateName": "off", "onEnter": {"events": [{"eventName": "init", "actions": [{"setVariable": {"variableName": "n", "value": "0"}}]}]},
         "onInput": {"transitionEvents": [{"eventName": "start", "condition": "$input.Pump.on == 1",
            "actions": [{"setTimer": {"timerName": "minute", "seconds": 60}}, {"setTimer": {"timerName": "hot", "seconds": 120}}], "nextState": "on"}]}},
        {"stateName": "on", "onInput": {
            "events": [{"eventName": "count", "condition": "timeout('minute')",
                "actions": [{"setVariable": {"variableName": "n", "value": "$variable.n + 1"}}, {"resetTimer": {"timerName": "minute"}}]}],
            "transitionEvents": [{"eventName": "stop", "condition": "currentInput('Pump') && $input.Pump.on == 0", "nextState": "off"},
                {"eventName": "overheat", "condition": "timeout(\"hot\")", "nextState": "alarm"}]},
         "onExit": {"events": [{"eventName": "quiet", "actions": [{"clearTimer": {"timerName": "minute"}}]}]}},
        {"stateName": "alarm", "onEnter": {"events": [{"eventName": "tell", "actions": [{"sns": {"targetArn": "arn:aws:sns:x:1:ops"}}]}]}}
    ]}});
    let steps = [
        json!({"t": 0, "input": "Pump", "payload": {"on": 1}, "state": "on", "variables": {"n": 0}, "timers": {"minute": 60, "hot": 120},
            "emitted": [], "transitions": [[0, "off", "start", "on"]]}),
        json!({"t": 60, "advance": true, "state": "on", "variables": {"n": 1}, "timers": {"minute": 120, "hot": 120}, "emitted": [], "transitions": []}),
        // Both are due: `hot` comes first by name and takes it away; the other one is cleared and not served.
        json!({"t": 120, "input": "Pump", "payload": {"on": 0}, "state": "alarm", "variables": {"n": 1}, "timers": {},
            "emitted": [[120, "sns", "ops", "alarm"]], "transitions": [[120, "on", "overheat", "alarm"]]}),
    ];
    for restart in [false, true] {
        replay(&definition.to_string(), &steps, "small", restart);
    }
}

/// Whenever somebody looks: timers that ran out while nobody did are served as if on time (D19).
#[test]
fn late_service_is_the_same_as_service_in_time() {
    let definition = json!({"detectorModelDefinition": {"initialStateName": "on", "states": [
        {"stateName": "on",
         "onEnter": {"events": [{"eventName": "a", "actions": [{"setTimer": {"timerName": "a", "seconds": 7}}, {"setTimer": {"timerName": "b", "seconds": 5}},
            {"setVariable": {"variableName": "n", "value": "0"}}]}]},
         "onInput": {"events": [
            {"eventName": "a", "condition": "timeout('a')", "actions": [{"setVariable": {"variableName": "n", "value": "$variable.n + $variable.n + 1"}}, {"resetTimer": {"timerName": "a"}}]},
            {"eventName": "b", "condition": "timeout('b')", "actions": [{"setVariable": {"variableName": "n", "value": "$variable.n - 3"}}, {"resetTimer": {"timerName": "b"}}]}]}}
    ]}});
    let detector = detector(&definition.to_string());
    let begin = json!({"t": 0, "input": "X", "payload": {}});
    let ends = [30, 35, 70].map(|end| {
        let (mut every_second, mut at_once) = (Machine::new(&detector), Machine::new(&detector));
        every_second.step(&begin);
        at_once.step(&begin);
        for second in 1..=end {
            every_second.step(&json!({"t": second}));
        }
        at_once.step(&json!({"t": end}));
        assert_eq!((&every_second.state, &every_second.all), (&at_once.state, &at_once.all));
        at_once.state.variable(0).cloned().unwrap()
    });
    assert_ne!(ends[0], ends[2]);
}
