//! Numbers of two kinds, compared exactly: an integer is not rounded to a decimal first.

use std::cmp::Ordering;

use super::value::Value;

/// `None` for what cannot be put into an order: a mix of types, null, structures.
pub(super) fn compare(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
        (Value::Decimal(left), Value::Decimal(right)) => left.partial_cmp(right),
        (Value::Int(left), Value::Decimal(right)) => Some(int_with_decimal(*left, *right)),
        (Value::Decimal(left), Value::Int(right)) => Some(int_with_decimal(*right, *left).reverse()),
        (Value::Text(left), Value::Text(right)) => Some(left.as_bytes().cmp(right.as_bytes())),
        (Value::Null | Value::Bool(_) | Value::Int(_) | Value::Decimal(_) | Value::Text(_) | Value::Structure(_), _) => None,
    }
}

/// `None`: types that cannot be compared at all.
pub(super) fn equal(left: &Value<'_>, right: &Value<'_>) -> Option<bool> {
    match (left, right) {
        (Value::Null, Value::Null) => Some(true),
        (Value::Null, _) | (_, Value::Null) => Some(false),
        (Value::Bool(left), Value::Bool(right)) => Some(left == right),
        (_, _) => compare(left, right).map(Ordering::is_eq),
    }
}

/// 2^63, the first decimal above all integers.
const ABOVE_ALL: f64 = 9_223_372_036_854_775_808.0;

fn int_with_decimal(int: i64, decimal: f64) -> Ordering {
    if decimal >= ABOVE_ALL {
        return Ordering::Less;
    }
    if decimal < -ABOVE_ALL {
        return Ordering::Greater;
    }
    let whole = decimal.trunc() as i64;
    let fraction = decimal - decimal.trunc();
    int.cmp(&whole).then(0.0_f64.partial_cmp(&fraction).unwrap_or(Ordering::Equal))
}
