//! `iotevents/messages`: what migrated tools gave to `BatchPutMessage`, as it is. Each message is for an input, has an id by which a repetition is
//! known, and says what the input is told as text inside.

use serde_json::{Map, Value as Json};
use smol_str::SmolStr;

use crate::reading::{Problem, Timestamp};

use super::json;

pub const TOPIC: &str = "iotevents/messages";
/// AWS takes ten at a time.
pub const MESSAGES_MAX: usize = 1000;

/// One message for one input.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    pub id: SmolStr,
    pub input: String,
    /// What is published on the topic of the input otherwise.
    pub payload: Vec<u8>,
    /// When it happened; `None`: when it was received.
    pub time: Option<Timestamp>,
}

/// In the order in which they stand there. One that cannot be read makes all of them unreadable: its sender sends them again as one.
pub fn decode(payload: &[u8]) -> Result<Vec<Message>, Problem> {
    let (body, problems) = json::parse(payload)?;
    if let Some(problem) = problems.into_iter().next() {
        return Err(problem);
    }
    let list = match body {
        Json::Object(mut fields) => fields.remove("messages"),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => None,
    };
    let Some(Json::Array(list)) = list else {
        return Err(wrong("messages", "expected {\"messages\": [{\"messageId\": …, \"inputName\": …, \"payload\": …}]}".to_owned()));
    };
    if list.len() > MESSAGES_MAX {
        return Err(wrong("messages", format!("{} messages are more than {MESSAGES_MAX}", list.len())));
    }
    if list.is_empty() {
        return Err(wrong("messages", "expected at least one".to_owned()));
    }
    list.into_iter().enumerate().map(|(place, message)| one(message, place)).collect()
}

fn one(message: Json, place: usize) -> Result<Message, Problem> {
    let Json::Object(mut fields) = message else { return Err(wrong(&format!("messages[{place}]"), "expected an object".to_owned())) };
    let id = text(&mut fields, place, "messageId")?;
    let input = text(&mut fields, place, "inputName")?;
    if input.is_empty() || input.contains(['/', '+', '#', '\0']) {
        return Err(wrong(&format!("messages[{place}].inputName"), "expected the name of an input".to_owned()));
    }
    let payload = match fields.remove("payload") {
        Some(Json::String(text)) => text.into_bytes(),
        Some(object @ Json::Object(_)) => object.to_string().into_bytes(),
        Some(Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_)) | None => {
            return Err(wrong(&format!("messages[{place}].payload"), "expected JSON as text".to_owned()));
        }
    };
    let time = match fields.remove("timestamp") {
        None | Some(Json::Null) => None,
        Some(said) => {
            let micros = said.get("timeInMillis").and_then(Json::as_i64).and_then(|millis| millis.checked_mul(1000));
            let micros = micros.ok_or_else(|| {
                wrong(&format!("messages[{place}].timestamp"), "expected {\"timeInMillis\": milliseconds since 1970}".to_owned())
            })?;
            Some(Timestamp(micros))
        }
    };
    Ok(Message { id: id.into(), input, payload, time })
}

fn text(fields: &mut Map<String, Json>, place: usize, name: &str) -> Result<String, Problem> {
    match fields.remove(name) {
        Some(Json::String(text)) => Ok(text),
        Some(Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_)) | None => {
            Err(wrong(&format!("messages[{place}].{name}"), "expected a text".to_owned()))
        }
    }
}

/// A sender is told the message alone, so the place stands in it, too.
fn wrong(field: &str, message: String) -> Problem {
    Problem { code: "BAD_MESSAGE", field: Some(field.to_owned()), message: format!("{field}: {message}") }
}
