//! What a detector asks of its expressions, and what it tells them.

use std::cell::Cell;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::reading::Timestamp;

use super::super::action::{Ask, Expression};
use super::super::truth::Truth;
use super::state::TimerState;

/// The value of a variable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Scalar {
    Bool(bool),
    Int(i64),
    /// Finite, always.
    Double(f64),
    Text(SmolStr),
    #[serde(with = "crate::alarm::stored_time")]
    Timestamp(Timestamp),
    /// Microseconds.
    Duration(i64),
}

impl Scalar {
    /// As a value of the same type as `like`; a whole number where a double is meant is one.
    pub fn fitted(self, like: &Scalar) -> Option<Scalar> {
        match (self, like) {
            (Scalar::Int(value), Scalar::Double(_)) => Some(Scalar::Double(value as f64)),
            (value, like) if std::mem::discriminant(&value) == std::mem::discriminant(like) => Some(value),
            (_, _) => None,
        }
    }

    pub(super) fn is_storable(&self) -> bool {
        match self {
            Scalar::Double(value) => value.is_finite(),
            Scalar::Bool(_) | Scalar::Int(_) | Scalar::Text(_) | Scalar::Timestamp(_) | Scalar::Duration(_) => true,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TriggerKind {
    Input,
    Timer,
}

/// What an expression of a detector sees besides the twin: its variables, timers and why it is evaluated.
#[derive(Debug)]
pub struct Scope<'a> {
    pub trigger: TriggerKind,
    pub state: u8,
    pub at: Timestamp,
    pub(super) variables: &'a [Option<Scalar>],
    pub(super) timers: &'a [Option<TimerState>],
    /// Which expiries were unread when this evaluation began, one bit per timer.
    pub(super) expired: u32,
    pub(super) asked: &'a Cell<u32>,
}

impl Scope<'_> {
    pub fn variable(&self, place: u8) -> Option<&Scalar> {
        self.variables.get(usize::from(place))?.as_ref()
    }

    /// When a timer will run out, for payloads that tell of it.
    pub fn timer_due(&self, timer: u8) -> Option<Timestamp> {
        self.timers.get(usize::from(timer)).copied().flatten()?.due
    }

    /// Whether a timer ran out and nobody had asked before this evaluation. To ask is to read it, for all evaluations to come.
    pub fn timeout(&self, timer: u8) -> bool {
        let bit = 1u32.checked_shl(u32::from(timer)).unwrap_or(0);
        self.asked.set(self.asked.get() | bit);
        self.expired & bit != 0
    }
}

/// Evaluates the expressions of one twin's detector against what the twin holds now. Which input caused this is the evaluator's to know: it was
/// made for it.
pub trait Evaluator {
    /// Unknown counts as false.
    fn condition(&self, expression: Expression, scope: &Scope<'_>) -> Truth;
    /// `None`: undefined or not computable.
    fn value(&self, expression: Expression, scope: &Scope<'_>) -> Option<Scalar>;
    /// The text of an alarm.
    fn text(&self, expression: Expression, scope: &Scope<'_>) -> SmolStr;
    /// An action of the rule, by its place, as this entry asks for it. `Err`: the expression that is unknown.
    fn ask(&self, action: u8, entry: &str, scope: &Scope<'_>) -> Result<Ask, Expression>;
}
