//! New twins: registered at once, on disk with the next commit, visible to readers after it.

use std::sync::Arc;

use serde_json::Map;

use crate::catalog::structure::{Change, Link};
use crate::catalog::{CONTAINS, Catalog, Layout};
use crate::journal::record;
use crate::reading::{Revision, Seq, Timestamp, TwinId, TwinNo};
use crate::twin::{Description, Edge, Entry, Fact, Input, State, Twin, step};
use crate::view::Cell;

use super::Runtime;
use super::held::{Aside, Held, StructureChange};
use super::live_graph::LiveGraph;
use super::resident::Resident;

/// Why a twin could not be made on demand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("the binding provisions `{0}`, which is not a type that can have twins")]
    Type(String),
    #[error("the binding provisions twins in `{0}`, which does not exist")]
    Parent(String),
    #[error("it would break the rules of the graph: {0}")]
    Structure(String),
    #[error("{0} twins have been provisioned, which is the most (`runtime.provisioned_twins_max`)")]
    TooMany(usize),
    #[error("the journal has no room")]
    NoRoom,
}

impl Runtime {
    /// A twin that begins with `description`, and what the journal must say of it, to go into one entry with the rest. The caller registers it.
    pub(super) fn new_twin(
        &self,
        id: TwinId,
        layout: &Arc<Layout>,
        parent: TwinNo,
        description: Description,
        at: Timestamp,
    ) -> (Arc<Resident>, [Fact; 2]) {
        let no = self.graph.lock().next_twin();
        let mut twin = Twin::new(State::new(no, id.clone(), layout.clone(), at));
        let events = step(&mut twin, &Input::Described(description), at).events;
        let cell = Arc::new(Cell::new(twin.state.clone(), Seq(0)));
        let resident = Arc::new(Resident::new(cell, twin, parent));
        let created = Fact::Created { no, id, layout: layout.fingerprint };
        (resident, [created, Fact::Happened { no, before: Revision(0), events }])
    }

    /// A twin for a sender that nobody knew, because its binding says so. Two packets that ask at once get the same one.
    pub(super) fn provision(&self, id: &TwinId, type_name: &str, inside: Option<&TwinId>) -> Result<Arc<Resident>, Refusal> {
        let mut provisioned = self.provisioned.lock();
        if let Some(known) = self.shared.directory.by_id(id.as_str()) {
            return Ok(known);
        }
        let bindings = self.bindings.load();
        let layout =
            bindings.catalog.layout(type_name).filter(|layout| !layout.is_abstract).ok_or_else(|| Refusal::Type(type_name.to_owned()))?;
        let parent = inside.map(|parent| self.shared.directory.by_id(parent.as_str()).ok_or_else(|| Refusal::Parent(parent.to_string())));
        let parent = parent.transpose()?;
        self.may_contain(&bindings.catalog, id, layout, parent.as_deref())?;
        if *provisioned >= self.shared.config.provisioned_twins_max {
            return Err(Refusal::TooMany(*provisioned));
        }
        let at = self.shared.clock.now();
        let description = Description {
            name: Arc::from(id.as_str()),
            external_ids: Box::default(),
            properties: Vec::new(),
            rules: Vec::new(),
            applied: 1,
        };
        let parent_no = parent.as_ref().map_or(TwinNo::PARTITION, |parent| parent.no);
        let (resident, facts) = self.new_twin(id.clone(), layout, parent_no, description, at);
        let mut facts = Vec::from(facts);
        let mut structure = vec![StructureChange::Created(resident.clone())];
        let mut placed = None;
        if let Some(parent) = &parent {
            let (no, relation) = (self.graph.lock().next_edge(), Arc::from(CONTAINS));
            let edge =
                Edge { no, relation, from: parent.no, to: resident.no, properties: Map::new(), valid_from: at, valid_to: None, live: true };
            placed = Some(Arc::new(edge.clone()));
            structure.push(StructureChange::EdgeBegun(edge.clone()));
            facts.push(Fact::EdgeBegun(Box::new(edge)));
        }
        let held = Held { aside: Some(Box::new(Aside { structure, ..Aside::default() })), ..Held::default() };
        let entry = Entry { at, facts };
        self.shared.journal.try_append(|out| record::encode(&entry, out), held).map_err(|_| Refusal::NoRoom)?;
        // Behind its entry in the journal, so nothing that is sent to it can come before its creation.
        self.shared.directory.register(resident.clone());
        placed.into_iter().for_each(|edge| self.graph.lock().put(edge));
        *provisioned += 1;
        Ok(resident)
    }

    fn may_contain(&self, catalog: &Catalog, id: &TwinId, layout: &Arc<Layout>, parent: Option<&Resident>) -> Result<(), Refusal> {
        let graph = self.graph.lock();
        let live = LiveGraph { catalog, directory: &self.shared.directory, graph: &graph };
        let contains =
            catalog.relations.iter().position(|relation| &*relation.name == CONTAINS).and_then(|index| u16::try_from(index).ok());
        let edge = parent.zip(contains).map(|(parent, relation)| {
            let (from, to) = (parent.id.clone(), id.clone());
            Change::AddEdge(Link { relation, from, to, valid_from: Some(self.shared.clock.now()), valid_to: None, observed: None })
        });
        let created = Change::CreateTwin { id: id.clone(), layout: layout.clone() };
        match live.check([created].into_iter().chain(edge)).first() {
            None => Ok(()),
            Some(breach) => Err(Refusal::Structure(breach.message.clone())),
        }
    }
}
