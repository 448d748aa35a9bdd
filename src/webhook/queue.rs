//! What one hook has to deliver: which delivery is next and when, how many are under way, and that each is there once.
//!
//! Pure: time is the span since the hook was made, and comes in. First attempts and repetitions stand in one line by the time they are due, so
//! neither keeps the other waiting for ever, and first attempts begin in the order in which they were asked for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use smol_str::SmolStr;

use super::Delivery;

/// Those who want to hear of the end of one delivery. More than one asks for it if its twin was awakened anew meanwhile.
const ASKERS_MAX: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) in_flight_max: usize,
    pub(super) deliveries_max: usize,
    pub(super) bytes_max: usize,
}

/// Why a delivery is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoRoom {
    Now,
    /// There never will be.
    Ever,
    /// The queue is closed.
    Closed,
}

#[derive(Debug)]
pub(super) enum Next {
    Attempt(Attempt),
    /// When to ask again, unless something happens before.
    At(Duration),
    /// Nothing until something happens.
    Idle,
}

#[derive(Debug, Clone)]
pub(super) struct Attempt {
    pub(super) delivery: Arc<Delivery>,
    /// Attempts before this one.
    pub(super) failed: u32,
}

/// `A` is who is to be told of the end.
#[derive(Debug)]
pub(super) struct Queue<A> {
    bounds: Bounds,
    /// All of them, waiting and under way.
    entries: BTreeMap<SmolStr, Entry<A>>,
    /// Those that wait, by when they are due; the number keeps the order among equals.
    line: BTreeMap<(Duration, u64), SmolStr>,
    serial: u64,
    bytes: usize,
    /// The receiver asked for quiet until then.
    quiet_until: Duration,
    is_closed: bool,
}

#[derive(Debug)]
struct Entry<A> {
    delivery: Arc<Delivery>,
    askers: Vec<A>,
    failed: u32,
    is_under_way: bool,
}

impl<A> Queue<A> {
    pub(super) fn new(bounds: Bounds) -> Queue<A> {
        Queue {
            bounds,
            entries: BTreeMap::new(),
            line: BTreeMap::new(),
            serial: 0,
            bytes: 0,
            quiet_until: Duration::ZERO,
            is_closed: false,
        }
    }

    pub(super) fn admit(&mut self, delivery: Delivery, asker: A, now: Duration) -> Result<(), NoRoom> {
        if self.is_closed {
            return Err(NoRoom::Closed);
        }
        if let Some(entry) = self.entries.get_mut(&delivery.key) {
            if entry.askers.len() >= ASKERS_MAX {
                return Err(NoRoom::Now);
            }
            entry.askers.push(asker);
            return Ok(());
        }
        let bytes = size(&delivery);
        if bytes > self.bounds.bytes_max {
            return Err(NoRoom::Ever);
        }
        if self.entries.len() >= self.bounds.deliveries_max || self.bytes + bytes > self.bounds.bytes_max {
            return Err(NoRoom::Now);
        }
        self.bytes += bytes;
        let key = delivery.key.clone();
        self.stand_in_line(key.clone(), now);
        self.entries.insert(key, Entry { delivery: Arc::new(delivery), askers: vec![asker], failed: 0, is_under_way: false });
        Ok(())
    }

    /// What to do now. An attempt that is given out is under way until it is settled or put back.
    pub(super) fn next(&mut self, now: Duration) -> Next {
        if self.is_closed || self.in_flight() >= self.bounds.in_flight_max {
            return Next::Idle;
        }
        let Some(first) = self.line.first_entry() else { return Next::Idle };
        let due = first.key().0.max(self.quiet_until);
        if due > now {
            return Next::At(due);
        }
        let key = first.remove();
        match self.entries.get_mut(&key) {
            Some(entry) => {
                entry.is_under_way = true;
                Next::Attempt(Attempt { delivery: entry.delivery.clone(), failed: entry.failed })
            }
            None => Next::At(now),
        }
    }

    /// Ends a delivery. The answer is who wants to know.
    pub(super) fn settle(&mut self, key: &str) -> Vec<A> {
        let Some(entry) = self.entries.remove(key) else { return Vec::new() };
        self.bytes = self.bytes.saturating_sub(size(&entry.delivery));
        entry.askers
    }

    /// An attempt has failed: the next one is due then.
    pub(super) fn again(&mut self, key: &SmolStr, due: Duration) {
        if let Some(entry) = self.entries.get_mut(key).filter(|entry| entry.is_under_way) {
            entry.failed = entry.failed.saturating_add(1);
            entry.is_under_way = false;
            self.stand_in_line(key.clone(), due);
        }
    }

    /// An attempt was broken off from our side and does not count. One that has come to an end is left as it is.
    pub(super) fn put_back(&mut self, key: &SmolStr, now: Duration) {
        if let Some(entry) = self.entries.get_mut(key).filter(|entry| entry.is_under_way) {
            entry.is_under_way = false;
            self.stand_in_line(key.clone(), now);
        }
    }

    /// The receiver wants to be left alone: nothing at all goes out before then.
    pub(super) fn quiet_until(&mut self, until: Duration) {
        self.quiet_until = self.quiet_until.max(until);
    }

    /// From now on nothing is taken and nothing is given out.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
    }

    /// Everything that waits leaves; what is under way stays until it is settled or put back.
    pub(super) fn clear_line(&mut self) -> Vec<A> {
        let keys: Vec<SmolStr> = std::mem::take(&mut self.line).into_values().collect();
        keys.iter().flat_map(|key| self.settle(key)).collect()
    }

    pub(super) fn waiting(&self) -> usize {
        self.line.len()
    }

    pub(super) fn in_flight(&self) -> usize {
        self.entries.len() - self.line.len()
    }

    fn stand_in_line(&mut self, key: SmolStr, due: Duration) {
        self.serial += 1;
        self.line.insert((due, self.serial), key);
    }
}

/// What a delivery takes up: its key is kept three times, in itself and in both tables.
pub(super) fn size(delivery: &Delivery) -> usize {
    delivery.body.len() + 3 * delivery.key.len()
}
