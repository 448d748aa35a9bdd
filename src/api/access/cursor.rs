//! Cursors: where a page ended, in the terms of its order, signed so that nobody makes them up, and bound to the filter and order they came from.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use serde_json::Value as Json;
use sha2::Sha256;
use xxhash_rust::xxh3::Xxh3;

use crate::api::error::{ApiError, Code};
use crate::reading::TwinId;

use super::order::Key;

/// So many bytes of the signature are kept.
const SIGNATURE_BYTES: usize = 16;
/// The longest cursor that is looked at.
const CURSOR_BYTES_MAX: usize = 64 << 10;

/// What cursors are signed with.
#[derive(Clone)]
pub struct CursorKey([u8; 32]);

impl CursorKey {
    pub fn new(secret: [u8; 32]) -> CursorKey {
        CursorKey(secret)
    }

    fn sign(&self, text: &[u8]) -> Option<[u8; SIGNATURE_BYTES]> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(text);
        mac.finalize().into_bytes().first_chunk().copied()
    }

    fn is_ours(&self, text: &[u8], signature: &[u8]) -> bool {
        let mac = Hmac::<Sha256>::new_from_slice(&self.0).ok();
        mac.is_some_and(|mac| signature.len() == SIGNATURE_BYTES && mac.chain_update(text).verify_truncated_left(signature).is_ok())
    }
}

/// A secret reaches no log.
impl fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CursorKey(…)")
    }
}

/// What a cursor belongs to: the list (such as `twins`, or a field of one twin) with its filter and order.
pub fn fingerprint(list: &str, filter: Option<&Json>, order: Option<&Json>) -> u64 {
    let mut hash = Xxh3::new();
    for text in [list.to_owned(), filter.map(Json::to_string).unwrap_or_default(), order.map(Json::to_string).unwrap_or_default()] {
        hash.update(text.as_bytes());
        hash.update(&[0]);
    }
    hash.digest()
}

/// Where an item stands in its list. It is signed only where somebody asks: that takes longer than finding the item.
#[derive(Debug, Clone)]
pub struct Cursor {
    position: Position,
    belongs_to: u64,
    key: CursorKey,
}

impl Cursor {
    pub(super) fn new(position: Position, belongs_to: u64, key: &CursorKey) -> Cursor {
        Cursor { position, belongs_to, key: key.clone() }
    }

    pub fn text(&self) -> String {
        self.position.encode(self.belongs_to, &self.key)
    }
}

/// The last twin of a page.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Position {
    pub(super) keys: Vec<Key>,
    pub(super) id: TwinId,
}

impl Position {
    pub(super) fn encode(&self, belongs_to: u64, key: &CursorKey) -> String {
        let keys: Vec<Json> = self
            .keys
            .iter()
            .map(|key| match key {
                Key::Int(value) => serde_json::json!({ "i": value }),
                // By its bits: exactly this number.
                Key::Float(value) => serde_json::json!({ "f": value.to_bits() }),
                Key::Text(text) => serde_json::json!({ "t": &**text }),
                Key::Missing => Json::Null,
            })
            .collect();
        let mut bytes = serde_json::json!([belongs_to, keys, self.id.as_str()]).to_string().into_bytes();
        let signature = key.sign(&bytes).unwrap_or_default();
        bytes.extend_from_slice(&signature);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    pub(super) fn decode(text: &str, keys: usize, belongs_to: u64, key: &CursorKey) -> Result<Position, ApiError> {
        let bad = |message: &str, hint: &str| ApiError::new(Code::BadCursor, message).hint(hint);
        let not_ours = || bad("this is no cursor of this server", "pass on `endCursor` or `cursor` as it came");
        if text.len() > CURSOR_BYTES_MAX {
            return Err(not_ours());
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| not_ours())?;
        let (said, signature) = bytes.split_at_checked(bytes.len().saturating_sub(SIGNATURE_BYTES)).ok_or_else(not_ours)?;
        if !key.is_ours(said, signature) {
            return Err(not_ours());
        }
        let parts: Json = serde_json::from_slice(said).map_err(|_| not_ours())?;
        if parts[0].as_u64() != Some(belongs_to) {
            return Err(bad(
                "the cursor comes from another list, filter or order",
                "begin again without `after` when filter or order change",
            ));
        }
        let own: Option<Vec<Key>> = parts[1].as_array().map(|keys| keys.iter().map(read).collect());
        let id = parts[2].as_str().and_then(|id| TwinId::parse(id).ok());
        match (own, id) {
            (Some(own), Some(id)) if own.len() == keys => Ok(Position { keys: own, id }),
            (_, _) => Err(not_ours()),
        }
    }
}

fn read(key: &Json) -> Key {
    if let Some(value) = key["i"].as_i64() {
        Key::Int(value)
    } else if let Some(bits) = key["f"].as_u64() {
        Key::Float(f64::from_bits(bits))
    } else if let Some(text) = key["t"].as_str() {
        Key::Text(Arc::from(text))
    } else {
        Key::Missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_whole_and_nothing_else_does() {
        let key = CursorKey::new([7; 32]);
        let keys = vec![Key::Int(i64::MIN), Key::Float(-0.1), Key::Text(Arc::from("ä\"")), Key::Missing];
        let position = Position { keys, id: TwinId::parse("mixer-1").expect("an id") };
        let text = position.encode(5, &key);
        assert_eq!(Position::decode(&text, 4, 5, &key), Ok(position));
        for (text, keys, belongs_to, key) in [
            (text.clone(), 4, 6, key.clone()),
            (text.clone(), 3, 5, key.clone()),
            (text.clone(), 4, 5, CursorKey::new([8; 32])),
            (format!("A{}", &text[1..]), 4, 5, key.clone()),
            (text[..20].to_owned(), 4, 5, key.clone()),
            (String::new(), 4, 5, key),
        ] {
            assert_eq!(Position::decode(&text, keys, belongs_to, &key).expect_err("it is not right").code, Code::BadCursor);
        }
    }
}
