//! Evaluation of a checked tree. Total: whatever the operands hold, there is a value or a reason why there is none.
//!
//! Three-valued: a condition that cannot be known is neither true nor false. Nothing is allocated for numbers and truths.

mod arithmetic;
mod calendar;
mod compare;
mod convert;
mod function;
mod geo;
mod structure;
mod text;

pub(super) use convert::{duration_of_text, text_of_number};

use std::sync::Arc;

use serde_json::Value as Json;

use crate::reading::{Quality, Timestamp};

use super::bounds::TEXT_BYTES_MAX;
use super::datum::{Datum, Known, Why};
use super::kind::Kind;
use super::scope::{Environment, Operand};
use super::tree::{On, Op, Tree};

/// The qualities as `quality(x)` names them.
pub(super) const QUALITIES: [Quality; 4] = [Quality::Good, Quality::Uncertain, Quality::Bad, Quality::Missing];

impl Tree {
    /// The value of the expression.
    pub fn evaluate(&self, environment: &dyn Environment) -> Known<Datum> {
        Evaluation::new(environment).value(self)
    }

    /// Of a condition: true, false, or unknown and why.
    pub fn is_true(&self, environment: &dyn Environment) -> Known<bool> {
        Evaluation::new(environment).truth(self)
    }

    /// Of a number, in the unit of the expression.
    pub fn number(&self, environment: &dyn Environment) -> Known<f64> {
        Evaluation::new(environment).double(self)
    }

    /// For payloads: enums by their names, and what is unknown inside of a map or list is null there.
    pub fn to_json(&self, environment: &dyn Environment) -> Known<Json> {
        Evaluation::new(environment).json(self)
    }
}

pub(super) struct Evaluation<'a> {
    environment: &'a dyn Environment,
    /// Variables of the comprehensions around, the outermost first.
    locals: Vec<Known<Datum>>,
}

impl<'a> Evaluation<'a> {
    pub(super) fn new(environment: &'a dyn Environment) -> Evaluation<'a> {
        Evaluation { environment, locals: Vec::new() }
    }

    pub(super) fn value(&mut self, tree: &Tree) -> Known<Datum> {
        match &tree.op {
            Op::Constant(datum) => Ok(datum.clone()),
            Op::Read(read) => finite(self.environment.read(read.operand)?),
            Op::Now => Ok(Datum::Timestamp(self.environment.now())),
            Op::Local(number) => self.locals.get(usize::from(*number)).cloned().unwrap_or_else(|| Err(Why::NotThere.into())),
            Op::Not(_)
            | Op::And(_)
            | Op::Or(_)
            | Op::Compare(_)
            | Op::In(_)
            | Op::HasKey(_)
            | Op::IsThere(_)
            | Op::Matches(..)
            | Op::Known(_)
            | Op::Changed(_) => self.truth(tree).map(Datum::Bool),
            Op::If(three) => {
                let [condition, yes, no] = &**three;
                if self.truth(condition)? { self.value(yes) } else { self.value(no) }
            }
            Op::Arithmetic(arithmetic) => match arithmetic.on {
                On::Double => self.double(tree).map(Datum::Double),
                On::Int => self.whole(arithmetic).map(Datum::Int),
                On::Micros => self.instant(arithmetic, tree),
            },
            Op::Negate(only) => self.negated(only),
            Op::Convert(..) | Op::ToDouble(_) => self.double(tree).map(Datum::Double),
            Op::ToName(names, only) => {
                let named = self.value(only)?.named(names);
                if named == Datum::Null { Err(Why::NotThere.into()) } else { Ok(named) }
            }
            Op::Concat(two) => self.concatenated(two),
            Op::List(items) => items.iter().map(|item| self.value(item)).collect::<Known<Vec<_>>>().map(|items| Datum::List(items.into())),
            Op::Map(entries) => self.map(entries),
            Op::Item(two) => self.item(two, &tree.shape.kind),
            Op::Entry(two) => self.entry(two, &tree.shape.kind),
            Op::Field(target, name) => self.field(target, name, &tree.shape.kind),
            Op::Call(function, arguments) => self.call(*function, arguments, tree),
            Op::Calendar(part, only, zone) => calendar::part(*part, &self.value(only)?, zone).map(Datum::Int),
            Op::Over(comprehension) => self.over(comprehension),
            Op::OrElse(two) => self.value(&two[0]).or_else(|_| self.value(&two[1])),
            Op::Previous(operand) => finite(self.environment.previous(*operand)?),
            Op::TimeOf(operand) => {
                self.environment.time_of(*operand).map(Datum::Timestamp).ok_or(super::Unknown::of(*operand, Why::Missing))
            }
            Op::Quality(operand) => Ok(Datum::Enum(self.quality(*operand))),
        }
    }

    pub(super) fn truth(&mut self, tree: &Tree) -> Known<bool> {
        match &tree.op {
            Op::Not(only) => self.truth(only).map(|truth| !truth),
            Op::And(terms) => self.decided(terms, false),
            Op::Or(terms) => self.decided(terms, true),
            Op::Compare(compare) => self.compared(compare),
            Op::If(three) => {
                let [condition, yes, no] = &**three;
                if self.truth(condition)? { self.truth(yes) } else { self.truth(no) }
            }
            Op::In(two) => self.is_in(two),
            Op::HasKey(two) => self.has_key(two),
            Op::IsThere(operand) => Ok(self.environment.quality(*operand) != Quality::Missing),
            Op::Matches(text, pattern) => self.with_text(text, |text| pattern.is_match(text)),
            Op::Known(only) => Ok(self.value(only).is_ok()),
            Op::Changed(operand) => Ok(self.environment.is_changed(*operand)),
            Op::Constant(_)
            | Op::Read(_)
            | Op::Now
            | Op::Local(_)
            | Op::Arithmetic(_)
            | Op::Negate(_)
            | Op::Convert(..)
            | Op::ToDouble(_)
            | Op::ToName(..)
            | Op::Concat(_)
            | Op::List(_)
            | Op::Map(_)
            | Op::Item(_)
            | Op::Entry(_)
            | Op::Field(..)
            | Op::Call(..)
            | Op::Calendar(..)
            | Op::Over(_)
            | Op::OrElse(_)
            | Op::Previous(_)
            | Op::TimeOf(_)
            | Op::Quality(_) => {
                if let Datum::Bool(truth) = self.value(tree)? {
                    Ok(truth)
                } else {
                    Err(Why::NotConvertible.into())
                }
            }
        }
    }

    /// One term that decides (`false` for &&, `true` for ||) outweighs any number of unknown ones.
    fn decided(&mut self, terms: &[Tree], deciding: bool) -> Known<bool> {
        let mut unknown = None;
        for term in terms {
            match self.truth(term) {
                Ok(truth) if truth == deciding => return Ok(deciding),
                Ok(_) => {}
                Err(cause) => unknown = unknown.or(Some(cause)),
            }
        }
        unknown.map_or(Ok(!deciding), Err)
    }

    fn quality(&self, operand: Operand) -> u16 {
        let quality = self.environment.quality(operand);
        QUALITIES.iter().position(|own| *own == quality).and_then(|place| u16::try_from(place).ok()).unwrap_or(3)
    }

    fn with_text<T>(&mut self, tree: &Tree, use_it: impl FnOnce(&str) -> T) -> Known<T> {
        if let Datum::Text(text) = self.value(tree)? { Ok(use_it(&text)) } else { Err(Why::NotConvertible.into()) }
    }

    fn text(&mut self, tree: &Tree) -> Known<Arc<str>> {
        if let Datum::Text(text) = self.value(tree)? { Ok(text) } else { Err(Why::NotConvertible.into()) }
    }

    fn concatenated(&mut self, two: &[Tree; 2]) -> Known<Datum> {
        let (left, right) = (self.value(&two[0])?, self.value(&two[1])?);
        match (left, right) {
            (Datum::Text(left), Datum::Text(right)) if left.len() + right.len() <= TEXT_BYTES_MAX => {
                Ok(Datum::Text(Arc::from(format!("{left}{right}"))))
            }
            (Datum::Text(_), Datum::Text(_)) => Err(Why::TooLarge.into()),
            _ => Err(Why::NotConvertible.into()),
        }
    }

    fn json(&mut self, tree: &Tree) -> Known<Json> {
        if let Op::Map(entries) = &tree.op {
            let mut object = serde_json::Map::with_capacity(entries.len());
            for (key, value) in entries {
                let key = self.with_text(key, ToOwned::to_owned)?;
                object.insert(key, self.json(value).unwrap_or(Json::Null));
            }
            return Ok(Json::Object(object));
        }
        if let Op::List(items) = &tree.op {
            return Ok(items.iter().map(|item| self.json(item).unwrap_or(Json::Null)).collect());
        }
        let datum = self.value(tree)?;
        let named = if let Kind::Enum(names) = &tree.shape.kind { datum.named(names) } else { datum };
        Ok(named.to_json())
    }
}

fn finite(datum: Datum) -> Known<Datum> {
    if matches!(datum, Datum::Double(number) if !number.is_finite()) { Err(Why::NotFinite.into()) } else { Ok(datum) }
}

/// An environment in which nothing is known: for what is constant.
#[derive(Debug)]
pub(super) struct Nowhere;

impl Environment for Nowhere {
    fn read(&self, operand: Operand) -> Known<Datum> {
        Err(super::Unknown::of(operand, Why::Missing))
    }

    fn previous(&self, operand: Operand) -> Known<Datum> {
        self.read(operand)
    }

    fn is_changed(&self, _: Operand) -> bool {
        false
    }

    fn time_of(&self, _: Operand) -> Option<Timestamp> {
        None
    }

    fn quality(&self, _: Operand) -> Quality {
        Quality::Missing
    }

    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
}
