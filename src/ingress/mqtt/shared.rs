//! What all connections of the endpoint have in common.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use tokio_util::sync::CancellationToken;

use super::clients::Clients;
use super::config::Config;
use super::fanout::Fanout;
use crate::ingress::counters::Counters;
use crate::ingress::{Door, Permits};
use crate::reading::Timestamp;

/// How often the log hears of ended connections, whatever clients do.
const COMPLAINTS_PER_SECOND_MAX: u64 = 10;

pub(super) struct Shared {
    pub(super) config: Config,
    pub(super) door: Arc<dyn Door>,
    pub(super) permits: Arc<Permits>,
    pub(super) now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    pub(super) counters: Arc<Counters>,
    pub(super) clients: Clients,
    pub(super) fanout: Arc<Fanout>,
    pub(super) stopping: CancellationToken,
    pub(super) started: Timestamp,
    pub(super) ids_assigned: AtomicU64,
    pub(super) complaints: Complaints,
}

impl Shared {
    /// Two starts of the program never assign the same id.
    pub(super) fn new_client_id(&self) -> String {
        let number = self.ids_assigned.fetch_add(1, Ordering::Relaxed);
        format!("auto-{:x}-{number:x}", self.started.0)
    }
}

/// Lets so many log lines pass in a second.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    second: AtomicI64,
    count: AtomicU64,
}

impl Complaints {
    pub(super) fn may_speak(&self, now: Timestamp) -> bool {
        let second = now.0 / 1_000_000;
        if self.second.swap(second, Ordering::Relaxed) != second {
            self.count.store(0, Ordering::Relaxed);
        }
        self.count.fetch_add(1, Ordering::Relaxed) < COMPLAINTS_PER_SECOND_MAX
    }
}
