//! Requests one after the other over keep-alive connections: each asks again as soon as it is answered.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value as Json;
use tokio::task::JoinSet;
use tokio::time::sleep_until;

use super::connection::Connection;
use super::{documents, wire};
use crate::cli::bench::connection::Schedule;
use crate::cli::bench::now;
use crate::cli::bench::report::Tally;

/// How long the graph store is waited for.
const SETTLED_WAIT_MAX: Duration = Duration::from_secs(120);
const SHOWN_BYTES: usize = 300;

/// Connections that stand and have been answered once.
pub(super) async fn open(server: SocketAddr, requests: &[Vec<u8>], count: usize) -> anyhow::Result<Vec<Connection>> {
    let mut connections = Vec::with_capacity(count);
    for number in 0..count {
        let mut connection = Connection::open(server).await?;
        let body = connection.ask(&requests[number % requests.len()]).await?;
        ensure!(wire::is_data(body), "{server} answered {}", shortened(body));
        connections.push(connection);
    }
    Ok(connections)
}

/// Each connection asks until the schedule ends. It begins with another request than its neighbour.
pub(super) fn begin(
    connections: Vec<Connection>,
    requests: &Rc<[Vec<u8>]>,
    schedule: Schedule,
    tally: &Rc<RefCell<Tally>>,
    tasks: &mut JoinSet<()>,
) {
    for (number, connection) in connections.into_iter().enumerate() {
        let (requests, tally) = (requests.clone(), tally.clone());
        tasks.spawn_local(async move {
            sleep_until(schedule.start.into()).await;
            if let Err(error) = keep_asking(connection, &requests, number, &schedule, &tally).await {
                tally.borrow_mut().error(&error);
            }
        });
    }
}

async fn keep_asking(
    mut connection: Connection,
    requests: &[Vec<u8>],
    first: usize,
    schedule: &Schedule,
    tally: &RefCell<Tally>,
) -> anyhow::Result<()> {
    let mut sent = now();
    for request in requests.iter().cycle().skip(first % requests.len()) {
        if sent >= schedule.end {
            break;
        }
        let body = connection.ask(request).await?;
        let is_data = wire::is_data(body);
        ensure!(is_data, "the server answered {}", shortened(body));
        let answered = now();
        let mut tally = tally.borrow_mut();
        // A request belongs to the measurement by when it was sent, an answer to the rate by when it came.
        if schedule.is_measured(schedule.nanos(sent)) {
            tally.latency(answered.saturating_duration_since(sent).as_nanos() as u64, 1);
        }
        if schedule.is_measured(schedule.nanos(answered)) {
            tally.messages += 1;
        }
        sent = answered;
    }
    Ok(())
}

/// How many twins have no reading yet.
pub(super) async fn unheard(server: SocketAddr) -> anyhow::Result<u64> {
    let mut connection = Connection::open(server).await?;
    let body = connection.ask(&documents::unheard(server)).await?;
    let answer: Json = serde_json::from_slice(body)?;
    let count = answer["data"]["benchMachines"]["totalCount"].as_u64();
    count.with_context(|| format!("{server} answered {answer}: is its workspace one of `pollux bench workspace`?"))
}

/// Waits until the graph store has taken over all that was committed so far: what it has left to do would be measured, too.
pub(super) async fn settle(server: SocketAddr) -> anyhow::Result<()> {
    let mut connection = Connection::open(server).await?;
    let answer: Json = serde_json::from_slice(connection.ask(&documents::seq(server)).await?)?;
    let request = documents::after(server, &answer["data"]["system"]["seq"]);
    let deadline = now() + SETTLED_WAIT_MAX;
    while !is_answered(server, &request).await {
        ensure!(now() < deadline, "the graph store of {server} has not caught up in {} s", SETTLED_WAIT_MAX.as_secs());
    }
    Ok(())
}

/// A server that is not so far yet refuses.
async fn is_answered(server: SocketAddr, request: &[u8]) -> bool {
    match Connection::open(server).await {
        Ok(mut connection) => connection.ask(request).await.is_ok_and(wire::is_data),
        Err(_) => false,
    }
}

/// Whether the stations are there.
pub(super) async fn check_traversal(server: SocketAddr) -> anyhow::Result<()> {
    let mut connection = Connection::open(server).await?;
    let body = connection.ask(&documents::traverse(server)[0]).await?;
    let found = body.windows(6).filter(|part| part == b"\"id\":\"").count();
    let expected = documents::TRAVERSED;
    ensure!(found == expected, "{found} stations of {expected}; was the workspace written with --stations? {}", shortened(body));
    Ok(())
}

fn shortened(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(SHOWN_BYTES)]).into_owned()
}
