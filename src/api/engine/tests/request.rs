//! Whole requests: order, concurrency, time, size, receipts.

use std::ops::AddAssign as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Map, Value as Json, json};
use tokio::time::Instant;

use super::plant::{self, answer, context, document, services, split, text, text_with};
use crate::api::engine::{Ctx, ReceiptAsked, run};

#[tokio::test]
async fn root_fields_come_in_the_order_of_the_operation() {
    assert_eq!(text("{ slow probe { index } __typename }").await, r#"{"data":{"slow":2,"probe":{"index":0},"__typename":"Query"}}"#);
}

#[tokio::test]
async fn root_fields_of_a_query_run_side_by_side() {
    assert_eq!(answer("{ a: meet b: meet }").await, json!({"data": {"a": 1, "b": 1}}));
}

#[tokio::test]
async fn fields_of_an_object_run_one_after_another_and_items_of_a_list_side_by_side() {
    let services = services();
    text_with(r#"{ probe { step(name: "a") b: step(name: "b") } }"#, Json::Null, context(&services)).await;
    assert_eq!(std::mem::take(&mut *services.log.lock()), ["a begins", "a ends", "b begins", "b ends"]);
    text_with(r#"{ probe { list { step(name: "x") } } }"#, Json::Null, context(&services)).await;
    assert_eq!(services.log.lock()[..3], ["x begins", "x begins", "x begins"]);
}

#[tokio::test]
async fn mutations_run_in_order_and_once_per_response_key() {
    let services = services();
    let text = text_with("mutation { b: bump a: bump }", Json::Null, context(&services)).await;
    assert_eq!(text, r#"{"data":{"b":1,"a":2}}"#);
    assert_eq!(services.count.load(Ordering::Relaxed), 2);
    // What the library does with a key that is selected twice, and why the root is flattened before.
    text_with("mutation { a: bump ...F } fragment F on Mutation { a: bump }", Json::Null, context(&services)).await;
    assert_eq!(services.count.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn a_request_that_takes_too_long_has_no_data() {
    let ctx = context(&services()).deadline(plant::past());
    let answer: Json = serde_json::from_str(&text_with("{ never probe { index } }", Json::Null, ctx).await).unwrap();
    assert!(answer.get("data").is_none());
    assert_eq!(split(answer).1, [": TIMEOUT the request took longer than it may"]);
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_refused() {
    let mut ctx = context(&services());
    ctx.response_bytes_max = 100;
    let answer: Json =
        serde_json::from_str(&text_with("{ probe { matrix { index } list { index } more: list { index } } }", Json::Null, ctx).await)
            .unwrap();
    assert!(answer.get("data").is_none());
    assert_eq!(answer["errors"][0]["extensions"]["limit"], json!("response_bytes_max"));
    assert_eq!(answer["errors"][0]["extensions"]["value"], json!(100));
}

#[tokio::test]
async fn a_receipt_tells_what_was_read() {
    let mut ctx = context(&services());
    ctx.receipt_asked = Some(ReceiptAsked { since: Instant::now(), cost: 3 });
    ctx.receipt.seq.store(812, Ordering::Relaxed);
    let answer: Json = serde_json::from_str(&text_with(r#"{ twin(id: "mixer") { id } }"#, Json::Null, ctx).await).unwrap();
    let receipt = &answer["extensions"]["receipt"];
    assert_eq!((&receipt["seq"], &receipt["cost"], &receipt["twinsRead"]), (&json!("812"), &json!(3), &json!(1)));
}

#[tokio::test]
async fn resolvers_may_look_ahead_through_fragments() {
    let services = services();
    text_with("{ looks { index ...F ... on Probe { none } } } fragment F on Probe { mode }", Json::Null, context(&services)).await;
    assert_eq!(*services.log.lock(), ["index@", "mode@Probe", "none@Probe"]);
}

#[tokio::test]
async fn errors_are_bounded() {
    let wide: String = (0..100).map(|at| format!("f{at}: maybe ")).collect();
    let answer = answer(&format!("{{ probe {{ list {{ {wide} }} }} }}")).await;
    let (_, errors) = split(answer);
    assert_eq!(errors.len(), 201);
    assert_eq!(errors[0], ": RESOURCE_LIMIT 100 more errors are not listed");
}

#[tokio::test]
async fn introspection_passes_through() {
    let answer = answer(
        "{ __schema { queryType { name } } __type(name: \"Mixer\") { interfaces { name } fields { name type { kind ofType { name } } } } }",
    )
    .await;
    assert!(answer.get("errors").is_none(), "{answer}");
    assert_eq!(answer["data"]["__schema"]["queryType"]["name"], json!("Query"));
    assert_eq!(answer["data"]["__type"]["interfaces"], json!([{"name": "Node"}, {"name": "Twin"}]));
}

#[tokio::test]
async fn what_the_library_refuses_is_our_fault_and_has_no_data() {
    let ctx: Ctx = Arc::new(context(&services()));
    let answer = run(&plant::schema(), document("{ ...Nowhere }"), &[], Map::new(), ctx).await;
    let answer: Json = serde_json::from_slice(&answer.body).unwrap();
    assert!(answer.get("data").is_none());
    assert_eq!(split(answer).1, [": INTERNAL internal error"]);
}

#[tokio::test]
async fn resolvers_share_what_they_have_read() {
    let ctx = context(&services());
    ctx.memo::<parking_lot::Mutex<u8>>().lock().add_assign(1);
    assert_eq!(*ctx.memo::<parking_lot::Mutex<u8>>().lock(), 1);
}
