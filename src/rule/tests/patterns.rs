//! Patterns at their boundaries, and how the alarm of a pulse ends.

use crate::reading::Timestamp;
use crate::rule::{Kind, Pattern, Rule, Step, Truth, Truths, due, elapse, evaluate};

use super::data::{Limits, Member, clock, minutes};

fn rule(pattern: Pattern) -> Rule {
    Rule::new("pattern", Kind::Pattern(pattern))
}

/// `10:00=ab`: at 10:00 the steps a and b hold; `?a`: a is not known; `-`: time passes. Every fire with its instant.
fn fires(rule: &Rule, steps: usize, said: &str) -> String {
    let mut member = Member::new(rule.clone(), Limits::above(0.0, 0.0));
    for item in said.split_whitespace() {
        let (time, names) = item.split_once('=').unwrap();
        let moves = if names == "-" {
            elapse(rule, &member.state, clock(time))
        } else {
            evaluate(rule, &member.state, &Truths::of_pattern(&truths(names, steps), None), clock(time))
        };
        member.apply(moves);
    }
    let fires = member.all.iter().filter(|transition| matches!(transition.step, Step::Raised { .. } | Step::Repeated));
    fires.map(|transition| super::data::hms(transition.at)[..5].to_owned()).collect::<Vec<_>>().join(" ")
}

fn truths(names: &str, steps: usize) -> Vec<Truth> {
    let of = |step: usize| {
        let name = char::from(b'a' + u8::try_from(step).unwrap());
        match names.split_once('?') {
            Some((_, unknown)) if unknown.contains(name) => None,
            Some((known, _)) => Some(known.contains(name)),
            None => Some(names.contains(name)),
        }
    };
    (0..steps).map(of).collect()
}

#[test]
fn sequences() {
    let two = rule(Pattern::Sequence { steps: 2, within: minutes(5), events: 0 });
    for (said, expected) in [
        ("10:00=a 10:05=b", "10:05"),
        ("10:00=a 10:05:01=b", ""),
        // The latest first step counts.
        ("10:00=a 10:02=. 10:04=a 10:09=b", "10:09"),
        // Both at once is not one after the other; but the first of them may begin a new chain.
        ("10:00=ab", ""),
        ("10:00=ab 10:01=. 10:02=b", "10:02"),
        ("10:00=a 10:01=. 10:02=ab 10:03=. 10:04=b", "10:02 10:04"),
        // Once answered, a first step is spent.
        ("10:00=a 10:01=b 10:02=. 10:03=b", "10:01"),
        ("10:00=b 10:01=a", ""),
        // Holding on is not occurring again; and what is unknown in between is no change.
        ("10:00=b 10:01=ab 10:02=b", ""),
        ("10:00=a 10:01=?a 10:06=a 10:07=b", ""),
        ("10:00=a 10:01=a?b 10:02=ab", "10:02"),
    ] {
        assert_eq!(fires(&two, 2, said), expected, "{said}");
    }
    let three = rule(Pattern::Sequence { steps: 3, within: minutes(5), events: 0 });
    for (said, expected) in [
        ("10:00=a 10:02=b 10:05=c", "10:05"),
        // The time is counted from the first.
        ("10:00=a 10:04=b 10:06=c", ""),
        ("10:00=a 10:02=b 10:03=ab 10:04=. 10:05=c", "10:05"),
        ("10:00=a 10:01=c 10:02=b", ""),
        // A newer chain that has not come as far does not take the older one's place.
        ("10:00=a 10:02=b 10:03=. 10:04=a 10:05=c", "10:05"),
    ] {
        assert_eq!(fires(&three, 3, said), expected, "{said}");
    }
    let events = rule(Pattern::Sequence { steps: 2, within: minutes(5), events: 0b11 });
    assert_eq!(fires(&events, 2, "10:00=a 10:01=b 10:02=a 10:03=b"), "10:01 10:03", "every event occurs, also twice in succession");
}

#[test]
fn absences() {
    let absence = rule(Pattern::Absence { within: minutes(5), events: 0 });
    for (said, expected) in [
        ("10:00=a 10:05=-", "10:05"),
        ("10:00=a 10:04:59=-", ""),
        ("10:00=a 10:05=b 10:09=-", ""),
        ("10:00=a 10:06=b", "10:05"),
        // Further ones in between do not postpone it.
        ("10:00=a 10:02=. 10:03=a 10:05=- 10:20=-", "10:05"),
        ("10:00=a 10:02=. 10:03=b 10:04=a 10:09=-", "10:09"),
        ("10:00=ab 10:09=-", ""),
        ("10:00=a 10:05=- 10:06=. 10:07=a 10:12=-", "10:05 10:12"),
    ] {
        assert_eq!(fires(&absence, 2, said), expected, "{said}");
    }
}

#[test]
fn repetitions() {
    let three = rule(Pattern::Repetition { times: 3, within: minutes(10), events: 1 });
    for (said, expected) in [
        ("10:00=a 10:05=a 10:10=a", "10:10"),
        ("10:00=a 10:05=a 10:10:01=a", ""),
        ("10:00=a 10:05=a 10:10:01=a 10:14=a", "10:14"),
        // Then counting starts anew.
        ("10:00=a 10:01=a 10:02=a 10:03=a 10:04=a 10:05=a 10:06=a", "10:02 10:05"),
        ("10:00=a 10:00=a 10:00=a", "10:00"),
    ] {
        assert_eq!(fires(&three, 1, said), expected, "{said}");
    }
}

#[test]
fn a_pulse_clears_by_itself_after_its_last_time() {
    let mut rule = rule(Pattern::Repetition { times: 1, within: minutes(0), events: 1 });
    rule.clear_after = Some(minutes(10));
    rule.settle();
    let mut member = Member::new(rule, Limits::above(0.0, 0.0));
    for time in ["10:00", "10:08", "10:18", "10:40"] {
        let moves = evaluate(&member.rule, &member.state, &Truths::of_pattern(&[Some(true)], None), clock(time));
        member.apply(moves);
    }
    assert_eq!(
        member.shown(),
        // At 10:18 the occurrence of that instant comes before the end of that instant.
        "10:00:00 raised, true since 10:00:00\n10:08:00 repeated\n10:18:00 repeated\n10:28:00 cleared\n10:40:00 raised, true since 10:40:00\n"
    );
    assert_eq!(due(&member.rule, &member.state), Some(clock("10:50")));
}

/// What goes unanswered at the instant at which the alarm of the last time would clear by itself is the same alarm, once more.
#[test]
fn a_deadline_comes_before_the_end_of_the_same_instant() {
    let mut rule = rule(Pattern::Absence { within: minutes(5), events: 0b11 });
    rule.clear_after = Some(minutes(5));
    rule.settle();
    let mut member = Member::new(rule, Limits::above(0.0, 0.0));
    for (time, asked) in [("10:00", true), ("10:05", false), ("10:05", true)] {
        let moves = evaluate(&member.rule, &member.state, &Truths::of_pattern(&[Some(asked), Some(false)], None), clock(time));
        member.apply(moves);
    }
    let moves = elapse(&member.rule, &member.state, clock("11:00"));
    member.apply(moves);
    let told: Vec<String> = member.shown().lines().filter(|line| !line.contains("pattern(")).map(str::to_owned).collect();
    assert_eq!(told, ["10:05:00 raised, true since 10:00:00", "10:10:00 repeated", "10:15:00 cleared"]);
}

#[test]
fn the_clear_condition_of_a_pattern() {
    let mut rule = rule(Pattern::Absence { within: minutes(1), events: 0 });
    (rule.clears, rule.off_delay) = (true, minutes(2));
    rule.settle();
    assert!(!rule.policy.ends_when_acknowledged);
    let mut member = Member::new(rule, Limits::above(0.0, 0.0));
    for (time, steps, clear) in [
        ("10:00", [Some(true), Some(false)], Some(false)),
        ("10:02", [Some(true), Some(true)], Some(true)),
        ("10:03", [Some(true), Some(false)], Some(false)),
        ("10:04", [Some(false), Some(true)], Some(true)),
        ("10:05", [Some(false), None], None),
        ("10:15", [Some(false), Some(true)], Some(true)),
        ("10:17", [Some(false), Some(true)], Some(true)),
    ] {
        let moves = evaluate(&member.rule, &member.state, &Truths::of_pattern(&steps, clear), clock(time));
        member.apply(moves.into_iter().collect());
    }
    let told: Vec<String> = member.shown().lines().filter(|line| !line.contains("pattern(")).map(str::to_owned).collect();
    assert_eq!(
        told,
        [
            "10:01:00 raised, true since 10:00:00",
            "10:02:00 recovering",
            "10:03:00 resumed",
            "10:04:00 recovering",
            "10:05:00 unknown",
            "10:15:00 known",
            "10:16:00 cleared"
        ]
    );
}

#[test]
fn nothing_holds_a_pattern_that_nobody_must_see() {
    let mut rule = rule(Pattern::Repetition { times: 1, within: minutes(0), events: 1 });
    rule.policy.acknowledge = false;
    rule.settle();
    let mut member = Member::new(rule, Limits::above(0.0, 0.0));
    for minute in 0..3 {
        let moves = evaluate(&member.rule, &member.state, &Truths::of_pattern(&[Some(true)], None), Timestamp(minute));
        member.apply(moves);
    }
    assert_eq!((member.raises(), member.count(|step| *step == Step::Cleared), member.count(|step| *step == Step::Repeated)), (3, 3, 0));
}

#[test]
fn more_steps_than_there_are_truths_and_huge_counts() {
    let sequence = rule(Pattern::Sequence { steps: 200, within: minutes(5), events: u16::MAX });
    let none = rule(Pattern::Sequence { steps: 0, within: minutes(5), events: 0 });
    let repetition = rule(Pattern::Repetition { times: 255, within: std::time::Duration::MAX, events: 1 });
    for rule in [sequence, none, repetition] {
        let mut member = Member::new(rule, Limits::above(0.0, 0.0));
        for minute in 0..300 {
            let moves = evaluate(&member.rule, &member.state, &Truths::of_pattern(&[Some(true); 30], None), Timestamp(minute));
            member.apply(moves);
        }
        assert!(serde_json::to_string(&member.state).unwrap().len() < 2_000, "what is kept is bounded");
    }
}
