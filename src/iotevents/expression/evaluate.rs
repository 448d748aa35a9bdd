//! What a term comes to, with what is undefined and what is invalid (the table of `seed-systems.md`, 1.2).

use serde_json::Value as Json;
use smol_str::SmolStr;

use crate::rule::detector::Scalar;

use super::function::Function;
use super::operate;
use super::term::{BinaryOperator, Piece, Term, follow};
use super::value::{TEXT_BYTES_MAX, Value};

#[derive(Debug, Clone, PartialEq)]
pub enum Outcome<'a> {
    Known(Value<'a>),
    /// A path that leads nowhere, a variable that was never set, and what follows from them.
    Undefined,
    /// Types that do not fit.
    Invalid,
}

/// What an expression is about.
pub trait Surroundings {
    /// The latest payload of an input.
    fn payload(&self, input: &str) -> Option<&Json>;
    fn variable(&self, name: &str) -> Option<&Scalar>;
    /// To ask is to read it.
    fn timeout(&self, timer: &str) -> bool;
    fn is_message(&self) -> bool;
    /// Whether a message on this input caused the evaluation.
    fn is_current(&self, input: &str) -> bool;
}

impl<'a> Outcome<'a> {
    pub(super) fn bool(value: bool) -> Outcome<'a> {
        Outcome::Known(Value::Bool(value))
    }

    pub fn known(self) -> Option<Value<'a>> {
        match self {
            Outcome::Known(value) => Some(value),
            Outcome::Undefined | Outcome::Invalid => None,
        }
    }

    fn as_bool(&self) -> Option<bool> {
        if let Outcome::Known(Value::Bool(value)) = self { Some(*value) } else { None }
    }
}

/// Whether a condition holds: what is undefined, invalid or not a boolean does not.
pub fn holds(term: &Term, about: &dyn Surroundings) -> bool {
    evaluate(term, about).as_bool().unwrap_or(false)
}

pub fn evaluate<'a>(term: &Term, about: &'a dyn Surroundings) -> Outcome<'a> {
    match term {
        Term::Constant(constant) => Value::of_scalar(constant).map_or(Outcome::Invalid, Outcome::Known),
        Term::Template(pieces) => template(pieces, about),
        Term::Input { input, path } => {
            let found = about.payload(input).and_then(|payload| follow(payload, path));
            found.map_or(Outcome::Undefined, |json| Outcome::Known(Value::of_json(json)))
        }
        Term::Variable(name) => about.variable(name).and_then(Value::of_scalar).map_or(Outcome::Undefined, Outcome::Known),
        Term::Unary(operator, inner) => match evaluate(inner, about) {
            Outcome::Known(value) => operate::unary(*operator, &value),
            unknown @ (Outcome::Undefined | Outcome::Invalid) => unknown,
        },
        Term::Binary(operator, left, right) => binary(*operator, left, right, about),
        Term::Timeout(timer) => Outcome::bool(about.timeout(timer)),
        Term::TriggerType { message } => Outcome::bool(about.is_message() == *message),
        Term::CurrentInput(input) => Outcome::bool(about.is_message() && about.is_current(input)),
        Term::Convert(to, inner) => match evaluate(inner, about) {
            Outcome::Known(value) => operate::convert(*to, &value),
            unknown @ (Outcome::Undefined | Outcome::Invalid) => unknown,
        },
        Term::Call(function, arguments) => call(*function, arguments, about),
    }
}

fn binary<'a>(operator: BinaryOperator, left: &Term, right: &Term, about: &'a dyn Surroundings) -> Outcome<'a> {
    let left = evaluate(left, about);
    match (operator, left.as_bool()) {
        (BinaryOperator::Or, Some(true)) => return Outcome::bool(true),
        (BinaryOperator::And, Some(false)) => return Outcome::bool(false),
        (_, _) => {}
    }
    let right = evaluate(right, about);
    match (operator, left, right) {
        (BinaryOperator::Or, _, right) => Outcome::bool(right.as_bool().unwrap_or(false)),
        (BinaryOperator::And, left, right) => left.as_bool().and(right.as_bool()).map_or(Outcome::Undefined, Outcome::bool),
        (operator, left, right) => strict(operator, left, right),
    }
}

/// Operators that need both sides.
fn strict<'a>(operator: BinaryOperator, left: Outcome<'a>, right: Outcome<'a>) -> Outcome<'a> {
    match (left, right) {
        (Outcome::Known(left), Outcome::Known(right)) => operate::binary(operator, &left, &right),
        (Outcome::Invalid, _) | (_, Outcome::Invalid) => Outcome::Invalid,
        // Like a number that is none: what is undefined differs from everything, from itself too. Official templates initialise with it.
        (Outcome::Undefined, _) | (_, Outcome::Undefined) if operator == BinaryOperator::NotEqual => Outcome::bool(true),
        (Outcome::Undefined, _) | (_, Outcome::Undefined) if operator == BinaryOperator::Equal => Outcome::bool(false),
        (Outcome::Undefined, _) | (_, Outcome::Undefined) => Outcome::Undefined,
    }
}

fn call<'a>(function: Function, arguments: &[Term], about: &'a dyn Surroundings) -> Outcome<'a> {
    let mut values = Vec::with_capacity(arguments.len());
    for argument in arguments {
        match (function, evaluate(argument, about)) {
            (Function::IsUndefined, outcome) => return Outcome::bool(outcome == Outcome::Undefined),
            (Function::IsNull, outcome) => return Outcome::bool(outcome == Outcome::Known(Value::Null)),
            (_, Outcome::Known(value)) => values.push(value),
            (_, unknown) => return unknown,
        }
    }
    operate::call(function, &values)
}

fn template<'a>(pieces: &[Piece], about: &'a dyn Surroundings) -> Outcome<'a> {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(plain) => text.push_str(plain),
            Piece::Inner(term) => match evaluate(term, about) {
                Outcome::Known(value) => text.push_str(&value.to_string()),
                unknown @ (Outcome::Undefined | Outcome::Invalid) => return unknown,
            },
        }
        if text.len() > TEXT_BYTES_MAX {
            return Outcome::Invalid;
        }
    }
    Outcome::Known(Value::Text(SmolStr::new(text)))
}
