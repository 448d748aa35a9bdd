//! Roll-ups against a sum over all members after every input, and over a recorded fleet.

use std::collections::BTreeMap;

use super::*;
use crate::reading::Timestamp;
use crate::window::dice::Dice;
use crate::window::tests::recorded::data_folder;
use crate::window::{Figure, Why};

const ALL: [Agg; 12] = [
    Agg::Count,
    Agg::Sum,
    Agg::Avg,
    Agg::WeightedAvg,
    Agg::Stddev,
    Agg::Min,
    Agg::Max,
    Agg::Any,
    Agg::All,
    Agg::WorstSeverity,
    Agg::Exists,
    Agg::ForAll,
];

fn now(at: i64) -> Timestamp {
    Timestamp(at)
}

/// All members as a plain list, each with its weight.
type Plain = BTreeMap<u32, (Contribution, f64)>;

fn expected(agg: Agg, members: &Plain, is_weighted: bool) -> Option<f64> {
    let known = members.values().filter(|(said, _)| *said != Contribution::Unknown).count();
    let values: Vec<(f64, f64)> = members
        .values()
        .filter_map(|(said, weight)| if let Contribution::Value(value) = said { Some((*value, *weight)) } else { None })
        .collect();
    let plain: Vec<f64> = values.iter().map(|(value, _)| *value).collect();
    let n = plain.len() as f64;
    let total: f64 = values.iter().map(|(value, weight)| if is_weighted { value * weight } else { *value }).sum();
    let weight: f64 = values.iter().map(|(_, weight)| if is_weighted { *weight } else { 1.0 }).sum();
    let is_covered = !members.is_empty() && known as f64 / members.len() as f64 >= 0.5 && known > 0;
    let truth = |truth: bool| f64::from(u8::from(truth));
    let (all_true, some_true) = (plain.iter().all(|value| *value != 0.0), plain.iter().any(|value| *value != 0.0));
    let all_known = known == members.len();
    match agg {
        Agg::Count => Some(n),
        Agg::WorstSeverity => plain.iter().map(|value| value.clamp(0.0, 5.0).floor()).reduce(f64::max),
        Agg::Exists => {
            if some_true {
                Some(1.0)
            } else {
                all_known.then_some(0.0)
            }
        }
        Agg::ForAll => {
            if !all_true {
                Some(0.0)
            } else {
                all_known.then_some(1.0)
            }
        }
        Agg::Sum if members.is_empty() => Some(0.0),
        _ if !is_covered => None,
        Agg::Sum => Some(total),
        Agg::Any => Some(truth(some_true)),
        Agg::All => Some(truth(all_true)),
        _ if plain.is_empty() => None,
        Agg::Avg | Agg::WeightedAvg => (weight > 0.0).then(|| total / weight),
        Agg::Stddev => {
            let mean = plain.iter().sum::<f64>() / n;
            Some((plain.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt())
        }
        Agg::Min => plain.iter().copied().reduce(f64::min),
        Agg::Max => plain.iter().copied().reduce(f64::max),
    }
}

#[track_caller]
fn check(rolled: &Rolled, spec: &Spec, members: &Plain) {
    for (agg, figure) in spec.aggs.iter().zip(&rolled.figures) {
        // A spread is that of the values, whatever the weights.
        let is_weighted = spec.is_weighted;
        if is_weighted && *agg == Agg::Stddev {
            continue;
        }
        let expected = expected(*agg, members, is_weighted);
        let is_same = match (figure.known(), expected) {
            (Some(figure), Some(expected)) => (figure - expected).abs() <= 1e-9 * expected.abs().max(1.0),
            (figure, expected) => figure.is_none() && expected.is_none(),
        };
        assert!(is_same, "{agg:?} is {figure:?}, not {expected:?}, of {members:?}");
    }
}

fn contribution(dice: &mut Dice) -> Contribution {
    match dice.below(10) {
        0 => Contribution::Unknown,
        1 => Contribution::Out,
        2..5 => Contribution::Value(dice.below(4) as f64),
        _ => Contribution::Value((dice.number() - 0.5) * 1000.0),
    }
}

/// Three levels: members under groups under one root, which forwards nothing but partials.
#[test]
fn it_is_the_sum_over_all_members_after_every_input() {
    for (seed, is_weighted) in [(1, false), (2, true), (3, false), (4, true)] {
        let aggs = ALL.into_iter().filter(|agg| is_weighted || *agg != Agg::WeightedAvg).collect();
        let spec = Spec { is_weighted, ..Spec::new(aggs) };
        let mut dice = Dice::new(seed);
        let (mut groups, mut root, mut plain) = (vec![Node::default(); 4], Node::default(), vec![Plain::new(); 4]);
        for group in 1000..1004 {
            assert!(root.join(&spec, group, Some(1.0), now(0)));
            assert!(root.report(&spec, group, Contribution::Below(Box::default()), now(0)));
        }
        for step in 0..1500 {
            let (group, member) = (dice.below(4) as usize, dice.below(30) as u32);
            let (weight, at) = (dice.below(5) as f64 / 4.0, now(step));
            let home = (0..4).find(|group| plain[*group].contains_key(&member));
            match (home, dice.below(10)) {
                (None, _) => {
                    groups[group].join(&spec, member, Some(weight), at);
                    plain[group].insert(member, (Contribution::Unknown, weight));
                }
                (Some(home), 0) => {
                    assert!(groups[home].leave(&spec, member, at));
                    plain[home].remove(&member);
                }
                // It moves, and its contribution with it.
                (Some(home), 1) => {
                    let (said, weight) = plain[home].remove(&member).unwrap();
                    groups[home].leave(&spec, member, at);
                    groups[group].join(&spec, member, Some(weight), at);
                    groups[group].report(&spec, member, said.clone(), at);
                    plain[group].insert(member, (said, weight));
                    root.report(&spec, 1000 + home as u32, Contribution::Below(Box::new(groups[home].partial())), at);
                }
                (Some(home), 2) => {
                    groups[home].weigh(&spec, member, Some(weight), at);
                    plain[home].get_mut(&member).unwrap().1 = weight;
                }
                (Some(home), _) => {
                    let said = contribution(&mut dice);
                    groups[home].report(&spec, member, said.clone(), at);
                    plain[home].get_mut(&member).unwrap().0 = said;
                }
            }
            let changed = home.unwrap_or(group);
            for group in [changed, group] {
                check(&groups[group].rolled(&spec), &spec, &plain[group]);
                root.report(&spec, 1000 + group as u32, Contribution::Below(Box::new(groups[group].partial())), at);
            }
            let everyone: Plain = plain.iter().flatten().map(|(member, said)| (*member, said.clone())).collect();
            check(&root.rolled(&spec), &spec, &everyone);
            let text = serde_json::to_string(&root).unwrap();
            assert_eq!(serde_json::from_str::<Node>(&text).unwrap(), root);
        }
    }
}

/// As if they were all put in order each time.
#[test]
fn whoever_says_most_is_known_after_every_input() {
    for (seed, agg) in [(1, Agg::Avg), (2, Agg::Min), (3, Agg::Max), (4, Agg::ForAll)] {
        let spec = Spec { tells: true, ..Spec::new(vec![agg]) };
        let (mut dice, mut node, mut plain) = (Dice::new(seed), Node::default(), BTreeMap::new());
        for step in 0..1000 {
            let (member, at) = (dice.below(20) as u32, now(step));
            if plain.contains_key(&member) && dice.below(8) == 0 {
                node.leave(&spec, member, at);
                plain.remove(&member);
            } else {
                let said = contribution(&mut dice);
                node.join(&spec, member, None, at);
                node.report(&spec, member, said.clone(), at);
                plain.insert(member, said);
            }
            let size = |said: &Contribution| match (said, agg) {
                (Contribution::Out, _) => None,
                (Contribution::Value(value), Agg::Min | Agg::ForAll) => Some(-value),
                (Contribution::Value(value), Agg::Max) => Some(*value),
                (Contribution::Value(value), _) => Some(value.abs()),
                (Contribution::Unknown | Contribution::Below(_), _) => Some(f64::INFINITY),
            };
            let mut expected: Vec<(f64, u32)> = plain.iter().filter_map(|(member, said)| Some((size(said)?, *member))).collect();
            expected.sort_by(|(a, one), (b, other)| b.total_cmp(a).then(one.cmp(other)));
            let told: Vec<u32> = node.telling(5).into_iter().map(|(member, _)| member).collect();
            let expected: Vec<u32> = expected.into_iter().take(5).map(|(_, member)| member).collect();
            assert_eq!(told, expected, "{agg:?}, seed {seed}, step {step}: {plain:?}");
        }
    }
}

#[test]
fn no_order_of_contributions_shows() {
    let spec = Spec::new(ALL.into_iter().filter(|agg| *agg != Agg::WeightedAvg).collect());
    for seed in 0..50 {
        let mut dice = Dice::new(seed + 1);
        let mut reports: Vec<(u32, f64)> =
            (0..60).map(|member| (member, (dice.number() - 0.5) * 10f64.powi(dice.below(40) as i32 - 20))).collect();
        let roll = |reports: &[(u32, f64)], detour: bool| {
            let mut node = Node::default();
            for (member, value) in reports {
                node.join(&spec, *member, None, now(0));
                if detour {
                    node.report(&spec, *member, Contribution::Value(1e30 * value), now(0));
                    node.report(&spec, *member, Contribution::Unknown, now(0));
                }
                node.report(&spec, *member, Contribution::Value(*value), now(0));
            }
            (node.rolled(&spec), node.partial())
        };
        let first = roll(&reports, false);
        dice.shuffle(&mut reports);
        assert_eq!(roll(&reports, true), first);
    }
}

#[test]
fn who_does_not_belong_changes_nothing() {
    let spec = Spec::new(vec![Agg::Sum, Agg::Min, Agg::Any, Agg::All, Agg::Exists, Agg::ForAll, Agg::WorstSeverity]);
    let mut node = Node::default();
    assert!(!node.report(&spec, 1, Contribution::Value(3.0), now(1)));
    assert!(!node.leave(&spec, 1, now(1)));
    let (empty, no, yes) = (Figure::Unknown(Why::Empty), Figure::Truth(false), Figure::Truth(true));
    assert_eq!(node.rolled(&spec).figures, [Figure::Number(0.0), empty, empty, empty, no, yes, empty]);
    node.join(&spec, 1, None, now(2));
    let rolled = node.rolled(&spec);
    assert_eq!((rolled.coverage, rolled.figures[0]), (0.0, Figure::Unknown(Why::Coverage)));
    node.report(&spec, 1, Contribution::Value(f64::NAN), now(2));
    assert_eq!(node.rolled(&spec).known, 0);
    node.report(&spec, 1, Contribution::Value(f64::MAX), now(2));
    assert_eq!(node.rolled(&spec).figures[0], Figure::Unknown(Why::NotComputable));
    node.report(&spec, 1, Contribution::Value(-0.0), now(3));
    assert_eq!(node.rolled(&spec).figures, [Figure::Number(0.0), Figure::Number(0.0), no, no, no, no, Figure::Number(0.0)]);
    assert!(node.telling(10).is_empty(), "nobody has asked");
}

#[test]
fn a_child_reports_at_its_pace() {
    let (mut pace, every) = (Pace::default(), COALESCE_MICROS);
    assert_eq!(pace.offer(now(0), false, every), Verdict::Send);
    assert_eq!(pace.offer(now(100), false, every), Verdict::Wait);
    assert_eq!(pace.due(every), Some(now(every)));
    assert!(!pace.fire(now(every - 1), every));
    assert!(pace.fire(now(every), every));
    assert_eq!(pace.due(every), None);
    assert_eq!(pace.offer(now(every + 1), false, every), Verdict::Wait);
    assert_eq!(pace.offer(now(every + 2), true, every), Verdict::Send);
    assert_eq!(pace.due(every), None);
    assert_eq!(pace.offer(now(3 * every), false, every), Verdict::Send);
}

/// The training set of the engines: number, cycle and sensor 4 of each row.
fn engines() -> Option<Vec<(u32, i64, f64)>> {
    let path = data_folder()?.join("cmapss/train_FD001.txt.gz");
    let unpacked = std::process::Command::new("gzip").arg("-dc").arg(path).output().unwrap();
    let text = String::from_utf8(unpacked.stdout).unwrap();
    let parse = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        (fields[0].parse().unwrap(), fields[1].parse().unwrap(), fields[8].parse().unwrap())
    };
    Some(text.lines().map(parse).collect())
}

#[test]
fn a_fleet_of_engines() {
    let Some(rows) = engines() else { return };
    assert_eq!(rows.len(), 20_631);
    let spec = Spec::new(vec![Agg::Avg, Agg::Min, Agg::Max]);
    let hot = Spec::new(vec![Agg::Count]);
    let (mut wings, mut hot_wings) = (vec![Node::default(); 4], vec![Node::default(); 4]);
    let (mut fleet, mut hot_fleet) = (Node::default(), Node::default());
    let wing_of = |engine: u32| ((engine - 1) / 25) as usize;
    for engine in 1..=100 {
        wings[wing_of(engine)].join(&spec, engine, None, now(0));
        hot_wings[wing_of(engine)].join(&hot, engine, None, now(0));
    }
    (0..4).for_each(|wing| {
        fleet.join(&spec, 1000 + wing, None, now(0));
        hot_fleet.join(&hot, 1000 + wing, None, now(0));
    });
    let last_cycle: BTreeMap<u32, i64> = rows.iter().map(|(engine, cycle, _)| (*engine, *cycle)).collect();
    let (mut known_below, mut shown) = (None, BTreeMap::new());
    let mut first_uncovered = [None; 4];
    for cycle in 1..=362 {
        let at = now(cycle * 3_600_000_000);
        for (engine, _, s4) in rows.iter().filter(|(_, other, _)| *other == cycle) {
            wings[wing_of(*engine)].report(&spec, *engine, Contribution::Value(*s4), at);
            let selected = if *s4 > 1420.0 { Contribution::Value(1.0) } else { Contribution::Out };
            hot_wings[wing_of(*engine)].report(&hot, *engine, selected, at);
        }
        // Three hours after its last cycle an engine is stale.
        for (engine, _) in last_cycle.iter().filter(|(_, last)| **last + 3 == cycle) {
            wings[wing_of(*engine)].report(&spec, *engine, Contribution::Unknown, at);
            hot_wings[wing_of(*engine)].report(&hot, *engine, Contribution::Unknown, at);
        }
        for wing in 0..4 {
            fleet.report(&spec, 1000 + wing as u32, Contribution::Below(Box::new(wings[wing].partial())), at);
            hot_fleet.report(&hot, 1000 + wing as u32, Contribution::Below(Box::new(hot_wings[wing].partial())), at);
            if first_uncovered[wing].is_none() && wings[wing].rolled(&spec).coverage < 0.5 {
                first_uncovered[wing] = Some(cycle);
            }
        }
        let rolled = fleet.rolled(&spec);
        if known_below.is_none() && rolled.coverage < 0.5 {
            known_below = Some(cycle);
        }
        let of_wings: Vec<(u64, Option<f64>)> =
            wings.iter().map(|wing| wing.rolled(&spec)).map(|wing| (wing.known, wing.figures[0].known())).collect();
        shown.insert(cycle, (rolled, hot_fleet.rolled(&hot).count, of_wings));
    }
    assert_eq!((known_below, first_uncovered), (Some(202), [Some(198), Some(197), Some(205), Some(213)]));
    for (cycle, known, mean, high, low, hot) in [
        (100, 100, Some(1406.2084), (1426.6, 91), (1394.51, 9), 2),
        (200, 52, Some(1420.5217307692308), (1436.93, 79), (1394.23, 83), 30),
        (201, 51, Some(1419.283137254902), (1436.93, 79), (1400.92, 2), 23),
        (202, 48, None, (1435.41, 49), (1404.18, 17), 19),
    ] {
        let (rolled, hot_now, _) = &shown[&cycle];
        assert_eq!((rolled.known, rolled.expected, *hot_now), (known, 100, hot), "cycle {cycle}");
        match (rolled.figures[0].known(), mean) {
            (Some(found), Some(mean)) => assert!((found - mean).abs() <= 1e-9 * mean, "cycle {cycle}: {found}"),
            (found, mean) => assert_eq!(found, mean, "cycle {cycle}"),
        }
        let picked = |pick: Option<Pick>| pick.map(|pick| (pick.value, pick.twin));
        assert_eq!((picked(rolled.high), picked(rolled.low)), (Some(high), Some(low)), "cycle {cycle}");
    }
    let (_, _, wings_at_100) = &shown[&100];
    for ((known, mean), expected) in wings_at_100.iter().zip([1406.4356, 1406.574, 1406.2016, 1405.6224]) {
        assert_eq!(*known, 25);
        assert!((mean.unwrap() - expected).abs() < 1e-9 * expected);
    }
    let (_, _, wings_at_200) = &shown[&200];
    assert_eq!(wings_at_200.iter().map(|(known, _)| *known).collect::<Vec<_>>(), [12, 10, 14, 16]);
}
