//! Which actions are asked for and under which key, what is told of an alarm, and what is withheld.

use serde_json::Value as Json;
use smol_str::SmolStr;

use crate::alarm::{self, Condition, Evidence, OutOfService, Severity, Verdict};
use crate::reading::{Timestamp, TwinId};
use crate::rule::{Decision, Expression, Kind, Level, LevelTruth, Occasion, Rule, Truth, Truths, Voice, Watch, Watched};

use super::data::{MINUTE, minutes};
use super::world::{World, acting, shown, when};

#[test]
fn actions_are_asked_for_with_keys_that_are_never_the_same() {
    let mut world = World::new(acting(1));
    assert_eq!(world.hear(0, Some(true)), [""; 0]);
    assert_eq!(world.condition(), Condition::Normal);
    assert_eq!(
        world.hear(1, Some(true)),
        ["mixer-1/overheat/1/1/0: set 4 to 1", "mixer-1/overheat/1/1/1: publish to 2", "mixer-1/overheat/1/1/2: unknown 9"]
    );
    let levels = [LevelTruth { when: Some(true), stay: Some(true) }];
    let up = world.decide(|own, watch| own.evaluate(watch, &Truths::plain(Some(true)).levels(&levels), when(2)));
    assert_eq!(shown(&up), ["mixer-1/overheat/1/2/3: command stop {\"how\":3}", "mixer-1/overheat/1/2/4: emit moved"]);
    assert_eq!(world.watch.alarm.open.as_ref().unwrap().severity, Severity::Critical);
    let down = [LevelTruth { when: Some(false), stay: Some(false) }];
    let down = world.decide(|own, watch| own.evaluate(watch, &Truths::plain(Some(true)).levels(&down), when(3)));
    assert_eq!(shown(&down), ["mixer-1/overheat/1/3/4: emit moved"]);
    let acknowledged = world.decide(|own, watch| own.act(watch, Some(1), &alarm::Action::Acknowledge { comment: None }, "ann", when(4)).1);
    assert_eq!(shown(&acknowledged), ["mixer-1/overheat/1/4/6: raise seen"]);
    assert_eq!(world.hear(5, Some(false)), ["mixer-1/overheat/1/5/5: set 4 to 5"]);
    assert!(world.watch.alarm.open.is_none());
    world.hear(6, Some(true));
    assert_eq!(world.hear(7, Some(true))[0], "mixer-1/overheat/2/1/0: set 4 to 1");
    let mut replayed = Watch::default();
    for fact in &world.facts {
        replayed.apply(&serde_json::from_str(&serde_json::to_string(fact).unwrap()).unwrap());
    }
    assert_eq!(replayed, world.watch);
}

#[test]
fn what_is_suppressed_is_not_told_and_what_is_out_of_service_does_nothing() {
    let shelved = alarm::Action::Shelve { time: Some(minutes(60)), comment: None };
    let mut world = World::new(acting(0));
    assert_eq!(world.act(0, &shelved), Verdict::Done);
    assert_eq!(world.hear(1, Some(true)), ["mixer-1/overheat/1/1/0: set 4 to 1"], "only what controls");
    // The shelf ends while it is active: it is told again, and nothing is controlled twice.
    let told = world.decide(|own, watch| own.elapse_on_wall(watch, when(60)));
    assert_eq!(shown(&told), ["mixer-1/overheat/1/2/1: publish to 2", "mixer-1/overheat/1/2/2: unknown 9"]);

    let mut world = World::new(acting(0));
    world.out = Some(OutOfService { until: None, by: "ann".into(), reason: "overhaul".into() });
    assert_eq!(world.hear(1, Some(true)), [""; 0]);
    assert_eq!(world.condition(), Condition::Active, "it is evaluated all the same");
    world.out = None;
    let told = world.decide(|own, watch| own.twin_back_in_service(watch, "ann", when(2)));
    assert_eq!(shown(&told), ["mixer-1/overheat/1/2/1: publish to 2", "mixer-1/overheat/1/2/2: unknown 9"]);
}

#[test]
fn suppressed_by_design() {
    let mut world = World::new(acting(0));
    let truths = |when, suppressed_by| Truths { suppressed_by, ..Truths::plain(when) };
    world.decide(|own, watch| own.evaluate(watch, &truths(Some(false), Some(true)), when(0)));
    let raised = world.decide(|own, watch| own.evaluate(watch, &truths(Some(true), Some(true)), when(1)));
    assert_eq!(shown(&raised), ["mixer-1/overheat/1/1/0: set 4 to 1"]);
    assert_eq!(alarm::worst_severity([&world.watch.alarm], None), None);
    // Not known whether it still is: then it still is.
    let unknown = world.decide(|own, watch| own.evaluate(watch, &truths(Some(true), None), when(2)));
    assert_eq!(unknown, Decision::default());
    let released = world.decide(|own, watch| own.evaluate(watch, &truths(Some(true), Some(false)), when(3)));
    assert_eq!(released.requests.len(), 1);
    assert_eq!(alarm::worst_severity([&world.watch.alarm], None), Some(Severity::Warning));
}

#[test]
fn a_suppression_begins_and_ends_in_the_midst_of_things() {
    let truths = |when, suppressed_by| Truths { suppressed_by: Some(suppressed_by), ..Truths::plain(Some(when)) };
    // The delay was over at minute 2; the suppression that comes with the reading of minute 3 does not reach back.
    let mut world = World::new(acting(2));
    world.decide(|own, watch| own.evaluate(watch, &truths(true, false), when(0)));
    let late = world.decide(|own, watch| own.evaluate(watch, &truths(true, true), when(3)));
    assert_eq!(shown(&late)[1], "mixer-1/overheat/1/1/1: publish to 2");
    assert_eq!(world.watch.alarm.open.as_ref().unwrap().raised_at, Timestamp(2 * MINUTE));
    // Released as it clears: there is nothing to announce.
    let cleared = world.decide(|own, watch| own.evaluate(watch, &truths(false, false), when(4)));
    assert_eq!(shown(&cleared), ["mixer-1/overheat/1/3/5: set 4 to 5"]);
    // Raised as it is released: it is told, once.
    let mut world = World::new(acting(0));
    world.decide(|own, watch| own.evaluate(watch, &truths(false, true), when(0)));
    let told = world.decide(|own, watch| own.evaluate(watch, &truths(true, false), when(1)));
    assert_eq!(shown(&told).iter().filter(|asked| asked.contains("publish")).count(), 1);
}

#[test]
fn a_rule_without_an_alarm_still_acts() {
    let mut rule = acting(0);
    rule.policy.shown = false;
    let mut world = World::new(rule);
    assert_eq!(world.hear(0, Some(true)).len(), 3);
    let open = world.watch.alarm.open.as_ref().unwrap();
    assert!(open.log.is_empty() && open.acknowledged);
    assert_eq!(alarm::worst_severity([&world.watch.alarm], None), None);
    let identity = alarm::Identity { rule: "overheat".into(), key: "".into() };
    assert_eq!(alarm::payload(&world.twin, &identity, open), "");
    for action in [alarm::Action::Acknowledge { comment: None }, alarm::Action::Clear { comment: None }] {
        assert_eq!(world.act(1, &action), Verdict::NotApplicable);
    }
    assert_eq!(world.hear(2, Some(false)), ["mixer-1/overheat/1/2/5: set 4 to 5"]);
    assert!(world.watch.alarm.open.is_none());
}

#[test]
fn alarmed_again_when_acknowledged_and_nothing_is_done() {
    let mut rule = acting(0);
    rule.policy.re_alarm = Some(minutes(8 * 60));
    let mut world = World::new(rule);
    world.hear(0, Some(true));
    assert_eq!(world.watch.alarm.due_on_wall(&world.rule.policy), None);
    world.act(10, &alarm::Action::Acknowledge { comment: Some("on it".into()) });
    assert_eq!(world.watch.alarm.due_on_wall(&world.rule.policy), Some(when(490).now));
    let again = world.decide(|own, watch| own.elapse_on_wall(watch, when(490)));
    assert_eq!(again.requests.len(), 1, "it is told again: {:?}", shown(&again));
    let open = world.watch.alarm.open.as_ref().unwrap();
    assert_eq!((open.count, open.acknowledged, open.acknowledgement.is_none()), (2, false, true));
    assert_eq!(world.watch.alarm.due_on_wall(&world.rule.policy), None);
}

#[test]
fn texts_and_explanations_are_bounded() {
    struct Talker;
    impl Voice for Talker {
        fn evidence(&self, _rule: &Rule, _occasion: &Occasion) -> Evidence {
            let long = "ä".repeat(alarm::EXPLAIN_BYTES_MAX);
            Evidence { text: SmolStr::new(&long), explain: Some(SmolStr::new(&long)), severity: Severity::Info }
        }
        fn explain_clear(&self, _rule: &Rule, _occasion: &Occasion) -> Option<SmolStr> {
            None
        }
        fn cause(&self, _rule: &Rule) -> SmolStr {
            SmolStr::default()
        }
        fn value(&self, _expression: Expression) -> Option<Json> {
            None
        }
        fn when(&self, _rule: &Rule) -> Truth {
            None
        }
    }
    let (rule, twin) = (Rule::new("long", Kind::Condition), TwinId::parse("mixer-1").unwrap());
    let own = Watched { rule: &rule, twin: &twin, key: "", out_of_service: None, voice: &Talker };
    let mut watch = Watch::default();
    for fact in own.evaluate(&watch, &Truths::plain(Some(true)), when(0)).facts {
        watch.apply(&fact);
    }
    let open = watch.alarm.open.unwrap();
    assert_eq!((open.text.len(), open.explain.as_deref()), (alarm::TEXT_BYTES_MAX, Some("{\"tooLarge\":true}")));
}

#[test]
fn the_evidence_knows_the_occasion() {
    let mut world = World::new(acting(5));
    let explain = |world: &World| world.watch.alarm.open.as_ref().unwrap().explain.clone().unwrap();
    world.hear(0, Some(true));
    world.decide(|own, watch| own.elapse(watch, Timestamp(9 * MINUTE), Timestamp(9 * MINUTE)));
    assert_eq!(explain(&world), "00:05:00 since 00:00:00 at 0 by TIMER");
    let levels = [LevelTruth { when: Some(true), stay: Some(true) }];
    world.decide(|own, watch| own.evaluate(watch, &Truths::plain(Some(true)).levels(&levels), when(10)));
    assert_eq!(explain(&world), "00:10:00 since 00:00:00 at 1 by READING");
    let mut world = World::new(acting(5));
    world.hear(0, Some(true));
    world.hear(5, Some(true));
    assert_eq!(explain(&world), "00:05:00 since 00:00:00 at 0 by READING");
    let mut world = World::new(acting(5));
    world.hear(0, Some(true));
    world.hear(6, Some(true));
    assert_eq!(explain(&world), "00:05:00 since 00:00:00 at 0 by TIMER");
}

#[test]
fn a_level_is_reached_from_below_only() {
    let mut rule = acting(0);
    rule.levels = [Severity::Major, Severity::Critical].map(|severity| Level { severity }).into();
    let mut world = World::new(rule);
    let mut at_level = |minute: i64, level: usize| {
        let levels: Vec<LevelTruth> = (0..2).map(|own| LevelTruth { when: Some(own < level), stay: Some(own < level) }).collect();
        let decision = world.decide(|own, watch| own.evaluate(watch, &Truths::plain(Some(true)).levels(&levels), when(minute)));
        shown(&decision).iter().any(|asked| asked.contains("command stop"))
    };
    assert_eq!([at_level(0, 0), at_level(1, 2), at_level(2, 1), at_level(3, 0), at_level(4, 1)], [false, false, false, false, true]);
}
