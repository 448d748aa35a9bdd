//! Orders: what twins are sorted by, as keys that compare exactly and as numbers that compare nearly and fast.

use std::cmp::Ordering;
use std::sync::Arc;

use rust_decimal::prelude::ToPrimitive;

use crate::catalog::layout::{SlotSpec, ValueType};
use crate::catalog::{CONTAINS, Layout};
use crate::reading::unit::Conversion;
use crate::reading::{SlotNo, Timestamp, Value};
use crate::twin::State;
use crate::view::{ColumnKey, Word, prefix};

use super::Access;
use super::presence::Presence;
use super::sets::path_of;

/// By these keys, then by id. Of none: by id.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Order {
    pub keys: Vec<SortKey>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct SortKey {
    pub of: SortOf,
    pub is_descending: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum SortOf {
    Id,
    Name,
    Type,
    /// In the primary hierarchy.
    Path,
    Updated,
    LastSeen,
    Presence,
    /// The value at a path; enums in the order of their type.
    Value(Box<str>),
}

/// One value to sort by.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Key {
    Int(i64),
    Float(f64),
    Text(Arc<str>),
    /// Last, in both directions.
    Missing,
}

impl Key {
    fn cmp(&self, other: &Key, is_descending: bool) -> Ordering {
        let order = match (self, other) {
            (Key::Missing, Key::Missing) => return Ordering::Equal,
            (Key::Missing, _) => return Ordering::Greater,
            (_, Key::Missing) => return Ordering::Less,
            (Key::Int(a), Key::Int(b)) => a.cmp(b),
            (Key::Float(a), Key::Float(b)) => a.total_cmp(b),
            (Key::Int(a), Key::Float(b)) => (*a as f64).total_cmp(b),
            (Key::Float(a), Key::Int(b)) => a.total_cmp(&(*b as f64)),
            (Key::Text(a), Key::Text(b)) => a.cmp(b),
            (Key::Int(_) | Key::Float(_), Key::Text(_)) => Ordering::Less,
            (Key::Text(_), Key::Int(_) | Key::Float(_)) => Ordering::Greater,
        };
        if is_descending { order.reverse() } else { order }
    }
}

/// How the values of one key compare, over all types that are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    Int,
    Float,
    Text,
    /// Numbers of one type and texts of another, or what no column holds: nearness says nothing.
    Mixed,
}

/// Numbers for the first two keys: whoever has the smaller ones comes first; of those who have the same any may come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Near(pub(super) u64, pub(super) u64);

impl Near {
    pub(super) const FIRST: Near = Near(0, 0);
    pub(super) const LAST: Near = Near(u64::MAX, u64::MAX);
}

/// An order settled for the types that are looked at.
#[derive(Debug)]
pub(super) struct Settled {
    keys: Vec<SettledKey>,
}

#[derive(Debug)]
struct SettledKey {
    of: SortOf,
    is_descending: bool,
    scale: Scale,
    /// What numbers of types with other units are turned into.
    unit: Option<crate::reading::unit::Unit>,
}

/// One key of an order for twins of one layout.
#[derive(Debug)]
struct OwnKey {
    of: OwnOf,
    is_descending: bool,
    scale: Scale,
    conversion: Option<Conversion>,
}

#[derive(Debug)]
enum OwnOf {
    Id,
    Name,
    Type(Arc<str>),
    Path,
    Updated,
    LastSeen,
    Presence,
    Slot(SlotNo),
    /// The type has no such value, or the caller may not see it.
    Nothing,
}

/// An order for twins of one layout.
#[derive(Debug)]
pub(super) struct OwnOrder {
    keys: Vec<OwnKey>,
}

impl Settled {
    pub(super) fn new<'l>(order: &Order, layouts: impl Iterator<Item = &'l Arc<Layout>> + Clone) -> Settled {
        // No two twins have one id: what comes after it decides nothing.
        let used = order.keys.iter().position(|key| key.of == SortOf::Id).map_or(order.keys.len(), |place| place + 1);
        let settle = |key: &SortKey| {
            let specs = || layouts.clone().filter_map(|layout| spec(layout, &key.of));
            let scale = match key.of {
                SortOf::Name | SortOf::Type => Scale::Text,
                SortOf::Id | SortOf::Path | SortOf::Presence => Scale::Mixed,
                SortOf::Updated | SortOf::LastSeen => Scale::Int,
                SortOf::Value(_) => common_scale(specs()),
            };
            let unit = specs().find_map(|spec| spec.unit.clone());
            // In a type's own unit whole numbers stay whole; turned into another they do not.
            let scale = match (&unit, scale) {
                (Some(unit), Scale::Int) if specs().any(|spec| spec.unit.as_ref() != Some(unit)) => Scale::Float,
                (_, scale) => scale,
            };
            SettledKey { of: key.of.clone(), is_descending: key.is_descending, scale, unit }
        };
        Settled { keys: order.keys[..used].iter().map(settle).collect() }
    }

    /// By id alone, upwards.
    pub(super) fn is_by_id(&self) -> bool {
        match self.keys.first() {
            None => true,
            Some(key) => key.of == SortOf::Id && !key.is_descending,
        }
    }

    pub(super) fn of(&self, access: &Access<'_>, layout: &Layout) -> OwnOrder {
        let own = |key: &SettledKey| {
            let of = match &key.of {
                SortOf::Id => OwnOf::Id,
                SortOf::Name => OwnOf::Name,
                SortOf::Type => OwnOf::Type(layout.name.clone()),
                SortOf::Path => OwnOf::Path,
                SortOf::Updated => OwnOf::Updated,
                SortOf::LastSeen => OwnOf::LastSeen,
                SortOf::Presence => OwnOf::Presence,
                SortOf::Value(path) => {
                    let slot = layout.slot_by_path(path).filter(|slot| {
                        let is_sensitive = layout.slot(*slot).property.as_ref().is_some_and(|rules| rules.sensitive);
                        access.sees_sensitive || !is_sensitive
                    });
                    slot.map_or(OwnOf::Nothing, OwnOf::Slot)
                }
            };
            let own_unit = spec_of(layout, &of).and_then(|spec| spec.unit.as_ref());
            let conversion = match (own_unit, &key.unit) {
                (Some(own), Some(unit)) if own != unit => own.conversion_to(unit),
                (_, _) => None,
            };
            OwnKey { of, is_descending: key.is_descending, scale: key.scale, conversion }
        };
        OwnOrder { keys: self.keys.iter().map(own).collect() }
    }

    pub(super) fn cmp(&self, a: &[Key], b: &[Key]) -> Ordering {
        let each = self.keys.iter().zip(a.iter().zip(b));
        each.map(|(key, (a, b))| a.cmp(b, key.is_descending)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Where keys stand, nearly: see [`Near`].
    pub(super) fn near(&self, keys: &[Key]) -> Near {
        let one = |index: usize| match (self.keys.get(index), keys.get(index)) {
            (Some(settled), Some(key)) => near(key, settled.scale, settled.is_descending),
            (_, _) => 0,
        };
        let first = one(0);
        Near(first, if self.tells_apart(0, first) { one(1) } else { 0 })
    }

    /// Whether twins that stand equally near by this key have the same key.
    fn tells_apart(&self, index: usize, near: u64) -> bool {
        self.keys.get(index).is_none_or(|key| matches!(key.scale, Scale::Int | Scale::Float) && near != LAST)
    }

    /// Whether twins that stand there have all keys in common, so that only their ids order them.
    pub(super) fn is_exact(&self, near: Near) -> bool {
        self.keys.len() <= 2 && self.tells_apart(0, near.0) && self.tells_apart(1, near.1)
    }
}

fn spec<'l>(layout: &'l Layout, of: &SortOf) -> Option<&'l SlotSpec> {
    match of {
        SortOf::Value(path) => layout.slot_by_path(path).map(|slot| layout.slot(slot)),
        SortOf::Id | SortOf::Name | SortOf::Type | SortOf::Path | SortOf::Updated | SortOf::LastSeen | SortOf::Presence => None,
    }
}

fn spec_of<'l>(layout: &'l Layout, of: &OwnOf) -> Option<&'l SlotSpec> {
    match of {
        OwnOf::Slot(slot) => Some(layout.slot(*slot)),
        OwnOf::Id | OwnOf::Name | OwnOf::Type(_) | OwnOf::Path | OwnOf::Updated | OwnOf::LastSeen | OwnOf::Presence | OwnOf::Nothing => {
            None
        }
    }
}

fn common_scale<'s>(specs: impl Iterator<Item = &'s SlotSpec>) -> Scale {
    let own = |spec: &SlotSpec| match &spec.value_type {
        ValueType::Double | ValueType::Decimal => Scale::Float,
        ValueType::String | ValueType::Unit { .. } => Scale::Text,
        ValueType::Bool
        | ValueType::Int
        | ValueType::Timestamp
        | ValueType::Date
        | ValueType::Time
        | ValueType::Duration
        | ValueType::Enum(_)
        | ValueType::Geo(_)
        | ValueType::Bytes { .. }
        | ValueType::Json
        | ValueType::Object(_)
        | ValueType::Array(_)
        | ValueType::Map(_) => Scale::Int,
    };
    let both = |a: Scale, b: Scale| match (a, b) {
        (a, b) if a == b => a,
        (Scale::Int, Scale::Float) | (Scale::Float, Scale::Int) => Scale::Float,
        (_, _) => Scale::Mixed,
    };
    specs.map(own).reduce(both).unwrap_or(Scale::Int)
}

impl OwnOrder {
    pub(super) fn keys(&self, access: &Access<'_>, state: &State) -> Vec<Key> {
        self.keys.iter().map(|key| key.of(access, state)).collect()
    }

    /// How twins are placed nearly without a look at them: what columns it takes, and what to make of their entries.
    pub(super) fn guess<'o>(&'o self, layout: &'o Layout) -> Guess<'o> {
        let mut columns = Vec::new();
        let mut one = |key: &'o OwnKey| match &key.of {
            OwnOf::Type(name) => Part::Known(near(&Key::Text(name.clone()), key.scale, key.is_descending)),
            OwnOf::Nothing => Part::Known(near(&Key::Missing, key.scale, key.is_descending)),
            OwnOf::Path | OwnOf::Presence | OwnOf::Id => Part::Known(0),
            OwnOf::Name | OwnOf::Updated | OwnOf::LastSeen | OwnOf::Slot(_) => {
                columns.extend(key.column());
                Part::Column { place: columns.len() - 1, key, value: spec_of(layout, &key.of).map(|spec| &spec.value_type) }
            }
        };
        let parts = [0, 1].map(|index| self.keys.get(index).map_or(Part::Known(0), &mut one));
        let has_second = self.keys.first().is_none_or(|key| matches!(key.scale, Scale::Int | Scale::Float));
        Guess { columns, parts, has_second }
    }
}

/// See [`OwnOrder::guess`].
#[derive(Debug)]
pub(super) struct Guess<'o> {
    pub(super) columns: Vec<ColumnKey>,
    parts: [Part<'o>; 2],
    /// The first key tells twins apart, save at its very end.
    has_second: bool,
}

#[derive(Debug)]
enum Part<'o> {
    Known(u64),
    Column { place: usize, key: &'o OwnKey, value: Option<&'o ValueType> },
}

impl Guess<'_> {
    /// As [`Settled::near`].
    pub(super) fn near(&self, word: &dyn Fn(usize) -> Word) -> Near {
        let first = self.parts[0].near(word);
        Near(first, if self.has_second && first != LAST { self.parts[1].near(word) } else { 0 })
    }
}

impl Part<'_> {
    fn near(&self, word: &dyn Fn(usize) -> Word) -> u64 {
        let (place, key, value) = match self {
            Part::Known(near) => return *near,
            Part::Column { place, key, value } => (*place, *key, *value),
        };
        let word = word(place);
        let number = match value {
            _ if !word.has_value() => Key::Missing,
            Some(ValueType::Double | ValueType::Decimal) => Key::Float(f64::from_bits(word.bits)),
            Some(ValueType::String | ValueType::Unit { .. }) => return near_of_prefix(word.bits, key.scale, key.is_descending),
            None if matches!(key.of, OwnOf::Name) => return near_of_prefix(word.bits, key.scale, key.is_descending),
            Some(_) | None => Key::Int(word.bits as i64),
        };
        near(&key.scaled(number), key.scale, key.is_descending)
    }
}

impl OwnKey {
    fn column(&self) -> Option<ColumnKey> {
        match self.of {
            OwnOf::Name => Some(ColumnKey::Name),
            OwnOf::Updated => Some(ColumnKey::Updated),
            OwnOf::LastSeen => Some(ColumnKey::LastSeen),
            OwnOf::Slot(slot) => Some(ColumnKey::Slot(slot)),
            OwnOf::Id | OwnOf::Type(_) | OwnOf::Path | OwnOf::Presence | OwnOf::Nothing => None,
        }
    }

    fn of(&self, access: &Access<'_>, state: &State) -> Key {
        match &self.of {
            OwnOf::Id => Key::Text(Arc::from(state.id.as_str())),
            OwnOf::Name => Key::Text(state.name.clone()),
            OwnOf::Type(name) => Key::Text(name.clone()),
            OwnOf::Path => Key::Text(Arc::from(path_of(access, state.no, CONTAINS))),
            OwnOf::Updated => Key::Int(state.updated.0),
            OwnOf::LastSeen => state.last_seen().map_or(Key::Missing, |seen| Key::Int(seen.0)),
            OwnOf::Presence => Key::Int(Presence::of(state, access.now) as i64),
            OwnOf::Slot(slot) => state.slot(*slot).value.as_ref().map_or(Key::Missing, |value| self.scaled(key_of(value))),
            OwnOf::Nothing => Key::Missing,
        }
    }

    fn scaled(&self, key: Key) -> Key {
        let key = match (key, self.scale) {
            (Key::Int(value), Scale::Float | Scale::Mixed) => Key::Float(value as f64),
            (key, _) => key,
        };
        match (key, &self.conversion) {
            (Key::Float(value), Some(conversion)) => Key::Float(conversion.apply(value)),
            (key, _) => key,
        }
    }
}

fn key_of(value: &Value) -> Key {
    match value {
        Value::Bool(value) => Key::Int(i64::from(*value)),
        Value::Int(value) | Value::Time(value) | Value::Duration(value) | Value::Timestamp(Timestamp(value)) => Key::Int(*value),
        Value::Double(value) => Key::Float(*value),
        Value::Decimal(value) => value.to_f64().map_or(Key::Missing, Key::Float),
        Value::Text(text) => Key::Text(text.clone()),
        Value::Date(days) => Key::Int(i64::from(*days)),
        Value::Enum(place) => Key::Int(i64::from(*place)),
        Value::Bytes(_) | Value::Json(_) => Key::Int(0),
    }
}

/// The largest number of something that is there.
const LAST: u64 = u64::MAX - 1;

fn near(key: &Key, scale: Scale, is_descending: bool) -> u64 {
    if scale == Scale::Mixed {
        return if *key == Key::Missing { u64::MAX } else { 0 };
    }
    let up = match key {
        Key::Missing => return u64::MAX,
        Key::Int(value) => (*value as u64) ^ (1 << 63),
        Key::Float(value) => {
            let bits = value.to_bits();
            if bits >> 63 == 1 { !bits } else { bits | (1 << 63) }
        }
        Key::Text(text) => prefix(text),
    };
    if is_descending { (!up).min(LAST) } else { up.min(LAST) }
}

fn near_of_prefix(prefix: u64, scale: Scale, is_descending: bool) -> u64 {
    match (scale, is_descending) {
        (Scale::Mixed, _) => 0,
        (_, true) => (!prefix).min(LAST),
        (_, false) => prefix.min(LAST),
    }
}
