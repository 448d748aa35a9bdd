//! A first manifest for a file, out of the names, types and shapes of its graph: what a person would otherwise copy by hand.
//!
//! It is complete where the graph is; `TODO` stands only where nobody but the author of the model can know.

use std::fmt::Write;

use super::NAME_CHARS_MAX;
use crate::model::onnx::{Dim, Model, Port};

/// Columns of one input that get a feature each. Beyond, it is most likely a picture or a signal.
const COLUMNS_MAX: usize = 256;
/// Elements of one output that get a name each.
const OUTPUTS_MAX: usize = 16;

/// `file` is the name of the file beside the manifest.
pub fn init(model: &Model, file: &str) -> String {
    let (mut features, mut inputs, mut outputs) = (String::new(), String::new(), String::new());
    let is_alone = model.inputs().count() == 1;
    for port in model.inputs() {
        add_input(port, is_alone, &mut features, &mut inputs);
    }
    for port in model.outputs() {
        add_output(port, &mut outputs);
    }
    let fixed = model.inputs().chain(model.outputs()).any(|port| matches!(port.tensor(), Some((_, Some([Dim::Fixed(_), ..])))));
    let run = if fixed { "run: {maxBatch: 1}      # the file fixes its batch\n" } else { "" };
    format!(
        "model: {}\nversion: \"1\"      # TODO: change it with the file\nfile: {}\nsha256: {}\nfeatures:      # TODO: name what each column is, with its unit\n{features}inputs:\n{inputs}outputs:      # TODO: name what each value means\n{outputs}{run}# golden: {{file: golden.json}}      # TODO: rows with their answers, as the author's own runtime gives them\n",
        name(file.trim_end_matches(".onnx"), "model"),
        quoted(file),
        model.sha256_text()
    )
}

fn add_input(port: &Port, is_alone: bool, features: &mut String, inputs: &mut String) {
    let Some((dtype, dims)) = port.tensor() else {
        line(inputs, &format!("  # TODO: `{}` is {}, which cannot be built", port.name, port.describe()));
        return;
    };
    let dims = dims.unwrap_or_default();
    let sizes: Vec<usize> = dims.iter().skip(1).map(|dim| if let Dim::Fixed(size) = dim { *size } else { 1 }).collect();
    let open = dims.iter().skip(1).any(|dim| !matches!(dim, Dim::Fixed(_)));
    // A sequence: so many instants of so many columns.
    let (steps, columns) = match sizes.as_slice() {
        [steps, columns] if *steps > 1 && *columns >= 1 => (*steps, *columns),
        sizes => (1, sizes.iter().product()),
    };
    let prefix = if is_alone { String::new() } else { format!("{}_", name(&port.name, "input")) };
    let names: Vec<String> = if columns == 1 {
        vec![name(&port.name, "column")]
    } else {
        (0..columns.min(COLUMNS_MAX)).map(|at| format!("{prefix}column{at}")).collect()
    };
    let last = if steps > 1 { format!("last: {steps}") } else { String::new() };
    names.iter().for_each(|name| line(features, &format!("  {name}: {{{last}}}")));
    let shape: Vec<String> = std::iter::once("batch".to_owned()).chain(sizes.iter().map(ToString::to_string)).collect();
    let note = match (open, columns > COLUMNS_MAX) {
        (_, true) => format!("      # TODO: {columns} columns; only {COLUMNS_MAX} are named"),
        (true, false) => format!("      # TODO: the graph wants {}", port.describe()),
        (false, false) => String::new(),
    };
    let from = names.join(", ");
    line(inputs, &format!("  {}: {{dtype: {dtype}, shape: [{}], from: [{from}]}}{note}", quoted(&port.name), shape.join(", ")));
}

fn add_output(port: &Port, outputs: &mut String) {
    let Some((_, dims)) = port.tensor() else {
        line(
            outputs,
            &format!("  # TODO: `{}` is {}: export it as a tensor (of classifiers, with zipmap off)", port.name, port.describe()),
        );
        return;
    };
    let own = name(&port.name, "output");
    let tensor = quoted(&port.name);
    let sizes: Vec<Option<usize>> =
        dims.unwrap_or_default().iter().skip(1).map(|dim| if let Dim::Fixed(size) = dim { Some(*size) } else { None }).collect();
    match sizes.as_slice() {
        [Some(width)] if *width > 1 => {
            (0..(*width).min(OUTPUTS_MAX)).for_each(|at| line(outputs, &format!("  {own}{at}: {{tensor: {tensor}, index: [{at}]}}")));
        }
        sizes if sizes.iter().all(|size| *size == Some(1)) => line(outputs, &format!("  {own}: {{tensor: {tensor}}}")),
        sizes => {
            let index = vec!["0"; sizes.len()].join(", ");
            line(outputs, &format!("  {own}: {{tensor: {tensor}, index: [{index}]}}      # TODO: which of {}", port.describe()));
        }
    }
}

fn line(text: &mut String, line: &str) {
    // Writing to a text never fails.
    writeln!(text, "{line}").unwrap_or_default();
}

/// Letters, digits and underlines of a name.
fn name(text: &str, fallback: &str) -> String {
    let plain: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).take(NAME_CHARS_MAX - 8).collect();
    let plain = plain.trim_matches('_');
    if plain.starts_with(|c: char| c.is_ascii_alphabetic()) { plain.to_owned() } else { format!("{fallback}{plain}") }
}

/// As YAML must have it: graphs name their tensors as they like.
fn quoted(text: &str) -> String {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    let is_word = matches!(crate::source::resolve_plain(text), crate::source::ScalarValue::Text);
    // JSON is YAML, and knows how to write any text.
    if is_plain && is_word { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}
