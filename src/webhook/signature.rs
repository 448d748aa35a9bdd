//! How a receiver knows that a request is ours and fresh: HMAC-SHA256 over `<timestamp>.<body>` with a secret that both know.
//!
//! The time is signed as well, so a request that somebody kept cannot be sent again later: a receiver refuses old ones.

use std::fmt::Write;

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// The value of `Pollux-Signature`, as in `v1=5257a8…`.
pub fn sign(secret: &[u8], unix_seconds: i64, body: &[u8]) -> String {
    // A key may have any length, so this one error there is cannot occur; a signature that nobody accepts would be its harmless outcome.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return "v1=".to_owned() };
    mac.update(unix_seconds.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    let mut text = "v1=".to_owned();
    for byte in mac.finalize().into_bytes() {
        // Writing to a string cannot fail.
        write!(text, "{byte:02x}").unwrap_or_default();
    }
    text
}
