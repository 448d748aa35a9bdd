//! Alarms: what an occurrence is, what may happen to it, and what follows (`rules.md`, 8). Pure: no clock, no I/O.
//!
//! An alarm belongs to an [`Identity`]: a twin, a rule and a key. What is kept of one identity is an [`AlarmState`], which is next to nothing
//! until something happened. A rule tells it a [`Signal`], a person an [`Action`]; both answer with [`Change`]s and alter nothing.
//! [`AlarmState::apply`] is the only place where an alarm changes, live and in replay.

mod action;
mod change;
mod chatter;
mod draft;
mod figures;
mod flood;
mod occurrence;
mod payload;
mod policy;
mod severity;
mod signal;
mod state;
pub mod stored_time;
mod suppression;
#[cfg(test)]
mod tests;
mod timer;
mod view;

pub use action::{Action, Answer, Verdict};
pub use change::{Change, CloseReason, Op, What};
pub use chatter::{CHATTER_QUIET, CHATTER_RAISES, CHATTER_SPAN, Chatter};
pub use figures::{FREQUENT_MAX, Figures, STANDING_AFTER, Summary, figures};
pub use flood::{
    FLOOD_BEGINS_ABOVE, FLOOD_ENDS_BELOW, FLOOD_SPAN, Flood, FloodChange, FloodFact, GROUPED_MAX, NOTICE_EVERY, Notice, Numbers, Ongoing,
    Raise,
};
pub use occurrence::{Acknowledgement, Condition, LOG_ENTRIES_MAX, LogEntry, Occurrence};
pub use payload::{payload, topic};
pub use policy::{Policy, SHELVE_MAX};
pub use severity::Severity;
pub use signal::{EXPLAIN_BYTES_MAX, Evidence, Signal, TEXT_BYTES_MAX};
pub use state::{AlarmState, Identity, alarm_id, worst_severity};
pub use suppression::{OutOfService, Shelf, Suppression, Suppressions};
pub use view::{CumulocityStatus, IotEventsState, OpcUaStates, ShelvingState, cumulocity_status, iot_events_state, opc_ua_states};

use crate::reading::Timestamp;

/// The two times of everything that happens to an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    /// In the time of the data: the rule time.
    pub at: Timestamp,
    /// When we learnt of it.
    pub now: Timestamp,
}

impl When {
    /// What a person does happens when we learn of it.
    pub fn both(now: Timestamp) -> When {
        When { at: now, now }
    }
}
