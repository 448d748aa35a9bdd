//! A rule that is a detector: its names, the language that its expressions are in, and the members it listens to.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value as Json};
use smol_str::SmolStr;

use crate::expr::{Checked, Datum};
use crate::iotevents::detector::{Detector, Sinks};
use crate::reading::{SlotNo, Timestamp, parse_duration};
use crate::rule::detector::{DetectorState, Names, Scalar, Setting};
use crate::rule::{Expression, Kind};

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

impl RuleSpec {
    /// What somebody wants a detector to be set to, as JSON says it: texts for instants and lengths of time. A variable takes such values as it holds
    /// already. Otherwise the place of what is wrong, and what that is.
    pub fn setting(
        &self,
        standing: Option<&DetectorState>,
        state: Option<&str>,
        variables: &Map<String, Json>,
        timers: &Map<String, Json>,
    ) -> Result<Setting, (Vec<String>, String)> {
        let (Some(detector), Kind::Detector(definition)) = (&self.detector, &self.rule.kind) else {
            return Err((vec!["rule".to_owned()], format!("`{}` is no detector", self.rule.id)));
        };
        let enums = if let Language::Own(own) = &detector.language { &*own.enums } else { &[] };
        let mut setting = Setting { state: state.map(Into::into), ..Setting::default() };
        let place = |setting: &Setting| detector.names.place(definition, setting).map(drop);
        place(&setting).map_err(|message| (vec!["state".to_owned()], message))?;
        for (name, said) in variables {
            let fail = |message: String| (vec!["variables".to_owned(), name.clone()], message);
            let no = detector.names.variables.iter().position(|known| known == name);
            let initial = no.and_then(|no| definition.variables.get(no)).and_then(|spec| spec.initial.as_ref());
            let held = no.and_then(|no| standing?.variable(u8::try_from(no).ok()?));
            let like = initial.or(held).filter(|_| matches!(detector.language, Language::Own(_)));
            let names = no.and_then(|no| enums.get(no)).and_then(Option::as_ref);
            let value = scalar(said, like, names).map_err(|message| fail(format!("variable `{name}`: {message}")))?;
            let value = match like {
                Some(like) => value.fitted(like).ok_or_else(|| fail(format!("variable `{name}` takes another type of value")))?,
                None => value,
            };
            let one = Setting { variables: vec![(name.into(), value)], ..Setting::default() };
            place(&one).map_err(fail)?;
            setting.variables.extend(one.variables);
        }
        for (name, said) in timers {
            let fail = |message: String| (vec!["timers".to_owned(), name.clone()], message);
            let length = if said.is_null() { Some(Duration::ZERO) } else { said.as_str().and_then(parse_duration) };
            let Some(length) = length else {
                return Err(fail(format!("timer `{name}` takes the time until it runs out, as in \"90s\", or null to stop")));
            };
            let one = Setting { timers: vec![(name.into(), length)], ..Setting::default() };
            place(&one).map_err(fail)?;
            setting.timers.extend(one.timers);
        }
        Ok(setting)
    }
}

/// A value for a variable that holds such as `like`, or one of these names.
fn scalar(said: &Json, like: Option<&Scalar>, names: Option<&EnumNames>) -> Result<Scalar, String> {
    let wrong = |what: &str| format!("{said} is not {what}");
    match (said, like) {
        (Json::String(text), Some(Scalar::Timestamp(_))) => {
            Timestamp::parse_rfc3339(text).map(Scalar::Timestamp).map_err(|_| wrong("an instant, as in \"2026-01-31T12:00:00Z\""))
        }
        (Json::String(text), Some(Scalar::Duration(_))) => {
            let micros = parse_duration(text).and_then(|length| i64::try_from(length.as_micros()).ok());
            micros.map(Scalar::Duration).ok_or_else(|| wrong("a length of time, as in \"90s\""))
        }
        (Json::String(text), _) => match names {
            Some(names) if !names.iter().any(|name| **name == **text) => Err(wrong(&format!("one of {}", names.join(", ")))),
            _ => Ok(Scalar::Text(text.as_str().into())),
        },
        (Json::Bool(value), _) => Ok(Scalar::Bool(*value)),
        (Json::Number(number), _) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Ok(Scalar::Int(whole)),
            (None, Some(number)) => Ok(Scalar::Double(number)),
            (None, None) => Err(wrong("a number that a variable holds")),
        },
        (Json::Null | Json::Array(_) | Json::Object(_), _) => Err(wrong("true or false, a number or text")),
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
