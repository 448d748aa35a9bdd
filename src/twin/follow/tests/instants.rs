//! Rules that look at certain instants: whenever somebody comes to wake the twin, each instant is looked at once, as if it had been on time.

use serde_json::json;

use crate::alarm::What;
use crate::rule::{Fact, Step as RuleStep};
use crate::twin::{Event, Input, explain_rule};
use crate::window::dice::Dice;

use super::{World, at, layout};

const TANK: &str = "
type: Tank
telemetry: {level: double, flow: {type: double, every: 1m}}
events: {looked: }
rules:
  - {id: pulse, when: level > 30, at: {every: 5m}, alarm: false, do: [{emit: looked}]}
  - {id: lasts, when: level > 50, at: {cron: '*/7 * * * *', zone: Europe/Berlin}, onDelay: 9m, offDelay: 10m, acknowledge: no}
  - {id: asks, when: alarm.lasts && level > 60, at: {cron: '*/15 * * * *'}, acknowledge: no}
  - {id: waits, when: level > 40, at: {every: 10m}, reorder: 30s, onDelay: 3m, acknowledge: no}
  - {id: silent, noData: {of: flow, missed: 3}, at: {every: 4m}, acknowledge: no}
";
const END: i64 = 3 * 3600;

/// What came of it, and when in the time of the data.
fn told(world: &World) -> Vec<String> {
    let told = world.all.iter().filter_map(|(_, event)| match event {
        Event::Happened(happened) => Some(format!("{} {}", happened.time, happened.event)),
        Event::Watched { rule, fact } => match &**fact {
            Fact::Alarm(change) => match &change.what {
                What::Raised { first_true_at, .. } => Some(format!("{} {rule}/{} raised, true at {first_true_at}", change.at, change.no)),
                what => Some(format!("{} {rule}/{} {}", change.at, change.no, what.op().as_str())),
            },
            Fact::Rule(_) | Fact::Detector(_) => None,
        },
        _ => None,
    });
    told.collect()
}

/// The instants that the journal says were looked at last, by rule: they only go on.
fn looked_on(world: &World, rule: &str) -> Vec<i64> {
    let next = world.all.iter().filter_map(|(_, event)| match event {
        Event::Watched { rule: known, fact } if known == rule => match &**fact {
            Fact::Rule(transition) => {
                if let RuleStep::Looked { next } = &transition.step {
                    Some(next.0)
                } else {
                    None
                }
            }
            Fact::Alarm(_) | Fact::Detector(_) => None,
        },
        _ => None,
    });
    next.collect()
}

#[test]
fn late_wake_ups_lose_and_double_nothing() {
    for seed in 1..=40 {
        let mut dice = Dice::new(seed);
        let tank = layout("Tank", TANK);
        let mut punctual = World { restarts: true, ..World::new(tank.clone()) };
        let mut late = World::new(tank);
        let (mut second, mut heard) = (0, Vec::new());
        loop {
            second += 1 + i64::try_from(dice.below(400)).unwrap();
            if second >= END {
                break;
            }
            let level = i64::try_from(dice.below(10)).unwrap() * 10;
            let mut values = vec![("level", json!(level))];
            if dice.below(3) == 0 {
                values.push(("flow", json!(level)));
            }
            punctual.pass_until(second - 1);
            punctual.hear(second, &values);
            if dice.below(4) == 0 {
                late.take(at(second - 1), &Input::Woken);
            }
            late.hear(second, &values);
            heard.push((second, level));
        }
        punctual.pass_until(END);
        late.pass_until(END);
        let (mut late_told, mut told) = (told(&late), told(&punctual));
        // Rules that wait are served by themselves, so at one instant the order may be another.
        late_told.sort();
        told.sort();
        for (late, punctual) in late_told.iter().zip(&told) {
            assert_eq!(late, punctual, "seed {seed}");
        }
        assert_eq!(late_told.len(), told.len(), "seed {seed}");
        for rule in ["pulse", "lasts", "asks", "waits", "silent"] {
            assert!(looked_on(&punctual, rule).is_sorted_by(|a, b| a < b), "seed {seed}: {rule}");
            assert!(looked_on(&late, rule).is_sorted_by(|a, b| a < b), "seed {seed}: {rule}");
        }
        // What only acts, by hand: with the newest level at or before each instant.
        let level = |instant: i64| heard.iter().rfind(|(second, _)| *second <= instant).is_some_and(|(_, level)| *level > 30);
        let expected: Vec<String> =
            (1..=END / 300).map(|no| no * 300).filter(|instant| level(*instant)).map(|instant| format!("{} looked", at(instant))).collect();
        let pulses: Vec<&String> = told.iter().filter(|line| line.ends_with(" looked")).collect();
        assert_eq!(pulses, expected.iter().collect::<Vec<_>>(), "seed {seed}");
        let raised = told.iter().filter(|line| line.contains(" raised")).count();
        assert!(raised > pulses.len(), "seed {seed}: besides, there are alarms");
    }
}

#[test]
fn what_is_switched_on_again_did_not_miss_what_passed() {
    let mut world = World::new(layout("Tank", TANK));
    world.hear(10, &[("level", json!(35))]);
    world.pass_until(301);
    let switch = |enabled| Input::Managed(crate::twin::Managed::Switched { rule: "pulse".into(), enabled });
    world.take(at(310), &switch(false));
    world.pass_until(1000);
    world.take(at(1010), &switch(true));
    world.pass_until(1200);
    let why = explain_rule(&world.twin.state, "pulse", 1, at(1210)).unwrap();
    let expected = format!("`pulse` is off: its condition is true and has not been looked at yet; it looks at {}", at(1500));
    assert_eq!(why.summary, expected);
    let pulses: Vec<String> = told(&world).into_iter().filter(|line| line.ends_with(" looked")).collect();
    assert_eq!(pulses, [format!("{} looked", at(300)), format!("{} looked", at(1200))]);
}
