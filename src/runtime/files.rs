//! What the workspace's files say, made so: twins that are new are created, those described anew are told, edges are begun and ended.
//!
//! Files describe, and what they no longer mention stays (`modelling.md`, 6.1). A description that was applied before changes nothing, so a
//! value that was changed while running outlives a restart.

use std::sync::Arc;

use serde_json::{Map, json};
use xxhash_rust::xxh3::xxh3_64;

use crate::catalog::stored::LayoutRecord;
use crate::catalog::{CONTAINS, Catalog, EdgeSpec, Layout, TwinSpec};
use crate::reading::{Timestamp, TwinNo};
use crate::twin::{Description, Edge, Entry, Fact};

use super::Runtime;
use super::held::{Aside, Held, StructureChange};
use super::twin_actor::TwinMsg;

/// Facts of one entry; a large workspace takes several.
const FACTS_PER_ENTRY_MAX: usize = 2048;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("twin `{id}` is a {old} and the files now say {new}; the type of a twin cannot change: give the new one another id")]
    TypeChanged { id: String, old: String, new: String },
    #[error("the journal is closed")]
    Closed,
}

/// What was done, for the line at start.
#[derive(Debug, Clone, Copy, Default)]
pub struct Applied {
    pub created: usize,
    pub described: usize,
    pub edges_begun: usize,
    pub edges_ended: usize,
}

impl Runtime {
    /// Makes the running system what `catalog` says. Called before the ports open, and by nobody else at the same time.
    pub async fn apply_files(&self, catalog: &Arc<Catalog>) -> Result<Applied, Error> {
        let mut work = Work { runtime: self, at: self.shared.clock.now(), facts: Vec::new(), aside: Aside::default(), done: Applied::default() };
        for layout in &catalog.types {
            work.know(layout).await?;
        }
        self.bindings.store(Arc::new(super::bindings::Bindings::new(catalog.clone())));
        for spec in &catalog.twins {
            work.twin(spec).await?;
        }
        for spec in &catalog.twins {
            work.edges(catalog, spec).await?;
        }
        work.flush().await?;
        self.observers.rebuild(&self.graph.lock(), &self.shared.directory);
        self.shared.journal.durable().await.map_err(|_| Error::Closed)?;
        Ok(work.done)
    }
}

struct Work<'a> {
    runtime: &'a Runtime,
    at: Timestamp,
    facts: Vec<Fact>,
    aside: Aside,
    done: Applied,
}

impl Work<'_> {
    /// Types first: what follows in the journal may be laid out like them.
    async fn know(&mut self, layout: &Arc<Layout>) -> Result<(), Error> {
        if !self.runtime.layouts.know(layout) {
            return Ok(());
        }
        let record = LayoutRecord::of(layout);
        self.aside.structure.push(StructureChange::TypeKnown(record.clone()));
        self.record(Fact::TypeKnown(Box::new(record))).await
    }

    async fn twin(&mut self, spec: &TwinSpec) -> Result<(), Error> {
        let description = describe(spec);
        let directory = &self.runtime.shared.directory;
        let Some(resident) = directory.by_id(spec.id.as_str()) else {
            let external_ids = description.external_ids.clone();
            let (resident, facts) = self.runtime.new_twin(spec.id.clone(), &spec.layout, TwinNo::PARTITION, description, self.at);
            directory.register(resident.clone());
            directory.name_externally(resident.no, &external_ids);
            self.done.created += 1;
            self.aside.structure.push(StructureChange::Created(resident));
            self.facts.extend(facts);
            return self.flush_if_full().await;
        };
        let state = resident.cell.state();
        if state.layout.name != spec.layout.name {
            let (old, new) = (state.layout.name.to_string(), spec.layout.name.to_string());
            return Err(Error::TypeChanged { id: spec.id.to_string(), old, new });
        }
        if state.layout.fingerprint != spec.layout.fingerprint {
            directory.send(&resident, TwinMsg::Retype(spec.layout.clone()));
        }
        if state.applied != description.applied {
            self.done.described += 1;
            directory.name_externally(resident.no, &description.external_ids);
            directory.send(&resident, TwinMsg::Describe(description));
        }
        Ok(())
    }

    /// Edges from one twin: those the file names are there, and those it named no longer are ended.
    async fn edges(&mut self, catalog: &Catalog, spec: &TwinSpec) -> Result<(), Error> {
        let Some(from) = self.runtime.shared.directory.by_id(spec.id.as_str()) else { return Ok(()) };
        let standing: Vec<Arc<Edge>> = self.runtime.graph.lock().out(from.no).filter(|edge| edge.valid_to.is_none_or(|end| end > self.at)).cloned().collect();
        let mut kept = vec![false; standing.len()];
        for wanted in &spec.edges {
            let Some(to) = self.runtime.shared.directory.by_id(wanted.to.as_str()) else { continue };
            let is_it = |edge: &Arc<Edge>| edge.to == to.no && edge.relation == wanted.name && says_the_same(edge, wanted);
            match standing.iter().position(is_it) {
                Some(place) => kept[place] = true,
                None => self.begin(from.no, to.no, wanted).await?,
            }
        }
        for (edge, _) in standing.iter().zip(kept).filter(|(_, kept)| !kept) {
            // An edge to a twin that no file describes was made while running and is not the files' to end.
            let target = self.runtime.shared.directory.by_no(edge.to);
            let is_ours = target.is_some_and(|target| catalog.twin(target.id.as_str()).is_some());
            if is_ours {
                self.end(edge).await?;
            }
        }
        Ok(())
    }

    async fn begin(&mut self, from: TwinNo, to: TwinNo, wanted: &EdgeSpec) -> Result<(), Error> {
        let edge = {
            let mut graph = self.runtime.graph.lock();
            let edge = Edge {
                no: graph.next_edge(),
                relation: wanted.name.clone(),
                from,
                to,
                properties: wanted.properties.clone(),
                valid_from: wanted.valid_from.unwrap_or(self.at),
                valid_to: wanted.valid_to,
            };
            graph.put(Arc::new(edge.clone()));
            edge
        };
        if &*edge.relation == CONTAINS
            && let Some(child) = self.runtime.shared.directory.by_no(to)
        {
            child.set_parent(from);
        }
        self.done.edges_begun += 1;
        self.aside.structure.push(StructureChange::EdgeBegun(edge.clone()));
        self.record(Fact::EdgeBegun(Box::new(edge))).await
    }

    async fn end(&mut self, edge: &Edge) -> Result<(), Error> {
        self.runtime.graph.lock().end(edge.no, self.at);
        self.done.edges_ended += 1;
        self.aside.structure.push(StructureChange::EdgeEnded { edge: edge.no });
        self.record(Fact::EdgeEnded { edge: edge.no, at: self.at }).await
    }

    async fn record(&mut self, fact: Fact) -> Result<(), Error> {
        self.facts.push(fact);
        self.flush_if_full().await
    }

    async fn flush_if_full(&mut self) -> Result<(), Error> {
        if self.facts.len() >= FACTS_PER_ENTRY_MAX { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<(), Error> {
        if self.facts.is_empty() {
            return Ok(());
        }
        let entry = Entry { at: self.at, facts: std::mem::take(&mut self.facts) };
        let held = Held { aside: Some(Box::new(std::mem::take(&mut self.aside))), ..Held::default() };
        let append = self.runtime.shared.journal.append(|out| crate::journal::record::encode(&entry, out), held);
        append.await.map_err(|_| Error::Closed)
    }
}

fn says_the_same(edge: &Edge, wanted: &EdgeSpec) -> bool {
    let begins = wanted.valid_from.is_none_or(|from| from == edge.valid_from);
    edge.properties == wanted.properties && begins && edge.valid_to == wanted.valid_to
}

/// What a file says of a twin, with a hash that is the same for the same text on every run.
fn describe(spec: &TwinSpec) -> Description {
    let property = |(slot, value): &(crate::reading::SlotNo, crate::reading::Value)| {
        let spec = spec.layout.slot(*slot);
        (spec.path.to_string(), spec.to_json(value))
    };
    let properties: Map<String, serde_json::Value> = spec.properties.iter().map(property).collect();
    let identity = json!([&*spec.name, properties, spec.external_ids, spec.layout.fingerprint]);
    Description {
        name: spec.name.clone(),
        external_ids: spec.external_ids.clone().into(),
        properties: spec.properties.clone(),
        // 0 means that nothing was ever applied.
        applied: xxh3_64(identity.to_string().as_bytes()).max(1),
    }
}
