//! Answers that are one JSON document: which status and which headers they carry.

use axum::body::Body;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, VARY, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::json;

use crate::api::{Answer, ApiError, Code, Outcome};

use super::negotiate::Media;

/// When a client may come again, in seconds.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// The answer to a request that could be taken apart.
pub(super) fn answered(media: Media, answer: Answer) -> Response {
    match answer.outcome {
        Outcome::Executed => document(media, StatusCode::OK, answer.body),
        Outcome::Refused(errors) => refused(media, &errors),
    }
}

/// The request cannot run. Under the older media type this is no matter of HTTP, unless it concerns whoever stands between.
pub(super) fn refused(media: Media, errors: &[ApiError]) -> Response {
    let code = errors.first().map_or(Code::Internal, |error| error.code);
    let status = match status_of(code) {
        StatusCode::BAD_REQUEST if media == Media::Json => StatusCode::OK,
        status => status,
    };
    let mut response = document(media, status, listed(errors));
    let headers = response.headers_mut();
    if code.is_retryable() {
        headers.insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
    }
    if code == Code::Unauthenticated {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// What came is no request at all, under either media type.
pub(super) fn malformed(media: Option<Media>, status: StatusCode, error: ApiError) -> Response {
    document(media.unwrap_or(Media::Json), status, listed(&[error]))
}

pub(super) fn not_allowed(media: Option<Media>, allowed: &'static str, error: ApiError) -> Response {
    let mut response = malformed(media, StatusCode::METHOD_NOT_ALLOWED, error);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

/// There is no room now.
pub(super) fn busy(error: ApiError) -> Response {
    let mut response = malformed(None, StatusCode::SERVICE_UNAVAILABLE, error);
    response.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
    response
}

fn document(media: Media, status: StatusCode, body: Bytes) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(media.content_type())),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (VARY, HeaderValue::from_static("accept")),
    ];
    (status, headers, Body::from(body)).into_response()
}

fn listed(errors: &[ApiError]) -> Bytes {
    json!({ "errors": errors }).to_string().into()
}

fn status_of(code: Code) -> StatusCode {
    match code {
        Code::ParseFailed
        | Code::ValidationFailed
        | Code::BadUserInput
        | Code::OperationResolutionFailed
        | Code::PersistedQueryNotFound
        | Code::PersistedQueryRequired
        | Code::ResourceLimit
        | Code::SchemaChanged
        | Code::BadCursor => StatusCode::BAD_REQUEST,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::Forbidden => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::Timeout => StatusCode::GATEWAY_TIMEOUT,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
