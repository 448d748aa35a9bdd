//! Each finding in a model of its own, beside one that has nothing to be said about.

use serde_json::{Value as Json, json};

use super::{findings, lines};

const INPUT: &str =
    r#"{"inputName": "In", "inputDefinition": {"attributes": [{"jsonPath": "id"}, {"jsonPath": "v"}, {"jsonPath": "FT01"}]}}"#;

fn event(condition: &str, actions: &Json) -> Json {
    json!({"eventName": "e", "condition": condition, "actions": actions})
}

fn go(condition: &str, next: &str) -> Json {
    json!({"eventName": format!("to {next}"), "condition": condition, "nextState": next})
}

fn set(variable: &str, value: &str) -> Json {
    json!({"setVariable": {"variableName": variable, "value": value}})
}

fn model(states: &Json) -> String {
    let first = states[0]["stateName"].clone();
    json!({"detectorModelName": "m", "key": "id", "detectorModelDefinition": {"initialStateName": first, "states": states}}).to_string()
}

/// One state that hears these events.
fn hears(events: &Json) -> String {
    model(&json!([{"stateName": "s", "onInput": {"events": events}}]))
}

fn found(model: &str) -> String {
    lines(&findings(&[("m", model), ("in", INPUT)])).replace(" detectorModelDefinition", " $").replace("m $", "$")
}

fn check(model: &str, expected: &[&str]) {
    let found = found(model);
    let lines: Vec<&str> = found.lines().filter(|line| !line.contains("Inferred")).collect();
    assert_eq!(lines, expected, "{model}");
}

#[test]
fn nothing_to_say() {
    check(&hears(&json!([event("$input.In.v > 1", &json!([set("n", "1")]))])), &[]);
}

#[test]
fn structure() {
    let states = json!([
        {"stateName": "a", "onInput": {"transitionEvents": [go("$input.In.v > 1", "b"), go("true", "a"), go("$input.In.v > 2", "b")],
            "events": [event("false", &json!([set("n", "1")]))]}},
        {"stateName": "b"}, {"stateName": "c", "onInput": {"transitionEvents": [go("true", "a")]}}
    ]);
    check(
        &model(&states),
        &[
            "WARNING structure $.states[2]: state `c` can never be reached from `a`",
            "WARNING structure $.states[0].onInput.events[0]: `e` can never happen: its condition is false",
            "WARNING structure $.states[0].onInput.transitionEvents[2]: `to b` is never taken: `to a` before it is always true",
        ],
    );
    check(
        &hears(&json!([event("true", &json!([]))])),
        &["ERROR structure $: no condition uses an input: no message can ever reach this detector"],
    );
    let twice = json!([{"stateName": "a", "onInput": {"transitionEvents": [go("$input.In.v > 1", "z")]}}, {"stateName": "a"}]);
    assert!(found(&model(&twice)).contains("ERROR structure $.states[1]: there are two states `a`; the other is $.states[0]"));
    assert!(
        found(&model(&twice))
            .contains("ERROR structure $.states[0].onInput.transitionEvents[0]: nextState: there is no state `z`; states are a, a")
    );
}

#[test]
fn a_timer_is_a_trigger_too() {
    let timer = json!({"setTimer": {"timerName": "t", "seconds": 60}});
    let send = json!([{"sns": {"targetArn": "x"}}]);
    let message = "add triggerType(\"Message\") && to the condition if only a message is meant";
    let read = format!(
        "WARNING structure $.states[0].onInput.events[1]: An input attribute is being read, but this may be caused by a timer expiration: {message}"
    );
    let sent = format!(
        "WARNING structure $.states[0].onInput.events[1]: An expiring timer can cause an unexpected amount of messages to be sent: {message}"
    );
    let with = |condition: &str| hears(&json!([event("triggerType('Message')", &json!([timer])), event(condition, &send)]));
    check(&with("$input.In.v > 1"), &[&read, &sent]);
    check(&with("triggerType(\"Message\") && $input.In.v > 1"), &[]);
    check(&with("timeout('t') && $input.In.v > 1"), &[]);
}

#[test]
fn service_limits() {
    let many = json!((0..11).map(|n| set(&format!("v{n}"), "1")).collect::<Vec<_>>());
    let long = format!("'{}'", "x".repeat(1030));
    let short = json!([{"setTimer": {"timerName": "t", "seconds": 5}}, {"sns": {"targetArn": "x", "payload": {"contentExpression": long, "type": "STRING"}}}]);
    let events = json!([event("currentInput('In')", &many), event("currentInput('In')", &short)]);
    check(
        &hears(&events),
        &[
            "WARNING service-limits $.states[0].onInput.events[0]: 11 actions in one event; AWS allows 10",
            "WARNING service-limits $.states[0].onInput.events[1].actions[0]: timer `t` of 5 s; AWS allows 60 to 31622400 s, here it runs as it says",
            "WARNING service-limits $.states[0].onInput.events[1].actions[1].sns.payload: a content expression of 1032 bytes; AWS allows 1024",
        ],
    );
    let events: Vec<Json> = (0..21).map(|_| event("$input.In.v > 1", &json!([]))).collect();
    check(&hears(&json!(events)), &["WARNING service-limits $.states[0]: 21 events in one state; AWS allows 20"]);
}

#[test]
fn expressions() {
    let payload = |content: &str| json!([{"sns": {"targetArn": "x", "payload": {"contentExpression": content, "type": "JSON"}}}]);
    let one = |condition: &str, actions: &Json| hears(&json!([event(condition, actions)]));
    check(
        &one("$input.In.v >", &json!([])),
        &[
            "ERROR expression-syntax $.states[0].onInput.events[0]: `$input.In.v >` is no expression: expected a value, found the end, at character 14",
        ],
    );
    check(
        &one("$input.In.v > 1", &payload("1 + 2")),
        &[
            "WARNING expression-syntax $.states[0].onInput.events[0].actions[0].sns.payload: a JSON payload is a text in quotes; `1 + 2` is of type [Integer] and is sent as it is",
        ],
    );
    check(
        &one("$input.In.v > 1", &payload("'{a: ${$input.In.v}'")),
        &[
            "WARNING expression-syntax $.states[0].onInput.events[0].actions[0].sns.payload: a JSON payload that is no JSON, and so is never sent: {a: 0",
        ],
    );
    check(&one("$input.In.v > 1", &payload("'{\"a\": \"${$input.In.v}\"}'")), &[]);
    assert!(found(&one("$input.In.v > 1", &payload(""))).contains("`` is no expression: expected a value"));
    let topic = json!([{"iotTopicPublish": {"mqttTopic": "a/${$input.In.v}"}}]);
    check(
        &one("$input.In.v > 1", &topic),
        &[
            "WARNING expression-syntax $.states[0].onInput.events[0].actions[0]: `a/${$input.In.v}` is taken literally, with `${`: a template stands in quotes, as in \"'a/${$input.In.v}'\"",
        ],
    );
}

#[test]
fn data_types() {
    let one = |condition: &str, actions: &Json| hears(&json!([event(condition, actions)]));
    let place = "ERROR data-type $.states[0].onInput.events[0]";
    check(&one("$input.In.v + 1", &json!([])), &[]);
    check(
        &one("$input.In.v > 1 && 1 + 1", &json!([])),
        &[&format!("{place}: `&&` does not take `1 + 1`, which is of type [Integer]: in `$input.In.v > 1 && 1 + 1`")],
    );
    check(
        &one("'a' + $input.In.v", &json!([])),
        &[&format!("{place}: a condition is true or false; `'a' + $input.In.v` is of type [String]")],
    );
    check(
        &one("$input.In.v == 1 || $input.In.v == 'on'", &json!([])),
        &[&format!("{place}: $input.In.v is used as two types [Integer, String]")],
    );
    check(&one("$input.In.v == 1 || $input.In.v == 1.5", &json!([])), &[]);
    check(
        &one("$input.In.v > 1 && $variable.n == 'x'", &json!([set("n", "1")])),
        &[&format!("{place}: [Integer] and [String] do not mix: `$variable.n == 'x'` is invalid, always")],
    );
    let timer = json!([{"setTimer": {"timerName": "t", "durationExpression": "'60'"}}]);
    check(
        &one("currentInput('In')", &timer),
        &["ERROR data-type $.states[0].onInput.events[0].actions[0]: a duration is a number of seconds; `'60'` is of type [String]"],
    );
    let inferred = found(&one(
        "$input.In.v > 1",
        &json!([set("n", "1"), set("d", "$variable.n * 1.5"), set("t", "'${$variable.n}'"), set("b", "1 < 2")]),
    ));
    for expected in ["[Integer] for $variable.n", "[Decimal] for $variable.d", "[String] for $variable.t", "[Boolean] for $variable.b"] {
        assert!(inferred.contains(&format!("Inferred data types {expected}\n")), "{inferred}");
    }
    check(
        &one("$input.In.v > 1 && $variable.n == 'x'", &json!([set("n", "1"), set("n", "$input.In.w")])),
        &[
            "WARNING undeclared-attribute $.states[0].onInput.events[0].actions[1]: `w` is read and In does not declare it: on AWS it would be undefined, here it is read",
        ],
    );
    check(
        &one("$input.In.v > 1", &json!([set("n", "1"), set("n", "'x'")])),
        &["WARNING data-type m: $variable.n is set to values of several types [Integer, String]"],
    );
}

#[test]
fn referenced_data() {
    let one = |condition: &str, actions: &Json| hears(&json!([event(condition, actions)]));
    let place = "ERROR referenced-data $.states[0].onInput.events[0]";
    check(&one("$input.In.v > $variable.n", &json!([])), &[&format!("{place}: $variable.n is used and never set")]);
    check(
        &one("$input.In.v > $variable.FT01", &json!([set("FTO1", "1")])),
        &[&format!("{place}: $variable.FT01 is used and never set; `FTO1` is")],
    );
    check(&one("timeout('t') && $input.In.v > 1", &json!([])), &[&format!("{place}: timer `t` is asked about and never set")]);
    check(
        &one("$input.In.v > 1", &json!([{"resetTimer": {"timerName": "t"}}, {"clearTimer": {"timerName": "u"}}])),
        &[
            &format!("{place}.actions[0]: timer `t` is reset and never set"),
            &format!("{place}.actions[1]: timer `u` is cleared and never set"),
        ],
    );
    // Set on the way back only: at the first look it is undefined. What an official template does to initialise is not.
    let states = json!([
        {"stateName": "a", "onEnter": {"events": [event("$variable.n > 1", &json!([]))]},
            "onInput": {"events": [event("$variable.n != $variable.n", &json!([set("n", "1")]))], "transitionEvents": [go("$input.In.v > $variable.m", "b")]}},
        {"stateName": "b", "onEnter": {"events": [event("true", &json!([set("m", "1")]))]}}
    ]);
    check(
        &model(&states),
        &[
            "WARNING referenced-data $.states[0].onEnter.events[0]: $variable.n is used before it can have been set: it is undefined",
            "WARNING referenced-data $.states[0].onInput.transitionEvents[0]: $variable.m is used before it can have been set: it is undefined",
        ],
    );
}

#[test]
fn names() {
    let one = |condition: &str| hears(&json!([event(condition, &json!([]))]));
    let place = "$.states[0].onInput.events[0]";
    check(
        &one("$input.IN.v > 1"),
        &[&format!(
            "ERROR referenced-resource {place}: Detector Model Definition contains reference to Input 'IN' that does not exist. There is an Input 'In'."
        )],
    );
    check(
        &one("$input.`a-b`.v > 1"),
        &[&format!("ERROR referenced-resource {place}: `a-b` is no name of an input: a letter, then letters, digits and `_`")],
    );
    check(
        &one("$input.In.FTO1 > 1"),
        &[&format!("WARNING look-alike-name {place}: `FTO1` of In is read, and `FT01` is declared: they look alike")],
    );
    check(
        &one("$input.In.temp > 1"),
        &[&format!(
            "WARNING undeclared-attribute {place}: `temp` is read and In does not declare it: on AWS it would be undefined, here it is read"
        )],
    );
    let messages = r#"{"messages": [{"messageId": "1", "inputName": "In", "payload": "{\"id\": \"1\", \"FTO1\": 1, \"v\": 2}"}]}"#;
    let model = one("$input.In.FT01 > 1");
    let seen = lines(&findings(&[("m", &model), ("in", INPUT), ("messages", messages)]));
    assert!(seen.contains("look-alike-name m detectorModelDefinition.states[0].onInput.events[0]: In has `FT01`, and messages (messages[0]) say `FTO1`: what reads it stays silent\n"), "{seen}");
}

#[test]
fn attributes_that_never_arrive() {
    let model = hears(&json!([event("$input.In.v > 1", &json!([]))]));
    let found = |payload: &str| {
        let messages = json!({"messages": [{"messageId": "1", "inputName": "In", "payload": payload}]}).to_string();
        lines(&findings(&[("m", &model), ("in", INPUT), ("messages", &messages)]))
    };
    assert_eq!(found(r#"{"id": 1, "v": null}"#), "");
    assert_eq!(
        found(r#"{"id": 1, "w": 2}"#),
        "WARNING never-arrives m detectorModelDefinition.states[0].onInput.events[0]: `v` of In is read, and is in none of the messages that are given (1)\n"
    );
}

/// On the way out it is cleared, and on the way in nobody sets it.
#[test]
fn timers_that_were_cleared_elsewhere() {
    let timer = |action: &str| json!([{action: {"timerName": "t"}}]);
    let states = |exit: &Json| {
        json!([
            {"stateName": "a", "onEnter": {"events": [event("true", &json!([{"setTimer": {"timerName": "t", "seconds": 60}}]))]},
                "onInput": {"transitionEvents": [go("currentInput('In')", "b")]}, "onExit": {"events": [event("true", exit)]}},
            {"stateName": "b", "onEnter": {"events": [event("true", &timer("resetTimer"))]}}
        ])
    };
    check(&model(&states(&json!([]))), &[]);
    check(
        &model(&states(&timer("clearTimer"))),
        &[
            "WARNING cleared-timer $.states[1].onEnter.events[0].actions[0]: resetTimer of `t`, which may have been cleared before: it then does \
           nothing, and the timer never runs out; setTimer is meant?",
        ],
    );
}

#[test]
fn sticky_inputs() {
    let input = r#"{"inputName": "Back", "inputDefinition": {"attributes": [{"jsonPath": "id"}, {"jsonPath": "v"}]}}"#;
    let found = |there: &str, back: &str| {
        let states = json!([
            {"stateName": "a", "onInput": {"transitionEvents": [go(there, "b")]}}, {"stateName": "b", "onInput": {"transitionEvents": [go(back, "a")]}}
        ]);
        lines(&findings(&[("m", &model(&states)), ("in", INPUT), ("back", input)]))
    };
    assert_eq!(
        found("$input.In.v == 1", "$input.Back.v > 1"),
        "WARNING sticky-input m detectorModelDefinition.states[0].onInput.transitionEvents[0]: `to b` is taken on what In said last, and the way \
         back to `a` needs no new message of In: the old value takes it again. Ask for currentInput(\"In\"), or send a value that is over\n"
    );
    assert_eq!(found("$input.In.v == 1", "$input.In.v == 0"), "", "the way back needs a new message");
    assert_eq!(found("currentInput('In') && $input.In.v == 1", "$input.Back.v > 1"), "");
    assert_eq!(found("$input.In.v > 1", "$input.Back.v > 1"), "", "a threshold on what is measured again and again");
}

/// Payloads of a simulator belong to the input whose names they have; a few names in common are not enough.
#[test]
fn samples_of_a_simulator() {
    let model = hears(&json!([event("$input.In.FT01 > 1", &json!([]))]));
    let found = |file: &Json| lines(&findings(&[("m", &model), ("simulator", &file.to_string())]));
    let inputs = json!({"In": ["id", "v", "FT01"], "Wide": ["id", "v", "a", "b", "c"]});
    let file = |payload: Json| json!({"inputs": inputs, "topic": "t", "seen": payload});
    let silent = "WARNING look-alike-name m detectorModelDefinition.states[0].onInput.events[0]: In has `FT01`, and messages (seen) say `FTOI`: what reads it stays silent\n";
    assert_eq!(found(&file(json!({"id": 1, "v": 2, "FTOI": 3}))), silent);
    assert_eq!(found(&file(json!({"id": 1, "v": 2, "FT01": 3}))), "");
    assert_eq!(found(&file(json!({"v": 2, "FTOI": 3, "x": 1}))), "", "one name of three");
    assert_eq!(found(&file(json!({"id": 1, "v": 2, "a": 1, "b": 2, "c": 3, "FTOI": 3}))), "", "it is of the other input");
}

/// What no engine runs is refused at once, and nothing else is looked at.
#[test]
fn too_large() {
    let events: Vec<Json> = (0..65).map(|_| event("$input.In.v > 1 && $variable.n > 1", &json!([]))).collect();
    check(&hears(&json!(events)), &["ERROR service-limits $: 65 events in one phase; at most 64 are run"]);
    let states: Vec<Json> =
        (0..20_000).map(|n| json!({"stateName": format!("s{n}"), "onInput": {"transitionEvents": [go("1", "nowhere")]}})).collect();
    check(&model(&json!(states)), &["ERROR service-limits $: 20000 states; at most 64 are run"]);
}

#[test]
fn timers_that_were_cleared() {
    let timer = |action: &str| json!([{action: {"timerName": "t"}}]);
    let set = json!([{"setTimer": {"timerName": "t", "seconds": 60}}]);
    let finding = |why: &str| {
        format!(
            "WARNING cleared-timer $.states[0].onInput.events[0].actions[0]: resetTimer of `t`, which {why} before: it then does nothing, and the timer never runs out; setTimer is meant?"
        )
    };
    let states = |enter: &str, clears: &str, resets: &str| {
        model(&json!([{"stateName": "s", "onEnter": {"events": [event(enter, &set)]},
            "onInput": {"events": [event(resets, &timer("resetTimer")), event(clears, &timer("clearTimer"))]}}]))
    };
    let message = "currentInput('In')";
    check(&states("true", message, message), &[&finding("may have been cleared")]);
    check(&states("true", message, "timeout('t')"), &[]);
    let without = |enter: &str| {
        model(
            &json!([{"stateName": "s", "onEnter": {"events": [event(enter, &set)]}, "onInput": {"events": [event(message, &timer("resetTimer"))]}}]),
        )
    };
    check(&without("true"), &[]);
    check(&without("$input.In.v > 0"), &[&finding("may never have been set")]);
}

#[test]
fn topic_rules_with_one_id_for_all() {
    let rule = |id: &str| {
        let action = json!({"iotEvents": {"inputName": "In", "messageId": id, "roleArn": "r"}});
        json!({"ruleName": "r", "topicRulePayload": {"sql": "SELECT * FROM 'a/b'", "actions": [action]}}).to_string()
    };
    let model = hears(&json!([event("$input.In.v > 1", &json!([]))]));
    let found = |id: &str| lines(&findings(&[("m", &model), ("in", INPUT), ("rule", &rule(id))]));
    assert_eq!(
        found("id"),
        "WARNING constant-message-id rule topicRulePayload.actions[0].iotEvents: every message gets the same id, so all but the first within five \
         minutes are taken for repetitions; write ${newuuid()}, or leave messageId out\n"
    );
    assert_eq!((found("${newuuid()}"), found("")), (String::new(), String::new()));
}
