//! Documents that clients name by their hash: automatic persisted queries, and the trusted documents of a workspace.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use super::cache::Lru;
use crate::api::error::{ApiError, Code};
use crate::api::request::Request;

/// Documents that clients registered.
const REGISTERED_MAX: usize = 1_000;
const REGISTERED_BYTES_MAX: usize = 16 << 20;
/// Trusted documents of a workspace.
const TRUSTED_MAX: usize = 10_000;
const TRUSTED_BYTES_MAX: usize = 1 << 20;
const HASH_DIGITS: usize = 64;

/// The SHA-256 of a text.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TextHash([u8; 32]);

impl TextHash {
    pub fn of(text: &str) -> TextHash {
        TextHash(Sha256::digest(text.as_bytes()).into())
    }

    fn parse(text: &str) -> Option<TextHash> {
        let digits = text.as_bytes();
        if digits.len() != HASH_DIGITS {
            return None;
        }
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |at: usize| char::from(pair[at]).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            *byte = digit(0)? << 4 | digit(1)?;
        }
        Some(TextHash(hash))
    }
}

impl fmt::Display for TextHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TextHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text of a request, by whatever way it was said.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) text: Arc<str>,
    pub(super) hash: TextHash,
    /// The client asks us to remember it; that is done once it is known to be valid.
    pub(super) to_register: bool,
}

#[derive(Debug)]
pub(super) struct Persisted {
    registered: Mutex<Lru<TextHash, Arc<str>>>,
    trusted: Option<Trusted>,
}

impl Persisted {
    pub(super) fn new(trusted: Option<Trusted>) -> Persisted {
        Persisted { registered: Mutex::new(Lru::new(REGISTERED_MAX, REGISTERED_BYTES_MAX)), trusted }
    }

    pub(super) fn find(&self, request: &Request) -> Result<Found, ApiError> {
        let named = named_hash(request)?;
        let Some(text) = request.query.as_deref() else {
            let hash = named.ok_or_else(|| ApiError::bad_input("the request has no `query`"))?;
            let text = match &self.trusted {
                Some(trusted) => trusted.by_hash.get(&hash).cloned().ok_or_else(not_trusted)?,
                None => self.registered.lock().get(&hash).ok_or_else(not_registered)?,
            };
            return Ok(Found { text, hash, to_register: false });
        };
        let hash = TextHash::of(text);
        if named.is_some_and(|named| named != hash) {
            return Err(ApiError::bad_input("provided sha does not match query")
                .hint("`sha256Hash` is the SHA-256 of the exact text of `query`, in hexadecimal digits"));
        }
        if let Some(trusted) = &self.trusted {
            let text = trusted.by_hash.get(&hash).cloned().ok_or_else(not_trusted)?;
            return Ok(Found { text, hash, to_register: false });
        }
        Ok(Found { text: text.into(), hash, to_register: named.is_some() })
    }

    pub(super) fn register(&self, found: &Found) {
        if found.to_register {
            self.registered.lock().insert(found.hash, Arc::clone(&found.text), found.text.len());
        }
    }
}

fn named_hash(request: &Request) -> Result<Option<TextHash>, ApiError> {
    let Some(extension) = request.extensions.get("persistedQuery").filter(|extension| !extension.is_null()) else { return Ok(None) };
    if extension.get("version").and_then(serde_json::Value::as_u64) != Some(1) {
        return Err(ApiError::bad_input("Unsupported persisted query version").hint("the version that is understood is 1"));
    }
    let hash = extension.get("sha256Hash").and_then(serde_json::Value::as_str).and_then(TextHash::parse);
    let why = "`extensions.persistedQuery.sha256Hash` must be a text of 64 hexadecimal digits";
    hash.map(Some).ok_or_else(|| ApiError::bad_input(why))
}

/// Clients compare this message.
fn not_registered() -> ApiError {
    ApiError::new(Code::PersistedQueryNotFound, "PersistedQueryNotFound").hint("send it again with its `query`")
}

fn not_trusted() -> ApiError {
    ApiError::new(Code::PersistedQueryRequired, "PersistedQueryRequired").hint("only the trusted documents of the workspace are run here")
}

/// The only documents that may run.
#[derive(Debug, Default)]
pub struct Trusted {
    by_hash: HashMap<TextHash, Arc<str>>,
}

#[derive(Debug, thiserror::Error)]
pub enum TrustedError {
    #[error("{path}: {error}")]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("{path}: a trusted document has at most {TRUSTED_BYTES_MAX} bytes")]
    TooLarge { path: PathBuf },
    #[error("{path}: a workspace has at most {TRUSTED_MAX} trusted documents")]
    TooMany { path: PathBuf },
}

impl Trusted {
    /// Each file may be said as it stands or without the white space at its ends.
    pub fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Trusted {
        let forms = texts.into_iter().flat_map(|text| [text, text.trim()]);
        Trusted { by_hash: forms.map(|text| (TextHash::of(text), text.into())).collect() }
    }

    /// The `.graphql` files of a folder.
    pub fn load(folder: &Path) -> Result<Trusted, TrustedError> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |error| TrustedError::Unreadable { path, error }
        };
        let mut texts = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(unreadable(folder))? {
            let path = entry.map_err(unreadable(folder))?.path();
            if path.extension().is_none_or(|extension| extension != "graphql") {
                continue;
            }
            if texts.len() == TRUSTED_MAX {
                return Err(TrustedError::TooMany { path: folder.to_owned() });
            }
            let size = std::fs::metadata(&path).map_err(unreadable(&path))?.len();
            if size > TRUSTED_BYTES_MAX as u64 {
                return Err(TrustedError::TooLarge { path });
            }
            texts.push(std::fs::read_to_string(&path).map_err(unreadable(&path))?);
        }
        Ok(Trusted::of(texts.iter().map(String::as_str)))
    }
}
