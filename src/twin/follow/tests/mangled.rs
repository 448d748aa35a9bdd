//! Detectors whose text was mangled: each is either refused with a message or runs, and none of them makes anything panic.

use serde_json::json;

use crate::catalog;
use crate::source::Sources;
use crate::twin::Input;
use crate::window::dice::Dice;

use super::own::PUMP;
use super::{World, at};

#[test]
fn no_text_makes_it_panic() {
    let words: Vec<&str> = PUMP.split_inclusive([' ', '\n', ',', '{', '}', '(', ')', ':', '"']).collect();
    let (mut ran, mut refused) = (0, 0);
    for seed in 1..250 {
        let mut dice = Dice::new(seed);
        let mut mangled = words.clone();
        for _ in 0..=dice.below(3) {
            let place = |dice: &mut Dice| usize::try_from(dice.below(words.len() as u64)).unwrap();
            let (one, other) = (place(&mut dice), place(&mut dice));
            match dice.below(3) {
                0 => mangled.swap(one, other),
                1 => mangled[one] = "",
                _ => mangled[one] = words[other],
            }
        }
        let mut sources = Sources::new();
        sources.add("schemas/Pump.yaml", mangled.concat().as_bytes());
        let (catalog, problems) = catalog::load(&sources);
        let layout = catalog.layout("Pump").filter(|layout| !problems.has_errors() && layout.rule("pumpCycle").is_some());
        let Some(layout) = layout else {
            assert!(!problems.is_empty(), "seed {seed}: nothing is said of it\n{}", mangled.concat());
            refused += 1;
            continue;
        };
        ran += 1;
        let mut world = World { restarts: true, ..World::new(layout.clone()) };
        for second in 0..20 {
            for member in ["current", "temperature"] {
                let is_there =
                    world.twin.state.layout.slot_by_path(member).is_some_and(|slot| world.twin.state.layout.slot(slot).telemetry.is_some());
                if is_there {
                    world.hear(second * 40, &[(member, json!(dice.below(300)))]);
                }
            }
            world.take(at(second * 40 + 35), &Input::Woken { started: crate::twin::NEVER_AWAY });
        }
    }
    assert!(ran > 20 && refused > 20, "{ran} ran, {refused} were refused");
}
