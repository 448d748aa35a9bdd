//! Missing data: when the silence of members becomes an alarm. There is nothing to remember: all of it follows from their newest readings.

use std::time::Duration;

use crate::reading::Timestamp;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoData {
    /// How long each of the observed members may be silent: `missed × every`, or `after`. Silent are they only all together.
    pub allowed: Box<[Duration]>,
    /// Counts from the creation of the twin, not from the first reading.
    pub since_creation: bool,
}

/// What is known of an observed member, on its own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Member {
    /// The event time of its newest reading.
    pub head: Option<Timestamp>,
    /// After a start: until when our own silence excuses it. One `every` from the start.
    pub excused_until: Option<Timestamp>,
}

/// The instant from which on there is silence, unless a reading comes at or before it. Such a reading still counts.
pub fn silent_at(no_data: &NoData, members: &[Member], created: Timestamp) -> Option<Timestamp> {
    let silent = |(allowed, member): (&Duration, &Member)| {
        let begins = member.head.or(no_data.since_creation.then_some(created))?;
        let due = begins.plus(*allowed);
        Some(member.excused_until.map_or(due, |until| due.max(until)))
    };
    no_data.allowed.iter().zip(members).filter_map(silent).max()
}
