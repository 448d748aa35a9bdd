//! The body of an answer, written straight into bytes: `{"errors": …, "data": …, "extensions": …}` in one line.

use std::collections::HashSet;
use std::io;
use std::sync::atomic::Ordering;

use async_graphql::{Name, Value};
use bytes::Bytes;
use serde_json::{Value as Json, json};

use super::context::RequestContext;
use super::faults::Told;
use crate::api::error::{ApiError, Step};
use crate::api::request::Answer;

/// What an operation has given. The keys of the root come in the order of `root_order`: the library gives them in the order of completion.
pub(super) fn executed(ctx: &RequestContext, mut data: Value, told: Told, root_order: &[String]) -> Answer {
    make_null(&mut data, &told.nulled);
    let mut body = Body { bytes: Vec::with_capacity(BODY_BYTES), bytes_max: ctx.response_bytes_max };
    match body.write(ctx, &data, &told.errors, root_order) {
        Ok(()) => Answer { cursor: ctx.cursor.lock().take(), ..Answer::executed(Bytes::from(body.bytes)) },
        Err(_) => {
            let bytes_max = ctx.response_bytes_max;
            let text = format!("the answer is larger than {bytes_max} bytes");
            let mut error =
                ApiError::limit("response_bytes_max", bytes_max as u64, text).hint("ask for fewer fields, or for shorter pages");
            error.request_id = Some(ctx.request_id.clone());
            Answer::refused(vec![error])
        }
    }
}

/// Room for a common answer.
const BODY_BYTES: usize = 1024;

/// Parts that must be null, whatever came in: of a field that is selected twice, only one copy may have failed.
fn make_null(data: &mut Value, nulled: &HashSet<Vec<Step>>) {
    for path in nulled {
        let mut part = Some(&mut *data);
        for step in path {
            part = match (part, step) {
                (Some(Value::Object(fields)), Step::Key(key)) => fields.get_mut(key.as_str()),
                (Some(Value::List(items)), Step::Index(index)) => items.get_mut(*index),
                (_, Step::Key(_) | Step::Index(_)) => None,
            };
        }
        if let Some(part) = part {
            *part = Value::Null;
        }
    }
}

struct Body {
    bytes: Vec<u8>,
    bytes_max: usize,
}

impl Body {
    fn write(&mut self, ctx: &RequestContext, data: &Value, errors: &[ApiError], root_order: &[String]) -> io::Result<()> {
        self.bytes.push(b'{');
        if !errors.is_empty() {
            self.bytes.extend_from_slice(b"\"errors\":");
            serde_json::to_writer(&mut self.bytes, errors)?;
            self.bytes.push(b',');
        }
        self.bytes.extend_from_slice(b"\"data\":");
        if let Value::Object(fields) = data {
            let first = root_order.iter().filter_map(|key| fields.get_key_value(key.as_str()));
            let rest = fields.iter().filter(|(key, _)| !root_order.iter().any(|first| first == key.as_str()));
            self.object(first.chain(rest))?;
        } else {
            self.value(data)?;
        }
        if let Some(receipt) = receipt(ctx) {
            self.bytes.extend_from_slice(b",\"extensions\":");
            serde_json::to_writer(&mut self.bytes, &json!({"receipt": receipt}))?;
        }
        self.bytes.push(b'}');
        Ok(())
    }

    fn value(&mut self, value: &Value) -> io::Result<()> {
        if self.bytes.len() > self.bytes_max {
            return Err(io::Error::other("too large"));
        }
        match value {
            Value::Null => self.bytes.extend_from_slice(b"null"),
            Value::Boolean(true) => self.bytes.extend_from_slice(b"true"),
            Value::Boolean(false) => self.bytes.extend_from_slice(b"false"),
            Value::Number(number) => serde_json::to_writer(&mut self.bytes, number)?,
            Value::String(text) => serde_json::to_writer(&mut self.bytes, text)?,
            Value::Enum(name) => serde_json::to_writer(&mut self.bytes, name.as_str())?,
            // A scalar that was written where it was made.
            Value::Binary(raw) => self.bytes.extend_from_slice(raw),
            Value::List(items) => {
                self.bytes.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.bytes.push(b',');
                    }
                    self.value(item)?;
                }
                self.bytes.push(b']');
            }
            Value::Object(fields) => self.object(fields.iter())?,
        }
        Ok(())
    }

    fn object<'v>(&mut self, fields: impl Iterator<Item = (&'v Name, &'v Value)>) -> io::Result<()> {
        self.bytes.push(b'{');
        for (index, (key, value)) in fields.enumerate() {
            if index > 0 {
                self.bytes.push(b',');
            }
            // Names of GraphQL need no escaping.
            self.bytes.push(b'"');
            self.bytes.extend_from_slice(key.as_bytes());
            self.bytes.extend_from_slice(b"\":");
            self.value(value)?;
        }
        self.bytes.push(b'}');
        Ok(())
    }
}

fn receipt(ctx: &RequestContext) -> Option<Json> {
    let asked = ctx.receipt_asked.as_ref()?;
    let long = |value: u64| Json::from(value.to_string());
    let receipt = &ctx.receipt;
    Some(json!({
        "seq": long(receipt.seq.load(Ordering::Relaxed)),
        "storeSeq": long(receipt.store_seq.load(Ordering::Relaxed)),
        "cost": asked.cost,
        "elapsedMs": asked.since.elapsed().as_micros() as f64 / 1000.0,
        "twinsRead": receipt.twins_read.load(Ordering::Relaxed),
        "storeStatements": receipt.store_statements.load(Ordering::Relaxed),
    }))
}
