//! The table against its file, published conversions, and pairs that must not convert.

use super::*;

fn unit(text: &str) -> Unit {
    Unit::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

fn convert(value: f64, from: &str, to: &str) -> f64 {
    unit(from).conversion_to(&unit(to)).unwrap_or_else(|| panic!("{from} to {to}")).apply(value)
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * a.abs().max(b.abs())
}

#[test]
fn every_row_agrees_with_the_file_and_round_trips() {
    let rows = include_str!("units.tsv").lines().filter(|line| !line.starts_with('#')).skip(1);
    let mut count = 0;
    for row in rows {
        let columns: Vec<&str> = row.split('\t').collect();
        let (factor, offset): (f64, f64) = (columns[6].parse().unwrap(), columns[7].parse().unwrap());
        // The SI unit is parsed as text; where it is composed of protected bases it must still be a unit.
        let si = columns[5];
        for text in [columns[0], columns[1]].into_iter().chain(columns[2].split_whitespace()) {
            for value in [1.0, 37.5, -12.25] {
                let there = convert(value, text, si);
                assert!(close(there, value * factor + offset), "{text}: {there}");
                assert!((convert(there, si, text) - value).abs() <= 1e-11 * value.abs(), "{text}");
            }
        }
        assert_eq!(unit(columns[1]).name(), columns[0]);
        count += 1;
    }
    assert_eq!(count, 240);
    let kinds: std::collections::BTreeSet<&str> = quantity_kinds().collect();
    assert_eq!(kinds.len(), 52, "{kinds:?}");
}

#[test]
fn published_conversions_are_exact() {
    for (value, from, to, expected) in [
        (100.0, "degC", "degF", 212.0),
        (32.0, "degF", "degC", 0.0),
        (158.0, "degF", "degC", 70.0),
        (-40.0, "degF", "degC", -40.0),
        (98.6, "degF", "degC", 37.0),
        (0.0, "degC", "K", 273.15),
        (300.0, "K", "degC", 26.85),
        (9.0, "deltaDegF", "deltaDegC", 5.0),
        (9.0, "deltaDegF", "K", 5.0),
        (1.0, "mi", "km", 1.609344),
        (36.0, "km/h", "m/s", 10.0),
        (1.0, "kn", "km/h", 1.852),
        (1.0, "kWh", "MJ", 3.6),
        (60.0, "L/min", "L/s", 1.0),
        (1.0, "m^3/h", "L/h", 1000.0),
        (1.0, "L/s", "L/min", 60.0),
        (1.0, "ft", "in", 12.0),
        (1.0, "gal", "floz", 128.0),
        (1.0, "turn", "deg", 360.0),
        (60.0, "rpm", "deg/s", 360.0),
        (1.0, "TR", "BTU/h", 12000.0),
        (20.0, "dB", "Bel", 2.0),
        (1.0, "EiB", "KiB", 1_125_899_906_842_624.0),
        (50.0, "%", "1", 0.5),
        (1.0, "kWh/t", "kJ/kg", 3.6),
        (1.0, "W/(m^2.K)", "W/(m^2.degC)", 1.0),
        (1.0, "kg.m/s^2", "N", 1.0),
        (1.0, "kW.h", "kWh", 1.0),
        (12.0, "mm/s", "m/s", 0.012),
        (1.0, "lbf.ft", "N.m", 1.3558179483314004),
        (180.0, "deg", "rad", std::f64::consts::PI),
    ] {
        assert_eq!(convert(value, from, to), expected, "{value} {from} in {to}");
    }
}

#[test]
fn what_measures_something_else_does_not_convert() {
    for (a, b) in [
        ("N.m", "J"),
        ("W", "VA"),
        ("VA", "var"),
        ("W", "var"),
        ("kWh", "kVAh"),
        ("rpm", "Hz"),
        ("Bq", "Hz"),
        ("Gy", "Sv"),
        ("dB", "1"),
        ("Bel", "%"),
        ("degC", "deltaDegC"),
        ("degF", "deltaDegF"),
        ("lm", "cd"),
        ("kWh/t", "Gy"),
        ("L/min", "kg/s"),
        ("lb", "lbf"),
        ("1/s", "Hz"),
        ("degC", "degC/min"),
        ("N.m", "kW.h"),
    ] {
        assert_eq!(unit(a).conversion_to(&unit(b)), None, "{a} to {b}");
        assert_eq!(unit(b).conversion_to(&unit(a)), None, "{b} to {a}");
    }
}

#[test]
fn one_unit_has_one_symbol() {
    for (text, symbol) in [
        ("m³.h^-1", "m^3/h"),
        ("l/min", "L/min"),
        ("kilowattHour/tonne", "kWh/t"),
        ("W/m^2/K", "W/(m^2.K)"),
        ("N·m", "N.m"),
        ("m.m", "m^2"),
        ("s⁻¹", "1/s"),
        ("°C", "degC"),
        ("mm·s⁻²", "mm/s^2"),
        ("1/min", "1/min"),
    ] {
        assert_eq!(unit(text).symbol(), symbol);
        assert_eq!(unit(unit(text).symbol()), unit(text));
        assert_eq!(unit(unit(text).name()), unit(text));
    }
}

#[test]
fn unknown_units_name_the_nearest() {
    for (text, nearest) in [
        ("celsius", "degC"),
        ("KW", "kW"),
        ("Kwh/t", "kWh/t"),
        ("kg/m3", "kg/m^3"),
        ("W/m^2.K", "W/(m^2.K)"),
        ("kilowat", "kW"),
        ("metres", "m"),
    ] {
        let unknown = Unit::parse(text).unwrap_err();
        assert!(unknown.nearest.len() <= 3 && unknown.nearest.iter().any(|found| found == nearest), "{unknown}");
    }
    for text in ["", "/", "m//s", "m^", "m^0", "m^99", "(m)", "m/(s", "m/s)", "^2", "m.", " m", "²", "m^-", "a.".repeat(40).as_str()] {
        assert!(Unit::parse(text).is_err(), "{text}");
    }
}

#[test]
fn quantities() {
    assert_eq!(parse_quantity("12 L/min"), Some((12.0, "L/min")));
    assert_eq!(parse_quantity("-4.5e3kW"), Some((-4500.0, "kW")));
    assert_eq!(parse_quantity("2eV"), Some((2.0, "eV")));
    assert_eq!(parse_quantity("100%"), Some((100.0, "%")));
    assert_eq!(parse_quantity("3 1/s"), Some((3.0, "1/s")));
    for text in ["12", "L/min", "", "2026-01-01", "1_000", "12:30", "NaN m", "1e999 m", ". m"] {
        assert_eq!(parse_quantity(text), None, "{text}");
    }
    assert!(is_quantity_kind("Temperature") && !is_quantity_kind("temperature"));
    assert!(unit("degC").in_quantity("Temperature") && !unit("degC").in_quantity("Length"));
}
