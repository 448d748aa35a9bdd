//! Who said most about a roll-up survives the journal and a checkpoint.

use std::sync::Arc;

use crate::catalog::stored::{LayoutRecord, SlotRecord};
use crate::journal::checkpoint::{decode_twin, encode_twin};
use crate::journal::record::{decode, encode_happened, encode_start};
use crate::reading::{Revision, SlotNo, Timestamp, TwinId, TwinNo, Value};
use crate::twin::{Basis, Contributor, Event, Fact, Measured, State, Twin};

fn measured(value: f64, contributors: Option<Vec<Contributor>>) -> Event {
    let time = Timestamp(value as i64);
    let basis = Basis { start: time, end: time, count: 2, coverage: 0.5, revision: 0, provisional: false, approximate: false };
    let contributors = contributors.map(Into::into);
    let value = Some(Value::Double(value));
    Event::Measured(Box::new(Measured { slot: SlotNo(0), value, time, received: time, basis, withdrawn: false, contributors }))
}

#[test]
fn whoever_said_most_is_in_the_journal_and_in_a_checkpoint() {
    let slot = SlotRecord {
        path: "hottest".to_owned(),
        property: false,
        computed: true,
        value_type: "double".to_owned(),
        unit: None,
        enum_values: Vec::new(),
    };
    let record = LayoutRecord {
        name: "Hall".to_owned(),
        version: (1, 0),
        device: false,
        fingerprint: 7,
        slots: vec![slot],
        windows: Vec::new(),
        previous: Vec::new(),
        views: Vec::new(),
    };
    let layout = Arc::new(record.restore());
    let layouts = |fingerprint: u64| (fingerprint == 7).then(|| layout.clone());
    let one = |twin: &str, value: Option<f64>| Contributor { twin: twin.into(), value, time: Timestamp(3), quality: 1 };
    let events = [
        measured(10.0, Some(vec![one("oven-1", None), one("oven-2", Some(-0.5))])),
        measured(11.0, Some(vec![one("oven-3", Some(1e300))])),
        measured(12.0, None),
    ];
    let at = Timestamp(20);
    let mut bytes = Vec::new();
    encode_start(at, &mut bytes);
    encode_happened(at, TwinNo(1), Revision(0), &events, &mut bytes);
    let Fact::Happened { events: written, .. } = &decode(&bytes, &layouts).unwrap().facts[0] else { panic!("not what was written") };
    assert_eq!(format!("{written:?}"), format!("{events:?}"));
    let mut twin = Twin::new(State::new(TwinNo(1), TwinId::parse("hall").unwrap(), layout.clone(), Timestamp(0)));
    let mut told = Vec::new();
    for event in written {
        twin.apply(event, at);
        let mut bytes = Vec::new();
        encode_twin(&twin, &mut bytes);
        assert_eq!(decode_twin(&bytes, &layouts).unwrap(), twin);
        told.push(twin.state.contributors.get(SlotNo(0)).iter().map(|said| said.twin.to_string()).collect::<Vec<_>>().join(" "));
    }
    assert_eq!(told, ["oven-1 oven-2", "oven-3", ""]);
}
