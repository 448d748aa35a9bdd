//! Operators on values that are there; and `convert`.

use smol_str::SmolStr;

use super::compare::{compare, equal};
use super::evaluate::Outcome;
use super::function::Function;
use super::term::{BinaryOperator, Convert, UnaryOperator};
use super::value::{TEXT_BYTES_MAX, Value};

pub(super) fn unary<'a>(operator: UnaryOperator, value: &Value<'a>) -> Outcome<'a> {
    match (operator, value) {
        (UnaryOperator::Not, Value::Bool(value)) => Outcome::bool(!value),
        (UnaryOperator::Complement, Value::Int(value)) => Outcome::Known(Value::Int(!value)),
        (UnaryOperator::Negate, Value::Int(value)) => {
            value.checked_neg().map_or(Outcome::Invalid, |value| Outcome::Known(Value::Int(value)))
        }
        (UnaryOperator::Negate, Value::Decimal(value)) => Outcome::Known(Value::Decimal(-value)),
        (UnaryOperator::Not | UnaryOperator::Complement | UnaryOperator::Negate, _) => Outcome::Invalid,
    }
}

/// All but `&&` and `||`, which look at their right side only if they have to.
pub(super) fn binary<'a>(operator: BinaryOperator, left: &Value<'a>, right: &Value<'a>) -> Outcome<'a> {
    let ordered = |holds: fn(std::cmp::Ordering) -> bool| compare(left, right).map(holds);
    let truth = match operator {
        BinaryOperator::Equal => equal(left, right),
        BinaryOperator::NotEqual => equal(left, right).map(|equal| !equal),
        BinaryOperator::Less => ordered(std::cmp::Ordering::is_lt),
        BinaryOperator::LessOrEqual => ordered(std::cmp::Ordering::is_le),
        BinaryOperator::Greater => ordered(std::cmp::Ordering::is_gt),
        BinaryOperator::GreaterOrEqual => ordered(std::cmp::Ordering::is_ge),
        BinaryOperator::BitOr | BinaryOperator::BitXor | BinaryOperator::BitAnd => return bits(operator, left, right),
        BinaryOperator::Add | BinaryOperator::Subtract | BinaryOperator::Multiply | BinaryOperator::Divide => {
            return arithmetic(operator, left, right);
        }
        BinaryOperator::Or | BinaryOperator::And => None,
    };
    truth.map_or(Outcome::Invalid, Outcome::bool)
}

fn bits<'a>(operator: BinaryOperator, left: &Value<'a>, right: &Value<'a>) -> Outcome<'a> {
    let (Value::Int(left), Value::Int(right)) = (left, right) else { return Outcome::Invalid };
    let result = if operator == BinaryOperator::BitOr {
        left | right
    } else if operator == BinaryOperator::BitXor {
        left ^ right
    } else {
        left & right
    };
    Outcome::Known(Value::Int(result))
}

fn arithmetic<'a>(operator: BinaryOperator, left: &Value<'a>, right: &Value<'a>) -> Outcome<'a> {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => {
            let result = if operator == BinaryOperator::Add {
                left.checked_add(*right)
            } else if operator == BinaryOperator::Subtract {
                left.checked_sub(*right)
            } else if operator == BinaryOperator::Multiply {
                left.checked_mul(*right)
            } else {
                divide(*left, *right)
            };
            result.map_or(Outcome::Invalid, |result| Outcome::Known(Value::Int(result)))
        }
        (Value::Text(left), Value::Text(right)) if operator == BinaryOperator::Add && left.len() + right.len() <= TEXT_BYTES_MAX => {
            Outcome::Known(Value::Text(SmolStr::new(format!("{left}{right}"))))
        }
        (left, right) => {
            let (Some(left), Some(right)) = (decimal(left), decimal(right)) else { return Outcome::Invalid };
            let result = if operator == BinaryOperator::Add {
                left + right
            } else if operator == BinaryOperator::Subtract {
                left - right
            } else if operator == BinaryOperator::Multiply {
                left * right
            } else {
                left / right
            };
            if result.is_finite() { Outcome::Known(Value::Decimal(result)) } else { Outcome::Invalid }
        }
    }
}

/// AWS says "rounded" and not how: half away from zero is our choice. By zero: nothing.
fn divide(left: i64, right: i64) -> Option<i64> {
    let (left, right) = (i128::from(left), i128::from(right));
    let quotient = left.checked_div(right)?;
    let rest = left - quotient * right;
    let rounds = rest.abs() * 2 >= right.abs();
    let away = if (left < 0) == (right < 0) { 1 } else { -1 };
    i64::try_from(quotient + if rounds { away } else { 0 }).ok()
}

fn decimal(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Int(value) => Some(*value as f64),
        Value::Decimal(value) => Some(*value),
        Value::Null | Value::Bool(_) | Value::Text(_) | Value::Structure(_) => None,
    }
}

pub(super) fn convert<'a>(to: Convert, value: &Value<'a>) -> Outcome<'a> {
    let converted = match (to, value) {
        (Convert::Text, Value::Bool(_) | Value::Decimal(_)) => Some(Value::Text(SmolStr::new(value.to_string()))),
        (Convert::Bool, Value::Text(text)) if text.eq_ignore_ascii_case("true") => Some(Value::Bool(true)),
        (Convert::Bool, Value::Text(text)) if text.eq_ignore_ascii_case("false") => Some(Value::Bool(false)),
        (Convert::Decimal, Value::Text(text)) => text.trim().parse().ok().filter(|value: &f64| value.is_finite()).map(Value::Decimal),
        (Convert::Text | Convert::Bool | Convert::Decimal, _) => None,
    };
    converted.map_or(Outcome::Invalid, Outcome::Known)
}

/// What is neither a text nor an integer where one is meant makes it undefined, not invalid.
pub(super) fn call<'a>(function: Function, arguments: &[Value<'a>]) -> Outcome<'a> {
    let known = match (function, arguments) {
        (Function::StartsWith, [Value::Text(text), Value::Text(part)]) => Some(Value::Bool(text.starts_with(part.as_str()))),
        (Function::EndsWith, [Value::Text(text), Value::Text(part)]) => Some(Value::Bool(text.ends_with(part.as_str()))),
        (Function::Contains, [Value::Text(text), Value::Text(part)]) => Some(Value::Bool(text.contains(part.as_str()))),
        (Function::BitOr, [Value::Int(left), Value::Int(right)]) => Some(Value::Int(left | right)),
        (Function::BitAnd, [Value::Int(left), Value::Int(right)]) => Some(Value::Int(left & right)),
        (Function::BitXor, [Value::Int(left), Value::Int(right)]) => Some(Value::Int(left ^ right)),
        (Function::BitNot, [Value::Int(value)]) => Some(Value::Int(!value)),
        (
            Function::IsUndefined
            | Function::IsNull
            | Function::StartsWith
            | Function::EndsWith
            | Function::Contains
            | Function::BitOr
            | Function::BitAnd
            | Function::BitXor
            | Function::BitNot,
            _,
        ) => None,
    };
    known.map_or(Outcome::Undefined, Outcome::Known)
}
