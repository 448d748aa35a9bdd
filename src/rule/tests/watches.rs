//! A rule with its alarm: what is recorded, and how the two go together.

use crate::alarm::{self, CloseReason, Condition, Severity, Signal, Verdict, What, When};
use crate::reading::Timestamp;
use crate::rule::{Decision, Fact, Kind, LevelTruth, NoData, Pattern, Rule, Truths, Watch, Watched};

use super::data::{HOUR, MINUTE, Random, minutes};
use super::world::{World, acting, shown, when};

#[test]
fn cleared_by_hand_stays_away_until_it_was_false() {
    let mut world = World::new(acting(0));
    world.hear(0, Some(true));
    let clear = alarm::Action::Clear { comment: Some("false alarm".into()) };
    assert_eq!(world.act(1, &clear), Verdict::Done);
    assert_eq!(world.act(1, &clear), Verdict::NotApplicable);
    world.hear(2, Some(true));
    assert_eq!((world.watch.alarm.last_no, world.watch.rule.disarmed), (1, true));
    world.hear(3, None);
    world.hear(4, Some(false));
    world.hear(5, Some(true));
    assert_eq!(world.watch.alarm.last_no, 2);
}

#[test]
fn a_pattern_is_closed_by_acknowledging_it() {
    let mut rule = Rule::new("thrice", Kind::Pattern(Pattern::Repetition { times: 1, within: minutes(0), events: 1 }));
    rule.settle();
    let mut world = World::new(rule);
    let fire =
        |world: &mut World, minute| world.decide(|own, watch| own.evaluate(watch, &Truths::of_pattern(&[Some(true)], None), when(minute)));
    fire(&mut world, 0);
    fire(&mut world, 1);
    assert_eq!(world.watch.alarm.open.as_ref().unwrap().count, 2);
    assert_eq!(world.act(2, &alarm::Action::Acknowledge { comment: None }), Verdict::Done);
    assert!(world.watch.alarm.open.is_none() && !world.watch.rule.is_active());
    fire(&mut world, 3);
    assert_eq!((world.watch.alarm.last_no, world.watch.alarm.open.as_ref().unwrap().count), (2, 1));
}

#[test]
fn hours_close_what_is_open() {
    let mut world = World::new(acting(0));
    world.hear(0, Some(true));
    world.hear(1, Some(false));
    assert!(world.watch.alarm.open.is_some(), "it waits to be acknowledged");
    let outside = Truths { in_schedule: false, ..Truths::plain(Some(true)) };
    let closed = world.decide(|own, watch| own.evaluate(watch, &outside, when(2)));
    assert!(closed.facts.iter().any(|fact| matches!(fact, Fact::Alarm(change) if change.what == What::Closed(CloseReason::Schedule))));
    let nothing = world.decide(|own, watch| own.evaluate(watch, &outside, when(3)));
    assert_eq!(nothing, Decision::default());
    // At the opening edge what is known then counts, without waiting for a reading.
    world.hear(4, Some(true));
    assert_eq!(world.watch.alarm.last_no, 2);
    let closed = world.decide(|own, watch| own.evaluate(watch, &outside, when(5)));
    assert_eq!(closed.requests.len(), 1, "what the raise set is taken back: {:?}", shown(&closed));
}

#[test]
fn the_rule_is_edited_or_goes() {
    for reason in
        [CloseReason::RuleChanged, CloseReason::RuleRemoved, CloseReason::RuleDisabled, CloseReason::TwinDeleted, CloseReason::TwinRetyped]
    {
        for returned in [false, true] {
            let mut world = World::new(acting(0));
            world.hear(0, Some(true));
            if returned {
                world.hear(1, Some(false));
            }
            let ended = world.decide(|own, watch| own.end(watch, reason, when(2)));
            assert!(
                ended.facts.iter().any(|fact| matches!(fact, Fact::Alarm(change) if change.what == What::Closed(reason))),
                "{reason:?}"
            );
            assert!(world.watch.alarm.open.is_none() && !world.watch.rule.is_active());
            world.hear(3, Some(true));
            assert_eq!(world.watch.alarm.open.as_ref().unwrap().no, 2);
        }
    }
    let world = World::new(acting(0));
    let own = Watched { rule: &world.rule, twin: &world.twin, key: "", out_of_service: None, voice: &world.voice };
    assert_eq!(own.end(&world.watch, CloseReason::RuleRemoved, when(0)), Decision::default());
}

#[test]
fn alarms_from_outside() {
    let mut rule = Rule::new("outside", Kind::Outside);
    rule.clear_after = Some(minutes(30));
    let mut world = World::new(rule);
    for minute in [0, 5, 10] {
        world.decide(|own, watch| own.fire(watch, when(minute)));
    }
    let open = world.watch.alarm.open.clone().unwrap();
    assert_eq!((open.count, open.raised_at, open.last_at), (3, Timestamp(0), Timestamp(10 * MINUTE)));
    assert_eq!(open.log.len(), 1, "how often is a number, not a list");
    world.decide(|own, watch| own.clear(watch, when(12)));
    assert_eq!(world.condition(), Condition::Normal);
    // Cleared, not yet acknowledged: the next one is a new occurrence, and takes its place.
    world.decide(|own, watch| own.fire(watch, when(15)));
    assert_eq!((world.watch.alarm.last_no, world.watch.alarm.open.as_ref().unwrap().count), (2, 1));
    assert!(
        world
            .facts
            .iter()
            .any(|fact| matches!(fact, Fact::Alarm(change) if change.no == 1 && change.what == What::Closed(CloseReason::Superseded)))
    );
    world.decide(|own, watch| own.elapse(watch, Timestamp(45 * MINUTE), Timestamp(45 * MINUTE)));
    assert_eq!(world.watch.alarm.open.as_ref().unwrap().cleared_at, Some(Timestamp(45 * MINUTE)));
}

#[test]
fn chatter_is_noticed_and_calms_down() {
    let mut world = World::new(acting(0));
    let at = |second: i64| When::both(Timestamp(second * 1_000_000));
    for (second, truth) in [(0, true), (10, false), (20, true), (30, false), (60, true)] {
        world.decide(|own, watch| own.evaluate(watch, &Truths::plain(Some(truth)), at(second)));
    }
    assert!(world.watch.alarm.open.as_ref().unwrap().chattering);
    let own = Watched { rule: &world.rule, twin: &world.twin, key: "", out_of_service: None, voice: &world.voice };
    assert_eq!(own.due(&world.watch), Some(at(660).at));
    world.decide(|own, watch| own.elapse(watch, at(660).at, at(660).now));
    assert!(!world.watch.alarm.open.as_ref().unwrap().chattering);
}

#[test]
fn corrections_and_floods_are_noted() {
    let mut world = World::new(acting(0));
    world.hear(0, Some(true));
    for signal in [Signal::Flooded { first_out: true }, Signal::Flooded { first_out: false }, Signal::Corrected] {
        world.decide(|own, watch| own.tell(watch, &signal, when(1)));
    }
    let open = world.watch.alarm.open.as_ref().unwrap();
    assert!(open.flood && open.first_out && open.log.len() == 4);
}

#[test]
fn silence_of_one_gateway_is_one_alarm() {
    let no_data = NoData { allowed: [minutes(15), minutes(10)].into(), since_creation: false };
    let member = |head: Option<i64>| crate::rule::Member { head: head.map(|minute| Timestamp(minute * MINUTE)), excused_until: None };
    let silent = |members: &[crate::rule::Member]| crate::rule::silent_at(&no_data, members, Timestamp(0));
    assert_eq!(silent(&[member(None), member(None)]), None, "nothing was ever heard");
    assert_eq!(silent(&[member(Some(0)), member(None)]), Some(Timestamp(15 * MINUTE)));
    assert_eq!(silent(&[member(Some(0)), member(Some(10))]), Some(Timestamp(20 * MINUTE)), "silent are they only together");
    let excused = crate::rule::Member { excused_until: Some(Timestamp(HOUR)), ..member(Some(0)) };
    assert_eq!(silent(&[excused, member(Some(0))]), Some(Timestamp(HOUR)));
    let since_creation = NoData { since_creation: true, ..no_data.clone() };
    assert_eq!(crate::rule::silent_at(&since_creation, &[member(None), member(None)], Timestamp(MINUTE)), Some(Timestamp(16 * MINUTE)));
}

/// Whatever happens, what the facts add up to is the state; and a watch that was stored goes on as it was.
#[test]
fn any_story_of_a_watch_replays() {
    for seed in 0..200 {
        let mut random = Random::new(seed);
        let mut rule = acting(random.below(3));
        rule.off_delay = minutes(random.below(3));
        (rule.policy.latch, rule.policy.acknowledge) = (random.below(2) == 0, random.below(4) > 0);
        rule.policy.re_alarm = Some(minutes(20));
        let mut world = World::new(rule);
        for minute in 0..120 {
            match random.below(14) {
                0 => drop(world.act(minute, &alarm::Action::Acknowledge { comment: None })),
                1 => drop(world.act(minute, &alarm::Action::Clear { comment: None })),
                2 => drop(world.act(minute, &alarm::Action::Reset { comment: None })),
                3 => drop(world.act(minute, &alarm::Action::Shelve { time: Some(minutes(7)), comment: None })),
                4 => drop(world.act(minute, &alarm::Action::Shelve { time: None, comment: None })),
                5 => drop(world.act(minute, &alarm::Action::Unshelve)),
                6 => drop(world.act(minute, &alarm::Action::Comment { text: "hm".into() })),
                7 => drop(world.act(minute, &alarm::Action::TakeOut { until: Some(Timestamp((minute + 5) * MINUTE)), reason: "x".into() })),
                8 => drop(world.decide(|own, watch| own.elapse_on_wall(watch, when(minute)))),
                9 => drop(world.decide(|own, watch| own.elapse(watch, Timestamp(minute * MINUTE), Timestamp(minute * MINUTE)))),
                _ => {
                    let truth = random.truth();
                    let truths = Truths { suppressed_by: random.truth(), in_schedule: random.below(20) > 0, ..Truths::plain(truth) };
                    world.voice.when = truth;
                    drop(world.decide(|own, watch| own.evaluate(watch, &truths, when(minute))));
                }
            }
            let active = world.watch.alarm.condition().is_active();
            assert_eq!(world.watch.rule.is_active(), active, "seed {seed}, minute {minute}: rule and alarm disagree");
            world.watch = serde_json::from_str(&serde_json::to_string(&world.watch).unwrap()).unwrap();
        }
        let mut replayed = Watch::default();
        let mut closed = 0;
        for fact in &world.facts {
            closed += usize::from(replayed.apply(fact).is_some());
        }
        assert_eq!(replayed, world.watch, "seed {seed}");
        assert_eq!(closed + usize::from(replayed.alarm.open.is_some()), usize::try_from(replayed.alarm.last_no).unwrap());
        let numbers =
            world.facts.iter().filter_map(|fact| if let Fact::Alarm(change) = fact { Some((change.no, change.serial)) } else { None });
        let numbers: Vec<(u32, u32)> = numbers.filter(|(no, serial)| *no > 0 && *serial > 0).collect();
        let mut distinct = numbers.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), numbers.len(), "seed {seed}: two changes with one number");
    }
}

#[test]
fn an_edit_of_severity_levels_and_suppression_reaches_what_is_open() {
    let mut world = World::new(acting(0));
    let levels = [LevelTruth { when: Some(true), stay: Some(true) }];
    let truths = Truths { suppressed_by: Some(true), ..Truths::plain(Some(true)) };
    world.decide(|own, watch| own.evaluate(watch, &truths.levels(&levels), when(0)));
    assert_eq!(world.watch.alarm.open.as_ref().unwrap().severity, Severity::Critical);
    (world.rule.levels, world.rule.severity, world.rule.suppressible) = (Box::default(), Severity::Minor, false);
    world.decide(|own, watch| own.keep(watch, when(1)));
    world.decide(|own, watch| own.evaluate(watch, &Truths::plain(Some(true)), when(1)));
    let open = world.watch.alarm.open.as_ref().unwrap();
    assert_eq!((open.severity, open.level, world.watch.rule.level), (Severity::Minor, 0, 0));
    assert!(!world.watch.alarm.suppression(None).holds());
}
