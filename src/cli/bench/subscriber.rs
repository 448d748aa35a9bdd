//! A plain subscriber beside the publishers: shows what a broker passes on while it is being written to.

use std::cell::RefCell;
use std::rc::Rc;

use anyhow::{Context, bail};
use tokio::net::TcpStream;
use tokio::time::{timeout, timeout_at};

use super::connection::{Plan, Schedule};
use super::now;
use super::report::Tally;
use super::session::{self, ANSWER_BYTES_MAX, ANSWER_WAIT_MAX, Inbound, write_all};
use super::wire::{self, Incoming};

const RECEIVE_BYTES_MAX: usize = 256 * 1024;

pub(super) async fn subscribe(plan: &Plan, client_id: &str, filter: &str) -> anyhow::Result<TcpStream> {
    let stream = session::open(plan.addr, client_id).await?;
    write_all(&stream, &wire::subscribe(1, filter, plan.qos)).await?;
    let mut inbound = Inbound::new(ANSWER_BYTES_MAX);
    match timeout(ANSWER_WAIT_MAX, inbound.first(&stream)).await.context("the server did not answer SUBSCRIBE")?? {
        Incoming::SubAck { code: 0..=2 } => Ok(stream),
        Incoming::SubAck { code } => bail!("the server refused to subscribe {filter:?} (code {code})"),
        other @ (Incoming::ConnAck { .. } | Incoming::PubAck(_) | Incoming::Publish { .. } | Incoming::PingResp) => {
            bail!("the server answered SUBSCRIBE with {other:?}")
        }
    }
}

/// Counts what arrives, acknowledges it, and looks no further.
pub(super) async fn count_received(stream: TcpStream, schedule: Schedule, tally: Rc<RefCell<Tally>>) {
    if let Err(error) = receive_until_end(&stream, &schedule, &tally).await {
        tally.borrow_mut().error(&error.context("subscriber"));
    }
}

async fn receive_until_end(stream: &TcpStream, schedule: &Schedule, tally: &RefCell<Tally>) -> anyhow::Result<()> {
    let mut inbound = Inbound::new(RECEIVE_BYTES_MAX);
    let mut acks = Vec::new();
    loop {
        let Ok(ready) = timeout_at(schedule.end.into(), stream.readable()).await else { return Ok(()) };
        ready?;
        if !inbound.read(stream)? {
            continue;
        }
        let mut received = 0;
        inbound.drain(|packet| {
            if let Incoming::Publish { packet_id } = packet {
                received += 1;
                acks.extend(packet_id.into_iter().flat_map(wire::puback));
            }
            Ok(())
        })?;
        if schedule.is_measured(schedule.nanos(now())) {
            tally.borrow_mut().received += received;
        }
        write_all(stream, &acks).await?;
        acks.clear();
    }
}
