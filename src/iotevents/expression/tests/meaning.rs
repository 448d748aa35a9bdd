//! Values that are all there.

use super::check;

#[test]
fn precedence_from_loosest_to_tightest() {
    check(&[
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("10 - 3 - 2", "5"),
        ("true || false && false", "true"),
        ("1 | 2 ^ 3 & 1", "3"),
        ("6 & 3 == 3", "invalid"),
        ("1 + 1 == 2 && 2 < 3", "true"),
        ("-2 * -3", "6"),
        ("!true || true", "true"),
        ("~5 + 1", "-5"),
        ("- - 3", "3"),
        ("2+3<=5", "true"),
    ]);
}

#[test]
fn numbers() {
    check(&[
        ("12", "12"),
        ("12.5", "12.5"),
        ("1e3", "1000.0"),
        ("2.5E-1", "0.25"),
        ("$input.In.i", "7"),
        ("$input.In.w", "20.0"),
        ("20 == 20.0", "true"),
        ("$input.In.i + $input.In.d", "9.5"),
        ("9223372036854775807 + 1", "invalid"),
        ("9223372036854775807 < 9223372036854775808.0", "true"),
        ("9007199254740993 == 9007199254740992.0", "false"),
        ("$input.In.big > 1", "true"),
        ("-9223372036854775807 - 2", "invalid"),
        ("1e308 * 10", "invalid"),
    ]);
}

/// Of two integers: rounded, halves away from zero.
#[test]
fn division() {
    check(&[
        ("7 / 2", "4"),
        ("5 / 2", "3"),
        ("-5 / 2", "-3"),
        ("5 / -2", "-3"),
        ("-7 / -2", "4"),
        ("4 / 3", "1"),
        ("5 / 3", "2"),
        ("1 / 3", "0"),
        ("-1 / 2", "-1"),
        ("7 / 2.0", "3.5"),
        ("1 / 0", "invalid"),
        ("1.0 / 0", "invalid"),
    ]);
}

#[test]
fn texts_and_templates() {
    check(&[
        ("'a' + \"b\"", "'ab'"),
        ("'a' < 'b'", "true"),
        ("'it\\'s'", "'it's'"),
        ("\"say \\\"x\\\" 'y'\"", "'say \"x\" 'y''"),
        ("'{\\\"a\\\": 1}'", "'{\\\"a\\\": 1}'"),
        ("'${$input.In.t} at ${$input.In.w} and ${$input.In.i + 1}'", "'text at 20.0 and 8'"),
        ("'${'inner ${$variable.s}'}!'", "'inner x!'"),
        ("'${$input.In.nil}'", "'null'"),
        ("'${$input.In.object}'", "'{\"a\":1}'"),
        ("'${1 == 1}'", "'true'"),
        ("'$5 {x}'", "'$5 {x}'"),
        ("''", "''"),
        ("'123' == 123", "invalid"),
    ]);
}

#[test]
fn references() {
    check(&[
        ("$input.In.list[1].deep", "11"),
        ("$input.In.list[ 0 ]", "10"),
        ("$input.In.`motor id`", "'M-1'"),
        ("$input.`In`.i", "7"),
        ("$variable.n + 1", "4"),
        ("$variable.`n`", "3"),
        ("$input.In.object", "{\"a\":1}"),
        ("currentInput('In')", "true"),
        ("currentInput(\"Other\")", "false"),
        ("triggerType(\"message\")", "true"),
        ("triggerType('Timer')", "false"),
        ("timeout(\"gone\")", "true"),
        ("timeout('t')", "false"),
    ]);
}

#[test]
fn functions() {
    check(&[
        ("startsWith('motor', 'mo')", "true"),
        ("endsWith('motor', 'mo')", "false"),
        ("contains('motor', 'oto')", "true"),
        ("bitor(5, 2)", "7"),
        ("bitand(7, 2)", "2"),
        ("bitxor(7, 2)", "5"),
        ("bitnot(0)", "-1"),
        ("5 | 2", "7"),
        ("7 & 2", "2"),
        ("7 ^ 2", "5"),
        ("convert(String, 1.5)", "'1.5'"),
        ("convert(String, 15.0)", "'15.0'"),
        ("convert(string, true)", "'true'"),
        ("convert(Boolean, 'true')", "true"),
        ("convert(Decimal, '12.5') + 1", "13.5"),
    ]);
}

/// To ask about a timer is to read its end; what a short circuit skips is not asked.
#[test]
fn short_circuits_do_not_ask() {
    let asked = |text: &str| {
        let world = super::world();
        super::evaluate(&super::parse(text).unwrap(), &world);
        world.asked.into_inner()
    };
    assert!(asked("false && timeout('gone')").is_empty());
    assert!(asked("true || timeout('gone')").is_empty());
    assert_eq!(asked("false || timeout('gone') || timeout('other')"), ["gone"]);
    assert_eq!(asked("$input.In.missing && timeout('gone')"), ["gone"]);
}
