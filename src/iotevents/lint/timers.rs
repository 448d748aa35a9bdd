//! A timer that is reset although it may not be there: nothing happens then, and nobody is told but in a diagnostic (D15).

use std::collections::BTreeSet;

use crate::iotevents::expression::Reference;
use crate::iotevents::file::ActionKind;
use crate::iotevents::finding::{Findings, Kind};

use super::flow::{Knowledge, entered, hearing};
use super::view::{EventView, View};

/// Timers that may not be there, and why.
#[derive(Debug, Clone, Default)]
struct Absent {
    timers: BTreeSet<String>,
    /// Those of them that somebody cleared.
    cleared: BTreeSet<String>,
}

impl Knowledge for Absent {
    fn after(&mut self, event: &EventView<'_>, certain: bool) {
        for action in &event.event.actions {
            match &action.kind {
                ActionKind::SetTimer { timer, .. } if certain => {
                    self.timers.remove(timer.as_str());
                    self.cleared.remove(timer.as_str());
                }
                ActionKind::ClearTimer { timer } => {
                    self.timers.insert(timer.to_string());
                    self.cleared.insert(timer.to_string());
                }
                ActionKind::SetTimer { .. } | ActionKind::ResetTimer { .. } | ActionKind::SetVariable { .. } | ActionKind::Send(_) => {}
            }
        }
    }

    fn join(&mut self, other: &Self) -> bool {
        let before = self.timers.len() + self.cleared.len();
        self.timers.extend(other.timers.iter().cloned());
        self.cleared.extend(other.cleared.iter().cloned());
        self.timers.len() + self.cleared.len() > before
    }
}

pub(super) fn check(view: &View<'_>, findings: &mut Findings) {
    let set: BTreeSet<String> = view
        .actions()
        .filter_map(|action| if let ActionKind::SetTimer { timer, .. } = &action.kind { Some(timer.to_string()) } else { None })
        .collect();
    let begin = Absent { timers: set, cleared: BTreeSet::new() };
    for (state, known) in view.states.iter().zip(entered(view, begin)) {
        let Some(mut absent) = known else { continue };
        let inside = hearing(state, &absent);
        for event in &state.on_enter {
            check_event(event, &absent, findings);
            absent.after(event, event.is_certain());
        }
        for event in state.heard().chain(&state.on_exit) {
            check_event(event, &inside, findings);
        }
    }
}

fn check_event(event: &EventView<'_>, absent: &Absent, findings: &mut Findings) {
    for action in &event.event.actions {
        let ActionKind::ResetTimer { timer } = &action.kind else { continue };
        // Where it has just run out, it is there.
        let just_ran_out = event.asks().contains(&Reference::Timeout(timer));
        if just_ran_out || !absent.timers.contains(timer.as_str()) {
            continue;
        }
        let why = if absent.cleared.contains(timer.as_str()) { "may have been cleared" } else { "may never have been set" };
        let message =
            format!("resetTimer of `{timer}`, which {why} before: it then does nothing, and the timer never runs out; setTimer is meant?");
        findings.warning(Kind::ClearedTimer, &action.place, message);
    }
}
