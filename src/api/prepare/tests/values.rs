//! Values: what the specification makes of variables and literals, and how it is said what is wrong with them.

use expect_test::expect;
use serde_json::{Value as Json, json};

use super::{bound, errors, none, prepare};
use crate::api::limits::Limits;
use crate::api::prepare::Preparer;
use crate::api::request::Caller;

const WHERE: &str = "query($w: Where) { twins(where: $w) { totalCount } }";

fn variables(query: &str, given: Json) -> Json {
    Json::Object(prepare(query, given).unwrap_or_else(|refused| panic!("{refused:?}")).variables)
}

#[test]
fn omitted_null_and_default_differ_only_where_they_should() {
    let query = "query($f: Int, $n: String = \"d\") { twins(first: $f, where: {name: $n, limit: $f}) { totalCount } }";
    expect![[r#"{twins{"first":50,"kinds":["ASSET"],"where":{"flag":true,"limit":7,"name":"d"}}{totalCount}}"#]]
        .assert_eq(&bound(query, none()));
    // Null is absent.
    assert_eq!(bound(query, json!({"f": null, "n": null})), bound(query, none()));
    expect![[r#"{twins{"first":3,"kinds":["ASSET"],"where":{"flag":true,"limit":3,"name":""}}{totalCount}}"#]]
        .assert_eq(&bound(query, json!({"f": 3, "n": ""})));
    assert_eq!(bound("{ twins(first: null, kinds: null, where: null) { totalCount } }", none()), bound("{ twins { totalCount } }", none()));
    assert_eq!(bound("query($a: Int = 3) { required(a: $a, b: 1) }", none()), r#"{required{"a":3,"b":[1]}}"#);
    assert_eq!(bound("query($a: Int) { required(a: $a, b: 1) }", none()), r#"{required{"a":5,"b":[1]}}"#);
}

#[test]
fn values_take_the_form_of_their_types() {
    let given = json!({"w": {"ids": 5, "kind": "ASSET", "and": {"name": "x", "level": 3}, "needed": {"name": "a", "free": {"b": [null]}}, "limit": null}});
    expect![[r#"{"w":{"and":[{"flag":true,"level":3,"limit":7,"name":"x"}],"flag":true,"ids":["5"],"kind":["ASSET"],"limit":7,"needed":{"free":{"b":[null]},"name":"a"}}}"#]].assert_eq(&variables(WHERE, given).to_string());
    expect![[r#"{twins{"first":50,"kinds":["ASSET"],"where":{"and":[{"flag":true,"level":3,"limit":7,"name":"x"}],"flag":true,"ids":["5"],"kind":["ASSET"],"limit":7,"needed":{"free":{"b":[null,"E",1.5,5]},"name":"a"}}}{totalCount}}"#]].assert_eq(&bound(
        "{ twins(where: {ids: 5, kind: ASSET, and: {name: \"x\", level: 3}, needed: {name: \"a\", free: {b: [null, E, 1.5, 5]}}}) { totalCount } }",
        none(),
    ));
    assert_eq!(bound("query($r: [[Int]]) { grid(rows: $r) }", json!({"r": [1, [2, null], null]})), r#"{grid{"rows":[[1],[2,null],null]}}"#);
    assert_eq!(bound("{ grid(rows: 1) }", none()), r#"{grid{"rows":[[1]]}}"#);
    assert_eq!(bound("query($i: Int) { grid(rows: [[$i, 2], null]) }", json!({"i": 4.0})), r#"{grid{"rows":[[4,2],null]}}"#);
    assert_eq!(
        bound("query($l: Long) { twins(long: $l) { totalCount } }", json!({"l": "9007199254740993"})),
        r#"{twins{"first":50,"kinds":["ASSET"],"long":"9007199254740993"}{totalCount}}"#
    );
}

#[test]
fn all_that_is_wrong_is_said_with_its_path() {
    let given = json!({"w": {
        "ids": ["a", 1.5], "nmae": "x", "limit": "many", "kind": ["ASET"], "needed": {}, "flag": 1,
        "and": [{"nested": {"level": "deep"}}, 7, null],
    }});
    expect![[r#"
        BAD_USER_INPUT 1:7 `$w` has a field `nmae` that `Where` does not have
        BAD_USER_INPUT 1:7 `$w.ids[1]` must be of type `ID!`, but is 1.5
        BAD_USER_INPUT 1:7 `$w.kind[0]` must be one of `Kind`, but is "ASET"
        BAD_USER_INPUT 1:7 `$w.limit` must be of type `Int`, but is "many"
        BAD_USER_INPUT 1:7 `$w.and[0].nested.level` must be of type `Float`, but is "deep"
        BAD_USER_INPUT 1:7 `$w.and[1]` must be of type `Where!`, but is 7
        BAD_USER_INPUT 1:7 `$w.and[2]` of type `Where!` must not be null
        BAD_USER_INPUT 1:7 `$w.needed.name` of type `String!` is required
        BAD_USER_INPUT 1:7 `$w.flag` must be of type `Boolean`, but is 1"#]]
    .assert_eq(&errors(WHERE, given));
    expect![[r#"
        BAD_USER_INPUT 1:7 `$a` of type `Int!` must not be null
        BAD_USER_INPUT 2:3 `$b` of type `[Int!]!` is required"#]]
    .assert_eq(&errors("query($a: Int!,\n  $b: [Int!]!) { required(a: $a, b: $b) }", json!({"a": null})));
    expect!["GRAPHQL_VALIDATION_FAILED 1:43 int cannot represent non 32-bit signed integer value"]
        .assert_eq(&errors("query($a: Int! = 2) { required(a: $a, b: [99999999999]) }", none()));
    expect![[r#"
        BAD_USER_INPUT 1:7 `$a` must be of type `Int!`, but is 4294967296
        BAD_USER_INPUT 1:21 `$b[0]` must be of type `Int!`, but is 1.5"#]]
    .assert_eq(&errors("query($a: Int! = 2, $b: [Int!]!) { required(a: $a, b: $b) }", json!({"a": 4_294_967_296_u64, "b": [1.5]})));
    let many: Vec<Json> = (0..1_000).map(|_| json!("x")).collect();
    let refused = prepare("query($b: [Int!]!) { required(b: $b) }", json!({ "b": many })).expect_err("refused");
    assert_eq!(refused.errors.len(), 50);
}

#[test]
fn a_variable_may_leave_a_required_field_empty() {
    let query = "query($n: String = \"x\") { twins(where: {needed: {name: $n}}) { totalCount } }";
    assert!(bound(query, json!({"n": null})).contains("\"name\":\"x\""));
    expect![[r#"accepted: Operation { kind: Query, name: None, root: [RootField { key: "group", name: "group", location: Location { line: 1, column: 18 } }], .. }"#]].assert_eq(&errors("query($b: By!) { group(by: $b) }", json!({"b": {"property": "a", "type": null}, "other": 1})));
    expect!["BAD_USER_INPUT 1:7 `$b` must have exactly one field of `By`"]
        .assert_eq(&errors("query($b: By!) { group(by: $b) }", json!({"b": {"property": "a", "type": true}})));
    expect!["BAD_USER_INPUT 1:7 `$b` must have exactly one field of `By`"]
        .assert_eq(&errors("query($b: By!) { group(by: $b) }", json!({"b": {}})));
}

#[test]
fn variables_have_a_bound() {
    let preparer = Preparer::new(Limits { variables_bytes_max: 100, ..Limits::default() }, None);
    let ask = |length: usize| {
        let request = super::request("query($i: ID!) { tank(id: $i) { id } }", json!({ "i": "x".repeat(length) }));
        preparer.prepare(&super::checker(), &request, &Caller::local())
    };
    assert!(ask(92).is_ok());
    expect!["RESOURCE_LIMIT[variables_bytes_max]  the variables have more than 100 bytes"]
        .assert_eq(&super::lines(&ask(93).expect_err("too large")));
}
