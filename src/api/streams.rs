//! Lossless streams: every change once, in order, from a cursor on and then live. What a client costs is its position.
//!
//! The past comes from the journal, the present from the log that all live streams share; a stream that cannot keep up falls back to the
//! journal by itself. What retention has deleted is announced as a gap and never passed over in silence.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::Stream;
use futures_util::stream::unfold;
use tracing::error;

use crate::feed::{Change, ChangeKind, Follower, Happening, Position, Recorded, Taken};
use crate::reading::Seq;
use crate::runtime::Runtime;
use crate::runtime::changes::{Error, Past};
use crate::twin::State;

use super::error::{ApiError, Code};

/// Changes taken from the log at once.
const TAKEN_AT_ONCE: usize = 256;
/// When the journal gives nothing although something was released, it is asked again after this.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// Which stream a cursor belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamName {
    Changes,
    Alarms,
    Events,
}

impl StreamName {
    fn tag(self) -> u8 {
        match self {
            StreamName::Changes => b'c',
            StreamName::Alarms => b'a',
            StreamName::Events => b'e',
        }
    }
}

const CURSOR_VERSION: u8 = 1;
const CURSOR_BYTES: usize = 14;

/// A position as clients carry it: everything before it has been delivered.
pub fn encode_cursor(stream: StreamName, position: Position) -> String {
    let mut bytes = [0; CURSOR_BYTES];
    bytes[0] = CURSOR_VERSION;
    bytes[1] = stream.tag();
    bytes[2..10].copy_from_slice(&position.seq.0.to_be_bytes());
    bytes[10..14].copy_from_slice(&position.index.to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Why `after` cannot be gone on from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCursor {
    #[error("it cannot be read")]
    Unreadable,
    #[error("it was written by another version of Pollux")]
    OtherVersion,
    #[error("it comes from another stream")]
    OtherStream,
}

impl From<BadCursor> for ApiError {
    fn from(bad: BadCursor) -> ApiError {
        let hint = "pass the `cursor` of an item of this subscription as it came, or leave `after` out to begin now";
        ApiError::new(Code::BadCursor, format!("`after` is not a cursor of this subscription: {bad}")).hint(hint)
    }
}

pub fn decode_cursor(stream: StreamName, text: &str) -> Result<Position, BadCursor> {
    // Longer ones are not even looked at.
    let bytes = if text.len() > 2 * CURSOR_BYTES { None } else { URL_SAFE_NO_PAD.decode(text).ok() };
    let bytes: [u8; CURSOR_BYTES] = bytes.and_then(|bytes| bytes.try_into().ok()).ok_or(BadCursor::Unreadable)?;
    if bytes[0] != CURSOR_VERSION {
        return Err(BadCursor::OtherVersion);
    }
    if bytes[1] != stream.tag() {
        return Err(BadCursor::OtherStream);
    }
    let (mut seq, mut index) = ([0; 8], [0; 4]);
    seq.copy_from_slice(&bytes[2..10]);
    index.copy_from_slice(&bytes[10..14]);
    Ok(Position { seq: Seq(u64::from_be_bytes(seq)), index: u32::from_be_bytes(index) })
}

/// A condition on a change and its twin as it is now; the twin is `None` if it is gone, which is for the condition to judge.
pub type ChangeCondition = Arc<dyn Fn(&Change, Option<&State>) -> bool + Send + Sync>;

/// Which changes a client wants.
#[derive(Clone, Default)]
pub struct ChangeFilter {
    /// Empty: all.
    pub kinds: Vec<ChangeKind>,
    pub twin: Option<ChangeCondition>,
}

impl fmt::Debug for ChangeFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangeFilter").field("kinds", &self.kinds).field("twin", &self.twin.is_some()).finish()
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum StreamEvent<T> {
    Item(Arc<T>),
    /// The past is delivered; from here on it is live.
    CaughtUp,
    /// Changes of these commits may have been missed: look at what you show again.
    Gap {
        from: Seq,
        to: Seq,
        reason: String,
    },
}

impl<T> StreamEvent<T> {
    /// `StreamKind`
    pub fn kind(&self) -> &'static str {
        match self {
            StreamEvent::Item(_) => "ITEM",
            StreamEvent::CaughtUp => "CAUGHT_UP",
            StreamEvent::Gap { .. } => "GAP",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct StreamItem<T> {
    /// Where to go on after this item.
    pub cursor: String,
    pub seq: Seq,
    pub event: StreamEvent<T>,
}

pub type ChangeItem = StreamItem<Change>;

/// Changes from `after` on; without it from now on. It ends only with an error.
pub fn changes(runtime: Arc<Runtime>, after: Option<Position>, filter: ChangeFilter) -> impl Stream<Item = Result<ChangeItem, ApiError>> {
    let reader = runtime.clone();
    let wants = move |change: &Change| {
        if !filter.kinds.is_empty() && !filter.kinds.contains(&change.kind) {
            return false;
        }
        let Some(wants) = &filter.twin else { return true };
        let state = reader.view().twin(change.id.as_str()).map(|cell| cell.state());
        wants(change, state.as_deref())
    };
    lossless(runtime, StreamName::Changes, after, Arc::new(wants))
}

/// Whether a client wants to hear of it.
pub type Wants<T> = Arc<dyn Fn(&T) -> bool + Send + Sync>;

/// What happens to alarms, or events of types, as `wants` says.
pub fn happenings(
    runtime: Arc<Runtime>,
    name: StreamName,
    after: Option<Position>,
    wants: Wants<Happening>,
) -> impl Stream<Item = Result<StreamItem<Happening>, ApiError>> {
    lossless(runtime, name, after, wants)
}

fn lossless<T: Recorded>(
    runtime: Arc<Runtime>,
    name: StreamName,
    after: Option<Position>,
    wants: Wants<T>,
) -> impl Stream<Item = Result<StreamItem<T>, ApiError>> {
    let follower = T::log(runtime.feed()).follow();
    // Asked after the follower is known, so that nothing falls between the two.
    let released = runtime.view().seq();
    let stream = Lossless {
        follower,
        name,
        position: after.unwrap_or(Position::behind(released)),
        beyond: after.filter(|after| *after > Position::behind(released)).map(|_| released),
        waiting: VecDeque::new(),
        behind_waiting: Position::at(Seq(0)),
        past: None,
        memory: T::Memory::default(),
        past_ends: Position::behind(released),
        is_caught_up: false,
        wants,
        runtime,
    };
    unfold(Some(stream), |stream| async move {
        let mut stream = stream?;
        match stream.next().await {
            Ok(item) => Some((Ok(item), Some(stream))),
            Err(error) => Some((Err(error), None)),
        }
    })
}

struct Lossless<T: Recorded> {
    runtime: Arc<Runtime>,
    follower: Follower<T>,
    name: StreamName,
    wants: Wants<T>,
    /// What is delivered next.
    position: Position,
    /// The cursor says of commits that are not there; this is the last that is.
    beyond: Option<Seq>,
    /// Taken and not yet delivered.
    waiting: VecDeque<Arc<T>>,
    /// Where to go on after those.
    behind_waiting: Position,
    past: Option<Past>,
    /// What was read of the past so far, as far as the rest of it needs that.
    memory: T::Memory,
    /// What was there when the stream began lies before this.
    past_ends: Position,
    is_caught_up: bool,
}

impl<T: Recorded> Lossless<T> {
    async fn next(&mut self) -> Result<StreamItem<T>, ApiError> {
        if let Some(last) = self.beyond.take() {
            return Ok(self.gap_beyond(last));
        }
        loop {
            while let Some(change) = self.waiting.pop_front() {
                self.position = if self.waiting.is_empty() { self.behind_waiting } else { change.position().next() };
                if (self.wants)(&change) {
                    // The same change has the same cursor however it was read.
                    let cursor = encode_cursor(self.name, change.position().next());
                    return Ok(StreamItem { cursor, seq: change.position().seq, event: StreamEvent::Item(change) });
                }
            }
            match self.follower.take(self.position, TAKEN_AT_ONCE) {
                Taken::Changes(changes, next) if changes.is_empty() => {
                    self.position = next;
                    if let Some(item) = self.catch_up() {
                        return Ok(item);
                    }
                    self.follower.grown().await;
                }
                Taken::Changes(changes, next) => {
                    (self.waiting, self.behind_waiting) = (changes.into(), next);
                    // Live again: no file is kept open.
                    (self.past, self.memory) = (None, T::Memory::default());
                }
                Taken::Behind => {
                    if let Some(item) = self.read_past().await? {
                        return Ok(item);
                    }
                }
            }
        }
    }

    /// Takes a part out of the journal; or there is something to say instead.
    async fn read_past(&mut self) -> Result<Option<StreamItem<T>>, ApiError> {
        if self.position.seq > self.runtime.view().seq() {
            // Nothing is there to be read; the log is about to begin.
            if let Some(item) = self.catch_up() {
                return Ok(Some(item));
            }
            self.follower.grown().await;
            return Ok(None);
        }
        match self.runtime.past_changes(self.position, &mut self.past, &mut self.memory).await {
            Ok(part) if part.changes.is_empty() && part.next == self.position => {
                tokio::time::sleep(ASK_AGAIN).await;
                Ok(None)
            }
            Ok(part) if part.changes.is_empty() => {
                self.position = part.next;
                Ok(None)
            }
            Ok(part) => {
                self.waiting = part.changes.into_iter().map(Arc::new).collect();
                self.behind_waiting = part.next;
                Ok(None)
            }
            Err(Error::Forgotten { first }) => {
                let (from, to) = (self.position.seq, Seq(first.0.saturating_sub(1)));
                self.position = Position::at(first);
                let reason = "the journal keeps less than this: older commits are saved as states only".to_owned();
                Ok(Some(self.item(to, StreamEvent::Gap { from, to, reason })))
            }
            Err(error @ (Error::Journal(_) | Error::Unreadable { .. } | Error::Crashed)) => {
                error!(%error, "a stream of changes has ended");
                Err(ApiError::new(Code::Internal, "internal error"))
            }
        }
    }

    fn gap_beyond(&mut self, last: Seq) -> StreamItem<T> {
        let (from, to) = (Seq(last.0 + 1), Seq(self.position.seq.0.saturating_sub(1).max(last.0 + 1)));
        self.position = Position::behind(last);
        let reason = "the cursor is ahead of this journal: it comes from another data folder, or commits were lost with a disk".to_owned();
        self.item(last, StreamEvent::Gap { from, to, reason })
    }

    fn catch_up(&mut self) -> Option<StreamItem<T>> {
        // The log may not have been filled while nobody followed it.
        if self.position < self.past_ends {
            return None;
        }
        if std::mem::replace(&mut self.is_caught_up, true) {
            return None;
        }
        Some(self.item(Seq(self.position.seq.0.saturating_sub(1)), StreamEvent::CaughtUp))
    }

    fn item(&self, seq: Seq, event: StreamEvent<T>) -> StreamItem<T> {
        StreamItem { cursor: encode_cursor(self.name, self.position), seq, event }
    }
}
