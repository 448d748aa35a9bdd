//! The computed values of a type: expressions and windows over other members, made in an order in which each reads only what is there already.

use std::sync::Arc;

use crate::catalog::layout::{Constraints, EnumValue, EnumWire, Member, Section, SlotSpec, ValueType};
use crate::catalog::load::member::{Compiled, DECIMALS_MAX, title};
use crate::catalog::logic::EventSpec;
use crate::expr::{Checked, Expect, Kind, Shape};
use crate::reading::unit::Unit;
use crate::source::keys::COMPUTED;
use crate::source::{Diagnostic, Diagnostics, Entry, Fields, codes};

use super::Expressions;
use super::remote::Remote;
use super::scope::{Blanks, TypeScope};
use super::windows::{self, Window};

/// A computed value on its way.
pub(in crate::catalog::load) struct Declared<'n> {
    pub entry: &'n Entry,
    fields: Fields<'n>,
    unit: Option<Unit>,
}

/// What fills the slot.
pub(in crate::catalog::load) enum Made {
    Value(Checked),
    Window(Box<Window>),
}

/// What came of one look at it.
pub(in crate::catalog::load) enum Outcome {
    /// With the slot that is to hold it, not yet numbered.
    Made(Box<(Compiled, Made)>),
    /// It reads others that are not made yet.
    Waits(Vec<String>),
    Broken,
}

impl<'n> Declared<'n> {
    pub(in crate::catalog::load) fn read(entry: &'n Entry, problems: &mut Diagnostics) -> Option<Declared<'n>> {
        let fields = Fields::read(&COMPUTED, &entry.value, format!("computed value `{}`", entry.key.text), problems)?;
        if fields.get("of").is_none() && fields.get("window").is_none() {
            fields.require("value", problems)?;
        }
        let unit = match fields.text("unit", problems) {
            Some(text) => match Unit::parse(text) {
                Ok(unit) => Some(unit),
                Err(error) => {
                    let span = fields.get("unit").map_or(fields.span, |node| node.span);
                    problems.push(Diagnostic::new(&codes::UNKNOWN_UNIT, span, error.to_string()));
                    return None;
                }
            },
            None => None,
        };
        Some(Declared { entry, fields, unit })
    }

    fn name(&self) -> &'n str {
        &self.entry.key.text
    }

    /// `pending` are the names of computed values that are not made yet, its own among them.
    pub(in crate::catalog::load) fn make(
        &self,
        type_name: &Arc<str>,
        slots: &[SlotSpec],
        pending: &[&str],
        (blanks, events, remote): (Blanks<'_>, &[EventSpec], &Remote<'_>),
        expressions: &mut Expressions,
        problems: &mut Diagnostics,
    ) -> Outcome {
        let mut scope = TypeScope { pending, remote: Some(remote), ..TypeScope::of(type_name, slots, blanks) };
        if self.fields.get("of").is_some() || self.fields.get("window").is_some() {
            let mut reader = windows::Reader { fields: &self.fields, unit: self.unit.as_ref(), scope, events, expressions, problems };
            return match reader.read() {
                Ok(window) => {
                    let compiled = self.compiled(type_name, window.value_type.clone(), window.unit.clone(), problems);
                    Outcome::Made(Box::new((compiled, Made::Window(Box::new(window)))))
                }
                Err(outcome) => outcome,
            };
        }
        let Some(node) = self.fields.get("value") else { return Outcome::Broken };
        let stated = self.unit.clone().map(|unit| Shape::number(Some(unit)));
        let expect = stated.as_ref().map_or(Expect::Anything, |shape| Expect::Value { name: self.name(), shape });
        let mut found = Diagnostics::new();
        let checked = expressions.read(node, &format!("`value` of {}", self.fields.what), &mut scope, expect, &mut found);
        if !scope.awaited.is_empty() {
            return Outcome::Waits(scope.awaited);
        }
        if !scope.met_blank {
            problems.extend(found);
        }
        let Some(value) = checked else { return Outcome::Broken };
        let Some(value_type) = value_type(&value.shape().kind) else {
            let message = format!("{} is {}, which no member can hold", self.fields.what, value.shape());
            problems.push(Diagnostic::new(&codes::EXPR_TYPES, node.span, message));
            return Outcome::Broken;
        };
        let unit = self.unit.clone().or_else(|| value.shape().unit().cloned());
        Outcome::Made(Box::new((self.compiled(type_name, value_type, unit, problems), Made::Value(value))))
    }

    fn compiled(&self, type_name: &Arc<str>, value_type: ValueType, unit: Option<Unit>, problems: &mut Diagnostics) -> Compiled {
        member_of(self.name(), &self.fields, type_name, value_type, unit, problems)
    }
}

/// A member with one slot that holds what follows from others.
pub(super) fn member_of(
    name: &str,
    fields: &Fields<'_>,
    type_name: &Arc<str>,
    value_type: ValueType,
    unit: Option<Unit>,
    problems: &mut Diagnostics,
) -> Compiled {
    let decimals = fields.whole("decimals", DECIMALS_MAX, problems).and_then(|value| u8::try_from(value).ok());
    let member = Member {
        name: name.into(),
        wire: name.into(),
        section: Section::Computed,
        value_type: value_type.clone(),
        slots: 0..0,
        title: title(fields, "title", problems),
        description: title(fields, "description", problems),
        deprecated: fields.text("deprecated", problems).map(str::to_owned),
        declared_by: type_name.clone(),
    };
    let slot = SlotSpec {
        path: name.into(),
        member: 0,
        section: Section::Computed,
        value_type,
        unit,
        constraints: Constraints::default(),
        property: None,
        telemetry: None,
        decimals,
    };
    Compiled { member, slots: vec![slot] }
}

/// Those that are left all wait for one another, or for one that does.
pub(in crate::catalog::load) fn report_ring(waiting: &[(Declared<'_>, Vec<String>)], problems: &mut Diagnostics) {
    let next = |name: &str| waiting.iter().find(|(declared, _)| declared.name() == name).and_then(|(_, on)| on.first());
    let Some((first, _)) = waiting.first() else { return };
    let mut ring = vec![first.name().to_owned()];
    while let Some(on) = ring.last().and_then(|last| next(last)) {
        if let Some(place) = ring.iter().position(|known| known == on) {
            ring.drain(..place);
            ring.push(on.clone());
            break;
        }
        ring.push(on.clone());
    }
    let span = waiting.iter().find(|(declared, _)| Some(declared.name()) == ring.first().map(String::as_str));
    let span = span.map_or(first.entry.key.span, |(declared, _)| declared.entry.key.span);
    problems.push(Diagnostic::new(&codes::EXPR_RING, span, format!("a ring: {}", ring.join(" → "))));
}

fn value_type(kind: &Kind) -> Option<ValueType> {
    Some(match kind {
        Kind::Bool => ValueType::Bool,
        Kind::Int => ValueType::Int,
        Kind::Double => ValueType::Double,
        Kind::Text => ValueType::String,
        Kind::Timestamp => ValueType::Timestamp,
        Kind::Duration => ValueType::Duration,
        Kind::Enum(names) => {
            ValueType::Enum(names.iter().map(|name| EnumValue { name: name.clone(), wire: EnumWire::Text(name.clone()) }).collect())
        }
        Kind::List(_) | Kind::Map(_) | Kind::Object(_) | Kind::Geo | Kind::Any => return None,
    })
}
