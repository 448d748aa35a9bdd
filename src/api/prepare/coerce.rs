//! Input coercion as the specification has it, for values of variables and for literals of the document: single values become lists, whole
//! numbers become ids, defaults are filled in. Where a value is null it is as if it were absent (in an input object and for an argument).
//!
//! What comes out is plain JSON, enum values as text. Scalars of our own pass as they are: who uses them knows their form.

use std::fmt;

use apollo_compiler::ast::{Argument, InputValueDefinition, Type, Value};
use apollo_compiler::schema::{ExtendedType, InputObjectType};
use apollo_compiler::{Name, Node};
use serde_json::{Map, Number, Value as Json};

use super::schema::{Checker, is_one_of};
use crate::source::did_you_mean;

/// Problems that are collected; what follows is dropped.
const PROBLEMS_MAX: usize = 50;
/// How much of a value a message repeats.
const SHOWN_CHARS: usize = 40;

/// Where in an input a value stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'p> {
    Variable(&'p str),
    Argument(&'p str),
    Key(&'p Place<'p>, &'p str),
    Index(&'p Place<'p>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Variable(name) => write!(f, "${name}"),
            Place::Argument(name) => write!(f, "{name}"),
            Place::Key(parent, name) => write!(f, "{parent}.{name}"),
            Place::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

#[derive(Debug)]
pub(super) struct Problem {
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

/// A wrong value becomes null and a problem.
#[derive(Debug)]
pub(super) struct Coercion<'a> {
    checker: &'a Checker,
    /// Coerced already; those that are absent or null are not in it.
    variables: &'a Map<String, Json>,
    pub(super) problems: Vec<Problem>,
}

impl<'a> Coercion<'a> {
    pub(super) fn new(checker: &'a Checker, variables: &'a Map<String, Json>) -> Coercion<'a> {
        Coercion { checker, variables, problems: Vec::new() }
    }

    /// The value of a variable, as the client sent it.
    pub(super) fn json(&mut self, ty: &Type, value: &Json, place: Place<'_>) -> Json {
        if value.is_null() {
            return self.null(ty, place);
        }
        if ty.is_list() {
            let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            let is_list = value.is_array();
            let place_of = |index| if is_list { Place::Index(&place, index) } else { place };
            return items.iter().enumerate().map(|(index, item)| self.json(ty.item_type(), item, place_of(index))).collect();
        }
        match self.checker.type_of(ty.inner_named_type()) {
            Some(ExtendedType::InputObject(input)) => match value.as_object() {
                Some(given) => self.json_object(input, given, place),
                None => self.mismatch(ty, value, place),
            },
            Some(ExtendedType::Enum(known)) => match value.as_str() {
                Some(text) if known.values.contains_key(text) => value.clone(),
                Some(text) => {
                    let meant = did_you_mean(text, known.values.keys().map(Name::as_str)).map(|meant| format!("did you mean `{meant}`?"));
                    self.problem(format!("`{place}` must be one of `{}`, but is {}", known.name, shown(value)), meant)
                }
                None => self.mismatch(ty, value, place),
            },
            _ => scalar(ty.inner_named_type(), value).unwrap_or_else(|| self.mismatch(ty, value, place)),
        }
    }

    fn json_object(&mut self, input: &InputObjectType, given: &Map<String, Json>, place: Place<'_>) -> Json {
        for key in given.keys().filter(|key| !input.fields.contains_key(key.as_str())) {
            let meant = did_you_mean(key, input.fields.keys().map(Name::as_str)).map(|meant| format!("did you mean `{meant}`?"));
            let key: String = key.chars().take(SHOWN_CHARS).collect();
            self.problem(format!("`{place}` has a field `{key}` that `{}` does not have", input.name), meant);
        }
        let mut object = Map::new();
        for definition in input.fields.values() {
            let value = given.get(definition.name.as_str()).filter(|value| !value.is_null());
            let inner = Place::Key(&place, &definition.name);
            let value = value.map(|value| self.json(&definition.ty, value, inner));
            self.put(&mut object, definition, value, inner);
        }
        self.check_one_of(input, &object, place);
        Json::Object(object)
    }

    /// All arguments of a field or a directive.
    pub(super) fn arguments(&mut self, definitions: &[Node<InputValueDefinition>], arguments: &[Node<Argument>]) -> Map<String, Json> {
        let mut object = Map::new();
        for definition in definitions {
            let given = arguments.iter().find(|argument| argument.name == definition.name);
            let place = Place::Argument(&definition.name);
            let value = given.and_then(|argument| self.given(&definition.ty, &argument.value, place));
            self.put(&mut object, definition, value, place);
        }
        object
    }

    /// A literal that is no null, and no variable that is.
    fn given(&mut self, ty: &Type, value: &Value, place: Place<'_>) -> Option<Json> {
        match value.as_variable() {
            Some(name) => self.variables.get(name.as_str()).cloned(),
            None => (!value.is_null()).then(|| self.literal(ty, value, place)),
        }
    }

    fn put(&mut self, object: &mut Map<String, Json>, definition: &InputValueDefinition, value: Option<Json>, place: Place<'_>) {
        let value = value.or_else(|| definition.default_value.as_ref().and_then(|default| self.given(&definition.ty, default, place)));
        match value {
            Some(value) => {
                object.insert(definition.name.to_string(), value);
            }
            None if definition.ty.is_non_null() => {
                self.problem(format!("`{place}` of type `{}` is required", definition.ty), None);
            }
            None => (),
        }
    }

    /// A literal of the document. That it has the right form was checked with the document.
    pub(super) fn literal(&mut self, ty: &Type, value: &Value, place: Place<'_>) -> Json {
        if let Some(name) = value.as_variable() {
            return self.variables.get(name.as_str()).cloned().unwrap_or_else(|| self.null(ty, place));
        }
        if value.is_null() {
            return self.null(ty, place);
        }
        if ty.is_list() {
            let Some(items) = value.as_list() else { return Json::Array(vec![self.literal(ty.item_type(), value, place)]) };
            let items = items.iter().enumerate();
            return items.map(|(index, item)| self.literal(ty.item_type(), item, Place::Index(&place, index))).collect();
        }
        match (self.checker.type_of(ty.inner_named_type()), value) {
            (Some(ExtendedType::InputObject(input)), Value::Object(fields)) => self.literal_object(input, fields, place),
            (_, Value::Int(digits)) if ty.inner_named_type() == "ID" => Json::from(digits.as_str()),
            (_, value) => self.free_literal(value, place),
        }
    }

    fn literal_object(&mut self, input: &InputObjectType, fields: &[(Name, Node<Value>)], place: Place<'_>) -> Json {
        let mut object = Map::new();
        for definition in input.fields.values() {
            let given = fields.iter().find(|(name, _)| *name == definition.name);
            let inner = Place::Key(&place, &definition.name);
            let value = given.and_then(|(_, value)| self.given(&definition.ty, value, inner));
            self.put(&mut object, definition, value, inner);
        }
        self.check_one_of(input, &object, place);
        Json::Object(object)
    }

    /// By its own form alone.
    fn free_literal(&mut self, value: &Value, place: Place<'_>) -> Json {
        match value {
            Value::Null => Json::Null,
            Value::Variable(name) => self.variables.get(name.as_str()).cloned().unwrap_or_default(),
            Value::Enum(name) => Json::from(name.as_str()),
            Value::String(text) => Json::from(text.as_str()),
            Value::Boolean(value) => Json::from(*value),
            Value::Int(digits) => self.number(digits.as_str(), place),
            Value::Float(digits) => self.number(digits.as_str(), place),
            Value::List(items) => items.iter().map(|item| self.free_literal(item, place)).collect(),
            Value::Object(fields) => {
                let fields = fields.iter().map(|(name, value)| (name.to_string(), self.free_literal(value, place)));
                Json::Object(fields.collect())
            }
        }
    }

    fn number(&mut self, digits: &str, place: Place<'_>) -> Json {
        match digits.parse::<Number>() {
            Ok(number) => Json::Number(number),
            Err(_) => self.problem(format!("`{place}` is a number beyond what can be represented"), None),
        }
    }

    fn null(&mut self, ty: &Type, place: Place<'_>) -> Json {
        if ty.is_non_null() { self.problem(format!("`{place}` of type `{ty}` must not be null"), None) } else { Json::Null }
    }

    fn check_one_of(&mut self, input: &InputObjectType, object: &Map<String, Json>, place: Place<'_>) {
        if is_one_of(input) && object.len() != 1 {
            let names: Vec<&str> = input.fields.keys().map(Name::as_str).collect();
            self.problem(
                format!("`{place}` must have exactly one field of `{}`", input.name),
                Some(format!("fields: {}", names.join(", "))),
            );
        }
    }

    fn mismatch(&mut self, ty: &Type, value: &Json, place: Place<'_>) -> Json {
        self.problem(format!("`{place}` must be of type `{ty}`, but is {}", shown(value)), None)
    }

    fn problem(&mut self, message: String, hint: Option<String>) -> Json {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem { message, hint });
        }
        Json::Null
    }
}

fn scalar(type_name: &Name, value: &Json) -> Option<Json> {
    match type_name.as_str() {
        "Int" => whole(value).filter(|number| i32::try_from(*number).is_ok()).map(Json::from),
        "Float" => value.is_number().then(|| value.clone()),
        "String" => value.is_string().then(|| value.clone()),
        "Boolean" => value.is_boolean().then(|| value.clone()),
        "ID" if value.is_i64() || value.is_u64() => Some(Json::String(value.to_string())),
        "ID" => value.is_string().then(|| value.clone()),
        _ => Some(value.clone()),
    }
}

/// Also of `1.0`: clients without whole numbers send it.
fn whole(value: &Json) -> Option<i64> {
    let exact = |number: f64| (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64);
    value.as_i64().or_else(|| value.as_f64().and_then(exact))
}

fn shown(value: &Json) -> String {
    match value {
        Json::Array(items) => format!("a list of {}", items.len()),
        Json::Object(_) => "an object".to_owned(),
        Json::String(text) if text.chars().nth(SHOWN_CHARS).is_some() => {
            format!("\"{}…\"", text.chars().take(SHOWN_CHARS).collect::<String>())
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => value.to_string(),
    }
}
