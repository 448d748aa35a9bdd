//! Reading edges: those of a whole cohort at once, from the graph store, as of the commits that the request wants to see.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use foldhash::{HashMap, HashSet};

use crate::api::cohort::Cohort;
use crate::api::engine::Ctx;
use crate::api::error::{ApiError, Code};
use crate::api::names::Way;
use crate::api::session::Session;
use crate::catalog::Catalog;
use crate::reading::{Seq, TwinId, TwinNo};
use crate::store::{self, Direction, Step};
use crate::twin::Edge;

/// Edges that one walk of one cohort may find.
pub(super) const EDGES_MAX: usize = 200_000;

/// How long a request waits for the graph store to reach what it wants to see.
const STORE_WAIT_MAX: Duration = Duration::from_secs(5);
/// How long a request waits for changes of relations that are not its own.
const FRESH_WAIT_MAX: Duration = Duration::from_secs(1);

/// Which edges to follow, and which way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walk {
    /// All relations if there are none.
    pub relations: Arc<[Arc<str>]>,
    pub way: Way,
}

impl Walk {
    pub fn along(relation: Arc<str>, way: Way) -> Walk {
        Walk { relations: Arc::from([relation]), way }
    }

    /// Relations without a direction are followed both ways, whatever the way of the others.
    fn steps<'a>(&'a self, catalog: &'a Catalog) -> Vec<Step<'a>> {
        let direction = match self.way {
            Way::Out => Direction::Out,
            Way::In => Direction::In,
            Way::Both => Direction::Both,
        };
        let named = self.relations.iter().map(|name| &**name);
        if direction == Direction::Both {
            return vec![Step { relations: named.collect(), direction }];
        }
        let is_symmetric = |name: &&str| catalog.relation(name).is_some_and(|relation| relation.symmetric);
        if self.relations.is_empty() {
            let both: Vec<&str> = catalog.relations.iter().filter(|relation| relation.symmetric).map(|relation| &*relation.name).collect();
            let all = Step { relations: Vec::new(), direction };
            let both = Some(Step { relations: both, direction: Direction::Both }).filter(|step| !step.relations.is_empty());
            return [all].into_iter().chain(both).collect();
        }
        let (both, one): (Vec<&str>, Vec<&str>) = named.partition(is_symmetric);
        let steps = [Step { relations: one, direction }, Step { relations: both, direction: Direction::Both }];
        steps.into_iter().filter(|step| !step.relations.is_empty()).collect()
    }
}

/// The edges of some twins that hold now.
#[derive(Debug, Default)]
pub struct Edges {
    by_twin: HashMap<TwinNo, Vec<Arc<Edge>>>,
    /// As of this commit, or a later one.
    pub seq: Seq,
}

impl Edges {
    /// In the order of their numbers.
    pub fn of(&self, twin: TwinNo) -> &[Arc<Edge>] {
        self.by_twin.get(&twin).map_or(&[], Vec::as_slice)
    }
}

/// The end of an edge that the twin is not at; itself where both are.
pub(super) fn other_end(edge: &Edge, twin: TwinNo) -> TwinNo {
    if edge.from == twin { edge.to } else { edge.from }
}

/// The edges of a cohort, read by whoever asks first.
pub(super) async fn edges(ctx: &Ctx, cohort: &Cohort, walk: &Walk) -> Result<Arc<Edges>, ApiError> {
    cohort.edges(walk, || read(ctx, cohort.twins(), walk)).await
}

/// The edges of these twins.
pub(super) async fn read(ctx: &Ctx, twins: &[TwinNo], walk: &Walk) -> Result<Edges, ApiError> {
    let session = ctx.services::<Session>()?;
    let ids: Vec<TwinId> = twins.iter().filter_map(|no| session.by_no(*no)).map(|seen| seen.state.id.clone()).collect();
    let seq = arrive(ctx, session).await?;
    let catalog = &session.services.catalog;
    let found = session.runtime().store().traverse(&ids, &walk.steps(catalog), EDGES_MAX).await.map_err(failed)?;
    ctx.receipt.store_statements.fetch_add(found.statements, Ordering::Relaxed);
    if found.is_cut {
        let message = format!("more than {EDGES_MAX} edges lead from the twins of one level");
        return Err(
            ApiError::limit("edges_max", EDGES_MAX as u64, message).hint("ask for fewer twins on the levels before, or page by page")
        );
    }
    let now = session.now();
    let holding = found.edges.into_iter().filter(|edge| edge.holds_at(now));
    Ok(Edges { by_twin: at_ends(holding, twins, walk, catalog), seq })
}

/// Gives each edge to those of its ends that it was asked for.
fn at_ends(edges: impl Iterator<Item = Edge>, twins: &[TwinNo], walk: &Walk, catalog: &Catalog) -> HashMap<TwinNo, Vec<Arc<Edge>>> {
    let asked: HashSet<TwinNo> = twins.iter().copied().collect();
    let mut by_twin: HashMap<TwinNo, Vec<Arc<Edge>>> = HashMap::default();
    for edge in edges.map(Arc::new) {
        let has_direction = !catalog.relation(&edge.relation).is_some_and(|relation| relation.symmetric);
        // An id that was given again brings the edges of its former twin along: those are nobody's.
        if !(has_direction && walk.way == Way::In) && asked.contains(&edge.from) {
            by_twin.entry(edge.from).or_default().push(edge.clone());
        }
        if !(has_direction && walk.way == Way::Out) && asked.contains(&edge.to) {
            by_twin.entry(edge.to).or_default().push(edge);
        }
    }
    for edges in by_twin.values_mut() {
        edges.sort_unstable_by_key(|edge| edge.no);
        edges.dedup_by_key(|edge| edge.no);
    }
    by_twin
}

/// Waits until the graph store has what this request has written, or asked to read after. Answers how far it is.
pub(super) async fn arrive(ctx: &Ctx, session: &Session) -> Result<Seq, ApiError> {
    let (runtime, written) = (session.runtime(), session.written());
    if written > Seq(0) && !runtime.wait_for(written, true, STORE_WAIT_MAX).await {
        let message = format!("the graph store has not reached commit {} within {} s", written.0, STORE_WAIT_MAX.as_secs());
        return Err(ApiError::new(Code::Timeout, message).hint("everything but relations can be read; ask for them again a little later"));
    }
    // What others have changed is waited for as well, but not at any price: a store that is far behind answers with what it has.
    let changed = runtime.committed.seq();
    if changed > runtime.projected() && !runtime.store_is_failing() {
        runtime.wait_for(changed, true, FRESH_WAIT_MAX).await;
    }
    let seq = runtime.projected();
    // Of all that a request reads from the store, the receipt tells the oldest.
    let oldest = |told: u64| (told == 0 || seq.0 < told).then_some(seq.0);
    ctx.receipt.store_seq.fetch_update(Ordering::Relaxed, Ordering::Relaxed, oldest).ok();
    Ok(seq)
}

/// What the store says is for our log: it names addresses.
pub(super) fn failed(error: store::Error) -> ApiError {
    use store::Error;
    match error {
        Error::Unavailable { .. } | Error::TimedOut { .. } | Error::Conflict(_) | Error::Taken { .. } | Error::Behind { .. } => {
            tracing::warn!(%error, "relations cannot be read");
            ApiError::new(Code::Unavailable, "the graph store does not answer").hint("everything but relations can be read meanwhile")
        }
        Error::Refused(_) | Error::Newer { .. } | Error::Damaged(_) => ApiError::new(Code::Internal, format!("the graph store: {error}")),
    }
}
