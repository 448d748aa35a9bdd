//! What is recorded of a schema before it is checked, printed and built.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use async_graphql::Value;
use async_graphql::dynamic::FieldValue;
use futures_util::Stream;
use futures_util::future::BoxFuture;
use serde_json::Value as Json;

use super::args::Args;
use super::out::Out;
use super::ty::Ty;
use crate::api::engine::{Ctx, RequestContext};
use crate::api::error::ApiError;
use crate::api::request::Role;

/// A type with its place of origin, so that two of one name can both be pointed at.
#[derive(Debug)]
pub struct TypeDef {
    pub name: String,
    pub doc: String,
    pub origin: String,
    pub kind: Kind,
}

#[derive(Debug)]
pub enum Kind {
    Scalar(ScalarCheck),
    Enum(Vec<EnumValueDef>),
    Input {
        fields: Vec<ArgDef>,
        one_of: bool,
    },
    Interface(Fields),
    Object(Fields),
    /// The subscription root.
    Streams(Vec<StreamDef>),
}

/// Takes an input value apart from null; gives it back as resolvers get it, or says what is wrong with it.
pub type ScalarCheck = fn(Json) -> Result<Json, String>;

#[derive(Debug, Clone)]
pub struct EnumValueDef {
    pub name: String,
    pub doc: String,
    pub deprecated: Option<String>,
}

/// An argument, or a field of an input object.
#[derive(Debug, Clone)]
pub struct ArgDef {
    pub name: String,
    pub doc: String,
    pub ty: Ty,
    pub default: Option<Value>,
    pub deprecated: Option<String>,
}

/// The fields of an object or interface, with the Rust type their resolvers take.
#[derive(Debug)]
pub struct Fields {
    pub parent: TypeId,
    pub list: Vec<FieldDef>,
    /// The interfaces whose fields it has as well.
    pub takes_over: Vec<String>,
}

impl Fields {
    pub fn of<T: Any>() -> Fields {
        Fields { parent: TypeId::of::<T>(), list: Vec::new(), takes_over: Vec::new() }
    }
}

#[derive(Debug, Clone)]
pub struct FieldDef {
    pub name: String,
    pub doc: String,
    pub ty: Ty,
    pub args: Vec<ArgDef>,
    pub deprecated: Option<String>,
    pub role: Option<Role>,
    pub weight: Option<u32>,
    /// The weight counts once for each item of this argument.
    pub weight_per: Option<&'static str>,
    pub slots: Vec<String>,
    pub looks_ahead: bool,
    /// It may take as long as analytics may.
    pub is_analytic: bool,
    pub resolver: Option<Resolver>,
}

/// How a field gets its value. The closures inside know the Rust type of the parent.
#[derive(Clone)]
pub enum Resolver {
    /// Cannot fail, waits for nothing, takes no arguments.
    Value(Arc<ResolveValue>),
    /// Waits for nothing.
    Now(Arc<ResolveNow>),
    Later(Arc<ResolveLater>),
}

pub(super) type ResolveValue = dyn Fn(&Parent<'_>, &RequestContext) -> Option<Out> + Send + Sync;
pub(super) type ResolveNow = dyn Fn(&Parent<'_>, &Args, &Ctx) -> Option<Result<Out, ApiError>> + Send + Sync;
pub(super) type ResolveLater = dyn Fn(&Parent<'_>, Args, Ctx) -> Option<BoxFuture<'static, Result<Out, ApiError>>> + Send + Sync;
type Subscribe = dyn Fn(Args, Ctx) -> BoxFuture<'static, Result<ItemStream, ApiError>> + Send + Sync;

/// A parent value. Resolvers answer `None` where it is not of their type.
pub(super) type Parent<'a> = FieldValue<'a>;

#[derive(Debug)]
pub struct StreamDef {
    pub field: FieldDef,
    pub subscriber: Option<Subscriber>,
}

#[derive(Clone)]
pub struct Subscriber(pub Arc<Subscribe>);

/// What a subscription yields; an error ends it.
pub type ItemStream = Pin<Box<dyn Stream<Item = Result<Item, ApiError>> + Send>>;

/// One result of a subscription.
#[derive(Debug)]
pub struct Item {
    pub value: Out,
    /// Where a lossless stream stands after it.
    pub cursor: Option<String>,
}

impl From<Out> for Item {
    fn from(value: Out) -> Item {
        Item { value, cursor: None }
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Resolver::Value(_) => "Value",
            Resolver::Now(_) => "Now",
            Resolver::Later(_) => "Later",
        })
    }
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subscriber")
    }
}

/// All types by name: the order in which they are printed.
pub(super) type Types = BTreeMap<String, TypeDef>;

impl TypeDef {
    pub fn fields(&self) -> Option<&Fields> {
        match &self.kind {
            Kind::Object(fields) | Kind::Interface(fields) => Some(fields),
            Kind::Scalar(_) | Kind::Enum(_) | Kind::Input { .. } | Kind::Streams(_) => None,
        }
    }

    pub fn is_input(&self) -> bool {
        matches!(self.kind, Kind::Scalar(_) | Kind::Enum(_) | Kind::Input { .. })
    }

    pub fn is_output(&self) -> bool {
        matches!(self.kind, Kind::Scalar(_) | Kind::Enum(_) | Kind::Interface(_) | Kind::Object(_))
    }
}

impl FieldDef {
    pub fn new(name: &str, ty: Ty, doc: &str) -> FieldDef {
        FieldDef {
            name: name.to_owned(),
            doc: doc.to_owned(),
            ty,
            args: Vec::new(),
            deprecated: None,
            role: None,
            weight: None,
            weight_per: None,
            slots: Vec::new(),
            looks_ahead: false,
            is_analytic: false,
            resolver: None,
        }
    }
}
