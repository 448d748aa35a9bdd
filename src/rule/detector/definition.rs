//! A detector as it is compiled: names are numbers, by their places.

use smol_str::SmolStr;

use crate::alarm::Severity;

use super::super::action::Expression;
use super::evaluator::Scalar;

pub const STATES_MAX: usize = 64;
pub const TIMERS_MAX: usize = 32;
pub const VARIABLES_MAX: usize = 64;
/// Events and transitions of one phase.
pub const ENTRIES_MAX: usize = 64;

#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    pub mode: Mode,
    pub initial: u8,
    pub states: Box<[StateSpec]>,
    pub variables: Box<[VariableSpec]>,
    /// Sorted by the bytes of their names: timers due at one instant are served in this order.
    pub timers: Box<[SmolStr]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// All conditions of a phase see the variables as they were at its start.
    #[default]
    Batch,
    /// Actions take effect at once.
    Serial,
}

#[derive(Debug, Clone, PartialEq)]
pub struct VariableSpec {
    pub name: SmolStr,
    /// Without a value it is undefined until it is set.
    pub initial: Option<Scalar>,
    /// It takes only values of the type of its initial value.
    pub typed: bool,
}

impl VariableSpec {
    /// The value as this variable takes it, if it does.
    pub fn fitted(&self, value: Scalar) -> Option<Scalar> {
        let like = self.initial.as_ref().filter(|_| self.typed);
        let fitted = if let Some(like) = like { value.fitted(like) } else { Some(value) };
        fitted.filter(Scalar::is_storable)
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct StateSpec {
    pub name: SmolStr,
    pub on_enter: Phase,
    pub on_input: Phase,
    pub on_exit: Phase,
}

/// Events run in order; then the first transition that is true is taken.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Phase {
    pub events: Box<[Entry]>,
    /// Only of `onInput`.
    pub transitions: Box<[(Entry, u8)]>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub name: SmolStr,
    /// Without one: always.
    pub when: Option<Expression>,
    pub actions: Box<[Action]>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    Set {
        variable: u8,
        value: Expression,
    },
    /// Creates or replaces.
    Start {
        timer: u8,
        duration: Duration,
    },
    /// Begins anew with the duration it last had.
    Reset {
        timer: u8,
    },
    Stop {
        timer: u8,
    },
    Raise {
        severity: Option<Severity>,
        text: Option<Expression>,
    },
    Clear,
    /// An action of the rule, by its place.
    Act {
        action: u8,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duration {
    Fixed(std::time::Duration),
    /// Seconds, whole ones: what is more is cut off.
    Seconds(Expression),
}
