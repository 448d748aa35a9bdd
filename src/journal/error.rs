//! What can be wrong with a journal, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use crate::reading::Seq;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error("the journal `{}` is in use by another process{holder}: stop that one, or give this one a data folder of its own", dir.display())]
    Locked { dir: PathBuf, holder: String },
    #[error(
        "the journal segment `{}` is damaged at byte {offset}: {what}; entries {first_lost} to {last_lost} cannot be read although later ones were written. \
         Restore this file from a backup, or give up entry {first_lost} and everything after it with `pollux journal cut --after {}`",
        path.display(), first_lost.0.saturating_sub(1)
    )]
    Corrupt { path: PathBuf, offset: u64, what: &'static str, first_lost: Seq, last_lost: Seq },
    #[error(
        "the header of the journal segment `{}` is damaged (byte 0): {what}; entries from {first_lost} on cannot be read. \
         Restore this file from a backup, or give up entry {first_lost} and everything after it with `pollux journal cut --after {}`",
        path.display(), first_lost.0.saturating_sub(1)
    )]
    CorruptHeader { path: PathBuf, what: &'static str, first_lost: Seq },
    #[error(
        "entries {first} to {last} are missing between the journal segments `{}` (ends at byte {offset}) and `{}`: a segment was deleted or moved. \
         Put it back, or give up entry {first} and everything after it with `pollux journal cut --after {}`",
        before.display(), behind.display(), first.0.saturating_sub(1)
    )]
    Missing { before: PathBuf, offset: u64, behind: PathBuf, first: Seq, last: Seq },
    #[error("the journal segment `{}` has format version {version}: it was written by a newer Pollux; start that version, or a newer one", path.display())]
    Newer { path: PathBuf, version: u16 },
    #[error("the journal segment `{}` belongs to partition {found}, not {expected}: the configuration points at the folder of another partition", path.display())]
    Partition { path: PathBuf, found: u32, expected: u32 },
    #[error(
        "the journal `{}` begins with entry {first}, but entry {needed} is needed: older segments were deleted or moved. \
         Put them back, or restore the data folder as a whole from one backup", dir.display()
    )]
    Forgotten { dir: PathBuf, needed: Seq, first: Seq },
    #[error(
        "the journal `{}` ends with entry {last}, but the stored state is already at entry {after}: the two do not belong together. \
         Restore the data folder as a whole from one backup", dir.display()
    )]
    Behind { dir: PathBuf, after: Seq, last: Seq },
    #[error("entry {seq} of the journal cannot be replayed: {message}")]
    Replay { seq: Seq, message: String },
    #[error(
        "{entries} entries were not written before the journal was closed, and their senders have not been told that they were: {message}"
    )]
    Unwritten { entries: u64, message: String },
    #[error("cannot cut after entry {after}: it lies within a group; cut after entry {before} or {behind}")]
    WithinGroup { after: Seq, before: Seq, behind: Seq },
    #[error("cannot cut after entry {after}: the journal `{}` has entries {first} to {last}", dir.display())]
    NothingToCut { dir: PathBuf, after: Seq, first: Seq, last: Seq },
    #[error("the journal thread ended by a panic")]
    Panicked,
}

impl Error {
    pub(super) fn io<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Error + 'a {
        move |source| Error::Io { action, path: path.to_owned(), source }
    }

    /// The disk or the quota is full: it passes when somebody makes room.
    pub fn is_no_space(&self) -> bool {
        matches!(self, Error::Io { source, .. } if is_no_space(source))
    }
}

pub(super) fn is_no_space(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
