//! Hooks against receivers that answer, fail, redirect, ask for quiet, or say nothing at all.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

use super::receiver::{FINE, Receiver, Reply};
use crate::reading::{Now, Timestamp};
use crate::webhook::back_off::BackOff;
use crate::webhook::{Delivery, End, Figures, Headers, HookConfig, HookUrl, Hooks, Refused, sign};

const START: i64 = 1_768_110_000_000_000;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Hooks, their clock, and what was said of the ends.
struct World {
    asker: Asker,
    clock: Arc<AtomicI64>,
    ends: UnboundedReceiver<(String, End)>,
    stop: CancellationToken,
}

#[derive(Clone)]
struct Asker {
    hooks: Arc<Hooks>,
    tell: UnboundedSender<(String, End)>,
}

impl Asker {
    fn send(&self, hook: &str, key: &str) -> Result<(), Refused> {
        let (tell, name) = (self.tell.clone(), key.to_owned());
        let delivery = Delivery { key: key.into(), body: format!("{{\"key\":\"{key}\"}}").into_bytes(), asked_at: Timestamp(START) };
        self.hooks.send(hook, delivery, Box::new(move |end| tell.send((name, end)).unwrap()))
    }

    /// Of the first hook.
    fn figures(&self) -> Figures {
        self.hooks.figures().remove(0)
    }

    async fn until(&self, wanted: impl Fn(&Figures) -> bool) {
        while !wanted(&self.figures()) {
            tokio::task::yield_now().await;
        }
    }
}

impl World {
    fn new(configs: impl IntoIterator<Item = HookConfig>) -> World {
        World::at(configs, Arc::new(AtomicI64::new(START)))
    }

    fn at(configs: impl IntoIterator<Item = HookConfig>, clock: Arc<AtomicI64>) -> World {
        let shown = clock.clone();
        let now: Now = Arc::new(move || Timestamp(shown.load(Ordering::Relaxed)));
        let (tell, ends) = unbounded_channel();
        let asker = Asker { hooks: Arc::new(Hooks::new(configs, &now).unwrap()), tell };
        World { asker, clock, ends, stop: CancellationToken::new() }
    }

    fn send(&self, hook: &str, key: &str) -> Result<(), Refused> {
        self.asker.send(hook, key)
    }

    fn figures(&self) -> Figures {
        self.asker.figures()
    }

    /// Runs until so many deliveries have ended.
    async fn ends(&mut self, count: usize) -> Vec<(String, End)> {
        let mut ends = Vec::new();
        let enough = async {
            while ends.len() < count {
                ends.push(self.ends.recv().await.unwrap());
            }
        };
        tokio::select! {
            () = self.asker.hooks.run(self.stop.clone()) => {}
            () = enough => {}
        }
        // When the hooks were stopped, all was said before they returned.
        ends.extend(std::iter::from_fn(|| self.ends.try_recv().ok()));
        ends
    }

    async fn end(&mut self) -> End {
        self.ends(1).await.remove(0).1
    }

    /// Runs until the figures of the first hook are as wanted.
    async fn until(&self, wanted: impl Fn(&Figures) -> bool) {
        tokio::select! {
            () = self.asker.hooks.run(self.stop.clone()) => {}
            () = self.asker.until(wanted) => {}
        }
    }
}

/// Patient as the defaults are, but quick to try again.
fn quick(name: &str, url: HookUrl) -> HookConfig {
    let millisecond = Duration::from_millis(1);
    HookConfig { back_off: BackOff { min: millisecond, max: millisecond, asked_max: millisecond }, ..HookConfig::new(name, url) }
}

fn delivered(attempts: u32) -> End {
    End::Delivered { status: 200, attempts }
}

fn given_up(reason: &str) -> End {
    End::GivenUp { reason: reason.to_owned(), attempts: 1 }
}

#[tokio::test]
async fn a_request_says_what_it_is_and_who_sent_it() {
    let mut receiver = Receiver::start(|_, _| FINE).await;
    let config = HookConfig {
        secret: Some(b"hush".to_vec()),
        token: Some("quiet".to_owned()),
        headers: Headers::parse([("X-Plant".to_owned(), "north".to_owned())]).unwrap(),
        ..HookConfig::new("m", receiver.url())
    };
    let mut world = World::new([config]);
    world.send("m", "pump-1/overheat/7/raise/0").unwrap();
    assert_eq!(world.end().await, delivered(1));
    let request = receiver.next().await;
    assert_eq!(request.line, "POST /hook?from=pollux HTTP/1.1");
    assert_eq!(request.body, "{\"key\":\"pump-1/overheat/7/raise/0\"}");
    let header = |name: &str| request.headers.get(name).map(String::as_str).unwrap_or_default();
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("idempotency-key"), "pump-1/overheat/7/raise/0");
    assert_eq!(header("pollux-timestamp"), "1768110000");
    assert_eq!(header("pollux-signature"), sign(b"hush", 1_768_110_000, request.body.as_bytes()));
    assert_eq!(header("user-agent"), concat!("pollux/", env!("CARGO_PKG_VERSION")));
    assert_eq!((header("authorization"), header("x-plant")), ("Bearer quiet", "north"));
}

#[tokio::test]
async fn a_key_may_be_any_text() {
    let mut receiver = Receiver::start(|_, _| FINE).await;
    let mut world = World::new([HookConfig::new("m", receiver.url())]);
    world.send("m", "kettle/ü b\r\nX: 1%/0").unwrap();
    assert_eq!(world.end().await, delivered(1));
    let request = receiver.next().await;
    assert_eq!(request.headers["idempotency-key"], "kettle/%C3%BC%20b%0D%0AX:%201%25/0");
    assert!(!request.headers.contains_key("pollux-signature") && !request.headers.contains_key("x"));
}

#[tokio::test]
async fn what_fails_is_tried_until_it_works() {
    let script = |_: &_, n| match n {
        0 => Reply::Says(500, "", "oh"),
        1 => Reply::HangUp,
        2 => Reply::Says(429, "retry-after: 1000\r\n", ""),
        _ => FINE,
    };
    let mut receiver = Receiver::start(script).await;
    let mut world = World::new([HookConfig { secret: Some(b"hush".to_vec()), ..quick("m", receiver.url()) }]);
    world.send("m", "a").unwrap();
    assert_eq!(world.end().await, delivered(4));
    let figures = world.figures();
    assert_eq!((figures.delivered, figures.failed_attempts, figures.given_up), (1, 3, 0));
    assert_eq!((figures.last_status, figures.last_error.as_deref()), (Some(200), Some("429 Too Many Requests")));
    assert_eq!((figures.waiting, figures.in_flight, figures.is_failing), (0, 0, false));
    for _ in 0..4 {
        assert_eq!(receiver.next().await.headers["idempotency-key"], "a");
    }
}

#[tokio::test]
async fn each_attempt_is_signed_anew() {
    let clock = Arc::new(AtomicI64::new(START));
    let turned = clock.clone();
    let answers = move |_: &_, n| match n {
        0 => {
            turned.fetch_add(60_000_000, Ordering::Relaxed);
            Reply::Says(503, "", "")
        }
        _ => FINE,
    };
    let mut receiver = Receiver::start(answers).await;
    let mut world = World::at([HookConfig { secret: Some(b"hush".to_vec()), ..quick("m", receiver.url()) }], clock);
    world.send("m", "a").unwrap();
    assert_eq!(world.end().await, delivered(2));
    for expected in [1_768_110_000, 1_768_110_060] {
        let request = receiver.next().await;
        assert_eq!(request.headers["pollux-timestamp"], expected.to_string());
        assert_eq!(request.headers["pollux-signature"], sign(b"hush", expected, request.body.as_bytes()));
    }
}

#[tokio::test]
async fn what_is_not_wanted_is_given_up_at_once() {
    let answers = |_: &_, n| match n {
        0 => Reply::Says(400, "", "no such asset"),
        _ => Reply::Says(307, "location: http://127.0.0.1:1/\r\n", ""),
    };
    let mut receiver = Receiver::start(answers).await;
    let mut world = World::new([quick("m", receiver.url())]);
    world.send("m", "a").unwrap();
    assert_eq!(world.end().await, given_up("400 Bad Request: no such asset"));
    world.send("m", "b").unwrap();
    let reason = "307 Temporary Redirect redirects to http://127.0.0.1:1/; redirects are not followed: write the new URL in pollux.toml";
    assert_eq!(world.end().await, given_up(reason));
    assert_eq!((world.figures().given_up, receiver.bodies().len()), (2, 2));
}

#[tokio::test]
async fn nothing_is_tried_for_ever() {
    let receiver = Receiver::start(|_, _| Reply::Says(502, "", "")).await;
    let mut world = World::new([HookConfig { give_up_after: Duration::from_secs(3600), ..quick("m", receiver.url()) }]);
    world.clock.fetch_add(3_600_000_000, Ordering::Relaxed);
    world.send("m", "a").unwrap();
    let reason = "the next attempt would come more than 1h after it was asked for; the last one: 502 Bad Gateway";
    assert_eq!(world.end().await, given_up(reason));
}

#[tokio::test]
async fn a_receiver_that_asks_for_quiet_gets_it_from_the_whole_hook() {
    let mut receiver = Receiver::start(|_, _| Reply::Says(503, "retry-after: 900\r\n", "")).await;
    let patient = BackOff { asked_max: Duration::from_secs(3600), ..quick("m", receiver.url()).back_off };
    let mut world = World::new([HookConfig { back_off: patient, in_flight_max: 1, ..HookConfig::new("m", receiver.url()) }]);
    world.send("m", "a").unwrap();
    world.send("m", "b").unwrap();
    world.until(|figures| figures.failed_attempts == 1 && figures.in_flight == 0).await;
    assert!(world.figures().waiting == 2 && world.figures().is_failing);
    world.stop.cancel();
    assert_eq!(world.ends(2).await.into_iter().map(|(_, end)| end).collect::<Vec<_>>(), [End::Stopped, End::Stopped]);
    assert_eq!(receiver.bodies(), ["{\"key\":\"a\"}"]);
}

#[tokio::test]
async fn a_dead_receiver_delays_nobody() {
    let mut dead = Receiver::start(|_, _| Reply::Silence).await;
    let mut live = Receiver::start(|_, _| FINE).await;
    let mut world =
        World::new([HookConfig::new("dead", dead.url()), HookConfig { in_flight_max: 1, ..HookConfig::new("live", live.url()) }]);
    for n in 0..20 {
        world.send("dead", &format!("d{n}")).unwrap();
        world.send("live", &format!("l{n}")).unwrap();
    }
    let ends = world.ends(20).await;
    assert_eq!(ends, (0..20).map(|n| (format!("l{n}"), delivered(1))).collect::<Vec<_>>());
    assert_eq!(live.bodies(), (0..20).map(|n| format!("{{\"key\":\"l{n}\"}}")).collect::<Vec<_>>(), "in their order");
    assert!(dead.bodies().len() <= 4, "four in flight at most");
}

#[tokio::test]
async fn silence_and_closed_doors_are_failures_that_may_pass() {
    let silent = Receiver::start(|_, _| Reply::Silence).await;
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gone = HookUrl::parse(&format!("http://{closed}/")).unwrap();
    let tls = HookUrl::parse(&format!("https://{}/", silent.address)).unwrap();
    let brief = |name, url| HookConfig { timeout: Duration::from_millis(20), give_up_after: Duration::ZERO, ..quick(name, url) };
    let mut world = World::new([brief("silent", silent.url()), HookConfig { timeout: PATIENCE, ..brief("gone", gone) }, brief("tls", tls)]);
    for name in ["silent", "gone", "tls"] {
        world.send(name, name).unwrap();
    }
    let mut ends = world.ends(3).await;
    ends.sort_by(|(a, _), (b, _)| a.cmp(b));
    let [gone, silent, tls] = ends.try_into().unwrap();
    let begin = "the next attempt would come more than 0ns after it was asked for; the last one: ";
    assert_eq!(gone.1, given_up(&format!("{begin}cannot connect: Connection refused (os error 111)")));
    assert_eq!(silent.1, given_up(&format!("{begin}no answer within 20ms")));
    assert_eq!(tls.1, silent.1, "a handshake that never ends");
}

#[tokio::test]
async fn a_key_that_is_there_goes_out_once() {
    let mut receiver = Receiver::start(|_, _| FINE).await;
    let mut world = World::new([HookConfig::new("m", receiver.url())]);
    for _ in 0..3 {
        world.send("m", "a").unwrap();
    }
    assert_eq!(world.ends(3).await, vec![("a".to_owned(), delivered(1)); 3], "everyone is told");
    assert_eq!(receiver.bodies().len(), 1);
    world.send("m", "a").unwrap();
    assert_eq!(world.end().await, delivered(1));
    assert_eq!(receiver.bodies().len(), 1, "the receiver knows a repetition by its key");
}

#[tokio::test]
async fn what_cannot_be_taken_is_refused_at_once() {
    let url = || HookUrl::parse("http://127.0.0.1:9/").unwrap();
    let world = World::new([HookConfig { queue_max: 2, queue_bytes_max: 100, ..HookConfig::new("maintenance", url()) }]);
    let refusal = |name, key: &str| world.send(name, key).err().map_or_else(String::new, |refused| refused.to_string());
    let too_large =
        "a delivery of 118 bytes does not fit into the webhook `maintenance`, which holds 100: say less, or raise its queue_bytes_max";
    assert_eq!(refusal("maintenance", &"k".repeat(27)), too_large, "three times the key, and the body");
    assert_eq!(refusal("maintenance", "a"), "");
    assert_eq!(refusal("maintenance", "b"), "");
    assert_eq!(
        refusal("maintenance", "c"),
        "the queue of the webhook `maintenance` is full: 2 deliveries wait, see its last error for why"
    );
    assert_eq!(refusal("maint", "a"), "there is no webhook `maint`; did you mean `maintenance`?");
    assert_eq!(refusal("pager", "a"), "there is no webhook `pager`; pollux.toml has maintenance");
    assert!(world.asker.hooks.has("maintenance") && !world.asker.hooks.has("maint"));
    let nothing = World::new([]);
    assert_eq!(nothing.send("x", "a").unwrap_err().to_string(), "there is no webhook `x`: pollux.toml has no [[webhook]]");
}

#[test]
fn hooks_that_cannot_be_used() {
    let config = || HookConfig::new("m", HookUrl::parse("http://127.0.0.1:9/").unwrap());
    let refusal = |configs: Vec<HookConfig>| {
        let now: Now = Arc::new(|| Timestamp(START));
        Hooks::new(configs, &now).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(refusal(vec![config(), config()]), "two webhooks have the name `m`");
    assert_eq!(
        refusal(vec![HookConfig { secret: Some(Vec::new()), ..config() }]),
        "webhook `m`: the secret is empty; a signature with it says nothing"
    );
    assert_eq!(
        refusal(vec![HookConfig { token: Some("a\nb".to_owned()), ..config() }]),
        "webhook `m`: the token is empty or holds a character that a header cannot carry"
    );
    assert_eq!(refusal(vec![HookConfig { queue_max: 0, ..config() }]), "webhook `m`: queue_max is 0: nothing would ever be sent");
}

#[tokio::test]
async fn the_program_stops_in_the_middle() {
    let mut receiver = Receiver::start(|_, _| Reply::Silence).await;
    let config = HookConfig { in_flight_max: 1, stop_wait_max: Duration::ZERO, ..HookConfig::new("m", receiver.url()) };
    let mut world = World::new([config]);
    for key in ["a", "b", "c"] {
        world.send("m", key).unwrap();
    }
    let stop = world.stop.clone();
    let (mut ends, ()) = tokio::join!(world.ends(4), async {
        receiver.next().await;
        stop.cancel();
    });
    ends.sort_by(|(a, _), (b, _)| a.cmp(b));
    assert_eq!(ends, ["a", "b", "c"].map(|key| (key.to_owned(), End::Stopped)));
    assert_eq!(world.send("m", "d"), Err(Refused::Stopping));
    let figures = world.figures();
    assert_eq!((figures.waiting, figures.in_flight, figures.failed_attempts), (0, 0, 0));
}

#[tokio::test]
async fn what_is_under_way_may_end_when_the_program_stops() {
    let allowed = Arc::new(Notify::new());
    let waits_for = allowed.clone();
    let mut slow = Receiver::start(move |_, _| Reply::Later(waits_for.clone())).await;
    let mut dead = Receiver::start(|_, _| Reply::Silence).await;
    let hurried = HookConfig { stop_wait_max: Duration::ZERO, ..HookConfig::new("hurried", dead.url()) };
    let patient = HookConfig { in_flight_max: 1, stop_wait_max: PATIENCE, ..HookConfig::new("patient", slow.url()) };
    let mut world = World::new([hurried, patient]);
    for (hook, key) in [("patient", "a"), ("patient", "b"), ("hurried", "c")] {
        world.send(hook, key).unwrap();
    }
    let (stop, asker) = (world.stop.clone(), world.asker.clone());
    let (ends, ()) = tokio::join!(world.ends(4), async {
        slow.next().await;
        dead.next().await;
        stop.cancel();
        asker.until(|hurried| hurried.in_flight == 0).await;
        allowed.notify_one();
    });
    let expected = [("b", End::Stopped), ("c", End::Stopped), ("a", delivered(1))];
    assert_eq!(ends, expected.map(|(key, end)| (key.to_owned(), end)));
}

#[tokio::test]
async fn a_hook_that_rests_hears_what_is_asked_for() {
    let receiver = Receiver::start(|_, _| FINE).await;
    let mut world = World::new([HookConfig::new("m", receiver.url())]);
    world.send("m", "a").unwrap();
    let asker = world.asker.clone();
    let (ends, ()) = tokio::join!(world.ends(2), async {
        asker.until(|figures| figures.delivered == 1 && figures.in_flight == 0).await;
        asker.send("m", "b").unwrap();
    });
    assert_eq!(ends, ["a", "b"].map(|key| (key.to_owned(), delivered(1))));
}

#[tokio::test]
async fn hooks_that_were_dropped_at_work_begin_again() {
    let mut receiver = Receiver::start(|_, n| if n == 0 { Reply::Silence } else { FINE }).await;
    let mut world = World::new([HookConfig::new("m", receiver.url())]);
    world.send("m", "a").unwrap();
    tokio::select! {
        () = world.asker.hooks.run(world.stop.clone()) => {}
        _ = receiver.next() => {}
    }
    let figures = world.figures();
    assert_eq!((figures.waiting, figures.in_flight), (1, 0));
    assert_eq!(world.end().await, delivered(1));
}

#[tokio::test]
async fn a_receiver_that_talks_too_long_is_hung_up_on() {
    let long: &'static str = Box::leak("x".repeat(1_000_000).into_boxed_str());
    let receiver = Receiver::start(move |_, n| Reply::Says(if n == 0 { 200 } else { 404 }, "", long)).await;
    let mut world = World::new([HookConfig::new("m", receiver.url())]);
    world.send("m", "a").unwrap();
    assert_eq!(world.end().await, delivered(1));
    world.send("m", "b").unwrap();
    assert_eq!(world.end().await, given_up(&format!("404 Not Found: {}…", "x".repeat(200))));
}
