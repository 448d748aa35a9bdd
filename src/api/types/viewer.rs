//! `Viewer`: who asks, and what they may.

use super::twin::session;
use crate::api::build::{Args, Out, SchemaBuilder};
use crate::api::engine::Ctx;
use crate::api::error::ApiError;
use crate::api::request::{Caller, Role};
use crate::source::did_you_mean;

/// What roles are for, one action each. Who may do something may do everything above it, too.
const ACTIONS: [(&str, Role); 7] = [
    ("read", Role::Viewer),
    ("subscribe", Role::Viewer),
    ("ingest", Role::Operator),
    ("replay", Role::Operator),
    ("edit", Role::Modeller),
    ("delete", Role::Modeller),
    ("administer", Role::Admin),
];

const ROLES: [(Role, &str); 4] =
    [(Role::Viewer, "viewer"), (Role::Operator, "operator"), (Role::Modeller, "modeller"), (Role::Admin, "admin")];

pub fn declare(schema: &mut SchemaBuilder) {
    schema
        .object::<Caller>("Viewer", "Who asks.")
        .value("subject", "String!", "`local` while no authentication is set up.", |caller, _| caller.subject.clone())
        .value("roles", "[String!]!", "Each role has all that those before it have.", |caller, _| {
            Out::list(ROLES.iter().filter(|(role, _)| *role <= caller.role).map(|(_, name)| *name))
        })
        .field("can", "Boolean!", "Whether the caller may do something: read, subscribe, ingest, replay, edit, delete, administer.")
        .arg("action", "String!")
        .arg("twin", "ID")
        .arg_doc("With it: to this twin, which must exist.")
        .now(can);
}

fn can(caller: &Caller, args: &Args, ctx: &Ctx) -> Result<Out, ApiError> {
    let action = args.required_text("action")?;
    let Some((_, needed)) = ACTIONS.iter().find(|(name, _)| *name == action) else {
        let names = || ACTIONS.iter().map(|(name, _)| *name);
        let shown: String = action.chars().take(60).collect();
        let hint = did_you_mean(action, names()).map(|meant| format!("did you mean `{meant}`?"));
        let error = ApiError::bad_input(format!("there is no action `{shown}`"));
        return Err(error.hint(hint.unwrap_or_else(|| format!("there are {}", names().collect::<Vec<_>>().join(", ")))));
    };
    let is_there = match args.text("twin") {
        Some(twin) => session(ctx)?.by_id(twin).is_some(),
        None => true,
    };
    Ok(Out::Boolean(is_there && caller.role >= *needed))
}
