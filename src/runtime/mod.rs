//! The runtime: actors and who supervises them, mail, the release of commits, and the followers. What joins two edges lives here.

mod alarmed;
mod areas;
pub mod bindings;
pub mod branch;
pub mod changes;
pub mod clock;
mod coming;
pub mod committed;
mod create;
pub mod directory;
pub mod door;
pub mod edit;
mod figures;
pub mod files;
mod gatherer;
pub mod held;
pub mod layouts;
mod live_graph;
pub mod observers;
mod occurrences;
pub mod outbox;
pub mod preview;
mod projector;
pub mod quarantine;
pub mod rebuild;
pub mod recent;
mod recovery;
pub mod refusals;
mod release;
pub mod resident;
mod start;
mod status;
pub mod structure;
mod sweep;
pub mod tallies;
mod tell;
pub mod twin_actor;
mod wakes;
mod warden;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::feed::Feed;
use crate::store::Store;
use crate::view::View;

use bindings::Bindings;
use branch::Shared;
use committed::Committed;
use layouts::Layouts;
use observers::Observers;
use occurrences::Occurrences;
use projector::Progress;
use refusals::Refusals;
use release::Followers;
use structure::SharedGraph;

pub use figures::{AREAS_SHOWN_MAX, AlarmFigures, AreaFigures, AreaFlood};
pub use recovery::Found;
pub use start::{Parts, StartError};
pub use status::{HealthReport, Issue, Status};

#[derive(Debug, Clone)]
pub struct Config {
    /// A twin nobody has sent anything to for this long goes to rest.
    pub passivate_after: Duration,
    /// Twins that may be awake at once; beyond it the longest idle go to rest early.
    pub awake_twins_max: usize,
    /// How often the graph store is brought up to date.
    pub project_every: Duration,
    /// How often changed twins are saved whole, so that the journal before can go.
    pub checkpoint_every: Duration,
    /// How often a twin may crash within `restart_window` and be rebuilt at once.
    pub restarts_max: usize,
    pub restart_window: Duration,
    /// How long a twin that crashes more often is left alone.
    pub fault_rest: Duration,
    /// How far ahead of the receipt the time of a reading may be.
    pub future_tolerance: Duration,
    /// Rejections beyond this rate are counted and not stored.
    pub rejections_per_second_max: u32,
    /// The most twins made on demand by bindings since the start.
    pub provisioned_twins_max: usize,
    /// First answers that are kept for requests with an idempotency key; beyond it the oldest go.
    pub idempotency_keys_max: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            passivate_after: Duration::from_secs(600),
            awake_twins_max: 1_000_000,
            project_every: Duration::from_secs(1),
            checkpoint_every: Duration::from_secs(30),
            restarts_max: 5,
            restart_window: Duration::from_secs(60),
            fault_rest: Duration::from_secs(30),
            future_tolerance: Duration::from_secs(300),
            rejections_per_second_max: 1000,
            provisioned_twins_max: 100_000,
            idempotency_keys_max: 100_000,
        }
    }
}

/// Everything behind the doors.
#[derive(Debug)]
pub struct Runtime {
    pub shared: Arc<Shared>,
    pub layouts: Arc<Layouts>,
    pub graph: SharedGraph,
    /// What readers may see of it.
    pub committed: Arc<Committed>,
    pub bindings: ArcSwap<Bindings>,
    pub observers: Observers,
    pub refusals: Refusals,
    /// What figures of alarms are made of.
    occurrences: Occurrences,
    view: Arc<View>,
    feed: Arc<Feed>,
    readers: changes::Readers,
    store: Store,
    progress: Arc<Progress>,
    found: Found,
    /// How many were made on demand. Its lock is that of the structure: whoever makes, moves or deletes twins holds it meanwhile.
    provisioned: Mutex<usize>,
    editor: mpsc::Sender<edit::Request>,
    followers: Arc<Followers>,
    /// Held by who changes the structure: the editor, or edited files.
    turn: tokio::sync::Mutex<()>,
}
