//! Changes of the structure on behalf of a caller: who may do what, what is told of a mistake, and what is read afterwards.

use std::sync::Arc;

use crate::api::engine::RequestContext;
use crate::api::error::{ApiError, Code};
use crate::api::request::Role;
use crate::api::session::{Seen, Session};
use crate::api::types::issue::UserError;
use crate::api::types::payload::{DeletePayload, Payload, RelationPayload, TwinPayload};
use crate::api::types::twin::session;
use crate::catalog::layout::{Layout, Sync};
use crate::reading::SlotNo;
use crate::runtime::edit::{CreateTwin, Edited, Error, Op, OpResult, Options, Problem, RELATION_PREFIX, Relate, UpdateTwin};
use crate::twin::{Edge, EdgeNo};

/// Makes the change. What this request reads from here on contains it. `Err` inside: mistakes of the caller, nothing was changed.
pub async fn edit(ctx: &RequestContext, ops: Vec<Op>, options: Options) -> Result<Result<Edited, Vec<Problem>>, ApiError> {
    let session = session(ctx)?;
    match session.runtime().edit(ops, &ctx.caller.subject, options).await {
        Ok(edited) => {
            session.read_after(edited.seq);
            Ok(Ok(edited))
        }
        Err(Error::Refused(problems)) => Ok(Err(problems)),
        Err(fault) => Err(fault_of(fault)),
    }
}

/// What is our fault, and what to do about it.
pub fn fault_of(error: Error) -> ApiError {
    let (message, hint) = match error {
        Error::Unavailable(reason) => (reason, "nothing was changed: send it again later"),
        Error::InDoubt(reason) => {
            let hint = "it may have been done or not: with an idempotency key it can be sent again, without one look first";
            (format!("the outcome is not known: {reason}"), hint)
        }
        // Mistakes are told as data; who gets here has not looked.
        Error::Refused(_) => (error.to_string(), "see the message"),
    };
    ApiError::new(Code::Unavailable, message).hint(hint)
}

/// As clients are told, with the places that `at` finds in their arguments.
pub fn mistakes(problems: Vec<Problem>, at: impl Fn(&Problem) -> Vec<String>) -> Vec<UserError> {
    problems
        .into_iter()
        .map(|problem| UserError { path: at(&problem), code: problem.code, message: problem.message, hint: problem.hint })
        .collect()
}

/// The place of a problem of a single change, whose input stands in arguments that `inside` knows. The key stands beside them.
fn place(problem: &Problem, inside: impl Fn(&[String]) -> Vec<String>) -> Vec<String> {
    match problem.op {
        Some(_) => inside(&problem.path),
        None => problem.path.clone(),
    }
}

/// Makes one twin.
pub async fn create(
    ctx: &RequestContext,
    create: CreateTwin,
    key: Option<&str>,
    inside: impl Fn(&[String]) -> Vec<String>,
) -> Result<TwinPayload, ApiError> {
    one_twin(ctx, Op::Create(create), key, inside).await
}

/// Changes one twin. Who is not a modeller may change settings only: what is asked of a device.
pub async fn update(
    ctx: &RequestContext,
    update: UpdateTwin,
    key: Option<&str>,
    inside: impl Fn(&[String]) -> Vec<String>,
) -> Result<TwinPayload, ApiError> {
    if ctx.caller.role < Role::Modeller {
        let seen = session(ctx)?.by_id(&update.id);
        let forbidden = seen.map(|seen| beyond_settings(&seen.state.layout, &update)).unwrap_or_default();
        if !forbidden.is_empty() {
            return Ok(Payload::refused(mistakes(forbidden, |problem| inside(&problem.path)), None));
        }
    }
    one_twin(ctx, Op::Update(update), key, inside).await
}

/// What of an update a modeller must do.
fn beyond_settings(layout: &Layout, update: &UpdateTwin) -> Vec<Problem> {
    let is_setting = |name: &str| {
        let first = layout.member(name).and_then(|member| layout.slots.get(SlotNo(member.slots.start).index()));
        first.and_then(|slot| slot.property.as_ref()).is_none_or(|rules| rules.sync == Sync::Desired)
    };
    let forbidden = |path: Vec<String>, what: &str| Problem {
        code: "FORBIDDEN_FIELD",
        op: None,
        path,
        message: format!("{what} is changed by modellers; operators change settings (`sync: desired`)"),
        hint: None,
    };
    let name = update.name.iter().map(|_| forbidden(vec!["name".to_owned()], "the name"));
    let set = update.set.keys().filter(|name| !is_setting(name));
    let set = set.map(|name| forbidden(vec!["set".to_owned(), name.clone()], &format!("`{name}`")));
    let unset = update.unset.iter().enumerate().filter(|(_, name)| !is_setting(name));
    let unset = unset.map(|(index, name)| forbidden(vec!["unset".to_owned(), index.to_string()], &format!("`{name}`")));
    name.chain(set).chain(unset).collect()
}

pub(super) async fn one_twin(
    ctx: &RequestContext,
    op: Op,
    key: Option<&str>,
    inside: impl Fn(&[String]) -> Vec<String>,
) -> Result<TwinPayload, ApiError> {
    let edited = match edit(ctx, vec![op], options(key)).await? {
        Ok(edited) => edited,
        Err(problems) => return Ok(Payload::refused(mistakes(problems, |problem| place(problem, &inside)), None)),
    };
    let session = session(ctx)?;
    let seen = edited.results.first().and_then(|result| twin_of(session, result));
    Ok(Payload::done(edited.seq, seen))
}

pub(super) fn options(key: Option<&str>) -> Options {
    Options { dry_run: false, key: key.map(str::to_owned) }
}

/// The twin that an operation was about, as it is now.
pub(super) fn twin_of(session: &Session, result: &OpResult) -> Option<Seen> {
    match result {
        OpResult::Created { id, .. } | OpResult::Updated { id } | OpResult::Moved { id } => session.by_id(id),
        OpResult::Deleted { .. } | OpResult::Related { .. } | OpResult::Unrelated { .. } => None,
    }
}

/// The input stands in the argument `input`.
pub(super) fn in_input(path: &[String]) -> Vec<String> {
    std::iter::once("input".to_owned()).chain(path.iter().cloned()).collect()
}

pub(super) fn deleted_of(result: &OpResult) -> Vec<String> {
    match result {
        OpResult::Deleted { ids } => ids.clone(),
        OpResult::Unrelated { id } => vec![id.clone()],
        OpResult::Created { .. } | OpResult::Updated { .. } | OpResult::Moved { .. } | OpResult::Related { .. } => Vec::new(),
    }
}

/// Ends a twin or an edge.
pub(super) async fn deletion(ctx: &RequestContext, op: Op, key: Option<&str>) -> Result<DeletePayload, ApiError> {
    Ok(match edit(ctx, vec![op], options(key)).await? {
        Ok(edited) => Payload::done(edited.seq, edited.results.iter().flat_map(deleted_of).collect()),
        Err(problems) => Payload::refused(mistakes(problems, |problem| place(problem, in_input)), Vec::new()),
    })
}

/// A new edge.
pub(super) async fn relation(ctx: &RequestContext, relate: Relate, key: Option<&str>) -> Result<RelationPayload, ApiError> {
    let edited = match edit(ctx, vec![Op::Relate(relate)], options(key)).await? {
        Ok(edited) => edited,
        Err(problems) => return Ok(Payload::refused(mistakes(problems, |problem| place(problem, in_input)), None)),
    };
    let session = session(ctx)?;
    let edge = edited.results.iter().flat_map(relations_of).find_map(|id| edge_of(session, id));
    Ok(Payload::done(edited.seq, edge))
}

/// The ids of the edges that an operation has begun.
pub(super) fn relations_of(result: &OpResult) -> Vec<&str> {
    match result {
        OpResult::Created { relations, .. } => relations.iter().map(String::as_str).collect(),
        OpResult::Related { id } => vec![id],
        OpResult::Updated { .. } | OpResult::Moved { .. } | OpResult::Deleted { .. } | OpResult::Unrelated { .. } => Vec::new(),
    }
}

pub(super) fn edge_of(session: &Session, id: &str) -> Option<Arc<Edge>> {
    let no = id.strip_prefix(RELATION_PREFIX)?.parse().ok()?;
    session.runtime().committed.edge(EdgeNo(no))
}
