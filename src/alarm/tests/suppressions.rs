//! What begins and ends suppressions, in every combination of them.

use smol_str::SmolStr;

use crate::alarm::{Action, Policy, SHELVE_MAX, Severity, Signal, Suppression, Verdict, What, worst_severity};

use super::{CLEARED, Story, acknowledge, minute, minutes, out_of_service, raised, when};

fn shelve(count: u64) -> Action {
    Action::Shelve { time: Some(minutes(count)), comment: None }
}

fn take_out() -> Action {
    Action::TakeOut { until: None, reason: SmolStr::new("overhaul") }
}

const BY_DESIGN: SmolStr = SmolStr::new_static("line stopped");

/// Which hold: shelved, by design, the rule out of service, the twin out of service. One bit each.
fn story(held: u8, active: bool) -> Story {
    let mut story = Story::new(Policy::default());
    if active {
        story.heed(1, &raised(1));
        story.act(2, &acknowledge());
    }
    if held & 1 != 0 {
        story.act(3, &shelve(60));
    }
    if held & 2 != 0 {
        story.heed(3, &Signal::Suppressed(Some(BY_DESIGN)));
    }
    if held & 4 != 0 {
        story.act(3, &take_out());
    }
    if held & 8 != 0 {
        story.twin = Some(out_of_service());
    }
    story
}

#[test]
fn the_strongest_is_shown() {
    for held in 0..16u8 {
        let expected = match held {
            0 => Suppression::None,
            1 => Suppression::Shelved,
            2..=3 => Suppression::ByDesign,
            _ => Suppression::OutOfService,
        };
        let story = story(held, true);
        assert_eq!(story.state.suppression(story.twin.as_ref()), expected, "{held:04b}");
        let worst = worst_severity([&story.state], story.twin.as_ref());
        assert_eq!(worst, (held == 0).then_some(Severity::Major), "{held:04b}");
    }
}

#[test]
fn only_the_end_of_the_last_one_announces_it_again() {
    for held in 1..16u8 {
        for active in [false, true] {
            for ending in [1u8, 2, 4, 8].into_iter().filter(|ending| held & ending != 0) {
                let mut story = story(held, active);
                let changes = match ending {
                    1 => story.act(10, &Action::Unshelve).1,
                    2 => story.heed(10, &Signal::Suppressed(None)),
                    4 => story.act(10, &Action::BackInService).1,
                    _ => {
                        story.twin = None;
                        let changes = story.state.twin_back_in_service(&story.policy, "ann", when(10));
                        story.take(changes)
                    }
                };
                let last = held == ending;
                let announced = changes.iter().any(|change| change.what.is_announced());
                assert_eq!(announced, last && active, "{held:04b} less {ending:04b}, active {active}");
                if active {
                    let open = story.state.open.as_ref().unwrap();
                    assert_eq!(open.acknowledged, !last, "{held:04b} less {ending:04b}");
                }
            }
        }
    }
}

#[test]
fn what_has_returned_is_not_announced_again() {
    let mut story = story(1, false);
    story.heed(5, &raised(5));
    story.heed(6, &CLEARED);
    let (verdict, changes) = story.act(7, &Action::Unshelve);
    assert_eq!((verdict, changes[0].what.clone()), (Verdict::Done, What::Unshelved { announced: false, acknowledged: false }));
}

#[test]
fn a_shelf_ends_by_itself() {
    let mut story = story(1, true);
    assert_eq!(story.state.due_on_wall(&story.policy), Some(minute(63)));
    assert!(story.elapse(62).is_empty());
    let changes = story.elapse(63);
    assert_eq!(changes[0].what, What::Unshelved { announced: true, acknowledged: false });
    assert_eq!((story.state.suppression(None), story.state.due_on_wall(&story.policy)), (Suppression::None, None));
    assert!(story.elapse(64).is_empty());
}

#[test]
fn two_that_end_in_one_instant_announce_it_once() {
    let mut story = Story::new(Policy::default());
    story.heed(1, &raised(1));
    story.act(3, &shelve(60));
    story.act(3, &Action::TakeOut { until: Some(minute(63)), reason: SmolStr::new("overhaul") });
    let changes = story.elapse(70);
    let announced: Vec<bool> = changes.iter().map(|change| change.what.is_announced()).collect();
    assert_eq!(announced, [false, true]);
}

#[test]
fn a_one_shot_shelf_ends_with_the_next_return_to_normal() {
    let mut story = Story::new(Policy { acknowledge: false, ..Policy::default() });
    let one_shot = Action::Shelve { time: None, comment: None };
    assert_eq!(story.act(0, &one_shot).0, Verdict::Done);
    assert_eq!(story.act(0, &one_shot).0, Verdict::NotApplicable);
    assert_eq!(story.state.due_on_wall(&story.policy), None);
    story.heed(1, &raised(1));
    assert_eq!(story.state.suppression(None), Suppression::Shelved);
    let changes = story.heed(2, &CLEARED);
    let told: Vec<&str> = changes.iter().map(|change| change.what.op().as_str()).collect();
    assert_eq!(told, ["CLEARED", "UNSHELVED", "CLOSED"]);
    assert!(!changes.iter().any(|change| change.what.is_announced()));
    assert_eq!(story.state.suppression(None), Suppression::None);
}

#[test]
fn shelving_is_limited_and_can_be_said_twice() {
    let mut story = Story::new(Policy::default());
    for time in [minutes(0), SHELVE_MAX + minutes(1)] {
        assert_eq!(story.act(0, &Action::Shelve { time: Some(time), comment: None }).0, Verdict::NotApplicable);
    }
    assert_eq!(story.act(0, &Action::Unshelve).0, Verdict::NotApplicable);
    assert_eq!(story.act(0, &Action::Shelve { time: Some(SHELVE_MAX), comment: None }).0, Verdict::Done, "open or not");
    assert_eq!(story.act(0, &Action::Shelve { time: Some(SHELVE_MAX), comment: None }).0, Verdict::NotApplicable);
    assert_eq!(story.act(0, &shelve(10)).0, Verdict::Done, "another time is another shelf");
    assert_eq!(story.state.due_on_wall(&story.policy), Some(minute(10)));
    assert_eq!(story.act(0, &take_out()).0, Verdict::Done);
    assert_eq!(story.act(0, &take_out()).0, Verdict::NotApplicable);
    assert_eq!(story.act(0, &Action::BackInService).0, Verdict::Done);
    assert_eq!(story.act(0, &Action::BackInService).0, Verdict::NotApplicable);
    let past = Action::TakeOut { until: Some(minute(-1)), reason: SmolStr::new("yesterday") };
    assert_eq!(story.act(0, &past).0, Verdict::NotApplicable);
}

#[test]
fn another_cause_is_another_suppression() {
    let mut story = story(2, true);
    assert!(story.heed(4, &Signal::Suppressed(Some(BY_DESIGN))).is_empty());
    assert_eq!(story.heed(5, &Signal::Suppressed(Some(SmolStr::new("gateway")))).len(), 1);
    assert_eq!(story.heed(6, &Signal::Suppressed(None)).len(), 1);
    assert!(story.heed(7, &Signal::Suppressed(None)).is_empty());
}

#[test]
fn the_twin_goes_out_of_service() {
    let mut story = story(0, true);
    let changes = story.state.twin_taken_out(&story.policy, &out_of_service(), when(5));
    assert_eq!(changes[0].what, What::TwinTakenOut { reason: SmolStr::new("overhaul") });
    story.take(changes);
    assert_eq!(story.state.open.as_ref().unwrap().log.last().unwrap().op.as_str(), "SUPPRESSED");
    assert!(
        Story::default().state.twin_taken_out(&story.policy, &out_of_service(), when(5)).is_empty(),
        "nothing is open, nothing is noted"
    );
}

#[test]
fn nothing_is_kept_of_what_is_over() {
    let mut story = story(7, false);
    story.act(10, &Action::Unshelve);
    story.heed(10, &Signal::Suppressed(None));
    story.act(10, &Action::BackInService);
    assert!(story.state.is_default());
}
