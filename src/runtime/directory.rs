//! Who lives where: from a twin's id or number to its resident, and mail to its actor, which is woken when there is none.

use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};
use parking_lot::RwLock;
use tokio::sync::mpsc;

use crate::reading::{TwinId, TwinNo};
use crate::twin::{Deleted, Twin};

use super::clock::Clock;
use super::resident::{Resident, Sent};
use super::twin_actor::TwinMsg;

/// What the warden is asked for. At most one request per twin is under way, so the queue is bounded by the number of twins.
#[derive(Debug)]
pub enum Request {
    /// Give this twin to an actor.
    Wake(Arc<Resident>, Box<Twin>),
    /// Its actor is gone: rebuild it from what is committed.
    Revive(Arc<Resident>),
    /// It has another parent: who supervises it changes.
    Rehouse(Arc<Resident>),
    /// It was deleted, and so its branch goes.
    Forget(TwinNo),
}

#[derive(Debug)]
pub struct Directory {
    clock: Clock,
    by_id: RwLock<HashMap<TwinId, Arc<Resident>>>,
    /// Index is the number; 0 is nobody.
    by_no: RwLock<Vec<Option<Arc<Resident>>>>,
    by_external_id: RwLock<HashMap<(String, String), TwinNo>>,
    /// Deleted twins: their edges and their files still name them. About 150 bytes each.
    departed: RwLock<HashMap<TwinNo, Deleted>>,
    /// The latest that had the id.
    departed_ids: RwLock<HashMap<TwinId, TwinNo>>,
    warden: mpsc::UnboundedSender<Request>,
}

impl Directory {
    pub fn new(clock: Clock) -> (Directory, mpsc::UnboundedReceiver<Request>) {
        let (warden, requests) = mpsc::unbounded_channel();
        let directory = Directory {
            clock,
            by_id: RwLock::new(HashMap::new()),
            by_no: RwLock::new(vec![None]),
            by_external_id: RwLock::new(HashMap::new()),
            departed: RwLock::new(HashMap::new()),
            departed_ids: RwLock::new(HashMap::new()),
            warden,
        };
        (directory, requests)
    }

    pub fn register(&self, resident: Arc<Resident>) {
        let mut by_no = self.by_no.write();
        let place = resident.no.0 as usize;
        if by_no.len() <= place {
            by_no.resize(place + 1, None);
        }
        by_no[place] = Some(resident.clone());
        self.by_id.write().insert(resident.id.clone(), resident);
    }

    pub fn by_id(&self, id: &str) -> Option<Arc<Resident>> {
        self.by_id.read().get(id).cloned()
    }

    pub fn by_no(&self, no: TwinNo) -> Option<Arc<Resident>> {
        self.by_no.read().get(no.0 as usize).cloned().flatten()
    }

    pub fn by_external_id(&self, namespace: &str, id: &str) -> Option<Arc<Resident>> {
        let no = *self.by_external_id.read().get(&(namespace.to_owned(), id.to_owned()))?;
        self.by_no(no)
    }

    pub fn name_externally(&self, no: TwinNo, external_ids: &[(String, String)]) {
        if external_ids.is_empty() {
            return;
        }
        self.by_external_id.write().extend(external_ids.iter().map(|key| (key.clone(), no)));
    }

    /// The twin is no more: nobody finds it by its id, its number or an external id.
    pub fn depart(&self, deleted: Deleted, external_ids: &[(String, String)]) {
        if let Some(place) = self.by_no.write().get_mut(deleted.no.0 as usize) {
            *place = None;
        }
        let mut by_id = self.by_id.write();
        if by_id.get(deleted.id.as_str()).is_some_and(|resident| resident.no == deleted.no) {
            by_id.remove(deleted.id.as_str());
        }
        drop(by_id);
        let mut by_external_id = self.by_external_id.write();
        for key in external_ids {
            if by_external_id.get(key) == Some(&deleted.no) {
                by_external_id.remove(key);
            }
        }
        drop(by_external_id);
        self.departed_ids.write().insert(deleted.id.clone(), deleted.no);
        self.departed.write().insert(deleted.no, deleted);
    }

    /// What is known of the deleted twin that had this id last.
    pub fn departed(&self, id: &str) -> Option<Deleted> {
        let no = *self.departed_ids.read().get(id)?;
        self.departed.read().get(&no).cloned()
    }

    /// The id of a twin that is or was.
    pub fn id_of(&self, no: TwinNo) -> Option<TwinId> {
        match self.by_no(no) {
            Some(resident) => Some(resident.id.clone()),
            None => self.departed.read().get(&no).map(|deleted| deleted.id.clone()),
        }
    }

    pub fn count(&self) -> usize {
        self.by_id.read().len()
    }

    /// All residents, in the order of their numbers.
    pub fn all(&self) -> Vec<Arc<Resident>> {
        self.by_no.read().iter().flatten().cloned().collect()
    }

    /// Mail for a twin, in the order in which it is sent. If the twin cannot take it, the mail is dropped and its receipts tell the senders.
    pub fn send(&self, resident: &Arc<Resident>, msg: TwinMsg) {
        let request = match resident.send(msg, self.clock.now()) {
            Sent::Delivered | Sent::Refused => return,
            Sent::Wake(twin) => Request::Wake(resident.clone(), twin),
            Sent::Revive => Request::Revive(resident.clone()),
        };
        // The warden lives as long as the runtime; while it shuts down nobody is woken any more and the mail's receipts are dropped with it.
        self.warden.send(request).ok();
    }

    /// A twin that was taken while it rested goes back to rest, or to an actor if somebody has written to it meanwhile.
    pub fn give_back(&self, resident: &Arc<Resident>, twin: Box<Twin>) {
        if let Some(twin) = resident.give_back(twin) {
            self.warden.send(Request::Wake(resident.clone(), twin)).ok();
        }
    }

    /// After a change of its parent.
    pub fn rehouse(&self, resident: Arc<Resident>) {
        self.warden.send(Request::Rehouse(resident)).ok();
    }

    /// After its deletion.
    pub fn forget_branch(&self, no: TwinNo) {
        self.warden.send(Request::Forget(no)).ok();
    }

    /// Asks for a twin whose actor has crashed to be rebuilt.
    pub fn revive(&self, resident: Arc<Resident>) {
        self.warden.send(Request::Revive(resident)).ok();
    }
}
