//! Operations by the first words of their documents.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::stream::{self, BoxStream, StreamExt};
use serde_json::{Value as Json, json};
use tokio::sync::Notify;

use crate::api::{Answer, ApiError, Caller, Code, OperationKind, Request};
use crate::http::graphql::service::{Sdl, Service};

#[derive(Default)]
pub(super) struct Script {
    /// Results that subscriptions have given.
    pub(super) given: Arc<AtomicUsize>,
    /// Someone has let go of a subscription.
    pub(super) dropped: Arc<Notify>,
}

pub(super) struct Prepared {
    kind: OperationKind,
    words: Vec<String>,
    request: Request,
}

impl Prepared {
    fn number(&self) -> usize {
        self.words[1].parse().unwrap()
    }
}

/// Tells when it goes away.
struct Tell(Arc<Notify>);

impl Drop for Tell {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Service for Script {
    type Prepared = Prepared;

    async fn prepare(&self, view: Option<&str>, request: Request, _caller: &Caller) -> Result<Prepared, Vec<ApiError>> {
        if let Some(view) = view.filter(|view| *view != "known") {
            return Err(vec![unknown(view)]);
        }
        let text = request.query.clone().unwrap_or_default();
        let words: Vec<String> = text.split([' ', '{', '}']).filter(|word| !word.is_empty()).map(str::to_owned).collect();
        let kind = match words.first().map(String::as_str) {
            Some("mutation") => OperationKind::Mutation,
            Some("flood" | "count" | "silence") => OperationKind::Subscription,
            Some("wrong") => return Err(vec![ApiError::new(Code::ValidationFailed, "there is no field `wrong`").at(1, 3)]),
            Some("secret") => return Err(vec![ApiError::new(Code::Unauthenticated, "who are you?")]),
            Some("forbidden") => return Err(vec![ApiError::new(Code::Forbidden, "not for you")]),
            _ => OperationKind::Query,
        };
        Ok(Prepared { kind, words, request })
    }

    fn kind(prepared: &Prepared) -> OperationKind {
        prepared.kind
    }

    async fn execute(&self, prepared: Prepared) -> Answer {
        match prepared.words.first().map(String::as_str) {
            Some("busy") => Answer::refused(vec![ApiError::new(Code::Unavailable, "too much to do")]),
            Some("slow") => Answer::refused(vec![ApiError::new(Code::Timeout, "it took too long")]),
            Some("broken") => Answer::refused(vec![ApiError::new(Code::Internal, "internal error")]),
            Some("crash") => panic!("as the script says"),
            Some("large") => executed(json!({"data": {"large": "x".repeat(prepared.number())}})),
            Some("partly") => executed(json!({"data": null, "errors": [{"message": "a field failed"}]})),
            Some("variables") => executed(json!({"data": {"variables": prepared.request.variables}})),
            Some("never") => std::future::pending().await,
            _ => executed(json!({"data": {"a": 1}})),
        }
    }

    fn subscribe(&self, prepared: Prepared) -> impl futures_util::Stream<Item = Answer> + Send + 'static {
        let (given, tell) = (self.given.clone(), Tell(self.dropped.clone()));
        let numbers: BoxStream<'static, (usize, String)> = match prepared.words[0].as_str() {
            "flood" => {
                let bytes = prepared.number();
                stream::iter(1..).map(move |number| (number, "x".repeat(bytes))).boxed()
            }
            "count" => {
                let after = prepared.request.resume_after.as_deref().map_or(0, |cursor| cursor.parse().unwrap());
                stream::iter(after + 1..=prepared.number()).map(|number| (number, String::new())).boxed()
            }
            _ => stream::pending().boxed(),
        };
        numbers.map(move |(number, filling)| {
            let _tell = &tell;
            given.fetch_add(1, Ordering::Relaxed);
            executed(json!({"data": {"number": number, "filling": filling}})).at_cursor(number.to_string())
        })
    }

    fn sdl(&self, view: Option<&str>) -> Result<Sdl, ApiError> {
        match view {
            None | Some("known") => Ok(Sdl { text: "type Query { a: Int }\n".into(), hash: "a1b2".to_owned() }),
            Some(view) => Err(unknown(view)),
        }
    }

    fn ack(&self) -> Json {
        json!({"schemaRevision": "1"})
    }
}

fn executed(result: Json) -> Answer {
    Answer::executed(result.to_string().into())
}

fn unknown(view: &str) -> ApiError {
    ApiError::new(Code::NotFound, format!("there is no view `{view}`"))
}
