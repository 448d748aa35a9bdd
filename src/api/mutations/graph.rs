//! Many changes in one commit.

use serde_json::Value as Json;

use super::twins::KEY;
use super::{edit, inputs};
use crate::api::build::{Args, Out, SchemaBuilder};
use crate::api::engine::RequestContext;
use crate::api::error::ApiError;
use crate::api::request::Role;
use crate::api::session::{Seen, Session};
use crate::api::types::issue::UserError;
use crate::api::types::payload::{Graph, Payload};
use crate::api::types::twin::session;
use crate::runtime::edit::{Edited, Op, Options, Problem};

pub(super) fn declare(schema: &mut SchemaBuilder) {
    schema
        .mutation()
        .field("applyGraph", "ApplyGraphPayload!", APPLY)
        .arg("ops", "[GraphOp!]!")
        .arg_doc("At most `graph_ops_max`. New twins come first and deletions last, so they may name each other in any order.")
        .arg("dryRun", "Boolean = false")
        .arg_doc("Only says what would be, or what is wrong.")
        .arg("idempotencyKey", "String")
        .arg_doc(KEY)
        .resolve(|_, args, ctx| async move { apply(&ctx, args).await.map(Out::object) })
        .role(Role::Modeller);
}

const APPLY: &str = "All or nothing, in one commit; cardinality and cycles are checked on the result. Sent again without a key, it acts again, as \
                     far as it is not refused: twins that are to be made are there already, if they name their `id`.";

async fn apply(ctx: &RequestContext, mut args: Args) -> Result<Payload<Graph>, ApiError> {
    let session = session(ctx)?;
    let ops = match args.take_required("ops")? {
        Json::Array(ops) => ops,
        one @ Json::Null | one @ Json::Bool(_) | one @ Json::Number(_) | one @ Json::String(_) | one @ Json::Object(_) => vec![one],
    };
    let max = session.services.limits.graph_ops_max;
    if ops.len() > max {
        let message = format!("{} operations in one change; at most {max} are taken", ops.len());
        return Err(ApiError::limit("graph_ops_max", max as u64, message).hint("apply it in parts"));
    }
    let ops = match read(ops) {
        Ok(ops) => ops,
        Err(mistakes) => return Ok(Payload::refused(mistakes, Graph::default())),
    };
    let options = Options { dry_run: args.boolean("dryRun").unwrap_or(false), ..edit::options(args.text("idempotencyKey")) };
    let dry_run = options.dry_run;
    Ok(match edit::edit(ctx, ops, options).await? {
        Ok(edited) if dry_run => Payload { seq: None, errors: Vec::new(), what: planned(&edited) },
        Ok(edited) => Payload::done(edited.seq, made(session, &edited)),
        Err(problems) => Payload::refused(edit::mistakes(problems, Problem::path_in_ops), Graph::default()),
    })
}

fn read(ops: Vec<Json>) -> Result<Vec<Op>, Vec<UserError>> {
    let mut read = Vec::with_capacity(ops.len());
    let mut mistakes = Vec::new();
    for (index, op) in ops.into_iter().enumerate() {
        let Some((kind, input)) = op.as_object().and_then(|op| op.iter().next()) else { continue };
        let place = ["ops", &index.to_string(), kind];
        // What stands inside is checked with its place, then read as the operation it is.
        match inputs::check(input, &place).and_then(|()| inputs::read(op.clone(), &place)) {
            Ok(op) => read.push(op),
            Err(more) => mistakes.extend(more),
        }
    }
    if mistakes.is_empty() { Ok(read) } else { Err(mistakes) }
}

/// Each twin once, in the order in which the operations name them.
fn made(session: &Session, edited: &Edited) -> Graph {
    let mut graph = Graph::default();
    for result in &edited.results {
        let seen = edit::twin_of(session, result);
        graph.twins.extend(seen.filter(|seen| !graph.twins.iter().any(|known| known.state.no == seen.state.no)));
        graph.relations.extend(edit::relations_of(result).into_iter().filter_map(|id| edit::edge_of(session, id)));
        graph.deleted.extend(edit::deleted_of(result));
    }
    graph
}

fn planned(edited: &Edited) -> Graph {
    let twins = edited.twins.iter().map(|change| Seen { state: change.after.clone(), seq: edited.seq }).collect();
    Graph { twins, relations: Vec::new(), deleted: edited.results.iter().flat_map(edit::deleted_of).collect() }
}
