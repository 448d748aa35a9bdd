//! The golden traces on twins: definitions as published, unedited, imported and run; also with a restart after every step, in the middle of running
//! timers.
//!
//! The data are not part of the project: `POLLUX_TEST_DATA` names a folder with them.

#![expect(clippy::disallowed_methods, reason = "the folder of the data is a matter of the machine that runs the tests")]

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value as Json, json};

use crate::catalog::load::RESERVED_TYPES;
use crate::iotevents::workspace::{Source, import_beside};
use crate::rule::detector::Fact as DetectorFact;
use crate::rule::{Ask, Fact};
use crate::twin::{Event, Input};

use super::{SECOND, World, at, catalog};

fn reserved() -> BTreeSet<String> {
    RESERVED_TYPES.iter().map(|name| (*name).to_owned()).collect()
}

/// A model on a twin, from the workspace that an import writes.
fn world(definition: &str) -> (World, String) {
    let made = import_beside(&[Source { name: "model.json", text: definition }], &reserved());
    let files: Vec<(&str, &str)> = made.files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let catalog = catalog(&files);
    let layout = catalog.types.iter().find(|layout| !layout.logic.rules.is_empty()).unwrap().clone();
    let rule = layout.logic.rules[0].rule.id.to_string();
    (World::new(layout), rule)
}

/// What a step brought, of what can be seen from outside of the machine.
#[derive(Debug, PartialEq)]
struct Told {
    /// When, to what sink, from which state.
    emitted: Vec<Json>,
    /// Into which state, when.
    entered: Vec<Json>,
    diagnostics: usize,
    state: Json,
    variables: Json,
    timers: Json,
}

fn expected(step: &Json, has_begun: bool, initial: &str) -> Told {
    let list = |key: &str| step[key].as_array().cloned().unwrap_or_default();
    let begun = (!has_begun).then(|| json!([step["t"], initial]));
    let entered = begun.into_iter().chain(list("transitions").into_iter().map(|transition| json!([transition[0], transition[3]])));
    Told {
        emitted: list("emitted"),
        entered: entered.collect(),
        diagnostics: list("diagnostics").len(),
        state: step["state"].clone(),
        variables: step["variables"].clone(),
        timers: step["timers"].clone(),
    }
}

/// Timers are served as the twin asks to be woken, or, where it sleeps through them, before the message.
fn take(world: &mut World, step: &Json, key: Option<&str>, sleeps: bool) {
    let seconds = step["t"].as_i64().unwrap();
    if !sleeps || step["input"].is_null() {
        world.pass_until(seconds);
    }
    if let Some(input) = step["input"].as_str() {
        let mut payload = step["payload"].clone();
        // Some traces leave the key away: it is what picks the twin.
        if let (Some(key), Json::Object(fields)) = (key, &mut payload) {
            fields.entry(key).or_insert_with(|| json!("pump-1"));
        }
        world.hear(seconds, &[(input, payload)]);
    }
}

fn told(world: &World, rule: &str, from: usize) -> Told {
    let layout = world.twin.state.layout.0.clone();
    let spec = layout.rule(rule).unwrap();
    let names = &spec.detector.as_ref().unwrap().names;
    let (mut emitted, mut entered, mut diagnostics, mut now) = (Vec::new(), Vec::new(), 0, at(0));
    for (_, event) in &world.all[from..] {
        if let Event::Watched { fact, .. } = event {
            if let Fact::Detector(DetectorFact::Ran { at }) = &**fact {
                now = *at;
            }
            if let Fact::Detector(DetectorFact::Entered { state }) = &**fact {
                entered.push(json!([now.0 / SECOND, names.states[usize::from(*state)].as_str()]));
            }
        }
        if let Event::Asked(request) = event {
            let Ask::Publish { topic, payload: Some(payload), .. } = &request.ask else { panic!("{request:?}") };
            let mut levels = topic.strip_prefix("pollux/sinks/").unwrap_or(topic).splitn(2, '/');
            let (kind, target) = (levels.next().unwrap(), levels.next().unwrap_or_default());
            emitted.push(json!([now.0 / SECOND, kind, target, payload["payload"]["state"]["stateName"]]));
        }
        diagnostics += usize::from(matches!(event, Event::Troubled(trouble) if trouble.code == "RULE_ERROR"));
    }
    let shown = spec.shown(world.twin.state.watches.get(rule).detector.as_deref()).unwrap();
    let timers = shown.timers.iter().map(|(name, due)| (name.to_string(), json!(due.0 / SECOND)));
    Told {
        emitted,
        entered,
        diagnostics,
        state: json!(shown.state.as_str()),
        variables: Json::Object(shown.variables),
        timers: Json::Object(timers.collect()),
    }
}

fn replay(definition: &str, trace: &Json, restarts: bool, sleeps: bool) {
    let (mut world, rule) = world(definition);
    world.restarts = restarts;
    let model: Json = serde_json::from_str(definition).unwrap();
    let model = model.get("detectorModel").unwrap_or(&model);
    let key = model["detectorModelConfiguration"]["key"].as_str().or(model["key"].as_str());
    let initial = model["detectorModelDefinition"]["initialStateName"].as_str().unwrap();
    for (index, step) in trace["steps"].as_array().unwrap().iter().enumerate() {
        let from = world.all.len();
        take(&mut world, step, key, sleeps);
        let context = format!("{}, step {index} (restarts: {restarts}, sleeps: {sleeps}): {step}", trace["name"]);
        assert_eq!(told(&world, &rule, from), expected(step, index > 0, initial), "{context}");
        // Whatever was sent has arrived.
        let keys: Vec<_> = world.twin.state.asked.iter().map(|pending| pending.request.key.clone()).collect();
        for key in keys {
            let now = world.all.last().unwrap().0;
            world.take(now, &Input::Ended { key, ending: crate::twin::Ending::Done });
        }
    }
}

fn folder() -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("POLLUX_TEST_DATA").map(PathBuf::from) else {
        eprintln!("SKIPPED: POLLUX_TEST_DATA names no folder, so the golden traces were not looked at");
        return None;
    };
    let mut folders = [folder.join("seeds/iotevents"), folder.join("../seeds/iotevents")].into_iter();
    let found = folders.find(|folder| folder.join("golden_traces.json").is_file());
    if found.is_none() {
        eprintln!("SKIPPED: there is no golden_traces.json in {}", folder.display());
    }
    found
}

/// Imported together they are one workspace, without a word of the loader against it.
#[test]
fn all_samples_together() {
    let Some(folder) = folder() else { return };
    let names = [
        "motor/motorDetectorModel",
        "motor/PressureInput",
        "crane/craneDetectorModel",
        "crane/TemperatureInput",
        "heartbeat/heartbeatDetectorModel",
        "iml/AWS_IoTEvents_ImlDetectorModel",
        "iml/messages",
    ];
    let texts = names.map(|name| (format!("{name}.json"), std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap()));
    let sources: Vec<Source<'_>> = texts.iter().map(|(name, text)| Source { name, text }).collect();
    let made = import_beside(&sources, &reserved());
    let files: Vec<(&str, &str)> = made.files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let catalog = catalog(&files);
    assert_eq!((catalog.types.iter().map(|layout| layout.logic.detectors.len()).sum::<usize>(), catalog.bindings.len()), (4, 6));
}

#[test]
fn golden_traces() {
    let Some(folder) = folder() else { return };
    let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
    let traces: Json = serde_json::from_str(&read("golden_traces.json")).unwrap();
    let traces = traces["traces"].as_array().unwrap();
    assert_eq!(traces.len(), 7);
    for trace in traces {
        let definition = read(trace["definition"].as_str().unwrap());
        for (restarts, sleeps) in [(false, false), (true, false), (true, true)] {
            replay(&definition, trace, restarts, sleeps);
        }
    }
}
