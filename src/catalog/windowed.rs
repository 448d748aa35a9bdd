//! A computed value that is a window over a member: from what slot, into what slot, and in which form.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::expr::Checked;
use crate::reading::unit::Conversion;
use crate::reading::{SlotNo, Value};
use crate::window::{Agg, Figure, Outline, Sample, Shape, Spec, zone};

use super::layout::ValueType;

/// Of one type (`rules.md`, 5.2).
pub const WINDOWS_MAX: usize = 64;

#[derive(Debug, Clone)]
pub struct Windowed {
    /// What it looks at.
    pub of: SlotNo,
    /// What holds its result.
    pub slot: SlotNo,
    pub spec: Arc<Spec>,
    pub gate: Gate,
    /// Where its readings wait for older ones.
    pub view: Option<u16>,
    pub form: Form,
    /// From the unit that comes out to the one that was asked for.
    pub conversion: Option<Conversion>,
    /// A hash of all that decides what it holds: the same after an edit, and it goes on.
    pub meaning: u64,
    /// As it is remembered.
    pub record: WindowRecord,
}

/// What opens or empties it besides its readings.
#[derive(Debug, Clone)]
pub enum Gate {
    Always,
    /// It holds readings while this is true.
    While(Checked),
    /// It begins anew when this becomes true.
    Since(Checked),
    /// It begins anew when this event happens, by its number in the type.
    After(u16),
    /// It waits for one or the other, and what that is has been forgotten: of an earlier form of a type.
    Forgotten,
}

/// What a figure is as a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Form {
    #[default]
    Double,
    Int,
    Bool,
    Enum,
}

/// What must be known of a window to take in readings that were written under an older form of its type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WindowRecord {
    pub of: u16,
    pub slot: u16,
    pub shape: Shape,
    pub agg: Agg,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub offset: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    pub lateness: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub early: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<i64>,
    /// Something besides readings opens or empties it.
    pub gated: bool,
    pub meaning: u64,
    /// As what it is shown; what it holds does not depend on it.
    #[serde(default, skip_serializing_if = "Form::is_usual")]
    pub form: Form,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversion: Option<Conversion>,
}

impl Form {
    fn is_usual(&self) -> bool {
        *self == Form::Double
    }
}

fn is_zero(offset: &i64) -> bool {
    *offset == 0
}

impl WindowRecord {
    pub fn outline(&self) -> Option<Outline> {
        let zone = match &self.zone {
            Some(name) => Some(zone(name)?),
            None => None,
        };
        let WindowRecord { shape, agg, offset, lateness, early, hold, .. } = self.clone();
        Some(Outline { shape, aggs: vec![agg], offset, zone, lateness, early, hold })
    }

    /// A window that goes on with what it has.
    pub fn restore(&self) -> Option<Windowed> {
        Some(Windowed {
            of: SlotNo(self.of),
            slot: SlotNo(self.slot),
            spec: Arc::new(Spec::new(self.outline()?).ok()?),
            gate: if self.gated { Gate::Forgotten } else { Gate::Always },
            view: None,
            form: self.form,
            conversion: self.conversion,
            meaning: self.meaning,
            record: self.clone(),
        })
    }
}

impl Windowed {
    pub fn gate(&self) -> Option<&Checked> {
        match &self.gate {
            Gate::While(checked) | Gate::Since(checked) => Some(checked),
            Gate::Always | Gate::After(_) | Gate::Forgotten => None,
        }
    }

    /// Whether readings wait for what it is gated by.
    pub fn is_gated(&self) -> bool {
        !matches!(self.gate, Gate::Always | Gate::After(_))
    }

    pub fn value(&self, figure: Figure) -> Option<Value> {
        let number = figure.known()?;
        Some(match self.form {
            Form::Double => Value::Double(self.conversion.as_ref().map_or(number, |conversion| conversion.apply(number))),
            Form::Int => Value::Int(number as i64),
            Form::Bool => Value::Bool(number != 0.0),
            Form::Enum => Value::Enum(number as u16),
        })
    }
}

/// A value as a window counts it. Lists and structures are only ever compared.
pub fn sample(value: &Value) -> Sample {
    match value {
        Value::Bool(value) => Sample::truth(*value),
        Value::Int(value) => Sample::number(*value as f64),
        Value::Double(value) => Sample::number(*value),
        Value::Decimal(value) => Sample::number(value.to_string().parse().unwrap_or(f64::NAN)),
        Value::Enum(place) => Sample::number(f64::from(*place)),
        Value::Timestamp(value) => Sample::number(value.0 as f64),
        Value::Date(value) => Sample::number(f64::from(*value)),
        Value::Time(value) | Value::Duration(value) => Sample::number(*value as f64 / 1e6),
        Value::Text(value) => Sample::hash(xxhash_rust::xxh3::xxh3_64(value.as_bytes())),
        Value::Bytes(value) => Sample::hash(xxhash_rust::xxh3::xxh3_64(value)),
        Value::Json(value) => Sample::hash(xxhash_rust::xxh3::xxh3_64(value.to_string().as_bytes())),
    }
}

/// Whether sums and means of it are numbers that mean something.
pub fn is_number(value_type: &ValueType) -> bool {
    matches!(value_type, ValueType::Int | ValueType::Double | ValueType::Decimal | ValueType::Duration)
}
