//! From the sums of an ensemble or a linear model to labels and scores, as ONNX Runtime does it.

use crate::model::onnx::Node;
use crate::model::tensor::Data;

use super::ensemble::Ensemble;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Labels {
    Numbers(Vec<i64>),
    Texts(Vec<String>),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Post {
    None,
    Logistic,
    Softmax,
}

/// How the sums of a row become a class.
#[derive(Debug, Clone)]
pub(super) enum Rule {
    /// Two classes of which the file has sums for one only. The other is what is left, up to 1 if no weight is below zero, else to 0.
    OneOfTwo { base: f32, is_share: bool },
    /// The class with the largest sum, among those that got any.
    Largest { base: Vec<f32> },
}

#[derive(Debug, Clone, Default)]
pub(super) struct Sums {
    pub(super) sums: Vec<f32>,
    pub(super) is_set: Vec<bool>,
}

impl Labels {
    pub(super) fn read(node: &Node, numbers: &str) -> Result<Labels, String> {
        match (node.ints(numbers), node.texts("classlabels_strings")) {
            ([], []) => Err("it has no labels of classes".to_owned()),
            (numbers, []) => Ok(Labels::Numbers(numbers.to_vec())),
            ([], texts) => Ok(Labels::Texts(texts.to_vec())),
            _ => Err("it has two lists of labels".to_owned()),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Labels::Numbers(labels) => labels.len(),
            Labels::Texts(labels) => labels.len(),
        }
    }

    /// The labels of the rows by the places of their classes.
    pub(super) fn pick(&self, places: &[usize]) -> Data {
        match self {
            Labels::Numbers(labels) => Data::I64(places.iter().map(|at| labels.get(*at).copied().unwrap_or_default()).collect()),
            Labels::Texts(labels) => Data::Text(places.iter().map(|at| labels.get(*at).cloned().unwrap_or_default()).collect()),
        }
    }
}

impl Post {
    pub(super) fn read(node: &Node) -> Result<Post, String> {
        match node.text("post_transform") {
            None | Some("NONE") => Ok(Post::None),
            Some("LOGISTIC") => Ok(Post::Logistic),
            Some("SOFTMAX") => Ok(Post::Softmax),
            Some(other) => Err(format!("post transform {other}")),
        }
    }

    pub(super) fn apply(self, scores: &mut [f32]) {
        match self {
            Post::None => {}
            Post::Logistic => scores.iter_mut().for_each(|score| *score = logistic(*score)),
            Post::Softmax => {
                let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                scores.iter_mut().for_each(|score| *score = (*score - largest).exp());
                let sum: f32 = scores.iter().sum();
                scores.iter_mut().for_each(|score| *score /= sum);
            }
        }
    }
}

impl Rule {
    /// Of two classes with sums for both, or for the second only, runtimes do not agree on the label.
    pub(super) fn of(ensemble: &Ensemble, classes: usize, base: &[f32]) -> Result<Rule, String> {
        if classes > 2 {
            let fits = base.is_empty() || base.len() == classes;
            return if fits {
                Ok(Rule::Largest { base: base.to_vec() })
            } else {
                Err(format!("{} base values for {classes} classes", base.len()))
            };
        }
        match base {
            _ if classes < 2 => Err("it has one class".to_owned()),
            _ if ensemble.has_id(1) => Err("weights for both of two classes, on whose labels runtimes differ".to_owned()),
            [] | [_] => {
                let is_share = ensemble.weights.iter().all(|weight| weight.weight >= 0.0);
                Ok(Rule::OneOfTwo { base: base.first().copied().unwrap_or(0.0), is_share })
            }
            _ => Err(format!("{} base values for two classes", base.len())),
        }
    }

    /// The place of the class, and the scores of all classes behind `scores`.
    pub(super) fn decide(&self, row: &mut Sums, post: Post, scores: &mut Vec<f32>) -> usize {
        match self {
            Rule::OneOfTwo { base, is_share } => {
                let score = row.sums.first().copied().unwrap_or(0.0) + base;
                scores.extend(match (post, is_share) {
                    (Post::Logistic, _) => [logistic(-score), logistic(score)],
                    (Post::None | Post::Softmax, true) => [1.0 - score, score],
                    (Post::None | Post::Softmax, false) => [-score, score],
                });
                usize::from(score > if *is_share { 0.5 } else { 0.0 })
            }
            Rule::Largest { base } => {
                for (at, base) in base.iter().enumerate() {
                    row.sums[at] += base;
                    row.is_set[at] = true;
                }
                let class = largest(&row.sums, |at| row.is_set[at]);
                let first = scores.len();
                scores.extend_from_slice(&row.sums);
                post.apply(&mut scores[first..]);
                class
            }
        }
    }
}

impl Sums {
    pub(super) fn of(classes: usize) -> Sums {
        Sums { sums: vec![0.0; classes], is_set: vec![false; classes] }
    }

    pub(super) fn clear(&mut self) {
        self.sums.fill(0.0);
        self.is_set.fill(false);
    }
}

/// The first of the largest.
pub(super) fn largest(scores: &[f32], counts: impl Fn(usize) -> bool) -> usize {
    let mut best: Option<(usize, f32)> = None;
    for (at, score) in scores.iter().enumerate().filter(|(at, _)| counts(*at)) {
        if best.is_none_or(|(_, most)| *score > most) {
            best = Some((at, *score));
        }
    }
    best.map_or(0, |(at, _)| at)
}

fn logistic(value: f32) -> f32 {
    let near_one = 1.0 / (1.0 + (-value.abs()).exp());
    if value < 0.0 { 1.0 - near_one } else { near_one }
}
