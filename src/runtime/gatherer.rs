//! Keeps roll-ups up to date behind the gate: what has been committed of twins and edges is taken in a few times a second, and what adds up to
//! something else is told to the twins that hold it.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Map, Value as Json};
use tokio::sync::Notify;

use crate::catalog::Layout;
use crate::catalog::rolled::Over;
use crate::reading::{Timestamp, TwinNo};
use crate::summary::{Summary, World, contributors};
use crate::twin::{Contributors, Edge, State};

use super::Runtime;
use super::coming::{Coming, Moved};
use super::resident::Resident;
use super::twin_actor::TwinMsg;

/// How long changes are gathered before they are told (`rules.md`, 6).
const COALESCE: Duration = Duration::from_millis(250);
/// The wall clock may be set while we sleep, so it is looked at so often at least.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Edges that wait; with more, everything is looked up anew.
const EDGES_MAX: usize = 100_000;

/// What the gate leaves for the gatherer.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    /// Some type has roll-ups.
    active: AtomicBool,
    news: Mutex<News>,
    bell: Notify,
    /// Something is under way.
    busy: AtomicBool,
    /// When time alone matters next, in microseconds; `i64::MAX`: never.
    due: AtomicI64,
}

#[derive(Debug, Default)]
struct News {
    twins: Vec<Arc<Resident>>,
    gone: Vec<TwinNo>,
    edges: Vec<Moved>,
    /// Everything is looked up anew: types have changed, or too much has.
    everything: bool,
}

impl Gathering {
    pub(super) fn is_active(&self) -> bool {
        self.active.load(Ordering::Acquire)
    }

    /// From the gate, for each twin that was committed.
    pub(super) fn twin(&self, resident: &Arc<Resident>) {
        if self.is_active() && !resident.gathered.swap(true, Ordering::AcqRel) {
            self.leave(|news| news.twins.push(resident.clone()));
        }
    }

    pub(super) fn gone(&self, no: TwinNo) {
        if self.is_active() {
            self.leave(|news| news.gone.push(no));
        }
    }

    pub(super) fn edge(&self, edge: &Edge) {
        if self.is_active() {
            self.leave(|news| match news.edges.len() {
                EDGES_MAX.. => news.everything = true,
                _ => news.edges.push(Moved::of(edge)),
            });
        }
    }

    fn leave(&self, note: impl FnOnce(&mut News)) {
        self.busy.store(true, Ordering::Release);
        note(&mut self.news.lock());
        self.bell.notify_one();
    }

    /// Whether what has been committed by now is not yet told.
    pub(super) fn is_behind(&self, now: Timestamp) -> bool {
        self.is_active() && (self.busy.load(Ordering::Acquire) || self.due.load(Ordering::Acquire) <= now.0)
    }
}

impl Runtime {
    /// The twin with those who say most about its roll-ups, also about those that no rule looks at.
    pub fn with_contributors(self: &Arc<Self>, state: &State) -> State {
        let found = contributors(&Committed(self), state.no, state, self.shared.clock.now());
        State { contributors: Contributors::restore(found), ..state.clone() }
    }

    /// The types are these now.
    pub(super) fn regather(&self) {
        let has_rollups = self.bindings.load().catalog.types.iter().any(|layout| layout.logic.all_rollups().next().is_some());
        let gathering = &self.followers.gathering;
        gathering.due.store(i64::MAX, Ordering::Release);
        gathering.active.store(has_rollups, Ordering::Release);
        if has_rollups {
            gathering.leave(|news| news.everything = true);
        }
    }
}

pub(super) async fn run(runtime: Weak<Runtime>) {
    let (mut summary, mut coming) = (Summary::default(), Coming::default());
    loop {
        let Some(followers) = runtime.upgrade().map(|runtime| runtime.followers.clone()) else { return };
        let gathering = &followers.gathering;
        let pause = {
            let Some(runtime) = runtime.upgrade() else { return };
            let until = gathering.due.load(Ordering::Acquire).saturating_sub(runtime.shared.clock.now().0).max(0);
            Duration::from_micros(u64::try_from(until).unwrap_or(0)).min(LOOK_EVERY)
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = gathering.bell.notified() => {}
        }
        let Some(runtime) = runtime.upgrade() else { return };
        if gathering.is_active() {
            // Before the news are taken: what comes from here on makes it behind again.
            gathering.busy.store(false, Ordering::Release);
            let now = runtime.shared.clock.now();
            let is_new = take_in(&mut summary, &mut coming, &runtime, now);
            while let Some(edge) = coming.pop(now) {
                summary.edge(&Committed(&runtime), &edge.relation, edge.from, edge.to);
            }
            if coming.has_run_out() {
                gathering.leave(|news| news.everything = true);
            }
            for (no, gathered) in summary.gather(&Committed(&runtime), runtime.shared.clock.now()) {
                if let Some(resident) = runtime.shared.directory.by_no(no) {
                    runtime.shared.directory.send(&resident, TwinMsg::Gathered(gathered));
                }
            }
            let due = [summary.due(), coming.next()].into_iter().flatten().min();
            gathering.due.store(due.map_or(i64::MAX, |due| due.0), Ordering::Release);
            drop(runtime);
            if is_new {
                tokio::time::sleep(COALESCE).await;
            }
        }
    }
}

fn take_in(summary: &mut Summary, coming: &mut Coming, runtime: &Arc<Runtime>, now: Timestamp) -> bool {
    let News { twins, gone, edges, everything } = std::mem::take(&mut *runtime.followers.gathering.news.lock());
    let is_new = everything || !(twins.is_empty() && gone.is_empty() && edges.is_empty());
    twins.iter().for_each(|resident| resident.gathered.store(false, Ordering::Release));
    if everything {
        (*summary, *coming) = (Summary::default(), Coming::default());
        for resident in runtime.shared.directory.all() {
            summary.twin(resident.no, &resident.cell.state());
            runtime.committed.each_out(resident.no, &mut |edge| coming.expect(&Moved::of(edge), now));
        }
        return true;
    }
    for resident in twins {
        summary.twin(resident.no, &resident.cell.state());
    }
    for edge in edges {
        summary.edge(&Committed(runtime), &edge.relation, edge.from, edge.to);
        coming.expect(&edge, now);
    }
    gone.into_iter().for_each(|no| summary.gone(no));
    is_new
}

/// What readers may see.
struct Committed<'a>(&'a Arc<Runtime>);

impl World for Committed<'_> {
    fn state(&self, twin: TwinNo) -> Option<Arc<State>> {
        self.0.shared.directory.by_no(twin).map(|resident| resident.cell.state())
    }

    fn layout(&self, state: &State) -> Option<Arc<Layout>> {
        let catalog = &self.0.bindings.load().catalog;
        catalog.layout(&state.layout.name).filter(|layout| layout.fingerprint == state.layout.fingerprint).cloned()
    }

    fn each(&self, twin: TwinNo, over: &Over, take: &mut dyn FnMut(TwinNo, &Map<String, Json>)) {
        let now = self.0.shared.clock.now();
        let holds = |edge: &Edge| *edge.relation == *over.relation && edge.holds_at(now);
        if over.is_inverse {
            self.0.committed.each_in(twin, &mut |edge| {
                if holds(edge) {
                    take(edge.from, &edge.properties);
                }
            });
        } else {
            self.0.committed.each_out(twin, &mut |edge| {
                if holds(edge) {
                    take(edge.to, &edge.properties);
                }
            });
        }
    }
}
