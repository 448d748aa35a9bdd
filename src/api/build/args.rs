//! What resolvers are given: coerced arguments, and what is selected below the field.

use serde_json::{Map, Value as Json};

use crate::api::error::ApiError;

/// The arguments of a field: defaults are filled in, single values stand in lists, null is absent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Args {
    pub values: Map<String, Json>,
    /// What is selected below the field, where its declaration asks for it.
    pub selection: Selection,
}

impl Args {
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.values.get(name)
    }

    pub fn take(&mut self, name: &str) -> Option<Json> {
        self.values.remove(name)
    }

    /// A string, an id, an enum value.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Json::as_str)
    }

    /// An `Int` or a `Long`.
    pub fn integer(&self, name: &str) -> Option<i64> {
        self.get(name).and_then(Json::as_i64)
    }

    pub fn number(&self, name: &str) -> Option<f64> {
        self.get(name).and_then(Json::as_f64)
    }

    pub fn boolean(&self, name: &str) -> Option<bool> {
        self.get(name).and_then(Json::as_bool)
    }

    /// The strings of a list; `None` if it is absent.
    pub fn texts(&self, name: &str) -> Option<Vec<&str>> {
        self.get(name).and_then(Json::as_array).map(|items| items.iter().filter_map(Json::as_str).collect())
    }

    /// A required string: the schema lets no request through without it.
    pub fn required_text(&self, name: &str) -> Result<&str, ApiError> {
        self.text(name).ok_or_else(|| missing(name))
    }

    pub fn take_required(&mut self, name: &str) -> Result<Json, ApiError> {
        self.take(name).ok_or_else(|| missing(name))
    }
}

fn missing(name: &str) -> ApiError {
    ApiError::bad_input(format!("the argument `{name}` is required"))
}

/// The fields that a request selects below one, fragments expanded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    pub fields: Vec<Selected>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selected {
    /// The field's name, not its alias.
    pub name: String,
    /// The innermost type a fragment around it names.
    pub on: Option<String>,
    pub below: Selection,
}

impl Selection {
    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name == name)
    }

    /// Everything selected below the fields of that name, of all their copies.
    pub fn below(&self, name: &str) -> Selection {
        Selection { fields: self.fields.iter().filter(|field| field.name == name).flat_map(|field| field.below.fields.clone()).collect() }
    }
}
