//! Subscribers on sockets: how long a message takes from before it is published to the frame that shows it.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::bail;
use tokio::task::JoinSet;
use tokio::time::{sleep_until, timeout_at};

use super::connection::Socket;
use super::{documents, wire};
use crate::cli::bench::connection::Schedule;
use crate::cli::bench::now;
use crate::cli::bench::report::Tally;

/// A socket that does not read asks for so much that the buffers between it and the server are full within a second or two.
const STUCK_OPERATIONS: usize = 8;
const STUCK_HZ: u32 = 30;
const STUCK_RECEIVE_BYTES: u32 = 4096;
/// What subscribers leave over at the end of a run, for frames under way.
const FAREWELL: Duration = Duration::from_millis(500);

/// What each subscriber selects: the first `members` of `twins` twins, at `hz` frames per second.
#[derive(Debug, Clone, Copy)]
pub(super) struct Selection {
    pub(super) twins: usize,
    pub(super) members: usize,
    pub(super) hz: u32,
}

/// Where subscribers look.
#[derive(Debug, Clone)]
pub(super) struct Site {
    pub(super) http: SocketAddr,
    pub(super) prefix: String,
    /// In the whole workspace.
    pub(super) twins: usize,
}

/// What subscribers have seen: delays from before the publishing to the arrival, and the time from frame to frame.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) delays: Rc<RefCell<Tally>>,
    pub(super) gaps: Rc<RefCell<Tally>>,
}

impl Seen {
    pub(super) fn new() -> anyhow::Result<Seen> {
        Ok(Seen { delays: Rc::new(RefCell::new(Tally::new()?)), gaps: Rc::new(RefCell::new(Tally::new()?)) })
    }
}

/// Sockets that have subscribed and had their snapshot. Neighbours look at other twins.
pub(super) async fn open(site: &Site, selection: Selection, count: usize) -> anyhow::Result<Vec<Socket>> {
    let mut sockets = Vec::with_capacity(count);
    for number in 0..count {
        let mut socket = Socket::open(site.http, None).await?;
        subscribe(&socket, site, selection, number, 0, selection.hz).await?;
        check(socket.message().await?)?;
        sockets.push(socket);
    }
    Ok(sockets)
}

async fn subscribe(socket: &Socket, site: &Site, selection: Selection, number: usize, id: usize, hz: u32) -> anyhow::Result<()> {
    let first = number * selection.twins;
    let twins = (first..first + selection.twins).map(|no| no % site.twins);
    let variables = documents::series(&site.prefix, twins, selection.members, hz);
    socket.subscribe(id, documents::READINGS, &variables).await
}

/// A socket that subscribes and then never reads again; it is open as long as it is kept.
pub(super) async fn open_stuck(site: &Site, selection: Selection) -> anyhow::Result<Socket> {
    let socket = Socket::open(site.http, Some(STUCK_RECEIVE_BYTES)).await?;
    for id in 0..STUCK_OPERATIONS {
        subscribe(&socket, site, selection, id, id, STUCK_HZ).await?;
    }
    Ok(socket)
}

pub(super) fn begin(sockets: Vec<Socket>, schedule: Schedule, seen: &Seen, tasks: &mut JoinSet<()>) {
    for socket in sockets {
        let seen = seen.clone();
        tasks.spawn_local(async move {
            if let Err(error) = follow(socket, &schedule, &seen).await {
                seen.delays.borrow_mut().error(&error);
            }
        });
    }
}

pub(super) fn keep(socket: Socket, schedule: Schedule, tasks: &mut JoinSet<()>) {
    tasks.spawn_local(async move {
        sleep_until((schedule.end + FAREWELL).into()).await;
        drop(socket);
    });
}

async fn follow(mut socket: Socket, schedule: &Schedule, seen: &Seen) -> anyhow::Result<()> {
    let mut last: Option<Instant> = None;
    loop {
        let Ok(message) = timeout_at((schedule.end + FAREWELL).into(), socket.message()).await else { return Ok(()) };
        let message = message?;
        let arrived = now();
        check(message)?;
        let Some(made) = wire::newest_micros(message) else { continue };
        let nanos = schedule.nanos(arrived);
        let made_nanos = made.saturating_sub(schedule.start_epoch_micros) * 1000;
        if schedule.is_measured(made_nanos) {
            seen.delays.borrow_mut().latency(nanos.saturating_sub(made_nanos), 1);
        }
        if schedule.is_measured(nanos) {
            seen.delays.borrow_mut().messages += 1;
            if let Some(last) = last {
                seen.gaps.borrow_mut().latency(arrived.saturating_duration_since(last).as_nanos() as u64, 1);
            }
        }
        last = Some(arrived);
    }
}

/// A frame, and nothing else.
fn check(message: &[u8]) -> anyhow::Result<()> {
    const NEXT: &[u8] = b"{\"id\":\"0\",\"type\":\"next\",\"payload\":{\"data\":{";
    if !message.starts_with(NEXT) {
        bail!("the server sent {}", String::from_utf8_lossy(&message[..message.len().min(300)]));
    }
    Ok(())
}
