//! Alarm floods of an area (ISA-18.2): when so many come that people cannot follow, they are told in sums, and which was the first.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::reading::Timestamp;

use super::severity::Severity;

/// More new unsuppressed occurrences than this …
pub const FLOOD_BEGINS_ABOVE: usize = 10;
/// … within this time begin a flood …
pub const FLOOD_SPAN: Duration = Duration::from_mins(10);
/// … and fewer than this end it.
pub const FLOOD_ENDS_BELOW: usize = 5;
/// While it lasts, people are told once in this time.
pub const NOTICE_EVERY: Duration = Duration::from_mins(1);
/// Receivers of which it is counted what was kept from them; what is for others is not kept from them.
pub const GROUPED_MAX: usize = 64;
/// As many raises as decide whether one begins.
const RAISES_MAX: usize = FLOOD_BEGINS_ABOVE + 1;

/// What is kept of an area: little, and nothing grows with the number of alarms.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Flood {
    /// The newest raises, oldest first.
    raises: Vec<Raise>,
    /// By which the area's clock goes: the newest time that a raise said, and when that came.
    head: Option<Head>,
    ongoing: Option<Ongoing>,
}

/// A new occurrence that nothing suppresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raise {
    /// In the time of the data.
    #[serde(with = "super::stored_time")]
    pub at: Timestamp,
    #[serde(with = "super::stored_time")]
    pub received: Timestamp,
    /// Of the alarm.
    pub id: SmolStr,
    pub severity: Severity,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    #[serde(with = "super::stored_time")]
    at: Timestamp,
    #[serde(with = "super::stored_time")]
    received: Timestamp,
}

/// A flood that is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ongoing {
    #[serde(with = "super::stored_time")]
    pub since: Timestamp,
    /// The alarm that came first.
    pub first_out: SmolStr,
    /// The alarms that made it one, in their order; `first_out` is among them.
    pub began_with: Vec<SmolStr>,
    /// Since the first.
    pub raised: u32,
    /// Notices that were given.
    pub notices: u32,
    raised_since_notice: Numbers,
    /// What was kept from each receiver since the last notice.
    grouped: Vec<(SmolStr, u32)>,
    #[serde(with = "super::stored_time")]
    next_notice: Timestamp,
}

/// How many there are of each severity, in rising order.
pub type Numbers = [u32; Severity::ALL.len()];

/// What people are told while a flood lasts, in place of each alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub at: Timestamp,
    pub since: Timestamp,
    pub first_out: SmolStr,
    /// Its number in the flood; that of its beginning is 0.
    pub no: u32,
    /// In the whole flood so far.
    pub raised: u32,
    pub raised_since_notice: Numbers,
    /// For whom something was kept back, and how much.
    pub grouped: Vec<(SmolStr, u32)>,
    /// It is over.
    pub is_last: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FloodChange {
    /// Nothing has been kept back yet. The first of its alarms carries the mark.
    Begun(Notice),
    Noticed(Notice),
    /// With what was kept back in its last minute.
    Ended(Notice),
}

/// What the journal records of an area; what follows from it is computed anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FloodFact {
    /// In the order in which they were committed.
    Raised(Vec<Raise>),
    /// A notification was kept back for the next notice. Without a receiver: whoever listens to what is published.
    Grouped {
        /// By which a repetition is known.
        key: SmolStr,
        receiver: SmolStr,
        /// On the area's clock.
        #[serde(with = "super::stored_time")]
        at: Timestamp,
    },
    /// Time has passed, on the area's clock.
    Elapsed {
        #[serde(with = "super::stored_time")]
        until: Timestamp,
    },
}

impl Flood {
    pub fn ongoing(&self) -> Option<&Ongoing> {
        self.ongoing.as_ref()
    }

    /// The newest raises, oldest first; as many as decide whether a flood begins.
    pub fn newest(&self) -> &[Raise] {
        &self.raises
    }

    /// What the area's clock shows: it jumps to each newer raise and runs on at wall speed between them.
    pub fn clock(&self, now: Timestamp) -> Timestamp {
        self.head.map_or(now, |head| now.shifted(head.at.micros_since(head.received)))
    }

    /// When, on the wall, something is due if nothing else is raised.
    pub fn due_on_wall(&self) -> Option<Timestamp> {
        let head = self.head?;
        Some(self.due()?.shifted(head.received.micros_since(head.at)))
    }

    /// What a fact makes of it. Gives back what follows for others; the same fact says the same in a replay.
    pub fn apply(&mut self, fact: &FloodFact) -> Vec<FloodChange> {
        match fact {
            FloodFact::Raised(raises) => raises.iter().flat_map(|raise| self.raise(raise)).collect(),
            FloodFact::Grouped { receiver, at, .. } => {
                let changes = self.elapse(*at);
                self.group(receiver);
                changes
            }
            FloodFact::Elapsed { until } => self.elapse(*until),
        }
    }

    /// A new occurrence that nothing suppresses was raised below the area. Raises are taken in the order in which they come;
    /// one that says an earlier time than its predecessor counts at the predecessor's.
    pub fn raise(&mut self, raise: &Raise) -> Vec<FloodChange> {
        let at = self.raises.last().map_or(raise.at, |newest| newest.at.max(raise.at));
        let mut changes = self.elapse(at);
        if self.head.is_none_or(|head| head.at < at) {
            self.head = Some(Head { at, received: raise.received });
        }
        if self.raises.len() >= RAISES_MAX {
            self.raises.remove(0);
        }
        self.raises.push(Raise { at, ..raise.clone() });
        match &mut self.ongoing {
            Some(ongoing) => {
                ongoing.raised = ongoing.raised.saturating_add(1);
                add(&mut ongoing.raised_since_notice, raise.severity);
            }
            None => changes.extend(self.begin_if_dense(at)),
        }
        changes
    }

    /// Whether a notification for this receiver is kept back now.
    pub fn groups(&self, receiver: &str) -> bool {
        self.ongoing
            .as_ref()
            .is_some_and(|ongoing| ongoing.grouped.len() < GROUPED_MAX || ongoing.grouped.iter().any(|(known, _)| known == receiver))
    }

    fn group(&mut self, receiver: &SmolStr) {
        let Some(ongoing) = &mut self.ongoing else { return };
        match ongoing.grouped.iter_mut().find(|(known, _)| known == receiver) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => ongoing.grouped.push((receiver.clone(), 1)),
        }
    }

    /// When it ends or the next notice is given, if nothing else is raised.
    pub fn due(&self) -> Option<Timestamp> {
        let ongoing = self.ongoing.as_ref()?;
        let end = self.ends_at(ongoing.since);
        Some(if ongoing.has_news() { end.min(ongoing.next_notice) } else { end })
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
            && let Some(mut ended) = self.ongoing.take()
        {
            changes.push(FloodChange::Ended(Notice { is_last: true, ..ended.notice(end) }));
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
        ongoing.has_news().then(|| FloodChange::Noticed(ongoing.notice(at)))
    }

    fn begin_if_dense(&mut self, at: Timestamp) -> Option<FloodChange> {
        let first = self.raises.first().filter(|first| self.raises.len() >= RAISES_MAX && first.at > at.minus(FLOOD_SPAN))?;
        let first_out = first.id.clone();
        let raised = u32::try_from(RAISES_MAX).unwrap_or(u32::MAX);
        let mut raised_since_notice = Numbers::default();
        self.raises.iter().for_each(|raise| add(&mut raised_since_notice, raise.severity));
        self.ongoing = Some(Ongoing {
            since: at,
            first_out: first_out.clone(),
            began_with: self.raises.iter().map(|raise| raise.id.clone()).collect(),
            raised,
            notices: 0,
            raised_since_notice,
            grouped: Vec::new(),
            next_notice: at.plus(NOTICE_EVERY),
        });
        let notice = Notice { at, since: at, first_out, no: 0, raised, raised_since_notice, grouped: Vec::new(), is_last: false };
        Some(FloodChange::Begun(notice))
    }

    /// The instant at which the raise that makes it "not fewer" falls out of the ten minutes.
    fn ends_at(&self, since: Timestamp) -> Timestamp {
        let decisive = self.raises.len().checked_sub(FLOOD_ENDS_BELOW).and_then(|index| self.raises.get(index));
        decisive.map_or(since, |raise| raise.at.plus(FLOOD_SPAN)).max(since)
    }
}

impl Ongoing {
    fn has_news(&self) -> bool {
        !self.grouped.is_empty() || self.raised_since_notice.iter().any(|count| *count > 0)
    }

    fn notice(&mut self, at: Timestamp) -> Notice {
        self.notices = self.notices.saturating_add(1);
        Notice {
            at,
            since: self.since,
            first_out: self.first_out.clone(),
            no: self.notices,
            raised: self.raised,
            raised_since_notice: std::mem::take(&mut self.raised_since_notice),
            grouped: std::mem::take(&mut self.grouped),
            is_last: false,
        }
    }
}

fn add(numbers: &mut Numbers, severity: Severity) {
    if let Some(number) = numbers.get_mut(severity as usize) {
        *number = number.saturating_add(1);
    }
}
