//! The gate: the buffer that gathers the next group while one is written, and the thread that commits and releases, in order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Condvar, Mutex};
use tokio::sync::Notify;

use crate::reading::Seq;

use super::handle::{Journal, Refused};
use super::health::{Meter, State};
use super::keeper::{Folder, Keeper, retry_delay};
use super::segment::GROUP_HEADER_BYTES;
use super::writer::Writer;
use super::{ENTRY_BYTES_MAX, Error, GROUP_ENTRIES_MAX, Group};

/// Buffers kept for the next groups, and how large one may be to be kept.
const KEPT_BUFFERS_MAX: usize = 2;
const KEPT_BUFFER_BYTES_MAX: usize = 8 << 20;

/// A group that gathers.
struct Batch<H> {
    /// Room for the header of the group, then its payload.
    bytes: Vec<u8>,
    entries: Vec<(Seq, H)>,
    /// Entries that are written; the others are empty.
    count: u32,
}

impl<H> Batch<H> {
    fn pending_bytes(&self) -> usize {
        self.bytes.len() - GROUP_HEADER_BYTES + self.entries.len() * size_of::<(Seq, H)>()
    }
}

struct Buffer<H> {
    waiting: VecDeque<Batch<H>>,
    /// Emptied ones, so that the buffers need not grow under the lock again and again.
    kept: Vec<Batch<H>>,
    /// The seq that was given last.
    last: Seq,
    pending_bytes: usize,
    appended: u64,
    released: u64,
    released_seq: Seq,
    /// Somebody found no room and waits.
    full: bool,
    /// The gate's thread sleeps and must be woken.
    parked: bool,
    closing: bool,
    /// The gate's thread is gone.
    ended: bool,
}

/// What the handles and the gate's thread share.
pub(super) struct Shared<H> {
    buffer: Mutex<Buffer<H>>,
    group_bytes_max: usize,
    pub(super) pending_bytes_max: usize,
    wake: Condvar,
    pub(super) room: Notify,
    room_blocking: Condvar,
    pub(super) let_out: Notify,
    state: Mutex<State>,
    pub(super) folder: Arc<Folder>,
    pub(super) meter: Arc<Meter>,
    active_bytes: AtomicU64,
}

pub(super) fn start<H: Send + 'static>(writer: Writer, release: impl FnMut(Group<H>) + Send + 'static) -> Result<Journal<H>, Error> {
    let config = writer.config();
    let shared = Arc::new(Shared {
        buffer: Mutex::new(Buffer {
            waiting: VecDeque::new(),
            kept: Vec::new(),
            last: writer.last,
            pending_bytes: 0,
            appended: 0,
            released: 0,
            released_seq: writer.last,
            full: false,
            parked: false,
            closing: false,
            ended: false,
        }),
        group_bytes_max: config.group_bytes_max,
        pending_bytes_max: config.pending_bytes_max,
        wake: Condvar::new(),
        room: Notify::new(),
        room_blocking: Condvar::new(),
        let_out: Notify::new(),
        state: Mutex::new(State::Writable),
        folder: writer.folder.clone(),
        meter: writer.meter.clone(),
        active_bytes: AtomicU64::new(writer.active_bytes()),
    });
    let dir = config.dir.clone();
    let keeper = Keeper::start(writer.folder.clone())?;
    let inside = shared.clone();
    let thread = std::thread::Builder::new().name("journal".to_owned()).spawn(move || {
        // Dropped last to first: the keeper ends before the writer gives the folder free.
        let writer = writer;
        let _keeper = keeper;
        run(writer, &inside, release)
    });
    let thread = thread.map_err(Error::io("start the thread for", &dir))?;
    Ok(Journal::new(shared, thread, dir))
}

fn run<H>(mut writer: Writer, shared: &Shared<H>, mut release: impl FnMut(Group<H>)) -> Result<(), Error> {
    let _ending = Ending(shared);
    while let Some(mut batch) = shared.take_waiting() {
        let first = Seq(writer.last.0 + 1);
        if batch.count > 0 {
            commit(&mut writer, shared, &mut batch)?; // ═══ durable from here on ═══
        }
        let (pending_bytes, count) = (batch.pending_bytes(), batch.entries.len());
        release(Group { first, last: writer.last, entries: std::mem::take(&mut batch.entries) });
        shared.released(batch, writer.last, pending_bytes, count);
    }
    writer.finish()
}

/// Tries until the group is durable. Gives up only when the journal is closed and even then the disk refuses.
fn commit<H>(writer: &mut Writer, shared: &Shared<H>, batch: &mut Batch<H>) -> Result<(), Error> {
    let mut attempts = 0;
    loop {
        let closing = shared.buffer.lock().closing;
        let error = match writer.commit(&mut batch.bytes, batch.count) {
            Ok(()) => break,
            Err(error) => error,
        };
        attempts += 1;
        let message = error.to_string();
        if attempts == 1 {
            tracing::error!(%error, "the journal cannot be written: nothing is released until it can");
        }
        let no_space = error.is_no_space();
        // After a failed sync the next attempt goes to another file: no reason to wait for it.
        let at_once = attempts == 1 && !no_space;
        *shared.state.lock() = match no_space {
            true => State::NoSpace { attempts, message },
            false => State::Failing { attempts, message },
        };
        // At the close there is one attempt more, or two if the first gave up a file.
        if closing && !at_once {
            let buffer = shared.buffer.lock();
            return Err(Error::Unwritten { entries: buffer.appended - buffer.released, message: error.to_string() });
        }
        if !at_once {
            shared.wait_to_retry(attempts);
        }
    }
    if attempts > 0 {
        tracing::warn!(attempts, "the journal can be written again");
        *shared.state.lock() = State::Writable;
    }
    shared.active_bytes.store(writer.active_bytes(), Ordering::Relaxed);
    Ok(())
}

/// However the thread ends, nobody waits for it afterwards.
struct Ending<'a, H>(&'a Shared<H>);

impl<H> Drop for Ending<'_, H> {
    fn drop(&mut self) {
        let mut buffer = self.0.buffer.lock();
        buffer.closing = true;
        buffer.ended = true;
        let unwritten = std::mem::take(&mut buffer.waiting);
        drop(buffer);
        *self.0.state.lock() = State::Closed;
        self.0.room.notify_waiters();
        self.0.room_blocking.notify_all();
        self.0.let_out.notify_waiters();
        // What is held back is dropped outside the lock: dropping a receipt runs code of somebody else.
        drop(unwritten);
    }
}

impl<H> Shared<H> {
    /// Appends if there is room, and gives everything back if not.
    pub(super) fn try_append<E: FnOnce(&mut Vec<u8>)>(&self, encode: E, held: H) -> Result<Result<(), Refused>, (E, H)> {
        let mut buffer = self.buffer.lock();
        if buffer.closing {
            drop(buffer);
            return Ok(Err(Refused::Closed));
        }
        if buffer.pending_bytes >= self.pending_bytes_max {
            buffer.full = true;
            return Err((encode, held));
        }
        let appended = buffer.append(encode, held, self.group_bytes_max);
        let wake = appended.is_ok() && std::mem::take(&mut buffer.parked);
        drop(buffer);
        if wake {
            self.wake.notify_one();
        }
        Ok(appended.map_err(|(refused, held)| {
            drop(held);
            refused
        }))
    }

    pub(super) fn append_blocking<E: FnOnce(&mut Vec<u8>)>(&self, encode: E, held: H) -> Result<(), Refused> {
        let mut entry = (encode, held);
        loop {
            entry = match self.try_append(entry.0, entry.1) {
                Ok(appended) => return appended,
                Err(back) => back,
            };
            let mut buffer = self.buffer.lock();
            while buffer.full && !buffer.closing {
                self.room_blocking.wait(&mut buffer);
            }
        }
    }

    /// The next group, in order; waits for one. `None` when the journal is closed and everything is taken.
    fn take_waiting(&self) -> Option<Batch<H>> {
        let mut buffer = self.buffer.lock();
        loop {
            if let Some(batch) = buffer.waiting.pop_front() {
                return Some(batch);
            }
            if buffer.closing {
                return None;
            }
            buffer.parked = true;
            self.wake.wait(&mut buffer);
        }
    }

    fn released(&self, mut batch: Batch<H>, last: Seq, pending_bytes: usize, count: usize) {
        let keep = batch.bytes.capacity() <= KEPT_BUFFER_BYTES_MAX;
        if keep {
            batch.bytes.truncate(GROUP_HEADER_BYTES);
            batch.entries = Vec::with_capacity(count);
            batch.count = 0;
        }
        let mut buffer = self.buffer.lock();
        if keep && buffer.kept.len() < KEPT_BUFFERS_MAX {
            buffer.kept.push(batch);
        }
        buffer.pending_bytes -= pending_bytes;
        buffer.released += count as u64;
        buffer.released_seq = last;
        let room = buffer.full && buffer.pending_bytes < self.pending_bytes_max;
        if room {
            buffer.full = false;
        }
        drop(buffer);
        if room {
            self.room.notify_waiters();
            self.room_blocking.notify_all();
        }
        self.let_out.notify_waiters();
    }

    fn wait_to_retry(&self, attempts: u64) {
        let mut buffer = self.buffer.lock();
        if !buffer.closing {
            self.wake.wait_for(&mut buffer, retry_delay(attempts));
        }
    }

    pub(super) fn close(&self) {
        self.buffer.lock().closing = true;
        self.wake.notify_one();
        self.room.notify_waiters();
        self.room_blocking.notify_all();
    }

    pub(super) fn progress(&self) -> Progress {
        let buffer = self.buffer.lock();
        Progress {
            appended: buffer.appended,
            released: buffer.released,
            released_seq: buffer.released_seq,
            pending_bytes: buffer.pending_bytes,
            ended: buffer.ended,
        }
    }

    pub(super) fn state(&self) -> State {
        self.state.lock().clone()
    }

    pub(super) fn active_bytes(&self) -> u64 {
        self.active_bytes.load(Ordering::Relaxed)
    }
}

pub(super) struct Progress {
    pub(super) appended: u64,
    pub(super) released: u64,
    pub(super) released_seq: Seq,
    pub(super) pending_bytes: usize,
    pub(super) ended: bool,
}

impl<H> Buffer<H> {
    fn append<E: FnOnce(&mut Vec<u8>)>(&mut self, encode: E, held: H, group_bytes_max: usize) -> Result<(), (Refused, H)> {
        if self.waiting.back().is_none_or(|batch| batch.bytes.len() >= group_bytes_max || batch.entries.len() >= GROUP_ENTRIES_MAX) {
            let batch = self.kept.pop();
            self.waiting.push_back(batch.unwrap_or_else(|| Batch { bytes: vec![0; GROUP_HEADER_BYTES], entries: Vec::new(), count: 0 }));
        }
        let Some(batch) = self.waiting.back_mut() else {
            unreachable!("a batch was pushed if there was none");
        };
        let start = batch.bytes.len();
        let body = start + size_of::<u32>();
        batch.bytes.extend_from_slice(&[0; size_of::<u32>()]);
        let mut entry = Unfinished { bytes: &mut batch.bytes, start };
        encode(entry.bytes);
        let len = entry.bytes.len().saturating_sub(body);
        if len > ENTRY_BYTES_MAX {
            return Err((Refused::TooLarge { bytes: len }, held));
        }
        if len > 0 {
            entry.bytes[start..body].copy_from_slice(&(len as u32).to_le_bytes());
            entry.start = entry.bytes.len();
            self.last = Seq(self.last.0 + 1);
            batch.count += 1;
        }
        drop(entry);
        batch.entries.push((self.last, held));
        self.appended += 1;
        self.pending_bytes += batch.bytes.len() - start + size_of::<(Seq, H)>();
        Ok(())
    }
}

/// An entry that is being encoded. If it is empty or too large, or its encoder panics, nothing of it stays in the group.
struct Unfinished<'a> {
    bytes: &'a mut Vec<u8>,
    start: usize,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        self.bytes.truncate(self.start);
    }
}
