//! Who may do what: the fields of the schema say which role they ask for, and an operation that names one above the caller's is refused.

use super::build::{Built, MUTATION, QUERY, SUBSCRIPTION};
use super::error::{ApiError, Code};
use super::prepare::Operation;
use super::request::{Caller, OperationKind, Role};

/// The root fields of an operation. Fields below have their own guard when they are resolved.
pub(super) fn check(built: &Built, operation: &Operation, caller: &Caller) -> Result<(), ApiError> {
    let root = match operation.kind {
        OperationKind::Query => QUERY,
        OperationKind::Mutation => MUTATION,
        OperationKind::Subscription => SUBSCRIPTION,
    };
    for field in &operation.root {
        let asked = built.field(root, &field.name).and_then(|info| info.role).unwrap_or(Role::Viewer);
        if caller.role < asked {
            let error = ApiError::new(Code::Forbidden, format!("`{}` asks for the role {}", field.name, asked.name()));
            return Err(error.at(field.location.line, field.location.column));
        }
    }
    Ok(())
}

impl Role {
    pub fn name(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Modeller => "modeller",
            Role::Admin => "admin",
        }
    }
}
