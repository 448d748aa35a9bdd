//! What comes out runs: the printed schema of the library is understood, and its quirks at roots, with keys and with variables are gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_graphql::dynamic::{
    Enum, Field, FieldFuture, InputObject, InputValue, Object, Schema, Subscription, SubscriptionField, SubscriptionFieldFuture, TypeRef,
};
use async_graphql::{Request as EngineRequest, ValidationMode, Value};
use futures_util::StreamExt;
use serde_json::json;

use super::request;
use crate::api::limits::Limits;
use crate::api::prepare::{Checker, Operation, Preparer, Weights};
use crate::api::request::Caller;

fn schema(runs: Arc<AtomicUsize>) -> Schema {
    let show = |name: &'static str| {
        let field = Field::new(name, TypeRef::named_nn(TypeRef::STRING), |ctx| {
            let arguments: Vec<String> = ctx.args.iter().map(|(name, value)| format!("{name}={}", value.as_value())).collect();
            FieldFuture::Value(Some(Value::from(arguments.join(" ")).into()))
        });
        field
            .argument(InputValue::new("first", TypeRef::named(TypeRef::INT)).default_value(50))
            .argument(InputValue::new("where", TypeRef::named("Where")))
    };
    let run = Field::new("run", TypeRef::named_nn("Run"), move |_| {
        runs.fetch_add(1, Ordering::SeqCst);
        FieldFuture::Value(Some(Value::from(1).into()))
    });
    let constant = |name: &'static str| Field::new(name, TypeRef::named(TypeRef::INT), |_| FieldFuture::Value(Some(Value::from(1).into())));
    let frames = SubscriptionField::new("frames", TypeRef::named_nn(TypeRef::INT), |ctx| {
        let limit = ctx.args.get("limit").and_then(|limit| limit.i64().ok()).unwrap_or(-1);
        SubscriptionFieldFuture::new(async move { Ok(futures_util::stream::once(async move { Ok(Value::from(limit)) })) })
    });
    let frames = frames.argument(InputValue::new("limit", TypeRef::named(TypeRef::INT)).default_value(500));
    let input = InputObject::new("Where")
        .field(InputValue::new("limit", TypeRef::named(TypeRef::INT)).default_value(7))
        .field(InputValue::new("kinds", TypeRef::named_nn_list("Kind")));
    let by = InputObject::new("By").oneof().field(InputValue::new("a", TypeRef::named(TypeRef::INT)));
    Schema::build("Query", Some("Mutation"), Some("Subscription"))
        .register(Enum::new("Kind").item("ASSET").item("DEVICE"))
        .register(input)
        .register(by)
        .register(Object::new("Run").field(constant("a")).field(constant("b")))
        .register(
            Object::new("Query").field(show("show")).field(
                Field::new("by", TypeRef::named(TypeRef::INT), |_| FieldFuture::Value(None))
                    .argument(InputValue::new("by", TypeRef::named("By"))),
            ),
        )
        .register(Object::new("Mutation").field(run))
        .register(Subscription::new("Subscription").field(frames))
        .validation_mode(ValidationMode::Fast)
        .finish()
        .expect("a schema")
}

fn prepared(schema: &Schema, query: &str, variables: serde_json::Value) -> Operation {
    let checker = Arc::new(Checker::new(&schema.sdl(), Weights::new()).expect("the printed schema is valid"));
    let operation = Preparer::new(Limits::default(), None).prepare(&checker, &request(query, variables), &Caller::local());
    operation.unwrap_or_else(|refused| panic!("{refused:?}"))
}

fn engine_request(operation: &Operation) -> EngineRequest {
    let mut request = EngineRequest::new("");
    request.set_parsed_query(operation.document.clone());
    request
}

async fn run(schema: &Schema, query: &str, variables: serde_json::Value) -> String {
    let operation = prepared(schema, query, variables);
    let response = schema.execute(engine_request(&operation)).await;
    assert!(response.errors.is_empty(), "{:?}", response.errors);
    response.data.to_string()
}

#[tokio::test]
async fn arguments_arrive_with_their_defaults() {
    let schema = schema(Arc::default());
    let shown =
        run(&schema, "query($n: Int, $w: Where) { a: show(first: $n, where: $w) b: show(where: {}) }", json!({"w": {"kinds": "ASSET"}}))
            .await;
    assert_eq!(shown, r#"{a: "first=50 where={kinds: [\"ASSET\"], limit: 7}", b: "first=50 where={limit: 7}"}"#);
}

#[tokio::test]
async fn a_mutation_that_is_selected_twice_acts_once() {
    let runs = Arc::new(AtomicUsize::new(0));
    let schema = schema(Arc::clone(&runs));
    let data = run(&schema, "mutation { run { a } ...F } fragment F on Mutation { run { b a } }", json!({})).await;
    assert_eq!((data.as_str(), runs.load(Ordering::SeqCst)), ("{run: {a: 1, b: 1}}", 1));
}

#[tokio::test]
async fn a_subscription_may_use_fragments_and_has_its_defaults() {
    let schema = schema(Arc::default());
    let operation = prepared(&schema, "subscription { ...F } fragment F on Subscription { frames }", json!({}));
    let answers: Vec<_> = schema.execute_stream(engine_request(&operation)).collect().await;
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].data.to_string(), "{frames: 500}");
}

#[tokio::test]
async fn introspection_runs_without_its_fragments_and_variables() {
    let schema = schema(Arc::default());
    let query = "query($n: String!) { __schema { queryType { ...F } } __type(name: $n) { ...F } } fragment F on __Type { name kind }";
    let data = run(&schema, query, json!({"n": "Run"})).await;
    assert_eq!(data, "{__schema: {queryType: {name: \"Query\", kind: OBJECT}}, __type: {name: \"Run\", kind: OBJECT}}");
}

#[test]
fn a_large_schema_is_read_once() {
    let count = 1_300;
    let types: String = (0..count)
        .map(|at| {
            let fields: String = (0..20).map(|field| format!(" f{field}(unit: String): Float")).collect();
            format!(
                "type T{at} implements Node {{ id: ID!{fields} }}\ntype T{at}Connection {{ nodes: [T{at}!]! totalCount: Int }}\ninput T{at}Where {{ and: [T{at}Where!] f0: Float f1: Float }}\nenum T{at}Sort {{ F0 F1 }}\n"
            )
        })
        .collect();
    let roots: String =
        (0..count).map(|at| format!(" t{at}(id: ID!): T{at} t{at}s(where: T{at}Where, first: Int = 50): T{at}Connection")).collect();
    let sdl = format!("interface Node {{ id: ID! }}\n{types}type Query {{ node(id: ID!): Node{roots} }}\n");
    let checker = Arc::new(Checker::new(&sdl, Weights::new()).expect("valid"));
    let preparer = Preparer::new(Limits::default(), None);
    let request = request("{ t7s(where: {and: {f0: 1}}) { nodes { id f3 } } node(id: 1) { ... on T9 { f0 } } }", json!({}));
    assert_eq!(preparer.prepare(&checker, &request, &Caller::local()).expect("valid").cost.cost, 5 + 50 + 1);
}
