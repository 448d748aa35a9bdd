//! The names that expressions of a type may use, and the slots and numbers they stand for.

use std::collections::HashSet;
use std::sync::Arc;

use super::remote::Remote;

use crate::catalog::layout::{Section, SlotSpec, ValueType};
use crate::catalog::logic::EventSpec;
use crate::catalog::rolled::SEVERITIES;
use crate::expr::{Above, Attribute, Fold, Kind, ListKind, Operand, Over, Quoted, Refusal, Resolved, Scope, Shape};

/// A type as its expressions see it.
pub(in crate::catalog::load) struct TypeScope<'a> {
    pub type_name: &'a str,
    pub slots: &'a [SlotSpec],
    /// The parameters of the rule that is read: their names, numbers and shapes.
    pub params: &'a [(Box<str>, u16, Shape)],
    /// The rules of the type, in the order of their numbers.
    pub rules: &'a [Box<str>],
    /// Computed values that are declared and not compiled yet.
    pub pending: &'a [&'a str],
    /// Which of those were asked for.
    pub awaited: Vec<String>,
    /// Events that may be asked for: where what happens for one evaluation only makes sense.
    pub events: &'a [EventSpec],
    /// Other types, where they may be read.
    pub remote: Option<&'a Remote<'a>>,
    /// Parameters are settings: they read nothing that moves.
    pub properties_only: bool,
    pub blanks: Blanks<'a>,
    /// A name was asked for that may be there all the same: what is wrong then is a consequence.
    pub met_blank: bool,
}

/// What is not known of the type, because it could not be read.
#[derive(Debug, Clone, Copy)]
pub(in crate::catalog::load) struct Blanks<'a> {
    pub members: &'a HashSet<String>,
    /// Any name may be one of a parent that is not known.
    pub any: bool,
}

impl<'a> TypeScope<'a> {
    pub(in crate::catalog::load) fn of(type_name: &'a str, slots: &'a [SlotSpec], blanks: Blanks<'a>) -> TypeScope<'a> {
        let (params, rules, pending, awaited) = (&[], &[], &[], Vec::new());
        TypeScope {
            type_name,
            slots,
            params,
            rules,
            pending,
            awaited,
            events: &[],
            remote: None,
            properties_only: false,
            blanks,
            met_blank: false,
        }
    }

    fn slot(&self, path: &str) -> Option<Resolved> {
        let place = self.slots.iter().position(|slot| &*slot.path == path)?;
        let spec = &self.slots[place];
        if self.properties_only && spec.section != Section::Property {
            return None;
        }
        let mut resolved = Resolved::new(Operand::Slot(u16::try_from(place).ok()?), shape_of(spec));
        resolved.is_live = spec.section != Section::Property;
        // Only what a reading is refused for is certain; `outside: bad` keeps it, and rules see it as unknown.
        (resolved.least, resolved.greatest) = (spec.constraints.min, spec.constraints.max);
        Some(resolved)
    }
}

const ATTRIBUTES: [(&str, Attribute); 5] = [
    ("id", Attribute::Id),
    ("name", Attribute::Name),
    ("type", Attribute::Type),
    ("kind", Attribute::Kind),
    ("severity", Attribute::Severity),
];

/// What is there of every twin.
pub(super) fn attribute(name: &str) -> Option<Resolved> {
    let (_, attribute) = ATTRIBUTES.iter().find(|(known, _)| *known == name)?;
    let kind = match attribute {
        Attribute::Severity => Kind::Enum(SEVERITIES.iter().map(|name| Box::from(*name)).collect()),
        Attribute::Id | Attribute::Name | Attribute::Type | Attribute::Kind | Attribute::Presence => Kind::Text,
    };
    Some(Resolved::new(Operand::Twin(*attribute), Shape::new(kind)))
}

fn no_others() -> Refusal {
    Refusal::new("E702", "other twins cannot be read here")
}

impl Scope for TypeScope<'_> {
    fn resolve(&mut self, path: &[&str]) -> Option<Resolved> {
        match path {
            ["params", name] => {
                let (_, no, shape) = self.params.iter().find(|(known, ..)| **known == **name)?;
                Some(Resolved::new(Operand::Param(*no), shape.clone()))
            }
            ["twin", name] => attribute(name),
            ["alarm", name] => {
                let place = self.rules.iter().position(|known| **known == **name)?;
                Some(Resolved::new(Operand::Alarm(u16::try_from(place).ok()?), Shape::new(Kind::Bool)))
            }
            _ => {
                let path = path.join(".");
                if self.pending.contains(&path.as_str()) {
                    self.awaited.push(path);
                    return None;
                }
                let slot = self.slot(&path);
                let first = path.split('.').next().unwrap_or(&path);
                self.met_blank |= slot.is_none() && (self.blanks.any || self.blanks.members.contains(first));
                slot
            }
        }
    }

    fn names(&self) -> Vec<String> {
        let slots = self.slots.iter().filter(|slot| !self.properties_only || slot.section == Section::Property);
        let slots = slots.map(|slot| slot.path.to_string());
        let params = self.params.iter().map(|(name, ..)| format!("params.{name}"));
        let rules = self.rules.iter().map(|name| format!("alarm.{name}"));
        let twin = ATTRIBUTES.iter().map(|(name, _)| format!("twin.{name}"));
        slots.chain(params).chain(rules).chain(twin).collect()
    }

    fn owner(&self) -> String {
        self.type_name.to_owned()
    }

    fn above(&mut self, above: Above<'_>, path: &[&str]) -> Result<Resolved, Refusal> {
        let remote = self.remote.ok_or_else(no_others)?;
        self.met_blank |= remote.known.is_none();
        remote.above(above, path)
    }

    fn others(&mut self, over: &Over) -> Result<Box<dyn Scope>, Refusal> {
        let remote = self.remote.ok_or_else(no_others)?;
        self.met_blank |= remote.known.is_none();
        remote.others(over)
    }

    fn keep(&mut self, fold: Fold) -> Result<Operand, Refusal> {
        self.remote.ok_or_else(no_others)?.keep(fold)
    }

    fn quoted(&mut self, what: Quoted, name: &str) -> Result<Operand, Refusal> {
        let function = match what {
            Quoted::Event if !self.events.is_empty() => {
                let found = (0_u16..).zip(self.events).find(|(_, event)| *event.name == *name);
                let known: Vec<&str> = self.events.iter().map(|event| &*event.name).collect();
                let unknown = format!("`{name}` is not an event of {}; there is {}", self.type_name, known.join(", "));
                return found.map(|(no, _)| Operand::Event(no)).ok_or_else(|| Refusal::new("E718", unknown));
            }
            Quoted::Event => "event",
            Quoted::Timeout => "timeout",
            Quoted::Input => "input",
        };
        Err(Refusal::new("E706", format!("`{function}` stands in detectors, and `event` in patterns of types that declare events")))
    }
}

pub(super) fn shape_of(spec: &SlotSpec) -> Shape {
    shape(&spec.value_type).with_unit(spec.unit.clone()).with_decimals(spec.decimals)
}

fn shape(value_type: &ValueType) -> Shape {
    Shape::new(match value_type {
        ValueType::Bool => Kind::Bool,
        ValueType::Int => Kind::Int,
        ValueType::Double | ValueType::Decimal => Kind::Double,
        ValueType::String | ValueType::Unit { .. } => Kind::Text,
        ValueType::Timestamp | ValueType::Date => Kind::Timestamp,
        ValueType::Duration | ValueType::Time => Kind::Duration,
        ValueType::Enum(values) => Kind::Enum(values.iter().map(|value| value.name.clone()).collect()),
        ValueType::Geo(_) => Kind::Geo,
        ValueType::Object(fields) => Kind::Object(fields.iter().map(|field| (field.name.clone(), leaf(&field.value))).collect()),
        ValueType::Array(array) => {
            Kind::List(Arc::new(ListKind { items: leaf(&array.items), items_max: u16::try_from(array.items_max).ok() }))
        }
        ValueType::Map(map) => Kind::Map(Arc::new(leaf(&map.entries))),
        ValueType::Json | ValueType::Bytes { .. } => Kind::Any,
    })
}

fn leaf(leaf: &crate::catalog::layout::Leaf) -> Shape {
    shape(&leaf.value_type).with_unit(leaf.unit.clone())
}
