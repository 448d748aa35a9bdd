//! `rules.md`, 8.1: every event in every state, and all of it again under every suppression, because evaluation goes on under each.

use smol_str::SmolStr;

use crate::alarm::{Action, Change, CloseReason, Condition, Policy, Severity, Signal, Suppression, Verdict, What};

use super::{CLEARED, Story, acknowledge, evidence, minutes, out_of_service, raised};

/// A active, R recovering, N returned; l latched; k acknowledged; `-` nothing open.
const STATES: [&str; 10] = ["-", "A", "Ak", "R", "Rk", "Al", "Alk", "N", "Nl", "Nlk"];

/// What happens | in each of the states above: the state after it, and the log entries it made. `.`: nothing changes and nothing is said;
/// `!`: the answer is NOT_APPLICABLE.
const TABLE: &[(&str, [&str; 10])] = &[
    // A raise while active is the same alarm once more; a returned occurrence gives way.
    (
        "raised",
        [
            "A RAISED",
            "A UPDATED",
            "Ak UPDATED",
            "R UPDATED",
            "Rk UPDATED",
            "Al UPDATED",
            "Alk UPDATED",
            "A CLOSED RAISED",
            "A CLOSED RAISED",
            "A CLOSED RAISED",
        ],
    ),
    ("up", [".", "A UPDATED", "A UPDATED", "R UPDATED", "R UPDATED", "Al UPDATED", "Al UPDATED", ".", ".", "."]),
    ("down", [".", "A UPDATED", "Ak UPDATED", "R UPDATED", "Rk UPDATED", "Al UPDATED", "Alk UPDATED", ".", ".", "."]),
    ("recovering", [".", "R UPDATED", "Rk UPDATED", ".", ".", "Rl UPDATED", "Rlk UPDATED", ".", ".", "."]),
    ("resumed", [".", ".", ".", "A UPDATED", "Ak UPDATED", ".", ".", ".", ".", "."]),
    ("repeated", [".", "A UPDATED", "Ak UPDATED", "R UPDATED", "Rk UPDATED", "Al UPDATED", "Alk UPDATED", ".", ".", "."]),
    ("cleared", [".", "N CLEARED", "- CLEARED CLOSED", "N CLEARED", "- CLEARED CLOSED", "Nl CLEARED", "Nlk CLEARED", ".", ".", "."]),
    ("unknown", [".", "A (unknown)", "Ak (unknown)", "R (unknown)", "Rk (unknown)", "Al (unknown)", "Alk (unknown)", ".", ".", "."]),
    ("known", [".", ".", ".", ".", ".", ".", ".", ".", ".", "."]),
    (
        "corrected",
        [".", "A UPDATED", "Ak UPDATED", "R UPDATED", "Rk UPDATED", "Al UPDATED", "Alk UPDATED", "N UPDATED", "Nl UPDATED", "Nlk UPDATED"],
    ),
    (
        "ended",
        [
            ".",
            "- CLEARED CLOSED",
            "- CLEARED CLOSED",
            "- CLEARED CLOSED",
            "- CLEARED CLOSED",
            "- CLEARED CLOSED",
            "- CLEARED CLOSED",
            "- CLOSED",
            "- CLOSED",
            "- CLOSED",
        ],
    ),
    (
        "acknowledge",
        ["!", "Ak ACKNOWLEDGED", "!", "Rk ACKNOWLEDGED", "!", "Alk ACKNOWLEDGED", "!", "- ACKNOWLEDGED CLOSED", "Nlk ACKNOWLEDGED", "!"],
    ),
    ("reset", ["!", "!", "!", "!", "!", "!", "!", "!", "N RESET", "- RESET CLOSED"]),
    (
        "clear",
        [
            "!",
            "- CLEARED CLOSED",
            "- CLEARED CLOSED",
            "- CLEARED CLOSED",
            "- CLEARED CLOSED",
            "- CLEARED CLOSED",
            "- CLEARED CLOSED",
            "- CLEARED CLOSED",
            "- CLEARED CLOSED",
            "- CLEARED CLOSED",
        ],
    ),
    (
        "comment",
        [
            "- COMMENTED",
            "A COMMENTED",
            "Ak COMMENTED",
            "R COMMENTED",
            "Rk COMMENTED",
            "Al COMMENTED",
            "Alk COMMENTED",
            "N COMMENTED",
            "Nl COMMENTED",
            "Nlk COMMENTED",
        ],
    ),
    ("realarm", [".", ".", "A UPDATED", ".", ".", ".", "Al UPDATED", ".", ".", "."]),
];

const SUPPRESSIONS: [&str; 6] = ["none", "shelved", "one-shot", "by design", "rule out of service", "twin out of service"];

/// Which suppression would be shown.
fn suppression_of(name: &str) -> Suppression {
    match name {
        "none" => Suppression::None,
        "shelved" | "one-shot" => Suppression::Shelved,
        "by design" => Suppression::ByDesign,
        _ => Suppression::OutOfService,
    }
}

fn suppress(story: &mut Story, name: &str) {
    match name {
        "shelved" => drop(story.act(0, &Action::Shelve { time: Some(minutes(400)), comment: None })),
        "one-shot" => drop(story.act(0, &Action::Shelve { time: None, comment: None })),
        "by design" => drop(story.heed(0, &Signal::Suppressed(Some(SmolStr::new("line stopped"))))),
        "rule out of service" => drop(story.act(0, &Action::TakeOut { until: None, reason: SmolStr::new("overhaul") })),
        "twin out of service" => story.twin = Some(out_of_service()),
        _ => {}
    }
}

/// Brings a fresh alarm into a state. A one-shot shelf would not survive a return to normal, so the suppression comes last.
fn story_in(state: &str, suppression: &str) -> Story {
    let latch = state.contains('l');
    let mut story = Story::new(Policy { latch, re_alarm: Some(minutes(60)), ..Policy::default() });
    if state != "-" {
        story.heed(1, &raised(1));
    }
    if state.starts_with('N') {
        story.heed(2, &CLEARED);
    }
    if state.starts_with('R') {
        story.heed(2, &Signal::Recovering);
    }
    if state.contains('k') {
        story.act(3, &acknowledge());
    }
    // Whether the next one latches is no matter of this state.
    story.policy.latch = false;
    suppress(&mut story, suppression);
    assert_eq!(shown_state(&story), state);
    assert_eq!(story.state.suppression(story.twin.as_ref()), suppression_of(suppression));
    story
}

fn shown_state(story: &Story) -> String {
    let Some(open) = &story.state.open else { return "-".to_owned() };
    let condition = match open.condition {
        Condition::Active => "A",
        Condition::Recovering => "R",
        Condition::Normal | Condition::Pending | Condition::NoData => "N",
    };
    format!("{condition}{}{}", if open.latched { "l" } else { "" }, if open.acknowledged { "k" } else { "" })
}

fn happen(story: &mut Story, event: &str) -> Option<Vec<Change>> {
    let signal = |story: &mut Story, signal: Signal| Some(story.heed(10, &signal));
    let action = |story: &mut Story, action: Action| {
        let (verdict, changes) = story.act(10, &action);
        assert_eq!(verdict == Verdict::Done, !changes.is_empty());
        (verdict == Verdict::Done).then_some(changes)
    };
    let level = |severity, level| Signal::Leveled { level, evidence: evidence(severity) };
    match event {
        "raised" => signal(story, raised(10)),
        "up" => signal(story, level(Severity::Critical, 1)),
        "down" => signal(story, level(Severity::Minor, 0)),
        "recovering" => signal(story, Signal::Recovering),
        "resumed" => signal(story, Signal::Resumed),
        "repeated" => signal(story, Signal::Repeated),
        "cleared" => signal(story, CLEARED),
        "unknown" => signal(story, Signal::Unknown),
        "known" => signal(story, Signal::Known),
        "corrected" => signal(story, Signal::Corrected),
        "ended" => signal(story, Signal::Ended(CloseReason::RuleDisabled)),
        "acknowledge" => action(story, acknowledge()),
        "reset" => action(story, Action::Reset { comment: None }),
        "clear" => action(story, Action::Clear { comment: None }),
        "comment" => action(story, Action::Comment { text: SmolStr::new("seen") }),
        "realarm" => Some(story.elapse(120)),
        _ => unreachable!(),
    }
}

/// As the table says it. The end of a one-shot shelf with the return to normal is looked at elsewhere.
fn shown(story: &Story, changes: Option<&Vec<Change>>) -> String {
    let Some(changes) = changes else { return "!".to_owned() };
    if changes.is_empty() {
        return ".".to_owned();
    }
    let ops = changes
        .iter()
        .filter(|change| !matches!(change.what, What::Unshelved { .. }))
        .map(|change| if change.what == What::Unknown { "(unknown)" } else { change.what.op().as_str() });
    format!("{} {}", shown_state(story), ops.collect::<Vec<_>>().join(" "))
}

#[test]
fn every_cell_under_every_suppression() {
    for (event, cells) in TABLE {
        for (state, expected) in STATES.iter().zip(cells) {
            for suppression in SUPPRESSIONS {
                let mut story = story_in(state, suppression);
                let before = story.state.clone();
                let changes = happen(&mut story, event);
                // A shelf does not outlast the 120 minutes it takes to alarm again unless it is a long one: it is.
                assert_eq!(shown(&story, changes.as_ref()), *expected, "{event} in {state}, {suppression}");
                if [".", "!"].contains(expected) {
                    assert_eq!(story.state, before, "{event} in {state}, {suppression}");
                }
                check_suppression_after(&story, suppression, &before);
                check_announcements(&story, event, suppression, changes.unwrap_or_default());
            }
        }
    }
}

/// Nothing in the table ends a suppression, but for the one-shot, which ends when the alarm returns to normal.
fn check_suppression_after(story: &Story, name: &str, before: &crate::alarm::AlarmState) {
    let returned = before.condition().is_active() && !story.state.condition().is_active();
    let shown = story.state.suppression(story.twin.as_ref());
    let expected = if name == "one-shot" && returned { Suppression::None } else { suppression_of(name) };
    assert_eq!(shown, expected, "{name}");
}

/// What is told to people is a matter of the change alone; that it is withheld, of the suppression. So both are there to be combined.
fn check_announcements(story: &Story, event: &str, suppression: &str, changes: Vec<Change>) {
    let told = changes.iter().any(|change| change.what.is_announced());
    let is_news = matches!(event, "raised" | "up" | "realarm") && changes.iter().any(|change| !matches!(change.what, What::Repeated));
    assert_eq!(told, is_news, "{event}, {suppression}");
    let counted = matches!(event, "repeated" | "resumed" | "realarm") && !changes.is_empty();
    if counted {
        assert_eq!(story.state.open.as_ref().unwrap().count, 2, "{event}");
    }
}

#[test]
fn what_nobody_must_acknowledge_is_closed_when_it_returns() {
    let mut story = Story::new(Policy { acknowledge: false, re_alarm: Some(minutes(60)), ..Policy::default() });
    story.heed(0, &raised(0));
    assert_eq!(shown_state(&story), "Ak");
    story.heed(1, &Signal::Leveled { level: 1, evidence: evidence(Severity::Critical) });
    assert_eq!(shown_state(&story), "Ak", "there is nobody to acknowledge it again");
    // It is announced again all the same, again and again.
    assert_eq!((story.elapse(60).len(), story.elapse(61).len(), story.elapse(120).len()), (1, 0, 1));
    assert_eq!(story.state.open.as_ref().unwrap().count, 3);
    story.heed(130, &CLEARED);
    assert!(story.state.open.is_none());
}

#[test]
fn what_an_occurrence_tells_of_itself() {
    let mut story = Story::new(Policy::default());
    story.heed(5, &Signal::Raised { first_true_at: super::minute(3), level: 0, evidence: evidence(Severity::Major) });
    story.heed(6, &Signal::Unknown);
    assert_eq!(story.state.open.as_ref().unwrap().unknown_since, Some(super::minute(6)));
    story.heed(7, &Signal::Known);
    story.act(8, &Action::Acknowledge { comment: Some(SmolStr::new("on my way")) });
    let open = story.state.open.clone().unwrap();
    let acknowledgement = open.acknowledgement.unwrap();
    assert_eq!((acknowledgement.by.as_str(), acknowledgement.comment.as_deref()), ("ann", Some("on my way")));
    assert_eq!((open.first_true_at, open.raised_at, open.unknown_since), (super::minute(3), super::minute(5), None));
    let log: Vec<(&str, Option<&str>)> = open.log.iter().map(|entry| (entry.op.as_str(), entry.by.as_deref())).collect();
    assert_eq!(log, [("RAISED", None), ("ACKNOWLEDGED", Some("ann"))]);
    let closing = story.state.heed(&story.policy, &CLEARED, super::when(9), None);
    let closed: Vec<_> = closing.iter().filter_map(|change| story.state.apply(change)).collect();
    let [closed] = closed.as_slice() else { panic!("{closed:?}") };
    assert_eq!(
        (closed.cleared_at, closed.closed_at, closed.closed),
        (Some(super::minute(9)), Some(super::minute(9)), Some(CloseReason::Returned))
    );
    assert_eq!((story.state.last_no, story.state.open.is_none()), (1, true));
    assert_eq!(closed.log.len(), 4);
}

#[test]
fn cleared_by_hand_says_who() {
    for (state, ends_condition) in [("A", true), ("R", true), ("N", false), ("Nlk", false)] {
        let story = story_in(state, "none");
        let answer =
            story.state.act(&story.policy, Some(1), &Action::Clear { comment: Some("sensor".into()) }, "bob", super::when(10), None);
        assert_eq!((answer.verdict, answer.ends_condition), (Verdict::Done, ends_condition), "{state}");
        let mut alarm = story.state.clone();
        let closed: Vec<_> = answer.changes.iter().filter_map(|change| alarm.apply(change)).collect();
        assert_eq!((closed[0].cleared_by.as_deref(), closed[0].closed), (Some("bob"), Some(CloseReason::Manual)), "{state}");
        let returned_at = super::minute(if state.starts_with('N') { 2 } else { 10 });
        assert_eq!(closed[0].cleared_at, Some(returned_at), "when it returned stays what it was");
    }
}

#[test]
fn answers_about_occurrences_that_are_not_open() {
    let mut story = story_in("Ak", "none");
    story.heed(4, &CLEARED);
    let answer = |story: &Story, no, action: &Action| story.state.act(&story.policy, no, action, "ann", super::when(10), None);
    assert_eq!(answer(&story, Some(2), &acknowledge()).verdict, Verdict::NotFound);
    assert_eq!(answer(&story, Some(0), &acknowledge()).verdict, Verdict::NotFound);
    assert_eq!(answer(&story, Some(1), &acknowledge()).verdict, Verdict::NotApplicable);
    let comment = answer(&story, Some(1), &Action::Comment { text: "why?".into() });
    assert_eq!((comment.verdict, comment.changes[0].no, comment.changes[0].comment.as_deref()), (Verdict::Done, 1, Some("why?")));
    // The second occurrence is not acknowledged by acknowledging the first.
    story.heed(20, &raised(20));
    assert_eq!(answer(&story, Some(1), &acknowledge()).verdict, Verdict::NotApplicable);
    assert_eq!(answer(&story, Some(2), &acknowledge()).verdict, Verdict::Done);
}

#[test]
fn the_log_is_bounded_and_keeps_its_beginning() {
    let mut story = story_in("A", "none");
    for at in 0..500 {
        story.act(at, &Action::Comment { text: SmolStr::new(format!("{at}")) });
    }
    let log = &story.state.open.as_ref().unwrap().log;
    assert_eq!(log.len(), crate::alarm::LOG_ENTRIES_MAX);
    assert_eq!((log[0].op.as_str(), log[1].comment.as_deref(), log[99].comment.as_deref()), ("RAISED", Some("401"), Some("499")));
}

#[test]
fn facts_and_state_survive_storage() {
    for state in STATES {
        for suppression in SUPPRESSIONS {
            let story = story_in(state, suppression);
            let stored: crate::alarm::AlarmState = serde_json::from_str(&serde_json::to_string(&story.state).unwrap()).unwrap();
            assert_eq!(stored, story.state);
            let mut replayed = crate::alarm::AlarmState::default();
            for change in &story.changes {
                replayed.apply(&serde_json::from_str(&serde_json::to_string(change).unwrap()).unwrap());
            }
            assert_eq!(replayed, story.state, "{state} {suppression}");
        }
    }
}
