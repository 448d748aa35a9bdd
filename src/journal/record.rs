//! The durable form of an entry: compact for readings, JSON for what is rare. Version 1.
//!
//! ```text
//! entry    := at:i64le  fact*
//! fact     := tag:u8 body
//! Happened := 1 no:varint before:varint count:varint event*
//! others   := tag length:varint json
//! ```
//! Instants inside an event are the difference from `at` in microseconds, zigzag, because they are mostly close to it. A change of any of
//! this is a new format version of the segments, and the fixtures in `tests/data/journal` must still open.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::catalog::Layout;
use crate::catalog::stored::LayoutRecord;
use crate::reading::{Quality, Reason, Revision, SlotNo, Timestamp, TwinId, TwinNo, Value};
use crate::twin::{Basis, Contributor, EdgeNo, Entry, Event, Fact, Fingerprint, Measured, Outcome, Read, Turn};

use super::bytes::{Cursor, put_bytes, put_signed, put_unsigned};
use super::rare::{CreatedRecord, DeletedRecord, DescribedRecord, EdgeRecord, EditedRecord, EndRecord, RejectionRecord, WatchedRecord};
use super::values::{put_value, take_value};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("the entry ends in the middle of {0}")]
    Short(&'static str),
    #[error("{what} {found} is not known to this version of Pollux")]
    Unknown { what: &'static str, found: u64 },
    #[error("{0} is damaged: {1}")]
    Damaged(&'static str, String),
}

/// Finds a layout by its fingerprint.
pub type Layouts<'a> = &'a dyn Fn(u64) -> Option<Arc<Layout>>;

const HAPPENED: u8 = 1;
const TYPE_KNOWN: u8 = 2;
const CREATED: u8 = 3;
const DELETED: u8 = 4;
const EDGE_BEGUN: u8 = 5;
const EDGE_ENDED: u8 = 6;
const REFUSED: u8 = 7;
const EDITED: u8 = 8;

pub fn encode(entry: &Entry, out: &mut Vec<u8>) {
    encode_start(entry.at, out);
    for fact in &entry.facts {
        match fact {
            Fact::Happened { no, before, events } => encode_happened(entry.at, *no, *before, events, out),
            Fact::TypeKnown(record) => put_json(TYPE_KNOWN, record.as_ref(), out),
            Fact::Created { no, id, layout } => put_json(CREATED, &CreatedRecord { no: no.0, id: id.to_string(), layout: *layout }, out),
            Fact::Deleted(deleted) => put_json(DELETED, &DeletedRecord::of(deleted), out),
            Fact::EdgeBegun(edge) => put_json(EDGE_BEGUN, &EdgeRecord::of(edge), out),
            Fact::EdgeEnded { edge, at, live: false } => put_json(EDGE_ENDED, &(edge.0, at.0), out),
            Fact::EdgeEnded { edge, at, live: true } => put_json(EDGE_ENDED, &(edge.0, at.0, 1), out),
            Fact::Refused(rejection) => put_json(REFUSED, &RejectionRecord::of(rejection), out),
            Fact::Edited(edited) => put_json(EDITED, &EditedRecord::of(edited), out),
        }
    }
}

/// The hot path's way: `encode_start`, then the facts of one twin, without building an [`Entry`].
pub fn encode_start(at: Timestamp, out: &mut Vec<u8>) {
    out.extend_from_slice(&at.0.to_le_bytes());
}

pub fn encode_happened(at: Timestamp, no: TwinNo, before: Revision, events: &[Event], out: &mut Vec<u8>) {
    out.push(HAPPENED);
    put_unsigned(u64::from(no.0), out);
    put_unsigned(before.0, out);
    put_unsigned(events.len() as u64, out);
    for event in events {
        put_event(at, event, out);
    }
}

pub fn decode(bytes: &[u8], layouts: Layouts<'_>) -> Result<Entry, Unreadable> {
    let mut cursor = Cursor::new(bytes);
    let at = Timestamp(i64::from_le_bytes(cursor.array("the time of the entry")?));
    let mut facts = Vec::with_capacity(1);
    while !cursor.is_at_end() {
        facts.push(match cursor.byte("the kind of a fact")? {
            HAPPENED => {
                let no = TwinNo(cursor.small("a twin number")?);
                let before = Revision(cursor.unsigned("a revision")?);
                let count = cursor.unsigned("a number of events")?;
                let events = (0..count).map(|_| take_event(at, &mut cursor, layouts)).collect::<Result<_, _>>()?;
                Fact::Happened { no, before, events }
            }
            TYPE_KNOWN => Fact::TypeKnown(Box::new(take_json::<LayoutRecord>("a type", &mut cursor)?)),
            CREATED => {
                let CreatedRecord { no, id, layout } = take_json("a created twin", &mut cursor)?;
                Fact::Created { no: TwinNo(no), id: parse_id(&id)?, layout }
            }
            DELETED => Fact::Deleted(Box::new(take_json::<DeletedRecord>("a deleted twin", &mut cursor)?.deleted()?)),
            EDGE_BEGUN => Fact::EdgeBegun(Box::new(take_json::<EdgeRecord>("an edge", &mut cursor)?.edge())),
            EDGE_ENDED => {
                let EndRecord(edge, end, live) = take_json("the end of an edge", &mut cursor)?;
                Fact::EdgeEnded { edge: EdgeNo(edge), at: Timestamp(end), live: live != 0 }
            }
            REFUSED => Fact::Refused(Box::new(take_json::<RejectionRecord>("a rejection", &mut cursor)?.rejection()?)),
            EDITED => Fact::Edited(Box::new(take_json::<EditedRecord>("who changed something", &mut cursor)?.edited())),
            other => return Err(Unreadable::Unknown { what: "fact", found: u64::from(other) }),
        });
    }
    Ok(Entry { at, facts })
}

const READ: u8 = 1;
const HEARD: u8 = 2;
const REJECTED: u8 = 3;
const PROPERTY_SET: u8 = 4;
const DESCRIBED: u8 = 5;
const RELAID: u8 = 6;
const RESTED: u8 = 7;
const RENAMED: u8 = 8;
const DESIRED: u8 = 9;
const COMPUTED: u8 = 11;
const WATCHED: u8 = 12;
/// Beside the quality of a computed value: it is known.
const WITH_VALUE: u8 = 0x80;
const MOVED: u8 = 10;
const MEASURED: u8 = 13;
const TURNED: u8 = 14;
const HAPPENED_TO: u8 = 15;
const ASKED: u8 = 16;
const ENDED: u8 = 17;
const TROUBLED: u8 = 18;
const SWITCHED: u8 = 19;
const TUNED: u8 = 20;
const TAKEN_OUT: u8 = 21;
const RELEASED: u8 = 22;
const VIEWED: u8 = 23;
const NUMBERED: u8 = 24;
const FLOOD: u8 = 25;
/// What happened to a window: its clock went on, or its condition is unknown, false or true.
const PASSED: u8 = 0;
const GATED: u8 = 1;
const RESET: u8 = 9;
/// On `READ`: the sender's disbelieved time follows.
const WITH_SENT: u8 = 0x80;

fn put_event(at: Timestamp, event: &Event, out: &mut Vec<u8>) {
    match event {
        Event::Read(read) => {
            out.push(READ | if read.sent.is_some() { WITH_SENT } else { 0 });
            put_unsigned(u64::from(read.slot.0), out);
            // Two bits of quality, two of reason, three of outcome.
            out.push((read.quality as u8) | (read.reason as u8) << 2 | (read.outcome as u8) << 4);
            put_instant(at, read.time, out);
            put_instant(at, read.received, out);
            if let Some(sent) = read.sent {
                put_instant(at, sent, out);
            }
            put_value(&read.value, out);
        }
        Event::Numbered(message) => {
            out.push(NUMBERED);
            out.extend_from_slice(&message.to_le_bytes());
        }
        Event::Heard(Fingerprint(fingerprint)) => {
            out.push(HEARD);
            out.extend_from_slice(&fingerprint.to_le_bytes());
        }
        Event::Rejected(rejection) => put_json(REJECTED, &RejectionRecord::of(rejection), out),
        Event::PropertySet { slot, value, layout } => {
            out.push(PROPERTY_SET);
            put_setting(*slot, value.as_ref(), *layout, out);
        }
        Event::Described { external_ids, applied } => {
            put_json(DESCRIBED, &DescribedRecord { external_ids: external_ids.to_vec(), applied: *applied }, out);
        }
        Event::Relaid(layout) => {
            out.push(RELAID);
            out.extend_from_slice(&layout.fingerprint.to_le_bytes());
        }
        Event::Rested => out.push(RESTED),
        Event::Renamed(name) => {
            out.push(RENAMED);
            put_bytes(name.as_bytes(), out);
        }
        Event::Desired { slot, value, layout } => {
            out.push(DESIRED);
            put_setting(*slot, value.as_ref(), *layout, out);
        }
        Event::Computed { slot, value, time, quality } => {
            out.push(COMPUTED);
            put_computed(at, *slot, value.as_ref(), *time, *quality, out);
        }
        Event::Released { view, at: until } => {
            out.push(RELEASED);
            put_unsigned(u64::from(*view), out);
            put_instant(at, *until, out);
        }
        Event::Viewed { view, slot, value, time, quality } => {
            out.push(VIEWED);
            put_unsigned(u64::from(*view), out);
            put_computed(at, *slot, value.as_ref(), *time, *quality, out);
        }
        Event::Measured(measured) => {
            out.push(MEASURED);
            put_measured(at, measured, out);
        }
        Event::Turned { window, turn } => {
            let (marks, time) = match turn {
                Turn::Passed(time) => (PASSED, time),
                Turn::Gated(time, None) => (GATED, time),
                Turn::Gated(time, Some(false)) => (GATED + 1, time),
                Turn::Gated(time, Some(true)) => (GATED + 2, time),
                Turn::Reset(time) => (RESET, time),
            };
            out.push(TURNED);
            put_unsigned(u64::from(*window), out);
            out.push(marks);
            put_instant(at, *time, out);
        }
        Event::Happened(happened) => put_json(HAPPENED_TO, happened.as_ref(), out),
        Event::Asked(request) => put_json(ASKED, request.as_ref(), out),
        Event::Ended { key, ending } => put_json(ENDED, &(key, ending), out),
        Event::Troubled(trouble) => put_json(TROUBLED, trouble.as_ref(), out),
        Event::Switched { rule, enabled } => put_json(SWITCHED, &(rule, enabled), out),
        Event::Tuned { rule, name, value } => put_json(TUNED, &(rule, name, value), out),
        Event::TakenOut(service) => put_json(TAKEN_OUT, service, out),
        Event::Watched { rule, fact } => put_json(WATCHED, &WatchedRecord { rule: rule.clone(), fact: fact.clone() }, out),
        Event::Flood(fact) => put_json(FLOOD, fact.as_ref(), out),
        Event::Moved { hierarchy } => {
            out.push(MOVED);
            put_bytes(hierarchy.as_bytes(), out);
        }
    }
}

fn take_event(at: Timestamp, cursor: &mut Cursor<'_>, layouts: Layouts<'_>) -> Result<Event, Unreadable> {
    let tag = cursor.byte("the kind of an event")?;
    Ok(match tag & !WITH_SENT {
        READ => {
            let slot = take_slot(cursor)?;
            let marks = cursor.byte("the quality of a reading")?;
            let unknown = |what| Unreadable::Unknown { what, found: u64::from(marks) };
            Event::Read(Read {
                slot,
                quality: Quality::from_code(marks & 3).ok_or_else(|| unknown("quality"))?,
                reason: Reason::from_code(marks >> 2 & 3).ok_or_else(|| unknown("reason"))?,
                outcome: Outcome::from_code(marks >> 4).ok_or_else(|| unknown("outcome"))?,
                time: take_instant(at, cursor)?,
                received: take_instant(at, cursor)?,
                sent: if tag & WITH_SENT == 0 { None } else { Some(take_instant(at, cursor)?) },
                value: take_value(cursor)?,
            })
        }
        NUMBERED => Event::Numbered(u64::from_le_bytes(cursor.array("the id of a message")?)),
        HEARD => Event::Heard(Fingerprint(u64::from_le_bytes(cursor.array("a fingerprint")?))),
        REJECTED => Event::Rejected(Box::new(take_json::<RejectionRecord>("a rejection", cursor)?.rejection()?)),
        PROPERTY_SET => {
            let (slot, value, layout) = take_setting(cursor)?;
            Event::PropertySet { slot, value, layout }
        }
        DESCRIBED => {
            let DescribedRecord { external_ids, applied } = take_json("a description", cursor)?;
            Event::Described { external_ids: external_ids.into(), applied }
        }
        RELAID => {
            let fingerprint = u64::from_le_bytes(cursor.array("a layout")?);
            Event::Relaid(layouts(fingerprint).ok_or(Unreadable::Unknown { what: "layout", found: fingerprint })?)
        }
        RESTED => Event::Rested,
        RENAMED => Event::Renamed(Arc::from(cursor.text("a name")?)),
        DESIRED => {
            let (slot, value, layout) = take_setting(cursor)?;
            Event::Desired { slot, value, layout }
        }
        COMPUTED => {
            let (slot, value, time, quality) = take_computed(at, cursor)?;
            Event::Computed { slot, value, time, quality }
        }
        RELEASED => Event::Released { view: cursor.small("a view")?, at: take_instant(at, cursor)? },
        VIEWED => {
            let view = cursor.small("a view")?;
            let (slot, value, time, quality) = take_computed(at, cursor)?;
            Event::Viewed { view, slot, value, time, quality }
        }
        HAPPENED_TO => Event::Happened(Box::new(take_json("an event of a twin", cursor)?)),
        ASKED => Event::Asked(Box::new(take_json("what a twin asked for", cursor)?)),
        ENDED => {
            let (key, ending) = take_json("the end of what a twin asked for", cursor)?;
            Event::Ended { key, ending }
        }
        TROUBLED => Event::Troubled(Box::new(take_json("what went wrong", cursor)?)),
        SWITCHED => {
            let (rule, enabled) = take_json("a rule that was switched", cursor)?;
            Event::Switched { rule, enabled }
        }
        TUNED => {
            let (rule, name, value) = take_json("a parameter of a rule", cursor)?;
            Event::Tuned { rule, name, value }
        }
        TAKEN_OUT => Event::TakenOut(take_json("that a twin is out of service", cursor)?),
        MEASURED => Event::Measured(Box::new(take_measured(at, cursor)?)),
        TURNED => {
            let window = cursor.small("a window")?;
            let marks = cursor.byte("what happened to a window")?;
            let time = take_instant(at, cursor)?;
            let turn = match marks {
                PASSED => Turn::Passed(time),
                GATED => Turn::Gated(time, None),
                RESET => Turn::Reset(time),
                other if other <= GATED + 2 => Turn::Gated(time, Some(other == GATED + 2)),
                other => return Err(Unreadable::Unknown { what: "turn of a window", found: u64::from(other) }),
            };
            Event::Turned { window, turn }
        }
        WATCHED => {
            let WatchedRecord { rule, fact } = take_json("a fact of a rule", cursor)?;
            Event::Watched { rule, fact }
        }
        FLOOD => Event::Flood(Box::new(take_json("the alarms below a twin", cursor)?)),
        MOVED => Event::Moved { hierarchy: Arc::from(cursor.text("a hierarchy")?) },
        other => return Err(Unreadable::Unknown { what: "event", found: u64::from(other) }),
    })
}

fn put_computed(at: Timestamp, slot: SlotNo, value: Option<&Value>, time: Timestamp, quality: Quality, out: &mut Vec<u8>) {
    put_unsigned(u64::from(slot.0), out);
    out.push((quality as u8) | if value.is_some() { WITH_VALUE } else { 0 });
    put_instant(at, time, out);
    if let Some(value) = value {
        put_value(value, out);
    }
}

fn take_computed(at: Timestamp, cursor: &mut Cursor<'_>) -> Result<(SlotNo, Option<Value>, Timestamp, Quality), Unreadable> {
    let slot = take_slot(cursor)?;
    let marks = cursor.byte("the quality of a computed value")?;
    let unknown = Unreadable::Unknown { what: "quality", found: u64::from(marks) };
    let quality = Quality::from_code(marks & 3).ok_or(unknown)?;
    let time = take_instant(at, cursor)?;
    let value = if marks & WITH_VALUE == 0 { None } else { Some(take_value(cursor)?) };
    Ok((slot, value, time, quality))
}

const PROVISIONAL: u8 = 1;
const APPROXIMATE: u8 = 2;
const WITHDRAWN: u8 = 4;
const WITH_CONTRIBUTORS: u8 = 8;

#[expect(clippy::expect_used, reason = "it is texts and numbers, none of which fails to be written")]
fn put_measured(at: Timestamp, measured: &Measured, out: &mut Vec<u8>) {
    let Measured { slot, value, time, received, basis, withdrawn, contributors } = measured;
    let flag = |is: bool, mark: u8| if is { mark } else { 0 };
    put_unsigned(u64::from(slot.0), out);
    let marks = flag(basis.provisional, PROVISIONAL) | flag(basis.approximate, APPROXIMATE) | flag(*withdrawn, WITHDRAWN);
    out.push(marks | flag(value.is_some(), WITH_VALUE) | flag(contributors.is_some(), WITH_CONTRIBUTORS));
    put_instant(at, *time, out);
    put_instant(at, *received, out);
    put_instant(*time, basis.start, out);
    put_instant(*time, basis.end, out);
    put_unsigned(basis.count, out);
    put_unsigned(u64::from(basis.revision), out);
    out.extend_from_slice(&basis.coverage.to_bits().to_le_bytes());
    if let Some(value) = value {
        put_value(value, out);
    }
    if let Some(contributors) = contributors {
        put_bytes(&postcard::to_allocvec(&**contributors).expect("who says most is texts and numbers"), out);
    }
}

fn take_measured(at: Timestamp, cursor: &mut Cursor<'_>) -> Result<Measured, Unreadable> {
    let slot = take_slot(cursor)?;
    let marks = cursor.byte("the result of a window")?;
    let (time, received) = (take_instant(at, cursor)?, take_instant(at, cursor)?);
    let basis = Basis {
        start: take_instant(time, cursor)?,
        end: take_instant(time, cursor)?,
        count: cursor.unsigned("a number of readings")?,
        revision: cursor.small("a revision")?,
        coverage: f64::from_bits(u64::from_le_bytes(cursor.array("a coverage")?)),
        provisional: marks & PROVISIONAL != 0,
        approximate: marks & APPROXIMATE != 0,
    };
    let value = if marks & WITH_VALUE == 0 { None } else { Some(take_value(cursor)?) };
    let contributors = if marks & WITH_CONTRIBUTORS == 0 {
        None
    } else {
        const WHAT: &str = "who says most about a roll-up";
        let read = postcard::from_bytes::<Vec<Contributor>>(cursor.bytes(WHAT)?);
        Some(read.map_err(|error| Unreadable::Damaged(WHAT, error.to_string()))?.into())
    };
    Ok(Measured { slot, value, time, received, basis, withdrawn: marks & WITHDRAWN != 0, contributors })
}

fn put_setting(slot: SlotNo, value: Option<&Value>, layout: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(&layout.to_le_bytes());
    put_unsigned(u64::from(slot.0), out);
    out.push(u8::from(value.is_some()));
    if let Some(value) = value {
        put_value(value, out);
    }
}

fn take_setting(cursor: &mut Cursor<'_>) -> Result<(SlotNo, Option<Value>, u64), Unreadable> {
    let layout = u64::from_le_bytes(cursor.array("the layout of a property")?);
    let slot = take_slot(cursor)?;
    Ok((slot, if cursor.byte("a property")? == 0 { None } else { Some(take_value(cursor)?) }, layout))
}

fn put_instant(at: Timestamp, time: Timestamp, out: &mut Vec<u8>) {
    put_signed(time.0.wrapping_sub(at.0), out);
}

fn take_instant(at: Timestamp, cursor: &mut Cursor<'_>) -> Result<Timestamp, Unreadable> {
    Ok(Timestamp(at.0.wrapping_add(cursor.signed("an instant")?)))
}

fn take_slot(cursor: &mut Cursor<'_>) -> Result<SlotNo, Unreadable> {
    Ok(SlotNo(cursor.small("a slot")?))
}

#[expect(clippy::expect_used, reason = "the records have string keys and no failing serializers")]
fn put_json<T: Serialize>(tag: u8, record: &T, out: &mut Vec<u8>) {
    out.push(tag);
    put_bytes(&serde_json::to_vec(record).expect("a record is JSON"), out);
}

fn take_json<'a, T: Deserialize<'a>>(what: &'static str, cursor: &mut Cursor<'a>) -> Result<T, Unreadable> {
    serde_json::from_slice(cursor.bytes(what)?).map_err(|error| Unreadable::Damaged(what, error.to_string()))
}

pub(super) fn parse_id(text: &str) -> Result<TwinId, Unreadable> {
    TwinId::parse(text).map_err(|error| Unreadable::Damaged("a twin id", error.to_string()))
}
