//! A filter as it was asked for, free of layouts: which slots it means is settled for each type apart (`predicate`).

use std::sync::Arc;

use crate::catalog::layout::Kind;
use crate::reading::unit::Unit;
use crate::reading::{Quality, TwinId};

use super::presence::Presence;
use super::text::TextTest;

#[derive(Debug, Clone)]
pub enum Filter {
    /// Of none: everything.
    All(Vec<Filter>),
    /// Of none: nothing.
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Ids(Vec<TwinId>),
    IsA(Vec<Arc<str>>),
    Kind(Kind),
    Name(TextTest),
    External {
        namespace: String,
        value: String,
    },
    Updated(ValueTest),
    /// Some telemetry of the twin is stale.
    Stale(bool),
    /// One of these.
    Presence(Vec<Presence>),
    Path(PathTest),
    Relation(Box<RelationTest>),
    /// The value at a path such as `vibration.x`.
    Value {
        path: Box<str>,
        test: ValueTest,
    },
}

impl Filter {
    pub const EVERYTHING: Filter = Filter::All(Vec::new());

    /// Whether the answer hangs on edges.
    pub fn follows_graph(&self) -> bool {
        self.any(&|filter| matches!(filter, Filter::Path(_) | Filter::Relation(_)))
    }

    /// Whether it may come to match, or to match no more, although nothing happens to the twin: by age, or by a twin it is related to.
    pub fn follows_time(&self) -> bool {
        self.any(&|filter| match filter {
            Filter::Stale(_) | Filter::Presence(_) | Filter::Relation(_) => true,
            Filter::Updated(test) | Filter::Value { test, .. } => test.follows_time(),
            Filter::All(_)
            | Filter::Any(_)
            | Filter::Not(_)
            | Filter::Ids(_)
            | Filter::IsA(_)
            | Filter::Kind(_)
            | Filter::Name(_)
            | Filter::External { .. }
            | Filter::Path(_) => false,
        })
    }

    /// Whether it holds of this filter or of one within it.
    fn any(&self, holds: &dyn Fn(&Filter) -> bool) -> bool {
        let inside = match self {
            Filter::All(filters) | Filter::Any(filters) => filters.iter().any(|filter| filter.any(holds)),
            Filter::Not(filter) => filter.any(holds),
            Filter::Relation(test) => test.quantifiers.iter().any(|quantifier| match quantifier {
                Quantifier::Some(filter) | Quantifier::Every(filter) | Quantifier::None(filter) => filter.any(holds),
                Quantifier::Count(_) => false,
            }),
            Filter::Ids(_)
            | Filter::IsA(_)
            | Filter::Kind(_)
            | Filter::Name(_)
            | Filter::External { .. }
            | Filter::Updated(_)
            | Filter::Stale(_)
            | Filter::Presence(_)
            | Filter::Path(_)
            | Filter::Value { .. } => false,
        };
        inside || holds(self)
    }
}

/// What is asked of one value. All of it must hold.
#[derive(Debug, Clone, Default)]
pub struct ValueTest {
    pub compare: Compare,
    pub is_null: Option<bool>,
    /// One of these.
    pub quality: Option<Vec<Quality>>,
    pub stale: Option<bool>,
    /// In microseconds.
    pub older_than: Option<i64>,
}

impl ValueTest {
    /// Ages grow, and times may have been said as so long ago.
    fn follows_time(&self) -> bool {
        self.stale.is_some() || self.older_than.is_some() || matches!(self.compare, Compare::Time(_))
    }
}

#[derive(Debug, Clone, Default)]
pub enum Compare {
    #[default]
    Nothing,
    /// In the unit of the slot unless another is named.
    Number {
        checks: Vec<Check<f64>>,
        unit: Option<Unit>,
    },
    /// Instants, in microseconds.
    Time(Vec<Check<i64>>),
    Bool(bool),
    /// Values of an enum, by the names of the type.
    Enum(Vec<Check<Box<str>>>),
    Text(TextTest),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Check<T> {
    Eq(T),
    Ne(T),
    In(Vec<T>),
    Gt(T),
    Gte(T),
    Lt(T),
    Lte(T),
}

impl<T: PartialOrd> Check<T> {
    pub fn holds(&self, value: &T) -> bool {
        match self {
            Check::Eq(wanted) => value == wanted,
            Check::Ne(unwanted) => value != unwanted,
            Check::In(wanted) => wanted.contains(value),
            Check::Gt(bound) => value > bound,
            Check::Gte(bound) => value >= bound,
            Check::Lt(bound) => value < bound,
            Check::Lte(bound) => value <= bound,
        }
    }
}

impl<T> Check<T> {
    pub fn map<U>(&self, mut turn: impl FnMut(&T) -> U) -> Check<U> {
        match self {
            Check::Eq(value) => Check::Eq(turn(value)),
            Check::Ne(value) => Check::Ne(turn(value)),
            Check::In(values) => Check::In(values.iter().map(turn).collect()),
            Check::Gt(value) => Check::Gt(turn(value)),
            Check::Gte(value) => Check::Gte(turn(value)),
            Check::Lt(value) => Check::Lt(turn(value)),
            Check::Lte(value) => Check::Lte(turn(value)),
        }
    }
}

#[derive(Debug, Clone)]
pub struct PathTest {
    /// The relation of a hierarchy.
    pub hierarchy: Arc<str>,
    pub eq: Option<String>,
    pub under: Option<String>,
    /// With `under`: how far down at most.
    pub depth: Option<u32>,
}

#[derive(Debug, Clone)]
pub struct RelationTest {
    pub relation: Arc<str>,
    pub way: crate::api::names::Way,
    pub quantifiers: Vec<Quantifier>,
}

#[derive(Debug, Clone)]
pub enum Quantifier {
    Some(Filter),
    Every(Filter),
    None(Filter),
    Count(Vec<Check<f64>>),
}
