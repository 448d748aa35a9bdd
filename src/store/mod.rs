//! The graph store: SurrealDB, embedded or by URL. A projection of the journal that graph queries run on, and the checkpoints recovery starts from.
//!
//! Tables: `twin`; one table per relation (`RELATE` edges from twin to twin, with properties and validity); `rejection`, `checkpoint`, `type`,
//! `idempotency` (first answers, by seq), `meta`. The journal is the truth: whatever is here can be made again from it, up to the position that is written in the same transaction as
//! the last of the data.
//!
//! A journal segment may go once both the position and the checkpoints have passed it *for good*. The embedded engine syncs its log every
//! `sync_every` and not with every commit, because on one disk each of its syncs holds up those of the journal, on which acknowledgements
//! wait; so the projector lets two such times go by before the journal may forget. After a loss of power the store is an earlier form of itself,
//! and the journal has what it lacks. A server by URL must sync what it commits; one that comes back with less than it had confirmed is not
//! written to any more.
//!
//! There is one writer: see `client`.

mod client;
mod edges;
mod project;
mod read;
mod rows;
#[cfg(test)]
mod tests;
mod threads;
mod traverse;

use std::sync::Arc;
use std::time::Duration;

use crate::reading::Seq;

use client::Client;

pub use project::Batch;
pub use read::RejectionFilter;
pub use rows::{AnswerRow, CheckpointRow, DeletedRow, EdgeRow, RejectionRow, TwinRow};
pub use traverse::{Direction, STATEMENTS, Step, Traversed};

/// What is written here says so; a store of a newer format is refused.
pub const FORMAT: i64 = 1;

/// A password that never reaches a log.
#[derive(Clone)]
pub struct Credentials {
    pub username: String,
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone)]
pub struct Config {
    /// `surrealkv://FOLDER`, `mem://`, `ws://HOST:PORT`, `tikv://…` in builds that have it.
    pub url: String,
    pub namespace: String,
    pub database: String,
    pub credentials: Option<Credentials>,
    /// How often the embedded engine brings its log to the disk.
    pub sync_every: Duration,
    /// How long one call may take.
    pub call_wait_max: Duration,
    /// How many rejections are kept; the oldest go first.
    pub rejections_max: u64,
}

impl Config {
    pub fn at(url: impl Into<String>) -> Config {
        Config {
            url: url.into(),
            namespace: "pollux".to_owned(),
            database: "main".to_owned(),
            credentials: None,
            sync_every: Duration::from_secs(10),
            call_wait_max: Duration::from_secs(30),
            rejections_max: 100_000,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{url} does not answer: {reason}")]
    Unavailable { url: String, reason: String },
    #[error("{url} did not answer within {waited:?}")]
    TimedOut { url: String, waited: Duration },
    /// Two transactions touched the same; trying again is right.
    #[error("{0}")]
    Conflict(String),
    #[error("{0}")]
    Refused(String),
    #[error(
        "another Pollux has begun to write to {url}, database `{database}`: give each its own `database` in [store], and restart this one"
    )]
    Taken { url: String, database: String },
    #[error(
        "{url} had confirmed all up to commit {confirmed} and came back with {position}: it does not sync what it commits. Restart Pollux, which \
         reads its journal again, and let the database sync every commit"
    )]
    Behind { url: String, confirmed: u64, position: u64 },
    #[error("the graph store has format {found} and this version of Pollux writes {FORMAT}: use a newer Pollux, or another data folder")]
    Newer { found: i64 },
    #[error("the graph store holds what cannot be understood: {0}")]
    Damaged(String),
}

/// How far the store is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Meta {
    /// The data say the same as the journal as of this commit.
    pub position: Seq,
    /// Every checkpoint contains all commits up to this one.
    pub saved_upto: Seq,
    pub last_twin: u32,
    pub last_edge: u64,
}

/// A handle; clones share one connection.
#[derive(Debug, Clone)]
pub struct Store {
    client: Arc<Client>,
}

impl Store {
    pub async fn open(config: Config) -> Result<Store, Error> {
        let store = Store { client: Arc::new(Client::new(config)?) };
        store.prepare().await?;
        Ok(store)
    }

    async fn prepare(&self) -> Result<(), Error> {
        let tables = "DEFINE TABLE IF NOT EXISTS twin SCHEMALESS;
            DEFINE TABLE IF NOT EXISTS rejection SCHEMALESS;
            DEFINE TABLE IF NOT EXISTS checkpoint SCHEMALESS;
            DEFINE TABLE IF NOT EXISTS idempotency SCHEMALESS;
            DEFINE TABLE IF NOT EXISTS type SCHEMALESS";
        self.client.query(tables.to_owned(), Vec::new()).await.map(drop)
    }

    /// How long after it was answered a transaction is on the disk of the embedded engine for certain.
    pub fn surely_synced_after(&self) -> Duration {
        2 * self.client.config.sync_every
    }

    /// Where to do what serves the store alone, such as following the journal.
    pub fn threads(&self) -> &tokio::runtime::Handle {
        self.client.threads.handle()
    }

    /// Flushes and lets go of the files.
    pub async fn close(&self) -> Result<(), Error> {
        self.client.close().await
    }
}
