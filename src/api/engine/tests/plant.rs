//! The schema of the tests: probes whose fields fail in all ways, twins behind an interface, counters, streams.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{ExecutableDocument, Selection};
use futures_util::{StreamExt, stream};
use parking_lot::Mutex;
use serde_json::{Map, Value as Json};
use tokio::sync::Barrier;
use tokio::time::Instant;

use crate::api::build::{Built, Item, Out, SchemaBuilder};
use crate::api::engine::{Ctx, RequestContext, run, run_stream};
use crate::api::error::{ApiError, Code};
use crate::api::request::{Caller, Role};
use crate::api::scalars;

#[derive(Debug, Clone)]
pub(super) struct Probe(pub i32);

/// A twin.
#[derive(Debug, Clone)]
pub(super) struct Unit(pub &'static str);

/// What resolvers work with.
#[derive(Debug)]
pub(super) struct Services {
    pub count: AtomicI32,
    pub log: Mutex<Vec<String>>,
    pub meeting: Barrier,
}

fn down() -> ApiError {
    ApiError::new(Code::Unavailable, "the store is down")
}

pub(super) fn schema() -> Built {
    let mut schema = SchemaBuilder::new();
    scalars::declare(&mut schema);
    schema.enumeration("Mode", "How it runs.", &[("IDLE", "at rest"), ("RUN", "")]).value("OLD", "").deprecated("gone");
    schema.input("Inner", "").field("needed", "Int!").field("mode", "Mode = RUN").field("tags", "[String!]");
    schema
        .input("Where", "")
        .field("and", "[Where!]")
        .field("inner", "Inner")
        .field("size", "Int = 7")
        .field("big", "Long")
        .field("at", "DateTime");
    schema.input("Pick", "").field("id", "ID").field("name", "String").one_of();
    twins(&mut schema);
    probes(&mut schema);
    roots(&mut schema);
    schema.build().unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn twins(schema: &mut SchemaBuilder) {
    schema.interface::<Unit>("Node", "").field("id", "ID!", "");
    schema
        .interface::<Unit>("Twin", "An asset or a device.")
        .implements("Node")
        .value("id", "ID!", "Its id.", |unit, _| unit.0)
        .field("parent", "Twin", "")
        .arg("hierarchy", "String = \"primary\"")
        .resolve(|unit, _, _| async move { Ok(if unit.0 == "tank" { Out::node("Mixer", Unit("mixer")) } else { Out::Null }) });
    schema.object::<Unit>("Mixer", "").implements("Node").implements("Twin").value("speed", "Float", "", |_, _| 12.5).slot("speed");
    schema
        .object::<Unit>("Tank", "")
        .implements("Node")
        .implements("Twin")
        .value("level", "Float", "", |_, _| f64::NAN)
        .field("leak", "String!", "")
        .now(|_, _, _| Err(down()));
}

fn probes(schema: &mut SchemaBuilder) {
    schema
        .object::<Probe>("Probe", "")
        .value("index", "Int!", "", |probe, _| probe.0)
        .value("none", "String", "", |_, _| Out::Null)
        .value("missing", "String!", "", |_, _| Out::Null)
        .value("nan", "Float!", "", |_, _| f64::NAN)
        .value("wrong", "Int", "", |_, _| "text")
        .value("mode", "Mode!", "", |probe, _| if probe.0 == 0 { "IDLE" } else { "BROKEN" })
        .value("secret", "String", "", |_, _| "secret")
        .role(Role::Admin)
        .value("panics", "String", "", |_, _| -> Out { panic!("at the disco") })
        .value("raw", "FloatArray", "", |_, _| Out::Raw(bytes::Bytes::from_static(b"[1,null,2.5]")))
        .field("maybe", "String", "")
        .now(|_, _, _| Err(down()))
        .field("must", "String!", "")
        .resolve(|_, _, _| async { Err(down()) })
        .field("odd", "String!", "")
        .resolve(|probe, _, _| async move { if probe.0 % 2 == 1 { Err(down()) } else { Ok("even".into()) } })
        .value("inner", "Probe", "", |probe, _| Out::object(Probe(probe.0 + 10)))
        .value("innerMust", "Probe!", "", |probe, _| Out::object(Probe(probe.0 + 10)))
        .value("list", "[Probe!]", "", |_, _| Out::objects((0..3).map(Probe)))
        .value("listMust", "[Probe!]!", "", |_, _| Out::objects((0..3).map(Probe)))
        .value("matrix", "[[Probe!]!]", "", |_, _| {
            Out::list((0..2).map(|row| Out::objects((0..2).map(move |column| Probe(row * 2 + column)))))
        })
        .value("words", "[String!]!", "", |_, _| Out::list(["a", "b"]))
        .value("holes", "[String!]", "", |_, _| Out::list([Out::from("a"), Out::Null]))
        .value("twins", "[Twin!]!", "", |_, _| Out::list(["mixer", "tank"].map(unit)))
        .value("untyped", "Twin", "", |_, _| Out::object(Unit("mixer")))
        .field("step", "Int!", "")
        .arg("name", "String!")
        .resolve(|probe, args, ctx| async move {
            let name = args.required_text("name")?.to_owned();
            ctx.services::<Services>()?.log.lock().push(format!("{name} begins"));
            tokio::task::yield_now().await;
            ctx.services::<Services>()?.log.lock().push(format!("{name} ends"));
            Ok(Out::Int(probe.0))
        });
}

fn unit(name: &'static str) -> Out {
    Out::node(if name == "mixer" { "Mixer" } else { "Tank" }, Unit(name))
}

fn roots(schema: &mut SchemaBuilder) {
    schema
        .query()
        .value("probe", "Probe", "", |_, _| Out::object(Probe(0)))
        .value("probeMust", "Probe!", "", |_, _| Out::object(Probe(0)))
        .field("twin", "Twin", "")
        .arg("id", "ID!")
        .now(|_, args, ctx| {
            ctx.receipt.count_twins(1);
            Ok(match args.required_text("id")? {
                "mixer" => unit("mixer"),
                "tank" => unit("tank"),
                _ => Out::Null,
            })
        })
        .value("twins", "[Twin!]!", "", |_, _| Out::list(["mixer", "tank"].map(unit)))
        .field("echo", "JSON!", "")
        .arg("where", "Where")
        .arg("ids", "[ID!]")
        .arg("first", "Int = 50")
        .arg_doc("How many.")
        .arg("pick", "Pick")
        .arg("flag", "Boolean")
        .now(|_, args, _| Ok(Out::json(Json::Object(args.values.clone()))))
        .field("meet", "Int!", "")
        .resolve(|_, _, ctx| async move {
            ctx.services::<Services>()?.meeting.wait().await;
            Ok(Out::Int(1))
        })
        .field("slow", "Int!", "")
        .resolve(|_, _, _| async {
            tokio::task::yield_now().await;
            Ok(Out::Int(2))
        })
        .field("never", "Int", "")
        .resolve(|_, _, _| std::future::pending())
        .field("looks", "Probe", "")
        .looks_ahead()
        .now(|_, args, ctx| {
            let fields = args.selection.fields.iter().map(|field| format!("{}@{}", field.name, field.on.as_deref().unwrap_or("")));
            ctx.services::<Services>()?.log.lock().extend(fields);
            Ok(Out::object(Probe(0)))
        });
    schema
        .mutation()
        .field("bump", "Int!", "")
        .resolve(|_, _, ctx| async move { Ok(Out::Int(ctx.services::<Services>()?.count.fetch_add(1, Ordering::Relaxed) + 1)) });
    schema
        .subscription()
        .stream("ticks", "Probe!", "")
        .arg("count", "Int = 3")
        .subscribe(|args, _| async move {
            let count = i32::try_from(args.integer("count").unwrap_or_default()).unwrap_or_default();
            Ok(stream::iter((0..count).map(|at| Ok(Item { value: Out::object(Probe(at)), cursor: Some(format!("c{at}")) }))))
        })
        .stream("ends", "Probe", "")
        .subscribe(|_, _| async {
            Ok(stream::iter([Ok(Out::object(Probe(0))), Err(ApiError::new(Code::SchemaChanged, "changed")), Ok(Out::object(Probe(1)))]))
        })
        .stream("refused", "Probe!", "")
        .subscribe(|_, _| async { Err::<stream::Empty<Result<Out, ApiError>>, _>(ApiError::new(Code::Forbidden, "no")) })
        .stream("panics", "Probe!", "")
        .subscribe(|_, _| async { Ok(stream::once(async { panic!("at the disco") }).map(|out: Result<Out, ApiError>| out)) });
}

pub(super) fn services() -> Arc<Services> {
    Arc::new(Services { count: AtomicI32::new(0), log: Mutex::default(), meeting: Barrier::new(2) })
}

pub(super) fn context(services: &Arc<Services>) -> RequestContext {
    RequestContext::new(Caller { subject: "test".to_owned(), role: Role::Viewer }, "r1".to_owned(), services.clone())
}

pub(super) fn document(query: &str) -> ExecutableDocument {
    parse_query(query).expect("a document")
}

/// The response keys of the root, as the stage before gives them.
fn root_order(document: &ExecutableDocument) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for (_, operation) in document.operations.iter() {
        for selection in &operation.node.selection_set.node.items {
            if let Selection::Field(field) = &selection.node {
                keys.push(field.node.response_key().node.to_string());
            }
        }
    }
    keys
}

pub(super) async fn text_with(query: &str, variables: Json, ctx: RequestContext) -> String {
    let document = document(query);
    let root_order = root_order(&document);
    let variables: Map<String, Json> = variables.as_object().cloned().unwrap_or_default();
    let ctx: Ctx = Arc::new(ctx);
    let answer = run(&schema(), document, &root_order, variables, ctx).await;
    String::from_utf8(answer.body.to_vec()).expect("text")
}

/// The answer as text.
pub(super) async fn text(query: &str) -> String {
    text_with(query, Json::Null, context(&services())).await
}

pub(super) async fn answer_with(query: &str, variables: Json) -> Json {
    serde_json::from_str(&text_with(query, variables, context(&services())).await).expect("JSON")
}

pub(super) async fn answer(query: &str) -> Json {
    answer_with(query, Json::Null).await
}

/// The answer's `data`, and its errors as `path: CODE message`.
pub(super) async fn told(query: &str) -> (Json, Vec<String>) {
    split(answer(query).await)
}

pub(super) fn split(mut answer: Json) -> (Json, Vec<String>) {
    let told = |error: &Json| {
        let path = error["path"].as_array().into_iter().flatten().map(|step| step.as_str().map_or_else(|| step.to_string(), str::to_owned));
        let path = path.collect::<Vec<_>>().join(".");
        format!("{path}: {} {}", error["extensions"]["code"].as_str().unwrap_or("?"), error["message"].as_str().unwrap_or("?"))
    };
    let mut errors: Vec<String> = answer["errors"].as_array().into_iter().flatten().map(told).collect();
    errors.sort();
    (answer["data"].take(), errors)
}

/// All answers of a subscription, with the cursors of their items.
pub(super) async fn answers(query: &str) -> Vec<(Json, Option<String>)> {
    let ctx: Ctx = Arc::new(context(&services()));
    let items = run_stream(&schema(), document(query), Map::new(), ctx);
    items.map(|answer| (serde_json::from_slice(&answer.body).expect("JSON"), answer.cursor)).collect().await
}

/// A moment that has passed.
pub(super) fn past() -> Instant {
    Instant::now()
}
