//! Messages that have been heard lately: the same one again within five minutes is dropped (D3).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::reading::Timestamp;

/// Per detector; with more the oldest are forgotten.
pub const MESSAGES_MAX: usize = 256;
pub const REPEATED_WITHIN: Duration = Duration::from_mins(5);

/// By a hash of the input's name and the message's id; oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Messages(Vec<(u64, i64)>);

impl Messages {
    pub fn is_repeated(&self, message: u64, at: Timestamp) -> bool {
        self.0.iter().any(|(heard, time)| *heard == message && Timestamp(*time).plus(REPEATED_WITHIN) >= at)
    }

    pub fn remember(&mut self, message: u64, at: Timestamp) {
        self.0.retain(|(_, time)| Timestamp(*time).plus(REPEATED_WITHIN) >= at);
        if self.0.len() >= MESSAGES_MAX {
            self.0.remove(0);
        }
        self.0.push((message, at.0));
    }
}
