//! Why something is as it is: a tree of steps, flat, so that what is used twice is told once (`rules.md`, 11).

use serde_json::Value as Json;

use crate::reading::{Quality, Timestamp, TwinId};

pub const EXPLAIN_DEPTH_MAX: usize = 20;
pub const EXPLAIN_STEPS_MAX: usize = 500;

/// `steps[0]` is what was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    pub summary: String,
    pub twin: TwinId,
    /// The member, if it is about one.
    pub property: Option<Box<str>>,
    pub steps: Vec<ExplanationStep>,
    /// Something was left out: it is deeper, or there are more steps, than are told.
    pub truncated: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepKind {
    /// What a device said.
    Reading,
    /// What the type says where nobody else does.
    Default,
    /// What a file or a person has set.
    Mutation,
    Computed,
    Window,
    Rollup,
    Rule,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ExplanationStep {
    pub kind: StepKind,
    /// A name, or a part of an expression as it was written.
    pub label: String,
    pub property: Option<Box<str>>,
    pub value: Option<Json>,
    pub unit: Option<String>,
    pub quality: Option<Quality>,
    pub time: Option<Timestamp>,
    pub version: Option<String>,
    pub detail: Option<Json>,
    /// Places in the list of steps.
    pub inputs: Vec<usize>,
}

impl ExplanationStep {
    pub fn new(kind: StepKind, label: impl Into<String>) -> ExplanationStep {
        ExplanationStep {
            kind,
            label: label.into(),
            property: None,
            value: None,
            unit: None,
            quality: None,
            time: None,
            version: None,
            detail: None,
            inputs: Vec::new(),
        }
    }
}

impl StepKind {
    pub fn as_str(self) -> &'static str {
        match self {
            StepKind::Reading => "READING",
            StepKind::Default => "DEFAULT",
            StepKind::Mutation => "MUTATION",
            StepKind::Computed => "COMPUTED",
            StepKind::Window => "WINDOW",
            StepKind::Rollup => "ROLLUP",
            StepKind::Rule => "RULE",
        }
    }
}
