//! `{"value": …, "ts": …, "quality": …, "unit": …}`: a value with what its sender knows about it.

use serde_json::{Map, Value as Json};

use crate::catalog::{SlotSpec, ValueType};
use crate::reading::unit::Unit;
use crate::reading::{Problem, Quality, Raw, Timestamp};

use super::time;

/// The parts of a wrapped value, still as sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wrapped<'j> {
    pub(super) value: &'j Json,
    ts: Option<&'j Json>,
    quality: Option<&'j Json>,
    unit: Option<&'j Json>,
}

impl<'j> Wrapped<'j> {
    /// `None`: the object is the value itself. Where a value may be an object of any names, `value` alone is no sign.
    pub(super) fn of(object: &'j Map<String, Json>, value_type: &ValueType) -> Option<Wrapped<'j>> {
        let value = object.get("value")?;
        let part = |name: &str| object.get(name).filter(|part| !part.is_null());
        let (ts, quality, unit) = (part("ts"), part("quality"), part("unit"));
        let has_only_parts = object.keys().all(|name| matches!(name.as_str(), "value" | "ts" | "quality" | "unit"));
        let is_open = matches!(value_type, ValueType::Json | ValueType::Map(_) | ValueType::Object(_));
        (has_only_parts && (!is_open || object.len() > 1)).then_some(Wrapped { value, ts, quality, unit })
    }

    pub(super) fn time(&self) -> Result<Option<Timestamp>, Problem> {
        let time = self.ts.map(|ts| time::native(ts.into())).transpose();
        time.map_err(|message| problem("BAD_TIME", message))
    }

    /// `Good` if nothing is said.
    pub(super) fn quality(&self) -> Result<Quality, Problem> {
        self.quality.map_or(Ok(Quality::Good), |sent| quality(sent.into()))
    }

    /// `None` if nothing is said.
    pub(super) fn unit(&self, spec: &SlotSpec) -> Result<Option<Unit>, Problem> {
        let Some(sent) = self.unit else { return Ok(None) };
        let unit = sent.as_str().and_then(Unit::find);
        let unit = unit.ok_or_else(|| problem("UNKNOWN_UNIT", format!("unknown unit {}{}", Raw::from(sent), expected_unit(spec))))?;
        Ok(Some(unit))
    }
}

pub(super) fn quality(sent: Raw<'_>) -> Result<Quality, Problem> {
    let known = if let Raw::Text(text) = sent { Quality::parse(text) } else { None };
    known.ok_or_else(|| problem("BAD_QUALITY", format!("expected a quality of GOOD, UNCERTAIN or BAD, got {sent}")))
}

pub(super) fn expected_unit(spec: &SlotSpec) -> String {
    spec.payload_unit().map_or_else(|| "; no unit is expected here".to_owned(), |unit| format!("; expected one that converts to {unit}"))
}

pub(super) fn problem(code: &'static str, message: String) -> Problem {
    Problem { code, field: None, message }
}
