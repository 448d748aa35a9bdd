//! A detector is set from outside: state, variables and timers (D18). Nothing is evaluated; the next input finds what was set.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::reading::Timestamp;

use super::compile::Names;
use super::definition::Definition;
use super::evaluator::Scalar;
use super::run::{initial_values, micros, started};
use super::state::{DetectorState, Fact, bit};

/// What somebody wants of a detector, by names. What is not named stays; a timer of no length is stopped.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Setting {
    pub state: Option<SmolStr>,
    pub variables: Vec<(SmolStr, Scalar)>,
    pub timers: Vec<(SmolStr, Duration)>,
}

/// The same by places.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Forced {
    pub state: Option<u8>,
    pub variables: Vec<(u8, Scalar)>,
    pub timers: Vec<(u8, Duration)>,
}

impl Names {
    /// All of it, or what is wrong with it: a name that there is not, a value that a variable does not take.
    pub fn place(&self, definition: &Definition, setting: &Setting) -> Result<Forced, String> {
        let state = setting.state.as_ref().map(|name| place("state", &self.states, name)).transpose()?;
        let variable = |(name, value): &(SmolStr, Scalar)| {
            let place = place("variable", &self.variables, name)?;
            let fitted = definition.variables.get(usize::from(place)).and_then(|spec| spec.fitted(value.clone()));
            fitted.map(|value| (place, value)).ok_or_else(|| format!("variable `{name}` takes another type of value"))
        };
        let variables = setting.variables.iter().map(variable).collect::<Result<_, String>>()?;
        let timer = |(name, length): &(SmolStr, Duration)| Ok((place("timer", &self.timers, name)?, *length));
        let timers = setting.timers.iter().map(timer).collect::<Result<_, String>>()?;
        Ok(Forced { state, variables, timers })
    }
}

fn place(what: &str, names: &[SmolStr], name: &str) -> Result<u8, String> {
    let place = names.iter().position(|own| own == name).and_then(|place| u8::try_from(place).ok());
    place.ok_or_else(|| {
        let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        format!("there is no {what} `{name}`; there are {known}")
    })
}

/// Sets it. A detector that has not begun begins with its initial values, in its initial state unless another one is named.
pub fn force(definition: &Definition, detector: &DetectorState, forced: &Forced, at: Timestamp) -> Vec<Fact> {
    let at = detector.last.map_or(at, |last| at.max(last));
    let mut facts = vec![Fact::Ran { at }];
    if !detector.has_begun() {
        facts.extend(initial_values(definition));
    }
    let state = forced.state.or_else(|| (!detector.has_begun()).then_some(definition.initial));
    facts.extend(state.filter(|state| usize::from(*state) < definition.states.len()).map(|state| Fact::Entered { state }));
    for (variable, value) in &forced.variables {
        let spec = definition.variables.get(usize::from(*variable));
        if let Some(value) = spec.and_then(|spec| spec.fitted(value.clone())) {
            facts.push(Fact::VariableSet { variable: *variable, value: Some(value) });
        }
    }
    for (timer, duration) in forced.timers.iter().filter(|(timer, _)| usize::from(*timer) < definition.timers.len()) {
        facts.push(Fact::ExpiriesRead(bit(*timer)));
        facts.push(if duration.is_zero() { Fact::TimerStopped { timer: *timer } } else { started(*timer, micros(*duration), at) });
    }
    facts
}
