//! Entity tags: what has not changed is not sent again.

use std::fmt::Write;

use axum::http::HeaderMap;
use axum::http::header::IF_NONE_MATCH;

/// The tag of something with this hash. Weak: compressed it has other bytes.
pub(super) fn weak(hash: &[u8]) -> String {
    let digits = hash.iter().fold(String::new(), |mut digits, byte| {
        // Writing into text does not fail.
        write!(digits, "{byte:02x}").ok();
        digits
    });
    format!("W/\"{digits}\"")
}

/// Whether the client says that it has what the tag stands for.
pub(super) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    headers.get_all(IF_NONE_MATCH).into_iter().filter_map(|value| value.to_str().ok()).any(|tags| lists(tags, tag))
}

/// Whether `If-None-Match` names the tag, strong or weak.
fn lists(tags: &str, tag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    tags.split(',').any(|entry| entry.trim() == "*" || opaque(entry) == opaque(tag))
}
