//! Clocks (`rules.md`, 3.1): that of a member jumps to each newer reading and runs on at wall speed between them; that of a rule is the newest
//! among the members it reads.

use crate::catalog::logic::{Readers, RuleSpec};
use crate::reading::{SlotNo, Timestamp};
use crate::rule::{Kind, Member, silent_at as silence};
use crate::twin::state::{Slot, State, Twin};

use super::detectors::next_timer;
use super::view::due_in_view;

/// How far the clock of a rule is ahead of the wall, in microseconds. Settings have no clock: what a person sets today must not drag a rule that
/// is shown the readings of last year.
pub(super) fn offset(state: &State, spec: &RuleSpec) -> i64 {
    let live = spec.clocks.iter().filter(|slot| slot.is_remote() || state.layout.slot(**slot).section.is_live());
    let ahead = live.map(|slot| state.slot(*slot)).filter(|slot| slot.value.is_some() && slot.received.0 > i64::MIN);
    ahead.map(|slot| slot.time.micros_since(slot.received)).max().unwrap_or(0)
}

/// From when on the members of a rule for missing data are silent, unless a reading comes.
pub(super) fn silent_at(spec: &RuleSpec, twin: &Twin) -> Option<Timestamp> {
    silent_by(spec, twin.state.created, |slot| twin.seen(spec.view, slot))
}

/// The same, by what the members hold.
pub(super) fn silent_by<'s>(spec: &RuleSpec, created: Timestamp, held: impl Fn(SlotNo) -> &'s Slot) -> Option<Timestamp> {
    let Kind::NoData(no_data) = &spec.rule.kind else { return None };
    let member = |slot: &SlotNo| Member { head: held(*slot).value.as_ref().map(|_| held(*slot).time), excused_until: None };
    let members: Vec<Member> = spec.silent.iter().map(member).collect();
    silence(no_data, &members, created)
}

/// When time alone will next matter to the twin, on the wall.
pub(in crate::twin) fn due(twin: &Twin, now: Timestamp) -> Option<Timestamp> {
    let (state, layout) = (&*twin.state, &twin.state.layout);
    let logic = &layout.logic;
    let mut next: Option<Timestamp> = None;
    let mut consider = |due: Option<Timestamp>| {
        if let Some(due) = due {
            next = Some(next.map_or(due, |next| next.min(due)));
        }
    };
    for (no, spec) in (0_u16..).zip(&layout.slots) {
        let Some(age) = spec.telemetry.as_ref().and_then(|rules| rules.stale) else { continue };
        let slot = state.slot(SlotNo(no));
        let is_read = logic.readers(SlotNo(no)).is_some_and(Readers::is_evaluated);
        // What is stale already has been served.
        consider(Some(slot.received.plus(age)).filter(|due| is_read && slot.value.is_some() && *due > now));
    }
    for (place, windowed) in (0_u16..).zip(&logic.windows).filter(|(_, windowed)| windowed.view.is_none()) {
        let of = state.slot(windowed.of);
        let ahead = if of.received.0 == i64::MIN { 0 } else { of.time.micros_since(of.received) };
        consider(twin.windows.due(place, windowed).map(|due| due.shifted(-ahead)));
    }
    for spec in logic.rules.iter().filter(|spec| spec.rule.enabled) {
        let watch = state.watches.get(&spec.rule.id);
        // Nearly all of them.
        if watch.is_default() && !spec.minds_time() {
            continue;
        }
        let on_wall = |due: Timestamp| due.shifted(-offset(state, spec));
        if !watch.is_default() {
            if spec.view.is_none() {
                consider(crate::rule::due(&spec.rule, &watch.rule).map(on_wall));
                consider(watch.alarm.due_in_data().map(on_wall));
            }
            consider(watch.alarm.due_on_wall(&spec.rule.policy));
            consider(next_timer(spec, state).map(|(due, _)| on_wall(due)));
        }
        if !watch.rule.is_active() && spec.view.is_none() {
            // What was silent before has been served.
            consider(silent_at(spec, twin).map(on_wall).filter(|due| *due > now));
        }
        if let Some(hours) = &spec.rule.active {
            consider(hours.next_edge(now));
        }
    }
    consider(state.out_of_service.as_ref().and_then(|out| out.until));
    for (_, watch) in state.watches.iter().filter(|(id, _)| RuleSpec::is_outside(id)) {
        consider(watch.alarm.due_on_wall(&crate::alarm::Policy::default()));
    }
    for view in 0..u16::try_from(logic.views.len()).unwrap_or(u16::MAX) {
        consider(due_in_view(twin, view));
    }
    next
}
