//! An event stream for a request.

use reqwest::Response;

use super::{Plant, patiently};

const EVENTS: &str = "text/event-stream";

/// Reads until so many events with this name have come.
async fn read(response: &mut Response, name: &str, count: usize) -> String {
    let mut text = String::new();
    let line = format!("event: {name}\n");
    while text.matches(&line).count() < count || !text.ends_with("\n\n") {
        let chunk = patiently(response.chunk()).await.unwrap().unwrap_or_else(|| panic!("it ended too early:\n{text}"));
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    text
}

#[tokio::test]
async fn a_subscription_goes_on() {
    let plant = Plant::start();
    let subscription = "subscription { system(maxRateHz: 5) { seq } }";
    let get = plant.get(EVENTS, "/graphql").query(&[("query", subscription)]);
    for request in [plant.post(EVENTS, subscription), get] {
        let mut response = patiently(request.send()).await.unwrap();
        assert_eq!(response.status().as_u16(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
        let text = read(&mut response, "next", 1).await;
        assert!(text.contains("data: {\"data\":{\"system\":{\"seq\":\""), "{text}");
    }
}

#[tokio::test]
async fn every_other_operation_completes() {
    let plant = Plant::start();
    for (query, wanted) in [
        ("{ __typename }", "data: {\"data\":{\"__typename\":\"Query\"}}\n"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { system { nothing } }", "GRAPHQL_VALIDATION_FAILED"),
    ] {
        let response = patiently(plant.post(EVENTS, query).send()).await.unwrap();
        assert_eq!(response.status().as_u16(), 200);
        let text = patiently(response.text()).await.unwrap();
        assert!(text.contains(wanted) && text.ends_with("event: complete\ndata:\n\n"), "{query}: {text}");
    }
}

#[tokio::test]
async fn the_end_of_the_program_ends_the_stream() {
    let plant = Plant::start();
    let mut response = patiently(plant.post(EVENTS, "subscription { system { seq } }").send()).await.unwrap();
    read(&mut response, "next", 1).await;
    plant.program.terminate();
    let rest = patiently(response.text()).await.unwrap();
    assert!(!rest.contains("complete"), "{rest}");
}
