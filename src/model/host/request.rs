//! What is asked of a host, and what it answers.

use std::sync::Arc;

use crate::model::backend::{Batch, Kind, Outputs, RunError};
use crate::reading::{Timestamp, TwinNo};

/// Who asks: one attachment of one twin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    pub twin: TwinNo,
    pub attachment: u32,
}

/// Twins go before people who score rows by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    Twin(Key),
    Scoring,
}

/// Called once, from a thread of the host: it must not wait for anything.
pub type Reply = Box<dyn FnOnce(Answer) + Send>;

pub struct Request {
    pub urgency: Urgency,
    /// Mostly one row; scoring brings more.
    pub batch: Batch,
    pub asked: Timestamp,
    pub reply: Reply,
}

/// What ran: no answer is ever of two versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    pub model: String,
    pub version: String,
    pub sha256: [u8; 32],
    pub backend: Kind,
    /// Of the runtime's library, where it has one.
    pub library: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Answer {
    pub version: Arc<Version>,
    /// One for each row of the request.
    pub rows: Vec<Result<Outputs, RunError>>,
    pub queued_micros: u64,
    /// Of the run that it was part of; nothing if it was in none.
    pub run: Option<Run>,
}

/// The batch that a request was part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    pub micros: u64,
    pub rows: usize,
    /// Where the first row of the request stood.
    pub position: usize,
}

impl Request {
    pub(super) fn key(&self) -> Option<Key> {
        match self.urgency {
            Urgency::Twin(key) => Some(key),
            Urgency::Scoring => None,
        }
    }

    /// All its rows come to the same end without having run.
    pub(super) fn refuse(self, version: &Arc<Version>, now: Timestamp, error: &RunError) {
        let rows = vec![Err(error.clone()); self.batch.rows];
        let queued_micros = micros_between(self.asked, now);
        (self.reply)(Answer { version: Arc::clone(version), rows, queued_micros, run: None });
    }
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request").field("urgency", &self.urgency).field("rows", &self.batch.rows).finish_non_exhaustive()
    }
}

/// A clock that was set back gives zero.
pub(super) fn micros_between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.micros_since(from)).unwrap_or(0)
}
