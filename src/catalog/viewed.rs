//! Reordered views (`rules.md`, 3.3): which readings wait for older ones, how long, and what sees them only then.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::reading::SlotNo;

use super::layout::{Duplicates, SlotSpec};
use super::logic::Logic;

/// Of one type: so many different times to wait.
pub const VIEWS_MAX: usize = 4;

/// What waits so long sees one view. Also as it is remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewSpec {
    /// How long readings wait, in microseconds.
    pub reorder: i64,
    /// Telemetry whose readings wait, in rising order.
    pub members: Vec<u16>,
    /// Of those: the ones where the first of two values of one instant counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub firsts: Vec<u16>,
    /// Slots of values that are computed in the view, in rising order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub computed: Vec<u16>,
    /// Places of the windows that hear of readings when they are released.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<u16>,
    /// Places of the rules that see it. They are not needed to read what was written under an older form of the type.
    #[serde(skip)]
    pub rules: Vec<u16>,
}

impl ViewSpec {
    pub fn is_member(&self, slot: SlotNo) -> bool {
        self.members.binary_search(&slot.0).is_ok()
    }

    /// Whether the view has a value of its own for it.
    pub fn has(&self, slot: SlotNo) -> bool {
        self.is_member(slot) || self.computed.binary_search(&slot.0).is_ok()
    }

    /// How far a view is behind the clock of its members: what is older than `clock - reorder` is released, strictly.
    pub fn delay(&self) -> i64 {
        self.reorder.saturating_add(1)
    }
}

impl Logic {
    /// To be called behind `settle`: who waits, and how long. `Err`: there are more different times than a type may have.
    pub fn assign_views(&mut self, slots: &[SlotSpec]) -> Result<(), usize> {
        let reorder_of = |slot: &SlotNo| {
            let rules = slots.get(slot.index()).and_then(|spec| spec.telemetry.as_ref());
            rules.map_or(0, |rules| i64::try_from(rules.reorder.as_micros()).unwrap_or(i64::MAX))
        };
        let of_rules: Vec<i64> = self.rules.iter().map(|spec| waiting_time(spec.reorder, &spec.clocks, reorder_of)).collect();
        let of_windows: Vec<i64> =
            self.windows.iter().map(|window| self.members_behind(window.of).iter().map(reorder_of).max().unwrap_or(0)).collect();
        let times: BTreeSet<i64> = of_rules.iter().chain(&of_windows).copied().filter(|time| *time > 0).collect();
        let mut views = Vec::new();
        for time in times {
            let places = |of: &[i64]| (0_u16..).zip(of).filter(|(_, other)| **other == time).map(|(place, _)| place).collect::<Vec<_>>();
            let mut view = ViewSpec { reorder: time, rules: places(&of_rules), windows: places(&of_windows), ..ViewSpec::default() };
            self.fill(&mut view, slots);
            // What reads no telemetry has nothing to wait for.
            if !view.members.is_empty() {
                views.push(view);
            }
        }
        let count = views.len();
        self.set_views(views);
        if count > VIEWS_MAX { Err(count) } else { Ok(()) }
    }

    /// Who sees which.
    pub fn set_views(&mut self, views: Vec<ViewSpec>) {
        let mut of_rules = vec![None; self.rules.len()];
        let mut of_windows = vec![None; self.windows.len()];
        for (no, view) in (0_u16..).zip(&views) {
            for (places, of) in [(&view.rules, &mut of_rules), (&view.windows, &mut of_windows)] {
                for place in places {
                    if let Some(of) = of.get_mut(usize::from(*place)) {
                        *of = Some(no);
                    }
                }
            }
        }
        self.rules.iter_mut().zip(of_rules).for_each(|(spec, view)| spec.view = view);
        self.windows.iter_mut().zip(of_windows).for_each(|(window, view)| window.view = view);
        self.views = views.into();
    }

    /// The view of a window or a rule.
    pub fn view(&self, no: u16) -> Option<&ViewSpec> {
        self.views.get(usize::from(no))
    }

    /// Whether readings of it wait in some view.
    pub fn is_awaited(&self, slot: SlotNo) -> bool {
        self.views.iter().any(|view| view.is_member(slot))
    }

    /// What its rules and windows need: telemetry, and what is computed from it.
    fn fill(&self, view: &mut ViewSpec, slots: &[SlotSpec]) {
        let mut needed: BTreeSet<u16> = BTreeSet::new();
        for place in &view.rules {
            needed.extend(self.rules[usize::from(*place)].reads.iter().map(|slot| slot.0));
        }
        for place in &view.windows {
            let window = &self.windows[usize::from(*place)];
            needed.insert(window.of.0);
            needed.extend(self.slots_of(window.gate(), &[]).iter().map(|slot| slot.0));
        }
        // Each reads only those before it.
        for computed in self.computed.iter().rev() {
            if needed.contains(&computed.slot.0) {
                needed.extend(computed.reads.iter().map(|slot| slot.0));
                view.computed.push(computed.slot.0);
            }
        }
        view.computed.sort_unstable();
        let telemetry = |slot: &u16| slots.get(usize::from(*slot)).and_then(|spec| spec.telemetry.as_ref());
        view.members = needed.iter().copied().filter(|slot| telemetry(slot).is_some()).collect();
        let keeps_first = |slot: &u16| telemetry(slot).is_some_and(|rules| rules.duplicates != Duplicates::Last);
        view.firsts = view.members.iter().copied().filter(keeps_first).collect();
    }

    /// The slots that a value comes from in the end.
    fn members_behind(&self, slot: SlotNo) -> BTreeSet<SlotNo> {
        let (mut behind, mut next) = (vec![slot], 0);
        while let Some(slot) = behind.get(next).copied() {
            next += 1;
            let reads = self.computed.iter().find(|computed| computed.slot == slot).map(|computed| &*computed.reads);
            let of = self.windows.iter().find(|window| window.slot == slot).map(|window| window.of);
            for slot in reads.unwrap_or_default().iter().copied().chain(of) {
                if !behind.contains(&slot) {
                    behind.push(slot);
                }
            }
        }
        behind.into_iter().collect()
    }
}

/// Its own, else the longest of the members that it reads.
fn waiting_time(own: Option<std::time::Duration>, clocks: &[SlotNo], reorder_of: impl Fn(&SlotNo) -> i64) -> i64 {
    match own {
        Some(own) => i64::try_from(own.as_micros()).unwrap_or(i64::MAX),
        None => clocks.iter().map(reorder_of).max().unwrap_or(0),
    }
}
