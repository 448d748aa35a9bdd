//! One twin at a time: made, changed, moved, deleted.

use super::{edit, inputs};
use crate::api::build::{Args, Out, SchemaBuilder};
use crate::api::engine::RequestContext;
use crate::api::error::ApiError;
use crate::api::request::Role;
use crate::api::types::payload::{DeletePayload, Payload, TwinPayload};
use crate::runtime::edit::{DeleteTwin, MoveTwin, Op};

pub const KEY: &str =
    "Up to 128 characters, new for each request and the same when it is sent again: then the first answer is given again, for 24 hours.";

pub(super) fn declare(schema: &mut SchemaBuilder) {
    schema
        .mutation()
        .field("createTwin", "TwinPayload!", CREATE)
        .arg("input", "CreateTwinInput!")
        .arg("idempotencyKey", "String")
        .arg_doc(KEY)
        .resolve(|_, args, ctx| async move { create(&ctx, args).await.map(Out::object) })
        .role(Role::Modeller)
        .field("updateTwin", "TwinPayload!", UPDATE)
        .arg("input", "UpdateTwinInput!")
        .arg("idempotencyKey", "String")
        .arg_doc(KEY)
        .resolve(|_, args, ctx| async move { update(&ctx, args).await.map(Out::object) })
        .role(Role::Operator)
        .field("moveTwin", "TwinPayload!", MOVE)
        .arg("input", "MoveTwinInput!")
        .arg("idempotencyKey", "String")
        .arg_doc(KEY)
        .resolve(|_, args, ctx| async move { relocate(&ctx, args).await.map(Out::object) })
        .role(Role::Modeller)
        .field("deleteTwin", "DeletePayload!", DELETE)
        .arg("input", "DeleteTwinInput!")
        .arg("idempotencyKey", "String")
        .arg_doc(KEY)
        .resolve(|_, args, ctx| async move { delete(&ctx, args).await.map(Out::object) })
        .role(Role::Modeller);
}

const CREATE: &str =
    "Makes a twin. Sent again without a key, it makes another one, or is refused with ALREADY_EXISTS if it names its `id`.";
const UPDATE: &str = "Changes name and properties. Operators may change settings (`sync: desired`) only. Sent again without a key, it sets the same \
                      values again, over what others have set meanwhile; `expectedRevision` guards against that.";
const MOVE: &str = "Gives a twin another parent. Sent again without a key, it moves the twin back there if others have moved it meanwhile.";
const DELETE: &str = "Deletes a twin and ends its relations; the past can still be asked for. Sent again without a key, it is refused with \
                      UNKNOWN_TWIN, or deletes a twin that was made anew under the id.";

async fn create(ctx: &RequestContext, mut args: Args) -> Result<TwinPayload, ApiError> {
    match inputs::read(args.take_required("input")?, &["input"]) {
        Ok(input) => edit::create(ctx, input, args.text("idempotencyKey"), edit::in_input).await,
        Err(mistakes) => Ok(Payload::refused(mistakes, None)),
    }
}

async fn update(ctx: &RequestContext, mut args: Args) -> Result<TwinPayload, ApiError> {
    match inputs::read(args.take_required("input")?, &["input"]) {
        Ok(input) => edit::update(ctx, input, args.text("idempotencyKey"), edit::in_input).await,
        Err(mistakes) => Ok(Payload::refused(mistakes, None)),
    }
}

async fn relocate(ctx: &RequestContext, mut args: Args) -> Result<TwinPayload, ApiError> {
    match inputs::read::<MoveTwin>(args.take_required("input")?, &["input"]) {
        Ok(input) => edit::one_twin(ctx, Op::Move(input), args.text("idempotencyKey"), edit::in_input).await,
        Err(mistakes) => Ok(Payload::refused(mistakes, None)),
    }
}

async fn delete(ctx: &RequestContext, mut args: Args) -> Result<DeletePayload, ApiError> {
    match inputs::read::<DeleteTwin>(args.take_required("input")?, &["input"]) {
        Ok(input) => edit::deletion(ctx, Op::Delete(input), args.text("idempotencyKey")).await,
        Err(mistakes) => Ok(Payload::refused(mistakes, Vec::new())),
    }
}
