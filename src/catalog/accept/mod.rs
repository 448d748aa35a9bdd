//! Whether a value that came from outside may stand in a slot, and as what: the one check for files, wire and API.
//!
//! Three things can be wrong. A *type* that does not fit is always refused. A *bound* that protects memory (text, bytes, items, nesting) is
//! always refused. A *constraint* of the modeller is refused in properties; in telemetry the type decides whether the reading is kept as BAD.

mod constraint;
mod geo;
mod scalar;
mod structure;
#[cfg(test)]
mod tests;
mod to_json;

use std::fmt;

use serde_json::Value as Json;

use crate::reading::unit::{Conversion, Unit};
use crate::reading::{Quality, Raw, Reason, Value};

use super::layout::{Constraints, Leaf, Outside, SlotSpec, ValueType};

/// The longest text where the modeller states nothing, in characters; and the longest that is kept as BAD where it breaks a shorter limit.
pub const TEXT_CHARS_MAX: usize = 4096;
/// The largest value of type `json`, in bytes of its shortest text.
pub const JSON_BYTES_MAX: usize = 16 * 1024;
/// How deep objects, arrays and maps may stand in each other.
pub const NESTING_MAX: usize = 8;

/// A value that fits its slot, in the slot's unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    pub value: Value,
    /// `Good`, or `Bad` with `OutOfRange` for telemetry whose type says `outside: bad`.
    pub quality: Quality,
    pub reason: Reason,
}

/// Why a value does not fit: what people read, and a stable code for machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub code: &'static str,
    pub message: String,
}

impl SlotSpec {
    /// A value from the wire or the API. `from` converts numbers from the sender's unit to the slot's.
    pub fn accept(&self, raw: Raw<'_>, from: Option<&Conversion>) -> Result<Accepted, Refusal> {
        self.judge(raw, from, false)
    }

    /// A value from a file, where numbers may carry a unit: `12 L/min`.
    pub fn accept_literal(&self, raw: Raw<'_>) -> Result<Accepted, Refusal> {
        self.judge(raw, None, true)
    }

    /// The unit that numbers of this slot arrive in unless a binding says otherwise: its own, or that of its items or entries.
    pub fn payload_unit(&self) -> Option<&Unit> {
        payload_unit(&self.value_type, self.unit.as_ref())
    }

    fn judge(&self, raw: Raw<'_>, from: Option<&Conversion>, literal: bool) -> Result<Accepted, Refusal> {
        let outside_is_bad = self.telemetry.as_ref().is_some_and(|rules| rules.outside == Outside::Bad);
        let mut check = Check { from, literal, outside_is_bad, is_outside: false };
        let value =
            check.value(Place { value_type: &self.value_type, unit: self.unit.as_ref(), constraints: &self.constraints }, raw, 0)?;
        Ok(if check.is_outside {
            Accepted { value, quality: Quality::Bad, reason: Reason::OutOfRange }
        } else {
            Accepted { value, quality: Quality::Good, reason: Reason::None }
        })
    }
}

impl Leaf {
    /// As canonical JSON: enum values by name, times in UTC, numbers in the unit of the leaf.
    pub fn accept(&self, raw: Raw<'_>) -> Result<Json, Refusal> {
        let mut check = Check { from: None, literal: false, outside_is_bad: false, is_outside: false };
        check.leaf(self, raw, 0)
    }

    /// A value from a file, where numbers may carry a unit: `12 L/min`.
    pub fn accept_literal(&self, raw: Raw<'_>) -> Result<Json, Refusal> {
        let mut check = Check { from: None, literal: true, outside_is_bad: false, is_outside: false };
        check.leaf(self, raw, 0)
    }
}

fn payload_unit<'a>(value_type: &'a ValueType, own: Option<&'a Unit>) -> Option<&'a Unit> {
    match value_type {
        ValueType::Array(array) => own.or_else(|| payload_unit(&array.items.value_type, array.items.unit.as_ref())),
        ValueType::Map(map) => own.or_else(|| payload_unit(&map.entries.value_type, map.entries.unit.as_ref())),
        ValueType::Int | ValueType::Double | ValueType::Decimal => own,
        ValueType::Bool
        | ValueType::String
        | ValueType::Timestamp
        | ValueType::Date
        | ValueType::Time
        | ValueType::Duration
        | ValueType::Enum(_)
        | ValueType::Geo(_)
        | ValueType::Bytes { .. }
        | ValueType::Unit { .. }
        | ValueType::Json
        | ValueType::Object(_) => None,
    }
}

/// One value being checked.
struct Check<'a> {
    from: Option<&'a Conversion>,
    /// Whether text may be a quantity.
    literal: bool,
    outside_is_bad: bool,
    /// Set where a constraint is broken and that is no reason to refuse.
    is_outside: bool,
}

/// What a value has to fit.
#[derive(Clone, Copy)]
struct Place<'a> {
    value_type: &'a ValueType,
    unit: Option<&'a Unit>,
    constraints: &'a Constraints,
}

impl Check<'_> {
    fn value(&mut self, place: Place<'_>, raw: Raw<'_>, depth: usize) -> Result<Value, Refusal> {
        match place.value_type {
            ValueType::Double => self.double(place, raw).map(Value::Double),
            ValueType::Int => self.int(place, raw).map(Value::Int),
            ValueType::Bool => scalar::bool(raw),
            ValueType::Enum(values) => scalar::enum_value(values, raw),
            ValueType::String => self.text(place, raw),
            ValueType::Decimal => self.decimal(place, raw),
            ValueType::Timestamp => scalar::timestamp(raw),
            ValueType::Date => scalar::date(raw),
            ValueType::Time => scalar::time(raw),
            ValueType::Duration => scalar::duration(raw),
            ValueType::Unit { quantity } => scalar::unit(quantity.as_deref(), raw, self.literal),
            ValueType::Bytes { bytes_max, .. } => scalar::bytes(*bytes_max, raw),
            ValueType::Geo(kind) => geo::geometry(*kind, raw),
            ValueType::Json => structure::json(raw),
            ValueType::Object(fields) => self.object(fields, raw, depth),
            ValueType::Array(array) => self.array(array, raw, depth),
            ValueType::Map(map) => self.map(map, raw, depth),
        }
    }

    fn leaf(&mut self, leaf: &Leaf, raw: Raw<'_>, depth: usize) -> Result<Json, Refusal> {
        let place = Place { value_type: &leaf.value_type, unit: leaf.unit.as_ref(), constraints: &leaf.constraints };
        let value = self.value(place, raw, depth)?;
        Ok(to_json::to_json(&leaf.value_type, &value))
    }

    /// A constraint does not hold. The message is made only where somebody will read it.
    fn outside(&mut self, refusal: impl FnOnce() -> Refusal) -> Result<(), Refusal> {
        if self.outside_is_bad {
            self.is_outside = true;
            Ok(())
        } else {
            Err(refusal())
        }
    }
}

impl Refusal {
    pub fn new(code: &'static str, message: impl Into<String>) -> Refusal {
        Refusal { code, message: message.into() }
    }

    #[cold]
    fn wrong_type(expected: &str, got: Raw<'_>) -> Refusal {
        Refusal::new("WRONG_TYPE", format!("expected {expected}, got {got}"))
    }

    /// The same, said of a part of the value.
    fn at(self, place: impl fmt::Display) -> Refusal {
        Refusal { code: self.code, message: format!("{place}: {}", self.message) }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
