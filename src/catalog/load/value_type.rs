//! Value types: from `double degC` or a mapping to a [`Leaf`], names of shared types resolved.

use std::collections::HashMap;
use std::sync::Arc;

use crate::catalog::layout::{ArrayType, Constraints, Field, GeoKind, Leaf, MapType, ValueType};
use crate::reading::unit::{Unit, is_quantity_kind, quantity_kinds};
use crate::source::keys::{FIELD, ITEM, SHARED, Section};
use crate::source::{Diagnostic, Diagnostics, Entry, Fields, Node, NodeKind, Span, codes, did_you_mean, expect_mapping, wrong_kind};

use super::applicable::{check_applicable, check_shared};
use super::constraint;
use super::enum_value::enum_values;
use super::files::Files;
use super::names;

/// How deep objects, arrays and maps may lie inside each other.
const NESTING_MAX: usize = 8;
const ITEMS_DEFAULT: usize = 1024;
const ITEMS_MAX: u64 = 1_000_000;
const BYTES_DEFAULT: usize = 1 << 20;
const BYTES_MAX: u64 = 16 << 20;

const PLAIN: &[&str] = &[
    "bool",
    "int",
    "double",
    "decimal",
    "string",
    "timestamp",
    "date",
    "time",
    "duration",
    "enum",
    "geo",
    "bytes",
    "object",
    "array",
    "map",
    "json",
    "unit",
];

/// Reads value types; shared ones are read once, where they stand.
#[derive(Debug)]
pub(super) struct ValueReader<'n> {
    shared: HashMap<&'n str, Shared<'n>>,
    /// In the order in which they were asked for, for drawing rings.
    open: Vec<&'n str>,
    /// The file of shared types cannot be read: any name may be meant.
    is_blind: bool,
}

#[derive(Debug, Clone)]
enum Shared<'n> {
    Unread(&'n Entry),
    Read(Option<Leaf>),
}

/// A member's value and the keys beside it.
pub(super) struct Declared<'n> {
    pub leaf: Leaf,
    /// `None` in the short form.
    pub fields: Option<Fields<'n>>,
}

impl<'n> ValueReader<'n> {
    pub(super) fn new(files: &'n Files, problems: &mut Diagnostics) -> ValueReader<'n> {
        let mut reader = ValueReader { shared: HashMap::new(), open: Vec::new(), is_blind: files.shared_broken };
        let mapping = files.shared.as_ref().and_then(|tree| expect_mapping(&tree.root, "schemas/shared.yaml", problems));
        for entry in mapping.iter().flat_map(|mapping| &mapping.entries).filter(|entry| !entry.key.text.starts_with("x-")) {
            let name = &*entry.key.text;
            if names::is_type_name(name) {
                reader.shared.insert(name, Shared::Unread(entry));
            } else {
                let message = format!("`{name}` is not a name for a shared type: a capital letter, then letters and digits");
                problems.push(Diagnostic::new(&codes::BAD_NAME, entry.key.span, message));
            }
        }
        // In the order of the file, so that each is read even where nothing uses it.
        for entry in mapping.iter().flat_map(|mapping| &mapping.entries) {
            if let Some((name, Shared::Unread(_))) = reader.shared.get_key_value(&*entry.key.text) {
                reader.shared_leaf(name, entry.key.span, problems);
            }
        }
        reader
    }

    /// `node` is the value of a member. What is wrong is reported and gives `None`.
    pub(super) fn read(
        &mut self,
        section: &'static Section,
        node: &'n Node,
        what: &str,
        problems: &mut Diagnostics,
    ) -> Option<Declared<'n>> {
        self.read_at(section, node, what, 1, problems)
    }

    fn read_at(
        &mut self,
        section: &'static Section,
        node: &'n Node,
        what: &str,
        depth: usize,
        problems: &mut Diagnostics,
    ) -> Option<Declared<'n>> {
        if depth > NESTING_MAX + 1 {
            problems.push(Diagnostic::new(&codes::LIMIT, node.span, format!("{what} lies more than {NESTING_MAX} deep")));
            return None;
        }
        if let Some(text) = node.as_text() {
            // The short form: a type and its unit.
            let (name, unit) = text.trim().split_once(char::is_whitespace).unwrap_or((text.trim(), ""));
            let unit = Some(unit.trim()).filter(|unit| !unit.is_empty());
            let leaf = self.leaf(name, node.span, unit.map(|unit| (unit, node.span)), None, what, depth, problems)?;
            return Some(Declared { leaf, fields: None });
        }
        if let NodeKind::Scalar(_) | NodeKind::Sequence(_) = node.kind {
            problems.push(wrong_kind(node, what, "a type as in `double degC`, or a mapping with `type`"));
            return None;
        }
        let fields = Fields::read(section, node, what, problems)?;
        let type_node = fields.require("type", problems)?;
        let name = fields.text("type", problems)?;
        let unit = fields.get("unit").map(|node| fields.text("unit", problems).map(|text| (text, node.span)));
        let has_bad_unit = matches!(unit, Some(None));
        let leaf = self.leaf(name, type_node.span, unit.flatten(), Some(&fields), what, depth, problems)?;
        (!has_bad_unit).then_some(Declared { leaf, fields: Some(fields) })
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one declaration, which exist together only here")]
    fn leaf(
        &mut self,
        name: &str,
        span: Span,
        unit: Option<(&str, Span)>,
        fields: Option<&Fields<'n>>,
        what: &str,
        depth: usize,
        problems: &mut Diagnostics,
    ) -> Option<Leaf> {
        let base = if PLAIN.contains(&name) {
            let value_type = self.value_type(name, span, fields, what, depth, problems);
            check_applicable(name, fields, problems);
            Leaf { value_type: value_type?, unit: None, constraints: Constraints::default() }
        } else {
            let leaf = self.named(name, span, problems)?;
            check_shared(name, type_word(&leaf.value_type), fields, problems);
            leaf
        };
        let unit = match unit {
            // On what is no number the key `unit` has been reported.
            Some(_) if fields.is_some() && !is_numeric(&base.value_type) => None,
            Some((text, span)) => Some(read_unit(text, span, &base, what, problems)?),
            None => base.unit.clone(),
        };
        let mut leaf = Leaf { unit, ..base };
        if let Some(fields) = fields {
            constraint::read(fields, &mut leaf, problems);
        }
        Some(leaf)
    }

    fn named(&mut self, name: &str, span: Span, problems: &mut Diagnostics) -> Option<Leaf> {
        match self.shared.get_key_value(name) {
            Some((name, _)) => {
                let name: &'n str = name;
                self.shared_leaf(name, span, problems)
            }
            None if self.is_blind && names::is_type_name(name) => None,
            None => {
                let known = PLAIN.iter().copied().chain(self.shared.keys().copied());
                let meant = match name {
                    "float" | "number" | "real" => Some("double"),
                    "integer" | "long" => Some("int"),
                    "boolean" => Some("bool"),
                    "text" | "str" => Some("string"),
                    "datetime" | "dateTime" => Some("timestamp"),
                    _ => did_you_mean(name, known),
                };
                let diagnostic = Diagnostic::new(&codes::UNKNOWN_VALUE_TYPE, span, format!("unknown value type `{name}`")).suggest(meant);
                problems.push(diagnostic.help(format!("value types: {}, and the names of schemas/shared.yaml", PLAIN.join(", "))));
                None
            }
        }
    }

    fn shared_leaf(&mut self, name: &'n str, span: Span, problems: &mut Diagnostics) -> Option<Leaf> {
        let entry = match self.shared.get(name)? {
            Shared::Read(leaf) => return leaf.clone(),
            Shared::Unread(entry) => *entry,
        };
        if let Some(begin) = self.open.iter().position(|open| *open == name) {
            let ring: Vec<&str> = self.open[begin..].iter().copied().chain([name]).collect();
            problems.push(Diagnostic::new(&codes::SHARED_CYCLE, span, format!("shared types contain each other: {}", ring.join(" → "))));
            return None;
        }
        self.open.push(name);
        let declared = self.read_at(&SHARED, &entry.value, &format!("shared type `{name}`"), self.open.len(), problems);
        self.open.pop();
        let leaf = declared.map(|declared| declared.leaf);
        self.shared.insert(name, Shared::Read(leaf.clone()));
        leaf
    }

    fn value_type(
        &mut self,
        name: &str,
        span: Span,
        fields: Option<&Fields<'n>>,
        what: &str,
        depth: usize,
        problems: &mut Diagnostics,
    ) -> Option<ValueType> {
        let inside = |key: &str, problems: &mut Diagnostics| {
            let node = fields.and_then(|fields| fields.get(key));
            if node.is_none() {
                problems.push(Diagnostic::new(&codes::BAD_VALUE_TYPE, span, format!("{what} is of type {name} and needs `{key}`")));
            }
            node
        };
        let limit = |key: &str, max: u64, problems: &mut Diagnostics| {
            let written = fields.and_then(|fields| fields.whole(key, max, problems));
            written.and_then(|value| usize::try_from(value).ok())
        };
        Some(match name {
            "bool" => ValueType::Bool,
            "int" => ValueType::Int,
            "double" => ValueType::Double,
            "decimal" => ValueType::Decimal,
            "string" => ValueType::String,
            "timestamp" => ValueType::Timestamp,
            "date" => ValueType::Date,
            "time" => ValueType::Time,
            "duration" => ValueType::Duration,
            "enum" => ValueType::Enum(enum_values(inside("values", problems)?, what, problems)?),
            "geo" => {
                let kind = fields.filter(|fields| fields.get("geo").is_some()).map(|fields| fields.word("geo", GEOMETRIES, problems));
                ValueType::Geo(match kind {
                    None => None,
                    Some(kind) => Some(kind?),
                })
            }
            "bytes" => ValueType::Bytes {
                media_type: fields.and_then(|fields| fields.text("mediaType", problems)).map(Box::from),
                bytes_max: limit("maxBytes", BYTES_MAX, problems).unwrap_or(BYTES_DEFAULT),
            },
            "unit" => ValueType::Unit { quantity: quantity(fields, problems) },
            "object" => {
                let node = inside("fields", problems)?;
                ValueType::Object(self.fields(node, what, depth, problems)?)
            }
            "array" => {
                let node = inside("items", problems)?;
                let items = self.read_at(&ITEM, node, &format!("items of {what}"), depth + 1, problems)?.leaf;
                let items_max = limit("maxItems", ITEMS_MAX, problems).unwrap_or(ITEMS_DEFAULT);
                let items_min = limit("minItems", ITEMS_MAX, problems).unwrap_or(0);
                let unique = fields.and_then(|fields| fields.bool("unique", problems)).unwrap_or(false);
                if items_min > items_max {
                    let message = format!("{what} asks for {items_min} items at least and {items_max} at most");
                    problems.push(Diagnostic::new(&codes::BOUNDS_CROSS, node.span, message));
                    return None;
                }
                ValueType::Array(Arc::new(ArrayType { items, items_min, items_max, unique }))
            }
            "map" => {
                let node = inside("entries", problems)?;
                let entries = self.read_at(&ITEM, node, &format!("entries of {what}"), depth + 1, problems)?.leaf;
                let entries_max = limit("maxItems", ITEMS_MAX, problems).unwrap_or(ITEMS_DEFAULT);
                ValueType::Map(Arc::new(MapType { entries, entries_max }))
            }
            _ => ValueType::Json,
        })
    }

    fn fields(&mut self, node: &'n Node, what: &str, depth: usize, problems: &mut Diagnostics) -> Option<Arc<[Field]>> {
        let mapping = expect_mapping(node, &format!("`fields` of {what}"), problems)?;
        let mut fields: Vec<Field> = Vec::new();
        let mut is_whole = true;
        for entry in mapping.entries.iter().filter(|entry| !entry.key.text.starts_with("x-")) {
            let field = self.field(entry, what, depth, problems);
            is_whole &= field.is_some();
            let Some(field) = field else { continue };
            if fields.iter().any(|other| other.wire == field.wire) {
                let message = format!("`{}` in {what}: two fields are called `{}` in payloads", field.name, field.wire);
                problems.push(Diagnostic::new(&codes::DECLARED_TWICE, entry.key.span, message));
                is_whole = false;
            }
            fields.push(field);
        }
        if mapping.entries.is_empty() {
            problems.push(Diagnostic::new(&codes::BAD_VALUE_TYPE, node.span, format!("{what} has no fields")));
        }
        (is_whole && !fields.is_empty()).then(|| fields.into())
    }

    fn field(&mut self, entry: &'n Entry, what: &str, depth: usize, problems: &mut Diagnostics) -> Option<Field> {
        let name = &*entry.key.text;
        let has_name = names::check_plain(name, entry.key.span, problems);
        let declared = self.read_at(&FIELD, &entry.value, &format!("field `{name}` of {what}"), depth + 1, problems)?;
        let fields = declared.fields.as_ref();
        let required = fields.and_then(|fields| fields.bool("required", problems)).unwrap_or(false);
        let wire = fields.and_then(|fields| fields.text("wire", problems)).unwrap_or(name).into();
        has_name.then(|| Field { name: name.into(), wire, required, value: declared.leaf })
    }

    /// The properties of an edge.
    pub(super) fn edge_properties(&mut self, node: &'n Node, what: &str, problems: &mut Diagnostics) -> Box<[Field]> {
        let Some(mapping) = expect_mapping(node, &format!("`properties` of {what}"), problems) else { return Box::default() };
        let mut fields = Vec::new();
        for entry in mapping.entries.iter().filter(|entry| !entry.key.text.starts_with("x-")) {
            let has_name = names::check_edge_property(&entry.key.text, entry.key.span, problems);
            fields.extend(self.field(entry, what, 0, problems).filter(|_| has_name));
        }
        fields.into()
    }
}

const GEOMETRIES: &[(&str, GeoKind)] = &[
    ("point", GeoKind::Point),
    ("lineString", GeoKind::LineString),
    ("polygon", GeoKind::Polygon),
    ("multiPoint", GeoKind::MultiPoint),
    ("multiLineString", GeoKind::MultiLineString),
    ("multiPolygon", GeoKind::MultiPolygon),
];

pub(super) fn is_numeric(value_type: &ValueType) -> bool {
    matches!(value_type, ValueType::Int | ValueType::Double | ValueType::Decimal)
}

pub(super) fn type_word(value_type: &ValueType) -> &'static str {
    match value_type {
        ValueType::Bool => "bool",
        ValueType::Int => "int",
        ValueType::Double => "double",
        ValueType::Decimal => "decimal",
        ValueType::String => "string",
        ValueType::Timestamp => "timestamp",
        ValueType::Date => "date",
        ValueType::Time => "time",
        ValueType::Duration => "duration",
        ValueType::Enum(_) => "enum",
        ValueType::Geo(_) => "geo",
        ValueType::Bytes { .. } => "bytes",
        ValueType::Unit { .. } => "unit",
        ValueType::Json => "json",
        ValueType::Object(_) => "object",
        ValueType::Array(_) => "array",
        ValueType::Map(_) => "map",
    }
}

fn read_unit(text: &str, span: Span, base: &Leaf, what: &str, problems: &mut Diagnostics) -> Option<Unit> {
    if !is_numeric(&base.value_type) {
        let message = format!("{what} is of type {} and has no unit", type_word(&base.value_type));
        problems.push(Diagnostic::new(&codes::UNIT_ON_OTHER, span, message).help("only int, double and decimal have units"));
        return None;
    }
    match Unit::parse(text) {
        Ok(unit) => match &base.unit {
            Some(own) if *own != unit => {
                let message = format!("{what} has the unit {} from its shared type and {} here", own.symbol(), unit.symbol());
                problems.push(Diagnostic::new(&codes::UNIT_MISMATCH, span, message).help("leave the unit out here"));
                None
            }
            Some(_) | None => Some(unit),
        },
        Err(unknown) => {
            problems.push(unknown_unit(&unknown, span));
            None
        }
    }
}

pub(super) fn unknown_unit(unknown: &crate::reading::unit::UnknownUnit, span: Span) -> Diagnostic {
    let diagnostic = Diagnostic::new(&codes::UNKNOWN_UNIT, span, format!("unknown unit `{}`", unknown.text));
    if unknown.nearest.is_empty() { diagnostic } else { diagnostic.label(format!("did you mean {}?", unknown.nearest.join(", "))) }
}

fn quantity(fields: Option<&Fields<'_>>, problems: &mut Diagnostics) -> Option<Box<str>> {
    let fields = fields?;
    let kind = fields.text("kind", problems)?;
    if !is_quantity_kind(kind) {
        let span = fields.get("kind").map_or(fields.span, |node| node.span);
        let diagnostic = Diagnostic::new(&codes::UNKNOWN_QUANTITY, span, format!("unknown kind of quantity `{kind}`"));
        problems.push(diagnostic.suggest(did_you_mean(kind, quantity_kinds())));
        return None;
    }
    Some(kind.into())
}
