//! The `tests:` of a type: what shall come of which readings, ready to be tried.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;
use smol_str::SmolStr;

use crate::alarm::{Action, Condition, Severity, Suppression};
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
    /// What happens besides, behind these.
    pub deeds: Vec<Deed>,
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
pub enum Deed {
    /// An event of the type.
    Event { name: SmolStr, body: Option<Json> },
    /// What an operator does to the alarm of a rule: the word for it, and where it stands.
    Told { rule: usize, action: Action, word: &'static str, span: Span },
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
    Suppression {
        rule: usize,
        suppression: Suppression,
    },
    /// Of a detector: the state it is in.
    State {
        rule: usize,
        state: SmolStr,
    },
    /// Of a detector. `None`: it has no value.
    Variable {
        rule: usize,
        name: SmolStr,
        value: Option<Json>,
    },
    /// Of a detector: when it runs out, from the beginning of the example. `None`: it does not run.
    Timer {
        rule: usize,
        name: SmolStr,
        at: Option<Duration>,
    },
    /// What rules have emitted so far, in order: `{"emit": …, "data": …}`. What an object says is expected, what it does not say is open.
    Events(Vec<Json>),
    /// What rules have asked others for so far, in order, as `do` says it.
    Actions(Vec<Json>),
    /// `None`: it is not known.
    Member {
        slot: SlotNo,
        value: Option<Value>,
    },
}
