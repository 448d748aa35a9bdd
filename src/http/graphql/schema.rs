//! `GET /graphql/schema.graphql`: the schema as text, for those who generate clients from it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use crate::api::ApiError;
use crate::http::tag;

use super::negotiate::Media;
use super::parameters::Url;
use super::service::Service;
use super::{Door, answer};

pub(super) async fn schema<S: Service>(State(door): State<Arc<Door<S>>>, uri: Uri, headers: HeaderMap) -> Response {
    let view = Url::of(&uri).and_then(|url| Ok(url.get("view")?.map(str::to_owned)));
    let view = match view {
        Ok(view) => view,
        Err(message) => return answer::malformed(None, StatusCode::BAD_REQUEST, ApiError::bad_input(message)),
    };
    let sdl = match door.service.sdl(view.as_deref()) {
        Ok(sdl) => sdl,
        Err(error) => return answer::refused(Media::Response, &[error]),
    };
    // Weak: compressed it has other bytes.
    let tag = format!("W/\"{}\"", sdl.hash);
    let caching = [(ETAG, tag.clone()), (CACHE_CONTROL, "no-cache".to_owned())];
    if tag::is_known(&headers, &tag) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(CONTENT_TYPE, "text/plain; charset=utf-8")], sdl.text.as_bytes().to_vec()).into_response()
}
