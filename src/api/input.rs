//! Arguments as resolvers get them: coerced as the specification says, which the executing library does not.
//!
//! Single values are put into lists, defaults of input objects are filled in, null is absent, enums and ids are strings, a `Long` is a number.
//! What does not fit is the caller's mistake and named with its place.

use std::collections::{HashMap, HashSet};
use std::fmt;

use async_graphql::Value;
use serde_json::{Map, Number, Value as Json};

use crate::api::build::{ArgDef, Kind, ScalarCheck, Ty, TypeDef};
use crate::api::error::ApiError;

/// All types that arguments may have, by name.
#[derive(Debug, Default)]
pub struct Inputs {
    types: HashMap<String, InputType>,
}

#[derive(Debug)]
enum InputType {
    Custom(ScalarCheck),
    Enum(HashSet<String>),
    Object { fields: Vec<ArgDef>, one_of: bool },
}

impl Inputs {
    pub fn new<'a>(types: impl Iterator<Item = &'a TypeDef>) -> Inputs {
        let known = types.filter_map(|ty| {
            let input = match &ty.kind {
                Kind::Scalar(check) => InputType::Custom(*check),
                Kind::Enum(values) => InputType::Enum(values.iter().map(|value| value.name.clone()).collect()),
                Kind::Input { fields, one_of } => InputType::Object { fields: fields.clone(), one_of: *one_of },
                Kind::Interface(_) | Kind::Object(_) | Kind::Streams(_) => return None,
            };
            Some((ty.name.clone(), input))
        });
        Inputs { types: known.collect() }
    }

    /// The arguments of a field, or the fields of an input object.
    pub fn coerce<'v>(&self, args: &[ArgDef], given: impl Fn(&str) -> Option<&'v Value>) -> Result<Map<String, Json>, ApiError> {
        self.all(args, given, None).map_err(|misfit| ApiError::bad_input(format!("`{}`: {}", misfit.place, misfit.message)))
    }

    fn all<'v>(
        &self,
        args: &[ArgDef],
        given: impl Fn(&str) -> Option<&'v Value>,
        parent: Option<&Place<'_>>,
    ) -> Result<Map<String, Json>, Misfit> {
        let mut coerced = Map::new();
        for arg in args {
            let place = Place { parent, step: Step::Key(&arg.name) };
            let value = match given(&arg.name) {
                Some(value) => self.one(&arg.ty, value, &place)?,
                None => None,
            };
            let value = match (value, &arg.default) {
                (None, Some(default)) => self.one(&arg.ty, default, &place)?,
                (value, _) => value,
            };
            match value {
                Some(value) => {
                    coerced.insert(arg.name.clone(), value);
                }
                None if arg.ty.is_non_null() => return Err(place.misfit("is required")),
                None => {}
            }
        }
        Ok(coerced)
    }

    /// Checks that a default fits its type.
    pub fn check_default(&self, arg: &ArgDef) -> Result<(), String> {
        let place = Place { parent: None, step: Step::Key(&arg.name) };
        let Some(default) = &arg.default else { return Ok(()) };
        self.one(&arg.ty, default, &place)
            .map(|_| ())
            .map_err(|misfit| format!("its default does not fit: `{}` {}", misfit.place, misfit.message))
    }

    fn one(&self, ty: &Ty, value: &Value, place: &Place<'_>) -> Result<Option<Json>, Misfit> {
        if matches!(value, Value::Null) {
            return Ok(None);
        }
        match (ty.nullable(), value) {
            (Ty::List(item), Value::List(values)) => {
                let mut coerced = Vec::with_capacity(values.len());
                for (index, value) in values.iter().enumerate() {
                    let place = Place { parent: Some(place), step: Step::Index(index) };
                    match self.one(item, value, &place)? {
                        Some(value) => coerced.push(value),
                        None if item.is_non_null() => return Err(place.misfit("must not be null")),
                        None => {}
                    }
                }
                Ok(Some(Json::Array(coerced)))
            }
            (Ty::List(item), value) => Ok(self.one(item, value, place)?.map(|value| Json::Array(vec![value]))),
            (Ty::Named(name), value) => self.named(name, value, place).map(Some),
            (Ty::NonNull(inner), value) => self.one(inner, value, place),
        }
    }

    fn named(&self, name: &str, value: &Value, place: &Place<'_>) -> Result<Json, Misfit> {
        match name {
            "Int" => whole(value).filter(|whole| i32::try_from(*whole).is_ok()).map(Json::from),
            "Float" => number(value).map(|number| Json::Number(number.clone())),
            "Boolean" => {
                if let Value::Boolean(value) = value {
                    Some(Json::Bool(*value))
                } else {
                    None
                }
            }
            "String" => text(value).map(Json::from),
            "ID" => text(value).map(Json::from).or_else(|| whole(value).map(|whole| Json::String(whole.to_string()))),
            _ => return self.declared(name, value, place),
        }
        .ok_or_else(|| place.misfit(&format!("must be of the type {name}")))
    }

    fn declared(&self, name: &str, value: &Value, place: &Place<'_>) -> Result<Json, Misfit> {
        match self.types.get(name) {
            Some(InputType::Custom(check)) => {
                let json = value.clone().into_json().map_err(|_| place.misfit("cannot be written as JSON"))?;
                check(json).map_err(|problem| place.misfit(&problem))
            }
            Some(InputType::Enum(values)) => {
                let chosen = if let Value::Enum(chosen) = value { Some(chosen.as_str()) } else { text(value) };
                let chosen = chosen.filter(|chosen| values.contains(*chosen));
                chosen.map(Json::from).ok_or_else(|| place.misfit(&format!("must be a value of the enum {name}")))
            }
            Some(InputType::Object { fields, one_of }) => self.object(name, fields, *one_of, value, place),
            None => Err(place.misfit(&format!("has the type {name}, which takes no input"))),
        }
    }

    fn object(&self, name: &str, fields: &[ArgDef], one_of: bool, value: &Value, place: &Place<'_>) -> Result<Json, Misfit> {
        let Value::Object(given) = value else { return Err(place.misfit(&format!("must be an object of the type {name}"))) };
        if let Some(unknown) = given.keys().find(|key| !fields.iter().any(|field| field.name == key.as_str())) {
            let place = Place { parent: Some(place), step: Step::Key(unknown) };
            return Err(place.misfit(&format!("is no field of {name}")));
        }
        let coerced = self.all(fields, |key| given.get(key), Some(place))?;
        if one_of && coerced.len() != 1 {
            let fields = fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>().join(", ");
            return Err(place.misfit(&format!("must have exactly one of {fields}")));
        }
        Ok(Json::Object(coerced))
    }
}

fn text(value: &Value) -> Option<&str> {
    if let Value::String(text) = value { Some(text) } else { None }
}

fn number(value: &Value) -> Option<&Number> {
    if let Value::Number(number) = value { Some(number) } else { None }
}

/// Also `5.0`: languages with one number type send it.
fn whole(value: &Value) -> Option<i64> {
    let number = number(value)?;
    #[expect(clippy::cast_possible_truncation, reason = "it has no fraction and lies within the bounds")]
    number.as_i64().or_else(|| number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < 9e15).map(|float| float as i64))
}

#[derive(Debug)]
struct Misfit {
    place: String,
    message: String,
}

/// A place in the input; it costs nothing until it must be told.
struct Place<'a> {
    parent: Option<&'a Place<'a>>,
    step: Step<'a>,
}

enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

impl Place<'_> {
    fn misfit(&self, message: &str) -> Misfit {
        Misfit { place: self.to_string(), message: message.to_owned() }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Key(key) if self.parent.is_some() => write!(f, ".{key}"),
            Step::Key(key) => f.write_str(key),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}
