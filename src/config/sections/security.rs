//! `[security]`: who may come in.

use crate::config::setting::section;

section! {
    /// Who may come in.
    Security = "security" {
        /// Listen on addresses that other machines can reach although nobody has to say who they are.
        allow_insecure: bool = false,
    }
}
