//! The durable window against duplicates: fingerprints of the deliveries a twin has lately accepted.
//!
//! A device that did not hear its acknowledgement sends again, perhaps after newer messages and a crash of ours. Its readings are then older
//! than the newest, so comparing with the newest value alone would record them a second time.

use std::collections::VecDeque;

use foldhash::HashSet;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::reading::{Reading, Timestamp, Value};
use crate::rule::detector::Messages;

/// How many deliveries an awake twin remembers, however long ago they were.
pub const RECENT_KEPT: usize = 128;
/// A busy twin remembers all that came within so many seconds of the newest: what an external broker that went away has not heard of, it sends
/// again as a whole, and that is up to a window of the connection.
pub const RECENT_SPAN_S: i64 = 10;
/// Also then not more than this: twice the usual window of a connection to a broker.
pub const RECENT_MAX: usize = 16_384;
/// With more than so many, looking through all of them would cost more than an index.
const INDEXED_FROM: usize = 256;
/// How many of them it keeps when it goes to rest.
pub const RECENT_AT_REST_MAX: usize = 32;

/// A hash of the event time, slots and values of one group of readings. It is stored, so the function never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub u64);

impl Fingerprint {
    pub fn of(time: Timestamp, readings: &[Reading]) -> Fingerprint {
        let mut hash = xxh3_64_with_seed(&time.0.to_le_bytes(), 0);
        for reading in readings {
            let place = (u64::from(reading.slot.0) << 8) | u64::from(reading.quality as u8);
            hash = hash_value(&reading.value, hash ^ place);
        }
        Fingerprint(hash)
    }

    /// Of what has a name that nothing else has: an idempotency key, the id of an alarm.
    pub fn named(name: &str) -> Fingerprint {
        Fingerprint(xxh3_64_with_seed(name.as_bytes(), 0))
    }
}

fn hash_value(value: &Value, seed: u64) -> u64 {
    match value {
        Value::Bool(value) => xxh3_64_with_seed(&[u8::from(*value)], seed),
        Value::Int(value) | Value::Time(value) | Value::Duration(value) => xxh3_64_with_seed(&value.to_le_bytes(), seed),
        Value::Timestamp(value) => xxh3_64_with_seed(&value.0.to_le_bytes(), seed),
        Value::Double(value) => xxh3_64_with_seed(&value.to_bits().to_le_bytes(), seed),
        Value::Decimal(value) => xxh3_64_with_seed(&value.normalize().serialize(), seed),
        Value::Text(value) => xxh3_64_with_seed(value.as_bytes(), seed),
        Value::Date(value) => xxh3_64_with_seed(&value.to_le_bytes(), seed),
        Value::Enum(value) => xxh3_64_with_seed(&value.to_le_bytes(), seed),
        Value::Bytes(value) => xxh3_64_with_seed(value, seed),
        Value::Json(value) => xxh3_64_with_seed(value.to_string().as_bytes(), seed),
    }
}

/// What a twin has lately been told. Most twins of a large plant have been told nothing: they pay for one pointer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recent {
    window: Option<Box<Window>>,
    /// Messages to which their senders have given an id.
    messages: Option<Box<Messages>>,
}

/// The newest fingerprints, oldest first.
#[derive(Debug, Clone, Default)]
struct Window {
    fingerprints: VecDeque<u64>,
    /// How many came in each second of the span, oldest first: the seconds since 1970, and the number.
    lately: VecDeque<(i64, u32)>,
    /// The same fingerprints, of a busy twin only.
    index: Option<Box<HashSet<u64>>>,
}

/// The index adds nothing to what is known.
impl PartialEq for Window {
    fn eq(&self, other: &Window) -> bool {
        self.fingerprints == other.fingerprints && self.lately == other.lately
    }
}

impl Eq for Window {}

impl Recent {
    pub fn contains(&self, fingerprint: Fingerprint) -> bool {
        self.window.as_ref().is_some_and(|window| window.contains(fingerprint))
    }

    /// `at` is when it was recorded. A clock that is set back makes the span longer, for once.
    pub(super) fn remember(&mut self, fingerprint: Fingerprint, at: Timestamp) {
        self.window.get_or_insert_default().remember(fingerprint, at);
    }

    pub(super) fn rest(&mut self) {
        if let Some(window) = &mut self.window {
            window.lately = VecDeque::new();
            window.keep(RECENT_AT_REST_MAX);
            window.fingerprints.shrink_to_fit();
        }
    }

    /// Whether going to rest would free anything.
    pub fn is_worth_resting(&self) -> bool {
        self.window.as_ref().is_some_and(|window| window.fingerprints.len() > RECENT_AT_REST_MAX)
    }

    pub fn fingerprints(&self) -> Vec<u64> {
        self.window.iter().flat_map(|window| window.fingerprints.iter().copied()).collect()
    }

    /// The seconds of the span, and how many came in each.
    pub fn lately(&self) -> Vec<(i64, u32)> {
        self.window.iter().flat_map(|window| window.lately.iter().copied()).collect()
    }

    /// From a checkpoint.
    pub fn restore(fingerprints: Vec<u64>, lately: Vec<(i64, u32)>) -> Recent {
        if fingerprints.is_empty() && lately.is_empty() {
            return Recent::default();
        }
        let mut window = Window { fingerprints: fingerprints.into(), lately: lately.into(), index: None };
        window.keep(RECENT_MAX);
        Recent { window: Some(Box::new(window)), messages: None }
    }

    /// Whether a message of this id, sent then, came a short while before.
    pub fn is_repeated(&self, message: u64, sent: Timestamp) -> bool {
        self.messages.as_ref().is_some_and(|messages| messages.is_repeated(message, sent))
    }

    pub(super) fn remember_message(&mut self, message: u64, at: Timestamp) {
        self.messages.get_or_insert_default().remember(message, at);
    }

    pub fn messages(&self) -> Option<&Messages> {
        self.messages.as_deref()
    }

    pub fn with_messages(self, messages: Option<Messages>) -> Recent {
        Recent { messages: messages.map(Box::new), ..self }
    }
}

impl Window {
    fn contains(&self, fingerprint: Fingerprint) -> bool {
        match &self.index {
            Some(index) => index.contains(&fingerprint.0),
            None => self.fingerprints.contains(&fingerprint.0),
        }
    }

    fn remember(&mut self, fingerprint: Fingerprint, at: Timestamp) {
        let second = at.0.div_euclid(1_000_000);
        match self.lately.back_mut() {
            Some((newest, count)) if *newest >= second => *count = count.saturating_add(1),
            Some(_) | None => self.lately.push_back((second, 1)),
        }
        while self.lately.front().is_some_and(|(oldest, _)| *oldest < second.saturating_sub(RECENT_SPAN_S)) {
            self.lately.pop_front();
        }
        self.fingerprints.push_back(fingerprint.0);
        if let Some(index) = &mut self.index {
            index.insert(fingerprint.0);
        }
        let lately: usize = self.lately.iter().map(|(_, count)| *count as usize).sum();
        self.keep(lately.clamp(RECENT_KEPT, RECENT_MAX));
    }

    fn keep(&mut self, count: usize) {
        let excess = self.fingerprints.len().saturating_sub(count);
        for forgotten in self.fingerprints.drain(..excess) {
            if let Some(index) = &mut self.index {
                index.remove(&forgotten);
            }
        }
        match self.fingerprints.len() {
            len if len <= RECENT_KEPT => self.index = None,
            len if len > INDEXED_FROM && self.index.is_none() => self.index = Some(Box::new(self.fingerprints.iter().copied().collect())),
            _ => {}
        }
        // After a rush its room is given back.
        if self.fingerprints.capacity() > 4 * self.fingerprints.len().max(RECENT_KEPT) {
            self.fingerprints.shrink_to_fit();
        }
    }
}
