//! The graph of twins as it will be once everything appended is committed, and the only place where it is changed.
//!
//! A change is checked against the types as a whole, goes into the journal as one entry, and becomes visible to readers at the gate.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::reading::{Timestamp, TwinNo};
use crate::twin::{Edge, EdgeNo};

/// All edges that were ever begun, with their validity, by number and by their ends. Numbers are given one after the other, so they are places
/// in lists.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// Place 0 stays empty.
    edges: Vec<Option<Arc<Edge>>>,
    /// Of each twin, by its number.
    ends: Vec<Ends>,
    count: usize,
    last_edge: u64,
    last_twin: u32,
}

#[derive(Debug, Clone, Default)]
struct Ends {
    out: Few,
    incoming: Few,
}

/// Most twins have one edge of a kind, if any; a list of one costs no list.
#[derive(Debug, Clone, Default)]
enum Few {
    #[default]
    None,
    One(EdgeNo),
    #[expect(clippy::box_collection, reason = "a list in place would make the many pay for the few")]
    Many(Box<Vec<EdgeNo>>),
}

impl Few {
    fn push(&mut self, edge: EdgeNo) {
        match self {
            Few::None => *self = Few::One(edge),
            Few::One(first) => *self = Few::Many(Box::new(vec![*first, edge])),
            Few::Many(edges) => edges.push(edge),
        }
    }

    fn as_slice(&self) -> &[EdgeNo] {
        match self {
            Few::None => &[],
            Few::One(edge) => std::slice::from_ref(edge),
            Few::Many(edges) => edges,
        }
    }
}

impl Graph {
    pub fn new() -> Graph {
        Graph::default()
    }

    pub fn next_twin(&mut self) -> TwinNo {
        self.last_twin += 1;
        TwinNo(self.last_twin)
    }

    /// A number that is taken is never given again.
    pub fn twin_is_taken(&mut self, no: TwinNo) {
        self.last_twin = self.last_twin.max(no.0);
    }

    pub fn edge_is_taken(&mut self, no: EdgeNo) {
        self.last_edge = self.last_edge.max(no.0);
    }

    /// The number of the twin that is made next.
    pub fn peek_twin(&self) -> TwinNo {
        TwinNo(self.last_twin + 1)
    }

    /// The number of the edge that is begun next.
    pub fn peek_edge(&self) -> EdgeNo {
        EdgeNo(self.last_edge + 1)
    }

    pub fn next_edge(&mut self) -> EdgeNo {
        self.last_edge += 1;
        EdgeNo(self.last_edge)
    }

    /// Adds an edge, or puts a newer form of it (its end) in its place.
    pub fn put(&mut self, edge: Arc<Edge>) {
        self.last_edge = self.last_edge.max(edge.no.0);
        let place = place(edge.no);
        if self.edges.len() <= place {
            self.edges.resize(place + 1, None);
        }
        let (no, from, to) = (edge.no, edge.from, edge.to);
        if self.edges[place].replace(edge).is_none() {
            self.count += 1;
            self.ends_of(from).out.push(no);
            self.ends_of(to).incoming.push(no);
        }
    }

    fn ends_of(&mut self, twin: TwinNo) -> &mut Ends {
        let place = twin.0 as usize;
        if self.ends.len() <= place {
            self.ends.resize(place + 1, Ends::default());
        }
        &mut self.ends[place]
    }

    pub fn end(&mut self, no: EdgeNo, at: Timestamp, live: bool) {
        if let Some(edge) = self.edges.get_mut(place(no)).and_then(Option::as_mut) {
            let edge = Arc::make_mut(edge);
            edge.valid_to = Some(at);
            edge.live |= live;
        }
    }

    pub fn edge(&self, no: EdgeNo) -> Option<&Arc<Edge>> {
        self.edges.get(place(no)).and_then(Option::as_ref)
    }

    pub fn out(&self, from: TwinNo) -> impl Iterator<Item = &Arc<Edge>> {
        self.ends.get(from.0 as usize).map_or(&[][..], |ends| ends.out.as_slice()).iter().filter_map(|no| self.edge(*no))
    }

    pub fn incoming(&self, to: TwinNo) -> impl Iterator<Item = &Arc<Edge>> {
        self.ends.get(to.0 as usize).map_or(&[][..], |ends| ends.incoming.as_slice()).iter().filter_map(|no| self.edge(*no))
    }

    pub fn all(&self) -> impl Iterator<Item = &Arc<Edge>> {
        self.edges.iter().flatten()
    }

    pub fn count(&self) -> usize {
        self.count
    }
}

/// Nothing that is out of memory's reach has a number.
fn place(edge: EdgeNo) -> usize {
    usize::try_from(edge.0).unwrap_or(usize::MAX)
}

/// The graph behind its lock. Held only for memory work, never across a wait.
pub type SharedGraph = Arc<Mutex<Graph>>;
