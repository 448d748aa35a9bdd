//! The protocol, told as a story in text: each line is something that happens, with what the server does.

use std::fmt::Write as _;
use std::time::Duration;

use expect_test::{Expect, expect};
use serde_json::json;

use crate::api::{ApiError, Code};

use super::protocol::{Act, Close, Flow, Protocol, Rules, Serial};

/// A second is a step of the story's clock.
const RULES: Rules = Rules {
    operations_max: 3,
    init_wait_max: Duration::from_secs(5),
    ping_every: Duration::from_secs(15),
    silence_max: Duration::from_secs(30),
    stall_max: Duration::from_secs(30),
};

struct Story {
    protocol: Protocol,
    now: Duration,
    /// In the order in which they were started.
    serials: Vec<Serial>,
    text: String,
}

impl Story {
    fn new() -> Story {
        Story { protocol: Protocol::new(RULES), now: Duration::ZERO, serials: Vec::new(), text: String::new() }
    }

    fn opened() -> Story {
        let mut story = Story::new();
        story.says(r#"{"type": "connection_init"}"#).welcome();
        story.text.clear();
        story
    }

    fn says(&mut self, text: &str) -> &mut Story {
        self.protocol.heard(self.now);
        let act = self.protocol.text(text);
        self.note(text, act)
    }

    fn subscribes(&mut self, id: &str) -> &mut Story {
        self.says(&json!({"id": id, "type": "subscribe", "payload": {"query": "{ a }"}}).to_string())
    }

    fn happens(&mut self, what: &str, happen: impl FnOnce(&mut Protocol, &[Serial]) -> Option<Act>) -> &mut Story {
        let act = happen(&mut self.protocol, &self.serials);
        self.note(what, act)
    }

    fn welcome(&mut self) -> &mut Story {
        self.happens("(let in)", |protocol, _| protocol.authenticated(Ok(&json!({"schemaRevision": "1"}))))
    }

    fn result(&mut self, operation: usize) -> &mut Story {
        self.happens(&format!("(result of {operation})"), |protocol, serials| {
            protocol.next(serials[operation], r#"{"data":{"a":1}}"#).map(Act::Send)
        })
    }

    fn completed(&mut self, operation: usize) -> &mut Story {
        self.happens(&format!("(end of {operation})"), |protocol, serials| protocol.completed(serials[operation]).map(Act::Send))
    }

    fn passes(&mut self, seconds: u64, flow: Flow) -> &mut Story {
        let end = self.now + Duration::from_secs(seconds);
        loop {
            let deadline = self.protocol.deadline(self.now, flow).min(end);
            self.now = deadline.max(self.now);
            let act = self.protocol.tick(self.now, flow);
            let is_over = (act.is_none() && self.now >= end) || matches!(act, Some(Act::Close(_)));
            if act.is_some() {
                self.note(&format!("({} s)", self.now.as_secs()), act);
            }
            if is_over {
                return self;
            }
        }
    }

    fn note(&mut self, what: &str, act: Option<Act>) -> &mut Story {
        let done = match &act {
            None => "-".to_owned(),
            Some(Act::Send(text)) => format!("send {text}"),
            Some(Act::Authenticate(payload)) => format!("authenticate {}", json!(payload)),
            Some(Act::Start(_, request)) => format!("start {:?}", request.query.as_deref().unwrap_or_default()),
            Some(Act::Stop(serial)) => format!("stop {}", self.serials.iter().position(|known| known == serial).unwrap()),
            Some(Act::Ping) => "ping".to_owned(),
            Some(Act::Close(Close { code, reason })) => format!("close {code} {reason}"),
        };
        if let Some(Act::Start(serial, _)) = act {
            self.serials.push(serial);
        }
        writeln!(self.text, "{what}\n    {done}").unwrap();
        self
    }

    fn is(&mut self, wanted: Expect) {
        wanted.assert_eq(&self.text);
    }
}

#[test]
fn a_session() {
    Story::new()
        .says(r#"{"type": "connection_init", "payload": {"authorization": "Bearer x"}}"#)
        .welcome()
        .subscribes("1")
        .subscribes("two \"2\"")
        .result(0)
        .result(1)
        .result(0)
        .completed(0)
        .result(0)
        .subscribes("1")
        .completed(2)
        .says(r#"{"id": "two \"2\"", "type": "complete"}"#)
        .result(1)
        .completed(1)
        .says(r#"{"id": "unknown", "type": "complete"}"#)
        .is(expect![[r#"
            {"type": "connection_init", "payload": {"authorization": "Bearer x"}}
                authenticate {"authorization":"Bearer x"}
            (let in)
                send {"payload":{"schemaRevision":"1"},"type":"connection_ack"}
            {"id":"1","payload":{"query":"{ a }"},"type":"subscribe"}
                start "{ a }"
            {"id":"two \"2\"","payload":{"query":"{ a }"},"type":"subscribe"}
                start "{ a }"
            (result of 0)
                send {"id":"1","type":"next","payload":{"data":{"a":1}}}
            (result of 1)
                send {"id":"two \"2\"","type":"next","payload":{"data":{"a":1}}}
            (result of 0)
                send {"id":"1","type":"next","payload":{"data":{"a":1}}}
            (end of 0)
                send {"id":"1","type":"complete"}
            (result of 0)
                -
            {"id":"1","payload":{"query":"{ a }"},"type":"subscribe"}
                start "{ a }"
            (end of 2)
                send {"id":"1","type":"complete"}
            {"id": "two \"2\"", "type": "complete"}
                stop 1
            (result of 1)
                -
            (end of 1)
                -
            {"id": "unknown", "type": "complete"}
                -
        "#]]);
}

#[test]
fn an_id_may_be_used_again_and_late_results_of_the_first_are_not_taken_for_the_second() {
    let mut story = Story::opened();
    story.subscribes("1").says(r#"{"id": "1", "type": "complete"}"#).subscribes("1").result(0).completed(0).result(1).completed(1);
    story.is(expect![[r#"
        {"id":"1","payload":{"query":"{ a }"},"type":"subscribe"}
            start "{ a }"
        {"id": "1", "type": "complete"}
            stop 0
        {"id":"1","payload":{"query":"{ a }"},"type":"subscribe"}
            start "{ a }"
        (result of 0)
            -
        (end of 0)
            -
        (result of 1)
            send {"id":"1","type":"next","payload":{"data":{"a":1}}}
        (end of 1)
            send {"id":"1","type":"complete"}
    "#]]);
}

#[test]
fn pings_are_answered_with_what_they_carry_also_before_anything_else() {
    Story::new()
        .says(r#"{"type": "ping"}"#)
        .says(r#"{"type": "ping", "payload": {"x": [1]}}"#)
        .says(r#"{"type": "ping", "payload": null}"#)
        .says(r#"{"type": "pong"}"#)
        .says(r#"{"type": "pong", "payload": {}}"#)
        .is(expect![[r#"
            {"type": "ping"}
                send {"type":"pong"}
            {"type": "ping", "payload": {"x": [1]}}
                send {"payload":{"x":[1]},"type":"pong"}
            {"type": "ping", "payload": null}
                send {"type":"pong"}
            {"type": "pong"}
                -
            {"type": "pong", "payload": {}}
                -
        "#]]);
}

#[test]
fn a_request_that_cannot_run_gets_an_error_and_its_id_is_free() {
    let errors = [ApiError::new(Code::ValidationFailed, "there is no field `b`").at(1, 3)];
    Story::opened()
        .subscribes("1")
        .happens("(refused)", |protocol, serials| protocol.refused(serials[0], &errors).map(Act::Send))
        .completed(0)
        .subscribes("1")
        .is(expect![[r#"
            {"id":"1","payload":{"query":"{ a }"},"type":"subscribe"}
                start "{ a }"
            (refused)
                send {"id":"1","payload":[{"extensions":{"code":"GRAPHQL_VALIDATION_FAILED","retryable":false},"locations":[{"column":3,"line":1}],"message":"there is no field `b`"}],"type":"error"}
            (end of 0)
                -
            {"id":"1","payload":{"query":"{ a }"},"type":"subscribe"}
                start "{ a }"
        "#]]);
}

#[test]
fn too_many_operations_are_refused_one_by_one() {
    Story::opened().subscribes("1").subscribes("2").subscribes("3").subscribes("4").completed(0).subscribes("4").is(expect![[r#"
        {"id":"1","payload":{"query":"{ a }"},"type":"subscribe"}
            start "{ a }"
        {"id":"2","payload":{"query":"{ a }"},"type":"subscribe"}
            start "{ a }"
        {"id":"3","payload":{"query":"{ a }"},"type":"subscribe"}
            start "{ a }"
        {"id":"4","payload":{"query":"{ a }"},"type":"subscribe"}
            send {"id":"4","payload":[{"extensions":{"code":"RESOURCE_LIMIT","hint":"complete one, or open another socket","limit":"operations_per_socket_max","retryable":false,"value":3},"message":"3 operations run on this socket already"}],"type":"error"}
        (end of 0)
            send {"id":"1","type":"complete"}
        {"id":"4","payload":{"query":"{ a }"},"type":"subscribe"}
            start "{ a }"
    "#]]);
}

#[test]
fn closes_by_the_book() {
    let mut all = String::new();
    let mut tell = |title: &str, story: &mut Story| writeln!(all, "== {title}\n{}", story.text).unwrap();
    tell("no init", Story::new().passes(60, Flow::Free));
    tell("two inits", Story::opened().says(r#"{"type": "connection_init"}"#));
    tell("two inits at once", Story::new().says(r#"{"type": "connection_init"}"#).says(r#"{"type": "connection_init"}"#).welcome());
    let forbidden = ApiError::new(Code::Unauthenticated, "the token has expired");
    tell(
        "refused",
        Story::new()
            .says(r#"{"type": "connection_init"}"#)
            .happens("(refused)", |protocol, _| protocol.authenticated(Err(&forbidden)))
            .subscribes("1"),
    );
    tell("subscribe first", Story::new().subscribes("1"));
    tell("subscribe before the ack", Story::new().says(r#"{"type": "connection_init"}"#).subscribes("1"));
    tell("an id in use", Story::opened().subscribes("1").subscribes("1").result(0));
    tell("a long id in use", Story::opened().subscribes(&"ü".repeat(100)).subscribes(&"ü".repeat(100)));
    tell("binary", Story::opened().happens("(binary)", |protocol, _| protocol.binary()));
    tell("the end", Story::opened().happens("(stop)", |protocol, _| protocol.shut_down()).subscribes("1"));
    tell("our fault", Story::opened().happens("(crash)", |protocol, _| protocol.failed()));
    tell("silence", Story::opened().passes(60, Flow::Free));
    tell("signs of life", Story::opened().passes(20, Flow::Free).says(r#"{"type": "pong"}"#).passes(25, Flow::Free));
    tell("a slow client", Story::opened().passes(60, Flow::Stuck(Duration::from_secs(3))));
    tell(
        "a slow client that goes on",
        Story::opened()
            .passes(20, Flow::Stuck(Duration::from_secs(3)))
            .passes(29, Flow::Stuck(Duration::from_secs(20)))
            .passes(40, Flow::Free),
    );
    expect![[r#"
        == no init
        (5 s)
            close 4408 Connection initialisation timeout

        == two inits
        {"type": "connection_init"}
            close 4429 Too many initialisation requests

        == two inits at once
        {"type": "connection_init"}
            authenticate null
        {"type": "connection_init"}
            close 4429 Too many initialisation requests
        (let in)
            -

        == refused
        {"type": "connection_init"}
            authenticate null
        (refused)
            close 4403 Forbidden: the token has expired
        {"id":"1","payload":{"query":"{ a }"},"type":"subscribe"}
            -

        == subscribe first
        {"id":"1","payload":{"query":"{ a }"},"type":"subscribe"}
            close 4401 Unauthorized

        == subscribe before the ack
        {"type": "connection_init"}
            authenticate null
        {"id":"1","payload":{"query":"{ a }"},"type":"subscribe"}
            close 4401 Unauthorized

        == an id in use
        {"id":"1","payload":{"query":"{ a }"},"type":"subscribe"}
            start "{ a }"
        {"id":"1","payload":{"query":"{ a }"},"type":"subscribe"}
            close 4409 Subscriber for 1 already exists
        (result of 0)
            -

        == a long id in use
        {"id":"üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü","payload":{"query":"{ a }"},"type":"subscribe"}
            start "{ a }"
        {"id":"üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü","payload":{"query":"{ a }"},"type":"subscribe"}
            close 4409 Subscriber for üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü

        == binary
        (binary)
            close 4400 messages are text

        == the end
        (stop)
            close 1012 the server stops
        {"id":"1","payload":{"query":"{ a }"},"type":"subscribe"}
            -

        == our fault
        (crash)
            close 4500 Internal server error

        == silence
        (15 s)
            ping
        (30 s)
            close 1001 nothing was heard

        == signs of life
        (15 s)
            ping
        {"type": "pong"}
            -
        (30 s)
            ping
        (45 s)
            ping

        == a slow client
        (33 s)
            close 1013 nothing was taken of what was sent

        == a slow client that goes on
        (60 s)
            ping
        (75 s)
            ping
        (79 s)
            close 1001 nothing was heard

    "#]].assert_eq(&all);
}

#[test]
fn what_is_no_message_closes() {
    let mut all = String::new();
    for text in [
        "",
        "nonsense",
        "[]",
        "{}",
        r#"{"type": 7}"#,
        r#"{"type": "start"}"#,
        r#"{"type": "next", "id": "1", "payload": {}}"#,
        r#"{"type": "connection_init", "payload": "x"}"#,
        r#"{"type": "ping", "payload": []}"#,
        r#"{"type": "complete"}"#,
        r#"{"type": "complete", "id": 1}"#,
        r#"{"type": "subscribe", "payload": {"query": "{ a }"}}"#,
        r#"{"type": "subscribe", "id": "", "payload": {"query": "{ a }"}}"#,
        r#"{"type": "subscribe", "id": "1"}"#,
        r#"{"type": "subscribe", "id": "1", "payload": {}}"#,
        r#"{"type": "subscribe", "id": "1", "payload": {"query": 1}}"#,
        r#"{"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "variables": []}}"#,
        r#"{"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "operationName": {}}}"#,
        r#"{"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "extensions": 0}}"#,
    ] {
        all.push_str(&Story::opened().says(text).text);
    }
    expect![[r#"

            close 4400 the message is not JSON: EOF while parsing a value at line 1 column 0
        nonsense
            close 4400 the message is not JSON: expected ident at line 1 column 2
        []
            close 4400 a message is an object, not an array
        {}
            close 4400 a message has a `type`, which is a string
        {"type": 7}
            close 4400 a message has a `type`, which is a string
        {"type": "start"}
            close 4400 there is no message of type `start`
        {"type": "next", "id": "1", "payload": {}}
            close 4400 `next` is for the server to say
        {"type": "connection_init", "payload": "x"}
            close 4400 `payload` must be an object, not a string
        {"type": "ping", "payload": []}
            close 4400 `payload` must be an object, not an array
        {"type": "complete"}
            close 4400 the message needs an `id`, which is a string
        {"type": "complete", "id": 1}
            close 4400 the message needs an `id`, which is a string
        {"type": "subscribe", "payload": {"query": "{ a }"}}
            close 4400 the message needs an `id`, which is a string
        {"type": "subscribe", "id": "", "payload": {"query": "{ a }"}}
            close 4400 the `id` is empty
        {"type": "subscribe", "id": "1"}
            close 4400 `subscribe` has a `payload`, which is an object
        {"type": "subscribe", "id": "1", "payload": {}}
            close 4400 the parameter `query` is missing
        {"type": "subscribe", "id": "1", "payload": {"query": 1}}
            close 4400 `query` must be a string, not a number
        {"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "variables": []}}
            close 4400 `variables` must be an object, not an array
        {"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "operationName": {}}}
            close 4400 `operationName` must be a string, not an object
        {"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "extensions": 0}}
            close 4400 `extensions` must be an object, not a number
    "#]]
    .assert_eq(&all);
}
