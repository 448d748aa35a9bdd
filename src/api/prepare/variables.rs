//! The variables of a request: coerced to the types that the operation declares, with defaults filled in. What is absent or null stays out.

use std::io;

use apollo_compiler::executable::Operation;
use serde_json::{Map, Value as Json};

use super::coerce::{Coercion, Place};
use super::document::shorten;
use super::lines::Lines;
use super::schema::Checker;
use crate::api::error::ApiError;
use crate::api::limits::Limits;

/// Variables that the operation does not declare are left out, as the specification has it.
pub(super) fn coerce(
    checker: &Checker,
    operation: &Operation,
    lines: &Lines,
    given: Option<&Map<String, Json>>,
    limits: &Limits,
) -> Result<Map<String, Json>, Vec<ApiError>> {
    check_size(given, limits).map_err(|error| vec![error])?;
    let none = Map::new();
    let mut coercion = Coercion::new(checker, &none);
    let mut coerced = Map::new();
    let mut errors = Vec::new();
    for definition in &operation.variables {
        let name = definition.name.as_str();
        let sent = given.and_then(|given| given.get(name));
        let place = Place::Variable(name);
        let default = definition.default_value.as_ref().filter(|default| !default.is_null());
        let value = match (sent.filter(|value| !value.is_null()), default) {
            (Some(value), _) => Some(coercion.json(&definition.ty, value, place)),
            // Null is as if it were absent.
            (None, Some(default)) => Some(coercion.literal(&definition.ty, default, place)),
            (None, None) if definition.ty.is_non_null() => {
                let why = if sent.is_some() { "must not be null" } else { "is required" };
                let error = ApiError::bad_input(format!("`${name}` of type `{}` {why}", definition.ty));
                errors.push(error.hint(format!("give `{name}` in `variables`")));
                None
            }
            (None, None) => None,
        };
        let place = definition.location().map(|place| lines.locate(place.offset()));
        errors.extend(coercion.problems.drain(..).map(|problem| ApiError { hint: problem.hint, ..ApiError::bad_input(problem.message) }));
        errors.iter_mut().filter(|error| error.locations.is_empty()).for_each(|error| error.locations.extend(place));
        coerced.extend(value.map(|value| (name.to_owned(), value)));
    }
    if errors.is_empty() { Ok(coerced) } else { Err(shorten(errors.len(), errors)) }
}

/// A transport that has the bytes may have refused them already; not every one has.
fn check_size(given: Option<&Map<String, Json>>, limits: &Limits) -> Result<(), ApiError> {
    let Some(given) = given.filter(|given| !given.is_empty()) else { return Ok(()) };
    let max = limits.variables_bytes_max;
    serde_json::to_writer(Room { left: max }, given).map_err(|_| {
        let message = format!("the variables have more than {max} bytes");
        ApiError::limit("variables_bytes_max", max as u64, message).hint("larger ingest belongs to POST /ingest")
    })
}

/// Takes so many bytes and no more, and keeps none.
struct Room {
    left: usize,
}

impl io::Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left = self.left.checked_sub(bytes.len()).ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
