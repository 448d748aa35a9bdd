//! What is wrong: `Issue` with something of ours or of the workspace, `UserError` with what a mutation was asked for.

pub use crate::alarm::Severity;
use crate::api::build::{Out, SchemaBuilder};
use crate::api::error::ApiError;

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    pub code: String,
    pub severity: Severity,
    pub message: String,
    pub hint: Option<String>,
    pub path: Option<Vec<String>>,
    pub file: Option<String>,
    pub line: Option<usize>,
    pub column: Option<usize>,
}

impl Issue {
    pub fn new(code: &str, severity: Severity, message: impl Into<String>) -> Issue {
        let message = message.into();
        Issue { code: code.to_owned(), severity, message, hint: None, path: None, file: None, line: None, column: None }
    }
}

/// A mistake in what a mutation was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserError {
    pub code: &'static str,
    pub message: String,
    pub hint: Option<String>,
    /// Into the arguments: `["input", "set", "speed"]`.
    pub path: Vec<String>,
}

impl UserError {
    pub fn new(code: &'static str, path: &[&str], message: impl Into<String>) -> UserError {
        UserError { code, message: message.into(), hint: None, path: path.iter().map(|step| (*step).to_owned()).collect() }
    }

    /// An input that an input decoder refused, as data.
    pub fn of(error: ApiError, path: &[&str]) -> UserError {
        UserError { hint: error.hint, ..UserError::new("INVALID_VALUE", path, error.message) }
    }
}

pub fn declare(schema: &mut SchemaBuilder) {
    schema.enumeration(
        "Severity",
        "How much something matters, from what is merely said to what cannot wait.",
        &[("INFO", ""), ("WARNING", ""), ("MINOR", ""), ("MAJOR", ""), ("CRITICAL", "")],
    );
    schema
        .object::<Issue>("Issue", "Something that is not as it should be, and what to do about it.")
        .value("code", "String!", "`pollux explain CODE` says more.", |issue, _| issue.code.clone())
        .value("severity", "Severity!", "", |issue, _| issue.severity.as_str())
        .value("message", "String!", "", |issue, _| issue.message.clone())
        .value("hint", "String", "What to do about it.", |issue, _| issue.hint.clone())
        .value("path", "[String!]", "Where in a document or a value.", |issue, _| issue.path.clone().map(Out::list))
        .value("file", "String", "The file of the workspace it is about.", |issue, _| issue.file.clone())
        .value("line", "Int", "", |issue, _| issue.line)
        .value("column", "Int", "", |issue, _| issue.column);
    schema
        .object::<UserError>("UserError", "Why a mutation did not do what it was asked for. Nothing of it was done.")
        .value("code", "String!", "For programs: it never changes its meaning.", |error, _| error.code)
        .value("message", "String!", "For people.", |error, _| error.message.clone())
        .value("hint", "String", "What to do about it.", |error, _| error.hint.clone())
        .value("path", "[String!]", "Where in the arguments: `[\"input\", \"set\", \"speed\"]`.", |error, _| {
            (!error.path.is_empty()).then(|| Out::list(error.path.iter().cloned()))
        });
}
