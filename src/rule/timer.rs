//! In which order what is due at one instant is served, and what a start of the program does to what fell due while it was away.

use std::time::Duration;

use crate::reading::Timestamp;

/// How long delays wait after a start for the first reading of what they depend on.
pub const START_GRACE: Duration = Duration::from_secs(30);

/// Ties at one instant: after the readings come delays, then silence, then the ends of windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimerKind {
    RuleDelay,
    Silence,
    WindowEnd,
}

/// Sorted by instant, then kind, then the place in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timer {
    pub due: Timestamp,
    pub kind: TimerKind,
    pub place: u16,
}

/// When a delay that fell due on the wall at `due`, while the program was away, is served: not before a reading has come or the grace is over, so
/// that readings which waited for us are heard first. It is then served as of its own instant.
pub fn wake_after_start(due: Timestamp, started: Timestamp, heard_since_start: bool) -> Timestamp {
    if heard_since_start || due > started { due } else { started.plus(START_GRACE) }
}
