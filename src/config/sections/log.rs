//! `[log]`: what is written to the standard error.

use crate::config::kind::names;
use crate::config::setting::section;

names! {
    LogFormat {
        /// For people.
        Text = "text",
        /// One JSON object per line.
        Json = "json",
    }
}

section! {
    /// The log, on the standard error.
    Log = "log" {
        /// Whether people or programs read it.
        format: LogFormat = LogFormat::Text,
        /// What is logged: a level (error, warn, info, debug, trace), or a level per module as in "info,pollux::ingress=debug".
        filter: String = crate::observe::logging::DEFAULT_FILTER.to_owned(),
    }
}
