//! `/graphql` with one document as the answer, and the schema as text: every status and header.

use std::fmt::Write as _;

use expect_test::{Expect, expect};
use reqwest::{Client, Method, RequestBuilder};

use crate::http::graphql::{Origins, Settings};

use super::Server;

const RESPONSE: &str = "application/graphql-response+json";

async fn told(title: &str, request: RequestBuilder) -> String {
    let response = request.send().await.unwrap();
    let mut text = format!("== {title}\n{}", response.status().as_u16());
    for name in ["content-type", "allow", "retry-after", "www-authenticate", "content-encoding", "etag", "access-control-allow-origin"] {
        if let Some(value) = response.headers().get(name) {
            write!(text, " · {name}: {}", value.to_str().unwrap()).unwrap();
        }
    }
    let no_store = response.headers().get("cache-control").is_some_and(|value| value == "no-store");
    if !no_store {
        text.push_str(" · may be stored");
    }
    let is_compressed = response.headers().contains_key("content-encoding");
    let body = response.bytes().await.unwrap();
    let body = match std::str::from_utf8(&body) {
        _ if is_compressed => format!("(less than {} bytes)", body.len().next_power_of_two()),
        Ok(text) if text.len() < 500 => text.to_owned(),
        _ => format!("({} bytes)", body.len()),
    };
    format!("{text}\n{body}\n")
}

async fn all(cases: Vec<(&str, RequestBuilder)>, wanted: Expect) {
    let mut text = String::new();
    for (title, request) in cases {
        text.push_str(&told(title, request).await);
    }
    wanted.assert_eq(&text);
}

/// A POST of a document.
fn post(server: &Server, accept: &str, query: &str) -> RequestBuilder {
    Client::new().post(server.url("/graphql")).header("accept", accept).json(&serde_json::json!({ "query": query }))
}

fn get(server: &Server, accept: &str, path: &str) -> RequestBuilder {
    Client::new().get(server.url(path)).header("accept", accept)
}

#[tokio::test]
async fn statuses_follow_the_media_type() {
    let server = Server::start().await;
    let mut cases = Vec::new();
    for accept in [RESPONSE, "application/json"] {
        for query in
            ["{ a }", "{ partly }", "mutation { a }", "{ wrong }", "{ secret }", "{ forbidden }", "{ busy }", "{ slow }", "{ broken }"]
        {
            cases.push((query, post(&server, accept, query)));
        }
    }
    all(cases, expect![[r#"
        == { a }
        200 · content-type: application/graphql-response+json; charset=utf-8
        {"data":{"a":1}}
        == { partly }
        200 · content-type: application/graphql-response+json; charset=utf-8
        {"data":null,"errors":[{"message":"a field failed"}]}
        == mutation { a }
        200 · content-type: application/graphql-response+json; charset=utf-8
        {"data":{"a":1}}
        == { wrong }
        400 · content-type: application/graphql-response+json; charset=utf-8
        {"errors":[{"extensions":{"code":"GRAPHQL_VALIDATION_FAILED","retryable":false},"locations":[{"column":3,"line":1}],"message":"there is no field `wrong`"}]}
        == { secret }
        401 · content-type: application/graphql-response+json; charset=utf-8 · www-authenticate: Bearer
        {"errors":[{"extensions":{"code":"UNAUTHENTICATED","retryable":false},"message":"who are you?"}]}
        == { forbidden }
        403 · content-type: application/graphql-response+json; charset=utf-8
        {"errors":[{"extensions":{"code":"FORBIDDEN","retryable":false},"message":"not for you"}]}
        == { busy }
        503 · content-type: application/graphql-response+json; charset=utf-8 · retry-after: 1
        {"errors":[{"extensions":{"code":"UNAVAILABLE","retryable":true},"message":"too much to do"}]}
        == { slow }
        504 · content-type: application/graphql-response+json; charset=utf-8 · retry-after: 1
        {"errors":[{"extensions":{"code":"TIMEOUT","retryable":true},"message":"it took too long"}]}
        == { broken }
        500 · content-type: application/graphql-response+json; charset=utf-8
        {"errors":[{"extensions":{"code":"INTERNAL","retryable":false},"message":"internal error"}]}
        == { a }
        200 · content-type: application/json; charset=utf-8
        {"data":{"a":1}}
        == { partly }
        200 · content-type: application/json; charset=utf-8
        {"data":null,"errors":[{"message":"a field failed"}]}
        == mutation { a }
        200 · content-type: application/json; charset=utf-8
        {"data":{"a":1}}
        == { wrong }
        200 · content-type: application/json; charset=utf-8
        {"errors":[{"extensions":{"code":"GRAPHQL_VALIDATION_FAILED","retryable":false},"locations":[{"column":3,"line":1}],"message":"there is no field `wrong`"}]}
        == { secret }
        401 · content-type: application/json; charset=utf-8 · www-authenticate: Bearer
        {"errors":[{"extensions":{"code":"UNAUTHENTICATED","retryable":false},"message":"who are you?"}]}
        == { forbidden }
        403 · content-type: application/json; charset=utf-8
        {"errors":[{"extensions":{"code":"FORBIDDEN","retryable":false},"message":"not for you"}]}
        == { busy }
        503 · content-type: application/json; charset=utf-8 · retry-after: 1
        {"errors":[{"extensions":{"code":"UNAVAILABLE","retryable":true},"message":"too much to do"}]}
        == { slow }
        504 · content-type: application/json; charset=utf-8 · retry-after: 1
        {"errors":[{"extensions":{"code":"TIMEOUT","retryable":true},"message":"it took too long"}]}
        == { broken }
        500 · content-type: application/json; charset=utf-8
        {"errors":[{"extensions":{"code":"INTERNAL","retryable":false},"message":"internal error"}]}
    "#]]).await;
}

#[tokio::test]
async fn a_request_has_to_be_one() {
    let server = Server::start().await;
    let raw = |content_type: &str, body: &str| {
        Client::new().post(server.url("/graphql")).header("content-type", content_type).body(body.to_owned())
    };
    let cases = vec![
        ("no content type", Client::new().post(server.url("/graphql")).body("{}")),
        ("a form", raw("application/x-www-form-urlencoded", "query={a}")),
        ("plain text", raw("text/plain", r#"{"query": "{ a }"}"#)),
        ("another charset", raw("application/json; charset=latin1", r#"{"query": "{ a }"}"#)),
        ("utf-8", raw("application/json; charset=UTF-8", r#"{"query": "{ a }"}"#)),
        ("nothing", raw("application/json", "")),
        ("no JSON", raw("application/json", "{ \"not a JSON")),
        ("a batch", raw("application/json", r#"[{"query": "{ a }"}]"#)),
        ("no query", raw("application/json", r#"{"qeury": "{ a }"}"#)),
        ("a wrong type", raw("application/json", r#"{"query": "{ a }", "variables": "x"}"#).header("accept", RESPONSE)),
        ("nulls", raw("application/json", r#"{"query": "{ a }", "variables": null, "operationName": null, "extensions": null}"#)),
        ("nothing acceptable", post(&server, "text/html", "{ a }")),
        ("PUT", Client::new().request(Method::PUT, server.url("/graphql"))),
        ("OPTIONS", Client::new().request(Method::OPTIONS, server.url("/graphql"))),
        ("a view", Client::new().post(server.url("/graphql?view=known")).json(&serde_json::json!({ "query": "{ a }" }))),
        ("no such view", Client::new().post(server.url("/graphql?view=none")).json(&serde_json::json!({ "query": "{ a }" }))),
    ];
    all(cases, expect![[r#"
        == no content type
        415 · content-type: application/json; charset=utf-8
        {"errors":[{"extensions":{"code":"BAD_USER_INPUT","retryable":false},"message":"a POST needs `Content-Type: application/json`"}]}
        == a form
        415 · content-type: application/json; charset=utf-8
        {"errors":[{"extensions":{"code":"BAD_USER_INPUT","retryable":false},"message":"`application/x-www-form-urlencoded` cannot be read; send `application/json`"}]}
        == plain text
        415 · content-type: application/json; charset=utf-8
        {"errors":[{"extensions":{"code":"BAD_USER_INPUT","retryable":false},"message":"`text/plain` cannot be read; send `application/json`"}]}
        == another charset
        415 · content-type: application/json; charset=utf-8
        {"errors":[{"extensions":{"code":"BAD_USER_INPUT","retryable":false},"message":"the charset `latin1` cannot be read; send utf-8"}]}
        == utf-8
        200 · content-type: application/json; charset=utf-8
        {"data":{"a":1}}
        == nothing
        400 · content-type: application/json; charset=utf-8
        {"errors":[{"extensions":{"code":"BAD_USER_INPUT","retryable":false},"message":"the body is empty; send {\"query\": …}"}]}
        == no JSON
        400 · content-type: application/json; charset=utf-8
        {"errors":[{"extensions":{"code":"BAD_USER_INPUT","retryable":false},"message":"the body is not JSON: EOF while parsing a string at line 1 column 13"}]}
        == a batch
        400 · content-type: application/json; charset=utf-8
        {"errors":[{"extensions":{"code":"BAD_USER_INPUT","retryable":false},"message":"batches are not supported; send one object for each request"}]}
        == no query
        400 · content-type: application/json; charset=utf-8
        {"errors":[{"extensions":{"code":"BAD_USER_INPUT","retryable":false},"message":"the parameter `query` is missing"}]}
        == a wrong type
        400 · content-type: application/graphql-response+json; charset=utf-8
        {"errors":[{"extensions":{"code":"BAD_USER_INPUT","retryable":false},"message":"`variables` must be an object, not a string"}]}
        == nulls
        200 · content-type: application/json; charset=utf-8
        {"data":{"a":1}}
        == nothing acceptable
        406 · content-type: application/json; charset=utf-8
        {"errors":[{"extensions":{"code":"BAD_USER_INPUT","hint":"application/graphql-response+json, application/json and text/event-stream are there","retryable":false},"message":"there is no answer of a media type that `Accept` allows"}]}
        == PUT
        405 · content-type: application/json; charset=utf-8 · allow: GET, POST
        {"errors":[{"extensions":{"code":"BAD_USER_INPUT","hint":"use POST, or GET for queries","retryable":false},"message":"PUT is not for GraphQL"}]}
        == OPTIONS
        405 · content-type: application/json; charset=utf-8 · allow: GET, POST
        {"errors":[{"extensions":{"code":"BAD_USER_INPUT","hint":"use POST, or GET for queries","retryable":false},"message":"OPTIONS is not for GraphQL"}]}
        == a view
        200 · content-type: application/json; charset=utf-8
        {"data":{"a":1}}
        == no such view
        404 · content-type: application/json; charset=utf-8
        {"errors":[{"extensions":{"code":"NOT_FOUND","retryable":false},"message":"there is no view `none`"}]}
    "#]]).await;
}

#[tokio::test]
async fn a_get_reads_only() {
    let server = Server::start().await;
    let cases = vec![
        ("a query", get(&server, "*/*", "/graphql?query={a}")),
        ("with variables", get(&server, RESPONSE, "/graphql?query={variables}&variables=%7B%22x%22%3A%5B1%5D%7D")),
        ("bad variables", get(&server, RESPONSE, "/graphql?query={variables}&variables=%7B")),
        ("no query", get(&server, RESPONSE, "/graphql")),
        ("a mutation", get(&server, RESPONSE, "/graphql?query=mutation{a}")),
        ("a subscription", get(&server, RESPONSE, "/graphql?query=count%203")),
        ("a subscription by POST", post(&server, RESPONSE, "count 3")),
    ];
    all(cases, expect![[r#"
        == a query
        200 · content-type: application/json; charset=utf-8
        {"data":{"a":1}}
        == with variables
        200 · content-type: application/graphql-response+json; charset=utf-8
        {"data":{"variables":{"x":[1]}}}
        == bad variables
        400 · content-type: application/graphql-response+json; charset=utf-8
        {"errors":[{"extensions":{"code":"BAD_USER_INPUT","retryable":false},"message":"`variables` is not JSON: EOF while parsing an object at line 1 column 1"}]}
        == no query
        400 · content-type: application/graphql-response+json; charset=utf-8
        {"errors":[{"extensions":{"code":"BAD_USER_INPUT","retryable":false},"message":"the parameter `query` is missing"}]}
        == a mutation
        405 · content-type: application/graphql-response+json; charset=utf-8 · allow: POST
        {"errors":[{"extensions":{"code":"BAD_USER_INPUT","retryable":false},"message":"GET is for queries; send a mutation by POST"}]}
        == a subscription
        405 · content-type: application/graphql-response+json; charset=utf-8 · allow: POST
        {"errors":[{"extensions":{"code":"BAD_USER_INPUT","hint":"send `Accept: text/event-stream`","retryable":false},"message":"a subscription is answered with an event stream, or over /graphql/ws"}]}
        == a subscription by POST
        406 · content-type: application/graphql-response+json; charset=utf-8
        {"errors":[{"extensions":{"code":"BAD_USER_INPUT","hint":"send `Accept: text/event-stream`","retryable":false},"message":"a subscription is answered with an event stream, or over /graphql/ws"}]}
    "#]]).await;
}

#[tokio::test]
async fn bodies_are_bounded_and_answers_compressed() {
    let server = Server::with(Settings { body_bytes_max: 1000, ..Settings::default() }).await;
    let compressed = |encoding: &str, query: &str| post(&server, "*/*", query).header("accept-encoding", encoding);
    let cases = vec![
        ("a large body", post(&server, "*/*", &format!("{{ a }} #{}", "x".repeat(1000)))),
        ("a small answer", compressed("gzip, br", "{ large 500 }")),
        ("a large answer", compressed("gzip", "{ large 100000 }")),
        ("better", compressed("gzip, br", "{ large 100000 }")),
        ("as it is", compressed("zstd", "{ large 2000 }")),
    ];
    all(cases, expect![[r#"
        == a large body
        413 · content-type: application/json; charset=utf-8
        {"errors":[{"extensions":{"code":"RESOURCE_LIMIT","hint":"send many readings to POST /ingest","limit":"body_bytes_max","retryable":false,"value":1000},"message":"the body is larger than 1000 bytes"}]}
        == a small answer
        200 · content-type: application/json; charset=utf-8
        (521 bytes)
        == a large answer
        200 · content-type: application/json; charset=utf-8 · content-encoding: gzip
        (less than 1024 bytes)
        == better
        200 · content-type: application/json; charset=utf-8 · content-encoding: br
        (less than 128 bytes)
        == as it is
        200 · content-type: application/json; charset=utf-8
        (2021 bytes)
    "#]]).await;
}

#[tokio::test]
async fn other_origins_are_allowed_only_by_name() {
    let closed = Server::start().await;
    let open = Server::with(Settings { origins: Origins::parse(["https://plant.example"]).unwrap(), ..Settings::default() }).await;
    let preflight = |server: &Server, origin: &str| {
        let request = Client::new().request(Method::OPTIONS, server.url("/graphql")).header("origin", origin.to_owned());
        request.header("access-control-request-method", "POST").header("access-control-request-headers", "content-type")
    };
    let cases = vec![
        ("not allowed", preflight(&closed, "https://plant.example")),
        ("allowed", preflight(&open, "https://plant.example")),
        ("another", preflight(&open, "https://evil.example")),
        ("and the request", post(&open, "*/*", "{ a }").header("origin", "https://plant.example")),
    ];
    all(cases, expect![[r#"
        == not allowed
        405 · content-type: application/json; charset=utf-8 · allow: GET, POST
        {"errors":[{"extensions":{"code":"BAD_USER_INPUT","hint":"use POST, or GET for queries","retryable":false},"message":"OPTIONS is not for GraphQL"}]}
        == allowed
        200 · access-control-allow-origin: https://plant.example · may be stored

        == another
        200 · may be stored

        == and the request
        200 · content-type: application/json; charset=utf-8 · access-control-allow-origin: https://plant.example
        {"data":{"a":1}}
    "#]]).await;
}

#[tokio::test]
async fn the_schema_is_text_with_a_tag() {
    let server = Server::start().await;
    let knowing = |tag: &str| get(&server, "*/*", "/graphql/schema.graphql").header("if-none-match", tag.to_owned());
    let cases = vec![
        ("the schema", get(&server, "*/*", "/graphql/schema.graphql")),
        ("known", knowing("\"x\", W/\"a1b2\"")),
        ("known as strong", knowing("\"a1b2\"")),
        ("outdated", knowing("W/\"0\"")),
        ("of a view", get(&server, "*/*", "/graphql/schema.graphql?view=known")),
        ("of no view", get(&server, "*/*", "/graphql/schema.graphql?view=none")),
    ];
    all(
        cases,
        expect![[r#"
        == the schema
        200 · content-type: text/plain; charset=utf-8 · etag: W/"a1b2" · may be stored
        type Query { a: Int }

        == known
        304 · etag: W/"a1b2" · may be stored

        == known as strong
        304 · etag: W/"a1b2" · may be stored

        == outdated
        200 · content-type: text/plain; charset=utf-8 · etag: W/"a1b2" · may be stored
        type Query { a: Int }

        == of a view
        200 · content-type: text/plain; charset=utf-8 · etag: W/"a1b2" · may be stored
        type Query { a: Int }

        == of no view
        404 · content-type: application/graphql-response+json; charset=utf-8
        {"errors":[{"extensions":{"code":"NOT_FOUND","retryable":false},"message":"there is no view `none`"}]}
    "#]],
    )
    .await;
}
