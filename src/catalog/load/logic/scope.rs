//! The names that expressions of a type may use, and the slots and numbers they stand for.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use smol_str::SmolStr;

use super::remote::Remote;

use crate::catalog::layout::{Section, SlotSpec, ValueType};
use crate::catalog::logic::EventSpec;
use crate::catalog::rolled::SEVERITIES;
use crate::expr::{Above, Attribute, Fold, Kind, ListKind, Operand, Over, Quoted, Refusal, Resolved, Scope, Shape};
use crate::source::did_you_mean;

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
    /// What the states of a detector may ask for besides.
    pub machine: Option<&'a MachineNames>,
    /// Parameters are settings: they read nothing that moves.
    pub properties_only: bool,
    pub blanks: Blanks<'a>,
    /// A name was asked for that may be there all the same: what is wrong then is a consequence.
    pub met_blank: bool,
}

/// What expressions in the states of a detector may name.
#[derive(Debug, Clone, Default)]
pub(in crate::catalog::load) struct MachineNames {
    pub variables: Vec<(SmolStr, Shape)>,
    /// By the bytes of their names.
    pub timers: Vec<SmolStr>,
    /// Of those: the ones that are ever set.
    pub started: BTreeSet<SmolStr>,
}

impl MachineNames {
    fn timer(&self, name: &str) -> Result<Operand, Refusal> {
        if self.started.contains(name) {
            let place = self.timers.iter().position(|timer| timer == name).and_then(|place| u16::try_from(place).ok());
            return Ok(Operand::Timeout(place.unwrap_or(0)));
        }
        let near = did_you_mean(name, self.started.iter().map(SmolStr::as_str));
        let hint = near.map(|near| format!("did you mean `{near}`?"));
        Err(Refusal { hint, ..Refusal::new("E721", format!("timeout('{name}'): no such timer is ever set")) })
    }
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
            machine: None,
            properties_only: false,
            blanks,
            met_blank: false,
        }
    }

    /// A member whose readings can cause an evaluation.
    fn input(&mut self, name: &str) -> Result<Operand, Refusal> {
        if let Some(place) = self.slots.iter().position(|slot| &*slot.path == name) {
            return Ok(Operand::Caused(u16::try_from(place).unwrap_or(u16::MAX)));
        }
        let first = name.split('.').next().unwrap_or(name);
        self.met_blank |= self.blanks.any || self.blanks.members.contains(first);
        let near = did_you_mean(name, self.slots.iter().map(|slot| &*slot.path));
        let hint = near.map(|near| format!("did you mean `{near}`?"));
        Err(Refusal { hint, ..Refusal::new("E702", format!("input('{name}'): {} has no member of that name", self.type_name)) })
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

/// What makes a detector run, in the order of their places.
const TRIGGERS: [&str; 2] = ["INPUT", "TIMER"];

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
            ["vars", name] if self.machine.is_some() => {
                let variables = self.machine.map_or(&[][..], |machine| &machine.variables);
                let place = variables.iter().position(|(known, _)| known == name)?;
                Some(Resolved::new(Operand::Variable(u16::try_from(place).ok()?), variables[place].1.clone()))
            }
            ["trigger"] if self.machine.is_some() => {
                Some(Resolved::new(Operand::Trigger, Shape::new(Kind::Enum(TRIGGERS.iter().map(|name| Box::from(*name)).collect()))))
            }
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
        let variables = self.machine.iter().flat_map(|machine| &machine.variables).map(|(name, _)| format!("vars.{name}"));
        let trigger = self.machine.map(|_| "trigger".to_owned());
        slots.chain(params).chain(rules).chain(twin).chain(variables).chain(trigger).collect()
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
        let function = match (what, self.machine) {
            (Quoted::Timeout, Some(machine)) => return machine.timer(name),
            (Quoted::Input, Some(_)) => return self.input(name),
            (Quoted::Event, machine) if machine.is_some() || !self.events.is_empty() => {
                let found = (0_u16..).zip(self.events).find(|(_, event)| *event.name == *name);
                let known: Vec<&str> = self.events.iter().map(|event| &*event.name).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                let unknown = format!("`{name}` is not an event of {}; there is {known}", self.type_name);
                return found.map(|(no, _)| Operand::Event(no)).ok_or_else(|| Refusal::new("E718", unknown));
            }
            (Quoted::Event, _) => "event",
            (Quoted::Timeout, None) => "timeout",
            (Quoted::Input, None) => "input",
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
