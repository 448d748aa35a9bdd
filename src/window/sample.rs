//! What a window takes in and gives out: readings as numbers, and figures.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::reading::Timestamp;

/// A value as a number, or unknown. Booleans are 0 and 1, enums and severities their place in the list, texts a hash of 52 bits.
///
/// Stored as bits, so that unknown equals unknown and a state can be compared, written and read back bit for bit.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample(u64);

impl Sample {
    pub const UNKNOWN: Sample = Sample(u64::MAX);

    /// Not a number and infinite are unknown; zero has no sign.
    pub fn number(value: f64) -> Sample {
        if value.is_finite() { Sample((value + 0.0).to_bits()) } else { Sample::UNKNOWN }
    }

    pub fn truth(value: bool) -> Sample {
        Sample::number(f64::from(u8::from(value)))
    }

    /// A text or structure that is only ever compared: two different ones are taken for the same once in four quadrillion.
    pub fn hash(hash: u64) -> Sample {
        Sample::number((hash >> 12) as f64)
    }

    pub fn known(self) -> Option<f64> {
        (self != Sample::UNKNOWN).then(|| f64::from_bits(self.0))
    }

    pub fn is_known(self) -> bool {
        self != Sample::UNKNOWN
    }
}

impl fmt::Debug for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.known() {
            Some(value) => value.fmt(f),
            None => f.write_str("unknown"),
        }
    }
}

/// One reading of the member a window is over; instants are microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    pub at: i64,
    pub sample: Sample,
}

impl Reading {
    pub fn new(at: Timestamp, sample: Sample) -> Reading {
        Reading { at: at.0, sample }
    }
}

/// What an aggregate says.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Figure {
    /// Finite, always.
    Number(f64),
    Truth(bool),
    Unknown(Why),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// There is no known reading, or there are not enough of them.
    Empty,
    /// Too few of the expected contributions are known.
    Coverage,
    /// Not a finite number, or too large to be added up exactly.
    NotComputable,
}

impl Figure {
    pub fn number(value: f64) -> Figure {
        if value.is_finite() { Figure::Number(value + 0.0) } else { Figure::Unknown(Why::NotComputable) }
    }

    pub fn known(self) -> Option<f64> {
        match self {
            Figure::Number(value) => Some(value),
            Figure::Truth(value) => Some(f64::from(u8::from(value))),
            Figure::Unknown(_) => None,
        }
    }
}
