//! The profile, line by line, on detectors of a few entries.

use std::time::Duration as Time;

use serde_json::json;
use smol_str::SmolStr;

use crate::alarm::{self, Severity, When};
use crate::iotevents::file::{Send, SendKind};
use crate::iotevents::finding::Findings;
use crate::reading::{Timestamp, TwinId};
use crate::rule::detector::{
    ActionDraft, DetectorState, Diagnostic, Duration, Effect, EntryDraft, Fact, Forced, MESSAGES_MAX, Messages, Mode, Run, Scalar,
    StateDraft, Trigger, VariableSpec, force, next_timer, run,
};
use crate::rule::{Action as RuleAction, ActionKind, Expression, Kind, On, Rule, Target, Watch, Watched};

use super::super::builder::Builder;
use super::super::{Detector, Instance, Sinks};
use super::{Payloads, SECOND, Speaker};

/// Writes a detector by hand: what no file can say as well, such as variables with a type.
struct Writer {
    builder: Builder,
    findings: Findings,
}

impl Writer {
    fn new() -> Writer {
        Writer { builder: Builder::default(), findings: Findings::new("test") }
    }

    fn expression(&mut self, text: &str) -> Expression {
        self.builder.expression(text, "", &mut self.findings).unwrap()
    }

    fn entry(&mut self, when: &str, actions: Vec<ActionDraft>, goto: Option<&str>) -> EntryDraft {
        let when = (!when.is_empty()).then(|| self.expression(when));
        EntryDraft { name: "entry".into(), when, actions, evaluates: Vec::new(), goto: goto.map(SmolStr::new) }
    }

    fn set(&mut self, variable: &str, value: &str) -> ActionDraft {
        let value = self.expression(value);
        ActionDraft::Set { variable: variable.into(), value }
    }

    fn variable(&mut self, name: &str, initial: i64) {
        self.builder.draft.variables.push(VariableSpec { name: name.into(), initial: Some(Scalar::Int(initial)), typed: true });
    }

    fn send(&mut self, target: &str) {
        let send = Send { kind: SendKind::Sns, target: target.into(), payload: None, fields: Vec::new() };
        let sent = self.builder.send(&send, None, "", &mut self.findings);
        assert_eq!(sent, Some(ActionDraft::Act { action: 0 }));
    }

    fn state(&mut self, name: &str, on_enter: Vec<EntryDraft>, on_input: Vec<EntryDraft>, on_exit: Vec<EntryDraft>) {
        self.builder.draft.states.push(StateDraft { name: name.into(), on_enter, on_input, on_exit });
    }

    fn done(mut self, mode: Mode) -> Detector {
        self.builder.draft.mode = mode;
        self.builder.draft.initial = self.builder.draft.states[0].name.clone();
        let detector = self.builder.finish((&"test".into(), &"1".into()), None, "", &mut self.findings);
        detector.unwrap_or_else(|| panic!("{:?}", self.findings))
    }
}

fn start(timer: &str, seconds: u64) -> ActionDraft {
    ActionDraft::Start { timer: timer.into(), duration: Duration::Fixed(Time::from_secs(seconds)) }
}

fn at(second: i64) -> Timestamp {
    Timestamp(second * SECOND)
}

fn payloads(value: i64) -> Payloads {
    let mut payloads = Payloads::default();
    payloads.hear("x", json!({"v": value}));
    payloads
}

fn evaluate(detector: &Detector, state: &DetectorState, trigger: Trigger, at: Timestamp, value: i64) -> Run {
    let (payloads, sinks) = (payloads(value), Sinks::default());
    run(&detector.definition, state, trigger, at, &Instance::new(detector, &payloads, &sinks, "twin", state.runs))
}

fn apply(state: &mut DetectorState, run: &Run) {
    for fact in &run.facts {
        state.apply(fact);
    }
}

fn input(detector: &Detector, state: &mut DetectorState, second: i64, value: i64) -> Run {
    let run = evaluate(detector, state, Trigger::Input, at(second), value);
    apply(state, &run);
    run
}

fn timer(detector: &Detector, state: &mut DetectorState) -> Run {
    let (due, timer) = next_timer(&detector.definition, state).unwrap();
    let run = evaluate(detector, state, Trigger::Timer(timer), due, 0);
    apply(state, &run);
    run
}

fn due(detector: &Detector, state: &DetectorState) -> Option<Timestamp> {
    next_timer(&detector.definition, state).map(|(due, _)| due)
}

fn int(state: &DetectorState, place: u8) -> i64 {
    match state.variable(place) {
        Some(Scalar::Int(value)) => *value,
        other => panic!("{other:?}"),
    }
}

/// The variable lags behind in batch mode (the crane sample), and does not in serial mode. D7, D8.
#[test]
fn batch_sees_the_variables_of_the_start_and_serial_those_of_now() {
    let build = |mode| {
        let mut w = Writer::new();
        w.variable("n", 0);
        let add = w.set("n", "$variable.n + 1");
        let first = w.entry("$input.x.v > 0", vec![add], None);
        let double = w.set("n", "$variable.n + 10");
        let second = w.entry("$variable.n == 1", vec![double], None);
        let go = w.entry("$variable.n > 10", vec![], Some("high"));
        w.state("low", vec![], vec![first, second, go], vec![]);
        w.state("high", vec![], vec![], vec![]);
        w.done(mode)
    };
    let told = [Mode::Batch, Mode::Serial].map(|mode| {
        let detector = build(mode);
        let mut state = DetectorState::default();
        let steps: Vec<(i64, u8)> = (0..3)
            .map(|second| {
                input(&detector, &mut state, second, 1);
                (int(&state, 0), state.state.unwrap())
            })
            .collect();
        steps
    });
    // Batch: the second entry sees 1 only at the second message, where an action sees the actions before it: 1 + 1 + 10.
    assert_eq!(told[0], [(1, 0), (12, 0), (13, 1)]);
    assert_eq!(told[1], [(11, 1), (11, 1), (11, 1)]);
}

/// D9: actions, exit, state, enter; the new state does not hear the same trigger; to itself leaves and enters.
#[test]
fn a_transition_in_its_order() {
    let mut w = Writer::new();
    w.variable("n", 1);
    let times = |w: &mut Writer, by: &str| {
        let set = w.set("n", &format!("$variable.n + $variable.n + {by}"));
        w.entry("", vec![set, ActionDraft::Act { action: 0 }], None)
    };
    w.send("all");
    let (exit, enter) = (times(&mut w, "1"), times(&mut w, "2"));
    let go_set = w.set("n", "$variable.n + 100");
    let go = w.entry("$input.x.v > 0", vec![go_set], Some("b"));
    w.state("a", vec![], vec![go], vec![exit]);
    let again = w.entry("$input.x.v > 0", vec![], Some("b"));
    w.state("b", vec![enter], vec![again], vec![]);
    let detector = w.done(Mode::Batch);
    let mut state = DetectorState::default();
    let first = input(&detector, &mut state, 0, 1);
    // ((1 + 100) * 2 + 1) * 2 + 2
    assert_eq!((int(&state, 0), state.state), (408, Some(1)));
    let ran_in: Vec<u8> = first.effects.iter().map(|effect| if let Effect::Act { state, .. } = effect { *state } else { 9 }).collect();
    assert_eq!(ran_in, [0, 1], "the exit runs in the old state, the entry in the new one");
    input(&detector, &mut state, 1, 1);
    assert_eq!(int(&state, 0), 818, "to itself: it enters again");
    input(&detector, &mut state, 2, 0);
    assert_eq!(int(&state, 0), 818);
}

/// D11 to D13, D15.
#[test]
fn timers() {
    let build = |mode| {
        let mut w = Writer::new();
        w.variable("n", 0);
        let begin = w.entry("$input.x.v == 1", vec![start("t", 10)], None);
        let stop = w.entry("$input.x.v == 2", vec![ActionDraft::Stop { timer: "t".into() }], None);
        let reset = w.entry("$input.x.v == 3", vec![ActionDraft::Reset { timer: "t".into() }], None);
        // It sets the timer anew in the very evaluation that its end began, and must see the end all the same.
        let anew = w.entry("timeout('t')", vec![start("t", 20)], None);
        let add = w.set("n", "$variable.n + 1");
        let count = w.entry("timeout('t')", vec![add], None);
        w.state("s", vec![], vec![begin, stop, reset, anew, count], vec![]);
        w.done(mode)
    };
    for mode in [Mode::Batch, Mode::Serial] {
        let detector = build(mode);
        let mut state = DetectorState::default();
        input(&detector, &mut state, 0, 1);
        assert_eq!(due(&detector, &state), Some(at(10)));
        timer(&detector, &mut state);
        assert_eq!((int(&state, 0), due(&detector, &state), state.expired), (1, Some(at(30)), 0), "{mode:?}");
        input(&detector, &mut state, 15, 3);
        assert_eq!(due(&detector, &state), Some(at(35)), "{mode:?}: reset with the duration it last had");
        input(&detector, &mut state, 16, 2);
        assert_eq!((due(&detector, &state), state.timer(0)), (None, None));
        let missed = input(&detector, &mut state, 17, 3);
        assert_eq!((missed.diagnostics, missed.facts), (vec![Diagnostic::NoSuchTimer { timer: 0 }], vec![]));
    }
}

/// D12: an end that nobody asked about waits; a short circuit that skips the question leaves it unread; one answer is for one evaluation.
#[test]
fn an_end_is_read_by_asking() {
    let mut w = Writer::new();
    w.variable("n", 0);
    let begin = w.entry("$input.x.v == 1", vec![start("t", 10)], None);
    let add = w.set("n", "$variable.n + 1");
    let count = w.entry("$input.x.v == 5 && timeout('t')", vec![add.clone()], None);
    let count_again = w.entry("$input.x.v == 5 && timeout('t')", vec![add], None);
    w.state("s", vec![], vec![begin, count, count_again], vec![]);
    let detector = w.done(Mode::Serial);
    let mut state = DetectorState::default();
    input(&detector, &mut state, 0, 1);
    timer(&detector, &mut state);
    assert_eq!((int(&state, 0), state.expired), (0, 1));
    input(&detector, &mut state, 11, 4);
    assert_eq!(state.expired, 1);
    input(&detector, &mut state, 12, 5);
    assert_eq!((int(&state, 0), state.expired), (2, 0), "true for every condition of that evaluation");
    input(&detector, &mut state, 13, 5);
    assert_eq!(int(&state, 0), 2);
    // Set anew before it was asked about: the old end is dropped.
    input(&detector, &mut state, 20, 1);
    timer(&detector, &mut state);
    assert_eq!(state.expired, 1);
    input(&detector, &mut state, 31, 1);
    assert_eq!(state.expired, 0);
    input(&detector, &mut state, 32, 5);
    assert_eq!(int(&state, 0), 2);
}

#[test]
fn what_cannot_be_computed_sets_nothing() {
    let mut w = Writer::new();
    w.variable("n", 7);
    let missing = w.set("n", "$input.x.nothing");
    let text = w.set("n", "'text'");
    let long = w.expression("$input.x.nothing");
    let never = w.expression("0 - 5");
    let cut = w.expression("12.9");
    let timer = |timer: &str, seconds| ActionDraft::Start { timer: timer.into(), duration: Duration::Seconds(seconds) };
    let entry = w.entry("", vec![missing, text, timer("a", long), timer("b", never), timer("c", cut)], None);
    w.state("s", vec![], vec![entry], vec![]);
    let detector = w.done(Mode::Batch);
    let mut state = DetectorState::default();
    let run = input(&detector, &mut state, 0, 0);
    assert_eq!(
        run.diagnostics,
        [
            Diagnostic::NotSet { variable: 0 },
            Diagnostic::NotSet { variable: 0 },
            Diagnostic::NoDuration { timer: 0 },
            Diagnostic::NoDuration { timer: 1 }
        ]
    );
    assert_eq!((int(&state, 0), due(&detector, &state)), (7, Some(at(12))), "seconds are cut to whole ones");
}

/// D18.
#[test]
fn set_from_outside_runs_nothing() {
    let mut w = Writer::new();
    w.variable("n", 7);
    let add = w.set("n", "$variable.n + 1");
    let (enter, hear) = (w.entry("", vec![add.clone()], None), w.entry("$input.x.v == 1", vec![add, start("t", 9)], Some("b")));
    w.state("a", vec![enter.clone()], vec![hear], vec![]);
    w.state("b", vec![enter], vec![], vec![]);
    let detector = w.done(Mode::Batch);
    let mut state = DetectorState::default();
    let variables = vec![(0, Scalar::Int(40)), (9, Scalar::Int(1))];
    let forced = Forced { state: Some(1), variables, timers: vec![(0, Time::from_secs(3)), (31, Time::from_secs(3))] };
    let facts = force(&detector.definition, &state, &forced, at(0));
    for fact in &facts {
        state.apply(fact);
    }
    assert_eq!((int(&state, 0), state.state, due(&detector, &state)), (40, Some(1), Some(at(3))));
    let run = input(&detector, &mut state, 1, 1);
    assert!(run.facts.is_empty(), "it stands in b, which hears nothing, and does not begin again: {run:?}");
    for fact in force(&detector.definition, &state, &Forced { state: Some(99), timers: vec![(0, Time::ZERO)], ..Forced::default() }, at(2))
    {
        state.apply(&fact);
    }
    assert_eq!((state.state, due(&detector, &state)), (Some(1), None));
}

/// A timer ran out in silence; an input that was under way says an earlier time.
#[test]
fn time_does_not_run_backwards() {
    let mut w = Writer::new();
    let begin = w.entry("$input.x.v == 1", vec![start("t", 10)], None);
    let again = w.entry("timeout('t') || $input.x.v == 2", vec![start("u", 5)], None);
    w.state("s", vec![], vec![begin, again], vec![]);
    let detector = w.done(Mode::Batch);
    let mut state = DetectorState::default();
    input(&detector, &mut state, 0, 1);
    timer(&detector, &mut state);
    input(&detector, &mut state, 7, 2);
    assert_eq!((state.last, due(&detector, &state)), (Some(at(10)), Some(at(15))));
}

#[test]
fn messages_that_are_sent_again() {
    let mut messages = Messages::default();
    messages.remember(1, at(0));
    assert!(messages.is_repeated(1, at(300)) && !messages.is_repeated(1, at(301)) && !messages.is_repeated(2, at(0)));
    for id in 0..1000 {
        messages.remember(id, at(1));
    }
    assert!(!messages.is_repeated(0, at(1)) && messages.is_repeated(999, at(1)));
    assert!(serde_json::to_string(&messages).unwrap().len() < MESSAGES_MAX * 20);
}

/// A detector raises, changes the severity of and clears the alarm of its rule, and asks for its actions.
#[test]
fn the_alarm_of_a_detector() {
    let mut w = Writer::new();
    w.send("ops");
    let raise = |severity| ActionDraft::Raise { severity: Some(severity), text: None };
    let entries = [(1, raise(Severity::Minor)), (2, raise(Severity::Major)), (3, ActionDraft::Clear), (4, ActionDraft::Act { action: 0 })];
    let entries = entries.map(|(value, action)| w.entry(&format!("$input.x.v == {value}"), vec![action], None));
    w.state("s", vec![], entries.into(), vec![]);
    let detector = w.done(Mode::Batch);
    let mut rule = Rule::new("pump", Kind::Detector(detector.definition.clone()));
    rule.policy.acknowledge = false;
    rule.actions =
        [RuleAction { on: On::Raise, kind: ActionKind::Command { name: "x".into(), args: Box::default(), target: Target::This } }].into();
    let twin = TwinId::parse("pump-1").unwrap();
    let own = Watched { rule: &rule, twin: &twin, key: "", out_of_service: None, voice: &Speaker };
    let mut watch = Watch::default();
    let mut hear = |second: i64, value: i64| {
        let (payloads, sinks) = (payloads(value), Sinks::default());
        let instance = Instance::new(&detector, &payloads, &sinks, "pump-1", 0);
        let decision = own.detect(&watch, Trigger::Input, &instance, When::both(at(second)));
        for fact in &decision.facts {
            watch.apply(fact);
        }
        let open = watch.alarm.open.as_ref().map(|open| (open.severity, open.count));
        let keys: Vec<String> = decision.requests.iter().map(|request| request.key.to_string()).collect();
        (open, watch.rule.is_active(), keys)
    };
    assert_eq!(hear(0, 1), (Some((Severity::Minor, 1)), true, vec!["pump-1/pump/1/1/0".to_owned()]));
    assert_eq!(hear(1, 1), (Some((Severity::Minor, 2)), true, vec![]), "raised again: the same alarm once more");
    assert_eq!(hear(2, 2), (Some((Severity::Major, 2)), true, vec![]));
    let (_, _, keys) = hear(3, 4);
    assert_eq!(keys, ["pump-1/pump/1/run-4/0"]);
    let (_, _, again) = hear(4, 4);
    assert_ne!(keys, again, "each time is another time");
    assert_eq!(hear(5, 3), (None, false, vec![]));
    assert_eq!(hear(6, 2).0, Some((Severity::Major, 1)));
    let ended = own.end(&watch, alarm::CloseReason::RuleChanged, When::both(at(7)));
    for fact in &ended.facts {
        watch.apply(fact);
    }
    assert!(watch.alarm.open.is_none() && watch.detector.as_ref().is_some_and(|detector| detector.state.is_none()));
    assert!(ended.facts.iter().any(|fact| matches!(fact, crate::rule::Fact::Detector(Fact::Ended))));
}
