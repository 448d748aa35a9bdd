//! The connection: made when it is needed, bounded in time, and made anew after the server has gone away.

use std::time::Duration;

use surrealdb::engine::any::Any;
use surrealdb::opt::auth::Root;
use surrealdb::types::Value;
use surrealdb::{IndexedResults, Surreal};
use tokio::sync::Mutex;

use super::{Config, Error};

/// Memory the embedded engine may use for what it has not yet written to its tables, and for blocks it has read.
const MEMTABLE_BYTES_MAX: usize = 64 << 20;
const BLOCK_CACHE_BYTES_MAX: usize = 64 << 20;

pub(super) struct Client {
    pub(super) config: Config,
    /// `None` before the first call and after the connection broke.
    connection: Mutex<Option<Surreal<Any>>>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("url", &self.config.url).finish_non_exhaustive()
    }
}

impl Client {
    pub(super) fn new(config: Config) -> Client {
        Client { config, connection: Mutex::new(None) }
    }

    /// Runs statements with variables; the answer is checked, so every statement has succeeded.
    pub(super) async fn query(&self, statements: String, variables: Vec<(&'static str, Value)>) -> Result<IndexedResults, Error> {
        let waited = self.config.call_wait_max;
        // Boxed, because the futures of the engine are large and every caller would carry them.
        match tokio::time::timeout(waited, Box::pin(self.query_unbounded(statements, variables))).await {
            Ok(answer) => answer,
            Err(_) => {
                self.forget().await;
                Err(Error::TimedOut { url: self.config.url.clone(), waited })
            }
        }
    }

    async fn query_unbounded(&self, statements: String, variables: Vec<(&'static str, Value)>) -> Result<IndexedResults, Error> {
        let connection = self.connection().await?;
        let mut query = connection.query(statements);
        for (name, value) in variables {
            query = query.bind((name.to_owned(), value));
        }
        match query.await {
            Ok(answer) => answer.check().map_err(refused),
            Err(error) => {
                self.forget().await;
                Err(self.unavailable(&error))
            }
        }
    }

    async fn connection(&self) -> Result<Surreal<Any>, Error> {
        let mut connection = self.connection.lock().await;
        if let Some(connection) = &*connection {
            return Ok(connection.clone());
        }
        let made = self.connect().await?;
        *connection = Some(made.clone());
        Ok(made)
    }

    async fn connect(&self) -> Result<Surreal<Any>, Error> {
        let Config { namespace, database, credentials, .. } = &self.config;
        let connection = surrealdb::engine::any::connect(self.endpoint()).await.map_err(|error| self.unavailable(&error))?;
        if let Some(credentials) = credentials {
            let root = Root { username: credentials.username.clone(), password: credentials.password.clone() };
            connection.signin(root).await.map_err(|error| Error::Refused(format!("{} does not let us in: {error}", self.config.url)))?;
        }
        let define = format!("DEFINE NAMESPACE IF NOT EXISTS {};", escaped(namespace));
        connection.query(define).await.and_then(IndexedResults::check).map_err(refused)?;
        connection.use_ns(namespace).await.map_err(refused)?;
        let define = format!("DEFINE DATABASE IF NOT EXISTS {};", escaped(database));
        connection.query(define).await.and_then(IndexedResults::check).map_err(refused)?;
        connection.use_ns(namespace).use_db(database).await.map_err(refused)?;
        Ok(connection)
    }

    /// The URL, with the engine's options for the embedded one.
    fn endpoint(&self) -> String {
        let url = &self.config.url;
        if url.starts_with("surrealkv://") && !url.contains('?') {
            format!("{url}?sync=every&surrealkv_max_memtable_size={MEMTABLE_BYTES_MAX}&surrealkv_block_cache_capacity={BLOCK_CACHE_BYTES_MAX}")
        } else {
            url.clone()
        }
    }

    async fn forget(&self) {
        // An embedded engine has nothing to reconnect to; opening it twice would only find its files locked.
        if self.config.url.starts_with("ws") {
            *self.connection.lock().await = None;
        }
    }

    pub(super) async fn close(&self) {
        *self.connection.lock().await = None;
        // The engine's tasks end when the last handle goes; they are given a moment to close their files.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    fn unavailable(&self, error: &surrealdb::Error) -> Error {
        Error::Unavailable { url: self.config.url.clone(), reason: error.to_string() }
    }
}

pub(super) fn refused(error: impl std::fmt::Display) -> Error {
    Error::Refused(error.to_string())
}

/// A name in a statement. Names come from settings and types, not from the wire, and are quoted all the same.
pub(super) fn escaped(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}
