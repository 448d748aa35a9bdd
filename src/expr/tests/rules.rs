//! What rules ask for beyond a value: the stay condition, the evidence, the text.

use super::super::*;
use super::world::{compile_for, mixer, parse};
use super::{World, compile};

fn deadband(text: &str) -> Checked {
    quantity(text).map_or_else(|| compile(text).unwrap(), Result::unwrap)
}

fn stays(when: &str, band: &str, member: &str, value: f64) -> Option<bool> {
    let when = compile_for(when, Expect::Condition("when")).unwrap();
    let stay = relaxed(&when, &deadband(band)).unwrap();
    stay.tree.is_true(&World::usual().with(member, Ok(Datum::Double(value)))).ok()
}

#[test]
fn the_limit_is_relaxed() {
    for (when, band, member, inside, outside) in [
        ("level > 10", "2", "level", 8.5, 8.0),
        ("level >= 10", "2", "level", 8.0, 7.9),
        ("level < 10", "2", "level", 11.5, 12.0),
        ("level <= 10", "2", "level", 12.0, 12.1),
        ("10 < level", "2", "level", 8.5, 8.0),
        ("10 > level", "2", "level", 11.5, 12.0),
        ("temperature > params.hi", "2 K", "temperature", 83.5, 83.0),
        ("params.hi < temperature", "params.band", "temperature", 83.5, 83.0),
        ("temperature > quantity(185, 'degF')", "2 K", "temperature", 83.5, 83.0),
        ("outside > quantity(85, 'degC')", "2 K", "outside", 181.5, 181.3),
        ("temperature > params.hi", "3.6 deltaDegF", "temperature", 83.5, 82.9),
        ("level * 2 > other + params.share", "1", "level", 1.8, 1.7),
        ("level > other", "1", "level", 3.5, 3.0),
        ("power > 5", "500 W", "power", 4.6, 4.5),
        ("level > 10", "0", "level", 10.1, 10.0),
        ("level > 10", "-params.share", "level", 10.1, 10.0),
    ] {
        assert_eq!(stays(when, band, member, inside), Some(true), "{when} by {band} at {inside}");
        assert_eq!(stays(when, band, member, outside), Some(false), "{when} by {band} at {outside}");
    }
}

#[test]
fn limits_are_told() {
    let told = |when: &str| {
        let checked = compile(when).unwrap();
        checked.limit().map(|limit| (limit.is_upper, limit.tree.number(&World::usual()).ok()))
    };
    assert_eq!(told("temperature > params.hi * 2"), Some((true, Some(170.0))));
    assert_eq!(told("10 > level"), Some((false, Some(10.0))));
    assert_eq!(told("count >= 7"), Some((true, Some(7.0))));
    assert_eq!(told("running"), None);
    // A whole number stays one; only its limit moves.
    let stay = relaxed(&compile("count > 8").unwrap(), &compile("2").unwrap()).unwrap();
    assert_eq!(stay.tree.is_true(&World::usual()), Ok(true));
}

#[test]
fn an_unknown_deadband_leaves_it_open() {
    let when = compile("temperature > params.hi").unwrap();
    let stay = relaxed(&when, &compile("params.band").unwrap()).unwrap();
    assert!(stay.reads(Operand::Param(1)) && stay.reads(Operand::Slot(0)) && stay.meaning != when.meaning);
    assert!(stay.tree.is_true(&World::usual().with("params.band", Err(Why::Missing.into()))).is_err());
}

#[test]
fn not_every_condition_has_a_limit() {
    let told = |when: &str, band: &str| match relaxed(&compile(when).unwrap(), &deadband(band)).unwrap_err() {
        Unrelaxed::When(problem) => ("when", problem.code, problem.hint),
        Unrelaxed::Deadband(problem) => ("deadband", problem.code, problem.hint),
    };
    for when in ["level > 1 && running", "running", "level == 3", "serial > 'a'", "!(level > 3)"] {
        assert_eq!(told(when, "2"), ("when", "E709", Some("use clearWhen".to_owned())), "{when}");
    }
    assert_eq!(told("temperature > 80", "2 degC"), ("deadband", "E705", Some("write 2 K".to_owned())));
    assert_eq!(told("temperature > 80", "2 kW").1, "E705");
    assert_eq!(told("level > 80", "2 kW").1, "E705");
    assert_eq!(told("level > 80", "-1").1, "E703");
    assert_eq!(told("level > 80", "serial").1, "E703");
    assert!(quantity("2 KK").unwrap().is_err());
}

#[test]
fn evidence_is_what_was_compared_and_read() {
    let told = |text: &str, world: &World| {
        let line = |evidence: Evidence| {
            let value = evidence.value.map_or_else(|unknown| unknown.why.as_str().to_owned(), |datum| datum.to_json().to_string());
            let unit = evidence.unit.map(|unit| format!(" {unit}")).unwrap_or_default();
            format!("{} = {value}{unit}{}", evidence.expr, if evidence.operand.is_some() { "" } else { " *" })
        };
        compile(text).unwrap().evidence(world).into_iter().map(line).collect::<Vec<_>>()
    };
    let world = World::usual().with("speed", Err(Why::Stale.into()));
    assert_eq!(told("temperature > params.hi", &world), ["temperature = 86.5 degC", "params.hi = 85.0 degC"]);
    assert_eq!(
        told("temperature - params.hi > quantity(9, 'deltaDegF') && mode == 'RUN' && speed > 3", &world),
        ["temperature = 86.5 degC", "temperature - params.hi = 1.5 K *", "params.hi = 85.0 degC", "mode = \"RUN\"", "speed = STALE rpm"]
    );
    assert_eq!(
        told("outside > temperature && samples.exists(x, x > level)", &world),
        ["outside = 212.0 degF", "temperature = 86.5 degC", "samples = [1,2.5,4]", "level = 2.5"]
    );
    assert_eq!(told("math.abs(level - 3) > 0 || children('Pump').count(p, p.running) > 1", &world).len(), 4);
}

#[test]
fn texts_with_expressions() {
    let compiler = Compiler::start().unwrap();
    let render = |text: &str| Template::compile(text, &compiler, &mut mixer()).map(|template| template.render(&World::usual()));
    for (text, rendered) in [
        ("{temperature} is above {params.hi}", "86.5 degC is above 85 degC"),
        ("plant/alerts/{twin.id}", "plant/alerts/mixer-1"),
        ("{{{mode}}} {'}'} {size({'a': 1})}", "{RUN} } 1"),
        ("{torque * speed / 3} {level / 3} {level / 3000} {count}", "20000 N.m.rpm 0.833 0.000833 7"),
        ("{previous(temperature)} at {started}, {elapsed}", "unknown at 2023-11-14T21:58:20Z, PT1H30M"),
        ("{convert(temperature, 'degF')} {temperature + params.band}", "187.7 88.5 degC"),
        ("", ""),
        ("nothing", "nothing"),
    ] {
        assert_eq!(render(text).as_deref(), Ok(rendered), "{text}");
    }
    let place = |text: &str| {
        render(text).unwrap_err().iter().map(|problem| (problem.code, text[problem.span.clone()].to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(
        place("{temperature} is above {params.hii} of {twin.nam}"),
        [("E711", "params.hii".to_owned()), ("E702", "twin.nam".to_owned())]
    );
    assert_eq!(place("a { b"), [("E701", "{".to_owned())]);
    assert_eq!(place("a } b"), [("E701", "}".to_owned())]);
}

#[test]
fn parts_that_stand_alone_are_read_alike() {
    assert_eq!(parse("level").unwrap().root.path(), Some(vec!["level"]));
    assert!(!compile("params.hi * 2").unwrap().is_live());
    assert!(compile("params.hi + level * quantity(1, 'K') > 3").unwrap().is_live());
}
