//! What a measurement is made of: identities, instants, values, quality and units.
//!
//! Everything here is plain data without I/O; every other module may use it and it uses none of them.

mod duration;
mod id;
mod quality;
mod time;
pub mod unit;
mod value;

pub use duration::{format_duration, parse_duration};
pub use id::{InvalidId, Revision, Seq, SlotNo, TwinId, TwinNo};
pub use quality::{Quality, Reason};
pub use time::{InvalidTime, Now, Timestamp};
pub use value::{Raw, Value};

/// Readings of one instant: they are one evaluation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Group {
    /// When it happened, as the sender said; `None` means the receipt time counts.
    pub time: Option<Timestamp>,
    pub readings: Vec<Reading>,
}

/// Why one value (or a whole payload) cannot be used. It becomes a rejection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub code: &'static str,
    /// The member or path it is about.
    pub field: Option<String>,
    pub message: String,
}

/// One value of one slot, checked and in the unit of the slot: what a codec makes and a twin takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    pub slot: SlotNo,
    pub value: Value,
    pub quality: Quality,
    pub reason: Reason,
}
