//! Nulls, errors and their paths.

use serde_json::json;

use super::plant::{answer, told};

const DOWN: &str = "UNAVAILABLE the store is down";

#[tokio::test]
async fn a_failing_nullable_field_is_null_and_its_siblings_stay() {
    let (data, errors) = told("{ probe { index maybe none } }").await;
    assert_eq!(data, json!({"probe": {"index": 0, "maybe": null, "none": null}}));
    assert_eq!(errors, [format!("probe.maybe: {DOWN}")]);
}

#[tokio::test]
async fn an_error_has_a_place_a_code_and_the_request() {
    let answer = answer("{\n  probe { maybe }\n}").await;
    assert_eq!(
        answer["errors"],
        json!([{
            "message": "the store is down", "locations": [{"line": 2, "column": 11}], "path": ["probe", "maybe"],
            "extensions": {"code": "UNAVAILABLE", "retryable": true, "requestId": "r1"}
        }])
    );
}

#[tokio::test]
async fn a_failing_required_field_takes_its_object_along() {
    let (data, errors) = told("{ probe { index must } other: probe { index } }").await;
    assert_eq!(data, json!({"probe": null, "other": {"index": 0}}));
    assert_eq!(errors, [format!("probe.must: {DOWN}")]);
}

#[tokio::test]
async fn it_bubbles_to_the_nearest_ancestor_that_may_be_null() {
    let (data, errors) = told("{ probe { index inner { innerMust { innerMust { must } } } } }").await;
    assert_eq!(data, json!({"probe": {"index": 0, "inner": null}}));
    assert_eq!(errors, [format!("probe.inner.innerMust.innerMust.must: {DOWN}")]);
}

#[tokio::test]
async fn it_bubbles_to_data_where_nothing_may_be_null() {
    let (data, errors) = told("{ index: probe { index } probeMust { innerMust { must } } }").await;
    assert_eq!(data, json!(null));
    assert_eq!(errors, [format!("probeMust.innerMust.must: {DOWN}")]);
    assert!(answer("{ probeMust { must } }").await.as_object().is_some_and(|answer| answer.contains_key("data")));
}

#[tokio::test]
async fn a_failing_item_takes_its_list_along() {
    let (data, errors) = told("{ probe { index list { odd } } }").await;
    assert_eq!(data, json!({"probe": {"index": 0, "list": null}}));
    assert_eq!(errors, [format!("probe.list.1.odd: {DOWN}")]);
    let (data, _) = told("{ probe { inner { listMust { odd } } } }").await;
    assert_eq!(data, json!({"probe": {"inner": null}}));
}

#[tokio::test]
async fn lists_of_lists_bubble_through_every_level() {
    let (data, errors) = told("{ probe { matrix { odd } } }").await;
    assert_eq!(data, json!({"probe": {"matrix": null}}));
    assert_eq!(errors, [format!("probe.matrix.0.1.odd: {DOWN}"), format!("probe.matrix.1.1.odd: {DOWN}")]);
    let (data, _) = told("{ probe { matrix { index } } }").await;
    assert_eq!(data, json!({"probe": {"matrix": [[{"index": 0}, {"index": 1}], [{"index": 2}, {"index": 3}]]}}));
}

#[tokio::test]
async fn paths_have_aliases() {
    let (data, errors) = told("{ a: probe { b: list { c: maybe } } }").await;
    assert_eq!(data, json!({"a": {"b": [{"c": null}, {"c": null}, {"c": null}]}}));
    assert_eq!(errors, [0, 1, 2].map(|at| format!("a.b.{at}.c: {DOWN}")));
}

#[tokio::test]
async fn objects_of_an_interface_bubble_as_well() {
    let (data, errors) = told("{ probe { twins { id ... on Tank { leak } } } }").await;
    assert_eq!(data, json!({"probe": null}));
    assert_eq!(errors, [format!("probe.twins.1.leak: {DOWN}")]);
    let (data, _) = told(r#"{ twin(id: "tank") { id ...F } } fragment F on Twin { parent { id } ... on Tank { level } }"#).await;
    assert_eq!(data, json!({"twin": {"id": "tank", "parent": {"id": "mixer"}, "level": null}}));
}

#[tokio::test]
async fn an_object_of_which_nothing_is_selected_is_empty_and_not_null() {
    let (data, errors) = told("{ twins { ... on Tank { id } } }").await;
    assert_eq!((data, errors), (json!({"twins": [{}, {"id": "tank"}]}), vec![]));
    let (data, errors) = told("{ probe { index @skip(if: true) } probeMust { index @include(if: false) } }").await;
    assert_eq!((data, errors), (json!({"probe": {}, "probeMust": {}}), vec![]));
}

#[tokio::test]
async fn skipping_works_at_all_places() {
    let (data, _) = told("{ probe @skip(if: true) { index } }").await;
    assert_eq!(data, json!({}));
    let (data, _) = told("{ probe { ... @skip(if: true) { index } ...F @include(if: false) none } } fragment F on Probe { index }").await;
    assert_eq!(data, json!({"probe": {"none": null}}));
    let (data, _) =
        told("{ probe { ... @include(if: true) { index @skip(if: false) } ...F } } fragment F on Probe { none @skip(if: true) }").await;
    assert_eq!(data, json!({"probe": {"index": 0}}));
}

#[tokio::test]
async fn a_field_selected_twice_fails_once_and_stays_null() {
    let (data, errors) = told("{ probe { maybe ...F } } fragment F on Probe { maybe }").await;
    assert_eq!(data, json!({"probe": {"maybe": null}}));
    assert_eq!(errors, [format!("probe.maybe: {DOWN}")]);
    // The library merges what the copies gave: one that failed must not be mended by one that did not.
    let (data, errors) = told("{ probe { inner { index } ...F } } fragment F on Probe { inner { must } }").await;
    assert_eq!(data, json!({"probe": {"inner": null}}));
    assert_eq!(errors, [format!("probe.inner.must: {DOWN}")]);
    let (data, _) =
        told("{ probe { inner { ... on Probe @skip(if: true) { index } } inner { index } list { index } list { none } } }").await;
    let item = |index: i32| json!({"index": index, "none": null});
    assert_eq!(data, json!({"probe": {"inner": {"index": 10}, "list": [item(0), item(1), item(2)]}}));
}

#[tokio::test]
async fn no_value_at_a_required_type_is_our_fault() {
    let (data, errors) = told("{ probe { missing } }").await;
    assert_eq!((data, errors), (json!({"probe": null}), vec!["probe.missing: INTERNAL internal error".to_owned()]));
}

#[tokio::test]
async fn values_that_do_not_fit_their_type_are_our_fault() {
    for (query, path) in [
        ("{ probe { nan } }", "probe.nan"),
        ("{ probe { wrong } }", "probe.wrong"),
        ("{ probe { inner { mode } } }", "probe.inner.mode"),
        ("{ probe { holes } }", "probe.holes"),
        ("{ probe { untyped { id } } }", "probe.untyped"),
        ("{ probe { panics } }", "probe.panics"),
    ] {
        let (_, errors) = told(query).await;
        assert_eq!(errors, [format!("{path}: INTERNAL internal error")], "{query}");
    }
}

#[tokio::test]
async fn values_that_fit_are_written_as_they_are() {
    let (data, errors) = told(
        r#"{ __typename probe { mode raw words nested: inner { twins { __typename id } } } twin(id: "mixer") { ... on Mixer { speed } } }"#,
    )
    .await;
    let twins = json!([{"__typename": "Mixer", "id": "mixer"}, {"__typename": "Tank", "id": "tank"}]);
    let probe = json!({"mode": "IDLE", "raw": [1, null, 2.5], "words": ["a", "b"], "nested": {"twins": twins}});
    assert_eq!(data, json!({"__typename": "Query", "probe": probe, "twin": {"speed": 12.5}}));
    assert!(errors.is_empty());
}

#[tokio::test]
async fn a_role_too_low_costs_the_field() {
    let (data, errors) = told("{ probe { index secret } }").await;
    assert_eq!(data, json!({"probe": {"index": 0, "secret": null}}));
    assert_eq!(errors, ["probe.secret: FORBIDDEN the role Viewer may not use `Probe.secret`"]);
}
