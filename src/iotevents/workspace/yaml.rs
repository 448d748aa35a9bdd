//! The little YAML that an import writes.

/// A text as a scalar: plain where nobody can misread it, else in double quotes.
pub(super) fn scalar(text: &str) -> String {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'))
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].iter().any(|word| word.eq_ignore_ascii_case(text));
    if is_plain { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}
