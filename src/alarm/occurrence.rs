//! One occurrence of an alarm: from its raise until it is closed.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::reading::Timestamp;

use super::change::{CloseReason, Op};
use super::severity::Severity;

/// How many entries of its log a twin keeps: the first and the newest. All of them are history.
pub const LOG_ENTRIES_MAX: usize = 100;

/// Where the condition behind an alarm stands. `Pending` has no occurrence yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Condition {
    Normal,
    Pending,
    Active,
    Recovering,
    /// Normal or pending, while it is not known whether the condition holds. Only shown, never stored.
    NoData,
}

impl Condition {
    pub fn as_str(self) -> &'static str {
        match self {
            Condition::Normal => "NORMAL",
            Condition::Pending => "PENDING",
            Condition::Active => "ACTIVE",
            Condition::Recovering => "RECOVERING",
            Condition::NoData => "NO_DATA",
        }
    }

    pub fn is_active(self) -> bool {
        matches!(self, Condition::Active | Condition::Recovering)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    pub by: SmolStr,
    #[serde(with = "super::stored_time")]
    pub at: Timestamp,
    pub comment: Option<SmolStr>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    pub op: Op,
    #[serde(with = "super::stored_time")]
    pub at: Timestamp,
    #[serde(with = "super::stored_time")]
    pub received: Timestamp,
    /// Who did it; nobody: the rule.
    pub by: Option<SmolStr>,
    pub comment: Option<SmolStr>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occurrence {
    /// Of its identity; the first is 1.
    pub no: u32,
    pub condition: Condition,
    pub severity: Severity,
    pub level: u8,
    /// Fixed at the raise and at each change of level.
    pub text: SmolStr,
    pub acknowledged: bool,
    /// Who acknowledged it; nobody where the rule asks for nobody.
    pub acknowledgement: Option<Acknowledgement>,
    pub latched: bool,
    pub count: u32,
    #[serde(with = "super::stored_time")]
    pub first_true_at: Timestamp,
    #[serde(with = "super::stored_time")]
    pub raised_at: Timestamp,
    #[serde(with = "super::stored_time")]
    pub last_at: Timestamp,
    #[serde(with = "super::stored_time::option")]
    pub cleared_at: Option<Timestamp>,
    /// Who cleared it by hand.
    pub cleared_by: Option<SmolStr>,
    #[serde(with = "super::stored_time::option")]
    pub closed_at: Option<Timestamp>,
    pub closed: Option<CloseReason>,
    /// Since when it is not known whether it still holds.
    #[serde(with = "super::stored_time::option")]
    pub unknown_since: Option<Timestamp>,
    /// `false`: only its actions are wanted, nobody sees it.
    pub shown: bool,
    pub chattering: bool,
    /// The first of a flood.
    pub first_out: bool,
    /// It was raised during a flood.
    pub flood: bool,
    /// When, on the wall, the time until it is announced again began.
    #[serde(with = "super::stored_time::option")]
    pub quiet_since: Option<Timestamp>,
    /// How many changes it has seen: they number its actions.
    pub changes: u32,
    /// Shared with the copies that are made of an alarm while it is decided about.
    #[serde(with = "shared")]
    pub log: Arc<Vec<LogEntry>>,
    /// The evidence of the raise or of the latest change of level, as JSON.
    pub explain: Option<SmolStr>,
}

impl Occurrence {
    pub fn is_open(&self) -> bool {
        self.closed.is_none()
    }

    pub(super) fn note(&mut self, entry: LogEntry) {
        let log = Arc::make_mut(&mut self.log);
        if log.len() >= LOG_ENTRIES_MAX {
            // The raise stays: whatever else is forgotten, it says when and why this began.
            log.remove(1);
        }
        log.push(entry);
    }

    /// Somebody has to look at it again, if anybody ever had to.
    pub(super) fn needs_attention(&mut self, begins_acknowledged: bool) {
        self.acknowledged = begins_acknowledged;
        if !begins_acknowledged {
            self.acknowledgement = None;
            self.quiet_since = None;
        }
    }
}

/// A shared log is stored as the list it is.
mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serializer};

    use super::LogEntry;

    pub(super) fn serialize<S: Serializer>(log: &[LogEntry], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(log)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Vec<LogEntry>>, D::Error> {
        Vec::deserialize(deserializer).map(Arc::new)
    }
}
