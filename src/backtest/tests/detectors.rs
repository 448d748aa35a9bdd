//! Detectors on recordings, and in tests beside their rules: their timers run by the time of the data.

use expect_test::expect;

use super::*;
use crate::backtest::{tell, try_out};

const PUMP: &str = "type: Pump
telemetry: {current: {type: double, unit: A}, temperature: {type: double, unit: degC}}
rules:
  - id: cycle
    initial: off
    variables: {minutes: 0}
    acknowledge: no
    severity: MAJOR
    states:
      off: {onInput: [{when: \"current > 10\", do: [{timer: run, set: 60s}], goto: on}]}
      on:
        onEnter: [{do: [{timer: hot, set: 5m}]}]
        onInput:
          - {when: \"timeout('run')\", do: [{var: minutes, value: \"vars.minutes + 1\"}, {timer: run, reset: true}]}
          - {when: \"temperature <= 200\", do: [{timer: hot, clear: true}]}
          - {when: \"current <= 10\", goto: off}
          - {when: \"timeout('hot')\", goto: hot}
        onExit: [{do: [{timer: run, clear: true}]}]
      hot:
        onEnter: [{do: [{raise: true, text: \"hot after {vars.minutes} min\"}]}]
        onInput: [{when: \"current <= 10\", do: [{clear: true}], goto: off}]
";

const TESTS: &str = "tests:
  - name: five hot minutes
    steps:
      - {at: 0s, current: 12, temperature: 230, expect: {cycle: NORMAL, state: on}}
      - {at: 4m, expect: {cycle: {state: on, condition: NORMAL}}}
      - {at: 5m, expect: {cycle: {state: hot, condition: ACTIVE, raisedAt: 5m, severity: MAJOR}}}
      - {at: 6m, current: 2, expect: {cycle: {state: off, condition: NORMAL, clearedAt: 6m}}}
  - name: one that fails
    steps:
      - {at: 0s, expect: {cycle: {state: on}}}
      - {at: 1s, current: 12, expect: {cycle: {state: hot}}}
";

const DATA: &str = "time,current,temperature
2026-01-01 10:00:00,2,20
2026-01-01 10:01:00,12,230
2026-01-01 10:03:00,12,235
2026-01-01 10:08:00,3,190
2026-01-01 10:09:00,12,190
2026-01-01 10:20:00,12,210
2026-01-01 10:21:00,4,180
";

fn pumps(text: &str) -> Catalog {
    workspace(&[("schemas/Pump.yaml", text), ("twins/pumps.yaml", "twins: [{id: pump-1, type: Pump}]")])
}

#[test]
fn a_detector_on_a_recording() {
    let (now, eager) = (pumps(PUMP), pumps(&PUMP.replace("set: 5m", "set: 90s")));
    let report = run(&now, None, csv(&now, DATA, table("pump-1")).unwrap(), "10m");
    expect![[r#"
        14 readings from 2026-01-01T10:00:00Z to 2026-01-01T10:31:00Z: 14 new

        RULE        TWINS  RAISES  OPEN  ACTIVE  LONGEST  UNKNOWN  AVOIDED  CHATTER  EVALUATIONS
        Pump.cycle      1       1     0      2m       2m       0s        0        0           24

        pump-1 Pump.cycle/1 MAJOR 2026-01-01T10:06:00Z → 2026-01-01T10:08:00Z: hot after 4 min
    "#]]
    .assert_eq(&report.to_table());
    let report = run(&eager, Some(&now), csv(&now, DATA, table("pump-1")).unwrap(), "");
    expect![[r#"
        14 readings from 2026-01-01T10:00:00Z to 2026-01-01T10:21:00Z: 14 new

        RULE        TWINS  RAISES  OPEN  ACTIVE  LONGEST  UNKNOWN  AVOIDED  CHATTER  EVALUATIONS
        Pump.cycle      1       1     0   5m30s    5m30s       0s        0        0           21
          current       1       1     0      2m       2m       0s        0        0           24

        0 added, 0 removed, 1 moved
        ~ pump-1 Pump.cycle/1 MAJOR 2026-01-01T10:02:30Z → 2026-01-01T10:08:00Z: hot after 1 min
            was 2026-01-01T10:06:00Z → 2026-01-01T10:08:00Z
            because timeout('run') ; temperature <= 200 ; current <= 10 ; timeout('hot'); current = 12.0 A, temperature = 230.0 degC
            was because timeout('run') ; temperature <= 200 ; current <= 10 ; timeout('hot'); current = 12.0 A, temperature = 235.0 degC
    "#]]
    .assert_eq(&report.to_table());
}

#[test]
fn tests_beside_a_detector() {
    let text = format!("{PUMP}{TESTS}");
    let mut sources = Sources::new();
    sources.add("schemas/Pump.yaml", text.as_bytes());
    let (catalog, problems) = catalog::load(&sources);
    assert!(!problems.has_errors(), "{}", render_text(&sources, &problems, false));
    let attempts: Vec<_> = catalog.examples.iter().map(try_out).collect();
    expect![[r#"
        test Pump: five hot minutes ... ok
        test Pump: one that fails ... FAILED

        Pump: one that fails
          schemas/Pump.yaml:31:42: after 0s: state of cycle: expected on, was nothing: no input has come
          schemas/Pump.yaml:32:55: after 1s: state of cycle: expected hot, was on

        1 passed, 1 failed
    "#]]
    .assert_eq(&tell(&attempts, &sources));
}

#[test]
fn states_that_a_test_cannot_expect() {
    let text = PUMP.to_owned()
        + "  - {id: plain, when: \"current > 3\"}\ntests:\n  - {name: a, steps: [{at: 0s, expect: {cycle: {state: onn}, plain: {state: on}}}]}\n";
    let mut sources = Sources::new();
    sources.add("schemas/Pump.yaml", text.as_bytes());
    let (_, problems) = catalog::load(&sources);
    let told: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(told, ["`onn` is no state of `cycle`; states are off, on, hot", "rule `plain` is no detector, so it has no states"]);
}
