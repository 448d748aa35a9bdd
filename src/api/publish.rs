//! Types by mutation: the API asks for an edit of the workspace, of whose files it knows nothing.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::catalog::Layout;
use crate::reading::Seq;

use super::types::issue::UserError;

/// Types in one publication.
pub const SOURCES_MAX: usize = 200;

/// What came of it.
#[derive(Debug, Clone)]
pub struct Published {
    /// In the order of the sources.
    pub types: Vec<Arc<Layout>>,
    /// The commit behind which twins have the new forms.
    pub seq: Seq,
}

/// Whoever keeps the files of the workspace.
pub trait Publish: Send + Sync {
    /// Each source is the text of a type file. All of them count or none; with `dry_run` they are only checked.
    fn publish(self: Arc<Self>, sources: Vec<String>, dry_run: bool) -> BoxFuture<'static, Result<Published, Vec<UserError>>>;
}
