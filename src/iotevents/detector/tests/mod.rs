//! Detectors: the profile line by line, the golden traces, what is sent, alarm models. All through the compiled path, on a virtual clock.

mod alarms;
mod golden;
mod models;
mod profile;
mod sent;

use std::collections::BTreeMap;

use serde_json::Value as Json;

use smol_str::SmolStr;

use super::Inputs;
use crate::alarm::Evidence;
use crate::rule::{Expression, Occasion, Rule, Truth, Voice};

pub(super) const SECOND: i64 = 1_000_000;

/// The latest payload of each input, as a twin keeps them, and which one has just come.
#[derive(Debug, Default)]
pub(super) struct Payloads {
    pub(super) latest: BTreeMap<String, Json>,
    pub(super) current: Option<String>,
    pub(super) message_id: Option<String>,
}

impl Payloads {
    pub(super) fn hear(&mut self, input: &str, payload: Json) {
        self.latest.insert(input.to_owned(), payload);
        self.current = Some(input.to_owned());
    }
}

impl Inputs for Payloads {
    fn payload(&self, input: &str) -> Option<&Json> {
        self.latest.get(input)
    }

    fn is_current(&self, input: &str) -> bool {
        self.current.as_deref() == Some(input)
    }

    fn message_id(&self) -> Option<&str> {
        self.message_id.as_deref()
    }
}

/// Has nothing to say but the severity of the rule.
pub(super) struct Speaker;

impl Voice for Speaker {
    fn evidence(&self, rule: &Rule, _occasion: &Occasion) -> Evidence {
        Evidence { severity: rule.severity, ..Evidence::default() }
    }

    fn explain_clear(&self, _rule: &Rule, _occasion: &Occasion) -> Option<SmolStr> {
        None
    }

    fn cause(&self, _rule: &Rule) -> SmolStr {
        SmolStr::default()
    }

    fn value(&self, _expression: Expression) -> Option<serde_json::Value> {
        None
    }

    fn when(&self, _rule: &Rule) -> Truth {
        None
    }
}
