//! Functions that ask about a value rather than for it, and those that give a number another unit.

use crate::reading::unit::Unit;

use super::super::datum::Datum;
use super::super::eval::QUALITIES;
use super::super::kind::{Kind, Shape};
use super::super::measure::Measure;
use super::super::problem::{Problem, Span};
use super::super::scope::Resolved;
use super::super::syntax::{Call, Form, Syntax};
use super::super::tree::{Op, Read, Tree};
use super::Checker;

impl Checker<'_> {
    pub(super) fn state(&mut self, call: &Call, span: Span) -> Option<Tree> {
        if &*call.function == "orElse" {
            let [value, other] = call.arguments.as_slice() else { return self.arity(call, "a value and another in its place") };
            let trees = self.trees(&[value.clone(), other.clone()])?;
            let (trees, shape) = self.alike(trees, span)?;
            let two = <[Tree; 2]>::try_from(trees).ok()?;
            return Some(Tree::made(Op::OrElse(Box::new(two)), span, shape));
        }
        let [only] = call.arguments.as_slice() else { return self.arity(call, "one value") };
        match &*call.function {
            "known" => {
                let tree = self.tree(only)?;
                Some(Tree::made(Op::Known(Box::new(tree)), span, Shape::new(Kind::Bool)))
            }
            "has" => self.has(only, span),
            "previous" => {
                let (operand, shape) = self.operand(&call.function, only)?;
                self.uses(operand, |uses| uses.previous = true);
                Some(Tree::new(Op::Previous(operand), span, shape))
            }
            "changed" => {
                let (operand, _) = self.operand(&call.function, only)?;
                self.uses(operand, |uses| uses.changed = true);
                Some(Tree::new(Op::Changed(operand), span, Shape::new(Kind::Bool)))
            }
            "timeOf" => {
                let (operand, _) = self.operand(&call.function, only)?;
                self.uses(operand, |uses| uses.about = true);
                Some(Tree::new(Op::TimeOf(operand), span, Shape::new(Kind::Timestamp)))
            }
            _ => {
                let (operand, _) = self.operand(&call.function, only)?;
                self.uses(operand, |uses| uses.about = true);
                let names: Vec<Box<str>> = QUALITIES.iter().map(|quality| quality.as_str().into()).collect();
                Some(Tree::new(Op::Quality(operand), span, Shape::new(Kind::Enum(names.into()))))
            }
        }
    }

    /// Whether a member holds a value, or a structure has a field.
    fn has(&mut self, only: &Syntax, span: Span) -> Option<Tree> {
        let Form::Select { target, field, .. } = &only.form else {
            let message = "types do not fit: `has` takes a field, as in has(settings.limit)";
            return self.refuse(Problem::new("E703", only.span, message).hint("known(x) asks whether there is a value"));
        };
        if let Some(operand) = self.operand_or_none(only) {
            self.uses(operand, |uses| uses.about = true);
            return Some(Tree::new(Op::IsThere(operand), span, Shape::new(Kind::Bool)));
        }
        let target = self.tree(target)?;
        if !matches!(target.shape.kind, Kind::Map(_) | Kind::Object(_) | Kind::Any) {
            let message = format!("types do not fit: `{}` is {}: it has no fields", self.shown(target.span), target.shape);
            return self.refuse(Problem::new("E703", target.span, message));
        }
        let key = Tree::constant(Datum::Text((**field).into()), span, Shape::new(Kind::Text));
        Some(Tree::made(Op::HasKey(Box::new([target, key])), span, Shape::new(Kind::Bool)))
    }

    /// `quantity(185, 'degF')`, `convert(x, 'degF')`
    pub(super) fn units(&mut self, call: &Call, span: Span) -> Option<Tree> {
        let [number, unit] = call.arguments.as_slice() else { return self.arity(call, "a number and a unit") };
        let number = self.tree(number);
        let unit = self.unit(unit);
        let (number, measure) = (number?, unit?);
        if !number.shape.is_number() {
            let message =
                format!("types do not fit: `{}` takes a number, `{}` is {}", call.function, self.shown(number.span), number.shape);
            return self.refuse(Problem::new("E703", number.span, message));
        }
        if &*call.function == "quantity" {
            if number.shape.measure.is_some() {
                let message = format!("units do not fit: `{}` has a unit already, {}", self.shown(number.span), number.shape);
                return self.refuse(Problem::new("E705", number.span, message).hint("convert(x, 'unit') makes a bare number of it"));
            }
            let shape = number.shape.clone().measured(Some(measure));
            return Some(Tree { span, shape, ..number });
        }
        if number.shape.measure.is_none() {
            let message = format!("units do not fit: `{}` has no unit to convert from", self.shown(number.span));
            return self.refuse(Problem::new("E705", number.span, message).hint(format!("quantity(x, '{}') gives it one", measure.unit)));
        }
        let converted = self.converted(number, &measure, span)?;
        let shape = converted.shape.clone().measured(None);
        Some(Tree { span, shape, ..converted })
    }

    fn unit(&mut self, syntax: &Syntax) -> Option<Measure> {
        let Some(symbol) = syntax.text() else {
            return self.refuse(Problem::new("E703", syntax.span, "types do not fit: a unit must be a constant text").hint("'degF'"));
        };
        match Unit::parse(symbol) {
            Ok(unit) => Some(Measure::of(unit)),
            Err(unknown) => self.refuse(Problem::new("E705", syntax.span, unknown.to_string())),
        }
    }

    pub(super) fn read_quoted(&mut self, resolved: Resolved, span: Span) -> Tree {
        self.uses(resolved.operand, |uses| uses.value = true);
        let read = Read { operand: resolved.operand, is_live: true, least: None, greatest: None };
        Tree::new(Op::Read(read), span, resolved.shape)
    }
}
