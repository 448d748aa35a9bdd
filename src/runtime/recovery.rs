//! The start: the latest checkpoints, the journal since, and everything is as it was committed.

use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};

use crate::catalog::CONTAINS;
use crate::journal;
use crate::reading::{Seq, Timestamp, TwinNo};
use crate::store::{DeletedRow, Store};
use crate::twin::{EdgeNo, Event, Fact};
use crate::view::{Cell, View};

use super::directory::Directory;
use super::edit::Answers;
use super::layouts::Layouts;
use super::projector::answer_row;
use super::rebuild::{Error, Replay};
use super::release::{Changes, EdgeChange};
use super::resident::Resident;
use super::structure::Graph;

/// What was found, for the line at start.
#[derive(Debug, Clone, Copy, Default)]
pub struct Found {
    pub twins: usize,
    pub edges: usize,
    pub replayed: u64,
    pub torn_bytes: u64,
    pub last_seq: Seq,
    /// How far the checkpoints were.
    pub saved_upto: Seq,
    /// How far the store was.
    pub position: Seq,
}

/// What a start fills.
#[derive(Debug)]
pub(super) struct Start<'a> {
    pub(super) directory: &'a Directory,
    pub(super) view: &'a View,
    pub(super) graph: &'a mut Graph,
    /// What the projector had not yet seen.
    pub(super) changes: &'a mut Changes,
    pub(super) answers: &'a mut Answers,
}

pub(super) async fn recover(
    store: &Store,
    journal: journal::Config,
    layouts: &Layouts,
    start: Start<'_>,
) -> Result<(journal::Recovered, Found), Error> {
    let Start { directory, view, graph, changes, answers } = start;
    let meta = store.load_meta().await?;
    store.load_types(&mut |record| layouts.remember(&record)).await?;
    let mut replay = Replay::new(layouts);
    let mut seqs: HashMap<TwinNo, Seq> = HashMap::new();
    let mut damaged = None;
    store
        .load_checkpoints(&mut |row| {
            seqs.insert(row.no, row.seq);
            if let Err(error) = replay.restore(row.no, &row.bytes) {
                damaged.get_or_insert(error);
            }
        })
        .await?;
    if let Some(error) = damaged {
        return Err(error);
    }
    graph.twin_is_taken(TwinNo(meta.last_twin));
    graph.edge_is_taken(EdgeNo(meta.last_edge));
    store.load_answers(&mut |row| answers.remember(row)).await?;
    store.load_edges(&mut |edge| graph.put(Arc::new(edge))).await?;

    let from = meta.position.min(meta.saved_upto);
    let mut touched: HashMap<TwinNo, Seq> = HashMap::new();
    let mut failed = None;
    let recovered = journal::open(journal, from, &mut |seq, bytes| {
        let (at, facts) = replay.take(seq, bytes, None).map_err(|error| {
            let text = error.to_string();
            failed.get_or_insert(error);
            text
        })?;
        let mut follower = Follower { graph, changes, touched: &mut touched, answers };
        facts.into_iter().for_each(|fact| follower.follow(seq, at, fact, seq > meta.position));
        Ok(())
    });
    let recovered = match (recovered, failed) {
        (Err(_), Some(error)) => return Err(error),
        (Err(error), None) => return Err(error.into()),
        (Ok(recovered), _) => recovered,
    };
    let last_seq = recovered.last_seq().max(meta.position);
    let found = Found {
        twins: replay.twins.len(),
        edges: graph.count(),
        replayed: recovered.replayed.entries,
        torn_bytes: recovered.replayed.torn_bytes_cut,
        last_seq,
        saved_upto: meta.saved_upto,
        position: meta.position,
    };
    for (_, deleted) in std::mem::take(&mut replay.deleted) {
        graph.twin_is_taken(deleted.no);
        directory.depart(deleted, &[]);
    }
    let mut twins: Vec<_> = std::mem::take(&mut replay.twins).into_iter().collect();
    twins.sort_by_key(|(no, _)| *no);
    for (no, twin) in twins {
        graph.twin_is_taken(no);
        let parent = graph
            .incoming(no)
            .find(|edge| &*edge.relation == CONTAINS && edge.valid_to.is_none())
            .map_or(TwinNo::PARTITION, |edge| edge.from);
        let seq = touched.get(&no).or(seqs.get(&no)).copied().unwrap_or_default();
        let cell = Arc::new(Cell::new(twin.state.clone(), seq));
        view.insert(twin.state.id.clone(), cell.clone());
        directory.name_externally(no, &twin.state.external_ids);
        let state = twin.state.clone();
        let resident = Arc::new(Resident::new(cell, twin, parent));
        directory.register(resident.clone());
        if touched.contains_key(&no) {
            changes.mark(&resident, state, seq);
        }
    }
    changes.upto = last_seq;
    view.advance(last_seq);
    Ok((recovered, found))
}

/// What entries mean for everything but the twins themselves.
struct Follower<'a> {
    graph: &'a mut Graph,
    changes: &'a mut Changes,
    touched: &'a mut HashMap<TwinNo, Seq>,
    answers: &'a mut Answers,
}

impl Follower<'_> {
    /// `is_new`: the projector has not seen it.
    fn follow(&mut self, seq: Seq, at: Timestamp, fact: Fact, is_new: bool) {
        match fact {
            Fact::Happened { no, events, .. } => {
                self.touched.insert(no, seq);
                let rejected =
                    events.into_iter().filter_map(|event| if let Event::Rejected(rejection) = event { Some(rejection) } else { None });
                rejected.filter(|_| is_new).for_each(|rejection| self.changes.reject(seq, *rejection));
            }
            Fact::Created { no, .. } => {
                self.graph.twin_is_taken(no);
                self.touched.insert(no, seq);
            }
            Fact::Deleted(deleted) => {
                if is_new {
                    self.changes.delete(DeletedRow { no: deleted.no, id: deleted.id.clone(), at, seq });
                }
            }
            Fact::EdgeBegun(edge) => {
                self.graph.put(Arc::from(edge.clone()));
                if is_new {
                    self.changes.edge(EdgeChange::Begun(seq, *edge));
                }
            }
            Fact::EdgeEnded { edge, at, live } => {
                self.graph.end(edge, at, live);
                if is_new {
                    self.changes.edge(EdgeChange::Ended { edge, seq });
                }
            }
            Fact::Edited(edited) => {
                if let Some(row) = answer_row(seq, at, *edited) {
                    self.answers.remember(row.clone());
                    if is_new {
                        self.changes.answer(row);
                    }
                }
            }
            Fact::TypeKnown(record) if is_new => self.changes.types.push(*record),
            Fact::Refused(rejection) if is_new => self.changes.reject(seq, *rejection),
            Fact::TypeKnown(_) | Fact::Refused(_) => {}
        }
    }
}
