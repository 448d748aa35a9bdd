//! The language by tables; round trips and mutations by seed.

mod bounds;
mod meaning;
mod unknown;
mod written;

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::{Surroundings, evaluate, parse};
use crate::rule::detector::Scalar;

/// Inputs, variables and timers as the tests need them.
#[derive(Default)]
pub(super) struct World {
    pub(super) inputs: BTreeMap<String, Json>,
    pub(super) variables: BTreeMap<String, Scalar>,
    pub(super) current: Option<String>,
    pub(super) expired: Vec<String>,
    pub(super) asked: RefCell<Vec<String>>,
}

impl Surroundings for World {
    fn payload(&self, input: &str) -> Option<&Json> {
        self.inputs.get(input)
    }

    fn variable(&self, name: &str) -> Option<&Scalar> {
        self.variables.get(name)
    }

    fn timeout(&self, timer: &str) -> bool {
        self.asked.borrow_mut().push(timer.to_owned());
        self.expired.iter().any(|expired| expired == timer)
    }

    fn is_message(&self) -> bool {
        self.current.is_some()
    }

    fn is_current(&self, input: &str) -> bool {
        self.current.as_deref() == Some(input)
    }
}

pub(super) fn world() -> World {
    let payload = json!({
        "i": 7, "d": 2.5, "w": 20.0, "t": "text", "yes": true, "nil": null,
        "list": [10, {"deep": 11}], "object": {"a": 1}, "motor id": "M-1", "big": 18_446_744_073_709_551_615_u64
    });
    World {
        inputs: BTreeMap::from([("In".to_owned(), payload)]),
        variables: BTreeMap::from([("n".to_owned(), Scalar::Int(3)), ("s".to_owned(), Scalar::Text("x".into()))]),
        current: Some("In".to_owned()),
        expired: vec!["gone".to_owned()],
        asked: RefCell::default(),
    }
}

pub(super) fn check(table: &[(&str, &str)]) {
    let world = world();
    for (text, expected) in table {
        let term = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let shown = match evaluate(&term, &world) {
            super::Outcome::Undefined => "undefined".to_owned(),
            super::Outcome::Invalid => "invalid".to_owned(),
            super::Outcome::Known(super::Value::Text(text)) => format!("'{text}'"),
            super::Outcome::Known(value) => value.to_string(),
        };
        assert_eq!(shown, *expected, "{text}");
    }
}
