//! Golden rows: what a model must answer, alone and among others. They are the proof that a file runs here as it did where it was made.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::model::backend::{Batch, Loaded, Named, Outputs};
use crate::model::manifest::{self, Manifest};
use crate::model::tensor::{Data, Dtype, Tensor};
use crate::source::{Diagnostic, Diagnostics, codes};

/// Rows of a file.
pub const ROWS_MAX: usize = 1000;
/// Rows that are reported.
const SAID_MAX: usize = 5;
/// Together, the row must be what it is alone.
const BATCHES: [usize; 3] = [1, 2, 7];

#[derive(Debug, Clone, PartialEq)]
pub struct Golden {
    pub rows: Vec<GoldenRow>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct GoldenRow {
    /// One row of each input, by the names of the graph.
    pub inputs: Batch,
    /// By the names of the graph.
    pub outputs: Vec<(String, Vec<Expected>)>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Expected {
    Number(f64),
    Text(String),
}

/// `{"rows": [{"inputs": {"x": […]}, "outputs": {"probabilities": […]}}]}`: rows without their batch, nested or flat.
pub fn read_golden(manifest: &Manifest, bytes: Result<Vec<u8>, String>, problems: &mut Diagnostics) -> Option<Golden> {
    let stated = manifest.golden.as_ref()?;
    let rows = bytes.and_then(|bytes| read_rows(manifest, &bytes));
    match rows {
        Ok(rows) => Some(Golden { rows }),
        Err(why) => {
            problems.push(Diagnostic::new(&codes::MODEL_GOLDEN_ROW, stated.file.span, format!("`{}`: {why}", stated.file.value)));
            None
        }
    }
}

fn read_rows(manifest: &Manifest, bytes: &[u8]) -> Result<Vec<GoldenRow>, String> {
    let json: Json = serde_json::from_slice(bytes).map_err(|error| format!("not JSON: {error}"))?;
    let rows = json.get("rows").and_then(Json::as_array).ok_or("it has no list `rows`")?;
    if rows.is_empty() || rows.len() > ROWS_MAX {
        return Err(format!("it has {} rows, not 1 to {ROWS_MAX}", rows.len()));
    }
    rows.iter().enumerate().map(|(at, row)| read_row(manifest, row).map_err(|why| format!("row {at}: {why}"))).collect()
}

fn read_row(manifest: &Manifest, row: &Json) -> Result<GoldenRow, String> {
    let inputs = row.get("inputs").and_then(Json::as_object).ok_or("it has no `inputs`")?;
    let mut named: Vec<Named> = Vec::new();
    for tensor in &manifest.inputs {
        let input = &tensor.input;
        let value = inputs.get(&input.name).ok_or_else(|| format!("it has no input `{}`", input.name))?;
        let mut cells = Vec::new();
        flatten(value, &mut cells).ok_or_else(|| format!("input `{}` holds more than numbers and texts", input.name))?;
        let data = data(input.dtype, &cells).ok_or_else(|| format!("input `{}` is not {}", input.name, input.dtype))?;
        let dims = std::iter::once(1).chain(input.dims.iter().copied()).collect();
        let tensor = Tensor::new(dims, data).map_err(|error| format!("input `{}`: {error}", input.name))?;
        named.push((Arc::from(input.name.as_str()), tensor));
    }
    let outputs = row.get("outputs").and_then(Json::as_object).ok_or("it has no `outputs`")?;
    let mut expected = Vec::new();
    for (name, value) in outputs {
        let mut cells = Vec::new();
        flatten(value, &mut cells).ok_or_else(|| format!("output `{name}` holds more than numbers and texts"))?;
        expected.push((name.clone(), cells));
    }
    Ok(GoldenRow { inputs: Batch::new(named).map_err(|error| error.to_string())?, outputs: expected })
}

fn flatten(json: &Json, into: &mut Vec<Expected>) -> Option<()> {
    match json {
        Json::Array(items) => items.iter().try_for_each(|item| flatten(item, into)),
        Json::Number(number) => {
            into.push(Expected::Number(number.as_f64()?));
            Some(())
        }
        Json::Bool(value) => {
            into.push(Expected::Number(f64::from(u8::from(*value))));
            Some(())
        }
        Json::String(text) => {
            into.push(Expected::Text(text.clone()));
            Some(())
        }
        Json::Null | Json::Object(_) => None,
    }
}

fn data(dtype: Dtype, cells: &[Expected]) -> Option<Data> {
    if dtype == Dtype::Text {
        let texts = cells.iter().map(|cell| match cell {
            Expected::Text(text) => Some(text.clone()),
            Expected::Number(_) => None,
        });
        return Some(Data::Text(texts.collect::<Option<_>>()?));
    }
    let numbers = cells.iter().map(|cell| match cell {
        Expected::Number(number) => Some(*number),
        Expected::Text(_) => None,
    });
    Data::from_numbers(dtype, &numbers.collect::<Option<Vec<f64>>>()?)
}

/// Runs all rows alone, in twos and in sevens. What differs is a problem each, up to a few.
pub fn check_golden(manifest: &Manifest, golden: &Golden, loaded: &mut dyn Loaded, problems: &mut Diagnostics) {
    let Some(stated) = &manifest.golden else { return };
    let mut said = Vec::new();
    let batch_max = manifest.host_config().max_batch;
    let mut alone: Vec<Outputs> = Vec::new();
    for size in BATCHES.into_iter().filter(|size| *size <= batch_max) {
        let outputs = match run(golden, loaded, size) {
            Ok(outputs) => outputs,
            Err(why) => {
                said.push(format!("golden rows in batches of {size}: {why}"));
                break;
            }
        };
        if size == 1 {
            said.extend(golden.rows.iter().zip(&outputs).enumerate().filter_map(|(at, (row, outputs))| wrong(at, row, outputs, stated)));
            alone = outputs;
            continue;
        }
        let mixed = alone.iter().zip(&outputs).enumerate().find_map(|(at, (alone, among))| Some((at, gap(alone, among, stated)?)));
        if let Some((at, gap)) = mixed {
            said.push(format!("golden row {at} differs between batch 1 and {size} by {gap}: the model mixes rows"));
        }
    }
    let more = said.len().saturating_sub(SAID_MAX);
    for message in said.into_iter().take(SAID_MAX) {
        problems.push(Diagnostic::new(&codes::MODEL_GOLDEN_ROW, stated.file.span, message));
    }
    if more > 0 {
        problems.push(Diagnostic::new(&codes::MODEL_GOLDEN_ROW, stated.file.span, format!("and {more} golden rows more")));
    }
}

/// The outputs of each row. If there are fewer rows than the batch has, they come round again.
fn run(golden: &Golden, loaded: &mut dyn Loaded, size: usize) -> Result<Vec<Outputs>, String> {
    let mut rows = Vec::with_capacity(golden.rows.len());
    for first in (0..golden.rows.len()).step_by(size) {
        let parts = golden.rows.iter().cycle().skip(first).take(size).map(|row| &row.inputs);
        let batch = Batch::stack(parts).map_err(|error| error.to_string())?;
        let outputs = loaded.run(&batch).map_err(|error| error.to_string())?;
        outputs.check_rows(size).map_err(|error| error.to_string())?;
        rows.extend((0..size.min(golden.rows.len() - first)).map(|at| outputs.slice(at, 1)));
    }
    Ok(rows)
}

fn wrong(at: usize, row: &GoldenRow, outputs: &Outputs, stated: &manifest::Golden) -> Option<String> {
    for (name, expected) in &row.outputs {
        let Some(tensor) = outputs.get(name) else { return Some(format!("golden row {at}: the model has no output `{name}`")) };
        if tensor.data().len() != expected.len() {
            return Some(format!("golden row {at}: `{name}` has {} values, expected are {}", tensor.data().len(), expected.len()));
        }
        for (place, expected) in expected.iter().enumerate() {
            let (is_right, got) = match (expected, tensor.data()) {
                (Expected::Text(text), Data::Text(texts)) => (texts.get(place) == Some(text), texts[place].clone()),
                (Expected::Number(number), data) => match data.number(place) {
                    Some(got) => (is_near(got, *number, stated), got.to_string()),
                    None => (false, "a text".to_owned()),
                },
                (Expected::Text(_), _) => (false, "a number".to_owned()),
            };
            if !is_right {
                let expected = match expected {
                    Expected::Number(number) => number.to_string(),
                    Expected::Text(text) => text.clone(),
                };
                return Some(format!("golden row {at}: `{name}`: expected {expected}, got {got}"));
            }
        }
    }
    None
}

fn is_near(got: f64, expected: f64, stated: &manifest::Golden) -> bool {
    (got - expected).abs() <= stated.atol + stated.rtol * expected.abs()
}

/// The largest difference, if there is one that is too large.
fn gap(alone: &Outputs, among: &Outputs, stated: &manifest::Golden) -> Option<f64> {
    let mut largest: Option<f64> = None;
    for ((_, a), (_, b)) in alone.tensors.iter().zip(&among.tensors) {
        for at in 0..a.data().len().max(b.data().len()) {
            let (a, b) = (a.data().number(at), b.data().number(at));
            let (Some(a), Some(b)) = (a, b) else { continue };
            // Not a number both times is the same.
            let is_same = is_near(b, a, stated) || (a.is_nan() && b.is_nan()) || a == b;
            if !is_same {
                largest = Some(largest.map_or((a - b).abs(), |most| most.max((a - b).abs())));
            }
        }
    }
    largest
}
