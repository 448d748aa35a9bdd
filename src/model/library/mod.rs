//! Where the shared library of ONNX Runtime is, and why not elsewhere.
//!
//! Places are asked in this order: the setting, `ORT_DYLIB_PATH`, the project's own folder, the system's. The first that loads wins; every
//! other one leaves its path and its reason. A process without the library goes on: the models that need it are refused by name.

mod open;
mod search;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;

pub use open::{LOAD_SECONDS_MAX, open};
pub use search::{PROJECT_FOLDER, Search};

/// Who named a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    Setting,
    Variable,
    Project,
    System,
}

/// A place that did not give the library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub from: From,
    pub path: PathBuf,
    pub reason: String,
}

/// What the search came to.
#[derive(Debug, Clone, Default)]
pub struct Library {
    /// The runtime, if one was loaded. A process has at most one.
    pub loaded: Option<Loaded>,
    /// The places asked before, in order.
    pub failures: Vec<Failure>,
}

#[derive(Debug, Clone)]
pub struct Loaded {
    pub path: PathBuf,
    /// `1.31.1`
    pub version: String,
    pub(super) environment: ort::environment::Environment,
}

impl fmt::Display for From {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            From::Setting => "the setting `onnxruntime`",
            From::Variable => "ORT_DYLIB_PATH",
            From::Project => "the project's folder",
            From::System => "the system's folders",
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.path.display(), self.from, self.reason)
    }
}

/// As health says it.
impl fmt::Display for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.loaded {
            Some(loaded) => write!(f, "ONNX Runtime {} from {}", loaded.version, loaded.path.display())?,
            None => f.write_str("ONNX Runtime is not there; models that need it are refused. `make onnxruntime` fetches it")?,
        }
        for failure in &self.failures {
            write!(f, "\n  {failure}")?;
        }
        Ok(())
    }
}
