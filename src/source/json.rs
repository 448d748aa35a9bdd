//! Diagnostics for machines: `pollux check --format json`.

use serde_json::{Value as Json, json};

use super::{Diagnostic, Diagnostics, Sources, Span};

/// A JSON array, one diagnostic per line.
pub fn render_json(sources: &Sources, diagnostics: &Diagnostics) -> String {
    let rows: Vec<String> = diagnostics.iter().map(|diagnostic| row(sources, diagnostic).to_string()).collect();
    if rows.is_empty() { "[]\n".to_owned() } else { format!("[\n{}\n]\n", rows.join(",\n")) }
}

fn row(sources: &Sources, diagnostic: &Diagnostic) -> Json {
    let mut row = place(sources, diagnostic.span);
    row["code"] = diagnostic.code.id.into();
    row["severity"] = diagnostic.severity().as_str().into();
    row["message"] = diagnostic.message.as_str().into();
    let help: Vec<&str> = diagnostic.label.iter().chain(&diagnostic.help).map(String::as_str).collect();
    row["help"] = if help.is_empty() { Json::Null } else { help.join("\n").into() };
    let related = diagnostic.related.iter().map(|related| {
        let mut row = place(sources, related.span);
        row["message"] = related.message.as_str().into();
        row
    });
    row["related"] = related.collect();
    row
}

fn place(sources: &Sources, span: Span) -> Json {
    let (start, end) = (sources.start_of(span), sources.end_of(span));
    json!({
        "file": sources.file(span.file).path,
        "line": start.line,
        "col": start.col,
        "endLine": end.line,
        "endCol": end.col,
    })
}
