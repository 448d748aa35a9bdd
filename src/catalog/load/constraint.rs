//! Constraints: bounds in the unit of the member, whatever unit they were written in.

use crate::catalog::layout::{Format, Leaf, ValueType};
use crate::reading::unit::{Unit, parse_quantity};
use crate::source::{Diagnostic, Diagnostics, Fields, Node, ScalarValue, Span, codes};

use regex::RegexBuilder;

use super::value_type::{is_numeric, unknown_unit};

const LENGTH_MAX: u64 = 1 << 20;
/// Compiled size of one pattern.
const PATTERN_BYTES_MAX: usize = 1 << 20;

const FORMATS: &[(&str, Format)] = &[
    ("uri", Format::Uri),
    ("uuid", Format::Uuid),
    ("email", Format::Email),
    ("ipv4", Format::Ipv4),
    ("ipv6", Format::Ipv6),
    ("hostname", Format::Hostname),
];

/// Over what a shared type already says.
pub(super) fn read(fields: &Fields<'_>, leaf: &mut Leaf, problems: &mut Diagnostics) {
    if is_numeric(&leaf.value_type) {
        let unit = leaf.unit.clone();
        let mut bound = |key: &str, is_step: bool, current: Option<f64>| {
            fields.get(key).map_or(current, |node| literal(node, unit.as_ref(), is_step, &fields.what, key, problems))
        };
        let own = &mut leaf.constraints;
        own.min = bound("min", false, own.min);
        own.max = bound("max", false, own.max);
        own.exclusive_min = bound("exclusiveMin", false, own.exclusive_min);
        own.exclusive_max = bound("exclusiveMax", false, own.exclusive_max);
        own.multiple_of = bound("multipleOf", true, own.multiple_of);
        check_bounds(fields, leaf, problems);
    }
    if matches!(leaf.value_type, ValueType::String) {
        read_text(fields, leaf, problems);
    }
}

fn read_text(fields: &Fields<'_>, leaf: &mut Leaf, problems: &mut Diagnostics) {
    let mut length = |key: &str| fields.whole(key, LENGTH_MAX, problems).and_then(|value| usize::try_from(value).ok());
    let own = &mut leaf.constraints;
    own.length_min = length("minLength").or(own.length_min);
    own.length_max = length("maxLength").or(own.length_max);
    if own.length_min > own.length_max.or(Some(usize::MAX)) {
        problems.push(cross(fields, "minLength", "maxLength"));
    }
    own.format = fields.word("format", FORMATS, problems).or(own.format);
    if let (Some(text), Some(node)) = (fields.text("pattern", problems), fields.get("pattern")) {
        own.pattern = pattern(text, node.span, problems).or(own.pattern.take());
    }
}

fn pattern(text: &str, span: Span, problems: &mut Diagnostics) -> Option<regex::Regex> {
    // On its own first: `a)(b` is no expression, though it would be one between our parentheses.
    let alone = RegexBuilder::new(text).size_limit(PATTERN_BYTES_MAX).build();
    match alone.and_then(|_| RegexBuilder::new(&format!("^(?:{text})$")).size_limit(PATTERN_BYTES_MAX).build()) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
            let diagnostic = Diagnostic::new(&codes::BAD_PATTERN, span, format!("not a regular expression: {reason}"));
            problems.push(diagnostic.help("there are no back references and no look-around; the pattern matches the whole text"));
            None
        }
    }
}

/// A number, or a number with a unit that converts. A step (`multipleOf`) is a difference: 0.5 degC is a step of 0.9 degF.
fn literal(node: &Node, unit: Option<&Unit>, is_step: bool, what: &str, key: &str, problems: &mut Diagnostics) -> Option<f64> {
    let scalar = node.as_scalar();
    match scalar.map(|scalar| (scalar.value, &*scalar.text)) {
        Some((ScalarValue::Int(number), _)) => return Some(number as f64),
        Some((ScalarValue::UInt(number), _)) => return Some(number as f64),
        Some((ScalarValue::Float(number), _)) if number.is_finite() => return Some(number),
        Some((ScalarValue::Text, text)) => {
            if let Some((number, sent)) = parse_quantity(text) {
                return quantity(number, sent, unit, is_step, node.span, what, problems);
            }
        }
        _ => {}
    }
    let message = format!("`{key}` of {what} must be a number or a number with a unit, not {}", node.describe());
    problems.push(Diagnostic::new(&codes::BAD_LITERAL, node.span, message));
    None
}

fn quantity(
    number: f64,
    sent: &str,
    unit: Option<&Unit>,
    is_step: bool,
    span: Span,
    what: &str,
    problems: &mut Diagnostics,
) -> Option<f64> {
    let Some(unit) = unit else {
        let message = format!("`{number} {sent}`: {what} has no unit to convert to");
        problems.push(Diagnostic::new(&codes::UNIT_MISMATCH, span, message).help("write the number alone, or give the member a unit"));
        return None;
    };
    let sent = match Unit::parse(sent) {
        Ok(sent) => sent,
        Err(unknown) => {
            problems.push(unknown_unit(&unknown, span));
            return None;
        }
    };
    match sent.conversion_to(unit) {
        Some(conversion) if is_step => Some(conversion.apply(number) - conversion.apply(0.0)),
        Some(conversion) => Some(conversion.apply(number)),
        None => {
            let message = format!("{} does not convert to {}, the unit of {what}", sent.symbol(), unit.symbol());
            problems.push(Diagnostic::new(&codes::UNIT_MISMATCH, span, message));
            None
        }
    }
}

fn check_bounds(fields: &Fields<'_>, leaf: &Leaf, problems: &mut Diagnostics) {
    let own = &leaf.constraints;
    for (low_key, low, high_key, high, may_be_equal) in [
        ("min", own.min, "max", own.max, true),
        ("min", own.min, "exclusiveMax", own.exclusive_max, false),
        ("exclusiveMin", own.exclusive_min, "max", own.max, false),
        ("exclusiveMin", own.exclusive_min, "exclusiveMax", own.exclusive_max, false),
    ] {
        let (Some(low), Some(high)) = (low, high) else { continue };
        if low > high || (low == high && !may_be_equal) {
            problems.push(cross(fields, low_key, high_key));
        }
    }
    if own.multiple_of.is_some_and(|step| step <= 0.0) {
        let span = fields.get("multipleOf").map_or(fields.span, |node| node.span);
        problems.push(Diagnostic::new(&codes::BOUNDS_CROSS, span, format!("`multipleOf` of {} must be larger than 0", fields.what)));
    }
}

fn cross(fields: &Fields<'_>, low: &str, high: &str) -> Diagnostic {
    let node = fields.get(high).or_else(|| fields.get(low));
    let span = node.map_or(fields.span, |node| node.span);
    Diagnostic::new(&codes::BOUNDS_CROSS, span, format!("no value of {} keeps both `{low}` and `{high}`", fields.what))
}
