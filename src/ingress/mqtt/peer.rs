//! What the rest of the endpoint may do to a connection: end it, and send it messages. The connection sleeps on `wake`.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::frame::Version;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Order {
    Stay = 0,
    /// The same client id has connected again.
    MakeWay = 1,
    /// This program stops.
    Stop = 2,
}

#[derive(Debug)]
pub(super) struct Peer {
    pub(super) client_id: String,
    pub(super) version: Version,
    /// The longest packet the client takes.
    pub(super) packet_bytes_max: usize,
    pub(super) wake: Notify,
    order: AtomicU8,
    outbox: Mutex<Outbox>,
    outbox_bytes_max: usize,
}

/// Messages that wait for the connection. A full one loses its oldest.
#[derive(Debug, Default)]
struct Outbox {
    messages: VecDeque<Bytes>,
    bytes: usize,
    is_closed: bool,
}

impl Peer {
    pub(super) fn new(client_id: String, version: Version, packet_bytes_max: usize, outbox_bytes_max: usize) -> Peer {
        Peer {
            client_id,
            version,
            packet_bytes_max,
            wake: Notify::new(),
            order: AtomicU8::new(Order::Stay as u8),
            outbox: Mutex::default(),
            outbox_bytes_max,
        }
    }

    pub(super) fn tell(&self, order: Order) {
        self.order.fetch_max(order as u8, Ordering::AcqRel);
        self.wake.notify_one();
    }

    pub(super) fn order(&self) -> Order {
        match self.order.load(Ordering::Acquire) {
            0 => Order::Stay,
            1 => Order::MakeWay,
            _ => Order::Stop,
        }
    }

    /// Puts an encoded packet into the outbox and says how many were lost over it.
    pub(super) fn send(&self, packet: Bytes) -> u64 {
        if packet.len() > self.packet_bytes_max {
            return 1;
        }
        let mut lost = 0;
        let mut outbox = self.outbox.lock();
        if outbox.is_closed {
            return 1;
        }
        let was_empty = outbox.messages.is_empty();
        outbox.bytes += packet.len();
        outbox.messages.push_back(packet);
        while outbox.bytes > self.outbox_bytes_max {
            let Some(oldest) = outbox.messages.pop_front() else { break };
            outbox.bytes -= oldest.len();
            lost += 1;
        }
        drop(outbox);
        if was_empty {
            self.wake.notify_one();
        }
        lost
    }

    /// Takes messages of about so many bytes.
    pub(super) fn receive(&self, bytes_max: usize, mut each: impl FnMut(&[u8])) -> u64 {
        let mut outbox = self.outbox.lock();
        let mut taken = 0;
        let mut count = 0;
        while taken < bytes_max
            && let Some(message) = outbox.messages.pop_front()
        {
            outbox.bytes -= message.len();
            taken += message.len();
            count += 1;
            each(&message);
        }
        count
    }

    pub(super) fn has_mail(&self) -> bool {
        !self.outbox.lock().messages.is_empty()
    }

    /// Nothing is taken in any more.
    pub(super) fn close(&self) {
        let mut outbox = self.outbox.lock();
        *outbox = Outbox { is_closed: true, ..Outbox::default() };
    }
}
