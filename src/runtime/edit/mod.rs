//! Changes while running: twins are made, changed, moved and deleted, and edges begun and ended, many in one commit, all of it or nothing.
//!
//! One editor works on one change after the other, so that two never cross. It asks the actor of each twin that it changes to hand out its state
//! and wait; then it plans the whole change against what is there, checks it by the rules that files are checked by, and writes one entry for
//! all of it; then the actors go on with what they have become. Mail for these twins waits meanwhile, that of all others does not.
//!
//! Nothing here knows GraphQL. A mistake of the caller is a [`Problem`] with the path into what was asked, all of them at once.

mod answers;
mod commit;
mod decode;
mod editor;
mod grip;
mod links;
mod observe;
mod plan;
mod problem;
mod removal;
mod values;
mod verify;
mod wait;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use tokio::sync::oneshot;
use xxhash_rust::xxh3::xxh3_64;

use crate::reading::{Seq, Timestamp};
use crate::twin::State;

use super::Runtime;

pub use answers::Answers;
pub(super) use editor::run;
pub use grip::Hold;
pub use links::RELATION_PREFIX;
pub use problem::Problem;

/// Changes that wait for the editor; who comes then waits to be let in.
pub(super) const EDITS_WAITING_MAX: usize = 1024;
/// Operations of one change.
pub const OPS_MAX: usize = 10_000;
/// Twins that one change may touch, those of a subtree that is deleted included.
pub const TWINS_MAX: usize = 10_000;
/// The longest idempotency key, in characters.
pub const KEY_CHARS_MAX: usize = 128;

/// One operation. As JSON: `{"create": {…}}`, with the names of the API.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Op {
    Create(CreateTwin),
    Update(UpdateTwin),
    Move(MoveTwin),
    Delete(DeleteTwin),
    Relate(Relate),
    Unrelate(Unrelate),
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct CreateTwin {
    /// Made from the type and a number when absent.
    pub id: Option<String>,
    #[serde(rename = "type")]
    pub type_name: String,
    pub name: Option<String>,
    /// `ASSET` or `DEVICE`; it must be that of the type.
    pub kind: Option<String>,
    pub parent: Option<String>,
    pub set: Map<String, Json>,
    pub external_ids: Vec<ExternalId>,
    /// Their source is the new twin.
    pub relations: Vec<Relate>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExternalId {
    pub namespace: String,
    pub value: String,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct UpdateTwin {
    pub id: String,
    pub name: Option<String>,
    /// By property, in the unit of the type or as `{"value": 12, "unit": "L/min"}`. What is null is left as it is.
    pub set: Map<String, Json>,
    /// Properties that go back to their default, or to nothing.
    pub unset: Vec<String>,
    #[serde(deserialize_with = "decode::long")]
    pub expected_revision: Option<u64>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct MoveTwin {
    pub id: String,
    /// Absent: it becomes a root.
    pub parent: Option<String>,
    /// The primary one when absent.
    pub hierarchy: Option<String>,
    #[serde(deserialize_with = "decode::long")]
    pub expected_revision: Option<u64>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct DeleteTwin {
    pub id: String,
    /// Also all below it in the primary hierarchy.
    pub subtree: bool,
    #[serde(deserialize_with = "decode::long")]
    pub expected_revision: Option<u64>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Relate {
    /// Absent inside of [`CreateTwin`].
    pub source: Option<String>,
    pub name: String,
    pub target: String,
    pub set: Map<String, Json>,
    /// The time of the commit when absent.
    #[serde(deserialize_with = "decode::time")]
    pub valid_from: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Unrelate {
    /// `relation/12`
    pub id: String,
    /// The time of the commit when absent.
    #[serde(deserialize_with = "decode::time")]
    pub valid_to: Option<Timestamp>,
}

#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Say what would be, and do nothing.
    pub dry_run: bool,
    pub key: Option<String>,
}

/// What became of one operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OpResult {
    Created {
        id: String,
        relations: Vec<String>,
    },
    Updated {
        id: String,
    },
    Moved {
        id: String,
    },
    /// With `subtree`, those below it as well.
    Deleted {
        ids: Vec<String>,
    },
    Related {
        id: String,
    },
    Unrelated {
        id: String,
    },
}

#[derive(Debug, Clone)]
pub struct Edited {
    /// The commit that carries it; readers see it. In a dry run: what it was planned against.
    pub seq: Seq,
    /// In the order of the operations.
    pub results: Vec<OpResult>,
    /// Each twin that was made or changed, before and after; empty if this is an answer given again.
    pub twins: Vec<TwinChange>,
    /// The answer of an earlier request with the same key.
    pub repeated: bool,
}

#[derive(Debug, Clone)]
pub struct TwinChange {
    pub before: Option<Arc<State>>,
    pub after: Arc<State>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Mistakes of the caller. Nothing was changed.
    #[error("{}", problem::listed(.0))]
    Refused(Vec<Problem>),
    /// It could not be done now; the same may succeed later. Nothing was changed.
    #[error("{0}")]
    Unavailable(String),
    /// The journal was closed while the change was on its way: it is there after the next start, or it is not.
    #[error("the outcome is not known: {0}")]
    InDoubt(String),
}

/// What the editor is handed.
#[derive(Debug)]
pub struct Request {
    ops: Vec<Op>,
    by: String,
    options: Options,
    /// A hash of what is asked for.
    asked: u64,
    reply: oneshot::Sender<Result<Pending, Error>>,
}

/// Done, or written and on its way to the disk.
#[derive(Debug)]
enum Pending {
    Done(Edited),
    Written(Edited, oneshot::Receiver<Seq>),
}

impl Runtime {
    /// Makes the change, all of it in one commit or nothing. When this returns, it is on disk and readers see it.
    pub async fn edit(&self, ops: Vec<Op>, by: &str, options: Options) -> Result<Edited, Error> {
        problem::check_bounds(&ops, &options).map_err(Error::Refused)?;
        let (reply, answer) = oneshot::channel();
        let asked = xxh3_64(format!("{ops:?}").as_bytes());
        let request = Request { ops, by: by.to_owned(), options, asked, reply };
        let stopped = || Error::Unavailable("the runtime is being stopped".to_owned());
        self.editor.send(request).await.map_err(|_| stopped())?;
        // Without an answer the editor has crashed over this change, or has ended.
        let pending = answer.await.map_err(|_| Error::InDoubt("the editor did not finish this change".to_owned()))??;
        match pending {
            Pending::Done(edited) => Ok(edited),
            Pending::Written(edited, commit) => {
                let seq = commit.await.map_err(|_| Error::InDoubt("the journal has been closed".to_owned()))?;
                Ok(Edited { seq, ..edited })
            }
        }
    }
}
