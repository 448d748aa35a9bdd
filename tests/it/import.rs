//! `pollux import iot-events` on files: what it writes, what it refuses, and how it ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use pollux::catalog;
use pollux::cli::import::{Format, From, ImportArgs, IotEventsArgs, run};
use pollux::source::{Sources, render_text};

const MOTOR: &str = r#"{"detectorModelName": "motor", "key": "id", "detectorModelDefinition": {"initialStateName": "on", "states": [
  {"stateName": "on", "onInput": {"events": [
    {"eventName": "tell", "condition": "$input.Pressure.v > 70", "actions": [{"sns": {"targetArn": "arn:aws:sns:eu:1:ops"}}]}]}}]}}"#;

fn import(dir: &Path, files: &[PathBuf], lint: Option<Format>) -> (String, String) {
    let (format, lint) = (lint.unwrap_or(Format::Text), lint.is_some());
    let args = IotEventsArgs { files: files.to_vec(), workspace: dir.to_owned(), lint, format };
    let mut out = Vec::new();
    let code = run(&ImportArgs { from: From::IotEvents(args) }, &mut out).expect("it ends");
    let names = [(ExitCode::SUCCESS, "0"), (ExitCode::FAILURE, "1"), (ExitCode::from(2), "2")];
    let code = names.iter().find(|(known, _)| format!("{known:?}") == format!("{code:?}")).expect("one of three").1;
    (code.to_owned(), String::from_utf8(out).expect("text"))
}

fn written(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for folder in ["schemas", "twins", "detectors"] {
        let entries = fs::read_dir(dir.join(folder)).into_iter().flatten();
        found.extend(entries.map(|entry| format!("{folder}/{}", entry.expect("an entry").file_name().to_string_lossy())));
    }
    found.sort();
    found
}

fn loads(dir: &Path) -> usize {
    let mut sources = Sources::new();
    for path in written(dir) {
        sources.add(path.clone(), &fs::read(dir.join(&path)).expect("a file"));
    }
    let (catalog, problems) = catalog::load(&sources);
    assert!(!problems.has_errors(), "{}", render_text(&sources, &problems, false));
    catalog.types.iter().map(|layout| layout.logic.detectors.len()).sum()
}

#[test]
fn models_become_a_workspace_and_the_same_again_is_nothing_new() {
    let folder = tempfile::tempdir().expect("a folder");
    let (model, dir) = (folder.path().join("motor.json"), folder.path().join("plant"));
    fs::write(&model, MOTOR).expect("written");
    let (code, out) = import(&dir, std::slice::from_ref(&model), None);
    assert_eq!(code, "0", "{out}");
    assert_eq!(written(&dir), ["detectors/motor.json", "schemas/Motor.yaml", "twins/iotevents.yaml"]);
    assert_eq!(fs::read_to_string(dir.join("detectors/motor.json")).expect("a file"), MOTOR, "unedited");
    assert_eq!(loads(&dir), 1);
    let (code, out) = import(&dir, std::slice::from_ref(&model), None);
    assert_eq!((code.as_str(), out.contains("wrote")), ("0", false), "{out}");
    fs::write(&model, MOTOR.replace("70", "80")).expect("written");
    let (code, out) = import(&dir, std::slice::from_ref(&model), None);
    assert!(code == "2" && out.contains("detectors/motor.json is there already and says something else"), "{out}");
    assert_eq!(fs::read_to_string(dir.join("detectors/motor.json")).expect("a file"), MOTOR, "as it was");
}

#[test]
fn types_of_the_workspace_and_of_the_api_keep_their_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().join("plant");
    fs::create_dir_all(dir.join("schemas")).expect("a folder");
    fs::write(dir.join("schemas/Motor.yaml"), "type: Motor\nkind: ASSET\ntelemetry: {speed: double}\n").expect("written");
    let models = ["motor", "alarm"].map(|name| {
        let path = folder.path().join(format!("{name}.json"));
        let text = MOTOR
            .replace("\"motor\"", &format!("\"{name}\""))
            .replace("Pressure", &format!("{name}Pressure"))
            .replace("\"id\"", &format!("\"{name}id\""));
        fs::write(&path, text).expect("written");
        path
    });
    let (code, out) = import(&dir, &models, None);
    assert_eq!(code, "0", "{out}");
    assert_eq!(loads(&dir), 2);
    let types: Vec<String> = written(&dir).into_iter().filter(|path| path.starts_with("schemas")).collect();
    assert_eq!(types, ["schemas/Alarm2.yaml", "schemas/Motor.yaml", "schemas/Motor2.yaml"]);
}

#[test]
fn nothing_is_written_if_something_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let (good, bad, dir) = (folder.path().join("motor.json"), folder.path().join("bad.json"), folder.path().join("plant"));
    fs::write(&good, MOTOR).expect("written");
    fs::write(&bad, MOTOR.replace("\"motor\"", "\"bad\"").replace("> 70", "> ")).expect("written");
    let (code, out) = import(&dir, &[good.clone(), bad], None);
    assert!(code == "1" && out.contains("ERROR expression-syntax") && out.contains("nothing was written"), "{out}");
    assert_eq!(written(&dir), [""; 0]);
    let (code, out) = import(&dir, &[folder.path().join("none.json")], None);
    assert!(code == "2" && out.contains("none.json"), "{out}");
    // A workspace that would not load with it stays as it is.
    fs::create_dir_all(dir.join("twins")).expect("a folder");
    fs::write(dir.join("twins/a.yaml"), "bindings:\n  - {id: iotevents-Pressure, source: mqtt, topic: a, twin: x, map: []}\n")
        .expect("written");
    let (code, out) = import(&dir, &[good], None);
    assert!(code == "1" && out.contains("the workspace would have errors"), "{out}");
    assert_eq!(written(&dir), ["twins/a.yaml"]);
}

#[test]
fn lint_only_says_what_there_is_to_say() {
    let folder = tempfile::tempdir().expect("a folder");
    let (model, dir) = (folder.path().join("motor.json"), folder.path().join("plant"));
    fs::write(&model, MOTOR.replace("$input.Pressure.v > 70", "timeout('t')")).expect("written");
    let (code, out) = import(&dir, std::slice::from_ref(&model), Some(Format::Text));
    assert!(code == "0" && out.contains("referenced-data") && out.trim_end().ends_with("notes"), "{code} {out}");
    let (_, out) = import(&dir, &[model], Some(Format::Json));
    let json: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert!(json["analysisResults"].as_array().is_some_and(|results| !results.is_empty()), "{out}");
    assert!(!dir.exists());
}
