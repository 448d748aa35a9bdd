//! Arguments: defaults, null, omitted variables, single values, mistakes.

use serde_json::{Value as Json, json};

use super::plant::{answer_with, split, told};

async fn echo(query: &str, variables: Json) -> Json {
    let answer = answer_with(query, variables).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"]["echo"].clone()
}

async fn mistake(query: &str, variables: Json) -> String {
    let (_, errors) = split(answer_with(query, variables).await);
    errors.join(" / ")
}

#[tokio::test]
async fn defaults_are_filled_in_also_within_input_objects() {
    let given = echo("{ echo(where: {inner: {needed: 1}, and: {size: 1}}) }", json!({})).await;
    let expected = json!({"where": {"inner": {"needed": 1, "mode": "RUN"}, "and": [{"size": 1}], "size": 7}, "first": 50});
    assert_eq!(given, expected);
}

#[tokio::test]
async fn null_is_absent() {
    assert_eq!(
        echo("{ echo(first: null, flag: null, where: {size: null, big: null}) }", json!({})).await,
        json!({"first": 50, "where": {"size": 7}})
    );
    let query = "query($first: Int, $where: Where) { echo(first: $first, where: $where) }";
    assert_eq!(echo(query, json!({"first": null, "where": {"inner": null}})).await, json!({"first": 50, "where": {"size": 7}}));
}

#[tokio::test]
async fn omitted_variables_are_absent_and_defaults_apply() {
    let query = "query($first: Int, $size: Int, $flag: Boolean = true) { echo(first: $first, flag: $flag, where: {size: $size}) }";
    assert_eq!(echo(query, json!({})).await, json!({"first": 50, "flag": true, "where": {"size": 7}}));
    assert_eq!(echo(query, json!({"first": 3, "size": 4, "flag": false})).await, json!({"first": 3, "flag": false, "where": {"size": 4}}));
}

#[tokio::test]
async fn include_sees_the_default_of_its_variable() {
    let query = "query($on: Boolean = true) { probe { index @include(if: $on) none @skip(if: $on) } }";
    assert_eq!(answer_with(query, json!({})).await["data"], json!({"probe": {"index": 0}}));
    assert_eq!(answer_with(query, json!({"on": false})).await["data"], json!({"probe": {"none": null}}));
}

#[tokio::test]
async fn single_values_are_put_into_lists_and_integers_are_ids() {
    assert_eq!(echo("{ echo(ids: 5) }", json!({})).await, json!({"ids": ["5"], "first": 50}));
    assert_eq!(echo("{ echo(where: {inner: {needed: 1, tags: \"a\"}}) }", json!({})).await["where"]["inner"]["tags"], json!(["a"]));
    assert_eq!(echo("query($ids: [ID!]) { echo(ids: $ids) }", json!({"ids": "mixer"})).await["ids"], json!(["mixer"]));
}

#[tokio::test]
async fn scalars_and_enums_come_as_plain_json() {
    let given = echo("{ echo(where: {big: \"12\", at: \"2026-01-01T00:00:00Z\", inner: {needed: 1, mode: IDLE}}) }", json!({})).await;
    assert_eq!(given["where"]["big"], json!(12));
    assert_eq!(given["where"]["inner"]["mode"], json!("IDLE"));
    let big = echo(
        "query($w: Where) { echo(where: $w) }",
        json!({"w": {"big": 9_007_199_254_740_993_i64, "inner": {"needed": 5.0, "mode": "IDLE"}}}),
    )
    .await;
    assert_eq!(big["where"], json!({"big": "9007199254740993", "size": 7, "inner": {"needed": 5, "mode": "IDLE"}}));
}

#[tokio::test]
async fn mistakes_name_their_place() {
    for (query, message) in [
        ("{ echo(where: {inner: {}}) }", "`where.inner.needed`: is required"),
        ("{ echo(where: {and: [{size: 1}, {inner: {needed: \"x\"}}]}) }", "`where.and[1].inner.needed`: must be of the type Int"),
        ("{ echo(where: {inner: {needed: 1, mode: FAST}}) }", "`where.inner.mode`: must be a value of the enum Mode"),
        ("{ echo(where: 5) }", "`where`: must be an object of the type Where"),
        ("{ echo(where: {size: 3000000000}) }", "`where.size`: must be of the type Int"),
        ("{ echo(where: {colour: 1}) }", "`where.colour`: is no field of Where"),
        ("{ echo(where: {big: \"x\"}) }", "`where.big`: must be a 64-bit integer, as a string or a number"),
        ("{ echo(ids: [\"a\", null]) }", "`ids[1]`: must not be null"),
        ("{ echo(pick: {}) }", "`pick`: must have exactly one of id, name"),
        ("{ echo(pick: {id: \"a\", name: \"b\"}) }", "`pick`: must have exactly one of id, name"),
    ] {
        assert_eq!(mistake(query, json!({})).await, format!("echo: BAD_USER_INPUT {message}"), "{query}");
    }
    let nested = mistake("query($n: Int) { echo(where: {inner: {needed: $n}}) }", json!({})).await;
    assert_eq!(nested, "echo: BAD_USER_INPUT `where.inner.needed`: is required");
    let time = mistake("{ echo(where: {at: \"soon\"}) }", json!({})).await;
    assert!(time.starts_with("echo: BAD_USER_INPUT `where.at`: `soon` is not a time"), "{time}");
}

#[tokio::test]
async fn exactly_one_of_is_met_by_null_for_the_others() {
    let (data, errors) = told("{ echo(pick: {id: \"a\", name: null}) }").await;
    assert_eq!((data, errors), (json!({"echo": {"pick": {"id": "a"}, "first": 50}}), vec![]));
}
