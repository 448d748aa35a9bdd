//! The graph as it would be after a change, drawn over the graph as it is.

use std::sync::Arc;

use foldhash::{HashMap, HashSet};

use crate::catalog::layout::Layout;
use crate::reading::{Timestamp, TwinId};

use super::{GraphView, Link};

/// One step of a change. The steps of one change are checked together.
#[derive(Debug, Clone)]
pub enum Change {
    CreateTwin {
        id: TwinId,
        layout: Arc<Layout>,
    },
    /// Its edges go as well.
    DeleteTwin {
        id: TwinId,
    },
    AddEdge(Link),
    /// The edge as it is now ends earlier, or begins otherwise.
    ChangeEdge {
        now: Link,
        valid_from: Option<Timestamp>,
        valid_to: Option<Timestamp>,
    },
    RemoveEdge(Link),
}

/// A view over `base` with changes applied.
pub struct Overlay<'g> {
    base: &'g dyn GraphView,
    created: HashMap<TwinId, Arc<Layout>>,
    deleted: HashSet<TwinId>,
    added: Vec<Link>,
    removed: HashSet<Link>,
    touched: Vec<TwinId>,
}

impl std::fmt::Debug for Overlay<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Overlay")
            .field("created", &self.created.keys())
            .field("deleted", &self.deleted)
            .field("added", &self.added)
            .finish_non_exhaustive()
    }
}

impl<'g> Overlay<'g> {
    /// `relations` is the number of relations of the catalog: a twin that goes takes its edges of each.
    pub fn new(base: &'g dyn GraphView, changes: impl IntoIterator<Item = Change>, relations: usize) -> Overlay<'g> {
        let mut overlay = Overlay {
            base,
            created: HashMap::default(),
            deleted: HashSet::default(),
            added: Vec::new(),
            removed: HashSet::default(),
            touched: Vec::new(),
        };
        for change in changes {
            overlay.apply(change, relations);
        }
        overlay
    }

    /// Both ends of every edge that came, went or changed, and every twin that came: what [`super::check`] asks for.
    pub fn touched(&self) -> &[TwinId] {
        &self.touched
    }

    fn apply(&mut self, change: Change, relations: usize) {
        match change {
            Change::CreateTwin { id, layout } => {
                self.touched.push(id.clone());
                self.deleted.remove(&id);
                self.created.insert(id, layout);
            }
            Change::DeleteTwin { id } => {
                for relation in 0..u16::try_from(relations).unwrap_or(u16::MAX) {
                    let edges = [self.edges_out(relation, &id), self.edges_in(relation, &id)].concat();
                    edges.into_iter().for_each(|link| self.remove(link));
                }
                self.created.remove(&id);
                self.deleted.insert(id);
            }
            Change::AddEdge(link) => self.add(link),
            Change::ChangeEdge { now, valid_from, valid_to } => {
                let then = Link { valid_from, valid_to, ..now.clone() };
                self.remove(now);
                self.add(then);
            }
            Change::RemoveEdge(link) => self.remove(link),
        }
    }

    fn add(&mut self, link: Link) {
        self.touch(&link);
        // An edge that went and came back in one change is there as before.
        if !self.removed.remove(&link) {
            self.added.push(link);
        }
    }

    fn remove(&mut self, link: Link) {
        self.touch(&link);
        match self.added.iter().position(|added| *added == link) {
            Some(index) => drop(self.added.swap_remove(index)),
            None => drop(self.removed.insert(link)),
        }
    }

    fn touch(&mut self, link: &Link) {
        self.touched.extend([link.from.clone(), link.to.clone()]);
    }

    fn seen(&self, base: Vec<Link>, is_meant: impl Fn(&Link) -> bool) -> Vec<Link> {
        let stays = base.into_iter().filter(|link| !self.removed.contains(link));
        stays.chain(self.added.iter().filter(|link| is_meant(link)).cloned()).collect()
    }
}

impl GraphView for Overlay<'_> {
    fn layout_of(&self, twin: &TwinId) -> Option<Arc<Layout>> {
        if let Some(layout) = self.created.get(twin) {
            return Some(layout.clone());
        }
        if self.deleted.contains(twin) { None } else { self.base.layout_of(twin) }
    }

    fn edges_out(&self, relation: u16, twin: &TwinId) -> Vec<Link> {
        self.seen(self.base.edges_out(relation, twin), |link| link.relation == relation && link.from == *twin)
    }

    fn edges_in(&self, relation: u16, twin: &TwinId) -> Vec<Link> {
        self.seen(self.base.edges_in(relation, twin), |link| link.relation == relation && link.to == *twin)
    }
}
