//! What a detector sends, as compiled.

use smol_str::SmolStr;

use crate::rule::Expression;

use super::super::file::{Comparison, SendKind};

/// Different things that one detector sends: the same to the same target counts once.
pub const OUTGOING_MAX: usize = 255;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Outgoing {
    pub(super) kind: SendKind,
    pub(super) target: Expression,
    pub(super) body: Body,
    /// What else the action says, by key.
    pub(super) fields: Box<[(&'static str, Expression)]>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Body {
    /// The payload that AWS sends where none is written.
    Default,
    Custom {
        content: Expression,
        is_json: bool,
    },
    Alarm(Box<AlarmBody>),
}

/// What an alarm tells of a change of its state.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AlarmBody {
    pub(super) state: SmolStr,
    pub(super) severity: Option<i64>,
    pub(super) comparison: Comparison,
    pub(super) property: Expression,
    pub(super) threshold: Expression,
    /// Of a notification: it is wrapped as text beside its recipients.
    pub(super) recipients: Option<(serde_json::Value, serde_json::Value)>,
}
