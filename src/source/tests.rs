//! Words and suggestions: the small algorithms that text tests reach only in part.

use super::{ScalarValue, codes, did_you_mean, resolve_plain};

#[test]
fn plain_words_follow_the_core_schema() {
    for (text, value) in [
        ("true", ScalarValue::Bool(true)),
        ("no", ScalarValue::Text),
        ("on", ScalarValue::Text),
        ("12:30", ScalarValue::Text),
        ("1_000", ScalarValue::Text),
        ("~", ScalarValue::Null),
        ("0x1F", ScalarValue::Int(31)),
        ("0o17", ScalarValue::Int(15)),
        ("-12", ScalarValue::Int(-12)),
        ("+12", ScalarValue::Int(12)),
        ("1e3", ScalarValue::Float(1000.0)),
        (".5", ScalarValue::Float(0.5)),
        ("5.", ScalarValue::Float(5.0)),
        ("-.inf", ScalarValue::Float(f64::NEG_INFINITY)),
        ("inf", ScalarValue::Text),
        ("1.2.3", ScalarValue::Text),
        ("9223372036854775808", ScalarValue::UInt(9_223_372_036_854_775_808)),
        ("2026-01-01", ScalarValue::Text),
        ("-", ScalarValue::Text),
        (".", ScalarValue::Text),
        ("1e", ScalarValue::Text),
    ] {
        assert_eq!(resolve_plain(text), value, "{text}");
    }
}

#[test]
fn suggestions_are_near() {
    let keys = ["type", "min", "max", "temperature", "every"];
    assert_eq!(did_you_mean("maximum", keys), Some("max"));
    assert_eq!(did_you_mean("temprature", keys), Some("temperature"));
    assert_eq!(did_you_mean("evry", keys), Some("every"));
    assert_eq!(did_you_mean("colour", keys), None);
}

#[test]
fn codes_are_in_order_and_say_something() {
    for pair in codes::TABLE.windows(2) {
        assert!(pair[0].id < pair[1].id, "{} stands before {}", pair[0].id, pair[1].id);
    }
    assert!(codes::TABLE.iter().all(|code| !code.title.is_empty() && !code.remedy.is_empty() && !code.example.is_empty()));
    assert!(codes::find("e204").is_some());
}
