//! What resolvers work with: the services of a schema revision, and one request's view of the twins.

use std::sync::Arc;

use foldhash::HashMap;
use parking_lot::Mutex;

use crate::catalog::Catalog;
use crate::reading::{Seq, Timestamp, TwinNo};
use crate::runtime::Runtime;
use crate::twin::State;
use crate::view::Cell;

use super::limits::Limits;
use super::names::ViewPlan;

/// What the resolvers of one schema revision share.
#[derive(Debug)]
pub struct Services {
    pub runtime: Arc<Runtime>,
    pub catalog: Arc<Catalog>,
    /// The types that are generated, with their names.
    pub plan: Arc<ViewPlan>,
    pub limits: Limits,
    /// When the program began.
    pub started: Timestamp,
}

/// One request, or one item of a stream.
#[derive(Debug)]
pub struct Session {
    pub services: Arc<Services>,
    /// The same instant for the whole answer.
    pub now: Timestamp,
    /// A twin is read once: all its fields come from one revision, however often it appears.
    read: Mutex<HashMap<TwinNo, Seen>>,
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
        Session { services, now, read: Mutex::default() }
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
        let resident = self.runtime().shared.directory.by_no(no)?;
        self.by_id(resident.id.as_str())
    }

    pub fn see(&self, cell: &Cell) -> Seen {
        // The seq first: it may be older than the state, never newer.
        let seq = cell.seq();
        let state = cell.state();
        self.read.lock().entry(state.no).or_insert(Seen { state, seq }).clone()
    }
}
