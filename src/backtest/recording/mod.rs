//! What was recorded, line by line: files that hold more than fits into memory are read as they are needed.
//!
//! A line that cannot be used is a [`Refused`] and the next one is read, as a running system goes on after a bad message. An [`Error`] is the end:
//! there is no such column, or the file is not what it was said to be.

mod csv_file;
mod rows;
mod time;

use std::fmt;
use std::sync::Arc;

use crate::catalog::layout::{Layout, Section};
use crate::catalog::{Catalog, TwinSpec};
use crate::codec::{EventSaid, event};
use crate::reading::{Group, SlotNo, Timestamp, TwinId, Value};
use crate::source::{did_you_mean, list_some};
use crate::twin::{Input, NEVER_AWAY, Received};

use super::plant::FUTURE_TOLERANCE;

pub use csv_file::{Csv, CsvOptions, Times, Which};
pub use rows::{ROWS_BYTES_MAX, Rows, RowsOptions};
pub use time::read_time;

/// The longest line, or row of a table whose quotes go over several.
pub const LINE_BYTES_MAX: usize = 1 << 20;

/// A line that names no twin is compared with so many at most.
const SUGGESTION_TWINS_MAX: usize = 10_000;

/// Readings of one twin at one instant.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub twin: TwinId,
    /// The form of the type that numbers the slots.
    pub layout: Arc<Layout>,
    pub group: Group,
    /// `None`: it is not known, and the event time counts.
    pub received: Option<Timestamp>,
}

/// Somebody set a property, or took its value away.
#[derive(Debug, Clone)]
pub struct Set {
    pub twin: TwinId,
    pub layout: Arc<Layout>,
    pub slot: SlotNo,
    pub value: Option<Value>,
    pub at: Timestamp,
}

/// Something that came from outside and is no reading: an event of the type, what somebody did to an alarm, a rule or the whole twin.
#[derive(Debug, Clone)]
pub struct Noted {
    pub twin: TwinId,
    pub layout: Arc<Layout>,
    /// When it was taken in.
    pub at: Timestamp,
    pub input: Box<Input>,
}

impl Noted {
    /// An event that the type must declare. The receipt time is that of the event where it is not known; `Ok(None)`: no time is.
    fn event((twin, layout): (TwinId, &Arc<Layout>), said: EventSaid, received: Option<Timestamp>) -> Result<Option<Noted>, String> {
        let EventSaid { name, time, body } = said;
        event::decode(layout, &name, &[]).map_err(|problem| problem.message)?;
        let Some(at) = received.or(time) else { return Ok(None) };
        let input = Input::happened(layout, name, time, body, Received { at, future_tolerance: FUTURE_TOLERANCE, started: NEVER_AWAY });
        Ok(Some(Noted { twin, layout: layout.clone(), at, input: Box::new(input) }))
    }
}

#[derive(Debug, Clone)]
pub enum Found {
    Recorded(Recorded),
    /// Only a journal knows of these.
    Set(Set),
    Noted(Noted),
    Refused(Refused),
}

impl Found {
    /// By when it came in. What was set or switched before the range is how its twins are in the beginning.
    pub fn is_within(&self, from: Option<Timestamp>, to: Option<Timestamp>) -> bool {
        let (came, lasts) = match self {
            Found::Recorded(recorded) => (recorded.received.or(recorded.group.time), false),
            Found::Set(set) => (Some(set.at), true),
            Found::Noted(noted) => (Some(noted.at), matches!(*noted.input, Input::Managed(_))),
            Found::Refused(_) => (None, false),
        };
        let Some(came) = came else { return true };
        (lasts || from.is_none_or(|from| came >= from)) && to.is_none_or(|to| came < to)
    }
}

/// Something in a recording that could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub file: Arc<str>,
    /// From 1; of a journal, the number of the entry.
    pub line: u64,
    pub message: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

/// Why a recording cannot be read, or not any further.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("{file}:{line}: {message}")]
    Line { file: Arc<str>, line: u64, message: String },
    #[error("{file}: {message}")]
    File { file: Arc<str>, message: String },
}

impl Error {
    pub fn of_file(file: impl Into<Arc<str>>, message: impl Into<String>) -> Error {
        Error::File { file: file.into(), message: message.into() }
    }
}

/// A twin of the workspace by its id.
fn twin_of<'c>(catalog: &'c Catalog, id: &str) -> Result<&'c TwinSpec, String> {
    catalog.twin(id).ok_or_else(|| {
        let near = did_you_mean(id, catalog.twins.iter().take(SUGGESTION_TWINS_MAX).map(|twin| twin.id.as_str()));
        let shown: String = id.chars().take(60).collect();
        format!("the workspace has no twin `{shown}`{}", meant(near))
    })
}

fn meant(near: Option<&str>) -> String {
    near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

/// A name that is none of those that there are.
fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    format!("{what} `{name}`{} (there are: {})", meant(did_you_mean(name, known.clone())), list_some(known))
}

/// The telemetry of a type by path, for messages.
fn telemetry(layout: &Layout) -> impl Iterator<Item = &str> + Clone {
    layout.slots.iter().filter(|slot| slot.section == Section::Telemetry).map(|slot| &*slot.path)
}
