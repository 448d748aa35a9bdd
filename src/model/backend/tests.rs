//! The backends against Python's onnxruntime, against each other, and against files that they cannot run.

use std::sync::Arc;

use expect_test::{Expect, expect};

use super::*;
use crate::model::tensor::Data;
use crate::model::testing;

/// A model with what it needs to be compared: one input `x`, rows of these dimensions.
struct Case {
    name: &'static str,
    output: &'static str,
    dims: &'static [usize],
    kinds: &'static [Kind],
}

const CASES: &[Case] = &[
    Case { name: "ai4i_forest", output: "probabilities", dims: &[8], kinds: &[Kind::Ort, Kind::Trees] },
    Case { name: "ai4i_boosted", output: "probabilities", dims: &[8], kinds: &[Kind::Ort, Kind::Trees] },
    Case { name: "ai4i_regressor", output: "y", dims: &[8], kinds: &[Kind::Ort, Kind::Trees] },
    Case { name: "ai4i_linear", output: "probabilities", dims: &[8], kinds: &[Kind::Ort, Kind::Trees] },
    Case { name: "fd001_dense", output: "life", dims: &[30, 14], kinds: &[Kind::Ort, Kind::Tract] },
    Case { name: "fd001_lstm", output: "life", dims: &[30, 14], kinds: &[Kind::Ort, Kind::Tract] },
];

impl Case {
    fn batch(&self, rows: &[Vec<f32>]) -> Batch {
        let dims: Vec<usize> = [rows.len()].into_iter().chain(self.dims.iter().copied()).collect();
        testing::batch("x", &dims, rows.concat())
    }

    /// The last column of the output: the share of failures, the life that is left.
    fn answers(&self, loaded: &mut dyn Loaded, rows: &[Vec<f32>], batch: usize) -> Vec<f64> {
        let mut answers = Vec::with_capacity(rows.len());
        for part in rows.chunks(batch) {
            let outputs = loaded.run(&self.batch(part)).unwrap_or_else(|error| panic!("{}: {error}", self.name));
            outputs.check_rows(part.len()).expect("a row for each row");
            let tensor = outputs.get(self.output).unwrap_or_else(|| panic!("{} has no {}", self.name, self.output));
            let width = tensor.width();
            answers.extend((1..=part.len()).map(|row| tensor.data().number(row * width - 1).expect("a number")));
        }
        answers
    }

    /// As the runtimes differ in rounding. Lives are up to 125, shares up to 1.
    fn tolerance(&self, kind: Kind) -> f64 {
        let size = if self.output == "life" { 125.0 } else { 1.0 };
        size * if kind == Kind::Ort { 1e-6 } else { 1e-5 }
    }

    /// The rows that come with the model, and the last columns of their answers.
    fn golden(&self) -> (Vec<Vec<f32>>, Vec<f64>) {
        let path = testing::folder().join("answers").join(format!("{}.golden.json", self.name));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let file: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let rows = file["rows"].as_array().expect("rows").iter();
        let pairs = rows.map(|row| {
            let mut numbers = Vec::new();
            flatten(&row["inputs"]["x"], &mut numbers);
            let answer = row["outputs"][self.output].as_array().and_then(|values| values.last()).and_then(serde_json::Value::as_f64);
            (numbers, answer.expect("an answer"))
        });
        pairs.unzip()
    }
}

fn flatten(json: &serde_json::Value, into: &mut Vec<f32>) {
    match json.as_array() {
        Some(items) => items.iter().for_each(|item| flatten(item, into)),
        None => into.push(json.as_f64().expect("a number") as f32),
    }
}

fn largest_gap(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[test]
fn golden_rows_have_their_answers_on_every_backend_and_at_every_batch() {
    for case in CASES {
        let (rows, expected) = case.golden();
        for kind in testing::backends(case.kinds) {
            let mut loaded = testing::load(kind, &testing::model(case.name));
            for batch in [1, 2, 7, 9] {
                let gap = largest_gap(&case.answers(&mut *loaded, &rows, batch), &expected);
                assert!(gap <= case.tolerance(kind), "{} on {kind} at {batch}: {gap}", case.name);
            }
        }
    }
}

/// Rows of the recorded data with the answers of Python's onnxruntime, if there are data.
fn recorded(case: &Case) -> Option<(Vec<Vec<f32>>, Vec<f64>)> {
    let folder = testing::data(&format!("{} was compared on few rows only", case.name))?;
    let answers = std::fs::read(testing::folder().join("answers").join(format!("{}.f32", case.name))).expect("the answers");
    let answers = answers.chunks_exact(4).map(|bytes| f64::from(f32::from_le_bytes(bytes.try_into().expect("four bytes")))).collect();
    Some((
        if case.dims == [8] { machines(&folder.join("ai4i2020.csv")) } else { engines(&folder.join("cmapss/test_FD001.txt.gz")) },
        answers,
    ))
}

fn machines(path: &std::path::Path) -> Vec<Vec<f32>> {
    let text = std::fs::read_to_string(path).expect("the machines");
    let row = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        let number: usize = fields[0].parse().expect("a number");
        let mut row: Vec<f32> = fields[3..8].iter().map(|field| field.parse().expect("a number")).collect();
        row.extend(["L", "M", "H"].map(|variant| f32::from(u8::from(fields[2] == variant))));
        (number.is_multiple_of(5)).then_some(row)
    };
    text.lines().skip(1).filter_map(row).collect()
}

/// Each run of thirty cycles of each engine.
fn engines(path: &std::path::Path) -> Vec<Vec<f32>> {
    const SENSORS: [usize; 14] = [2, 3, 4, 7, 8, 9, 11, 12, 13, 14, 15, 17, 20, 21];
    let unpacked = std::process::Command::new("gzip").arg("-dc").arg(path).output().expect("gzip").stdout;
    let mut engines: Vec<(u32, Vec<Vec<f32>>)> = Vec::new();
    for line in String::from_utf8(unpacked).expect("text").lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let engine = fields[0].parse().expect("a number");
        let cycle = SENSORS.map(|sensor| fields[4 + sensor].parse().expect("a number")).to_vec();
        match engines.last_mut() {
            Some((last, cycles)) if *last == engine => cycles.push(cycle),
            _ => engines.push((engine, vec![cycle])),
        }
    }
    engines.iter().flat_map(|(_, cycles)| cycles.windows(30).map(<[_]>::concat)).collect()
}

/// The same rows in another order: neither the place in a batch nor the neighbours may matter.
fn shuffled(count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let mut seed = 42_u64;
    for at in (1..count).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        order.swap(at, (seed >> 33) as usize % (at + 1));
    }
    order
}

#[test]
fn all_recorded_rows_agree_with_python_at_every_batch_and_in_any_order() {
    for case in CASES {
        let Some((rows, expected)) = recorded(case) else { continue };
        for kind in testing::backends(case.kinds) {
            let mut loaded = testing::load(kind, &testing::model(case.name));
            let size = if case.output == "life" { 125.0 } else { 1.0 };
            let whole = case.answers(&mut *loaded, &rows, 256);
            let gap = largest_gap(&whole, &expected);
            println!("{} on {kind}: {} rows, {gap:.2e}", case.name, rows.len());
            assert!(gap <= size * if kind == Kind::Ort { 1e-5 } else { 1e-4 }, "{} on {kind}: {gap}", case.name);
            // The slow ones one by one for a part of the rows only.
            let few = rows.len().min(500);
            for batch in [1, 7] {
                let gap = largest_gap(&case.answers(&mut *loaded, &rows[..few], batch), &whole[..few]);
                assert!(gap <= size * 1e-6, "{} on {kind}: {gap} between batches of {batch} and 256", case.name);
            }
            let order = shuffled(rows.len());
            let mixed: Vec<Vec<f32>> = order.iter().map(|at| rows[*at].clone()).collect();
            let back: Vec<f64> = order.iter().map(|at| whole[*at]).collect();
            let gap = largest_gap(&case.answers(&mut *loaded, &mixed, 256), &back);
            assert!(gap <= size * 1e-6, "{} on {kind}: {gap} in another order", case.name);
        }
    }
}

fn refusals(kind: Kind, name: &str, expected: Expect) {
    let backends = Backends::of(vec![Arc::new(tract::Tract), Arc::new(trees::Trees)]);
    let said = match backends.choose(Some(kind), &testing::model(name)) {
        Ok(chosen) => format!("{} takes it", chosen.kind()),
        Err(refused) => refused.to_string(),
    };
    expected.assert_eq(&said);
}

#[test]
fn what_cannot_run_is_refused_by_name_before_anything_runs() {
    refusals(
        Kind::Tract,
        "ai4i_regressor",
        expect![
            "tract cannot run TreeEnsembleRegressor (node `trees`); needs ONNX Runtime, which is not there: `make onnxruntime` fetches it"
        ],
    );
    refusals(
        Kind::Tract,
        "ai4i_linear",
        expect!["tract cannot run Scaler (node `scale`); needs ONNX Runtime, which is not there: `make onnxruntime` fetches it"],
    );
    refusals(
        Kind::Tract,
        "ai4i_forest",
        expect![
            "tract cannot run TreeEnsembleClassifier (node `forest`: the labels of two classes); needs ONNX Runtime, which is not there: `make onnxruntime` fetches it"
        ],
    );
    refusals(
        Kind::Tract,
        "text",
        expect!["tract cannot run LabelEncoder (node `encode`); needs ONNX Runtime, which is not there: `make onnxruntime` fetches it"],
    );
    refusals(Kind::Tract, "fd001_lstm", expect!["tract takes it"]);
    // Behind an `If`.
    refusals(
        Kind::Tract,
        "subgraph",
        expect!["tract cannot run Unique (node `inside`); needs ONNX Runtime, which is not there: `make onnxruntime` fetches it"],
    );
    refusals(
        Kind::Trees,
        "fd001_lstm",
        expect![
            "the built-in evaluator of trees cannot run Div (node `div`), Gemm (node `out`), LSTM (node `lstm`), Mul (node `scale`), Squeeze (node `squeeze`), Sub (node `sub`), Transpose (node `time_first`); needs ONNX Runtime, which is not there: `make onnxruntime` fetches it"
        ],
    );
    refusals(Kind::Trees, "ai4i_linear", expect!["the built-in evaluator of trees takes it"]);
    refusals(
        Kind::Ort,
        "ai4i_linear",
        expect!["ONNX Runtime is not there: `make onnxruntime` fetches it, health says where it was looked for"],
    );
}

#[test]
fn any_backend_that_can_is_taken() {
    let without = Backends::new(&crate::model::library::Library::default());
    let kind = |name: &str| without.choose(None, &testing::model(name)).map(|chosen| chosen.kind()).map_err(|refused| refused.to_string());
    assert_eq!(kind("fd001_dense"), Ok(Kind::Tract));
    assert_eq!(kind("ai4i_forest"), Ok(Kind::Trees));
    assert_eq!(kind("ai4i_linear"), Ok(Kind::Trees));
    let refused = kind("text").expect_err("no pure one");
    assert!(refused.contains("LabelEncoder (node `encode`)") && refused.contains("needs ONNX Runtime"), "{refused}");
    if testing::runtime().is_some() {
        let with = Backends::new(&testing::library());
        assert_eq!(with.choose(None, &testing::model("text")).map(|chosen| chosen.kind()), Ok(Kind::Ort));
    }
}

#[test]
fn several_inputs_of_several_types() {
    let tensor = |dims: &[usize], data: Data| crate::model::tensor::Tensor::new(dims.to_vec(), data).expect("a tensor");
    let inputs = vec![
        ("mode".into(), tensor(&[2, 1], Data::I64(vec![3, 4]))),
        ("x".into(), tensor(&[2, 2], Data::F32(vec![1.0, 2.0, 5.0, 6.0]))),
        ("seq".into(), tensor(&[2, 5, 1], Data::F32(vec![1.0, 2.0, 3.0, 4.0, 5.0, 0.0, 0.0, 0.0, 0.0, 10.0]))),
    ];
    let batch = Batch::new(inputs).expect("a batch");
    for kind in testing::backends(&[Kind::Ort, Kind::Tract]) {
        let outputs = testing::load(kind, &testing::model("two_inputs")).run(&batch).expect("an answer");
        let expected = tensor(&[2, 4], Data::F32(vec![1.0, 2.0, 3.0, 3.0, 5.0, 6.0, 2.0, 4.0]));
        assert_eq!(outputs.get("y"), Some(&expected), "{kind}");
    }
}

#[test]
fn the_same_rows_give_the_same_bits() {
    for case in CASES {
        let (rows, _) = case.golden();
        for kind in testing::backends(case.kinds) {
            let model = testing::model(case.name);
            let (mut one, mut other) = (testing::load(kind, &model), testing::load(kind, &model));
            let first = one.run(&case.batch(&rows)).expect("an answer");
            assert_eq!(one.run(&case.batch(&rows)).as_ref(), Ok(&first), "{} on {kind}", case.name);
            assert_eq!(other.run(&case.batch(&rows)).as_ref(), Ok(&first), "{} loaded anew on {kind}", case.name);
        }
    }
}

#[test]
fn texts_go_in_and_come_out() {
    let Some(_) = testing::runtime() else { return };
    let names = ["RUN", "CLEAN", "IDLE"].map(str::to_owned).to_vec();
    let tensor = crate::model::tensor::Tensor::new(vec![3, 1], Data::Text(names)).expect("a tensor");
    let batch = Batch::new(vec![("name".into(), tensor)]).expect("a batch");
    let outputs = testing::load(Kind::Ort, &testing::model("text")).run(&batch).expect("an answer");
    assert_eq!(outputs.get("y").map(crate::model::tensor::Tensor::data), Some(&Data::F32(vec![1.0, -1.0, 0.0])));
}

#[test]
fn labels_of_two_classes_are_those_of_python() {
    let case = &CASES[0];
    let (rows, expected) = case.golden();
    for kind in testing::backends(case.kinds) {
        let outputs = testing::load(kind, &testing::model(case.name)).run(&case.batch(&rows)).expect("an answer");
        let labels: Vec<i64> = expected.iter().map(|share| i64::from(*share > 0.5)).collect();
        assert_eq!(outputs.get("label").map(crate::model::tensor::Tensor::data), Some(&Data::I64(labels)), "{kind}");
    }
}

#[test]
fn a_batch_of_the_wrong_width_is_an_error_of_that_batch() {
    let case = &CASES[0];
    for kind in testing::backends(case.kinds) {
        let mut loaded = testing::load(kind, &testing::model(case.name));
        let failed = loaded.run(&testing::batch("x", &[1, 3], vec![0.0; 3])).expect_err("three of eight columns");
        assert!(matches!(failed, RunError::Failed(_)), "{kind}: {failed}");
        let (rows, _) = case.golden();
        loaded.run(&case.batch(&rows)).unwrap_or_else(|error| panic!("{kind} does not go on: {error}"));
    }
}

#[test]
fn a_file_that_promises_what_it_does_not_hold_is_refused_when_it_loads() {
    let mut model = testing::model("sum");
    // It still reads as a model, but no longer adds up.
    model.bytes = model.bytes[..model.bytes.len() / 2].into();
    for kind in testing::backends(&[Kind::Ort, Kind::Tract]) {
        let backends = Backends::new(&testing::library());
        let refused = backends.get(kind).expect("it is there").load(&model).err();
        assert!(matches!(refused, Some(LoadError::Refused(_))), "{kind}: {refused:?}");
    }
}
