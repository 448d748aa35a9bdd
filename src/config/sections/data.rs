//! `[data]`: where everything that Pollux writes lies.

use std::path::PathBuf;

use crate::config::setting::section;

section! {
    /// Where Pollux keeps what it writes: the journal, and the graph store unless it is elsewhere.
    Data = "data" {
        /// The folder. It belongs to one running Pollux at a time.
        folder: PathBuf = PathBuf::from("data"),
    }
}
