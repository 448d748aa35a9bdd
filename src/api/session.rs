//! What resolvers work with: the services of a schema revision, and one request's view of the twins.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use foldhash::HashMap;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::catalog::Catalog;
use crate::ingress::{Door, Permits};
use crate::reading::{Seq, Timestamp, TwinNo};
use crate::runtime::Runtime;
use crate::twin::State;
use crate::view::Cell;

use super::access::{Access, Bounds, CursorKey, Trees};
use super::limits::Limits;
use super::meter::Meter;
use super::names::ViewPlan;
use super::prepare::{Checker, Preparer};
use super::publish::Publish;
use super::request::Role;
use super::types::job::Jobs;
use super::types::system::SchemaRevision;

/// What the resolvers of one schema revision share.
#[derive(Debug)]
pub struct Services {
    pub lasting: Arc<Lasting>,
    pub runtime: Arc<Runtime>,
    pub catalog: Arc<Catalog>,
    /// The types that are generated, with their names.
    pub plan: Arc<ViewPlan>,
    pub limits: Limits,
    /// When the program began.
    pub started: Timestamp,
    pub schema: Arc<SchemaRevision>,
    pub checker: Arc<Checker>,
}

/// What is the same for all revisions of the schema.
pub struct Lasting {
    /// The way in for readings, with the permits of all senders.
    pub door: Arc<dyn Door>,
    pub permits: Arc<Permits>,
    pub preparer: Arc<Preparer>,
    pub meter: Meter,
    pub jobs: Jobs,
    pub trees: Trees,
    pub cursor_key: CursorKey,
    pub bounds: Bounds,
    /// Says when there is another schema.
    pub schema_changes: watch::Receiver<Arc<SchemaRevision>>,
    /// What an acknowledgement promises: `fsync` or `os`.
    pub durability: &'static str,
    /// Whoever takes types in; nobody before all is up.
    pub publisher: OnceLock<Weak<dyn Publish>>,
}

impl fmt::Debug for Lasting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lasting").field("bounds", &self.bounds).field("durability", &self.durability).finish_non_exhaustive()
    }
}

impl Services {
    pub fn access(&self, now: Timestamp, role: Role) -> Access<'_> {
        Access {
            view: self.runtime.view(),
            catalog: &self.catalog,
            links: &*self.runtime.committed,
            trees: &self.lasting.trees,
            now,
            bounds: &self.lasting.bounds,
            sees_sensitive: role >= Role::Operator,
        }
    }
}

/// One request, or a running subscription with its present item.
#[derive(Debug)]
pub struct Session {
    pub services: Arc<Services>,
    /// The same instant for the whole answer.
    now: AtomicI64,
    /// The newest commit of this request's own mutations, or the one it asked to read after.
    written: AtomicU64,
    /// A twin is read once: all its fields come from one revision, however often it appears.
    read: Mutex<HashMap<TwinNo, Seen>>,
    /// How many that were, for the receipt.
    pub twins_read: Arc<AtomicU64>,
}

/// A twin as it was when the request first came to it.
#[derive(Debug, Clone)]
pub struct Seen {
    pub state: Arc<State>,
    /// The commit that carried its latest change.
    pub seq: Seq,
}

impl Session {
    pub fn new(services: Arc<Services>, now: Timestamp) -> Session {
        Session { services, now: AtomicI64::new(now.0), written: AtomicU64::new(0), read: Mutex::default(), twins_read: Arc::default() }
    }

    pub fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::Relaxed))
    }

    /// The next item of a stream, or what follows a mutation: twins are read anew.
    pub fn renew(&self) {
        self.now.store(self.runtime().shared.clock.now().0, Ordering::Relaxed);
        self.read.lock().clear();
    }

    /// What follows in this request reads at least this commit.
    pub fn read_after(&self, seq: Seq) {
        self.written.fetch_max(seq.0, Ordering::AcqRel);
        self.renew();
    }

    /// What the graph store must have reached before it is asked.
    pub fn written(&self) -> Seq {
        Seq(self.written.load(Ordering::Acquire))
    }

    pub fn access(&self, role: Role) -> Access<'_> {
        self.services.access(self.now(), role)
    }

    pub fn runtime(&self) -> &Arc<Runtime> {
        &self.services.runtime
    }

    pub fn plan(&self) -> &ViewPlan {
        &self.services.plan
    }

    pub fn by_id(&self, id: &str) -> Option<Seen> {
        self.runtime().view().twin(id).map(|cell| self.see(&cell))
    }

    /// Only what is committed: a twin that is being made has no cell in the view yet.
    pub fn by_no(&self, no: TwinNo) -> Option<Seen> {
        if let Some(seen) = self.read.lock().get(&no) {
            return Some(seen.clone());
        }
        self.runtime().view().twin_no(no).map(|cell| self.see(&cell))
    }

    pub fn see(&self, cell: &Cell) -> Seen {
        // The seq first: it may be older than the state, never newer.
        let seq = cell.seq();
        self.keep(cell.state(), seq)
    }

    /// A state that was found by what it holds: the answer shows this one, unless it has shown the twin already.
    pub fn see_state(&self, cell: &Cell, state: Arc<State>, as_of: Seq) -> Seen {
        let seq = cell.seq();
        let is_newest = Arc::ptr_eq(&cell.state(), &state);
        self.keep(state, if is_newest { seq } else { seq.min(as_of) })
    }

    /// What came with a frame of a stream.
    pub fn show(&self, seen: &Seen) {
        if self.read.lock().insert(seen.state.no, seen.clone()).is_none() {
            self.twins_read.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn keep(&self, state: Arc<State>, seq: Seq) -> Seen {
        let first = || {
            self.twins_read.fetch_add(1, Ordering::Relaxed);
            Seen { state: state.clone(), seq }
        };
        self.read.lock().entry(state.no).or_insert_with(first).clone()
    }

    /// Twins of exactly this type.
    pub fn instances(&self, type_name: &str) -> usize {
        let classes = self.runtime().view().classes();
        classes.iter().filter(|class| *class.layout.name == *type_name).map(|class| class.count()).sum()
    }
}
