//! Readings that wait survive a checkpoint, under a form of their type of which only what is stored is known.

use std::sync::Arc;

use crate::catalog::stored::{LayoutRecord, SlotRecord};
use crate::catalog::viewed::ViewSpec;
use crate::journal::checkpoint::{decode_twin, encode_twin};
use crate::journal::record::{decode, encode_happened, encode_start};
use crate::reading::{Quality, Reason, Revision, SlotNo, Timestamp, TwinId, TwinNo, Value};
use crate::twin::{Event, Fact, Outcome, Read, State, Twin};

const SECOND: i64 = 1_000_000;

fn record() -> LayoutRecord {
    let slot = |path: &str, computed: bool| SlotRecord {
        path: path.to_owned(),
        property: false,
        computed,
        value_type: "double".to_owned(),
        unit: None,
        enum_values: Vec::new(),
    };
    let view = ViewSpec { reorder: 60 * SECOND, members: vec![0], computed: vec![1], ..ViewSpec::default() };
    LayoutRecord {
        name: "Cell".to_owned(),
        version: (1, 0),
        device: false,
        fingerprint: 7,
        slots: vec![slot("a", false), slot("twice", true)],
        windows: Vec::new(),
        previous: vec![0],
        views: vec![view],
    }
}

fn read(second: i64, value: f64, outcome: Outcome) -> Event {
    let (time, received) = (Timestamp(second * SECOND), Timestamp(second.max(90) * SECOND));
    let sent = (second == 70).then_some(Timestamp(1));
    let (quality, reason) = (Quality::Good, Reason::None);
    Event::Read(Read { slot: SlotNo(0), value: Value::Double(value), time, received, sent, quality, reason, outcome })
}

#[test]
fn what_waits_is_in_a_checkpoint() {
    let stored = serde_json::to_vec(&record()).unwrap();
    let layout = Arc::new(serde_json::from_slice::<LayoutRecord>(&stored).unwrap().restore());
    let layouts = |fingerprint: u64| (fingerprint == 7).then(|| layout.clone());
    let mut twin = Twin::new(State::new(TwinNo(1), TwinId::parse("cell-1").unwrap(), layout.clone(), Timestamp(0)));
    let events = [
        read(70, 1.0, Outcome::New),
        read(90, 2.0, Outcome::New),
        read(80, 3.0, Outcome::OutOfOrder),
        read(80, 4.0, Outcome::OutOfOrder),
        read(10, 5.0, Outcome::OutOfOrder),
        Event::Released { view: 0, at: Timestamp(70 * SECOND) },
        Event::Viewed { view: 0, slot: SlotNo(1), value: Some(Value::Double(2.0)), time: Timestamp(70 * SECOND), quality: Quality::Good },
        Event::Released { view: 0, at: Timestamp(80 * SECOND) },
        Event::Viewed { view: 0, slot: SlotNo(1), value: None, time: Timestamp(80 * SECOND), quality: Quality::Missing },
        Event::Released { view: 0, at: Timestamp(95 * SECOND) },
    ];
    let at = Timestamp(90 * SECOND);
    let mut bytes = Vec::new();
    encode_start(at, &mut bytes);
    encode_happened(at, TwinNo(1), Revision(0), &events, &mut bytes);
    let Fact::Happened { events: written, .. } = &decode(&bytes, &layouts).unwrap().facts[0] else { panic!("not what was written") };
    assert_eq!(format!("{written:?}"), format!("{events:?}"));
    let mut resumed = twin.clone();
    for (event, written) in events.iter().zip(written) {
        twin.apply(event, at);
        resumed.apply(written, at);
        let mut bytes = Vec::new();
        encode_twin(&resumed, &mut bytes);
        resumed = decode_twin(&bytes, &layouts).unwrap();
        assert_eq!(resumed, twin);
    }
    let view = twin.views.iter().next().unwrap();
    assert_eq!((view.late, view.replaced, view.held.len(), view.until), (1, 1, 0, Timestamp(95 * SECOND)));
    let shown: Vec<Option<Value>> = view.face.iter().chain(&view.previous).map(|(_, slot)| slot.value.clone()).collect();
    assert_eq!(shown, [Some(Value::Double(2.0)), None, Some(Value::Double(4.0))]);
}
