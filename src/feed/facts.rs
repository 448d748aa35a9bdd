//! What the facts of an entry mean to followers. The one place to touch when there is a new fact.

use std::sync::Arc;

use foldhash::{HashMap, HashSet};

use crate::alarm::AlarmState;
use crate::reading::{Revision, Seq, SlotNo, TwinId, TwinNo};
use crate::twin::{Edge, EdgeNo, Entry, Event, Fact};

use super::change::{Change, ChangeKind, Position};

/// Two changes at most come from one fact.
const CHANGES_PER_FACT: u32 = 2;

/// What facts refer to by number. Numbers are never given again, so an answer of today is right for an old fact.
pub trait Names {
    fn id(&self, twin: TwinNo) -> Option<TwinId>;
    fn edge(&self, edge: EdgeNo) -> Option<Arc<Edge>>;
    /// Whether edges of this relation say where a twin belongs.
    fn is_hierarchy(&self, relation: &str) -> bool;
    /// The path of a slot in the layout with this fingerprint.
    fn slot(&self, layout: u64, slot: SlotNo) -> Option<Box<str>>;
    /// What a twin keeps of a rule at this moment, which may be later than the fact.
    fn alarm(&self, twin: TwinNo, rule: &str) -> Option<AlarmState> {
        let (_, _) = (twin, rule);
        None
    }
}

/// The changes in an entry, in order. The place of a change depends on its fact alone, so cursors outlive a new version that tells more.
///
/// A twin that is deleted by now and whose creation is forgotten has no name any more: of it nothing is told but its deletion.
pub fn changes_of(seq: Seq, entry: &Entry, names: &dyn Names) -> Vec<Change> {
    let gone = entry.facts.iter().filter_map(|fact| match fact {
        Fact::Deleted(deleted) => Some((deleted.no, deleted.id.clone())),
        Fact::Happened { .. }
        | Fact::TypeKnown(_)
        | Fact::Created { .. }
        | Fact::EdgeBegun(_)
        | Fact::EdgeEnded { .. }
        | Fact::Refused(_)
        | Fact::Edited(_) => None,
    });
    let by = entry.facts.iter().find_map(|fact| match fact {
        Fact::Edited(edited) => Some(Arc::from(edited.by.as_str())),
        Fact::Happened { .. }
        | Fact::TypeKnown(_)
        | Fact::Created { .. }
        | Fact::Deleted(_)
        | Fact::EdgeBegun(_)
        | Fact::EdgeEnded { .. }
        | Fact::Refused(_) => None,
    });
    let (created, placed) = (HashMap::default(), HashSet::default());
    let mut reading = Reading { seq, entry, names, by, gone: gone.collect(), created, placed, changes: Vec::new() };
    for (place, fact) in (0..).zip(&entry.facts) {
        reading.take(place, fact);
    }
    reading.changes
}

struct Reading<'a> {
    seq: Seq,
    entry: &'a Entry,
    names: &'a dyn Names,
    /// Who asked for what the entry says.
    by: Option<Arc<str>>,
    /// Deleted in this entry: that their edges end is part of it.
    gone: HashMap<TwinNo, TwinId>,
    /// Made in this entry, and where in `changes` that stands: what else the entry says of them is part of it.
    created: HashMap<TwinNo, (TwinId, usize)>,
    /// Twins whose new place in a hierarchy has been told: the end of the old edge is no change of its own.
    placed: HashSet<TwinNo>,
    changes: Vec<Change>,
}

impl Reading<'_> {
    fn take(&mut self, place: u32, fact: &Fact) {
        match fact {
            Fact::Created { no, id, .. } => {
                self.created.insert(*no, (id.clone(), self.changes.len()));
                self.tell(place, 0, ChangeKind::Created, *no, Some(Revision(0)), Vec::new(), None);
            }
            Fact::Happened { no, before, events } => self.happened(place, *no, Revision(before.0 + events.len() as u64), events),
            Fact::EdgeBegun(edge) => self.edge(place, &Arc::new(edge.as_ref().clone()), ChangeKind::Related),
            Fact::EdgeEnded { edge, .. } => {
                if let Some(edge) = self.names.edge(*edge) {
                    self.edge(place, &edge, ChangeKind::Unrelated);
                }
            }
            Fact::Deleted(deleted) => self.tell(place, 0, ChangeKind::Deleted, deleted.no, None, Vec::new(), None),
            Fact::TypeKnown(_) | Fact::Refused(_) | Fact::Edited(_) => {}
        }
    }

    fn happened(&mut self, place: u32, no: TwinNo, revision: Revision, events: &[Event]) {
        let mut changed: Vec<Box<str>> = Vec::new();
        let (mut is_retyped, mut is_updated) = (false, false);
        for event in events {
            match event {
                Event::PropertySet { slot, layout, .. } | Event::Desired { slot, layout, .. } => {
                    is_updated = true;
                    changed.extend(self.names.slot(*layout, *slot));
                }
                Event::Renamed(_) => {
                    is_updated = true;
                    changed.push("name".into());
                }
                // What it brought stands before it.
                Event::Described { .. } => is_updated = true,
                Event::Relaid(_) => is_retyped = true,
                // Where a twin stands is told by its edges.
                Event::Moved { .. }
                | Event::Computed { .. }
                | Event::Measured(_)
                | Event::Released { .. }
                | Event::Viewed { .. }
                | Event::Turned { .. }
                | Event::Happened(_)
                | Event::Asked(_)
                | Event::Ended { .. }
                | Event::Troubled(_)
                | Event::Switched { .. }
                | Event::Tuned { .. }
                | Event::TakenOut(_)
                | Event::Flood(_)
                | Event::Watched { .. }
                | Event::Read(_)
                | Event::Heard(_)
                | Event::Rejected(_)
                | Event::Numbered(_)
                | Event::Rested => {}
            }
        }
        if let Some((_, created)) = self.created.get(&no) {
            self.changes[*created].revision = Some(revision);
            return;
        }
        changed.sort_unstable();
        changed.dedup();
        if is_retyped {
            self.tell(place, 0, ChangeKind::Retyped, no, Some(revision), Vec::new(), None);
        }
        if is_updated {
            self.tell(place, 1, ChangeKind::Updated, no, Some(revision), changed, None);
        }
    }

    fn edge(&mut self, place: u32, edge: &Arc<Edge>, kind: ChangeKind) {
        if !self.names.is_hierarchy(&edge.relation) {
            return self.tell(place, 0, kind, edge.from, None, vec![Box::from(&*edge.relation)], Some(edge.clone()));
        }
        // A twin that is made has its first place; that is no move. One that is moved loses a place and gets one.
        if self.created.contains_key(&edge.to)
            || self.gone.contains_key(&edge.to)
            || (kind == ChangeKind::Unrelated && self.gets_a_place(edge))
        {
            return;
        }
        if self.placed.insert(edge.to) {
            self.tell(place, 0, ChangeKind::Moved, edge.to, None, vec![Box::from(&*edge.relation)], Some(edge.clone()));
        }
    }

    /// Whether this entry also begins an edge of the same hierarchy to the same twin.
    fn gets_a_place(&self, old: &Edge) -> bool {
        self.entry.facts.iter().any(|fact| matches!(fact, Fact::EdgeBegun(new) if new.to == old.to && new.relation == old.relation))
    }

    #[expect(clippy::too_many_arguments, reason = "it names the parts of a change once")]
    fn tell(
        &mut self,
        place: u32,
        part: u32,
        kind: ChangeKind,
        twin: TwinNo,
        revision: Option<Revision>,
        changed: Vec<Box<str>>,
        edge: Option<Arc<Edge>>,
    ) {
        let made_here = self.created.get(&twin).map(|(id, _)| id.clone()).or_else(|| self.gone.get(&twin).cloned());
        let Some(id) = made_here.or_else(|| self.names.id(twin)) else { return };
        let position = Position { seq: self.seq, index: place * CHANGES_PER_FACT + part };
        self.changes.push(Change { position, kind, twin, id, revision, at: self.entry.at, by: self.by.clone(), changed, edge });
    }
}
