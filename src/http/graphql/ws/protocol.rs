//! What a server does on a graphql-transport-ws socket: every rule of the protocol, and nothing of sockets, tasks or clocks. Something happens,
//! and there is at most one thing to do.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Map, Value as Json};

use crate::api::{ApiError, Request};

use super::message::{self, Heard, shortened};

/// A close frame has no room for more.
const REASON_BYTES_MAX: usize = 123;

#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) operations_max: usize,
    pub(super) init_wait_max: Duration,
    pub(super) ping_every: Duration,
    pub(super) silence_max: Duration,
    pub(super) stall_max: Duration,
}

/// An operation, by a number that is used once: a client may use its ids again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Serial(u64);

/// Something to do.
#[derive(Debug, PartialEq)]
pub(super) enum Act {
    Send(String),
    /// Look at the credentials in the payload of `connection_init`, and report with `authenticated`.
    Authenticate(Option<Map<String, Json>>),
    /// Prepare and run an operation.
    Start(Serial, Box<Request>),
    /// Nobody waits for it any more.
    Stop(Serial),
    /// At the level of the socket, where every client answers without knowing.
    Ping,
    Close(Close),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Close {
    pub(super) code: u16,
    pub(super) reason: String,
}

/// Whether the client takes what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Free,
    /// Since then nothing has moved.
    Stuck(Duration),
}

/// The state of one socket. Times are those since it was opened.
#[derive(Debug)]
pub(super) struct Protocol {
    rules: Rules,
    phase: Phase,
    /// By the client's ids.
    operations: HashMap<String, Serial>,
    ids: HashMap<Serial, String>,
    started: u64,
    pinged: Duration,
    /// Since then the client has been silent.
    heard: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// `connection_init` has to come.
    Fresh,
    /// It has come.
    Authenticating,
    Open,
    Closed,
}

impl Protocol {
    pub(super) fn new(rules: Rules) -> Protocol {
        Protocol {
            rules,
            phase: Phase::Fresh,
            operations: HashMap::new(),
            ids: HashMap::new(),
            started: 0,
            pinged: Duration::ZERO,
            heard: Duration::ZERO,
        }
    }

    /// Anything at all came from the client.
    pub(super) fn heard(&mut self, now: Duration) {
        self.heard = now;
    }

    pub(super) fn text(&mut self, text: &str) -> Option<Act> {
        if self.phase == Phase::Closed {
            return None;
        }
        match message::read(text) {
            Ok(Heard::Init(payload)) => self.init(payload),
            Ok(Heard::Subscribe(id, request)) => self.subscribe(id, request),
            Ok(Heard::Complete(id)) => self.forget(&id).map(Act::Stop),
            Ok(Heard::Ping(payload)) => Some(Act::Send(message::pong(payload))),
            Ok(Heard::Pong) => None,
            Err(reason) => self.close(4400, &reason),
        }
    }

    pub(super) fn binary(&mut self) -> Option<Act> {
        self.close(4400, "messages are text")
    }

    fn init(&mut self, payload: Option<Map<String, Json>>) -> Option<Act> {
        if self.phase != Phase::Fresh {
            return self.close(4429, "Too many initialisation requests");
        }
        self.phase = Phase::Authenticating;
        Some(Act::Authenticate(payload))
    }

    /// The caller is known, with what to tell them, or is refused.
    pub(super) fn authenticated(&mut self, welcome: Result<&Json, &ApiError>) -> Option<Act> {
        if self.phase != Phase::Authenticating {
            return None;
        }
        match welcome {
            Ok(payload) => {
                self.phase = Phase::Open;
                Some(Act::Send(message::ack(payload)))
            }
            Err(error) => self.close(4403, &format!("Forbidden: {}", error.message)),
        }
    }

    fn subscribe(&mut self, id: String, request: Box<Request>) -> Option<Act> {
        if self.phase != Phase::Open {
            return self.close(4401, "Unauthorized");
        }
        if self.operations.contains_key(&id) {
            return self.close(4409, &format!("Subscriber for {id} already exists"));
        }
        let most = self.rules.operations_max;
        if self.operations.len() >= most {
            let error = ApiError::limit("operations_per_socket_max", most as u64, format!("{most} operations run on this socket already"));
            return Some(Act::Send(message::error(&id, &[error.hint("complete one, or open another socket")])));
        }
        let serial = Serial(self.started);
        self.started += 1;
        self.operations.insert(id.clone(), serial);
        self.ids.insert(serial, id);
        Some(Act::Start(serial, request))
    }

    fn forget(&mut self, id: &str) -> Option<Serial> {
        let serial = self.operations.remove(id)?;
        self.ids.remove(&serial);
        Some(serial)
    }

    /// A result, as a message. Of an operation that the client has completed nothing more is said.
    pub(super) fn next(&self, serial: Serial, result: &str) -> Option<String> {
        self.ids.get(&serial).map(|id| message::next(id, result))
    }

    /// The operation could not run, or cannot go on.
    pub(super) fn refused(&mut self, serial: Serial, errors: &[ApiError]) -> Option<String> {
        self.end(serial).map(|id| message::error(&id, errors))
    }

    pub(super) fn completed(&mut self, serial: Serial) -> Option<String> {
        self.end(serial).map(|id| message::complete(&id))
    }

    fn end(&mut self, serial: Serial) -> Option<String> {
        let id = self.ids.remove(&serial)?;
        self.operations.remove(&id);
        Some(id)
    }

    /// Time passes. To be called at every turn, and at the latest when `deadline` says so.
    pub(super) fn tick(&mut self, now: Duration, flow: Flow) -> Option<Act> {
        let rules = self.rules;
        if matches!(self.phase, Phase::Fresh | Phase::Authenticating) && now >= rules.init_wait_max {
            return self.close(4408, "Connection initialisation timeout");
        }
        match flow {
            Flow::Stuck(since) if now >= since + rules.stall_max => return self.close(1013, "nothing was taken of what was sent"),
            // What the client says may wait behind what it has not read yet, and a ping would wait there as well.
            Flow::Stuck(_) => self.heard = now,
            Flow::Free if now >= self.heard + rules.silence_max => return self.close(1001, "nothing was heard"),
            Flow::Free => {}
        }
        if now < self.pinged + rules.ping_every || self.phase == Phase::Closed {
            return None;
        }
        self.pinged = now;
        (flow == Flow::Free).then_some(Act::Ping)
    }

    /// When there is something to do even if nothing happens.
    pub(super) fn deadline(&self, now: Duration, flow: Flow) -> Duration {
        let rules = self.rules;
        let stalled = match flow {
            Flow::Stuck(since) => since + rules.stall_max,
            // It may get stuck at any moment from now.
            Flow::Free => (now + rules.stall_max).min(self.heard + rules.silence_max),
        };
        let regular = stalled.min(self.pinged + rules.ping_every);
        match self.phase {
            Phase::Fresh | Phase::Authenticating => regular.min(rules.init_wait_max),
            Phase::Open | Phase::Closed => regular,
        }
    }

    /// More waits for the client than it may let wait.
    pub(super) fn flooded(&mut self) -> Option<Act> {
        self.close(1013, "too much is waiting to be taken")
    }

    /// The client has as many sockets as it may.
    pub(super) fn crowded(&mut self) -> Option<Act> {
        self.close(1013, "too many sockets")
    }

    pub(super) fn shut_down(&mut self) -> Option<Act> {
        self.close(1012, "the server stops")
    }

    /// Our fault.
    pub(super) fn failed(&mut self) -> Option<Act> {
        self.close(4500, "Internal server error")
    }

    /// A frame could not be read.
    pub(super) fn unreadable(&mut self, code: u16, reason: &str) -> Option<Act> {
        self.close(code, reason)
    }

    /// Once.
    fn close(&mut self, code: u16, reason: &str) -> Option<Act> {
        if self.phase == Phase::Closed {
            return None;
        }
        self.phase = Phase::Closed;
        self.operations.clear();
        self.ids.clear();
        Some(Act::Close(Close { code, reason: shortened(reason, REASON_BYTES_MAX).to_owned() }))
    }
}
