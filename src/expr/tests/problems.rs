//! What a modeller sees: every code, and the character it points at.

use super::super::bounds::SOURCE_BYTES_MAX;
use super::super::*;
use super::world::compile_for;

/// The problems of a text as `code «marked text» message (hint)`.
fn told(text: &str) -> String {
    let lines = |problems: &[Problem]| {
        let line = |problem: &Problem| {
            let hint = problem.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
            format!("{} «{}» {}{hint}", problem.code, &text[problem.span.clone()], problem.message)
        };
        problems.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    match compile_for(text, Expect::Condition("when")) {
        Ok(checked) => lines(&checked.warnings),
        Err(problems) => lines(&problems),
    }
}

#[test]
fn every_code_at_its_place() {
    let cases = [
        ("temperature >", "E701 «» the expression does not parse: expected a value, found the end"),
        ("temperature > \"95\"", "E703 «\"95\"» `temperature` is a double (degC), `\"95\"` is text (write 95, or quantity(95, 'degC'))"),
        (
            "temprature > 3",
            "E702 «temprature» unknown name `temprature`; did you mean `temperature`? Members of Mixer: config, count, drive.current, elapsed, humidity, level, loop, many, meta, mode, other, outside, … (28 in all) (did you mean `temperature`?)",
        ),
        ("temperature", "E704 «temperature» `when` must be true or false; this is a double (degC) (compare it with something?)"),
        ("temperature > power", "E705 «temperature > power» units do not fit: degC against kW"),
        (
            "avg(temperature) > 3",
            "E706 «avg» unknown function `avg`; windows are declared under `computed`: avg: {of: …, agg: avg, window: …}",
        ),
        ("abs(level) > 3", "E706 «abs» unknown function `abs`; did you mean `math.abs`? (write math.abs)"),
        ("serial.startWith('x')", "E706 «startWith» unknown function `startWith`; did you mean `startsWith`? (did you mean `startsWith`?)"),
        ("mode == 'RUNNING'", "E708 «'RUNNING'» `RUNNING` is not a value of mode: IDLE, RUN, CLEAN, FAULT. RUN? (did you mean 'RUN'?)"),
        (
            "mode in ['RUN', 'CLAEN']",
            "E708 «'CLAEN'» `CLAEN` is not a value of mode: IDLE, RUN, CLEAN, FAULT. CLEAN? (did you mean 'CLEAN'?)",
        ),
        (
            "temperature > params.hii",
            "E711 «params.hii» params.hii is not declared; did you mean params.hi? (declared: params.band, params.hi, params.share)",
        ),
        (
            "parent.setpoint > 3",
            "E713 «parent.setpoint» parent may be an Area or a Line, and Line has no `setpoint` (use ancestor('Area'))",
        ),
        ("count / 2 > 3", "W730 «count / 2» integer division drops the remainder (double(…) of one side keeps it)"),
        ("pressure >= 0", "W731 «pressure >= 0» always true: pressure is never below 0"),
        ("quantity(17, 'bar') < pressure", "W731 «quantity(17, 'bar') < pressure» always false: pressure is never above 16"),
        ("pressure > 0", ""),
        (
            "mean(level) > 3",
            "E706 «mean» unknown function `mean`; windows are declared under `computed`: avg: {of: …, agg: avg, window: …}",
        ),
        ("params > 3", "E702 «params» `params` is no value: read one of its members (params.x)"),
        ("1 < 2", "W731 «1 < 2» always true: nothing in it can change"),
        ("now.getHours('Europe/Berlyn') > 3", "E714 «'Europe/Berlyn'» `Europe/Berlyn` is no time zone, Europe/Berlin?"),
        ("timeout('runn')", "E721 «'runn'» timeout('runn'): no such timer is ever set"),
        ("event('batchFinised')", "E718 «'batchFinised'» `batchFinised` is not an event of Mixer"),
        (
            "temperature + temperature > 3",
            "E705 «temperature + temperature» units do not fit: degC + degC is no temperature (one side must be a difference, in K; a mean is a + (b - a) / 2)",
        ),
        ("temperature > quantity(3, 'degg')", "E705 «'degg'» unknown unit `degg`; did you mean `deg`, `degC` or `degF`?"),
        (
            "children('Pump').count(p, p.temprature > 3) > 1",
            "E702 «p.temprature» unknown name `p.temprature`; did you mean `p.temperature`? Members of Pump: p.power, p.running, p.temperature, p.twin.severity (did you mean `p.temperature`?)",
        ),
        (
            "children('Pump').count(p, temperature > 3) > 1",
            "E702 «temperature» `temperature` cannot be read here: the body of a fold may use only members of `p` and constants",
        ),
        ("children('Pump').sum(p, p.running) > 1", "E703 «p.running» types do not fit: a number is folded here, `p.running` is a bool"),
        ("children('Pmup').count() > 1", "E702 «children('Pmup')» there is no type `Pmup`; did you mean `Pump`?"),
        ("children > 3", "E702 «children» `children` is no value: other twins are folded (children('Pump').count(p, p.temperature > 80))"),
        ("serial.matches('(')", "E703 «'('» the pattern does not compile: unclosed group"),
        ("temperature == null", "E703 «null» types do not fit: there is no null here (known(x) asks whether there is a value)"),
        (
            "previous(temperature + 1) > 3",
            "E703 «temperature + 1» types do not fit: `previous` takes the name of a member, `temperature + 1` is not one (give the expression a name under `computed`)",
        ),
        ("serial + 3 == 'x'", "E703 «3» `serial` is text, `3` is an int (string(…) makes text of it)"),
        ("mode > 'RUN'", "E703 «'RUN'» `mode` is an enum, `'RUN'` is text (the values of an enum have no order: compare with == or in)"),
        ("config.limitt > 3", "E702 «limitt» `config` has no field `limitt`; did you mean `limit`? It has: limit, name"),
        ("temperature.x > 3", "E702 «x» `temperature` is a double (degC): it has no fields"),
        ("math.ln(power) > 3", "E705 «power» units do not fit: `ln` takes a bare number, `power` is a double (kW) (convert(x, 'kW'))"),
        (
            "(temperature > 3) && (count)",
            "E703 «(count)» types do not fit: each side of `&&` must be true or false, `(count)` is an int (compare it with something)",
        ),
        (
            "drive.curent > 3",
            "E702 «drive.curent» unknown name `drive.curent`; did you mean `drive.current`? Members of Mixer: config, count, drive.current, elapsed, humidity, level, loop, many, meta, mode, other, outside, … (28 in all) (did you mean `drive.current`?)",
        ),
        ("int('x') > 3", "E703 «'x'» types do not fit: `'x'` is no int"),
    ];
    let mut wrong = Vec::new();
    for (text, expected) in cases {
        let own = told(text);
        if own != expected {
            wrong.push(format!("{text}\n   {own}\n   {expected}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn several_at_once() {
    let told = told("temprature > 3 && mode == 'RUNS' && powr < 2");
    let codes: Vec<&str> = told.lines().map(|line| &line[..4]).collect();
    assert_eq!(codes, ["E702", "E708", "E702"], "{told}");
}

#[test]
fn bounds_are_told_at_their_place() {
    let one = |text: &str| {
        let problems = compile_for(text, Expect::Anything).unwrap_err();
        (problems[0].code, problems[0].span.clone(), problems[0].message.clone())
    };
    let long = format!("'{}' == serial", "x".repeat(SOURCE_BYTES_MAX - 11));
    assert_eq!(long.len(), SOURCE_BYTES_MAX + 1);
    assert_eq!(
        one(&long),
        ("E707", SOURCE_BYTES_MAX..SOURCE_BYTES_MAX + 1, "the expression is too large (4,097 bytes of 4,096)".to_owned())
    );
    assert!(compile_for(&long[1..], Expect::Anything).is_err_and(|problems| problems[0].code == "E701"));
    let deep = format!("{}level{}", "(".repeat(64), ")".repeat(64));
    assert_eq!(one(&deep), ("E707", 32..33, "the expression is too deep (64 of 32)".to_owned()));
    assert!(compile_for(&format!("{}level{}", "(".repeat(32), ")".repeat(32)), Expect::Anything).is_ok());
    let chain = vec!["1"; 70].join(" + ");
    assert_eq!(one(&chain).0, "E707");
    assert!(compile_for(&vec!["level"; 60].join(" + "), Expect::Anything).is_ok());
    let wide = format!("[{}]", vec!["1"; 520].join(","));
    assert_eq!(one(&wide).2, "the expression is too large (more than 512 names, literals, operators and calls)");
    assert!(compile_for(&vec!["running"; 300].join(" && "), Expect::Anything).is_ok(), "terms of && lie side by side");
    let costly = "many.exists(x, many.exists(y, x < y))";
    assert_eq!(one(costly), ("E707", 0..costly.len(), "the expression is too costly (3,147,778 of 10,000)".to_owned()));
    assert!(compile_for("samples.exists(x, samples.exists(y, x < y))", Expect::Anything).is_ok());
}

#[test]
fn what_does_not_parse() {
    let cases = [
        ("", "E701 «» the expression does not parse: it is empty"),
        ("a = 3", "E701 «=» the expression does not parse: expected `==`, found `=` (== compares)"),
        ("running and running", "E701 «and» the expression does not parse: expected an operator, found `and` (write &&)"),
        ("running & running", "E701 «&» the expression does not parse: expected `&&`, found `&`"),
        ("(running", "E701 «(» the expression does not parse: `(` is never closed"),
        ("running)", "E701 «)» the expression does not parse: expected the end, found `)`"),
        ("'abc", "E701 «'» the expression does not parse: this text has no closing quote"),
        (
            "serial == 'a\\qb'",
            "E701 «\\» the expression does not parse: no escape of CEL begins like this (write \\\\ for a backslash, or r'…' for a text without escapes)",
        ),
        ("loop > 3", "E701 «loop» the expression does not parse: `loop` is a reserved word (write this.loop)"),
        ("level > 99999999999999999999", "E701 «99999999999999999999» the expression does not parse: a whole number has at most 63 bits"),
        ("level > 3 4", "E701 «4» the expression does not parse: expected the end, found `4`"),
        ("niveau > é", "E701 «é» the expression does not parse: `é` means nothing here"),
        (
            "meta.?site == 'x'",
            "E701 «.» the expression does not parse: `?` stands between a condition and its values only (write has(a.b) or orElse(x, d))",
        ),
        ("level > 1e999", "E701 «1e999» the expression does not parse: a number this large is no double"),
        ("serial == '\\ud800'", "E701 «'» the expression does not parse: an escape in this text stands for no character"),
        (
            "Pump{a: 1}",
            "E701 «{» the expression does not parse: there are no messages here, found `Pump{` (a map is written {'name': value})",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(told(text), expected, "{text}");
    }
}
