//! Identities. Names are parsed into these at the border and are trusted inside.

use std::fmt;
use std::sync::Arc;

/// The longest id of a twin, in characters.
const TWIN_ID_CHARS_MAX: usize = 128;

/// The name of a twin, unique in a workspace: `[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TwinId(Arc<str>);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{shown}` is not a twin id: use 1 to 128 of A-Z a-z 0-9 _ . : - beginning with a letter or digit")]
pub struct InvalidId {
    shown: String,
}

impl TwinId {
    pub fn parse(text: &str) -> Result<TwinId, InvalidId> {
        if TwinId::is_valid(text) { Ok(TwinId(Arc::from(text))) } else { Err(InvalidId { shown: text.chars().take(40).collect() }) }
    }

    pub fn is_valid(text: &str) -> bool {
        let bytes = text.as_bytes();
        let first_is_fine = bytes.first().is_some_and(u8::is_ascii_alphanumeric);
        first_is_fine
            && bytes.len() <= TWIN_ID_CHARS_MAX
            && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':' | b'-'))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `text` as shared text; most twins are named like their id, and then one piece of memory serves both.
    pub fn shared_with(&self, text: &str) -> Arc<str> {
        if *self.0 == *text { self.0.clone() } else { Arc::from(text) }
    }
}

impl fmt::Display for TwinId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TwinId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl std::borrow::Borrow<str> for TwinId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// The number a twin gets when it is created. It never changes and is never given again, so the journal carries it instead of the id.
/// Number 0 is the partition itself: entries that belong to no twin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TwinNo(pub u32);

impl TwinNo {
    pub const PARTITION: TwinNo = TwinNo(0);
}

/// The place of a value in a twin, given by the layout of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotNo(pub u16);

impl SlotNo {
    /// Above all slots that a type may have: what others have pushed to the twin.
    pub const REMOTE_FROM: u16 = 0xF000;

    pub fn is_remote(self) -> bool {
        self.0 >= SlotNo::REMOTE_FROM
    }

    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// The order of all commits of a partition. The first is 1; 0 means "before everything".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Seq(pub u64);

/// The order of one twin's events: the number of events it has applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Revision(pub u64);

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
