//! `pollux/<twin>/events/<name>`: what happened, as JSON; its time may stand in `ts`.

use serde_json::Value as Json;

use crate::catalog::Layout;
use crate::reading::{Problem, Raw, Timestamp};

use super::{json, time};

/// What was said of an event.
#[derive(Debug, Clone, PartialEq)]
pub struct EventSaid {
    pub name: String,
    /// `None`: when it was received.
    pub time: Option<Timestamp>,
    pub body: Option<Json>,
}

/// An empty payload says that it happened, and no more.
pub fn decode(layout: &Layout, name: &str, payload: &[u8]) -> Result<EventSaid, Problem> {
    if layout.logic.event(name).is_none() {
        let shown: String = name.chars().take(64).collect();
        let known: Vec<&str> = layout.logic.events.iter().map(|event| &*event.name).collect();
        let known = if known.is_empty() { "it declares none".to_owned() } else { format!("it declares {}", known.join(", ")) };
        let message = format!("`{}` has no event `{shown}`: {known}", layout.name);
        return Err(Problem { field: None, code: "UNKNOWN_EVENT", message });
    }
    if payload.iter().all(u8::is_ascii_whitespace) {
        return Ok(EventSaid { name: name.to_owned(), time: None, body: None });
    }
    let (mut body, problems) = json::parse(payload)?;
    if let Some(problem) = problems.into_iter().next() {
        return Err(problem);
    }
    let said = body.as_object_mut().and_then(|fields| fields.remove("ts"));
    let time = said.map(|said| time::native(Raw::from(&said)));
    let time = time.transpose().map_err(|message| Problem { field: Some("ts".into()), code: "BAD_TIME", message })?;
    Ok(EventSaid { name: name.to_owned(), time, body: Some(body) })
}
