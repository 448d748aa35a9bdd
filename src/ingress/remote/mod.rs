//! An external broker: what it passes to us is acknowledged after the gate, so it keeps what we have not yet on disk.
//!
//! rumqttc reads and writes the packets. The loop around it is ours, because its own writes one acknowledgement at a time and hides its socket.
//! The session on the broker is persistent. Each connection has a window of its own: what the last one left unacknowledged the broker sends
//! again, with packet ids of the new connection, so an acknowledgement never crosses from one to the next.

mod config;
mod wire;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use config::{Config, Credentials, InvalidConfig, Protocol};

use self::wire::{Incoming, Unreadable};
use super::counters::{Counters, count};
use super::socket::{Read, Socket};
use super::window::{Arrival, Bounds, Fate, Window};
use super::{Address, Door, Packet, Permits};
use crate::catalog::binding::Source;
use crate::reading::Timestamp;

const BACK_OFF_MIN: Duration = Duration::from_millis(100);
const BACK_OFF_MAX: Duration = Duration::from_secs(10);
/// A connection that lived so long was a good one: the next failure starts again at the shortest pause.
const STEADY: Duration = Duration::from_secs(10);

/// What there is to see from outside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Observed {
    pub connected: bool,
    pub connects: u64,
    pub last_error: Option<String>,
    pub unacknowledged: usize,
}

pub struct Remote {
    config: Config,
    door: Arc<dyn Door>,
    permits: Arc<Permits>,
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    counters: Arc<Counters>,
    observed: Mutex<Observed>,
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remote").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Why a connection to the broker ended.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Unreadable(#[from] Unreadable),
    #[error("the broker does not answer")]
    Silent,
    #[error("the broker takes nothing from us")]
    Stuck,
    #[error("the broker closed the connection")]
    Closed,
    #[error("the broker refuses us: {0}; check client id, user and password, and whether it speaks this version of MQTT")]
    Refused(String),
    #[error("{0}")]
    Goodbye(String),
}

impl Remote {
    pub fn new(
        config: Config,
        door: Arc<dyn Door>,
        permits: Arc<Permits>,
        now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
        counters: Arc<Counters>,
    ) -> Result<Remote, InvalidConfig> {
        config.check()?;
        Ok(Remote { config, door, permits, now, counters, observed: Mutex::default() })
    }

    /// What bindings call the broker.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    pub fn observe(&self) -> Observed {
        self.observed.lock().clone()
    }

    /// Connects, and connects again whenever it must, until `shutdown`; then acknowledges what is on its way and takes leave.
    /// The caller bounds how long that may take.
    pub async fn run(&self, shutdown: CancellationToken) {
        let mut back_off = BACK_OFF_MIN;
        loop {
            let started = Instant::now();
            let ended = self.connection(&shutdown).await;
            self.observed.lock().connected = false;
            let Err(lost) = ended else { return };
            tracing::warn!(broker = &*self.config.name, error = %lost, "lost the broker, connecting again");
            self.observed.lock().last_error = Some(lost.to_string());
            if started.elapsed() >= STEADY {
                back_off = BACK_OFF_MIN;
            }
            tokio::select! {
                () = tokio::time::sleep(self.jitter(back_off)) => {}
                () = shutdown.cancelled() => return,
            }
            back_off = (back_off * 2).min(BACK_OFF_MAX);
        }
    }

    /// Between half and all of it, so that many who lost the same broker do not come back at once.
    fn jitter(&self, pause: Duration) -> Duration {
        let scattered = ((self.now)().0.unsigned_abs() ^ u64::from(std::process::id())).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 54;
        pause / 2 + pause * u32::try_from(scattered).unwrap_or(0) / 2048
    }

    /// One connection from its start to its end. `Ok` only after `shutdown`.
    async fn connection(&self, shutdown: &CancellationToken) -> Result<(), Lost> {
        let mut socket = tokio::select! {
            socket = self.connect() => socket?,
            () = shutdown.cancelled() => return Ok(()),
        };
        let window_max = usize::from(self.config.window_packets_max);
        let bounds = Bounds {
            offered_max: window_max,
            held_packets_max: window_max,
            held_bytes_max: self.config.window_bytes_max,
            offers_max: self.config.offers_max,
        };
        let mut window = Window::new(self.door.lane(Source::Broker(self.config.name.clone())), self.permits.clone(), bounds);
        let ended = self.converse(&mut socket, &mut window, shutdown).await;
        self.observed.lock().connected = false;
        if ended.is_ok() {
            socket.output.extend_from_slice(&wire::DISCONNECT);
            socket.close().await;
        }
        // What the broker was not told of it will send again; here it must only run out, in order, before it comes a second time.
        window.drain(&mut |_, _| {}).await;
        ended
    }

    async fn connect(&self) -> Result<Socket, Lost> {
        let connecting = TcpStream::connect((self.config.host.as_str(), self.config.port));
        let stream = tokio::time::timeout(self.config.timeout, connecting).await.map_err(|_| Lost::Silent)??;
        stream.set_nodelay(true)?;
        let mut socket = Socket::new(stream);
        wire::connect(&mut socket.output, &self.config)?;
        socket.write()?;
        Ok(socket)
    }

    async fn converse(&self, socket: &mut Socket, window: &mut Window, shutdown: &CancellationToken) -> Result<(), Lost> {
        let mut pulse = Pulse::new(&self.config);
        loop {
            let stopping = shutdown.is_cancelled();
            if stopping && window.is_drained() {
                return Ok(());
            }
            let wants_input = !stopping && !window.is_full();
            let deadline = pulse.deadline(socket);
            tokio::select! {
                ready = socket.ready(wants_input) => {
                    if ready?.is_readable() && wants_input {
                        self.read(socket, window, &mut pulse)?;
                    }
                }
                () = window.line.settled() => self.acknowledge(socket, window, &mut pulse)?,
                () = window.permits.take(), if window.wants_permit() => window.use_permit(),
                () = tokio::time::sleep_until(deadline) => pulse.beat(socket, wants_input)?,
                () = shutdown.cancelled(), if !stopping => {}
            }
            socket.write()?;
            count(&self.counters.bytes_out, socket.take_written());
            socket.rest();
        }
    }

    fn read(&self, socket: &mut Socket, window: &mut Window, pulse: &mut Pulse) -> Result<(), Lost> {
        match socket.read()? {
            Read::Nothing => Ok(()),
            Read::End => Err(Lost::Closed),
            Read::Bytes(bytes) => {
                count(&self.counters.bytes_in, bytes as u64);
                pulse.heard();
                self.take_in(socket, window, pulse)
            }
        }
    }

    /// Takes in every packet that is there, as far as there is room for them.
    fn take_in(&self, socket: &mut Socket, window: &mut Window, pulse: &mut Pulse) -> Result<(), Lost> {
        let received = (self.now)();
        let (mut qos0, mut qos1, mut shed) = (0, 0, 0);
        let mut result = Ok(());
        while result.is_ok() && !window.is_full() {
            match wire::read(&mut socket.input, &self.config) {
                Ok(None) => break,
                Ok(Some(Incoming::Publish(publish))) => {
                    if publish.id == 0 {
                        qos0 += 1;
                    } else {
                        qos1 += 1;
                    }
                    shed += u64::from(window.take_in(arrival(publish, received)) == Fate::Shed);
                }
                Ok(Some(other)) => result = self.obey(other, socket, pulse),
                Err(error) => result = Err(error.into()),
            }
        }
        // What came before the connection broke is taken all the same.
        window.flush();
        count(&self.counters.packets, qos0 + qos1);
        count(&self.counters.publishes_qos0, qos0);
        count(&self.counters.publishes_qos1, qos1);
        count(&self.counters.shed, shed);
        self.observed.lock().unacknowledged = window.unacknowledged();
        result
    }

    fn obey(&self, incoming: Incoming, socket: &mut Socket, pulse: &mut Pulse) -> Result<(), Lost> {
        match incoming {
            Incoming::Accepted { keep_alive } => {
                pulse.accepted(keep_alive);
                self.connected();
                Ok(wire::subscribe(&mut socket.output, &self.config)?)
            }
            Incoming::Refused(code) => Err(Lost::Refused(code)),
            Incoming::Goodbye(text) => Err(Lost::Goodbye(text)),
            Incoming::Subscribed(granted) => {
                self.check_subscriptions(&granted);
                Ok(())
            }
            Incoming::Publish(_) | Incoming::Pong | Incoming::Other => Ok(()),
        }
    }

    /// Acknowledges everything at the front of the line that is settled, in one write.
    fn acknowledge(&self, socket: &mut Socket, window: &mut Window, pulse: &mut Pulse) -> Result<(), Lost> {
        let was_full = window.is_full();
        let mut acks = 0;
        window.settle(&mut |arrival, _| {
            if arrival.id != 0 {
                wire::puback(&mut socket.output, arrival.id);
                acks += 1;
            }
        });
        count(&self.counters.acks, acks);
        count(&self.counters.offered_again, window.take_offered_again());
        self.observed.lock().unacknowledged = window.unacknowledged();
        if was_full { self.take_in(socket, window, pulse) } else { Ok(()) }
    }

    fn check_subscriptions(&self, granted: &[bool]) {
        for (topic, granted) in self.config.topics.iter().zip(granted) {
            if !granted {
                let error =
                    format!("the broker refuses the subscription to `{topic}`: check the rights of `{}` there", self.config.client_id);
                tracing::warn!(broker = &*self.config.name, %error, "nothing will come from this topic");
                self.observed.lock().last_error = Some(error);
            }
        }
    }

    fn connected(&self) {
        let mut observed = self.observed.lock();
        observed.connected = true;
        observed.connects += 1;
        tracing::info!(broker = &*self.config.name, host = self.config.host, port = self.config.port, "connected to the broker");
    }
}

fn arrival(publish: wire::Publish, received: Timestamp) -> Arrival {
    let bytes = publish.topic.len() + publish.payload.len();
    let packet = Packet { address: Address::Topic(publish.topic), payload: publish.payload, received };
    Arrival { packet, id: publish.id, bytes }
}

/// Keeps watch: CONNACK and pongs in time, pings when due. Pings are sent whether or not we listen at the moment; an answer is only expected
/// while we do.
struct Pulse {
    interval: Duration,
    timeout: Duration,
    /// When the next ping is due.
    next: Instant,
    /// Since when we wait for CONNACK or for the answer to a ping.
    unanswered: Option<Instant>,
}

impl Pulse {
    fn new(config: &Config) -> Pulse {
        let now = Instant::now();
        Pulse { interval: config.keep_alive, timeout: config.timeout, next: now + config.keep_alive, unanswered: Some(now) }
    }

    fn heard(&mut self) {
        self.unanswered = None;
    }

    fn accepted(&mut self, keep_alive: Option<Duration>) {
        if let Some(keep_alive) = keep_alive.filter(|keep_alive| !keep_alive.is_zero()) {
            self.interval = keep_alive;
            self.next = Instant::now() + keep_alive;
        }
    }

    fn deadline(&self, socket: &Socket) -> Instant {
        let waits = [self.unanswered, socket.stuck_since()];
        waits.into_iter().flatten().map(|since| since + self.timeout).chain([self.next]).min().unwrap_or(self.next)
    }

    /// The deadline has come: a ping is due, or something took too long.
    fn beat(&mut self, socket: &mut Socket, listening: bool) -> Result<(), Lost> {
        let now = Instant::now();
        let is_over = |since: Option<Instant>| since.is_some_and(|since| now >= since + self.timeout);
        if is_over(socket.stuck_since()) {
            return Err(Lost::Stuck);
        }
        if is_over(self.unanswered) {
            if listening {
                return Err(Lost::Silent);
            }
            self.unanswered = None;
        }
        if now >= self.next {
            self.next = now + self.interval;
            self.unanswered = listening.then_some(now);
            socket.output.extend_from_slice(&wire::PINGREQ);
        }
        Ok(())
    }
}
