//! From a plan to one entry of the journal, and what is done as soon as that is written. All of this happens in one piece, under the lock of the
//! structure, so that what was planned is what is written.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use foldhash::{HashMap, HashSet};
use tokio::sync::oneshot;

use crate::catalog::{CONTAINS, OBSERVES};
use crate::journal::{Refused, record};
use crate::reading::{Revision, Seq, TwinNo};
use crate::runtime::Runtime;
use crate::runtime::held::{Aside, Change, Held, StructureChange};
use crate::runtime::outbox::Outgoing;
use crate::runtime::resident::Resident;
use crate::runtime::structure::Graph;
use crate::store::{AnswerRow, DeletedRow};
use crate::twin::{Deleted, Edge, EdgeNo, Edited as EditedFact, Entry, Fact, Keyed, Twin};
use crate::view::Cell;

use super::grip::Grip;
use super::plan::{Plan, Scene};
use super::problem::{NOT_APPLICABLE, Problem};
use super::{Edited, Error, Request, TwinChange};

/// How a try went. The twins are let go of by then.
pub(super) enum Attempt {
    /// A dry run, or everything is so already.
    Done(Edited),
    Written(Edited, oneshot::Receiver<Seq>),
    /// The journal is full for now.
    NoRoom,
    /// These twins have to be held as well; or none, and one was lost.
    Again(Vec<Arc<Resident>>),
}

/// What is to be written, and what becomes of it.
struct Writing {
    entry: Entry,
    structure: Vec<StructureChange>,
    /// What rules ask for because of it.
    outgoing: Vec<Outgoing>,
    created: Vec<Arc<Resident>>,
    changed: HashMap<TwinNo, Twin>,
    begun: Vec<Edge>,
    ended: Vec<(Arc<Edge>, crate::reading::Timestamp)>,
    deleted: Vec<Deleted>,
}

impl Runtime {
    pub(super) fn attempt(&self, request: &Request, grips: Vec<Grip>) -> Result<Attempt, Error> {
        // Nobody else changes the structure meanwhile; readings flow.
        let _structure = self.provisioned.lock();
        let mut graph = self.graph.lock();
        let bindings = self.bindings.load();
        let held = grips.iter().filter_map(|grip| Some((grip.resident.no, (grip.resident.clone(), grip.face()?)))).collect();
        let at = self.shared.clock.now();
        let scene = Scene { catalog: &bindings.catalog, directory: &self.shared.directory, graph: &graph, held, at };
        let mut plan = Plan::draw_up(scene, &request.ops);
        if !plan.unheld.is_empty() {
            return Ok(Attempt::Again(plan.unheld));
        }
        if !plan.problems.is_empty() {
            return Err(Error::Refused(plan.problems.into_list()));
        }
        let edited = outcome(&mut plan, self.view().seq());
        let mut writing = Writing::of(plan, request, &edited);
        if request.options.dry_run || (writing.changes_nothing() && request.options.key.is_none()) {
            return Ok(Attempt::Done(edited));
        }
        let (waiter, commit) = oneshot::channel();
        match self.write(&mut writing, waiter, &grips) {
            Ok(false) => return Ok(Attempt::Again(Vec::new())),
            Ok(true) => {}
            Err(Refused::NoRoom) => return Ok(Attempt::NoRoom),
            Err(refused @ Refused::Closed) => return Err(Error::Unavailable(refused.to_string())),
            Err(refused @ Refused::TooLarge { .. }) => {
                let problem = Problem { code: NOT_APPLICABLE, op: None, path: Vec::new(), message: refused.to_string(), hint: None };
                return Err(Error::Refused(vec![problem]));
            }
        }
        self.take_effect(writing, grips, &mut graph);
        Ok(Attempt::Written(edited, commit))
    }

    /// `false`: a twin was lost at the last moment, and nothing was written.
    fn write(&self, writing: &mut Writing, waiter: oneshot::Sender<Seq>, grips: &[Grip]) -> Result<bool, Refused> {
        let void = Arc::new(AtomicBool::new(false));
        let (structure, outgoing) = (writing.structure.clone(), std::mem::take(&mut writing.outgoing));
        let aside = Aside { structure, outgoing, waiter: Some(waiter), void: Some(void.clone()), ..Aside::default() };
        let held = Held { aside: Some(Box::new(aside)), ..Held::default() };
        let encode = |out: &mut Vec<u8>| {
            // Looked at under the lock of the journal: an actor that crashes later is rebuilt from what is written here, and one that has
            // crashed before may have been rebuilt without it.
            if grips.iter().all(Grip::stands) {
                record::encode(&writing.entry, out);
            } else {
                void.store(true, Ordering::Release);
            }
        };
        self.shared.journal.try_append(encode, held)?;
        Ok(!void.load(Ordering::Acquire))
    }

    /// What is written becomes what is there; readers see it when it is on disk.
    fn take_effect(&self, mut writing: Writing, grips: Vec<Grip>, graph: &mut Graph) {
        let directory = &self.shared.directory;
        for resident in writing.created {
            graph.twin_is_taken(resident.no);
            directory.name_externally(resident.no, &resident.cell.state().external_ids);
            directory.register(resident);
        }
        let mut rehoused = Vec::new();
        for (edge, at) in &writing.ended {
            graph.end(edge.no, *at, true);
            rehoused.extend((&*edge.relation == CONTAINS).then_some(edge.to));
        }
        let is_observed = |relation: &str| relation == OBSERVES;
        let observers_change = writing.ended.iter().any(|(edge, _)| is_observed(&edge.relation))
            || writing.begun.iter().any(|edge| is_observed(&edge.relation));
        for edge in writing.begun {
            rehoused.extend((&*edge.relation == CONTAINS).then_some(edge.to));
            graph.put(Arc::new(edge));
        }
        let gone: HashSet<TwinNo> = writing.deleted.iter().map(|deleted| deleted.no).collect();
        for grip in grips {
            let no = grip.resident.no;
            if gone.contains(&no) {
                grip.end();
            } else if let Some(face) = writing.changed.remove(&no) {
                let (resident, due) = (grip.resident.clone(), face.due(self.shared.clock.now(), self.shared.wakes.started));
                grip.become_now(face);
                // What was set may have begun a delay.
                due.into_iter().for_each(|due| self.shared.wakes.arm(&resident, due));
            }
        }
        rehoused.sort_unstable();
        rehoused.dedup();
        rehoused.into_iter().filter_map(|no| directory.by_no(no)).for_each(|resident| self.settle_below_its_parent(resident, graph));
        for deleted in writing.deleted {
            let no = deleted.no;
            let external_ids = directory.by_no(no).map(|resident| resident.cell.state().external_ids.clone()).unwrap_or_default();
            directory.depart(deleted, &external_ids);
            directory.forget_branch(no);
        }
        if observers_change {
            self.observers.rebuild(graph, directory);
        }
    }

    fn settle_below_its_parent(&self, resident: Arc<Resident>, graph: &Graph) {
        let now = self.shared.clock.now();
        let edge = graph.incoming(resident.no).find(|edge| &*edge.relation == CONTAINS && edge.holds_at(now));
        let parent = edge.map_or(TwinNo::PARTITION, |edge| edge.from);
        if resident.parent() != parent {
            resident.set_parent(parent);
            self.shared.directory.rehouse(resident);
        }
    }
}

fn outcome(plan: &mut Plan<'_>, seq: Seq) -> Edited {
    let changed = plan.drafts.iter().filter(|draft| !plan.gone.contains(&draft.no));
    let twins =
        changed.map(|draft| TwinChange { before: draft.before.as_ref().map(|(_, state)| state.clone()), after: draft.twin.state.clone() });
    let twins = twins.collect();
    Edited { seq, results: plan.results(), twins, repeated: false }
}

impl Writing {
    /// First who it was, then twins, then edges, then what goes.
    fn of(plan: Plan<'_>, request: &Request, edited: &Edited) -> Writing {
        let at = plan.scene.at;
        let mut writing = Writing {
            entry: Entry { at, facts: Vec::new() },
            structure: Vec::new(),
            outgoing: Vec::new(),
            created: Vec::new(),
            changed: HashMap::default(),
            begun: Vec::new(),
            ended: Vec::new(),
            deleted: Vec::new(),
        };
        writing.sign(request, edited);
        let graph = plan.scene.graph;
        let contained = plan.begun.iter().filter(|edge| &*edge.relation == CONTAINS).map(|edge| (edge.to, edge.from));
        let parents: HashMap<TwinNo, TwinNo> = contained.collect();
        let parent = |no| parents.get(&no).copied().unwrap_or(TwinNo::PARTITION);
        for draft in plan.drafts.into_iter().filter(|draft| !plan.gone.contains(&draft.no)) {
            let (no, state) = (draft.no, draft.twin.state.clone());
            let before = match draft.before {
                Some((_, before)) if draft.events.is_empty() => {
                    debug_assert_eq!(before.revision, state.revision, "without events nothing changes");
                    continue;
                }
                Some((resident, before)) => {
                    writing.outgoing.extend(Outgoing::all(&resident, &draft.events));
                    writing.structure.push(StructureChange::Changed(Change { resident, state: state.clone() }));
                    writing.changed.insert(no, draft.twin);
                    before.revision
                }
                None => {
                    let cell = Arc::new(Cell::new(state.clone(), Seq(0)));
                    let resident = Arc::new(Resident::new(cell, draft.twin, parent(no)));
                    writing.structure.push(StructureChange::Created(resident.clone()));
                    writing.entry.facts.push(Fact::Created { no, id: draft.id, layout: state.layout.fingerprint });
                    writing.created.push(resident);
                    Revision(0)
                }
            };
            writing.entry.facts.push(Fact::Happened { no, before, events: draft.events });
        }
        for (no, end) in plan.ended {
            writing.end_edge(graph.edge(no), no, end);
        }
        for edge in plan.begun {
            writing.structure.push(StructureChange::EdgeBegun(edge.clone()));
            writing.entry.facts.push(Fact::EdgeBegun(Box::new(edge.clone())));
            writing.begun.push(edge);
        }
        for (resident, state) in plan.deleted {
            let deleted = Deleted { no: resident.no, id: resident.id.clone(), applied: state.applied };
            let row = DeletedRow { no: resident.no, id: resident.id.clone(), at, seq: Seq(0) };
            writing.structure.push(StructureChange::Deleted { resident, row });
            writing.entry.facts.push(Fact::Deleted(Box::new(deleted.clone())));
            writing.deleted.push(deleted);
        }
        writing
    }

    fn sign(&mut self, request: &Request, edited: &Edited) {
        let by = request.by.clone();
        let answer = || serde_json::to_value(&edited.results).unwrap_or_default();
        let keyed = request.options.key.as_ref().map(|key| Keyed { key: key.clone(), asked: request.asked, answer: answer() });
        if let Some(keyed) = keyed.clone() {
            let row = AnswerRow { seq: Seq(0), at: self.entry.at, by: by.clone(), keyed };
            self.structure.push(StructureChange::Answered(Box::new(row)));
        }
        self.entry.facts.push(Fact::Edited(Box::new(EditedFact { by, keyed })));
    }

    fn end_edge(&mut self, edge: Option<&Arc<Edge>>, no: EdgeNo, end: crate::reading::Timestamp) {
        self.structure.push(StructureChange::EdgeEnded { edge: no, at: end });
        self.entry.facts.push(Fact::EdgeEnded { edge: no, at: end, live: true });
        self.ended.extend(edge.map(|edge| (edge.clone(), end)));
    }

    /// The first fact only says who it was.
    fn changes_nothing(&self) -> bool {
        self.entry.facts.len() == 1
    }
}
