//! `pollux backtest` and `pollux test` on files: recordings, the journal of a workspace, and how the commands end.

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use pollux::alarm::{Change, What};
use pollux::app::workspace;
use pollux::catalog::{self, Catalog};
use pollux::cli::{backtest, test};
use pollux::journal::{Config, Group as Committed, open, record};
use pollux::reading::{Group, Quality, Reading, Reason, Revision, Seq, Timestamp, TwinId, TwinNo, Value};
use pollux::rule;
use pollux::twin::{Description, Edit, Entry, Event, Fact, Input, Received, State, Twin, step};
use serde_json::Value as Json;

const OVEN: &str = "type: Oven
properties: {limit: {type: double, unit: degC, default: 100}}
telemetry: {temperature: {type: double, unit: degC}}
rules:
  - {id: hot, params: {hi: limit}, when: \"temperature > params.hi\", onDelay: 1m, severity: MAJOR}
tests:
  - name: it waits for a minute
    given: {limit: 50 degC}
    steps:
      - {at: 0s, temperature: 60}
      - {at: 59s, expect: {hot: PENDING}}
      - {at: 60s, expect: {hot: ACTIVE, raisedAt: 1m}}
  - name: it knows its limit
    steps:
      - {at: 0s, temperature: 60}
      - {at: 2m, expect: {hot: NORMAL}}
";
const TWINS: &str = "twins: [{id: oven-1, type: Oven}]\n";
const DATA: &str = "when,T\n2026-01-01 10:00:00,120\n2026-01-01 10:02:00,105\n2026-01-01 10:03:00,80\n2026-01-01 10:04:00,x\n";

#[derive(Debug, Parser)]
struct Command {
    #[command(flatten)]
    args: backtest::BacktestArgs,
}

fn plant() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    write(dir.path(), "schemas/Oven.yaml", OVEN);
    write(dir.path(), "twins/ovens.yaml", TWINS);
    write(dir.path(), "data.csv", DATA);
    dir
}

fn write(dir: &Path, path: &str, text: &str) {
    let path = dir.join(path);
    fs::create_dir_all(path.parent().expect("a folder")).expect("it can be made");
    fs::write(path, text).expect("it can be written");
}

/// How it ended, what it said, and what it complained of. `{dir}` is the folder of the workspace.
fn backtest(dir: &Path, words: &[&str]) -> (ExitCode, String, String) {
    let folder = dir.to_str().expect("text");
    let words = words.iter().map(|word| word.replace("{dir}", folder));
    let given = ["backtest", "--workspace", folder].map(str::to_owned).into_iter().chain(words);
    let command = Command::try_parse_from(given).expect("the arguments are good");
    let (mut out, mut complaints) = (Vec::new(), Vec::new());
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    match backtest::run(&command.args, &mut out, &mut complaints) {
        Ok(code) => (code, text(out), text(complaints)),
        Err(error) => (ExitCode::from(2), text(out), format!("{error:#}")),
    }
}

#[track_caller]
fn ended(code: ExitCode, expected: ExitCode) {
    assert_eq!(format!("{code:?}"), format!("{expected:?}"));
}

const CSV: [&str; 8] = ["--data", "{dir}/data.csv", "--twin", "oven-1", "--time", "when", "--map", "T=temperature"];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    CSV.iter().chain(more).copied().collect()
}

#[test]
fn a_recording_says_what_a_rule_would_have_raised() {
    let dir = plant();
    let (code, text, complaints) = backtest(dir.path(), &CSV);
    ended(code, ExitCode::SUCCESS);
    assert!(text.contains("oven-1 Oven.hot/1 MAJOR 2026-01-01T10:01:00Z → 2026-01-01T10:03:00Z: hot"), "{text}");
    assert!(text.contains("data.csv:5: `T`: expected a number, got \"x\""), "{text}");
    assert!(complaints.contains("per second") && !text.contains("per second"), "{complaints}");
    let (_, text, _) = backtest(dir.path(), &with(&["--from", "2026-01-01 10:02:00", "--run-on", "1h", "--format", "json"]));
    let report: Json = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&report["readings"]["new"], &report["rules"][0]["raises"]), (&2.into(), &0.into()), "{text}");
    assert_eq!(report["to"], "2026-01-01T11:03:00Z");
    assert_eq!(report["rules"][0]["avoided"], 1);
}

#[test]
fn another_rule_is_compared_with_the_one_that_stands() {
    let dir = plant();
    let lower = with(&["--set", "hi=110 degC", "--against", "current", "--fail-on-diff", "--format", "json"]);
    let (code, text, _) = backtest(dir.path(), &lower);
    ended(code, ExitCode::FAILURE);
    let report: Json = serde_json::from_str(&text).expect("JSON");
    let difference = &report["differences"][0];
    assert_eq!((&difference["difference"], &difference["clearedAt"]), (&"moved".into(), &"2026-01-01T10:02:00Z".into()), "{text}");
    assert_eq!(difference["was"]["clearedAt"], "2026-01-01T10:03:00Z");
    assert_eq!(difference["explain"]["values"][0]["value"], 120.0);
    let (code, text, _) = backtest(dir.path(), &with(&["--set", "Oven.hot.severity=MINOR", "--against", "current", "--fail-on-diff"]));
    ended(code, ExitCode::SUCCESS);
    assert!(text.contains("no difference"), "{text}");
    write(dir.path(), "cold.yaml", "type: Oven\nrules: [{id: cold, when: \"temperature < 90\"}]\n");
    let (code, text, _) = backtest(dir.path(), &with(&["--rule", "{dir}/cold.yaml", "--against", "current", "--fail-on-diff"]));
    ended(code, ExitCode::FAILURE);
    assert!(
        text.contains("+ oven-1 Oven.cold/1 WARNING 2026-01-01T10:03:00Z → still active: cold") && !text.contains("Oven.hot"),
        "{text}"
    );
    write(dir.path(), "cold.yaml", "type: Oven\nrules: [{id: cold, when: \"temprature < 90\"}]\n");
    let (code, _, complaints) = backtest(dir.path(), &with(&["--rule", "{dir}/cold.yaml"]));
    ended(code, ExitCode::FAILURE);
    assert!(complaints.contains("E702") && complaints.contains("cold.yaml:2:"), "{complaints}");
}

#[test]
fn what_cannot_be_done_says_what_to_do() {
    let dir = plant();
    let complaint = |words: &[&str]| {
        let (code, out, complaints) = backtest(dir.path(), words);
        assert_eq!((format!("{code:?}"), out), (format!("{:?}", ExitCode::from(2)), String::new()), "{complaints}");
        complaints
    };
    let cases: [(&[&str], &str); 7] = [
        (&with(&["--rule", "Oven.hott"]), "Oven has no rule `hott`; did you mean `hot`?"),
        (&with(&["--rule", "nowhere.yaml"]), "`nowhere.yaml` is neither a file nor a rule"),
        (&with(&["--against", "current"]), "there is nothing to compare"),
        (&with(&["--under", "oven-2"]), "no twin `oven-2`; did you mean `oven-1`?"),
        (&["--data", "{dir}/data.csv"], "name the twin that it is about with --twin ID"),
        (&["--data", "{dir}/data.xls", "--twin", "oven-1"], "its kind is not known"),
        (&[], "give a recording with --data FILE"),
    ];
    for (words, expected) in cases {
        let said = complaint(words);
        assert!(said.contains(expected), "{words:?}: {said}");
    }
}

#[test]
fn tests_of_types_pass_or_fail_as_a_whole() {
    let dir = plant();
    let run = |filter: Option<&str>| {
        let args = test::TestArgs { filter: filter.map(str::to_owned), workspace: dir.path().to_owned() };
        let mut out = Vec::new();
        let code = test::run(&args, &mut out).expect("it can be run");
        (code, String::from_utf8(out).expect("text"))
    };
    let (code, text) = run(None);
    ended(code, ExitCode::SUCCESS);
    assert_eq!(text, "test Oven: it waits for a minute ... ok\ntest Oven: it knows its limit ... ok\n\n2 passed, 0 failed\n");
    write(dir.path(), "schemas/Oven.yaml", &OVEN.replace("onDelay: 1m", "onDelay: 2m"));
    let (code, text) = run(Some("minute"));
    ended(code, ExitCode::FAILURE);
    assert!(text.contains("schemas/Oven.yaml:12:33: after 1m: hot: expected ACTIVE, was PENDING"), "{text}");
    ended(run(Some("its limit")).0, ExitCode::SUCCESS);
    let (code, text) = run(Some("limitt"));
    ended(code, ExitCode::FAILURE);
    assert_eq!(text, "none of the 2 tests has `limitt` in its type or name\n");
}

/// What the types of the demo plant say of themselves is true.
#[test]
fn the_demo_keeps_what_its_tests_promise() {
    let args = test::TestArgs { filter: None, workspace: Path::new(env!("CARGO_MANIFEST_DIR")).to_owned() };
    let mut out = Vec::new();
    let code = test::run(&args, &mut out).expect("it can be run");
    let text = String::from_utf8(out).expect("text");
    assert!(text.contains("test Mixer: a short spike is no alarm ... ok"), "{text}");
    assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS), "{text}");
}

/// A twin as its actor runs it, with what the journal is told.
struct Live {
    twin: Twin,
    entries: Vec<Vec<u8>>,
    raised: Vec<String>,
}

impl Live {
    fn new(catalog: &Catalog, no: u32, id: &str, at: Timestamp) -> Live {
        let layout = catalog.layout("Oven").expect("the type").clone();
        let twin = Twin::new(State::new(TwinNo(no), TwinId::parse(id).expect("an id"), layout, at));
        let mut live = Live { twin, entries: Vec::new(), raised: Vec::new() };
        let (state, created) = (live.twin.state.clone(), at);
        let fact = Fact::Created { no: state.no, id: state.id.clone(), layout: state.layout.fingerprint };
        live.write(&Entry { at: created, facts: vec![fact] });
        let description =
            Description { name: Arc::from(id), external_ids: Box::default(), properties: Vec::new(), rules: Vec::new(), applied: 1 };
        live.take(&Input::Described(description), at);
        live
    }

    fn write(&mut self, entry: &Entry) {
        let mut bytes = Vec::new();
        record::encode(entry, &mut bytes);
        self.entries.push(bytes);
    }

    fn take(&mut self, input: &Input, at: Timestamp) {
        let before: Revision = self.twin.state.revision;
        let events = step(&mut self.twin, input, at).events;
        for event in &events {
            if let Event::Watched { fact, .. } = event
                && let rule::Fact::Alarm(Change { what: What::Raised { .. }, at, .. }) = fact.as_ref()
            {
                self.raised.push(at.to_string());
            }
        }
        if !events.is_empty() {
            self.write(&Entry { at, facts: vec![Fact::Happened { no: self.twin.state.no, before, events }] });
        }
    }

    /// Seconds of an hour: when it happened, and when it came in.
    fn read(&mut self, time: i64, received: i64, value: f64) {
        let slot = self.twin.state.layout.slot_by_path("temperature").expect("the member");
        let reading = Reading { slot, value: Value::Double(value), quality: Quality::Good, reason: Reason::None };
        let group = Group { time: Some(seconds(time)), readings: vec![reading] };
        let received = Received { at: seconds(received), future_tolerance: Duration::from_secs(300), started: pollux::twin::NEVER_AWAY };
        self.take(&Input::Woken { started: pollux::twin::NEVER_AWAY }, received.at);
        self.take(&Input::Readings { group, received }, received.at);
    }

    fn set(&mut self, at: i64, value: f64) {
        let slot = self.twin.state.layout.slot_by_path("limit").expect("the member");
        self.take(&Input::Edited(Edit { set: vec![(slot, Some(Value::Double(value)))], ..Edit::default() }), seconds(at));
    }
}

fn seconds(of: i64) -> Timestamp {
    Timestamp(1_767_225_600_000_000 + of * 1_000_000)
}

/// What the journal says came in raises what was raised then: for a twin that no file knows as well, with settings that were changed since,
/// late readings and a wrong clock.
#[test]
fn the_journal_of_a_workspace_is_a_recording() {
    let dir = plant();
    let (catalog, _) = catalog::load(&workspace::read(dir.path()).expect("a workspace"));
    let mut one = Live::new(&catalog, 1, "oven-1", seconds(0));
    one.set(10, 90.0);
    for (time, received, value) in [(20, 21, 95.0), (50, 51, 96.0), (40, 52, 10.0), (90, 91, 97.0), (100, 101, 80.0), (5000, 110, 85.0)] {
        one.read(time, received, value);
    }
    one.set(120, 70.0);
    one.read(121, 122, 85.0);
    one.read(200, 201, 60.0);
    let mut two = Live::new(&catalog, 2, "oven-9", seconds(210));
    two.read(220, 221, 120.0);
    two.read(290, 291, 90.0);
    assert_eq!((one.raised.len(), two.raised.len()), (2, 1));

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a thread");
    runtime.block_on(async {
        let config = Config { segment_bytes: 1 << 20, ..Config::new(dir.path().join("data/journal")) };
        let writer = open(config, Seq(0), &mut |_, _| Ok(())).expect("it opens").start(|_: Committed<()>| {}).expect("it starts");
        for entry in one.entries.iter().chain(&two.entries) {
            writer.append(|bytes| bytes.extend_from_slice(entry), ()).await.expect("it is taken");
        }
        writer.durable().await.expect("it is on disk");
        writer.close().expect("it ends in good order");
    });
    let (code, text, complaints) = backtest(dir.path(), &["--format", "json"]);
    ended(code, ExitCode::SUCCESS);
    let report: Json = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}{complaints}"));
    let of = |twin: &str| -> Vec<String> {
        let all = report["occurrences"].as_array().expect("a list").iter();
        all.filter(|one| one["twin"] == *twin).map(|one| one["raisedAt"].as_str().expect("a time").to_owned()).collect()
    };
    assert_eq!((of("oven-1"), of("oven-9")), (one.raised, two.raised), "{text}");
    assert_eq!(report["readings"]["outOfOrder"], 1, "{text}");
    let (_, text, _) = backtest(dir.path(), &["--format", "json", "--twins", "oven-9", "--from", "2026-01-01T00:03:30Z"]);
    let report: Json = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&report["readings"]["new"], report["occurrences"].as_array().map(Vec::len)), (&2.into(), Some(1)), "{text}");
}
