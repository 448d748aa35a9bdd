//! Twins that stand side by side in an answer, such as all that a list shows.
//!
//! What a relation needs is read for all of them at once: the first of them that is asked for a relation loads its edges for the whole cohort with
//! one statement of the graph store, the others find them there, and all targets that are shown make up the next cohort. So an answer costs one
//! statement for each level and relation that its selection names, however many twins there are.

use std::future::Future;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::OnceCell;

use crate::api::error::ApiError;
use crate::api::relations::{Asked, Edges, Pages, Walk};
use crate::reading::TwinNo;

/// Read once. A failure stays as well: a store that is down is asked once, not once for each twin.
type Shared<T> = Arc<OnceCell<Result<Arc<T>, ApiError>>>;

/// Found by looking through: there are as many as a selection has relations.
type Known<K, T> = Mutex<Vec<(K, Shared<T>)>>;

#[derive(Debug)]
pub struct Cohort {
    twins: Box<[TwinNo]>,
    edges: Known<Walk, Edges>,
    pages: Known<Asked, Pages>,
}

impl Cohort {
    pub fn of(twins: impl IntoIterator<Item = TwinNo>) -> Arc<Cohort> {
        Arc::new(Cohort { twins: twins.into_iter().collect(), edges: Mutex::default(), pages: Mutex::default() })
    }

    pub fn twins(&self) -> &[TwinNo] {
        &self.twins
    }

    /// The edges of some relations at all of its twins.
    pub async fn edges<F>(&self, walk: &Walk, load: impl FnOnce() -> F) -> Result<Arc<Edges>, ApiError>
    where
        F: Future<Output = Result<Edges, ApiError>>,
    {
        once(&self.edges, walk, load).await
    }

    /// What a field of one name and arguments shows of each of its twins.
    pub async fn pages<F>(&self, asked: &Asked, make: impl FnOnce() -> F) -> Result<Arc<Pages>, ApiError>
    where
        F: Future<Output = Result<Pages, ApiError>>,
    {
        once(&self.pages, asked, make).await
    }
}

async fn once<K, T, F>(known: &Known<K, T>, key: &K, make: impl FnOnce() -> F) -> Result<Arc<T>, ApiError>
where
    K: PartialEq + Clone,
    F: Future<Output = Result<T, ApiError>>,
{
    let shared = {
        let mut known = known.lock();
        match known.iter().find(|(other, _)| other == key) {
            Some((_, shared)) => shared.clone(),
            None => {
                let shared = Shared::default();
                known.push((key.clone(), Shared::clone(&shared)));
                shared
            }
        }
    };
    shared.get_or_init(|| async { make().await.map(Arc::new) }).await.clone()
}
