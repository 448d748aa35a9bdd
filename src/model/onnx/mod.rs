//! An ONNX file as we see it before anything runs it: what goes in and comes out, which operators it needs, how large it says it is.
//!
//! A model is code from outside. It is read here first, within bounds, and only then given to a runtime. Nothing in this folder runs a model.

mod element;
mod read;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::tensor::Dtype;

pub use element::Element;

/// The largest file.
pub const MODEL_BYTES_MAX: usize = 256 << 20;
/// Nodes of the graph with all graphs inside it and all functions.
pub const NODES_MAX: usize = 100_000;
/// How deep graphs may lie in attributes of graphs.
pub const DEPTH_MAX: usize = 8;
/// Names, attributes and other pieces that take memory of their own.
pub const PARTS_MAX: usize = 4_000_000;
/// Numbers in attributes: the lists of a tree ensemble.
pub const NUMBERS_MAX: usize = 16 << 20;
/// The versions of the format that we know.
pub const IR_VERSIONS: std::ops::RangeInclusive<i64> = 3..=13;
/// The newest operator sets that the bundled runtime knows.
pub const OPSETS: &[(&str, i64)] = &[("", 26), ("ai.onnx.ml", 5)];

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Broken(String),
    #[error("it has more than {max} {what}")]
    TooMany { what: &'static str, max: usize },
    #[error("graphs lie more than {DEPTH_MAX} deep in each other")]
    TooDeep,
    #[error("the weights `{tensor}` lie in another file: save the model with its weights inside")]
    External { tensor: String },
    #[error("{0}")]
    Unknown(String),
}

/// A file with its hash and what stands in it.
#[derive(Debug, Clone)]
pub struct Model {
    pub bytes: Arc<[u8]>,
    pub sha256: [u8; 32],
    pub ir_version: i64,
    pub producer: String,
    /// Domain and version, the domain of ONNX itself being empty.
    pub opsets: Vec<(String, i64)>,
    pub graph: Graph,
    /// Operators that the file itself defines.
    pub functions: Vec<Function>,
    /// What all initialisers declare together.
    pub weight_bytes: usize,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Graph {
    pub name: String,
    pub inputs: Vec<Port>,
    pub outputs: Vec<Port>,
    pub initializers: Vec<Initializer>,
    pub nodes: Vec<Node>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Function {
    pub domain: String,
    pub name: String,
    pub nodes: Vec<Node>,
}

/// A named input or output.
#[derive(Debug, Clone, PartialEq)]
pub struct Port {
    pub name: String,
    pub kind: PortKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum PortKind {
    /// `None`: the graph does not say of what rank.
    Tensor {
        element: Element,
        dims: Option<Vec<Dim>>,
    },
    Sequence,
    Map,
    Optional,
    Sparse,
    /// The graph does not say.
    Unstated,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dim {
    Fixed(usize),
    Symbol(String),
    Open,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Initializer {
    pub name: String,
    pub element: Element,
    pub dims: Vec<usize>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Node {
    pub name: String,
    pub domain: String,
    pub op: String,
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
    pub attributes: Vec<Attribute>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Attribute {
    pub name: String,
    pub value: AttributeValue,
}

#[derive(Debug, Clone, PartialEq)]
pub enum AttributeValue {
    Float(f32),
    Int(i64),
    Text(String),
    Floats(Vec<f32>),
    Ints(Vec<i64>),
    Texts(Vec<String>),
    Graphs(Vec<Graph>),
    /// Tensors and types: only runtimes read them.
    Opaque,
}

impl Model {
    pub fn read(bytes: impl Into<Arc<[u8]>>) -> Result<Model, Error> {
        let bytes: Arc<[u8]> = bytes.into();
        let mut model = read::read(&bytes)?;
        model.sha256 = Sha256::digest(&bytes).into();
        model.bytes = bytes;
        Ok(model)
    }

    /// Inputs that a request must bring: those without an initialiser of the same name.
    pub fn inputs(&self) -> impl Iterator<Item = &Port> {
        let has_default = |port: &Port| self.graph.initializers.iter().any(|own| own.name == port.name);
        self.graph.inputs.iter().filter(move |port| !has_default(port))
    }

    pub fn outputs(&self) -> &[Port] {
        &self.graph.outputs
    }

    /// Every node there is: of the graph, of graphs in attributes, and of functions.
    pub fn nodes(&self) -> Vec<&Node> {
        let mut all = Vec::new();
        let mut waiting: Vec<&Node> = self.graph.nodes.iter().chain(self.functions.iter().flat_map(|function| &function.nodes)).collect();
        while let Some(node) = waiting.pop() {
            all.push(node);
            for attribute in &node.attributes {
                if let AttributeValue::Graphs(graphs) = &attribute.value {
                    waiting.extend(graphs.iter().flat_map(|graph| &graph.nodes));
                }
            }
        }
        all
    }

    /// Whether the file itself says what this operator is.
    pub fn defines(&self, node: &Node) -> bool {
        self.functions.iter().any(|function| function.domain == node.domain && function.name == node.op)
    }

    pub fn sha256_text(&self) -> String {
        self.sha256.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Port {
    /// Type and dimensions, if it is a tensor of elements that we can build.
    pub fn tensor(&self) -> Option<(Dtype, Option<&[Dim]>)> {
        match &self.kind {
            PortKind::Tensor { element: Element::Known(dtype), dims } => Some((*dtype, dims.as_deref())),
            PortKind::Tensor { .. } | PortKind::Sequence | PortKind::Map | PortKind::Optional | PortKind::Sparse | PortKind::Unstated => {
                None
            }
        }
    }

    /// `f32 [batch, 12]`, `a sequence of maps`: as messages say it.
    pub fn describe(&self) -> String {
        match &self.kind {
            PortKind::Tensor { element, dims: None } => format!("{element} of any rank"),
            PortKind::Tensor { element, dims: Some(dims) } => {
                let dims: Vec<String> = dims.iter().map(Dim::to_string).collect();
                format!("{element} [{}]", dims.join(", "))
            }
            PortKind::Sequence => "a sequence of maps".to_owned(),
            PortKind::Map => "a map".to_owned(),
            PortKind::Optional => "an optional".to_owned(),
            PortKind::Sparse => "a sparse tensor".to_owned(),
            PortKind::Unstated => "of no stated type".to_owned(),
        }
    }
}

impl std::fmt::Display for Dim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Dim::Fixed(size) => size.fmt(f),
            Dim::Symbol(name) => f.write_str(name),
            Dim::Open => f.write_str("?"),
        }
    }
}

impl Node {
    pub fn attribute(&self, name: &str) -> Option<&AttributeValue> {
        self.attributes.iter().find(|attribute| attribute.name == name).map(|attribute| &attribute.value)
    }

    pub fn floats(&self, name: &str) -> &[f32] {
        match self.attribute(name) {
            Some(AttributeValue::Floats(values)) => values,
            _ => &[],
        }
    }

    pub fn ints(&self, name: &str) -> &[i64] {
        match self.attribute(name) {
            Some(AttributeValue::Ints(values)) => values,
            _ => &[],
        }
    }

    pub fn texts(&self, name: &str) -> &[String] {
        match self.attribute(name) {
            Some(AttributeValue::Texts(values)) => values,
            _ => &[],
        }
    }

    pub fn int(&self, name: &str) -> Option<i64> {
        match self.attribute(name) {
            Some(AttributeValue::Int(value)) => Some(*value),
            _ => None,
        }
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        match self.attribute(name) {
            Some(AttributeValue::Text(value)) => Some(value),
            _ => None,
        }
    }
}
