//! Changes out of the journal: the past for followers that are behind, and the latest into the log that live followers share.
//!
//! Reading a journal waits for the disk, so it happens on threads for that. A reader holds nothing back: what is deleted under it is reported as
//! forgotten, and the follower tells its client which part that was.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::warn;

use crate::alarm::AlarmState;
use crate::feed::{Change, Feed, Happening, Log, Names, Occurrences, Position, Recorded};
use crate::journal::disk::Disk;
use crate::journal::{self, Reader, record};
use crate::reading::{Seq, SlotNo, TwinId, TwinNo};
use crate::twin::{Edge, EdgeNo};
use crate::view::View;

use super::Runtime;

/// A part of the past that is read in one go: so many changes, or so many entries without any.
const CHANGES_PER_PART: usize = 512;
const ENTRIES_PER_PART_MAX: usize = 50_000;
/// Parts that are read at the same time.
const READING_AT_ONCE_MAX: usize = 4;
/// Followers that keep their place in the files between two parts; others find it again.
const KEPT_OPEN_MAX: usize = 16;
/// How soon an entry becomes known that nobody announced as a change.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// While nobody follows there is nothing to do but to notice the end.
const IDLE_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was to be read is deleted; what is kept begins with `first`.
    #[error("the journal keeps nothing before entry {first}")]
    Forgotten { first: Seq },
    #[error("the journal cannot be read: {0}")]
    Journal(journal::Error),
    #[error("the journal holds what cannot be understood at seq {seq}: {reason}")]
    Unreadable { seq: Seq, reason: record::Unreadable },
    #[error("the thread that read the journal has crashed")]
    Crashed,
}

/// Some changes, in order, and where to go on.
#[derive(Debug)]
pub struct Part<T = Change> {
    pub changes: Vec<T>,
    pub next: Position,
}

/// A place in the journal.
#[derive(Debug)]
pub struct Past {
    reader: Reader,
    next: Position,
    /// The right to stay open between two parts.
    kept: Option<OwnedSemaphorePermit>,
}

/// Who may read, and how many at once.
#[derive(Debug, Clone)]
pub(super) struct Readers {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    turns: Arc<Semaphore>,
    open: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(disk: Arc<dyn Disk>, dir: PathBuf) -> Readers {
        Readers { disk, dir, turns: Arc::new(Semaphore::new(READING_AT_ONCE_MAX)), open: Arc::new(Semaphore::new(KEPT_OPEN_MAX)) }
    }

    fn past(&self, from: Position) -> Past {
        Past { kept: self.open.clone().try_acquire_owned().ok(), ..Past::new(self.disk.clone(), self.dir.clone(), from) }
    }
}

impl Past {
    pub fn new(disk: Arc<dyn Disk>, dir: PathBuf, from: Position) -> Past {
        Past { reader: Reader::new(disk, dir, from.seq), next: from, kept: None }
    }

    /// Where the next part begins.
    pub fn next(&self) -> Position {
        self.next
    }

    /// The next part, up to the entry `through`. Waits for the disk.
    pub fn read<T: Recorded>(
        &mut self,
        through: Seq,
        layouts: record::Layouts<'_>,
        names: &dyn Names,
        memory: &mut T::Memory,
    ) -> Result<Part<T>, Error> {
        let (mut changes, mut entries, mut unreadable) = (Vec::new(), 0, None);
        let from = self.next;
        let read = self.reader.read(through, &mut |seq, bytes| {
            match record::decode(bytes, layouts) {
                Ok(entry) => changes.extend(T::of(seq, &entry, names, memory).into_iter().filter(|change: &T| change.position() >= from)),
                Err(reason) => {
                    unreadable = Some(Error::Unreadable { seq, reason });
                    return ControlFlow::Break(());
                }
            }
            entries += 1;
            if changes.len() >= CHANGES_PER_PART || entries >= ENTRIES_PER_PART_MAX {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        match (read, unreadable) {
            (Err(journal::Error::Forgotten { first, .. }), _) => return Err(Error::Forgotten { first }),
            (Err(error), _) => return Err(Error::Journal(error)),
            (Ok(()), Some(error)) => return Err(error),
            (Ok(()), None) => {}
        }
        if self.reader.next_seq() > from.seq {
            self.next = Position::at(self.reader.next_seq());
        }
        Ok(Part { changes, next: self.next })
    }
}

impl Runtime {
    pub fn feed(&self) -> &Arc<Feed> {
        &self.feed
    }

    pub fn view_shared(&self) -> Arc<View> {
        self.view.clone()
    }

    /// The next changes from `from` on, up to what has been released. `kept` is the place where the last part ended and `memory` what was known
    /// there; those for the next part are put there.
    pub async fn past_changes<T: Recorded>(
        self: &Arc<Runtime>,
        from: Position,
        kept: &mut Option<Past>,
        memory: &mut T::Memory,
    ) -> Result<Part<T>, Error> {
        let mut past = kept.take().filter(|past| past.next == from).unwrap_or_else(|| self.readers.past(from));
        let turn = self.reading_turn().await?;
        let (runtime, mut known) = (self.clone(), std::mem::take(memory));
        let (past, part, known) = blocking(move || {
            let _turn = turn;
            let part = past.read::<T>(runtime.view.seq(), &|fingerprint| runtime.layouts.get(fingerprint), &*runtime, &mut known);
            (past, part, known)
        })
        .await?;
        *memory = known;
        let part = part?;
        let goes_on = part.next.seq <= self.view.seq();
        *kept = Some(past).filter(|past| goes_on && past.kept.is_some());
        Ok(part)
    }

    /// Everything that is kept, as it was written, up to what is released by now. Waits for the disk: for threads of their own.
    pub fn each_entry(&self, f: &mut dyn FnMut(Seq, &[u8]) -> ControlFlow<()>) -> Result<(), Error> {
        let through = self.view.seq();
        let mut from = Seq(1);
        loop {
            match Reader::new(self.readers.disk.clone(), self.readers.dir.clone(), from).read(through, f) {
                // Nothing was given out before it was known: it is missing at the beginning.
                Err(journal::Error::Forgotten { first, .. }) if first > from => from = first,
                Err(error) => return Err(Error::Journal(error)),
                Ok(()) => return Ok(()),
            }
        }
    }

    pub(super) fn reader(&self, from: Position) -> Past {
        self.readers.past(from)
    }

    /// Held by whoever reads the journal.
    pub(super) async fn reading_turn(&self) -> Result<OwnedSemaphorePermit, Error> {
        self.readers.turns.clone().acquire_owned().await.map_err(|_| Error::Crashed)
    }

    /// What is open now, for whoever begins to follow alarms.
    fn occurrences(&self) -> Occurrences {
        let mut known = Occurrences::default();
        for cell in self.alarmed() {
            let state = cell.state();
            for (rule, watch) in state.watches.iter().filter(|(_, watch)| watch.alarm.open.is_some()) {
                known.learn(state.no, rule, &watch.alarm);
            }
        }
        known
    }
}

/// What is remembered where a log begins.
pub(super) trait Begins: Recorded {
    fn begin(runtime: &Runtime) -> Self::Memory;
}

impl Begins for Change {
    fn begin(_: &Runtime) {}
}

impl Begins for Happening {
    fn begin(runtime: &Runtime) -> Occurrences {
        runtime.occurrences()
    }
}

/// What facts refer to by number, as it is now.
impl Names for Runtime {
    fn id(&self, twin: TwinNo) -> Option<TwinId> {
        self.shared.directory.id_of(twin)
    }

    fn edge(&self, edge: EdgeNo) -> Option<Arc<Edge>> {
        self.graph.lock().edge(edge).cloned()
    }

    fn is_hierarchy(&self, relation: &str) -> bool {
        self.bindings.load().catalog.relations.iter().any(|known| &*known.name == relation && known.hierarchy)
    }

    fn slot(&self, layout: u64, slot: SlotNo) -> Option<Box<str>> {
        self.layouts.get(layout)?.slots.get(slot.index()).map(|spec| spec.path.clone())
    }

    fn alarm(&self, twin: TwinNo, rule: &str) -> Option<AlarmState> {
        Some(self.view.twin_no(twin)?.state().watches.find(rule)?.alarm.clone())
    }
}

/// Fills a log while somebody follows.
pub(super) async fn fill<T: Begins>(runtime: Weak<Runtime>, log: Arc<Log<T>>) {
    let mut reading = None;
    let mut is_failing = false;
    loop {
        let pause = if log.followers() == 0 { IDLE_EVERY } else { LOOK_EVERY };
        tokio::select! {
            () = log.rung() => {}
            () = tokio::time::sleep(pause) => {}
        }
        let Some(runtime) = runtime.upgrade() else { return };
        if log.followers() == 0 {
            reading = None;
            continue;
        }
        match catch_up(&runtime, &log, &mut reading).await {
            Ok(()) => is_failing = false,
            // Nobody misses anything: followers read the journal themselves, and tell their clients what is gone.
            Err(Error::Forgotten { .. }) => log.begin_anew(Position::behind(runtime.view.seq())),
            Err(error) => {
                if !std::mem::replace(&mut is_failing, true) {
                    warn!(%error, "followers of changes wait");
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    }
}

async fn catch_up<T: Begins>(runtime: &Arc<Runtime>, log: &Log<T>, kept: &mut Option<(Past, T::Memory)>) -> Result<(), Error> {
    loop {
        let released = runtime.view.seq();
        let from = log.resume(Position::behind(released));
        let begin = || (runtime.readers.past(from), T::begin(runtime));
        // From the first moment on: what is open then is known when it is closed.
        let (mut past, mut memory) = kept.take().filter(|(past, _)| past.next == from).unwrap_or_else(begin);
        if from.seq > released {
            *kept = Some((past, memory));
            return Ok(());
        }
        let reading = runtime.clone();
        let (past, memory, part) = blocking(move || {
            let part = past.read::<T>(released, &|fingerprint| reading.layouts.get(fingerprint), &*reading, &mut memory);
            (past, memory, part)
        })
        .await?;
        let Part { changes, next } = part?;
        *kept = Some((past, memory));
        if next == from {
            return Ok(());
        }
        log.add(changes, next);
    }
}

pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::Crashed)
}
