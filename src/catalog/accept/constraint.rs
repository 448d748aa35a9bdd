//! What a modeller demands of a value beyond its type.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use regex::Regex;

use crate::catalog::layout::{Constraints, Format};

use super::{Check, Place, Refusal};

/// How far a quotient may be from a whole number and still count as one: `0.3` is a multiple of `0.1`.
const MULTIPLE_TOLERANCE: f64 = 1e-9;

impl Check<'_> {
    pub(super) fn number(&mut self, place: Place<'_>, value: f64) -> Result<(), Refusal> {
        let constraints = place.constraints;
        let unit = Suffix(place);
        if let Some(min) = constraints.min.filter(|min| value < *min) {
            return self.outside(|| out_of_range(format!("{value}{unit} is below min {min}{unit}")));
        }
        if let Some(max) = constraints.max.filter(|max| value > *max) {
            return self.outside(|| out_of_range(format!("{value}{unit} is above max {max}{unit}")));
        }
        if let Some(min) = constraints.exclusive_min.filter(|min| value <= *min) {
            return self.outside(|| out_of_range(format!("{value}{unit} is not above exclusiveMin {min}{unit}")));
        }
        if let Some(max) = constraints.exclusive_max.filter(|max| value >= *max) {
            return self.outside(|| out_of_range(format!("{value}{unit} is not below exclusiveMax {max}{unit}")));
        }
        if let Some(step) = constraints.multiple_of.filter(|step| !is_multiple(value, *step)) {
            return self.outside(|| out_of_range(format!("{value}{unit} is not a multiple of {step}{unit} (multipleOf)")));
        }
        Ok(())
    }

    pub(super) fn text_constraints(&mut self, constraints: &Constraints, chars_max: usize, text: &str) -> Result<(), Refusal> {
        if text.len() > chars_max && text.chars().nth(chars_max).is_some() {
            let count = text.chars().count();
            return self.outside(|| Refusal::new("TOO_LONG", format!("expected at most {chars_max} characters, got {count}")));
        }
        if let Some(chars_min) = constraints.length_min.filter(|min| text.chars().take(*min).count() < *min) {
            return self.outside(|| Refusal::new("TOO_SHORT", format!("expected at least {chars_min} characters, got {text:?}")));
        }
        if let Some(pattern) = constraints.pattern.as_ref().filter(|pattern| !pattern.is_match(text)) {
            return self.outside(|| Refusal::new("PATTERN", format!("{} does not match the pattern {}", shown(text), as_written(pattern))));
        }
        if let Some(format) = constraints.format.filter(|format| !fits(*format, text)) {
            return self.outside(|| Refusal::new("FORMAT", format!("{} is not {}", shown(text), name(format))));
        }
        Ok(())
    }
}

struct Suffix<'a>(Place<'a>);

impl fmt::Display for Suffix<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.unit.map_or(Ok(()), |unit| write!(f, " {unit}"))
    }
}

fn out_of_range(message: String) -> Refusal {
    Refusal { code: "OUT_OF_RANGE", message }
}

fn is_multiple(value: f64, step: f64) -> bool {
    let quotient = value / step;
    (quotient - quotient.round()).abs() <= MULTIPLE_TOLERANCE * quotient.abs().max(1.0)
}

/// Without the anchors that were put around it.
fn as_written(pattern: &Regex) -> &str {
    let text = pattern.as_str();
    text.strip_prefix("^(?:").and_then(|text| text.strip_suffix(")$")).unwrap_or(text)
}

fn shown(text: &str) -> String {
    crate::reading::Raw::Text(text).to_string()
}

fn name(format: Format) -> &'static str {
    match format {
        Format::Uri => "a URI with a scheme",
        Format::Uuid => "a UUID",
        Format::Email => "an e-mail address",
        Format::Ipv4 => "an IPv4 address",
        Format::Ipv6 => "an IPv6 address",
        Format::Hostname => "a host name",
    }
}

fn fits(format: Format, text: &str) -> bool {
    match format {
        Format::Uri => is_uri(text),
        Format::Uuid => is_uuid(text),
        Format::Email => is_email(text),
        Format::Ipv4 => text.parse::<Ipv4Addr>().is_ok(),
        Format::Ipv6 => text.parse::<Ipv6Addr>().is_ok(),
        Format::Hostname => is_hostname(text),
    }
}

/// A scheme, a colon, and only characters that RFC 3986 allows.
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let scheme_is_fine = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
    scheme_is_fine && !rest.is_empty() && rest.bytes().all(allowed)
}

fn is_uuid(text: &str) -> bool {
    let is_dash = |index: usize| matches!(index, 8 | 13 | 18 | 23);
    text.len() == 36 && text.bytes().enumerate().all(|(index, byte)| if is_dash(index) { byte == b'-' } else { byte.is_ascii_hexdigit() })
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let local_is_fine = !local.is_empty()
        && local.len() <= 64
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && local.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte));
    local_is_fine && is_hostname(domain)
}

/// Labels of RFC 1123.
fn is_hostname(text: &str) -> bool {
    let label_is_fine = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.len() <= 253 && text.split('.').all(label_is_fine)
}
