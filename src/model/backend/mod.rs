//! What runs a model: one trait to load a file, one to run a batch. `ort` and `tract` are named behind it and nowhere else.

mod batch;
mod choice;
pub mod fake;
pub mod ort;
mod outcome;
#[cfg(test)]
mod tests;
pub mod tract;
pub mod trees;

use std::fmt;
use std::sync::Arc;

use super::onnx::{Model, Node};

pub use batch::{Batch, Named, Outputs};
pub use choice::{Backends, Chosen, NotServed};
pub use outcome::{LoadError, RunError};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// ONNX Runtime.
    Ort,
    /// Pure Rust: neural networks.
    Tract,
    /// Our own: tree ensembles and linear models.
    Trees,
    /// The tests' tool.
    Fake,
}

/// An operator of the file that a backend cannot run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    pub op: String,
    /// The name of a node that has it.
    pub node: String,
    /// Why, where it is not the operator as such.
    pub detail: Option<String>,
}

/// One way to run models.
pub trait Backend: fmt::Debug + Send + Sync {
    fn kind(&self) -> Kind;

    /// What in the file it cannot run. Empty means that loading is worth a try; golden rows are the proof.
    fn refuses(&self, model: &Model) -> Vec<Refusal>;

    fn load(&self, model: &Model) -> Result<Box<dyn Loaded>, LoadError>;
}

/// A model ready to run. One thread owns it.
pub trait Loaded: Send {
    /// Runs all rows at once. The outputs are those that are tensors, in the order of the graph.
    fn run(&mut self, batch: &Batch) -> Result<Outputs, RunError>;

    /// Ends the run in progress from another thread, if the backend can: it then comes back with [`RunError::Stopped`].
    fn stopper(&self) -> Option<Stopper> {
        None
    }
}

pub type Stopper = Arc<dyn Fn() + Send + Sync>;

impl Kind {
    pub const NAMED: [Kind; 3] = [Kind::Ort, Kind::Tract, Kind::Trees];

    /// As a manifest writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Ort => "ort",
            Kind::Tract => "tract",
            Kind::Trees => "trees",
            Kind::Fake => "fake",
        }
    }

    pub fn parse(text: &str) -> Option<Kind> {
        Kind::NAMED.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Ort => "ONNX Runtime",
            Kind::Tract => "tract",
            Kind::Trees => "the built-in evaluator of trees",
            Kind::Fake => "the fake of the tests",
        })
    }
}

impl Refusal {
    pub(super) fn of(node: &Node) -> Refusal {
        let name = if node.name.is_empty() { node.outputs.first().cloned().unwrap_or_default() } else { node.name.clone() };
        let op =
            if node.domain.is_empty() || node.domain == "ai.onnx.ml" { node.op.clone() } else { format!("{}.{}", node.domain, node.op) };
        Refusal { op, node: name, detail: None }
    }

    pub(super) fn because(node: &Node, detail: impl Into<String>) -> Refusal {
        Refusal { detail: Some(detail.into()), ..Refusal::of(node) }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.detail {
            None => write!(f, "{} (node `{}`)", self.op, self.node),
            Some(detail) => write!(f, "{} (node `{}`: {detail})", self.op, self.node),
        }
    }
}
