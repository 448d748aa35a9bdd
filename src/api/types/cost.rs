//! `Cost`: what a document would cost, without running it.

use serde_json::{Map, Value as Json};

use super::twin::session;
use crate::api::build::{Args, Out, SchemaBuilder};
use crate::api::engine::RequestContext;
use crate::api::error::ApiError;
use crate::api::prepare::Cost;
use crate::api::request::Request;

pub fn declare(schema: &mut SchemaBuilder) {
    let number = |number: u64| Out::Int(i32::try_from(number).unwrap_or(i32::MAX));
    schema
        .object::<Cost>("Cost", "What an operation costs: weight + multiplier × cost of what is selected below.")
        .value("cost", "Int!", "", move |cost, _| number(cost.cost))
        .value("limit", "Int!", "What an operation may cost: `cost_max`.", move |cost, _| number(cost.limit))
        .value("depth", "Int!", "Fields that nest.", move |cost, _| number(cost.depth))
        .value("fields", "Int!", "With fragments expanded.", move |cost, _| number(cost.fields));
}

/// `cost(document:, variables:, operationName:)`. A document that may not run says why.
pub fn root(ctx: &RequestContext, args: &Args) -> Result<Out, ApiError> {
    let session = session(ctx)?;
    let variables = match args.get("variables") {
        None => None,
        Some(Json::Object(variables)) => Some(variables.clone()),
        Some(_) => return Err(ApiError::bad_input("`variables` must be an object")),
    };
    let request = Request {
        query: Some(args.required_text("document")?.to_owned()),
        operation_name: args.text("operationName").map(str::to_owned),
        variables,
        extensions: Map::new(),
        resume_after: None,
    };
    let operation = session.services.lasting.preparer.prepare(&session.services.checker, &request, &ctx.caller);
    match operation {
        Ok(operation) => Ok(Out::object(operation.cost)),
        Err(refused) => {
            let first = refused.errors.into_iter().next();
            Err(first.map_or_else(|| ApiError::bad_input("the document cannot run"), |error| ApiError { locations: Vec::new(), ..error }))
        }
    }
}
