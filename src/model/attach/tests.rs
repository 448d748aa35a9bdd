//! Manifests against the models of the tests: what fits, and each way in which something does not.

use std::sync::Arc;

use expect_test::{Expect, expect};

use super::*;
use crate::model::backend::fake::Fake;
use crate::model::library::Library;
use crate::model::{manifest, testing};
use crate::reading::unit::Unit;
use crate::source::{FileId, Sources, Span};

/// A manifest over one of the models; `rest` goes behind name, version and file.
struct Case {
    sources: Sources,
    manifest: Manifest,
    onnx: Vec<u8>,
}

fn case(model: &str, rest: &str) -> Case {
    let text = format!("model: m\nversion: 1\nfile: {model}.onnx\n{rest}");
    let mut sources = Sources::new();
    let file = sources.add("model.yaml", text.as_bytes());
    let mut problems = Diagnostics::new();
    let manifest = manifest::read(&sources, file, &mut problems);
    let said: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
    let manifest = manifest.unwrap_or_else(|| panic!("{said:?}"));
    let onnx = std::fs::read(testing::folder().join(format!("{model}.onnx"))).unwrap_or_default();
    Case { sources, manifest, onnx }
}

fn shown(sources: &Sources, problems: &Diagnostics) -> String {
    let line = |problem: &crate::source::Diagnostic| {
        let at = sources.start_of(problem.span);
        let label = problem.label.as_ref().map_or_else(String::new, |label| format!(" ({label})"));
        format!("{} {}:{} {}{label}\n", problem.code.id, at.line, at.col, problem.message)
    };
    problems.clone().sorted().iter().map(line).collect()
}

impl Case {
    fn said(&self, golden: Option<&str>, backends: &Backends) -> String {
        let files = Files { onnx: Ok(self.onnx.clone()), golden: golden.map(|text| Ok(text.as_bytes().to_vec())) };
        let mut problems = Diagnostics::new();
        let attached = check(&self.manifest, files, backends, &mut problems);
        assert_eq!(attached.is_none(), problems.has_errors());
        shown(&self.sources, &problems)
    }
}

/// Without the library, so that the same is said everywhere.
fn pure() -> Backends {
    Backends::new(&Library::default())
}

fn check_case(model: &str, rest: &str, expected: Expect) {
    expected.assert_eq(&case(model, rest).said(None, &pure()));
}

const THREE: &str = "features: {a:, b:, c:}\n";

#[test]
fn what_fits_is_loaded() {
    let rest = format!("{THREE}inputs: {{x: {{shape: [batch, 3], from: [a, b, c]}}}}\noutputs: {{y: {{}}}}\n");
    check_case("sum", &rest, expect![""]);
    let rest = "features: {a:, b:, s: {last: 5}, m: {label: {IDLE: 0, RUN: 1}}}\ninputs:\n  x: {shape: [batch, 2], from: [a, b]}\n  seq: {shape: [batch, 5, 1], from: s}\n  mode: {dtype: i64, shape: [batch, 1], from: m}\noutputs: {y: {index: [3]}}\n";
    check_case("two_inputs", rest, expect![""]);
}

#[test]
fn everything_that_does_not_fit_the_graph_is_said_at_once() {
    let rest = "features: {a:, b:, c: {last: 5}, d:}
inputs:
  x: {dtype: f64, shape: [batch, 3], from: [a, b, d, c]}
  sequence: {shape: [batch, 5, 1], from: c}
outputs:
  z: {tensor: yy}
  y: {index: [4]}
  w: {tensor: y}
  v: {tensor: y, index: [0, 0]}
";
    check_case(
        "two_inputs",
        rest,
        expect![[r#"
        E804 6:26 input `x`: the graph wants f32 [batch, 2], the manifest gives f64 [batch, 3]
        E805 6:44 `x` has 8 columns: a 1, b 1, d 1, c 5; expected 3
        E803 7:3 the graph has the inputs `x`, `seq`, `mode`; the manifest has `x`, `sequence` (did you mean `seq`?)
        E807 9:15 output `z`: the graph has no output `yy` (did you mean `y`?)
        E807 10:14 output `y`: `y` is f32 [batch, 4]: `index` 4 lies beyond the dimension of 4, which is counted from 0
        E807 11:3 output `w`: `y` is f32 [batch, 4]: say which element of a row with `index`
        E807 12:25 output `v`: `y` is f32 [batch, 4]: `index` has 2 places for 1 dimensions behind the batch
    "#]],
    );
}

#[test]
fn one_row_at_a_time_must_be_said() {
    let rest = format!("{THREE}inputs: {{x: {{shape: [batch, 3], from: [a, b, c]}}}}\noutputs: {{y: {{}}}}\n");
    check_case(
        "fixed_batch",
        &rest,
        expect![[r#"
        E806 5:21 dim 0 of `x` is fixed to 1: batching off; say maxBatch: 1
        E806 6:11 dim 0 of `y` is fixed to 1: batching off; say maxBatch: 1
    "#]],
    );
    check_case("fixed_batch", &format!("{rest}run: {{maxBatch: 1}}\n"), expect![""]);
}

#[test]
fn sequences_of_maps_have_a_way_out() {
    let rest =
        "features: {a:, b:}\ninputs: {x: {shape: [batch, 2], from: [a, b]}}\noutputs: {risk: {tensor: output_probability, index: [1]}}\n";
    check_case(
        "zipmap",
        rest,
        expect![[r#"
        E808 3:7 tract cannot run ZipMap (node `zip`); needs ONNX Runtime, which is not there: `make onnxruntime` fetches it
        E807 6:26 `output_probability` is a sequence of maps: export with zipmap off
    "#]],
    );
}

#[test]
fn steps_and_columns_are_not_mixed_up() {
    let rest = |layout: &str, shape: &str| {
        let names: Vec<String> = (0..14).map(|sensor| format!("s{sensor}")).collect();
        let features: Vec<String> = names.iter().map(|name| format!("{name}: {{last: 30}}")).collect();
        format!(
            "features: {{{}}}\ninputs: {{x: {{shape: {shape}, from: [{}]{layout}}}}}\noutputs: {{life: {{}}}}\n",
            features.join(", "),
            names.join(", ")
        )
    };
    check_case("fd001_dense", &rest("", "[batch, 30, 14]"), expect![""]);
    check_case(
        "fd001_dense",
        &rest(", layout: channels", "[batch, 30, 14]"),
        expect![[r#"
        E805 5:44 `x` is 30 steps of 14 columns, [batch, 14, 30]; expected [batch, 30, 14]
    "#]],
    );
    check_case(
        "fd001_dense",
        &rest("", "[batch, 14, 30]"),
        expect![[r#"
        E804 5:21 input `x`: the graph wants f32 [batch, 30, 14], the manifest gives f32 [batch, 14, 30]
        E805 5:44 `x` is 30 steps of 14 columns, [batch, 30, 14]; expected [batch, 14, 30]
    "#]],
    );
}

#[test]
fn operators_that_nothing_here_can_run_are_named() {
    let rest = "features: {name: {label: {IDLE: 0}}}\ninputs: {name: {dtype: string, shape: [batch, 1], from: name}}\noutputs: {y: {}}\n";
    check_case(
        "text",
        rest,
        expect![[r#"
        E808 3:7 tract cannot run LabelEncoder (node `encode`); needs ONNX Runtime, which is not there: `make onnxruntime` fetches it
    "#]],
    );
    let eight = "features: {a:, b:, c:, d:, e:, m: {oneHot: [L, M, H]}}\ninputs: {x: {shape: [batch, 8], from: [a, b, c, d, e, m]}}\noutputs: {y: {}}\n";
    check_case(
        "ai4i_regressor",
        &format!("backend: tract\n{eight}"),
        expect![[r#"
        E808 4:10 tract cannot run TreeEnsembleRegressor (node `trees`); needs ONNX Runtime, which is not there: `make onnxruntime` fetches it
    "#]],
    );
    check_case("ai4i_regressor", eight, expect![""]);
}

#[test]
fn a_file_that_is_not_there_or_another_is_said_so() {
    let rest = format!("sha256: {}\n{THREE}inputs: {{x: {{shape: [batch, 3], from: [a, b, c]}}}}\noutputs: {{y: {{}}}}\n", "ab".repeat(32));
    check_case(
        "sum",
        &rest,
        expect![[r#"
        E802 4:9 sha256 of `sum.onnx` is 09d86bef…, the manifest says abababab…
    "#]],
    );
    let case = case("sum", &rest);
    let said = |onnx: Result<Vec<u8>, String>| {
        let mut problems = Diagnostics::new();
        assert!(check(&case.manifest, Files { onnx, golden: None }, &pure(), &mut problems).is_none());
        shown(&case.sources, &problems)
    };
    assert_eq!(said(Err("No such file or directory".to_owned())), "E801 3:7 `sum.onnx`: No such file or directory\n");
    assert_eq!(said(Ok(b"PK\x03\x04".to_vec())), "E801 3:7 `sum.onnx`: not an ONNX file: a field has the unknown wire type 3\n");
}

const GOLDEN: &str = "inputs: {x: {shape: [batch, 3], from: [a, b, c]}}\noutputs: {y: {index: [0]}}\ngolden: {file: golden.json}\n";

#[test]
fn golden_rows_must_have_their_answers() {
    let case = case("sum", &format!("{THREE}{GOLDEN}"));
    let said = |golden: &str| case.said(Some(golden), &pure());
    assert_eq!(
        said(r#"{"rows": [{"inputs": {"x": [1, 2, 3]}, "outputs": {"y": [6]}}, {"inputs": {"x": [[0.5, 0, 0]]}, "outputs": {"y": 0.5}}]}"#),
        ""
    );
    let wrong = said(
        r#"{"rows": [{"inputs": {"x": [1, 2, 3]}, "outputs": {"y": [6.00001]}}, {"inputs": {"x": [1, 1, 1]}, "outputs": {"y": [3.1]}}]}"#,
    );
    assert_eq!(wrong, "E810 7:16 golden row 1: `y`: expected 3.1, got 3\n");
    for (golden, why) in [
        ("{", "not JSON"),
        ("{}", "it has no list `rows`"),
        (r#"{"rows": []}"#, "it has 0 rows, not 1 to 1000"),
        (r#"{"rows": [{"inputs": {"x": [1, 2]}, "outputs": {}}]}"#, "row 0: input `x`: 2 elements do not fill the shape [1, 3]"),
        (r#"{"rows": [{"inputs": {"z": [1]}, "outputs": {}}]}"#, "row 0: it has no input `x`"),
        (r#"{"rows": [{"inputs": {"x": [1, 2, "3"]}, "outputs": {}}]}"#, "row 0: input `x` is not f32"),
    ] {
        let said = said(golden);
        assert!(said.starts_with(&format!("E810 7:16 `golden.json`: {why}")), "{said}");
    }
}

#[test]
fn a_model_that_mixes_rows_is_found_out() {
    let case = case("mixes_rows", &format!("{THREE}{GOLDEN}"));
    let golden = r#"{"rows": [{"inputs": {"x": [1, 2, 3]}, "outputs": {"y": [0, 0, 0]}}, {"inputs": {"x": [3, 2, 1]}, "outputs": {"y": [0, 0, 0]}}]}"#;
    let backends = testing::library();
    for backends in [pure(), Backends::new(&backends)] {
        let said = case.said(Some(golden), &backends);
        assert!(said.contains("golden row 0 differs between batch 1 and 2 by 1: the model mixes rows"), "{said}");
    }
}

#[test]
fn a_model_that_fails_on_its_golden_rows_is_refused() {
    let case = case("sum", &format!("{THREE}{GOLDEN}"));
    let fake = Fake::default();
    fake.poison(Some(3.0));
    let said = case.said(Some(r#"{"rows": [{"inputs": {"x": [1, 2, 3]}, "outputs": {"y": [6]}}]}"#), &Backends::of(vec![Arc::new(fake)]));
    assert_eq!(said, "E810 7:16 golden rows in batches of 1: poison\n");
}

fn bound(member: &str, kind: Kind, unit: Option<&str>) -> Option<Bound> {
    let unit = unit.and_then(|unit| Unit::parse(unit).ok());
    Some(Bound { member: member.to_owned(), kind, unit, every: None, kept: None, span: Span::new(FileId(0), 0, 0) })
}

#[test]
fn members_must_be_of_a_kind_and_unit_that_the_features_take() {
    let rest = "features:
  speed: {unit: m/s}
  vibration: {unit: mm/s}
  mode: {oneHot: [IDLE, WASH]}
  plain:
  place:
  free:
inputs: {x: {shape: [batch, 7], from: [speed, vibration, mode, plain, place, free]}}
outputs: {y: {}}
";
    let case = case("sum", rest);
    let values = || vec!["IDLE".to_owned(), "RUN".to_owned()];
    let members = [
        bound("speed", Kind::Number, Some("km/h")),
        bound("drive.current", Kind::Number, Some("A")),
        bound("mode", Kind::Enum(values()), None),
        bound("mode", Kind::Enum(values()), None),
        bound("position", Kind::Other("a place"), None),
        None,
    ];
    let mut problems = Diagnostics::new();
    let conversions = check_bindings(&case.manifest, &members, Span::new(FileId(0), 0, 0), &mut problems);
    assert!((conversions[0].apply(36.0) - 10.0).abs() < 1e-12);
    let mut said: Vec<String> = problems.iter().map(|problem| format!("{} {}", problem.code.id, problem.message)).collect();
    said.push(String::new());
    expect![[r#"
        E809 feature `vibration` needs mm/s; drive.current is A
        E809 feature `mode`: mode never is WASH; its values are IDLE, RUN
        E809 feature `plain`: mode is no number: say `oneHot` or `label`
        E809 feature `place`: position is a place, of which no number can be made
        E809 feature `free` is bound to nothing
    "#]]
    .assert_eq(&said.join("\n"));
}

#[test]
fn outputs_become_members_that_can_hold_them() {
    let outputs = "outputs:
  risk: {tensor: y, unit: '%'}
  class: {tensor: y, map: {0: OK, 1: FAIL}}
  late: {tensor: y, unit: h}
  flag: {tensor: y}
  word: {tensor: y, map: {0: OK}}
  free: {tensor: y}
";
    let case = case("sum", &format!("{THREE}inputs: {{x: {{shape: [batch, 3], from: [a, b, c]}}}}\n{outputs}"));
    let target = |member: &str, kind, unit: Option<&str>, is_measured| {
        let unit = unit.and_then(|unit| Unit::parse(unit).ok());
        Some(Target { member: member.to_owned(), kind, unit, is_measured, span: Span::new(FileId(0), 0, 0) })
    };
    let good = [
        target("risk", Kind::Number, None, false),
        target("class", Kind::Enum(vec!["OK".to_owned(), "FAIL".to_owned()]), None, false),
        target("late", Kind::Number, Some("min"), false),
        target("flag", Kind::Number, None, false),
        target("word", Kind::Text, None, false),
        None,
    ];
    let mut problems = Diagnostics::new();
    let conversions = check_targets(&case.manifest, &good, &mut problems);
    assert!(problems.is_empty() && (conversions[2].apply(2.0) - 120.0).abs() < 1e-9);
    let bad = [
        target("risk", Kind::Number, None, true),
        target("class", Kind::Enum(vec!["OK".to_owned()]), None, false),
        target("late", Kind::Number, Some("A"), false),
        target("flag", Kind::Bool, None, false),
        target("word", Kind::Number, None, false),
        target("free", Kind::Other("a place"), None, false),
    ];
    check_targets(&case.manifest, &bad, &mut problems);
    let mut said: Vec<String> = problems.iter().map(|problem| format!("{} {}", problem.code.id, problem.message)).collect();
    said.push(String::new());
    expect![[r#"
        E809 output `risk`: risk is also measured: give the output a member of its own
        E809 output `class`: class never is FAIL; its values are OK
        E809 output `late`: late is A, the output h
        E809 output `flag`: flag takes no number: say `map`
        E809 output `word`: word takes none of the words of `map`
        E809 output `free`: free is a place, which no model gives
    "#]]
    .assert_eq(&said.join("\n"));
}

#[test]
fn members_that_come_too_rarely_are_worth_a_warning() {
    let rest = "features: {a: {every: 1s, last: 100}, b: {stat: avg, over: 2h}}\ninputs: {x: {shape: [batch, 101], from: [a, b]}}\noutputs: {y: {}}\n";
    let case = case("sum", rest);
    let with = |every: u64, kept: u64| {
        bound("m", Kind::Number, None).map(|bound| Bound {
            every: Some(std::time::Duration::from_secs(every)),
            kept: Some(std::time::Duration::from_secs(kept)),
            ..bound
        })
    };
    let mut problems = Diagnostics::new();
    check_bindings(&case.manifest, &[with(10, 600), with(1, 3600)], Span::new(FileId(0), 0, 0), &mut problems);
    let said: Vec<String> = problems.iter().map(|problem| format!("{} {}", problem.code.id, problem.message)).collect();
    assert_eq!(
        said,
        [
            "W811 feature `a` expects a value every PT1S; m comes every PT10S",
            "W811 feature `a` reaches back PT16M40S; of m only PT10M is kept",
            "W811 feature `b` reaches back PT2H; of m only PT1H is kept",
        ]
    );
}

/// A network that was trained on scaled values and is served raw ones.
#[test]
fn readings_unlike_those_of_the_training_are_worth_a_warning() {
    let rest = format!("{THREE}inputs: {{x: {{shape: [batch, 3], from: [a, b, c]}}}}\noutputs: {{y: {{}}}}\n");
    let case = case("sum", &rest);
    let sample = |mean, std| Some(Sample { count: 372, mean, std });
    let few = Some(Sample { count: 99, mean: 400.0, std: 0.1 });
    let trained = [sample(0.0, 1.0), sample(0.0, 1.0), sample(20.0, 2.0)];
    let mut problems = Diagnostics::new();
    let said = |held: &[Option<Sample>], problems: &mut Diagnostics| {
        check_skew(&case.manifest, &trained, held, Span::new(FileId(0), 0, 0), problems);
        problems.iter().map(|problem| format!("{} {}", problem.code.id, problem.message)).collect::<Vec<_>>()
    };
    assert_eq!(said(&[sample(0.1, 1.1), few, sample(21.0, 1.5)], &mut problems), Vec::<String>::new());
    assert_eq!(
        said(&[sample(0.08, 0.35), None, sample(295.0, 2.0)], &mut problems),
        [
            "W812 `a`: the model was trained on mean 0, std 1 (scaled); readings have mean 0.08, std 0.35: is `scale` missing?",
            "W812 `c`: the model was trained on mean 20, std 2; readings have mean 295, std 2: is `scale` missing?",
        ]
    );
}

#[test]
fn outputs_are_taken_from_their_places() {
    use crate::model::backend::{Outputs, RunError};
    use crate::model::feature::Datum;
    use crate::model::output::values;
    use crate::model::tensor::{Data, Tensor};

    let outputs = "outputs:
  risk: {tensor: p, index: [1], clamp: [0, 1]}
  class: {tensor: label, map: {0: OK, 1: FAIL}}
  raw: {tensor: label}
";
    let case = case("sum", &format!("{THREE}inputs: {{x: {{shape: [batch, 3], from: [a, b, c]}}}}\n{outputs}"));
    let row = |share: f32, label: i64| Outputs {
        tensors: vec![
            ("p".into(), Tensor::new(vec![1, 2], Data::F32(vec![0.0, share])).expect("a tensor")),
            ("label".into(), Tensor::new(vec![1], Data::I64(vec![label])).expect("a tensor")),
        ],
    };
    let read = |share, label| values(&case.manifest.outputs, &row(share, label));
    assert_eq!(read(1.5, 1), Ok(vec![Datum::Number(1.0), Datum::Text("FAIL".into()), Datum::Number(1.0)]));
    assert_eq!(read(0.25, 2), Err(RunError::Failed("output `class`: 2 is none of its labels".to_owned())));
    assert_eq!(read(f32::NAN, 0), Err(RunError::NotANumber { output: "risk".to_owned() }));
}
