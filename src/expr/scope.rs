//! What names mean to an expression, asked of whoever compiles it; and what the names hold, asked of whoever evaluates it.
//!
//! The checker knows no types and no layouts. It is handed a [`Scope`], which turns names into operands, and the evaluator is handed an
//! [`Environment`], which turns operands into values.

use serde::{Deserialize, Serialize};

use crate::reading::{Quality, SlotNo, Timestamp};

use super::checked::Checked;
use super::datum::{Datum, Known};
use super::kind::Shape;

/// Something outside of the expression that has a value. The numbers are given by the scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Operand {
    /// A property, telemetry, computed value, roll-up or model output of this twin: [`SlotNo`].
    Slot(u16),
    Param(u16),
    Twin(Attribute),
    /// A member of the parent or an ancestor, pushed down.
    Import(u16),
    /// A hidden roll-up, made of a fold.
    Fold(u16),
    /// Whether an occurrence of that rule is active.
    Alarm(u16),
    /// A variable of a detector.
    Variable(u16),
    /// Whether that timer of a detector has just run out.
    Timeout(u16),
    /// Whether that input caused this evaluation.
    Caused(u16),
    /// Whether that event occurs in this evaluation.
    Event(u16),
    /// What made a detector run: an input or a timer.
    Trigger,
    /// The rule time.
    Now,
}

impl From<SlotNo> for Operand {
    fn from(slot: SlotNo) -> Operand {
        Operand::Slot(slot.0)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Attribute {
    Id,
    Name,
    Type,
    Kind,
    Presence,
    Severity,
}

/// A name resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    pub operand: Operand,
    pub shape: Shape,
    /// Whether it moves with readings. Of a comparison the side that does not is the limit. Parameters do not; a scope says so of properties,
    /// too.
    pub is_live: bool,
    /// Bounds that a known value always keeps, in its unit.
    pub least: Option<f64>,
    pub greatest: Option<f64>,
}

impl Resolved {
    pub fn new(operand: Operand, shape: Shape) -> Resolved {
        let is_live = match operand {
            Operand::Param(_) | Operand::Twin(_) => false,
            Operand::Slot(_)
            | Operand::Import(_)
            | Operand::Fold(_)
            | Operand::Alarm(_)
            | Operand::Variable(_)
            | Operand::Timeout(_)
            | Operand::Caused(_)
            | Operand::Event(_)
            | Operand::Trigger
            | Operand::Now => true,
        };
        Resolved { operand, shape, is_live, least: None, greatest: None }
    }
}

/// Why a scope does not give what is asked for; the checker adds the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub code: &'static str,
    pub message: String,
    pub hint: Option<String>,
}

impl Refusal {
    pub fn new(code: &'static str, message: impl Into<String>) -> Refusal {
        Refusal { code, message: message.into(), hint: None }
    }
}

/// Upwards in the primary hierarchy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Above<'a> {
    Parent,
    Ancestor(&'a str),
}

/// The twins that a fold goes over.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Over {
    Children { of_type: Option<Box<str>> },
    Related { relation: Box<str>, of_type: Option<Box<str>> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aggregate {
    Count,
    Exists,
    All,
    Sum,
    Avg,
    Min,
    Max,
    Worst,
}

/// A fold over other twins: to be kept as a hidden roll-up.
#[derive(Debug, Clone)]
pub struct Fold {
    pub aggregate: Aggregate,
    pub over: Over,
    /// Over the members of the other type: a condition for count, exists and all, else a value. `None` for a plain count.
    pub body: Option<Checked>,
    /// What the fold gives.
    pub shape: Shape,
}

/// What calls by a quoted name ask for, in detectors and patterns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoted {
    Timeout,
    Input,
    Event,
}

/// The names that an expression may use. It may be asked from another thread than the caller's.
pub trait Scope: Send {
    /// Exactly this path: `["drive", "current"]`, `["params", "hi"]`, `["twin", "id"]`, `["alarm", "overheat"]`, `["vars", "n"]`,
    /// `["trigger"]`. `now` is not asked for.
    fn resolve(&mut self, path: &[&str]) -> Option<Resolved>;

    /// Every path that `resolve` knows, joined by points: for suggestions.
    fn names(&self) -> Vec<String>;

    /// Whose names they are: `Mixer`.
    fn owner(&self) -> String;

    /// A member of the parent or of an ancestor.
    fn above(&mut self, _above: Above<'_>, _path: &[&str]) -> Result<Resolved, Refusal> {
        Err(Refusal::new("E702", "other twins cannot be read here"))
    }

    /// The names of the twins that a fold goes over.
    fn others(&mut self, _over: &Over) -> Result<Box<dyn Scope>, Refusal> {
        Err(Refusal::new("E702", "other twins cannot be read here"))
    }

    /// Keeps a fold and gives it a number; equal folds may share one.
    fn keep(&mut self, _fold: Fold) -> Result<Operand, Refusal> {
        Err(Refusal::new("E702", "other twins cannot be read here"))
    }

    /// `timeout('run')`, `input('temperature')`, `event('serviced')`: a bool.
    fn quoted(&mut self, what: Quoted, _name: &str) -> Result<Operand, Refusal> {
        let function = match what {
            Quoted::Timeout => "timeout",
            Quoted::Input => "input",
            Quoted::Event => "event",
        };
        Err(Refusal::new("E706", format!("`{function}` stands in detectors and patterns only")))
    }
}

/// What the operands hold while one expression is evaluated.
pub trait Environment {
    /// A value is known, or it is said why not: BAD, MISSING, stale, or UNCERTAIN where only good values are accepted.
    fn read(&self, operand: Operand) -> Known<Datum>;

    /// The value before the current one.
    fn previous(&self, operand: Operand) -> Known<Datum>;

    /// Whether its value or quality changed in this evaluation.
    fn is_changed(&self, operand: Operand) -> bool;

    /// The event time of the value.
    fn time_of(&self, operand: Operand) -> Option<Timestamp>;

    fn quality(&self, operand: Operand) -> Quality;

    /// The rule time.
    fn now(&self) -> Timestamp;
}
