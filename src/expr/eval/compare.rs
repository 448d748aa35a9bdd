//! Comparing: numbers exactly, whatever they are held as; text by its bytes; structures by what is in them.

use std::cmp::Ordering;

use serde_json::Value as Json;

use super::super::datum::{Datum, Known, Why};
use super::super::tree::{Basis, Compare, Comparison};
use super::Evaluation;

impl Evaluation<'_> {
    pub(super) fn compared(&mut self, compare: &Compare) -> Known<bool> {
        let Compare { comparison, basis, left, right } = compare;
        if *basis == Basis::Double {
            let (left, right) = (self.double(left)?, self.double(right)?);
            return Ok(match comparison {
                Comparison::Less => left < right,
                Comparison::LessEqual => left <= right,
                Comparison::Greater => left > right,
                Comparison::GreaterEqual => left >= right,
                Comparison::Equal => left == right,
                Comparison::NotEqual => left != right,
            });
        }
        if *basis == Basis::Micros {
            return Ok(comparison.holds(self.micros(left)?.cmp(&self.micros(right)?)));
        }
        let (left, right) = (self.value(left)?, self.value(right)?);
        if *basis == Basis::Any {
            let is_equal = is_equal(&left, &right);
            return Ok(if *comparison == Comparison::NotEqual { !is_equal } else { is_equal });
        }
        ordering(&left, &right).map(|ordering| comparison.holds(ordering)).ok_or_else(|| Why::NotConvertible.into())
    }
}

fn ordering(left: &Datum, right: &Datum) -> Option<Ordering> {
    match (left, right) {
        (Datum::Bool(left), Datum::Bool(right)) => Some(left.cmp(right)),
        (Datum::Int(left), Datum::Int(right)) => Some(left.cmp(right)),
        (Datum::Double(left), Datum::Double(right)) => left.partial_cmp(right),
        (Datum::Int(left), Datum::Double(right)) => whole_with_double(*left, *right),
        (Datum::Double(left), Datum::Int(right)) => whole_with_double(*right, *left).map(Ordering::reverse),
        (Datum::Text(left), Datum::Text(right)) => Some(left.as_bytes().cmp(right.as_bytes())),
        (Datum::Enum(left), Datum::Enum(right)) => Some(left.cmp(right)),
        (Datum::Timestamp(left), Datum::Timestamp(right)) => Some(left.cmp(right)),
        (Datum::Duration(left), Datum::Duration(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

/// Exactly: the whole number is not rounded to a double first.
fn whole_with_double(whole: i64, double: f64) -> Option<Ordering> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if double.is_nan() {
        return None;
    }
    if double >= LIMIT {
        return Some(Ordering::Less);
    }
    if double < -LIMIT {
        return Some(Ordering::Greater);
    }
    let cut = double.trunc();
    // In range, so nothing is lost.
    Some(whole.cmp(&(cut as i64)).then_with(|| 0.0_f64.partial_cmp(&(double - cut)).unwrap_or(Ordering::Equal)))
}

/// Whether two values are the same, in whatever form they are held. Different kinds are different values.
pub(super) fn is_equal(left: &Datum, right: &Datum) -> bool {
    match (left, right) {
        (Datum::Null, Datum::Null) => true,
        (Datum::List(left), Datum::List(right)) => left.len() == right.len() && left.iter().zip(right.iter()).all(|(a, b)| is_equal(a, b)),
        (Datum::Map(left), Datum::Map(right)) => {
            left.len() == right.len() && left.iter().zip(right.iter()).all(|((a, x), (b, y))| a == b && is_equal(x, y))
        }
        (Datum::Json(left), Datum::Json(right)) => is_equal_json(left, right),
        (Datum::Json(json), other) | (other, Datum::Json(json)) => is_equal_to_json(other, json),
        (left, right) => ordering(left, right) == Some(Ordering::Equal),
    }
}

fn is_equal_json(left: &Json, right: &Json) -> bool {
    match (left, right) {
        (Json::Array(left), Json::Array(right)) => left.len() == right.len() && left.iter().zip(right).all(|(a, b)| is_equal_json(a, b)),
        (Json::Object(left), Json::Object(right)) => {
            left.len() == right.len() && left.iter().all(|(name, value)| right.get(name).is_some_and(|other| is_equal_json(value, other)))
        }
        (Json::Number(_), Json::Number(_)) => match (scalar(left), scalar(right)) {
            (Some(left), Some(right)) => ordering(&left, &right) == Some(Ordering::Equal),
            _ => false,
        },
        (left, right) => left == right,
    }
}

fn is_equal_to_json(datum: &Datum, json: &Json) -> bool {
    match (datum, json) {
        (Datum::List(items), Json::Array(others)) => {
            items.len() == others.len() && items.iter().zip(others).all(|(item, other)| is_equal_to_json(item, other))
        }
        (Datum::Map(entries), Json::Object(others)) => {
            entries.len() == others.len()
                && entries.iter().all(|(name, value)| others.get(&**name).is_some_and(|other| is_equal_to_json(value, other)))
        }
        (Datum::Null, Json::Null) => true,
        (Datum::Text(text), Json::String(other)) => **text == **other,
        (datum, json) => scalar(json).is_some_and(|other| ordering(datum, &other) == Some(Ordering::Equal)),
    }
}

fn scalar(json: &Json) -> Option<Datum> {
    match json {
        Json::Bool(truth) => Some(Datum::Bool(*truth)),
        Json::Number(number) => number.as_i64().map(Datum::Int).or_else(|| number.as_f64().map(Datum::Double)),
        Json::Null | Json::String(_) | Json::Array(_) | Json::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_is_compared_exactly() {
        let big = 9_007_199_254_740_993_i64;
        assert_eq!(whole_with_double(big, 9_007_199_254_740_992.0), Some(Ordering::Greater));
        assert_eq!(whole_with_double(i64::MAX, 9_223_372_036_854_775_808.0), Some(Ordering::Less));
        assert_eq!(whole_with_double(i64::MIN, -9_223_372_036_854_775_808.0), Some(Ordering::Equal));
        assert_eq!(whole_with_double(3, 3.5), Some(Ordering::Less));
        assert_eq!(whole_with_double(-3, -3.5), Some(Ordering::Greater));
        assert_eq!(whole_with_double(0, -0.0), Some(Ordering::Equal));
        assert_eq!(whole_with_double(0, f64::NAN), None);
    }
}
