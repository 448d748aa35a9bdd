//! Tests of what cannot be seen from outside: frames, recovery from every kind of damage, and the writer on a disk that fails.

mod damage;
mod faults;
mod format;
mod gate;
mod late;
mod real_disk;
mod retention;
mod rolled;
mod simulation;
mod views;

use std::path::PathBuf;
use std::sync::Arc;

use crate::reading::Seq;

use super::segment::{GROUP_HEADER_BYTES, HEADER_BYTES};
use super::sim_disk::SimDisk;
use super::writer::Writer;
use super::{Config, Error, Recovered, open_on};

const DIR: &str = "/journal";

/// A journal on a disk in memory, with small segments.
struct World {
    disk: SimDisk,
    config: Config,
}

impl World {
    fn new(segment_bytes: u64) -> World {
        World::seeded(segment_bytes, 1)
    }

    fn seeded(segment_bytes: u64, seed: u64) -> World {
        World { disk: SimDisk::new(seed), config: Config { segment_bytes, ..Config::new(DIR) } }
    }

    fn open(&self) -> Result<(Vec<(u64, String)>, Recovered), Error> {
        self.open_after(0)
    }

    fn open_after(&self, after: u64) -> Result<(Vec<(u64, String)>, Recovered), Error> {
        let mut entries = Vec::new();
        let recovered = open_on(Arc::new(self.disk.clone()), self.config.clone(), Seq(after), &mut |seq, entry| {
            entries.push((seq.0, String::from_utf8_lossy(entry).into_owned()));
            Ok(())
        })?;
        Ok((entries, recovered))
    }

    /// The entries that a start finds.
    fn entries(&self) -> Vec<String> {
        let (entries, _) = self.open().unwrap();
        entries.into_iter().map(|(_, entry)| entry).collect()
    }

    fn writer(&self) -> Writer {
        self.open().unwrap().1.writer
    }

    fn error(&self) -> String {
        self.open().unwrap_err().to_string()
    }

    /// The segments, oldest first.
    fn segments(&self) -> Vec<PathBuf> {
        self.disk.paths().into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "seg")).collect()
    }

    fn damage(&self, path: &std::path::Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = self.disk.bytes(path).unwrap();
        change(&mut bytes);
        self.disk.put(path, &bytes);
    }
}

/// One attempt to write a group.
fn commit(writer: &mut Writer, entries: &[&str]) -> Result<(), Error> {
    let mut group = vec![0; GROUP_HEADER_BYTES];
    for entry in entries {
        group.extend_from_slice(&(entry.len() as u32).to_le_bytes());
        group.extend_from_slice(entry.as_bytes());
    }
    writer.commit(&mut group, entries.len() as u32)
}

fn group_bytes(entries: &[&str]) -> usize {
    GROUP_HEADER_BYTES + entries.iter().map(|entry| 4 + entry.len()).sum::<usize>()
}

/// Where the group after these begins in a segment.
fn offset_behind(groups: &[&[&str]]) -> usize {
    HEADER_BYTES + groups.iter().map(|entries| group_bytes(entries)).sum::<usize>()
}
