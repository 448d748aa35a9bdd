//! The messages of graphql-transport-ws: what a client may say, read from text, and what we say, written as text.

use serde_json::{Map, Value as Json, json};

use crate::api::{ApiError, Request};
use crate::http::graphql::parameters::{from_object, kind_of};

/// Clients number their operations or take a UUID.
const ID_BYTES_MAX: usize = 256;

#[derive(Debug, PartialEq)]
pub(super) enum Heard {
    Init(Option<Map<String, Json>>),
    Subscribe(String, Box<Request>),
    Complete(String),
    Ping(Option<Map<String, Json>>),
    Pong,
}

/// Reads a message, or says what is wrong with it.
pub(super) fn read(text: &str) -> Result<Heard, String> {
    let mut members = match serde_json::from_str(text) {
        Ok(Json::Object(members)) => members,
        Ok(other) => return Err(format!("a message is an object, not {}", kind_of(&other))),
        Err(error) => return Err(format!("the message is not JSON: {error}")),
    };
    let Some(Json::String(kind)) = members.remove("type") else { return Err("a message has a `type`, which is a string".to_owned()) };
    match kind.as_str() {
        "connection_init" => Ok(Heard::Init(payload(&mut members)?)),
        "subscribe" => {
            let id = id(&mut members)?;
            let Some(parameters) = payload(&mut members)? else { return Err("`subscribe` has a `payload`, which is an object".to_owned()) };
            Ok(Heard::Subscribe(id, Box::new(from_object(parameters)?)))
        }
        "complete" => id(&mut members).map(Heard::Complete),
        "ping" => Ok(Heard::Ping(payload(&mut members)?)),
        "pong" => payload(&mut members).map(|_| Heard::Pong),
        "connection_ack" | "next" | "error" => Err(format!("`{kind}` is for the server to say")),
        _ => Err(format!("there is no message of type `{}`", shortened(&kind, 32))),
    }
}

fn id(members: &mut Map<String, Json>) -> Result<String, String> {
    match members.remove("id") {
        Some(Json::String(id)) if id.is_empty() => Err("the `id` is empty".to_owned()),
        Some(Json::String(id)) if id.len() > ID_BYTES_MAX => Err(format!("the `id` is longer than {ID_BYTES_MAX} bytes")),
        Some(Json::String(id)) => Ok(id),
        _ => Err("the message needs an `id`, which is a string".to_owned()),
    }
}

fn payload(members: &mut Map<String, Json>) -> Result<Option<Map<String, Json>>, String> {
    match members.remove("payload") {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Object(payload)) => Ok(Some(payload)),
        Some(other) => Err(format!("`payload` must be an object, not {}", kind_of(&other))),
    }
}

pub(super) fn ack(payload: &Json) -> String {
    json!({ "type": "connection_ack", "payload": payload }).to_string()
}

pub(super) fn pong(payload: Option<Map<String, Json>>) -> String {
    match payload {
        Some(payload) => json!({ "type": "pong", "payload": payload }).to_string(),
        None => r#"{"type":"pong"}"#.to_owned(),
    }
}

/// The result stands in it as it is: it may be large, and it is JSON already.
pub(super) fn next(id: &str, result: &str) -> String {
    let id = Json::from(id).to_string();
    let mut message = String::with_capacity(id.len() + result.len() + 40);
    message.push_str(r#"{"id":"#);
    message.push_str(&id);
    message.push_str(r#","type":"next","payload":"#);
    message.push_str(result);
    message.push('}');
    message
}

pub(super) fn error(id: &str, errors: &[ApiError]) -> String {
    json!({ "id": id, "type": "error", "payload": errors }).to_string()
}

pub(super) fn complete(id: &str) -> String {
    json!({ "id": id, "type": "complete" }).to_string()
}

/// The longest beginning of a text that has so many bytes at most.
pub(super) fn shortened(text: &str, bytes_max: usize) -> &str {
    let end = (0..=bytes_max.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    &text[..end]
}
