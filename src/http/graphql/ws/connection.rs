//! One socket: carries frames to the protocol and does what it says. Reading, writing, operations and time are all waited for at once, so none
//! of them holds up another.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::StreamExt;
use futures_util::stream::SplitStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::error;
use tungstenite::error::{CapacityError, Error as FrameError};

use crate::api::Caller;
use crate::http::graphql::Door;
use crate::http::graphql::caller::{caller_of, credentials_in, has_share};
use crate::http::graphql::service::Service;
use crate::http::listener::Meter;

use super::operations::{Operations, Result, What};
use super::protocol::{Act, Close, Flow, Protocol, Rules};
use super::seats::Seat;
use super::writer::{Writer, since};

/// What is known of a socket when it is opened.
pub(super) struct Guest {
    pub(super) view: Option<Arc<str>>,
    /// `Authorization` of the upgrade, for clients that can set it.
    pub(super) credentials: Option<String>,
    pub(super) taken: Meter,
    pub(super) seat: Seat,
}

pub(super) async fn serve<S: Service>(socket: WebSocket, door: Arc<Door<S>>, guest: Guest) {
    let (mut connection, results) = Connection::new(socket, door, guest);
    let end = connection.run(results).await;
    connection.operations.stop_all();
    match end {
        End::Gone => {}
        End::Close(close) => connection.take_leave(close).await,
    }
}

/// For who cannot talk our protocol.
pub(super) async fn dismiss(socket: WebSocket, close: Close, wait_max: Duration) {
    let (sink, reader) = socket.split();
    let mut writer = Writer::new(sink, Meter::default());
    farewell(&mut writer, reader, false, close, wait_max).await;
}

enum End {
    /// The client has left.
    Gone,
    Close(Close),
}

struct Connection<S: Service> {
    door: Arc<Door<S>>,
    guest: Guest,
    caller: Arc<Caller>,
    protocol: Protocol,
    operations: Operations<S>,
    reader: SplitStream<WebSocket>,
    /// Nothing more can be read, though the client is still there.
    is_deaf: bool,
    writer: Writer,
    opened: Instant,
}

impl<S: Service> Connection<S> {
    fn new(socket: WebSocket, door: Arc<Door<S>>, guest: Guest) -> (Connection<S>, mpsc::Receiver<Result>) {
        let (sink, reader) = socket.split();
        let settings = &door.settings;
        let rules = Rules {
            operations_max: settings.operations_per_socket_max,
            init_wait_max: settings.timing.init_wait_max,
            ping_every: settings.timing.ping_every,
            silence_max: settings.timing.silence_max,
            stall_max: settings.timing.stall_max,
        };
        let (operations, results) =
            Operations::new(door.service.clone(), guest.view.clone(), rules.operations_max, settings.outbound_bytes_per_socket_max);
        let writer = Writer::new(sink, guest.taken.clone());
        let connection = Connection {
            door,
            guest,
            // Nobody asks for anything before it is known who they are.
            caller: Arc::new(Caller::local()),
            protocol: Protocol::new(rules),
            operations,
            reader,
            is_deaf: false,
            writer,
            opened: Instant::now(),
        };
        (connection, results)
    }

    async fn run(&mut self, mut results: mpsc::Receiver<Result>) -> End {
        let closing = self.door.closing.clone();
        loop {
            let (now, flow) = self.now();
            let mut act = self.protocol.tick(now, flow);
            if act.is_none() {
                let deadline = self.opened + self.protocol.deadline(now, flow);
                act = tokio::select! {
                    frame = self.reader.next(), if self.operations.may_have_more() => match frame {
                        Some(Ok(frame)) => self.frame(frame),
                        Some(Err(error)) => match self.unreadable(error) {
                            Some(act) => Some(act),
                            None => return End::Gone,
                        },
                        None => return End::Gone,
                    },
                    written = self.writer.step() => match written {
                        Ok(()) => None,
                        Err(_) => return End::Gone,
                    },
                    Some(result) = results.recv(), if self.writer.has_room() => self.result(result),
                    ended = self.operations.ended() => match ended {
                        Ok(()) => None,
                        Err(panic) => {
                            error!(%panic, "an operation on a socket has crashed");
                            self.protocol.failed()
                        }
                    },
                    () = sleep_until(deadline) => None,
                    () = closing.cancelled() => self.protocol.shut_down(),
                };
            }
            while let Some(next) = act.take() {
                match self.perform(next) {
                    Ok(next) => act = next,
                    Err(close) => return End::Close(close),
                }
            }
        }
    }

    fn now(&self) -> (Duration, Flow) {
        (since(self.opened, Instant::now()), self.writer.flow(self.opened))
    }

    fn frame(&mut self, frame: Message) -> Option<Act> {
        self.protocol.heard(since(self.opened, Instant::now()));
        match frame {
            Message::Text(text) => self.protocol.text(&text),
            Message::Binary(_) => self.protocol.binary(),
            // The library answers pings and closes by itself.
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => None,
        }
    }

    /// `None`: the connection has broken.
    fn unreadable(&mut self, error: axum::Error) -> Option<Act> {
        self.is_deaf = true;
        match error.source().and_then(|source| source.downcast_ref::<FrameError>()) {
            Some(FrameError::Capacity(CapacityError::MessageTooLong { .. })) => {
                let bytes_max = self.door.settings.body_bytes_max;
                self.protocol.unreadable(1009, &format!("the message is larger than {bytes_max} bytes (body_bytes_max)"))
            }
            Some(FrameError::Utf8(_)) => self.protocol.unreadable(1007, "the message is not UTF-8"),
            Some(FrameError::Protocol(what)) => self.protocol.unreadable(1002, &what.to_string()),
            _ => None,
        }
    }

    fn result(&mut self, result: Result) -> Option<Act> {
        let Result { serial, what, share } = result;
        let text = match what {
            What::Next(answer) => match std::str::from_utf8(&answer.body) {
                Ok(body) => self.protocol.next(serial, body),
                Err(error) => {
                    error!(%error, "an answer is not UTF-8");
                    return self.protocol.failed();
                }
            },
            What::Refused(errors) => self.protocol.refused(serial, &errors),
            What::Completed => self.protocol.completed(serial),
        };
        if let Some(text) = text {
            self.writer.result(Message::Text(text.into()), share);
        }
        None
    }

    /// What there is to do next, if the socket does not close.
    fn perform(&mut self, act: Act) -> std::result::Result<Option<Act>, Close> {
        let next = match act {
            Act::Send(text) => self.urgent(Message::Text(text.into())),
            Act::Ping => self.urgent(Message::Ping(bytes::Bytes::new())),
            Act::Authenticate(payload) => {
                let credentials = credentials_in(payload.as_ref()).or(self.guest.credentials.as_deref());
                match caller_of(credentials) {
                    Ok(caller) if has_share(&caller) && !self.guest.seat.belongs_to(&caller.subject) => self.protocol.crowded(),
                    Ok(caller) => {
                        self.caller = Arc::new(caller);
                        self.protocol.authenticated(Ok(&self.door.service.ack()))
                    }
                    Err(error) => self.protocol.authenticated(Err(&error)),
                }
            }
            Act::Start(serial, request) => {
                self.operations.start(serial, *request, &self.caller);
                None
            }
            Act::Stop(serial) => {
                self.operations.stop(serial);
                None
            }
            Act::Close(close) => return Err(close),
        };
        Ok(next)
    }

    /// What is not a result is small, but a client that only asks and never listens could pile it up.
    fn urgent(&mut self, message: Message) -> Option<Act> {
        self.writer.urgent(message);
        let is_too_much = self.writer.urgent_bytes() > self.door.settings.outbound_bytes_per_socket_max;
        if is_too_much { self.protocol.flooded() } else { None }
    }

    async fn take_leave(self, close: Close) {
        let Connection { door, guest: _guest, reader, is_deaf, mut writer, .. } = self;
        farewell(&mut writer, reader, is_deaf, close, door.settings.timing.goodbye_wait_max).await;
    }
}

/// Says why, and waits until the client has said goodbye, too: a connection that is cut too early takes the reason with it.
async fn farewell(writer: &mut Writer, mut reader: SplitStream<WebSocket>, is_deaf: bool, close: Close, wait_max: Duration) {
    writer.last(Message::Close(Some(CloseFrame { code: close.code, reason: close.reason.into() })));
    let said = async {
        while !writer.is_done() {
            if writer.step().await.is_err() {
                return;
            }
        }
        if is_deaf {
            // Its answer cannot be read; so all the time that it may take is given to it.
            sleep(wait_max).await;
        }
        while let Some(Ok(_)) = reader.next().await {}
    };
    // In vain: then it goes without.
    timeout(wait_max, said).await.ok();
}
