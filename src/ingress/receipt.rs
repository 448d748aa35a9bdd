//! Receipts: what a delivery carries so that its sender hears of the commit, and the line on which a sender's receipts are settled in order.
//!
//! A [`Line`] belongs to one connection (or one HTTP request). Each packet takes a ticket on it; the gate settles tickets in any order; the owner
//! takes the settled *front*, so that acknowledgements leave in the order of the packets, many in one write. A receipt that is dropped
//! unsettled (its twin died with mail in its box) settles as [`Outcome::Dropped`], which tells the owner to offer the packet again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::reading::Seq;

/// The place of a packet on its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// What became of the readings of a packet (`rules.md`, 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    pub new: u16,
    pub duplicate: u16,
    pub conflict: u16,
    pub out_of_order: u16,
    pub too_old: u16,
    /// Too late for a window that was over.
    pub late: u16,
    pub rejected: u16,
    /// Values of the payload that nothing asks for.
    pub unmapped: u16,
}

impl Tally {
    pub fn add(&mut self, other: Tally) {
        self.new = self.new.saturating_add(other.new);
        self.duplicate = self.duplicate.saturating_add(other.duplicate);
        self.conflict = self.conflict.saturating_add(other.conflict);
        self.out_of_order = self.out_of_order.saturating_add(other.out_of_order);
        self.too_old = self.too_old.saturating_add(other.too_old);
        self.late = self.late.saturating_add(other.late);
        self.rejected = self.rejected.saturating_add(other.rejected);
        self.unmapped = self.unmapped.saturating_add(other.unmapped);
    }

    /// Readings that are now on disk, or were already.
    pub fn kept(&self) -> u32 {
        [self.new, self.duplicate, self.conflict, self.out_of_order, self.too_old, self.late].into_iter().map(u32::from).sum()
    }
}

/// Whose mistake it was; decides the reason code or status the sender gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// No binding, or not a topic that can carry readings.
    Topic,
    /// The twin does not exist and the policy says reject or quarantine.
    Twin,
    /// The payload, or a value in it.
    Payload,
    /// Nothing is wrong with the packet: we could not take it. It may be sent again.
    Busy,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub fault: Fault,
    pub code: &'static str,
    pub message: String,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Everything that will come of the packet is on disk. Parts of it may have been refused.
    Committed { seq: Seq, tally: Tally, refused: Option<Arc<Refused>> },
    /// Nothing of it could be used. The rejection is on disk as of `seq` (0: counted only, see `rejections_per_second_max`).
    Rejected { seq: Seq, refused: Arc<Refused> },
    /// Nobody has dealt with it: offer it again, or reject it as `Busy`.
    Dropped,
}

impl Outcome {
    fn merge(self, other: Outcome) -> Outcome {
        use Outcome::{Committed, Dropped, Rejected};
        match (self, other) {
            (Dropped, _) | (_, Dropped) => Dropped,
            (Committed { seq: a, mut tally, refused }, Committed { seq: b, tally: more, refused: also }) => {
                tally.add(more);
                Committed { seq: a.max(b), tally, refused: refused.or(also) }
            }
            (Committed { seq: a, tally, refused }, Rejected { seq: b, refused: also })
            | (Rejected { seq: b, refused: also }, Committed { seq: a, tally, refused }) => {
                Committed { seq: a.max(b), tally, refused: refused.or(Some(also)) }
            }
            (Rejected { seq: a, refused }, Rejected { seq: b, .. }) => Rejected { seq: a.max(b), refused },
        }
    }
}

#[derive(Debug)]
struct Place {
    parts: u32,
    outcome: Option<Outcome>,
}

#[derive(Debug, Default)]
struct Places {
    /// The ticket of the front place.
    first: u64,
    waiting: VecDeque<Place>,
}

#[derive(Debug, Default)]
pub struct Line {
    places: Mutex<Places>,
    /// Set when the owner has been told and has not come yet, so that a group of a thousand receipts wakes it once.
    told: AtomicBool,
    bell: Notify,
}

impl Line {
    pub fn new() -> Arc<Line> {
        Arc::new(Line::default())
    }

    /// The next ticket, at the end of the line.
    pub fn issue(self: &Arc<Line>) -> Receipt {
        let mut places = self.places.lock();
        let ticket = Ticket(places.first + places.waiting.len() as u64);
        places.waiting.push_back(Place { parts: 1, outcome: None });
        Receipt { line: Some(self.clone()), ticket }
    }

    /// How many tickets are out and not taken.
    pub fn len(&self) -> usize {
        self.places.lock().waiting.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits until [`Line::take`] has something to give.
    pub async fn settled(&self) {
        self.bell.notified().await;
    }

    /// The settled front of the line, in order. A dropped one at the front is given once and stays until it is settled:
    /// the receipt that comes with it is for the next try.
    pub fn take(self: &Arc<Line>, into: &mut Vec<(Ticket, Settled)>) {
        self.told.store(false, Ordering::Release);
        let mut places = self.places.lock();
        while let Some(Place { parts: 0, outcome }) = places.waiting.front_mut() {
            let Some(outcome) = outcome.take() else { break };
            let ticket = Ticket(places.first);
            if outcome == Outcome::Dropped {
                if let Some(place) = places.waiting.front_mut() {
                    place.parts = 1;
                }
                into.push((ticket, Settled::Again(Receipt { line: Some(self.clone()), ticket })));
                break;
            }
            places.waiting.pop_front();
            places.first += 1;
            into.push((ticket, Settled::Done(outcome)));
        }
    }

    /// Returns whether the front of the line can be taken now.
    fn settle(&self, ticket: Ticket, outcome: Outcome) -> bool {
        let mut places = self.places.lock();
        let Some(index) = ticket.0.checked_sub(places.first).and_then(|index| usize::try_from(index).ok()) else { return false };
        let Some(place) = places.waiting.get_mut(index) else { return false };
        place.parts = place.parts.saturating_sub(1);
        place.outcome = Some(match place.outcome.take() {
            None => outcome,
            Some(earlier) => earlier.merge(outcome),
        });
        let front_is_ready = places.waiting.front().is_some_and(|front| front.parts == 0);
        drop(places);
        front_is_ready && !self.told.swap(true, Ordering::AcqRel)
    }
}

/// What the owner of a line gets back for a ticket.
#[derive(Debug)]
pub enum Settled {
    Done(Outcome),
    /// Offer the packet again with this receipt, or settle it.
    Again(Receipt),
}

/// One part of one packet that somebody still has to deal with.
#[derive(Debug)]
pub struct Receipt {
    /// `None` once it is settled.
    line: Option<Arc<Line>>,
    ticket: Ticket,
}

impl Receipt {
    /// One more part of the same packet (it feeds several twins); the packet is settled when all its parts are.
    pub fn split(&self) -> Receipt {
        if let Some(line) = &self.line {
            let mut places = line.places.lock();
            let first = places.first;
            if let Some(place) = usize::try_from(self.ticket.0 - first).ok().and_then(|index| places.waiting.get_mut(index)) {
                place.parts += 1;
            }
        }
        Receipt { line: self.line.clone(), ticket: self.ticket }
    }

    pub fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// Says what became of this part. If the owner must be told now, the answer is its bell: ring it when all of the group is settled.
    #[must_use = "ring the bell, or the sender never hears of it"]
    pub fn settle(mut self, outcome: Outcome) -> Option<Bell> {
        let line = self.line.take()?;
        line.settle(self.ticket, outcome).then_some(Bell(line))
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        if let Some(line) = self.line.take()
            && line.settle(self.ticket, Outcome::Dropped)
        {
            line.bell.notify_one();
        }
    }
}

/// Wakes the owner of a line.
#[derive(Debug)]
pub struct Bell(Arc<Line>);

impl Bell {
    pub fn ring(self) {
        self.0.bell.notify_one();
    }
}
