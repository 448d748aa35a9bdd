//! What one entry of the journal says: facts of twins, of the graph between them, and of the partition. All of an entry or nothing of it holds.

use serde_json::{Map, Value as Json};

use crate::catalog::stored::LayoutRecord;
use crate::reading::{Revision, Timestamp, TwinId, TwinNo};

use super::event::{Event, Rejection};

#[derive(Debug, Clone)]
pub struct Entry {
    /// When it was recorded.
    pub at: Timestamp,
    pub facts: Vec<Fact>,
}

#[derive(Debug, Clone)]
pub enum Fact {
    /// What happened to one twin, in order. `before` is its revision before the first of them.
    Happened {
        no: TwinNo,
        before: Revision,
        events: Vec<Event>,
    },
    /// From here on, twins may be laid out like this.
    TypeKnown(Box<LayoutRecord>),
    Created {
        no: TwinNo,
        id: TwinId,
        layout: u64,
    },
    /// The twin is no more. Its number is never given again; its edges end in the same entry.
    Deleted(Box<Deleted>),
    EdgeBegun(Box<Edge>),
    EdgeEnded {
        edge: EdgeNo,
        at: Timestamp,
        /// Ended while running, not by a file.
        live: bool,
    },
    /// Something came in that no twin could be found for.
    Refused(Box<Rejection>),
    /// First in the entry of a change that somebody asked for: who it was, and what is answered if it is asked for again.
    Edited(Box<Edited>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    pub no: TwinNo,
    pub id: TwinId,
    /// The description it had, so that a file that still says the same does not bring it back.
    pub applied: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Edited {
    pub by: String,
    pub keyed: Option<Keyed>,
}

/// An idempotency key with the first answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Keyed {
    pub key: String,
    /// A hash of what was asked for.
    pub asked: u64,
    pub answer: Json,
}

/// The number an edge gets when it begins; never given again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EdgeNo(pub u64);

#[derive(Debug, Clone, PartialEq)]
pub struct Edge {
    pub no: EdgeNo,
    pub relation: std::sync::Arc<str>,
    pub from: TwinNo,
    pub to: TwinNo,
    pub properties: Map<String, Json>,
    pub valid_from: Timestamp,
    /// Half open; `None`: for ever.
    pub valid_to: Option<Timestamp>,
    /// Begun or ended while running, not by a file: so it is not a file's to end, or to begin again as it was.
    pub live: bool,
}

impl Edge {
    pub fn holds_at(&self, time: Timestamp) -> bool {
        self.valid_from <= time && self.valid_to.is_none_or(|end| time < end)
    }
}
