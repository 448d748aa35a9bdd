//! What an operation costs before it runs: weight + multiplier × cost of what is selected below.
//!
//! A leaf weighs nothing, an object 1, a page 5; the schema builder says which fields weigh more. The multiplier is `first`, `limit` or the
//! number of `ids`, else 10 for a list; a list directly within a page is multiplied by the page already. What is selected in fragments of
//! different types is added up, although an object has one type only: the cost is a bound.

use std::collections::HashMap;

use apollo_compiler::ast::FieldDefinition;
use serde_json::{Map, Value as Json};

use super::schema::Checker;

const LEAF: u64 = 0;
const OBJECT: u64 = 1;
const PAGE: u64 = 5;
/// Of lists whose length nobody said.
const LIST: u64 = 10;
/// A subscription of more frames per second costs more.
const FREE_RATE_HZ: f64 = 4.0;

/// What a field costs by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weight {
    pub base: u64,
    /// The weight counts once for each item of this argument.
    pub per_item_of: Option<&'static str>,
}

impl Weight {
    pub const SEARCH: Weight = Weight { base: 20, per_item_of: None };
    pub const EXPLAIN: Weight = Weight { base: 20, per_item_of: None };
    /// Of one series, the reading it is asked of.
    pub const SERIES: Weight = Weight { base: 20, per_item_of: None };
    /// Of the named properties of a twin.
    pub const HISTORY: Weight = Weight { base: 20, per_item_of: Some("properties") };
    pub const ANALYTICS: Weight = Weight { base: 200, per_item_of: None };
}

/// Fields whose weight does not follow from their type.
#[derive(Debug, Clone, Default)]
pub struct Weights {
    fields: HashMap<String, HashMap<String, Weight>>,
}

impl Weights {
    pub fn new() -> Weights {
        Weights::default()
    }

    /// For an interface too: a field of it is asked of the interface.
    pub fn set(&mut self, type_name: &str, field: &str, weight: Weight) {
        self.fields.entry(type_name.to_owned()).or_default().insert(field.to_owned(), weight);
    }

    fn get(&self, type_name: &str, field: &str) -> Option<Weight> {
        self.fields.get(type_name)?.get(field).copied()
    }
}

/// Of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    pub cost: u64,
    pub limit: u64,
    /// Fields that nest, without introspection.
    pub depth: u64,
    pub fields: u64,
}

/// What the children of a field are multiplied with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Multiplier {
    factor: u64,
    /// The field is a page: its lists have been counted.
    pub(super) is_page: bool,
}

pub(super) fn multiplier(definition: &FieldDefinition, arguments: &Map<String, Json>, is_in_page: bool) -> Multiplier {
    let said = ["first", "limit"].iter().find_map(|name| arguments.get(*name)).and_then(Json::as_i64);
    let said = said.map(|count| u64::try_from(count).unwrap_or_default());
    let ids = || arguments.get("ids").and_then(Json::as_array).map(|ids| ids.len() as u64);
    match said.or_else(ids) {
        Some(factor) => Multiplier { factor, is_page: !definition.ty.is_list() },
        None if definition.ty.is_list() && !is_in_page => Multiplier { factor: LIST, is_page: false },
        None => Multiplier { factor: 1, is_page: false },
    }
}

/// A field of `parent` with everything below it.
pub(super) fn field(
    checker: &Checker,
    parent: &str,
    definition: &FieldDefinition,
    arguments: &Map<String, Json>,
    multiplier: Multiplier,
    below: u64,
) -> u64 {
    if definition.name.starts_with("__") {
        return 0;
    }
    let weight = match checker.weights.get(parent, &definition.name) {
        Some(Weight { base, per_item_of }) => {
            let items = per_item_of.and_then(|name| arguments.get(name)).and_then(Json::as_array);
            base.saturating_mul(items.map_or(1, |items| items.len() as u64))
        }
        None if checker.is_leaf(&definition.ty) => LEAF,
        None if definition.ty.inner_named_type().ends_with("Connection") => PAGE,
        None => OBJECT,
    };
    weight.saturating_add(multiplier.factor.saturating_mul(below))
}

/// A subscription costs more the more often it may send.
pub(super) fn at_rate(cost: u64, rate_hz: Option<f64>) -> u64 {
    let factor = (rate_hz.unwrap_or_default() / FREE_RATE_HZ).max(1.0);
    (cost as f64 * factor).ceil() as u64
}
