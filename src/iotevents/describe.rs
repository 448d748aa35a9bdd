//! What migrated tools ask for: DescribeDetector and BatchUpdateDetector, in AWS's shapes (`seed-systems.md`, 1.5).

use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use crate::reading::Timestamp;
use crate::rule::detector::{DetectorState, Forced, Scalar, Setting};

use super::detector::Detector;
use super::expression::{Value, render_json};

/// Of one call.
const UPDATES_MAX: usize = 100;

/// A detector on one twin, and since when it is there.
#[derive(Debug, Clone, Copy)]
pub struct Described<'a> {
    pub detector: &'a Detector,
    pub state: &'a DetectorState,
    pub key_value: Option<&'a str>,
    pub created: Timestamp,
    pub updated: Timestamp,
}

fn seconds(at: Timestamp) -> Json {
    json!(at.0 as f64 / 1_000_000.0)
}

impl Described<'_> {
    /// `{"detector": {…}}`; `None` while no message has come: there is no such detector yet.
    pub fn to_json(&self) -> Option<Json> {
        let Described { detector, state, .. } = self;
        let name = detector.names.states.get(usize::from(state.state?))?;
        let variables = (0u8..).zip(&detector.names.variables).filter_map(|(place, name)| {
            let value = state.variable(place)?;
            Some(json!({"name": name.as_str(), "value": render_json(value)}))
        });
        let variables: Vec<Json> = variables.collect();
        let timers = (0u8..).zip(&detector.names.timers).filter_map(|(place, name)| {
            let due = state.timer(place)?.due?;
            Some(json!({"name": name.as_str(), "timestamp": seconds(due)}))
        });
        let timers: Vec<Json> = timers.collect();
        let mut described = Map::from_iter([
            ("detectorModelName".to_owned(), json!(detector.name.as_str())),
            ("detectorModelVersion".to_owned(), json!(detector.version.as_str())),
            ("creationTime".to_owned(), seconds(self.created)),
            ("lastUpdateTime".to_owned(), seconds(self.updated)),
            ("state".to_owned(), json!({"stateName": name.as_str(), "variables": variables, "timers": timers})),
        ]);
        described.extend(self.key_value.map(|value| ("keyValue".to_owned(), json!(value))));
        Some(json!({"detector": described}))
    }
}

/// One of BatchUpdateDetector, with names.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    pub message_id: String,
    pub model: String,
    pub key_value: Option<String>,
    pub state: String,
    pub variables: Vec<(String, Scalar)>,
    pub timers: Vec<(String, Duration)>,
}

/// Reads `{"detectors": [{"messageId", "detectorModelName", "keyValue", "state": {…}}]}`, all or nothing.
pub fn parse_updates(json: &Json) -> Result<Vec<Update>, String> {
    let list = json.get("detectors").and_then(Json::as_array).ok_or("detectors: a list is expected")?;
    if list.len() > UPDATES_MAX {
        return Err(format!("detectors: {} updates; at most {UPDATES_MAX} at a time", list.len()));
    }
    let read = |(index, update): (usize, &Json)| read_update(update).map_err(|message| format!("detectors[{index}].{message}"));
    list.iter().enumerate().map(read).collect()
}

fn read_update(update: &Json) -> Result<Update, String> {
    let state = update.get("state").filter(|state| state.is_object()).ok_or("state: an object is expected")?;
    let variable = |item: &Json| {
        let name = text(item, "name")?;
        let value = parse_scalar(&text(item, "value")?).map_err(|message| format!("value: {message}"))?;
        Ok((name, value))
    };
    let timer = |item: &Json| {
        let seconds = item.get("seconds").and_then(Json::as_u64).ok_or("seconds: a whole number is expected")?;
        Ok((text(item, "name")?, Duration::from_secs(seconds)))
    };
    Ok(Update {
        message_id: text(update, "messageId")?,
        model: text(update, "detectorModelName")?,
        key_value: update.get("keyValue").and_then(Json::as_str).map(str::to_owned),
        state: text(state, "stateName").map_err(|message| format!("state.{message}"))?,
        variables: items(state, "variables", variable)?,
        timers: items(state, "timers", timer)?,
    })
}

fn text(json: &Json, key: &str) -> Result<String, String> {
    json.get(key).and_then(Json::as_str).map(str::to_owned).ok_or_else(|| format!("{key}: a text is expected"))
}

fn items<T>(state: &Json, key: &str, read: impl Fn(&Json) -> Result<T, String>) -> Result<Vec<T>, String> {
    let Some(list) = state.get(key).filter(|list| !list.is_null()) else { return Ok(Vec::new()) };
    let list = list.as_array().ok_or_else(|| format!("state.{key}: a list is expected"))?;
    let item = |(index, item): (usize, &Json)| read(item).map_err(|message| format!("state.{key}[{index}].{message}"));
    list.iter().enumerate().map(item).collect()
}

/// `22` is an integer, `1.0` a decimal, `true` a boolean, `"x"` with its quotes a text.
pub fn parse_scalar(text: &str) -> Result<Scalar, String> {
    let json: Option<Json> = serde_json::from_str(text).ok();
    let scalar = json.as_ref().and_then(|json| Value::of_json(json).into_scalar());
    scalar.ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        format!("`{shown}` is no value: write 22, 1.0, true or, for a text, \\\"x\\\" with its quotes")
    })
}

impl Update {
    /// With the places of the detector's names; a name that it does not have is an error.
    pub fn resolve(&self, detector: &Detector) -> Result<Forced, String> {
        detector.names.place(&detector.definition, &self.setting())
    }

    pub fn setting(&self) -> Setting {
        let variables = self.variables.iter().map(|(name, value)| (name.into(), value.clone())).collect();
        let timers = self.timers.iter().map(|(name, length)| (name.into(), *length)).collect();
        Setting { state: Some(self.state.as_str().into()), variables, timers }
    }
}
