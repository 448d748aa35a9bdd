//! Chatter: an alarm that comes and goes so often that nobody can act on it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::reading::Timestamp;

/// This many raises of one identity …
pub const CHATTER_RAISES: usize = 3;
/// … within this time make it chatter …
pub const CHATTER_SPAN: Duration = Duration::from_mins(1);
/// … until it has been quiet for so long.
pub const CHATTER_QUIET: Duration = Duration::from_mins(10);

/// The newest raises of one identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chatter {
    /// Oldest first, at most [`CHATTER_RAISES`].
    #[serde(with = "super::stored_time::list")]
    raises: Vec<Timestamp>,
    pub is_chattering: bool,
}

impl Chatter {
    pub(super) fn begun(at: Timestamp) -> Chatter {
        Chatter { raises: vec![at], is_chattering: false }
    }

    pub(super) fn raise(&mut self, at: Timestamp) {
        self.is_chattering = self.is_chattering && !self.is_quiet_at(at);
        if self.raises.len() >= CHATTER_RAISES {
            self.raises.remove(0);
        }
        self.raises.push(at);
        let dense = self.raises.len() >= CHATTER_RAISES && self.raises.first().is_some_and(|first| first.plus(CHATTER_SPAN) >= at);
        self.is_chattering |= dense;
    }

    pub(super) fn calm(&mut self) {
        self.is_chattering = false;
    }

    /// When it ends, if no raise comes.
    pub fn ends_at(&self) -> Option<Timestamp> {
        self.raises.last().filter(|_| self.is_chattering).map(|last| last.plus(CHATTER_QUIET))
    }

    fn is_quiet_at(&self, at: Timestamp) -> bool {
        self.ends_at().is_some_and(|end| end <= at)
    }
}
