//! Our own evaluator of what other pure-Rust runtimes leave out: tree ensembles and linear models, with the scalers around them.

mod classes;
mod ensemble;
mod step;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use super::{Backend, Batch, Kind, LoadError, Loaded, Named, Outputs, Refusal, RunError};
use crate::model::onnx::{Model, Node};
use crate::model::tensor::Tensor;

use ensemble::{CLASSES, Ensemble, TARGETS};
use step::Step;

#[derive(Debug, Clone, Copy)]
pub struct Trees;

struct Chain {
    links: Vec<Link>,
    outputs: Vec<Arc<str>>,
}

struct Link {
    step: Step,
    input: String,
    outputs: Vec<String>,
}

impl Backend for Trees {
    fn kind(&self) -> Kind {
        Kind::Trees
    }

    fn refuses(&self, model: &Model) -> Vec<Refusal> {
        let mut refusals: Vec<Refusal> = model.nodes().into_iter().filter_map(refusal).collect();
        refusals.sort();
        refusals.dedup_by(|a, b| a.op == b.op && a.detail == b.detail);
        refusals
    }

    fn load(&self, model: &Model) -> Result<Box<dyn Loaded>, LoadError> {
        let mut links = Vec::with_capacity(model.graph.nodes.len());
        for node in &model.graph.nodes {
            let step = Step::read(node).map_err(|why| LoadError::Refused(format!("{} (node `{}`): {why}", node.op, node.name)))?;
            let [input] = node.inputs.as_slice() else {
                return Err(LoadError::Refused(format!("{} has {} inputs", node.op, node.inputs.len())));
            };
            links.push(Link { step, input: input.clone(), outputs: node.outputs.clone() });
        }
        let outputs = model.outputs().iter().map(|port| Arc::from(port.name.as_str())).collect();
        Ok(Box::new(Chain { links, outputs }))
    }
}

fn refusal(node: &Node) -> Option<Refusal> {
    if !Step::is_known(&node.domain, &node.op) {
        return Some(Refusal::of(node));
    }
    Step::read(node).err().map(|why| Refusal::because(node, why))
}

/// What is wrong with the lists of a tree ensemble, for the backends that trust them.
pub(super) fn fault(node: &Node) -> Option<Refusal> {
    let ensemble = match (node.domain.as_str(), node.op.as_str()) {
        ("ai.onnx.ml", "TreeEnsembleClassifier") => {
            let classes = node.ints("classlabels_int64s").len().max(node.texts("classlabels_strings").len());
            Ensemble::structure(node, &CLASSES, classes)
        }
        ("ai.onnx.ml", "TreeEnsembleRegressor") => {
            Ensemble::structure(node, &TARGETS, node.int("n_targets").and_then(|targets| usize::try_from(targets).ok()).unwrap_or(1))
        }
        _ => return None,
    };
    ensemble.err().map(|why| Refusal::because(node, why))
}

impl Loaded for Chain {
    fn run(&mut self, batch: &Batch) -> Result<Outputs, RunError> {
        let mut values: HashMap<&str, Tensor> = batch.inputs.iter().map(|(name, tensor)| (&**name, tensor.clone())).collect();
        for link in &self.links {
            let input = values.get(link.input.as_str()).ok_or_else(|| RunError::Failed(format!("nothing gives `{}`", link.input)))?;
            let results = link.step.run(input).map_err(RunError::Failed)?;
            values.extend(link.outputs.iter().map(String::as_str).zip(results).filter(|(name, _)| !name.is_empty()));
        }
        let named = self.outputs.iter().map(|name| {
            let tensor = values.get(&**name).ok_or_else(|| RunError::Failed(format!("nothing gives `{name}`")))?;
            Ok((Arc::clone(name), tensor.clone()) as Named)
        });
        Ok(Outputs { tensors: named.collect::<Result<_, RunError>>()? })
    }
}
