//! Documents that are named by their hash.

use expect_test::expect;
use serde_json::{Value as Json, json};

use super::checker;
use crate::api::limits::Limits;
use crate::api::prepare::{Preparer, TextHash, Trusted};
use crate::api::request::Request;

const QUERY: &str = "{ thing { __typename } }";

fn ask(preparer: &Preparer, query: Option<&str>, persisted: Option<Json>) -> String {
    let extensions = persisted.map(|persisted| ("persistedQuery".to_owned(), persisted)).into_iter().collect();
    let request = Request { query: query.map(str::to_owned), extensions, ..Request::default() };
    match preparer.choose(&checker(), &request) {
        Ok(_) => "runs".to_owned(),
        Err(refused) => super::lines(&refused),
    }
}

fn hash(text: &str) -> Option<Json> {
    Some(json!({"version": 1, "sha256Hash": TextHash::of(text).to_string()}))
}

#[test]
fn a_document_is_registered_by_its_hash() {
    let preparer = Preparer::new(Limits::default(), None);
    assert_eq!(ask(&preparer, None, hash(QUERY)), "PERSISTED_QUERY_NOT_FOUND  PersistedQueryNotFound");
    assert_eq!(ask(&preparer, Some(QUERY), None), "runs");
    assert_eq!(ask(&preparer, None, hash(QUERY)), "PERSISTED_QUERY_NOT_FOUND  PersistedQueryNotFound");
    assert_eq!(ask(&preparer, Some(QUERY), hash(QUERY)), "runs");
    assert_eq!(ask(&preparer, None, hash(QUERY)), "runs");
    let upper = TextHash::of(QUERY).to_string().to_uppercase();
    assert_eq!(ask(&preparer, None, Some(json!({"version": 1, "sha256Hash": upper}))), "runs");
    // What is not valid is not kept.
    assert!(ask(&preparer, Some("{ nothing }"), hash("{ nothing }")).starts_with("GRAPHQL_VALIDATION_FAILED"));
    assert_eq!(ask(&preparer, None, hash("{ nothing }")), "PERSISTED_QUERY_NOT_FOUND  PersistedQueryNotFound");
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let preparer = Preparer::new(Limits::default(), None);
    let answers = [
        ask(&preparer, Some(QUERY), hash("{ other }")),
        ask(&preparer, Some(QUERY), Some(json!({"version": 2, "sha256Hash": "00"}))),
        ask(&preparer, Some(QUERY), Some(json!({"version": 1, "sha256Hash": "äöü"}))),
        ask(&preparer, Some(QUERY), Some(json!("text"))),
        ask(&preparer, None, None),
        ask(&preparer, None, Some(Json::Null)),
    ];
    expect![[r#"
        BAD_USER_INPUT  provided sha does not match query
        BAD_USER_INPUT  Unsupported persisted query version
        BAD_USER_INPUT  `extensions.persistedQuery.sha256Hash` must be a text of 64 hexadecimal digits
        BAD_USER_INPUT  Unsupported persisted query version
        BAD_USER_INPUT  the request has no `query`
        BAD_USER_INPUT  the request has no `query`"#]]
    .assert_eq(&answers.join("\n"));
}

#[test]
fn trusted_documents_are_the_only_ones() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("thing.graphql"), format!("{QUERY}\n")).expect("written");
    std::fs::write(folder.path().join("thing.variables.json"), "{}").expect("written");
    let preparer = Preparer::new(Limits::default(), Some(Trusted::load(folder.path()).expect("loaded")));
    assert_eq!(ask(&preparer, Some(QUERY), None), "runs");
    assert_eq!(ask(&preparer, Some(&format!("{QUERY}\n")), None), "runs");
    assert_eq!(ask(&preparer, None, hash(QUERY)), "runs");
    assert_eq!(ask(&preparer, Some("{ thing { __typename } } "), None), "PERSISTED_QUERY_REQUIRED  PersistedQueryRequired");
    assert_eq!(ask(&preparer, None, hash("{ __typename }")), "PERSISTED_QUERY_REQUIRED  PersistedQueryRequired");
    assert!(Trusted::load(&folder.path().join("nowhere")).expect_err("no folder").to_string().contains("nowhere"));
}
