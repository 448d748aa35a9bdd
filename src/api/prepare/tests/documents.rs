//! Documents that never run: how many there are of each kind of mistake, where it is, and what bounds what is looked at.

use std::fmt::Write;
use std::sync::Arc;

use expect_test::expect;
use serde_json::json;

use super::{SDL, bound, checker, errors, none, prepare, request};
use crate::api::limits::Limits;
use crate::api::prepare::{Checker, Preparer, Weights};
use crate::api::request::{Caller, Request};

#[test]
fn what_cannot_be_parsed_is_said_with_its_place() {
    expect![[r#"
        GRAPHQL_PARSE_FAILED 1:12 syntax error: expected a valid Value
        GRAPHQL_PARSE_FAILED 1:12 syntax error: expected R_PAREN, got EOF
        GRAPHQL_PARSE_FAILED 1:12 syntax error: expected R_CURLY, got EOF"#]]
    .assert_eq(&errors("{ twin(id: ", none()));
    expect!["GRAPHQL_PARSE_FAILED 1:1 syntax error: Unexpected <EOF>."].assert_eq(&errors("", none()));
    expect!["GRAPHQL_PARSE_FAILED 3:2 syntax error: expected a StringValue, Name or OperationDefinition"]
        .assert_eq(&errors("query {\n  twin(id: 1) { id }\n}}", none()));
}

#[test]
fn all_that_is_not_valid_is_said_at_once() {
    expect![[r#"
        GRAPHQL_VALIDATION_FAILED 1:9 unused variable: `$x`
        GRAPHQL_VALIDATION_FAILED 2:17 type `Twin` does not have a field `ident`
        GRAPHQL_VALIDATION_FAILED 3:16 expected value of type Int, found a string
        GRAPHQL_VALIDATION_FAILED 3:21 the argument `last` is not supported by `Query.twins`
        GRAPHQL_VALIDATION_FAILED 3:40 cannot find fragment `F` in this document
        GRAPHQL_VALIDATION_FAILED 4:3 interface, union and object types must have a subselection set
        GRAPHQL_VALIDATION_FAILED 6:1 fragment `U` must be used in an operation"#]].assert_eq(&errors(
        "query Q($x: Int) {\n  twin(id: 1) { ident }\n  twins(first: \"a\", last: 3) { nodes { ...F } }\n  tank(id: 1)\n}\nfragment U on Tank { id }",
        none(),
    ));
    // The library that executes knows neither of these.
    expect![[r#"
        GRAPHQL_VALIDATION_FAILED 1:34 input field `name` is given twice
        GRAPHQL_VALIDATION_FAILED 1:63 input field `limit` is given twice"#]]
    .assert_eq(&errors("{ twins(where: {name: \"a\", name: \"b\", and: [{limit: 1, limit: 2}]}) { totalCount } }", none()));
    expect!["GRAPHQL_VALIDATION_FAILED 1:25 cannot select different fields into the same alias `a`"]
        .assert_eq(&errors("{ a: twin(id: 1) { id } a: tank(id: 1) { id } }", none()));
    expect!["GRAPHQL_VALIDATION_FAILED 1:51 operation must not select different types using the same name `x`"]
        .assert_eq(&errors("{ thing { ... on Tank { x: level } ... on Mixer { x: name } } }", none()));
    expect!["GRAPHQL_VALIDATION_FAILED 1:21 `grid` is selected with different arguments"]
        .assert_eq(&errors("{ grid(rows: [[1]]) grid(rows: [[1], [2]]) }", none()));
    expect!["GRAPHQL_VALIDATION_FAILED 1:1 an executable document must not contain an object type definition"]
        .assert_eq(&errors("type T { a: Int }", none()));
}

#[test]
fn variables_must_fit_where_they_stand() {
    // Most generated clients do exactly this.
    assert_eq!(
        bound("query($k: [Kind!]!) { twins(kinds: $k) { totalCount } }", json!({"k": ["DEVICE"]})),
        r#"{twins{"first":50,"kinds":["DEVICE"]}{totalCount}}"#
    );
    expect!["GRAPHQL_VALIDATION_FAILED 1:27 variable `$k` of type `[Kind]` cannot be used for argument `kinds` of type `[Kind!]`"]
        .assert_eq(&errors("query($k: [Kind]) { twins(kinds: $k) { totalCount } }", none()));
    // Within inputs the validator compares names of types only.
    expect![[r#"
        GRAPHQL_VALIDATION_FAILED 1:60 variable `$n` of type `String` is used where `String!` is expected
        GRAPHQL_VALIDATION_FAILED 1:71 variable `$k` of type `Kind` is used where `[Kind!]` is expected"#]]
    .assert_eq(&errors(
        "query($n: String, $k: Kind) { twins(where: {needed: {name: $n}, kind: $k, and: [{name: $n}]}) { totalCount } }",
        none(),
    ));
    expect!["GRAPHQL_VALIDATION_FAILED 1:97 variable `$i` of type `Int` cannot be used for argument `rows` of type `[[Int]]`"].assert_eq(
        &errors("query($i: Int) { grid(rows: [$i]) ...F } fragment F on Query { required(b: [$i, 2]) again: grid(rows: $i) }", none()),
    );
    expect!["GRAPHQL_VALIDATION_FAILED 1:39 variable `$y` is not defined"]
        .assert_eq(&errors("query($x: Int) { twins(json: {a: [$x, $y]}) { totalCount } }", none()));
    expect![[r#"
        GRAPHQL_VALIDATION_FAILED 1:13 exactly one field of `By` must be given, and it must not be null
        GRAPHQL_VALIDATION_FAILED 1:59 exactly one field of `By` must be given, and it must not be null"#]]
    .assert_eq(&errors("{ group(by: {property: \"a\", type: true}) other: group(by: {}) }", none()));
}

#[test]
fn a_bomb_of_fragments_is_counted_not_walked() {
    let mut bomb = String::from("{ tank(id: 1) { ...F0 } }");
    for at in 0..30 {
        write!(bomb, " fragment F{at} on Tank {{ a{at}: parent {{ ...F{0} }} b{at}: parent {{ ...F{0} }} }}", at + 1).expect("text");
    }
    bomb.push_str(" fragment F30 on Tank { id }");
    expect![[r#"
        RESOURCE_LIMIT[depth_max] 1:1 the operation has 32 levels of fields; the limit is 15
        RESOURCE_LIMIT[selections_max] 1:1 the operation has 5368709118 selections, with fragments expanded; the limit is 2000
        RESOURCE_LIMIT[aliases_max] 1:1 the operation has 2147483646 aliases, with fragments expanded; the limit is 100"#]]
    .assert_eq(&errors(&bomb, none()));
    // As wide as it is deep, without any field.
    let mut wide = String::from("{ tank(id: 1) { ...F0 } }");
    for at in 0..80 {
        write!(wide, " fragment F{at} on Tank {{ ...F{0} ...F{0} ...F{0} }}", at + 1).expect("text");
    }
    wide.push_str(" fragment F80 on Tank { id }");
    expect![
        "RESOURCE_LIMIT[selections_max] 1:1 the operation has 18446744073709551615 selections, with fragments expanded; the limit is 2000"
    ]
    .assert_eq(&errors(&wide, none()));
}

#[test]
fn fragments_that_spread_themselves_end() {
    expect!["GRAPHQL_VALIDATION_FAILED 1:78 fragment `A` spreads itself"]
        .assert_eq(&errors("{ tank(id: 1) { ...A } } fragment A on Tank { ...B } fragment B on Tank { id ...A }", none()));
    let chain: String = (0..600).map(|at| format!(" fragment F{at} on Tank {{ ...F{} }}", at + 1)).collect();
    expect!["RESOURCE_LIMIT[nesting_max]  with fragments expanded, selections nest deeper than 128 levels"]
        .assert_eq(&errors(&format!("{{ tank(id: 1) {{ ...F0 }} }} {chain} fragment F600 on Tank {{ id }}"), none()));
}

#[test]
fn each_bound_is_named() {
    let deep = |levels: usize| format!("{{ tank(id: 1) {}id{} }}", "{ parent ".repeat(levels) + "{ ", " }".repeat(levels + 1));
    assert!(prepare(&deep(13), none()).is_ok());
    expect!["RESOURCE_LIMIT[depth_max] 1:1 the operation has 16 levels of fields; the limit is 15"].assert_eq(&errors(&deep(14), none()));
    let aliases: String = (0..10_000).map(|at| format!("a{at}:touch ")).collect();
    let wide = Limits { document_bytes_max: 1 << 20, tokens_max: 1 << 20, ..Limits::default() };
    let many = request(&format!("mutation {{ {aliases} }}"), none());
    let refused = Preparer::new(wide, None).prepare(&checker(), &many, &Caller::local()).expect_err("too many");
    expect![[r#"
        RESOURCE_LIMIT[selections_max] 1:1 the operation has 10000 selections, with fragments expanded; the limit is 2000
        RESOURCE_LIMIT[aliases_max] 1:1 the operation has 10000 aliases, with fragments expanded; the limit is 100
        RESOURCE_LIMIT[root_fields_max] 1:1 the operation has 10000 fields at its root; the limit is 50"#]]
    .assert_eq(&super::lines(&refused));
    expect!["RESOURCE_LIMIT[document_bytes_max]  the document has 118903 bytes; the limit is 65536"]
        .assert_eq(&errors(&format!("mutation {{ {aliases} }}"), none()));
    expect!["RESOURCE_LIMIT[directives_max] 1:1 the operation has 101 directives, with fragments expanded; the limit is 100"]
        .assert_eq(&errors(&format!("{{ tank(id: 1) {{ id {} }} }}", "@skip(if: false)".repeat(101)), none()));
    expect!["RESOURCE_LIMIT[nesting_max] 1:129 braces, brackets and parentheses nest deeper than 64 levels"]
        .assert_eq(&errors(&"{a".repeat(30_000), none()));
    expect!["RESOURCE_LIMIT[nesting_max] 1:76 braces, brackets and parentheses nest deeper than 64 levels"]
        .assert_eq(&errors(&format!("{{ grid(rows: {}", "[".repeat(30_000)), none()));
    let types = "fields { type { ".repeat(4) + "name" + &" } }".repeat(4);
    expect!["RESOURCE_LIMIT 1:54 introspection asks for fields, interfaces, possible types or input fields within one another too often"]
        .assert_eq(&errors(&format!("{{ __schema {{ types {{ {types} }} }} }}"), none()));
}

#[test]
fn the_usual_introspection_is_not_too_deep() {
    let of_type = "ofType { kind name ".repeat(9) + &"}".repeat(9);
    let query = format!(
        "query IntrospectionQuery {{ __schema {{ queryType {{ name }} types {{ ...FullType }} directives {{ name locations args {{ ...InputValue }} }} }} }}
         fragment FullType on __Type {{ kind name fields(includeDeprecated: true) {{ name args {{ ...InputValue }} type {{ ...TypeRef }} }}
           inputFields {{ ...InputValue }} interfaces {{ ...TypeRef }} enumValues(includeDeprecated: true) {{ name }} possibleTypes {{ ...TypeRef }} }}
         fragment InputValue on __InputValue {{ name type {{ ...TypeRef }} defaultValue }}
         fragment TypeRef on __Type {{ kind name {of_type} }}"
    );
    let operation = prepare(&query, none()).expect("accepted");
    assert!(operation.is_introspection_only());
    assert_eq!((operation.cost.depth, operation.cost.cost), (0, 0));
}

#[test]
fn the_operation_that_is_meant_is_found_by_name() {
    let preparer = Preparer::new(Limits::default(), None);
    let choose = |query: &str, name: Option<&str>| {
        let request = Request { operation_name: name.map(str::to_owned), ..request(query, none()) };
        match preparer.choose(&checker(), &request) {
            Ok(chosen) => format!("{:?} {:?}", chosen.kind(), chosen.name()),
            Err(refused) => super::lines(&refused),
        }
    };
    let two = "query A { thing { __typename } } mutation B { touch }";
    assert_eq!(choose(two, Some("B")), "Mutation Some(\"B\")");
    assert_eq!(choose("query A { thing { __typename } }", None), "Query Some(\"A\")");
    assert_eq!(choose("{ thing { __typename } }", Some("")), "Query None");
    expect![[r#"
        OPERATION_RESOLUTION_FAILED  the document has several operations, and `operationName` does not say which is meant
        OPERATION_RESOLUTION_FAILED  no operation is named `C`
        GRAPHQL_VALIDATION_FAILED 1:1 fragment `F` must be used in an operation"#]]
    .assert_eq(&[choose(two, None), choose(two, Some("C")), choose("fragment F on Tank { id }", None)].join("\n"));
}

#[test]
fn subscriptions_have_one_root_field() {
    assert_eq!(
        bound("subscription { ...S } fragment S on Subscription { ... { twin(id: 1) { seq } } }", none()),
        r#"{twin{"id":"1","maxRateHz":4}{seq}}"#
    );
    // Selections of one key are one field.
    assert_eq!(
        bound("subscription { twin(id: 1) { seq } ... { twin(id: 1) { nodes { id } } } }", none()),
        r#"{twin{"id":"1","maxRateHz":4}{seq nodes{id}}}"#
    );
    expect![[r#"
        GRAPHQL_VALIDATION_FAILED 1:1 anonymous subscription can only have one root field
        GRAPHQL_VALIDATION_FAILED 1:36 operation must not provide conflicting field arguments for the same name `twin`"#]]
    .assert_eq(&errors("subscription { twin(id: 1) { seq } twin(id: 2) { seq } }", none()));
    expect!["GRAPHQL_VALIDATION_FAILED 1:1 anonymous subscription can only have one root field"]
        .assert_eq(&errors("subscription { a: twin(id: 1) { seq } b: twin(id: 1) { seq } }", none()));
    expect!["GRAPHQL_VALIDATION_FAILED 1:1 anonymous subscription can only have one root field"]
        .assert_eq(&errors("subscription { twin(id: 1) { seq } twins { seq } }", none()));
    expect!["GRAPHQL_VALIDATION_FAILED 1:16 anonymous subscription can not have an introspection field as a root field"]
        .assert_eq(&errors("subscription { __typename }", none()));
    expect!["GRAPHQL_VALIDATION_FAILED 1:28 anonymous subscription can not specify @skip or @include on root fields"]
        .assert_eq(&errors("subscription { twin(id: 1) @skip(if: true) { seq } }", none()));
}

#[test]
fn documents_are_checked_once_for_each_schema() {
    let preparer = Preparer::new(Limits::default(), None);
    let checker = checker();
    let ask = |checker, query| preparer.choose(checker, &request(query, none()));
    let first = ask(&checker, "{ thing { __typename } }").expect("valid");
    let again = ask(&checker, "{ thing { __typename } }").expect("valid");
    assert!(Arc::ptr_eq(&first.document, &again.document));
    let changed = Arc::new(Checker::new(&SDL.replace("thing: Thing", "thing: Thing object: Tank"), Weights::new()).expect("valid"));
    let other = ask(&changed, "{ thing { __typename } }").expect("valid");
    assert!(!Arc::ptr_eq(&first.document, &other.document));
    assert!(ask(&checker, "{ object { id } }").is_err());
    assert!(ask(&changed, "{ object { id } }").is_ok());
}

#[test]
fn a_schema_that_is_not_valid_is_said() {
    let refused = Checker::new("type Query { a: Nothing }", Weights::new()).expect_err("not valid");
    expect!["the schema is not valid: line 1: cannot find type `Nothing` in this document"].assert_eq(&refused.to_string());
}
