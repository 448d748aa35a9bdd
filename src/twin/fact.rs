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
    EdgeBegun(Box<Edge>),
    EdgeEnded {
        edge: EdgeNo,
        at: Timestamp,
    },
    /// Something came in that no twin could be found for.
    Refused(Box<Rejection>),
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
}

impl Edge {
    pub fn holds_at(&self, time: Timestamp) -> bool {
        self.valid_from <= time && self.valid_to.is_none_or(|end| time < end)
    }
}
