//! What a view generates, named to the last field: the generator of the schema walks it and decides no name of its own.

use std::ops::Range;
use std::sync::Arc;

use foldhash::HashMap;

use crate::catalog::Layout;
use crate::reading::unit::Unit;

pub type Name = Arc<str>;

/// One view of the catalog. Indexes in its parts point into its lists.
#[derive(Debug)]
pub struct ViewPlan {
    /// Ancestors before those who inherit from them, then by name.
    pub types: Vec<TypePlan>,
    pub enums: Vec<EnumPlan>,
    pub objects: Vec<ObjectPlan>,
    /// One per kind of quantity in use.
    pub units: Vec<UnitPlan>,
    /// One per relation and type that declares it, and one per inverse and type it stands on.
    pub connections: Vec<ConnectionPlan>,
    pub settings: Vec<SettingPlan>,
    /// The object of a twin none of whose types is generated: it has the fields of `Twin` and no more.
    pub fallback: Name,
    pub(super) by_type: HashMap<Arc<str>, usize>,
}

#[derive(Debug)]
pub struct TypePlan {
    pub layout: Arc<Layout>,
    /// The generated type it extends.
    pub parent: Option<usize>,
    /// Of twins of exactly this type (and of subtypes that are not generated); none if it is abstract.
    pub object: Option<Name>,
    /// If it is abstract or has generated subtypes.
    pub interface: Option<Name>,
    /// The object of twins whose own type is not generated, where this one is abstract.
    pub fallback: Option<Name>,
    /// Every interface of it: its own first, then those of its ancestors, the nearest first. `Node` and `Twin` not included.
    pub interfaces: Vec<Name>,
    pub roots: Roots,
    pub helpers: Helpers,
    /// Inherited ones first, as in the layout.
    pub fields: Vec<FieldPlan>,
    /// Inherited ones first.
    pub relations: Vec<RelationField>,
    /// The values of `Helpers::sort_field`.
    pub sorts: Vec<(Name, SortBy)>,
    /// The values of `Helpers::group_field`, and which of `fields` each is.
    pub groups: Vec<(Name, usize)>,
    /// The values of `Helpers::unset`.
    pub unsets: Vec<(Name, usize)>,
    /// The statistics in `Helpers::aggregate`.
    pub stats: Vec<(Name, usize)>,
}

impl TypePlan {
    /// What root fields, connections and relations are typed with: the interface if there is one.
    pub fn output(&self) -> &Name {
        self.interface.as_ref().or(self.object.as_ref()).unwrap_or(&self.layout.name)
    }

    pub fn name(&self) -> &Arc<str> {
        &self.layout.name
    }
}

/// Root fields. Those of queries and subscriptions are called alike.
#[derive(Debug)]
pub struct Roots {
    pub one: Name,
    pub many: Name,
    pub aggregate: Name,
    /// Abstract types cannot be created.
    pub create: Option<Name>,
    pub update: Name,
    pub update_many: Name,
}

/// The types that come with a type.
#[derive(Debug)]
pub struct Helpers {
    pub connection: Name,
    pub edge: Name,
    pub filter: Name,
    pub list_filter: Name,
    pub sort: Name,
    pub sort_field: Name,
    pub group_by: Name,
    /// None if nothing of it can be grouped by.
    pub group_field: Option<Name>,
    pub patch: Name,
    /// None if nothing of it can be cleared.
    pub unset: Option<Name>,
    pub payload: Name,
    /// The field of the payload that holds the twin.
    pub payload_field: Name,
    pub aggregate: Name,
    pub frame: Name,
    pub create_input: Option<Name>,
}

/// What a page of a type can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortBy {
    Id,
    Name,
    UpdatedAt,
    LastSeen,
    /// Index into `TypePlan::fields`.
    Field(usize),
}

/// A property or telemetry.
#[derive(Debug, Clone)]
pub struct FieldPlan {
    pub name: Name,
    /// Index into `Layout::members`.
    pub member: usize,
    /// The same numbers in all subtypes: what is inherited comes first in a layout.
    pub slots: Range<u16>,
    pub declared_by: Arc<str>,
    pub form: Form,
    pub value: ValuePlan,
    pub unit: UnitArg,
    pub description: Option<String>,
    pub deprecated: Option<String>,
    pub filter: Option<Match>,
    pub is_sortable: bool,
    pub is_groupable: bool,
    /// Has `FloatStats` in aggregates.
    pub has_stats: bool,
    /// How mutations may set it; none for telemetry and for what only devices report.
    pub write: Option<Write>,
    pub is_sensitive: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A property: the bare value, nullable.
    Plain,
    /// Telemetry: value, quality and times, in an object that is always there.
    Reading,
    /// A property with `sync: desired`. Index into `ViewPlan::settings`.
    Setting(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Write {
    /// Must be given at creation: required and without a default.
    pub is_required: bool,
    /// At creation only.
    pub is_immutable: bool,
    /// May be cleared.
    pub is_optional: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValuePlan {
    Scalar(Scalar),
    /// Index into `ViewPlan::enums`.
    Enum(usize),
    /// Index into `ViewPlan::objects`.
    Object(usize),
    /// Of items that are never null.
    List(Box<ValuePlan>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scalar {
    Boolean,
    Int,
    Long,
    Float,
    String,
    Decimal,
    DateTime,
    Date,
    LocalTime,
    Duration,
    Json,
}

impl Scalar {
    pub fn name(self) -> &'static str {
        match self {
            Scalar::Boolean => "Boolean",
            Scalar::Int => "Int",
            Scalar::Long => "Long",
            Scalar::Float => "Float",
            Scalar::String => "String",
            Scalar::Decimal => "Decimal",
            Scalar::DateTime => "DateTime",
            Scalar::Date => "Date",
            Scalar::LocalTime => "LocalTime",
            Scalar::Duration => "Duration",
            Scalar::Json => "JSON",
        }
    }

    /// The core's object for a reading of it. Dates, times of day, durations and decimals are read as the text of their scalar.
    pub fn reading(self) -> &'static str {
        match self {
            Scalar::Boolean => "BooleanReading",
            Scalar::Int => "IntReading",
            Scalar::Long => "LongReading",
            Scalar::Float => "FloatReading",
            Scalar::String | Scalar::Decimal | Scalar::Date | Scalar::LocalTime | Scalar::Duration => "StringReading",
            Scalar::DateTime => "DateTimeReading",
            Scalar::Json => "JSONReading",
        }
    }
}

/// The argument `unit:` of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitArg {
    None,
    /// Index into `ViewPlan::units`.
    Enum(usize),
    /// A composed unit: any text that converts.
    Text,
}

/// The input that filters by a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    Float,
    FloatReading,
    Int,
    Boolean,
    String,
    DateTime,
    /// Index into `ViewPlan::enums`.
    Enum(usize),
    /// By its fields. Index into `ViewPlan::objects`.
    Object(usize),
}

#[derive(Debug)]
pub struct EnumPlan {
    pub name: Name,
    /// If some telemetry has it.
    pub reading: Option<Name>,
    /// If some member can be filtered by it.
    pub filter: Option<Name>,
    /// In the order of the type, so the place is what `Value::Enum` holds. As written, save words that GraphQL keeps for itself.
    pub values: Vec<Name>,
    /// The same as the type has them.
    pub words: Vec<Name>,
}

#[derive(Debug)]
pub struct ObjectPlan {
    pub name: Name,
    pub reading: Option<Name>,
    /// If some leaf can be filtered by.
    pub filter: Option<Name>,
    /// If mutations may set it.
    pub input: Option<Name>,
    pub fields: Vec<ObjectField>,
}

#[derive(Debug)]
pub struct ObjectField {
    pub name: Name,
    /// Counted from the first slot of the object. Empty if the object itself lies inside one slot (in a list or on an edge).
    pub slots: Range<u16>,
    pub value: ValuePlan,
    pub unit: UnitArg,
    pub filter: Option<Match>,
    pub is_required: bool,
}

#[derive(Debug)]
pub struct UnitPlan {
    pub name: Name,
    /// `Temperature`
    pub kind: Box<str>,
    pub values: Vec<(Name, Unit)>,
}

impl UnitPlan {
    pub fn unit(&self, value: &str) -> Option<&Unit> {
        self.values.iter().find(|(name, _)| **name == *value).map(|(_, unit)| unit)
    }
}

/// `StringSetting {reported desired inSync desiredAt reportedAt}`
#[derive(Debug)]
pub struct SettingPlan {
    pub name: Name,
    pub value: ValuePlan,
}

#[derive(Debug, Clone)]
pub struct RelationField {
    /// The relation's name, or that of its inverse.
    pub name: Name,
    /// Index into `ViewPlan::connections`.
    pub connection: usize,
}

/// What a relation leads to, as far as it is generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeRef {
    Twin,
    /// Index into `ViewPlan::types`.
    Type(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Out,
    In,
    /// Of a symmetric relation.
    Both,
}

#[derive(Debug)]
pub struct ConnectionPlan {
    pub name: Name,
    /// Index into `Catalog::relations`.
    pub relation: u16,
    pub way: Way,
    pub node: NodeRef,
    /// What the edges are typed with: the edge of the node's type, or one that carries the relation's properties.
    pub edge: Name,
    /// Set on one connection of all that share the edge: there the edge is to be made.
    pub own_edge: Option<EdgePlan>,
    /// The input that creates an edge together with its source; `contains` and inverses have none.
    pub input: Option<Name>,
}

#[derive(Debug)]
pub struct EdgePlan {
    pub fields: Vec<EdgeField>,
}

#[derive(Debug)]
pub struct EdgeField {
    pub name: Name,
    /// As the relation declares it.
    pub property: Box<str>,
    pub value: ValuePlan,
    pub unit: UnitArg,
    pub is_required: bool,
}

impl ViewPlan {
    pub fn type_plan(&self, type_name: &str) -> Option<&TypePlan> {
        self.by_type.get(type_name).map(|index| &self.types[*index])
    }

    /// The object that shows a twin of this type.
    pub fn object_of(&self, layout: &Layout) -> &Name {
        let mut lineage = std::iter::once(&layout.name).chain(&layout.ancestors);
        let nearest = lineage.find_map(|name| self.type_plan(name));
        nearest.and_then(|plan| plan.object.as_ref().or(plan.fallback.as_ref())).unwrap_or(&self.fallback)
    }

    pub fn node_output(&self, node: NodeRef) -> &str {
        self.helper(node, "Twin", |plan| plan.output())
    }

    pub fn node_connection(&self, node: NodeRef) -> &str {
        self.helper(node, "TwinConnection", |plan| &plan.helpers.connection)
    }

    pub fn node_edge(&self, node: NodeRef) -> &str {
        self.helper(node, "TwinEdge", |plan| &plan.helpers.edge)
    }

    pub fn node_filter(&self, node: NodeRef) -> &str {
        self.helper(node, "TwinWhere", |plan| &plan.helpers.filter)
    }

    pub fn node_list_filter(&self, node: NodeRef) -> &str {
        self.helper(node, "TwinListWhere", |plan| &plan.helpers.list_filter)
    }

    pub fn node_sort(&self, node: NodeRef) -> &str {
        self.helper(node, "TwinSort", |plan| &plan.helpers.sort)
    }

    fn helper<'a>(&'a self, node: NodeRef, core: &'a str, of: impl Fn(&'a TypePlan) -> &'a Name) -> &'a str {
        match node {
            NodeRef::Twin => core,
            NodeRef::Type(index) => of(&self.types[index]),
        }
    }

    /// The type of a bare value, without its `!`. Lists name what they are lists of.
    pub fn value_name<'a>(&'a self, value: &'a ValuePlan) -> &'a str {
        match value {
            ValuePlan::Scalar(scalar) => scalar.name(),
            ValuePlan::Enum(index) => &self.enums[*index].name,
            ValuePlan::Object(index) => &self.objects[*index].name,
            ValuePlan::List(items) => self.value_name(items),
        }
    }

    /// The type of a value in inputs, likewise.
    pub fn input_name<'a>(&'a self, value: &'a ValuePlan) -> &'a str {
        match value {
            ValuePlan::Object(index) => self.objects[*index].input.as_ref().unwrap_or(&self.objects[*index].name),
            ValuePlan::List(items) => self.input_name(items),
            ValuePlan::Scalar(_) | ValuePlan::Enum(_) => self.value_name(value),
        }
    }

    /// The type of a field as clients select it, without its `!`.
    pub fn field_output<'a>(&'a self, field: &'a FieldPlan) -> &'a str {
        match (field.form, &field.value) {
            (Form::Plain, value) => self.value_name(value),
            (Form::Setting(index), _) => &self.settings[index].name,
            (Form::Reading, ValuePlan::Scalar(scalar)) => scalar.reading(),
            (Form::Reading, ValuePlan::Enum(index)) => self.enums[*index].reading.as_deref().unwrap_or("StringReading"),
            (Form::Reading, ValuePlan::Object(index)) => self.objects[*index].reading.as_deref().unwrap_or("JSONReading"),
            (Form::Reading, ValuePlan::List(_)) => "JSONReading",
        }
    }

    pub fn match_name(&self, filter: Match) -> &str {
        match filter {
            Match::Float => "FloatMatch",
            Match::FloatReading => "FloatReadingMatch",
            Match::Int => "IntMatch",
            Match::Boolean => "BooleanMatch",
            Match::String => "StringMatch",
            Match::DateTime => "DateTimeMatch",
            Match::Enum(index) => self.enums[index].filter.as_deref().unwrap_or("StringMatch"),
            Match::Object(index) => self.objects[index].filter.as_deref().unwrap_or("JSON"),
        }
    }
}
