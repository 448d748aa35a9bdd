//! Manifests as people write them, and all that can be wrong with one at once.

use expect_test::{Expect, expect};

use super::*;
use crate::model::feature::{Code, From, Method, Missing, Other, Over, Pad, Pick, Scale, Stat};
use crate::source::{Diagnostics, Sources};

fn manifest(text: &str) -> (Option<Manifest>, Vec<String>) {
    let mut sources = Sources::new();
    let file = sources.add("models/motor-risk/model.yaml", text.as_bytes());
    let mut problems = Diagnostics::new();
    let manifest = read(&sources, file, &mut problems);
    let shown = |problem: &crate::source::Diagnostic| {
        let at = sources.start_of(problem.span);
        let label = problem.label.as_ref().map_or_else(String::new, |label| format!(" ({label})"));
        format!("{} {}:{} {}{label}", problem.code.id, at.line, at.col, problem.message)
    };
    (manifest, problems.sorted().iter().map(shown).collect())
}

fn good(text: &str) -> Manifest {
    let (manifest, problems) = manifest(text);
    assert_eq!(problems, Vec::<String>::new());
    manifest.expect("a manifest")
}

fn bad(text: &str, expected: Expect) {
    let (manifest, problems) = manifest(text);
    assert_eq!(manifest, None);
    expected.assert_eq(&(problems.join("\n") + "\n"));
}

const WHOLE: &str = r#"
model: motor-risk
version: 3
title: Risk of motor failure within 24 h
file: motor_risk.onnx
sha256: 9d1c000000000000000000000000000000000000000000000000000000000000
licence: Apache-2.0
trainedOn: data of 2024-01..2025-06, 40 motors
metrics: {auc: 0.97}
backend: auto
features:
  current: {unit: A, every: 1s}
  vibration: {unit: mm/s, stat: rms, over: 5m}
  loadSeq: {last: 30, unit: kW, min: 10, pad: zero}
  grid: {resample: 1s, over: 30s, method: linear, missing: {policy: hold, maxGap: 30s}}
  before: {lag: 5m, missing: {value: 1.5}}
  mode: {oneHot: [IDLE, RUN, CLEAN], other: column}
  hour: {time: hourOfDay, cyclic: true, zone: Europe/Berlin}
  power: {param: ratedPower, missing: linear}
  q: {stat: quantile(0.95), overLast: 20}
inputs:
  x: {dtype: f32, shape: [batch, 11], from: [current, vibration, mode, before, hour, power, q]}
  seq: {dtype: float32, shape: [batch, 30, 2], from: [loadSeq, grid]}
scale: {kind: standard, mean: {current: 12.1}, std: {current: 3.4}}
outputs:
  risk: {tensor: probabilities, index: [1], clamp: [0, 1]}
  class: {tensor: label, map: {0: OK, 1: FAIL}}
trigger: {on: change, maxRate: 10/m, everyN: 2, when: "mode == 'RUN'"}
run: {maxBatch: 256, maxDelay: 0ms, queue: 4096, mode: every, timeout: 5s, workers: 2}
monitor: {baseline: baseline.json, window: 1h, psi: [0.1, 0.25]}
golden: {file: golden.json, atol: 1.0e-5, rtol: 1.0e-4}
"#;

#[test]
fn a_whole_manifest_says_what_it_says() {
    let manifest = good(WHOLE);
    assert_eq!((manifest.model.value.as_str(), manifest.version.value.as_str()), ("motor-risk", "3"));
    let feature = |name: &str| manifest.features.iter().find(|feature| feature.value.name == name).expect("a feature").value.clone();
    assert_eq!(feature("current").scale, Some(Scale::Standard { mean: 12.1, std: 3.4 }));
    assert_eq!(feature("vibration").pick, Pick::Stat { stat: Stat::Rms, over: Over::Time(Duration::from_secs(300)) });
    assert_eq!(feature("loadSeq").pick, Pick::Last { count: 30, min: 10, pad: Pad::Zero });
    assert_eq!(feature("grid").pick, Pick::Resample { step: Duration::from_secs(1), count: 30, method: Method::Linear });
    assert_eq!(feature("grid").max_gap, Some(Duration::from_secs(30)));
    assert_eq!((feature("before").pick, feature("before").missing), (Pick::Lag(Duration::from_secs(300)), Missing::Value(1.5)));
    assert!(matches!(feature("mode").code, Code::OneHot { values, other: Other::Column } if values.len() == 3));
    assert_eq!(feature("hour").width(), 2);
    assert_eq!(feature("power").from, From::Param("ratedPower".to_owned()));
    assert_eq!(feature("q").pick, Pick::Stat { stat: Stat::Quantile(0.95), over: Over::Readings(20) });
    assert_eq!(manifest.inputs[0].input.from, [0, 1, 5, 4, 6, 7, 8]);
    assert_eq!((manifest.inputs[1].batch, manifest.inputs[1].input.dims.as_slice()), (Batch::Any, &[30, 2][..]));
    assert_eq!(manifest.trigger.interval, Some(Duration::from_secs(6)));
    assert_eq!((manifest.trigger.every_n, manifest.run.workers), (2, 2));
    let config = manifest.host_config();
    assert_eq!((config.mode, config.checked), (Mode::Every, vec!["probabilities".to_owned(), "label".to_owned()]));
}

const SMALL: &str = "model: m\nversion: '1'\nfile: m.onnx\n";

#[test]
fn little_is_enough() {
    let text = format!("{SMALL}features: {{x:}}\ninputs: {{x: {{shape: [batch, 1], from: x}}}}\noutputs: {{y: {{}}}}\n");
    let manifest = good(&text);
    assert_eq!(manifest.outputs[0].tensor.value, "y");
    assert_eq!((manifest.trigger.on, manifest.run.mode), (On::Change, Mode::Latest));
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    bad(
        r#"
model: motor risk
verzion: 3
file: 7
sha256: 9d1c
backend: tensorflow
features:
  current: {unit: Amp, every: 1 second}
  vibration: {stat: rmz, over: 5m}
  both: {last: 3, stat: avg, over: 5m}
  alone: {pad: zero}
  bare: {stat: avg}
  grid: {resample: 7s, over: 30s}
  mode: {oneHot: []}
  filled: {missing: mean}
  unused: {}
inputs:
  x: {dtype: f31, shape: [batch, 5], from: [curent]}
  y: {shape: [batch, many], from: [current]}
  z: {shape: [batch, 1], from: [current, alone, bare, grid, mode, filled, both]}
scale: {mean: {currant: 1}, std: {current: 0}}
outputs:
  risk: {index: [-1], clamp: [1, 0]}
trigger: {on: change, every: 10s, maxRate: often}
run: {maxBatch: many, mode: newest}
golden: {atol: 1}
"#,
        expect![[r#"
            E203 2:1 the manifest needs `version`
            E811 2:8 `motor risk` is no name for a model: use A-Z a-z 0-9 _ . - beginning with a letter or digit
            E204 3:1 unknown key `verzion` in the manifest (did you mean `version`?)
            E202 4:7 `file` of the manifest must be text, not the number 7
            E202 5:9 `sha256` of the manifest must be 64 hexadecimal digits, not the text "9d1c"
            E218 6:10 `backend` of the manifest cannot be the text "tensorflow"
            E301 8:19 `unit` of feature `current` is not a unit: `Amp` (did you mean `A`?)
            E222 8:31 `every` of feature `current` is not a duration: the text "1 second"
            E218 9:21 `stat` of feature `vibration` cannot be the text "rmz" (did you mean `rms`?)
            E811 10:19 feature `both` has `last` and `stat`, which exclude each other
            E811 11:11 `pad` of feature `alone` says nothing without `last`
            E811 12:10 `stat` of feature `bare` needs `over` or `overLast`
            E811 13:10 `resample` of feature `grid` needs `over`, a whole multiple of it and at most 4096 times as long
            E202 14:18 `oneHot` of feature `mode` must be a list of 1 to 4096 values
            E811 15:21 `missing: mean` of feature `filled` needs the mean: {value: …}, or a standard `scale`
            E218 18:14 `dtype` of input `x` cannot be `f31` (did you mean `f32`?)
            E811 18:45 `from` of input `x` names `curent`, which is no feature (did you mean `current`?)
            E202 19:14 `shape` of input `y` must be the batch and then whole numbers, as in [batch, 30, 1]
            E811 21:8 `scale` of feature `current` needs the numbers `mean` and `std`, between which there is something
            E811 21:16 `scale` names `currant`, which is no feature (did you mean `current`?)
            E202 23:17 `index` of output `risk` must be whole numbers, one for each dimension behind the batch
            E202 23:30 `clamp` of output `risk` must be the smallest and the largest value, as in [0, 1]
            E811 24:10 the trigger says more than one of on, every, onWindow, onEvent, at and manual
            E202 24:44 `maxRate` of the trigger must be so many per s, m, h or d, as in 1/s, not the text "often"
            E202 25:17 `maxBatch` of `run` of the manifest must be a whole number from 0 to 4096, not the text "many"
            E218 25:29 `mode` of `run` of the manifest cannot be the text "newest"
            E203 26:9 `golden` of the manifest needs `file`
        "#]],
    );
}

#[test]
fn what_comes_later_is_refused_by_name() {
    let text = format!(
        "{SMALL}http: {{url: x}}\nfeatures: {{i: {{image: {{}}}}}}\ninputs: {{x: {{shape: [batch, 1], from: i}}}}\noutputs: {{y: {{}}}}\n"
    );
    bad(
        &text,
        expect![[r#"
        E205 4:1 `http` is not supported by this version
        E205 5:16 `image` is not supported by this version
    "#]],
    );
}

#[test]
fn an_empty_file_needs_everything() {
    bad(
        "",
        expect![[r#"
        E203 1:1 the manifest needs `file`
        E203 1:1 the manifest needs `inputs`
        E203 1:1 the manifest needs `model`
        E203 1:1 the manifest needs `outputs`
        E203 1:1 the manifest needs `version`
    "#]],
    );
}

#[test]
fn a_first_manifest_is_written_from_the_graph_and_fits_it() {
    use crate::model::attach::{Files, check};
    use crate::model::backend::Backends;
    use crate::model::library::Library;
    use crate::model::testing;

    for name in [
        "ai4i_forest",
        "ai4i_linear",
        "ai4i_regressor",
        "fd001_dense",
        "fd001_lstm",
        "sum",
        "fixed_batch",
        "two_inputs",
        "mixes_rows",
        "log",
    ] {
        let model = testing::model(name);
        let text = init(&model, &format!("{name}.onnx"));
        let manifest = good(&text);
        let files = Files { onnx: Ok(model.bytes.to_vec()), golden: None };
        let mut problems = Diagnostics::new();
        let attached = check(&manifest, files, &Backends::new(&Library::default()), &mut problems);
        let said: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
        assert!(attached.is_some(), "{name}: {said:?}\n{text}");
    }
    expect![[r#"
        model: two_inputs
        version: "1"      # TODO: change it with the file
        file: two_inputs.onnx
        sha256: ba8f7ec408f06790965098fdd29a4200e69ac90d1ab28c1887f47bc346511f7c
        features:      # TODO: name what each column is, with its unit
          x_column0: {}
          x_column1: {}
          seq: {last: 5}
          mode: {}
        inputs:
          x: {dtype: f32, shape: [batch, 2], from: [x_column0, x_column1]}
          seq: {dtype: f32, shape: [batch, 5, 1], from: [seq]}
          mode: {dtype: i64, shape: [batch, 1], from: [mode]}
        outputs:      # TODO: name what each value means
          y0: {tensor: y, index: [0]}
          y1: {tensor: y, index: [1]}
          y2: {tensor: y, index: [2]}
          y3: {tensor: y, index: [3]}
        # golden: {file: golden.json}      # TODO: rows with their answers, as the author's own runtime gives them
    "#]]
    .assert_eq(&init(&testing::model("two_inputs"), "two_inputs.onnx"));
    expect![[r#"
        model: zip_map
        version: "1"      # TODO: change it with the file
        file: "zip map.onnx"
        sha256: d0135a2c78e8ba8d06e42431031bf2400baf69298392fe2ca8585cb127fbd407
        features:      # TODO: name what each column is, with its unit
          column0: {}
          column1: {}
        inputs:
          x: {dtype: f32, shape: [batch, 2], from: [column0, column1]}
        outputs:      # TODO: name what each value means
          label: {tensor: label}
          # TODO: `output_probability` is a sequence of maps: export it as a tensor (of classifiers, with zipmap off)
        # golden: {file: golden.json}      # TODO: rows with their answers, as the author's own runtime gives them
    "#]]
    .assert_eq(&init(&testing::model("zipmap"), "zip map.onnx"));
}
