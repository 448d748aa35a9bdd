//! `/graphql`: one request by POST or GET, answered with one document or, if the client takes it, with an event stream.

use std::sync::Arc;

use axum::extract::{FromRequest, Request as HttpRequest, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;

use crate::api::{Answer, ApiError, OperationKind, Request};

use super::caller::{caller_of, credentials_of};
use super::negotiate::{Accepts, Media, check_body_type};
use super::parameters::{Url, from_body, from_url};
use super::service::Service;
use super::{Door, answer, sse};

pub(super) async fn exchange<S: Service>(State(door): State<Arc<Door<S>>>, request: HttpRequest) -> Response {
    let accepts = Accepts::of(request.headers());
    let method = request.method().clone();
    if method != Method::POST && method != Method::GET {
        let error = ApiError::bad_input(format!("{method} is not for GraphQL")).hint("use POST, or GET for queries");
        return answer::not_allowed(accepts.document, "GET, POST", error);
    }
    if accepts.document.is_none() && !accepts.stream {
        let error = ApiError::bad_input("there is no answer of a media type that `Accept` allows");
        let error = error.hint("application/graphql-response+json, application/json and text/event-stream are there");
        return answer::malformed(None, StatusCode::NOT_ACCEPTABLE, error);
    }
    match read(&door, request).await {
        Ok(asked) => run(&door, &method, accepts, asked).await,
        Err((status, error)) => answer::malformed(accepts.document, status, error),
    }
}

/// A request that could be taken apart.
struct Asked {
    view: Option<String>,
    headers: HeaderMap,
    request: Request,
}

async fn read<S: Service>(door: &Door<S>, request: HttpRequest) -> Result<Asked, (StatusCode, ApiError)> {
    let bad = |message: String| (StatusCode::BAD_REQUEST, ApiError::bad_input(message));
    let headers = request.headers().clone();
    let url = Url::of(request.uri()).map_err(bad)?;
    let view = url.get("view").map_err(bad)?.map(str::to_owned);
    let mut asked = if request.method() == Method::POST {
        check_body_type(&headers).map_err(|message| (StatusCode::UNSUPPORTED_MEDIA_TYPE, ApiError::bad_input(message)))?;
        from_body(&body(door, request).await?)
    } else {
        from_url(&url)
    }
    .map_err(bad)?;
    asked.resume_after = sse::last_event_id(&headers);
    Ok(Asked { view, headers, request: asked })
}

async fn body<S: Service>(door: &Door<S>, request: HttpRequest) -> Result<Bytes, (StatusCode, ApiError)> {
    Bytes::from_request(request, &()).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            let bytes_max = door.settings.body_bytes_max;
            let error = ApiError::limit("body_bytes_max", bytes_max as u64, format!("the body is larger than {bytes_max} bytes"));
            (StatusCode::PAYLOAD_TOO_LARGE, error.hint("send many readings to POST /ingest"))
        }
        status => (status, ApiError::bad_input(rejection.body_text())),
    })
}

async fn run<S: Service>(door: &Arc<Door<S>>, method: &Method, accepts: Accepts, asked: Asked) -> Response {
    let Asked { view, headers, request } = asked;
    // Without a document there is a stream: one of the two is accepted.
    let media = accepts.document.unwrap_or(Media::Json);
    let caller = match caller_of(credentials_of(&headers)) {
        Ok(caller) => caller,
        Err(error) => return answer::refused(media, &[error]),
    };
    let prepared = match door.service.prepare(view.as_deref(), request, &caller).await {
        Ok(prepared) => prepared,
        Err(errors) if accepts.prefers_stream => return sse::respond(door, stream::iter([Answer::refused(errors)])),
        Err(errors) => return answer::refused(media, &errors),
    };
    match S::kind(&prepared) {
        OperationKind::Mutation if method == Method::GET => {
            answer::not_allowed(accepts.document, "POST", ApiError::bad_input("GET is for queries; send a mutation by POST"))
        }
        OperationKind::Subscription if accepts.stream => sse::respond(door, door.service.subscribe(prepared)),
        OperationKind::Subscription => {
            let error = ApiError::bad_input("a subscription is answered with an event stream, or over /graphql/ws");
            let error = error.hint("send `Accept: text/event-stream`");
            match *method {
                Method::GET => answer::not_allowed(accepts.document, "POST", error),
                _ => answer::malformed(accepts.document, StatusCode::NOT_ACCEPTABLE, error),
            }
        }
        OperationKind::Query | OperationKind::Mutation if accepts.prefers_stream => {
            let service = door.service.clone();
            sse::respond(door, stream::once(async move { service.execute(prepared).await }))
        }
        OperationKind::Query | OperationKind::Mutation => answer::answered(media, door.service.execute(prepared).await),
    }
}
