//! Subscriptions: errors stay with their item, the stream goes on, and ends where its root fails.

use serde_json::{Value as Json, json};

use super::plant::{answers, split};

#[tokio::test]
async fn defaults_apply_and_items_have_their_cursors() {
    let answers = answers("subscription { ticks { index } }").await;
    let item = |at: i32| (json!({"data": {"ticks": {"index": at}}}), Some(format!("c{at}")));
    assert_eq!(answers, [item(0), item(1), item(2)]);
    assert_eq!(
        self::answers("subscription { t: ticks(count: 1) { index } }").await,
        [(json!({"data": {"t": {"index": 0}}}), Some("c0".to_owned()))]
    );
}

#[tokio::test]
async fn errors_within_an_item_come_with_it_and_the_stream_goes_on() {
    let answers = answers("subscription { ticks { index maybe inner { odd } } }").await;
    let told: Vec<(Json, Vec<String>)> = answers.into_iter().map(|(answer, _)| split(answer)).collect();
    let down = |path: &str| format!("ticks.{path}: UNAVAILABLE the store is down");
    assert_eq!(told[0], (json!({"ticks": {"index": 0, "maybe": null, "inner": {"odd": "even"}}}), vec![down("maybe")]));
    assert_eq!(told[1], (json!({"ticks": {"index": 1, "maybe": null, "inner": null}}), vec![down("inner.odd"), down("maybe")]));
    assert_eq!(told[2], (json!({"ticks": {"index": 2, "maybe": null, "inner": {"odd": "even"}}}), vec![down("maybe")]));
}

#[tokio::test]
async fn a_required_root_makes_the_data_of_its_item_null() {
    let answers = answers("subscription { ticks(count: 3) { odd } }").await;
    let data: Vec<Json> = answers.into_iter().map(|(mut answer, _)| answer["data"].take()).collect();
    assert_eq!(data, [json!({"ticks": {"odd": "even"}}), json!(null), json!({"ticks": {"odd": "even"}})]);
}

#[tokio::test]
async fn an_error_at_the_root_ends_the_stream() {
    let answers = answers("subscription { ends { index } }").await;
    assert_eq!(answers.len(), 2);
    let (last, _) = &answers[1];
    assert!(last.get("data").is_none());
    assert_eq!(last["errors"][0]["extensions"]["code"], json!("SCHEMA_CHANGED"));
    assert_eq!(last["errors"][0]["path"], json!(["ends"]));
}

#[tokio::test]
async fn a_stream_that_does_not_begin_is_one_answer_without_data() {
    for (query, code) in [("subscription { refused { index } }", "FORBIDDEN"), ("subscription { panics { index } }", "INTERNAL")] {
        let answers = answers(query).await;
        assert_eq!(answers.len(), 1, "{query}");
        assert!(answers[0].0.get("data").is_none());
        assert_eq!(answers[0].0["errors"][0]["extensions"]["code"], json!(code));
    }
}

#[tokio::test]
async fn arguments_are_checked_before_the_stream_begins() {
    let answers = answers("subscription { ticks(count: \"x\") { index } }").await;
    assert_eq!(split(answers[0].0.clone()).1, ["ticks: BAD_USER_INPUT `count`: must be of the type Int"]);
}

#[tokio::test]
async fn an_item_of_which_nothing_is_selected_is_empty() {
    let answers = answers("subscription { ticks(count: 1) { index @skip(if: true) } }").await;
    assert_eq!(answers[0].0, json!({"data": {"ticks": {}}}));
}
