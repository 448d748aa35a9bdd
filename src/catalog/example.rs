//! The `tests:` of a type: what shall come of which readings, ready to be tried.

use std::sync::Arc;
use std::time::Duration;

use smol_str::SmolStr;

use crate::alarm::{Condition, Severity};
use crate::reading::{Quality, Reason, SlotNo, Value};
use crate::source::Span;

use super::layout::Layout;

/// One entry of `tests:`.
#[derive(Debug, Clone)]
pub struct Example {
    pub layout: Arc<Layout>,
    pub name: Box<str>,
    /// Where the name stands.
    pub span: Span,
    /// Properties of the twin it is tried on.
    pub given: Vec<(SlotNo, Value)>,
    /// In the order of time.
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone)]
pub struct Step {
    /// From the beginning of the example.
    pub at: Duration,
    /// Properties that are set, and values that are read in one packet.
    pub values: Vec<Given>,
    /// Seen after everything that this instant brings.
    pub expect: Vec<Expectation>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    pub slot: SlotNo,
    pub value: Value,
    pub quality: Quality,
    pub reason: Reason,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    /// Where it stands.
    pub span: Span,
    pub what: Expected,
}

/// Rules by their place in the type. What is said of an alarm is said of the latest occurrence.
#[derive(Debug, Clone, PartialEq)]
pub enum Expected {
    Condition {
        rule: usize,
        condition: Condition,
    },
    Severity {
        rule: usize,
        severity: Severity,
    },
    Level {
        rule: usize,
        level: u64,
    },
    Acknowledged {
        rule: usize,
        acknowledged: bool,
    },
    /// How often so far.
    Raised {
        rule: usize,
        times: u64,
    },
    /// From the beginning of the example.
    RaisedAt {
        rule: usize,
        at: Duration,
    },
    /// `None`: it has not been cleared.
    ClearedAt {
        rule: usize,
        at: Option<Duration>,
    },
    /// Of a detector: the state it is in.
    State {
        rule: usize,
        state: SmolStr,
    },
    /// `None`: it is not known.
    Member {
        slot: SlotNo,
        value: Option<Value>,
    },
}
