//! Relations between twins as clients follow them: pages of one relation (`page`, typed connections), of all relations of a twin, and whole
//! slices of the graph.
//!
//! Which edges there are is asked of the graph store, a cohort at a time (`walk`); who stands at their ends and what the values there are, of the
//! read view. An edge whose end is deleted meanwhile is left out.

mod page;
mod walk;

use std::sync::Arc;

use crate::twin::EdgeNo;

pub(in crate::api) use page::{Asked, Pages};
pub use page::{RelationEdge, RelationPage, page};
pub(in crate::api) use walk::{Edges, Walk};

/// The id of an edge as a node: `relation/12`.
pub fn id_of(no: EdgeNo) -> String {
    format!("relation/{}", no.0)
}
