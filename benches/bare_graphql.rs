//! The peer of `pollux bench graphql`: a dynamic schema of async-graphql behind axum and nothing else, which answers `point` and `list` with
//! constants. Neither documents nor answers are kept. `bare_graphql ADDR` listens until it is killed.

#![expect(clippy::expect_used, reason = "a peer to measure against ends where it cannot go on")]

use async_graphql::dynamic::{Field, FieldFuture, FieldValue, InputValue, Object, Schema, TypeRef};
use async_graphql::{Request, Value};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A full page, whatever `first` says.
const PAGE: usize = 100;

#[tokio::main]
async fn main() {
    let addr = std::env::args().nth(1).expect("an address to listen on, as in 127.0.0.1:18090");
    let listener = tokio::net::TcpListener::bind(&addr).await.expect("the address can be listened on");
    let routes = Router::new().route("/graphql", post(answer)).with_state(schema());
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        stream.set_nodelay(true).expect("a connection that has just come takes options");
    });
    axum::serve(listener, routes).await.expect("the listener works");
}

async fn answer(State(schema): State<Schema>, body: Bytes) -> Response {
    let Ok(request) = serde_json::from_slice::<Request>(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    let answer = serde_json::to_vec(&schema.execute(request).await).expect("an answer is JSON");
    ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], Body::from(answer)).into_response()
}

fn schema() -> Schema {
    let reading = Object::new("FloatReading").field(constant("value", TypeRef::named(TypeRef::FLOAT), Value::from(21.5)));
    let machine = Object::new("BenchMachine")
        .field(constant("id", TypeRef::named_nn(TypeRef::ID), Value::from("bench-7")))
        .field(object("temperature", TypeRef::named_nn("FloatReading")));
    let page = Object::new("BenchMachineConnection").field(Field::new("nodes", TypeRef::named_nn_list_nn("BenchMachine"), |_| {
        FieldFuture::Value(Some(FieldValue::list((0..PAGE).map(|_| FieldValue::owned_any(())))))
    }));
    let query = Object::new("Query")
        .field(object("benchMachine", TypeRef::named("BenchMachine")).argument(InputValue::new("id", TypeRef::named_nn(TypeRef::ID))))
        .field(
            object("benchMachines", TypeRef::named("BenchMachineConnection"))
                .argument(InputValue::new("first", TypeRef::named(TypeRef::INT))),
        );
    let types = [reading, machine, page];
    let schema = types.into_iter().fold(Schema::build("Query", None, None).register(query), |schema, object| schema.register(object));
    schema.finish().expect("the types of the peer fit together")
}

fn constant(name: &str, of: TypeRef, value: Value) -> Field {
    Field::new(name, of, move |_| FieldFuture::from_value(Some(value.clone())))
}

fn object(name: &str, of: TypeRef) -> Field {
    Field::new(name, of, |_| FieldFuture::Value(Some(FieldValue::owned_any(()))))
}
