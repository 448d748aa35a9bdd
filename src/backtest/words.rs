//! Durations as people write them in files.

use crate::reading::format_duration;

/// `20d2h30m`, `90s` as `1m30s`.
pub(super) fn span(micros: i64) -> String {
    format_duration(micros).replacen('P', "", 1).replace('T', "").to_lowercase()
}
