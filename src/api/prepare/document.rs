//! A document that was read and found valid against a schema: done once, kept as long as it is in use.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use apollo_compiler::Node;
use apollo_compiler::diagnostic::{Diagnostic, ToCliReport};
use apollo_compiler::executable::{ExecutableDocument, Operation};
use apollo_compiler::introspection::check_max_depth;
use apollo_compiler::parser::Parser;
use apollo_compiler::validation::{DiagnosticData, DiagnosticList, Valid, WithErrors};

use super::count;
use super::lines::Lines;
use super::persisted::TextHash;
use super::scan::scan;
use super::schema::Checker;
use super::usage;
use crate::api::error::{ApiError, Code};
use crate::api::limits::Limits;
use crate::source::list_some;

/// Errors that are told of one document.
const ERRORS_MAX: usize = 50;
/// What a parsed document takes in memory for each byte of its text, at worst: a field of two bytes is a node of a hundred and more.
const BYTES_PER_BYTE: usize = 64;

/// Names of the validator for what it finds.
const UNKNOWN_FIELD: &str = "UndefinedField";
const MANY_ROOT_FIELDS: &str = "SubscriptionUsesMultipleFields";
const NO_SELECTION: &str = "MissingSubselection";

#[derive(Debug)]
pub(super) struct Document {
    pub(super) document: Valid<ExecutableDocument>,
    pub(super) lines: Lines,
    pub(super) hash: TextHash,
    /// By where the operation begins.
    depths: HashMap<usize, u64>,
    /// What it takes in memory, roughly.
    pub(super) bytes: usize,
}

impl Document {
    /// Everything that can be said without knowing which operation is meant and what its variables are.
    pub(super) fn check(checker: &Checker, text: &Arc<str>, hash: TextHash, limits: &Limits) -> Result<Document, Vec<ApiError>> {
        scan(text, limits).map_err(|error| vec![error])?;
        let lines = Lines::new(text);
        let parsed = Parser::new().parse_ast(text.to_string(), "document.graphql");
        let ast = parsed.map_err(|refused| list(&refused.errors, Code::ParseFailed, &lines))?;
        let depths = count::count(&ast, &lines, limits)?;
        let checked = ast.to_executable_validate(&checker.schema).or_else(accept_merged);
        let document = checked.map_err(|errors| list(&errors, Code::ValidationFailed, &lines))?;
        let errors = usage::check(checker, &document, &lines);
        if !errors.is_empty() {
            return Err(shorten(errors.len(), errors));
        }
        check_introspection(&document, &lines)?;
        Ok(Document { document, lines, hash, depths, bytes: text.len() * BYTES_PER_BYTE + 1_024 })
    }

    pub(super) fn choose(&self, name: Option<&str>) -> Result<Node<Operation>, ApiError> {
        // Some clients say that they have no name with an empty one.
        let name = name.filter(|name| !name.is_empty());
        let operations = &self.document.operations;
        operations.get(name).cloned().map_err(|_| {
            let names = || operations.named.keys().map(|name| name.as_str());
            let known = format!("operations of the document: {}", list_some(names()));
            match name {
                _ if operations.is_empty() => ApiError::new(Code::OperationResolutionFailed, "the document has no operation"),
                Some(name) => ApiError::new(Code::OperationResolutionFailed, format!("no operation is named `{name}`")).hint(known),
                None => {
                    let message = "the document has several operations, and `operationName` does not say which is meant";
                    ApiError::new(Code::OperationResolutionFailed, message).hint(known)
                }
            }
        })
    }

    /// Fields that nest, without introspection.
    pub(super) fn depth(&self, operation: &Node<Operation>) -> u64 {
        operation.location().and_then(|place| self.depths.get(&place.offset())).copied().unwrap_or_default()
    }
}

/// The validator counts the selections at the root of a subscription; those of one response key are one field.
fn accept_merged(refused: WithErrors<ExecutableDocument>) -> Result<Valid<ExecutableDocument>, DiagnosticList> {
    let has_one_key = |operation: &Node<Operation>| {
        let mut keys = operation.root_fields(&refused.partial).map(|field| field.response_key());
        let first = keys.next();
        !operation.is_subscription() || keys.all(|key| Some(key) == first)
    };
    let is_all = refused.errors.iter().all(|found| is(&found, MANY_ROOT_FIELDS));
    if is_all && refused.partial.operations.iter().all(has_one_key) {
        Ok(Valid::assume_valid(refused.partial))
    } else {
        Err(refused.errors)
    }
}

/// Types name their fields, and those their types: a few nested lists are the whole schema many times over.
fn check_introspection(document: &Valid<ExecutableDocument>, lines: &Lines) -> Result<(), Vec<ApiError>> {
    for operation in document.operations.iter() {
        if let Err(refused) = check_max_depth(document, operation) {
            let message = "introspection asks for fields, interfaces, possible types or input fields within one another too often";
            let mut error = ApiError::new(Code::ResourceLimit, message).hint("ask for the types by name, one after the other");
            error.locations.extend(refused.location().map(|place| lines.locate(place.offset())));
            return Err(vec![error]);
        }
    }
    Ok(())
}

fn list(diagnostics: &DiagnosticList, code: Code, lines: &Lines) -> Vec<ApiError> {
    let unknown: BTreeSet<usize> =
        diagnostics.iter().filter(|found| is(found, UNKNOWN_FIELD)).filter_map(|found| Some(place(&found)?.start)).collect();
    // The validator drops an unknown field and then misses what was selected.
    let is_echo = |found: &Diagnostic<'_, DiagnosticData>| {
        is(found, NO_SELECTION) && place(found).is_some_and(|place| unknown.range(place).next().is_some())
    };
    let told: Vec<_> = diagnostics.iter().filter(|found| !is_echo(found)).collect();
    let errors = told.iter().take(ERRORS_MAX).map(|found| {
        let mut error = ApiError::new(code, found.error.to_string());
        error.locations.extend(place(found).map(|place| lines.locate(place.start)));
        error
    });
    shorten(told.len(), errors.collect())
}

fn is(found: &Diagnostic<'_, DiagnosticData>, name: &str) -> bool {
    found.error.unstable_error_name() == Some(name)
}

fn place(found: &Diagnostic<'_, DiagnosticData>) -> Option<Range<usize>> {
    found.error.location().map(|place| place.offset()..place.end_offset())
}

/// No more than can be read.
pub(super) fn shorten(count: usize, mut errors: Vec<ApiError>) -> Vec<ApiError> {
    errors.truncate(ERRORS_MAX);
    if let Some(code) = errors.last().map(|error| error.code).filter(|_| count > ERRORS_MAX) {
        errors.push(ApiError::new(code, format!("{} more errors are not shown", count - ERRORS_MAX)));
    }
    errors
}
