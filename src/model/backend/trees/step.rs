//! One operator of a chain, read from its node and ready to run on all rows.

use crate::model::onnx::Node;
use crate::model::tensor::{Data, Dtype, Tensor};

use super::classes::{Labels, Post, Rule, Sums, largest};
use super::ensemble::{CLASSES, Ensemble, TARGETS};

/// Targets of a regression; a row of results has as many columns.
const TARGETS_MAX: i64 = 4096;

#[derive(Debug, Clone)]
pub(super) enum Step {
    Same,
    Cast(Dtype),
    Scale { offset: Vec<f32>, factor: Vec<f32> },
    Normalise(Norm),
    Linear { rows: Vec<Vec<f32>>, base: Vec<f32> },
    LinearClasses { rows: Vec<Vec<f32>>, base: Vec<f32>, labels: Labels, post: Post },
    Trees { ensemble: Ensemble, targets: usize, base: Vec<f32>, aggregate: Aggregate },
    TreeClasses { ensemble: Ensemble, labels: Labels, rule: Rule, post: Post },
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Norm {
    Max,
    L1,
    L2,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Aggregate {
    Sum,
    Average,
    Min,
    Max,
}

impl Step {
    /// Operators that there is a step for, by domain.
    pub(super) fn is_known(domain: &str, op: &str) -> bool {
        match domain {
            "" => matches!(op, "Identity" | "Cast"),
            "ai.onnx.ml" => matches!(
                op,
                "TreeEnsembleClassifier" | "TreeEnsembleRegressor" | "Scaler" | "Normalizer" | "LinearRegressor" | "LinearClassifier"
            ),
            _ => false,
        }
    }

    /// Why not, if something about a known operator is not of a kind that is served.
    pub(super) fn read(node: &Node) -> Result<Step, String> {
        match node.op.as_str() {
            "Identity" => Ok(Step::Same),
            "Cast" => cast(node),
            "Scaler" => Ok(Step::Scale { offset: node.floats("offset").to_vec(), factor: node.floats("scale").to_vec() }),
            "Normalizer" => match node.text("norm") {
                None | Some("MAX") => Ok(Step::Normalise(Norm::Max)),
                Some("L1") => Ok(Step::Normalise(Norm::L1)),
                Some("L2") => Ok(Step::Normalise(Norm::L2)),
                Some(other) => Err(format!("norm {other}")),
            },
            "LinearRegressor" => linear(node),
            "LinearClassifier" => linear_classes(node),
            "TreeEnsembleRegressor" => trees(node),
            "TreeEnsembleClassifier" => tree_classes(node),
            other => Err(format!("no step for {other}")),
        }
    }

    pub(super) fn run(&self, input: &Tensor) -> Result<Vec<Tensor>, String> {
        match self {
            Step::Same => Ok(vec![input.clone()]),
            Step::Cast(to) => Ok(vec![input.cast(*to).ok_or_else(|| format!("{} cannot become {to}", input.describe()))?]),
            Step::Scale { offset, factor } => each_row(input, |row| {
                let of =
                    |list: &[f32], at: usize, none: f32| list.get(at).or(list.first().filter(|_| list.len() == 1)).copied().unwrap_or(none);
                row.iter().enumerate().map(|(at, value)| (*value as f32 - of(offset, at, 0.0)) * of(factor, at, 1.0)).collect()
            }),
            Step::Normalise(norm) => each_row(input, |row| normalised(row, *norm)),
            Step::Linear { rows, base } => {
                check_width(input, rows.first().map_or(0, Vec::len))?;
                each_row(input, |row| products(row, rows, base))
            }
            Step::LinearClasses { rows, base, labels, post } => {
                check_width(input, rows.first().map_or(0, Vec::len))?;
                let (mut classes, mut scores) = (Vec::new(), Vec::new());
                for row in rows_of(input)? {
                    let mut own = products(&row, rows, base);
                    classes.push(largest(&own, |_| true));
                    post.apply(&mut own);
                    scores.extend(own);
                }
                labelled(labels, &classes, scores)
            }
            Step::Trees { ensemble, targets, base, aggregate } => {
                check_width(input, ensemble.columns)?;
                each_row(input, |row| sum_trees(ensemble, row, *targets, base, *aggregate))
            }
            Step::TreeClasses { ensemble, labels, rule, post } => {
                check_width(input, ensemble.columns)?;
                let (mut classes, mut scores) = (Vec::new(), Vec::new());
                let mut sums = Sums::of(labels.len());
                for row in rows_of(input)? {
                    sums.clear();
                    for weight in ensemble.roots.iter().flat_map(|root| ensemble.leaf(*root, &row)) {
                        sums.sums[weight.id as usize] += weight.weight;
                        sums.is_set[weight.id as usize] = true;
                    }
                    classes.push(rule.decide(&mut sums, *post, &mut scores));
                }
                labelled(labels, &classes, scores)
            }
        }
    }
}

fn cast(node: &Node) -> Result<Step, String> {
    use crate::model::onnx::Element;
    match node.int("to").and_then(Element::from_number) {
        Some(Element::Known(dtype)) if dtype != Dtype::Text => Ok(Step::Cast(dtype)),
        _ => Err("to this type".to_owned()),
    }
}

fn matrix(node: &Node, rows: usize) -> Result<(Vec<Vec<f32>>, Vec<f32>), String> {
    let (all, base) = (node.floats("coefficients"), node.floats("intercepts"));
    if rows == 0 || all.is_empty() || !all.len().is_multiple_of(rows) {
        return Err(format!("{} coefficients for {rows} rows", all.len()));
    }
    if !base.is_empty() && base.len() != rows {
        return Err(format!("{} intercepts for {rows} rows", base.len()));
    }
    let base = if base.is_empty() { vec![0.0; rows] } else { base.to_vec() };
    Ok((all.chunks(all.len() / rows).map(<[f32]>::to_vec).collect(), base))
}

fn linear(node: &Node) -> Result<Step, String> {
    if Post::read(node)? != Post::None {
        return Err("post transform".to_owned());
    }
    let (rows, base) = matrix(node, targets_of(node, "targets")?)?;
    Ok(Step::Linear { rows, base })
}

/// With one row of coefficients for two classes runtimes add the second in ways of their own.
fn linear_classes(node: &Node) -> Result<Step, String> {
    let labels = Labels::read(node, "classlabels_ints")?;
    let (rows, base) = matrix(node, labels.len())?;
    if !node.floats("intercepts").is_empty() || labels.len() > 2 {
        return Ok(Step::LinearClasses { rows, base, labels, post: Post::read(node)? });
    }
    Err("two classes without intercepts".to_owned())
}

fn targets_of(node: &Node, attribute: &str) -> Result<usize, String> {
    let targets = node.int(attribute).unwrap_or(1);
    let within = (1..=TARGETS_MAX).contains(&targets).then(|| usize::try_from(targets).ok()).flatten();
    within.ok_or_else(|| format!("{targets} targets"))
}

fn trees(node: &Node) -> Result<Step, String> {
    if Post::read(node)? != Post::None {
        return Err("post transform".to_owned());
    }
    let targets = targets_of(node, "n_targets")?;
    let base = node.floats("base_values").to_vec();
    if !base.is_empty() && base.len() != targets {
        return Err(format!("{} base values for {targets} targets", base.len()));
    }
    let aggregate = match node.text("aggregate_function") {
        None | Some("SUM") => Aggregate::Sum,
        Some("AVERAGE") => Aggregate::Average,
        Some("MIN") => Aggregate::Min,
        Some("MAX") => Aggregate::Max,
        Some(other) => return Err(format!("aggregate {other}")),
    };
    Ok(Step::Trees { ensemble: Ensemble::read(node, &TARGETS, targets)?, targets, base, aggregate })
}

fn tree_classes(node: &Node) -> Result<Step, String> {
    let labels = Labels::read(node, "classlabels_int64s")?;
    let ensemble = Ensemble::read(node, &CLASSES, labels.len())?;
    let rule = Rule::of(&ensemble, labels.len(), node.floats("base_values"))?;
    Ok(Step::TreeClasses { ensemble, labels, rule, post: Post::read(node)? })
}

fn sum_trees(ensemble: &Ensemble, row: &[f64], targets: usize, base: &[f32], aggregate: Aggregate) -> Vec<f32> {
    let mut sums = vec![None; targets];
    for weight in ensemble.roots.iter().flat_map(|root| ensemble.leaf(*root, row)) {
        let sum: &mut Option<f32> = &mut sums[weight.id as usize];
        *sum = Some(match (*sum, aggregate) {
            (None, _) => weight.weight,
            (Some(sum), Aggregate::Sum | Aggregate::Average) => sum + weight.weight,
            (Some(sum), Aggregate::Min) => sum.min(weight.weight),
            (Some(sum), Aggregate::Max) => sum.max(weight.weight),
        });
    }
    let divisor = if aggregate == Aggregate::Average { ensemble.roots.len() as f32 } else { 1.0 };
    sums.into_iter().enumerate().map(|(at, sum)| sum.unwrap_or(0.0) / divisor + base.get(at).copied().unwrap_or(0.0)).collect()
}

fn normalised(row: &[f64], norm: Norm) -> Vec<f32> {
    let row: Vec<f32> = row.iter().map(|value| *value as f32).collect();
    let size = match norm {
        Norm::Max => row.iter().copied().fold(f32::NEG_INFINITY, f32::max),
        Norm::L1 => row.iter().map(|value| value.abs()).sum(),
        Norm::L2 => row.iter().map(|value| value * value).sum::<f32>().sqrt(),
    };
    if size == 0.0 { row } else { row.iter().map(|value| value / size).collect() }
}

fn products(row: &[f64], rows: &[Vec<f32>], base: &[f32]) -> Vec<f32> {
    let product = |own: &Vec<f32>| row.iter().zip(own).map(|(value, factor)| *value as f32 * factor).sum::<f32>();
    rows.iter().zip(base).map(|(own, base)| product(own) + base).collect()
}

fn check_width(input: &Tensor, columns: usize) -> Result<(), String> {
    if input.width() >= columns { Ok(()) } else { Err(format!("{} for a model of {columns} columns", input.describe())) }
}

/// Rows as doubles, which hold every whole number and float that a row may have and compare as these do.
fn rows_of(input: &Tensor) -> Result<impl Iterator<Item = Vec<f64>> + '_, String> {
    if input.dims().len() != 2 || input.dtype() == Dtype::Text {
        return Err(format!("{} is not a table of numbers", input.describe()));
    }
    let width = input.width();
    Ok((0..input.rows()).map(move |row| (0..width).filter_map(|at| input.data().number(row * width + at)).collect()))
}

fn each_row(input: &Tensor, row_to: impl Fn(&[f64]) -> Vec<f32>) -> Result<Vec<Tensor>, String> {
    let mut values = Vec::new();
    for row in rows_of(input)? {
        values.extend(row_to(&row));
    }
    let columns = values.len().checked_div(input.rows()).unwrap_or(0);
    let tensor = Tensor::new(vec![input.rows(), columns], Data::F32(values));
    Ok(vec![tensor.map_err(|error| error.to_string())?])
}

fn labelled(labels: &Labels, classes: &[usize], scores: Vec<f32>) -> Result<Vec<Tensor>, String> {
    let text = |error: crate::model::tensor::Error| error.to_string();
    let columns = scores.len().checked_div(classes.len()).unwrap_or(0);
    let scores = Tensor::new(vec![classes.len(), columns], Data::F32(scores)).map_err(text)?;
    Ok(vec![Tensor::new(vec![classes.len()], labels.pick(classes)).map_err(text)?, scores])
}
