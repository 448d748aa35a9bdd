//! From a value in a payload to the slots it belongs to: one slot, an object of slots, or a fixed-size array of slots.

use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};

use crate::catalog::{FieldTable, FieldTarget, Layout, ValueType};
use crate::reading::{Problem, Quality, Raw, SlotNo};

use super::json::Tree;
use super::key::{Key, KeySeed, Part, ScalarSeed};
use super::sink::{Sink, Stop, too_many};
use super::wrapped;

/// A value whose place is known: of a slot, or an object or array of slots.
pub(super) struct TargetSeed<'s, 'a> {
    pub(super) sink: &'s mut Sink<'a>,
    pub(super) target: &'a FieldTarget,
    pub(super) failed: &'s mut Option<Problem>,
}

impl<'de> DeserializeSeed<'de> for TargetSeed<'_, '_> {
    type Value = ();

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl TargetSeed<'_, '_> {
    #[inline]
    fn scalar<E: de::Error>(mut self, raw: Raw<'_>) -> Result<(), E> {
        let taken = match self.target {
            FieldTarget::Slot(slot) => self.sink.take(*slot, raw, None),
            FieldTarget::Object(_) | FieldTarget::FixedArray(_) if raw == Raw::Null => Ok(()),
            FieldTarget::Object(_) => self.wrong_type("an object", raw),
            FieldTarget::FixedArray(slots) => self.wrong_type(&format!("an array of {}", slots.len()), raw),
        };
        taken.map_err(|Stop| stop(self.failed, too_many()))
    }

    fn wrong_type(&mut self, expected: &str, got: Raw<'_>) -> Result<(), Stop> {
        let name = self.sink.name_of(self.target);
        self.sink.problem("WRONG_TYPE", name, format!("expected {expected}, got {got}"))
    }
}

impl<'de> Visitor<'de> for TargetSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        self.scalar(Raw::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        self.scalar(Raw::Int(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        self.scalar(i64::try_from(value).map_or(Raw::UInt(value), Raw::Int))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<(), E> {
        self.scalar(Raw::Float(value))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<(), E> {
        self.scalar(Raw::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        match self.target {
            FieldTarget::FixedArray(slots) => read_items(self.sink, slots, items, self.failed),
            FieldTarget::Slot(slot) if holds_structure(self.sink.layout, *slot) => {
                let json = Tree { problems: &mut self.sink.out.problems, depth: 1 }.deserialize(SeqAccessDeserializer::new(items))?;
                self.sink.take(*slot, Raw::from(&json), None).map_err(|Stop| stop(self.failed, too_many()))
            }
            FieldTarget::Slot(_) | FieldTarget::Object(_) => {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                let name = self.sink.name_of(self.target);
                let refused = self.sink.problem("WRONG_TYPE", name, "expected a single value or an object, got an array".to_owned());
                refused.map_err(|Stop| stop(self.failed, too_many()))
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<(), A::Error> {
        match self.target {
            FieldTarget::Object(fields) => read_object(self.sink, fields, self.target, entries, self.failed),
            FieldTarget::Slot(slot) => {
                let json = Tree { problems: &mut self.sink.out.problems, depth: 1 }.deserialize(MapAccessDeserializer::new(entries))?;
                self.sink.take_json(*slot, &json, None, &Json::clone).map_err(|Stop| stop(self.failed, too_many()))
            }
            FieldTarget::FixedArray(_) => {
                let mut json = Tree { problems: &mut self.sink.out.problems, depth: 1 }.deserialize(MapAccessDeserializer::new(entries))?;
                read_wrapped_items(self, json.as_object_mut())
            }
        }
    }
}

fn holds_structure(layout: &Layout, slot: SlotNo) -> bool {
    matches!(
        layout.slot(slot).value_type,
        ValueType::Json | ValueType::Geo(_) | ValueType::Object(_) | ValueType::Array(_) | ValueType::Map(_)
    )
}

/// An object whose leaves are slots; it may be wrapped, as a whole.
fn read_object<'a, 'de, A: MapAccess<'de>>(
    sink: &mut Sink<'a>,
    fields: &'a FieldTable,
    target: &'a FieldTarget,
    mut entries: A,
    failed: &mut Option<Problem>,
) -> Result<(), A::Error> {
    let (mut time, mut quality, mut wrong) = (None, Quality::Good, None);
    let mark = sink.mark();
    let mut hint = 0;
    while let Some(key) = entries.next_key_seed(KeySeed { fields, hint: &mut hint, has_ts: false, has_parts: true, keep_names: false })? {
        match key {
            Key::Field(target) => entries.next_value_seed(TargetSeed { sink: &mut *sink, target, failed: &mut *failed })?,
            Key::Part(Part::Value) => entries.next_value_seed(TargetSeed { sink: &mut *sink, target, failed: &mut *failed })?,
            Key::Part(Part::Ts) => match entries.next_value_seed(ScalarSeed)?.map(|sent| sent.time()).transpose() {
                Ok(said) => time = said,
                Err(problem) => wrong = Some(problem),
            },
            Key::Part(Part::Quality) => match entries.next_value_seed(ScalarSeed)?.map(|sent| wrapped::quality(sent.raw())).transpose() {
                Ok(said) => quality = said.unwrap_or(Quality::Good),
                Err(problem) => wrong = Some(problem),
            },
            Key::Part(Part::Unit) => {
                entries.next_value::<IgnoredAny>()?;
                wrong = Some(wrapped::problem("WRONG_UNIT", "a unit stands with a number, not with an object".to_owned()));
            }
            Key::Unknown(_) => {
                entries.next_value::<IgnoredAny>()?;
                sink.unmapped();
            }
        }
    }
    match wrong {
        None => sink.stamp(mark, time, quality),
        Some(problem) => {
            sink.take_back(mark);
            let name = sink.name_of(target);
            sink.problem(problem.code, name, problem.message).map_err(|Stop| stop(failed, too_many()))?;
        }
    }
    Ok(())
}

/// All items or none: of an array that is too short nobody knows which are missing.
fn read_items<'a, 'de, A: SeqAccess<'de>>(
    sink: &mut Sink<'a>,
    slots: &'a [SlotNo],
    mut items: A,
    failed: &mut Option<Problem>,
) -> Result<(), A::Error> {
    let mark = sink.mark();
    let mut count = 0;
    for slot in slots {
        let Some(()) = items.next_element_seed(ItemSeed { sink: &mut *sink, slot: *slot, failed: &mut *failed })? else { break };
        count += 1;
    }
    while items.next_element::<IgnoredAny>()?.is_some() {
        count += 1;
    }
    if count != slots.len() {
        sink.take_back(mark);
        let layout = sink.layout;
        let member = slots.first().and_then(|slot| layout.members.get(usize::from(layout.slot(*slot).member)));
        let name = member.map_or("", |member| &*member.name);
        let message = format!("expected an array of {}, got {count}", slots.len());
        sink.problem("WRONG_TYPE", name, message).map_err(|Stop| stop(failed, too_many()))?;
    }
    Ok(())
}

/// `{"value": [1, 2, 3], "ts": …}`: every item gets what stands beside the array.
fn read_wrapped_items<E: de::Error>(seed: TargetSeed<'_, '_>, object: Option<&mut Map<String, Json>>) -> Result<(), E> {
    let TargetSeed { sink, target, failed } = seed;
    let FieldTarget::FixedArray(slots) = target else { return Ok(()) };
    let Some((object, Some(Json::Array(items)))) = object.map(|object| (&*object, object.get("value"))) else {
        let refused = sink.problem("WRONG_TYPE", sink.name_of(target), format!("expected an array of {}, got an object", slots.len()));
        return refused.map_err(|Stop| stop(failed, too_many()));
    };
    if items.len() != slots.len() {
        let refused =
            sink.problem("WRONG_TYPE", sink.name_of(target), format!("expected an array of {}, got {}", slots.len(), items.len()));
        return refused.map_err(|Stop| stop(failed, too_many()));
    }
    for (slot, item) in slots.iter().zip(items) {
        let mut own = object.clone();
        own.insert("value".to_owned(), item.clone());
        sink.take_json(*slot, &Json::Object(own), None, &Json::clone).map_err(|Stop| stop(failed, too_many()))?;
    }
    Ok(())
}

/// One item of a fixed-size array.
struct ItemSeed<'s, 'a> {
    sink: &'s mut Sink<'a>,
    slot: SlotNo,
    failed: &'s mut Option<Problem>,
}

impl<'de> DeserializeSeed<'de> for ItemSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let json = Tree { problems: &mut self.sink.out.problems, depth: 2 }.deserialize(deserializer)?;
        self.sink.take_json(self.slot, &json, None, &Json::clone).map_err(|Stop| stop(self.failed, too_many()))
    }
}

/// A node of a tree into an object or array of slots.
pub(super) fn take_target<'a>(sink: &mut Sink<'a>, target: &'a FieldTarget, json: &Json) -> Result<(), Stop> {
    let mut failed = None;
    match (TargetSeed { sink, target, failed: &mut failed }).deserialize(json) {
        Ok(()) => Ok(()),
        Err(_) => Err(Stop),
    }
}

/// Notes why everything stops and unwinds through serde.
pub(super) fn stop<E: de::Error>(failed: &mut Option<Problem>, problem: Problem) -> E {
    *failed = Some(problem);
    E::custom("stop")
}
