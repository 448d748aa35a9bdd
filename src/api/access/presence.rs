//! Whether the device of a twin talks, as far as its readings tell.

use crate::reading::Timestamp;
use crate::twin::State;

/// In the order in which twins are sorted by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// One of its readings is fresh.
    Online,
    /// All are stale.
    Offline,
    /// Nothing was ever heard, or no member says when it is stale.
    Unknown,
}

impl Presence {
    pub const NAMES: [&str; 3] = ["ONLINE", "OFFLINE", "UNKNOWN"];

    pub fn of(state: &State, now: Timestamp) -> Presence {
        let heard = state.layout.slots.iter().zip(state.slots.iter()).filter(|(_, slot)| slot.value.is_some());
        let ages = heard.filter_map(|(spec, slot)| spec.telemetry.as_ref().and_then(|rules| rules.stale).map(|stale| (stale, slot)));
        let mut any = false;
        for (stale, slot) in ages {
            if !slot.is_stale(Some(stale), now) {
                return Presence::Online;
            }
            any = true;
        }
        if any { Presence::Offline } else { Presence::Unknown }
    }

    pub fn name(self) -> &'static str {
        match self {
            Presence::Online => "ONLINE",
            Presence::Offline => "OFFLINE",
            Presence::Unknown => "UNKNOWN",
        }
    }

    pub fn from_name(name: &str) -> Option<Presence> {
        [Presence::Online, Presence::Offline, Presence::Unknown].into_iter().find(|presence| presence.name() == name)
    }
}
