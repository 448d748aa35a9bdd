//! What waits in the journal for the commit of its entry: everything that may leave a twin once the entry is on disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::oneshot;

use crate::catalog::stored::LayoutRecord;
use crate::ingress::{Outcome, Receipt, Refused, Tally};
use crate::reading::{Seq, Timestamp, TwinNo};
use crate::store::{AnswerRow, DeletedRow};
use crate::twin::{Edge, EdgeNo, Rejection, State};
use crate::view::Cell;

use super::outbox::Outgoing;
use super::resident::Resident;

#[derive(Debug, Default)]
pub struct Held {
    /// The twin's state after the entry, for the readers.
    pub change: Option<Change>,
    pub receipts: Vec<Settling>,
    /// The entry says more of the twin than readings: something that followers of changes want to hear of at once.
    pub is_change: bool,
    /// What is rare, apart, so that the common entry stays small.
    pub aside: Option<Box<Aside>>,
}

#[derive(Debug, Clone)]
pub struct Change {
    pub resident: Arc<Resident>,
    pub state: Arc<State>,
}

/// A receipt and what will be said to its sender.
#[derive(Debug)]
pub struct Settling {
    pub receipt: Receipt,
    pub tally: Tally,
    pub refused: Option<Arc<Refused>>,
}

impl Settling {
    pub fn settle(self, seq: Seq) -> Option<crate::ingress::Bell> {
        let nothing_kept = self.tally.kept() == 0;
        let outcome = match self.refused {
            Some(refused) if nothing_kept => Outcome::Rejected { seq, refused },
            refused => Outcome::Committed { seq, tally: self.tally, refused },
        };
        self.receipt.settle(outcome)
    }
}

#[derive(Debug, Default)]
pub struct Aside {
    pub rejections: Vec<Rejection>,
    pub structure: Vec<StructureChange>,
    /// What leaves for the world outside.
    pub outgoing: Vec<Outgoing>,
    /// A twin as bytes, to be stored once what it contains is on disk.
    pub checkpoint: Option<Checkpoint>,
    /// Somebody waits for the commit itself.
    pub waiter: Option<oneshot::Sender<Seq>>,
    /// Set if a twin was lost before the entry was written: then there is no entry, and nothing here has happened.
    pub void: Option<Arc<AtomicBool>>,
}

impl Aside {
    pub fn is_void(&self) -> bool {
        self.void.as_ref().is_some_and(|void| void.load(Ordering::Acquire))
    }
}

#[derive(Debug, Clone)]
pub enum StructureChange {
    TypeKnown(LayoutRecord),
    Created(Arc<Resident>),
    EdgeBegun(Edge),
    EdgeEnded {
        edge: EdgeNo,
        at: Timestamp,
    },
    /// A twin was changed together with others.
    Changed(Change),
    Deleted {
        resident: Arc<Resident>,
        row: DeletedRow,
    },
    /// The answer to keep for an idempotency key.
    Answered(Box<AnswerRow>),
}

#[derive(Debug, Clone)]
pub struct Checkpoint {
    pub no: TwinNo,
    /// What readers see of the twin, so that the release can say which commit carried its latest change.
    pub cell: Arc<Cell>,
    /// That commit; set by the release.
    pub seq: Seq,
    pub bytes: Vec<u8>,
}
