//! The seam below the journal: the file operations it needs. [`RealDisk`] does them; [`super::sim_disk::SimDisk`] does them badly, on purpose.

use std::any::Any;
use std::fmt;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use rustix::fs::FallocateFlags;
use rustix::io::Errno;

/// Held as long as the folder is ours.
pub type Lock = Box<dyn Any + Send + Sync>;

pub trait Disk: fmt::Debug + Send + Sync {
    fn create_folder(&self, dir: &Path) -> io::Result<()>;

    /// `Err(holder)` inside `Ok` if somebody else has it.
    fn lock(&self, path: &Path) -> io::Result<Result<Lock, String>>;

    /// The names of the files in a folder, in any order.
    fn names(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// An existing file.
    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn File>>;

    /// A new and empty file; one that is there under this name is removed first.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>>;

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes durable which names the folder has.
    fn sync_folder(&self, dir: &Path) -> io::Result<()>;

    /// A number that nobody outside can guess (see `segment.rs`).
    fn salt(&self) -> u32;

    /// A clock for measuring, from any beginning.
    fn micros(&self) -> u64;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Read,
    Write,
}

pub trait File: fmt::Debug + Send + Sync {
    fn len(&self) -> io::Result<u64>;

    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Reads what is there: less than asked for only at the end of the file.
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize>;

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Makes the content durable, and the length where it grew.
    fn sync(&self) -> io::Result<()>;

    /// Fills an empty file with zeros, durably, so that a later sync has only data to write.
    fn fill(&self, bytes: u64) -> io::Result<()>;
}

#[derive(Debug)]
pub struct RealDisk {
    started: Instant,
}

#[expect(clippy::disallowed_methods, reason = "durations of writes and syncs are of the disk, not of anything the journal decides")]
impl RealDisk {
    pub fn new() -> Arc<RealDisk> {
        Arc::new(RealDisk { started: Instant::now() })
    }
}

impl Disk for RealDisk {
    fn create_folder(&self, dir: &Path) -> io::Result<()> {
        if dir.is_dir() {
            return Ok(());
        }
        fs::create_dir_all(dir)?;
        match dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            Some(parent) => self.sync_folder(parent),
            None => Ok(()),
        }
    }

    fn lock(&self, path: &Path) -> io::Result<Result<Lock, String>> {
        let mut file = fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => {
                // The number is only for the message that another process shows.
                file.set_len(0)?;
                file.write_all(std::process::id().to_string().as_bytes())?;
                Ok(Ok(Box::new(file)))
            }
            Err(fs::TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let named = file.read_to_string(&mut holder).is_ok() && !holder.is_empty();
                Ok(Err(if named { format!(" (number {holder})") } else { String::new() }))
            }
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }

    fn names(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(dir)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        Ok(names)
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn File>> {
        let file = fs::OpenOptions::new().read(true).write(access == Access::Write).open(path)?;
        Ok(Arc::new(RealFile(file)))
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        match fs::remove_file(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let file = fs::OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        Ok(Arc::new(RealFile(file)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_folder(&self, dir: &Path) -> io::Result<()> {
        fs::File::open(dir)?.sync_all()
    }

    fn salt(&self) -> u32 {
        // The keys of a `RandomState` come from the operating system.
        RandomState::new().hash_one(self.started) as u32
    }

    #[expect(clippy::disallowed_methods, reason = "see `new`")]
    fn micros(&self) -> u64 {
        self.started.elapsed().as_micros() as u64
    }
}

#[derive(Debug)]
struct RealFile(fs::File);

/// How much is filled between two syncs, so that filling never makes a commit wait for long.
const FILL_BYTES: usize = 1 << 20;

impl File for RealFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.0.read_at(rest, offset + done as u64) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn fill(&self, bytes: u64) -> io::Result<()> {
        // Reserving first finds out cheaply whether there is room; writing then makes the blocks ordinary ones.
        match rustix::fs::fallocate(&self.0, FallocateFlags::empty(), 0, bytes) {
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {}
            Err(error) => return Err(error.into()),
        }
        let zeros = vec![0; FILL_BYTES];
        let mut offset = 0;
        while offset < bytes {
            let count = usize::try_from(bytes - offset).unwrap_or(FILL_BYTES).min(FILL_BYTES);
            self.0.write_all_at(&zeros[..count], offset)?;
            self.0.sync_data()?;
            offset += count as u64;
        }
        self.0.sync_all()
    }
}
