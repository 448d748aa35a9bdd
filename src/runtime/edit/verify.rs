//! The plan as a whole against the rules: those of the graph on the result, and that unique values are so.

use foldhash::HashMap;

use crate::catalog::Layout;
use crate::catalog::structure::{Breach, Rule, check};
use crate::reading::SlotNo;
use crate::runtime::live_graph::LiveGraph;

use super::plan::{Claim, Plan};
use super::problem::{ALREADY_EXISTS, CARDINALITY, CYCLE, NOT_APPLICABLE, Place, WRONG_TARGET_TYPE};

impl Plan<'_> {
    pub(super) fn verify(&mut self) {
        let scene = &self.scene;
        let live = LiveGraph { catalog: scene.catalog, directory: scene.directory, graph: scene.graph };
        let mut breaches = live.check(std::mem::take(&mut self.changes));
        if !breaches.is_empty() {
            // What was wrong before, because a type was edited, say, is not this change's fault.
            let before = check(scene.catalog, &live, breaches.iter().map(|breach| &breach.twin));
            breaches.retain(|breach| !before.contains(breach));
        }
        for breach in breaches {
            let code = match breach.rule {
                Rule::Undeclared => NOT_APPLICABLE,
                Rule::TargetType => WRONG_TARGET_TYPE,
                Rule::TooMany | Rule::TooFew | Rule::TooFewIncoming | Rule::SecondParent | Rule::ObservedTwice => CARDINALITY,
                Rule::Cycle => CYCLE,
            };
            match self.place_of(&breach) {
                Some(place) => self.problems.add(code, &place, breach.message),
                None => self.problems.add_to_whole(code, breach.message),
            }
        }
    }

    pub(super) fn check_claims(&mut self) {
        for claim in std::mem::take(&mut self.claims) {
            if let Some(other) = self.other_holder(&claim) {
                let draft = &self.drafts[claim.draft];
                let path = &draft.twin.state.layout.slot(claim.slot).path;
                self.problems.add(ALREADY_EXISTS, &claim.place, format!("`{path}` is unique, and `{other}` has the same value"));
            }
        }
    }

    /// What of the change a broken rule is about.
    fn place_of(&self, breach: &Breach) -> Option<Place> {
        let began = self.causes.iter().rev().find(|cause| cause.link.as_ref().is_some_and(|link| breach.edges.contains(link)));
        if let Some(cause) = began {
            let is_of_target = matches!(breach.rule, Rule::TargetType | Rule::Cycle);
            return Some(if is_of_target { cause.target.clone() } else { cause.place.clone() });
        }
        let touches = self.causes.iter().rev().find(|cause| cause.twins.contains(&breach.twin));
        touches.map(|cause| cause.place.clone())
    }

    /// Another twin that has the value, as it was last committed or as it will be.
    fn other_holder(&self, claim: &Claim) -> Option<String> {
        let draft = &self.drafts[claim.draft];
        let state = &draft.twin.state;
        let value = state.slot(claim.slot).value.clone().or_else(|| state.desired(claim.slot).map(|desired| desired.value.clone()))?;
        let spec = state.layout.slot(claim.slot);
        let declared_by = &state.layout.members[usize::from(spec.member)].declared_by;
        let slot_in = |layout: &Layout| -> Option<SlotNo> {
            let slot = layout.slot_by_path(&spec.path)?;
            let member = layout.members.get(usize::from(layout.slot(slot).member))?;
            (member.declared_by == *declared_by).then_some(slot)
        };
        let other = self.drafts.iter().filter(|other| other.no != draft.no);
        let drafted = other.filter(|other| {
            let slot = slot_in(&other.twin.state.layout);
            slot.is_some_and(|slot| other.twin.state.slot(slot).value.as_ref() == Some(&value))
        });
        if let Some(other) = drafted.map(|other| other.id.to_string()).next() {
            return Some(other);
        }
        let mut slots: HashMap<u64, Option<SlotNo>> = HashMap::default();
        let all = self.scene.directory.all();
        let holder = all.iter().find(|resident| {
            let state = resident.cell.state();
            let slot = *slots.entry(state.layout.fingerprint).or_insert_with(|| slot_in(&state.layout));
            let has_it = slot.is_some_and(|slot| state.slot(slot).value.as_ref() == Some(&value));
            has_it && !self.drafts.iter().any(|draft| draft.no == resident.no) && !self.gone.contains(&resident.no)
        });
        holder.map(|resident| resident.id.to_string())
    }
}
