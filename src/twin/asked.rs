//! What a twin has asked others to do and has not heard the end of: kept until it is done, so that a crash loses nothing of it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::reading::Timestamp;
use crate::rule::{Ask, Request};

/// Beyond so many the oldest that only tells somebody is dropped; commands never are.
pub const ASKED_MAX: usize = 64;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    pub request: Request,
    #[serde(with = "crate::alarm::stored_time")]
    pub at: Timestamp,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    Done,
    /// It will not be tried again, and why.
    Failed(String),
    /// People were flooded with alarms: it is part of what they are told in sums.
    Grouped,
    /// There were too many others.
    Dropped,
    /// We went down just then: it may have been sent. A command is not sent twice.
    Unknown,
}

/// Shared with readers until it changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Asked(Option<Arc<Vec<Pending>>>);

impl Asked {
    pub fn restore(pending: Vec<Pending>) -> Asked {
        Asked(Some(pending).filter(|pending| !pending.is_empty()).map(Arc::new))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Pending> {
        self.0.iter().flat_map(|pending| pending.iter())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub fn get(&self, key: &str) -> Option<&Pending> {
        self.iter().find(|pending| pending.request.key == key)
    }

    /// What has to go so that there is room for one more. `Err`: there is none, because all are commands.
    pub(super) fn make_room(&self) -> Result<Option<SmolStr>, Full> {
        let Some(pending) = self.0.as_ref().filter(|pending| pending.len() >= ASKED_MAX) else { return Ok(None) };
        let oldest = pending.iter().find(|pending| !matches!(pending.request.ask, Ask::Command { .. }));
        oldest.map(|pending| Some(pending.request.key.clone())).ok_or(Full)
    }

    pub(super) fn ask(&mut self, request: &Request, at: Timestamp) {
        if self.get(&request.key).is_none() {
            Arc::make_mut(self.0.get_or_insert_default()).push(Pending { request: request.clone(), at });
        }
    }

    pub(super) fn end(&mut self, key: &str) {
        if let Some(pending) = &mut self.0 {
            Arc::make_mut(pending).retain(|pending| pending.request.key != key);
        }
        if self.0.as_ref().is_some_and(|pending| pending.is_empty()) {
            self.0 = None;
        }
    }
}

/// There is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;
