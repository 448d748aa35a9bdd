//! A frame of single values in columns, and how its columns are written.

use serde_json::{Map, Value as Json};

use crate::reading::{Seq, Timestamp, TwinId};

use super::FrameKind;

#[derive(Debug, Clone)]
pub struct ReadingFrame {
    pub kind: FrameKind,
    pub seq: Seq,
    pub at: Timestamp,
    pub coalesced: u64,
    /// Twin and property; with a snapshot.
    pub keys: Option<Vec<(TwinId, Box<str>)>>,
    /// Places in the keys; with a delta.
    pub index: Option<Vec<u32>>,
    pub times: Vec<Option<Timestamp>>,
    pub values: Vec<Json>,
    /// By place in the keys, what is not GOOD.
    pub qualities: Vec<(u32, &'static str)>,
    /// More series were selected than `series_max`; those beyond it are not in the keys.
    pub truncated: bool,
}

impl ReadingFrame {
    /// `[["mixer-1", "speed"], …]`
    pub fn keys_json(&self) -> Json {
        let key = |(twin, name): &(TwinId, Box<str>)| Json::from(vec![twin.as_str(), name]);
        self.keys.as_ref().map_or(Json::Null, |keys| keys.iter().map(key).collect())
    }

    /// `[3, 17]`
    pub fn index_json(&self) -> Json {
        self.index.as_ref().map_or(Json::Null, |index| index.iter().copied().collect())
    }

    /// Milliseconds since 1970 whose fraction is microseconds.
    pub fn t_json(&self) -> Json {
        self.times.iter().map(|time| time.map_or(Json::Null, millis)).collect()
    }

    pub fn v_json(&self) -> Json {
        Json::Array(self.values.clone())
    }

    /// `{"17": "BAD"}`; null if everything is good.
    pub fn q_json(&self) -> Json {
        if self.qualities.is_empty() {
            return Json::Null;
        }
        Json::Object(self.qualities.iter().map(|(place, quality)| (place.to_string(), Json::from(*quality))).collect::<Map<_, _>>())
    }
}

/// Whole milliseconds stay whole: they are shorter to write and exact to read.
fn millis(time: Timestamp) -> Json {
    if time.0 % 1000 == 0 { (time.0 / 1000).into() } else { (time.0 as f64 / 1000.0).into() }
}
