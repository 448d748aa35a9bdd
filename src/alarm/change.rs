//! Facts about one alarm, past tense. An occurrence is nothing but what they add up to.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::reading::Timestamp;

use super::severity::Severity;
use super::suppression::{OutOfService, Shelf};

/// What readers of the log are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Op {
    Raised,
    Updated,
    Acknowledged,
    Cleared,
    Shelved,
    Unshelved,
    Suppressed,
    Unsuppressed,
    Commented,
    Reset,
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CloseReason {
    /// It went back to normal and nobody has to do anything about it any more.
    Returned,
    Superseded,
    Manual,
    Schedule,
    RuleDisabled,
    RuleRemoved,
    RuleChanged,
    TwinDeleted,
    TwinRetyped,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The occurrence it is about; 0: the identity, while nothing is open.
    pub no: u32,
    /// Its number among the changes of its occurrence; the first is 1.
    pub serial: u32,
    #[serde(with = "super::stored_time")]
    pub at: Timestamp,
    #[serde(with = "super::stored_time")]
    pub received: Timestamp,
    pub by: Option<SmolStr>,
    pub comment: Option<SmolStr>,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    Raised {
        #[serde(with = "super::stored_time")]
        first_true_at: Timestamp,
        level: u8,
        severity: Severity,
        text: SmolStr,
        acknowledged: bool,
        latched: bool,
        shown: bool,
        explain: Option<SmolStr>,
    },
    /// The level (or, of a detector, the severity) is another one.
    Leveled {
        level: u8,
        severity: Severity,
        text: SmolStr,
        acknowledged: bool,
        up: bool,
        explain: Option<SmolStr>,
    },
    Recovering,
    /// Active again before the off-delay was over.
    Resumed,
    /// It happened again while it was active.
    Repeated,
    /// Acknowledged, and still active after `reAlarm`.
    AlarmedAgain {
        acknowledged: bool,
    },
    Unknown,
    Known,
    Cleared {
        explain: Option<SmolStr>,
    },
    Acknowledged,
    Reset,
    Commented,
    Shelved(Shelf),
    /// `announced`: nothing else suppresses it and it is active, so it is told again.
    Unshelved {
        announced: bool,
        acknowledged: bool,
    },
    Suppressed {
        cause: SmolStr,
    },
    Unsuppressed {
        announced: bool,
        acknowledged: bool,
    },
    TakenOut(OutOfService),
    /// The twin itself is out of service, or back; the twin keeps that, the alarm only notes it.
    TwinTakenOut {
        reason: SmolStr,
    },
    BackInService {
        announced: bool,
        acknowledged: bool,
    },
    /// The data behind it was corrected late; it is noted and changes nothing.
    Corrected,
    /// It came in a flood, perhaps as its first.
    Flooded {
        first_out: bool,
    },
    Closed(CloseReason),
    /// Ten quiet minutes: it is not chattering any more.
    Calmed,
}

impl CloseReason {
    pub fn as_str(self) -> &'static str {
        match self {
            CloseReason::Returned => "RETURNED",
            CloseReason::Superseded => "SUPERSEDED",
            CloseReason::Manual => "MANUAL",
            CloseReason::Schedule => "SCHEDULE",
            CloseReason::RuleDisabled => "RULE_DISABLED",
            CloseReason::RuleRemoved => "RULE_REMOVED",
            CloseReason::RuleChanged => "RULE_CHANGED",
            CloseReason::TwinDeleted => "TWIN_DELETED",
            CloseReason::TwinRetyped => "TWIN_RETYPED",
        }
    }
}

impl Op {
    pub fn as_str(self) -> &'static str {
        match self {
            Op::Raised => "RAISED",
            Op::Updated => "UPDATED",
            Op::Acknowledged => "ACKNOWLEDGED",
            Op::Cleared => "CLEARED",
            Op::Shelved => "SHELVED",
            Op::Unshelved => "UNSHELVED",
            Op::Suppressed => "SUPPRESSED",
            Op::Unsuppressed => "UNSUPPRESSED",
            Op::Commented => "COMMENTED",
            Op::Reset => "RESET",
            Op::Closed => "CLOSED",
        }
    }
}

impl What {
    pub fn op(&self) -> Op {
        match self {
            What::Raised { .. } => Op::Raised,
            What::Leveled { .. }
            | What::Recovering
            | What::Resumed
            | What::Repeated
            | What::AlarmedAgain { .. }
            | What::Unknown
            | What::Known
            | What::Corrected
            | What::Flooded { .. }
            | What::Calmed => Op::Updated,
            What::Cleared { .. } => Op::Cleared,
            What::Acknowledged => Op::Acknowledged,
            What::Reset => Op::Reset,
            What::Commented => Op::Commented,
            What::Shelved(_) => Op::Shelved,
            What::Unshelved { .. } => Op::Unshelved,
            What::Suppressed { .. } | What::TakenOut(_) | What::TwinTakenOut { .. } => Op::Suppressed,
            What::Unsuppressed { .. } | What::BackInService { .. } => Op::Unsuppressed,
            What::Closed(_) => Op::Closed,
        }
    }

    /// Whether it stands in the log. That data come and go, and how often it happened, is seen on the alarm itself, and would push out what
    /// people look for.
    pub(super) fn is_logged(&self) -> bool {
        !matches!(self, What::Unknown | What::Known | What::Repeated | What::Calmed)
    }

    /// Whether people are to be told (again), suppression aside.
    pub fn is_announced(&self) -> bool {
        match self {
            What::Raised { .. } | What::AlarmedAgain { .. } => true,
            What::Leveled { up, .. } => *up,
            What::Unshelved { announced, .. } | What::Unsuppressed { announced, .. } | What::BackInService { announced, .. } => *announced,
            What::Recovering
            | What::Resumed
            | What::Repeated
            | What::Unknown
            | What::Known
            | What::Cleared { .. }
            | What::Acknowledged
            | What::Reset
            | What::Commented
            | What::Shelved(_)
            | What::Suppressed { .. }
            | What::TakenOut(_)
            | What::TwinTakenOut { .. }
            | What::Corrected
            | What::Flooded { .. }
            | What::Closed(_)
            | What::Calmed => false,
        }
    }
}
