//! Detectors among all else of a type: staleness, computed values and windows, alarms of other rules, suppression, properties.

use serde_json::json;

use crate::alarm::Severity;
use crate::twin::{Event, Happened, Input};
use crate::window::dice::Dice;

use super::{World, at, layout};

/// What becomes stale is looked at; but it is no input, and a timer sees what was known when it ran out: at one instant it comes first.
#[test]
fn values_that_outlive_their_time() {
    let text = r#"
type: Oven
telemetry: {temperature: {type: double, every: 10s}}
rules:
  - id: watch
    initial: a
    variables: {inputs: 0, looks: 0, known: 0}
    states:
      a:
        onEnter: [{do: [{timer: t, set: 20s}, {timer: u, set: 30s}]}]
        onInput:
          - {do: [{var: looks, value: "vars.looks + 1"}]}
          - {when: "input('temperature')", do: [{var: inputs, value: "vars.inputs + 1"}]}
          - {when: "timeout('t') && known(temperature)", do: [{var: known, value: "vars.known + 1"}]}
          - {when: "timeout('u') && known(temperature)", do: [{var: known, value: "vars.known + 10"}]}
          - {when: "!known(temperature)", goto: lost}
      lost: {onInput: [{when: "known(temperature)", goto: a}]}
"#;
    for sleeps in [false, true] {
        let mut world = World::new(layout("Oven", text));
        world.hear(0, &[("temperature", json!(1))]);
        assert_eq!(world.shown("watch"), r#"a {"inputs":1,"known":0,"looks":1} [t@20 u@30]"#);
        if sleeps {
            world.take(at(100), &Input::Woken { started: crate::twin::NEVER_AWAY });
        } else {
            world.pass_until(100);
        }
        assert_eq!(world.shown("watch"), r#"lost {"inputs":1,"known":11,"looks":4} []"#, "sleeps: {sleeps}");
        world.hear(101, &[("temperature", json!(1))]);
        assert_eq!(world.shown("watch"), r#"a {"inputs":1,"known":11,"looks":4} [t@121 u@131]"#);
    }
}

#[test]
fn what_follows_from_readings_makes_it_look() {
    let text = r#"
type: Oven
telemetry: {temperature: {type: double}, door: {type: bool}}
computed:
  twice: {value: "temperature * 2"}
  recent: {of: temperature, agg: avg, window: {sliding: 10s}}
rules:
  - id: computed
    initial: a
    variables: {n: 0}
    states: {a: {onInput: [{when: "input('twice') && twice > 10", do: [{var: n, value: "vars.n + 1"}]}]}}
  - id: windowed
    initial: a
    states: {a: {onInput: [{when: "recent > 50", goto: b}]}, b: {onInput: [{when: "recent < 50 || !known(recent)", goto: a}]}}
"#;
    let mut world = World::new(layout("Oven", text));
    world.hear(0, &[("temperature", json!(100))]);
    assert_eq!((world.shown("computed").as_str(), world.shown("windowed").as_str()), (r#"a {"n":1} []"#, "b {} []"));
    world.hear(1, &[("temperature", json!(100))]);
    assert_eq!(world.shown("computed"), r#"a {"n":1} []"#, "the computed value is as it was");
    world.hear(2, &[("door", json!(true))]);
    assert_eq!(world.shown("computed"), r#"a {"n":1} []"#);
    world.hear(2, &[("temperature", json!(20))]);
    assert_eq!(world.shown("windowed"), "b {} []");
    // Readings fall out of the window in silence.
    world.pass_until(30);
    assert_eq!((world.shown("windowed").as_str(), world.all.last().map(|(now, _)| *now)), ("a {} []", Some(at(12))));
}

/// A detector sees the alarms of other rules one generation later, like every rule; and is looked at once for each.
#[test]
fn alarms_of_other_rules() {
    let text = r#"
type: Oven
telemetry: {temperature: {type: double}}
rules:
  - {id: hot, when: "temperature > 80", acknowledge: no}
  - id: watch
    initial: a
    variables: {n: 0, both: 0}
    states:
      a:
        onInput:
          - {when: "alarm.hot", do: [{var: n, value: "vars.n + 1"}, {raise: true}]}
          - {when: "alarm.hot && input('temperature')", do: [{var: both, value: "vars.both + 1"}]}
  - id: late
    initial: a
    states: {a: {onEnter: [{do: [{timer: t, set: 30s}]}], onInput: [{when: "timeout('t') && known(temperature)", do: [{raise: true}]}]}}
  - {id: afterLate, when: "alarm.late", acknowledge: no}
  - {id: after, when: "alarm.watch", acknowledge: no}
"#;
    let mut world = World::new(layout("Oven", text));
    world.hear(0, &[("temperature", json!(90))]);
    assert_eq!(world.shown("watch"), r#"a {"both":0,"n":1} []"#, "first the reading, then the alarm, which is no input");
    assert!(world.alarm("after").starts_with("ACTIVE"), "{}", world.alarm("after"));
    world.hear(1, &[("temperature", json!(91))]);
    assert_eq!(world.shown("watch"), r#"a {"both":1,"n":2} []"#);
    world.pass_until(60);
    assert_eq!(world.alarm("afterLate"), "ACTIVE WARNING afterLate @30", "a timer moves others at its instant");
}

#[test]
fn suppressed_by_design() {
    let text = r#"
type: Oven
telemetry: {temperature: {type: double}, service: {type: bool}}
rules:
  - id: watch
    initial: a
    suppressedBy: service
    states: {a: {onInput: [{when: "temperature > 80", do: [{raise: true}, {publish: "ovens/hot"}]}, {when: "temperature <= 80", do: [{clear: true}]}]}}
"#;
    let mut world = World::new(layout("Oven", text));
    world.hear(0, &[("service", json!(true)), ("temperature", json!(90))]);
    assert!(world.twin.state.asked.is_empty(), "nobody is told");
    assert!(world.alarm("watch").starts_with("ACTIVE"));
    world.hear(1, &[("service", json!(false))]);
    world.hear(2, &[("temperature", json!(91))]);
    assert_eq!(world.twin.state.asked.iter().count(), 1);
}

/// What its properties are changes it only once it has begun; its clock is that of the data.
#[test]
fn settings_begin_nothing() {
    let text = r#"
type: Oven
properties: {limit: {type: double, default: 80}}
telemetry: {temperature: {type: double}}
events: {opened: }
rules:
  - id: watch
    initial: a
    variables: {n: 0, opened: 0}
    states:
      a:
        onInput:
          - {when: "temperature > limit", do: [{var: n, value: "vars.n + 1"}, {timer: t, set: 10s}]}
          - {when: "event('opened')", do: [{var: opened, value: "vars.opened + 1"}]}
          - {when: "timeout('t')", do: [{var: n, value: "vars.n + 100"}]}
"#;
    let mut world = World::new(layout("Oven", text));
    let set = |world: &World, value: f64| {
        Input::Edited(crate::twin::Edit {
            set: vec![(world.slot("limit"), Some(crate::reading::Value::Double(value)))],
            ..Default::default()
        })
    };
    let lower = set(&world, 60.0);
    world.take(at(5000), &lower);
    assert_eq!(world.shown("watch"), "-");
    world.hear_late(10, 5001, &[("temperature", json!(70))]);
    assert_eq!(world.shown("watch"), r#"a {"n":1,"opened":0} [t@20]"#);
    // On the wall ten seconds have passed: the timer ran out before the setting came.
    let lowest = set(&world, 50.0);
    world.take(at(5020), &lowest);
    assert_eq!(world.shown("watch"), r#"a {"n":103,"opened":0} [t@30]"#);
    let happened = Happened { event: "opened".into(), severity: Severity::Info, time: at(30), body: None, rule: None };
    world.take(at(5021), &Input::Happened { happened: Box::new(happened), stamp: None });
    assert_eq!(world.shown("watch"), r#"a {"n":205,"opened":1} [t@40]"#, "first the timer that was due with it");
}

/// Whenever somebody looks, and whatever is written and read back in between: the same states at the same instants.
#[test]
fn whoever_sleeps_sees_the_same() {
    let text = r#"
type: Oven
telemetry: {temperature: {type: double}, pressure: {type: double}}
rules:
  - id: one
    initial: a
    variables: {n: 0}
    states:
      a:
        onInput:
          - {when: "temperature > 5", do: [{timer: short, set: 7s}, {timer: long, set: "temperature * 3.0"}], goto: b}
          - {when: "timeout('short')", do: [{timer: short, reset: true}, {var: n, value: "vars.n * 3 + 1"}]}
      b:
        onInput:
          - {when: "timeout('short')", do: [{timer: short, reset: true}, {var: n, value: "vars.n + 1"}]}
          - {when: "timeout('long')", do: [{raise: true, text: "{vars.n}"}], goto: a}
          - {when: "vars.n > 1000", do: [{var: n, value: "0"}, {clear: true}]}
  - id: two
    initial: x
    mode: serial
    variables: {n: 0}
    states:
      x: {onInput: [{when: "pressure > 3 || timeout('t')", do: [{var: n, value: "vars.n + 1"}, {timer: t, set: 11s}], goto: y}]}
      y: {onInput: [{when: "timeout('t') && temperature > 2", goto: x}, {when: "timeout('t')", do: [{timer: t, reset: true}]}], onExit: [{do: [{timer: t, set: 3s}]}]}
"#;
    let oven = layout("Oven", text);
    let (mut sums, mut raised) = (0, 0);
    for seed in 1..40 {
        let mut dice = Dice::new(seed);
        let (mut awake, mut asleep) = (World::new(oven.clone()), World { restarts: true, ..World::new(oven.clone()) });
        let mut time = 0;
        for _ in 0..40 {
            time += i64::try_from(dice.below(25)).unwrap();
            awake.pass_until(time - 1);
            if dice.below(4) == 0 {
                asleep.take(at(time - 1), &Input::Woken { started: crate::twin::NEVER_AWAY });
            }
            let (member, value) = (if dice.below(3) == 0 { "pressure" } else { "temperature" }, i64::try_from(dice.below(9)).unwrap());
            for world in [&mut awake, &mut asleep] {
                world.hear(time, &[(member, json!(value))]);
            }
            // What does not follow from this reading is served when it is its turn.
            asleep.take(at(time), &Input::Woken { started: crate::twin::NEVER_AWAY });
            awake.take(at(time), &Input::Woken { started: crate::twin::NEVER_AWAY });
            for rule in ["one", "two"] {
                assert_eq!((awake.shown(rule), awake.alarm(rule)), (asleep.shown(rule), asleep.alarm(rule)), "seed {seed}, second {time}");
            }
        }
        sums += awake.all.len();
        raised += awake
            .all
            .iter()
            .filter(|(_, event)| matches!(event, Event::Watched { fact, .. } if format!("{fact:?}").contains("Raised")))
            .count();
    }
    assert!(sums > 10_000 && raised > 20, "{sums} events, {raised} alarms: something happened");
}

/// A subtype gives it another severity; a step that says its own keeps that.
#[test]
fn settings_of_a_subtype() {
    let oven = r#"
type: Oven
telemetry: {temperature: {type: double}}
rules:
  - id: watch
    initial: a
    params: {limit: 80}
    states:
      a:
        onInput:
          - {when: "temperature > params.limit + 100.0", do: [{raise: true, severity: INFO}]}
          - {when: "temperature > params.limit && temperature < params.limit + 100.0", do: [{raise: true}]}
"#;
    let kiln = "type: Kiln\nextends: Oven\nrules: [{id: watch, override: true, severity: CRITICAL, params: {limit: 800}, text: \"{temperature} in {twin.id}\"}]\n";
    let catalog = super::catalog(&[("schemas/Oven.yaml", oven), ("schemas/Kiln.yaml", kiln)]);
    let mut world = World::new(catalog.layout("Kiln").unwrap().clone());
    world.hear(0, &[("temperature", json!(100))]);
    assert_eq!(world.alarm("watch"), "-");
    world.hear(1, &[("temperature", json!(850))]);
    assert_eq!(world.alarm("watch"), "ACTIVE CRITICAL 850 in pump-1 @1");
    world.hear(2, &[("temperature", json!(950))]);
    assert!(world.alarm("watch").starts_with("ACTIVE INFO"), "{}", world.alarm("watch"));
}
