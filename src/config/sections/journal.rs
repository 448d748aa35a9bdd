//! `[journal]`: the log on disk that is the truth.

use crate::config::kind::{ByteCount, names};
use crate::config::setting::section;

names! {
    /// What an acknowledgement waits for.
    Durability {
        /// The disk: what is acknowledged survives the loss of power.
        Fsync = "fsync",
        /// The operating system: what is acknowledged survives the end of the process, not that of the machine.
        Os = "os",
    }
}

section! {
    /// The journal: every commit, in order, on disk before anyone is told.
    Journal = "journal" {
        /// What an acknowledgement waits for: the disk (fsync), or only the operating system (os), which loses the last commits if the
        /// machine fails.
        durability: Durability = Durability::Fsync,
        /// The size at which a segment is closed and the next one begun.
        segment_bytes: ByteCount [ByteCount::mib(1)..=ByteCount::gib(4)] = ByteCount::mib(64),
        /// The most that is written and synced as one group.
        group_bytes_max: ByteCount [ByteCount::kib(64)..=ByteCount::mib(256)] = ByteCount::mib(4),
        /// What may wait to be written while the disk is busy; then twins wait.
        pending_bytes_max: ByteCount [ByteCount::kib(64)..=ByteCount::gib(16)] = ByteCount::mib(64),
    }
}
