//! What a rule asks of its alarms: who has to see them, and what keeps them open.

use std::time::Duration;

/// The longest time for which an alarm may be shelved, unless the type says otherwise.
pub const SHELVE_MAX: Duration = Duration::from_hours(8);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Somebody has to acknowledge it.
    pub acknowledge: bool,
    /// It stays open until it is reset.
    pub latch: bool,
    /// Acknowledged and still active after this: announced again.
    pub re_alarm: Option<Duration>,
    pub shelve_max: Duration,
    /// `false` (`alarm: false`): only the actions are wanted. Occurrences are counted for the sake of their keys, and nobody sees them.
    pub shown: bool,
    /// Nothing but an acknowledgement can end it: a pattern without `clearWhen` and `clearAfter`.
    pub ends_when_acknowledged: bool,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy { acknowledge: true, latch: false, re_alarm: None, shelve_max: SHELVE_MAX, shown: true, ends_when_acknowledged: false }
    }
}

impl Policy {
    /// Whether a raise (or whatever announces it again) leaves it acknowledged.
    pub(super) fn begins_acknowledged(&self) -> bool {
        !self.acknowledge || !self.shown
    }

    pub(super) fn begins_latched(&self) -> bool {
        self.latch && self.shown
    }
}
