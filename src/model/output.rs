//! From the tensors of one row to the values that a twin is given.

use super::backend::{Outputs, RunError};
use super::feature::Datum;
use super::manifest::Output;
use super::tensor::{Data, Tensor};

/// The values of all outputs, in the order of the manifest. A row of which one cannot be read has none.
pub fn values(outputs: &[Output], row: &Outputs) -> Result<Vec<Datum>, RunError> {
    outputs.iter().map(|output| value(output, row)).collect()
}

fn value(output: &Output, row: &Outputs) -> Result<Datum, RunError> {
    let failed = |why: &str| RunError::Failed(format!("output `{}`: {why}", output.name));
    let tensor = row.get(&output.tensor.value).ok_or_else(|| failed("the model did not give it"))?;
    let place = place(tensor, &output.index.value)
        .ok_or_else(|| failed(&format!("{} has no element {:?}", tensor.describe(), output.index.value)))?;
    if let Data::Text(texts) = tensor.data() {
        let text = texts.get(place).ok_or_else(|| failed("the tensor is empty"))?;
        return Ok(Datum::Text(mapped(output, text).unwrap_or(text).into()));
    }
    let number = tensor.data().number(place).filter(|number| number.is_finite());
    let number = number.ok_or_else(|| RunError::NotANumber { output: output.name.clone() })?;
    if !output.map.is_empty() {
        // The label 1 of a file may come as the float 1.0.
        let label = mapped(output, &number.to_string()).ok_or_else(|| failed(&format!("{number} is none of its labels")))?;
        return Ok(Datum::Text(label.into()));
    }
    Ok(Datum::Number(output.clamp.map_or(number, |(min, max)| number.clamp(min, max))))
}

fn mapped<'o>(output: &'o Output, label: &str) -> Option<&'o str> {
    output.map.iter().find(|(own, _)| own == label).map(|(_, meaning)| meaning.as_str())
}

/// In the first row. No index is the only element.
fn place(tensor: &Tensor, index: &[usize]) -> Option<usize> {
    let dims = tensor.dims().get(1..)?;
    if index.is_empty() {
        return (tensor.width() == 1).then_some(0);
    }
    if index.len() != dims.len() {
        return None;
    }
    let mut place = 0;
    for (at, size) in index.iter().zip(dims) {
        if at >= size {
            return None;
        }
        place = place * size + at;
    }
    Some(place)
}
