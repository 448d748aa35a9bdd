//! Commands that work on files, without a running program.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use pollux::app::workspace;
use pollux::catalog;
use pollux::cli::{check, explain, journal, new};
use pollux::journal::{Config, Group, open};
use pollux::reading::Seq;
use pollux::source::{codes, render_text};

#[test]
fn a_new_workspace_is_clean_and_is_not_overwritten() {
    let dir = tempfile::tempdir().expect("a folder");
    let made = dir.path().join("plant");
    let mut out = Vec::new();
    let args = new::NewArgs { dir: made.clone() };
    assert_eq!(format!("{:?}", new::run(&args, &mut out).expect("it is made")), format!("{:?}", ExitCode::SUCCESS));
    let sources = workspace::read(&made).expect("it is a workspace");
    let (catalog, diagnostics) = catalog::load(&sources);
    assert_eq!(render_text(&sources, &diagnostics, false), "");
    assert_eq!((catalog.types.len(), catalog.twins.len(), catalog.bindings.len()), (4, 4, 1));
    out.clear();
    let again = new::run(&args, &mut out).expect("it is refused");
    assert_eq!(format!("{again:?}"), format!("{:?}", ExitCode::from(2)));
    assert!(String::from_utf8_lossy(&out).contains("is not empty"));
}

#[test]
fn every_code_can_be_explained() {
    for code in codes::TABLE {
        let mut out = Vec::new();
        let args = explain::ExplainArgs { code: Some(code.id.to_lowercase()) };
        explain::run(&args, &mut out).expect("it is explained");
        assert!(String::from_utf8_lossy(&out).contains(code.title));
    }
}

/// Whatever file it is in, a problem is said at once, and what follows from it is not.
#[test]
fn check_says_all_problems_of_all_files_together() {
    let dir = tempfile::tempdir().expect("a folder");
    write(dir.path(), "schemas/Tank.yaml", "type: Tank\ntelemetry: {level: dobule m}\n");
    write(
        dir.path(),
        "twins/a.yaml",
        "bindings:\n  - {id: a, source: plnt, topic: \"a/{tag}\", twin: \"{tag}\"}\n  - {id: b, source: plant, topic: \"a/{tag}\", twin: \"{tag}\"}\n",
    );
    write(dir.path(), "pollux.toml", "[[broker]]\nname = \"plant\"\nurl = \"mqtt://10.0.0.1\"\n");
    let text = checked(dir.path(), None, ExitCode::FAILURE);
    assert_eq!(
        lines_with(&text, "error["),
        ["error[E213]: unknown value type `dobule`", "error[E609]: there is no source `plnt`: pollux.toml has no [[broker]] of that name"],
        "{text}"
    );
    assert!(text.contains("did you mean `plant`?"), "{text}");
    write(dir.path(), "pollux.toml", "[[broker]]\nname = \"plant\"\nurl = \"mqtt://10.0.0.1\"\nqos = 2\n");
    let text = checked(dir.path(), None, ExitCode::FAILURE);
    assert_eq!(lines_with(&text, "error[").len(), 2, "{text}");
    assert!(text.contains("pollux.toml:4"), "{text}");
}

#[test]
fn check_traces_a_message() {
    let dir = tempfile::tempdir().expect("a folder");
    let made = dir.path().join("plant");
    new::run(&new::NewArgs { dir: made.clone() }, &mut Vec::new()).expect("it is made");
    let payload = dir.path().join("payload");
    fs::write(&payload, r#"{"ts": 1767225600000, "T": 70.2, "Q": 1.5}"#).expect("it can be written");
    let text = checked(&made, Some(("plant/PU1/values", &payload)), ExitCode::SUCCESS);
    assert!(text.contains("flow = 90.0 L/min GOOD 2026-01-01T00:00:00Z"), "{text}");
    checked(&made, Some(("plant/PU2/values", &payload)), ExitCode::FAILURE);
}

#[test]
fn a_journal_is_cut_only_on_the_word_of_its_owner() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join("data/journal");
    let config = || Config { segment_bytes: 1 << 20, ..Config::new(&folder) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a thread");
    runtime.block_on(async {
        let writer = open(config(), Seq(0), &mut |_, _| Ok(())).expect("it opens").start(|_: Group<()>| {}).expect("it starts");
        for _ in 0..5 {
            // One group each: a cut goes between groups.
            writer.append(|bytes| bytes.extend_from_slice(b"entry"), ()).await.expect("it is taken");
            writer.durable().await.expect("it is on disk");
        }
        writer.close().expect("it ends in good order");
    });
    let cut = |yes: bool| {
        let args = journal::CutArgs { workspace: dir.path().to_owned(), after: 3, data: None, yes };
        let mut out = Vec::new();
        let code = journal::run(&journal::JournalArgs { command: journal::Command::Cut(args) }, &mut out).expect("it can be done");
        (format!("{code:?}"), String::from_utf8(out).expect("text"))
    };
    let (code, text) = cut(false);
    assert_eq!(code, format!("{:?}", ExitCode::from(2)));
    assert!(text.contains("2 entries come after it") && text.contains("--yes"), "{text}");
    let (code, text) = cut(true);
    assert_eq!(code, format!("{:?}", ExitCode::SUCCESS));
    assert!(text.contains("now ends with entry 3") && text.contains(".seg.cut"), "{text}");
    let mut entries = 0;
    let mut count = |_: Seq, _: &[u8]| {
        entries += 1;
        Ok(())
    };
    drop(open(config(), Seq(0), &mut count).expect("it opens"));
    assert_eq!(entries, 3);
}

fn write(dir: &Path, path: &str, text: &str) {
    let path = dir.join(path);
    fs::create_dir_all(path.parent().expect("a folder")).expect("it can be made");
    fs::write(path, text).expect("it can be written");
}

fn checked(dir: &Path, message: Option<(&str, &Path)>, expected: ExitCode) -> String {
    let args = check::CheckArgs {
        workspace: dir.to_owned(),
        format: check::Format::Text,
        deny_warnings: false,
        topic: message.map(|(topic, _)| topic.to_owned()),
        payload: message.map(|(_, payload)| payload.to_owned()),
        source: "mqtt".to_owned(),
    };
    let mut out = Vec::new();
    let code = check::run(&args, &mut out).expect("it can be checked");
    let text = String::from_utf8(out).expect("text");
    assert_eq!(format!("{code:?}"), format!("{expected:?}"), "{text}");
    text
}

fn lines_with<'t>(text: &'t str, start: &str) -> Vec<&'t str> {
    text.lines().filter(|line| line.starts_with(start)).collect()
}
