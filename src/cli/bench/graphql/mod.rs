//! `pollux bench graphql`: readers of the API, beside devices that publish.
//!
//! ```text
//! documents ─ what is asked        wire ─ its bytes       connection ─ HTTP and sockets
//! ask ─ requests, one after the other      live ─ subscribers      publish ─ devices      report ─ a line for each scenario
//! ```
//!
//! All clients share one thread, so that the server has the other processors; the report says how busy that thread was.

mod ask;
mod connection;
mod documents;
mod live;
mod publish;
mod report;
mod wire;

use std::cell::RefCell;
use std::io::Write;
use std::net::SocketAddr;
use std::rc::Rc;

use anyhow::ensure;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::sleep_until;

use super::connection::Schedule;
use super::report::{Spent, Tally};
use super::{Format, load, server};
use live::{Seen, Selection, Site};
use publish::{Devices, Publishing, prime_time};
use report::Row;

/// Frames per second at which no change of a twin waits for the next: each publishes less often.
const PUSH_HZ: u32 = 30;

#[derive(Debug, Clone, clap::Args)]
pub(super) struct GraphqlArgs {
    /// What to measure, in this order.
    #[arg(value_enum, required = true, value_name = "SCENARIO")]
    scenarios: Vec<Scenario>,
    /// Where the server listens for HTTP.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    http: String,
    /// Where the server listens for MQTT.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:1883")]
    mqtt: String,
    /// Process id of the server: its processor time and memory are read from /proc.
    #[arg(long)]
    pid: Option<u32>,
    /// A server that answers `point` and `list` with constants (benches/bare_graphql.rs), to be asked the same.
    #[arg(long, value_name = "ADDR")]
    bare: Option<String>,
    /// Process id of that server.
    #[arg(long)]
    bare_pid: Option<u32>,
    /// Machines of the workspace.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    twins: usize,
    /// Machines are called PREFIX0, PREFIX1 and so on.
    #[arg(long, value_name = "PREFIX", default_value = "bench-")]
    twin_prefix: String,
    /// Connections that ask, or sockets that follow [default: as the scenario says].
    #[arg(long, value_name = "N")]
    clients: Option<usize>,
    /// Messages per second that are published meanwhile [default: as the scenario says].
    #[arg(long, value_name = "N")]
    rate: Option<u64>,
    /// How long to measure each scenario.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    seconds: u64,
    /// How long each runs before it is measured.
    #[arg(long, value_name = "SECONDS", default_value_t = 2)]
    warmup: u64,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Scenario {
    /// One twin with a reading; 64 connections.
    Point,
    /// A page of 100 twins with a reading each; 32 connections.
    List,
    /// Twins above a value, ordered by it, a page of 50; 2 connections, 2,000 messages/s meanwhile.
    Filter,
    /// Three levels of relations, 1,010 twins; 1 connection.
    Traverse,
    /// From before a message is published to its frame; 50 sockets that follow a twin each, 10,000 messages/s.
    Push,
    /// 500 sockets with 200 series each at 4 Hz, and one that does not read; 5,000 messages/s.
    Fanout,
}

/// A scenario's load, unless the arguments say otherwise.
struct Load {
    name: &'static str,
    clients: usize,
    /// Messages per second.
    rate: u64,
    /// Values in a message.
    readings: usize,
}

impl Scenario {
    fn load(self) -> Load {
        let (name, clients, rate, readings) = match self {
            Scenario::Point => ("point", 64, 0, 3),
            Scenario::List => ("list", 32, 0, 3),
            Scenario::Filter => ("filter", 2, 2_000, 3),
            Scenario::Traverse => ("traverse", 1, 0, 3),
            Scenario::Push => ("push", 50, 10_000, 3),
            Scenario::Fanout => ("fanout", 500, 5_000, 8),
        };
        Load { name, clients, rate, readings }
    }
}

/// Measures and reports; whether all went well.
pub(super) fn run(args: &GraphqlArgs, out: &mut dyn Write) -> anyhow::Result<bool> {
    let bench = Bench::new(args)?;
    let mut rows = Vec::new();
    if args.format == Format::Text {
        Row::write_heading(out)?;
    }
    on_one_thread(bench.prime())?;
    for scenario in &args.scenarios {
        let row = on_one_thread(bench.measure(*scenario))?;
        let bare = match scenario {
            Scenario::Point | Scenario::List => on_one_thread(bench.measure_bare(*scenario))?,
            Scenario::Filter | Scenario::Traverse | Scenario::Push | Scenario::Fanout => None,
        };
        if args.format == Format::Text {
            row.write_text(out)?;
            if let Some(bare) = &bare {
                bare.write_text(out)?;
                row.write_share(bare, out)?;
            }
            out.flush()?;
        }
        rows.push(row);
        rows.extend(bare);
    }
    if args.format == Format::Json {
        serde_json::to_writer_pretty(&mut *out, &rows)?;
        writeln!(out)?;
    }
    Ok(rows.iter().all(Row::is_clean))
}

fn on_one_thread<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, work)
}

/// A server to ask, by the name it has in the report.
#[derive(Debug, Clone, Copy)]
struct Server {
    name: &'static str,
    http: SocketAddr,
    pid: Option<u32>,
}

struct Bench<'a> {
    args: &'a GraphqlArgs,
    pollux: Server,
    bare: Option<Server>,
    mqtt: SocketAddr,
}

impl Bench<'_> {
    fn new(args: &GraphqlArgs) -> anyhow::Result<Bench<'_>> {
        ensure!(args.seconds > 0, "--seconds must be at least 1");
        ensure!(args.clients != Some(0), "--clients must be at least 1");
        for pid in args.pid.iter().chain(&args.bare_pid) {
            server::usage(&pid.to_string())?;
        }
        let pollux = Server { name: "pollux", http: load::resolve("--http", &args.http)?, pid: args.pid };
        let bare = match &args.bare {
            Some(bare) => Some(Server { name: "bare", http: load::resolve("--bare", bare)?, pid: args.bare_pid }),
            None => None,
        };
        Ok(Bench { args, pollux, bare, mqtt: load::resolve("--mqtt", &args.mqtt)? })
    }

    /// Sends messages until every machine has been heard of, and waits until the server has nothing left to do.
    async fn prime(&self) -> anyhow::Result<()> {
        let mut left = ask::unheard(self.pollux.http).await?;
        while left > 0 {
            let mut tasks = JoinSet::new();
            let publishing = Publishing::open(&self.devices(3), 0).await?;
            publishing.begin(load::schedule(0, prime_time(self.args.twins).as_secs())?, &mut tasks);
            tasks.join_all().await;
            let before = std::mem::replace(&mut left, ask::unheard(self.pollux.http).await?);
            ensure!(left < before, "messages were sent for {} twins, yet {left} are without a reading: is --twins right?", self.args.twins);
        }
        ask::settle(self.pollux.http).await
    }

    fn devices(&self, readings: usize) -> Devices {
        Devices { mqtt: self.mqtt, prefix: self.args.twin_prefix.clone(), twins: self.args.twins, readings }
    }

    async fn measure(&self, scenario: Scenario) -> anyhow::Result<Row> {
        let (http, args) = (self.pollux.http, self.args);
        let requests = match scenario {
            Scenario::Point => documents::point(http, &args.twin_prefix, args.twins),
            Scenario::List => documents::list(http),
            Scenario::Filter => documents::filter(http),
            Scenario::Traverse => {
                ask::check_traversal(http).await?;
                documents::traverse(http)
            }
            Scenario::Push => return self.follow(scenario, Selection { twins: 1, members: 1, hz: PUSH_HZ }, false).await,
            Scenario::Fanout => return self.follow(scenario, Selection { twins: 25, members: 8, hz: 4 }, true).await,
        };
        self.ask(scenario, self.pollux, requests, args.rate.unwrap_or(scenario.load().rate)).await
    }

    async fn measure_bare(&self, scenario: Scenario) -> anyhow::Result<Option<Row>> {
        let Some(bare) = self.bare else { return Ok(None) };
        let requests = match scenario {
            Scenario::Point => documents::point(bare.http, &self.args.twin_prefix, self.args.twins),
            Scenario::List => documents::list(bare.http),
            Scenario::Filter | Scenario::Traverse | Scenario::Push | Scenario::Fanout => return Ok(None),
        };
        self.ask(scenario, bare, requests, 0).await.map(Some)
    }

    async fn ask(&self, scenario: Scenario, server: Server, requests: Vec<Vec<u8>>, rate: u64) -> anyhow::Result<Row> {
        let load = scenario.load();
        let clients = self.args.clients.unwrap_or(load.clients);
        let requests: Rc<[Vec<u8>]> = requests.into();
        let connections = ask::open(server.http, &requests, clients).await?;
        let publishing = match rate {
            0 => None,
            rate => Some(Publishing::open(&self.devices(load.readings), rate).await?),
        };
        let tally = Rc::new(RefCell::new(Tally::new()?));
        let schedule = load::schedule(self.args.warmup, self.args.seconds)?;
        let mut tasks = JoinSet::new();
        ask::begin(connections, &requests, schedule, &tally, &mut tasks);
        let published = publishing.map(|publishing| publishing.begin(schedule, &mut tasks));
        let (client, used) = spent(&schedule, server.pid).await?;
        tasks.join_all().await;
        let named = (load.name, server.name, "requests");
        let row = Row::new(named, clients, self.args.seconds, &tally.borrow(), client, used);
        Ok(match published {
            Some(published) => row.published(self.args.seconds, &published.borrow()),
            None => row,
        })
    }

    async fn follow(&self, scenario: Scenario, selection: Selection, with_a_stuck_one: bool) -> anyhow::Result<Row> {
        let (args, load) = (self.args, scenario.load());
        let clients = args.clients.unwrap_or(load.clients);
        let site = Site { http: self.pollux.http, prefix: args.twin_prefix.clone(), twins: args.twins };
        let publishing = Publishing::open(&self.devices(load.readings), args.rate.unwrap_or(load.rate)).await?;
        let sockets = live::open(&site, selection, clients).await?;
        let stuck = if with_a_stuck_one { Some(live::open_stuck(&site, selection).await?) } else { None };
        let seen = Seen::new()?;
        let schedule = load::schedule(args.warmup, args.seconds)?;
        let mut tasks = JoinSet::new();
        live::begin(sockets, schedule, &seen, &mut tasks);
        if let Some(stuck) = stuck {
            live::keep(stuck, schedule, &mut tasks);
        }
        let published = publishing.begin(schedule, &mut tasks);
        let (client, used) = spent(&schedule, self.pollux.pid).await?;
        tasks.join_all().await;
        let named = (load.name, self.pollux.name, "frames");
        let row = Row::new(named, clients, args.seconds, &seen.delays.borrow(), client, used);
        Ok(row.published(args.seconds, &published.borrow()).gaps(&seen.gaps.borrow()))
    }
}

/// What client and server use while it is measured.
async fn spent(schedule: &Schedule, pid: Option<u32>) -> anyhow::Result<(Spent, Option<Spent>)> {
    let pid = pid.map(|pid| pid.to_string());
    let usage = || anyhow::Ok((server::usage("self")?, pid.as_deref().map(server::usage).transpose()?));
    sleep_until(schedule.measure_from.into()).await;
    let (client_before, server_before) = usage()?;
    sleep_until(schedule.end.into()).await;
    let (client_after, server_after) = usage()?;
    let spent = |before, after| Spent { before, after, rss_max_bytes: 0 };
    Ok((spent(client_before, client_after), server_before.zip(server_after).map(|(before, after)| spent(before, after))))
}
