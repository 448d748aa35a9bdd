//! Rules that look at certain instants: whenever somebody comes to wake the twin, each instant is looked at once, as if it had been on time.

use serde_json::json;

use crate::alarm::{Change, What};
use crate::reading::Timestamp;
use crate::rule::{Fact, Step as RuleStep, Transition};
use crate::twin::{Event, Input, NEVER_AWAY, explain_rule};
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

/// The facts of rules, in order.
fn facts(world: &World) -> impl Iterator<Item = (&str, &Fact)> {
    world.all.iter().filter_map(|(_, event)| if let Event::Watched { rule, fact } = event { Some((rule.as_str(), &**fact)) } else { None })
}

/// What came of alarms, and when in the time of the data.
fn told(world: &World) -> Vec<String> {
    let changes = facts(world).filter_map(|(rule, fact)| if let Fact::Alarm(change) = fact { Some((rule, change)) } else { None });
    let line = |(rule, change): (&str, &Change)| {
        let true_at =
            if let What::Raised { first_true_at, .. } = &change.what { format!(", true at {first_true_at}") } else { String::new() };
        format!("{} {rule}/{} {}{true_at}", change.at, change.no, change.what.op().as_str())
    };
    changes.map(line).collect()
}

/// When it was said that this rule has looked.
fn emitted(world: &World, rule: &str) -> Vec<Timestamp> {
    let happened = world.all.iter().filter_map(|(_, event)| if let Event::Happened(happened) = event { Some(happened) } else { None });
    happened.filter(|happened| happened.rule.as_deref() == Some(rule)).map(|happened| happened.time).collect()
}

/// The instants that a rule has looked up to.
fn looked(world: &World, rule: &str) -> Vec<Timestamp> {
    let own = facts(world).filter(|(known, _)| *known == rule);
    own.filter_map(|(_, fact)| match fact {
        Fact::Rule(Transition { step: RuleStep::Looked { next }, .. }) => Some(*next),
        Fact::Rule(_) | Fact::Alarm(_) | Fact::Detector(_) => None,
    })
    .collect()
}

#[test]
fn late_wake_ups_lose_and_double_nothing() {
    for seed in 1..=25 {
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
                late.take(at(second - 1), &Input::Woken { started: NEVER_AWAY });
            }
            late.hear(second, &values);
            heard.push((second, level));
        }
        punctual.pass_until(END);
        late.pass_until(END);
        let (mut of_late, mut of_punctual) = (told(&late), told(&punctual));
        // Rules that wait are served by themselves, so at one instant the order may be another.
        of_late.sort();
        of_punctual.sort();
        for (late, punctual) in of_late.iter().zip(&of_punctual) {
            assert_eq!(late, punctual, "seed {seed}");
        }
        assert_eq!(of_late.len(), of_punctual.len(), "seed {seed}");
        for (world, rule) in
            [&punctual, &late].into_iter().flat_map(|world| ["pulse", "lasts", "asks", "waits", "silent"].map(|rule| (world, rule)))
        {
            let looked = looked(world, rule);
            assert!(!looked.is_empty() && looked.is_sorted_by(|a, b| a < b), "seed {seed}: {rule}");
        }
        // What only acts, by hand: with the newest level at or before each instant.
        let level = |instant: i64| heard.iter().rfind(|(second, _)| *second <= instant).is_some_and(|(_, level)| *level > 30);
        let expected: Vec<Timestamp> = (1..=END / 300).map(|no| no * 300).filter(|instant| level(*instant)).map(at).collect();
        assert_eq!(emitted(&punctual, "pulse"), expected, "seed {seed}");
        assert_eq!(emitted(&late, "pulse"), expected, "seed {seed}");
        let raised = of_punctual.iter().filter(|line| line.contains(" RAISED")).count();
        assert!(raised > expected.len(), "seed {seed}: besides, there are alarms");
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
    assert_eq!(emitted(&world, "pulse"), [at(300), at(1200)]);
}

/// What one input cannot take, the next one does, and it is due at once.
#[test]
fn a_long_stop_is_made_up_for_in_bounded_steps() {
    let rules = "  - {id: often, when: level > 30, at: {every: 1s}, alarm: false, do: [{emit: looked}]}\n";
    let mut world = World::new(layout("Tank", &format!("{TANK}{rules}")));
    world.hear(1, &[("level", json!(35))]);
    world.pass_until(10);
    let (before, stop, mut inputs) = (emitted(&world, "often").len(), at(4010), 0);
    while world.twin.due(stop, NEVER_AWAY).is_some_and(|due| due <= stop) {
        world.take(stop, &Input::Woken { started: NEVER_AWAY });
        inputs += 1;
    }
    assert!((4..=6).contains(&inputs), "{inputs}");
    assert_eq!(emitted(&world, "often").len() - before, 4000);
}
