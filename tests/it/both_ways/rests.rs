//! T7: a twin that goes to rest between any two readings, and is read back from the bytes of its checkpoint, comes to the same as one that stays
//! awake: the same facts in the same order, the same windows, views and alarms.

use std::sync::Arc;
use std::time::Duration;

use pollux::catalog::Layout;
use pollux::journal::checkpoint::{self, Saved};
use pollux::reading::{Group, Quality, Reading, Reason, Revision, SlotNo, Timestamp, TwinId, TwinNo, Value};
use pollux::twin::{Event, Input, Received, State, Twin, step};
use serde_json::Value as Json;

use super::crashes::{recorded_stories, small_stories, time_of};
use super::story::{Story, catalog_of};

#[test]
fn whoever_rests_comes_to_the_same() {
    small_stories().iter().for_each(compare);
}

#[test]
fn whoever_rests_over_the_recordings_comes_to_the_same() {
    recorded_stories().iter().flatten().for_each(compare);
}

fn compare(story: &Story) {
    let layout = catalog_of(&story.files()).layout(story.name).unwrap().clone();
    let (mut awake, mut resting) = (Life::new(&layout), Life::new(&layout));
    for (no, message) in story.messages.iter().enumerate() {
        let body: Json = serde_json::from_str(message).unwrap();
        let (at, value) = (time_of(message), body["value"].as_f64().unwrap());
        awake.hear(at, value);
        resting.hear(at, value);
        resting.rest();
        assert_eq!(resting.said, awake.said, "{} at message {no}: {message}", story.name);
        awake.said.clear();
        resting.said.clear();
        if no % 50 == 0 {
            check(&resting.twin, &awake.twin, story);
        }
    }
    check(&resting.twin, &awake.twin, story);
    assert!(resting.rests >= story.messages.len(), "{} rests", resting.rests);
}

/// All but what they were lately told, of which less is known after a rest, and how many facts there were.
fn check(resting: &Twin, awake: &Twin, story: &Story) {
    let mut state = State::clone(&resting.state);
    (state.revision, state.updated) = (awake.state.revision, awake.state.updated);
    assert!(state == *awake.state, "{}:\n{state:#?}\n{:#?}", story.name, awake.state);
    assert!(resting.windows == awake.windows && resting.views == awake.views, "{}", story.name);
    assert!(resting.state.revision > Revision(0));
}

struct Life {
    layout: Arc<Layout>,
    twin: Twin,
    now: Timestamp,
    /// What was decided since this was last looked at, but for the rests.
    said: Vec<String>,
    rests: usize,
}

impl Life {
    fn new(layout: &Arc<Layout>) -> Life {
        let twin = Twin::new(State::new(TwinNo(1), TwinId::parse("twin").unwrap(), layout.clone(), Timestamp(0)));
        Life { layout: layout.clone(), twin, now: Timestamp(0), said: Vec::new(), rests: 0 }
    }

    /// Received at its own time, if that is not past.
    fn hear(&mut self, at: Timestamp, value: f64) {
        let received = self.now.max(at);
        // Before the first one there is nothing to wait for.
        while let Some(due) = self.twin.due(self.now, Timestamp(i64::MIN)).filter(|due| *due < received && self.now > Timestamp(0)) {
            let before = (self.now, self.said.len());
            self.now = self.now.max(due);
            self.take(&Input::Woken { started: pollux::twin::NEVER_AWAY });
            assert_ne!((self.now, self.said.len()), before, "woken for nothing, again and again");
        }
        self.now = received;
        let reading = Reading { slot: SlotNo(0), value: Value::Double(value), quality: Quality::Good, reason: Reason::None };
        let group = Group { time: Some(at), readings: vec![reading] };
        self.take(&Input::Readings {
            group,
            received: Received { at: received, future_tolerance: Duration::from_secs(300), started: pollux::twin::NEVER_AWAY },
        });
    }

    fn take(&mut self, input: &Input) {
        let step = step(&mut self.twin, input, self.now);
        self.said.extend(step.events.iter().filter(|event| !matches!(event, Event::Rested)).map(|event| format!("{event:?}")));
        self.said.extend(step.results.iter().map(|result| format!("{result:?}")));
    }

    fn rest(&mut self) {
        self.take(&Input::Idle);
        let mut bytes = Vec::new();
        checkpoint::encode_twin(&self.twin, &mut bytes);
        let Saved::Twin(twin) = checkpoint::decode(&bytes, &|_| Some(self.layout.clone())).unwrap() else { panic!("it is a twin") };
        assert!(*twin == self.twin);
        self.twin = *twin;
        self.rests += 1;
    }
}
