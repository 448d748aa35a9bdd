//! Resolvers as the executing library wants them: guarded by role, with coerced arguments, panics caught, values checked.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use async_graphql::dynamic::{FieldFuture, FieldValue, ResolverContext, SubscriptionFieldFuture};
use async_graphql::parser::types::{Selection as Node, SelectionSet};
use async_graphql::{Context, Error};
use futures_util::{FutureExt, StreamExt};

use super::args::{Args, Selected, Selection};
use super::definition::{ArgDef, FieldDef, Item, Parent, Resolver, Subscriber};
use super::leaf::Shape;
use super::out::Out;
use crate::api::engine::Ctx;
use crate::api::error::{ApiError, Code};
use crate::api::input::Inputs;
use crate::api::request::Role;

/// All that is known of a field when a request comes.
#[derive(Debug)]
pub(super) struct Plan {
    /// `Type.field`, for the log.
    coordinate: String,
    shape: Shape,
    args: Vec<ArgDef>,
    role: Option<Role>,
    looks_ahead: bool,
    inputs: Arc<Inputs>,
}

impl Plan {
    pub(super) fn new(owner: &str, field: &FieldDef, shape: Shape, inputs: Arc<Inputs>) -> Plan {
        Plan {
            coordinate: format!("{owner}.{}", field.name),
            shape,
            args: field.args.clone(),
            role: field.role.filter(|role| *role > Role::Viewer),
            looks_ahead: field.looks_ahead,
            inputs,
        }
    }

    fn ctx<'a>(&self, context: &Context<'a>) -> Result<&'a Ctx, ApiError> {
        let ctx = context.data_opt::<Ctx>().ok_or_else(|| self.fault("runs without a request"))?;
        match self.role {
            Some(role) if ctx.caller.role < role => {
                Err(ApiError::new(Code::Forbidden, format!("the role {:?} may not use `{}`", ctx.caller.role, self.coordinate)))
            }
            Some(_) | None => Ok(ctx),
        }
    }

    fn args(&self, context: &ResolverContext<'_>) -> Result<Args, ApiError> {
        let given = context.args.as_index_map();
        let values = if self.args.is_empty() { Default::default() } else { self.inputs.coerce(&self.args, |name| given.get(name))? };
        let selection = if self.looks_ahead { look_ahead(context.ctx) } else { Selection::default() };
        Ok(Args { values, selection })
    }

    fn fit(&self, out: Out) -> Result<Option<FieldValue<'static>>, ApiError> {
        self.shape.fit(out).map_err(|problem| self.fault(&problem))
    }

    /// Our own fault: the message goes to the log, not to the client.
    fn fault(&self, problem: &str) -> ApiError {
        ApiError::new(Code::Internal, format!("{}: {problem}", self.coordinate))
    }

    fn no_parent(&self) -> ApiError {
        self.fault("the parent is of another Rust type than its object declares")
    }

    fn panicked(&self, panic: &(dyn std::any::Any + Send)) -> ApiError {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        self.fault(&format!("panicked: {}", text.unwrap_or("no text")))
    }
}

pub(super) fn field(plan: Arc<Plan>, resolver: Resolver) -> Box<dyn for<'a> Fn(ResolverContext<'a>) -> FieldFuture<'a> + Send + Sync> {
    match resolver {
        Resolver::Value(value) => Box::new(move |context| {
            settle(plan.ctx(context.ctx).and_then(|ctx| {
                let out = catch_unwind(AssertUnwindSafe(|| value(context.parent_value, ctx))).map_err(|panic| plan.panicked(&*panic))?;
                plan.fit(out.ok_or_else(|| plan.no_parent())?)
            }))
        }),
        Resolver::Now(resolve) => Box::new(move |context| {
            settle(plan.ctx(context.ctx).and_then(|ctx| {
                let args = plan.args(&context)?;
                let out =
                    catch_unwind(AssertUnwindSafe(|| resolve(context.parent_value, &args, ctx))).map_err(|panic| plan.panicked(&*panic))?;
                plan.fit(out.ok_or_else(|| plan.no_parent())??)
            }))
        }),
        Resolver::Later(resolve) => Box::new(move |context| {
            let begun = plan.ctx(context.ctx).and_then(|ctx| {
                let args = plan.args(&context)?;
                let future = catch_unwind(AssertUnwindSafe(|| resolve(context.parent_value, args, ctx.clone())));
                future.map_err(|panic| plan.panicked(&*panic))?.ok_or_else(|| plan.no_parent())
            });
            let plan = plan.clone();
            match begun {
                Ok(future) => FieldFuture::Future(
                    async move {
                        let out = AssertUnwindSafe(future).catch_unwind().await.map_err(|panic| plan.panicked(&*panic));
                        out.and_then(|out| out).and_then(|out| plan.fit(out)).map_err(carry)
                    }
                    .boxed(),
                ),
                Err(error) => settle(Err(error)),
            }
        }),
    }
}

/// A value at hand cannot carry an error in the library, a future can.
fn settle<'a>(value: Result<Option<FieldValue<'static>>, ApiError>) -> FieldFuture<'a> {
    match value {
        Ok(value) => FieldFuture::Value(value),
        Err(error) => FieldFuture::Future(futures_util::future::ready(Err(carry(error))).boxed()),
    }
}

/// Our errors travel whole through those of the library.
fn carry(error: ApiError) -> Error {
    Error { message: String::new(), source: Some(Arc::new(error)), extensions: None }
}

pub(super) fn stream(
    plan: Arc<Plan>,
    subscriber: Subscriber,
) -> impl for<'a> Fn(ResolverContext<'a>) -> SubscriptionFieldFuture<'a> + Send + Sync {
    move |context| {
        let begun = plan.ctx(context.ctx).and_then(|ctx| {
            let args = plan.args(&context)?;
            let future = catch_unwind(AssertUnwindSafe(|| (subscriber.0)(args, ctx.clone()))).map_err(|panic| plan.panicked(&*panic))?;
            Ok((future, ctx.clone()))
        });
        let plan = plan.clone();
        SubscriptionFieldFuture::new(async move {
            let (future, ctx) = begun.map_err(carry)?;
            let items = AssertUnwindSafe(future).catch_unwind().await.map_err(|panic| carry(plan.panicked(&*panic)))?.map_err(carry)?;
            let items = AssertUnwindSafe(items).catch_unwind().map(move |item| {
                let Item { value, cursor } = item.map_err(|panic| carry(plan.panicked(&*panic)))?.map_err(carry)?;
                *ctx.cursor.lock() = cursor;
                let value = plan.fit(value).map_err(carry)?;
                value.ok_or_else(|| carry(plan.fault("an item without a value")))
            });
            Ok(items)
        })
    }
}

fn look_ahead(context: &Context<'_>) -> Selection {
    let mut fields = Vec::new();
    select(context, &context.item.node.selection_set.node, None, &mut fields);
    Selection { fields }
}

/// The document was bounded before: fragments are not cyclic, and their expansion is counted.
fn select(context: &Context<'_>, set: &SelectionSet, on: Option<&str>, fields: &mut Vec<Selected>) {
    for selection in &set.items {
        match &selection.node {
            Node::Field(field) => {
                let mut below = Vec::new();
                select(context, &field.node.selection_set.node, None, &mut below);
                let below = Selection { fields: below };
                fields.push(Selected { name: field.node.name.node.to_string(), on: on.map(str::to_owned), below });
            }
            Node::InlineFragment(fragment) => {
                let named = fragment.node.type_condition.as_ref().map(|condition| condition.node.on.node.as_str());
                select(context, &fragment.node.selection_set.node, named.or(on), fields);
            }
            Node::FragmentSpread(spread) => {
                if let Some(fragment) = context.query_env.fragments.get(&spread.node.fragment_name.node) {
                    let named = fragment.node.type_condition.node.on.node.as_str();
                    select(context, &fragment.node.selection_set.node, Some(named), fields);
                }
            }
        }
    }
}

/// What stands for the parent at the roots.
pub(in crate::api) fn root() -> Parent<'static> {
    FieldValue::owned_any(super::Root)
}
