//! The published samples, unedited, with exactly what is to be said about each.
//!
//! The data are not part of the project: `POLLUX_TEST_DATA` names a folder with them.

#![expect(clippy::disallowed_methods, reason = "the folder of the data is a matter of the machine that runs the tests")]

use std::path::PathBuf;

use expect_test::{Expect, expect};
use serde_json::Value as Json;

use super::{findings, lines};
use crate::iotevents::finding::analysis_results;

fn folder() -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("POLLUX_TEST_DATA").map(PathBuf::from) else {
        eprintln!("SKIPPED: POLLUX_TEST_DATA names no folder, so the samples were not looked at");
        return None;
    };
    let folders = [folder.join("seeds/iotevents"), folder.join("../seeds/iotevents")];
    let found = folders.iter().find(|folder| folder.join("golden_traces.json").is_file()).cloned();
    if found.is_none() {
        eprintln!("SKIPPED: there are no samples in {}", folder.display());
    }
    found
}

fn check(files: &[&str], expected: &Expect) {
    let Some(folder) = folder() else { return };
    let texts: Vec<(&str, String)> = files.iter().map(|file| (*file, std::fs::read_to_string(folder.join(file)).unwrap())).collect();
    let texts: Vec<(&str, &str)> = texts.iter().map(|(file, text)| (*file, text.as_str())).collect();
    expected.assert_eq(&lines(&findings(&texts)));
}

/// As AWS's own analysis answered.
#[test]
fn the_analysis_sample_gives_its_published_result() {
    let Some(folder) = folder() else { return };
    let text = std::fs::read_to_string(folder.join("analysis/detectorModel.json")).unwrap();
    let result: Json = serde_json::from_str(&std::fs::read_to_string(folder.join("analysis/analysisResults.json")).unwrap()).unwrap();
    assert_eq!(analysis_results(&findings(&[("detectorModel.json", &text)])), result);
}

#[test]
fn the_predictive_maintenance_sample() {
    check(
        &["iml/AWS_IoTEvents_ImlDetectorModel.json", "iml/messages.json"],
        &expect![[r#"
        WARNING structure iml/AWS_IoTEvents_ImlDetectorModel.json detectorModel.detectorModelDefinition.states[0].onInput.transitionEvents[0]: An input attribute is being read, but this may be caused by a timer expiration: add triggerType("Message") && to the condition if only a message is meant
        WARNING structure iml/AWS_IoTEvents_ImlDetectorModel.json detectorModel.detectorModelDefinition.states[1].onInput.transitionEvents[0]: An input attribute is being read, but this may be caused by a timer expiration: add triggerType("Message") && to the condition if only a message is meant
        WARNING structure iml/AWS_IoTEvents_ImlDetectorModel.json detectorModel.detectorModelDefinition.states[3].onInput.transitionEvents[0]: An input attribute is being read, but this may be caused by a timer expiration: add triggerType("Message") && to the condition if only a message is meant
        WARNING structure iml/AWS_IoTEvents_ImlDetectorModel.json detectorModel.detectorModelDefinition.states[4].onInput.events[1]: An input attribute is being read, but this may be caused by a timer expiration: add triggerType("Message") && to the condition if only a message is meant
        WARNING structure iml/AWS_IoTEvents_ImlDetectorModel.json detectorModel.detectorModelDefinition.states[4].onInput.events[2]: An input attribute is being read, but this may be caused by a timer expiration: add triggerType("Message") && to the condition if only a message is meant
        WARNING structure iml/AWS_IoTEvents_ImlDetectorModel.json detectorModel.detectorModelDefinition.states[4].onInput.transitionEvents[0]: An input attribute is being read, but this may be caused by a timer expiration: add triggerType("Message") && to the condition if only a message is meant
        WARNING structure iml/AWS_IoTEvents_ImlDetectorModel.json detectorModel.detectorModelDefinition.states[4].onInput.transitionEvents[2]: An input attribute is being read, but this may be caused by a timer expiration: add triggerType("Message") && to the condition if only a message is meant
        WARNING structure iml/AWS_IoTEvents_ImlDetectorModel.json detectorModel.detectorModelDefinition.states[5].onInput.transitionEvents[0]: An input attribute is being read, but this may be caused by a timer expiration: add triggerType("Message") && to the condition if only a message is meant
        INFO data-type iml/AWS_IoTEvents_ImlDetectorModel.json: Inferred data types [Integer] for $variable.high_temperature_timer_state
        INFO data-type iml/AWS_IoTEvents_ImlDetectorModel.json: Inferred data types [Integer] for $variable.operation_minutes
        WARNING look-alike-name iml/AWS_IoTEvents_ImlDetectorModel.json detectorModel.detectorModelDefinition.states[4].onInput.events[1]: IoTImlPumpData has `FT01`, and messages (as_published_by_simulator) say `FTO1`: what reads it stays silent
        WARNING look-alike-name iml/AWS_IoTEvents_ImlDetectorModel.json detectorModel.detectorModelDefinition: IoTImlPumpData has `PT01`, and messages (as_published_by_simulator) say `PTO1`: nothing reads it
        WARNING cleared-timer iml/AWS_IoTEvents_ImlDetectorModel.json detectorModel.detectorModelDefinition.states[4].onInput.events[2].actions[0]: resetTimer of `motortemperatureHigh`, which may have been cleared before: it then does nothing, and the timer never runs out; setTimer is meant?
        WARNING sticky-input iml/AWS_IoTEvents_ImlDetectorModel.json detectorModel.detectorModelDefinition.states[1].onInput.transitionEvents[0]: `service_complete` is taken on what IoTImlPumpAction said last, and the way back to `high_temperature` needs no new message of IoTImlPumpAction: the old value takes it again. Ask for currentInput("IoTImlPumpAction"), or send a value that is over
        WARNING sticky-input iml/AWS_IoTEvents_ImlDetectorModel.json detectorModel.detectorModelDefinition.states[3].onInput.transitionEvents[0]: `service_complete` is taken on what IoTImlPumpAction said last, and the way back to `scheduled_service` needs no new message of IoTImlPumpAction: the old value takes it again. Ask for currentInput("IoTImlPumpAction"), or send a value that is over
        WARNING sticky-input iml/AWS_IoTEvents_ImlDetectorModel.json detectorModel.detectorModelDefinition.states[4].onInput.transitionEvents[2]: `failure_predicted` is taken on what IoTImlPumpInference said last, and the way back to `motor_on` needs no new message of IoTImlPumpInference: the old value takes it again. Ask for currentInput("IoTImlPumpInference"), or send a value that is over
        WARNING sticky-input iml/AWS_IoTEvents_ImlDetectorModel.json detectorModel.detectorModelDefinition.states[5].onInput.transitionEvents[0]: `service_complete` is taken on what IoTImlPumpAction said last, and the way back to `likely_failure_24hrs` needs no new message of IoTImlPumpAction: the old value takes it again. Ask for currentInput("IoTImlPumpAction"), or send a value that is over
    "#]],
    );
}

#[test]
fn the_motor() {
    check(
        &[
            "motor/motorDetectorModel.json",
            "motor/PressureInput.json",
            "motor/highPressureMessage.json",
            "motor/normalPressureMessage.json",
        ],
        &expect![[r#"
        INFO data-type motor/motorDetectorModel.json: Inferred data types [Integer] for $variable.pressureThresholdBreached
    "#]],
    );
}

#[test]
fn the_crane() {
    check(
        &["crane/craneDetectorModel.json", "crane/TemperatureInput.json", "crane/highTemperatureMessage.json"],
        &expect![[r#"
        INFO data-type crane/craneDetectorModel.json: Inferred data types [Integer] for $variable.craneThresholdBreached
        WARNING undeclared-attribute crane/craneDetectorModel.json key: the key `craneid` is not among the attributes that TemperatureInput declares
    "#]],
    );
}

#[test]
fn the_heartbeat() {
    check(
        &["heartbeat/heartbeatDetectorModel.json"],
        &expect![[r#"
        ERROR referenced-resource heartbeat/heartbeatDetectorModel.json detectorModelDefinition.states[0].onInput.transitionEvents[0]: Detector Model Definition contains reference to Input 'AWS_IoTEvents_Blueprints_Heartbeat_Input' that does not exist.
        WARNING cleared-timer heartbeat/heartbeatDetectorModel.json detectorModelDefinition.states[1].onInput.events[0].actions[0]: resetTimer of `awake`, which may never have been set before: it then does nothing, and the timer never runs out; setTimer is meant?
    "#]],
    );
}
