//! What the gate lets out, in this order: readers see it, then its senders are told, then those who follow are woken.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::catalog::stored::LayoutRecord;
use crate::feed::{Publisher, Round};
use crate::ingress::Bell;
use crate::journal::Group;
use crate::reading::Seq;
use crate::store::{AnswerRow, DeletedRow};
use crate::twin::{Edge, EdgeNo, Rejection, State};
use crate::view::View;

use super::alarmed::Alarmed;
use super::committed::Committed;
use super::edit::Answers;
use super::gatherer::Gathering;
use super::held::{Aside, Change, Checkpoint, Held, StructureChange};
use super::outbox::Outbox;
use super::resident::Resident;

/// Rejections that wait for the projector. More than that are found again in the journal.
pub(super) const REJECTIONS_WAITING_MAX: usize = 20_000;
/// Changes of the graph that wait for the projector, likewise.
pub(super) const EDGES_WAITING_MAX: usize = 200_000;

/// Deleted twins and answers that wait for the projector, likewise.
const ROWS_WAITING_MAX: usize = 100_000;

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
    pub(super) deleted: Vec<DeletedRow>,
    pub(super) answers: Vec<AnswerRow>,
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
    /// Rung for everybody after each group.
    pub(super) released: Notify,
    /// First answers to requests with an idempotency key.
    pub(super) answers: Mutex<Answers>,
    pub(super) alarmed: Alarmed,
    pub(super) gathering: Gathering,
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

    pub(super) fn delete(&mut self, row: DeletedRow) {
        if self.deleted.len() < ROWS_WAITING_MAX {
            self.deleted.push(row);
        } else {
            self.overflowed = true;
        }
    }

    pub(super) fn answer(&mut self, row: AnswerRow) {
        if self.answers.len() < ROWS_WAITING_MAX {
            self.answers.push(row);
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
    publisher: Publisher,
    committed: Arc<Committed>,
    outbox: Arc<Outbox>,
    bells: Vec<Bell>,
}

impl Release {
    pub(super) fn new(
        view: Arc<View>,
        followers: Arc<Followers>,
        committed: Arc<Committed>,
        outbox: Arc<Outbox>,
        publisher: Publisher,
    ) -> Release {
        Release { view, followers, committed, outbox, publisher, bells: Vec::new() }
    }

    pub(super) fn release(&mut self, mut group: Group<Held>) {
        let last = group.last;
        self.publish(&mut group);
        self.view.advance(last);
        for (seq, held) in group.entries {
            for settling in held.receipts {
                self.bells.extend(settling.settle(seq));
            }
            if let Some(aside) = held.aside.filter(|aside| !aside.is_void()) {
                aside.outgoing.into_iter().for_each(|outgoing| self.outbox.offer(outgoing));
                // Whoever waited may have gone away; the commit stands all the same.
                if let Some(waiter) = aside.waiter {
                    waiter.send(seq).ok();
                }
            }
        }
        self.bells.drain(..).for_each(Bell::ring);
        self.publisher.wake();
        self.followers.bell.notify_one();
        self.followers.released.notify_waiters();
    }

    fn publish(&mut self, group: &mut Group<Held>) {
        if group.entries.iter().any(|(_, held)| held.is_change || held.aside.is_some()) {
            self.publisher.note_change();
        }
        let mut publishing = Publishing {
            view: &self.view,
            followers: &self.followers,
            committed: &self.committed,
            changes: &mut self.followers.changes.lock(),
            round: self.publisher.round(),
        };
        for (seq, held) in &mut group.entries {
            if let Some(aside) = &mut held.aside {
                publishing.aside(*seq, aside);
            }
            if let Some(change) = held.change.take() {
                publishing.change(*seq, change);
            }
            publishing.changes.upto = *seq;
        }
    }
}

/// What is told of each commit: to readers at once, to the feed's listeners, and to the projector.
struct Publishing<'a> {
    view: &'a View,
    followers: &'a Followers,
    committed: &'a Committed,
    changes: &'a mut Changes,
    /// `None` while nobody watches.
    round: Option<Round<'a>>,
}

impl Publishing<'_> {
    fn change(&mut self, seq: Seq, Change { resident, state }: Change) {
        resident.cell.publish(state.clone(), seq);
        self.followers.alarmed.note(&resident, &state);
        self.followers.gathering.twin(&resident);
        if let Some(round) = &mut self.round {
            round.changed(&state, seq);
        }
        self.changes.mark(&resident, state, seq);
    }

    fn aside(&mut self, seq: Seq, aside: &mut Aside) {
        for rejection in aside.rejections.drain(..) {
            self.changes.reject(seq, rejection);
        }
        if !aside.is_void() {
            aside.structure.drain(..).for_each(|change| self.structure(seq, change));
        }
        let checkpoint = aside.checkpoint.take().map(|checkpoint| Checkpoint { seq: checkpoint.cell.seq(), ..checkpoint });
        self.changes.checkpoints.extend(checkpoint);
    }

    fn structure(&mut self, seq: Seq, change: StructureChange) {
        match change {
            StructureChange::TypeKnown(record) => self.changes.types.push(record),
            StructureChange::Created(resident) => {
                self.view.insert(resident.id.clone(), resident.cell.clone());
                resident.cell.publish(resident.cell.state(), seq);
                if let Some(round) = &mut self.round {
                    round.created(&resident.cell.state(), seq);
                }
                self.changes.mark(&resident, resident.cell.state(), seq);
                self.followers.gathering.twin(&resident);
            }
            StructureChange::Changed(change) => self.change(seq, change),
            StructureChange::Deleted { resident, row } => {
                self.view.remove(&resident.cell);
                self.followers.alarmed.forget(resident.no);
                self.followers.gathering.gone(resident.no);
                if let Some(round) = &mut self.round {
                    round.removed(&resident.cell.state());
                }
                self.changes.checkpoints.push(resident.remains(seq));
                self.changes.delete(DeletedRow { seq, ..row });
            }
            StructureChange::EdgeBegun(edge) => {
                self.committed.begin(&edge, seq);
                self.followers.gathering.edge(&edge);
                self.tell_structure();
                self.changes.edge(EdgeChange::Begun(seq, edge));
            }
            StructureChange::EdgeEnded { edge, at } => {
                self.committed.end(edge, at, seq);
                if let Some(ended) = self.committed.edge(edge) {
                    self.followers.gathering.edge(&ended);
                }
                self.tell_structure();
                self.changes.edge(EdgeChange::Ended { edge, seq });
            }
            StructureChange::Answered(row) => {
                let row = AnswerRow { seq, ..*row };
                self.followers.answers.lock().remember(row.clone());
                self.changes.answer(row);
            }
        }
    }

    fn tell_structure(&mut self) {
        if let Some(round) = &mut self.round {
            round.structure();
        }
    }
}
