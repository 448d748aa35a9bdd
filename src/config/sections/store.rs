//! `[store]`: the graph store.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::setting::section;

section! {
    /// The graph store: embedded, unless a URL says otherwise.
    Store = "store" {
        /// `ws://HOST:PORT` for a SurrealDB server, `mem://` for none that lasts, `surrealkv://PATH` for a folder of its
        /// own. Without it: the folder `graph` in the data folder.
        url: Option<String> = None,
        /// The namespace of the database.
        namespace: String = "pollux".to_owned(),
        /// The database in the namespace. Two Pollux of one server need different ones.
        database: String = "main".to_owned(),
        /// Who to sign in as; the embedded store asks for nobody.
        username: Option<String> = None,
        /// A file outside the workspace with the password on its first line.
        password_file: Option<PathBuf> = None,
        /// The name of an environment variable that holds the password.
        password_env: Option<String> = None,
        /// How often the embedded store brings its log to the disk. After a loss of power it is that much older, and the journal has what it lacks.
        sync_every: Duration [Duration::from_millis(100)..=Duration::from_secs(300)] = Duration::from_secs(10),
        /// How long one call may take.
        call_wait_max: Duration [Duration::from_secs(1)..=Duration::from_secs(600)] = Duration::from_secs(30),
        /// Rejections that are kept; the oldest go first.
        rejections_max: u64 [0..=100_000_000] = 100_000,
    }
}
