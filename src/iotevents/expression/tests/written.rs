//! What was parsed is written so that it parses to the same.

use super::super::{Term, parameter, parse, render_json};
use super::bounds::SAMPLES;
use crate::rule::detector::Scalar;

#[test]
fn round_trips() {
    for text in SAMPLES {
        let term = parse(text).unwrap();
        assert_eq!(parse(&term.to_string()), Ok(term), "{text}");
    }
    for (text, written) in [
        ("((1+2))*3", "(1 + 2) * 3"),
        ("1-(2-3)", "1 - (2 - 3)"),
        ("(1-2)-3", "1 - 2 - 3"),
        ("!(1<2)", "!(1 < 2)"),
        ("'a' + \"b\"", "'a' + 'b'"),
        ("\"it's\"", "'it\\'s'"),
        ("$input.In.`x y`[2].z", "$input.In.`x y`[2].z"),
        ("15.0", "15.0"),
        ("triggerType(\"TIMER\")", "triggerType('Timer')"),
    ] {
        assert_eq!(parse(text).unwrap().to_string(), written);
    }
}

#[test]
fn parameters_that_do_not_parse_are_meant_literally() {
    let literal = |text: &str| Term::Constant(Scalar::Text(text.into()));
    for text in ["hvac/Cooling/On", "arn:aws:sns:us-east-1:123456789012:CraneSNSTopic", "sns-topic-arn", "https://sqs.x/1/q", ""] {
        assert_eq!(parameter(text), literal(text));
    }
    assert_eq!(parameter("'hvac/${$variable.n}'"), parse("'hvac/${$variable.n}'").unwrap());
    assert_eq!(parameter("'quoted'"), literal("quoted"));
}

#[test]
fn values_as_they_are_described() {
    let shown = [Scalar::Text("01".into()), Scalar::Double(15.0), Scalar::Bool(false), Scalar::Int(3)].map(|scalar| render_json(&scalar));
    assert_eq!(shown, ["\"01\"", "15.0", "false", "3"]);
}
