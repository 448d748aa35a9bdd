//! A twin from what is committed: its stored checkpoint, and the journal since.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::{HashMap, HashMapExt};

use crate::journal::{self, Journal, checkpoint, record};
use crate::reading::{Seq, Timestamp, TwinId, TwinNo};
use crate::store::Store;
use crate::twin::{Deleted, Fact, State, Twin};

use super::held::Held;
use super::layouts::Layouts;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the graph store has no answer: {0}")]
    Store(#[from] crate::store::Error),
    #[error("the journal cannot be read: {0}")]
    Journal(#[from] journal::Error),
    #[error("the journal is closed")]
    Closed,
    #[error("the journal holds what cannot be understood at seq {seq}: {reason}")]
    Unreadable { seq: u64, reason: record::Unreadable },
    #[error("the checkpoint of twin {no} cannot be understood: {reason}")]
    Checkpoint { no: u32, reason: record::Unreadable },
    #[error("nothing is known of twin {0}")]
    Unknown(u32),
    #[error("twin {no} lacks its events between revision {has} and {next} (seq {seq}): checkpoint and journal do not fit together")]
    Gap { no: u32, has: u64, next: u64, seq: u64 },
}

#[derive(Debug)]
pub struct Rebuilder {
    pub store: Store,
    pub journal: Journal<Held>,
    pub journal_dir: PathBuf,
    pub layouts: Arc<Layouts>,
    /// How far every twin's stored checkpoint reaches, at least: what the journal has forgotten lies before.
    pub saved_upto: Arc<AtomicU64>,
}

impl Rebuilder {
    /// Waits until the gate has passed the last draft of the dead actor; then memory, journal and view agree again.
    pub async fn rebuild(&self, no: TwinNo) -> Result<Twin, Error> {
        self.journal.durable().await.map_err(|_| Error::Closed)?;
        // Asked before the checkpoint is loaded, which may be newer by then, but not older.
        let after = self.saved_upto.load(Ordering::Acquire);
        let mut twins = Replay::new(&self.layouts);
        if let Some(row) = self.store.load_checkpoint(no).await? {
            twins.restore(no, &row.bytes)?;
        }
        let mut failed = None;
        journal::read(&self.journal_dir, Seq(after + 1), &mut |seq, bytes| match twins.take(seq, bytes, Some(no)) {
            Ok(_) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        })?;
        match failed {
            Some(error) => Err(error),
            None => twins.twins.remove(&no).ok_or(Error::Unknown(no.0)),
        }
    }
}

impl Rebuilder {
    /// All facts behind `after`, in order.
    pub fn each_fact(&self, after: Seq, f: &mut dyn FnMut(Seq, Timestamp, Fact) -> ControlFlow<()>) -> Result<(), Error> {
        let mut failed = None;
        journal::read(&self.journal_dir, Seq(after.0 + 1), &mut |seq, bytes| match record::decode(bytes, &|fingerprint| {
            self.layouts.get(fingerprint)
        }) {
            Ok(entry) => entry.facts.into_iter().try_for_each(|fact| f(seq, entry.at, fact)),
            Err(reason) => {
                failed = Some(Error::Unreadable { seq: seq.0, reason });
                ControlFlow::Break(())
            }
        })?;
        failed.map_or(Ok(()), Err)
    }
}

/// Twins while their events are applied again.
#[derive(Debug)]
pub struct Replay<'a> {
    layouts: &'a Layouts,
    pub twins: HashMap<TwinNo, Twin>,
    /// Those that are no more. What the journal still says of their lives is passed over.
    pub deleted: HashMap<TwinNo, Deleted>,
}

impl<'a> Replay<'a> {
    pub fn new(layouts: &'a Layouts) -> Replay<'a> {
        Replay { layouts, twins: HashMap::new(), deleted: HashMap::new() }
    }

    pub fn restore(&mut self, no: TwinNo, bytes: &[u8]) -> Result<(), Error> {
        let saved = checkpoint::decode(bytes, &|fingerprint| self.layouts.get(fingerprint));
        match saved.map_err(|reason| Error::Checkpoint { no: no.0, reason })? {
            checkpoint::Saved::Twin(twin) => drop(self.twins.insert(no, *twin)),
            checkpoint::Saved::Deleted(deleted) => drop(self.deleted.insert(no, deleted)),
        }
        Ok(())
    }

    /// Applies one entry, or what of it is about `only`. What a checkpoint already contains is skipped. Returns all facts of the entry.
    pub fn take(&mut self, seq: Seq, bytes: &[u8], only: Option<TwinNo>) -> Result<(Timestamp, Vec<Fact>), Error> {
        let unreadable = |reason| Error::Unreadable { seq: seq.0, reason };
        let entry = record::decode(bytes, &|fingerprint| self.layouts.get(fingerprint)).map_err(unreadable)?;
        for fact in &entry.facts {
            match fact {
                Fact::Created { no, id, layout } if only.is_none_or(|only| only == *no) => self.create(*no, id, *layout, entry.at, seq)?,
                Fact::Happened { no, .. } if self.deleted.contains_key(no) => {}
                Fact::Happened { no, before, events } if only.is_none_or(|only| only == *no) => {
                    let twin = self.twins.get_mut(no).ok_or(Error::Unknown(no.0))?;
                    let has = twin.state.revision.0;
                    if before.0 > has {
                        return Err(Error::Gap { no: no.0, has, next: before.0, seq: seq.0 });
                    }
                    let known = usize::try_from(has - before.0).unwrap_or(usize::MAX);
                    events.iter().skip(known).for_each(|event| twin.apply(event, entry.at));
                }
                Fact::Deleted(deleted) if only.is_none_or(|only| only == deleted.no) => {
                    self.twins.remove(&deleted.no);
                    self.deleted.insert(deleted.no, deleted.as_ref().clone());
                }
                Fact::TypeKnown(record) => self.layouts.remember(record),
                Fact::Created { .. }
                | Fact::Happened { .. }
                | Fact::Deleted(_)
                | Fact::EdgeBegun(_)
                | Fact::EdgeEnded { .. }
                | Fact::Refused(_)
                | Fact::Edited(_) => {}
            }
        }
        Ok((entry.at, entry.facts))
    }

    fn create(&mut self, no: TwinNo, id: &TwinId, fingerprint: u64, at: Timestamp, seq: Seq) -> Result<(), Error> {
        if self.twins.contains_key(&no) || self.deleted.contains_key(&no) {
            return Ok(());
        }
        let reason = record::Unreadable::Unknown { what: "layout", found: fingerprint };
        let layout = self.layouts.get(fingerprint).ok_or(Error::Unreadable { seq: seq.0, reason })?;
        self.twins.insert(no, Twin::new(State::new(no, id.clone(), layout, at)));
        Ok(())
    }
}
