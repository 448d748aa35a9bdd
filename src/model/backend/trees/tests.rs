//! Ensembles that nobody should believe, and scores against those of ONNX Runtime.

use super::*;
use crate::model::backend::Kind;
use crate::model::onnx::{Attribute, AttributeValue};
use crate::model::tensor::Data;
use crate::model::testing;

/// One tree: a branch at 0.5 and two leaves, for two classes of which the weights are for the first.
fn stump() -> Vec<(&'static str, AttributeValue)> {
    let ints = |values: &[i64]| AttributeValue::Ints(values.to_vec());
    let floats = |values: &[f32]| AttributeValue::Floats(values.to_vec());
    let modes = ["BRANCH_LEQ", "LEAF", "LEAF"].map(str::to_owned).to_vec();
    vec![
        ("nodes_treeids", ints(&[0, 0, 0])),
        ("nodes_nodeids", ints(&[0, 1, 2])),
        ("nodes_featureids", ints(&[0, 0, 0])),
        ("nodes_modes", AttributeValue::Texts(modes)),
        ("nodes_values", floats(&[0.5, 0.0, 0.0])),
        ("nodes_truenodeids", ints(&[1, 0, 0])),
        ("nodes_falsenodeids", ints(&[2, 0, 0])),
        ("class_treeids", ints(&[0, 0])),
        ("class_nodeids", ints(&[1, 2])),
        ("class_ids", ints(&[0, 0])),
        ("class_weights", floats(&[0.2, 0.7])),
        ("classlabels_int64s", ints(&[10, 11])),
    ]
}

fn node(changes: &[(&'static str, AttributeValue)]) -> Node {
    let mut attributes = stump();
    for (name, value) in changes {
        match attributes.iter_mut().find(|(own, _)| own == name) {
            Some((_, own)) => *own = value.clone(),
            None => attributes.push((name, value.clone())),
        }
    }
    let attributes = attributes.into_iter().map(|(name, value)| Attribute { name: name.to_owned(), value }).collect();
    Node { name: "t".to_owned(), domain: "ai.onnx.ml".to_owned(), op: "TreeEnsembleClassifier".to_owned(), attributes, ..Node::default() }
}

fn ints(values: &[i64]) -> AttributeValue {
    AttributeValue::Ints(values.to_vec())
}

#[test]
fn lists_that_lead_nowhere_are_refused_whoever_is_to_run_them() {
    assert_eq!(fault(&node(&[])), None);
    for (name, values, why) in [
        ("nodes_truenodeids", ints(&[7, 0, 0]), "a branch of tree 0 leads to node 7, which is not there"),
        ("nodes_truenodeids", ints(&[2, 0, 0]), "two branches lead to one node"),
        ("nodes_truenodeids", ints(&[0, 0, 0]), "branches lead round in a ring"),
        ("nodes_truenodeids", ints(&[1, 0]), "`nodes_truenodeids` has 2 entries, not 3"),
        ("nodes_nodeids", ints(&[0, 1, 1]), "node 1 of tree 0 stands twice"),
        ("nodes_featureids", ints(&[-1, 0, 0]), "a branch of tree 0 asks for column -1"),
        ("class_ids", ints(&[0, 2]), "a weight is for number 2 of 2"),
        ("class_nodeids", ints(&[1, 9]), "a weight is for node 9 of tree 0, which is not there"),
        ("nodes_modes", AttributeValue::Texts(vec!["JUMP".to_owned(); 3]), "the branches `JUMP` are unknown"),
        ("nodes_treeids", ints(&[]), "it has no trees"),
    ] {
        let changed = node(&[(name, values)]);
        let said = fault(&changed).and_then(|refusal| refusal.detail);
        assert!(said.as_deref().is_some_and(|said| said.contains(why) || said.contains("entries")), "{name}: {said:?}, not {why}");
    }
}

#[test]
fn what_runtimes_do_not_agree_on_is_refused() {
    let why = |changes: &[(&'static str, AttributeValue)]| Step::read(&node(changes)).err();
    assert_eq!(why(&[("class_ids", ints(&[0, 1]))]).as_deref(), Some("weights for both of two classes, on whose labels runtimes differ"));
    assert_eq!(why(&[("post_transform", AttributeValue::Text("PROBIT".to_owned()))]).as_deref(), Some("post transform PROBIT"));
    assert_eq!(why(&[("base_values", AttributeValue::Floats(vec![0.0; 2]))]).as_deref(), Some("2 base values for two classes"));
    assert_eq!(why(&[("nodes_values_as_tensor", AttributeValue::Opaque)]).as_deref(), Some("`nodes_values_as_tensor`"));
}

/// Labels and scores of a value below the threshold and one above, as ONNX Runtime 1.31.1 gives them.
#[test]
fn two_classes_are_scored_as_by_onnx_runtime() {
    let floats = |values: &[f32]| AttributeValue::Floats(values.to_vec());
    let post = |text: &str| ("post_transform", AttributeValue::Text(text.to_owned()));
    let mixed = || ("class_weights", floats(&[-0.2, 0.7]));
    let three = || [("class_ids", ints(&[0, 2])), ("classlabels_int64s", ints(&[10, 11, 12])), ("class_weights", floats(&[0.2, -0.5]))];
    for (changes, labels, scores) in [
        (vec![], [10, 11], vec![0.8, 0.2, 0.3, 0.7]),
        (vec![mixed()], [10, 11], vec![0.2, -0.2, -0.7, 0.7]),
        (vec![mixed(), ("base_values", floats(&[0.4]))], [11, 11], vec![-0.2, 0.2, -1.1, 1.1]),
        (vec![post("LOGISTIC")], [10, 11], vec![0.4502, 0.5498, 0.3318, 0.6682]),
        (vec![mixed(), post("LOGISTIC")], [10, 11], vec![0.5498, 0.4502, 0.3318, 0.6682]),
        (vec![("base_values", floats(&[-0.4]))], [10, 10], vec![1.2, -0.2, 0.7, 0.3]),
        // Of three, a class that got nothing never wins, however low the others are.
        (three().to_vec(), [10, 12], vec![0.2, 0.0, 0.0, 0.0, 0.0, -0.5]),
    ] {
        let step = Step::read(&node(&changes)).unwrap_or_else(|why| panic!("{why}"));
        let input = crate::model::tensor::Tensor::new(vec![2, 1], Data::F32(vec![0.0, 1.0])).expect("a tensor");
        let found = step.run(&input).unwrap_or_else(|why| panic!("{why}"));
        assert_eq!(found[0].data(), &Data::I64(labels.to_vec()), "{changes:?}");
        let found: Vec<f64> = (0..scores.len()).filter_map(|at| found[1].data().number(at)).collect();
        assert!(found.iter().zip(&scores).all(|(found, score)| (found - score).abs() < 1e-4), "{changes:?}: {found:?}, not {scores:?}");
    }
}

#[test]
fn missing_values_go_where_the_tree_says() {
    let row = |changes: &[(&'static str, AttributeValue)]| {
        let step = Step::read(&node(changes)).unwrap_or_else(|why| panic!("{why}"));
        let input = crate::model::tensor::Tensor::new(vec![1, 1], Data::F32(vec![f32::NAN])).expect("a tensor");
        step.run(&input).unwrap_or_else(|why| panic!("{why}"))[1].data().number(1).map(|score| (score * 10.0).round())
    };
    assert_eq!(row(&[]), Some(7.0));
    assert_eq!(row(&[("nodes_missing_value_tracks_true", ints(&[1, 0, 0]))]), Some(2.0));
}

#[test]
fn steps_around_trees_do_what_they_say() {
    let step = |op: &str, attributes: &[(&str, AttributeValue)]| {
        let attributes = attributes.iter().map(|(name, value)| Attribute { name: (*name).to_owned(), value: value.clone() }).collect();
        Step::read(&Node { op: op.to_owned(), attributes, ..Node::default() })
    };
    let input = crate::model::tensor::Tensor::new(vec![1, 2], Data::F32(vec![3.0, -4.0])).expect("a tensor");
    let run = |step: Result<Step, String>| {
        let found = step.and_then(|step| step.run(&input)).unwrap_or_else(|why| panic!("{why}"));
        (0..found[0].data().len()).filter_map(|at| found[0].data().number(at)).collect::<Vec<f64>>()
    };
    let floats = |values: &[f32]| AttributeValue::Floats(values.to_vec());
    assert_eq!(run(step("Scaler", &[("offset", floats(&[1.0, 0.0])), ("scale", floats(&[2.0, 0.5]))])), [4.0, -2.0]);
    assert_eq!(run(step("Scaler", &[("offset", floats(&[1.0])), ("scale", floats(&[2.0]))])), [4.0, -10.0]);
    let norm = |text: &str| step("Normalizer", &[("norm", AttributeValue::Text(text.to_owned()))]);
    assert_eq!(run(norm("L2")), [f64::from(0.6_f32), f64::from(-0.8_f32)]);
    assert_eq!(run(norm("MAX")), [1.0, f64::from(-4.0_f32 / 3.0)]);
    let linear =
        [("coefficients", floats(&[1.0, 1.0, 2.0, 0.0])), ("intercepts", floats(&[0.5, 0.0])), ("targets", AttributeValue::Int(2))];
    assert_eq!(run(step("LinearRegressor", &linear)), [-0.5, 6.0]);
    assert_eq!(run(step("Cast", &[("to", AttributeValue::Int(7))])), [3.0, -4.0]);
    assert!(step("Cast", &[("to", AttributeValue::Int(8))]).is_err());
}

#[test]
fn both_evaluators_give_the_same_labels_and_scores() {
    let kinds = testing::backends(&[Kind::Ort, Kind::Trees]);
    let mut seed = 11_u64;
    let rows: Vec<f32> = (0..8 * 500)
        .map(|at| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let share = (seed >> 33) as f32 / (1_u64 << 31) as f32;
            [300.0, 310.0, 1500.0, 40.0, 100.0, 1.0, 1.0, 1.0][at % 8] * (0.9 + 0.2 * share)
        })
        .collect();
    for name in ["ai4i_forest", "ai4i_boosted", "ai4i_regressor"] {
        let mut found =
            kinds.iter().map(|kind| testing::load(*kind, &testing::model(name)).run(&testing::batch("x", &[500, 8], rows.clone())));
        let first = found.next().expect("one of them").expect("an answer");
        for other in found {
            assert_eq!(other.as_ref(), Ok(&first), "{name}");
        }
    }
}

/// Whatever stands in a file that still reads: it is refused, fails as a batch, or answers.
#[test]
fn no_changed_file_breaks_the_evaluator() {
    let mut seed = 5_u64;
    let mut dice = move |sides: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % sides
    };
    let batch = testing::batch("x", &[3, 8], (0..24).map(|at| at as f32 * 17.0).collect::<Vec<_>>());
    let (mut ran, mut refused) = (0, 0);
    for name in ["ai4i_boosted", "ai4i_regressor", "ai4i_linear"] {
        let whole = testing::model(name).bytes;
        for _ in 0..4000 {
            let mut bytes = whole.to_vec();
            for _ in 0..=dice(3) {
                let at = dice(bytes.len());
                bytes[at] = dice(256) as u8;
            }
            let Ok(model) = Model::read(bytes) else { continue };
            match Trees.load(&model) {
                Ok(mut loaded) if Trees.refuses(&model).is_empty() => {
                    ran += usize::from(loaded.run(&batch).is_ok());
                }
                Ok(_) | Err(_) => refused += 1,
            }
        }
    }
    // Both happen, so both were tried.
    assert!(ran > 100 && refused > 100, "{ran} ran, {refused} were refused");
}
