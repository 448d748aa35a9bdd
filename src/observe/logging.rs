//! The log: on the standard error, for people or as one JSON object per line. Messages are lower case, without a full stop, with fields.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Text,
    Json,
}

#[derive(Debug, Clone)]
pub struct Config {
    pub format: Format,
    /// A level, or levels per module: `info,pollux::ingress=debug`.
    pub filter: String,
}

/// The graph store's engine tells at every start how it is set up, which is of use only to those who look into it.
pub const DEFAULT_FILTER: &str = "info,surrealdb=warn,surrealkv=warn";

impl Default for Config {
    fn default() -> Config {
        Config { format: Format::Text, filter: DEFAULT_FILTER.to_owned() }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "`{filter}` is not a log filter ({why}); write a level (error, warn, info, debug, trace), or levels per module as in `info,pollux::ingress=debug`"
    )]
    Filter { filter: String, why: String },
    #[error("the log is set up already")]
    Twice,
}

/// For the whole process, so only the binary calls it, once.
pub fn start(config: &Config) -> Result<(), Error> {
    let log = tracing_subscriber::fmt().with_env_filter(parse(&config.filter)?).with_writer(std::io::stderr);
    let started = match config.format {
        Format::Text => log.with_ansi(std::io::stderr().is_terminal()).try_init(),
        Format::Json => log.json().flatten_event(true).try_init(),
    };
    started.map_err(|_| Error::Twice)
}

/// Whether the filter can be used, before anything starts.
pub fn check_filter(filter: &str) -> Result<(), Error> {
    parse(filter).map(drop)
}

fn parse(filter: &str) -> Result<EnvFilter, Error> {
    let refused = |why: String| Error::Filter { filter: filter.to_owned(), why };
    // A word that is no level would be read as the name of a module, and `inof` would silence everything else.
    for word in filter.split(',').map(str::trim).filter(|word| !word.contains(['=', '[', ':'])) {
        let is_level = ["off", "error", "warn", "info", "debug", "trace"].contains(&word.to_lowercase().as_str());
        if !is_level {
            return Err(refused(format!("`{word}` is not a level")));
        }
    }
    EnvFilter::builder().parse(filter).map_err(|error| refused(error.to_string()))
}
