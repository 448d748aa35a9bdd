//! Root fields of mutations: a twin of a type is made and changed with the type's own inputs. What is done is what the core's mutations do.

use std::sync::Arc;

use crate::api::build::{Args, Out, SchemaBuilder};
use crate::api::engine::{Ctx, RequestContext};
use crate::api::error::{ApiError, Code};
use crate::api::names::{Form, TypePlan, ViewPlan};
use crate::api::request::Role;
use crate::api::session::Seen;
use crate::api::types::issue::UserError;
use crate::api::types::twin::{one, session};
use crate::reading::Seq;
use crate::runtime::edit::{Error, Op, OpResult, Options, Problem, UpdateTwin};

use super::writes::{self, Creation};

const RETRIES: &str = "Without `idempotencyKey` a retry may act twice.";

/// What a mutation of one twin answers.
#[derive(Debug)]
struct TypedPayload {
    /// None if nothing was changed.
    seq: Option<Seq>,
    errors: Vec<UserError>,
    twin: Option<Seen>,
}

impl TypedPayload {
    fn refused(errors: Vec<UserError>) -> TypedPayload {
        TypedPayload { seq: None, errors, twin: None }
    }
}

pub(super) fn declare(schema: &mut SchemaBuilder, plan: &Arc<ViewPlan>, index: usize) {
    let ty = &plan.types[index];
    declare_payload(schema, ty);
    declare_create(schema, plan, index);
    declare_update(schema, plan, index);
}

fn declare_payload(schema: &mut SchemaBuilder, ty: &TypePlan) {
    schema
        .object::<TypedPayload>(&ty.helpers.payload, &format!("What a mutation of a {} answers.", ty.name()))
        .implements("Payload")
        .value("seq", "Long", "Everything up to this commit is visible to the caller's next read.", |payload, _| {
            payload.seq.map(|seq| Out::from(seq.0))
        })
        .value("userErrors", "[UserError!]!", "What was wrong with the request. If there is any, nothing was done.", |payload, _| {
            Out::objects(payload.errors.iter().cloned())
        })
        .field(&ty.helpers.payload_field, ty.output(), "As it is now.")
        .now(|payload, _, ctx| {
            let session = session(ctx)?;
            Ok(payload.twin.clone().map_or(Out::Null, |seen| one(session, seen)))
        });
}

fn declare_create(schema: &mut SchemaBuilder, plan: &Arc<ViewPlan>, index: usize) {
    let ty = &plan.types[index];
    let (Some(root), Some(input)) = (&ty.roots.create, &ty.helpers.create_input) else { return };
    let plan = plan.clone();
    schema
        .mutation()
        .field(root, &format!("{}!", ty.helpers.payload), &format!("Makes a {} proper, in one commit. {RETRIES}", ty.name()))
        .arg("input", &format!("{input}!"))
        .arg("idempotencyKey", "String")
        .role(Role::Modeller)
        .resolve(move |_, args, ctx| {
            let plan = plan.clone();
            async move { create(&plan.types[index], &plan, args, &ctx).await.map(Out::object) }
        });
}

async fn create(ty: &TypePlan, plan: &ViewPlan, mut args: Args, ctx: &Ctx) -> Result<TypedPayload, ApiError> {
    let creation = Creation::read(plan, ty, args.take_required("input")?)?;
    let op = Op::Create(creation.create.clone());
    edit(ctx, op, args.text("idempotencyKey"), |path| creation.path(path)).await
}

fn declare_update(schema: &mut SchemaBuilder, plan: &Arc<ViewPlan>, index: usize) {
    let ty = &plan.types[index];
    let plan = plan.clone();
    let mut root = schema.mutation();
    root.field(&ty.roots.update, &format!("{}!", ty.helpers.payload), &format!("Changes a {}. {RETRIES}", ty.name()))
        .arg("id", "ID!")
        .arg("set", &ty.helpers.patch);
    if let Some(unset) = &ty.helpers.unset {
        root.arg("unset", &format!("[{unset}!]"));
    }
    root.arg("expectedRevision", "Long")
        .arg_doc("Refuse if the twin has another one by now.")
        .arg("idempotencyKey", "String")
        // Whoever operates may change settings; all else takes a modeller.
        .role(Role::Operator)
        .resolve(move |_, args, ctx| {
            let plan = plan.clone();
            async move { update(&plan.types[index], &plan, args, &ctx).await.map(Out::object) }
        });
}

async fn update(ty: &TypePlan, plan: &ViewPlan, mut args: Args, ctx: &Ctx) -> Result<TypedPayload, ApiError> {
    let id = args.required_text("id")?.to_owned();
    let change = writes::update(plan, ty, args.take("set"), args.take("unset"));
    let change = UpdateTwin { expected_revision: expected_revision(&args), ..change };
    let mut errors = forbidden(ty, &change, ctx);
    if let Some(other) = session(ctx)?.by_id(&id).filter(|seen| !seen.state.layout.is_a(ty.name())) {
        let message = format!("`{id}` is a {}, and no {}", other.state.layout.name, ty.name());
        errors.push(UserError::new("UNKNOWN_TWIN", &["id"], message));
    }
    if !errors.is_empty() {
        return Ok(TypedPayload::refused(errors));
    }
    let op = Op::Update(UpdateTwin { id, ..change });
    edit(ctx, op, args.text("idempotencyKey"), writes::update_path).await
}

/// What the caller's role may not change.
fn forbidden(ty: &TypePlan, change: &UpdateTwin, ctx: &RequestContext) -> Vec<UserError> {
    if ctx.caller.role >= Role::Modeller {
        return Vec::new();
    }
    let is_setting = |name: &str| ty.fields.iter().any(|field| *field.name == *name && matches!(field.form, Form::Setting(_)));
    let refuse = |path: &[&str], name: &str| {
        let message = format!("`{name}` is no setting: the role {} may not change it", ctx.caller.role.name());
        UserError::new("FORBIDDEN_FIELD", path, message)
    };
    let name = change.name.iter().map(|_| refuse(&["set", "name"], "name"));
    let set = change.set.keys().filter(|name| !is_setting(name)).map(|name| refuse(&["set", name], name));
    let unset = change.unset.iter().enumerate().filter(|(_, name)| !is_setting(name));
    name.chain(set).chain(unset.map(|(index, name)| refuse(&["unset", &index.to_string()], name))).collect()
}

/// No twin has a revision below zero.
fn expected_revision(args: &Args) -> Option<u64> {
    args.integer("expectedRevision").map(|revision| u64::try_from(revision).unwrap_or(u64::MAX))
}

/// One operation in one commit. `path` turns where a problem is in the operation into where it is in the arguments.
async fn edit(ctx: &Ctx, op: Op, key: Option<&str>, path: impl Fn(&[String]) -> Vec<String>) -> Result<TypedPayload, ApiError> {
    let session = session(ctx)?;
    let options = Options { dry_run: false, key: key.map(str::to_owned) };
    let edited = match session.runtime().edit(vec![op], &ctx.caller.subject, options).await {
        Ok(edited) => edited,
        Err(Error::Refused(problems)) => {
            return Ok(TypedPayload::refused(problems.into_iter().map(|problem| user_error(problem, &path)).collect()));
        }
        Err(Error::Unavailable(message) | Error::InDoubt(message)) => return Err(ApiError::new(Code::Unavailable, message)),
    };
    session.read_after(edited.seq);
    let id = edited.results.iter().find_map(|result| match result {
        OpResult::Created { id, .. } | OpResult::Updated { id } => Some(id),
        OpResult::Moved { .. } | OpResult::Deleted { .. } | OpResult::Related { .. } | OpResult::Unrelated { .. } => None,
    });
    Ok(TypedPayload { seq: Some(edited.seq), errors: Vec::new(), twin: id.and_then(|id| session.by_id(id)) })
}

fn user_error(problem: Problem, path: impl Fn(&[String]) -> Vec<String>) -> UserError {
    let place = if problem.op.is_some() { path(&problem.path) } else { problem.path };
    UserError { code: problem.code, message: problem.message, hint: problem.hint, path: place }
}
