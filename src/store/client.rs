//! The connection: made when it is needed, bounded in time, made anew after the server has gone away, and the only one that writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use surrealdb::engine::any::Any;
use surrealdb::engine::local::Db;
use surrealdb::opt::auth;
use surrealdb::types::{Object, QueryError, Value};
use surrealdb::{IndexedResults, Surreal};
use surrealdb_cnf::ConfigMap;
use surrealdb_core::kvs::Datastore;
use tokio::sync::Mutex;

use super::threads::Threads;
use super::{Config, Error, FORMAT};

/// Memory the embedded engine may use for what it has not yet written to its tables, and for blocks it has read.
const MEMTABLE_BYTES_MAX: usize = 32 << 20;
const BLOCK_CACHE_BYTES_MAX: usize = 32 << 20;
const VLOG_FILE_BYTES_MAX: usize = 64 << 20;

/// Threads that read for readers.
const READERS: usize = 2;

/// What a transaction says when its writer is no longer the latest.
const TAKEN: &str = "another writer has begun";
/// And when the database has gone back behind what it had confirmed.
const WENT_BACK: &str = "the database is older than it was";

pub(super) struct Client {
    pub(super) config: Config,
    pub(super) threads: Threads,
    /// Where what readers ask for is read, so that it does not stand in line behind a large transaction.
    readers: Threads,
    /// `None` before the first call and after the connection broke.
    connection: Mutex<Option<Connection>>,
    /// The highest position whose transaction was answered.
    confirmed: AtomicU64,
}

#[derive(Clone)]
struct Connection {
    engine: Engine,
    /// Our number among all who ever connected to write. A transaction of an earlier number is refused, so that one which was given up,
    /// and which the server finds in its buffers later, cannot undo what came after it; nor can a second Pollux on the same database.
    writer: i64,
}

#[derive(Clone)]
enum Engine {
    /// In this process, opened with our bounds.
    Embedded(Surreal<Db>, Arc<Datastore>),
    Remote(Surreal<Any>),
}

impl Engine {
    async fn run(&self, statements: String, variables: Vec<(&'static str, Value)>) -> surrealdb::Result<IndexedResults> {
        match self {
            Engine::Embedded(connection, _) => run_on(connection, statements, variables).await,
            Engine::Remote(connection) => run_on(connection, statements, variables).await,
        }
    }

    async fn choose(&self, namespace: &str, database: Option<&str>) -> surrealdb::Result<()> {
        match (self, database) {
            (Engine::Embedded(connection, _), None) => connection.use_ns(namespace).await.map(drop),
            (Engine::Embedded(connection, _), Some(database)) => connection.use_ns(namespace).use_db(database).await.map(drop),
            (Engine::Remote(connection), None) => connection.use_ns(namespace).await.map(drop),
            (Engine::Remote(connection), Some(database)) => connection.use_ns(namespace).use_db(database).await.map(drop),
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
    pub(super) fn new(config: Config) -> Result<Client, Error> {
        let none = |error| Error::Refused(format!("no threads for the graph store: {error}"));
        let (threads, readers) = (Threads::start("graph", 1).map_err(none)?, Threads::start("graph-read", READERS).map_err(none)?);
        Ok(Client { config, threads, readers, connection: Mutex::new(None), confirmed: AtomicU64::new(0) })
    }

    /// Runs statements with variables. All of them have succeeded, or the first cause is the error.
    pub(super) async fn query(
        self: &Arc<Client>,
        statements: String,
        variables: Vec<(&'static str, Value)>,
    ) -> Result<IndexedResults, Error> {
        self.query_on(&self.threads, statements, variables).await
    }

    /// The same for what somebody waits for who reads.
    pub(super) async fn read(
        self: &Arc<Client>,
        statements: String,
        variables: Vec<(&'static str, Value)>,
    ) -> Result<IndexedResults, Error> {
        self.query_on(&self.readers, statements, variables).await
    }

    async fn query_on(
        self: &Arc<Client>,
        threads: &Threads,
        statements: String,
        variables: Vec<(&'static str, Value)>,
    ) -> Result<IndexedResults, Error> {
        let waited = self.config.call_wait_max;
        let client = self.clone();
        let asked = threads.run(async move {
            match tokio::time::timeout(waited, client.query_unbounded(statements, variables)).await {
                Ok(answer) => answer,
                Err(_) => Err(Error::TimedOut { url: client.config.url.clone(), waited }),
            }
        });
        let answer = asked.await;
        match answer {
            Err(Error::Conflict(_)) | Ok(_) => answer,
            Err(error) => {
                self.forget().await;
                Err(error)
            }
        }
    }

    /// Runs statements as one transaction, unless somebody else writes here by now. A connection can be made anew below us, so a server that
    /// was away between two calls is noticed here alone: it must still be where it had confirmed to be.
    pub(super) async fn commit(self: &Arc<Client>, statements: &str, mut variables: Vec<(&'static str, Value)>) -> Result<(), Error> {
        let guard = format!(
            "LET $meta = SELECT writer, position FROM ONLY meta:partition_0;
            IF $meta.writer != $writer {{ THROW '{TAKEN}' }};
            IF ($meta.position ?? 0) < $confirmed {{ THROW '{WENT_BACK}' }};"
        );
        variables.push(("confirmed", Value::from_t(super::rows::signed(self.confirmed.load(Ordering::Acquire)))));
        self.query(format!("BEGIN;\n{guard}\n{statements}COMMIT;"), variables).await.map(drop)
    }

    /// Everything up to this position was answered as written: a database that comes back with less has lost it.
    pub(super) fn confirm(&self, position: u64) {
        self.confirmed.fetch_max(position, Ordering::AcqRel);
    }

    async fn query_unbounded(&self, statements: String, mut variables: Vec<(&'static str, Value)>) -> Result<IndexedResults, Error> {
        let connection = self.connection().await?;
        variables.push(("writer", Value::from_t(connection.writer)));
        let answer = connection.engine.run(statements, variables).await.map_err(|error| self.unavailable(error))?;
        self.checked(answer)
    }

    /// When one statement of a transaction fails, the others fail as well, saying nothing: the cause is the first that says more.
    fn checked(&self, mut answer: IndexedResults) -> Result<IndexedResults, Error> {
        let mut errors: Vec<_> = answer.take_errors().into_iter().collect();
        errors.sort_by_key(|(statement, _)| *statement);
        let is_consequence =
            |error: &surrealdb::Error| matches!(error.query_details(), Some(QueryError::NotExecuted | QueryError::Cancelled));
        let cause = errors.iter().position(|(_, error)| !is_consequence(error)).unwrap_or(0);
        if errors.is_empty() {
            return Ok(answer);
        }
        let (_, error) = errors.swap_remove(cause);
        let url = self.config.url.clone();
        Err(match error.query_details() {
            Some(QueryError::TransactionConflict) => Error::Conflict(error.to_string()),
            Some(_) | None if error.is_connection() => self.unavailable(error),
            Some(_) | None if error.to_string().contains(TAKEN) => Error::Taken { url, database: self.config.database.clone() },
            Some(_) | None => refused(error),
        })
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
        let (engine, may_define) = if self.is_embedded() { (self.open().await?, true) } else { self.dial().await? };
        if may_define {
            self.run(&engine, format!("DEFINE NAMESPACE IF NOT EXISTS {}", escaped(namespace))).await?;
            engine.choose(namespace, None).await.map_err(|error| self.unavailable(error))?;
            self.run(&engine, format!("DEFINE DATABASE IF NOT EXISTS {}", escaped(database))).await?;
        }
        engine.choose(namespace, Some(database)).await.map_err(|error| self.unavailable(error))?;
        let writer = self.enter(&engine).await?;
        Ok(Connection { engine, writer })
    }

    async fn run(&self, engine: &Engine, statements: String) -> Result<IndexedResults, Error> {
        let answer = engine.run(statements, Vec::new()).await.map_err(|error| self.unavailable(error))?;
        self.checked(answer)
    }

    /// Looks at what is there before anything is changed, and becomes the writer.
    async fn enter(&self, engine: &Engine) -> Result<i64, Error> {
        let look = "DEFINE TABLE IF NOT EXISTS meta SCHEMALESS; SELECT format, position FROM meta:partition_0";
        let mut answer = self.run(engine, look.to_owned()).await?;
        let rows: Vec<Object> = answer.take(1).map_err(refused)?;
        let mut row = rows.into_iter().next().unwrap_or_default();
        let found = super::rows::field::<Option<i64>>(&mut row, "format")?.unwrap_or(FORMAT);
        if found > FORMAT {
            return Err(Error::Newer { found });
        }
        let position = super::rows::unsigned(super::rows::field::<Option<i64>>(&mut row, "position")?.unwrap_or(0));
        let confirmed = self.confirmed.load(Ordering::Acquire);
        if position < confirmed {
            return Err(Error::Behind { url: self.config.url.clone(), confirmed, position });
        }
        let enter = "UPSERT ONLY meta:partition_0 SET writer = (writer ?? 0) + 1 RETURN VALUE writer";
        let writer: Option<i64> = self.run(engine, enter.to_owned()).await?.take(0).map_err(refused)?;
        writer.ok_or_else(|| Error::Damaged("the number of the writer is missing".to_owned()))
    }

    fn is_embedded(&self) -> bool {
        ["surrealkv:", "mem:"].iter().any(|scheme| self.config.url.starts_with(scheme))
    }

    async fn open(&self) -> Result<Engine, Error> {
        let settings = ConfigMap::empty()
            .with_key_value("datastore_sync", format!("{}ms", self.config.sync_every.as_millis()))
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
        Ok(Engine::Embedded(connection, datastore))
    }

    /// Also says whether we may make the namespace and the database: a user of the database finds them there.
    async fn dial(&self) -> Result<(Engine, bool), Error> {
        let connection = surrealdb::engine::any::connect(&self.config.url).await.map_err(|error| self.unavailable(error))?;
        let Some(credentials) = &self.config.credentials else { return Ok((Engine::Remote(connection), true)) };
        let (username, password) = (credentials.username.clone(), credentials.password.clone());
        let root = auth::Root { username: username.clone(), password: password.clone() };
        let as_root = connection.signin(root).await.map(drop);
        let Err(error) = as_root else { return Ok((Engine::Remote(connection), true)) };
        if error.is_connection() {
            return Err(self.unavailable(error));
        }
        let (namespace, database) = (self.config.namespace.clone(), self.config.database.clone());
        let user = auth::Database { namespace, database, username, password };
        match connection.signin(user).await {
            Ok(_) => Ok((Engine::Remote(connection), false)),
            Err(error) => Err(Error::Refused(format!("{} does not let us in: {error}", self.config.url))),
        }
    }

    async fn forget(&self) {
        // An embedded engine has nothing to reconnect to; opening it twice would only find its files locked.
        if !self.is_embedded() {
            *self.connection.lock().await = None;
        }
    }

    /// Writes what the engine still holds and closes its files.
    pub(super) async fn close(&self) -> Result<(), Error> {
        match self.connection.lock().await.take().map(|connection| connection.engine) {
            Some(Engine::Embedded(_, datastore)) => {
                let closed = self.threads.run(async move { Ok(datastore.shutdown().await) }).await?;
                closed.map_err(|error| self.unavailable(error))
            }
            Some(Engine::Remote(_)) | None => Ok(()),
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
