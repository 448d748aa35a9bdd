//! What a window knows of its member besides the readings it holds: the newest one, and when there was a known value at all.

use serde::{Deserialize, Serialize};

use super::cover::Cover;
use super::sample::Reading;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Timeline {
    pub cover: Cover,
    pub newest: Option<Reading>,
}

/// The readings around an instant, where the window still has them.
pub(super) type Neighbours = Option<(Option<Reading>, Option<Reading>)>;

impl Timeline {
    pub(super) fn insert(&mut self, reading: Reading, neighbours: Neighbours, hold: Option<i64>) {
        match (self.newest, neighbours) {
            (newest, _) if newest.is_none_or(|newest| newest.at <= reading.at) => {
                self.cover.set(reading.at, Some(reading), newest, None, hold);
                self.newest = Some(reading);
            }
            (_, Some((before, after))) => self.cover.set(reading.at, Some(reading), before, after, hold),
            (_, None) => self.cover.widen(reading, hold),
        }
    }

    /// `neighbours` are those after the reading is gone.
    pub(super) fn remove(&mut self, reading: Reading, neighbours: Neighbours, hold: Option<i64>) {
        let Some((before, after)) = neighbours else { return };
        self.cover.set(reading.at, None, before, after, hold);
        if self.newest == Some(reading) {
            self.newest = before;
        }
    }
}
