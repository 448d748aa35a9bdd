//! Running queries and mutations to their end, and subscriptions item by item.

use std::panic::AssertUnwindSafe;

use async_graphql::dynamic::{DynamicRequest, DynamicRequestExt};
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Name, PathSegment, Request, Response, ServerError, Value, Variables};
use futures_util::{FutureExt, Stream, StreamExt, stream};
use serde_json::{Map, Value as Json};

use super::body;
use super::bubbling::told;
use super::context::{Ctx, RequestContext};
use crate::api::build::{Built, root_value};
use crate::api::error::{ApiError, Code, Step};
use crate::api::request::Answer;

/// Runs a query or a mutation. The document has been validated, holds this operation alone, and has its root flattened: the library would
/// execute a response key that is selected twice two times. `root_order` are the response keys of the root.
pub async fn run(built: &Built, document: ExecutableDocument, root_order: &[String], variables: Map<String, Json>, ctx: Ctx) -> Answer {
    let execution = AssertUnwindSafe(built.schema.execute(request(document, variables, &ctx))).catch_unwind();
    let response = match ctx.deadline {
        Some(deadline) => match tokio::time::timeout_at(deadline, execution).await {
            Ok(response) => response,
            Err(_) => return Answer::refused(vec![timeout(&ctx)]),
        },
        None => execution.await,
    };
    match response {
        Ok(response) => answer(&ctx, response, root_order).unwrap_or_else(|refused| refused),
        Err(_) => Answer::refused(vec![panicked(&ctx)]),
    }
}

/// Runs a subscription. An item with `data` may be followed by others, whatever its errors; an answer without is the last one.
pub fn run_stream(
    built: &Built,
    document: ExecutableDocument,
    variables: Map<String, Json>,
    ctx: Ctx,
) -> impl Stream<Item = Answer> + Send + use<> {
    let responses = AssertUnwindSafe(built.schema.execute_stream(request(document, variables, &ctx))).catch_unwind();
    stream::unfold(Some(responses.boxed()), move |responses| {
        let ctx = ctx.clone();
        async move {
            let mut responses = responses?;
            match responses.next().await? {
                Ok(response) => Some(match answer(&ctx, response, &[]) {
                    Ok(item) => (item, Some(responses)),
                    Err(last) => (last, None),
                }),
                Err(_) => Some((Answer::refused(vec![panicked(&ctx)]), None)),
            }
        }
    })
}

fn request(document: ExecutableDocument, variables: Map<String, Json>, ctx: &Ctx) -> DynamicRequest {
    let mut variables = Variables::from_json(Json::Object(variables));
    // `@include` and `@skip` do not see the defaults of variables.
    for (_, operation) in document.operations.iter() {
        for definition in &operation.node.variable_definitions {
            if let Some(default) = &definition.node.default_value {
                variables.entry(definition.node.name.node.clone()).or_insert_with(|| default.node.clone());
            }
        }
    }
    let mut request = Request::new("").variables(variables).data(ctx.clone());
    request.set_parsed_query(document);
    request.root_value(root_value())
}

/// `Err`: an answer without data, behind which nothing comes.
fn answer(ctx: &RequestContext, response: Response, root_order: &[String]) -> Result<Answer, Answer> {
    let told_by_fields = ctx.faults.take();
    ctx.forget();
    if !response.errors.is_empty() {
        let errors: Vec<ApiError> = response.errors.iter().map(|error| told(ctx, &path(error), error)).collect();
        return Err(Answer::refused(errors));
    }
    let mut data = response.data;
    if matches!(data, Value::Null) {
        // Everything was skipped.
        data = Value::Object(async_graphql::indexmap::IndexMap::<Name, Value>::new());
    }
    Ok(body::executed(ctx, data, told_by_fields, root_order))
}

fn path(error: &ServerError) -> Vec<Step> {
    let steps = error.path.iter().map(|segment| match segment {
        PathSegment::Field(name) => Step::Key(name.clone()),
        PathSegment::Index(index) => Step::Index(*index),
    });
    steps.collect()
}

fn timeout(ctx: &RequestContext) -> ApiError {
    let error = ApiError::new(Code::Timeout, "the request took longer than it may");
    ApiError { request_id: Some(ctx.request_id.clone()), ..error }
        .hint("ask for less at once; a mutation may have been carried out all the same: with an idempotency key it can be sent again")
}

fn panicked(ctx: &RequestContext) -> ApiError {
    tracing::error!(request_id = %ctx.request_id, "the execution of a request panicked");
    ApiError { request_id: Some(ctx.request_id.clone()), ..ApiError::new(Code::Internal, "internal error") }
}
