//! Limits of AWS. None of them is ours, so they are warnings: the file runs here and would not have run there.

use crate::iotevents::file::{ActionKind, Length};
use crate::iotevents::finding::{Findings, Kind};

use super::view::{StateView, UseKind, View};

const STATES: usize = 20;
const TRANSITIONS: usize = 20;
const EVENTS: usize = 20;
const ACTIONS: usize = 10;
const SECONDS: std::ops::RangeInclusive<u64> = 60..=31_622_400;
const CONTENT_BYTES: usize = 1024;

pub(super) fn check(view: &View<'_>, findings: &mut Findings) {
    let mut count = |count: usize, max: usize, what: &str, place: &str| {
        if count > max {
            findings.warning(Kind::ServiceLimits, place, format!("{count} {what}; AWS allows {max}"));
        }
    };
    count(view.states.len(), STATES, "states", &view.model.place);
    for state in &view.states {
        let events = state.on_enter.len() + state.on_input.len() + state.on_exit.len();
        count(state.transitions.len(), TRANSITIONS, "transition events in one state", &state.state.place);
        count(events, EVENTS, "events in one state", &state.state.place);
        for event in state.events() {
            count(event.event.actions.len(), ACTIONS, "actions in one event", event.place());
        }
    }
    for state in &view.states {
        check_lengths(state, findings);
    }
}

fn check_lengths(state: &StateView<'_>, findings: &mut Findings) {
    for event in state.events() {
        for action in &event.event.actions {
            if let ActionKind::SetTimer { timer, length: Length::Seconds(seconds) } = &action.kind
                && !SECONDS.contains(seconds)
            {
                let message = format!(
                    "timer `{timer}` of {seconds} s; AWS allows {} to {} s, here it runs as it says",
                    SECONDS.start(),
                    SECONDS.end()
                );
                findings.warning(Kind::ServiceLimits, &action.place, message);
            }
        }
        for used in &event.uses {
            if let UseKind::Content(payload) = used.kind
                && payload.content.len() > CONTENT_BYTES
            {
                let message = format!("a content expression of {} bytes; AWS allows {CONTENT_BYTES}", payload.content.len());
                findings.warning(Kind::ServiceLimits, used.place, message);
            }
        }
    }
}
