//! What the pipeline refuses and what it makes of the rest, against a small schema of the shape that is generated.

mod documents;
mod engine;
mod mutated;
mod operations;
mod persisted;
mod values;

use std::fmt::Write;
use std::sync::Arc;

use async_graphql::parser::types::{Field, Selection, SelectionSet};
use serde_json::{Map, Value as Json, json};

use super::{Checker, Operation, Preparer, Refused, Weight, Weights};
use crate::api::limits::Limits;
use crate::api::request::{Caller, Request};

const SDL: &str = r#"
scalar Long
scalar JSON
directive @oneOf on INPUT_OBJECT
directive @include(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT
directive @skip(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT
enum Kind { ASSET DEVICE }
interface Twin { id: ID! name: String! children(first: Int = 50): TwinConnection parent: Twin }
type Tank implements Twin { id: ID! name: String! children(first: Int = 50): TwinConnection parent: Twin level(unit: Kind): Float history(properties: [String!]!): JSON }
type Mixer implements Twin { id: ID! name: String! children(first: Int = 50): TwinConnection parent: Twin speed: Float level: Float }
union Thing = Tank | Mixer
type TwinConnection { edges: [TwinEdge!]! nodes: [Twin!]! totalCount: Int }
type TwinEdge { cursor: String! node: Twin! }
input Where { ids: [ID!] name: String kind: [Kind!] limit: Int = 7 nested: Where and: [Where!] needed: Needed level: Float flag: Boolean = true }
input Needed { name: String! free: JSON }
input By @oneOf { property: String type: Boolean }
type Query {
  twin(id: ID!): Twin
  tank(id: ID!): Tank
  nodes(ids: [ID!]!): [Twin!]!
  thing: Thing
  twins(where: Where, first: Int = 50, kinds: [Kind!] = [ASSET], json: JSON, long: Long): TwinConnection
  grid(rows: [[Int]]): Int
  required(a: Int! = 5, b: [Int!]!): Int
  group(by: By!): Int
  search(text: String!): [Twin!]
}
type Mutation { rename(id: ID!, name: String): Tank touch: Int }
type Subscription { twin(id: ID!, maxRateHz: Float = 4): TwinFrame! twins(limit: Int = 500, maxRateHz: Float = 4): TwinFrame! }
type TwinFrame { seq: Int! nodes: [Twin!]! }
"#;

fn checker() -> Arc<Checker> {
    let mut weights = Weights::new();
    weights.set("Query", "search", Weight::SEARCH);
    weights.set("Tank", "history", Weight::HISTORY);
    Arc::new(Checker::new(SDL, weights).expect("a valid schema"))
}

fn request(query: &str, variables: Json) -> Request {
    Request { query: Some(query.to_owned()), variables: variables.as_object().cloned(), ..Request::default() }
}

fn prepare(query: &str, variables: Json) -> Result<Operation, Refused> {
    Preparer::new(Limits::default(), None).prepare(&checker(), &request(query, variables), &Caller::local())
}

/// What the engine is handed, as one line of GraphQL.
fn bound(query: &str, variables: Json) -> String {
    let operation = prepare(query, variables).unwrap_or_else(|refused| panic!("{query}: {refused:?}"));
    let (_, definition) = operation.document.operations.iter().next().expect("one operation");
    assert!(operation.document.fragments.is_empty() && definition.node.variable_definitions.is_empty());
    let mut text = String::new();
    print_set(&definition.node.selection_set.node, &mut text);
    text
}

fn print_set(set: &SelectionSet, text: &mut String) {
    let items: Vec<String> = set.items.iter().map(|item| print(&item.node)).collect();
    write!(text, "{{{}}}", items.join(" ")).expect("a text takes all");
}

fn print(selection: &Selection) -> String {
    let mut text = String::new();
    assert!(selection.directives().is_empty());
    match selection {
        Selection::Field(field) => print_field(&field.node, &mut text),
        Selection::InlineFragment(inline) => {
            let condition = inline.node.type_condition.as_ref().expect("a condition");
            write!(text, "...{}", condition.node.on.node).expect("a text takes all");
            print_set(&inline.node.selection_set.node, &mut text);
        }
        Selection::FragmentSpread(_) => panic!("no fragment is left"),
    }
    text
}

fn print_field(field: &Field, text: &mut String) {
    if let Some(alias) = &field.alias {
        write!(text, "{alias}:").expect("a text takes all");
    }
    text.push_str(&field.name.node);
    if !field.arguments.is_empty() {
        let arguments: Map<String, Json> = field
            .arguments
            .iter()
            .map(|(name, value)| (name.node.to_string(), value.node.clone().into_json().expect("a constant")))
            .collect();
        text.push_str(&Json::Object(arguments).to_string());
    }
    if !field.selection_set.node.items.is_empty() {
        print_set(&field.selection_set.node, text);
    }
}

/// `CODE line:column message`, one line each.
fn errors(query: &str, variables: Json) -> String {
    match prepare(query, variables) {
        Ok(operation) => format!("accepted: {operation:?}"),
        Err(refused) => lines(&refused),
    }
}

fn lines(refused: &Refused) -> String {
    assert!(!refused.errors.is_empty());
    let one = |error: &crate::api::error::ApiError| {
        let places: Vec<String> = error.locations.iter().map(|place| format!("{}:{}", place.line, place.column)).collect();
        let setting = error.limit.map_or(String::new(), |(setting, _)| format!("[{setting}]"));
        format!("{}{setting} {} {}", error.code.name(), places.join(","), error.message)
    };
    refused.errors.iter().map(one).collect::<Vec<_>>().join("\n")
}

fn none() -> Json {
    json!({})
}
