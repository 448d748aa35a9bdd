//! A whole twin as bytes: what recovery starts from, so that the journal before it can go. Version 5.
//!
//! Version 1 knew no desired values, version 2 no rules, version 3 no windows, version 4 no views. What remains of a deleted twin is a checkpoint, too, so that a start knows of it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::alarm::{Flood, Occurrence, OutOfService};
use crate::reading::{Quality, Reason, Revision, SlotNo, Timestamp, TwinId, TwinNo};
use crate::rule::detector::Messages;
use crate::twin::{
    Asked, Bases, Basis, Closed, Contributor, Contributors, Deleted, Desired, Late, Outcome, Pending, Pushed, Read, Recent, SharedLayout,
    Slot, State, Trouble, Troubles, Tuned, Tuning, Twin, View, Views, Watches, Windows,
};

use super::bytes::{Cursor, put_bytes, put_signed, put_unsigned};
use super::record::{Layouts, Unreadable};
use super::values::{put_value, take_value};

const VERSION: u8 = 5;
const WITHOUT_VIEWS: u8 = 4;
const WITHOUT_WINDOWS: u8 = 3;
const WITHOUT_WATCHES: u8 = 2;
const WITHOUT_DESIRED: u8 = 1;
const DELETED: u8 = 0x80;

/// What a checkpoint is of.
#[derive(Debug)]
pub enum Saved {
    Twin(Box<Twin>),
    Deleted(Deleted),
}

pub fn encode_deleted(deleted: &Deleted, out: &mut Vec<u8>) {
    out.push(DELETED);
    put_unsigned(u64::from(deleted.no.0), out);
    put_bytes(deleted.id.as_str().as_bytes(), out);
    out.extend_from_slice(&deleted.applied.to_le_bytes());
}

pub fn decode(bytes: &[u8], layouts: Layouts<'_>) -> Result<Saved, Unreadable> {
    if bytes.first() != Some(&DELETED) {
        return decode_twin(bytes, layouts).map(|twin| Saved::Twin(Box::new(twin)));
    }
    let mut cursor = Cursor::new(bytes);
    cursor.byte("the version of a checkpoint")?;
    let no = TwinNo(cursor.small("a twin number")?);
    let id = TwinId::parse(cursor.text("a twin id")?).map_err(|error| Unreadable::Damaged("a twin id", error.to_string()))?;
    let applied = u64::from_le_bytes(cursor.array("a description")?);
    Ok(Saved::Deleted(Deleted { no, id, applied }))
}

pub fn encode_twin(twin: &Twin, out: &mut Vec<u8>) {
    let state = &*twin.state;
    out.push(VERSION);
    put_unsigned(u64::from(state.no.0), out);
    put_bytes(state.id.as_str().as_bytes(), out);
    put_bytes(state.name.as_bytes(), out);
    out.extend_from_slice(&state.layout.fingerprint.to_le_bytes());
    put_unsigned(state.revision.0, out);
    put_signed(state.created.0, out);
    put_signed(state.updated.0, out);
    out.extend_from_slice(&state.applied.to_le_bytes());
    put_unsigned(state.external_ids.len() as u64, out);
    for (namespace, id) in &state.external_ids {
        put_bytes(namespace.as_bytes(), out);
        put_bytes(id.as_bytes(), out);
    }
    put_unsigned(state.slots.len() as u64, out);
    for slot in state.slots.iter() {
        put_slot(slot, out);
    }
    let fingerprints = twin.recent.fingerprints();
    put_unsigned(fingerprints.len() as u64, out);
    for fingerprint in fingerprints {
        out.extend_from_slice(&fingerprint.to_le_bytes());
    }
    let lately = twin.recent.lately();
    put_unsigned(lately.len() as u64, out);
    for (second, count) in lately {
        put_signed(second, out);
        put_unsigned(u64::from(count), out);
    }
    put_unsigned(state.desired.len() as u64, out);
    for desired in &state.desired {
        put_unsigned(u64::from(desired.slot.0), out);
        put_signed(desired.since.0, out);
        put_value(&desired.value, out);
    }
    put_unsigned(state.previous.len() as u64, out);
    for (no, slot) in &state.previous {
        put_unsigned(u64::from(no.0), out);
        put_slot(slot, out);
    }
    put_watches(&state.watches, out);
    put_rest(twin, out);
    put_unsigned(state.pushed.iter().count() as u64, out);
    for (no, slot) in state.pushed.iter() {
        put_unsigned(u64::from(no.0), out);
        put_slot(slot, out);
    }
    put_windows(twin, out);
    put_views(&twin.views, out);
}

/// What nearly no twin has.
#[derive(Default, Serialize, Deserialize)]
struct Rest {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    asked: Vec<Pending>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    troubles: Vec<Trouble>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    disabled: Vec<SmolStr>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tuning: Vec<Tuned>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    out_of_service: Option<Box<OutOfService>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    closed: Vec<(SmolStr, Occurrence)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    contributors: Vec<(u16, Vec<Contributor>)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    late: Vec<(u16, u64)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    messages: Option<Messages>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    flood: Option<Flood>,
}

#[expect(clippy::expect_used, reason = "it is texts and lists of them, none of which fails to be written")]
fn put_rest(twin: &Twin, out: &mut Vec<u8>) {
    let state = &*twin.state;
    let has_any = !state.asked.is_empty()
        || !state.troubles.is_empty()
        || !state.disabled.is_empty()
        || !state.tuning.is_empty()
        || state.out_of_service.is_some()
        || !state.closed.is_empty()
        || state.contributors.iter().next().is_some()
        || !state.late.is_empty()
        || twin.recent.messages().is_some()
        || state.flood.is_some();
    if !has_any {
        return put_bytes(&[], out);
    }
    let rest = Rest {
        asked: state.asked.iter().cloned().collect(),
        troubles: state.troubles.iter().cloned().collect(),
        disabled: state.disabled.to_vec(),
        tuning: state.tuning.iter().cloned().collect(),
        out_of_service: state.out_of_service.clone(),
        closed: state.closed.iter().map(|(rule, closed)| (rule.clone(), Occurrence::clone(closed))).collect(),
        contributors: state.contributors.iter().map(|(slot, contributors)| (slot.0, contributors.to_vec())).collect(),
        late: state.late.iter().map(|(slot, count)| (slot.0, count)).collect(),
        messages: twin.recent.messages().cloned(),
        flood: state.flood.as_deref().cloned(),
    };
    put_bytes(&serde_json::to_vec(&rest).expect("what is rare is JSON"), out);
}

fn take_rest(cursor: &mut Cursor<'_>) -> Result<Rest, Unreadable> {
    match cursor.text("what is rare of a twin")? {
        "" => Ok(Rest::default()),
        text => serde_json::from_str(text).map_err(|error| Unreadable::Damaged("what is rare of a twin", error.to_string())),
    }
}

/// Windows hold many numbers, so they are packed. A twin without any pays two bytes.
#[expect(clippy::expect_used, reason = "it is numbers and lists of them, none of which fails to be written")]
fn put_windows(twin: &Twin, out: &mut Vec<u8>) {
    let bases: Vec<(u16, Basis)> = twin.state.bases.iter().map(|(slot, basis)| (slot.0, *basis)).collect();
    let packed = if bases.is_empty() { Vec::new() } else { postcard::to_allocvec(&bases).expect("results of windows are numbers") };
    put_bytes(&packed, out);
    let packed = twin.windows.store().map(|kept| postcard::to_allocvec(&kept).expect("windows are numbers"));
    put_bytes(&packed.unwrap_or_default(), out);
}

fn take_windows(cursor: &mut Cursor<'_>) -> Result<(Bases, Windows), Unreadable> {
    const WHAT: &str = "the windows of a twin";
    let damaged = |error: postcard::Error| Unreadable::Damaged(WHAT, error.to_string());
    let (bases, windows) = (cursor.bytes(WHAT)?, cursor.bytes(WHAT)?);
    let bases = if bases.is_empty() { Vec::new() } else { postcard::from_bytes::<Vec<(u16, Basis)>>(bases).map_err(damaged)? };
    let windows = match windows {
        [] => Windows::default(),
        packed => Windows::restore(&mut postcard::Deserializer::from_bytes(packed)).map_err(damaged)?,
    };
    Ok((Bases::restore(bases.into_iter().map(|(slot, basis)| (SlotNo(slot), basis)).collect()), windows))
}

#[expect(clippy::expect_used, reason = "it is numbers, texts and lists of them, none of which fails to be written")]
fn put_watches(watches: &Watches, out: &mut Vec<u8>) {
    let kept: Vec<_> = watches.iter().collect();
    let bytes = if kept.is_empty() { Vec::new() } else { serde_json::to_vec(&kept).expect("where rules stand is JSON") };
    put_bytes(&bytes, out);
}

pub fn decode_twin(bytes: &[u8], layouts: Layouts<'_>) -> Result<Twin, Unreadable> {
    let mut cursor = Cursor::new(bytes);
    let version = cursor.byte("the version of a checkpoint")?;
    if !matches!(version, VERSION | WITHOUT_VIEWS | WITHOUT_WINDOWS | WITHOUT_WATCHES | WITHOUT_DESIRED) {
        return Err(Unreadable::Unknown { what: "checkpoint version", found: u64::from(version) });
    }
    let no = TwinNo(cursor.small("a twin number")?);
    let id = TwinId::parse(cursor.text("a twin id")?).map_err(|error| Unreadable::Damaged("a twin id", error.to_string()))?;
    let name = id.shared_with(cursor.text("a name")?);
    let fingerprint = u64::from_le_bytes(cursor.array("a layout")?);
    let layout = layouts(fingerprint).ok_or(Unreadable::Unknown { what: "layout", found: fingerprint })?;
    let revision = Revision(cursor.unsigned("a revision")?);
    let created = Timestamp(cursor.signed("an instant")?);
    let updated = Timestamp(cursor.signed("an instant")?);
    let applied = u64::from_le_bytes(cursor.array("a description")?);
    let external_ids = (0..cursor.unsigned("external ids")?)
        .map(|_| Ok((cursor.text("a name space")?.to_owned(), cursor.text("an external id")?.to_owned())))
        .collect::<Result<_, Unreadable>>()?;
    let count: usize = cursor.small("a number of slots")?;
    if count != layout.slots.len() {
        return Err(Unreadable::Damaged("a checkpoint", format!("it has {count} slots and its layout {}", layout.slots.len())));
    }
    let slots = (0..count).map(|_| take_slot(&mut cursor)).collect::<Result<_, _>>()?;
    let recent = (0..cursor.unsigned("fingerprints")?)
        .map(|_| Ok(u64::from_le_bytes(cursor.array("a fingerprint")?)))
        .collect::<Result<Vec<_>, Unreadable>>()?;
    let lately = (0..cursor.unsigned("seconds")?)
        .map(|_| Ok((cursor.signed("a second")?, cursor.small("a number of deliveries")?)))
        .collect::<Result<Vec<_>, Unreadable>>()?;
    let desired = match version {
        WITHOUT_DESIRED => 0,
        _ => cursor.unsigned("desired values")?,
    };
    let desired = (0..desired).map(|_| take_desired(&mut cursor)).collect::<Result<_, _>>()?;
    let previous = match version {
        WITHOUT_WATCHES | WITHOUT_DESIRED => 0,
        _ => cursor.unsigned("values from before")?,
    };
    let previous =
        (0..previous).map(|_| Ok((SlotNo(cursor.small("a slot")?), take_slot(&mut cursor)?))).collect::<Result<_, Unreadable>>()?;
    let watches = match version {
        WITHOUT_WATCHES | WITHOUT_DESIRED => Watches::default(),
        _ => take_watches(&mut cursor)?,
    };
    let rest: Rest = match version {
        VERSION | WITHOUT_VIEWS => take_rest(&mut cursor)?,
        _ => Rest::default(),
    };
    let pushed = match version {
        VERSION | WITHOUT_VIEWS => cursor.unsigned("what others have pushed")?,
        _ => 0,
    };
    let pushed = (0..pushed).map(|_| Ok((SlotNo(cursor.small("a slot")?), take_slot(&mut cursor)?))).collect::<Result<_, Unreadable>>()?;
    let pushed = Pushed::restore(pushed);
    let (bases, windows) = match version {
        VERSION | WITHOUT_VIEWS => take_windows(&mut cursor)?,
        _ => (Bases::default(), Windows::default()),
    };
    let views = match version {
        VERSION => take_views(&mut cursor)?,
        _ => Views::default(),
    };
    let state = State {
        no,
        id,
        name,
        layout: SharedLayout(layout),
        revision,
        created,
        updated,
        external_ids,
        applied,
        slots,
        desired,
        previous,
        pushed,
        bases,
        contributors: Contributors::restore(
            rest.contributors.into_iter().map(|(slot, contributors)| (SlotNo(slot), contributors.into())).collect(),
        ),
        late: Late::restore(rest.late.into_iter().map(|(slot, count)| (SlotNo(slot), count)).collect()),
        watches,
        closed: Closed::restore(rest.closed),
        asked: Asked::restore(rest.asked),
        troubles: Troubles::restore(rest.troubles),
        disabled: rest.disabled.into(),
        tuning: Tuning::restore(rest.tuning),
        out_of_service: rest.out_of_service,
        flood: rest.flood.map(Arc::new),
    };
    Ok(Twin { state: Arc::new(state), recent: Recent::restore(recent, lately).with_messages(rest.messages), windows, views })
}

fn take_watches(cursor: &mut Cursor<'_>) -> Result<Watches, Unreadable> {
    let text = cursor.text("where rules stand")?;
    if text.is_empty() {
        return Ok(Watches::default());
    }
    let watches = serde_json::from_str(text).map_err(|error| Unreadable::Damaged("where rules stand", error.to_string()))?;
    Ok(Watches::restore(watches))
}

fn take_desired(cursor: &mut Cursor<'_>) -> Result<Desired, Unreadable> {
    let slot = SlotNo(cursor.small("a slot")?);
    let since = Timestamp(cursor.signed("an instant")?);
    Ok(Desired { slot, value: take_value(cursor)?, since })
}

fn put_views(views: &Views, out: &mut Vec<u8>) {
    put_unsigned(views.iter().len() as u64, out);
    for view in views.iter() {
        put_signed(view.reorder, out);
        put_signed(view.until.0, out);
        for count in [view.late, view.replaced, view.early, view.held.len() as u64] {
            put_unsigned(count, out);
        }
        for read in &view.held {
            put_read(read, out);
        }
        for slots in [&view.face, &view.previous] {
            put_unsigned(slots.len() as u64, out);
            for (no, slot) in slots {
                put_unsigned(u64::from(no.0), out);
                put_slot(slot, out);
            }
        }
    }
}

fn take_views(cursor: &mut Cursor<'_>) -> Result<Views, Unreadable> {
    let views = (0..cursor.unsigned("views")?).map(|_| take_view(cursor)).collect::<Result<_, _>>()?;
    Ok(Views::restore(views))
}

fn take_view(cursor: &mut Cursor<'_>) -> Result<View, Unreadable> {
    let reorder = cursor.signed("a time to wait")?;
    let until = Timestamp(cursor.signed("an instant")?);
    let late = cursor.unsigned("a number of readings")?;
    let replaced = cursor.unsigned("a number of readings")?;
    let early = cursor.unsigned("a number of readings")?;
    let held = (0..cursor.unsigned("readings that wait")?).map(|_| take_read(cursor)).collect::<Result<_, _>>()?;
    Ok(View { reorder, held, face: take_slots(cursor)?, previous: take_slots(cursor)?, until, late, replaced, early })
}

fn take_slots(cursor: &mut Cursor<'_>) -> Result<Vec<(SlotNo, Slot)>, Unreadable> {
    (0..cursor.unsigned("slots of a view")?).map(|_| Ok((SlotNo(cursor.small("a slot")?), take_slot(cursor)?))).collect()
}

/// A reading that waits, as a slot would hold it.
fn put_read(read: &Read, out: &mut Vec<u8>) {
    let Read { slot, value, time, received, sent, quality, reason, outcome } = read.clone();
    put_unsigned(u64::from(slot.0), out);
    out.push(outcome as u8);
    put_slot(&Slot { value: Some(value), time, received, sent: sent.map(Box::new), quality, reason }, out);
}

fn take_read(cursor: &mut Cursor<'_>) -> Result<Read, Unreadable> {
    let no = SlotNo(cursor.small("a slot")?);
    let code = cursor.byte("an outcome")?;
    let outcome = Outcome::from_code(code).ok_or(Unreadable::Unknown { what: "outcome", found: u64::from(code) })?;
    let Slot { value, time, received, sent, quality, reason } = take_slot(cursor)?;
    let value = value.ok_or_else(|| Unreadable::Damaged("a reading that waits", "it has no value".to_owned()))?;
    Ok(Read { slot: no, value, time, received, sent: sent.map(|sent| *sent), quality, reason, outcome })
}

const IS_UNKNOWN: u8 = 0x20;
const HAS_VALUE: u8 = 0x40;
const HAS_SENT: u8 = 0x80;

fn put_slot(slot: &Slot, out: &mut Vec<u8>) {
    let Some(value) = &slot.value else {
        if slot.time == Slot::EMPTY.time {
            out.push(0);
        } else {
            // It became unknown then.
            out.push(IS_UNKNOWN);
            put_signed(slot.time.0, out);
            put_signed(slot.received.0, out);
        }
        return;
    };
    let sent = if slot.sent.is_some() { HAS_SENT } else { 0 };
    out.push(HAS_VALUE | sent | (slot.quality as u8) | (slot.reason as u8) << 2);
    put_signed(slot.time.0, out);
    put_signed(slot.received.0, out);
    if let Some(sent) = &slot.sent {
        put_signed(sent.0, out);
    }
    put_value(value, out);
}

fn take_slot(cursor: &mut Cursor<'_>) -> Result<Slot, Unreadable> {
    let marks = cursor.byte("a slot")?;
    if marks == IS_UNKNOWN {
        let (time, received) = (Timestamp(cursor.signed("an instant")?), Timestamp(cursor.signed("an instant")?));
        return Ok(Slot { time, received, ..Slot::EMPTY });
    }
    if marks & HAS_VALUE == 0 {
        return Ok(Slot::EMPTY);
    }
    let unknown = |what| Unreadable::Unknown { what, found: u64::from(marks) };
    let quality = Quality::from_code(marks & 3).ok_or_else(|| unknown("quality"))?;
    let reason = Reason::from_code(marks >> 2 & 3).ok_or_else(|| unknown("reason"))?;
    let time = Timestamp(cursor.signed("an instant")?);
    let received = Timestamp(cursor.signed("an instant")?);
    let sent = if marks & HAS_SENT == 0 { None } else { Some(Box::new(Timestamp(cursor.signed("an instant")?))) };
    Ok(Slot { value: Some(take_value(cursor)?), time, received, sent, quality, reason })
}
