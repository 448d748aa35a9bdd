//! Keeps the folder: prepares the next segment ahead of time, deletes those that nobody needs, both beside the writer.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::reading::Seq;

use super::disk::{Access, Disk, File};
use super::segment::Name;
use super::{Config, Error};

/// The file that becomes the next segment: nothing but zeros.
pub(super) const SPARE: &str = "next.spare";

const RETRY_MIN: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(1);

/// How long to wait after so many attempts in a row that failed.
pub(super) fn retry_delay(attempts: u64) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX).min(16);
    RETRY_MIN.saturating_mul(1 << doublings).min(RETRY_MAX)
}

/// A segment that is not written any more.
#[derive(Debug)]
pub(super) struct Finished {
    path: PathBuf,
    /// Its last entry that counts.
    last: Seq,
    bytes: u64,
}

impl Finished {
    pub(super) fn new(path: PathBuf, file: &dyn File, last: Seq) -> Finished {
        Finished { path, last, bytes: file.len().unwrap_or(0) }
    }

    pub(super) fn found(disk: &dyn Disk, dir: &Path, name: Name, last: Seq) -> Result<Finished, Error> {
        let path = dir.join(name.file_name());
        let file = disk.open(&path, Access::Read).map_err(Error::io("open the journal segment", &path))?;
        Ok(Finished::new(path, &*file, last))
    }
}

#[derive(Debug, Default)]
struct Orders {
    prepare: bool,
    /// Finished segments whose last entry lies before this are deleted.
    forget_before: Seq,
    forget: bool,
    closing: bool,
}

/// What the writer and the keeper share.
#[derive(Debug)]
pub(super) struct Folder {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    segment_bytes: u64,
    /// Locked while a spare is filled or becomes a segment: whoever needs it waits for it instead of filling another one.
    spare: Mutex<Option<Arc<dyn File>>>,
    finished: Mutex<VecDeque<Finished>>,
    problem: Mutex<Option<String>>,
    orders: Mutex<Orders>,
    bell: Condvar,
}

impl Folder {
    pub(super) fn new(disk: Arc<dyn Disk>, config: &Config, finished: Vec<Finished>) -> Folder {
        Folder {
            disk,
            dir: config.dir.clone(),
            segment_bytes: config.segment_bytes,
            spare: Mutex::new(None),
            finished: Mutex::new(finished.into()),
            problem: Mutex::new(None),
            orders: Mutex::new(Orders::default()),
            bell: Condvar::new(),
        }
    }

    /// Makes the spare the file at `path`. Fills one first if none is ready.
    pub(super) fn take_spare(&self, path: &Path) -> Result<Arc<dyn File>, Error> {
        let mut spare = self.spare.lock();
        let file = match spare.take() {
            Some(file) => file,
            None => self.fill()?,
        };
        self.disk.rename(&self.dir.join(SPARE), path).map_err(Error::io("create the journal segment", path))?;
        Ok(file)
    }

    /// Fills a spare if there is none.
    pub(super) fn prepare(&self) -> Result<(), Error> {
        let mut spare = self.spare.lock();
        if spare.is_none() {
            *spare = Some(self.fill()?);
        }
        Ok(())
    }

    fn fill(&self) -> Result<Arc<dyn File>, Error> {
        let path = self.dir.join(SPARE);
        let file = self.disk.create(&path).map_err(Error::io("create the next journal segment", &path))?;
        if let Err(source) = file.fill(self.segment_bytes) {
            // What was filled so far is given back: it may be the last room there is.
            self.remove_leftover(&path);
            return Err(Error::Io { action: "fill the next journal segment", path, source });
        }
        Ok(file)
    }

    /// A file that stays here by mistake takes room and does no harm.
    pub(super) fn remove_leftover(&self, path: &Path) {
        if let Err(error) = self.disk.remove(path) {
            tracing::warn!(path = %path.display(), %error, "a journal file that is not needed cannot be removed");
        }
    }

    pub(super) fn finish(&self, segment: Finished) {
        self.finished.lock().push_back(segment);
    }

    /// Segments and their bytes, the one being written not counted.
    pub(super) fn size(&self) -> (u64, u64) {
        let finished = self.finished.lock();
        (finished.len() as u64, finished.iter().map(|segment| segment.bytes).sum())
    }

    pub(super) fn problem(&self) -> Option<String> {
        self.problem.lock().clone()
    }

    /// Deletes the oldest segments that lie wholly before `seq`, one after the other, so that a crash leaves no gap.
    pub(super) fn forget_before(&self, seq: Seq) -> Result<(), Error> {
        loop {
            let oldest = self.finished.lock().front().filter(|oldest| oldest.last < seq).map(|oldest| oldest.path.clone());
            let Some(path) = oldest else { return Ok(()) };
            match self.disk.remove(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(source) => return Err(Error::Io { action: "delete the journal segment", path, source }),
            }
            self.disk.sync_folder(&self.dir).map_err(Error::io("sync the journal folder", &self.dir))?;
            self.finished.lock().pop_front();
        }
    }

    pub(super) fn order_spare(&self) {
        self.orders.lock().prepare = true;
        self.bell.notify_one();
    }

    pub(super) fn order_forget(&self, before: Seq) {
        let mut orders = self.orders.lock();
        if before > orders.forget_before {
            orders.forget_before = before;
            orders.forget = true;
            self.bell.notify_one();
        }
    }

    fn close(&self) {
        self.orders.lock().closing = true;
        self.bell.notify_one();
    }

    fn keep(&self) {
        let mut attempts = 0;
        while let Some((prepare, forget)) = self.next_orders(attempts) {
            if let Some(before) = forget
                && let Err(error) = self.forget_before(before)
            {
                tracing::warn!(%error, "old journal segments stay for now");
            }
            if prepare {
                let problem = self.prepare().err().map(|error| error.to_string());
                attempts = if problem.is_some() { attempts + 1 } else { 0 };
                *self.problem.lock() = problem;
            }
        }
    }

    /// Waits for something to do; after attempts that failed, for the time of the next one. `None` at the end.
    fn next_orders(&self, attempts: u64) -> Option<(bool, Option<Seq>)> {
        let mut orders = self.orders.lock();
        let mut retry = false;
        while !orders.closing && !orders.forget && !retry && (attempts > 0 || !orders.prepare) {
            if attempts == 0 {
                self.bell.wait(&mut orders);
            } else {
                retry = self.bell.wait_for(&mut orders, retry_delay(attempts)).timed_out();
            }
        }
        if orders.closing {
            return None;
        }
        let forget = std::mem::take(&mut orders.forget).then_some(orders.forget_before);
        let prepare = if attempts > 0 { retry } else { orders.prepare };
        if prepare {
            orders.prepare = false;
        }
        Some((prepare, forget))
    }
}

/// The thread beside the writer. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Keeper {
    folder: Arc<Folder>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    pub(super) fn start(folder: Arc<Folder>) -> Result<Keeper, Error> {
        let kept = folder.clone();
        let thread = std::thread::Builder::new().name("journal-keeper".to_owned()).spawn(move || kept.keep());
        let thread = thread.map_err(Error::io("start the thread for", &folder.dir))?;
        folder.order_spare();
        Ok(Keeper { folder, thread: Some(thread) })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.folder.close();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that prepares journal segments ended by a panic");
        }
    }
}
