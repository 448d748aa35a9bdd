//! One change as followers hear of it, and where it stands among all others.

use std::sync::Arc;

use crate::reading::{Revision, Seq, Timestamp, TwinId, TwinNo};
use crate::twin::Edge;

/// A place among all changes: the entry of the journal, and the place within it. It says from where on to go: everything before it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    pub seq: Seq,
    pub index: u32,
}

impl Position {
    /// The beginning of an entry.
    pub fn at(seq: Seq) -> Position {
        Position { seq, index: 0 }
    }

    /// Behind all of an entry.
    pub fn behind(seq: Seq) -> Position {
        Position::at(Seq(seq.0.saturating_add(1)))
    }

    pub fn next(self) -> Position {
        Position { index: self.index.saturating_add(1), ..self }
    }
}

/// What stands at a place among all of its kind.
pub trait Placed {
    fn position(&self) -> Position;
}

impl Placed for Change {
    fn position(&self) -> Position {
        self.position
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    Created,
    /// A property or the name; readings are no change in this sense.
    Updated,
    /// It has another place in a hierarchy.
    Moved,
    Deleted,
    Related,
    Unrelated,
    Presence,
    /// Its type has another form.
    Retyped,
}

impl ChangeKind {
    const ALL: [ChangeKind; 8] = [
        ChangeKind::Created,
        ChangeKind::Updated,
        ChangeKind::Moved,
        ChangeKind::Deleted,
        ChangeKind::Related,
        ChangeKind::Unrelated,
        ChangeKind::Presence,
        ChangeKind::Retyped,
    ];

    pub fn name(self) -> &'static str {
        match self {
            ChangeKind::Created => "CREATED",
            ChangeKind::Updated => "UPDATED",
            ChangeKind::Moved => "MOVED",
            ChangeKind::Deleted => "DELETED",
            ChangeKind::Related => "RELATED",
            ChangeKind::Unrelated => "UNRELATED",
            ChangeKind::Presence => "PRESENCE",
            ChangeKind::Retyped => "RETYPED",
        }
    }

    pub fn parse(name: &str) -> Option<ChangeKind> {
        ChangeKind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub position: Position,
    pub kind: ChangeKind,
    pub twin: TwinNo,
    pub id: TwinId,
    /// The twin's revision after it; `None` where the twin itself has no part in it, as with edges.
    pub revision: Option<Revision>,
    pub at: Timestamp,
    /// Who wanted it, if somebody did.
    pub by: Option<Arc<str>>,
    /// The names of what is new.
    pub changed: Vec<Box<str>>,
    /// The edge that began or ended.
    pub edge: Option<Arc<Edge>>,
}
