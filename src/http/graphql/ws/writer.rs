//! What waits to be written to a socket. One result at a time is taken over, so that all others wait where they can still be called off; what
//! keeps the socket alive goes first. It knows how long the client has taken nothing.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use futures_util::Sink;
use futures_util::stream::SplitSink;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::http::listener::Meter;

use super::protocol::Flow;

pub(super) struct Writer {
    sink: SplitSink<WebSocket, Message>,
    urgent: VecDeque<Message>,
    urgent_bytes: usize,
    /// With its share of what may wait.
    result: Option<(Message, OwnedSemaphorePermit)>,
    is_flushed: bool,
    taken: Meter,
    progress: Progress,
}

/// When something was last seen to move.
struct Progress {
    bytes: u64,
    at: Instant,
    is_stuck: bool,
}

impl Writer {
    pub(super) fn new(sink: SplitSink<WebSocket, Message>, taken: Meter) -> Writer {
        let progress = Progress { bytes: taken.bytes(), at: Instant::now(), is_stuck: false };
        Writer { sink, urgent: VecDeque::new(), urgent_bytes: 0, result: None, is_flushed: true, taken, progress }
    }

    /// Bytes of acknowledgements, pongs and refusals that wait.
    pub(super) fn urgent_bytes(&self) -> usize {
        self.urgent_bytes
    }

    pub(super) fn urgent(&mut self, message: Message) {
        self.begin();
        self.urgent_bytes += size(&message);
        self.urgent.push_back(message);
    }

    pub(super) fn has_room(&self) -> bool {
        self.result.is_none()
    }

    /// There must be room.
    pub(super) fn result(&mut self, message: Message, share: OwnedSemaphorePermit) {
        debug_assert!(self.has_room(), "one result at a time");
        self.begin();
        self.result = Some((message, share));
    }

    /// Nothing but this shall be written any more.
    pub(super) fn last(&mut self, message: Message) {
        self.urgent.clear();
        self.result = None;
        self.urgent(message);
    }

    pub(super) fn is_done(&self) -> bool {
        self.is_flushed && self.result.is_none() && self.urgent.is_empty()
    }

    pub(super) fn flow(&self, opened: Instant) -> Flow {
        if self.progress.is_stuck { Flow::Stuck(since(opened, self.progress.at)) } else { Flow::Free }
    }

    /// One step; pending if there is nothing to write, or no room in the socket. It may be dropped at any time.
    pub(super) async fn step(&mut self) -> Result<(), axum::Error> {
        poll_fn(|cx| self.poll_step(cx)).await
    }

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), axum::Error>> {
        if self.is_done() {
            return Poll::Pending;
        }
        let stepped = self.poll_write(cx);
        // A large message is taken in many pieces, and each of them counts.
        let bytes = self.taken.bytes();
        if stepped.is_ready() || bytes != self.progress.bytes {
            self.progress.bytes = bytes;
            self.progress.at = Instant::now();
        }
        self.progress.is_stuck = stepped.is_pending();
        stepped
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), axum::Error>> {
        if self.urgent.is_empty() && self.result.is_none() {
            ready!(Pin::new(&mut self.sink).poll_flush(cx))?;
            self.is_flushed = true;
            return Poll::Ready(Ok(()));
        }
        ready!(Pin::new(&mut self.sink).poll_ready(cx))?;
        if let Some(message) = self.urgent.pop_front() {
            self.urgent_bytes -= size(&message).min(self.urgent_bytes);
            self.is_flushed = false;
            Pin::new(&mut self.sink).start_send(message)?;
        } else if let Some((message, _share)) = self.result.take() {
            self.is_flushed = false;
            Pin::new(&mut self.sink).start_send(message)?;
        }
        Poll::Ready(Ok(()))
    }

    /// Who had nothing to take has not taken nothing.
    fn begin(&mut self) {
        if self.is_done() {
            self.progress.at = Instant::now();
        }
    }
}

pub(super) fn since(opened: Instant, at: Instant) -> Duration {
    at.saturating_duration_since(opened)
}

fn size(message: &Message) -> usize {
    match message {
        Message::Text(text) => text.len(),
        Message::Binary(bytes) | Message::Ping(bytes) | Message::Pong(bytes) => bytes.len(),
        Message::Close(_) => 0,
    }
}
