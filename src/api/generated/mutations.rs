//! Root fields of mutations: twins of a type are made and changed with the type's own inputs. What is done is what the core's mutations do.

use std::sync::Arc;

use crate::api::access::{Filter, Scope, decode_where};
use crate::api::build::{Args, Out, SchemaBuilder};
use crate::api::engine::RequestContext;
use crate::api::error::ApiError;
use crate::api::mutations::bulk::{self, Asked, Bulk, Change};
use crate::api::mutations::{KEY, edit};
use crate::api::names::{TypePlan, ViewPlan};
use crate::api::request::Role;
use crate::api::types::issue::UserError;
use crate::api::types::payload::{self, Payload, TwinPayload};
use crate::api::types::twin::session;
use crate::runtime::edit::UpdateTwin;

use super::writes::{self, Creation};

pub(super) fn declare(schema: &mut SchemaBuilder, plan: &Arc<ViewPlan>, index: usize) {
    let ty = &plan.types[index];
    payload::declare_twin(schema, &ty.helpers.payload, &ty.helpers.payload_field, ty.output());
    declare_create(schema, plan, index);
    declare_update(schema, plan, index);
    declare_update_many(schema, plan, index);
}

fn declare_create(schema: &mut SchemaBuilder, plan: &Arc<ViewPlan>, index: usize) {
    let ty = &plan.types[index];
    let (Some(root), Some(input)) = (&ty.roots.create, &ty.helpers.create_input) else { return };
    let doc = format!("Makes a {}. Sent again without a key, it makes another one, or is refused with ALREADY_EXISTS.", ty.name());
    let plan = plan.clone();
    schema
        .mutation()
        .field(root, &format!("{}!", ty.helpers.payload), &doc)
        .arg("input", &format!("{input}!"))
        .arg("idempotencyKey", "String")
        .arg_doc(KEY)
        .role(Role::Modeller)
        .resolve(move |_, args, ctx| {
            let plan = plan.clone();
            async move { create(&plan, index, args, &ctx).await.map(Out::object) }
        });
}

async fn create(plan: &ViewPlan, index: usize, mut args: Args, ctx: &RequestContext) -> Result<TwinPayload, ApiError> {
    let creation = Creation::read(plan, &plan.types[index], args.take_required("input")?)?;
    let create = creation.create.clone();
    edit::create(ctx, create, args.text("idempotencyKey"), |path| creation.path(path)).await
}

fn declare_update(schema: &mut SchemaBuilder, plan: &Arc<ViewPlan>, index: usize) {
    let ty = &plan.types[index];
    let doc = format!(
        "Changes a {}. Sent again without a key, it sets the same values again: `expectedRevision` guards against that.",
        ty.name()
    );
    let plan = plan.clone();
    let mut root = schema.mutation();
    root.field(&ty.roots.update, &format!("{}!", ty.helpers.payload), &doc).arg("id", "ID!").arg("set", &ty.helpers.patch);
    if let Some(unset) = &ty.helpers.unset {
        root.arg("unset", &format!("[{unset}!]"));
    }
    root.arg("expectedRevision", "Long")
        .arg_doc("Refuses with REVISION_CONFLICT if the twin has another one by now.")
        .arg("idempotencyKey", "String")
        .arg_doc(KEY)
        // Whoever operates may change settings; for all else `edit` asks for a modeller.
        .role(Role::Operator)
        .resolve(move |_, args, ctx| {
            let plan = plan.clone();
            async move { update(&plan, index, args, &ctx).await.map(Out::object) }
        });
}

async fn update(plan: &ViewPlan, index: usize, mut args: Args, ctx: &RequestContext) -> Result<TwinPayload, ApiError> {
    let ty = &plan.types[index];
    let id = args.required_text("id")?.to_owned();
    if let Some(other) = session(ctx)?.by_id(&id).filter(|seen| !seen.state.layout.is_a(ty.name())) {
        let message = format!("`{id}` is a {}, which is no {}", other.state.layout.name, ty.name());
        return Ok(Payload::refused(vec![UserError::new("UNKNOWN_TWIN", &["id"], message)], None));
    }
    // No twin has a revision below zero.
    let expected_revision = args.integer("expectedRevision").map(|revision| u64::try_from(revision).unwrap_or(u64::MAX));
    let change = UpdateTwin { id, expected_revision, ..change(plan, ty, &mut args) };
    edit::update(ctx, change, args.text("idempotencyKey"), writes::update_path).await
}

fn change(plan: &ViewPlan, ty: &TypePlan, args: &mut Args) -> UpdateTwin {
    writes::update(plan, ty, args.take("set"), args.take("unset"))
}

fn declare_update_many(schema: &mut SchemaBuilder, plan: &Arc<ViewPlan>, index: usize) {
    let ty = &plan.types[index];
    let doc = format!("Changes all twins of the type {} that match, each by itself.", ty.name());
    let plan = plan.clone();
    let mut root = schema.mutation();
    root.field(&ty.roots.update_many, "BulkPayload!", &doc).arg("where", &format!("{}!", ty.helpers.filter)).arg("set", &ty.helpers.patch);
    if let Some(unset) = &ty.helpers.unset {
        root.arg("unset", &format!("[{unset}!]"));
    }
    root.arg("dryRun", "Boolean!")
        .arg_doc("Only counts and shows what would be.")
        .arg("expectedCount", "Int")
        .arg_doc("Refuses with COUNT_MISMATCH, and does nothing, if other than so many match.")
        .arg("idempotencyKey", "String")
        .arg_doc(KEY)
        .role(Role::Modeller)
        .resolve(move |_, args, ctx| {
            let plan = plan.clone();
            async move { update_many(&plan, index, args, &ctx).await.map(Out::object) }
        });
}

async fn update_many(plan: &ViewPlan, index: usize, args: Args, ctx: &RequestContext) -> Result<Payload<Bulk>, ApiError> {
    let ty = &plan.types[index];
    let filter = match filter(plan, index, &args, ctx)? {
        Ok(filter) => filter,
        Err(mistake) => return Ok(Payload::refused(vec![mistake], Bulk::default())),
    };
    // The key covers the arguments as they were given.
    let change = Change::Update(change(plan, ty, &mut args.clone()));
    let asked =
        Asked { field: ty.roots.update_many.clone(), scope: Scope::Type(ty.name().clone()), filter, change, at: writes::update_path };
    bulk::run(ctx, &args, asked).await
}

/// A filter that makes no sense is a mistake of the caller like all others; one that is too large breaks a limit.
fn filter(plan: &ViewPlan, index: usize, args: &Args, ctx: &RequestContext) -> Result<Result<Filter, UserError>, ApiError> {
    let access = session(ctx)?.access(ctx.caller.role);
    match decode_where(&access, plan, index, "where", args.get("where")) {
        Ok(filter) => Ok(Ok(filter)),
        Err(error) if error.limit.is_some() => Err(error),
        Err(error) => Ok(Err(UserError::of(error, &["where"]))),
    }
}
