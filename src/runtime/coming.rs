//! Edges whose validity begins or ends later: then, though nothing else happens, other twins belong to who gathers along them.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::reading::{Timestamp, TwinNo};
use crate::twin::Edge;

/// By when. Two for each edge of the graph at most; an edge that is another one by then is only looked up once more than needed.
#[derive(Debug, Default)]
pub(super) struct Coming(BTreeSet<(Timestamp, Moved)>);

/// An edge as far as it decides who is a member.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moved {
    pub(super) relation: Arc<str>,
    pub(super) from: TwinNo,
    pub(super) to: TwinNo,
    /// Half open; for ever without an end.
    begins: Timestamp,
    ends: Option<Timestamp>,
}

impl Moved {
    pub(super) fn of(edge: &Edge) -> Moved {
        Moved { relation: edge.relation.clone(), from: edge.from, to: edge.to, begins: edge.valid_from, ends: edge.valid_to }
    }
}

impl Coming {
    pub(super) fn expect(&mut self, edge: &Moved, now: Timestamp) {
        let later = [Some(edge.begins), edge.ends].into_iter().flatten().filter(|at| *at > now);
        self.0.extend(later.map(|at| (at, edge.clone())));
    }

    /// The next one that has come.
    pub(super) fn pop(&mut self, now: Timestamp) -> Option<Moved> {
        self.0.first().filter(|(at, _)| *at <= now)?;
        self.0.pop_first().map(|(_, edge)| edge)
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        self.0.first().map(|(at, _)| *at)
    }
}
