//! The whole way: a manifest and a file are attached, readings become rows, rows go through a host, and answers become values.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use super::attach::{self, Attached, Files, Sample};
use super::backend::{Backends, Kind};
use super::feature::{Datum, Pipeline, Reading, Source};
use super::host::{Host, Key, Request, Urgency, Version};
use super::library::Library;
use super::manifest::{self, Manifest};
use super::{output, testing};
use crate::reading::{Now, Timestamp, TwinNo};
use crate::source::{Diagnostics, FileId, Sources, Span};

/// One reading of each feature, all of one instant.
struct Readings(Vec<Datum>);

const INSTANT: Timestamp = Timestamp(1_767_225_600_000_000);

impl Source for Readings {
    fn newest_first(&self, feature: usize, until: Timestamp, each: &mut dyn FnMut(&Reading) -> ControlFlow<()>) {
        if until >= INSTANT {
            #[expect(clippy::let_underscore_must_use, reason = "whether or not it wants more, there is no second one")]
            let _ = each(&Reading { at: INSTANT, value: self.0[feature].clone(), is_good: true });
        }
    }

    fn property(&self, _feature: usize) -> Option<Datum> {
        None
    }

    fn staleness(&self, _feature: usize) -> Option<Duration> {
        None
    }

    fn started(&self) -> Option<Timestamp> {
        None
    }
}

fn read(text: &str) -> Manifest {
    let mut sources = Sources::new();
    let file = sources.add("model.yaml", text.as_bytes());
    let mut problems = Diagnostics::new();
    let manifest = manifest::read(&sources, file, &mut problems);
    manifest.unwrap_or_else(|| panic!("{:?}", problems.iter().map(|problem| &problem.message).collect::<Vec<_>>()))
}

fn attach(manifest: &Manifest, onnx: PathBuf, golden: Option<PathBuf>, backends: &Backends) -> Attached {
    let bytes = |path: PathBuf| std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()));
    let files = Files { onnx: bytes(onnx), golden: golden.map(bytes) };
    let mut problems = Diagnostics::new();
    let attached = attach::check(manifest, files, backends, &mut problems);
    attached.unwrap_or_else(|| panic!("{:?}", problems.iter().map(|problem| &problem.message).collect::<Vec<_>>()))
}

/// What twins with these readings are answered, all asked at once.
fn answers(manifest: &Manifest, attached: Attached, twins: &[Readings]) -> Vec<Vec<Datum>> {
    let pipeline = Pipeline::new(manifest.specs(), manifest.tensors(), Vec::new());
    let version = Version {
        model: manifest.model.value.clone(),
        version: manifest.version.value.clone(),
        sha256: attached.model.sha256,
        backend: attached.backend.kind(),
        library: None,
    };
    let now: Now = Arc::new(|| INSTANT);
    let host = Host::start(version, manifest.host_config(), Arc::new(attached.model), attached.backend, now);
    let asked: Vec<_> = (1..)
        .zip(twins)
        .map(|(twin, readings)| {
            let row = pipeline.row(readings, INSTANT).unwrap_or_else(|skip| panic!("{}", skip.reason));
            let (sender, receiver) = channel();
            let urgency = Urgency::Twin(Key { twin: TwinNo(twin), attachment: 0 });
            let reply = Box::new(move |answer| sender.send(answer).unwrap_or_default());
            host.submit(Request { urgency, batch: row.batch, asked: INSTANT, reply }).expect("room in the queue");
            receiver
        })
        .collect();
    let answer = |receiver: &std::sync::mpsc::Receiver<super::host::Answer>| {
        let answer = receiver.recv_timeout(Duration::from_secs(60)).expect("an answer");
        let row = answer.rows[0].as_ref().unwrap_or_else(|error| panic!("{error}"));
        output::values(&manifest.outputs, row).unwrap_or_else(|error| panic!("{error}"))
    };
    asked.iter().map(answer).collect()
}

const MACHINES: &str = "
model: machine-failure
version: 1
file: ai4i_forest.onnx
features:
  air: {unit: K}
  process: {unit: K}
  speed: {unit: rpm}
  torque: {unit: N.m}
  wear: {unit: min}
  variant: {oneHot: [L, M, H]}
inputs: {x: {shape: [batch, 8], from: [air, process, speed, torque, wear, variant]}}
outputs:
  risk: {tensor: probabilities, index: [1], clamp: [0, 1]}
  class: {tensor: label, map: {0: OK, 1: FAIL}}
golden: {file: ai4i_forest.golden.json}
";

#[test]
fn readings_of_machines_become_risks() {
    let manifest = read(MACHINES);
    let golden = testing::folder().join("answers/ai4i_forest.golden.json");
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(&golden).expect("golden rows")).expect("JSON");
    let rows = json["rows"].as_array().expect("rows");
    let readings = |row: &serde_json::Value| {
        let numbers: Vec<f64> = row["inputs"]["x"].as_array().expect("a row").iter().filter_map(serde_json::Value::as_f64).collect();
        let variant = ["L", "M", "H"].into_iter().zip(&numbers[5..]).find(|(_, is)| **is == 1.0).map_or("L", |(variant, _)| variant);
        Readings(numbers[..5].iter().map(|number| Datum::Number(*number)).chain([Datum::Text(variant.into())]).collect())
    };
    let twins: Vec<Readings> = rows.iter().map(readings).collect();
    let without = Backends::new(&Library::default());
    let with = Backends::new(&testing::library());
    for backends in [without, with] {
        let attached = attach(&manifest, testing::folder().join("ai4i_forest.onnx"), Some(golden.clone()), &backends);
        let kind = attached.backend.kind();
        for (row, answer) in rows.iter().zip(answers(&manifest, attached, &twins)) {
            let expected = row["outputs"]["probabilities"][1].as_f64().expect("a share");
            let class = if expected > 0.5 { "FAIL" } else { "OK" };
            let [Datum::Number(risk), label] = answer.as_slice() else { panic!("{answer:?}") };
            assert!((risk - expected).abs() <= 1e-6, "{kind}: {risk}, not {expected}");
            assert_eq!(label, &Datum::Text(class.into()), "{kind}");
        }
    }
}

/// A published network, trained on scaled values. Its service feeds it raw ones, which is what the warning is about.
#[test]
fn a_published_network_answers_as_published_raw_and_scaled() {
    let Some(folder) = testing::seeds("cumulocity-mlops") else { return };
    let golden: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("golden_first100.json")).expect("golden rows")).expect("JSON");
    let figures = |key: &str| golden[key].as_array().expect("a list").iter().filter_map(serde_json::Value::as_f64).collect::<Vec<_>>();
    let (mean, std) = (figures("mean"), figures("std"));
    let csv = std::fs::read_to_string(folder.join("acceleration_first372.csv")).expect("the readings");
    let numbers = |line: &str| line.split(',').skip(1).take(3).map(|field| field.parse().expect("a number")).collect::<Vec<f64>>();
    let all: Vec<Vec<f64>> = csv.lines().skip(1).map(numbers).collect();
    let manifest = |scale: &str| {
        let base = "model: activity\nversion: 1\nfile: acceleration_model.onnx\nfeatures: {x:, y:, z:}\n";
        read(&format!(
            "{base}inputs: {{input_1: {{shape: [batch, 3, 1], from: [x, y, z]}}}}\noutputs: {{moving: {{tensor: dense_1}}}}\n{scale}"
        ))
    };
    let scale = format!(
        "scale: {{kind: standard, mean: {{x: {}, y: {}, z: {}}}, std: {{x: {}, y: {}, z: {}}}}}\n",
        mean[0], mean[1], mean[2], std[0], std[1], std[2]
    );
    let rows = golden["rows"].as_array().expect("rows");
    let place = |row: &serde_json::Value| usize::try_from(row[0].as_u64().expect("a number")).expect("a place");
    let twins =
        || rows.iter().map(|row| Readings(all[place(row)].iter().map(|number| Datum::Number(*number)).collect())).collect::<Vec<_>>();
    for kind in testing::backends(&[Kind::Ort, Kind::Tract]) {
        let backends = Backends::of(vec![Arc::clone(Backends::new(&testing::library()).get(kind).expect("it is there"))]);
        for (column, manifest) in [(1, manifest("")), (2, manifest(&scale))] {
            let attached = attach(&manifest, folder.join("acceleration_model.onnx"), None, &backends);
            for (row, answer) in rows.iter().zip(answers(&manifest, attached, &twins())) {
                let expected = row[column].as_f64().expect("a share");
                let tolerance = if kind == Kind::Ort { 1e-5 } else { 1e-4 };
                assert!(
                    matches!(answer.as_slice(), [Datum::Number(share)] if (share - expected).abs() <= tolerance),
                    "{kind}: row {} is {answer:?}, not {expected}",
                    row[0]
                );
            }
        }
    }
    let held: Vec<Option<Sample>> = (0..3).map(|column| Some(sample(all.iter().map(|row| row[column])))).collect();
    let said = |manifest: &Manifest, trained: &[Option<Sample>]| {
        let mut problems = Diagnostics::new();
        attach::check_skew(manifest, trained, &held, Span::new(FileId(0), 0, 0), &mut problems);
        problems.iter().map(|problem| problem.message.clone()).collect::<Vec<_>>()
    };
    let trained = [Some(Sample { count: 0, mean: 0.0, std: 1.0 }); 3];
    let warnings = said(&manifest(""), &trained);
    assert!(warnings.iter().any(|warning| warning.starts_with("`x`: the model was trained on mean 0, std 1 (scaled)")), "{warnings:?}");
    assert!(warnings.iter().all(|warning| warning.ends_with("is `scale` missing?")), "{warnings:?}");
    // With the scale of the training there is nothing to say.
    assert_eq!(said(&manifest(&scale), &[None; 3]), Vec::<String>::new());
}

fn sample(values: impl Iterator<Item = f64>) -> Sample {
    let values: Vec<f64> = values.collect();
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let std = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
    Sample { count: values.len() as u64, mean, std }
}
