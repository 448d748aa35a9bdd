//! Layouts as they are remembered, so that what was written under an older form of a type can still be read, and how values move to a newer form.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::reading::unit::{Conversion, Unit};
use crate::reading::{SlotNo, Value};

use super::field_table::FieldTable;
use super::layout::{Constraints, EnumValue, EnumWire, Kind, Layout, Section, SlotSpec, ValueType, Version};
use super::logic::Logic;
use super::viewed::ViewSpec;
use super::windowed::WindowRecord;

/// What must be known of a layout to read its slots: their order, paths, types and units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayoutRecord {
    pub name: String,
    pub version: (u32, u32),
    pub device: bool,
    pub fingerprint: u64,
    pub slots: Vec<SlotRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<WindowRecord>,
    /// Slots of which it is kept what they held before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub previous: Vec<u16>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub views: Vec<ViewSpec>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotRecord {
    pub path: String,
    pub property: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub computed: bool,
    pub value_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub enum_values: Vec<String>,
}

impl LayoutRecord {
    pub fn of(layout: &Layout) -> LayoutRecord {
        let slots = layout.slots.iter().map(|spec| SlotRecord {
            path: spec.path.to_string(),
            property: spec.section == Section::Property,
            computed: spec.section == Section::Computed,
            value_type: type_name(&spec.value_type).to_owned(),
            unit: spec.unit.as_ref().map(|unit| unit.symbol().to_owned()),
            enum_values: enum_names(&spec.value_type),
        });
        LayoutRecord {
            name: layout.name.to_string(),
            version: (layout.version.major, layout.version.minor),
            device: layout.kind == Kind::Device,
            fingerprint: layout.fingerprint,
            slots: slots.collect(),
            windows: layout.logic.windows.iter().map(|window| window.record.clone()).collect(),
            previous: layout.logic.previous.iter().map(|slot| slot.0).collect(),
            views: layout.logic.views.iter().map(|view| ViewSpec { rules: Vec::new(), ..view.clone() }).collect(),
        }
    }

    /// What readings do to a twin besides what they are, without what nobody asks for any more.
    fn logic(&self) -> Logic {
        let mut logic = Logic::default();
        logic.windows = self.windows.iter().filter_map(WindowRecord::restore).collect();
        logic.settle(self.slots.len());
        logic.previous = self.previous.iter().copied().map(SlotNo).collect();
        logic.set_views(self.views.clone());
        logic
    }

    /// A layout that can hold and carry over what was written under it; it accepts nothing new.
    pub fn restore(&self) -> Layout {
        let slots = self.slots.iter().map(|slot| SlotSpec {
            path: slot.path.as_str().into(),
            member: 0,
            section: match (slot.property, slot.computed) {
                (true, _) => Section::Property,
                (false, true) => Section::Computed,
                (false, false) => Section::Telemetry,
            },
            value_type: slot.value_type(),
            unit: slot.unit.as_deref().and_then(|symbol| Unit::parse(symbol).ok()),
            constraints: Constraints::default(),
            property: None,
            telemetry: None,
            decimals: None,
        });
        Layout {
            name: Arc::from(self.name.as_str()),
            version: Version { major: self.version.0, minor: self.version.1 },
            kind: if self.device { Kind::Device } else { Kind::Asset },
            is_abstract: false,
            alarm_area: false,
            ancestors: Box::default(),
            title: None,
            description: None,
            icon: None,
            slots: slots.collect(),
            members: Box::default(),
            telemetry_fields: FieldTable::default(),
            reported_fields: FieldTable::default(),
            relations: Box::default(),
            logic: Arc::new(self.logic()),
            fingerprint: self.fingerprint,
        }
    }
}

impl SlotRecord {
    fn value_type(&self) -> ValueType {
        match self.value_type.as_str() {
            "bool" => ValueType::Bool,
            "int" => ValueType::Int,
            "double" => ValueType::Double,
            "decimal" => ValueType::Decimal,
            "string" => ValueType::String,
            "timestamp" => ValueType::Timestamp,
            "date" => ValueType::Date,
            "time" => ValueType::Time,
            "duration" => ValueType::Duration,
            "enum" => {
                let named = |name: &String| EnumValue { name: name.as_str().into(), wire: EnumWire::Text(name.as_str().into()) };
                ValueType::Enum(self.enum_values.iter().map(named).collect())
            }
            "bytes" => ValueType::Bytes { media_type: None, bytes_max: usize::MAX },
            "unit" => ValueType::Unit { quantity: None },
            _ => ValueType::Json,
        }
    }
}

pub fn type_name(value_type: &ValueType) -> &'static str {
    match value_type {
        ValueType::Bool => "bool",
        ValueType::Int => "int",
        ValueType::Double => "double",
        ValueType::Decimal => "decimal",
        ValueType::String => "string",
        ValueType::Timestamp => "timestamp",
        ValueType::Date => "date",
        ValueType::Time => "time",
        ValueType::Duration => "duration",
        ValueType::Enum(_) => "enum",
        ValueType::Bytes { .. } => "bytes",
        ValueType::Unit { .. } => "unit",
        ValueType::Geo(_) => "geo",
        ValueType::Json => "json",
        ValueType::Object(_) => "object",
        ValueType::Array(_) => "array",
        ValueType::Map(_) => "map",
    }
}

fn enum_names(value_type: &ValueType) -> Vec<String> {
    match value_type {
        ValueType::Enum(values) => values.iter().map(|value| value.name.to_string()).collect(),
        ValueType::Bool
        | ValueType::Int
        | ValueType::Double
        | ValueType::Decimal
        | ValueType::String
        | ValueType::Timestamp
        | ValueType::Date
        | ValueType::Time
        | ValueType::Duration
        | ValueType::Geo(_)
        | ValueType::Bytes { .. }
        | ValueType::Unit { .. }
        | ValueType::Json
        | ValueType::Object(_)
        | ValueType::Array(_)
        | ValueType::Map(_) => Vec::new(),
    }
}

/// How the value of an old slot becomes the value of the new slot of the same path.
#[derive(Debug, Clone)]
pub struct Carry {
    pub from: SlotNo,
    conversion: Option<Conversion>,
    /// Old enum index to new.
    enum_map: Option<Box<[Option<u16>]>>,
    widens_to_double: bool,
}

impl Carry {
    /// `None`: the new form cannot say it.
    pub fn convert(&self, value: &Value) -> Option<Value> {
        match value {
            Value::Enum(index) => match &self.enum_map {
                Some(map) => map.get(usize::from(*index)).copied().flatten().map(Value::Enum),
                None => Some(value.clone()),
            },
            Value::Int(number) if self.widens_to_double => Some(Value::Double(self.scale(*number as f64))),
            Value::Double(number) => Some(Value::Double(self.scale(*number))),
            Value::Bool(_)
            | Value::Int(_)
            | Value::Decimal(_)
            | Value::Text(_)
            | Value::Timestamp(_)
            | Value::Date(_)
            | Value::Time(_)
            | Value::Duration(_)
            | Value::Bytes(_)
            | Value::Json(_) => Some(value.clone()),
        }
    }

    fn scale(&self, number: f64) -> f64 {
        self.conversion.as_ref().map_or(number, |conversion| conversion.apply(number))
    }
}

/// The slots of `new` whose values can come from `old`: same path, same section, and a type and unit that convert.
pub fn carry_over(old: &Layout, new: &Layout) -> Vec<(SlotNo, Carry)> {
    let mut carried = Vec::new();
    for (index, target) in new.slots.iter().enumerate() {
        let Some(from) = old.slot_by_path(&target.path) else { continue };
        let (Ok(to), source) = (u16::try_from(index), old.slot(from)) else { break };
        if let Some(carry) = carry(from, source, target) {
            carried.push((SlotNo(to), carry));
        }
    }
    carried
}

fn carry(from: SlotNo, source: &SlotSpec, target: &SlotSpec) -> Option<Carry> {
    if source.section != target.section {
        return None;
    }
    let (old_type, new_type) = (type_name(&source.value_type), type_name(&target.value_type));
    let widens_to_double = old_type == "int" && new_type == "double";
    if old_type != new_type && !widens_to_double {
        return None;
    }
    let conversion = match (&source.unit, &target.unit) {
        (Some(old), Some(new)) => Some(old.conversion_to(new)?),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => return None,
    };
    let (old_names, new_names) = (enum_names(&source.value_type), enum_names(&target.value_type));
    let place = |name: &String| new_names.iter().position(|new| new == name).and_then(|index| u16::try_from(index).ok());
    let enum_map = (!old_names.is_empty()).then(|| old_names.iter().map(place).collect());
    Some(Carry { from, conversion, enum_map, widens_to_double })
}
