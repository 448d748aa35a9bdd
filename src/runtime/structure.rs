//! The graph of twins as it will be once everything appended is committed, and the only place where it is changed.
//!
//! A change is checked against the types as a whole, goes into the journal as one entry, and becomes visible to readers at the gate.

use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};
use parking_lot::Mutex;

use crate::reading::{Timestamp, TwinNo};
use crate::twin::{Edge, EdgeNo};

/// All edges that were ever begun, with their validity, by number and by their ends.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    edges: HashMap<EdgeNo, Arc<Edge>>,
    out: HashMap<TwinNo, Vec<EdgeNo>>,
    incoming: HashMap<TwinNo, Vec<EdgeNo>>,
    last_edge: u64,
    last_twin: u32,
}

impl Graph {
    pub fn new() -> Graph {
        Graph { edges: HashMap::new(), out: HashMap::new(), incoming: HashMap::new(), last_edge: 0, last_twin: 0 }
    }

    pub fn next_twin(&mut self) -> TwinNo {
        self.last_twin += 1;
        TwinNo(self.last_twin)
    }

    /// A number that is taken is never given again.
    pub fn twin_is_taken(&mut self, no: TwinNo) {
        self.last_twin = self.last_twin.max(no.0);
    }

    pub fn next_edge(&mut self) -> EdgeNo {
        self.last_edge += 1;
        EdgeNo(self.last_edge)
    }

    /// Adds an edge, or puts a newer form of it (its end) in its place.
    pub fn put(&mut self, edge: Arc<Edge>) {
        self.last_edge = self.last_edge.max(edge.no.0);
        if self.edges.insert(edge.no, edge.clone()).is_none() {
            self.out.entry(edge.from).or_default().push(edge.no);
            self.incoming.entry(edge.to).or_default().push(edge.no);
        }
    }

    pub fn end(&mut self, no: EdgeNo, at: Timestamp) {
        if let Some(edge) = self.edges.get_mut(&no) {
            Arc::make_mut(edge).valid_to = Some(at);
        }
    }

    pub fn edge(&self, no: EdgeNo) -> Option<&Arc<Edge>> {
        self.edges.get(&no)
    }

    pub fn out(&self, from: TwinNo) -> impl Iterator<Item = &Arc<Edge>> {
        self.out.get(&from).into_iter().flatten().filter_map(|no| self.edges.get(no))
    }

    pub fn incoming(&self, to: TwinNo) -> impl Iterator<Item = &Arc<Edge>> {
        self.incoming.get(&to).into_iter().flatten().filter_map(|no| self.edges.get(no))
    }

    pub fn all(&self) -> impl Iterator<Item = &Arc<Edge>> {
        self.edges.values()
    }

    pub fn count(&self) -> usize {
        self.edges.len()
    }
}

/// The graph behind its lock. Held only for memory work, never across a wait.
pub type SharedGraph = Arc<Mutex<Graph>>;
