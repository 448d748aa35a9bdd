//! Where one rule stands on one twin.

use serde::{Deserialize, Serialize};

use crate::alarm::Condition;
use crate::reading::Timestamp;

use super::pattern::PatternState;

/// Before anything has happened it is its default, which needs not be stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleState {
    pub phase: Phase,
    /// The rule time of the latest transition. Rule time never runs backwards.
    #[serde(with = "crate::alarm::stored_time")]
    pub last: Timestamp,
    /// Since when it is not known whether the condition holds.
    #[serde(with = "crate::alarm::stored_time::option")]
    pub unknown_since: Option<Timestamp>,
    /// The present level; while pending, the one it would be raised at.
    pub level: u8,
    /// Cleared by hand: it raises nothing until its condition has been false once.
    pub disarmed: bool,
    /// Pendings that ended without an alarm.
    pub avoided: u32,
    pub pattern: Option<Box<PatternState>>,
    /// Of a rule that looks at certain instants only: the next of them, on the wall. `None` until it has looked once.
    #[serde(default, with = "crate::alarm::stored_time::option", skip_serializing_if = "Option::is_none")]
    pub looks_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    Normal,
    Pending {
        #[serde(with = "crate::alarm::stored_time")]
        since: Timestamp,
        /// Microseconds for which the delay stood still, because the condition was unknown.
        stood: i64,
    },
    Active {
        /// When it was raised, or last happened again.
        #[serde(with = "crate::alarm::stored_time")]
        since: Timestamp,
    },
    Recovering {
        #[serde(with = "crate::alarm::stored_time")]
        since: Timestamp,
        stood: i64,
    },
}

impl Default for RuleState {
    fn default() -> RuleState {
        RuleState {
            phase: Phase::Normal,
            last: Timestamp(i64::MIN),
            unknown_since: None,
            level: 0,
            disarmed: false,
            avoided: 0,
            pattern: None,
            looks_at: None,
        }
    }
}

impl RuleState {
    pub fn is_default(&self) -> bool {
        *self == RuleState::default()
    }

    pub(super) fn is_at_rest(&self) -> bool {
        self.phase == Phase::Normal && self.unknown_since.is_none() && !self.disarmed && self.pattern.is_none()
    }

    /// Since when it is in its phase; `None` where nothing has happened yet or it is normal.
    pub fn since(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::Normal => None,
            Phase::Pending { since, .. } | Phase::Active { since } | Phase::Recovering { since, .. } => Some(since),
        }
    }

    /// `alarm.<rule>` in expressions.
    pub fn is_active(&self) -> bool {
        matches!(self.phase, Phase::Active { .. } | Phase::Recovering { .. })
    }

    /// As the API shows it.
    pub fn condition(&self) -> Condition {
        match self.phase {
            Phase::Normal | Phase::Pending { .. } if self.unknown_since.is_some() => Condition::NoData,
            Phase::Normal => Condition::Normal,
            Phase::Pending { .. } => Condition::Pending,
            Phase::Active { .. } => Condition::Active,
            Phase::Recovering { .. } => Condition::Recovering,
        }
    }
}
