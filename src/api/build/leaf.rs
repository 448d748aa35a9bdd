//! From what a resolver gives back to what the executing library takes, checked against the type of the field: the library takes anything for
//! a scalar, and lets null pass where it must not.

use async_graphql::dynamic::FieldValue;
use async_graphql::{Name, Value};
use bytes::Bytes;
use serde_json::{Number, Value as Json};

use super::definition::{Kind, TypeDef};
use super::out::Out;
use super::ty::Ty;

/// The type of a field, as far as its values must fit it.
#[derive(Debug)]
pub(super) struct Shape {
    ty: Ty,
    leaf: Leaf,
}

#[derive(Debug)]
enum Leaf {
    Boolean,
    Int,
    Float,
    /// `String` and `ID`.
    Text,
    /// Any scalar of ours.
    Scalar,
    Enum,
    Object,
    Interface,
}

impl Shape {
    /// `None` if values cannot have that type.
    pub(super) fn new<'a>(ty: &Ty, find: impl Fn(&str) -> Option<&'a TypeDef>) -> Option<Shape> {
        let leaf = match ty.name() {
            "Boolean" => Leaf::Boolean,
            "Int" => Leaf::Int,
            "Float" => Leaf::Float,
            "String" | "ID" => Leaf::Text,
            name => match find(name)?.kind {
                Kind::Scalar(_) => Leaf::Scalar,
                Kind::Enum(_) => Leaf::Enum,
                Kind::Object(_) => Leaf::Object,
                Kind::Interface(_) => Leaf::Interface,
                Kind::Input { .. } | Kind::Streams(_) => return None,
            },
        };
        Some(Shape { ty: ty.clone(), leaf })
    }

    /// `None` is null, where the type allows it.
    pub(super) fn fit(&self, out: Out) -> Result<Option<FieldValue<'static>>, String> {
        let value = self.value(self.ty.nullable(), out)?;
        if value.is_none() && self.ty.is_non_null() {
            return Err(format!("no value, but the type is {}", self.ty));
        }
        Ok(value)
    }

    fn value(&self, ty: &Ty, out: Out) -> Result<Option<FieldValue<'static>>, String> {
        match (ty, out) {
            (_, Out::Null) => Ok(None),
            (Ty::List(item), Out::List(items)) => {
                let mut values = Vec::with_capacity(items.len());
                for out in items {
                    values.push(self.value(item.nullable(), out)?.ok_or_else(|| format!("an absent item in the list {}", self.ty))?);
                }
                Ok(Some(FieldValue::list(values)))
            }
            (Ty::Named(_), out) => self.leaf(out),
            (ty, out) => Err(format!("{out:?} where {ty} is declared")),
        }
    }

    fn leaf(&self, out: Out) -> Result<Option<FieldValue<'static>>, String> {
        let value = match (&self.leaf, out) {
            (Leaf::Boolean | Leaf::Scalar, Out::Boolean(value)) => Value::Boolean(value),
            (Leaf::Int | Leaf::Float | Leaf::Scalar, Out::Int(value)) => Value::Number(Number::from(value)),
            (Leaf::Float | Leaf::Scalar, Out::Float(value)) => match Number::from_f64(value) {
                Some(number) => Value::Number(number),
                None => return Ok(None),
            },
            // The library copies a value once more; this copy is a reference. As a string it is written all the same.
            (Leaf::Text | Leaf::Scalar | Leaf::Enum, Out::Text(text)) => Value::Enum(Name::new(text)),
            (Leaf::Scalar, Out::Json(Json::Null)) => return Ok(None),
            (Leaf::Scalar, Out::Json(json)) => Value::Binary(Bytes::from(serde_json::to_vec(&json).map_err(|error| error.to_string())?)),
            (Leaf::Scalar, Out::Raw(raw)) => Value::Binary(raw),
            (Leaf::Object, Out::Object(value)) => return Ok(Some(FieldValue::boxed_any(value))),
            (Leaf::Object, Out::Node { type_name, value }) if type_name == self.ty.name() => return Ok(Some(FieldValue::boxed_any(value))),
            (Leaf::Interface, Out::Node { type_name, value }) => return Ok(Some(FieldValue::boxed_any(value).with_type(type_name))),
            (_, out) => return Err(format!("{out:?} where {} is declared", self.ty)),
        };
        Ok(Some(FieldValue::value(value)))
    }
}
