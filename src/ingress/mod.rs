//! Ingress: what comes in. Each transport takes a permit, hands packets to a [`Lane`] and tells the sender what became of them after the gate.
//!
//! It knows protocols and topics, and nothing of twins: the door behind it is given to it by `runtime`.

pub mod client;
pub mod counters;
pub mod mqtt;
mod offer;
mod permits;
pub mod receipt;
pub mod remote;
mod socket;
mod window;

use bytes::Bytes;

pub use offer::offer_all;
pub use permits::Permits;
pub use receipt::{Bell, Fault, Line, Outcome, Receipt, Refused, Settled, Tally, Ticket};

use crate::catalog::binding::Source;
use crate::reading::{Timestamp, TwinId};

/// One message as it came in.
#[derive(Debug, Clone)]
pub struct Packet {
    pub address: Address,
    pub payload: Bytes,
    /// When it was read.
    pub received: Timestamp,
}

/// Where a message was sent to.
#[derive(Debug, Clone)]
pub enum Address {
    /// An MQTT topic, UTF-8 and without wildcards.
    Topic(Bytes),
    /// Straight to a twin (`POST /ingest/ID`): the payload is a native one.
    Twin(TwinId),
    /// `POST /ingest`: the payload is one item `{"twin": ID, "ts": TIME, "values": {…}}`.
    Envelope,
}

/// The way in for one sender. It keeps order: what is offered first reaches a twin first.
pub trait Lane: Send {
    /// Routes and decodes a packet and queues its readings for their twins. The receipt is settled after the gate, whatever comes of it.
    fn offer(&mut self, packet: &Packet, receipt: Receipt);

    /// Sends on its way what was queued, one message per twin. Call it when a burst of packets has been read.
    fn flush(&mut self);
}

/// Behind every transport.
pub trait Door: Send + Sync + 'static {
    fn lane(&self, source: Source) -> Box<dyn Lane>;

    /// What is there for whoever subscribes later: a topic and its latest message each.
    fn retained(&self, _each: &mut dyn FnMut(&str, &[u8])) {}
}
