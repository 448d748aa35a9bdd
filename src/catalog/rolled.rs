//! A roll-up of a type over its relations, and what the types it goes over contribute to it.

use std::sync::Arc;

use crate::expr::Checked;
use crate::reading::unit::Conversion;
use crate::reading::{SlotNo, Value};
use crate::rollup::Spec;
use crate::window::Figure;

/// Of one type, inherited ones included.
pub const ROLLUPS_MAX: usize = 64;
/// What a roll-up of severities says, from the best to the worst.
pub const SEVERITIES: [&str; 6] = ["NONE", "INFO", "WARNING", "MINOR", "MAJOR", "CRITICAL"];

/// Which roll-up, wherever it was inherited to: a hash of the type that declares it and its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RollupKey(pub u64);

#[derive(Debug, Clone)]
pub struct Rollup {
    pub key: RollupKey,
    /// What holds its result.
    pub slot: SlotNo,
    pub over: Over,
    /// Those below those, too.
    pub is_deep: bool,
    /// Only the first that is found.
    pub is_nearest: bool,
    /// The types it goes over, subtypes included; none: all that have what it asks for.
    pub types: Box<[Arc<str>]>,
    pub spec: Spec,
    /// The property of the edges by which contributions are weighed.
    pub weight: Option<Box<str>>,
    pub form: Form,
    /// How long results are gathered before they are told, in microseconds.
    pub coalesce: i64,
    /// A hash of all that decides what it holds.
    pub meaning: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Over {
    pub relation: Arc<str>,
    /// Along the edges that lead here.
    pub is_inverse: bool,
}

/// What a figure is as a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Double,
    Int,
    Bool,
    /// The place in the list of its values; of severities, in [`SEVERITIES`].
    Enum,
}

/// What a twin of a type contributes to roll-ups of others.
#[derive(Debug, Clone)]
pub struct Export {
    pub key: RollupKey,
    pub of: What,
    /// Only while this is true.
    pub filter: Option<Checked>,
    /// To the unit of the roll-up.
    pub conversion: Option<Conversion>,
    /// The slots it reads.
    pub reads: Box<[SlotNo]>,
}

#[derive(Debug, Clone)]
pub enum What {
    Value(Checked),
    /// What a slot holds.
    Slot(SlotNo),
    /// The worst of its open alarms.
    Severity,
    /// That it is there.
    Presence,
}

impl Rollup {
    pub fn value(&self, figure: Figure) -> Option<Value> {
        let number = figure.known()?;
        Some(match self.form {
            Form::Double => Value::Double(number),
            Form::Int => Value::Int(number as i64),
            Form::Bool => Value::Bool(number != 0.0),
            Form::Enum => Value::Enum(number as u16),
        })
    }
}
