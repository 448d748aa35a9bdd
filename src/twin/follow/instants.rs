//! Rules that look at certain instants only (`at`; `rules.md`, 7): on the wall, whatever comes in between. A rule that waits for older readings
//! looks when it has seen all up to the instant.
//!
//! Which instant is the next one is a fact. So each is looked at once: what passed while nobody was there, or while a wake-up waited its turn, is
//! looked at in order before anything else, with what time alone had brought until then.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::catalog::Layout;
use crate::catalog::logic::RuleSpec;
use crate::reading::Timestamp;
use crate::rule::{Fact, Step as RuleStep, Transition};
use crate::twin::event::Event;
use crate::twin::state::State;

use super::changes::Changes;
use super::{Follower, Moment, clock};

/// Looks of one input, of all rules together: their facts are one entry of the journal. More, as after a long stop, are taken with the next one,
/// which is due at once.
const LOOKS_AT_ONCE_MAX: usize = 1000;
/// There is no further one.
const NEVER: Timestamp = Timestamp(i64::MAX);

impl Follower<'_> {
    /// Looks at the instants that have come, in order. `false`: there are more than can be looked at for one input.
    pub(super) fn serve_instants(&mut self, has_come: impl Fn(Timestamp) -> bool) -> bool {
        if self.layout.logic.timed.is_empty() {
            return true;
        }
        let layout = self.layout.clone();
        let rules = &layout.logic.rules;
        let due = |follower: &Self, place: &u16| Some((due(&follower.twin.state, rules.get(usize::from(*place))?)?, *place));
        let mut agenda: BTreeSet<(Timestamp, u16)> = layout.logic.timed.iter().filter_map(|place| due(self, place)).collect();
        let mut looked: BTreeMap<u16, (Timestamp, Timestamp)> = BTreeMap::new();
        let now = self.now;
        let next = |agenda: &BTreeSet<(Timestamp, u16)>| agenda.first().map(|(at, _)| *at).filter(|at| has_come(*at));
        let mut looks = 0;
        while looks < LOOKS_AT_ONCE_MAX {
            let Some(at) = next(&agenda) else { break };
            let later = agenda.split_off(&(at.shifted(1), 0));
            let places: Vec<u16> = std::mem::replace(&mut agenda, later).into_iter().map(|(_, place)| place).collect();
            looks += places.len();
            self.now = at;
            self.pass();
            self.look_together(&places);
            for place in places {
                let spec = &rules[usize::from(place)];
                let next = after(spec, at.shifted(-delay(&layout, spec)));
                looked.insert(place, (at, next));
                if next < NEVER {
                    agenda.insert((next.shifted(delay(&layout, spec)), place));
                }
            }
        }
        for (place, (at, next)) in looked {
            // What falls due behind that does so at its own time, however late this is told.
            self.now = at;
            self.note_next(&rules[usize::from(place)], next);
        }
        self.now = now;
        next(&agenda).is_none()
    }

    /// Rules whose instant is now; those whose clocks show the same time see one another's alarms.
    fn look_together(&mut self, places: &[u16]) {
        let layout = self.layout.clone();
        let mut by_clock: BTreeMap<Timestamp, Vec<u16>> = BTreeMap::new();
        for place in places {
            let spec = &layout.logic.rules[usize::from(*place)];
            let clock = self.time_in(spec.view, self.now.shifted(clock::offset(&self.twin.state, spec)));
            by_clock.entry(clock).or_default().push(*place);
        }
        for (clock, places) in by_clock {
            let moment = Moment { instant_of: &places, ..Moment::new(clock, &[]) };
            self.judge(places.iter().copied().collect(), Changes::default(), moment);
        }
    }

    /// It is switched on: it did not miss what passed before.
    pub(super) fn look_from_now(&mut self, rule: &str) {
        let layout = self.layout.clone();
        if let Some(spec) = layout.rule(rule).filter(|spec| spec.rule.at.is_some()) {
            self.note_next(spec, after(spec, self.now));
        }
    }

    /// The type has another form: what looks at other instants now, or did not look before, begins now.
    pub(super) fn look_anew(&mut self, old: &Layout) {
        let layout = self.layout.clone();
        for spec in layout.logic.timed.iter().map(|place| &layout.logic.rules[usize::from(*place)]) {
            let goes_on = old.rule(&spec.rule.id).is_some_and(|before| before.rule.at == spec.rule.at && before.rule.enabled);
            if !goes_on {
                self.note_next(spec, after(spec, self.now));
            }
        }
    }

    fn note_next(&mut self, spec: &RuleSpec, next: Timestamp) {
        let clock = self.time_in(spec.view, self.now.shifted(clock::offset(&self.twin.state, spec)));
        let at = self.watch(spec).rule.last.max(clock);
        let looked = Fact::Rule(Transition { at, step: RuleStep::Looked { next } });
        self.push(Event::Watched { rule: spec.rule.id.clone(), fact: Box::new(looked) });
    }
}

/// When it looks next, on the wall.
pub(super) fn due(state: &State, spec: &RuleSpec) -> Option<Timestamp> {
    let is_off = spec.rule.at.is_none() || !spec.rule.enabled || state.disabled.contains(&spec.rule.id);
    if is_off {
        return None;
    }
    let next = state.watches.get(&spec.rule.id).rule.looks_at.unwrap_or_else(|| after(spec, state.created));
    (next < NEVER).then(|| next.shifted(delay(&state.layout, spec)))
}

fn after(spec: &RuleSpec, time: Timestamp) -> Timestamp {
    spec.rule.at.as_ref().and_then(|instants| instants.next_after(time)).unwrap_or(NEVER)
}

/// How long after the instant it has seen all that was before.
fn delay(layout: &Arc<Layout>, spec: &RuleSpec) -> i64 {
    spec.view.and_then(|view| layout.logic.view(view)).map_or(0, |view| view.delay())
}
