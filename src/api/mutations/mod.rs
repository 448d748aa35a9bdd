//! What clients change: how their inputs become changes of the runtime, and how what came of them is told.
//!
//! A mistake of the caller is data, a fault of ours is an error. Whoever is told that something was done can read it: payloads are made behind the
//! gate, from a session that has been moved on to the commit.

mod alarms;
pub mod bulk;
pub mod edit;
mod graph;
mod ingest;
mod inputs;
pub mod keys;
mod preview;
mod proposals;
mod publish;
mod relations;
mod replay;
mod rules;
pub mod sweep;
mod twins;

use crate::api::build::SchemaBuilder;
pub use twins::KEY;

/// Inputs, payloads and the fields of the root.
pub fn declare(schema: &mut SchemaBuilder) {
    inputs::declare(schema);
    twins::declare(schema);
    relations::declare(schema);
    graph::declare(schema);
    bulk::declare(schema);
    ingest::declare(schema);
    replay::declare(schema);
    proposals::declare(schema);
    alarms::declare(schema);
    rules::declare(schema);
    publish::declare(schema);
}
