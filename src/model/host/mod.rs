//! A version of a model at work: threads that own its sessions, a bounded queue before them, and what happens when it fails or hangs.
//!
//! ```text
//! queue ─▶ wait for one ─▶ take all that is like it, up to maxBatch ─▶ stack ─▶ run ─▶ one answer to each who asked
//! ```
//! A lone request is never held back unless `maxDelay` says so; load makes batches by itself. No decision here asks a clock of its own: the
//! time is that of the [`Now`] that is handed in.

mod breaker;
mod figures;
mod queue;
mod request;
mod rows;
#[cfg(test)]
mod tests;
mod watchdog;
mod worker;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::backend::{Chosen, RunError, Stopper};
use super::onnx::Model;
use crate::reading::{Now, Timestamp};

use breaker::{Breaker, Pass};
use queue::{Put, Queue};
use request::micros_between;

pub use breaker::{FAILURES_MAX, FAILURES_WITHIN, WAIT_MAX, WAIT_MIN};
pub use figures::{Figures, Times};
pub use request::{Answer, Key, Reply, Request, Run, Urgency, Version};
pub use rows::RUNS_MAX;
pub use watchdog::{WATCH_EVERY, Watchdog};

/// After a run was told to stop: it may still be inside of one operator.
pub const STOP_GRACE: Duration = Duration::from_secs(1);
/// A file that is not loaded by then will not be.
pub const LOAD_MAX: Duration = Duration::from_secs(60);
/// Threads given up, after which the version is not tried again.
pub const LEAKS_MAX: u32 = 2;
/// Threads of one version.
pub const WORKERS_MAX: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Of each twin at most the newest request waits.
    Latest,
    /// All wait, in the order of their coming; a full queue hands them back.
    Every,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    pub max_batch: usize,
    pub max_delay: Duration,
    pub queue_max: usize,
    pub mode: Mode,
    pub queue_timeout: Duration,
    pub run_timeout: Duration,
    pub workers: usize,
    /// Outputs that must be finite numbers; none named means all.
    pub checked: Vec<String>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            max_batch: 256,
            max_delay: Duration::ZERO,
            queue_max: 4096,
            mode: Mode::Latest,
            queue_timeout: Duration::from_secs(1),
            run_timeout: Duration::from_secs(5),
            workers: 1,
            checked: Vec::new(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// A thread is still loading the file; requests wait.
    Loading,
    Ready,
    /// What was asked before is still answered, nothing new is taken.
    Ending,
    Ended,
    /// It does not work until a person does something about it.
    Failed(String),
}

/// A look at a host, for health and tests.
#[derive(Debug, Clone)]
pub struct Observed {
    pub phase: Phase,
    pub queued: usize,
    pub running: usize,
    pub is_open: bool,
    /// Threads that were given up and have not come back.
    pub stuck: u32,
    pub figures: Figures,
}

/// The handle. Dropping it lets the host finish its queue and end.
#[derive(Debug)]
pub struct Host {
    shared: Arc<Shared>,
}

struct Shared {
    version: Arc<Version>,
    config: Config,
    model: Arc<Model>,
    backend: Chosen,
    now: Now,
    state: Mutex<State>,
    wake: Condvar,
}

struct State {
    phase: Phase,
    /// When the first thread began to load.
    since: Timestamp,
    queue: Queue,
    breaker: Breaker,
    /// By the number of the thread. A thread that is not in here was given up and must not touch anything.
    workers: BTreeMap<u64, Worker>,
    next_worker: u64,
    busy: HashSet<Key>,
    stuck: u32,
    figures: Figures,
}

#[derive(Default)]
struct Worker {
    running: Option<Running>,
    stopper: Option<Stopper>,
}

/// A batch in a model, with who waits for it: not on the stack of its thread, so that they can be answered if it hangs.
struct Running {
    since: Timestamp,
    waiting: Vec<Waiting>,
    rows: usize,
    stop_asked: Option<Timestamp>,
}

struct Waiting {
    key: Option<Key>,
    rows: usize,
    queued_micros: u64,
    reply: Reply,
}

/// Why a request was not taken; it comes back for another try.
#[derive(Debug)]
pub struct NotTaken {
    pub request: Request,
    pub error: RunError,
}

impl Host {
    /// The file is loaded on the host's own thread; whether that worked shows in its phase.
    pub fn start(version: Version, config: Config, model: Arc<Model>, backend: Chosen, now: Now) -> Host {
        let workers = config.workers.clamp(1, WORKERS_MAX);
        let state = State {
            phase: Phase::Loading,
            since: now(),
            queue: Queue::new(config.mode, config.queue_max),
            breaker: Breaker::new(),
            workers: BTreeMap::new(),
            next_worker: 0,
            busy: HashSet::new(),
            stuck: 0,
            figures: Figures::default(),
        };
        let shared = Shared { version: Arc::new(version), config, model, backend, now, state: Mutex::new(state), wake: Condvar::new() };
        let host = Host { shared: Arc::new(shared) };
        for _ in 0..workers {
            worker::spawn(&host.shared);
        }
        host
    }

    pub fn version(&self) -> &Arc<Version> {
        &self.shared.version
    }

    /// Never waits. What is not taken comes back, because in the mode `every` it waits with its twin; all else is answered through its reply.
    pub fn submit(&self, request: Request) -> Result<(), Box<NotTaken>> {
        let now = (self.shared.now)();
        let mut state = self.shared.state.lock();
        let refusal = match &state.phase {
            Phase::Loading | Phase::Ready => state.refusal(now),
            Phase::Ending | Phase::Ended => Some(RunError::Gone),
            Phase::Failed(why) => Some(RunError::Failed(why.clone())),
        };
        if let Some(error) = refusal {
            return Err(Box::new(NotTaken { request, error }));
        }
        let put = state.queue.put(request);
        let lost = match put {
            Put::Waits => None,
            Put::Replaced(older) => {
                state.figures.superseded += 1;
                Some((older, RunError::Superseded))
            }
            Put::Pushed(oldest) => {
                state.figures.shed += 1;
                Some((oldest, RunError::QueueFull))
            }
            Put::Full(request) => {
                state.figures.shed += 1;
                return Err(Box::new(NotTaken { request, error: RunError::QueueFull }));
            }
        };
        drop(state);
        self.shared.wake.notify_one();
        // Outside of the lock: a reply is foreign code.
        if let Some((request, error)) = lost {
            request.refuse(&self.shared.version, now, &error);
        }
        Ok(())
    }

    /// Finishes what waits and takes nothing new.
    pub fn end(&self) {
        self.shared.end();
    }

    pub fn observe(&self) -> Observed {
        let state = self.shared.state.lock();
        let running = state.workers.values().filter_map(|worker| worker.running.as_ref()).map(|running| running.rows).sum();
        Observed {
            phase: state.phase.clone(),
            queued: state.queue.len(),
            running,
            is_open: state.breaker.is_open(),
            stuck: state.stuck,
            figures: state.figures.clone(),
        }
    }

    /// Looks for runs and requests that took too long. The [`Watchdog`] does it all the time.
    pub fn supervise(&self) {
        self.shared.supervise();
    }

    fn weak(&self) -> Weak<Shared> {
        Arc::downgrade(&self.shared)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.shared.end();
    }
}

impl State {
    fn refusal(&self, now: Timestamp) -> Option<RunError> {
        match self.breaker.passes(now) {
            Pass::None { failures, wait_ms } if !matches!(self.breaker, Breaker::Probing { .. }) => {
                Some(RunError::Broken { failures, wait_ms })
            }
            Pass::All | Pass::One | Pass::None { .. } => None,
        }
    }
}

impl Shared {
    fn end(&self) {
        let mut state = self.state.lock();
        if matches!(state.phase, Phase::Loading | Phase::Ready) {
            state.phase = Phase::Ending;
        }
        drop(state);
        self.wake.notify_all();
    }

    fn refuse_all(&self, requests: Vec<Request>, now: Timestamp, error: &RunError) {
        for request in requests {
            request.refuse(&self.version, now, error);
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("version", &self.version).field("config", &self.config).finish_non_exhaustive()
    }
}
