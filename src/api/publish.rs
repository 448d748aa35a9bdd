//! Types by mutation, and rules that are tried: the API asks whoever keeps the workspace, of whose files it knows nothing.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::catalog::Layout;
use crate::reading::Seq;

use super::error::ApiError;
use super::trial::{Trial, Tried};
use super::types::issue::{Issue, UserError};

/// Types in one publication.
pub const SOURCES_MAX: usize = 200;

/// What came of it.
#[derive(Debug, Clone)]
pub struct Published {
    /// In the order of the sources.
    pub types: Vec<Arc<Layout>>,
    /// The commit behind which twins have the new forms.
    pub seq: Seq,
    /// Of a dry run: `tests:` of the types that fail.
    pub issues: Vec<Issue>,
}

/// Whoever keeps the files of the workspace.
pub trait Publish: Send + Sync {
    /// Each source is the text of a type file. All of them count or none; with `dry_run` they are only checked.
    fn publish(self: Arc<Self>, sources: Vec<String>, dry_run: bool) -> BoxFuture<'static, Result<Published, Vec<UserError>>>;

    /// Nothing is changed by it. It ends when nobody waits for it any more.
    fn try_rules(self: Arc<Self>, trial: Trial) -> BoxFuture<'static, Result<Tried, ApiError>>;
}
