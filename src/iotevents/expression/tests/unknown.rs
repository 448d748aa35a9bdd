//! The table of what is undefined and what is invalid.

use super::check;

#[test]
fn conditions() {
    let world = super::world();
    for text in ["$input.In.missing", "1", "'true'", "1 + true", "$input.In.nil", "$input.Nobody.x > 1"] {
        assert!(!super::super::holds(&super::parse(text).unwrap(), &world), "{text}");
    }
    assert!(super::super::holds(&super::parse("$input.In.yes").unwrap(), &world));
}

#[test]
fn or_takes_what_is_unknown_for_false() {
    check(&[
        ("$input.In.missing || true", "true"),
        ("true || $input.In.missing", "true"),
        ("$input.In.missing || false", "false"),
        ("$input.In.missing > 1 || $variable.never > 1", "false"),
        ("(1 + true) || true", "true"),
        ("5 || true", "true"),
        ("false || 'x'", "false"),
    ]);
}

#[test]
fn and_is_undefined_but_for_a_false_left() {
    check(&[
        ("false && $input.In.missing", "false"),
        ("$input.In.missing && false", "undefined"),
        ("true && $input.In.missing", "undefined"),
        ("true && 1", "undefined"),
        ("(1 + true) && true", "undefined"),
        ("true && true", "true"),
    ]);
}

#[test]
fn undefined_differs_from_everything() {
    check(&[
        ("$variable.threshold != $variable.threshold", "true"),
        ("$variable.threshold == $variable.threshold", "false"),
        ("$input.In.missing != 1", "true"),
        ("1 == $input.In.missing", "false"),
        ("$input.In.missing + 1", "undefined"),
        ("$input.In.missing < 1", "undefined"),
        ("!$input.In.missing", "undefined"),
        ("-$input.In.missing", "undefined"),
        ("'a ${$input.In.missing}'", "undefined"),
        ("$input.In.list[7]", "undefined"),
        ("$input.In.t.deeper", "undefined"),
        ("startsWith($input.In.missing, 'a')", "undefined"),
        ("convert(Decimal, $input.In.missing)", "undefined"),
    ]);
}

#[test]
fn types_that_do_not_mix_are_invalid() {
    check(&[
        ("1 == 'a'", "invalid"),
        ("true != 1", "invalid"),
        ("'a' + 1", "invalid"),
        ("true < false", "invalid"),
        ("'a' < 1", "invalid"),
        ("1.5 | 1", "invalid"),
        ("~1.5", "invalid"),
        ("!1", "invalid"),
        ("-'a'", "invalid"),
        ("$input.In.object == $input.In.object", "invalid"),
        ("$input.In.missing + (1 + true)", "invalid"),
        ("convert(Boolean, 'yes')", "invalid"),
        ("convert(Decimal, 'x')", "invalid"),
        ("convert(String, 'x')", "invalid"),
        ("convert(String, 5)", "invalid"),
        ("startsWith(1, 'a')", "undefined"),
        ("bitor(1.5, 1)", "undefined"),
        ("bitnot('a')", "undefined"),
    ]);
}

#[test]
fn null_is_a_value() {
    check(&[
        ("isNull($input.In.nil)", "true"),
        ("isUndefined($input.In.nil)", "false"),
        ("isNull($input.In.missing)", "false"),
        ("isUndefined($input.In.missing)", "true"),
        ("isUndefined($variable.never)", "true"),
        ("isUndefined(1 + true)", "false"),
        ("$input.In.nil == $input.In.nil", "true"),
        ("$input.In.nil != 1", "true"),
        ("$input.In.nil == 'x'", "false"),
        ("$input.In.nil + 1", "invalid"),
        ("$input.In.nil < 1", "invalid"),
        ("isNull($input.In.i)==false", "true"),
    ]);
}
