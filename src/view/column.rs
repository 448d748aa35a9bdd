//! One column: of every twin of a class, the value of one slot as a number, with its quality and when it was received.
//!
//! Whoever holds a row's tag (see `class`) writes; readers check the tag, so the two words of a row always belong together.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::{ArcSwap, Guard};
use parking_lot::Mutex;
use rust_decimal::prelude::ToPrimitive;

use crate::reading::{Quality, SlotNo, Timestamp, Value};
use crate::twin::State;

pub(super) const ROWS: usize = 1024;

/// What a column is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColumnKey {
    Slot(SlotNo),
    /// The twin's number.
    No,
    /// The first bytes of the twin's name.
    Name,
    Updated,
    LastSeen,
}

/// One entry of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// The bits of a double or a whole number; of a text its first eight bytes, the first the highest.
    pub bits: u64,
    quality: u64,
}

const HAS_VALUE: u64 = 4;

impl Word {
    const MISSING: Word = Word { bits: 0, quality: Quality::Missing as u64 };

    pub fn has_value(self) -> bool {
        self.quality & HAS_VALUE != 0
    }

    pub fn quality(self) -> Quality {
        Quality::from_code((self.quality & 3) as u8).unwrap_or(Quality::Missing)
    }

    pub fn received(self) -> Timestamp {
        Timestamp((self.quality as i64) >> 3)
    }

    fn new(bits: u64, quality: Quality, received: Timestamp) -> Word {
        // Times of the years 1 to 9999 fit in the bits that are left.
        Word { bits, quality: ((received.0 << 3) as u64) | HAS_VALUE | quality as u64 }
    }

    /// As a column of this key holds it.
    pub fn of(key: ColumnKey, state: &State) -> Word {
        match key {
            ColumnKey::Slot(no) => {
                let slot = state.slot(no);
                match &slot.value {
                    Some(value) => Word::new(bits(value), slot.quality, slot.received),
                    None => Word::MISSING,
                }
            }
            ColumnKey::No => Word::new(u64::from(state.no.0), Quality::Good, Timestamp(0)),
            ColumnKey::Name => Word::new(prefix(&state.name), Quality::Good, Timestamp(0)),
            ColumnKey::Updated => Word::new(state.updated.0 as u64, Quality::Good, Timestamp(0)),
            ColumnKey::LastSeen => match state.last_seen() {
                Some(seen) => Word::new(seen.0 as u64, Quality::Good, Timestamp(0)),
                None => Word::MISSING,
            },
        }
    }
}

/// Whole numbers, places of enum values, yes and no and instants as they are; decimals as the nearest double.
fn bits(value: &Value) -> u64 {
    match value {
        Value::Bool(value) => u64::from(*value),
        Value::Int(value) | Value::Time(value) | Value::Duration(value) | Value::Timestamp(Timestamp(value)) => *value as u64,
        Value::Double(value) => value.to_bits(),
        Value::Decimal(value) => value.to_f64().unwrap_or(f64::NAN).to_bits(),
        Value::Text(text) => prefix(text),
        Value::Date(days) => i64::from(*days) as u64,
        Value::Enum(place) => u64::from(*place),
        Value::Bytes(_) | Value::Json(_) => 0,
    }
}

/// Two texts whose prefixes differ are in the order of these.
pub fn prefix(text: &str) -> u64 {
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(text.as_bytes()).for_each(|(byte, own)| *byte = *own);
    u64::from_be_bytes(bytes)
}

#[derive(Debug)]
pub(super) struct Chunk {
    /// Of each row both words, side by side: one line of the cache.
    words: Box<[[AtomicU64; 2]]>,
}

impl Chunk {
    pub(super) const BYTES: usize = ROWS * 16;

    fn new() -> Chunk {
        let missing = || [Word::MISSING.bits, Word::MISSING.quality].map(AtomicU64::new);
        Chunk { words: (0..ROWS).map(|_| missing()).collect() }
    }

    pub(super) fn get(&self, at: usize) -> Word {
        let [bits, quality] = &self.words[at];
        Word { bits: bits.load(Ordering::Relaxed), quality: quality.load(Ordering::Relaxed) }
    }

    fn set(&self, at: usize, word: Word) {
        let [bits, quality] = &self.words[at];
        bits.store(word.bits, Ordering::Relaxed);
        quality.store(word.quality, Ordering::Relaxed);
    }
}

#[derive(Debug)]
pub struct Column {
    pub(super) key: ColumnKey,
    chunks: ArcSwap<Vec<Arc<Chunk>>>,
    growing: Mutex<()>,
    /// Every row has been filled.
    pub(super) is_whole: AtomicBool,
    /// When it was last asked for, in turns.
    pub(super) used: AtomicU64,
}

impl Column {
    pub(super) fn new(key: ColumnKey) -> Column {
        Column { key, chunks: ArcSwap::default(), growing: Mutex::new(()), is_whole: AtomicBool::new(false), used: AtomicU64::new(0) }
    }

    pub fn key(&self) -> ColumnKey {
        self.key
    }

    pub(super) fn bytes(&self) -> usize {
        self.chunks.load().len() * Chunk::BYTES
    }

    pub(super) fn chunks(&self) -> Guard<Arc<Vec<Arc<Chunk>>>> {
        self.chunks.load()
    }

    pub(super) fn write(&self, row: u32, state: &State) {
        let (chunk, at) = (row as usize / ROWS, row as usize % ROWS);
        let word = Word::of(self.key, state);
        if let Some(chunk) = self.chunks.load().get(chunk) {
            return chunk.set(at, word);
        }
        self.grow(chunk + 1);
        if let Some(chunk) = self.chunks.load().get(chunk) {
            chunk.set(at, word);
        }
    }

    fn grow(&self, chunks: usize) {
        let _one_at_a_time = self.growing.lock();
        let mut longer = Vec::clone(&self.chunks.load());
        while longer.len() < chunks {
            longer.push(Arc::new(Chunk::new()));
        }
        self.chunks.store(Arc::new(longer));
    }
}
