//! `/graphql` with an event stream as the answer.

use std::time::Duration;

use expect_test::{Expect, expect};
use reqwest::{Client, RequestBuilder, Response};

use crate::http::graphql::Timing;

use super::{Server, patiently};

const EVENTS: &str = "text/event-stream";

fn post(server: &Server, accept: &str, query: &str) -> RequestBuilder {
    Client::new().post(server.url("/graphql")).header("accept", accept).json(&serde_json::json!({ "query": query }))
}

/// Reads on until the text holds something, or to the end.
async fn read_until(response: &mut Response, text: &mut String, what: &str) {
    while !text.contains(what) {
        let Some(chunk) = patiently(response.chunk()).await.unwrap() else { return };
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
}

async fn whole(request: RequestBuilder, wanted: Expect) {
    let response = request.header("accept-encoding", "gzip").send().await.unwrap();
    assert!(response.headers().get("content-encoding").is_none(), "a stream is sent as it is");
    let content_type = response.headers()["content-type"].to_str().unwrap().to_owned();
    let text = format!("{} · {content_type}\n{}", response.status().as_u16(), patiently(response.text()).await.unwrap());
    wanted.assert_eq(&text);
}

#[tokio::test]
async fn every_operation_ends_with_complete() {
    let server = Server::start().await;
    whole(
        post(&server, EVENTS, "count 2"),
        expect![[r#"
        200 · text/event-stream; charset=utf-8
        :

        event: next
        id: 1
        data: {"data":{"filling":"","number":1}}

        event: next
        id: 2
        data: {"data":{"filling":"","number":2}}

        event: complete
        data:

    "#]],
    )
    .await;
    whole(
        post(&server, EVENTS, "{ a }"),
        expect![[r#"
        200 · text/event-stream; charset=utf-8
        :

        event: next
        data: {"data":{"a":1}}

        event: complete
        data:

    "#]],
    )
    .await;
    whole(
        post(&server, EVENTS, "mutation { a }"),
        expect![[r#"
        200 · text/event-stream; charset=utf-8
        :

        event: next
        data: {"data":{"a":1}}

        event: complete
        data:

    "#]],
    )
    .await;
    whole(post(&server, EVENTS, "{ wrong }"), expect![[r#"
        200 · text/event-stream; charset=utf-8
        :

        event: next
        data: {"errors":[{"extensions":{"code":"GRAPHQL_VALIDATION_FAILED","retryable":false},"locations":[{"column":3,"line":1}],"message":"there is no field `wrong`"}]}

        event: complete
        data:

    "#]]).await;
    whole(
        post(&server, EVENTS, "{ busy }"),
        expect![[r#"
        200 · text/event-stream; charset=utf-8
        :

        event: next
        data: {"errors":[{"extensions":{"code":"UNAVAILABLE","retryable":true},"message":"too much to do"}]}

        event: complete
        data:

    "#]],
    )
    .await;
}

#[tokio::test]
async fn what_is_no_request_is_a_matter_of_http() {
    let server = Server::start().await;
    whole(Client::new().post(server.url("/graphql")).header("accept", EVENTS).json(&[1]), expect![[r#"
        400 · application/json; charset=utf-8
        {"errors":[{"extensions":{"code":"BAD_USER_INPUT","retryable":false},"message":"batches are not supported; send one object for each request"}]}"#]]).await;
    whole(
        Client::new().get(server.url("/graphql?query=mutation{a}")).header("accept", EVENTS),
        expect![[r#"
        405 · application/json; charset=utf-8
        {"errors":[{"extensions":{"code":"BAD_USER_INPUT","retryable":false},"message":"GET is for queries; send a mutation by POST"}]}"#]],
    )
    .await;
}

#[tokio::test]
async fn who_takes_both_gets_what_fits() {
    let server = Server::start().await;
    let both = "application/graphql-response+json, application/json, text/event-stream";
    whole(
        post(&server, both, "{ a }"),
        expect![[r#"
        200 · application/graphql-response+json; charset=utf-8
        {"data":{"a":1}}"#]],
    )
    .await;
    whole(
        post(&server, both, "count 1"),
        expect![[r#"
        200 · text/event-stream; charset=utf-8
        :

        event: next
        id: 1
        data: {"data":{"filling":"","number":1}}

        event: complete
        data:

    "#]],
    )
    .await;
    whole(post(&server, both, "{ wrong }"), expect![[r#"
        400 · application/graphql-response+json; charset=utf-8
        {"errors":[{"extensions":{"code":"GRAPHQL_VALIDATION_FAILED","retryable":false},"locations":[{"column":3,"line":1}],"message":"there is no field `wrong`"}]}"#]]).await;
}

#[tokio::test]
async fn a_get_resumes_by_itself() {
    let server = Server::start().await;
    let request = Client::new().get(server.url("/graphql?query=count%203")).header("accept", EVENTS).header("last-event-id", "2");
    whole(
        request,
        expect![[r#"
        200 · text/event-stream; charset=utf-8
        :

        event: next
        id: 3
        data: {"data":{"filling":"","number":3}}

        event: complete
        data:

    "#]],
    )
    .await;
}

#[tokio::test]
async fn comments_show_that_it_lives_and_closing_ends_the_operation() {
    let server = Server::timed(Timing { comment_every: Duration::from_millis(20), ..Timing::default() }).await;
    let mut response = post(&server, EVENTS, "silence").send().await.unwrap();
    let mut text = String::new();
    read_until(&mut response, &mut text, ":\n\n:\n\n:\n\n").await;
    drop(response);
    patiently(server.script.dropped.notified()).await;
}

#[tokio::test]
async fn the_end_of_the_server_does_not_complete_the_operation() {
    let server = Server::start().await;
    let mut response = post(&server, EVENTS, "silence").send().await.unwrap();
    let mut text = String::new();
    read_until(&mut response, &mut text, ":\n\n").await;
    server.stop().await;
    read_until(&mut response, &mut text, "complete").await;
    assert_eq!(text, ":\n\n");
}
