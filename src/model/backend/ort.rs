//! ONNX Runtime: everything there is, if its library is there.
//!
//! It is made from a loaded [`Library`](crate::model::library::Library) and from nothing else, so no code enters `ort` without one.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use ort::ep::CPU;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::session::{NoSelectedOutputs, RunOptions, Session, SessionInputValue};
use ort::value::{DynValueTypeMarker, PrimitiveTensorElementType, TensorElementType, TensorRef, Value, ValueRef, ValueType};

use super::{Backend, Batch, Kind, LoadError, Loaded, Named, Outputs, Refusal, RunError, Stopper, trees};
use crate::model::library;
use crate::model::onnx::Model;
use crate::model::panic_text;
use crate::model::tensor::{Data, Tensor};

/// Below that many bytes of weights a session keeps no memory in reserve: there may be thousands of them.
const ARENA_BYTES_MIN: usize = 1 << 20;

#[derive(Debug, Clone)]
pub struct Ort {
    runtime: library::Loaded,
}

struct OrtModel {
    session: Session,
    options: Arc<RunOptions<NoSelectedOutputs>>,
}

impl Ort {
    pub fn new(runtime: library::Loaded) -> Ort {
        Ort { runtime }
    }
}

impl Backend for Ort {
    fn kind(&self) -> Kind {
        Kind::Ort
    }

    /// It says itself what it cannot run, when it loads. Lists of trees it believes.
    fn refuses(&self, model: &Model) -> Vec<Refusal> {
        model.nodes().into_iter().filter_map(trees::fault).collect()
    }

    fn load(&self, model: &Model) -> Result<Box<dyn Loaded>, LoadError> {
        let load = || {
            let builder = Session::builder(&self.runtime.environment).map_err(refused)?;
            let mut builder =
                tune(builder, model.weight_bytes >= ARENA_BYTES_MIN).map_err(|error| LoadError::Refused(error.to_string()))?;
            let session = builder.commit_from_memory(&model.bytes).map_err(refused)?;
            let options = Arc::new(RunOptions::new().map_err(refused)?);
            Ok(Box::new(OrtModel { session, options }) as Box<dyn Loaded>)
        };
        catch_unwind(AssertUnwindSafe(load)).unwrap_or_else(|panic| Err(LoadError::Panicked(panic_text(&*panic))))
    }
}

fn refused(error: ort::Error) -> LoadError {
    LoadError::Refused(error.to_string())
}

/// One thread each and no spinning: many models share a machine. The same bits for the same rows, always.
fn tune(builder: SessionBuilder, has_arena: bool) -> Result<SessionBuilder, ort::Error<SessionBuilder>> {
    builder
        .with_intra_threads(1)?
        .with_inter_threads(1)?
        .with_intra_op_spinning(false)?
        .with_inter_op_spinning(false)?
        .with_parallel_execution(false)?
        .with_deterministic_compute(true)?
        .with_memory_pattern(has_arena)?
        .with_execution_providers([CPU::default().with_arena_allocator(has_arena).build()])?
        .with_optimization_level(GraphOptimizationLevel::All)
}

impl Loaded for OrtModel {
    fn run(&mut self, batch: &Batch) -> Result<Outputs, RunError> {
        let mut inputs: Vec<(Cow<'_, str>, SessionInputValue<'_>)> = Vec::with_capacity(batch.inputs.len());
        for (name, tensor) in &batch.inputs {
            inputs.push((Cow::Borrowed(&**name), to_value(tensor).map_err(failed)?));
        }
        // A stop that came after the last run had ended is not meant for this one.
        self.options.unterminate().map_err(failed)?;
        let outputs = self.session.run_with_options(inputs, &*self.options).map_err(|error| {
            let text = error.to_string();
            if text.contains("terminate flag") { RunError::Stopped } else { RunError::Failed(text) }
        })?;
        let mut tensors = Vec::with_capacity(outputs.len());
        for (name, value) in &outputs {
            if let Some(tensor) = from_value(&value).map_err(RunError::Failed)? {
                tensors.push((Arc::from(name), tensor) as Named);
            }
        }
        Ok(Outputs { tensors })
    }

    fn stopper(&self) -> Option<Stopper> {
        let options = Arc::clone(&self.options);
        Some(Arc::new(move || {
            if let Err(error) = options.terminate() {
                tracing::warn!(%error, "a run of a model could not be stopped");
            }
        }))
    }
}

fn failed(error: ort::Error) -> RunError {
    RunError::Failed(error.to_string())
}

/// The elements stay where they are; texts are copied.
fn to_value(tensor: &Tensor) -> ort::Result<SessionInputValue<'_>> {
    fn view<'t, T: PrimitiveTensorElementType + std::fmt::Debug + Clone + 'static>(
        dims: &[usize],
        elements: &'t [T],
    ) -> ort::Result<SessionInputValue<'t>> {
        Ok(TensorRef::from_array_view((dims.to_vec(), elements))?.into())
    }
    let dims = tensor.dims();
    match tensor.data() {
        Data::Bool(elements) => view(dims, elements),
        Data::I8(elements) => view(dims, elements),
        Data::U8(elements) => view(dims, elements),
        Data::I16(elements) => view(dims, elements),
        Data::U16(elements) => view(dims, elements),
        Data::I32(elements) => view(dims, elements),
        Data::U32(elements) => view(dims, elements),
        Data::I64(elements) => view(dims, elements),
        Data::U64(elements) => view(dims, elements),
        Data::F16(elements) => view(dims, elements),
        Data::F32(elements) => view(dims, elements),
        Data::F64(elements) => view(dims, elements),
        Data::Text(elements) => Ok(ort::value::Tensor::from_string_array((dims.to_vec(), elements.as_slice()))?.into()),
    }
}

/// `None` for what is no tensor of ours: sequences, maps, eight-bit floats.
#[expect(clippy::wildcard_enum_match_arm, reason = "a newer runtime may have types that nobody here has heard of")]
fn from_value(value: &ValueRef<'_>) -> Result<Option<Tensor>, String> {
    let ValueType::Tensor { ty, .. } = value.dtype() else { return Ok(None) };
    let text = |error: ort::Error| error.to_string();
    let (dims, data) = match ty {
        TensorElementType::Bool => extract(value, Data::Bool),
        TensorElementType::Int8 => extract(value, Data::I8),
        TensorElementType::Uint8 => extract(value, Data::U8),
        TensorElementType::Int16 => extract(value, Data::I16),
        TensorElementType::Uint16 => extract(value, Data::U16),
        TensorElementType::Int32 => extract(value, Data::I32),
        TensorElementType::Uint32 => extract(value, Data::U32),
        TensorElementType::Int64 => extract(value, Data::I64),
        TensorElementType::Uint64 => extract(value, Data::U64),
        TensorElementType::Float16 => extract(value, Data::F16),
        TensorElementType::Float32 => extract(value, Data::F32),
        TensorElementType::Float64 => extract(value, Data::F64),
        TensorElementType::String => value.try_extract_strings().map(|(dims, elements)| (dims.to_vec(), Data::Text(elements))),
        _ => return Ok(None),
    }
    .map_err(text)?;
    let dims: Vec<usize> = dims.into_iter().map(|dim| usize::try_from(dim).unwrap_or(0)).collect();
    Tensor::new(dims, data).map(Some).map_err(|error| error.to_string())
}

fn extract<T: PrimitiveTensorElementType + Clone>(
    value: &Value<DynValueTypeMarker>,
    wrap: fn(Vec<T>) -> Data,
) -> ort::Result<(Vec<i64>, Data)> {
    let (dims, elements) = value.try_extract_tensor::<T>()?;
    Ok((dims.to_vec(), wrap(elements.to_vec())))
}
