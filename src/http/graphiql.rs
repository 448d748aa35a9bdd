//! GraphiQL at `/graphiql`. It is made from `web/graphiql` (`make web`) and lies in the binary, so it works where no other host can be reached, and
//! the page may reach none. A binary that was built without it says so in its place.

use std::borrow::Cow;

use axum::Router;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use rust_embed::{Embed, EmbeddedFile};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;

use super::tag;

#[derive(Embed)]
#[folder = "web/dist/graphiql"]
#[allow_missing = true]
struct Built;

const PAGE: &str = "index.html";
/// The files in here have a hash of what is in them in their names.
const HASHED: &str = "assets/";

/// The editor writes styles into the page and draws a few signs as data; all else comes from here, and nothing goes elsewhere.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; object-src 'none'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Pollux</title>\
<h1>GraphiQL is not in this binary</h1>\
<p>It was built without it. Run <code>make web</code> (which needs Node.js 20.19 or later, with npm), then build Pollux again.</p>\
<p>The API itself is at <code>/graphql</code>, its schema at <a href=\"/graphql/schema.graphql\">/graphql/schema.graphql</a>.</p></html>";

pub(super) fn routes() -> Router {
    Router::new()
        .route("/graphiql", get(page))
        .route("/graphiql/", get(page))
        .route("/graphiql/{*path}", get(file))
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
}

async fn page(headers: HeaderMap) -> Response {
    match Built::get(PAGE) {
        Some(file) => answer(PAGE, file, &headers),
        None => (StatusCode::NOT_FOUND, Html(NOT_BUILT)).into_response(),
    }
}

async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    match Built::get(&name) {
        Some(file) => answer(&name, file, &headers),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn answer(name: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    let tag = tag::weak(&file.metadata.sha256_hash());
    let keep = if name.starts_with(HASHED) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let caching = [(ETAG, tag.as_str()), (CACHE_CONTROL, keep)];
    if tag::is_known(headers, &tag) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    let safety = [(CONTENT_SECURITY_POLICY, POLICY), (X_CONTENT_TYPE_OPTIONS, "nosniff"), (REFERRER_POLICY, "no-referrer")];
    let body = match file.data {
        Cow::Borrowed(bytes) => bytes.into_response(),
        Cow::Owned(bytes) => bytes.into_response(),
    };
    // What the body says of its own type gives way to what the name says.
    (caching, safety, [(CONTENT_TYPE, media_type(name))], body).into_response()
}

/// Of the kinds of files that the bundler writes.
fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("ttf") => "font/ttf",
        Some("woff") => "font/woff",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use axum::http::HeaderValue;
    use axum::http::header::IF_NONE_MATCH;

    use super::*;

    fn header(response: &Response, name: impl axum::http::header::AsHeaderName) -> String {
        response.headers().get(name).unwrap().to_str().unwrap().to_owned()
    }

    async fn text(response: Response) -> String {
        String::from_utf8(to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap()
    }

    /// With and without a built GraphiQL: this test holds for both binaries.
    #[tokio::test]
    async fn the_page_names_what_is_there_or_says_how_to_get_it() {
        let response = page(HeaderMap::new()).await;
        if Built::get(PAGE).is_none() {
            assert_eq!(response.status(), StatusCode::NOT_FOUND);
            assert!(text(response).await.contains("make web"));
            return;
        }
        assert_eq!(header(&response, CACHE_CONTROL), "no-cache");
        assert_eq!(header(&response, CONTENT_TYPE), "text/html; charset=utf-8");
        let page = text(response).await;
        let named: Vec<&str> = page.split('"').filter_map(|text| text.strip_prefix("/graphiql/")).collect();
        assert!(!named.is_empty(), "{page}");
        for name in named {
            let response = file(Path(name.to_owned()), HeaderMap::new()).await;
            assert_eq!(response.status(), StatusCode::OK, "{name}");
            assert_ne!(header(&response, CONTENT_TYPE), "application/octet-stream", "{name}");
            assert!(header(&response, CACHE_CONTROL).contains("immutable"), "{name}");
        }
    }

    #[tokio::test]
    async fn what_is_not_there_is_not_found() {
        for name in ["no-such-file.js", "../../Cargo.toml", "assets/"] {
            assert_eq!(file(Path(name.to_owned()), HeaderMap::new()).await.status(), StatusCode::NOT_FOUND, "{name}");
        }
    }

    #[tokio::test]
    async fn a_file_that_is_known_is_not_sent_again() {
        for name in Built::iter() {
            let first = file(Path(name.to_string()), HeaderMap::new()).await;
            let headers = HeaderMap::from_iter([(IF_NONE_MATCH, HeaderValue::from_str(&header(&first, ETAG)).unwrap())]);
            let again = file(Path(name.to_string()), headers).await;
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{name}");
            assert_eq!(text(again).await, "");
        }
    }
}
