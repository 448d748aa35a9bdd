//! The journal: the truth. Append-only checksummed segments, one writer, group commit, and the gate behind it.
//!
//! Entries are opaque bytes here. With each comes something *held back* (a receipt, effects, a change); it is handed to a `release` function,
//! in order, once the group that carries the entry is on disk. The journal knows nothing behind that function.
//!
//! What can be relied on:
//! - An entry that was released is read again by every later start, in order, without gaps and once.
//! - An entry that was not released may be read again or be gone; if it is gone, so is everything after it.
//! - Nothing is released past an entry that is not on disk, however long the disk refuses it.
//! - No timer makes groups: while one group is written and synced the next one gathers; an idle journal commits a single entry at once.

mod bytes;
pub mod checkpoint;
mod cut;
pub mod disk;
mod error;
mod gate;
mod handle;
mod health;
mod keeper;
mod rare;
mod reader;
pub mod record;
mod recover;
mod segment;
pub mod sim_disk;
#[cfg(test)]
mod tests;
mod values;
mod walk;
mod writer;

use std::path::PathBuf;

use crate::reading::Seq;

pub use cut::{Cut, cut};
pub use error::Error;
pub use handle::{Journal, Refused};
pub use health::{FSYNC_BUCKETS, Health, State};
pub use reader::{Reader, read};
pub use recover::{Recovered, Replay, Replayed, check_free, open, open_on};

/// The largest entry. A larger one is a mistake of the caller: payloads are bounded long before.
pub const ENTRY_BYTES_MAX: usize = 64 << 20;

/// The most entries that are released at once.
pub const GROUP_ENTRIES_MAX: usize = 65_536;

/// Where the journal lies, and its bounds.
#[derive(Debug, Clone)]
pub struct Config {
    pub dir: PathBuf,
    /// Segments are filled with zeros up to here before they are used. A single larger group makes its segment longer.
    pub segment_bytes: u64,
    /// A group takes what is waiting, up to here.
    pub group_bytes_max: usize,
    /// What may wait for the disk, entries and what is held back with them. At the bound, appending waits.
    pub pending_bytes_max: usize,
    pub durability: Durability,
    pub partition: u32,
}

impl Config {
    pub fn new(dir: impl Into<PathBuf>) -> Config {
        Config {
            dir: dir.into(),
            segment_bytes: 64 << 20,
            group_bytes_max: 4 << 20,
            pending_bytes_max: 64 << 20,
            durability: Durability::Fsync,
            partition: 0,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Released means on disk: survives power loss.
    Fsync,
    /// Released means handed to the operating system: survives the end of the process, not of the machine.
    Os,
}

/// Entries that became durable together, in order.
#[derive(Debug)]
pub struct Group<H> {
    /// The seq of the first entry that was written; `last + 1` if all entries of the group are empty.
    pub first: Seq,
    /// Everything up to here is on disk.
    pub last: Seq,
    /// What was held back. An empty entry has no seq of its own: it comes with that of the latest written entry before it.
    pub entries: Vec<(Seq, H)>,
}
