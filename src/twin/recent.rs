//! The durable window against duplicates: fingerprints of the deliveries a twin has lately accepted.
//!
//! A device that did not hear its acknowledgement sends again, perhaps after newer messages and a crash of ours. Its readings are then older
//! than the newest, so comparing with the newest value alone would record them a second time.

use std::collections::VecDeque;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::reading::{Reading, Timestamp, Value};

/// How many deliveries an awake twin remembers.
pub const RECENT_MAX: usize = 128;
/// How many of them it keeps when it goes to rest.
pub const RECENT_AT_REST_MAX: usize = 16;

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

/// The newest fingerprints, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recent(VecDeque<u64>);

impl Recent {
    pub fn contains(&self, fingerprint: Fingerprint) -> bool {
        self.0.contains(&fingerprint.0)
    }

    pub(super) fn remember(&mut self, fingerprint: Fingerprint) {
        if self.0.len() == RECENT_MAX {
            self.0.pop_front();
        }
        self.0.push_back(fingerprint.0);
    }

    pub(super) fn rest(&mut self) {
        let excess = self.0.len().saturating_sub(RECENT_AT_REST_MAX);
        self.0.drain(..excess);
        self.0.shrink_to_fit();
    }

    /// Whether going to rest would free anything.
    pub fn is_worth_resting(&self) -> bool {
        self.0.len() > RECENT_AT_REST_MAX
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = u64> + '_ {
        self.0.iter().copied()
    }

    /// From a checkpoint; more than fits is cut at the old end.
    pub fn restore(fingerprints: impl IntoIterator<Item = u64>) -> Recent {
        let mut recent = Recent(fingerprints.into_iter().collect());
        let excess = recent.0.len().saturating_sub(RECENT_MAX);
        recent.0.drain(..excess);
        recent
    }
}
