//! What the engine is handed: flattened, merged, decided; and what it costs.

use expect_test::expect;
use serde_json::json;

use super::{bound, checker, errors, none, prepare, request};
use crate::api::limits::{Introspection, Limits};
use crate::api::prepare::{Cost, Preparer};
use crate::api::request::Caller;

#[test]
fn a_key_that_is_selected_twice_is_run_once() {
    let query = "mutation { rename(id: 1, name: \"a\") { id } ...M } fragment M on Mutation { touch rename(name: \"a\", id: 1) { name ... on Twin { id parent { id } } } }";
    expect![[r#"{rename{"id":"1","name":"a"}{id name parent{id}} touch}"#]].assert_eq(&bound(query, none()));
    let operation = prepare(query, none()).expect("valid");
    let keys: Vec<&str> = operation.root.iter().map(|field| field.key.as_str()).collect();
    assert_eq!(keys, ["rename", "touch"]);
}

#[test]
fn what_is_skipped_is_gone() {
    let query = "query($yes: Boolean! = true, $no: Boolean!) {
        a: tank(id: 1) @skip(if: $yes) { id }
        ... @include(if: $no) { b: tank(id: 1) { id } c: tank(id: 1) { id } }
        ...F @skip(if: $no)
        c: tank(id: 1) @include(if: $yes) { id @skip(if: $no) name @include(if: $no) }
    } fragment F on Query { d: tank(id: 1) { id @skip(if: $yes) level @include(if: false) } }";
    expect![[r#"{d:tank{"id":"1"} c:tank{"id":"1"}{id}}"#]].assert_eq(&bound(query, json!({"no": false})));
    expect![[r#"{a:tank{"id":"1"}{id} b:tank{"id":"1"}{id} c:tank{"id":"1"}{id}}"#]]
        .assert_eq(&bound(query, json!({"no": true, "yes": false})));
    assert_eq!(bound("{ thing @skip(if: true) { __typename } }", none()), "{}");
}

#[test]
fn only_conditions_on_abstract_types_remain() {
    expect![[r#"{twin{"id":"1"}{...Tank{level history{"properties":["a"]}} id name ...Mixer{speed name}}}"#]].assert_eq(&bound(
        "{ twin(id: 1) { ... on Tank { level } id ...T ... on Mixer { speed ... on Twin { name ... on Tank { level } } } } }
         fragment T on Twin { ... on Tank { level history(properties: \"a\") } name }",
        none(),
    ));
    expect![[r#"{tank{"id":"1"}{name level{"unit":"ASSET"}}}"#]]
        .assert_eq(&bound("{ tank(id: 1) { ... on Twin { name ... on Mixer { speed } } ... { level(unit: ASSET) } } }", none()));
    expect!["{thing{__typename ...Twin{id}}}"].assert_eq(&bound("{ thing { __typename ... on Twin { id } } }", none()));
}

fn cost(query: &str) -> u64 {
    prepare(query, json!({"n": 7})).unwrap_or_else(|refused| panic!("{refused:?}")).cost.cost
}

#[test]
fn costs_follow_pages_lists_and_weights() {
    assert_eq!(cost("{ tank(id: 1) { id name } }"), 1);
    assert_eq!(cost("{ twins { nodes { id } } }"), 5 + 50);
    assert_eq!(cost("{ twins(first: 2) { nodes { parent { id } } edges { node { id } } } }"), 5 + 2 * (1 + 1 + 1 + 1));
    assert_eq!(cost("query($n: Int) { twins(first: $n) { nodes { children(first: 3) { nodes { id } } } } }"), 5 + 7 * (1 + 5 + 3));
    assert_eq!(cost("{ nodes(ids: [1, 2, 3]) { children(first: 1) { nodes { id } } } }"), 1 + 3 * (5 + 1));
    assert_eq!(cost("{ search(text: \"a\") { parent { id } } }"), 20 + 10);
    assert_eq!(cost("{ tank(id: 1) { history(properties: [\"a\", \"b\"]) } }"), 1 + 40);
    assert_eq!(cost("subscription { twins(limit: 10, maxRateHz: 8) { nodes { id } } }"), 2 * (1 + 10));
    assert_eq!(cost("subscription { twins(limit: 10) { nodes { id } } }"), 1 + 10);
    assert_eq!(cost("{ __type(name: \"Tank\") { fields { name } } __typename }"), 0);
    expect!["RESOURCE_LIMIT[cost_max]  the operation costs 41205; the limit is 10000"]
        .assert_eq(&errors("{ twins(first: 200) { nodes { children(first: 200) { nodes { id } } } } }", none()));
    let preparer = Preparer::new(Limits { cost_max: 3, ..Limits::default() }, None);
    let request = request("{ twins { nodes { parent { id } } } }", none());
    let chosen = preparer.choose(&checker(), &request).expect("valid");
    assert_eq!(preparer.weigh(&chosen, &request), Ok(Cost { cost: 105, limit: 3, depth: 4, fields: 4 }));
    // No overflow.
    let nested = "children(first: 2147483647) { nodes { ".repeat(6) + "id" + &"} }".repeat(6);
    assert!(errors(&format!("{{ twin(id: 1) {{ {nested} }} }}"), none()).contains("costs 18446744073709551615"));
}

#[test]
fn introspection_can_be_closed() {
    let ask = |introspection, subject: &str, query: &str| {
        let preparer = Preparer::new(Limits { introspection, ..Limits::default() }, None);
        let caller = Caller { subject: subject.to_owned(), ..Caller::local() };
        preparer.prepare(&checker(), &request(query, none()), &caller).map_err(|refused| super::lines(&refused)).map(drop)
    };
    let query = "{ thing { __typename } ... { __schema { queryType { name } } } }";
    assert_eq!(ask(Introspection::On, "", query), Ok(()));
    assert_eq!(ask(Introspection::Authenticated, "ann", query), Ok(()));
    assert_eq!(ask(Introspection::Off, "ann", "{ __typename thing { __typename } }"), Ok(()));
    expect![[r#"
        FORBIDDEN 1:30 introspection is not open to you
        FORBIDDEN 1:30 introspection is not open to you"#]]
    .assert_eq(&[ask(Introspection::Authenticated, "", query), ask(Introspection::Off, "ann", query)].map(Result::unwrap_err).join("\n"));
}

#[test]
fn answers_of_introspection_are_known_by_a_key() {
    let key = |query: &str, variables| prepare(query, variables).expect("valid").answer_key();
    let query = "query($n: String!) { __type(name: $n) { name } }";
    assert_eq!(key(query, json!({"n": "Tank"})), key(query, json!({"n": "Tank", "unused": 1})));
    assert_ne!(key(query, json!({"n": "Tank"})), key(query, json!({"n": "Mixer"})));
    assert!(!prepare("{ __typename }", none()).expect("valid").is_introspection_only());
}
