//! Detectors of ours.

use serde_json::json;
use std::time::Duration;

use crate::alarm::Severity;
use crate::catalog::stored::LayoutRecord;
use crate::rule::Ask;
use crate::rule::detector::{Scalar, Setting};
use crate::twin::{Event, Forced, Happened, Input};

use super::{World, at, layout};

pub(super) const PUMP: &str = r#"
type: Pump
properties:
  speed: {type: double, default: 3}
telemetry:
  current: {type: double, unit: A}
  temperature: {type: double, unit: degC}
  mode: {type: enum, values: [IDLE, RUN]}
events: {serviced: , begun: }
rules:
  - id: pumpCycle
    initial: off
    mode: batch
    variables: {minutes: 0}
    states:
      off:
        onInput:
          - {when: "current > 10", do: [{timer: run, set: 60s}], goto: on}
      on:
        onEnter: [{do: [{timer: hot, set: 5m}, {var: isHot, value: "true"}]}]
        onInput:
          - {when: "timeout('run')", do: [{var: minutes, value: "vars.minutes + 1"}, {timer: run, reset: true}]}
          - {when: "temperature <= 200", do: [{timer: hot, clear: true}]}
          - {when: "current <= 10", goto: off}
          - {when: "vars.minutes > 6000", goto: service}
          - {when: "timeout('hot')", goto: hot}
        onExit: [{do: [{timer: run, clear: true}]}]
      service: {onEnter: [{do: [{raise: true, severity: MINOR, text: service is due}]}], onInput: [{when: "event('serviced')", do: [{var: minutes, value: "0"}, {clear: true}], goto: off}]}
      hot:     {onEnter: [{do: [{raise: true, severity: MAJOR}]}], onInput: [{when: "event('serviced')", do: [{clear: true}], goto: off}]}
"#;

fn serviced(seconds: i64) -> Input {
    let happened = Happened { event: "serviced".into(), severity: Severity::Info, time: at(seconds), body: None, rule: None };
    Input::Happened { happened: Box::new(happened), stamp: None }
}

#[test]
fn the_pump_of_the_specification() {
    for restarts in [false, true] {
        let mut world = World { restarts, ..World::new(layout("Pump", PUMP)) };
        assert_eq!(world.shown("pumpCycle"), "-");
        world.hear(0, &[("temperature", json!(20))]);
        assert_eq!(world.shown("pumpCycle"), r#"off {"minutes":0} []"#, "the first input begins it");
        world.hear(10, &[("current", json!(12))]);
        assert_eq!(world.shown("pumpCycle"), r#"on {"isHot":true,"minutes":0} [hot@310 run@70]"#);
        // The timer is due at the very instant of the reading, and is served before it (D14).
        world.hear(70, &[("temperature", json!(190))]);
        assert_eq!(world.shown("pumpCycle"), r#"on {"isHot":true,"minutes":1} [run@130]"#);
        world.pass_until(600);
        assert_eq!(world.shown("pumpCycle"), r#"on {"isHot":true,"minutes":9} [run@610]"#);
        assert_eq!(world.alarm("pumpCycle"), "-");
        world.hear(601, &[("current", json!(2))]);
        assert_eq!(world.shown("pumpCycle"), r#"off {"isHot":true,"minutes":9} []"#);
        world.hear(700, &[("current", json!(20)), ("temperature", json!(210))]);
        assert_eq!(world.shown("pumpCycle"), r#"on {"isHot":true,"minutes":9} [hot@1000 run@760]"#);
        world.pass_until(1200);
        assert_eq!(world.shown("pumpCycle"), r#"hot {"isHot":true,"minutes":13} []"#, "`hot` and `run` ran out at one instant");
        assert_eq!(world.alarm("pumpCycle"), "ACTIVE MAJOR pumpCycle @1000");
        world.take(at(1300), &serviced(1300));
        assert_eq!(
            (world.shown("pumpCycle").as_str(), world.alarm("pumpCycle").as_str()),
            (r#"off {"isHot":true,"minutes":13} []"#, "NORMAL MAJOR pumpCycle @1000")
        );
        assert_eq!(world.troubles(), [""; 0]);
    }
}

/// Served when it comes to it: the instants are the same, and so is everything else (D19).
#[test]
fn timers_of_the_time_when_nobody_looked_are_served_as_if_on_time() {
    let (mut awake, mut asleep) = (World::new(layout("Pump", PUMP)), World::new(layout("Pump", PUMP)));
    for world in [&mut awake, &mut asleep] {
        world.hear(0, &[("current", json!(12)), ("temperature", json!(250))]);
    }
    awake.pass_until(250);
    asleep.restart();
    // It came before the wall had reached the timers, and is read after: what was overdue comes first all the same.
    for world in [&mut awake, &mut asleep] {
        world.hear_late(1, 250, &[("temperature", json!(251))]);
    }
    assert_eq!(awake.shown("pumpCycle"), r#"on {"isHot":true,"minutes":4} [hot@300 run@300]"#);
    assert_eq!(awake.twin.state.watches, asleep.twin.state.watches);
}

#[test]
fn by_the_time_of_the_data_not_of_the_wall() {
    let mut world = World::new(layout("Pump", PUMP));
    // An hour of buffered readings in one second.
    for minute in 0..60 {
        world.hear_late(minute * 60 - 100_000, 1, &[("current", json!(12)), ("temperature", json!(if minute < 30 { 180 } else { 220 }))]);
    }
    assert_eq!(world.shown("pumpCycle"), r#"on {"isHot":true,"minutes":59} [run@-96400]"#);
    assert_eq!(world.twin.due(at(2), at(0)), Some(at(61)), "on the wall, a minute after the last reading");
    // A setting has no time of its own.
    let set = vec![(world.slot("speed"), Some(crate::reading::Value::Double(4.0)))];
    world.take(at(2), &Input::Edited(crate::twin::Edit { set, ..Default::default() }));
    assert_eq!(world.shown("pumpCycle"), r#"on {"isHot":true,"minutes":59} [run@-96400]"#);
}

#[test]
fn what_it_may_name_and_do() {
    let text = r#"
type: Oven
properties: {limit: {type: double, unit: degC, default: 80}, pause: {type: double, unit: min, default: 2}, state: {type: string}}
telemetry:
  temperature: {type: double, unit: degC}
  door: {type: enum, values: [OPEN, SHUT]}
  noise: {type: double}
events: {tooHot: {severity: MAJOR}}
commands: {cool: }
rules:
  - {id: hot, when: "temperature > limit", severity: INFO, acknowledge: no}
  - id: watch
    initial: waiting
    mode: serial
    params: {tries: 2}
    severity: CRITICAL
    title: the watch
    variables: {n: 0, at: 5m, peak: 0 degC, who: nobody, seen: false}
    states:
      waiting:
        onInput:
          - {when: "input('temperature') && trigger == 'INPUT'", do: [{var: n, value: "vars.n + 1"}]}
          - {when: "vars.n >= params.tries && alarm.hot", do: [{timer: pause, set: pause}, {timer: more, set: vars.at}, {var: last, value: door}], goto: pausing}
      pausing:
        onEnter:
          - do:
              - {var: peak, value: "math.greatest(vars.peak, temperature)"}
              - {set: state, value: "'paused after ' + string(vars.n)"}
              - {emit: tooHot, data: "{'n': vars.n, 'door': vars.last}"}
              - {publish: "ovens/{twin.id}/{vars.n}", payload: "{'peak': vars.peak}"}
              - {command: cool, args: {by: "vars.peak - 10"}}
              - {raise: true, text: "{vars.n} times, {vars.peak}"}
        onInput:
          - {when: "timeout('pause')", do: [{clear: true}, {var: n, value: "0"}]}
          - {when: "timeout('more')", goto: waiting}
          - {when: "vars.last == 'SHUT'", goto: waiting}
"#;
    let mut world = World::new(layout("Oven", text));
    world.hear(0, &[("noise", json!(1))]);
    assert_eq!(world.shown("watch"), "-", "it does not read that");
    world.hear(1, &[("temperature", json!(90)), ("door", json!("OPEN"))]);
    world.hear(2, &[("door", json!("OPEN"))]);
    assert_eq!(world.shown("watch"), r#"waiting {"at":"PT5M","n":1,"peak":0.0,"seen":false,"who":"nobody"} []"#);
    world.hear(3, &[("temperature", json!(95))]);
    assert_eq!(
        world.shown("watch"),
        r#"pausing {"at":"PT5M","last":"OPEN","n":2,"peak":95.0,"seen":false,"who":"nobody"} [more@303 pause@123]"#
    );
    assert_eq!(world.alarm("watch"), "ACTIVE CRITICAL 2 times, 95 degC @3");
    let state = world.twin.state.slot(world.slot("state")).value.clone();
    assert_eq!(state, Some(crate::reading::Value::Text("paused after 2".into())));
    let emitted = world.all.iter().find_map(|(_, event)| if let Event::Happened(happened) = event { happened.body.clone() } else { None });
    assert_eq!(emitted, Some(json!({"n": 2, "door": "OPEN"})));
    let asked: Vec<Ask> = world.twin.state.asked.iter().map(|pending| pending.request.ask.clone()).collect();
    assert!(
        matches!(&asked[0], Ask::Publish { topic, payload: Some(payload), .. } if topic == "ovens/pump-1/2" && *payload == json!({"peak": 95.0})),
        "{asked:?}"
    );
    assert!(matches!(&asked[1], Ask::Command { args, .. } if args["by"] == json!(85.0)), "{asked:?}");
    world.pass_until(200);
    assert_eq!(world.shown("watch"), r#"pausing {"at":"PT5M","last":"OPEN","n":0,"peak":95.0,"seen":false,"who":"nobody"} [more@303]"#);
    assert_eq!(world.alarm("watch"), "NORMAL CRITICAL 2 times, 95 degC @3", "nobody has acknowledged it");
    world.pass_until(400);
    assert!(world.shown("watch").starts_with("waiting "));
}

#[test]
fn unknown_is_false_and_what_cannot_be_done_is_told() {
    let text = r#"
type: Oven
telemetry: {temperature: {type: double}, pressure: {type: double}}
rules:
  - id: watch
    initial: a
    variables: {n: 1}
    states:
      a:
        onInput:
          - {when: "!(pressure > 3)", goto: b}
          - {do: [{var: n, value: "1 / (vars.n - vars.n)"}, {timer: t, set: "vars.n - 1"}, {timer: t, reset: true}]}
      b:
"#;
    let mut world = World::new(layout("Oven", text));
    world.hear(1, &[("temperature", json!(1))]);
    assert_eq!(world.shown("watch"), "-", "temperature is not read");
    world.hear(2, &[("pressure", json!(4))]);
    assert_eq!(world.shown("watch"), r#"a {"n":1} []"#);
    assert_eq!(
        world.troubles(),
        [
            "watch variable `n` was not set: its value is unknown or of another type",
            "watch timer `t` was not set: its length is unknown or not positive",
            "watch timer `t` was reset and does not exist",
        ]
    );
    world.hear(3, &[("pressure", json!(2))]);
    assert_eq!(world.shown("watch"), r#"b {"n":1} []"#);
}

fn force(state: Option<&str>, variables: &[(&str, Scalar)], timers: &[(&str, u64)]) -> Input {
    let setting = Setting {
        state: state.map(Into::into),
        variables: variables.iter().map(|(name, value)| ((*name).into(), value.clone())).collect(),
        timers: timers.iter().map(|(name, seconds)| ((*name).into(), Duration::from_secs(*seconds))).collect(),
    };
    Input::Forced(Box::new(Forced { rule: "pumpCycle".into(), setting, by: "ann".into() }))
}

#[test]
fn set_from_outside() {
    let mut world = World::new(layout("Pump", PUMP));
    let step = world.take(at(5), &force(Some("service"), &[("minutes", Scalar::Int(6001))], &[("hot", 10)]));
    assert_eq!((step.refused, world.shown("pumpCycle").as_str()), (None, r#"service {"minutes":6001} [hot@15]"#));
    assert_eq!(world.alarm("pumpCycle"), "-", "nothing runs");
    let wrong = [
        (force(Some("servce"), &[], &[]), "there is no state `servce`; there are off, on, service, hot"),
        (force(None, &[("minutes", Scalar::Text("x".into()))], &[]), "variable `minutes` takes another type of value"),
        (force(None, &[], &[("cold", 1)]), "there is no timer `cold`; there are hot, run"),
    ];
    for (input, said) in wrong {
        let step = world.take(at(6), &input);
        assert_eq!((step.refused.as_deref(), step.events.len()), (Some(said), 0));
    }
    let unknown = Input::Forced(Box::new(Forced { rule: "none".into(), setting: Setting::default(), by: "ann".into() }));
    assert_eq!(world.take(at(6), &unknown).refused.as_deref(), Some("Pump has no detector `none`"));
    world.take(at(7), &force(None, &[("minutes", Scalar::Int(3))], &[("hot", 0)]));
    assert_eq!(world.shown("pumpCycle"), r#"service {"minutes":3} []"#);
    world.take(at(8), &serviced(8));
    assert_eq!(world.shown("pumpCycle"), r#"off {"minutes":0} []"#);
}

#[test]
fn an_edit_keeps_it_where_it_means_the_same() {
    let mut world = World::new(layout("Pump", PUMP));
    world.hear(0, &[("current", json!(12)), ("temperature", json!(250))]);
    world.pass_until(130);
    let before = r#"on {"isHot":true,"minutes":2} [hot@300 run@180]"#;
    assert_eq!(world.shown("pumpCycle"), before);
    // Spaces, texts and what is not about it.
    let same =
        PUMP.replace("current > 10", "current  >  10").replace("service is due", "time for a service").replace("default: 3", "default: 4");
    world.take(at(131), &Input::Retyped(layout("Pump", &same)));
    assert_eq!(world.shown("pumpCycle"), before, "and it is not evaluated");
    let another = same.replace("vars.minutes > 6000", "vars.minutes > 5000");
    world.take(at(132), &Input::Retyped(layout("Pump", &another)));
    assert_eq!((world.shown("pumpCycle").as_str(), world.twin.due(at(132), at(0))), ("-", None));
    world.hear(140, &[("current", json!(13))]);
    assert_eq!(world.shown("pumpCycle"), r#"on {"isHot":true,"minutes":0} [hot@440 run@200]"#, "it begins anew, with what is known");
    let off = another.replace("mode: batch", "mode: batch\n    enabled: false");
    world.take(at(150), &Input::Retyped(layout("Pump", &off)));
    world.hear(151, &[("current", json!(14))]);
    let facts = world.all.len();
    world.hear(152, &[("current", json!(15))]);
    assert_eq!((world.shown("pumpCycle").as_str(), world.all.len()), ("-", facts + 2), "a reading, and that it was heard");
}

/// The same when the old form of the type is not known any more, as after a stop.
#[test]
fn an_edit_while_it_was_down() {
    let old = layout("Pump", PUMP);
    let another = layout("Pump", &PUMP.replace("vars.minutes > 6000", "vars.minutes > 5000"));
    for (new, expected) in [(old.clone(), r#"on {"isHot":true,"minutes":0} [hot@300 run@60]"#), (another, "-")] {
        let mut world = World::new(old.clone());
        world.hear(0, &[("current", json!(12)), ("temperature", json!(250))]);
        let bare = std::sync::Arc::new((LayoutRecord { fingerprint: 1, ..LayoutRecord::of(&old) }).restore());
        let mut state = crate::twin::State::clone(&world.twin.state);
        state.layout = crate::twin::SharedLayout(bare);
        world = World {
            twin: crate::twin::Twin::new(state.clone()),
            replayed: crate::twin::Twin::new(state),
            all: Vec::new(),
            restarts: false,
        };
        world.take(at(1), &Input::Retyped(new));
        assert_eq!(world.shown("pumpCycle"), expected);
    }
}

#[test]
fn timers_without_end_are_served_in_turns() {
    let text = r#"
type: Oven
telemetry: {temperature: {type: double}}
rules:
  - id: watch
    initial: a
    variables: {n: 0}
    states:
      a:
        onEnter: [{do: [{timer: t, set: 1ms}]}]
        onInput: [{when: "timeout('t') || temperature > 0", do: [{var: n, value: "vars.n + 1"}, {timer: t, reset: true}]}]
"#;
    let mut world = World::new(layout("Oven", text));
    world.hear(0, &[("temperature", json!(-1))]);
    let step = world.hear(3600, &[("temperature", json!(-2))]);
    assert_eq!(world.shown("watch"), r#"a {"n":10000} [t@10]"#);
    assert!(step.events.len() < 60_000);
    assert_eq!(world.troubles(), ["watch more than 10000 timers ran out at one input; the others are late"]);
}
