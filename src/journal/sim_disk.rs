//! A disk in memory for simulations: it keeps apart what is written and what is synced, loses what it may lose, and fails when told to.
//!
//! It is as unkind as real ones: a crash keeps any sectors of what was not synced; after a failed sync the pages count as clean although they are
//! not on the disk, so the next sync succeeds and says nothing; room is taken only by growing. The same seed gives the same disk.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::disk::{Access, Disk, File, Lock};

/// What is written in one piece or not at all.
const SECTOR_BYTES: usize = 512;

/// How the machine goes down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// The process ends; the system keeps what it was given.
    Process,
    /// What was not synced is kept in part, sector by sector, at random.
    Power,
}

#[derive(Debug, Clone)]
pub struct SimDisk {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Content {
    /// What a reader sees.
    now: Vec<u8>,
    on_disk: Vec<u8>,
    /// Sectors of `now` that the next sync brings to the disk.
    dirty: BTreeSet<usize>,
}

#[derive(Debug)]
struct Inner {
    random: u64,
    files: BTreeMap<u64, Content>,
    names: BTreeMap<PathBuf, u64>,
    names_on_disk: BTreeMap<PathBuf, u64>,
    /// The names after each change since the folder was synced: a crash keeps some of them, in order.
    name_changes: Vec<BTreeMap<PathBuf, u64>>,
    locked: BTreeSet<PathBuf>,
    /// Handles of earlier boots are dead.
    boot: u64,
    files_made: u64,
    micros: u64,
    free_bytes: Option<u64>,
    failing_syncs: u32,
    failing_writes: u32,
    /// Operations until the machine is down.
    operations_left: Option<u64>,
}

impl SimDisk {
    pub fn new(seed: u64) -> SimDisk {
        SimDisk {
            inner: Arc::new(Mutex::new(Inner {
                random: seed,
                files: BTreeMap::new(),
                names: BTreeMap::new(),
                names_on_disk: BTreeMap::new(),
                name_changes: Vec::new(),
                locked: BTreeSet::new(),
                boot: 0,
                files_made: 0,
                micros: 0,
                free_bytes: None,
                failing_syncs: 0,
                failing_writes: 0,
                operations_left: None,
            })),
        }
    }

    /// The next so many syncs of files fail.
    pub fn fail_syncs(&self, count: u32) {
        self.inner.lock().failing_syncs = count;
    }

    /// The next so many writes fail with an I/O error.
    pub fn fail_writes(&self, count: u32) {
        self.inner.lock().failing_writes = count;
    }

    /// How much files may still grow; `None` is without end.
    pub fn set_free(&self, bytes: Option<u64>) {
        self.inner.lock().free_bytes = bytes;
    }

    /// After so many more operations every further one fails, until [`SimDisk::crash`].
    pub fn stop_after(&self, operations: u64) {
        self.inner.lock().operations_left = Some(operations);
    }

    /// Goes down and comes up again, without faults.
    pub fn crash(&self, how: Crash) {
        let mut inner = self.inner.lock();
        let inner = &mut *inner;
        match how {
            Crash::Process => {}
            Crash::Power => {
                let kept = below(&mut inner.random, inner.name_changes.len() as u64 + 1) as usize;
                if let Some(names) = kept.checked_sub(1).and_then(|last| inner.name_changes.get(last)) {
                    inner.names_on_disk.clone_from(names);
                }
                inner.names.clone_from(&inner.names_on_disk);
                inner.name_changes.clear();
                let names = &inner.names;
                inner.files.retain(|id, _| names.values().any(|named| named == id));
                for content in inner.files.values_mut() {
                    content.lose_power(&mut inner.random);
                }
            }
        }
        inner.boot += 1;
        inner.locked.clear();
        inner.failing_syncs = 0;
        inner.failing_writes = 0;
        inner.operations_left = None;
    }

    /// The bytes of a file as a reader sees them.
    pub fn bytes(&self, path: &Path) -> Option<Vec<u8>> {
        let inner = self.inner.lock();
        inner.names.get(path).and_then(|id| inner.files.get(id)).map(|content| content.now.clone())
    }

    /// Replaces a file, durably: damage, or another program's doing.
    pub fn put(&self, path: &Path, bytes: &[u8]) {
        let mut inner = self.inner.lock();
        inner.files_made += 1;
        let id = inner.files_made;
        inner.files.insert(id, Content { now: bytes.to_vec(), on_disk: bytes.to_vec(), dirty: BTreeSet::new() });
        inner.names.insert(path.to_owned(), id);
        inner.names_on_disk.insert(path.to_owned(), id);
        for names in &mut inner.name_changes {
            names.insert(path.to_owned(), id);
        }
    }

    /// Removes a file, durably.
    pub fn delete(&self, path: &Path) {
        let mut inner = self.inner.lock();
        inner.names.remove(path);
        inner.names_on_disk.remove(path);
        for names in &mut inner.name_changes {
            names.remove(path);
        }
    }

    pub fn paths(&self) -> Vec<PathBuf> {
        self.inner.lock().names.keys().cloned().collect()
    }
}

impl Content {
    fn write(&mut self, bytes: &[u8], offset: usize) {
        let end = offset + bytes.len();
        if self.now.len() < end {
            self.now.resize(end, 0);
        }
        self.now[offset..end].copy_from_slice(bytes);
        self.dirty.extend(offset / SECTOR_BYTES..end.div_ceil(SECTOR_BYTES));
    }

    /// Brings to the disk those dirty sectors that `which` picks; none is dirty afterwards.
    fn flush(&mut self, mut which: impl FnMut() -> bool) {
        for sector in std::mem::take(&mut self.dirty) {
            if which() {
                let start = sector * SECTOR_BYTES;
                let end = (start + SECTOR_BYTES).min(self.now.len());
                if self.on_disk.len() < end {
                    self.on_disk.resize(end, 0);
                }
                self.on_disk[start..end].copy_from_slice(&self.now[start..end]);
            }
        }
    }

    fn lose_power(&mut self, random: &mut u64) {
        // One crash loses nearly all, another nearly nothing.
        let kept_of_four = below(random, 5);
        self.flush(|| below(random, 4) < kept_of_four);
        self.now.clone_from(&self.on_disk);
    }
}

impl Inner {
    fn operate(&mut self, boot: u64) -> io::Result<()> {
        self.micros += 1;
        if boot != self.boot {
            return Err(io::Error::other("the machine has gone down since"));
        }
        match &mut self.operations_left {
            None => Ok(()),
            Some(0) => Err(io::Error::other("the machine is down")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }

    fn id(&self, path: &Path) -> io::Result<u64> {
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn names_changed(&mut self) {
        self.name_changes.push(self.names.clone());
    }

    fn content(&mut self, id: u64) -> io::Result<&mut Content> {
        self.files.get_mut(&id).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Disk for SimDisk {
    fn create_folder(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Result<Lock, String>> {
        let mut inner = self.inner.lock();
        let boot = inner.boot;
        inner.operate(boot)?;
        let free = inner.locked.insert(path.to_owned());
        Ok(if free { Ok(Box::new(SimLock { disk: self.clone(), path: path.to_owned(), boot })) } else { Err(String::new()) })
    }

    fn names(&self, dir: &Path) -> io::Result<Vec<String>> {
        let inner = self.inner.lock();
        let inside = inner.names.keys().filter(|path| path.parent() == Some(dir));
        Ok(inside.filter_map(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned()).collect())
    }

    fn open(&self, path: &Path, _access: Access) -> io::Result<Arc<dyn File>> {
        let inner = self.inner.lock();
        Ok(Arc::new(SimFile { disk: self.clone(), id: inner.id(path)?, boot: inner.boot }))
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let mut inner = self.inner.lock();
        let boot = inner.boot;
        inner.operate(boot)?;
        inner.files_made += 1;
        let id = inner.files_made;
        inner.files.insert(id, Content::default());
        inner.names.insert(path.to_owned(), id);
        inner.names_changed();
        Ok(Arc::new(SimFile { disk: self.clone(), id, boot }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut inner = self.inner.lock();
        let boot = inner.boot;
        inner.operate(boot)?;
        let id = inner.id(from)?;
        inner.names.remove(from);
        inner.names.insert(to.to_owned(), id);
        inner.names_changed();
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut inner = self.inner.lock();
        let boot = inner.boot;
        inner.operate(boot)?;
        let id = inner.id(path)?;
        inner.names.remove(path);
        inner.names_changed();
        let given_back = inner.content(id)?.now.len() as u64;
        if let Some(free) = &mut inner.free_bytes {
            *free += given_back;
        }
        Ok(())
    }

    fn sync_folder(&self, _dir: &Path) -> io::Result<()> {
        let mut inner = self.inner.lock();
        let boot = inner.boot;
        inner.operate(boot)?;
        inner.names_on_disk = inner.names.clone();
        inner.name_changes.clear();
        Ok(())
    }

    fn salt(&self) -> u32 {
        below(&mut self.inner.lock().random, 1 << 32) as u32
    }

    fn micros(&self) -> u64 {
        self.inner.lock().micros
    }
}

#[derive(Debug)]
struct SimLock {
    disk: SimDisk,
    path: PathBuf,
    boot: u64,
}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut inner = self.disk.inner.lock();
        if inner.boot == self.boot {
            inner.locked.remove(&self.path);
        }
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    id: u64,
    boot: u64,
}

impl File for SimFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.inner.lock().content(self.id)?.now.len() as u64)
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut inner = self.disk.inner.lock();
        let there = inner.content(self.id)?.now.get(offset as usize..).unwrap_or(&[]);
        let count = there.len().min(into.len());
        into[..count].copy_from_slice(&there[..count]);
        Ok(count)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut inner = self.disk.inner.lock();
        inner.operate(self.boot)?;
        if inner.failing_writes > 0 {
            inner.failing_writes -= 1;
            return Err(io::Error::other("a write failed, as told"));
        }
        let free_bytes = inner.free_bytes;
        let content = inner.content(self.id)?;
        let growth = (offset + bytes.len() as u64).saturating_sub(content.now.len() as u64);
        if let Some(free) = free_bytes.filter(|free| *free < growth) {
            // What fits is written, as a real disk would.
            let fits = bytes.len().saturating_sub((growth - free) as usize);
            content.write(&bytes[..fits], offset as usize);
            inner.free_bytes = Some(0);
            return Err(io::ErrorKind::StorageFull.into());
        }
        content.write(bytes, offset as usize);
        inner.free_bytes = free_bytes.map(|free| free - growth);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut inner = self.disk.inner.lock();
        let inner = &mut *inner;
        inner.operate(self.boot)?;
        let fails = inner.failing_syncs > 0;
        inner.failing_syncs = inner.failing_syncs.saturating_sub(1);
        let random = &mut inner.random;
        let content = inner.files.get_mut(&self.id).ok_or(io::ErrorKind::NotFound)?;
        content.flush(|| !fails || below(random, 2) == 0);
        if fails { Err(io::Error::other("a sync failed, as told")) } else { Ok(()) }
    }

    fn fill(&self, bytes: u64) -> io::Result<()> {
        self.write_all_at(&vec![0; bytes as usize], 0)?;
        self.sync()
    }
}

/// A number below `bound` from a small generator (Weyl sequence and mixing).
fn below(random: &mut u64, bound: u64) -> u64 {
    *random = random.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *random;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) % bound
}
