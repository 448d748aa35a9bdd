//! From a detector model or an alarm model to a definition of `rule::detector`, and the evaluator that runs its expressions.
//!
//! The twin keeps the latest payload of each input as one member of type json: inputs are sticky (D5) because members are. Whoever runs a detector
//! makes an [`Instance`] for each evaluation and hands it to `rule::detector::run`, or to `Watched::detect`:
//!
//! 1. A message for one of [`Detector::inputs`] has been applied to the twin: `Trigger::Input`, and [`Inputs::is_current`] is true for its input.
//! 2. A timer is due: `Trigger::Timer`; no input is current.
//!
//! What leaves the detector leaves as an `Ask`, by the sink that [`Sinks`] gives for its target.

mod alarm;
mod builder;
mod compile;
mod instance;
mod meaning;
mod outgoing;
mod payload;
mod sink;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde_json::Value as Json;
use smol_str::SmolStr;
use xxhash_rust::xxh3::xxh3_64;

use crate::rule::detector::{Definition, Names};
use crate::rule::{Action, ActionKind, Expression, Kind as RuleKind, On, Rule};

use super::expression::{Step, Term, Value, follow};

pub use alarm::{AlarmAction, AlarmRequest, alarm_action_input, compile_alarm, parse_alarm_requests};
pub use compile::compile;
pub(super) use compile::exceeds;
pub use instance::{Inputs, Instance};
pub use outgoing::OUTGOING_MAX;
pub use sink::{INPUT_TOPICS, Sink, Sinks, default_topic, last_part};

use outgoing::Outgoing;

/// The number of a message by its input and its id, for `rule::detector::Messages` (D3).
pub fn message_number(input: &str, id: &str) -> u64 {
    xxh3_64(format!("{input}\n{id}").as_bytes())
}

/// A compiled model: the machine, and what its expressions mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Detector {
    pub name: SmolStr,
    pub version: SmolStr,
    /// The path of the key in a payload; without one there is a single instance.
    pub key: Option<Box<[Step]>>,
    pub definition: Arc<Definition>,
    pub names: Names,
    /// The inputs it mentions, by name: a message of any other is not for it (D1).
    pub inputs: Box<[SmolStr]>,
    /// A hash of what cannot change without its beginning anew: for `Rule::meaning`.
    pub meaning: u64,
    terms: Box<[Term]>,
    outgoing: Box<[Outgoing]>,
}

impl Detector {
    /// The text that picks the instance (D2); `None`: the payload is not for any.
    pub fn key_value(&self, payload: &Json) -> Option<String> {
        let key = self.key.as_deref()?;
        match Value::of_json(follow(payload, key)?) {
            Value::Null | Value::Structure(_) => None,
            value @ (Value::Bool(_) | Value::Int(_) | Value::Decimal(_) | Value::Text(_)) => Some(value.to_string()),
        }
    }

    /// The rule that it becomes; severity, text and policy are the caller's to change. What people acknowledge, the machine hears as a message, so
    /// the alarm of the rule asks for no acknowledgement of its own.
    pub fn rule(&self, id: &str) -> Rule {
        let mut rule = Rule::new(id, RuleKind::Detector(self.definition.clone()));
        rule.policy.acknowledge = false;
        rule.meaning = self.meaning;
        rule.actions = self.actions();
        rule
    }

    /// One for each thing that it sends. Only their kind counts: it says what is withheld while the alarm is suppressed. What they say is asked of
    /// the [`Instance`], and no change of the alarm asks for them.
    fn actions(&self) -> Box<[Action]> {
        let publish = ActionKind::Publish { topic: Expression(0), payload: None, qos: 1, retain: false };
        self.outgoing.iter().map(|_| Action { on: On::DETECTOR, kind: publish.clone() }).collect()
    }

    /// What an action sends, and to where: the key of the action and the last part of its target, if that is no expression.
    pub fn action(&self, place: u8) -> Option<(&'static str, &str)> {
        let outgoing = self.outgoing.get(usize::from(place))?;
        let target = self.terms.get(usize::from(outgoing.target.0))?;
        let target = if let Term::Constant(crate::rule::detector::Scalar::Text(text)) = target { last_part(text) } else { "" };
        Some((outgoing.kind.as_str(), target))
    }

    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    fn term(&self, expression: Expression) -> Option<&Term> {
        self.terms.get(usize::from(expression.0))
    }
}
