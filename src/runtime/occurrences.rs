//! The occurrences of alarms that figures are made of (`rules.md`, 8.3): those that were raised lately, open or not.
//!
//! Kept in memory and bounded. A start knows those that are open; of those that were closed before it, nobody knows here. So it is said how far
//! back the figures reach.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use foldhash::{HashMap, HashMapExt};
use parking_lot::RwLock;
use smol_str::{SmolStr, format_smolstr};

use crate::alarm::{Change, Occurrence, Op, Summary, What};
use crate::reading::{Timestamp, TwinNo};
use crate::twin::State;

/// Beyond it the oldest are forgotten.
const OCCURRENCES_MAX: usize = 50_000;

#[derive(Debug, Default)]
pub(super) struct Occurrences(RwLock<Kept>);

#[derive(Debug)]
struct Kept {
    /// In the order in which they came.
    all: VecDeque<Known>,
    /// How many were forgotten: by their number, those that are kept are found.
    forgotten: u64,
    /// The number of the newest of each alarm, while it is open.
    open: HashMap<(TwinNo, SmolStr), u64>,
    /// From here on nothing is missing.
    since: Timestamp,
    /// Twins that have counted alarms below them.
    areas: BTreeSet<TwinNo>,
}

impl Default for Kept {
    fn default() -> Kept {
        Kept { all: VecDeque::new(), forgotten: 0, open: HashMap::new(), since: Timestamp(i64::MAX), areas: BTreeSet::new() }
    }
}

#[derive(Debug, Clone)]
struct Known {
    no: u32,
    summary: Summary,
}

impl Occurrences {
    /// An alarm of a rule has changed; `state` is what its twin has become.
    pub(super) fn take(&self, state: &State, rule: &SmolStr, changes: &[Change]) {
        let watch = state.watches.get(rule);
        let chatters = watch.alarm.chatter.as_ref().is_some_and(|chatter| chatter.is_chattering);
        let suppressed = watch.alarm.suppression(state.out_of_service.as_deref()).holds();
        let mut kept = self.0.write();
        for change in changes {
            match &change.what {
                What::Raised { shown: true, .. } => {
                    let summary = summary(state, rule, change.at, change.received);
                    kept.begin(rule, Known { no: change.no, summary: Summary { suppressed, chattering: chatters, ..summary } });
                }
                What::Acknowledged => kept.change(state.no, rule, change.no, |summary| {
                    summary.acknowledged_received.get_or_insert(change.received);
                }),
                What::Cleared { .. } => kept.change(state.no, rule, change.no, |summary| {
                    summary.cleared_at.get_or_insert(change.at);
                }),
                What::Closed(_) => {
                    kept.change(state.no, rule, change.no, |summary| {
                        summary.cleared_at.get_or_insert(change.at);
                    });
                    kept.open.remove(&(state.no, rule.clone()));
                }
                What::Raised { .. }
                | What::Leveled { .. }
                | What::Recovering
                | What::Resumed
                | What::Repeated
                | What::AlarmedAgain { .. }
                | What::Unknown
                | What::Known
                | What::Reset
                | What::Commented
                | What::Shelved(_)
                | What::Unshelved { .. }
                | What::Suppressed { .. }
                | What::Unsuppressed { .. }
                | What::TakenOut(_)
                | What::TwinTakenOut { .. }
                | What::BackInService { .. }
                | What::Corrected
                | What::Flooded { .. }
                | What::Calmed => {}
            }
        }
    }

    /// From here on nothing is missed: these are open now. Those that were open before and are not any more ended unseen.
    pub(super) fn begin_anew<'s>(&self, states: impl Iterator<Item = &'s State>, now: Timestamp) {
        let mut found: Vec<(SmolStr, Known)> = Vec::new();
        for state in states {
            for (rule, watch) in state.watches.iter() {
                found.extend(watch.alarm.open.as_deref().filter(|open| open.shown).map(|open| (rule.clone(), restored(state, rule, open))));
            }
        }
        found.sort_by(|(a_rule, a), (b_rule, b)| {
            let key = |known: &Known| (known.summary.raised_received, known.summary.twin);
            (key(a), a_rule).cmp(&(key(b), b_rule))
        });
        let mut kept = self.0.write();
        kept.since = now;
        let open: BTreeMap<(TwinNo, &SmolStr), u32> = found.iter().map(|(rule, known)| ((known.summary.twin, rule), known.no)).collect();
        let ended: Vec<(TwinNo, SmolStr)> = kept.open.keys().filter(|(twin, rule)| !open.contains_key(&(*twin, rule))).cloned().collect();
        for (twin, rule) in ended {
            if let Some(number) = kept.open.remove(&(twin, rule))
                && let Some(known) = kept.at(number)
            {
                known.summary.cleared_at.get_or_insert(now);
            }
        }
        for (rule, known) in found {
            let place = (known.summary.twin, rule.clone());
            let number = kept.open.get(&place).copied();
            match number.and_then(|number| kept.at(number)).filter(|own| own.no == known.no) {
                Some(own) => *own = known,
                None => kept.begin(&rule, known),
            }
        }
    }

    pub(super) fn area(&self, no: TwinNo) {
        if !self.0.read().areas.contains(&no) {
            self.0.write().areas.insert(no);
        }
    }

    pub(super) fn areas(&self) -> Vec<TwinNo> {
        self.0.read().areas.iter().copied().collect()
    }

    /// Those that are wanted, and from when on none is missing.
    pub(super) fn of(&self, mut is_wanted: impl FnMut(TwinNo) -> bool) -> (Vec<Summary>, Timestamp) {
        let kept = self.0.read();
        (kept.all.iter().filter(|known| is_wanted(known.summary.twin)).map(|known| known.summary.clone()).collect(), kept.since)
    }
}

impl Kept {
    fn begin(&mut self, rule: &SmolStr, known: Known) {
        if self.all.len() >= OCCURRENCES_MAX
            && let Some(oldest) = self.all.pop_front()
        {
            self.forgotten += 1;
            self.since = self.since.max(oldest.summary.raised_received);
        }
        let number = self.forgotten + self.all.len() as u64;
        self.open.insert((known.summary.twin, rule.clone()), number);
        self.all.push_back(known);
    }

    fn at(&mut self, number: u64) -> Option<&mut Known> {
        let place = usize::try_from(number.checked_sub(self.forgotten)?).ok()?;
        self.all.get_mut(place)
    }

    fn change(&mut self, twin: TwinNo, rule: &SmolStr, no: u32, change: impl FnOnce(&mut Summary)) {
        let Some(number) = self.open.get(&(twin, rule.clone())).copied() else { return };
        if let Some(known) = self.at(number).filter(|known| known.no == no) {
            change(&mut known.summary);
        }
    }
}

fn summary(state: &State, rule: &SmolStr, raised_at: Timestamp, raised_received: Timestamp) -> Summary {
    Summary {
        twin: state.no,
        rule: format_smolstr!("{}.{rule}", state.layout.name),
        raised_at,
        cleared_at: None,
        raised_received,
        acknowledged_received: None,
        suppressed: false,
        chattering: false,
    }
}

/// As far as an open one says what became of it.
fn restored(state: &State, rule: &SmolStr, open: &Occurrence) -> Known {
    let raised = open.log.first().filter(|entry| entry.op == Op::Raised);
    let suppressed = state.watches.get(rule).alarm.suppression(state.out_of_service.as_deref()).holds();
    let summary = Summary {
        cleared_at: open.cleared_at,
        acknowledged_received: open.acknowledgement.as_ref().map(|acknowledgement| acknowledgement.at),
        suppressed,
        chattering: open.chattering,
        ..summary(state, rule, open.raised_at, raised.map_or(open.raised_at, |entry| entry.received))
    };
    Known { no: open.no, summary }
}
