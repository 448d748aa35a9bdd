//! Areas: the twins where alarms of all below are counted (`rules.md`, 8.3). Here it is known which they are and what lies below them; whether
//! alarms come in a flood is decided by the twin of the area, from what it is told, and is in its journal.
//!
//! An area is a twin whose type says `alarmArea`, or a root with something below it. Its own alarms count with those below.
//!
//! The courier tells it of alarms in the order of their commits, and asks it about notifications in the same order: so those that follow from the
//! alarm that begins a flood are kept back already.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use smol_str::SmolStr;
use tokio::sync::oneshot;

use crate::alarm::{Change, FLOOD_SPAN, Identity, Occurrence, Op, Raise, What, alarm_id};
use crate::catalog::CONTAINS;
use crate::reading::{Timestamp, TwinId, TwinNo};
use crate::rule::Ask;
use crate::twin::{Flooded, RECENT_SPAN_S, State, is_notice};

use super::Runtime;
use super::outbox::Courier;
use super::resident::Resident;
use super::twin_actor::{GroupedKey, TwinMsg};

/// How far up areas are looked for: no hierarchy is deeper.
const DEPTH_MAX: usize = 256;

impl Runtime {
    /// The areas that a twin's alarms belong to, the nearest first.
    pub(super) fn areas_of(&self, resident: &Arc<Resident>) -> Vec<Arc<Resident>> {
        let (mut areas, mut at) = (Vec::new(), resident.clone());
        for depth in 0..DEPTH_MAX {
            let above = self.above(at.no);
            if self.is_named_area(&at) || (above.is_none() && (depth > 0 || self.has_below(at.no))) {
                areas.push(at);
            }
            match above.and_then(|no| self.shared.directory.by_no(no)) {
                Some(above) => at = above,
                None => break,
            }
        }
        areas
    }

    /// A twin and those above it in the primary hierarchy.
    pub(super) fn path_to(&self, no: TwinNo) -> Vec<TwinNo> {
        let mut path = vec![no];
        while let Some(above) = path.last().and_then(|no| self.above(*no)).filter(|_| path.len() < DEPTH_MAX) {
            path.push(above);
        }
        path
    }

    fn is_named_area(&self, resident: &Resident) -> bool {
        let bindings = self.bindings.load();
        bindings.catalog.layout(&resident.cell.peek().layout.name).is_some_and(|layout| layout.alarm_area)
    }

    fn above(&self, no: TwinNo) -> Option<TwinNo> {
        let (now, mut found) = (self.shared.clock.now(), None);
        self.committed.each_in(no, &mut |edge| {
            if &*edge.relation == CONTAINS && edge.holds_at(now) {
                found = Some(edge.from);
            }
        });
        found
    }

    fn has_below(&self, no: TwinNo) -> bool {
        let (now, mut found) = (self.shared.clock.now(), false);
        self.committed.each_out(no, &mut |edge| found |= &*edge.relation == CONTAINS && edge.holds_at(now));
        found
    }
}

impl Courier<'_> {
    /// Alarms of a rule changed: those that were raised count in the areas above.
    pub(super) fn count(&self, resident: &Arc<Resident>, rule: &SmolStr, changes: &[Change]) {
        let state = resident.cell.state();
        self.runtime.occurrences.take(&state, rule, changes);
        let raises: Vec<Raise> = changes.iter().filter_map(|change| raise(&state, rule, change)).collect();
        if !raises.is_empty() {
            for area in self.runtime.areas_of(resident) {
                self.runtime.shared.directory.send(&area, TwinMsg::Counted(raises.clone()));
            }
        }
    }

    /// After a start, or where too much came to tell of it: areas are told of all that is open and that they may not have heard of.
    pub(super) fn count_again(&self) {
        let (states, now) = (self.runtime.alarmed().iter().map(|cell| cell.state()).collect::<Vec<_>>(), self.runtime.shared.clock.now());
        self.runtime.occurrences.begin_anew(states.iter().map(|state| &**state), now);
        let mut untold: BTreeMap<TwinNo, (Arc<Resident>, Vec<Raise>)> = BTreeMap::new();
        for state in &states {
            let Some(resident) = self.runtime.shared.directory.by_no(state.no) else { continue };
            let raises: Vec<Raise> = open(state).filter_map(|(rule, open)| reraise(state, rule, open)).collect();
            for area in if raises.is_empty() { Vec::new() } else { self.runtime.areas_of(&resident) } {
                let known_until = known_until(&area.cell.peek(), now, self.runtime.shared.config.passivate_after);
                let news = raises.iter().filter(|raise| raise.received >= known_until).cloned();
                untold.entry(area.no).or_insert_with(|| (area, Vec::new())).1.extend(news);
            }
        }
        for (_, (area, mut raises)) in untold {
            raises.sort_by(|a, b| (a.received, a.at, &a.id).cmp(&(b.received, b.at, &b.id)));
            if !raises.is_empty() {
                self.runtime.shared.directory.send(&area, TwinMsg::Counted(raises));
            }
        }
    }

    /// A twin that counts alarms. After a start the marks of a flood that is on are set once more, where they were lost.
    pub(super) fn is_area(&self, area: &Arc<Resident>) {
        let newest: Vec<Raise> = area.cell.peek().flood.iter().flat_map(|flood| flood.newest().to_vec()).collect();
        self.mark(area, &newest);
    }

    /// What was counted in a flood is marked as such, with those that made it one, and its first.
    pub(super) fn mark(&self, area: &Arc<Resident>, raises: &[Raise]) {
        self.runtime.occurrences.area(area.no);
        let state = area.cell.state();
        let Some(ongoing) = state.flood.as_ref().and_then(|flood| flood.ongoing()) else { return };
        let mut marked: BTreeMap<&str, Timestamp> = ongoing.began_with.iter().map(|id| (id.as_str(), ongoing.since)).collect();
        let counted = raises.iter().filter(|raise| raise.at >= ongoing.since);
        marked.extend(counted.map(|raise| (raise.id.as_str(), raise.at)));
        for (id, at) in marked {
            let first_out = id == ongoing.first_out;
            let Some((resident, rule, no)) = self.alarm(id) else { continue };
            let lacks_mark = resident
                .cell
                .peek()
                .watches
                .get(rule)
                .alarm
                .open
                .as_ref()
                .is_some_and(|open| open.no == no && !(open.flood && (open.first_out || !first_out)));
            if lacks_mark {
                let flooded = Flooded { rule: rule.into(), no, first_out, at };
                self.runtime.shared.directory.send(&resident, TwinMsg::Flooded(Box::new(flooded)));
            }
        }
    }

    fn alarm<'i>(&self, id: &'i str) -> Option<(Arc<Resident>, &'i str, u32)> {
        let mut parts = id.strip_prefix("alarm/")?.split('/');
        let (twin, rule, no) = (parts.next()?, parts.next()?, parts.next()?.parse().ok()?);
        Some((self.runtime.shared.directory.by_id(twin)?, rule, no))
    }

    /// Whether a notification is part of what people are told in sums: the nearest area with a flood keeps it back.
    pub(super) async fn is_grouped(&self, resident: &Arc<Resident>, key: &SmolStr, ask: &Ask) -> bool {
        let receiver = match ask {
            Ask::Publish { .. } => SmolStr::default(),
            Ask::Webhook { name, .. } => name.clone(),
            Ask::Set { .. } | Ask::Emit { .. } | Ask::Command { .. } | Ask::Raise { .. } | Ask::Lower { .. } => return false,
        };
        if is_notice(key) {
            return false;
        }
        for area in self.runtime.areas_of(resident) {
            let (answer, grouped) = oneshot::channel();
            let which = GroupedKey { key: key.clone(), receiver: receiver.clone() };
            self.runtime.shared.directory.send(&area, TwinMsg::Grouped(which, answer));
            // An area whose actor has a fault keeps nothing back.
            if grouped.await.unwrap_or(false) {
                return true;
            }
        }
        false
    }
}

fn raise(state: &State, rule: &SmolStr, change: &Change) -> Option<Raise> {
    let What::Raised { severity, shown: true, .. } = &change.what else { return None };
    let id = id(&state.id, rule, change.no);
    is_announced(state, rule).then_some(Raise { at: change.at, received: change.received, id, severity: *severity })
}

/// As it was when it was raised, as far as its log says so.
fn reraise(state: &State, rule: &SmolStr, open: &Occurrence) -> Option<Raise> {
    let raised = open.log.first().filter(|entry| entry.op == Op::Raised)?;
    let id = id(&state.id, rule, open.no);
    is_announced(state, rule).then_some(Raise { at: raised.at, received: raised.received, id, severity: open.severity })
}

fn open(state: &State) -> impl Iterator<Item = (&SmolStr, &Occurrence)> {
    state.watches.iter().filter_map(|(rule, watch)| Some((rule, watch.alarm.open.as_deref().filter(|open| open.shown)?)))
}

fn is_announced(state: &State, rule: &str) -> bool {
    !state.watches.get(rule).alarm.suppression(state.out_of_service.as_deref()).holds()
}

fn id(twin: &TwinId, rule: &SmolStr, no: u32) -> SmolStr {
    alarm_id(twin, &Identity { rule: rule.clone(), key: SmolStr::default() }, no).into()
}

/// What was received before has been counted, or is of no interest any more. What came together with the newest may have been counted behind it:
/// of an area that did not rest since, all of that is known by name, so it may be told again.
fn known_until(area: &State, now: Timestamp, rests_after: Duration) -> Timestamp {
    let newest = area.flood.as_ref().and_then(|flood| flood.newest().iter().map(|raise| raise.received).max());
    match newest {
        Some(newest) if newest >= now.minus(rests_after) => newest.shifted(-RECENT_SPAN_S * 1_000_000),
        Some(newest) => newest.shifted(1),
        None => now.minus(FLOOD_SPAN),
    }
}
