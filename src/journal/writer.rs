//! Writes groups into segments, one attempt at a time. It has no thread and never waits: the gate decides when to try again.
//!
//! A failed sync is final for that file: the system may drop the pages it could not write and report success the next time. So the segment is
//! given up, read again up to its last released entry, and the same group goes into a new one.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::reading::Seq;

use super::disk::{Access, Disk, File, Lock};
use super::health::Meter;
use super::keeper::{Finished, Folder};
use super::segment::{GroupHeader, HEADER_BYTES, Header, Name};
use super::walk::{Opened, Walk};
use super::{Config, Durability, Error};

#[derive(Debug)]
pub(super) struct Writer {
    disk: Arc<dyn Disk>,
    config: Config,
    pub(super) folder: Arc<Folder>,
    pub(super) meter: Arc<Meter>,
    active: Option<Active>,
    /// The number of the segment that was made last.
    number: u64,
    /// The last entry that is durable.
    pub(super) last: Seq,
    _lock: Lock,
}

/// The segment that is written.
#[derive(Debug)]
pub(super) struct Active {
    file: Arc<dyn File>,
    path: PathBuf,
    first: Seq,
    salt: u32,
    /// Where the next group goes.
    offset: u64,
    pub(super) last: Seq,
    /// Something failed that leaves its content in doubt: it is not written any more.
    broken: bool,
}

impl Active {
    pub(super) fn resumed(walk: &Walk) -> Active {
        Active {
            file: walk.file.clone(),
            path: walk.path.clone(),
            first: walk.header.name.first,
            salt: walk.header.salt,
            offset: walk.offset,
            last: Seq(walk.expected.0 - 1),
            broken: false,
        }
    }

    /// An empty segment takes a group of any length.
    fn takes(&self, group_bytes: u64, segment_bytes: u64) -> bool {
        !self.broken && (self.offset == HEADER_BYTES as u64 || self.offset + group_bytes <= segment_bytes)
    }
}

impl Writer {
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        config: Config,
        lock: Lock,
        finished: Vec<Finished>,
        active: Option<Active>,
        number: u64,
        last: Seq,
    ) -> Writer {
        let folder = Arc::new(Folder::new(disk.clone(), &config, finished));
        Writer { disk, config, folder, meter: Arc::default(), active, number, last, _lock: lock }
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// Tries once to make a group durable. `group` is the room for its header and its payload. After an error, try again with the same group.
    pub(super) fn commit(&mut self, group: &mut [u8], count: u32) -> Result<(), Error> {
        let first = Seq(self.last.0 + 1);
        let len = group.len() as u64;
        if !self.active.as_ref().is_some_and(|active| active.takes(len, self.config.segment_bytes)) {
            self.rotate(first)?;
        }
        let Some(active) = &mut self.active else {
            unreachable!("rotate leaves an active segment behind");
        };
        GroupHeader::frame(group, first, count, active.salt);
        if let Err(source) = active.file.write_all_at(group, active.offset) {
            let error = Error::Io { action: "write the journal segment", path: active.path.clone(), source };
            // When the disk is full, what was written of the group is written over by the next attempt.
            active.broken = !error.is_no_space();
            return Err(error);
        }
        match self.config.durability {
            Durability::Fsync => self.sync()?,
            Durability::Os => {}
        }
        if let Some(active) = &mut self.active {
            active.offset += len;
            active.last = Seq(first.0 + u64::from(count) - 1);
            self.last = active.last;
        }
        self.meter.wrote_group(len);
        Ok(())
    }

    /// Makes durable what `Durability::Os` has left to the system.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        match (self.config.durability, &self.active) {
            (Durability::Os, Some(active)) if !active.broken => self.sync(),
            (Durability::Os | Durability::Fsync, _) => Ok(()),
        }
    }

    fn sync(&mut self) -> Result<(), Error> {
        let Some(active) = &mut self.active else { return Ok(()) };
        let begun = self.disk.micros();
        if let Err(source) = active.file.sync() {
            active.broken = true;
            self.meter.fsyncs_failed.fetch_add(1, Ordering::Relaxed);
            return Err(Error::Io { action: "sync the journal segment", path: active.path.clone(), source });
        }
        self.meter.synced(self.disk.micros().saturating_sub(begun));
        Ok(())
    }

    /// Goes on in a new segment that begins with `first`.
    fn rotate(&mut self, first: Seq) -> Result<(), Error> {
        if let Some(active) = &self.active {
            if active.broken && active.first < first {
                self.read_again(active, first)?;
            } else if !active.broken && self.config.durability == Durability::Os {
                // Only what is in the last segment is left to the system.
                self.sync()?;
            }
        }
        self.number += 1;
        let name = Name { first, number: self.number };
        let path = self.config.dir.join(name.file_name());
        let file = self.folder.take_spare(&path)?;
        let header = Header { durability: self.config.durability, partition: self.config.partition, name, salt: self.disk.salt() };
        // The header is durable before a group follows: so a segment without a good header is either unfinished and empty, or damaged.
        let made = file.write_all_at(&header.encode(), 0).and_then(|()| file.sync()).and_then(|()| self.disk.sync_folder(&self.config.dir));
        if let Err(source) = made {
            self.folder.remove_leftover(&path);
            return Err(Error::Io { action: "begin the journal segment", path, source });
        }
        let offset = HEADER_BYTES as u64;
        let last = Seq(first.0 - 1);
        let active = Active { file, path, first, salt: header.salt, offset, last, broken: false };
        if let Some(old) = self.active.replace(active) {
            if old.first == first {
                // Given up before its first group: it holds nothing that counts.
                self.folder.remove_leftover(&old.path);
            } else {
                self.folder.finish(Finished::new(old.path, &*old.file, last));
            }
        }
        self.folder.order_spare();
        Ok(())
    }

    /// Released entries must be readable before the journal goes on behind them.
    fn read_again(&self, broken: &Active, first: Seq) -> Result<(), Error> {
        let Some(name) = broken.path.file_name().and_then(|name| name.to_str()).and_then(Name::parse) else { return Ok(()) };
        let unreadable =
            |offset, what, first_lost| Error::Corrupt { path: broken.path.clone(), offset, what, first_lost, last_lost: Seq(first.0 - 1) };
        match Walk::open(&*self.disk, &self.config.dir, name, Access::Read, Some(self.config.partition))? {
            Opened::Unborn => Err(unreadable(0, "its header is gone", broken.first)),
            Opened::Walk(mut walk) => {
                let what = walk.skip_to(first)?;
                if walk.expected < first { Err(unreadable(walk.offset, what, walk.expected)) } else { Ok(()) }
            }
        }
    }

    pub(super) fn active_bytes(&self) -> u64 {
        self.active.as_ref().map_or(0, |active| active.file.len().unwrap_or(0))
    }
}
