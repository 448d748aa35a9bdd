//! The graph as far as it is committed: what readers may see of it. The release moves it on, entry by entry.
//!
//! `structure::Graph` is ahead of it by what has been appended to the journal and is not yet on disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;

use crate::reading::{Seq, Timestamp, TwinNo};
use crate::twin::{Edge, EdgeNo};

use super::structure::Graph;

#[derive(Debug, Default)]
pub struct Committed {
    graph: RwLock<Graph>,
    /// How often it has changed.
    version: AtomicU64,
    /// The commit that changed it last.
    seq: AtomicU64,
}

impl Committed {
    pub fn new(graph: Graph) -> Committed {
        Committed { graph: RwLock::new(graph), version: AtomicU64::new(0), seq: AtomicU64::new(0) }
    }

    pub fn begin(&self, edge: &Edge, seq: Seq) {
        self.graph.write().put(Arc::new(edge.clone()));
        self.seq.fetch_max(seq.0, Ordering::AcqRel);
        self.version.fetch_add(1, Ordering::AcqRel);
    }

    pub fn end(&self, edge: EdgeNo, at: Timestamp, seq: Seq) {
        self.graph.write().end(edge, at, false);
        self.seq.fetch_max(seq.0, Ordering::AcqRel);
        self.version.fetch_add(1, Ordering::AcqRel);
    }

    /// The commit that changed it last; 0 if none has since the start.
    pub fn seq(&self) -> Seq {
        Seq(self.seq.load(Ordering::Acquire))
    }

    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// The edges that leave a twin, those that have ended or not yet begun included. The lock is held for one twin at a time, so that no reader
    /// keeps the release waiting.
    pub fn each_out(&self, from: TwinNo, take: &mut dyn FnMut(&Edge)) {
        self.graph.read().out(from).for_each(|edge| take(edge));
    }

    pub fn each_in(&self, to: TwinNo, take: &mut dyn FnMut(&Edge)) {
        self.graph.read().incoming(to).for_each(|edge| take(edge));
    }

    pub fn edge(&self, no: EdgeNo) -> Option<Arc<Edge>> {
        self.graph.read().edge(no).cloned()
    }

    pub fn count(&self) -> usize {
        self.graph.read().count()
    }
}
