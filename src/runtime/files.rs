//! What the workspace's files say, made so: twins that are new are created, those described anew are told, edges are begun and ended.
//! What was changed while running stays until the file says something new: edges made or ended then, and twins deleted then.
//!
//! First a plan is made and checked as a whole against the live graph; only then is anything done. Files describe, and what they no longer
//! mention stays (`modelling.md`, 6.1). A description that was applied before changes nothing, so a value that was changed while running
//! outlives a restart.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, json};
use xxhash_rust::xxh3::xxh3_64;

use crate::catalog::stored::{LayoutRecord, type_name};
use crate::catalog::structure::{Change, Link};
use crate::catalog::{CONTAINS, Catalog, EdgeSpec, Layout, TwinSpec};
use crate::reading::unit::Unit;
use crate::reading::{SlotNo, Timestamp, TwinNo, Value};
use crate::twin::{Description, Edge, Entry, Fact};

use super::Runtime;
use super::bindings::Bindings;
use super::held::{Aside, Held, StructureChange};
use super::live_graph::LiveGraph;
use super::resident::Resident;
use super::twin_actor::TwinMsg;

/// Facts of one entry; a large workspace takes several.
const FACTS_PER_ENTRY_MAX: usize = 2048;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("twin `{id}` is a {old} and the files now say {new}; the type of a twin cannot change: give the new one another id")]
    TypeChanged { id: String, old: String, new: String },
    #[error("the files do not fit what is there already, so nothing was changed:\n{0}")]
    Structure(String),
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
    /// Twins that the files describe as they did when they were deleted while running.
    pub left_deleted: usize,
}

/// What has to be done.
#[derive(Default)]
struct Plan<'c> {
    create: Vec<&'c TwinSpec>,
    known: Vec<(Arc<Resident>, &'c TwinSpec)>,
    begin: Vec<(&'c TwinSpec, &'c EdgeSpec)>,
    end: Vec<Arc<Edge>>,
    left_deleted: usize,
}

/// How long twins may take until they have the form of an edited type. One that crashes takes it when it is rebuilt.
const FORM_WAIT_MAX: Duration = Duration::from_secs(10);

impl Runtime {
    /// Makes the running system what edited files say, while it runs.
    pub async fn renew(&self, catalog: &Arc<Catalog>) -> Result<Applied, Error> {
        let _turn = self.turn.lock().await;
        let applied = self.apply_files(catalog).await?;
        self.bindings.store(Arc::new(Bindings::new(Arc::new(catalog.without_twins()))));
        self.regather();
        Ok(applied)
    }

    async fn have_taken_form(&self, retyped: &[(Arc<Resident>, Arc<Layout>)]) {
        let all = async {
            let mut rest = retyped;
            loop {
                let released = self.followers.released.notified();
                while let Some(((resident, layout), others)) = rest.split_first() {
                    if resident.cell.peek().layout.fingerprint != layout.fingerprint {
                        break;
                    }
                    rest = others;
                }
                if rest.is_empty() {
                    return;
                }
                released.await;
            }
        };
        if tokio::time::timeout(FORM_WAIT_MAX, all).await.is_err() {
            tracing::warn!("some twins have not yet taken the new form of their type");
        }
    }

    /// Makes the running system what `catalog` says. Nothing else changes the structure meanwhile.
    pub(super) async fn apply_files(&self, catalog: &Arc<Catalog>) -> Result<Applied, Error> {
        let at = self.shared.clock.now();
        let plan = self.plan(catalog, at)?;
        self.check_plan(catalog, &plan, at)?;
        let mut work = Work {
            runtime: self,
            at,
            facts: Vec::new(),
            aside: Aside::default(),
            done: Applied { left_deleted: plan.left_deleted, ..Applied::default() },
        };
        for layout in &catalog.types {
            work.know(layout).await?;
        }
        // Before any twin says in the journal that it has the new form.
        work.flush().await?;
        let retyped = work.retype(catalog);
        self.have_taken_form(&retyped).await;
        for spec in &plan.create {
            work.create(spec).await?;
        }
        for (resident, spec) in &plan.known {
            work.tell(resident, spec);
        }
        for edge in &plan.end {
            work.end(edge).await?;
        }
        for (spec, wanted) in &plan.begin {
            work.begin(spec, wanted).await?;
        }
        work.flush().await?;
        self.observers.rebuild(&self.graph.lock(), &self.shared.directory);
        self.shared.journal.durable().await.map_err(|_| Error::Closed)?;
        Ok(work.done)
    }

    fn plan<'c>(&self, catalog: &'c Catalog, at: Timestamp) -> Result<Plan<'c>, Error> {
        let mut plan = Plan::default();
        for spec in &catalog.twins {
            let Some(resident) = self.shared.directory.by_id(spec.id.as_str()) else {
                if self.stays_deleted(spec) {
                    plan.left_deleted += 1;
                    continue;
                }
                plan.create.push(spec);
                plan.begin.extend(spec.edges.iter().filter(|wanted| self.has_target(catalog, wanted)).map(|wanted| (spec, wanted)));
                continue;
            };
            let state = resident.cell.state();
            if state.layout.name != spec.layout.name {
                let (old, new) = (state.layout.name.to_string(), spec.layout.name.to_string());
                return Err(Error::TypeChanged { id: spec.id.to_string(), old, new });
            }
            self.plan_edges(catalog, resident.no, spec, at, &mut plan);
            plan.known.push((resident, spec));
        }
        self.give_way(catalog, at, &mut plan);
        Ok(plan)
    }

    /// A twin that was deleted while running stays so until its file says something new of it, whatever became of its type meanwhile.
    fn stays_deleted(&self, spec: &TwinSpec) -> bool {
        self.shared.directory.departed(spec.id.as_str()).is_some_and(|deleted| deleted.applied == identity(spec))
    }

    fn has_target(&self, catalog: &Catalog, wanted: &EdgeSpec) -> bool {
        self.shared.directory.by_id(wanted.to.as_str()).is_some()
            || catalog.twin(wanted.to.as_str()).is_some_and(|target| !self.stays_deleted(target))
    }

    /// Where a file gives a twin another parent than it was given while running, the file wins.
    fn give_way(&self, catalog: &Catalog, at: Timestamp, plan: &mut Plan<'_>) {
        let graph = self.graph.lock();
        for (_, wanted) in &plan.begin {
            let is_hierarchy = catalog.relations.get(usize::from(wanted.relation)).is_some_and(|relation| relation.hierarchy);
            let Some(target) = self.shared.directory.by_id(wanted.to.as_str()).filter(|_| is_hierarchy) else { continue };
            let standing = graph.incoming(target.no).filter(|edge| edge.live && edge.relation == wanted.name);
            let in_the_way: Vec<_> = standing.filter(|edge| edge.valid_to.is_none_or(|end| end > at)).cloned().collect();
            plan.end.extend(in_the_way);
        }
    }

    /// Edges from one twin: those the file names shall be there, and those it named no longer shall end.
    fn plan_edges<'c>(&self, catalog: &Catalog, from: TwinNo, spec: &'c TwinSpec, at: Timestamp, plan: &mut Plan<'c>) {
        let graph = self.graph.lock();
        let standing: Vec<&Arc<Edge>> = graph.out(from).filter(|edge| edge.valid_to.is_none_or(|end| end > at)).collect();
        let past: Vec<&Arc<Edge>> = graph.out(from).filter(|edge| edge.valid_to.is_some_and(|end| end <= at)).collect();
        let mut kept = vec![false; standing.len()];
        for wanted in &spec.edges {
            let to = self.shared.directory.by_id(wanted.to.as_str()).map(|to| to.no);
            let is_it = |edge: &&Arc<Edge>| Some(edge.to) == to && edge.relation == wanted.name && says_the_same(edge, wanted);
            // Ended while running: the file says nothing new.
            let was_it = |edge: &&Arc<Edge>| {
                let begins = wanted.valid_from.is_none_or(|from| from == edge.valid_from);
                edge.live && Some(edge.to) == to && edge.relation == wanted.name && edge.properties == wanted.properties && begins
            };
            if let Some(place) = standing.iter().position(is_it) {
                kept[place] = true;
            } else if !past.iter().any(|edge| is_it(edge) || was_it(edge)) && self.has_target(catalog, wanted) {
                plan.begin.push((spec, wanted));
            }
        }
        for (edge, _) in standing.into_iter().zip(kept).filter(|(_, kept)| !kept) {
            // What was made while running is not the files' to end; nor is an edge to a twin that no file describes.
            let target = self.shared.directory.by_no(edge.to);
            if !edge.live && target.is_some_and(|target| catalog.twin(target.id.as_str()).is_some()) {
                plan.end.push(edge.clone());
            }
        }
    }

    fn check_plan(&self, catalog: &Catalog, plan: &Plan<'_>, at: Timestamp) -> Result<(), Error> {
        // With nothing there yet, the loader has checked all there is.
        if self.shared.directory.count() == 0 {
            return Ok(());
        }
        let graph = self.graph.lock();
        let live = LiveGraph { catalog, directory: &self.shared.directory, graph: &graph };
        let created = plan.create.iter().map(|spec| Change::CreateTwin { id: spec.id.clone(), layout: spec.layout.clone() });
        let ended = plan.end.iter().filter_map(|edge| {
            let now = live.link(edge)?;
            Some(Change::ChangeEdge { valid_from: now.valid_from, valid_to: Some(at), now })
        });
        let begun = plan.begin.iter().map(|(spec, wanted)| {
            let link = Link::of(&spec.id, wanted);
            Change::AddEdge(Link { valid_from: Some(wanted.valid_from.unwrap_or(at)), ..link })
        });
        let breaches = live.check(created.chain(ended).chain(begun));
        if breaches.is_empty() {
            return Ok(());
        }
        let lines = breaches.iter().map(|breach| format!("- {}", breach.message));
        Err(Error::Structure(lines.collect::<Vec<_>>().join("\n")))
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

    async fn create(&mut self, spec: &TwinSpec) -> Result<(), Error> {
        let description = describe(spec);
        let external_ids = description.external_ids.clone();
        let (resident, facts) = self.runtime.new_twin(spec.id.clone(), &spec.layout, TwinNo::PARTITION, description, self.at);
        self.runtime.shared.directory.register(resident.clone());
        self.runtime.shared.directory.name_externally(resident.no, &external_ids);
        self.done.created += 1;
        self.aside.structure.push(StructureChange::Created(resident));
        self.facts.extend(facts);
        self.flush_if_full().await
    }

    /// Also twins that no file describes follow an edit of their type.
    fn retype(&self, catalog: &Catalog) -> Vec<(Arc<Resident>, Arc<Layout>)> {
        let mut retyped = Vec::new();
        for resident in self.runtime.shared.directory.all() {
            let state = resident.cell.state();
            let today = catalog.layout(&state.layout.name).filter(|layout| layout.fingerprint != state.layout.fingerprint);
            if let Some(layout) = today {
                self.runtime.shared.directory.send(&resident, TwinMsg::Retype(layout.clone()));
                retyped.push((resident, layout.clone()));
            }
        }
        retyped
    }

    fn tell(&mut self, resident: &Arc<Resident>, spec: &TwinSpec) {
        let directory = &self.runtime.shared.directory;
        let description = describe(spec);
        if resident.cell.state().applied != description.applied {
            self.done.described += 1;
            directory.name_externally(resident.no, &description.external_ids);
            directory.send(resident, TwinMsg::Describe(description));
        }
    }

    async fn begin(&mut self, spec: &TwinSpec, wanted: &EdgeSpec) -> Result<(), Error> {
        let directory = &self.runtime.shared.directory;
        let (Some(from), Some(to)) = (directory.by_id(spec.id.as_str()), directory.by_id(wanted.to.as_str())) else { return Ok(()) };
        let edge = {
            let mut graph = self.runtime.graph.lock();
            let edge = Edge {
                no: graph.next_edge(),
                relation: wanted.name.clone(),
                from: from.no,
                to: to.no,
                properties: wanted.properties.clone(),
                valid_from: wanted.valid_from.unwrap_or(self.at),
                valid_to: wanted.valid_to,
                live: false,
            };
            graph.put(Arc::new(edge.clone()));
            edge
        };
        if &*edge.relation == CONTAINS {
            to.set_parent(from.no);
        }
        self.done.edges_begun += 1;
        self.aside.structure.push(StructureChange::EdgeBegun(edge.clone()));
        self.record(Fact::EdgeBegun(Box::new(edge))).await
    }

    async fn end(&mut self, edge: &Edge) -> Result<(), Error> {
        self.runtime.graph.lock().end(edge.no, self.at, false);
        self.done.edges_ended += 1;
        self.aside.structure.push(StructureChange::EdgeEnded { edge: edge.no, at: self.at });
        self.record(Fact::EdgeEnded { edge: edge.no, at: self.at, live: false }).await
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
    Description {
        name: spec.name.clone(),
        external_ids: spec.external_ids.clone().into(),
        properties: spec.properties.clone(),
        rules: spec.rules.clone(),
        applied: identity(spec),
    }
}

/// 0 means that nothing was ever applied, and 1 that it was made while running. What else its type has become is not the twin's file's
/// business: an edit of a type must not take back what was set while running.
fn identity(spec: &TwinSpec) -> u64 {
    let property = |(slot, value): &(SlotNo, Value)| {
        let slot = spec.layout.slot(*slot);
        let meaning = (type_name(&slot.value_type), slot.unit.as_ref().map(Unit::symbol));
        (slot.path.to_string(), json!([slot.to_json(value), meaning]))
    };
    let properties: Map<String, serde_json::Value> = spec.properties.iter().map(property).collect();
    let mut identity = json!([&*spec.name, properties, spec.external_ids]);
    if !spec.rules.is_empty() {
        // Only then, so that twins that say nothing of rules are the ones they were.
        let rules = spec.rules.iter().map(|setting| json!([setting.rule, setting.enabled, setting.params])).collect();
        if let Some(parts) = identity.as_array_mut() {
            parts.push(rules);
        }
    }
    xxh3_64(identity.to_string().as_bytes()).max(2)
}
