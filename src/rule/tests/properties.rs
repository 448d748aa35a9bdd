//! What holds for every story: the unknown neither raises nor clears, repetition changes nothing, and a state that was written is read back and
//! goes on as if nothing had happened.

use crate::reading::Timestamp;
use crate::rule::{Kind, Pattern, Phase, Rule, RuleState, Step, Transition, Truth, Truths, due, elapse, evaluate};

use super::data::{MINUTE, Random, minutes};

const SEEDS: u64 = 300;

#[derive(Debug, Clone, Copy)]
struct Said {
    at: Timestamp,
    when: Truth,
    stay: Truth,
    steps: [Truth; 3],
}

fn rules() -> Vec<Rule> {
    let of = |kind: Kind, on: u64, off: u64| {
        let mut rule = Rule::new("any", kind);
        (rule.on_delay, rule.off_delay) = (minutes(on), minutes(off));
        rule
    };
    let condition = |on, off| of(Kind::Condition, on, off);
    let pattern = |pattern| {
        let mut rule = of(Kind::Pattern(pattern), 0, 2);
        (rule.clears, rule.clear_after) = (true, Some(minutes(7)));
        rule.settle();
        rule
    };
    vec![
        condition(0, 0),
        condition(3, 0),
        condition(0, 4),
        condition(5, 3),
        pattern(Pattern::Sequence { steps: 3, within: minutes(6), events: 0b10 }),
        pattern(Pattern::Absence { within: minutes(4), events: 0 }),
        pattern(Pattern::Repetition { times: 3, within: minutes(9), events: 0 }),
    ]
}

/// Whether a value is above two limits of which the stay condition's is the lower: the two are never at odds. A third of it unknown.
fn said(random: &mut Random, at: Timestamp, unknown: bool) -> Said {
    let value = random.below(3);
    let known = !unknown || random.below(3) > 0;
    let of = |truth: bool| known.then_some(truth);
    let step = |random: &mut Random| if unknown { random.truth() } else { Some(random.below(2) == 0) };
    Said { at, when: of(value == 2), stay: of(value >= 1), steps: [step(random), step(random), step(random)] }
}

fn story(seed: u64, unknown: bool) -> Vec<Said> {
    let mut random = Random::new(seed);
    let mut at = 0;
    let next = |_| {
        at += i64::try_from(random.below(4)).unwrap() * MINUTE;
        said(&mut random, Timestamp(at), unknown)
    };
    (0..80).map(next).collect()
}

fn hear(rule: &Rule, state: &mut RuleState, said: &Said) -> Vec<Transition> {
    let truths = Truths { when: said.when, stay: said.stay, steps: &said.steps, ..Truths::default() };
    let moves = evaluate(rule, state, &truths, said.at);
    for transition in &moves {
        state.apply(transition);
    }
    moves
}

#[test]
fn an_unknown_evaluation_neither_raises_nor_clears() {
    for rule in rules() {
        for seed in 0..SEEDS {
            let mut state = RuleState::default();
            for said in story(seed, false) {
                // Whatever fell due before or at this instant is served first, so that what is left is the doing of the unknown alone.
                for transition in elapse(&rule, &state.clone(), said.at) {
                    state.apply(&transition);
                }
                let nothing = Said { when: None, stay: None, steps: [None; 3], ..said };
                let mut probe = state.clone();
                let moves = hear(&rule, &mut probe, &nothing);
                assert!(moves.iter().all(|transition| transition.step == Step::Unknown), "seed {seed}, {rule:?}: {moves:?}");
                hear(&rule, &mut state, &said);
            }
        }
    }
}

/// Without delays nothing depends on how long something held: then the unknown in between leaves no trace at all.
#[test]
fn inserting_the_unknown_changes_no_raise_and_no_clear() {
    for rule in rules().into_iter().filter(|rule| rule.on_delay.is_zero() && rule.off_delay.is_zero()) {
        for seed in 0..SEEDS {
            let told = |with_unknown: bool| {
                let (mut state, mut told, mut random) = (RuleState::default(), Vec::new(), Random::new(seed + 1));
                for said in story(seed, false) {
                    let mut moves = hear(&rule, &mut state, &said);
                    if with_unknown && random.below(2) == 0 {
                        moves.extend(hear(&rule, &mut state, &Said { when: None, stay: None, steps: [None; 3], ..said }));
                    }
                    told.extend(moves.into_iter().filter(|transition| !matches!(transition.step, Step::Unknown | Step::Known)));
                }
                told
            };
            assert_eq!(told(true), told(false), "seed {seed}, {rule:?}");
        }
    }
}

#[test]
fn saying_everything_twice_changes_nothing() {
    for rule in rules() {
        let Kind::Condition = rule.kind else { continue };
        for seed in 0..SEEDS {
            let (mut once, mut twice) = (RuleState::default(), RuleState::default());
            for said in story(seed, true) {
                let first = hear(&rule, &mut once, &said);
                assert_eq!(hear(&rule, &mut twice, &said), first);
                // A second telling of the same instant finds everything as it is, unless a raise of no delay is followed by its own clear.
                let again = hear(&rule, &mut twice.clone(), &said);
                assert!(again.iter().all(|transition| !matches!(transition.step, Step::Raised { .. })), "seed {seed}: {again:?}");
                hear(&rule, &mut twice, &said);
                assert_eq!(once, twice, "seed {seed}");
            }
        }
    }
}

#[test]
fn raises_and_clears_alternate_and_time_goes_on() {
    for rule in rules() {
        for seed in 0..SEEDS {
            let (mut state, mut active, mut last) = (RuleState::default(), false, Timestamp(i64::MIN));
            for said in story(seed, true) {
                for transition in hear(&rule, &mut state, &said) {
                    assert!(transition.at >= last && transition.at <= said.at, "seed {seed}: {transition:?} after {last:?}");
                    last = transition.at;
                    if matches!(transition.step, Step::Raised { .. }) {
                        assert!(!std::mem::replace(&mut active, true), "seed {seed}: raised while active");
                    } else if transition.step == Step::Cleared {
                        assert!(std::mem::replace(&mut active, false), "seed {seed}: cleared while normal");
                    }
                }
                assert_eq!(state.is_active(), active);
                assert!(due(&rule, &state).is_none_or(|due| due > said.at), "seed {seed}: something due was left");
            }
        }
    }
}

#[test]
fn a_state_that_was_stored_goes_on_as_it_was() {
    for rule in rules() {
        for seed in 0..SEEDS {
            let (mut live, mut restarted, mut random) = (RuleState::default(), RuleState::default(), Random::new(seed));
            let mut replayed = RuleState::default();
            for said in story(seed, true) {
                let moves = hear(&rule, &mut live, &said);
                hear(&rule, &mut restarted, &said);
                for transition in &moves {
                    let stored = serde_json::to_string(transition).unwrap();
                    replayed.apply(&serde_json::from_str(&stored).unwrap());
                }
                if random.below(4) == 0 {
                    restarted = serde_json::from_str(&serde_json::to_string(&restarted).unwrap()).unwrap();
                }
                assert_eq!(live, restarted, "seed {seed}");
                assert_eq!(live, replayed, "seed {seed}: the facts say less than the state");
            }
        }
    }
}

/// It must not matter whether delays are served as they fall due or only when the next reading comes.
#[test]
fn when_delays_are_served_does_not_matter() {
    for rule in rules() {
        for seed in 0..SEEDS {
            let (mut eager, mut lazy) = (RuleState::default(), RuleState::default());
            let (mut eagerly, mut lazily) = (Vec::new(), Vec::new());
            for said in story(seed, true) {
                while let Some(due) = due(&rule, &eager).filter(|due| *due < said.at) {
                    for transition in elapse(&rule, &eager.clone(), due) {
                        eager.apply(&transition);
                        eagerly.push(transition);
                    }
                }
                eagerly.extend(hear(&rule, &mut eager, &said));
                lazily.extend(hear(&rule, &mut lazy, &said));
            }
            assert_eq!(eagerly, lazily, "seed {seed}");
            assert_eq!(eager, lazy);
        }
    }
}

#[test]
fn a_state_is_small() {
    assert!(size_of::<RuleState>() <= 88, "{}", size_of::<RuleState>());
    assert_eq!(RuleState::default().phase, Phase::Normal);
}
