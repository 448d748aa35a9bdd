//! The graph of the file against what the manifest says of it.

use std::collections::BTreeMap;

use crate::model::feature::{Layout, Spec};
use crate::model::manifest::{Batch, Manifest, Output, Tensor};
use crate::model::onnx::{Dim, Model, Port, PortKind};
use crate::source::{Diagnostic, Diagnostics, codes, did_you_mean, list_some};

pub(super) fn check_graph(manifest: &Manifest, model: &Model, problems: &mut Diagnostics) {
    check_names(manifest, model, problems);
    let mut symbols: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for tensor in &manifest.inputs {
        let Some(port) = model.inputs().find(|port| port.name == tensor.input.name) else { continue };
        let dims = check_shape(manifest, tensor, port, problems);
        for (dim, size) in dims.into_iter().flatten().skip(1).zip(&tensor.input.dims) {
            let Dim::Symbol(name) = dim else { continue };
            let (other, of) = *symbols.entry(name.as_str()).or_insert((*size, tensor.input.name.as_str()));
            if other != *size {
                let message =
                    format!("the graph has one dimension `{name}`, which is {other} in `{of}` and {size} in `{}`", tensor.input.name);
                problems.push(Diagnostic::new(&codes::MODEL_SHAPE, tensor.shape_span, message));
            }
        }
        check_columns(&manifest.specs(), tensor, problems);
    }
    for output in &manifest.outputs {
        check_output(manifest, output, model, problems);
    }
}

fn check_names(manifest: &Manifest, model: &Model, problems: &mut Diagnostics) {
    let graph: Vec<&str> = model.inputs().map(|port| port.name.as_str()).collect();
    let own: Vec<&str> = manifest.inputs.iter().map(|tensor| tensor.input.name.as_str()).collect();
    let quoted = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let message = || format!("the graph has the inputs {}; the manifest has {}", quoted(&graph), quoted(&own));
    let missing: Vec<&str> = graph.iter().copied().filter(|name| !own.contains(name)).collect();
    let mut is_said = false;
    for tensor in manifest.inputs.iter().filter(|tensor| !graph.contains(&tensor.input.name.as_str())) {
        let diagnostic = Diagnostic::new(&codes::MODEL_INPUTS, tensor.name_span, message());
        problems.push(diagnostic.suggest(did_you_mean(&tensor.input.name, missing.iter().copied())));
        is_said = true;
    }
    if !missing.is_empty() && !is_said {
        problems.push(Diagnostic::new(&codes::MODEL_INPUTS, manifest.inputs_span, message()).help(format!("add {}", quoted(&missing))));
    }
}

/// The dimensions of the graph, if they are known and of the rank of the manifest.
fn check_shape<'g>(manifest: &Manifest, tensor: &Tensor, port: &'g Port, problems: &mut Diagnostics) -> Option<&'g [Dim]> {
    let input = &tensor.input;
    let own = || {
        let batch = match tensor.batch {
            Batch::Any => "batch".to_owned(),
            Batch::Fixed(rows) => rows.to_string(),
        };
        let dims: Vec<String> = std::iter::once(batch).chain(input.dims.iter().map(ToString::to_string)).collect();
        format!("{} [{}]", input.dtype, dims.join(", "))
    };
    let mut wrong = |remedy: Option<&str>| {
        let message = format!("input `{}`: the graph wants {}, the manifest gives {}", input.name, port.describe(), own());
        let diagnostic = Diagnostic::new(&codes::MODEL_SHAPE, tensor.shape_span, message);
        problems.push(if let Some(remedy) = remedy { diagnostic.help(remedy) } else { diagnostic });
    };
    let Some((dtype, dims)) = port.tensor() else {
        wrong(Some("no tensor of this type can be built: export the model with plain numbers or texts"));
        return None;
    };
    let is_of_rank = dims.is_none_or(|dims| dims.len() == input.dims.len() + 1);
    let is_equal = |(dim, size): (&Dim, &usize)| !matches!(dim, Dim::Fixed(fixed) if fixed != size);
    let fits = is_of_rank && dims.is_none_or(|dims| dims.iter().skip(1).zip(&input.dims).all(is_equal));
    if dtype != input.dtype || !fits {
        wrong(None);
    }
    let dims = dims.filter(|_| is_of_rank)?;
    check_batch(manifest, &input.name, dims, tensor.batch, tensor.shape_span, problems);
    Some(dims)
}

fn check_batch(manifest: &Manifest, name: &str, dims: &[Dim], own: Batch, span: crate::source::Span, problems: &mut Diagnostics) {
    let says_one = manifest.run.max_batch.as_ref().is_some_and(|stated| stated.value == 1);
    let fixed = match (dims.first(), own) {
        (Some(Dim::Fixed(rows)), _) => *rows,
        (Some(Dim::Symbol(_) | Dim::Open) | None, Batch::Any) => return,
        (Some(Dim::Symbol(_) | Dim::Open) | None, Batch::Fixed(rows)) => rows,
    };
    if fixed == 1 && says_one {
        return;
    }
    let remedy =
        if fixed == 1 { "batching off; say maxBatch: 1" } else { "no other number of rows can be run; export it with a dynamic batch" };
    problems.push(Diagnostic::new(&codes::MODEL_BATCH, span, format!("dim 0 of `{name}` is fixed to {fixed}: {remedy}")));
}

fn check_columns(specs: &[Spec], tensor: &Tensor, problems: &mut Diagnostics) {
    let input = &tensor.input;
    let features: Vec<&Spec> = input.from.iter().filter_map(|place| specs.get(*place)).collect();
    let columns: usize = features.iter().map(|spec| spec.width()).sum();
    let steps = features.first().map_or(1, |spec| spec.steps());
    let is_even = features.iter().all(|spec| spec.steps() == steps);
    let elements: usize = features.iter().map(|spec| spec.width() * spec.steps()).sum();
    let expected: usize = input.dims.iter().product();
    let parts = || features.iter().map(|spec| format!("{} {}", spec.name, spec.width() * spec.steps())).collect::<Vec<_>>().join(", ");
    if elements != expected {
        let message = format!("`{}` has {elements} columns: {}; expected {expected}", input.name, parts());
        problems.push(Diagnostic::new(&codes::MODEL_COLUMNS, tensor.from_span, message));
        return;
    }
    // A sequence in a tensor of two dimensions lies in one way only.
    if let ([first, second], true, true) = (input.dims.as_slice(), is_even, steps > 1) {
        let wanted = match input.layout {
            Layout::Steps => [steps, columns],
            Layout::Channels => [columns, steps],
        };
        if wanted != [*first, *second] {
            let message = format!(
                "`{}` is {steps} steps of {columns} columns, [batch, {}, {}]; expected [batch, {first}, {second}]",
                input.name, wanted[0], wanted[1]
            );
            let diagnostic = Diagnostic::new(&codes::MODEL_COLUMNS, tensor.from_span, message);
            problems.push(diagnostic.help("`layout: channels` turns steps and columns round"));
        }
    }
}

fn check_output(manifest: &Manifest, output: &Output, model: &Model, problems: &mut Diagnostics) {
    let tensor = &output.tensor;
    let Some(port) = model.outputs().iter().find(|port| port.name == tensor.value) else {
        let names = || model.outputs().iter().map(|port| port.name.as_str());
        let message = format!("output `{}`: the graph has no output `{}`", output.name, tensor.value);
        let diagnostic = Diagnostic::new(&codes::MODEL_OUTPUTS, tensor.span, message).suggest(did_you_mean(&tensor.value, names()));
        problems.push(diagnostic.help(format!("outputs of the graph: {}", list_some(names()))));
        return;
    };
    let Some((_, dims)) = port.tensor() else {
        let remedy = match port.kind {
            PortKind::Sequence | PortKind::Map => ": export with zipmap off",
            PortKind::Tensor { .. } | PortKind::Optional | PortKind::Sparse => ": export it as a tensor of numbers or texts",
            // Its type is not written down; that it is a tensor shows when it runs.
            PortKind::Unstated => return,
        };
        problems.push(Diagnostic::new(&codes::MODEL_OUTPUTS, tensor.span, format!("`{}` is {}{remedy}", port.name, port.describe())));
        return;
    };
    let Some(dims) = dims else { return };
    if dims.is_empty() {
        let message = format!("`{}` is a single value: dim 0 of an output is the batch", port.name);
        problems.push(Diagnostic::new(&codes::MODEL_OUTPUTS, tensor.span, message));
        return;
    }
    check_batch(manifest, &port.name, dims, Batch::Any, tensor.span, problems);
    check_index(output, port, &dims[1..], problems);
}

fn check_index(output: &Output, port: &Port, dims: &[Dim], problems: &mut Diagnostics) {
    let index = &output.index;
    let is_single = dims.iter().all(|dim| *dim == Dim::Fixed(1));
    let why = if index.value.is_empty() && !is_single {
        "say which element of a row with `index`".to_owned()
    } else if !index.value.is_empty() && index.value.len() != dims.len() {
        format!("`index` has {} places for {} dimensions behind the batch", index.value.len(), dims.len())
    } else {
        let beyond = index.value.iter().zip(dims).find(|(place, dim)| matches!(dim, Dim::Fixed(size) if *place >= size));
        let Some((place, dim)) = beyond else { return };
        format!("`index` {place} lies beyond the dimension of {dim}, which is counted from 0")
    };
    let message = format!("output `{}`: `{}` is {}: {why}", output.name, port.name, port.describe());
    problems.push(Diagnostic::new(&codes::MODEL_OUTPUTS, index.span, message));
}
