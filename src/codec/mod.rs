//! Codecs: payload bytes to readings. Pure; one file per format; no bytes make one panic.
//!
//! A payload that cannot be read at all is an `Err`. Anything smaller that is wrong (a type, a bound, a name said twice) is a [`Problem`] of that
//! one reading, and the rest of the payload goes on. `null` says nothing: it is neither a reading nor a problem.

pub mod envelope;
pub mod event;
mod json;
pub mod json_path;
mod key;
pub mod mapped;
pub mod messages;
pub mod native;
mod sink;
mod target;
pub mod time;
pub mod topic;
mod wrapped;

pub use envelope::Envelope;
pub use event::EventSaid;
pub use json::parse as parse_json;
pub use mapped::Mapped;
pub use topic::{Captures, Route, Router, Unrouted};

use crate::reading::{Group, Problem, Reading, SlotNo, Timestamp};

/// The largest payload unless the configuration says otherwise; checked by whoever holds the bytes.
pub const PAYLOAD_BYTES_MAX: usize = 1 << 20;
/// The most readings and problems of one payload together.
pub const READINGS_MAX: usize = 10_000;
/// How deep a payload may nest.
pub const NESTING_MAX: usize = 64;

/// What a payload says. Keep one and hand it to every call: its buffers are used again.
#[derive(Debug, Default)]
pub struct Decoded {
    /// In the order of the payload; values with times of their own follow the object they stand in, by time.
    pub groups: Vec<Group>,
    /// Values that nothing asks for.
    pub unmapped: u16,
    /// Each is one reading (or one unwanted value) that is refused.
    pub problems: Vec<Problem>,
    /// Events that are said to have happened.
    pub events: Vec<EventSaid>,
    scratch: Scratch,
}

/// Of the object that is being read.
#[derive(Debug, Default)]
struct Scratch {
    /// One bit per slot: it has been said.
    seen: Vec<u64>,
    said_twice: Vec<SlotNo>,
    /// Readings with times of their own.
    stamped: Vec<(Timestamp, Reading)>,
}

impl Decoded {
    pub fn clear(&mut self) {
        self.groups.clear();
        self.unmapped = 0;
        self.problems.clear();
        self.events.clear();
    }

    pub fn reading_count(&self) -> usize {
        self.groups.iter().map(|group| group.readings.len()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }
}

/// The payload as text, without a byte order mark.
fn text(payload: &[u8]) -> Result<&str, Problem> {
    let text = std::str::from_utf8(payload).map_err(|error| Problem {
        code: "NOT_UTF8",
        field: None,
        message: format!("the payload is not UTF-8: byte {} cannot be read", error.valid_up_to()),
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}
