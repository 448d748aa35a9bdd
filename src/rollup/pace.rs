//! How often a child reports: at once what is urgent, else at most every so often, and always the last value before it falls silent.

use serde::{Deserialize, Serialize};

use crate::reading::Timestamp;

/// Unless the roll-up says otherwise (`coalesce`).
pub const COALESCE_MICROS: i64 = 250_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pace {
    sent: Option<i64>,
    is_waiting: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Send,
    /// Keep it; the newest is sent when `due` says.
    Wait,
}

impl Pace {
    /// The contribution has changed. `is_urgent`: an alarm edge, or a change of quality.
    pub fn offer(&mut self, now: Timestamp, is_urgent: bool, interval_micros: i64) -> Verdict {
        let is_free = self.due_at(interval_micros).is_none_or(|due| now.0 >= due);
        if is_urgent || is_free {
            *self = Pace { sent: Some(now.0), is_waiting: false };
            return Verdict::Send;
        }
        self.is_waiting = true;
        Verdict::Wait
    }

    /// When what waits is to be sent.
    pub fn due(&self, interval_micros: i64) -> Option<Timestamp> {
        self.due_at(interval_micros).filter(|_| self.is_waiting).map(Timestamp)
    }

    /// Whether something is to be sent now.
    pub fn fire(&mut self, now: Timestamp, interval_micros: i64) -> bool {
        let is_due = self.due(interval_micros).is_some_and(|due| now >= due);
        if is_due {
            *self = Pace { sent: Some(now.0), is_waiting: false };
        }
        is_due
    }

    fn due_at(&self, interval_micros: i64) -> Option<i64> {
        self.sent.map(|sent| sent.saturating_add(interval_micros))
    }
}
