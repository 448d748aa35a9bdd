//! What the tables hold, as plain structs, and how a committed state becomes a row.

use surrealdb::types::{Object, RecordId, SurrealValue, Value};

use crate::catalog::SlotSpec;
use crate::catalog::layout::{Kind, Section};
use crate::reading::{Seq, Timestamp, TwinId, TwinNo, Value as Held};
use crate::twin::{Edge, EdgeNo, Keyed, Rejection, Slot, State};

/// A twin as graph queries see it.
#[derive(Debug, Clone)]
pub struct TwinRow {
    pub no: TwinNo,
    pub id: TwinId,
    pub(super) content: Value,
}

/// A twin whole, as the journal's codec wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointRow {
    pub no: TwinNo,
    pub seq: Seq,
    pub bytes: Vec<u8>,
}

#[derive(Debug, Clone)]
pub struct EdgeRow {
    pub edge: Edge,
    pub from: TwinId,
    pub to: TwinId,
    pub seq: Seq,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectionRow {
    pub seq: Seq,
    /// Its place among those of one commit.
    pub part: u32,
    pub rejection: Rejection,
}

/// A twin that is no more. Its row stays, marked, with its edges, for questions about the past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletedRow {
    pub no: TwinNo,
    pub id: TwinId,
    pub at: Timestamp,
    pub seq: Seq,
}

/// The first answer to a request with an idempotency key.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswerRow {
    pub seq: Seq,
    pub at: Timestamp,
    pub by: String,
    pub keyed: Keyed,
}

impl TwinRow {
    pub fn of(state: &State, seq: Seq) -> TwinRow {
        let mut row = Object::new();
        row.insert("id", twin_record(&state.id));
        row.insert("no", i64::from(state.no.0));
        row.insert("name", state.name.to_string());
        row.insert("type", state.layout.name.to_string());
        row.insert("kind", if state.layout.kind == Kind::Device { "DEVICE" } else { "ASSET" }.to_owned());
        row.insert("revision", signed(state.revision.0));
        row.insert("seq", signed(seq.0));
        row.insert("created", state.created.0);
        row.insert("updated", state.updated.0);
        row.insert("properties", members(state, |section| section == Section::Property));
        row.insert("values", members(state, Section::is_live));
        let mut external_ids = Object::new();
        for (namespace, id) in &state.external_ids {
            external_ids.insert(namespace.clone(), id.clone());
        }
        row.insert("externalIds", external_ids);
        TwinRow { no: state.no, id: state.id.clone(), content: Value::Object(row) }
    }
}

/// Path to `{v, t, q}`: value, event time in microseconds, quality. Slots without a value are left out.
fn members(state: &State, is_meant: fn(Section) -> bool) -> Object {
    let mut members = Object::new();
    for (spec, slot) in state.layout.slots.iter().zip(state.slots.iter()).filter(|(spec, _)| is_meant(spec.section)) {
        if let Some(member) = member(spec, slot) {
            members.insert(spec.path.to_string(), member);
        }
    }
    members
}

fn member(spec: &SlotSpec, slot: &Slot) -> Option<Object> {
    let value = slot.value.as_ref()?;
    let mut member = Object::new();
    match value {
        Held::Bool(value) => member.insert("v", *value),
        Held::Int(value) => member.insert("v", *value),
        Held::Double(value) => member.insert("v", *value),
        Held::Text(text) => member.insert("v", text.to_string()),
        Held::Decimal(_)
        | Held::Timestamp(_)
        | Held::Date(_)
        | Held::Time(_)
        | Held::Duration(_)
        | Held::Enum(_)
        | Held::Bytes(_)
        | Held::Json(_) => member.insert("v", spec.to_json(value)),
    };
    member.insert("t", slot.time.0);
    member.insert("q", slot.quality.as_str().to_owned());
    Some(member)
}

pub(super) fn twin_record(id: &TwinId) -> RecordId {
    RecordId::new("twin", id.as_str())
}

pub(super) fn edge_record(table: &str, no: EdgeNo) -> RecordId {
    RecordId::new(table, signed(no.0))
}

/// The store's integers are signed; a position past half of all there are will not be seen.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

pub(super) fn edge_value(row: &EdgeRow, table: &str) -> Value {
    let EdgeRow { edge, from, to, seq } = row;
    let mut content = Object::new();
    content.insert("id", edge_record(table, edge.no));
    content.insert("in", twin_record(from));
    content.insert("out", twin_record(to));
    content.insert("no", signed(edge.no.0));
    content.insert("from", i64::from(edge.from.0));
    content.insert("to", i64::from(edge.to.0));
    content.insert("relation", edge.relation.to_string());
    content.insert("properties", serde_json::Value::Object(edge.properties.clone()));
    content.insert("validFrom", edge.valid_from.0);
    content.insert("validTo", edge.valid_to.map(|end| end.0));
    content.insert("live", edge.live);
    content.insert("seq", signed(seq.0));
    Value::Object(content)
}

pub(super) fn rejection_value(row: &RejectionRow) -> Value {
    let RejectionRow { seq, part, rejection } = row;
    let mut content = Object::new();
    let key = vec![Value::from_t(signed(seq.0)), Value::from_t(i64::from(*part))];
    content.insert("id", RecordId::new("rejection", surrealdb::types::Array::from(key)));
    content.insert("seq", signed(seq.0));
    content.insert("part", i64::from(*part));
    content.insert("at", rejection.at.0);
    content.insert("address", rejection.address.clone());
    content.insert("twin", rejection.twin.as_ref().map(TwinId::to_string));
    content.insert("field", rejection.field.clone());
    content.insert("code", rejection.code.to_string());
    content.insert("message", rejection.message.clone());
    content.insert("excerpt", rejection.excerpt.clone());
    content.insert("payloadBytes", signed(rejection.payload_bytes));
    Value::Object(content)
}

pub(super) fn deleted_value(row: &DeletedRow) -> Value {
    let mut content = Object::new();
    content.insert("id", twin_record(&row.id));
    content.insert("no", i64::from(row.no.0));
    content.insert("at", row.at.0);
    content.insert("seq", signed(row.seq.0));
    Value::Object(content)
}

pub(super) fn answer_value(row: &AnswerRow) -> Value {
    let mut content = Object::new();
    content.insert("id", RecordId::new("idempotency", signed(row.seq.0)));
    content.insert("seq", signed(row.seq.0));
    content.insert("at", row.at.0);
    content.insert("by", row.by.clone());
    content.insert("key", row.keyed.key.clone());
    // As text: the hash has no place in the store's integers, and the answer comes back as it was.
    content.insert("asked", format!("{:016x}", row.keyed.asked));
    content.insert("answer", row.keyed.answer.to_string());
    Value::Object(content)
}

pub(super) fn checkpoint_value(row: &CheckpointRow) -> Value {
    let mut content = Object::new();
    content.insert("id", RecordId::new("checkpoint", i64::from(row.no.0)));
    content.insert("no", i64::from(row.no.0));
    content.insert("seq", signed(row.seq.0));
    content.insert("data", surrealdb::types::Bytes::from(row.bytes.clone()));
    Value::Object(content)
}

/// One field of an object, as the type that was written.
pub(super) fn field<T: SurrealValue>(object: &mut Object, name: &str) -> Result<T, super::Error> {
    let value = object.remove(name).unwrap_or_default();
    T::from_value(value).map_err(|error| super::Error::Damaged(format!("{name}: {error}")))
}
