//! The core of the schema: what clients find whatever the types of the workspace are. One file per noun; each declares its types with their
//! resolvers. The fields of the roots stand in `query`, `mutation` and `subscription`.

pub mod actor;
pub mod aggregate;
pub mod alarm;
pub mod change;
pub mod connection;
pub mod cost;
pub mod dry_run;
pub mod event;
pub mod explanation;
pub mod filter;
pub mod frame;
pub mod hierarchy;
pub mod ingest;
pub mod issue;
pub mod job;
pub mod member;
pub mod node;
pub mod payload;
pub mod property;
pub mod proposal;
pub mod range;
pub mod reading;
pub mod rejection;
pub mod rule;
pub mod search;
pub mod system;
pub mod twin;
pub mod twin_type;
pub mod viewer;

use crate::api::build::{Args, SchemaBuilder};
use crate::api::error::ApiError;
use crate::api::names::ViewPlan;
use crate::api::relations;
use crate::api::session::Session;

/// Declares every type of the core. The roots come on top.
pub fn declare(schema: &mut SchemaBuilder, plan: &ViewPlan) {
    node::declare(schema);
    issue::declare(schema);
    connection::declare(schema);
    twin::declare(schema, plan);
    actor::declare(schema);
    property::declare(schema);
    range::declare(schema);
    reading::declare(schema);
    twin_type::declare(schema);
    hierarchy::declare(schema);
    filter::declare(schema);
    relations::declare(schema);
    aggregate::declare(schema);
    search::declare(schema);
    rejection::declare(schema);
    alarm::declare(schema);
    rule::declare(schema);
    event::declare(schema);
    explanation::declare(schema);
    proposal::declare(schema);
    ingest::declare(schema);
    system::declare(schema);
    viewer::declare(schema);
    cost::declare(schema);
    dry_run::declare(schema);
    job::declare(schema);
    payload::declare(schema);
    frame::declare(schema);
    change::declare(schema);
}

/// The argument `first`, within its bounds.
pub fn first(args: &Args, session: &Session) -> Result<usize, ApiError> {
    let (first, max) = (args.integer("first").unwrap_or(50), session.services.limits.page_max);
    match usize::try_from(first) {
        Ok(first) if (1..=max).contains(&first) => Ok(first),
        Ok(first) if first > max => {
            let message = format!("`first` is {first}; a page has at most {max}");
            Err(ApiError::limit("page_max", max as u64, message).hint("go on with `after`"))
        }
        Ok(_) | Err(_) => Err(ApiError::bad_input(format!("`first` is {first}; a page has at least one"))),
    }
}

#[cfg(test)]
mod tests;
