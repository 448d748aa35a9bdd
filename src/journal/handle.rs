//! The handle of a running journal.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::Mutex;

use crate::reading::Seq;

use super::gate::Shared;
use super::{ENTRY_BYTES_MAX, Error, Health};

/// Why an entry was not appended. What was to be held back with it has been dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the journal is closed")]
    Closed,
    #[error("too much waits for the disk already")]
    NoRoom,
    #[error("an entry of {bytes} bytes is too large for the journal: at most {ENTRY_BYTES_MAX}")]
    TooLarge { bytes: usize },
}

pub struct Journal<H> {
    shared: Arc<Shared<H>>,
    owner: Arc<Owner<H>>,
}

/// Closes the journal when the last handle goes, without waiting for it.
struct Owner<H> {
    shared: Arc<Shared<H>>,
    thread: Mutex<Option<JoinHandle<Result<(), Error>>>>,
    dir: PathBuf,
}

impl<H: Send + 'static> Journal<H> {
    pub(super) fn new(shared: Arc<Shared<H>>, thread: JoinHandle<Result<(), Error>>, dir: PathBuf) -> Journal<H> {
        let owner = Owner { shared: shared.clone(), thread: Mutex::new(Some(thread)), dir };
        Journal { shared, owner: Arc::new(owner) }
    }

    /// Appends without waiting for the disk; waits for room only when `pending_bytes_max` is reached.
    ///
    /// `encode` runs under the lock of the buffer: it only appends to what it is given, and it is quick. If it appends nothing the entry is empty:
    /// it takes no seq and no room on disk, and passes the gate in its place all the same.
    pub async fn append(&self, encode: impl FnOnce(&mut Vec<u8>), held: H) -> Result<(), Refused> {
        let mut entry = match self.shared.try_append(encode, held) {
            Ok(appended) => return appended,
            Err(back) => back,
        };
        loop {
            // Made before the attempt, so that room given in between is not missed.
            let room = self.shared.room.notified();
            entry = match self.shared.try_append(entry.0, entry.1) {
                Ok(appended) => return appended,
                Err(back) => back,
            };
            room.await;
        }
    }

    /// The same for callers that cannot wait: without room, what was to be held back is dropped.
    pub fn try_append(&self, encode: impl FnOnce(&mut Vec<u8>), held: H) -> Result<(), Refused> {
        self.shared.try_append(encode, held).unwrap_or(Err(Refused::NoRoom))
    }

    /// The same for callers outside of tokio: at start-up, in tools and in tests.
    pub fn append_blocking(&self, encode: impl FnOnce(&mut Vec<u8>), held: H) -> Result<(), Refused> {
        self.shared.append_blocking(encode, held)
    }

    /// Waits until everything that was appended before has been released.
    pub async fn durable(&self) -> Result<Seq, Refused> {
        let target = self.shared.progress().appended;
        loop {
            let let_out = self.shared.let_out.notified();
            let progress = self.shared.progress();
            if progress.released >= target {
                return Ok(progress.released_seq);
            }
            if progress.ended {
                return Err(Refused::Closed);
            }
            let_out.await;
        }
    }

    /// The last entry that was released: as far as a follower may read.
    pub fn last_seq(&self) -> Seq {
        self.shared.progress().released_seq
    }

    /// Segments wholly before `seq` may be deleted, at some time. The one being written stays.
    pub fn forget_before(&self, seq: Seq) {
        self.shared.folder.order_forget(seq);
    }

    pub fn health(&self) -> Health {
        let progress = self.shared.progress();
        let (segments, bytes) = self.shared.folder.size();
        let active_bytes = self.shared.active_bytes();
        Health {
            state: self.shared.state(),
            pending_bytes: progress.pending_bytes,
            pending_entries: progress.appended - progress.released,
            pending_bytes_max: self.shared.pending_bytes_max,
            last_seq: progress.released_seq,
            segments: segments + u64::from(active_bytes > 0),
            bytes_on_disk: bytes + active_bytes,
            next_segment_problem: self.shared.folder.problem(),
            ..self.shared.meter.read()
        }
    }

    /// Writes and releases what waits, and ends the gate's thread. Blocks; the first caller hears how it went.
    pub fn close(&self) -> Result<(), Error> {
        self.shared.close();
        let thread = self.owner.thread.lock().take();
        match thread {
            // `release` itself may close the journal; it must not wait for its own thread.
            Some(thread) if thread.thread().id() == std::thread::current().id() => Ok(()),
            Some(thread) => thread.join().unwrap_or(Err(Error::Panicked)),
            None => Ok(()),
        }
    }
}

impl<H> Clone for Journal<H> {
    fn clone(&self) -> Journal<H> {
        Journal { shared: self.shared.clone(), owner: self.owner.clone() }
    }
}

impl<H> Drop for Owner<H> {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl<H> fmt::Debug for Journal<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("dir", &self.owner.dir).finish_non_exhaustive()
    }
}
