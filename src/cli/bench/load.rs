//! `pollux bench ingest`: opens all connections, lets them go at once, measures, adds up.

use std::cell::RefCell;
use std::net::{SocketAddr, ToSocketAddrs};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail, ensure};
use tokio::task::LocalSet;

use super::connection::{Pace, Plan, Publisher, Schedule};
use super::report::{Report, Setup, Spent, Tally};
use super::wire::PayloadShape;
use super::{IngestArgs, now, server, subscriber};

const CONNECTIONS_MAX: usize = 60_000;
const THREADS_MAX: usize = 64;
const TOPIC_BYTES_MAX: usize = 1024;
/// With fewer twins one of them may get more than a message per millisecond, and event times need microseconds to stay distinct.
const MILLIS_TWINS_MIN: usize = 500;
/// How long ago the event times of `--apart` begin: three years.
const RECORDED_AGO_MICROS: u64 = 3 * 365 * 86_400 * 1_000_000;
/// Time for all threads to see the schedule before it begins.
const START_DELAY: Duration = Duration::from_millis(50);
const REFILL_AT_ONCE_CONNECTIONS_MAX: usize = 8;
const NAP_MAX: Duration = Duration::from_millis(2);
const FASTEST_SERVER_PER_SECOND: f64 = 500_000.0;
const DRAIN_WAIT_MAX: Duration = Duration::from_secs(5);

pub(super) fn run(args: &IngestArgs) -> anyhow::Result<Report> {
    let setup = setup(args)?;
    let addr = resolve("--mqtt", &args.mqtt)?;
    let filter = args.subscribe.as_ref().map(|filter| if filter.is_empty() { args.topic.replace("{twin}", "+") } else { filter.clone() });
    if let Some(pid) = args.pid {
        server::usage(&pid.to_string())?;
    }
    let (ready_tx, ready) = mpsc::channel();
    let mut workers = Vec::new();
    for index in 0..args.threads {
        let share = Share {
            index,
            threads: args.threads,
            args: args.clone(),
            setup: setup.clone(),
            addr,
            filter: filter.clone().filter(|_| index == 0),
        };
        let (go, schedule) = mpsc::channel();
        let ready = ready_tx.clone();
        let handle = thread::Builder::new().name(format!("bench-{index}")).spawn(move || share.work(&ready, &schedule))?;
        workers.push((go, handle));
    }
    drop(ready_tx);
    for _ in &workers {
        ready.recv().map_err(|_| anyhow!("a thread of the generator ended early"))??;
    }
    let mut schedule = schedule(args.warmup, args.seconds)?;
    if args.apart.is_some() {
        schedule.start_epoch_micros -= RECORDED_AGO_MICROS;
    }
    for (go, _) in &workers {
        go.send(schedule).map_err(|_| anyhow!("a thread of the generator ended early"))?;
    }
    let (client, server) = measure(&schedule, args.pid)?;
    let mut total = Tally::new()?;
    for (_, handle) in workers {
        let tally = handle.join().map_err(|_| anyhow!("a thread of the generator panicked"))??;
        total.add(&tally)?;
    }
    Ok(Report::new(setup, total, client, server, filter.is_some()))
}

/// Checks the arguments against each other.
fn setup(args: &IngestArgs) -> anyhow::Result<Setup> {
    ensure!(args.twins > 0 && args.connections > 0, "--twins and --connections must be at least 1");
    ensure!((1..=THREADS_MAX).contains(&args.threads), "--threads must be between 1 and {THREADS_MAX}");
    ensure!(args.seconds > 0, "--seconds must be at least 1");
    let topic_bytes = args.topic.len() + args.twin_prefix.len() + 20;
    ensure!(topic_bytes <= TOPIC_BYTES_MAX, "--topic and --twin-prefix are longer than {TOPIC_BYTES_MAX} bytes together");
    ensure!(
        !args.topic.contains(['#', '+', '\0']),
        "--topic is a topic to publish to: it has no wildcards; write {{twin}} where the twin's id stands"
    );
    let twins = if args.one_twin { 1 } else { args.twins };
    let connections = if args.gateway { 1 } else { args.connections.min(twins) };
    ensure!(connections <= CONNECTIONS_MAX, "--connections must be at most {CONNECTIONS_MAX}: one address has no more ports");
    if twins > 1 && !args.topic.contains("{twin}") {
        bail!("--topic {:?} is the same for all twins: write {{twin}} where the twin's id stands, or use --one-twin", args.topic);
    }
    Ok(Setup {
        target: args.mqtt.clone(),
        connections,
        twins,
        readings: args.readings,
        qos: args.qos,
        window: args.window,
        rate: args.rate,
        seconds: args.seconds,
    })
}

pub(super) fn resolve(flag: &str, text: &str) -> anyhow::Result<SocketAddr> {
    let mut found =
        text.to_socket_addrs().with_context(|| format!("{flag} {text:?} is not an address: write HOST:PORT, as in 127.0.0.1:1883"))?;
    found.next().with_context(|| format!("{flag} {text:?}: the host has no address"))
}

#[expect(clippy::disallowed_methods, reason = "a load generator stamps its messages with wall time")]
fn epoch_micros() -> anyhow::Result<u64> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).context("the system clock stands before 1970")?;
    Ok(since.as_micros() as u64)
}

pub(super) fn schedule(warmup: u64, seconds: u64) -> anyhow::Result<Schedule> {
    let start = now() + START_DELAY;
    let measure_from = start + Duration::from_secs(warmup);
    let end = measure_from + Duration::from_secs(seconds);
    let start_epoch_micros = epoch_micros()? + START_DELAY.as_micros() as u64;
    Ok(Schedule { start, start_epoch_micros, measure_from, end, drain_until: end + DRAIN_WAIT_MAX })
}

/// Reads what client and server have used when the measurement begins and when it ends.
fn measure(schedule: &Schedule, pid: Option<u32>) -> anyhow::Result<(Spent, Option<Spent>)> {
    let pid = pid.map(|pid| pid.to_string());
    sleep_until(schedule.measure_from);
    let client_before = server::usage("self")?;
    let server_before = pid.as_deref().map(server::usage).transpose()?;
    let stop = Arc::new(AtomicBool::new(false));
    let watcher = pid.clone().map(|pid| {
        let stop = stop.clone();
        thread::spawn(move || server::watch_rss(&pid, &stop))
    });
    sleep_until(schedule.end);
    let client_after = server::usage("self")?;
    let server_after = pid.as_deref().map(server::usage).transpose();
    stop.store(true, Ordering::Relaxed);
    let rss_max_bytes = watcher.map_or(0, |watcher| watcher.join().unwrap_or(0));
    let server_after = server_after.context("the server ended during the measurement")?;
    let server = server_before.zip(server_after).map(|(before, after)| Spent { before, after, rss_max_bytes });
    Ok((Spent { before: client_before, after: client_after, rss_max_bytes: 0 }, server))
}

fn sleep_until(at: Instant) {
    thread::sleep(at.saturating_duration_since(now()));
}

/// One thread's part of the connections: every `threads`-th, beginning with `index`.
#[derive(Debug)]
struct Share {
    index: usize,
    threads: usize,
    args: IngestArgs,
    setup: Setup,
    addr: SocketAddr,
    filter: Option<String>,
}

impl Share {
    /// Opens the connections, says so, waits for the schedule, and publishes by it.
    fn work(&self, ready: &mpsc::Sender<anyhow::Result<()>>, schedule: &mpsc::Receiver<Schedule>) -> anyhow::Result<Tally> {
        let runtime = self.runtime()?;
        let tasks = LocalSet::new();
        let tally = Rc::new(RefCell::new(Tally::new()?));
        let plan = self.plan();
        let opened = tasks.block_on(&runtime, async {
            let subscriber = match &self.filter {
                Some(filter) => Some(subscriber::subscribe(&plan, &client_id("subscriber"), filter).await?),
                None => None,
            };
            anyhow::Ok((subscriber, self.open(&plan, &tally).await?))
        });
        let (subscriber, publishers) = match opened {
            Ok(opened) => {
                ready.send(Ok(()))?;
                opened
            }
            Err(error) => {
                ready.send(Err(error))?;
                bail!("could not connect");
            }
        };
        // Nothing runs on this thread until the schedule is there, so it may simply block.
        let schedule = schedule.recv()?;
        if let Some(stream) = subscriber {
            tasks.spawn_local(subscriber::count_received(stream, schedule, tally.clone()));
        }
        for (publisher, stream) in publishers {
            tasks.spawn_local(async move {
                tokio::time::sleep_until(schedule.start.into()).await;
                publisher.run(stream, schedule).await;
            });
        }
        runtime.block_on(tasks);
        Rc::into_inner(tally).map(RefCell::into_inner).context("a connection outlived its thread")
    }

    fn runtime(&self) -> anyhow::Result<tokio::runtime::Runtime> {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all();
        let nap = nap(&self.setup);
        if !nap.is_zero() {
            builder.on_thread_park(move || thread::sleep(nap));
        }
        Ok(builder.build()?)
    }

    fn plan(&self) -> Rc<Plan> {
        let needs_micros = self.setup.twins < MILLIS_TWINS_MIN;
        Rc::new(Plan {
            addr: self.addr,
            qos: self.setup.qos,
            window: self.setup.window,
            refill_min: refill_min(&self.setup),
            shape: PayloadShape::new(usize::from(self.setup.readings), needs_micros),
            time_step_micros: self.args.apart.map_or(if needs_micros { 1 } else { 1000 }, |millis| millis * 1000),
        })
    }

    async fn open(&self, plan: &Rc<Plan>, tally: &Rc<RefCell<Tally>>) -> anyhow::Result<Vec<(Publisher, tokio::net::TcpStream)>> {
        let mut opened = Vec::new();
        for number in (self.index..self.setup.connections).step_by(self.threads) {
            let publisher =
                Publisher::new(plan.clone(), client_id(&number.to_string()), self.pace(number), self.topics(number), tally.clone());
            let stream = publisher.open().await?;
            opened.push((publisher, stream));
        }
        Ok(opened)
    }

    /// Every `connections`-th twin, so that each twin's messages come in order over one connection.
    fn topics(&self, connection: usize) -> impl Iterator<Item = String> + '_ {
        let twins = (connection..self.setup.twins).step_by(self.setup.connections);
        twins.map(|twin| self.args.topic.replace("{twin}", &format!("{}{twin}", self.args.twin_prefix)))
    }

    /// The connections take turns.
    fn pace(&self, connection: usize) -> Option<Pace> {
        if self.setup.rate == 0 {
            return None;
        }
        let nanos_per_message = 1e9 / self.setup.rate as f64;
        Some(Pace { period_nanos: nanos_per_message * self.setup.connections as f64, phase_nanos: nanos_per_message * connection as f64 })
    }
}

/// Refilling many windows one message at a time costs both sides a system call per message, which hides what the server can do.
/// A few connections have no such trouble, and waiting would meet Nagle's algorithm in servers that acknowledge packet by packet.
fn refill_min(setup: &Setup) -> usize {
    if setup.connections < REFILL_AT_ONCE_CONNECTIONS_MAX { 1 } else { usize::from(setup.window).div_ceil(4) }
}

/// At full speed over many connections acknowledgements trickle in one by one. Waking for each would take the processor from the server
/// (a wake-up costs both sides more than the message does), so an idle thread naps a little and then finds many.
/// Never for so long that the server could work off what is in flight meanwhile. Latencies at full speed are longer by this nap at most.
fn nap(setup: &Setup) -> Duration {
    if setup.rate > 0 || setup.qos == 0 || setup.connections < REFILL_AT_ONCE_CONNECTIONS_MAX {
        return Duration::ZERO;
    }
    let quarter_in_flight = setup.connections * usize::from(setup.window) / 4;
    NAP_MAX.min(Duration::from_secs_f64(quarter_in_flight as f64 / FASTEST_SERVER_PER_SECOND))
}

fn client_id(name: &str) -> String {
    format!("pollux-bench-{}-{name}", std::process::id())
}
