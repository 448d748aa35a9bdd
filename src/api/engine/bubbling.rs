//! Null bubbling as the specification has it: an error is told once, with its path; the nearest ancestor that may be null becomes null; what
//! stands beside it stays.
//!
//! The library leaves a failing field out, and makes null of an object of which nothing was selected. Our only hook is around each field and
//! each item of a list. Nothing leaves it as an error, so the library has nothing to swallow.

use std::sync::Arc;

use async_graphql::async_trait::async_trait;
use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextResolve, NextValidation, ResolveInfo};
use async_graphql::indexmap::IndexMap;
use async_graphql::{CacheControl, QueryPathNode, QueryPathSegment, ServerError, ServerResult, ValidationResult, Value};

use super::context::{Ctx, RequestContext};
use crate::api::error::{ApiError, Code, Location, Step};

#[derive(Debug)]
pub struct Bubbling;

impl ExtensionFactory for Bubbling {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Bubbling)
    }
}

#[async_trait]
impl Extension for Bubbling {
    /// The document has been validated in full; what the library would walk here once more tells nobody anything.
    async fn validation(&self, _: &ExtensionContext<'_>, _: NextValidation<'_>) -> Result<ValidationResult, Vec<ServerError>> {
        Ok(ValidationResult { cache_control: CacheControl::default(), complexity: 0, depth: 0 })
    }

    async fn resolve(&self, ctx: &ExtensionContext<'_>, info: ResolveInfo<'_>, next: NextResolve<'_>) -> ServerResult<Option<Value>> {
        if info.is_for_introspection {
            return next.run(ctx, info).await;
        }
        let (path, is_non_null) = (*info.path_node, info.return_type.ends_with('!'));
        let result = next.run(ctx, info).await;
        let Some(request) = ctx.data_opt::<Ctx>() else { return result };
        Ok(settle(request, &path, is_non_null, result))
    }
}

fn settle(request: &RequestContext, path: &QueryPathNode<'_>, is_non_null: bool, result: ServerResult<Option<Value>>) -> Option<Value> {
    let value = match result {
        Ok(Some(value)) if !request.faults.any() => return Some(filled(value)),
        Ok(None) if !is_non_null => return None,
        Ok(Some(value)) => {
            let path = steps(path);
            if !request.faults.is_poisoned(&path) {
                return Some(filled(value));
            }
            request.faults.make_null(path, is_non_null);
            return None;
        }
        Ok(None) => ServerError::new("no value at a type that has one", None),
        Err(error) => error,
    };
    let path = steps(path);
    request.faults.record(told(request, &path, &value));
    request.faults.make_null(path, is_non_null);
    None
}

/// Absent values are `None`: a null is an object of which nothing was selected.
fn filled(value: Value) -> Value {
    if matches!(value, Value::Null) { Value::Object(IndexMap::new()) } else { value }
}

/// The error as clients see it. What went wrong with us stands in the log.
pub(super) fn told(request: &RequestContext, path: &[Step], error: &ServerError) -> ApiError {
    let own = error.source::<ApiError>().cloned();
    let mut told = own.unwrap_or_else(|| ApiError::new(Code::Internal, error.message.clone()));
    if told.code == Code::Internal {
        tracing::error!(request_id = %request.request_id, path = ?path, error = %told.message, "a field failed");
        told = ApiError::new(Code::Internal, "internal error");
    }
    if told.locations.is_empty() {
        told.locations = error.locations.iter().map(|pos| Location { line: pos.line, column: pos.column }).collect();
    }
    told.path = path.to_vec();
    told.request_id = Some(request.request_id.clone());
    told
}

fn steps(node: &QueryPathNode<'_>) -> Vec<Step> {
    let mut steps: Vec<Step> = std::iter::once(node)
        .chain(node.parents())
        .map(|node| match node.segment {
            QueryPathSegment::Name(name) => Step::Key(name.to_owned()),
            QueryPathSegment::Index(index) => Step::Index(index),
        })
        .collect();
    steps.reverse();
    steps
}
