//! Answers as an event stream (graphql-sse, distinct connections): one operation for each connection, ended by closing it.

use std::pin::Pin;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use crate::api::Answer;

use super::Door;
use super::service::Service;

const COMMENT: Bytes = Bytes::from_static(b":\n\n");
/// Some parsers pass an event on only if it has data.
const COMPLETE: Bytes = Bytes::from_static(b"event: complete\ndata:\n\n");

/// Where the client left off, by its own word.
pub(super) fn last_event_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get("last-event-id")?.to_str().ok()?;
    Some(id.to_owned()).filter(|id| !id.is_empty())
}

/// Always 200: what is wrong with an operation arrives as an event. The stream is polled as fast as the client takes it.
pub(super) fn respond<S: Service>(door: &Door<S>, answers: impl Stream<Item = Answer> + Send + 'static) -> Response {
    let every = door.settings.timing.comment_every;
    let mut comments = interval_at(Instant::now() + every, every);
    comments.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let events = Events { answers: Box::pin(answers), comments, closing: door.closing.clone(), stage: Stage::Fresh };
    let body = stream::unfold(events, |mut events| async move {
        let event = events.next().await?;
        Some((Ok::<_, std::convert::Infallible>(event), events))
    });
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (VARY, HeaderValue::from_static("accept")),
        // Asks a proxy in between not to collect.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, Body::from_stream(body)).into_response()
}

struct Events {
    answers: Pin<Box<dyn Stream<Item = Answer> + Send>>,
    comments: Interval,
    closing: CancellationToken,
    stage: Stage,
}

enum Stage {
    Fresh,
    Open,
    Ended,
}

impl Events {
    async fn next(&mut self) -> Option<Bytes> {
        match self.stage {
            // Something has to come, so that the client knows that it has been heard.
            Stage::Fresh => {
                self.stage = Stage::Open;
                Some(COMMENT)
            }
            Stage::Open => self.wait().await,
            Stage::Ended => None,
        }
    }

    async fn wait(&mut self) -> Option<Bytes> {
        tokio::select! {
            // No `complete` then: the operation is not over, and the client shall come again.
            () = self.closing.cancelled() => None,
            answer = self.answers.next() => {
                self.comments.reset();
                if answer.is_none() {
                    self.stage = Stage::Ended;
                }
                Some(answer.map_or(COMPLETE, |answer| event(&answer)))
            }
            _ = self.comments.tick() => Some(COMMENT),
        }
    }
}

fn event(answer: &Answer) -> Bytes {
    let mut event = BytesMut::with_capacity(answer.body.len() + 64);
    event.put_slice(b"event: next\n");
    if let Some(cursor) = answer.cursor.as_deref().filter(|cursor| !cursor.contains(['\n', '\r', '\0'])) {
        event.put_slice(b"id: ");
        event.put_slice(cursor.as_bytes());
        event.put_slice(b"\n");
    }
    event.put_slice(b"data: ");
    event.put_slice(&answer.body);
    event.put_slice(b"\n\n");
    event.freeze()
}
