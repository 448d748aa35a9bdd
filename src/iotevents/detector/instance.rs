//! A detector on one twin, for one evaluation.

use std::cell::Cell;

use serde_json::Value as Json;
use smol_str::SmolStr;
use xxhash_rust::xxh3::xxh3_128;

use crate::rule::detector::{Evaluator, Scalar, Scope, TriggerKind};
use crate::rule::{Ask, Expression, Truth};

use super::super::expression::{Outcome, Surroundings, Value, evaluate, holds};
use super::{Detector, Sinks};

/// What the twin holds.
pub trait Inputs {
    /// The latest payload of an input, whole.
    fn payload(&self, input: &str) -> Option<&Json>;
    /// Whether a message on this input caused the evaluation.
    fn is_current(&self, input: &str) -> bool;
    /// The id of that message, if its sender gave it one.
    fn message_id(&self) -> Option<&str> {
        None
    }
}

pub struct Instance<'a> {
    pub(super) detector: &'a Detector,
    pub(super) inputs: &'a dyn Inputs,
    pub(super) twin: &'a str,
    sinks: &'a Sinks,
    /// Numbers the evaluations of this detector on this twin.
    run: u64,
    /// How many things have been sent in this evaluation.
    sent: Cell<u32>,
}

impl std::fmt::Debug for Instance<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instance").field("detector", &self.detector.name).field("twin", &self.twin).finish_non_exhaustive()
    }
}

impl<'a> Instance<'a> {
    /// For one evaluation: `run` is `DetectorState::runs` before it, or 0.
    pub fn new(detector: &'a Detector, inputs: &'a dyn Inputs, sinks: &'a Sinks, twin: &'a str, run: u64) -> Instance<'a> {
        Instance { detector, inputs, twin, sinks, run, sent: Cell::new(0) }
    }

    pub(super) fn outcome(&self, expression: Expression, about: &'a About<'a>) -> Outcome<'a> {
        self.detector.term(expression).map_or(Outcome::Invalid, |term| evaluate(term, about))
    }

    /// The same in a replay: made of the twin, the definition, the evaluation and the place in it. Shaped like a UUID of version 8.
    pub(super) fn execution_id(&self) -> String {
        let place = self.sent.replace(self.sent.get().saturating_add(1));
        let name = format!("{}\n{}\n{}\n{place}", self.twin, self.detector.name, self.run);
        let bits = xxh3_128(name.as_bytes());
        let bits = bits & !(0xf << 76) | (8 << 76);
        let bits = bits & !(0x3 << 62) | (2 << 62);
        let hex = format!("{bits:032x}");
        let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
        format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
    }
}

/// What an expression is about: the twin's inputs and the detector as it stands.
pub(super) struct About<'a> {
    pub(super) instance: &'a Instance<'a>,
    pub(super) scope: &'a Scope<'a>,
}

impl Surroundings for About<'_> {
    fn payload(&self, input: &str) -> Option<&Json> {
        self.instance.inputs.payload(input)
    }

    fn variable(&self, name: &str) -> Option<&Scalar> {
        self.scope.variable(place(&self.instance.detector.names.variables, name)?)
    }

    fn timeout(&self, timer: &str) -> bool {
        place(&self.instance.detector.names.timers, timer).is_some_and(|timer| self.scope.timeout(timer))
    }

    fn is_message(&self) -> bool {
        self.scope.trigger == TriggerKind::Input
    }

    fn is_current(&self, input: &str) -> bool {
        self.instance.inputs.is_current(input)
    }
}

/// Variables and timers are sorted by name.
fn place(names: &[SmolStr], name: &str) -> Option<u8> {
    names.binary_search_by(|own| own.as_str().cmp(name)).ok().and_then(|place| u8::try_from(place).ok())
}

impl Evaluator for Instance<'_> {
    fn condition(&self, expression: Expression, scope: &Scope<'_>) -> Truth {
        let term = self.detector.term(expression)?;
        Some(holds(term, &About { instance: self, scope }))
    }

    fn value(&self, expression: Expression, scope: &Scope<'_>) -> Option<Scalar> {
        let about = About { instance: self, scope };
        self.outcome(expression, &about).known().and_then(Value::into_scalar)
    }

    fn text(&self, expression: Expression, scope: &Scope<'_>) -> SmolStr {
        let about = About { instance: self, scope };
        self.outcome(expression, &about).known().map(|value| SmolStr::new(value.to_string())).unwrap_or_default()
    }

    fn ask(&self, action: u8, entry: &str, scope: &Scope<'_>) -> Result<Ask, Expression> {
        let outgoing = self.detector.outgoing.get(usize::from(action)).ok_or(Expression(u16::MAX))?;
        let about = About { instance: self, scope };
        let target = self.outcome(outgoing.target, &about).known().ok_or(outgoing.target)?.to_string();
        let payload = super::payload::payload(outgoing, entry, &about)?;
        Ok(self.sinks.ask(outgoing.kind, &target, payload))
    }
}
