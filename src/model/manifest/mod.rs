//! What the author of a model says about it: `model.yaml`, read with the place of everything that may turn out to be wrong.

mod feature;
mod init;
mod read;
#[cfg(test)]
mod tests;

use std::time::Duration;

use super::backend::Kind;
use super::feature::{Input, Spec};
use super::host::Mode;
use crate::reading::unit::Unit;
use crate::source::Span;

pub use init::init;
pub use read::read;

/// Names of models, features, inputs and outputs.
pub const NAME_CHARS_MAX: usize = 128;
/// Features, inputs and outputs of a model, each.
pub const PARTS_MAX: usize = 1024;
/// The largest batch and queue that a manifest may ask for.
pub const BATCH_MAX: u64 = 4096;
pub const QUEUE_MAX: u64 = 65_536;

/// Something with the place where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct At<T> {
    pub value: T,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    pub model: At<String>,
    pub version: At<String>,
    pub title: Option<String>,
    pub file: At<String>,
    pub sha256: Option<At<String>>,
    pub licence: Option<String>,
    pub trained_on: Option<String>,
    pub metrics: Vec<(String, f64)>,
    /// Nothing means any that can.
    pub backend: Option<At<Kind>>,
    pub features: Vec<At<Spec>>,
    pub inputs: Vec<Tensor>,
    pub outputs: Vec<Output>,
    pub trigger: Trigger,
    pub run: Run,
    pub monitor: Option<Monitor>,
    pub golden: Option<Golden>,
    /// Of the key `inputs`, for what is not there.
    pub inputs_span: Span,
}

/// An input with what the manifest says of its batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    pub input: Input,
    pub batch: Batch,
    pub name_span: Span,
    pub shape_span: Span,
    pub from_span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Batch {
    Any,
    /// As many rows as stated, always.
    Fixed(usize),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    pub name: String,
    pub span: Span,
    pub tensor: At<String>,
    pub index: At<Vec<usize>>,
    pub clamp: Option<(f64, f64)>,
    /// Labels of the file, as texts, and what they mean here.
    pub map: Vec<(String, String)>,
    pub unit: Option<Unit>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Trigger {
    pub on: On,
    /// At most once in so long.
    pub interval: Option<Duration>,
    pub every_n: u64,
    /// A condition on the twin.
    pub when: Option<At<String>>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum On {
    Change,
    /// Only these features, by their places.
    Features(Vec<usize>),
    Every(Duration),
    Window(String),
    Event(String),
    Cron {
        cron: String,
        zone: Option<String>,
    },
    Manual,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Nothing means that the author did not think of it.
    pub max_batch: Option<At<usize>>,
    pub max_delay: Duration,
    pub queue: usize,
    pub mode: Mode,
    pub timeout: Duration,
    pub workers: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Monitor {
    pub baseline: Option<String>,
    pub window: Duration,
    /// From where on a shift is worth a warning, and a major alarm.
    pub psi: (f64, f64),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Golden {
    pub file: At<String>,
    pub atol: f64,
    pub rtol: f64,
}

impl Manifest {
    pub fn specs(&self) -> Vec<Spec> {
        self.features.iter().map(|feature| feature.value.clone()).collect()
    }

    pub fn tensors(&self) -> Vec<Input> {
        self.inputs.iter().map(|tensor| tensor.input.clone()).collect()
    }

    /// How a host of it runs. What comes out of the outputs must be numbers; what else the graph computes need not.
    pub fn host_config(&self) -> super::host::Config {
        let host = super::host::Config::default();
        super::host::Config {
            max_batch: self.run.max_batch.as_ref().map_or(host.max_batch, |stated| stated.value.max(1)),
            max_delay: self.run.max_delay,
            queue_max: self.run.queue,
            mode: self.run.mode,
            run_timeout: self.run.timeout,
            workers: self.run.workers,
            checked: self.outputs.iter().map(|output| output.tensor.value.clone()).collect(),
            ..host
        }
    }
}
