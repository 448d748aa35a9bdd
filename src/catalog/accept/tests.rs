//! One check: a type, what was sent, what became of it.

use std::sync::Arc;

use regex::Regex;
use serde_json::Value as Json;

use super::*;
use crate::catalog::layout::{ArrayType, EnumValue, EnumWire, Field, Format, GeoKind, MapType, Section};

fn spec(value_type: ValueType, unit: &str, constraints: Constraints) -> SlotSpec {
    SlotSpec {
        path: "x".into(),
        member: 0,
        section: Section::Property,
        value_type,
        unit: (!unit.is_empty()).then(|| Unit::parse(unit).unwrap()),
        constraints,
        property: None,
        telemetry: None,
        decimals: None,
    }
}

fn plain(value_type: ValueType) -> SlotSpec {
    spec(value_type, "", Constraints::default())
}

fn leaf(value_type: ValueType) -> Leaf {
    Leaf { value_type, unit: None, constraints: Constraints::default() }
}

fn outcome(spec: &SlotSpec, result: Result<Accepted, Refusal>) -> String {
    match result {
        Ok(accepted) => spec.to_json(&accepted.value).to_string(),
        Err(refusal) => format!("{}: {}", refusal.code, refusal.message),
    }
}

/// Sent JSON, expected: the JSON we would write, or the beginning of the refusal.
fn check(spec: &SlotSpec, cases: &[(&str, &str)]) {
    for (sent, expected) in cases {
        let json: Json = serde_json::from_str(sent).unwrap();
        let got = outcome(spec, spec.accept(Raw::from(&json), None));
        assert!(got.starts_with(expected), "{sent}: {got}, not {expected}");
        // What we write we read.
        if let Ok(written) = serde_json::from_str::<Json>(&got) {
            assert_eq!(outcome(spec, spec.accept(Raw::from(&written), None)), got);
        }
    }
}

#[test]
fn numbers() {
    let bounded = Constraints { min: Some(0.0), exclusive_max: Some(100.0), multiple_of: Some(0.1), ..Constraints::default() };
    check(
        &spec(ValueType::Double, "bar", bounded),
        &[
            ("0.3", "0.3"),
            ("7", "7.0"),
            ("-0.1", "OUT_OF_RANGE: -0.1 bar is below min 0 bar"),
            ("100", "OUT_OF_RANGE: 100 bar is not below exclusiveMax 100 bar"),
            ("0.35", "OUT_OF_RANGE: 0.35 bar is not a multiple of 0.1 bar"),
            ("\"NaN\"", "NOT_FINITE"),
            ("\"-inf\"", "NOT_FINITE"),
            ("\"5\"", "WRONG_TYPE: expected a number, got \"5\"; write it without quotes"),
            ("\"5 bar\"", "WRONG_TYPE: expected a number, got \"5 bar\"; here a number stands alone and has the unit bar"),
            ("true", "WRONG_TYPE: expected a number, got true"),
            ("[1]", "WRONG_TYPE"),
            ("null", "WRONG_TYPE"),
        ],
    );
    check(
        &plain(ValueType::Int),
        &[
            ("3.0", "3"),
            ("3.5", "WRONG_TYPE: expected a whole number of 64 bits, got 3.5"),
            ("9223372036854775807", "\"9223372036854775807\""),
            ("9223372036854775808", "WRONG_TYPE"),
            ("1e300", "WRONG_TYPE"),
            ("-9223372036854775808", "\"-9223372036854775808\""),
            ("\"12\"", "WRONG_TYPE"),
        ],
    );
    check(
        &plain(ValueType::Decimal),
        &[
            ("\"12.30\"", "\"12.30\""),
            ("5", "\"5\""),
            ("0.1", "\"0.1\""),
            ("\"1e3\"", "\"1000\""),
            ("\"0.12345678901234567890123456789\"", "WRONG_TYPE"),
            ("\"NaN\"", "NOT_FINITE"),
            ("\"x\"", "WRONG_TYPE"),
        ],
    );
    check(&plain(ValueType::Bool), &[("true", "true"), ("1", "WRONG_TYPE"), ("\"true\"", "WRONG_TYPE")]);
}

#[test]
fn a_number_that_is_not_finite_is_no_reading() {
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(plain(ValueType::Double).accept(Raw::Float(number), None).unwrap_err().code, "NOT_FINITE");
        assert!(plain(ValueType::Int).accept(Raw::Float(number), None).is_err());
        assert!(plain(ValueType::Decimal).accept(Raw::Float(number), None).is_err());
    }
    let to_smaller = Unit::parse("km").unwrap().conversion_to(&Unit::parse("nm").unwrap()).unwrap();
    assert_eq!(plain(ValueType::Double).accept(Raw::Float(1e300), Some(&to_smaller)).unwrap_err().code, "NOT_FINITE");
}

#[test]
fn texts() {
    let pattern = Some(Regex::new("^(?:[A-Zä]+)$").unwrap());
    let limits = Constraints { length_min: Some(2), length_max: Some(4), pattern, ..Constraints::default() };
    check(
        &spec(ValueType::String, "", limits),
        &[
            ("\"AB\"", "\"AB\""),
            ("\"ÄBCD\"", "PATTERN"),
            ("\"ääää\"", "\"ääää\""),
            ("\"A\"", "TOO_SHORT"),
            ("\"ABCDE\"", "TOO_LONG"),
            ("1", "WRONG_TYPE"),
        ],
    );
    let long = format!("\"{}\"", "ä".repeat(TEXT_CHARS_MAX + 1));
    check(&plain(ValueType::String), &[(&long, "TOO_LONG: expected at most 4096 characters, got 4097")]);
    for (format, good, bad) in [
        (Format::Uri, "urn:x:1", "no uri"),
        (Format::Uuid, "123e4567-e89b-12d3-a456-426614174000", "123e4567e89b12d3a456426614174000"),
        (Format::Email, "a.b@example.org", "a@b@"),
        (Format::Ipv4, "10.0.0.1", "10.0.0.256"),
        (Format::Ipv6, "::1", "1"),
        (Format::Hostname, "plc-1.local", "-plc"),
    ] {
        let spec = spec(ValueType::String, "", Constraints { format: Some(format), ..Constraints::default() });
        check(&spec, &[(&format!("{good:?}"), &format!("{good:?}")), (&format!("{bad:?}"), "FORMAT")]);
    }
}

#[test]
fn times() {
    check(
        &plain(ValueType::Timestamp),
        &[("\"2026-01-01T01:00:00+01:00\"", "\"2026-01-01T00:00:00Z\""), ("\"2026-01-01\"", "FORMAT"), ("5", "WRONG_TYPE")],
    );
    check(
        &plain(ValueType::Date),
        &[("\"2024-05-02\"", "\"2024-05-02\""), ("\"1969-12-31\"", "\"1969-12-31\""), ("\"2024-02-30\"", "FORMAT")],
    );
    check(
        &plain(ValueType::Time),
        &[
            ("\"12:30:00\"", "\"12:30:00\""),
            ("\"12:30:00.25Z\"", "\"12:30:00.25\""),
            ("\"25:00\"", "FORMAT"),
            ("\"12:30+01:00\"", "FORMAT"),
        ],
    );
    check(
        &plain(ValueType::Duration),
        &[("\"15s\"", "\"PT15S\""), ("\"-PT1H30M\"", "\"-PT1H30M\""), ("\"P1M\"", "FORMAT"), ("15", "WRONG_TYPE")],
    );
}

#[test]
fn enums_units_bytes() {
    let value = |name: &str, wire| EnumValue { name: name.into(), wire };
    let off = value("OFF", EnumWire::Text("off".into()));
    let values: Arc<[EnumValue]> = Arc::new([value("IDLE", EnumWire::Int(0)), value("RUN", EnumWire::Int(1)), off]);
    check(
        &plain(ValueType::Enum(values)),
        &[
            ("\"IDLE\"", "\"IDLE\""),
            ("1", "\"RUN\""),
            ("1.0", "\"RUN\""),
            ("\"off\"", "\"OFF\""),
            ("2", "UNKNOWN_ENUM_VALUE: expected one of IDLE (0), RUN (1), OFF (\"off\"), got 2"),
            ("\"rum\"", "UNKNOWN_ENUM_VALUE: expected one of IDLE (0), RUN (1), OFF (\"off\"), got \"rum\"; did you mean RUN?"),
            ("true", "WRONG_TYPE"),
        ],
    );
    check(
        &plain(ValueType::Unit { quantity: Some("Temperature".into()) }),
        &[("\"°F\"", "\"degreeFahrenheit\""), ("\"bar\"", "WRONG_UNIT: bar is not a unit of Temperature"), ("\"degX\"", "UNKNOWN_UNIT")],
    );
    check(
        &plain(ValueType::Bytes { media_type: None, bytes_max: 3 }),
        &[("\"AQID\"", "\"AQID\""), ("\"AQI\"", "\"AQI=\""), ("\"AQIDBA==\"", "TOO_LONG"), ("\"?\"", "FORMAT")],
    );
}

#[test]
fn structures() {
    let number = Leaf { unit: Some(Unit::parse("mm").unwrap()), ..leaf(ValueType::Double) };
    let field = |name: &str, required| Field { name: name.into(), wire: name.to_uppercase().into(), required, value: number.clone() };
    let object = ValueType::Object(Arc::new([field("a", true), field("b", false)]));
    check(
        &plain(object.clone()),
        &[
            ("{\"A\": 1, \"b\": null}", "{\"a\":1.0}"),
            ("{\"B\": 1}", "MISSING_FIELD: the field `A` is required"),
            ("{\"A\": 1, \"c\": 2}", "UNKNOWN_FIELD: unknown field `c`; fields here: A, B"),
            ("{\"A\": \"x\"}", "WRONG_TYPE: a: expected a number"),
        ],
    );
    let array = ArrayType { items: leaf(object), items_min: 1, items_max: 2, unique: true };
    check(
        &plain(ValueType::Array(Arc::new(array))),
        &[
            ("[{\"A\": 1}, {\"A\": 2}]", "[{\"a\":1.0},{\"a\":2.0}]"),
            ("[]", "TOO_SHORT"),
            ("[{\"A\": 1}, {\"A\": 1.0}]", "NOT_UNIQUE"),
            ("[{\"A\": 1}, {\"A\": []}]", "WRONG_TYPE: item 1: a: expected"),
            ("[1, 2, 3]", "TOO_LONG"),
            ("5", "WRONG_TYPE: expected an array, got 5"),
        ],
    );
    let map = MapType { entries: leaf(ValueType::Int), entries_max: 2 };
    check(
        &plain(ValueType::Map(Arc::new(map))),
        &[("{\"k\": 3.0}", "{\"k\":3}"), ("{\"k\": 3.5}", "WRONG_TYPE: `k`: "), ("{\"a\":1,\"b\":2,\"c\":3}", "TOO_LONG")],
    );
    let big = format!("{:?}", "x".repeat(JSON_BYTES_MAX + 1));
    check(&plain(ValueType::Json), &[("{\"a\": [1, null]}", "{\"a\":[1,null]}"), (&big, "TOO_LONG"), (&format!("[{big}]"), "TOO_LONG")]);
}

#[test]
fn nesting_is_bounded() {
    let array_of = |items| leaf(ValueType::Array(Arc::new(ArrayType { items, items_min: 0, items_max: 9, unique: false })));
    let nested = (0..=NESTING_MAX).fold(leaf(ValueType::Int), |items, _| array_of(items));
    let sent = format!("{}1{}", "[".repeat(NESTING_MAX + 1), "]".repeat(NESTING_MAX + 1));
    assert_eq!(nested.accept(Raw::from(&serde_json::from_str::<Json>(&sent).unwrap())).unwrap_err().code, "TOO_DEEP");
}

#[test]
fn geometries() {
    check(
        &plain(ValueType::Geo(None)),
        &[
            ("{\"type\": \"Point\", \"coordinates\": [8.5, 47.4], \"crs\": 1}", "{\"coordinates\":[8.5,47.4],\"type\":\"Point\"}"),
            ("{\"type\": \"Point\", \"coordinates\": [47.4, 98.5]}", "GEOMETRY: [47.4,98.5] lies outside the globe"),
            ("{\"type\": \"Polygon\", \"coordinates\": [[[0,0],[1,0],[1,1],[0,0.0]]]}", "{"),
            ("{\"type\": \"Polygon\", \"coordinates\": [[[0,0],[1,0],[1,1],[0,1]]]}", "GEOMETRY: a ring must end where it begins"),
            ("{\"type\": \"LineString\", \"coordinates\": [[0,0]]}", "GEOMETRY"),
            ("{\"type\": \"Circle\"}", "GEOMETRY"),
            ("{\"type\": \"Point\"}", "GEOMETRY: `coordinates` is missing"),
            ("[8, 47]", "WRONG_TYPE"),
        ],
    );
    let many = "{\"type\": \"MultiPoint\", \"coordinates\": []}";
    check(&plain(ValueType::Geo(Some(GeoKind::Point))), &[(many, "GEOMETRY: expected a Point, got a MultiPoint")]);
}

#[test]
fn literals_of_files_may_carry_units() {
    let flow = spec(ValueType::Double, "L/min", Constraints { max: Some(100.0), ..Constraints::default() });
    for (text, expected) in [
        ("12 L/min", "12.0"),
        ("1 L/s", "60.0"),
        ("2 L/s", "OUT_OF_RANGE: 120 L/min is above max 100 L/min"),
        ("1 kW", "WRONG_UNIT: kW does not convert to L/min"),
        ("1 Lmin", "UNKNOWN_UNIT: unknown unit `Lmin`"),
        ("fast", "WRONG_TYPE"),
    ] {
        let got = outcome(&flow, flow.accept_literal(Raw::Text(text)));
        assert!(got.starts_with(expected), "{text}: {got}");
    }
    let millimetres = Leaf { unit: Some(Unit::parse("mm").unwrap()), ..leaf(ValueType::Int) };
    assert_eq!(millimetres.accept_literal(Raw::Text("1.5 m")), Ok(Json::from(1500)));
    assert_eq!(plain(ValueType::Double).accept_literal(Raw::Text("1 m")).unwrap_err().code, "WRONG_UNIT");
}
