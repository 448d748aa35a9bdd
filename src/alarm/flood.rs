//! Alarm floods of an area (ISA-18.2): when so many come that people cannot follow, they are told in sums, and which was the first.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::reading::Timestamp;

/// More new unsuppressed occurrences than this …
pub const FLOOD_BEGINS_ABOVE: usize = 10;
/// … within this time begin a flood …
pub const FLOOD_SPAN: Duration = Duration::from_mins(10);
/// … and fewer than this end it.
pub const FLOOD_ENDS_BELOW: usize = 5;
/// While it lasts, people are told once in this time.
pub const NOTICE_EVERY: Duration = Duration::from_mins(1);
/// As many raises as decide whether one begins.
const RAISES_MAX: usize = FLOOD_BEGINS_ABOVE + 1;

/// What is kept of an area: little, and nothing grows with the number of alarms.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Flood {
    /// The newest raises, oldest first.
    raises: Vec<Raise>,
    ongoing: Option<Ongoing>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Raise {
    #[serde(with = "super::stored_time")]
    at: Timestamp,
    id: SmolStr,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Ongoing {
    #[serde(with = "super::stored_time")]
    since: Timestamp,
    /// The alarm that came first.
    first_out: SmolStr,
    raised: u32,
    raised_since_notice: u32,
    #[serde(with = "super::stored_time")]
    next_notice: Timestamp,
}

/// What people are told while a flood lasts, in place of each alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub at: Timestamp,
    pub first_out: SmolStr,
    /// In the whole flood so far.
    pub raised: u32,
    pub raised_since_notice: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FloodChange {
    /// `first_out` is the id of the alarm that carries the mark.
    Begun {
        at: Timestamp,
        first_out: SmolStr,
    },
    Noticed(Notice),
    Ended {
        at: Timestamp,
        raised: u32,
    },
}

impl Flood {
    pub fn is_ongoing(&self) -> bool {
        self.ongoing.is_some()
    }

    pub fn since(&self) -> Option<Timestamp> {
        self.ongoing.as_ref().map(|ongoing| ongoing.since)
    }

    pub fn first_out(&self) -> Option<&str> {
        self.ongoing.as_ref().map(|ongoing| ongoing.first_out.as_str())
    }

    /// A new occurrence that nothing suppresses was raised below the area. Raises are taken in the order in which they come;
    /// one that says an earlier time than its predecessor counts at the predecessor's.
    pub fn raise(&mut self, at: Timestamp, id: &str) -> Vec<FloodChange> {
        let at = self.raises.last().map_or(at, |newest| newest.at.max(at));
        let mut changes = self.elapse(at);
        if self.raises.len() >= RAISES_MAX {
            self.raises.remove(0);
        }
        self.raises.push(Raise { at, id: SmolStr::new(id) });
        match &mut self.ongoing {
            Some(ongoing) => {
                ongoing.raised = ongoing.raised.saturating_add(1);
                ongoing.raised_since_notice = ongoing.raised_since_notice.saturating_add(1);
            }
            None => changes.extend(self.begin_if_dense(at)),
        }
        changes
    }

    /// When it ends or the next notice is given, if nothing else is raised.
    pub fn due(&self) -> Option<Timestamp> {
        let ongoing = self.ongoing.as_ref()?;
        let end = self.ends_at(ongoing.since);
        Some(if ongoing.raised_since_notice > 0 { end.min(ongoing.next_notice) } else { end })
    }

    /// What time alone brings, up to and with `until`.
    pub fn elapse(&mut self, until: Timestamp) -> Vec<FloodChange> {
        let mut changes = Vec::new();
        let Some(ongoing) = &self.ongoing else { return changes };
        let end = self.ends_at(ongoing.since);
        if ongoing.next_notice <= until.min(end) {
            changes.extend(self.give_notice(until.min(end)));
        }
        if end <= until
            && let Some(ended) = self.ongoing.take()
        {
            changes.push(FloodChange::Ended { at: end, raised: ended.raised });
        }
        changes
    }

    /// One notice for all the minutes that have passed: a minute in which nothing came is not worth one.
    fn give_notice(&mut self, until: Timestamp) -> Option<FloodChange> {
        let ongoing = self.ongoing.as_mut()?;
        let every = i64::try_from(NOTICE_EVERY.as_micros()).unwrap_or(i64::MAX);
        let passed = until.micros_since(ongoing.next_notice) / every;
        let at = ongoing.next_notice;
        ongoing.next_notice = Timestamp(at.0.saturating_add(passed.saturating_add(1).saturating_mul(every)));
        let raised_since_notice = std::mem::take(&mut ongoing.raised_since_notice);
        let notice = Notice { at, first_out: ongoing.first_out.clone(), raised: ongoing.raised, raised_since_notice };
        (raised_since_notice > 0).then_some(FloodChange::Noticed(notice))
    }

    fn begin_if_dense(&mut self, at: Timestamp) -> Option<FloodChange> {
        let first = self.raises.first().filter(|first| self.raises.len() >= RAISES_MAX && first.at > at.minus(FLOOD_SPAN))?;
        let first_out = first.id.clone();
        let raised = u32::try_from(RAISES_MAX).unwrap_or(u32::MAX);
        let next_notice = at.plus(NOTICE_EVERY);
        self.ongoing = Some(Ongoing { since: at, first_out: first_out.clone(), raised, raised_since_notice: raised, next_notice });
        Some(FloodChange::Begun { at, first_out })
    }

    /// The instant at which the raise that makes it "not fewer" falls out of the ten minutes.
    fn ends_at(&self, since: Timestamp) -> Timestamp {
        let decisive = self.raises.len().checked_sub(FLOOD_ENDS_BELOW).and_then(|index| self.raises.get(index));
        decisive.map_or(since, |raise| raise.at.plus(FLOOD_SPAN)).max(since)
    }
}
