//! Declaring objects, interfaces and the subscription root.

use std::any::Any;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use futures_util::{FutureExt, Stream, StreamExt, TryStreamExt};

use super::SchemaBuilder;
use super::args::Args;
use super::definition::{FieldDef, Item, Parent, Resolver, StreamDef, Subscriber};
use super::out::Out;
use crate::api::engine::{Ctx, RequestContext};
use crate::api::error::ApiError;
use crate::api::request::Role;

/// An object, or an interface, whose resolvers take a `T`. All that follows a field's declaration is about that field.
///
/// An interface may have resolvers as well: objects of the same `T` that implement it take over its fields with them, apart from those they
/// declare themselves.
#[derive(Debug)]
pub struct ObjectBuilder<'a, T> {
    pub(super) schema: &'a mut SchemaBuilder,
    pub(super) type_at: usize,
    /// The field the next calls are about.
    pub(super) at: Option<usize>,
    pub(super) parent: PhantomData<fn(&T)>,
}

impl<T: Any + Send + Sync> ObjectBuilder<'_, T> {
    /// Takes over the fields of an interface. Only objects are then of its type: our SDL knows no interfaces that implement others.
    pub fn implements(&mut self, interface: &str) -> &mut Self {
        if let Some(fields) = self.schema.fields(self.type_at) {
            fields.takes_over.push(interface.to_owned());
        }
        self
    }

    /// Declares a field that has its value at hand: no arguments, no waiting, no failing.
    pub fn value<O: Into<Out>>(
        &mut self,
        name: &str,
        ty: &str,
        doc: &str,
        value: impl Fn(&T, &RequestContext) -> O + Send + Sync + 'static,
    ) -> &mut Self {
        self.field(name, ty, doc).resolver(Resolver::Value(Arc::new(move |parent: &Parent<'_>, ctx: &RequestContext| {
            parent.downcast_ref::<T>().map(|parent| value(parent, ctx).into())
        })))
    }

    /// Declares a field; `now` or `resolve` is to follow, but for interfaces.
    pub fn field(&mut self, name: &str, ty: &str, doc: &str) -> &mut Self {
        let ty = self.schema.ty(ty, self.type_at, name);
        self.at = self.schema.add_field(self.type_at, FieldDef::new(name, ty, doc));
        self
    }

    /// An argument of the field: its name, and type and default as in GraphQL, `Int = 50`.
    pub fn arg(&mut self, name: &str, ty: &str) -> &mut Self {
        let arg = self.schema.arg(name, ty, self.type_at);
        self.edit(|field| field.args.push(arg))
    }

    /// Says what the last argument is about.
    pub fn arg_doc(&mut self, doc: &str) -> &mut Self {
        self.edit(|field| {
            if let Some(arg) = field.args.last_mut() {
                doc.clone_into(&mut arg.doc);
            }
        })
    }

    /// Resolves the field at once.
    pub fn now(&mut self, resolve: impl Fn(&T, &Args, &Ctx) -> Result<Out, ApiError> + Send + Sync + 'static) -> &mut Self {
        self.resolver(Resolver::Now(Arc::new(move |parent: &Parent<'_>, args: &Args, ctx: &Ctx| {
            parent.downcast_ref::<T>().map(|parent| resolve(parent, args, ctx))
        })))
    }

    /// Resolves the field when something has been waited for.
    pub fn resolve<F: Future<Output = Result<Out, ApiError>> + Send + 'static>(
        &mut self,
        resolve: impl Fn(T, Args, Ctx) -> F + Send + Sync + 'static,
    ) -> &mut Self
    where
        T: Clone,
    {
        self.resolver(Resolver::Later(Arc::new(move |parent: &Parent<'_>, args: Args, ctx: Ctx| {
            parent.downcast_ref::<T>().map(|parent| resolve(parent.clone(), args, ctx).boxed())
        })))
    }

    pub fn deprecated(&mut self, reason: &str) -> &mut Self {
        self.edit(|field| field.deprecated = Some(reason.to_owned()))
    }

    /// Who may ask for the field. Without it: everybody.
    pub fn role(&mut self, role: Role) -> &mut Self {
        self.edit(|field| field.role = Some(role))
    }

    /// What the field costs; without it the rule by its type.
    pub fn weight(&mut self, weight: u32) -> &mut Self {
        self.edit(|field| field.weight = Some(weight))
    }

    /// The weight counts once for each item of this argument.
    pub fn weight_per(&mut self, arg: &'static str) -> &mut Self {
        self.edit(|field| field.weight_per = Some(arg))
    }

    /// It goes through what was recorded: the request may take as long as analytics may.
    pub fn analytic(&mut self) -> &mut Self {
        self.edit(|field| field.is_analytic = true)
    }

    /// The field shows this member of its twin.
    pub fn slot(&mut self, member: &str) -> &mut Self {
        self.edit(|field| field.slots.push(member.to_owned()))
    }

    /// The resolver wants to know what is selected below the field: `args.selection`.
    pub fn looks_ahead(&mut self) -> &mut Self {
        self.edit(|field| field.looks_ahead = true)
    }

    fn resolver(&mut self, resolver: Resolver) -> &mut Self {
        self.edit(|field| field.resolver = Some(resolver))
    }

    fn edit(&mut self, edit: impl FnOnce(&mut FieldDef)) -> &mut Self {
        let fields = self.schema.fields(self.type_at);
        if let Some(field) = fields.zip(self.at).and_then(|(fields, at)| fields.list.get_mut(at)) {
            edit(field);
        }
        self
    }
}

/// The subscription root.
#[derive(Debug)]
pub struct StreamBuilder<'a> {
    pub(super) schema: &'a mut SchemaBuilder,
    pub(super) type_at: usize,
    pub(super) at: Option<usize>,
}

impl StreamBuilder<'_> {
    /// Declares a subscription; `subscribe` is to follow.
    pub fn stream(&mut self, name: &str, ty: &str, doc: &str) -> &mut Self {
        let ty = self.schema.ty(ty, self.type_at, name);
        let mut field = FieldDef::new(name, ty, doc);
        field.looks_ahead = true;
        self.at = self.schema.add_stream(self.type_at, StreamDef { field, subscriber: None });
        self
    }

    pub fn arg(&mut self, name: &str, ty: &str) -> &mut Self {
        let arg = self.schema.arg(name, ty, self.type_at);
        self.edit(|stream| stream.field.args.push(arg))
    }

    pub fn arg_doc(&mut self, doc: &str) -> &mut Self {
        self.edit(|stream| {
            if let Some(arg) = stream.field.args.last_mut() {
                doc.clone_into(&mut arg.doc);
            }
        })
    }

    /// Begins the stream. An error before it stands, or as an item, ends the subscription. What is selected stands in `args.selection`.
    pub fn subscribe<F, S, I>(&mut self, subscribe: impl Fn(Args, Ctx) -> F + Send + Sync + 'static) -> &mut Self
    where
        F: Future<Output = Result<S, ApiError>> + Send + 'static,
        S: Stream<Item = Result<I, ApiError>> + Send + 'static,
        I: Into<Item> + 'static,
    {
        let subscriber = Subscriber(Arc::new(move |args: Args, ctx: Ctx| {
            let stream = subscribe(args, ctx);
            async move { Ok(stream.await?.map_ok(Into::into).boxed()) }.boxed()
        }));
        self.edit(|stream| stream.subscriber = Some(subscriber))
    }

    pub fn deprecated(&mut self, reason: &str) -> &mut Self {
        self.edit(|stream| stream.field.deprecated = Some(reason.to_owned()))
    }

    pub fn role(&mut self, role: Role) -> &mut Self {
        self.edit(|stream| stream.field.role = Some(role))
    }

    pub fn weight(&mut self, weight: u32) -> &mut Self {
        self.edit(|stream| stream.field.weight = Some(weight))
    }

    fn edit(&mut self, edit: impl FnOnce(&mut StreamDef)) -> &mut Self {
        if let Some(stream) = self.schema.streams(self.type_at).zip(self.at).and_then(|(streams, at)| streams.get_mut(at)) {
            edit(stream);
        }
        self
    }
}
