//! A type compiled: every value it can hold is a numbered slot, every name is resolved, every literal is in the slot's unit.
//!
//! A twin is its layout (shared by all twins of the type) and a boxed slice of slots. Nothing below the catalog looks a member up by its text,
//! except the codecs, which must: a payload says names. They use [`FieldTable`].

use std::sync::Arc;
use std::time::Duration;

use regex::Regex;

use crate::reading::unit::Unit;
use crate::reading::{SlotNo, Value};

use super::field_table::FieldTable;
use super::logic::Logic;

/// The most slots of one type; a type with more is refused by the loader.
pub const SLOTS_MAX: usize = 4096;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub major: u32,
    pub minor: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Asset,
    Device,
}

/// One type, ready for use.
#[derive(Debug)]
pub struct Layout {
    pub name: Arc<str>,
    pub version: Version,
    pub kind: Kind,
    pub is_abstract: bool,
    /// Alarms of its twins and of all below them are counted there.
    pub alarm_area: bool,
    /// The type it extends, then that one's parent, and so on; without itself.
    pub ancestors: Box<[Arc<str>]>,
    pub title: Option<String>,
    pub description: Option<String>,
    pub icon: Option<String>,
    /// Inherited first, then in the order of the file. An object or a fixed-size array of numbers gives one slot per leaf (`vibration.x`).
    pub slots: Box<[SlotSpec]>,
    /// Members as the modeller wrote them; each names its slots.
    pub members: Box<[Member]>,
    /// What `pollux/<twin>/telemetry` may carry, by wire name.
    pub telemetry_fields: FieldTable,
    /// What `pollux/<twin>/reported` may carry: properties with `sync: reported` or `desired`, by wire name.
    pub reported_fields: FieldTable,
    /// Inherited ones included.
    pub relations: Box<[RelationRule]>,
    /// What follows from its readings.
    pub logic: Arc<Logic>,
    /// A hash of all of the above that matters to stored twins: the name, the slots, their types and units, in order, and what follows from them.
    pub fingerprint: u64,
}

impl Layout {
    pub fn slot(&self, slot: SlotNo) -> &SlotSpec {
        &self.slots[slot.index()]
    }

    /// By the modeller's path, as in `vibration.x`. For compiling and for people, not for the hot path.
    pub fn slot_by_path(&self, path: &str) -> Option<SlotNo> {
        let index = self.slots.iter().position(|slot| &*slot.path == path)?;
        u16::try_from(index).ok().map(SlotNo)
    }

    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| &*member.name == name)
    }

    /// Whether a twin of this type is also a `type_name`.
    pub fn is_a(&self, type_name: &str) -> bool {
        &*self.name == type_name || self.ancestors.iter().any(|ancestor| &**ancestor == type_name)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Property,
    Telemetry,
    /// It follows from others and cannot be written.
    Computed,
}

impl Section {
    /// Whether it moves by itself, with a time and a quality; a property is set.
    pub fn is_live(self) -> bool {
        self != Section::Property
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Section::Property => "property",
            Section::Telemetry => "telemetry",
            Section::Computed => "computed",
        }
    }
}

/// A property, telemetry or computed value as declared: what people and APIs see, over the slots that hold it.
#[derive(Debug, Clone)]
pub struct Member {
    pub name: Box<str>,
    pub wire: Box<str>,
    pub section: Section,
    pub value_type: ValueType,
    /// First slot and how many; more than one for objects and fixed-size arrays.
    pub slots: std::ops::Range<u16>,
    pub title: Option<String>,
    pub description: Option<String>,
    pub deprecated: Option<String>,
    /// The type that declared it.
    pub declared_by: Arc<str>,
}

/// One leaf that holds one [`Value`].
#[derive(Debug, Clone)]
pub struct SlotSpec {
    /// `temperature`, `vibration.x`, `phases.0`
    pub path: Box<str>,
    /// Index into [`Layout::members`].
    pub member: u16,
    pub section: Section,
    pub value_type: ValueType,
    pub unit: Option<Unit>,
    pub constraints: Constraints,
    pub property: Option<PropertyRules>,
    pub telemetry: Option<TelemetryRules>,
    /// Digits after the point that people want to see.
    pub decimals: Option<u8>,
}

#[derive(Debug, Clone, Default)]
pub struct PropertyRules {
    pub default: Option<Value>,
    pub required: bool,
    pub unique: bool,
    pub immutable: bool,
    pub sensitive: bool,
    pub sync: Sync,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sync {
    #[default]
    None,
    Reported,
    Desired,
}

/// Time rules of a telemetry member (`rules.md`, section 3).
#[derive(Debug, Clone)]
pub struct TelemetryRules {
    pub every: Option<Duration>,
    /// Age after which a reading is stale; `None`: never.
    pub stale: Option<Duration>,
    pub outside: Outside,
    pub duplicates: Duplicates,
    pub max_age: Option<Duration>,
    pub lateness: Duration,
    pub reorder: Duration,
    pub history: History,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outside {
    #[default]
    Bad,
    Reject,
}

/// What a second reading of the same event time with another value does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Duplicates {
    #[default]
    Last,
    First,
    Reject,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum History {
    #[default]
    All,
    Changes,
    None,
}

#[derive(Debug, Clone)]
pub enum ValueType {
    Bool,
    Int,
    Double,
    Decimal,
    String,
    Timestamp,
    Date,
    Time,
    Duration,
    Enum(Arc<[EnumValue]>),
    Geo(Option<GeoKind>),
    Bytes {
        media_type: Option<Box<str>>,
        bytes_max: usize,
    },
    /// The name of a unit; with a kind of quantity if the choice is limited.
    Unit {
        quantity: Option<Box<str>>,
    },
    Json,
    Object(Arc<[Field]>),
    Array(Arc<ArrayType>),
    Map(Arc<MapType>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct EnumValue {
    pub name: Box<str>,
    /// What the wire says for it; the name if nothing else was declared.
    pub wire: EnumWire,
}

#[derive(Debug, Clone, PartialEq)]
pub enum EnumWire {
    Text(Box<str>),
    Int(i64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GeoKind {
    Point,
    LineString,
    Polygon,
    MultiPoint,
    MultiLineString,
    MultiPolygon,
}

/// A leaf inside a structured value: an object's field, an array's items, a map's entries.
#[derive(Debug, Clone)]
pub struct Field {
    pub name: Box<str>,
    pub wire: Box<str>,
    pub required: bool,
    pub value: Leaf,
}

#[derive(Debug, Clone)]
pub struct Leaf {
    pub value_type: ValueType,
    pub unit: Option<Unit>,
    pub constraints: Constraints,
}

#[derive(Debug, Clone)]
pub struct ArrayType {
    pub items: Leaf,
    pub items_min: usize,
    pub items_max: usize,
    pub unique: bool,
}

#[derive(Debug, Clone)]
pub struct MapType {
    pub entries: Leaf,
    pub entries_max: usize,
}

/// In the unit of the leaf they stand on.
#[derive(Debug, Clone, Default)]
pub struct Constraints {
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub exclusive_min: Option<f64>,
    pub exclusive_max: Option<f64>,
    pub multiple_of: Option<f64>,
    pub length_min: Option<usize>,
    pub length_max: Option<usize>,
    /// Anchored as `^(?:…)$`: it matches the whole text.
    pub pattern: Option<Regex>,
    pub format: Option<Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Uri,
    Uuid,
    Email,
    Ipv4,
    Ipv6,
    Hostname,
}

/// What a type says about its outgoing edges of one relation.
#[derive(Debug, Clone)]
pub struct RelationRule {
    /// Index into `Catalog::relations`.
    pub relation: u16,
    pub name: Arc<str>,
    pub to: Targets,
    pub min: u32,
    pub max: Option<u32>,
    pub inverse_min: u32,
    pub inverse_max: Option<u32>,
}

#[derive(Debug, Clone)]
pub enum Targets {
    Any,
    /// Subtypes are meant, too. Cardinality per target type where the modeller wrote one.
    Types(Box<[TargetType]>),
}

#[derive(Debug, Clone)]
pub struct TargetType {
    pub name: Arc<str>,
    pub min: u32,
    pub max: Option<u32>,
}

/// A relation of the workspace: its meaning is the same wherever the name stands.
#[derive(Debug, Clone)]
pub struct Relation {
    pub name: Arc<str>,
    pub inverse: Option<Box<str>>,
    pub hierarchy: bool,
    pub symmetric: bool,
    pub properties: Box<[Field]>,
}
