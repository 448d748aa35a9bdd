//! tract: pure Rust, for neural networks where there is no ONNX Runtime.
//!
//! It turns an operator that it does not know into one that fails when it runs, and looks operators up by name without their domain. So every
//! node is held against its register here first, and what it cannot run is refused by name before anything is built.

use std::collections::HashMap;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use half::f16;
use tract_onnx::prelude::*;

use super::{Backend, Batch, Kind, LoadError, Loaded, Named, Outputs, Refusal, RunError, trees};
use crate::model::onnx::{AttributeValue, Dim, Model, Node};
use crate::model::panic_text;
use crate::model::tensor::{Data, Tensor as Rows};

/// Rows of the largest plan; more are run in parts. Each power of two up to it has a plan of its own, made when it is first needed.
const PLAN_ROWS_MAX: usize = 256;
/// A plan for a single row would add up in another order than all others, and the same row must have the same answer in every batch.
const PLAN_ROWS_MIN: usize = 2;
/// Plans kept, for graphs whose other dimensions vary.
const PLANS_MAX: usize = 32;
/// What it knows of ONNX Runtime's own operators.
const MICROSOFT: &[&str] = &[
    "BiasGelu",
    "FastGelu",
    "QuickGelu",
    "Gelu",
    "GatherBlockQuantized",
    "GroupQueryAttention",
    "MatMulNBits",
    "MultiHeadAttention",
    "RotaryEmbedding",
    "SimplifiedLayerNormalization",
    "SkipLayerNormalization",
    "SkipSimplifiedLayerNormalization",
];
/// Of the operators for classical learners it knows these.
const ML: &[&str] =
    &["ArrayFeatureExtractor", "CategoryMapper", "LinearClassifier", "LinearRegressor", "Normalizer", "TreeEnsembleClassifier"];

#[derive(Debug, Clone, Copy)]
pub struct Tract;

struct TractModel {
    template: InferenceModel,
    plans: HashMap<Shapes, Arc<TypedRunnableModel>>,
    /// The names of the inputs in the order of the graph.
    inputs: Vec<String>,
    outputs: Vec<Arc<str>>,
    /// The graph itself says how many rows.
    fixed_rows: Option<usize>,
}

/// The dimensions of all inputs.
type Shapes = Vec<Vec<usize>>;

impl Backend for Tract {
    fn kind(&self) -> Kind {
        Kind::Tract
    }

    fn refuses(&self, model: &Model) -> Vec<Refusal> {
        let register = tract_onnx::onnx().op_register;
        let knows = |op: &str| register.0.contains_key(op);
        let mut refusals: Vec<Refusal> = model.nodes().into_iter().filter_map(|node| refusal(node, &knows)).collect();
        refusals.sort();
        refusals.dedup_by(|a, b| a.op == b.op && a.detail == b.detail);
        refusals
    }

    fn load(&self, model: &Model) -> Result<Box<dyn Loaded>, LoadError> {
        guarded(|| TractModel::load(model)).map_err(LoadError::Panicked)?.map_err(|error| LoadError::Refused(format!("{error:#}")))
    }
}

fn refusal(node: &Node, knows: &dyn Fn(&str) -> bool) -> Option<Refusal> {
    let is_known = match node.domain.as_str() {
        "" => knows(&node.op) && !ML.contains(&node.op.as_str()),
        "ai.onnx.ml" => ML.contains(&node.op.as_str()) && knows(&node.op),
        "com.microsoft" => MICROSOFT.contains(&node.op.as_str()) && knows(&node.op),
        _ => false,
    };
    if !is_known {
        return Some(Refusal::of(node));
    }
    let post = node.text("post_transform").unwrap_or("NONE");
    if !matches!(post, "NONE" | "SOFTMAX" | "LOGISTIC") {
        return Some(Refusal::because(node, format!("post transform {post}")));
    }
    // It reads the lists of trees without looking whether they lead anywhere, and of two classes it gives the wrong label.
    if node.op == "TreeEnsembleClassifier" {
        let is_binary = node.ints("classlabels_int64s").len().max(node.texts("classlabels_strings").len()) <= 2;
        return if is_binary { Some(Refusal::because(node, "the labels of two classes")) } else { trees::fault(node) };
    }
    let is_loop = node.attributes.iter().any(|attribute| matches!(attribute.value, AttributeValue::Graphs(_))) && node.op == "Loop";
    is_loop.then(|| Refusal::of(node))
}

fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| panic_text(&*panic))
}

impl TractModel {
    fn load(model: &Model) -> TractResult<Box<dyn Loaded>> {
        // The outputs' shapes as an exporter wrote them are often wrong; what follows from the inputs is not.
        let framework = tract_onnx::onnx().with_ignore_output_shapes(true).with_ignore_value_info(true);
        let template = framework.model_for_read(&mut Cursor::new(&model.bytes[..]))?;
        let mut ports = Vec::new();
        for port in model.inputs() {
            ports.push((port.name.clone(), port.tensor().and_then(|(_, dims)| dims).map(<[Dim]>::to_vec)));
        }
        let fixed_rows = ports.iter().find_map(|(_, dims)| match dims.as_deref() {
            Some([Dim::Fixed(rows), ..]) => Some(*rows),
            _ => None,
        });
        let inputs = ports.into_iter().map(|(name, _)| name).collect();
        let outputs = model.outputs().iter().map(|port| Arc::from(port.name.as_str())).collect();
        let mut loaded = TractModel { template, plans: HashMap::new(), inputs, outputs, fixed_rows };
        // If every dimension is known, one plan now shows at attach what would fail at the first run.
        let dims: Option<Shapes> = model.inputs().map(|port| whole_dims(port.tensor()?.1?)).collect();
        if let Some(dims) = dims {
            let dtypes: Vec<DatumType> = model.inputs().filter_map(|port| port.tensor()).map(|(dtype, _)| datum_type(dtype)).collect();
            loaded.plan(&dims, &dtypes)?;
        }
        Ok(Box::new(loaded))
    }

    fn plan(&mut self, shapes: &Shapes, dtypes: &[DatumType]) -> TractResult<Arc<TypedRunnableModel>> {
        if let Some(plan) = self.plans.get(shapes) {
            return Ok(Arc::clone(plan));
        }
        let mut model = self.template.clone();
        for (at, (dims, dtype)) in shapes.iter().zip(dtypes).enumerate() {
            let dims: TVec<usize> = dims.iter().copied().collect();
            model.set_input_fact(at, InferenceFact::dt_shape(*dtype, dims))?;
        }
        let plan = model.into_optimized()?.into_runnable()?;
        if self.plans.len() >= PLANS_MAX {
            self.plans.clear();
        }
        self.plans.insert(shapes.clone(), Arc::clone(&plan));
        Ok(plan)
    }

    fn run_part(&mut self, part: &Batch) -> Result<Outputs, RunError> {
        let rows = self.fixed_rows.unwrap_or_else(|| part.rows.next_power_of_two().max(PLAN_ROWS_MIN));
        let mut padded = Vec::with_capacity(self.inputs.len());
        for name in &self.inputs {
            let tensor = part.inputs.iter().find(|(own, _)| &**own == name).map(|(_, tensor)| tensor.padded(rows));
            padded.push(tensor.ok_or_else(|| RunError::Failed(format!("the input `{name}` is missing")))?);
        }
        let shapes: Shapes = padded.iter().map(|tensor| tensor.dims().to_vec()).collect();
        let dtypes: Vec<DatumType> = padded.iter().map(|tensor| datum_type(tensor.dtype())).collect();
        let run = || -> TractResult<Vec<Named>> {
            let plan = self.plan(&shapes, &dtypes)?;
            let values: TVec<TValue> = padded.iter().map(|tensor| Ok(to_tract(tensor)?.into())).collect::<TractResult<_>>()?;
            let results = plan.run(values)?;
            let named = self.outputs.iter().zip(&results).map(|(name, value)| Ok((Arc::clone(name), from_tract(value)?)));
            named.collect()
        };
        let tensors = guarded(run).map_err(RunError::Failed)?.map_err(|error| RunError::Failed(format!("{error:#}")))?;
        let outputs = Outputs { tensors };
        outputs.check_rows(rows)?;
        Ok(outputs.slice(0, part.rows))
    }
}

/// With one row where the batch is open; nothing if another dimension is open, too.
fn whole_dims(dims: &[Dim]) -> Option<Vec<usize>> {
    let whole = dims.iter().enumerate().map(|(at, dim)| match dim {
        Dim::Fixed(size) => Some(*size),
        Dim::Symbol(_) | Dim::Open => (at == 0).then_some(1),
    });
    whole.collect()
}

impl Loaded for TractModel {
    fn run(&mut self, batch: &Batch) -> Result<Outputs, RunError> {
        let step = self.fixed_rows.unwrap_or(PLAN_ROWS_MAX).max(1);
        if batch.rows <= step {
            return self.run_part(batch);
        }
        let mut parts = Vec::new();
        for first in (0..batch.rows).step_by(step) {
            parts.push(self.run_part(&batch.slice(first, step))?);
        }
        Outputs::join(&parts).map_err(|error| RunError::Failed(error.to_string()))
    }
}

fn datum_type(dtype: crate::model::tensor::Dtype) -> DatumType {
    use crate::model::tensor::Dtype;
    match dtype {
        Dtype::Bool => DatumType::Bool,
        Dtype::I8 => DatumType::I8,
        Dtype::U8 => DatumType::U8,
        Dtype::I16 => DatumType::I16,
        Dtype::U16 => DatumType::U16,
        Dtype::I32 => DatumType::I32,
        Dtype::U32 => DatumType::U32,
        Dtype::I64 => DatumType::I64,
        Dtype::U64 => DatumType::U64,
        Dtype::F16 => DatumType::F16,
        Dtype::F32 => DatumType::F32,
        Dtype::F64 => DatumType::F64,
        Dtype::Text => DatumType::String,
    }
}

fn to_tract(tensor: &Rows) -> TractResult<Tensor> {
    let dims = tensor.dims();
    match tensor.data() {
        Data::Bool(elements) => Tensor::from_shape(dims, elements),
        Data::I8(elements) => Tensor::from_shape(dims, elements),
        Data::U8(elements) => Tensor::from_shape(dims, elements),
        Data::I16(elements) => Tensor::from_shape(dims, elements),
        Data::U16(elements) => Tensor::from_shape(dims, elements),
        Data::I32(elements) => Tensor::from_shape(dims, elements),
        Data::U32(elements) => Tensor::from_shape(dims, elements),
        Data::I64(elements) => Tensor::from_shape(dims, elements),
        Data::U64(elements) => Tensor::from_shape(dims, elements),
        Data::F16(elements) => Tensor::from_shape(dims, elements),
        Data::F32(elements) => Tensor::from_shape(dims, elements),
        Data::F64(elements) => Tensor::from_shape(dims, elements),
        Data::Text(elements) => tensor1(elements).into_shape(dims),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "tract has types of its own inside, and may have more of them")]
fn from_tract(value: &Tensor) -> TractResult<Rows> {
    let whole;
    // Shapes are symbols inside tract and whole numbers outside.
    let value = if value.datum_type() == DatumType::TDim {
        whole = value.cast_to::<i64>()?;
        &*whole
    } else {
        value
    };
    let view = value.try_as_plain_ram()?;
    let data = match value.datum_type() {
        DatumType::Bool => Data::Bool(view.as_slice::<bool>()?.to_vec()),
        DatumType::I8 => Data::I8(view.as_slice::<i8>()?.to_vec()),
        DatumType::U8 => Data::U8(view.as_slice::<u8>()?.to_vec()),
        DatumType::I16 => Data::I16(view.as_slice::<i16>()?.to_vec()),
        DatumType::U16 => Data::U16(view.as_slice::<u16>()?.to_vec()),
        DatumType::I32 => Data::I32(view.as_slice::<i32>()?.to_vec()),
        DatumType::U32 => Data::U32(view.as_slice::<u32>()?.to_vec()),
        DatumType::I64 => Data::I64(view.as_slice::<i64>()?.to_vec()),
        DatumType::U64 => Data::U64(view.as_slice::<u64>()?.to_vec()),
        DatumType::F16 => Data::F16(view.as_slice::<f16>()?.to_vec()),
        DatumType::F32 => Data::F32(view.as_slice::<f32>()?.to_vec()),
        DatumType::F64 => Data::F64(view.as_slice::<f64>()?.to_vec()),
        DatumType::String => Data::Text(view.as_slice::<String>()?.to_vec()),
        other => return Err(TractError::msg(format!("an output of {other:?}"))),
    };
    Rows::new(value.shape().to_vec(), data).map_err(TractError::msg)
}
