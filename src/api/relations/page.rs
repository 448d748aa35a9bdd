//! One relation of a twin, in pages.

use std::sync::Arc;

use crate::api::build::Args;
use crate::api::cohort::Cohort;
use crate::api::engine::Ctx;
use crate::api::error::ApiError;
use crate::api::names::{NodeRef, Way};
use crate::api::session::Seen;
use crate::api::types::twin::TwinNode;
use crate::twin::Edge;

/// An edge of a page and who stands at its other end.
#[derive(Debug, Clone)]
pub struct RelationEdge {
    pub edge: Arc<Edge>,
    pub other: Seen,
}

/// A page of one relation of one twin.
#[derive(Debug)]
pub struct RelationPage {
    pub edges: Vec<RelationEdge>,
    pub has_next: bool,
    pub has_previous: bool,
    /// All twins that this page and those beside it show.
    pub cohort: Arc<Cohort>,
}

impl RelationPage {
    /// For `after`: to go on behind this place. It is signed only where somebody asks.
    pub fn cursor(&self, place: usize) -> String;

    /// On all pages.
    pub fn total(&self) -> usize;
}

/// A page of a relation by `where`, `orderBy`, `first` and `after`, whose inputs are those of `node`.
pub async fn page(twin: &TwinNode, relation: Arc<str>, way: Way, node: NodeRef, args: Args, ctx: &Ctx) -> Result<Arc<RelationPage>, ApiError>;
