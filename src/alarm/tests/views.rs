//! An alarm as MQTT and other systems show it.

use crate::alarm::{
    Action, CumulocityStatus, Identity, IotEventsState, Policy, Severity, ShelvingState, alarm_id, cumulocity_status, iot_events_state,
    opc_ua_states, payload, topic,
};
use crate::reading::TwinId;

use super::{CLEARED, Story, acknowledge, minutes, out_of_service, raised};

#[test]
fn the_retained_message() {
    let twin = TwinId::parse("mixer-1").unwrap();
    let identity = Identity { rule: "overheat".into(), key: "".into() };
    let mut story = Story::new(Policy::default());
    story.heed(1, &raised(1));
    assert_eq!(topic(&twin, &identity), "pollux/mixer-1/alarms/overheat");
    assert_eq!(
        payload(&twin, &identity, story.state.open.as_ref().unwrap()),
        r#"{"id":"alarm/mixer-1/overheat/1","severity":"MAJOR","level":0,"condition":"ACTIVE","acknowledged":false,"text":"hot","raisedAt":"1970-01-01T00:01:00Z","clearedAt":null,"count":1}"#
    );
    story.heed(2, &CLEARED);
    let returned = payload(&twin, &identity, story.state.open.as_ref().unwrap());
    assert!(returned.contains(r#""condition":"NORMAL""#) && returned.contains(r#""clearedAt":"1970-01-01T00:02:00Z""#), "{returned}");
    let closing = story.state.act(&story.policy, Some(1), &acknowledge(), "ann", super::when(3), None).changes;
    let closed = closing.iter().find_map(|change| story.state.apply(change)).unwrap();
    assert_eq!(payload(&twin, &identity, &closed), "", "emptied when it is closed");
    let keyed = Identity { rule: "c8y".into(), key: "door/+open".into() };
    assert_eq!(
        (topic(&twin, &keyed), alarm_id(&twin, &keyed, 3)),
        ("pollux/mixer-1/alarms/c8y/door__open".into(), "alarm/mixer-1/c8y:door/+open/3".into())
    );
}

#[test]
fn as_others_call_it() {
    let seen = |story: &Story| {
        let twin = story.twin.as_ref();
        (cumulocity_status(&story.state).as_str(), iot_events_state(&story.state, twin).as_str())
    };
    let mut story = Story::new(Policy::default());
    assert_eq!(seen(&story), ("CLEARED", "NORMAL"));
    story.heed(1, &raised(1));
    assert_eq!(seen(&story), ("ACTIVE", "ACTIVE"));
    story.act(2, &acknowledge());
    assert_eq!(seen(&story), ("ACKNOWLEDGED", "ACKNOWLEDGED"));
    story.heed(3, &CLEARED);
    story.heed(4, &raised(4));
    story.heed(5, &CLEARED);
    assert_eq!(seen(&story), ("CLEARED", "LATCHED"));
    story.act(6, &Action::Shelve { time: Some(minutes(5)), comment: None });
    assert_eq!(seen(&story), ("CLEARED", "SNOOZE_DISABLED"));
    story.twin = Some(out_of_service());
    assert_eq!(seen(&story), ("CLEARED", "DISABLED"));
    assert_eq!(CumulocityStatus::Cleared, cumulocity_status(&story.state));
    assert_eq!(IotEventsState::Disabled, iot_events_state(&story.state, story.twin.as_ref()));
}

#[test]
fn the_state_machines_of_opc_ua() {
    let mut story = Story::new(Policy { latch: true, ..Policy::default() });
    let quiet = opc_ua_states(&story.state, None);
    assert!(!quiet.active && quiet.acked && !quiet.latched && quiet.shelving == ShelvingState::Unshelved);
    story.heed(1, &raised(1));
    story.heed(2, &CLEARED);
    story.act(3, &Action::Shelve { time: None, comment: None });
    story.act(3, &Action::TakeOut { until: None, reason: "x".into() });
    story.heed(3, &crate::alarm::Signal::Suppressed(Some("y".into())));
    let all = opc_ua_states(&story.state, None);
    assert!(!all.active && !all.acked && all.latched && all.suppressed && all.out_of_service);
    assert_eq!(all.shelving, ShelvingState::OneShotShelved);
    story.act(4, &Action::Shelve { time: Some(minutes(5)), comment: None });
    assert_eq!(opc_ua_states(&story.state, None).shelving, ShelvingState::TimedShelved);
}

#[test]
fn severities_rise() {
    assert!(Severity::ALL.is_sorted());
    assert_eq!((Severity::parse("critical"), Severity::parse("fatal")), (Some(Severity::Critical), None));
}
