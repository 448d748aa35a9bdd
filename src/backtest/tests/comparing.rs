//! A rule as it stands against another one: what is added, removed and moved; files of rules, settings, and tests that fail.

use expect_test::{Expect, expect};

use super::*;
use crate::backtest::{differences, tell, try_out};
use crate::catalog::{Change, RuleName, Setting, load_changed};

const OVEN: &str = "type: Oven
telemetry: {temperature: {type: double, unit: degC}}
rules:
  - id: hot
    params: {hi: 100 degC}
    when: \"temperature > params.hi\"
    severity: MAJOR
    text: \"{temperature} is above {params.hi}\"
";
const OVEN_TWINS: &str = "twins: [{id: oven-1, type: Oven}, {id: kiln-1, type: Kiln}]";
const KILN: &str = "type: Kiln\nextends: Oven\n";

const FILES: [(&str, &str); 3] = [("schemas/Oven.yaml", OVEN), ("schemas/Kiln.yaml", KILN), ("twins/ovens.yaml", OVEN_TWINS)];

/// Minutes after ten.
const DATA: &str = "time,temperature
2026-01-01 10:00:00,50
2026-01-01 10:01:00,95
2026-01-01 10:02:00,50
2026-01-01 10:03:00,95
2026-01-01 10:04:00,120
2026-01-01 10:05:00,50
2026-01-01 10:06:00,130
2026-01-01 10:07:00,50
";

/// The workspace with these changes: a file of rules, settings.
fn changed(file: Option<&str>, settings: &[(Option<&str>, &str, &str)]) -> (Catalog, Vec<String>, String) {
    let mut sources = Sources::new();
    for (path, text) in FILES {
        sources.add(path, text.as_bytes());
    }
    let mut changes: Vec<Change> = file.map(|text| Change::File(sources.add("hot.yaml", text.as_bytes()))).into_iter().collect();
    for (rule, key, value) in settings {
        let value = sources.add(format!("--set {key}"), value.as_bytes());
        changes.push(Change::Setting(Setting { rule: rule.and_then(RuleName::parse), key: (*key).to_owned(), value }));
    }
    let (catalog, problems, touched) = load_changed(&sources, &changes);
    (catalog, touched.iter().map(ToString::to_string).collect(), render_text(&sources, &problems, false))
}

fn compare(candidate: &Catalog, twin: &str) -> Report {
    let current = workspace(&FILES);
    run(candidate, Some(&current), csv(&current, DATA, table(twin)).unwrap(), "")
}

fn check(candidate: &Catalog, twin: &str, expected: &Expect) {
    let report = compare(candidate, twin);
    expected.assert_eq(&report.to_table());
}

#[test]
fn the_difference_says_what_is_added_removed_and_moved_and_why() {
    let (lower, touched, problems) = changed(None, &[(Some("Oven.hot"), "hi", "90 degC")]);
    assert_eq!((touched, problems), (vec!["Oven.hot".to_owned()], String::new()));
    check(
        &lower,
        "oven-1",
        &expect![[r#"
        8 readings from 2026-01-01T10:00:00Z to 2026-01-01T10:07:00Z: 8 new

        RULE       TWINS  RAISES  OPEN  ACTIVE  LONGEST  UNKNOWN  AVOIDED  CHATTER  EVALUATIONS
        Oven.hot       1       3     0      4m       2m       0s        0        0            8
          current      1       2     0      2m       1m       0s        0        0            8

        1 added, 0 removed, 1 moved
        + oven-1 Oven.hot/1 MAJOR 2026-01-01T10:01:00Z → 2026-01-01T10:02:00Z: 95 degC is above 90 degC
            because temperature > params.hi; temperature = 95.0 degC, params.hi = 90.0 degC
        ~ oven-1 Oven.hot/2 MAJOR 2026-01-01T10:03:00Z → 2026-01-01T10:05:00Z: 95 degC is above 90 degC
            was 2026-01-01T10:04:00Z → 2026-01-01T10:05:00Z
            because temperature > params.hi; temperature = 95.0 degC, params.hi = 90.0 degC
            was because temperature > params.hi; temperature = 120.0 degC, params.hi = 100.0 degC
    "#]],
    );
    // Of a type that inherits the rule, only that one changes.
    let (delayed, ..) = changed(None, &[(Some("Kiln.hot"), "onDelay", "1m"), (Some("Kiln.hot"), "hi", "125 degC")]);
    check(
        &delayed,
        "kiln-1",
        &expect![[r#"
        8 readings from 2026-01-01T10:00:00Z to 2026-01-01T10:07:00Z: 8 new

        RULE       TWINS  RAISES  OPEN  ACTIVE  LONGEST  UNKNOWN  AVOIDED  CHATTER  EVALUATIONS
        Kiln.hot       1       0     0      0s       0s       0s        1        0            8
          current      1       2     0      2m       1m       0s        0        0            8

        0 added, 2 removed, 0 moved
        - kiln-1 Kiln.hot/1 MAJOR 2026-01-01T10:04:00Z → 2026-01-01T10:05:00Z: 120 degC is above 100 degC
            because temperature > params.hi; temperature = 120.0 degC, params.hi = 100.0 degC
        - kiln-1 Kiln.hot/2 MAJOR 2026-01-01T10:06:00Z → 2026-01-01T10:07:00Z: 130 degC is above 100 degC
            because temperature > params.hi; temperature = 130.0 degC, params.hi = 100.0 degC
    "#]],
    );
    assert!(!compare(&delayed, "oven-1").differs());
    assert_eq!(compare(&lower, "oven-1").to_json(), compare(&lower, "oven-1").to_json());
}

#[test]
fn a_file_of_rules_takes_the_place_of_those_of_the_same_id() {
    let (catalog, touched, problems) = changed(
        Some(
            "type: Oven\nrules:\n  - {id: hot, when: \"temperature > 110\"}\n  - {id: cold, when: \"temperature < 60\", severity: MINOR}\n",
        ),
        &[],
    );
    assert_eq!((touched, problems), (vec!["Oven.cold".to_owned(), "Oven.hot".to_owned()], String::new()));
    let report = compare(&catalog, "oven-1");
    let shown: Vec<_> = report.rules.iter().map(|rule| (&*rule.rule, rule.figures.raises, rule.current.as_ref().unwrap().raises)).collect();
    assert_eq!(shown, [("Oven.cold", 4, 0), ("Oven.hot", 2, 2)]);
    // One rule alone, and a whole type.
    let (one, touched, _) = changed(Some("type: Oven\nid: hot\nwhen: \"temperature > 110\"\n"), &[(None, "onDelay", "10s")]);
    assert_eq!(touched, ["Oven.hot"]);
    assert_eq!(one.layout("Oven").unwrap().rule("hot").unwrap().rule.on_delay.as_secs(), 10);
    // It has telemetry that the type did not have, in between the others.
    let whole = OVEN.replace("{temperature:", "{steam: double, temperature:").replace("100 degC", "200 degC");
    let (whole, touched, _) = changed(Some(&whole), &[]);
    assert_eq!(touched, ["Oven.hot"]);
    let report = compare(&whole, "oven-1");
    assert_eq!((report.rules[0].figures.raises, report.rules[0].current.as_ref().unwrap().raises), (0, 2));
    let read = "time,steam,temperature\n1,7,150\n";
    let told = run(&whole, Some(&workspace(&FILES)), csv(&whole, read, table("oven-1")).unwrap(), "");
    assert_eq!((told.readings.new, told.rules[0].current.as_ref().unwrap().raises), (2, 1));
}

#[test]
fn what_cannot_be_tried_is_said_at_its_place() {
    let problems = |file: Option<&str>, settings: &[(Option<&str>, &str, &str)]| changed(file, settings).2;
    let said = [
        problems(Some("type: Ovn\nrules: []\n"), &[]),
        problems(Some("rules: []\n"), &[]),
        problems(Some("type: Oven\nrules:\n  - {id: hot, when: \"temprature > 110\"}\n"), &[]),
        problems(None, &[(Some("Oven.hott"), "hi", "90")]),
        problems(None, &[(Some("Oven.hot"), "onDely", "90s")]),
        problems(None, &[(None, "hi", "90 degC")]),
        problems(None, &[(Some("Oven.hot"), "hi", "90 kW")]),
    ];
    expect![[r#"
        error[E503]: there is no type `Ovn`
          ╭▸ hot.yaml:1:7
          │
        1 │ type: Ovn
          │       ━━━ did you mean `Oven`?
          │
          ╰ types: Kiln, Oven

        1 error
        ----
        error[E203]: the file does not say which type its rules are of
          ╭▸ hot.yaml:1:1
          │
        1 │ rules: []
          │ ━
          │
          ╰ begin it with `type: Mixer`

        1 error
        ----
        error[E702]: unknown name `temprature`; did you mean `temperature`? Members of Oven: temperature
          ╭▸ hot.yaml:3:22
          │
        3 │   - {id: hot, when: "temprature > 110"}
          ╰╴                     ━━━━━━━━━━ did you mean `temperature`?

        1 error
        ----
        error[E716]: `Oven` has no rule `hott`
          ╭▸ --set hi:1:1
          │
        1 │ 90
          │ ━ did you mean `hot`?
          │
          ╰ its rules: hot

        1 error
        ----
        error[E711]: Oven.hot has neither a parameter nor a setting `onDely`
          ╭▸ --set onDely:1:1
          │
        1 │ 90s
          │ ━ did you mean `onDelay`?
          │
          ╰ its parameters: hi; settings are onDelay, deadband, severity, …

        1 error
        ----
        error[E716]: it is not clear of which rule `hi` is meant
          ╭▸ --set hi:1:1
          │
        1 │ 90 degC
          │ ━
          │
          ╰ name the rule, as in Mixer.overheat.hi=90

        1 error
        ----
        error[E705]: units do not fit: degC against kW
          ╭▸ schemas/Oven.yaml:6:12
          │
        6 │     when: "temperature > params.hi"
          ╰╴           ━━━━━━━━━━━━━━━━━━━━━━━

        1 error
    "#]]
    .assert_eq(&said.join("----\n"));
}

#[test]
fn occurrences_are_told_apart_by_their_times() {
    let outcomes = |spans: &[(i64, i64)]| -> Vec<crate::backtest::Outcome> {
        let (catalog, _, _) = changed(None, &[]);
        let report = |raised: i64, cleared: i64| {
            let text = format!("time,temperature\n{raised},150\n{cleared},50\n");
            let mut backtest = Backtest::new(&catalog, None);
            csv(&catalog, &text, table("oven-1")).unwrap().for_each(|found| backtest.take(found.unwrap()));
            backtest.first_outcome().unwrap()
        };
        spans.iter().map(|(raised, cleared)| report(*raised, *cleared)).collect()
    };
    let told = |was: &[(i64, i64)], is: &[(i64, i64)]| {
        let (was, is) = (outcomes(was), outcomes(is));
        let told: Vec<String> = differences(&was, &is)
            .iter()
            .map(|difference| format!("{} {}", difference.kind().as_str(), difference.sides().0.raised_at.0 / 1_000_000))
            .collect();
        told.join(", ")
    };
    assert_eq!(told(&[(10, 20), (30, 40)], &[(10, 20), (30, 40)]), "");
    assert_eq!(told(&[(10, 20), (30, 40)], &[(10, 25), (35, 40)]), "moved 10, moved 35");
    assert_eq!(told(&[(10, 20)], &[(20, 30)]), "removed 10, added 20");
    assert_eq!(told(&[(10, 40)], &[(15, 20), (30, 35)]), "moved 15, added 30");
    // The one of the same instant is the same, even where an earlier one touches it.
    assert_eq!(told(&[(10, 40), (50, 60)], &[(5, 9), (10, 30), (55, 70)]), "added 5, moved 10, moved 55");
    assert_eq!(told(&[], &[(1, 2)]), "added 1");
}

const TESTS: &str = "type: Mixer
properties: {ratedVolume: {type: double, unit: L, default: 500}}
telemetry:
  temperature: {type: double, unit: degC, max: 500}
  level: {type: double, unit: '%'}
computed: {half: {value: \"temperature / 2.0\"}}
rules:
  - {id: overheat, params: {hi: 85 degC}, when: \"temperature > params.hi\", deadband: 2 K, onDelay: 1m, severity: MAJOR, levels: [{when: \"temperature > 95\", severity: CRITICAL}]}
  - {id: empty, when: \"level < 5\", acknowledge: no}
tests:
  - name: a short spike is no alarm
    given: {ratedVolume: 800 L}
    steps:
      - {at: 0s, temperature: 80}
      - {at: 10s, temperature: 99}
      - {at: 40s, temperature: 80}
      - {at: 5m, expect: {overheat: NORMAL, raised: 0, ratedVolume: 0.8 m^3}}
  - name: it raises after a minute and clears below the band
    steps:
      - {at: 0s, temperature: 86, expect: {overheat: PENDING, empty: NORMAL}}
      - {at: 61s, expect: {overheat: ACTIVE, severity: MAJOR, raisedAt: 60s, clearedAt: null, level: 0}}
      - {at: 70s, temperature: 96}
      - {at: 70s, expect: {overheat: {condition: ACTIVE, severity: CRITICAL, level: 1, acknowledged: false}}}
      - {at: 90s, temperature: 84}
      - {at: 90s, expect: {overheat: ACTIVE}}
      - {at: 100s, temperature: 82.9}
      - {at: 100s, expect: {overheat: NORMAL, raised: 1, clearedAt: 100s, half: 41.45}}
  - name: nothing is known in the beginning
    steps:
      - {at: 0s, expect: {temperature: null, half: null}}
      - {at: 1s, temperature: 600, expect: {overheat: NO_DATA}}
      - {at: 2s, temperature: 20, level: 3, expect: {empty: {condition: ACTIVE, acknowledged: true}, level: 3, overheat: NORMAL}}
";

#[test]
fn tests_of_a_type_run_beside_it() {
    let catalog = workspace(&[("schemas/Mixer.yaml", TESTS), ("twins/mixer.yaml", "twins: [{id: mixer-1, type: Mixer}]")]);
    let attempts: Vec<_> = catalog.examples.iter().map(try_out).collect();
    let mut sources = Sources::new();
    sources.add("schemas/Mixer.yaml", TESTS.as_bytes());
    expect![[r#"
        test Mixer: a short spike is no alarm ... ok
        test Mixer: it raises after a minute and clears below the band ... ok
        test Mixer: nothing is known in the beginning ... ok

        3 passed, 0 failed
    "#]]
    .assert_eq(&tell(&attempts, &sources));
}

#[test]
fn tests_that_fail_say_what_was_expected_and_what_was() {
    let text = TESTS
        .replace("raisedAt: 60s, clearedAt: null", "raisedAt: 61s, clearedAt: 10s")
        .replace("overheat: NORMAL, raised: 0", "overheat: ACTIVE, raised: 2, severity: MINOR")
        .replace("half: 41.45", "half: 41")
        .replace("temperature: null, half: null", "temperature: 3, half: null");
    let mut sources = Sources::new();
    sources.add("schemas/Mixer.yaml", text.as_bytes());
    sources.add("twins/mixer.yaml", b"twins: [{id: mixer-1, type: Mixer}]");
    let (catalog, problems) = catalog::load(&sources);
    assert!(!problems.has_errors(), "{}", render_text(&sources, &problems, false));
    let attempts: Vec<_> = catalog.examples.iter().map(try_out).collect();
    expect![[r#"
        test Mixer: a short spike is no alarm ... FAILED
        test Mixer: it raises after a minute and clears below the band ... FAILED
        test Mixer: nothing is known in the beginning ... FAILED

        Mixer: a short spike is no alarm
          schemas/Mixer.yaml:17:37: after 5m: overheat: expected ACTIVE, was NORMAL
          schemas/Mixer.yaml:17:53: after 5m: overheat raised: expected 2 times, was 0 times
          schemas/Mixer.yaml:17:66: after 5m: severity of overheat: expected MINOR, was no alarm

        Mixer: it raises after a minute and clears below the band
          schemas/Mixer.yaml:21:73: after 1m1s: raisedAt of overheat: expected 1m1s, was 1m
          schemas/Mixer.yaml:21:89: after 1m1s: clearedAt of overheat: expected 10s, was not yet
          schemas/Mixer.yaml:27:81: after 1m40s: half: expected 41.0 degC, was 41.45 degC

        Mixer: nothing is known in the beginning
          schemas/Mixer.yaml:30:40: after 0s: temperature: expected 3.0 degC, was unknown

        0 passed, 3 failed
    "#]]
    .assert_eq(&tell(&attempts, &sources));
}

#[test]
fn a_test_that_cannot_be_read_is_said_at_its_place() {
    let text = TESTS
        .replace("{at: 10s, temperature: 99}", "{at: 10s, temprature: 99}")
        .replace("{at: 40s, temperature: 80}", "{at: 4s, temperature: 80 kW}")
        .replace("overheat: PENDING, empty: NORMAL", "overheat: PENDNG, empty: NORMAL, severity: MAJOR")
        .replace("given: {ratedVolume: 800 L}", "given: {temperature: 3}")
        .replace("raised: 0", "raises: 0");
    let mut sources = Sources::new();
    sources.add("schemas/Mixer.yaml", text.as_bytes());
    sources.add("twins/mixer.yaml", b"twins: [{id: mixer-1, type: Mixer}]");
    let (_, problems) = catalog::load(&sources);
    expect![[r#"
        error[E505]: `given` gives values to properties of Mixer, and `temperature` is none
           ╭▸ schemas/Mixer.yaml:12:13
           │
        12 │     given: {temperature: 3}
           ╰╴            ━━━━━━━━━━━

        error[E204]: unknown key `temprature` in a step of a test
           ╭▸ schemas/Mixer.yaml:15:19
           │
        15 │       - {at: 10s, temprature: 99}
           │                   ━━━━━━━━━━ did you mean `temperature`?
           │
           ╰ keys here: half, level, ratedVolume, temperature, at, values, event, data, acknowledge, clear, reset, shelve, for, unshelve, expect; see `pollux explain E204`

        error[E727]: the steps of test `a short spike is no alarm` go back in time here
           ╭▸ schemas/Mixer.yaml:16:9
           │
        16 │       - {at: 4s, temperature: 80 kW}
           │         ━━━━━━━━━━━━━━━━━━━━━━━━━━━━
           │
           ╰ order them by `at`

        error[E506]: `temperature` does not fit: kW does not convert to degC
           ╭▸ schemas/Mixer.yaml:16:31
           │
        16 │       - {at: 4s, temperature: 80 kW}
           ╰╴                              ━━━━━

        error[E204]: unknown key `raises` in `expect`
           ╭▸ schemas/Mixer.yaml:17:45
           │
        17 │       - {at: 5m, expect: {overheat: NORMAL, raises: 0, ratedVolume: 0.8 m^3}}
           │                                             ━━━━━━ did you mean `raised`?
           │
           ╰ keys here: overheat, empty, half, level, ratedVolume, temperature, condition, severity, level, acknowledged, raised, raisedAt, clearedAt, suppression, state, variables, timers, events, actions; see `pollux explain E204`

        error[E218]: rule `overheat` cannot be the text "PENDNG"
           ╭▸ schemas/Mixer.yaml:20:54
           │
        20 │       - {at: 0s, temperature: 86, expect: {overheat: PENDNG, empty: NORMAL, severity: MAJOR}}
           │                                                      ━━━━━━ did you mean `PENDING`?
           │
           ╰ possible: NORMAL, PENDING, ACTIVE, RECOVERING, NO_DATA

        error[E727]: it is not clear of which alarm `severity` is meant
           ╭▸ schemas/Mixer.yaml:20:77
           │
        20 │       - {at: 0s, temperature: 86, expect: {overheat: PENDNG, empty: NORMAL, severity: MAJOR}}
           │                                                                             ━━━━━━━━
           │
           ╰ name one rule in this `expect`, or write it below the rule: overheat: {severity: MAJOR}

        7 errors
    "#]].assert_eq(&render_text(&sources, &problems, false));
}
