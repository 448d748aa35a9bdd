//! What of its twins a live selection shows: only a change of that wakes a frame. Fields that ask the store, or say where a twin stands among
//! others, are told along with the next frame and wake none.

use crate::api::build::Selection;
use crate::api::frames::Interest;

/// Fields of every twin that no event changes, or that are not of the twin alone.
const QUIET: &[&str] = &[
    "__typename",
    "actor",
    "ancestors",
    "children",
    "createdAt",
    "descendants",
    "id",
    "kind",
    "parent",
    "path",
    "relations",
    "type",
    "typeName",
];

/// `selection` is what is selected of each twin. All other names are those of members, of whatever type; a relation is no member.
pub(super) fn of(selection: &Selection) -> Interest {
    let names = || selection.fields.iter().map(|field| field.name.as_str()).filter(|name| !QUIET.contains(name));
    // Generic access shows any member, and presence is the staleness of all.
    if names().any(|name| matches!(name, "properties" | "readings" | "presence" | "lastSeen")) {
        return Interest::all();
    }
    let (mut is_named, mut is_head) = (false, false);
    let mut members: Vec<Box<str>> = Vec::new();
    for name in names() {
        match name {
            "name" | "externalIds" => is_named = true,
            "revision" | "seq" | "updatedAt" => is_head = true,
            member => members.push(member.into()),
        }
    }
    let interest = Interest::members(members);
    let interest = if is_named { interest.and_name() } else { interest };
    if is_head { interest.and_head() } else { interest }
}
