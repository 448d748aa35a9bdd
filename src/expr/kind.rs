//! What a value of an expression is: its kind, its unit, and how people want to see it.

use std::fmt;
use std::sync::Arc;

use crate::reading::unit::Unit;

use super::measure::Measure;

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Bool,
    Int,
    Double,
    Text,
    Timestamp,
    Duration,
    /// The names, in the order of the type: a value is the place of its name.
    Enum(Arc<[Box<str>]>),
    List(Arc<ListKind>),
    /// Names to values of one kind.
    Map(Arc<Shape>),
    Object(Arc<[(Box<str>, Shape)]>),
    /// A GeoJSON geometry.
    Geo,
    /// Free JSON: nothing is known of it before it is read.
    Any,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ListKind {
    pub items: Shape,
    /// How many there can be, where the type says so.
    pub items_max: Option<u16>,
}

/// The kind of a value, with its unit if it is a number that has one.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    pub kind: Kind,
    pub(super) measure: Option<Measure>,
    /// A quotient of two of a kind, in ones: a bare number that can become a percentage.
    pub(super) is_share: bool,
    /// Digits after the point that people want to see.
    pub decimals: Option<u8>,
}

impl Shape {
    pub fn new(kind: Kind) -> Shape {
        Shape { kind, measure: None, is_share: false, decimals: None }
    }

    pub fn number(unit: Option<Unit>) -> Shape {
        Shape::new(Kind::Double).with_unit(unit)
    }

    pub fn list(items: Shape, items_max: Option<u16>) -> Shape {
        Shape::new(Kind::List(Arc::new(ListKind { items, items_max })))
    }

    #[must_use]
    pub fn with_unit(mut self, unit: Option<Unit>) -> Shape {
        self.measure = unit.map(Measure::of);
        self
    }

    #[must_use]
    pub fn with_decimals(mut self, decimals: Option<u8>) -> Shape {
        self.decimals = decimals;
        self
    }

    #[must_use]
    pub(super) fn shared(mut self, is_share: bool) -> Shape {
        self.is_share = is_share && self.measure.is_none();
        self
    }

    #[must_use]
    pub(super) fn measured(mut self, measure: Option<Measure>) -> Shape {
        self.measure = measure;
        self
    }

    pub fn unit(&self) -> Option<&Unit> {
        self.measure.as_ref().map(|measure| &measure.unit)
    }

    pub fn is_number(&self) -> bool {
        matches!(self.kind, Kind::Int | Kind::Double)
    }
}

impl Kind {
    /// For messages: `a double`, `text`.
    pub(super) fn describe(&self) -> &'static str {
        match self {
            Kind::Bool => "a bool",
            Kind::Int => "an int",
            Kind::Double => "a double",
            Kind::Text => "text",
            Kind::Timestamp => "a timestamp",
            Kind::Duration => "a duration",
            Kind::Enum(_) => "an enum",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
            Kind::Object(_) => "an object",
            Kind::Geo => "a geometry",
            Kind::Any => "free JSON",
        }
    }
}

/// `a double (degC)`
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.unit() {
            Some(unit) => write!(f, "{} ({unit})", self.kind.describe()),
            None => f.write_str(self.kind.describe()),
        }
    }
}
