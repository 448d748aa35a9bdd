//! What is found before a detector runs.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use crate::rule::Expression;
use crate::rule::detector::{
    ActionDraft, DetectorDraft, Duration, EntryDraft, Reads, STATES_MAX, Scalar, StateDraft, VariableSpec, compile,
};

fn state(name: &str, on_input: Vec<EntryDraft>) -> StateDraft {
    StateDraft { name: name.into(), on_input, ..StateDraft::default() }
}

fn goto(goto: &str) -> EntryDraft {
    EntryDraft { name: "go".into(), when: Some(Expression(0)), goto: Some(goto.into()), ..EntryDraft::default() }
}

fn doing(actions: Vec<ActionDraft>) -> EntryDraft {
    EntryDraft { name: "do".into(), actions, ..EntryDraft::default() }
}

fn problems(draft: &DetectorDraft, reads: &[(u16, &[&str], &[&str])]) -> Vec<String> {
    let names = |names: &[&str]| names.iter().map(SmolStr::new).collect();
    let reads: BTreeMap<Expression, Reads> = reads
        .iter()
        .map(|(expression, variables, timeouts)| {
            (Expression(*expression), Reads { variables: names(variables), timeouts: names(timeouts) })
        })
        .collect();
    let (definition, problems) = compile(draft, &reads);
    assert_eq!(definition.is_none(), problems.iter().any(|problem| !problem.warning));
    problems.iter().map(|problem| format!("{} {}: {}", problem.code, problem.place, problem.message)).collect()
}

fn draft(states: Vec<StateDraft>) -> DetectorDraft {
    DetectorDraft { initial: "off".into(), states, ..DetectorDraft::default() }
}

#[test]
fn states_that_are_none_or_cannot_be_reached() {
    let fine = draft(vec![state("off", vec![goto("on")]), state("on", vec![goto("off")])]);
    assert_eq!(problems(&fine, &[]), [""; 0]);
    let wrong = draft(vec![
        state("off", vec![goto("stop"), goto("on")]),
        state("on", vec![]),
        state("hot", vec![goto("hot")]),
        state("on", vec![]),
    ]);
    assert_eq!(
        problems(&wrong, &[]),
        [
            "E720 states.off.onInput[0]: goto: `stop` is no state; states are off, on, hot, on",
            "E720 states.on: state `on` stands twice",
            "E720 states.hot: state `hot` can never be reached",
        ]
    );
    let lost = DetectorDraft { initial: "of".into(), ..draft(vec![state("off", vec![])]) };
    assert_eq!(problems(&lost, &[]), ["E720 initial: initial: `of` is no state; states are off"]);
    let mut entering = draft(vec![state("off", vec![])]);
    entering.states[0].on_enter = vec![goto("off")];
    assert_eq!(problems(&entering, &[]), ["E720 states.off.onEnter[0]: goto stands in onInput only"]);
    let many = draft((0..=STATES_MAX).map(|n| state(&format!("s{n}"), vec![])).collect());
    assert_eq!(problems(&many, &[]), ["E720 states: 65 states; at most 64 are allowed"]);
}

#[test]
fn timers_that_are_never_set_and_variables_that_nobody_reads() {
    let variables = ["minutes", "idle"].map(|name| VariableSpec { name: name.into(), initial: Some(Scalar::Int(0)), typed: true });
    let actions = vec![
        ActionDraft::Start { timer: "run".into(), duration: Duration::Seconds(Expression(2)) },
        ActionDraft::Reset { timer: "hot".into() },
        ActionDraft::Set { variable: "hours".into(), value: Expression(3) },
    ];
    let entry = EntryDraft { when: Some(Expression(1)), ..doing(actions) };
    let draft = DetectorDraft { variables: variables.into(), ..draft(vec![state("off", vec![entry])]) };
    let reads: [(u16, &[&str], &[&str]); 3] = [(1, &[], &["run", "runn"]), (2, &["minutes"], &[]), (3, &[], &[])];
    assert_eq!(
        problems(&draft, &reads),
        [
            "E721 states.off.onInput[0]: `hours` is no variable; variables are minutes, idle",
            "E721 states.off.onInput[0]: timeout('runn'): no such timer is ever set",
            "E721 states.off.onInput[0]: timer `hot` is reset and never set",
            "E721 variables.idle: variable `idle` is never read",
        ]
    );
}

#[test]
fn an_unread_variable_is_only_a_warning_and_timers_are_sorted_by_bytes() {
    let start = |timer: &str| ActionDraft::Start { timer: timer.into(), duration: Duration::Fixed(std::time::Duration::from_secs(1)) };
    let draft = DetectorDraft {
        variables: vec![VariableSpec { name: "n".into(), initial: None, typed: false }],
        ..draft(vec![state("off", vec![doing(vec![start("motort"), start("b"), start("motorO"), start("Z")])])])
    };
    let (definition, problems) = compile(&draft, &BTreeMap::new());
    assert_eq!(problems.len(), 1);
    assert_eq!(*definition.unwrap().timers, ["Z", "b", "motorO", "motort"].map(SmolStr::new));
}
