//! What a plain word of YAML means by the 1.2 core schema.

use super::ScalarValue;

/// The core schema of YAML 1.2: `no`, `on`, `12:30` and `1_000` are text.
pub fn resolve_plain(text: &str) -> ScalarValue {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return ScalarValue::Null,
        "true" | "True" | "TRUE" => return ScalarValue::Bool(true),
        "false" | "False" | "FALSE" => return ScalarValue::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return ScalarValue::Float(f64::NAN),
        _ => {}
    }
    // Most words are none of these, and their first character says so.
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return ScalarValue::Text;
    }
    integer(text).or_else(|| float(text)).unwrap_or(ScalarValue::Text)
}

fn integer(text: &str) -> Option<ScalarValue> {
    let radix = |digits: &str, radix| {
        let is_clean = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
        is_clean.then(|| u64::from_str_radix(digits, radix).ok()).flatten()
    };
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16).map(whole);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8).map(whole);
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    if let Ok(number) = text.parse::<i64>() {
        return Some(ScalarValue::Int(number));
    }
    // Beyond 64 bits it is a number all the same, only not an exact one.
    Some(text.parse::<u64>().map_or_else(|_| ScalarValue::Float(text.parse().unwrap_or(f64::INFINITY)), ScalarValue::UInt))
}

fn whole(number: u64) -> ScalarValue {
    i64::try_from(number).map_or(ScalarValue::UInt(number), ScalarValue::Int)
}

fn float(text: &str) -> Option<ScalarValue> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Some(ScalarValue::Float(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY }));
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_number = all_digits(before)
        && all_digits(after)
        && !(before.is_empty() && after.is_empty())
        && exponent.is_none_or(|digits| !digits.is_empty() && all_digits(digits));
    is_number.then(|| text.parse().ok()).flatten().map(ScalarValue::Float)
}
