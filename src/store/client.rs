//! The connection: made when it is needed, bounded in time, and made anew after the server has gone away.

use std::sync::Arc;

use surrealdb::engine::any::Any;
use surrealdb::engine::local::Db;
use surrealdb::opt::auth::Root;
use surrealdb::types::Value;
use surrealdb::{IndexedResults, Surreal};
use surrealdb_cnf::ConfigMap;
use surrealdb_core::kvs::Datastore;
use tokio::sync::Mutex;

use super::{Config, Error};

/// Memory the embedded engine may use for what it has not yet written to its tables, and for blocks it has read.
const MEMTABLE_BYTES_MAX: usize = 64 << 20;
const BLOCK_CACHE_BYTES_MAX: usize = 64 << 20;
const VLOG_FILE_BYTES_MAX: usize = 64 << 20;

pub(super) struct Client {
    pub(super) config: Config,
    /// `None` before the first call and after the connection broke.
    connection: Mutex<Option<Connection>>,
}

#[derive(Clone)]
enum Connection {
    /// An engine in this process, opened with our bounds.
    Embedded(Surreal<Db>, Arc<Datastore>),
    Remote(Surreal<Any>),
}

impl Connection {
    async fn run(&self, statements: String, variables: Vec<(&'static str, Value)>) -> surrealdb::Result<IndexedResults> {
        match self {
            Connection::Embedded(connection, _) => run_on(connection, statements, variables).await,
            Connection::Remote(connection) => run_on(connection, statements, variables).await,
        }
    }

    async fn choose(&self, namespace: &str, database: Option<&str>) -> surrealdb::Result<()> {
        match (self, database) {
            (Connection::Embedded(connection, _), None) => connection.use_ns(namespace).await.map(drop),
            (Connection::Embedded(connection, _), Some(database)) => connection.use_ns(namespace).use_db(database).await.map(drop),
            (Connection::Remote(connection), None) => connection.use_ns(namespace).await.map(drop),
            (Connection::Remote(connection), Some(database)) => connection.use_ns(namespace).use_db(database).await.map(drop),
        }
    }
}

async fn run_on<C: surrealdb::Connection>(
    connection: &Surreal<C>,
    statements: String,
    variables: Vec<(&'static str, Value)>,
) -> surrealdb::Result<IndexedResults> {
    let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value));
    connection.query(statements).bind(variables.collect::<surrealdb::types::Variables>()).await
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
        match connection.run(statements, variables).await {
            Ok(answer) => answer.check().map_err(refused),
            Err(error) => {
                self.forget().await;
                Err(self.unavailable(error))
            }
        }
    }

    async fn connection(&self) -> Result<Connection, Error> {
        let mut connection = self.connection.lock().await;
        if let Some(connection) = &*connection {
            return Ok(connection.clone());
        }
        let made = self.connect().await?;
        *connection = Some(made.clone());
        Ok(made)
    }

    async fn connect(&self) -> Result<Connection, Error> {
        let Config { namespace, database, .. } = &self.config;
        let connection = if self.is_embedded() { self.open().await? } else { self.dial().await? };
        let define = format!("DEFINE NAMESPACE IF NOT EXISTS {};", escaped(namespace));
        connection.run(define, Vec::new()).await.and_then(IndexedResults::check).map_err(refused)?;
        connection.choose(namespace, None).await.map_err(refused)?;
        let define = format!("DEFINE DATABASE IF NOT EXISTS {};", escaped(database));
        connection.run(define, Vec::new()).await.and_then(IndexedResults::check).map_err(refused)?;
        connection.choose(namespace, Some(database)).await.map_err(refused)?;
        Ok(connection)
    }

    fn is_embedded(&self) -> bool {
        ["surrealkv:", "mem:"].iter().any(|scheme| self.config.url.starts_with(scheme))
    }

    async fn open(&self) -> Result<Connection, Error> {
        let settings = ConfigMap::empty()
            .with_key_value("datastore_sync", "every")
            .with_key_value("surrealkv_max_memtable_size", MEMTABLE_BYTES_MAX.to_string())
            .with_key_value("surrealkv_block_cache_capacity", BLOCK_CACHE_BYTES_MAX.to_string())
            .with_key_value("surrealkv_vlog_max_file_size", VLOG_FILE_BYTES_MAX.to_string());
        // In this order: a write before the version is checked makes a new store look like one of an unknown version.
        let builder = Datastore::builder().with_config(settings).without_maintenance_tasks();
        let datastore = builder.build_with_path(&self.config.url).await.map_err(|error| self.unavailable(error))?;
        datastore.check_version().await.map_err(|error| self.unavailable(error))?;
        datastore.bootstrap().await.map_err(|error| self.unavailable(error))?;
        datastore.start_maintenance_tasks();
        let connection = Surreal::<Db>::unstable_from_datastore(datastore.clone(), None).await.map_err(|error| self.unavailable(error))?;
        Ok(Connection::Embedded(connection, datastore))
    }

    async fn dial(&self) -> Result<Connection, Error> {
        let connection = surrealdb::engine::any::connect(&self.config.url).await.map_err(|error| self.unavailable(error))?;
        if let Some(credentials) = &self.config.credentials {
            let root = Root { username: credentials.username.clone(), password: credentials.password.clone() };
            connection.signin(root).await.map_err(|error| Error::Refused(format!("{} does not let us in: {error}", self.config.url)))?;
        }
        Ok(Connection::Remote(connection))
    }

    async fn forget(&self) {
        // An embedded engine has nothing to reconnect to; opening it twice would only find its files locked.
        if !self.is_embedded() {
            *self.connection.lock().await = None;
        }
    }

    /// Writes what the engine still holds and closes its files.
    pub(super) async fn close(&self) -> Result<(), Error> {
        match self.connection.lock().await.take() {
            Some(Connection::Embedded(_, datastore)) => datastore.shutdown().await.map_err(|error| self.unavailable(error)),
            Some(Connection::Remote(_)) | None => Ok(()),
        }
    }

    fn unavailable(&self, error: impl std::fmt::Display) -> Error {
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
