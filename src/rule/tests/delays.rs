//! Conditions over time: delays, deadband, levels, what is unknown, and what is put away by hand.

use crate::alarm::{CloseReason, Condition, Severity};
use crate::reading::Timestamp;
use crate::rule::elapse::dismiss;
use crate::rule::{
    Edited, Kind, Level, LevelTruth, OnUnknown, Phase, Rule, RuleState, Step, Truth, Truths, compare, due, elapse, end, evaluate, keep,
};

use super::data::{Limits, Member, clock, hms, minutes, shown};

fn delayed(on: u64, off: u64) -> Rule {
    let mut rule = Rule::new("hot", Kind::Condition);
    (rule.on_delay, rule.off_delay) = (minutes(on), minutes(off));
    rule
}

/// Evaluates at each instant what is said there (`1`, `0`, `?`), and serves the delays up to the last one.
fn story(rule: &Rule, said: &str) -> String {
    let mut member = Member::new(rule.clone(), Limits::above(0.0, 0.0));
    for item in said.split_whitespace() {
        let (time, truth) = item.split_once('=').unwrap();
        let truth: Truth = match truth {
            "1" => Some(true),
            "0" => Some(false),
            "?" => None,
            _ => {
                let moves = elapse(rule, &member.state, clock(time));
                member.apply(moves);
                continue;
            }
        };
        let moves = evaluate(rule, &member.state, &Truths::plain(truth), clock(time));
        member.apply(moves);
    }
    let told: Vec<String> = member.all.iter().map(|transition| format!("{} {}", hms(transition.at), shown(&transition.step))).collect();
    told.join("; ")
}

/// The table of `rules.md`, 3.4.
#[test]
fn the_worked_table() {
    let mut member = Member::new(delayed(5, 0), Limits::above(10.0, 0.0));
    member.hear(clock("10:00"), clock("10:00"), 12.0);
    assert_eq!(member.phase(), Phase::Pending { since: clock("10:00"), stood: 0 });
    member.hear(clock("10:02"), clock("09:58"), 9.0);
    assert_eq!(member.phase(), Phase::Pending { since: clock("10:00"), stood: 0 });
    member.hear(clock("10:03"), clock("10:03"), 8.0);
    assert_eq!((member.phase(), member.state.avoided), (Phase::Normal, 1));
    member.hear(clock("10:04"), clock("10:04"), 12.0);
    assert_eq!(due(&member.rule, &member.state), Some(clock("10:09")));
    member.pass(clock("10:08:59"));
    assert_eq!(member.phase(), Phase::Pending { since: clock("10:04"), stood: 0 });
    member.pass(clock("10:09"));
    assert_eq!(member.phase(), Phase::Active { since: clock("10:09") });
    member.hear(clock("10:20"), clock("10:11"), 13.0);
    assert_eq!(member.phase(), Phase::Active { since: clock("10:09") });
    member.take(clock("10:20"), clock("10:12"), 7.0);
    assert_eq!(member.phase(), Phase::Normal);
    member.hear(clock("10:30"), clock("10:05"), 12.0);
    assert_eq!(
        member.shown(),
        "10:00:00 pending\n10:03:00 avoided\n10:04:00 pending\n10:09:00 raised, true since 10:04:00\n10:12:00 cleared\n"
    );
}

#[test]
fn delays_at_their_boundaries() {
    for (said, expected) in [
        // The reading of the very instant comes before the delay.
        ("10:00=1 10:05=0", "10:00:00 pending; 10:05:00 avoided"),
        ("10:00=1 10:05=1", "10:00:00 pending; 10:05:00 raised, true since 10:00:00"),
        // A later reading finds that the delay was over before it.
        ("10:00=1 10:06=0", "10:00:00 pending; 10:05:00 raised, true since 10:00:00; 10:06:00 recovering"),
        (
            "10:00=1 10:05=- 10:06=0 10:08=0 10:09=1",
            "10:00:00 pending; 10:05:00 raised, true since 10:00:00; 10:06:00 recovering; 10:09:00 resumed",
        ),
        (
            "10:00=1 10:05=- 10:06=0 10:10=1",
            "10:00:00 pending; 10:05:00 raised, true since 10:00:00; 10:06:00 recovering; 10:09:00 cleared; 10:10:00 pending",
        ),
        (
            "10:00=1 10:05=- 10:06=0 10:09=1",
            "10:00:00 pending; 10:05:00 raised, true since 10:00:00; 10:06:00 recovering; 10:09:00 resumed",
        ),
        (
            "10:00=1 10:05=- 10:06=0 10:09=-",
            "10:00:00 pending; 10:05:00 raised, true since 10:00:00; 10:06:00 recovering; 10:09:00 cleared",
        ),
    ] {
        assert_eq!(story(&delayed(5, 3), said), expected, "{said}");
    }
}

#[test]
fn a_delay_stands_still_while_nothing_is_known() {
    for (said, expected) in [
        // Two minutes known, ten unknown, three known: only then is it five.
        (
            "10:00=1 10:02=? 10:12=1 10:14:59=- 10:15=-",
            "10:00:00 pending; 10:02:00 unknown; 10:12:00 known; 10:15:00 raised, true since 10:00:00",
        ),
        (
            "10:00=1 10:01=? 10:04=1 10:05=? 10:10=1 10:12:59=- 10:13=-",
            "10:00:00 pending; 10:01:00 unknown; 10:04:00 known; 10:05:00 unknown; 10:10:00 known; 10:13:00 raised, true since 10:00:00",
        ),
        ("10:00=1 10:02=? 11:00=-", "10:00:00 pending; 10:02:00 unknown"),
        ("10:00=1 10:02=? 10:12=0", "10:00:00 pending; 10:02:00 unknown; 10:12:00 known; 10:12:00 avoided"),
        // Unknown neither raises nor clears; what was active stays, and recovers only once it is known.
        ("10:00=? 10:01=? 10:02=0", "10:00:00 unknown; 10:02:00 known"),
        (
            "10:00=1 10:05=- 10:06=? 10:30=0 10:31=? 10:41=0 10:43=-",
            "10:00:00 pending; 10:05:00 raised, true since 10:00:00; 10:06:00 unknown; 10:30:00 known; 10:30:00 recovering; 10:31:00 unknown; \
             10:41:00 known; 10:43:00 cleared",
        ),
    ] {
        assert_eq!(story(&delayed(5, 3), said), expected, "{said}");
    }
    let mut as_true = delayed(5, 3);
    as_true.on_unknown = OnUnknown::Alarm;
    assert_eq!(story(&as_true, "10:00=? 10:05=-"), "10:00:00 pending; 10:05:00 raised, true since 10:00:00");
    let mut as_false = delayed(0, 0);
    as_false.on_unknown = OnUnknown::Ok;
    assert_eq!(story(&as_false, "10:00=1 10:05=?"), "10:00:00 raised, true since 10:00:00; 10:05:00 cleared");
}

#[test]
fn what_the_api_shows_while_nothing_is_known() {
    let rule = delayed(5, 0);
    let mut state = RuleState::default();
    assert!(state.is_default());
    let shown_after = |state: &mut RuleState, truth, at: &str| {
        for transition in evaluate(&rule, state, &Truths::plain(truth), clock(at)) {
            state.apply(&transition);
        }
        state.condition()
    };
    assert_eq!(shown_after(&mut state, Some(false), "10:00"), Condition::Normal);
    assert!(state.is_default(), "a rule that is false leaves nothing behind");
    assert_eq!(shown_after(&mut state, None, "10:01"), Condition::NoData);
    assert_eq!(shown_after(&mut state, Some(true), "10:02"), Condition::Pending);
    assert_eq!(shown_after(&mut state, None, "10:03"), Condition::NoData);
    assert_eq!(shown_after(&mut state, Some(true), "10:04"), Condition::Pending);
    assert_eq!(shown_after(&mut state, None, "10:09"), Condition::Active);
    assert_eq!(state.unknown_since, Some(clock("10:09")));
}

#[test]
fn a_clear_condition_of_its_own() {
    let mut rule = delayed(0, 0);
    rule.clears = true;
    let mut member = Member::new(rule, Limits::above(0.0, 0.0));
    for (time, when, clear) in [
        ("10:00", Some(true), Some(false)),
        ("10:01", Some(false), Some(false)),
        ("10:02", Some(false), None),
        ("10:03", Some(true), Some(true)),
        ("10:04", Some(false), Some(true)),
    ] {
        let moves = evaluate(&member.rule, &member.state, &Truths::with_clear(when, clear), clock(time));
        member.apply(moves);
    }
    assert_eq!(member.shown(), "10:00:00 raised, true since 10:00:00\n10:02:00 unknown\n10:03:00 known\n10:03:00 cleared\n");
}

#[test]
fn levels_rise_at_once_and_fall_below_their_deadband() {
    let mut rule = delayed(0, 5);
    rule.levels = [Severity::Major, Severity::Critical].map(|severity| Level { severity }).into();
    let mut member = Member::new(rule, Limits { levels: vec![100.0, 110.0], ..Limits::above(90.0, 2.0) });
    for (time, value) in
        [("10:00", 101.0), ("10:01", 112.0), ("10:02", 108.5), ("10:03", 107.0), ("10:04", 97.9), ("10:05", 89.0), ("10:06", 87.0)]
    {
        member.replay(clock(time), value);
    }
    member.replay(clock("10:07"), 120.0);
    assert_eq!(
        member.shown(),
        "10:00:00 raised at level 1, true since 10:00:00\n10:01:00 level 2\n10:03:00 level 1\n10:04:00 level 0\n10:06:00 recovering\n\
         10:07:00 resumed\n10:07:00 level 2\n"
    );
    // While pending the level it would be raised at is followed, and the highest that is true counts.
    let mut rule = member.rule.clone();
    rule.on_delay = minutes(5);
    let mut member = Member::new(rule, member.limits.clone());
    for (time, value) in [("10:00", 91.0), ("10:01", 111.0), ("10:02", 109.0)] {
        member.replay(clock(time), value);
    }
    member.pass(clock("10:05"));
    assert_eq!(member.shown(), "10:00:00 pending\n10:01:00 level 2\n10:02:00 level 1\n10:05:00 raised at level 1, true since 10:00:00\n");
    assert_eq!(
        (member.rule.severity_at(0), member.rule.severity_at(1), member.rule.severity_at(2)),
        (Severity::Warning, Severity::Major, Severity::Critical)
    );
}

#[test]
fn an_unknown_level_stays_where_it_is() {
    let mut rule = delayed(0, 0);
    rule.levels = [Level { severity: Severity::Critical }].into();
    let truths = |level: Truth| [LevelTruth { when: level, stay: level }];
    let mut member = Member::new(rule, Limits::above(0.0, 0.0));
    for (time, level) in [("10:00", None), ("10:01", Some(true)), ("10:02", None), ("10:03", Some(false))] {
        let moves = evaluate(&member.rule, &member.state, &Truths::plain(Some(true)).levels(&truths(level)), clock(time));
        member.apply(moves);
    }
    assert_eq!(member.shown(), "10:00:00 raised, true since 10:00:00\n10:01:00 level 1\n10:03:00 level 0\n");
    let mut rule = member.rule.clone();
    rule.on_delay = minutes(5);
    let mut pending = Member::new(rule, member.limits);
    for (time, level) in [("10:00", Some(true)), ("10:02", None), ("10:05", None)] {
        let moves = evaluate(&pending.rule, &pending.state, &Truths::plain(Some(true)).levels(&truths(level)), clock(time));
        pending.apply(moves);
    }
    assert_eq!(pending.shown(), "10:00:00 pending { level: 1 }\n10:05:00 raised at level 1, true since 10:00:00\n");
}

#[test]
fn what_is_dismissed_comes_back_only_after_it_was_false() {
    let rule = delayed(0, 0);
    let mut member = Member::new(rule, Limits::above(0.0, 0.0));
    member.replay(clock("10:00"), 1.0);
    let moves = dismiss(&member.rule, &member.state, Some(true), clock("10:01"));
    member.apply(moves);
    member.replay(clock("10:02"), 2.0);
    assert_eq!((member.phase(), member.state.disarmed), (Phase::Normal, true));
    member.judge(None, clock("10:03"));
    member.judge(Some(2.0), clock("10:04"));
    assert_eq!(member.raises(), 1);
    member.replay(clock("10:05"), -1.0);
    member.replay(clock("10:06"), 1.0);
    assert_eq!((member.raises(), member.state.disarmed), (2, false));
    // Its hours end: that somebody has put it away stays true. The rule is another one: that is forgotten.
    for (reason, stays) in [(CloseReason::Schedule, true), (CloseReason::RuleChanged, false), (CloseReason::RuleDisabled, false)] {
        let mut away = member.clone();
        let moves = dismiss(&away.rule, &away.state, Some(true), clock("10:06"));
        away.apply(moves);
        let moves = end(&away.rule, &away.state, reason, clock("10:07"));
        away.apply(moves);
        assert_eq!(away.state.disarmed, stays, "{reason:?}");
    }
    // Held only by the deadband: its condition is false already, so the next time it is true counts.
    let moves = dismiss(&member.rule, &member.state, Some(false), clock("10:07"));
    member.apply(moves);
    member.replay(clock("10:08"), 3.0);
    assert_eq!(member.raises(), 3);
}

#[test]
fn rule_time_never_runs_backwards() {
    // Raised in silence at 10:09 on the running clock; a packet that was under way says 10:06.
    let mut member = Member::new(delayed(5, 0), Limits::above(10.0, 0.0));
    member.hear(clock("10:04"), clock("10:04"), 12.0);
    member.pass(clock("10:09"));
    member.hear(clock("10:10"), clock("10:06"), 7.0);
    assert_eq!(member.shown(), "10:04:00 pending\n10:09:00 raised, true since 10:04:00\n10:09:00 cleared\n");
}

#[test]
fn an_edit_of_the_delay_keeps_its_start_and_raises_nothing_in_the_past() {
    let old = Rule { meaning: 1, version: 1, ..delayed(60, 0) };
    let shorter = Rule { version: 2, ..Rule { on_delay: minutes(10), ..old.clone() } };
    let other = Rule { meaning: 2, version: 3, ..old.clone() };
    assert_eq!((compare(&old, &old), compare(&old, &shorter), compare(&old, &other)), (Edited::Same, Edited::Kept, Edited::Restarted));
    let mut member = Member::new(old, Limits::above(10.0, 0.0));
    member.replay(clock("10:00"), 12.0);
    let moves = keep(&member.state, clock("10:30"));
    member.apply(moves);
    member.rule = shorter;
    let moves = evaluate(&member.rule, &member.state, &Truths::plain(Some(true)), clock("10:30"));
    member.apply(moves);
    assert_eq!(member.shown(), "10:00:00 pending\n10:30:00 edited\n10:30:00 raised, true since 10:00:00\n");
    let moves = end(&member.rule, &member.state, CloseReason::RuleChanged, clock("10:31"));
    member.apply(moves);
    assert_eq!((member.phase(), member.state.last), (Phase::Normal, clock("10:31")));
}

#[test]
fn extreme_times_and_delays_are_only_numbers() {
    let mut rule = delayed(0, 0);
    rule.on_delay = std::time::Duration::MAX;
    for at in [i64::MIN, i64::MIN + 1, 0, i64::MAX] {
        let mut state = RuleState::default();
        for transition in evaluate(&rule, &state.clone(), &Truths::plain(Some(true)), Timestamp(at)) {
            state.apply(&transition);
        }
        // At the end of all time the delay is over where it begins.
        assert_eq!(due(&rule, &state).is_some(), at < i64::MAX, "{at}");
        for transition in evaluate(&rule, &state.clone(), &Truths::plain(None), Timestamp(i64::MAX)) {
            state.apply(&transition);
        }
        assert!(elapse(&rule, &state, Timestamp(i64::MAX)).iter().all(|transition| matches!(transition.step, Step::Raised { .. })));
    }
}
