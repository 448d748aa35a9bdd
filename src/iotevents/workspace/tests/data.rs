//! The published samples, imported unedited. They are not part of the project: `POLLUX_TEST_DATA` names a folder with them.

#![expect(clippy::disallowed_methods, reason = "the folder of the data is a matter of the machine that runs the tests")]

use std::path::PathBuf;

use expect_test::expect;

use super::{imported, shown};

#[test]
fn the_samples() {
    let Some(folder) = std::env::var_os("POLLUX_TEST_DATA").map(PathBuf::from) else {
        eprintln!("SKIPPED: POLLUX_TEST_DATA names no folder, so the samples were not imported");
        return;
    };
    let folders = [folder.join("seeds/iotevents"), folder.join("../seeds/iotevents")];
    let Some(folder) = folders.iter().find(|folder| folder.join("golden_traces.json").is_file()) else {
        eprintln!("SKIPPED: there are no samples in {}", folder.display());
        return;
    };
    let files = [
        "iml/AWS_IoTEvents_ImlDetectorModel.json",
        "iml/messages.json",
        "motor/motorDetectorModel.json",
        "motor/PressureInput.json",
        "crane/craneDetectorModel.json",
        "crane/TemperatureInput.json",
        "heartbeat/heartbeatDetectorModel.json",
    ];
    let texts: Vec<(&str, String)> = files.iter().map(|file| (*file, std::fs::read_to_string(folder.join(file)).unwrap())).collect();
    let texts: Vec<(&str, &str)> = texts.iter().map(|(file, text)| (*file, text.as_str())).collect();
    let imported = imported(&texts);
    let made: String = shown(&imported).lines().filter(|line| !line.starts_with("WARNING")).map(|line| format!("{line}\n")).collect();
    expect![[r#"
        === detectors/AWS_IoTEvents_ImlDetectorModel.json
        === detectors/craneDetectorModel.json
        === detectors/heartbeatDetectorModel.json
        === detectors/inputs/PressureInput.json
        === detectors/inputs/TemperatureInput.json
        === detectors/motorDetectorModel.json
        === schemas/CraneDetectorModel.yaml
        # Made by `pollux import iot-events`. The models it names run as they were exported.
        type: CraneDetectorModel
        kind: DEVICE
        title: craneDetectorModel
        telemetry:
          TemperatureInput: {type: json, description: temperature}
        rules:
          - {id: craneDetectorModel, detector: detectors/craneDetectorModel.json}
        === schemas/HeartbeatDetectorModel.yaml
        # Made by `pollux import iot-events`. The models it names run as they were exported.
        type: HeartbeatDetectorModel
        kind: DEVICE
        title: heartbeatDetectorModel
        telemetry:
          AWS_IoTEvents_Blueprints_Heartbeat_Input: {type: json}
        rules:
          - {id: heartbeatDetectorModel, detector: detectors/heartbeatDetectorModel.json}
        === schemas/IoTImlDetectorModel.yaml
        # Made by `pollux import iot-events`. The models it names run as they were exported.
        type: IoTImlDetectorModel
        kind: DEVICE
        title: IoTImlDetectorModel
        description: "Detector Model for IoT Interactive Machine Learning"
        telemetry:
          IoTImlPumpAction: {type: json, description: "motorType, motorID, service_complete"}
          IoTImlPumpData: {type: json, description: "motorType, motorID, TT01, TT02, TT03, TT04, TT05, TT06, TT07, TT08, TT09, TT10, PT01, FT01"}
          IoTImlPumpInference: {type: json, description: "motorType, motorID, prediction"}
        rules:
          - {id: IoTImlDetectorModel, detector: detectors/AWS_IoTEvents_ImlDetectorModel.json}
        === schemas/MotorDetectorModel.yaml
        # Made by `pollux import iot-events`. The models it names run as they were exported.
        type: MotorDetectorModel
        kind: DEVICE
        title: motorDetectorModel
        telemetry:
          PressureInput: {type: json, description: "sensorData.pressure, motorid"}
        rules:
          - {id: motorDetectorModel, detector: detectors/motorDetectorModel.json}
        === twins/iotevents.yaml
        # Made by `pollux import iot-events`. A message on a topic below is one of BatchPutMessage: its payload is the whole input.
        bindings:
          - id: iotevents-AWS_IoTEvents_Blueprints_Heartbeat_Input
            source: mqtt
            topic: "iotevents/inputs/AWS_IoTEvents_Blueprints_Heartbeat_Input"
            twin: HeartbeatDetectorModel
            map: [{path: $, to: AWS_IoTEvents_Blueprints_Heartbeat_Input}]
            unknownTwin: {provision: HeartbeatDetectorModel}
          - id: iotevents-IoTImlPumpAction
            source: mqtt
            topic: "iotevents/inputs/IoTImlPumpAction"
            twin: {path: "$.motorID"}
            map: [{path: $, to: IoTImlPumpAction}]
            unknownTwin: {provision: IoTImlDetectorModel}
          - id: iotevents-IoTImlPumpData
            source: mqtt
            topic: "iotevents/inputs/IoTImlPumpData"
            twin: {path: "$.motorID"}
            map: [{path: $, to: IoTImlPumpData}]
            unknownTwin: {provision: IoTImlDetectorModel}
          - id: iotevents-IoTImlPumpInference
            source: mqtt
            topic: "iotevents/inputs/IoTImlPumpInference"
            twin: {path: "$.motorID"}
            map: [{path: $, to: IoTImlPumpInference}]
            unknownTwin: {provision: IoTImlDetectorModel}
          - id: iotevents-PressureInput
            source: mqtt
            topic: "iotevents/inputs/PressureInput"
            twin: {path: "$.motorid"}
            map: [{path: $, to: PressureInput}]
            unknownTwin: {provision: MotorDetectorModel}
          - id: iotevents-TemperatureInput
            source: mqtt
            topic: "iotevents/inputs/TemperatureInput"
            twin: {path: "$.craneid"}
            map: [{path: $, to: TemperatureInput}]
            unknownTwin: {provision: CraneDetectorModel}
    "#]].assert_eq(&made);
}
