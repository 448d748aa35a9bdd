//! Changes of all twins that match. Each twin is changed by itself: the set is not one commit. A large set becomes a job.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::keys::{self, Claim};
use super::preview::{self, Preview};
use super::sweep::{Change, Sweep, Swept};
use super::twins::KEY;
use super::{edit, inputs};
use crate::api::access::{self, Filter, Scope, decode_twin_where};
use crate::api::build::{Args, Out, SchemaBuilder};
use crate::api::engine::RequestContext;
use crate::api::error::ApiError;
use crate::api::request::Role;
use crate::api::session::Session;
use crate::api::types::issue::UserError;
use crate::api::types::job::{Job, JobNode};
use crate::api::types::payload::{self, Payload};
use crate::api::types::twin::session;
use crate::reading::{Seq, TwinId, TwinNo};
use crate::runtime::edit::{Problem, UpdateTwin};

/// Twins whose before and after a dry run shows.
const PREVIEWS_MAX: usize = 20;
/// Twins that a job goes over between two reports.
const PART: usize = 200;
/// Mistakes of a change of many twins that are listed; all are counted.
const ERRORS_MAX: usize = 100;

/// What is asked for: by the core for twins of any type, by `generated` for those of one.
#[derive(Debug)]
pub struct Asked {
    /// The field of the root.
    pub field: Arc<str>,
    pub scope: Scope,
    pub filter: Filter,
    pub change: Change,
    /// From a path in the change to that in the arguments.
    pub at: fn(&[String]) -> Vec<String>,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Bulk {
    tally: Tally,
    preview: Vec<Preview>,
    job: Option<Arc<Job>>,
}

/// What of it is kept under an idempotency key.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Tally {
    matched: usize,
    changed: usize,
    refused: usize,
    seq: Option<u64>,
    job: Option<String>,
}

pub(super) fn declare(schema: &mut SchemaBuilder) {
    preview::declare(schema);
    payload::object::<Bulk>(
        schema,
        "BulkPayload",
        "What came of a change of many twins. Each twin is changed by itself, so some may be refused.",
    )
    .value("matched", "Int!", "Twins that match.", |payload, _| payload.what.tally.matched)
    .value("changed", "Int!", "Those that are changed by it, or would be; 0 with a job, which counts itself.", |payload, _| {
        payload.what.tally.changed
    })
    .value("refused", "Int!", "Those that it cannot be done to; 0 with a job.", |payload, _| payload.what.tally.refused)
    .value("preview", "[BulkPreview!]!", "Of a dry run: up to 20 twins before and after.", |payload, _| {
        Out::objects(payload.what.preview.iter().cloned())
    })
    .value("job", "Job", "With more than `bulk_inline_max` twins: the job that goes over them.", |payload, _| {
        payload.what.job.clone().map(|job| Out::object(JobNode::now(job)))
    });
    const EXPECTED: &str = "Refuses with COUNT_MISMATCH, and does nothing, if other than so many match.";
    const DRY_RUN: &str = "Only counts and shows what would be.";
    schema
        .mutation()
        .field("updateTwins", "BulkPayload!", UPDATE)
        .arg("where", "TwinWhere!")
        .arg("set", "JSON")
        .arg_doc("Properties, as for `updateTwin`.")
        .arg("unset", "[String!]")
        .arg("dryRun", "Boolean!")
        .arg_doc(DRY_RUN)
        .arg("expectedCount", "Int")
        .arg_doc(EXPECTED)
        .arg("idempotencyKey", "String")
        .arg_doc(KEY)
        .resolve(|_, args, ctx| async move { update(&ctx, args).await.map(Out::object) })
        .role(Role::Modeller)
        .field("deleteTwins", "BulkPayload!", DELETE)
        .arg("where", "TwinWhere!")
        .arg("dryRun", "Boolean!")
        .arg_doc(DRY_RUN)
        .arg("expectedCount", "Int")
        .arg_doc(EXPECTED)
        .arg("idempotencyKey", "String")
        .arg_doc(KEY)
        .resolve(|_, args, ctx| async move { delete(&ctx, args).await.map(Out::object) })
        .role(Role::Modeller);
}

const UPDATE: &str = "Changes properties of all twins that match, each by itself. Sent again without a key, it sets the same values again, on the \
                      twins that match by then.";
const DELETE: &str = "Deletes all twins that match, each by itself, children before their parents; children that do not match are in the way. Sent \
                      again without a key, it deletes what matches by then.";

async fn update(ctx: &RequestContext, mut args: Args) -> Result<Payload<Bulk>, ApiError> {
    let filter = match filter(ctx, &args)? {
        Ok(filter) => filter,
        Err(mistake) => return Ok(Payload::refused(vec![mistake], Bulk::default())),
    };
    let mut update = serde_json::Map::new();
    for name in ["set", "unset"] {
        update.extend(args.get(name).map(|given| (name.to_owned(), given.clone())));
    }
    let change = match inputs::read::<UpdateTwin>(Json::Object(update), &[]) {
        Ok(update) => Change::Update(update),
        Err(mistakes) => return Ok(Payload::refused(mistakes, Bulk::default())),
    };
    args.selection = Default::default();
    run(ctx, &args, Asked { field: "updateTwins".into(), scope: Scope::All, filter, change, at: <[String]>::to_vec }).await
}

async fn delete(ctx: &RequestContext, args: Args) -> Result<Payload<Bulk>, ApiError> {
    match filter(ctx, &args)? {
        Ok(filter) => {
            let asked = Asked { field: "deleteTwins".into(), scope: Scope::All, filter, change: Change::Delete, at: <[String]>::to_vec };
            run(ctx, &args, asked).await
        }
        Err(mistake) => Ok(Payload::refused(vec![mistake], Bulk::default())),
    }
}

/// A filter that makes no sense is a mistake of the caller like all others; one that is too large breaks a limit.
fn filter(ctx: &RequestContext, args: &Args) -> Result<Result<Filter, UserError>, ApiError> {
    let access = session(ctx)?.access(ctx.caller.role);
    match decode_twin_where(&access, "where", args.get("where")) {
        Ok(filter) => Ok(Ok(filter)),
        Err(error) if error.limit.is_some() => Err(error),
        Err(error) => Ok(Err(UserError::of(error, &["where"]))),
    }
}

/// `dryRun`, `expectedCount` and `idempotencyKey` stand in the arguments, whatever the field is.
pub async fn run(ctx: &RequestContext, args: &Args, asked: Asked) -> Result<Payload<Bulk>, ApiError> {
    let dry_run = args.boolean("dryRun").unwrap_or(true);
    let claim = match dry_run {
        true => Claim::Without,
        false => keys::claim(ctx, &asked.field, args).await?,
    };
    match claim {
        Claim::Answered(seq, answer) => return again(ctx, seq, answer),
        Claim::Refused(mistake) => return Ok(Payload::refused(vec![mistake], Bulk::default())),
        Claim::Without | Claim::First(_) => {}
    }
    let session = session(ctx)?;
    let twins = matching(session, ctx.caller.role, &asked);
    let matched = twins.len();
    if let Some(mistake) = miscounted(args, matched) {
        let tally = Tally { matched, ..Tally::default() };
        return Ok(Payload::refused(vec![mistake], Bulk { tally, ..Bulk::default() }));
    }
    let sweep = Sweep::new(session.runtime().clone(), &ctx.caller.subject, asked.change.clone(), dry_run);
    let twins = sweep.order(twins);
    let payload = match matched > session.services.limits.bulk_inline_max {
        true => as_job(ctx, &asked, sweep, twins).await?,
        false => inline(ctx, &asked, sweep, &twins).await?,
    };
    claim.keep(ctx, || serde_json::to_value(&payload.what.tally).unwrap_or_default()).await?;
    Ok(payload)
}

fn miscounted(args: &Args, matched: usize) -> Option<UserError> {
    let expected = args.integer("expectedCount")?;
    let is_it = usize::try_from(expected).is_ok_and(|expected| expected == matched);
    (!is_it).then(|| {
        let message = format!("{matched} twins match, and {expected} were expected; nothing was done");
        UserError::new("COUNT_MISMATCH", &["expectedCount"], message)
    })
}

/// By id, so that the same request goes the same way.
fn matching(session: &Session, role: Role, asked: &Asked) -> Vec<(TwinNo, TwinId)> {
    let found = access::matching(&session.access(role), &asked.scope, &asked.filter);
    let view = session.runtime().view();
    let mut twins: Vec<_> = found.iter().filter_map(|no| view.twin_no(no).map(|cell| (no, cell.state().id.clone()))).collect();
    twins.sort_by(|(_, a), (_, b)| a.cmp(b));
    twins
}

async fn inline(ctx: &RequestContext, asked: &Asked, mut sweep: Sweep, twins: &[(TwinNo, TwinId)]) -> Result<Payload<Bulk>, ApiError> {
    let session = session(ctx)?;
    let all =
        sweep.go(twins).await.map_err(|fault| edit::fault_of(fault).hint("some twins may have been changed: look, or send it again"))?;
    let mut bulk = Bulk { tally: Tally { matched: twins.len(), ..Tally::default() }, ..Bulk::default() };
    let mut errors = Vec::new();
    for ((no, id), swept) in twins.iter().zip(&all) {
        match swept {
            Swept::Changed(..) => bulk.tally.changed += 1,
            Swept::Same(_) => bulk.tally.changed += usize::from(matches!(asked.change, Change::Delete)),
            Swept::Refused(problems) => {
                bulk.tally.refused += 1;
                errors.extend(of_twin(problems, id, asked.at));
            }
        }
        if sweep.dry_run && bulk.preview.len() < PREVIEWS_MAX {
            bulk.preview.extend(Preview::new(session, *no, &asked.change, swept, &asked.at));
        }
    }
    errors.truncate(ERRORS_MAX);
    let seq = all.iter().filter_map(Swept::seq).max().filter(|_| !sweep.dry_run);
    if let Some(seq) = seq {
        session.read_after(seq);
    }
    bulk.tally.seq = seq.map(|seq| seq.0);
    Ok(Payload { seq, errors, what: bulk })
}

/// A mistake of one twin: its id stands before the place.
fn of_twin(problems: &[Problem], id: &TwinId, at: fn(&[String]) -> Vec<String>) -> Vec<UserError> {
    let place = |problem: &Problem| std::iter::once(id.to_string()).chain(at(&problem.path)).collect();
    let said = problems.iter().cloned().map(|problem| Problem { message: format!("{id}: {}", problem.message), ..problem });
    edit::mistakes(said.collect(), place)
}

async fn as_job(ctx: &RequestContext, asked: &Asked, mut sweep: Sweep, twins: Vec<(TwinNo, TwinId)>) -> Result<Payload<Bulk>, ApiError> {
    let session = session(ctx)?;
    let (at, matched) = (asked.at, twins.len());
    let mut preview = Vec::new();
    if sweep.dry_run {
        let first = &twins[..PREVIEWS_MAX.min(matched)];
        let mut look = Sweep::new(sweep.runtime.clone(), &sweep.by, asked.change.clone(), true);
        let shown = look.go(first).await.map_err(edit::fault_of)?;
        let shown = first.iter().zip(&shown);
        preview.extend(shown.filter_map(|((no, _), swept)| Preview::new(session, *no, &asked.change, swept, &asked.at)));
    }
    let clock = sweep.runtime.shared.clock.clone();
    let job = session.services.lasting.jobs.start(asked.field.clone(), matched, clock, move |job| async move {
        for part in twins.chunks(PART) {
            let swept = sweep.go(part).await.map_err(|fault| UserError::new("UNAVAILABLE", &[], fault.to_string()))?;
            for ((_, id), swept) in part.iter().zip(&swept) {
                job.advance(match swept {
                    Swept::Changed(..) | Swept::Same(_) => Ok(()),
                    Swept::Refused(problems) => of_twin(problems, id, at).into_iter().next().map_or(Ok(()), Err),
                });
            }
        }
        Ok(())
    })?;
    let tally = Tally { matched, job: Some(job.id()), ..Tally::default() };
    Ok(Payload { seq: None, errors: Vec::new(), what: Bulk { tally, preview, job: Some(job) } })
}

/// The first answer once more, without the mistakes of single twins.
fn again(ctx: &RequestContext, seq: Seq, answer: Json) -> Result<Payload<Bulk>, ApiError> {
    let session = session(ctx)?;
    session.read_after(seq);
    let tally: Tally = serde_json::from_value(answer).unwrap_or_default();
    let job = tally.job.as_ref().and_then(|id| session.services.lasting.jobs.find(id));
    Ok(Payload { seq: tally.seq.map(Seq), errors: Vec::new(), what: Bulk { tally, preview: Vec::new(), job } })
}
