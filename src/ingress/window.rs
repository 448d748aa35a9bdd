//! The window of a connection, of whatever transport: its messages between the wire and the gate. It owns the line on which they are settled, and their permits.
//!
//! A message is *held* until it gets a permit, then it is *offered*, and when the gate has settled it and everything before it, its owner hears of it.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::ingress::{Fault, Lane, Line, Outcome, Packet, Permits, Receipt, Refused, Settled, Ticket};
use crate::reading::Seq;

/// A PUBLISH as it came in. It is kept until it is settled, since it may have to be offered again.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) packet: Packet,
    /// 0 with QoS 0.
    pub(super) id: u16,
    pub(super) bytes: usize,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) offered_max: usize,
    pub(super) held_packets_max: usize,
    pub(super) held_bytes_max: usize,
    pub(super) offers_max: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Taken,
    /// QoS 0 and no permit: dropped.
    Shed,
}

pub(super) struct Window {
    lane: Box<dyn Lane>,
    /// Wait for one while [`Window::wants_permit`], then call [`Window::use_permit`].
    pub(super) permits: Arc<Permits>,
    /// When it says that something is settled, call [`Window::settle`].
    pub(super) line: Arc<Line>,
    bounds: Bounds,
    /// In the order of the line.
    offered: VecDeque<Arrival>,
    /// How often the front of `offered` has been offered.
    offers: u8,
    held: VecDeque<Arrival>,
    held_bytes: usize,
    unacknowledged: usize,
    settled: Vec<(Ticket, Settled)>,
    offered_again: u64,
}

impl Window {
    pub(super) fn new(lane: Box<dyn Lane>, permits: Arc<Permits>, bounds: Bounds) -> Window {
        Window {
            lane,
            permits,
            line: Line::new(),
            bounds,
            offered: VecDeque::new(),
            offers: 1,
            held: VecDeque::new(),
            held_bytes: 0,
            unacknowledged: 0,
            settled: Vec::new(),
            offered_again: 0,
        }
    }

    /// Call [`Window::flush`] when the burst has been taken in.
    pub(super) fn take_in(&mut self, arrival: Arrival) -> Fate {
        let is_next = self.held.is_empty() && self.offered.len() < self.bounds.offered_max;
        if is_next && self.permits.try_take() {
            self.offer(arrival);
        } else if arrival.id == 0 && self.offered.len() < self.bounds.offered_max {
            return Fate::Shed;
        } else {
            self.hold(arrival);
        }
        Fate::Taken
    }

    /// Takes it in behind all others, without a permit.
    pub(super) fn hold(&mut self, arrival: Arrival) {
        self.unacknowledged += usize::from(arrival.id != 0);
        self.held_bytes += arrival.bytes;
        self.held.push_back(arrival);
    }

    fn offer(&mut self, arrival: Arrival) {
        self.unacknowledged += usize::from(arrival.id != 0);
        let receipt = self.line.issue();
        self.lane.offer(&arrival.packet, receipt);
        self.offered.push_back(arrival);
    }

    fn offer_held(&mut self) {
        let Some(arrival) = self.held.pop_front() else { return self.permits.give_back(1) };
        self.held_bytes -= arrival.bytes;
        self.unacknowledged -= usize::from(arrival.id != 0);
        self.offer(arrival);
    }

    /// Offers held messages as far as there are permits.
    pub(super) fn admit(&mut self) {
        let before = self.offered.len();
        while self.wants_permit() && self.permits.try_take() {
            self.offer_held();
        }
        if self.offered.len() != before {
            self.flush();
        }
    }

    /// Whether something is held for want of a permit, and not for want of room.
    pub(super) fn wants_permit(&self) -> bool {
        !self.held.is_empty() && self.offered.len() < self.bounds.offered_max
    }

    /// A permit has been taken for the front of what is held.
    pub(super) fn use_permit(&mut self) {
        self.offer_held();
        self.admit();
        self.flush();
    }

    pub(super) fn flush(&mut self) {
        self.lane.flush();
    }

    /// Gives what has been settled since, in order, and its permits back. What nobody has dealt with is offered again.
    pub(super) fn settle(&mut self, each: &mut dyn FnMut(Arrival, Outcome)) {
        let mut settled = std::mem::take(&mut self.settled);
        loop {
            self.line.take(&mut settled);
            if settled.is_empty() {
                break;
            }
            let mut done = 0;
            for (_, settled) in settled.drain(..) {
                match settled {
                    Settled::Again(receipt) => self.offer_again(receipt),
                    Settled::Done(outcome) => {
                        self.offers = 1;
                        done += 1;
                        let Some(arrival) = self.offered.pop_front() else { continue };
                        self.unacknowledged -= usize::from(arrival.id != 0);
                        each(arrival, outcome);
                    }
                }
            }
            self.permits.give_back(done);
        }
        self.settled = settled;
        self.admit();
    }

    fn offer_again(&mut self, receipt: Receipt) {
        match self.offered.front() {
            Some(arrival) if self.offers < self.bounds.offers_max => {
                self.offers += 1;
                self.offered_again += 1;
                self.lane.offer(&arrival.packet, receipt);
                self.lane.flush();
            }
            Some(_) | None => {
                let message = format!("nobody could take the message after {} tries: send it again", self.offers);
                let refused = Refused { fault: Fault::Busy, code: "busy", message };
                // The bell would wake this very connection, which takes the answer next.
                drop(receipt.settle(Outcome::Rejected { seq: Seq(0), refused: Arc::new(refused) }));
            }
        }
    }

    /// Nothing more should be read now.
    pub(super) fn is_full(&self) -> bool {
        self.held.len() >= self.bounds.held_packets_max || self.held_bytes >= self.bounds.held_bytes_max
    }

    pub(super) fn is_drained(&self) -> bool {
        self.offered.is_empty() && self.held.is_empty()
    }

    /// QoS 1 messages the sender has no answer to.
    pub(super) fn unacknowledged(&self) -> usize {
        self.unacknowledged
    }

    /// How often something was offered again since this was last asked.
    pub(super) fn take_offered_again(&mut self) -> u64 {
        std::mem::take(&mut self.offered_again)
    }

    /// Lets everything run out when there is nobody left to answer. Permits stay taken until then, or reconnecting would be a way around them.
    pub(super) async fn drain(&mut self, each: &mut (dyn FnMut(Arrival, Outcome) + Send)) {
        loop {
            self.settle(each);
            if self.is_drained() {
                return;
            }
            tokio::select! {
                () = self.line.settled() => {}
                () = self.permits.take(), if self.wants_permit() => self.use_permit(),
            }
        }
    }
}
