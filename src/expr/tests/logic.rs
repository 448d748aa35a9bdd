//! The table of section 2 of `rules.md`.

use super::super::*;
use super::{World, compile};

const TRUTHS: [Option<bool>; 3] = [Some(true), Some(false), None];

fn truth(text: &str, a: Option<bool>, b: Option<bool>) -> Option<bool> {
    let known = |truth: Option<bool>, why: Why| truth.map(Datum::Bool).ok_or(Unknown::from(why));
    let world = World::usual().with("running", known(a, Why::Stale)).with("alarm.overheat", known(b, Why::Bad));
    compile(text).unwrap().tree.is_true(&world).ok()
}

#[test]
fn unknown_is_neither_true_nor_false() {
    for a in TRUTHS {
        assert_eq!(truth("!running", a, None), a.map(|a| !a));
        for b in TRUTHS {
            let and = if a == Some(false) || b == Some(false) { Some(false) } else { a.and_then(|a| b.map(|b| a && b)) };
            let or = if a == Some(true) || b == Some(true) { Some(true) } else { a.and_then(|a| b.map(|b| a || b)) };
            assert_eq!(truth("running && alarm.overheat", a, b), and, "{a:?} && {b:?}");
            assert_eq!(truth("running || alarm.overheat", a, b), or, "{a:?} || {b:?}");
            let same = a.and_then(|a| b.map(|b| a == b));
            assert_eq!(truth("running == alarm.overheat", a, b), same);
            assert_eq!(truth("running != alarm.overheat", a, b), same.map(|same| !same));
            assert_eq!(
                truth("running ? alarm.overheat : true", a, b),
                match a {
                    Some(true) => b,
                    Some(false) => Some(true),
                    None => None,
                }
            );
            assert_eq!(truth("orElse(running, alarm.overheat)", a, b), a.or(b));
            assert_eq!(truth("known(running)", a, b), Some(a.is_some()));
        }
    }
}

#[test]
fn the_first_cause_is_kept() {
    let hot = compile("temperature > 80 && speed > 3").unwrap();
    let unknown = |why| Err(Unknown::of(Operand::Slot(0), why));
    let world = World::usual().with("temperature", unknown(Why::Stale)).with("speed", Err(Why::Bad.into()));
    assert_eq!(hot.tree.is_true(&world), unknown(Why::Stale).map(|_: Datum| true));
    // A number that is none is unknown, not false.
    let world = World::usual().with("temperature", Ok(Datum::Double(f64::NAN)));
    assert_eq!(hot.tree.is_true(&world).map_err(|unknown| unknown.why), Err(Why::NotFinite));
}

#[test]
fn an_unknown_item_leaves_open_what_no_other_decides() {
    let world = World::usual().with("many", Ok(Datum::Json(std::sync::Arc::new(serde_json::json!([1, null, 5])))));
    for (text, truth) in [
        ("many.exists(x, x > 4)", Some(true)),
        ("many.exists(x, x > 9)", None),
        ("many.all(x, x > 0)", None),
        ("many.all(x, x > 3)", Some(false)),
    ] {
        assert_eq!(compile(text).unwrap().tree.is_true(&world).ok(), truth, "{text}");
    }
}
