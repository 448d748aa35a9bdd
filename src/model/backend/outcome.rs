//! Why a model could not be loaded or run.

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The runtime said no.
    #[error("{0}")]
    Refused(String),
    /// It panicked, which is the runtime's fault or a hostile file's.
    #[error("the runtime panicked: {0}")]
    Panicked(String),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    #[error("{0}")]
    Failed(String),
    /// Ended from outside, between two kernels.
    #[error("the run was stopped")]
    Stopped,
    #[error("the run took more than {after_ms} ms")]
    TimedOut { after_ms: u64 },
    #[error("it waited for more than {after_ms} ms")]
    Waited { after_ms: u64 },
    /// The model gave something else than one row for each row.
    #[error("output `{output}` is {found} for {rows} rows")]
    Rows { output: String, found: String, rows: usize },
    #[error("output `{output}` is not a number")]
    NotANumber { output: String },
    #[error("the model is out of order since {failures} failures; the next try is due in {wait_ms} ms")]
    Broken { failures: u32, wait_ms: u64 },
    #[error("the queue of the model is full")]
    QueueFull,
    #[error("a newer request of the same twin took its place")]
    Superseded,
    /// The host ended before it could answer.
    #[error("the model was unloaded")]
    Gone,
}
