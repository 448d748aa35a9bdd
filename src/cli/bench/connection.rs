//! One publishing connection: many messages per write, many acknowledgements per read, and no allocation between them.

use std::cell::RefCell;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::time::{sleep, sleep_until};

use super::now;
use super::report::Tally;
use super::session::{self, Inbound};
use super::window::Window;
use super::wire::{self, Incoming, PayloadShape, Template, TimeText};

/// What is written at once; also the bound of what waits for the socket.
const WRITE_BYTES_MAX: usize = 32 * 1024;
const ACK_BYTES_MAX: usize = 8 * 1024;
const RECONNECT_PAUSE: Duration = Duration::from_millis(200);
const NEVER: Duration = Duration::from_secs(3600);

/// The times that all connections share, fixed when all of them stand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    pub(super) start: Instant,
    /// The same instant as microseconds since 1970.
    pub(super) start_epoch_micros: u64,
    pub(super) measure_from: Instant,
    pub(super) end: Instant,
    /// How long acknowledgements are still waited for.
    pub(super) drain_until: Instant,
}

impl Schedule {
    pub(super) fn nanos(&self, at: Instant) -> u64 {
        at.saturating_duration_since(self.start).as_nanos() as u64
    }

    pub(super) fn is_measured(&self, nanos: u64) -> bool {
        (self.nanos(self.measure_from)..self.nanos(self.end)).contains(&nanos)
    }
}

/// What all publishing connections of a run have in common.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) addr: SocketAddr,
    pub(super) qos: u8,
    pub(super) window: u16,
    /// At full speed a window is refilled when so much of it is free.
    pub(super) refill_min: usize,
    pub(super) shape: PayloadShape,
    /// The least distance of two event times of a twin.
    pub(super) time_step_micros: u64,
}

/// Message `n` of a connection is due at `phase + n × period`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    pub(super) period_nanos: f64,
    pub(super) phase_nanos: f64,
}

impl Pace {
    fn due_at(&self, n: u64) -> u64 {
        (self.phase_nanos + n as f64 * self.period_nanos) as u64
    }

    /// How many messages were due by then.
    fn due_by(&self, nanos: u64) -> u64 {
        let since = nanos as f64 - self.phase_nanos;
        if since < 0.0 { 0 } else { (since / self.period_nanos) as u64 + 1 }
    }
}

#[derive(Debug)]
struct Twin {
    template: Template,
    last_micros: u64,
}

#[derive(Debug)]
pub(super) struct Publisher {
    plan: Rc<Plan>,
    client_id: String,
    pace: Option<Pace>,
    twins: Vec<Twin>,
    next_twin: usize,
    window: Window,
    /// Messages made so far.
    made: u64,
    /// The window was full when the connection last looked, so what became due since waits for the server and its clock is running.
    held_up: bool,
    time: TimeText,
    out: Vec<u8>,
    out_written: usize,
    inbound: Inbound,
    tally: Rc<RefCell<Tally>>,
}

impl Publisher {
    pub(super) fn new(
        plan: Rc<Plan>,
        client_id: String,
        pace: Option<Pace>,
        topics: impl Iterator<Item = String>,
        tally: Rc<RefCell<Tally>>,
    ) -> Publisher {
        let twins = topics.map(|topic| Twin { template: Template::new(&topic, plan.qos, &plan.shape), last_micros: 0 }).collect();
        Publisher {
            window: Window::new(plan.window),
            plan,
            client_id,
            pace,
            twins,
            next_twin: 0,
            made: 0,
            held_up: false,
            time: TimeText::new(),
            out: Vec::with_capacity(WRITE_BYTES_MAX + 1024),
            out_written: 0,
            inbound: Inbound::new(ACK_BYTES_MAX),
            tally,
        }
    }

    pub(super) async fn open(&self) -> anyhow::Result<TcpStream> {
        session::open(self.plan.addr, &self.client_id).await
    }

    /// Publishes until the schedule ends; a broken connection is counted and made again.
    pub(super) async fn run(mut self, mut stream: TcpStream, schedule: Schedule) {
        loop {
            let Err(error) = self.drive(&stream, &schedule).await else { break };
            self.tally.borrow_mut().lost_connection(&error, self.window.reset());
            self.out_written = 0;
            self.inbound.clear();
            self.out.clear();
            match self.reopen(&schedule).await {
                Some(new) => stream = new,
                None => break,
            }
        }
        let mut tally = self.tally.borrow_mut();
        tally.unanswered += self.window.waiting() as u64;
        if let Some(pace) = self.pace
            && self.held_up
        {
            tally.behind += pace.due_by(schedule.nanos(schedule.end)).saturating_sub(self.made);
        }
        // The server may be gone already; a generator that leaves owes nobody this packet.
        stream.try_write(&wire::DISCONNECT).ok();
    }

    async fn reopen(&self, schedule: &Schedule) -> Option<TcpStream> {
        while now() < schedule.end {
            sleep(RECONNECT_PAUSE).await;
            match self.open().await {
                Ok(stream) => {
                    self.tally.borrow_mut().reconnects += 1;
                    return Some(stream);
                }
                Err(error) => self.tally.borrow_mut().error(&error),
            }
        }
        None
    }

    async fn drive(&mut self, stream: &TcpStream, schedule: &Schedule) -> anyhow::Result<()> {
        let alarm = sleep_until((schedule.start + NEVER).into());
        tokio::pin!(alarm);
        loop {
            let at = now();
            self.fill(at, schedule);
            self.flush(stream)?;
            let is_flushed = self.out.is_empty();
            if at >= schedule.end && (is_flushed && self.window.waiting() == 0 || at >= schedule.drain_until) {
                return Ok(());
            }
            let wake_at = self.wake_at(at, schedule);
            if alarm.deadline() != wake_at.into() {
                alarm.as_mut().reset(wake_at.into());
            }
            let may_write_more = !is_flushed || (self.plan.qos == 0 && self.pace.is_none());
            let interest = if may_write_more { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
            tokio::select! {
                biased;
                ready = stream.ready(interest) => if ready?.is_readable() {
                    self.receive(stream, schedule)?;
                },
                () = &mut alarm => {}
            }
        }
    }

    /// When something is to be done even if the server says nothing.
    fn wake_at(&self, at: Instant, schedule: &Schedule) -> Instant {
        if at >= schedule.end {
            return schedule.drain_until;
        }
        match self.pace {
            Some(pace) if !self.held_up && self.out.is_empty() => {
                schedule.end.min(schedule.start + Duration::from_nanos(pace.due_at(self.made)))
            }
            Some(_) | None => schedule.end,
        }
    }

    /// Makes the messages that may go out now.
    fn fill(&mut self, at: Instant, schedule: &Schedule) {
        if !self.out.is_empty() || at >= schedule.end {
            return;
        }
        let nanos = schedule.nanos(at);
        let due = match self.pace {
            Some(pace) => pace.due_by(nanos).saturating_sub(self.made),
            None if self.plan.qos > 0 && self.window.free() < self.plan.refill_min => 0,
            None => u64::MAX,
        };
        let made_before = self.made;
        while self.made - made_before < due && self.out.len() < WRITE_BYTES_MAX {
            let clock_start = match self.pace {
                Some(pace) if self.held_up => pace.due_at(self.made).min(nanos),
                Some(_) | None => nanos,
            };
            let packet_id = match self.plan.qos {
                0 => None,
                _ => match self.window.take(clock_start) {
                    Some(id) => Some(id),
                    None => break,
                },
            };
            self.make(packet_id, schedule.start_epoch_micros + nanos / 1000);
        }
        let made = self.made - made_before;
        self.held_up = self.pace.is_some() && made < due;
        let mut tally = self.tally.borrow_mut();
        tally.made += made;
        if self.plan.qos == 0 && schedule.is_measured(nanos) {
            tally.messages += made;
        }
    }

    fn make(&mut self, packet_id: Option<u16>, epoch_micros: u64) {
        let twin = &mut self.twins[self.next_twin];
        let step = self.plan.time_step_micros;
        twin.last_micros = (epoch_micros - epoch_micros % step).max(twin.last_micros + step);
        self.time.set(twin.last_micros);
        twin.template.write(&mut self.out, &self.plan.shape, packet_id, &mut self.time, self.made);
        self.made += 1;
        self.next_twin = if self.next_twin + 1 == self.twins.len() { 0 } else { self.next_twin + 1 };
    }

    fn flush(&mut self, stream: &TcpStream) -> anyhow::Result<()> {
        while self.out_written < self.out.len() {
            match stream.try_write(&self.out[self.out_written..]) {
                Ok(written) => self.out_written += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("cannot write"),
            }
        }
        self.out.clear();
        self.out_written = 0;
        Ok(())
    }

    fn receive(&mut self, stream: &TcpStream, schedule: &Schedule) -> anyhow::Result<()> {
        if !self.inbound.read(stream)? {
            return Ok(());
        }
        let nanos = schedule.nanos(now());
        let is_measured = schedule.is_measured(nanos);
        let mut tally = self.tally.borrow_mut();
        let mut acks = AckRun::default();
        let window = &mut self.window;
        self.inbound.drain(|packet| {
            match packet {
                Incoming::PubAck(id) => match window.release(id) {
                    Some(started) => acks.add(started, nanos, schedule, &mut tally),
                    None => bail!("the server acknowledged packet id {id}, which is not in flight"),
                },
                Incoming::PingResp | Incoming::ConnAck { .. } | Incoming::SubAck { .. } | Incoming::Publish { .. } => {}
            }
            Ok(())
        })?;
        let counted = acks.finish(nanos, schedule, &mut tally);
        if is_measured {
            tally.messages += counted;
        }
        Ok(())
    }
}

/// Acknowledgements of messages that were sent together: they share one latency and one visit to the histogram.
#[derive(Debug, Default)]
struct AckRun {
    started: u64,
    count: u64,
    total: u64,
}

impl AckRun {
    fn add(&mut self, started: u64, nanos: u64, schedule: &Schedule, tally: &mut Tally) {
        if started != self.started && self.count > 0 {
            self.record(nanos, schedule, tally);
        }
        self.started = started;
        self.count += 1;
    }

    fn record(&mut self, nanos: u64, schedule: &Schedule, tally: &mut Tally) {
        // A message belongs to the measurement by when it was sent: a late answer to it must not be left out.
        if schedule.is_measured(self.started) {
            tally.latency(nanos.saturating_sub(self.started), self.count);
        }
        self.total += self.count;
        self.count = 0;
    }

    fn finish(mut self, nanos: u64, schedule: &Schedule, tally: &mut Tally) -> u64 {
        self.record(nanos, schedule, tally);
        self.total
    }
}
