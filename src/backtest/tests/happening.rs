//! What happens besides readings: events in recordings and in tests, what an operator does there, and what rules have done.

use expect_test::{Expect, expect};

use super::*;
use crate::backtest::{tell, try_out};

const BOILER: &str = "type: Boiler
telemetry: {temperature: {type: double, unit: degC}}
events: {serviced: , opened: , shut: , overheated: {severity: MAJOR}}
computed: {highest: {of: temperature, agg: max, window: {since: serviced}}}
rules:
  - id: hot
    when: \"temperature > 90\"
    latch: true
    severity: MAJOR
    do: [{emit: overheated, data: \"{'at': temperature}\"}, {publish: \"plant/{twin.id}\", payload: \"{'t': temperature}\"}]
    onAcknowledge: [{webhook: maintenance}]
    onClear: [{raise: parent, id: over, severity: INFO}]
  - {id: ajar, pattern: {after: \"event('opened')\", absent: \"event('shut')\", within: 30s}, clearWhen: \"event('shut')\"}
  - id: cycle
    initial: cold
    variables: {count: 0}
    acknowledge: no
    states:
      cold: {onInput: [{when: \"temperature > 60\", do: [{timer: burn, set: 2m}, {var: count, value: \"vars.count + 1\"}], goto: burning}]}
      burning: {onInput: [{when: \"timeout('burn')\", goto: long}]}
      long: {onEnter: [{do: [{raise: true}]}], onInput: [{when: \"event('serviced')\", do: [{clear: true}], goto: cold}]}
";

fn check_tests(steps: &str, expected: &Expect) {
    let text = format!("{BOILER}tests:\n  - name: it\n    steps:\n{steps}");
    let mut sources = Sources::new();
    sources.add("schemas/Boiler.yaml", text.as_bytes());
    let (catalog, problems) = catalog::load(&sources);
    let told = if problems.has_errors() {
        render_text(&sources, &problems, false)
    } else {
        let attempts: Vec<_> = catalog.examples.iter().map(try_out).collect();
        tell(&attempts, &sources)
    };
    expected.assert_eq(&told);
}

#[test]
fn a_test_has_events_and_an_operator() {
    let steps = "      - {at: 0s, event: opened, expect: {ajar: NORMAL}}
      - {at: 30s, expect: {ajar: {condition: ACTIVE, raisedAt: 30s}}}
      - {at: 40s, event: shut, data: {by: Ann}}
      - {at: 40s, expect: {ajar: NORMAL}}
      - {at: 1m, temperature: 95, expect: {hot: ACTIVE, acknowledged: false, suppression: NONE}}
      - {at: 1m, expect: {events: [overheated], actions: [{publish: plant/example, payload: {t: 95}}]}}
      - {at: 1m, expect: {cycle: {state: burning, variables: {count: 1}, timers: {burn: 3m}}}}
      - {at: 2m, acknowledge: hot, shelve: hot, for: 1h, expect: {hot: {acknowledged: true, suppression: SHELVED}}}
      - {at: 2m, expect: {actions: [{publish: plant/example, qos: 1}, {webhook: maintenance, body: {rule: hot, acknowledged: true}}]}}
      - {at: 3m, temperature: 80, unshelve: hot, expect: {hot: NORMAL, suppression: NONE, highest: 95}}
      - {at: 3m, expect: {cycle: {state: long, condition: ACTIVE, timers: {burn: null}}}}
      - {at: 4m, event: serviced, reset: hot, expect: {cycle: {state: cold, condition: NORMAL}}}
      - {at: 5m, temperature: 50, expect: {highest: 50}}
      - {at: 6m, temperature: 92}
      - {at: 6m, clear: hot, expect: {hot: NORMAL, raised: 2, events: [{emit: overheated, data: {at: 95}}, {emit: overheated, data: {at: 92}}]}}
";
    check_tests(
        steps,
        &expect![[r#"
        test Boiler: it ... ok

        1 passed, 0 failed
    "#]],
    );
}

#[test]
fn what_is_not_so_is_told() {
    let steps = "      - {at: 0s, acknowledge: hot}
      - {at: 1m, temperature: 95, expect: {hot: {suppression: SHELVED}, cycle: {variables: {count: 2}, timers: {burn: null}}}}
      - {at: 2m, reset: hot, expect: {events: [], actions: [{publish: plant/other}]}}
      - {at: 2m, expect: {cycle: {timers: {burn: 2m}}, events: [{emit: overheated, data: {at: 96}}]}}
";
    check_tests(
        steps,
        &expect![[r#"
        test Boiler: it ... FAILED

        Boiler: it
          schemas/Boiler.yaml:25:31: after 0s: acknowledge hot: that changes nothing now
          schemas/Boiler.yaml:26:63: after 1m: suppression of hot: expected SHELVED, was NONE
          schemas/Boiler.yaml:26:100: after 1m: variable count of cycle: expected 2, was 1
          schemas/Boiler.yaml:26:119: after 1m: timer burn of cycle: expected not running, was 3m
          schemas/Boiler.yaml:27:25: after 2m: reset hot: that changes nothing now
          schemas/Boiler.yaml:27:47: after 2m: events: expected [], was [{"data":{"at":95.0},"emit":"overheated"}]
          schemas/Boiler.yaml:27:60: after 2m: actions: expected [{"publish":"plant/other"}], was [{"payload":{"t":95.0},"publish":"plant/example","qos":1,"retain":false}]
          schemas/Boiler.yaml:28:50: after 2m: timer burn of cycle: expected 2m, was 3m
          schemas/Boiler.yaml:28:64: after 2m: events: expected [{"data":{"at":96},"emit":"overheated"}], was [{"data":{"at":95.0},"emit":"overheated"}]

        0 passed, 1 failed
    "#]],
    );
}

#[test]
fn steps_that_make_no_sense() {
    let steps = "      - {at: 0s, event: servced}
      - {at: 0s, data: {by: Ann}, for: 1h}
      - {at: 0s, clear: hott}
      - {at: 0s, expect: {hot: {variables: {count: 1}}, cycle: {variables: {cuont: 1}, timers: {burn: soon}}}}
      - {at: 0s, expect: {hot: {events: [overheated]}, events: [overhot], actions: [{emit: overheated}, {webhok: maintenance}]}}
";
    check_tests(
        steps,
        &expect![[r#"
        error[E727]: `servced` is not an event of Boiler
           ╭▸ schemas/Boiler.yaml:25:25
           │
        25 │       - {at: 0s, event: servced}
           │                         ━━━━━━━ did you mean `serviced`?
           │
           ╰ events: serviced, opened, shut, overheated

        error[E727]: `data` says more of `event`, and there is none in this step
           ╭▸ schemas/Boiler.yaml:26:18
           │
        26 │       - {at: 0s, data: {by: Ann}, for: 1h}
           ╰╴                 ━━━━

        error[E727]: `for` says more of `shelve`, and there is none in this step
           ╭▸ schemas/Boiler.yaml:26:35
           │
        26 │       - {at: 0s, data: {by: Ann}, for: 1h}
           ╰╴                                  ━━━

        error[E727]: Boiler has no rule `hott`
           ╭▸ schemas/Boiler.yaml:27:25
           │
        27 │       - {at: 0s, clear: hott}
           │                         ━━━━ did you mean `hot`?
           │
           ╰ rules: hot, ajar, cycle

        error[E727]: rule `hot` is no detector, so it has no variables
           ╭▸ schemas/Boiler.yaml:28:33
           │
        28 │       - {at: 0s, expect: {hot: {variables: {count: 1}}, cycle: {variables: {cuont: 1}, timers: {burn: soon}}}}
           ╰╴                                ━━━━━━━━━

        error[E727]: `cuont` is no variable of `cycle`; variables are count
           ╭▸ schemas/Boiler.yaml:28:77
           │
        28 │       - {at: 0s, expect: {hot: {variables: {count: 1}}, cycle: {variables: {cuont: 1}, timers: {burn: soon}}}}
           ╰╴                                                                            ━━━━━ did you mean `count`?

        error[E222]: timer `burn` runs out at a time since the beginning, not at the text "soon"
           ╭▸ schemas/Boiler.yaml:28:103
           │
        28 │       - {at: 0s, expect: {hot: {variables: {count: 1}}, cycle: {variables: {cuont: 1}, timers: {burn: soon}}}}
           │                                                                                                       ━━━━
           │
           ╰ write 90s or 5m; null if it does not run

        error[E727]: `events` cannot be expected as it is
           ╭▸ schemas/Boiler.yaml:29:33
           │
        29 │       - {at: 0s, expect: {hot: {events: [overheated]}, events: [overhot], actions: [{emit: overheated}, {webhok: maintenance}]}}
           │                                 ━━━━━━
           │
           ╰ write it beside the rules: it is what all of them have done

        error[E727]: `overhot` is not an event of Boiler
           ╭▸ schemas/Boiler.yaml:29:65
           │
        29 │       - {at: 0s, expect: {hot: {events: [overheated]}, events: [overhot], actions: [{emit: overheated}, {webhok: maintenance}]}}
           │                                                                 ━━━━━━━
           │
           ╰ events: serviced, opened, shut, overheated

        error[E727]: an action that is expected says one of publish, webhook, command, raise
           ╭▸ schemas/Boiler.yaml:29:85
           │
        29 │       - {at: 0s, expect: {hot: {events: [overheated]}, events: [overhot], actions: [{emit: overheated}, {webhok: maintenance}]}}
           │                                                                                     ━━━━━━━━━━━━━━━━━━
           │
           ╰ write {webhook: maintenance}

        10 errors
    "#]],
    );
}

fn boilers() -> Catalog {
    workspace(&[("schemas/Boiler.yaml", BOILER), ("twins/boilers.yaml", "twins: [{id: boiler-1, type: Boiler}]")])
}

/// Both say the same.
#[test]
fn rules_hear_the_events_of_a_recording() {
    let rows = r#"{"ts": "2026-01-01T10:00:00Z", "temperature": 70}
{"ts": "2026-01-01T10:01:00Z", "event": "opened"}
{"ts": "2026-01-01T10:02:00Z", "temperature": 71, "event": "shut", "data": {"by": "Ann"}}
{"ts": "2026-01-01T10:03:00Z", "event": "opened"}
{"ts": "2026-01-01T10:03:10Z", "event": "shut"}
{"ts": "2026-01-01T10:04:00Z", "event": "serviced"}
"#;
    let table_rows = "time,temperature,what
2026-01-01T10:00:00Z,70,
2026-01-01T10:01:00Z,,opened
2026-01-01T10:02:00Z,71,shut
2026-01-01T10:03:00Z,,opened
2026-01-01T10:03:10Z,,shut
2026-01-01T10:04:00Z,,serviced
";
    let catalog = boilers();
    let report = run(&catalog, None, ndjson(&catalog, rows, lines(Some("boiler-1"))).unwrap(), "");
    expect![[r#"
        7 readings from 2026-01-01T10:00:00Z to 2026-01-01T10:04:00Z: 7 new

        RULE          TWINS  RAISES  OPEN  ACTIVE  LONGEST  UNKNOWN  AVOIDED  CHATTER  EVALUATIONS
        Boiler.ajar       1       1     0     30s      30s       0s        0        0            0
        Boiler.cycle      1       1     0      2m       2m       0s        0        0            3
        Boiler.hot        1       0     0      0s       0s       0s        0        0            2

        boiler-1 Boiler.ajar/1 WARNING 2026-01-01T10:01:30Z → 2026-01-01T10:02:00Z: ajar
        boiler-1 Boiler.cycle/1 WARNING 2026-01-01T10:02:00Z → 2026-01-01T10:04:00Z: cycle
    "#]]
    .assert_eq(&report.to_table());
    let options = CsvOptions { event: Some("what".to_owned()), ..table("boiler-1") };
    let of_table = run(&catalog, None, csv(&catalog, table_rows, options).unwrap(), "");
    assert_eq!(of_table.to_json(), report.to_json());
}

#[test]
fn events_that_cannot_be_used_are_told_with_their_lines() {
    let catalog = boilers();
    let rows = r#"{"ts": "2026-01-01T10:00:00Z", "event": "melted"}
{"ts": "2026-01-01T10:00:00Z", "event": 3}
{"event": "shut"}
"#;
    let refused = |report: Report| report.refused.join("\n");
    expect![[r#"
        data.ndjson:1: `Boiler` has no event `melted`: it declares serviced, opened, shut, overheated
        data.ndjson:2: `event` is the name of an event, not 3
        data.ndjson:3: the row says no time: give it `ts`, or name the key with --time"#]]
    .assert_eq(&refused(run(&catalog, None, ndjson(&catalog, rows, lines(Some("boiler-1"))).unwrap(), "")));
    let options = || CsvOptions { event: Some("what".to_owned()), ..table("boiler-1") };
    let rows = "time,what\n2026-01-01T10:00:00Z,melted\n";
    expect!["data.csv:2: `Boiler` has no event `melted`: it declares serviced, opened, shut, overheated"].assert_eq(&refused(run(
        &catalog,
        None,
        csv(&catalog, rows, options()).unwrap(),
        "",
    )));
    let error = csv(&catalog, "time,temperature\n", options()).err().map(|error| error.to_string());
    expect!["data.csv:1: there is no column `what` (there are: time, temperature)"].assert_eq(&error.unwrap_or_default());
}
