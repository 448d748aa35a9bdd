//! Against the evaluator of the `cel` crate, for what both know: the same text, the same values, the same answer.
//!
//! Where they differ on purpose (whole numbers beside doubles, not a number) nothing is made up here.

use std::sync::Arc;

use super::super::*;
use super::World;
use super::compile;
use super::random::Random;

/// A random expression of a kind, in names that the mixer has.
fn expression(random: &mut Random, kind: &Kind, depth: usize) -> String {
    let is_leaf = depth == 0 || random.below(4) == 0;
    let inner = |random: &mut Random, kind: &Kind| expression(random, kind, depth - 1);
    match kind {
        Kind::Int if is_leaf => (*random.one_of(&["count", "vars.minutes", "0", "3", "-7", "12", "9223372036854775807"])).to_owned(),
        Kind::Double if is_leaf => (*random.one_of(&["level", "other", "0.0", "1.5", "-2.25", "100.0", "1e3"])).to_owned(),
        Kind::Text if is_leaf => (*random.one_of(&["serial", "twin.id", "''", "'abc'", "\"é\"", "'MX'"])).to_owned(),
        Kind::Bool if is_leaf => (*random.one_of(&["running", "alarm.overheat", "true", "false"])).to_owned(),
        Kind::Int => match random.below(4) {
            0 => format!("({} ? {} : {})", inner(random, &Kind::Bool), inner(random, kind), inner(random, kind)),
            1 => format!("size({})", inner(random, &Kind::Text)),
            2 => format!("-({})", inner(random, kind)),
            _ => format!("({} {} {})", inner(random, kind), random.one_of(&["+", "-", "*", "/", "%"]), inner(random, kind)),
        },
        Kind::Double => match random.below(4) {
            0 => format!("({} ? {} : {})", inner(random, &Kind::Bool), inner(random, kind), inner(random, kind)),
            1 => format!("double({})", random.one_of(&["count", "3", "-7"])),
            2 => format!("({} / {})", inner(random, kind), random.one_of(&["2.0", "-0.5", "8.0"])),
            _ => format!("({} {} {})", inner(random, kind), random.one_of(&["+", "-", "*"]), inner(random, kind)),
        },
        Kind::Text => format!("({} + {})", inner(random, kind), inner(random, kind)),
        Kind::Bool
        | Kind::Timestamp
        | Kind::Duration
        | Kind::Enum(_)
        | Kind::List(_)
        | Kind::Map(_)
        | Kind::Object(_)
        | Kind::Geo
        | Kind::Any => match random.below(8) {
            0 => format!("!({})", inner(random, kind)),
            1 => format!("({} && {})", inner(random, kind), inner(random, kind)),
            2 => format!("({} || {})", inner(random, kind), inner(random, kind)),
            3 => format!(
                "({}).{}({})",
                inner(random, &Kind::Text),
                random.one_of(&["contains", "startsWith", "endsWith"]),
                inner(random, &Kind::Text)
            ),
            4 => {
                let item = inner(random, &Kind::Int);
                format!(
                    "[{}, {}].{}(x, x > {item})",
                    inner(random, &Kind::Int),
                    inner(random, &Kind::Int),
                    random.one_of(&["exists", "all", "exists_one"])
                )
            }
            5 => format!("({} in [{}, {}])", inner(random, &Kind::Int), inner(random, &Kind::Int), inner(random, &Kind::Int)),
            _ => {
                let of = random.one_of(&[Kind::Int, Kind::Double, Kind::Text]).clone();
                format!("({} {} {})", inner(random, &of), random.one_of(&["<", "<=", ">", ">=", "==", "!="]), inner(random, &of))
            }
        },
    }
}

fn oracle(text: &str, world: &World) -> Option<cel::Value> {
    let mut context = cel::Context::default();
    let mut nested: std::collections::BTreeMap<&str, std::collections::HashMap<String, cel::Value>> = Default::default();
    for name in ["level", "other", "count", "serial", "running", "twin.id", "alarm.overheat", "vars.minutes"] {
        let datum = world.read(super::world::operand(name)).ok()?;
        let value = if let Datum::Bool(truth) = datum {
            cel::Value::Bool(truth)
        } else if let Datum::Int(number) = datum {
            cel::Value::Int(number)
        } else if let Datum::Text(text) = &datum {
            cel::Value::String(Arc::new((**text).to_owned()))
        } else {
            cel::Value::Float(datum.as_number()?)
        };
        match name.split_once('.') {
            None => context.add_variable_from_value(name, value),
            Some((root, field)) => {
                nested.entry(root).or_default().insert(field.to_owned(), value);
            }
        }
    }
    for (root, fields) in nested {
        context.add_variable_from_value(root, cel::Value::from(fields));
    }
    cel::Program::compile(text).unwrap().execute(&context).ok()
}

#[test]
fn the_same_answers() {
    let mut random = Random::new(2);
    let world = World::usual();
    let (mut known, mut unknown) = (0, 0);
    for round in 0..1_500 {
        let kind = random.one_of(&[Kind::Bool, Kind::Bool, Kind::Int, Kind::Double, Kind::Text]).clone();
        let text = expression(&mut random, &kind, 3);
        let checked = compile(&text).unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
        let own = checked.tree.evaluate(&world);
        let expected = oracle(&text, &world);
        let agrees = match (&own, &expected) {
            (Ok(Datum::Bool(a)), Some(cel::Value::Bool(b))) => a == b,
            (Ok(Datum::Int(a)), Some(cel::Value::Int(b))) => a == b,
            (Ok(Datum::Double(a)), Some(cel::Value::Float(b))) => a.to_bits() == b.to_bits() || a == b,
            (Ok(Datum::Text(a)), Some(cel::Value::String(b))) => **a == ***b,
            (Err(_), None) => true,
            // There a list with an item that cannot be known is no list; here one that is found is found.
            (Ok(_), None) => text.contains(" in ["),
            _ => false,
        };
        assert!(agrees, "round {round}: {text}\n  ours: {own:?}\n  cel:  {expected:?}");
        if own.is_ok() { known += 1 } else { unknown += 1 }
    }
    assert!(known > 1_000 && unknown > 20, "{known} known, {unknown} unknown");
}
