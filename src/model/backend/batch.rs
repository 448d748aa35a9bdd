//! Rows of several twins as one request, and the answer cut into rows again.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::RunError;
use crate::model::tensor::{self, Tensor};

/// Tensors by the names that the graph has for them.
pub type Named = (Arc<str>, Tensor);

/// What goes into one run: for each input of the graph a tensor of as many rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    pub rows: usize,
    pub inputs: Vec<Named>,
}

/// What came out of one run, in the order of the graph.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outputs {
    pub tensors: Vec<Named>,
}

impl Batch {
    /// The rows are those of the first input; the others must have as many.
    pub fn new(inputs: Vec<Named>) -> Result<Batch, tensor::Error> {
        let (_, first) = inputs.first().ok_or(tensor::Error::Empty)?;
        let rows = first.rows();
        if let Some((_, other)) = inputs.iter().find(|(_, tensor)| tensor.rows() != rows) {
            return Err(tensor::Error::Unlike { first: first.describe(), other: other.describe() });
        }
        Ok(Batch { rows, inputs })
    }

    /// Whether both may run together: the same inputs with the same dimensions behind the batch.
    pub fn is_like(&self, other: &Batch) -> bool {
        let pairs = self.inputs.iter().zip(&other.inputs);
        self.inputs.len() == other.inputs.len() && pairs.clone().all(|((name, own), (other, more))| name == other && own.is_like(more))
    }

    pub fn stack<'b>(parts: impl IntoIterator<Item = &'b Batch>) -> Result<Batch, tensor::Error> {
        let parts: Vec<&Batch> = parts.into_iter().collect();
        let first = parts.first().ok_or(tensor::Error::Empty)?;
        let inputs = first.inputs.iter().enumerate().map(|(at, (name, _))| {
            let tensors = parts.iter().filter_map(|part| part.inputs.get(at)).map(|(_, tensor)| tensor);
            Ok((Arc::clone(name), Tensor::stack(tensors)?))
        });
        Batch::new(inputs.collect::<Result<_, tensor::Error>>()?)
    }

    #[must_use]
    pub fn slice(&self, first: usize, rows: usize) -> Batch {
        let inputs: Vec<Named> = self.inputs.iter().map(|(name, tensor)| (Arc::clone(name), tensor.slice(first, rows))).collect();
        Batch { rows: inputs.first().map_or(0, |(_, tensor)| tensor.rows()), inputs }
    }

    /// Of the names, shapes and bytes of all inputs: what a prediction records of what it saw.
    pub fn hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for (name, tensor) in &self.inputs {
            hash.update((name.len() as u64).to_le_bytes());
            hash.update(name.as_bytes());
            tensor.hash_into(&mut hash);
        }
        hash.finalize().into()
    }
}

impl Outputs {
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.tensors.iter().find(|(own, _)| &**own == name).map(|(_, tensor)| tensor)
    }

    /// The rows of one request.
    #[must_use]
    pub fn slice(&self, first: usize, rows: usize) -> Outputs {
        Outputs { tensors: self.tensors.iter().map(|(name, tensor)| (Arc::clone(name), tensor.slice(first, rows))).collect() }
    }

    /// The rows of several runs as those of one.
    pub fn join(parts: &[Outputs]) -> Result<Outputs, tensor::Error> {
        let first = parts.first().ok_or(tensor::Error::Empty)?;
        let joined = first.tensors.iter().enumerate().map(|(at, (name, _))| {
            let tensors = parts.iter().filter_map(|part| part.tensors.get(at)).map(|(_, tensor)| tensor);
            Ok((Arc::clone(name), Tensor::stack(tensors)?))
        });
        Ok(Outputs { tensors: joined.collect::<Result<_, tensor::Error>>()? })
    }

    /// Whether there is one row for each row of the request, without which nobody knows whose is whose.
    pub fn check_rows(&self, rows: usize) -> Result<(), RunError> {
        match self.tensors.iter().find(|(_, tensor)| tensor.rows() != rows) {
            None => Ok(()),
            Some((name, tensor)) => Err(RunError::Rows { output: name.to_string(), found: tensor.describe(), rows }),
        }
    }
}
