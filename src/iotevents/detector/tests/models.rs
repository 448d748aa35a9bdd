//! The profile on models as files say them: what a message is for, what it begins, what stays readable.

use serde_json::{Value as Json, json};

use super::super::{Detector, Instance, Sinks, compile, message_number};
use super::{Payloads, SECOND};
use crate::iotevents::file::{Document, read};
use crate::reading::Timestamp;
use crate::rule::detector::{DetectorState, Run, Scalar, Trigger, next_timer, run};

fn set(variable: &str, value: &str) -> Json {
    json!({"setVariable": {"variableName": variable, "value": value}})
}

fn event(condition: &str, actions: &Json) -> Json {
    json!({"eventName": "e", "condition": condition, "actions": actions})
}

fn model(method: &str, states: &Json) -> Detector {
    let text = json!({"detectorModelName": "m", "key": "id", "evaluationMethod": method,
        "detectorModelDefinition": {"initialStateName": states[0]["stateName"], "states": states}});
    let (document, findings) = read("m.json", &text.to_string());
    let Some(Document::DetectorModel(model)) = document else { panic!("{findings:?}") };
    let (detector, findings) = compile("m.json", &model);
    detector.unwrap_or_else(|| panic!("{findings:?}"))
}

struct World {
    detector: Detector,
    payloads: Payloads,
    state: DetectorState,
}

impl World {
    fn new(detector: Detector) -> World {
        World { detector, payloads: Payloads::default(), state: DetectorState::default() }
    }

    fn run(&mut self, trigger: Trigger, at: Timestamp) -> Run {
        let sinks = Sinks::default();
        let instance = Instance::new(&self.detector, &self.payloads, &sinks, "x", self.state.runs);
        let ran = run(&self.detector.definition, &self.state, trigger, at, &instance);
        ran.facts.iter().for_each(|fact| self.state.apply(fact));
        ran
    }

    fn hear(&mut self, second: i64, input: &str, payload: Json) -> Run {
        self.payloads.hear(input, payload);
        self.run(Trigger::Input, Timestamp(second * SECOND))
    }

    fn timers_until(&mut self, second: i64) {
        while let Some((due, timer)) =
            next_timer(&self.detector.definition, &self.state).filter(|(due, _)| *due <= Timestamp(second * SECOND))
        {
            // Whatever the twin says was the last to come: a timer is no message.
            self.run(Trigger::Timer(timer), due);
        }
    }

    fn variable(&self, name: &str) -> Option<&Scalar> {
        let place = self.detector.names.variables.iter().position(|own| own == name).unwrap();
        self.state.variable(u8::try_from(place).unwrap())
    }

    fn int(&self, name: &str) -> i64 {
        match self.variable(name) {
            Some(Scalar::Int(value)) => *value,
            other => panic!("{name}: {other:?}"),
        }
    }

    fn state(&self) -> &str {
        &self.detector.names.states[usize::from(self.state.state.unwrap())]
    }
}

/// D1, D2, D3: which messages are for it, and for which instance.
#[test]
fn what_a_message_is_for() {
    let payload = json!({"contentExpression": "'${$input.Told.v}'", "type": "STRING"});
    let send = json!([{"sns": {"targetArn": "x", "payload": payload}}]);
    let states =
        json!([{"stateName": "s", "onInput": {"events": [event("currentInput('Asked')", &send), event("$input.Read.v > 1", &json!([]))]}}]);
    let detector = model("BATCH", &states);
    assert_eq!(detector.inputs.iter().map(|input| input.as_str()).collect::<Vec<_>>(), ["Asked", "Read", "Told"]);
    let keys = [
        json!({"id": "a b"}),
        json!({"id": 7}),
        json!({"id": 7.0}),
        json!({"id": true}),
        json!({"id": null}),
        json!({"id": {}}),
        json!({}),
    ];
    let values = keys.map(|payload| detector.key_value(&payload));
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(values, [text("a b"), text("7"), text("7.0"), text("true"), None, None, None]);
    assert_eq!(message_number("In", "1"), message_number("In", "1"));
    assert_ne!(message_number("In", "1"), message_number("In", "2"));
    assert_ne!(message_number("In", "1"), message_number("Other", "1"));
}

/// D4: the first message begins it. The entry already sees it, and it is then heard.
#[test]
fn the_first_message() {
    let states = json!([
        {"stateName": "a", "onEnter": {"events": [event("$input.In.v == 5", &json!([set("entered", "$input.In.v")]))]},
            "onInput": {"transitionEvents": [{"eventName": "go", "condition": "$variable.entered == 5 && currentInput('In')", "nextState": "b"}]}},
        {"stateName": "b", "onInput": {"transitionEvents": [{"eventName": "back", "condition": "true", "nextState": "a"}]}}
    ]);
    let mut world = World::new(model("BATCH", &states));
    world.hear(0, "In", json!({"id": "x", "v": 5}));
    assert_eq!((world.state(), world.int("entered")), ("b", 5), "and the new state does not hear the same message");
}

/// D5: the last payload of each input stays, and is replaced as a whole.
#[test]
fn inputs_stay() {
    let both = json!([set("both", "$input.A.v + $input.B.v"), set("w", "$input.A.w")]);
    let mut world = World::new(model("BATCH", &json!([{"stateName": "s", "onInput": {"events": [event("true", &both)]}}])));
    let told = world.hear(0, "A", json!({"id": "x", "v": 1, "w": 7}));
    assert_eq!(
        (world.variable("both"), told.diagnostics.len(), world.int("w")),
        (None, 1, 7),
        "B is undefined: nothing is set, and it is said"
    );
    world.hear(1, "B", json!({"id": "x", "v": 10}));
    assert_eq!(world.int("both"), 11);
    let told = world.hear(2, "A", json!({"id": "x", "v": 2}));
    assert_eq!((world.int("both"), world.int("w"), told.diagnostics.len()), (12, 7, 1), "`w` is undefined now; a variable is never unset");
}

/// D6, D10: events and transitions are those of the state it stands in, and every phase follows the mode.
#[test]
fn phases_follow_the_mode() {
    let count = json!([set("n", "$variable.n + 1")]);
    let begin = json!([event("isUndefined($variable.n)", &json!([set("n", "0")])), event("$variable.n == 0", &count)]);
    let leave = json!([event("true", &count), event("$variable.n == 2", &json!([set("n", "100")]))]);
    let states = json!([
        {"stateName": "a", "onEnter": {"events": begin}, "onExit": {"events": leave},
            "onInput": {"transitionEvents": [{"eventName": "go", "condition": "$input.In.v > 1", "nextState": "b"}]}},
        {"stateName": "b"}
    ]);
    for (method, entered, left) in [("BATCH", 0, 1), ("SERIAL", 1, 100)] {
        let mut world = World::new(model(method, &states));
        world.hear(0, "In", json!({"id": "x", "v": 0}));
        assert_eq!(world.int("n"), entered, "{method}: the second event of the entry");
        world.hear(1, "In", json!({"id": "x", "v": 2}));
        assert_eq!((world.state(), world.int("n")), ("b", left), "{method}: the second event of the exit");
    }
}

/// D16, D14, D19: a timer finds the old payloads, and no current input; what was due meanwhile is served before a message, once each.
#[test]
fn timers_find_what_stays() {
    let begin = json!([{"setTimer": {"timerName": "t", "seconds": 10}}, set("reads", "0"), set("messages", "0"), set("timers", "0")]);
    let again = json!([{"resetTimer": {"timerName": "t"}}]);
    let states = json!([{"stateName": "s", "onEnter": {"events": [event("true", &begin)]}, "onInput": {"events": [
        event("$input.In.v > 1", &json!([set("reads", "$variable.reads + 1")])),
        event("triggerType('Message') && $input.In.v > 1 && currentInput('In')", &json!([set("messages", "$variable.messages + 1")])),
        event("triggerType('Timer') && !currentInput('In')", &json!([set("timers", "$variable.timers + 1")])),
        event("timeout('t')", &again)
    ]}}]);
    let mut world = World::new(model("SERIAL", &states));
    world.hear(0, "In", json!({"id": "x", "v": 2}));
    world.timers_until(35);
    world.hear(35, "In", json!({"id": "x", "v": 2}));
    assert_eq!([world.int("reads"), world.int("messages"), world.int("timers")], [5, 2, 3]);
}

/// D11: a duration is computed when it is set, cut to whole seconds, and kept for a reset.
#[test]
fn durations_are_computed_once() {
    let start = json!([{"setTimer": {"timerName": "t", "durationExpression": "$input.In.v * 1.5"}}]);
    let states = json!([{"stateName": "s", "onInput": {"events": [event("$input.In.v > 0", &start), event("$input.In.v == 0", &json!([{"resetTimer": {"timerName": "t"}}]))]}}]);
    let mut world = World::new(model("BATCH", &states));
    let due = |world: &World| next_timer(&world.detector.definition, &world.state).map(|(due, _)| due.0 / SECOND);
    world.hear(0, "In", json!({"id": "x", "v": 5}));
    assert_eq!(due(&world), Some(7));
    world.hear(3, "In", json!({"id": "x", "v": 0}));
    assert_eq!(due(&world), Some(10));
    let told = world.hear(4, "In", json!({"id": "x", "v": "5"}));
    assert_eq!((due(&world), told.facts.len()), (Some(10), 0), "`'5' > 0` is invalid: nothing happens");
}

/// D17, and 1.2: `20` and `20.0` differ in how they are divided and told.
#[test]
fn payloads_are_read_whole_and_as_written() {
    let actions = json!([set("half", "$input.In.deep.list[1] / 2"), set("text", "'${$input.In.deep.list[1]}'")]);
    let mut world = World::new(model(
        "BATCH",
        &json!([{"stateName": "s", "onInput": {"events": [event("true", &actions), event("currentInput('In')", &json!([]))]}}]),
    ));
    world.hear(0, "In", serde_json::from_str(r#"{"id": "x", "deep": {"list": [0, 21]}}"#).unwrap());
    assert_eq!((world.variable("half"), world.variable("text")), (Some(&Scalar::Int(11)), Some(&Scalar::Text("21".into()))));
    world.hear(1, "In", serde_json::from_str(r#"{"id": "x", "deep": {"list": [0, 21.0]}}"#).unwrap());
    assert_eq!((world.variable("half"), world.variable("text")), (Some(&Scalar::Double(10.5)), Some(&Scalar::Text("21.0".into()))));
}

/// What a detector means outlives an edit of what it sends; anything else is another detector.
#[test]
fn meaning() {
    let states = |condition: &str, arn: &str, seconds: i64| json!([{"stateName": "s", "onInput": {"events": [event(condition, &json!([{"sns": {"targetArn": arn}}, {"setTimer": {"timerName": "t", "seconds": seconds}}]))]}}]);
    let meaning = |condition: &str, arn: &str, seconds: i64| model("BATCH", &states(condition, arn, seconds)).meaning;
    let own = meaning("$input.In.v > 1", "x", 60);
    assert_eq!(own, meaning("$input.In.v>1", "y", 60));
    assert_ne!(own, meaning("$input.In.v > 2", "x", 60));
    assert_ne!(own, meaning("$input.In.v > 1", "x", 61));
    assert_ne!(own, model("SERIAL", &states("$input.In.v > 1", "x", 60)).meaning);
    let others = [
        json!([]),
        json!([{"resetTimer": {"timerName": "t"}}]),
        json!([{"clearTimer": {"timerName": "t"}}]),
        json!([set("v", "1")]),
        json!([set("w", "1")]),
        json!([set("v", "2")]),
    ];
    let others = others.map(|actions| {
        let events = json!([event("$input.In.v > 1", &actions)]);
        model("BATCH", &json!([{"stateName": "s", "onInput": {"events": events}}])).meaning
    });
    assert!(others.iter().enumerate().all(|(place, meaning)| !others[..place].contains(meaning)), "{others:?}");
    assert_eq!(own, 10_274_151_041_458_253_915, "written out and fixed: an upgrade sets no detector back");
}
