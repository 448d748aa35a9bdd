//! From the recorded and checked types to those of the executing library.

use std::sync::Arc;

use async_graphql::dynamic::{
    Enum, EnumItem, Field, InputObject, InputValue, Interface, InterfaceField, Object, Scalar, Schema, Subscription, SubscriptionField,
    Type, TypeRef,
};
use async_graphql::parser::parse_query;
use async_graphql::{ValidationMode, Value};

use super::definition::{ArgDef, FieldDef, Kind, TypeDef, Types};
use super::leaf::Shape;
use super::resolver::{self, Plan};
use super::ty::Ty;
use super::{MUTATION, QUERY, SUBSCRIPTION};
use crate::api::engine::Bubbling;
use crate::api::input::Inputs;

/// Requests nest less deep: they are counted before.
const RECURSION_MAX: usize = 64;

/// A value in the language of GraphQL: `[GOOD, {a: 1}]`.
pub(super) fn read_value(text: &str) -> Option<Value> {
    let document = parse_query(format!("query($v: V = {text}) {{ f }}")).ok()?;
    let (_, operation) = document.operations.iter().next()?;
    let [definition] = operation.node.variable_definitions.as_slice() else { return None };
    definition.node.default_value.as_ref().map(|value| value.node.clone())
}

/// Makes the schema. The types have been checked: what the library finds is our fault.
pub(super) fn schema(types: &Types, inputs: &Arc<Inputs>) -> Result<Schema, String> {
    let root = |name: &'static str| types.contains_key(name).then_some(name);
    let mut schema = Schema::build(QUERY, root(MUTATION), root(SUBSCRIPTION))
        .validation_mode(ValidationMode::Fast)
        .limit_recursive_depth(RECURSION_MAX)
        .disable_suggestions()
        .extension(Bubbling);
    for ty in types.values() {
        schema = schema.register(library_type(ty, types, inputs)?);
    }
    schema.finish().map_err(|error| error.to_string())
}

fn library_type(ty: &TypeDef, types: &Types, inputs: &Arc<Inputs>) -> Result<Type, String> {
    Ok(match &ty.kind {
        Kind::Scalar(_) => described(Scalar::new(&ty.name), &ty.doc, Scalar::description).into(),
        Kind::Enum(values) => {
            let items = values.iter().map(|value| {
                let item = described(EnumItem::new(&value.name), &value.doc, EnumItem::description);
                deprecated(item, value.deprecated.as_deref(), EnumItem::deprecation)
            });
            described(Enum::new(&ty.name).items(items), &ty.doc, Enum::description).into()
        }
        Kind::Input { fields, one_of } => {
            let object = described(InputObject::new(&ty.name), &ty.doc, InputObject::description);
            let object = fields.iter().fold(object, |object, field| object.field(input_value(field)));
            if *one_of { object.oneof() } else { object }.into()
        }
        Kind::Interface(fields) => {
            let interface = described(Interface::new(&ty.name), &ty.doc, Interface::description);
            fields.list.iter().fold(interface, |interface, field| interface.field(interface_field(field))).into()
        }
        Kind::Object(fields) => {
            let mut object = described(Object::new(&ty.name), &ty.doc, Object::description);
            for interface in &fields.takes_over {
                object = object.implement(interface);
            }
            for field in &fields.list {
                object = object.field(object_field(ty, field, types, inputs)?);
            }
            object.into()
        }
        Kind::Streams(streams) => {
            let mut root = described(Subscription::new(&ty.name), &ty.doc, Subscription::description);
            for stream in streams {
                let (Some(shape), Some(subscriber)) = (shape(&stream.field.ty, types), stream.subscriber.clone()) else {
                    return Err(format!("`{}.{}` cannot be subscribed to", ty.name, stream.field.name));
                };
                let plan = Arc::new(Plan::new(&ty.name, &stream.field, shape, inputs.clone()));
                let field = SubscriptionField::new(&stream.field.name, type_ref(&stream.field.ty), resolver::stream(plan, subscriber));
                let field = described(field, &stream.field.doc, SubscriptionField::description);
                let field = deprecated(field, stream.field.deprecated.as_deref(), SubscriptionField::deprecation);
                root = root.field(stream.field.args.iter().fold(field, |field, arg| field.argument(input_value(arg))));
            }
            root.into()
        }
    })
}

fn object_field(ty: &TypeDef, field: &FieldDef, types: &Types, inputs: &Arc<Inputs>) -> Result<Field, String> {
    let (Some(shape), Some(resolver)) = (shape(&field.ty, types), field.resolver.clone()) else {
        return Err(format!("`{}.{}` cannot be resolved", ty.name, field.name));
    };
    let plan = Arc::new(Plan::new(&ty.name, field, shape, inputs.clone()));
    let made = Field::new(&field.name, type_ref(&field.ty), resolver::field(plan, resolver));
    let made = deprecated(described(made, &field.doc, Field::description), field.deprecated.as_deref(), Field::deprecation);
    Ok(field.args.iter().fold(made, |made, arg| made.argument(input_value(arg))))
}

fn shape(ty: &Ty, types: &Types) -> Option<Shape> {
    Shape::new(ty, |name| types.get(name))
}

fn interface_field(field: &FieldDef) -> InterfaceField {
    let made = described(InterfaceField::new(&field.name, type_ref(&field.ty)), &field.doc, InterfaceField::description);
    let made = deprecated(made, field.deprecated.as_deref(), InterfaceField::deprecation);
    field.args.iter().fold(made, |made, arg| made.argument(input_value(arg)))
}

fn input_value(arg: &ArgDef) -> InputValue {
    let made = described(InputValue::new(&arg.name, type_ref(&arg.ty)), &arg.doc, InputValue::description);
    let made = deprecated(made, arg.deprecated.as_deref(), InputValue::deprecation);
    match &arg.default {
        Some(default) => made.default_value(default.clone()),
        None => made,
    }
}

fn type_ref(ty: &Ty) -> TypeRef {
    match ty {
        Ty::Named(name) => TypeRef::named(name.to_string()),
        Ty::List(inner) => TypeRef::List(Box::new(type_ref(inner))),
        Ty::NonNull(inner) => TypeRef::NonNull(Box::new(type_ref(inner))),
    }
}

fn described<T>(made: T, doc: &str, describe: fn(T, String) -> T) -> T {
    if doc.is_empty() { made } else { describe(made, doc.to_owned()) }
}

fn deprecated<T>(made: T, reason: Option<&str>, deprecate: fn(T, Option<&str>) -> T) -> T {
    if reason.is_some() { deprecate(made, reason) } else { made }
}
