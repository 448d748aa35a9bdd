//! The names in a native payload, and what stands beside values: times, qualities.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::catalog::{FieldTable, FieldTarget};
use crate::reading::{Problem, Raw, Timestamp};

use super::time;

/// What a name in an object means.
pub(super) enum Key<'a> {
    Field(&'a FieldTarget),
    Part(Part),
    /// With the name where somebody will want it.
    Unknown(Option<String>),
}

#[derive(Clone, Copy)]
pub(super) enum Part {
    Value,
    Ts,
    Quality,
    Unit,
}

pub(super) struct KeySeed<'a, 'h> {
    pub(super) fields: &'a FieldTable,
    pub(super) hint: &'h mut usize,
    /// Whether `ts` is the time of the object, whatever else it might be.
    pub(super) has_ts: bool,
    /// Whether the object may be a wrapped value.
    pub(super) has_parts: bool,
    pub(super) keep_names: bool,
}

impl<'a, 'de> DeserializeSeed<'de> for KeySeed<'a, '_> {
    type Value = Key<'a>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key<'a>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a, 'de> Visitor<'de> for KeySeed<'a, '_> {
    type Value = Key<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    #[inline]
    fn visit_str<E: de::Error>(self, name: &str) -> Result<Key<'a>, E> {
        if self.has_ts && name == "ts" {
            return Ok(Key::Part(Part::Ts));
        }
        if let Some(target) = self.fields.find(name, self.hint) {
            return Ok(Key::Field(target));
        }
        Ok(match name {
            "value" if self.has_parts => Key::Part(Part::Value),
            "ts" if self.has_parts => Key::Part(Part::Ts),
            "quality" if self.has_parts => Key::Part(Part::Quality),
            "unit" if self.has_parts => Key::Part(Part::Unit),
            _ => Key::Unknown(self.keep_names.then(|| name.to_owned())),
        })
    }
}

/// A value that is no structure, kept for a moment.
#[derive(Debug)]
pub(super) enum Scalar {
    Number(Raw<'static>),
    Text(String),
    Other,
}

impl Scalar {
    pub(super) fn raw(&self) -> Raw<'_> {
        match self {
            Scalar::Number(raw) => *raw,
            Scalar::Text(text) => Raw::Text(text),
            Scalar::Other => Raw::Text("something else"),
        }
    }

    pub(super) fn time(&self) -> Result<Timestamp, Problem> {
        time::native(self.raw()).map_err(|message| Problem { code: "BAD_TIME", field: Some("ts".to_owned()), message })
    }
}

/// `None` for null.
pub(super) struct ScalarSeed;

impl<'de> DeserializeSeed<'de> for ScalarSeed {
    type Value = Option<Scalar>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<Scalar>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ScalarSeed {
    type Value = Option<Scalar>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time or a quality")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Option<Scalar>, E> {
        Ok(None)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Option<Scalar>, E> {
        Ok(Some(Scalar::Number(Raw::Bool(value))))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Option<Scalar>, E> {
        Ok(Some(Scalar::Number(Raw::Int(value))))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Option<Scalar>, E> {
        Ok(Some(Scalar::Number(i64::try_from(value).map_or(Raw::UInt(value), Raw::Int))))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Option<Scalar>, E> {
        Ok(Some(Scalar::Number(Raw::Float(value))))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Option<Scalar>, E> {
        Ok(Some(Scalar::Text(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Option<Scalar>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Some(Scalar::Other))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Option<Scalar>, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Some(Scalar::Other))
    }
}
