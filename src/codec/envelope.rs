//! The HTTP envelope: `{"twin": ID, "ts": TIME, "values": {…}}`. It is opened first, so that the twin and its layout can be looked up;
//! the values are then decoded as a native payload.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::catalog::binding::Unmapped;
use crate::catalog::{FieldTable, Layout};
use crate::reading::{Problem, Raw, Timestamp};

use super::{Decoded, json, native, time};

/// An opened envelope; its values are still text.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with `twin`, `ts` and `values`")]
pub struct Envelope<'p> {
    /// An id as sent; nobody has checked it.
    #[serde(borrow)]
    pub twin: Cow<'p, str>,
    #[serde(borrow, default)]
    ts: Option<&'p RawValue>,
    #[serde(borrow)]
    values: &'p RawValue,
}

impl<'p> Envelope<'p> {
    pub fn open(payload: &'p [u8]) -> Result<Envelope<'p>, Problem> {
        let text = super::text(payload)?;
        let mut reader = serde_json::Deserializer::from_str(text);
        let opened = Envelope::deserialize(&mut reader).and_then(|envelope| reader.end().map(|()| envelope));
        opened.map_err(|error| match error.is_data() {
            true => Problem {
                code: "BAD_ENVELOPE",
                field: None,
                message: format!("an item is {{\"twin\": ID, \"ts\": TIME, \"values\": {{…}}}}: {error}"),
            },
            false => json::unreadable(text, &error),
        })
    }

    /// A `ts` among the values counts for more than that of the envelope.
    pub fn decode(&self, layout: &Layout, fields: &FieldTable, out: &mut Decoded) -> Result<(), Problem> {
        native::decode_at(layout, fields, &Unmapped::Count, self.values.get().as_bytes(), self.time(), out)
    }

    fn time(&self) -> Result<Option<Timestamp>, Problem> {
        let Some(ts) = self.ts else { return Ok(None) };
        let bad = |message: String| Problem { code: "BAD_TIME", field: Some("ts".to_owned()), message };
        let sent: serde_json::Value = serde_json::from_str(ts.get()).map_err(|error| bad(error.to_string()))?;
        if sent.is_null() { Ok(None) } else { time::native(Raw::from(&sent)).map(Some).map_err(bad) }
    }
}
