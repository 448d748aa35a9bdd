//! Conflated frames: what of a selection has changed since the client was last told, at the client's pace.
//!
//! A machine here is pure: it is asked with two clocks (one that never jumps, for the pace; the wall's, for staleness) and answers with a frame
//! or with what it waits for. What happens while nobody asks is folded into marks (`feed::Watch`), so a client that does not read costs what it
//! has selected and no more. `stream` turns a machine into a stream with real time.
//!
//! ```text
//! SNAPSHOT ─▶ DELTA* ─▶ RESYNC ─▶ SNAPSHOT ─▶ …
//! ```

mod interest;
mod members;
mod pace;
mod reading_frame;
mod readings;
mod stream;
#[cfg(test)]
mod tests;
mod twins;

use tokio::time::Instant;

use crate::feed::Watch;
use crate::reading::Timestamp;

pub use crate::api::session::Seen;
pub use interest::Interest;
pub use members::{Choice, Filter, RESCAN_EVERY};
pub use pace::{LOOK_EVERY, Rate};
pub use reading_frame::ReadingFrame;
pub use readings::{ReadingFrames, ReadingSelection, SeriesChoice};
pub use stream::frames;
pub use twins::{TwinFrame, TwinFrames};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameKind {
    Snapshot,
    Delta,
    /// Drop everything: a snapshot follows.
    Resync,
}

impl FrameKind {
    pub fn name(self) -> &'static str {
        match self {
            FrameKind::Snapshot => "SNAPSHOT",
            FrameKind::Delta => "DELTA",
            FrameKind::Resync => "RESYNC",
        }
    }
}

/// What a machine answers.
#[derive(Debug)]
pub enum Turn<F> {
    Frame(F),
    /// Ask again then; nothing that happens before matters.
    Sleep(Instant),
    /// Ask again when the watch says so, or then.
    Listen(Option<Instant>),
}

/// A machine that makes frames.
pub trait Conflation {
    type Frame;

    fn poll(&mut self, now: Instant, wall: Timestamp) -> Turn<Self::Frame>;

    /// Says `RESYNC`; a snapshot follows.
    fn begin_anew(&mut self, wall: Timestamp) -> Self::Frame;

    fn watch(&self) -> &Watch;
}
