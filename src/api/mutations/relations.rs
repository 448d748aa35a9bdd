//! One edge at a time: begun and ended.

use super::twins::KEY;
use super::{edit, inputs};
use crate::api::build::{Args, Out, SchemaBuilder};
use crate::api::engine::RequestContext;
use crate::api::error::ApiError;
use crate::api::request::Role;
use crate::api::types::payload::{DeletePayload, Payload, RelationPayload};
use crate::runtime::edit::{Op, Unrelate};

pub(super) fn declare(schema: &mut SchemaBuilder) {
    schema
        .mutation()
        .field("relate", "RelationPayload!", RELATE)
        .arg("input", "RelateInput!")
        .arg("idempotencyKey", "String")
        .arg_doc(KEY)
        .resolve(|_, args, ctx| async move { relate(&ctx, args).await.map(Out::object) })
        .role(Role::Modeller)
        .field("unrelate", "DeletePayload!", UNRELATE)
        .arg("input", "UnrelateInput!")
        .arg("idempotencyKey", "String")
        .arg_doc(KEY)
        .resolve(|_, args, ctx| async move { unrelate(&ctx, args).await.map(Out::object) })
        .role(Role::Modeller);
}

const RELATE: &str =
    "Begins an edge between two twins. Sent again without a key, it begins a second one where the relation allows that, or is refused.";
const UNRELATE: &str = "Ends an edge; the past can still be asked for. Sent again without a key, it is refused: the edge has ended.";

async fn relate(ctx: &RequestContext, mut args: Args) -> Result<RelationPayload, ApiError> {
    match inputs::read(args.take_required("input")?, &["input"]) {
        Ok(input) => edit::relation(ctx, input, args.text("idempotencyKey")).await,
        Err(mistakes) => Ok(Payload::refused(mistakes, None)),
    }
}

async fn unrelate(ctx: &RequestContext, mut args: Args) -> Result<DeletePayload, ApiError> {
    match inputs::read::<Unrelate>(args.take_required("input")?, &["input"]) {
        Ok(input) => edit::deletion(ctx, Op::Unrelate(input), args.text("idempotencyKey")).await,
        Err(mistakes) => Ok(Payload::refused(mistakes, Vec::new())),
    }
}
