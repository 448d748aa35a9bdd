//! The native payload: `{"temperature": 21.5, "ts": …}`, or an array of such objects, each one instant.
//!
//! It goes from bytes to readings in one pass; no tree is built for plain values.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};

use crate::catalog::binding::Unmapped;
use crate::catalog::{FieldTable, FieldTarget, Layout, ValueType};
use crate::reading::{Problem, Quality, Raw, Timestamp};

use super::json::{self, Tree};
use super::key::{Key, KeySeed, ScalarSeed};
use super::sink::{Sink, Stop, too_many};
use super::target::{TargetSeed, stop};
use super::{Decoded, wrapped};

/// Decodes a payload by the names in `fields` (`telemetry_fields` or `reported_fields` of the layout). What `out` held before is cleared.
pub fn decode(layout: &Layout, fields: &FieldTable, unmapped: &Unmapped, payload: &[u8], out: &mut Decoded) -> Result<(), Problem> {
    decode_at(layout, fields, unmapped, payload, Ok(None), out)
}

/// The same, with a time for the objects that say none.
pub(super) fn decode_at(
    layout: &Layout,
    fields: &FieldTable,
    unmapped: &Unmapped,
    payload: &[u8],
    time: Result<Option<Timestamp>, Problem>,
    out: &mut Decoded,
) -> Result<(), Problem> {
    let text = super::text(payload)?;
    let mut reader = serde_json::Deserializer::from_str(text);
    run(
        layout,
        fields,
        unmapped,
        time,
        Quality::Good,
        out,
        |seed| seed.deserialize(&mut reader).and_then(|()| reader.end()),
        |error| json::unreadable(text, error),
    )
}

/// The same, of a tree.
pub(super) fn decode_json(
    layout: &Layout,
    fields: &FieldTable,
    unmapped: &Unmapped,
    json: &Json,
    time: Result<Option<Timestamp>, Problem>,
    quality: Quality,
    out: &mut Decoded,
) -> Result<(), Problem> {
    run(
        layout,
        fields,
        unmapped,
        time,
        quality,
        out,
        |seed| seed.deserialize(json),
        |error| wrapped::problem("NOT_JSON", error.to_string()),
    )
}

/// `pollux/<twin>/telemetry/<member>`: the payload is the value itself, as JSON, or as bare text where the member holds text.
/// For a member of type `bytes` it is the raw bytes.
pub fn decode_member(layout: &Layout, fields: &FieldTable, member: &str, payload: &[u8], out: &mut Decoded) -> Result<(), Problem> {
    out.clear();
    let Some(target) = fields.find_path(member) else {
        let known: Vec<&str> = fields.names().take(12).collect();
        let member: String = member.chars().take(80).collect();
        let message = format!("`{member}` is not a member of {}; it has {}", layout.name, known.join(", "));
        return Err(Problem { code: "UNKNOWN_MEMBER", field: Some(member), message });
    };
    let bare = match target {
        FieldTarget::Slot(slot) => bare_text(&layout.slot(*slot).value_type, payload)?,
        FieldTarget::Object(_) | FieldTarget::FixedArray(_) => None,
    };
    let mut sink = Sink::new(layout, out);
    let mut failed = None;
    let read = match (target, &bare) {
        (FieldTarget::Slot(slot), Some(bare)) => sink.take(*slot, Raw::Text(bare), None).map_err(|Stop| too_many()),
        (FieldTarget::Slot(_) | FieldTarget::Object(_) | FieldTarget::FixedArray(_), _) => {
            let text = super::text(payload)?;
            let mut reader = serde_json::Deserializer::from_str(text);
            let read = TargetSeed { sink: &mut sink, target, failed: &mut failed }.deserialize(&mut reader).and_then(|()| reader.end());
            read.map_err(|error| failed.take().unwrap_or_else(|| json::unreadable(text, &error)))
        }
    };
    let ended = read.and_then(|()| sink.end_object(Ok(None)).map_err(|Stop| too_many()));
    ended.map_err(|problem| {
        out.clear();
        Problem { field: Some(member.chars().take(80).collect()), ..problem }
    })
}

/// The payload as a text value, if the member holds text and the payload is not JSON for it.
fn bare_text(value_type: &ValueType, payload: &[u8]) -> Result<Option<String>, Problem> {
    let text = match value_type {
        ValueType::Bytes { .. } => return Ok(Some(STANDARD.encode(payload))),
        ValueType::String
        | ValueType::Enum(_)
        | ValueType::Decimal
        | ValueType::Timestamp
        | ValueType::Date
        | ValueType::Time
        | ValueType::Duration
        | ValueType::Unit { .. } => super::text(payload)?,
        ValueType::Bool
        | ValueType::Int
        | ValueType::Double
        | ValueType::Geo(_)
        | ValueType::Json
        | ValueType::Object(_)
        | ValueType::Array(_)
        | ValueType::Map(_) => return Ok(None),
    };
    let says_value = match serde_json::from_str::<Json>(text) {
        Ok(Json::String(_) | Json::Null) => true,
        Ok(Json::Object(object)) => object.contains_key("value"),
        Ok(Json::Number(_)) => !matches!(value_type, ValueType::String),
        Ok(Json::Bool(_) | Json::Array(_)) | Err(_) => false,
    };
    let trimmed = if matches!(value_type, ValueType::String) { text } else { text.trim() };
    Ok((!says_value).then(|| trimmed.to_owned()))
}

#[expect(clippy::too_many_arguments, reason = "private; it joins the two ways in")]
fn run(
    layout: &Layout,
    fields: &FieldTable,
    unmapped: &Unmapped,
    time: Result<Option<Timestamp>, Problem>,
    quality: Quality,
    out: &mut Decoded,
    read: impl FnOnce(PayloadSeed<'_, '_>) -> Result<(), serde_json::Error>,
    explain: impl FnOnce(&serde_json::Error) -> Problem,
) -> Result<(), Problem> {
    out.clear();
    let mut sink = Sink::new(layout, out);
    sink.object_quality = quality;
    let mut failed = None;
    let done = read(PayloadSeed { sink: &mut sink, fields, unmapped, time, failed: &mut failed, inside_array: false });
    done.map_err(|error| {
        out.clear();
        failed.unwrap_or_else(|| explain(&error))
    })
}

/// The payload: one object, or an array of objects.
struct PayloadSeed<'s, 'a> {
    sink: &'s mut Sink<'a>,
    fields: &'a FieldTable,
    unmapped: &'a Unmapped,
    time: Result<Option<Timestamp>, Problem>,
    failed: &'s mut Option<Problem>,
    inside_array: bool,
}

impl PayloadSeed<'_, '_> {
    fn refuse<E: de::Error>(self, got: impl fmt::Display) -> Result<(), E> {
        let message = format!("expected an object of values by name, or an array of such objects, got {got}");
        let problem = wrapped::problem("WRONG_TYPE", message);
        if !self.inside_array {
            return Err(stop(self.failed, problem));
        }
        match self.sink.problem(problem.code, "", problem.message) {
            Ok(()) => Ok(()),
            Err(Stop) => Err(stop(self.failed, too_many())),
        }
    }
}

impl<'de> DeserializeSeed<'de> for PayloadSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for PayloadSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of values by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<(), A::Error> {
        let PayloadSeed { sink, fields, unmapped, time, failed, .. } = self;
        let said = read_instant(sink, fields, unmapped, entries, failed)?;
        let time = match said {
            Some(said) => said.map(Some),
            None => time,
        };
        sink.end_object(time).map_err(|Stop| stop(failed, too_many()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        if self.inside_array {
            while items.next_element::<IgnoredAny>()?.is_some() {}
            return self.refuse("an array");
        }
        let PayloadSeed { sink, fields, unmapped, time, failed, .. } = self;
        loop {
            let item = PayloadSeed { sink: &mut *sink, fields, unmapped, time: time.clone(), failed: &mut *failed, inside_array: true };
            if items.next_element_seed(item)?.is_none() {
                return Ok(());
            }
        }
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.refuse(Raw::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        self.refuse(Raw::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        self.refuse(Raw::Int(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        self.refuse(Raw::UInt(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<(), E> {
        self.refuse(Raw::Float(value))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<(), E> {
        self.refuse(Raw::Text(value))
    }
}

/// The members of one instant. Gives the time it says, if it says one.
fn read_instant<'a, 'de, A: MapAccess<'de>>(
    sink: &mut Sink<'a>,
    fields: &'a FieldTable,
    unmapped: &'a Unmapped,
    mut entries: A,
    failed: &mut Option<Problem>,
) -> Result<Option<Result<Timestamp, Problem>>, A::Error> {
    let mut time: Option<Result<Timestamp, Problem>> = None;
    let mut hint = 0;
    let mut extra = Map::new();
    loop {
        let keep_names = *unmapped != Unmapped::Count;
        match entries.next_key_seed(KeySeed { fields, hint: &mut hint, has_ts: true, has_parts: false, keep_names })? {
            None => break,
            Some(Key::Field(target)) => entries.next_value_seed(TargetSeed { sink: &mut *sink, target, failed: &mut *failed })?,
            Some(Key::Part(_)) => {
                let said = entries.next_value_seed(ScalarSeed)?.map(|sent| sent.time());
                time = match (time, said) {
                    (Some(_), Some(_)) => Some(Err(json::duplicate_key("ts"))),
                    (before, said) => before.or(said),
                };
            }
            Some(Key::Unknown(name)) => unknown(sink, fields, unmapped, name, &mut entries, &mut extra, failed)?,
        }
    }
    if let (Unmapped::Json(member), false) = (unmapped, extra.is_empty())
        && let Some(slot) = sink.layout.slot_by_path(member)
    {
        sink.take(slot, Raw::Structure(&Json::Object(extra)), None).map_err(|Stop| stop(failed, too_many()))?;
    }
    Ok(time)
}

/// A name that nothing asks for.
fn unknown<'de, A: MapAccess<'de>>(
    sink: &mut Sink<'_>,
    fields: &FieldTable,
    unmapped: &Unmapped,
    name: Option<String>,
    entries: &mut A,
    extra: &mut Map<String, Json>,
    failed: &mut Option<Problem>,
) -> Result<(), A::Error> {
    match (unmapped, name) {
        (Unmapped::Json(_), Some(name)) => {
            let value = entries.next_value_seed(Tree { problems: &mut sink.out.problems, depth: 0 })?;
            extra.insert(name, value);
            Ok(())
        }
        (Unmapped::Reject, Some(name)) => {
            entries.next_value::<IgnoredAny>()?;
            sink.refuse_unmapped(&name, fields.names()).map_err(|Stop| stop(failed, too_many()))
        }
        (Unmapped::Count | Unmapped::Reject | Unmapped::Json(_), _) => {
            entries.next_value::<IgnoredAny>()?;
            sink.unmapped();
            Ok(())
        }
    }
}
