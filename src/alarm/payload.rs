//! An alarm as MQTT shows it: a retained message per identity, emptied when the occurrence is closed.

use serde::Serialize;

use crate::reading::TwinId;

use super::occurrence::{Condition, Occurrence};
use super::severity::Severity;
use super::state::{Identity, alarm_id};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Payload<'a> {
    id: String,
    severity: Severity,
    level: u8,
    condition: Condition,
    acknowledged: bool,
    text: &'a str,
    raised_at: String,
    cleared_at: Option<String>,
    count: u32,
}

/// `pollux/<twin>/alarms/<rule>`; where one rule has several alarms, the key is one level more, its own slashes and wildcards taken out.
pub fn topic(twin: &TwinId, identity: &Identity) -> String {
    let key: String = identity.key.chars().map(|c| if matches!(c, '/' | '+' | '#' | '\0') { '_' } else { c }).collect();
    let separator = if key.is_empty() { "" } else { "/" };
    format!("pollux/{twin}/alarms/{}{separator}{key}", identity.rule)
}

/// Empty when the occurrence is closed, or is not for showing: that takes the retained message away.
pub fn payload(twin: &TwinId, identity: &Identity, occurrence: &Occurrence) -> String {
    if !occurrence.is_open() || !occurrence.shown {
        return String::new();
    }
    let payload = Payload {
        id: alarm_id(twin, identity, occurrence.no),
        severity: occurrence.severity,
        level: occurrence.level,
        condition: occurrence.condition,
        acknowledged: occurrence.acknowledged,
        text: &occurrence.text,
        raised_at: occurrence.raised_at.to_string(),
        cleared_at: occurrence.cleared_at.map(|time| time.to_string()),
        count: occurrence.count,
    };
    serde_json::to_string(&payload).unwrap_or_default()
}
