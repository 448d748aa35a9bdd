//! The part of a plan that is about twins that go, with their edges and, if that is wanted, with all below them.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::catalog::CONTAINS;
use crate::catalog::structure::Change;
use crate::reading::TwinNo;
use crate::runtime::resident::Resident;
use crate::source::list_some;

use super::plan::{Cause, Plan};
use super::problem::{HAS_CHILDREN, Place, UNKNOWN_TWIN};
use super::{DeleteTwin, OpResult, TWINS_MAX};

impl Plan<'_> {
    pub(super) fn delete(&mut self, delete: &DeleteTwin, place: &Place) -> Option<OpResult> {
        if self.is_new(&delete.id) {
            self.not_applicable(&place.at("id"), format!("`{}` is created in the same change", delete.id), None);
            return None;
        }
        let Some(resident) = self.scene.directory.by_id(&delete.id) else {
            let shown: String = delete.id.chars().take(128).collect();
            self.problems.add(UNKNOWN_TWIN, &place.at("id"), format!("there is no twin `{shown}`"));
            return None;
        };
        let Some(state) = self.scene.held.get(&resident.no).map(|(_, twin)| twin.state.clone()) else {
            self.unheld.push(resident);
            return None;
        };
        self.expect_revision(&state, delete.expected_revision, place);
        let mut ids = Vec::new();
        let mut waiting = VecDeque::from([resident]);
        while let Some(resident) = waiting.pop_front() {
            if self.is_deleted(resident.no) {
                continue;
            }
            if self.deleted.len() >= TWINS_MAX {
                self.not_applicable(place, format!("more than {TWINS_MAX} twins would go in one change: delete it in parts"), None);
                return None;
            }
            if delete.subtree {
                waiting.extend(self.children(resident.no));
            }
            ids.push(resident.id.to_string());
            self.remove(&resident, place);
        }
        Some(OpResult::Deleted { ids })
    }

    fn remove(&mut self, resident: &Arc<Resident>, place: &Place) {
        let Some(state) = self.scene.held.get(&resident.no).map(|(_, twin)| twin.state.clone()) else {
            self.gone.insert(resident.no);
            return self.unheld.push(resident.clone());
        };
        let no = resident.no;
        let edges: Vec<_> = self.scene.graph.out(no).chain(self.scene.graph.incoming(no)).cloned().collect();
        let at = self.scene.at;
        let mut neighbours = vec![resident.id.clone()];
        for edge in edges.iter().filter(|edge| edge.valid_to.is_none_or(|end| end > at) && !self.ended.contains_key(&edge.no)) {
            neighbours.extend([edge.from, edge.to].into_iter().filter_map(|no| self.id_of(no)));
        }
        for edge in edges.iter().filter(|edge| edge.valid_to.is_none_or(|end| end > at)) {
            self.ended.entry(edge.no).or_insert(at.max(edge.valid_from));
        }
        self.changes.push(Change::DeleteTwin { id: resident.id.clone() });
        self.causes.push(Cause { link: None, twins: neighbours, place: place.clone(), target: place.clone() });
        self.gone.insert(no);
        self.deleted.push((resident.clone(), state));
    }

    /// All deletions are known: who stays and is left without a parent by one of them is in its way.
    pub(super) fn check_children(&mut self) {
        let orphaning: Vec<_> = self
            .deleted
            .iter()
            .map(|(resident, _)| {
                let edges = self.scene.graph.out(resident.no).filter(|edge| &*edge.relation == CONTAINS);
                let stay = edges.filter(|edge| edge.valid_to.is_none_or(|end| end > self.scene.at) && !self.moved_away(edge));
                let children: Vec<_> = stay.filter_map(|edge| self.scene.directory.by_no(edge.to)).map(|child| child.id.clone()).collect();
                (resident.id.clone(), children)
            })
            .filter(|(_, children)| !children.is_empty())
            .collect();
        for (id, children) in orphaning {
            let cause = self.causes.iter().rev().find(|cause| cause.link.is_none() && cause.twins.first() == Some(&id));
            let Some(place) = cause.map(|cause| cause.place.clone()) else { continue };
            let message = format!("`{id}` has children: {}", list_some(children.iter().map(|child| child.as_str())));
            let hint = Some("delete with `subtree: true`, or move them first".to_owned());
            self.problems.add_with(HAS_CHILDREN, &place.at("id"), message, hint);
        }
    }

    /// What begins or ends at a twin that goes is not begun; and if its other end stays, that is not what was meant.
    pub(super) fn check_begun(&mut self) {
        let lost: Vec<_> = self.begun.iter().filter(|edge| self.is_deleted(edge.from) || self.is_deleted(edge.to)).cloned().collect();
        self.begun.retain(|edge| !lost.iter().any(|other| other.no == edge.no));
        for edge in lost {
            if self.is_deleted(edge.from) && self.is_deleted(edge.to) {
                continue;
            }
            let gone = self.id_of(if self.is_deleted(edge.from) { edge.from } else { edge.to });
            let link = self.link(&edge);
            let cause = self.causes.iter().rev().find(|cause| cause.link.is_some() && cause.link == link).map(|cause| cause.target.clone());
            if let (Some(gone), Some(place)) = (gone, cause) {
                self.problems.add(UNKNOWN_TWIN, &place, format!("`{gone}` is deleted in the same change"));
            }
        }
    }

    /// The child goes as well, or has got another parent in this change.
    fn moved_away(&self, edge: &crate::twin::Edge) -> bool {
        let has_moved = self.drafts.iter().any(|draft| {
            let moves = |event: &crate::twin::Event| matches!(event, crate::twin::Event::Moved { hierarchy } if &**hierarchy == CONTAINS);
            draft.no == edge.to && draft.events.iter().any(moves)
        });
        has_moved || self.is_deleted(edge.to)
    }

    fn is_deleted(&self, no: TwinNo) -> bool {
        self.gone.contains(&no)
    }

    fn children(&self, no: TwinNo) -> Vec<Arc<Resident>> {
        let below = self.standing(no, CONTAINS, true);
        below.iter().filter_map(|edge| self.scene.directory.by_no(edge.to)).collect()
    }
}
