//! A rule that is a detector: its names, the language that its expressions are in, and the members it listens to.

use std::sync::Arc;

use serde_json::{Map, Value as Json};
use smol_str::SmolStr;

use crate::expr::{Checked, Datum};
use crate::iotevents::detector::{Detector, Sinks};
use crate::reading::{SlotNo, Timestamp};
use crate::rule::Expression;
use crate::rule::detector::{DetectorState, Names, Scalar};

use super::logic::{RuleSpec, Said};

#[derive(Debug, Clone)]
pub struct DetectorSpec {
    pub names: Names,
    pub language: Language,
}

#[derive(Debug, Clone)]
pub enum Language {
    /// Ours: the expressions are what the rule says.
    Own(Own),
    /// As it was exported elsewhere.
    Imported(Arc<Imported>),
}

/// In the order of their places.
pub type EnumNames = Arc<[Box<str>]>;

#[derive(Debug, Clone)]
pub struct Own {
    /// What makes it look when it moves: conditions and steps, but not what its actions say.
    pub looks: Box<[Expression]>,
    /// By variable: the names of an enum that it holds.
    pub enums: Box<[Option<EnumNames>]>,
}

#[derive(Debug, Clone)]
pub struct Imported {
    pub detector: Detector,
    /// Each input with the member that holds its latest payload.
    pub inputs: Box<[(SmolStr, SlotNo)]>,
    pub sinks: Sinks,
}

impl Imported {
    pub fn slot_of(&self, input: &str) -> Option<SlotNo> {
        self.inputs.iter().find(|(name, _)| name == input).map(|(_, slot)| *slot)
    }
}

impl DetectorSpec {
    /// Of an imported one: the members that hold its inputs.
    pub fn inputs(&self) -> impl Iterator<Item = SlotNo> + '_ {
        let imported = if let Language::Imported(imported) = &self.language { Some(imported) } else { None };
        imported.into_iter().flat_map(|imported| imported.inputs.iter().map(|(_, slot)| *slot))
    }

    /// Of one of ours: the expressions among all of the rule that it looks at.
    pub(super) fn looks<'a>(&'a self, said: &'a [Said]) -> impl Iterator<Item = &'a Checked> {
        let looks = if let Language::Own(own) = &self.language { &*own.looks } else { &[] };
        looks.iter().filter_map(|expression| match said.get(usize::from(expression.0))? {
            Said::Value(checked) => Some(checked),
            Said::Text(_) => None,
        })
    }
}

/// A detector on one twin, by names. Nothing of it is there before the first input.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    pub state: SmolStr,
    pub variables: Map<String, Json>,
    /// Those that run, with when they run out.
    pub timers: Vec<(SmolStr, Timestamp)>,
}

impl RuleSpec {
    /// `None`: it is no detector, or has not begun.
    pub fn shown(&self, state: Option<&DetectorState>) -> Option<Shown> {
        let (names, state) = (&self.detector.as_ref()?.names, state?);
        let name = names.states.get(usize::from(state.state?))?.clone();
        let variables = (0_u8..).zip(&names.variables).filter_map(|(place, name)| Some((name.to_string(), shown(state.variable(place)?))));
        let timers = (0_u8..).zip(&names.timers).filter_map(|(place, name)| Some((name.clone(), state.timer(place)?.due?)));
        Some(Shown { state: name, variables: variables.collect(), timers: timers.collect() })
    }
}

impl Shown {
    pub fn timers_json(&self) -> Map<String, Json> {
        self.timers.iter().map(|(name, due)| (name.to_string(), Json::String(due.to_string()))).collect()
    }
}

fn shown(value: &Scalar) -> Json {
    datum(value).to_json()
}

/// A variable as expressions see it.
pub fn datum(value: &Scalar) -> Datum {
    match value {
        Scalar::Bool(value) => Datum::Bool(*value),
        Scalar::Int(value) => Datum::Int(*value),
        Scalar::Double(value) => Datum::Double(*value),
        Scalar::Text(value) => Datum::Text(value.as_str().into()),
        Scalar::Timestamp(value) => Datum::Timestamp(*value),
        Scalar::Duration(micros) => Datum::Duration(*micros),
    }
}
