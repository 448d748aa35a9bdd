//! Relations between twins as clients follow them: pages of one relation (`page`, typed connections), of all relations of a twin, and whole
//! slices of the graph.
//!
//! Which edges there are is asked of the graph store, a cohort at a time (`walk`); who stands at their ends and what the values there are, of the
//! read view. An edge whose end is deleted meanwhile is left out.

mod names;
mod node;
mod page;
mod path;
mod slice;
mod walk;

use crate::api::build::{ObjectBuilder, Root, SchemaBuilder};
use crate::api::types::twin::TwinNode;
use crate::twin::EdgeNo;

pub use node::{RelationNode, by_ids};
pub use page::{Asked, Pages};
pub use page::{RelationEdge, RelationPage, page};
pub use walk::{Edges, Walk};

/// The id of an edge as a node: `relation/12`.
pub fn id_of(no: EdgeNo) -> String {
    format!("relation/{}", no.0)
}

/// `Relation`, its pages, `GraphSlice` and `Path`.
pub fn declare(schema: &mut SchemaBuilder) {
    node::declare(schema);
    slice::declare(schema);
    path::declare(schema);
}

/// `relations` of every twin.
pub fn declare_twin_fields(twin: &mut ObjectBuilder<'_, TwinNode>) {
    node::declare_field(twin);
}

/// `graph` and `path`.
pub fn declare_query_fields(query: &mut ObjectBuilder<'_, Root>) {
    slice::declare_field(query);
    path::declare_field(query);
}
