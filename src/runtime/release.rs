//! What the gate lets out, in this order: readers see it, then its senders are told, then those who follow are woken.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::catalog::stored::LayoutRecord;
use crate::ingress::Bell;
use crate::journal::Group;
use crate::reading::Seq;
use crate::twin::{Edge, EdgeNo, Rejection, State};
use crate::view::View;

use super::committed::Committed;
use super::held::{Aside, Change, Checkpoint, Held, StructureChange};
use super::resident::Resident;

/// Rejections that wait for the projector. More than that are found again in the journal.
pub(super) const REJECTIONS_WAITING_MAX: usize = 20_000;
/// Changes of the graph that wait for the projector, likewise.
pub(super) const EDGES_WAITING_MAX: usize = 200_000;

/// What has been committed and not yet been taken by the projector: always a consistent cut, as of `upto`.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) upto: Seq,
    /// The newest committed state of each changed twin, and the commit that carried it.
    pub(super) twins: Vec<(Arc<Resident>, Arc<State>, Seq)>,
    pub(super) types: Vec<LayoutRecord>,
    pub(super) edges: Vec<EdgeChange>,
    pub(super) rejections: Vec<(Seq, Rejection)>,
    pub(super) checkpoints: Vec<Checkpoint>,
    /// Some of the rare changes did not fit; the journal has them.
    pub(super) overflowed: bool,
    /// Twins that have changed since their last stored checkpoint, newly so since the last round.
    pub(super) unsaved: Vec<Arc<Resident>>,
}

#[derive(Debug, Clone)]
pub(super) enum EdgeChange {
    Begun(Seq, Edge),
    Ended { edge: EdgeNo, seq: Seq },
}

/// The gate writes here and the projector takes from here.
#[derive(Debug, Default)]
pub(super) struct Followers {
    pub(super) changes: Mutex<Changes>,
    pub(super) bell: Notify,
}

impl Changes {
    /// A twin changed: keep its newest state only.
    pub(super) fn mark(&mut self, resident: &Arc<Resident>, state: Arc<State>, seq: Seq) {
        let place = resident.dirty_at.load(Ordering::Relaxed) as usize;
        match self.twins.get_mut(place) {
            Some(entry) if Arc::ptr_eq(&entry.0, resident) => {
                entry.1 = state;
                entry.2 = seq;
            }
            Some(_) | None => {
                resident.dirty_at.store(u32::try_from(self.twins.len()).unwrap_or(u32::MAX), Ordering::Relaxed);
                self.twins.push((resident.clone(), state, seq));
            }
        }
        if resident.unsaved_since.load(Ordering::Relaxed) == 0 {
            resident.unsaved_since.store(seq.0, Ordering::Relaxed);
            self.unsaved.push(resident.clone());
        }
    }

    pub(super) fn reject(&mut self, seq: Seq, rejection: Rejection) {
        if self.rejections.len() < REJECTIONS_WAITING_MAX {
            self.rejections.push((seq, rejection));
        } else {
            self.overflowed = true;
        }
    }

    pub(super) fn edge(&mut self, change: EdgeChange) {
        if self.edges.len() < EDGES_WAITING_MAX {
            self.edges.push(change);
        } else {
            self.overflowed = true;
        }
    }
}

/// The function behind the gate, and what it needs.
#[derive(Debug)]
pub(super) struct Release {
    pub(super) view: Arc<View>,
    pub(super) followers: Arc<Followers>,
    committed: Arc<Committed>,
    bells: Vec<Bell>,
}

impl Release {
    pub(super) fn new(view: Arc<View>, followers: Arc<Followers>, committed: Arc<Committed>) -> Release {
        Release { view, followers, committed, bells: Vec::new() }
    }

    pub(super) fn release(&mut self, mut group: Group<Held>) {
        let last = group.last;
        self.publish(&mut group);
        self.view.advance(last);
        for (seq, held) in group.entries {
            for settling in held.receipts {
                self.bells.extend(settling.settle(seq));
            }
            if let Some(waiter) = held.aside.and_then(|aside| aside.waiter) {
                // Whoever waited may have gone away; the commit stands all the same.
                waiter.send(seq).ok();
            }
        }
        self.bells.drain(..).for_each(Bell::ring);
        self.followers.bell.notify_one();
    }

    fn publish(&mut self, group: &mut Group<Held>) {
        let mut changes = self.followers.changes.lock();
        for (seq, held) in &mut group.entries {
            if let Some(aside) = &mut held.aside {
                publish_aside(&self.view, &self.committed, &mut changes, *seq, aside);
            }
            if let Some(Change { resident, state }) = held.change.take() {
                resident.cell.publish(state.clone(), *seq);
                changes.mark(&resident, state, *seq);
            }
            changes.upto = *seq;
        }
    }
}

fn publish_aside(view: &View, committed: &Committed, changes: &mut Changes, seq: Seq, aside: &mut Aside) {
    for rejection in aside.rejections.drain(..) {
        changes.reject(seq, rejection);
    }
    for change in aside.structure.drain(..) {
        match change {
            StructureChange::TypeKnown(record) => changes.types.push(record),
            StructureChange::Created(resident) => {
                view.insert(resident.id.clone(), resident.cell.clone());
                resident.cell.publish(resident.cell.state(), seq);
                changes.mark(&resident, resident.cell.state(), seq);
            }
            StructureChange::EdgeBegun(edge) => {
                committed.begin(&edge);
                changes.edge(EdgeChange::Begun(seq, edge));
            }
            StructureChange::EdgeEnded { edge, at } => {
                committed.end(edge, at);
                changes.edge(EdgeChange::Ended { edge, seq });
            }
        }
    }
    changes.checkpoints.extend(aside.checkpoint.take().map(|checkpoint| Checkpoint { seq: checkpoint.cell.seq(), ..checkpoint }));
}
