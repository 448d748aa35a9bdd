//! The last readings of a member: what makes a reading that is sent again, or sent anew for an instant that has passed, known to its
//! windows (`rules.md`, 3.2).

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::sample::{Reading, Sample};

/// How many readings of a member are remembered, the newest by event time.
pub const RECENT_READINGS_MAX: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RecentReadings(VecDeque<Reading>);

/// Which of two readings of one instant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    Last,
    First,
}

/// What a reading is to the windows over its member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recognised {
    /// A window takes it in.
    New,
    /// It is known, and changes nothing.
    Duplicate,
    /// It takes the place of the one that was there.
    Replaces(Sample),
    /// Another one was there first, and stands.
    Refused,
}

impl RecentReadings {
    /// Compares a reading with those remembered, without remembering it.
    pub fn recognise(&self, reading: Reading, keep: Keep) -> Recognised {
        if self.is_newest(reading) {
            return Recognised::New;
        }
        let place = self.0.partition_point(|other| other.at < reading.at);
        match (self.0.get(place).filter(|other| other.at == reading.at), keep) {
            (None, _) => Recognised::New,
            (Some(other), _) if other.sample == reading.sample => Recognised::Duplicate,
            (Some(other), Keep::Last) => Recognised::Replaces(other.sample),
            (Some(_), Keep::First) => Recognised::Refused,
        }
    }

    fn is_newest(&self, reading: Reading) -> bool {
        self.0.back().is_none_or(|newest| newest.at < reading.at)
    }

    /// Remembers a reading that was accepted; it takes the place of one of the same instant.
    pub fn remember(&mut self, reading: Reading) {
        if self.is_newest(reading) {
            if self.0.len() >= RECENT_READINGS_MAX {
                self.0.pop_front();
            }
            self.0.push_back(reading);
            return;
        }
        let place = self.0.partition_point(|other| other.at < reading.at);
        if let Some(other) = self.0.get_mut(place).filter(|other| other.at == reading.at) {
            *other = reading;
            return;
        }
        if self.0.len() < RECENT_READINGS_MAX {
            self.0.insert(place, reading);
        } else if place > 0 {
            self.0.pop_front();
            self.0.insert(place - 1, reading);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(at: i64, value: f64) -> Reading {
        Reading { at, sample: Sample::number(value) }
    }

    #[test]
    fn the_newest_are_remembered() {
        let mut recent = RecentReadings::default();
        for at in (0..100).rev().chain(100..150) {
            assert_eq!(recent.recognise(reading(at, 1.0), Keep::Last), Recognised::New);
            recent.remember(reading(at, 1.0));
        }
        assert_eq!(recent.recognise(reading(86, 1.0), Keep::Last), Recognised::Duplicate);
        assert_eq!(recent.recognise(reading(85, 1.0), Keep::Last), Recognised::New);
        assert_eq!(recent.recognise(reading(149, 2.0), Keep::Last), Recognised::Replaces(Sample::number(1.0)));
        assert_eq!(recent.recognise(reading(149, 2.0), Keep::First), Recognised::Refused);
        recent.remember(reading(149, 2.0));
        assert_eq!(recent.recognise(reading(149, 2.0), Keep::First), Recognised::Duplicate);
        assert_eq!(recent.0.len(), RECENT_READINGS_MAX);
    }
}
