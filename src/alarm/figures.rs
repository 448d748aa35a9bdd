//! Figures of an area over a stretch of time, from the occurrences in it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use smol_str::SmolStr;

use crate::reading::{Timestamp, TwinNo};

use super::flood::{FLOOD_SPAN, Flood, FloodChange, Raise};
use super::severity::Severity;

/// An alarm that has been active for longer than this is standing.
pub const STANDING_AFTER: Duration = Duration::from_hours(24);
/// How many of the most frequent rules are named.
pub const FREQUENT_MAX: usize = 10;

/// What the figures need to know of an occurrence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    pub twin: TwinNo,
    /// By which the most frequent are counted: the rule's id with its type.
    pub rule: SmolStr,
    pub raised_at: Timestamp,
    pub cleared_at: Option<Timestamp>,
    /// By both clocks of the same kind: the receipt of the raise, and of the acknowledgement.
    pub raised_received: Timestamp,
    pub acknowledged_received: Option<Timestamp>,
    /// It was raised under a suppression: it did not add to a flood.
    pub suppressed: bool,
    pub chattering: bool,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Figures {
    pub per_ten_minutes: f64,
    /// The most in any ten minutes counted from `from`.
    pub peak_per_ten_minutes: u32,
    pub flood_share: f64,
    /// Alarms, as against occurrences.
    pub chattering: u32,
    pub standing: u32,
    pub mean_time_to_acknowledge: Option<Duration>,
    /// With how many raises each; most first, by name among equals.
    pub frequent: Vec<(SmolStr, u32)>,
}

/// Over `[from, to)`; standing and chattering are as of `to`. The order of the occurrences does not matter.
pub fn figures(occurrences: &[Summary], from: Timestamp, to: Timestamp) -> Figures {
    let length = to.micros_since(from);
    let mut raised: Vec<&Summary> = occurrences.iter().filter(|one| from <= one.raised_at && one.raised_at < to).collect();
    raised.sort_by(|a, b| (a.raised_at, &a.rule).cmp(&(b.raised_at, &b.rule)));
    let span = i64::try_from(FLOOD_SPAN.as_micros()).unwrap_or(i64::MAX);
    let stretches = length as f64 / span as f64;
    let standing = occurrences.iter().filter(|one| one.raised_at.plus(STANDING_AFTER) < to && one.cleared_at.is_none_or(|end| end >= to));
    Figures {
        per_ten_minutes: if length > 0 { raised.len() as f64 / stretches } else { 0.0 },
        peak_per_ten_minutes: peak(&raised, from, span),
        flood_share: if length > 0 { flooded(&raised, to) as f64 / length as f64 } else { 0.0 },
        chattering: chattering(&raised),
        standing: count(standing),
        mean_time_to_acknowledge: mean_time_to_acknowledge(&raised),
        frequent: frequent(&raised),
    }
}

fn count<T>(items: impl Iterator<Item = T>) -> u32 {
    u32::try_from(items.count()).unwrap_or(u32::MAX)
}

/// An alarm that came and went so often is one, however often.
fn chattering(raised: &[&Summary]) -> u32 {
    let alarms: BTreeSet<(TwinNo, &SmolStr)> = raised.iter().filter(|one| one.chattering).map(|one| (one.twin, &one.rule)).collect();
    count(alarms.into_iter())
}

fn peak(raised: &[&Summary], from: Timestamp, span: i64) -> u32 {
    let (mut peak, mut present, mut stretch) = (0u32, 0u32, -1);
    for one in raised {
        let own = one.raised_at.micros_since(from) / span;
        present = if own == stretch { present.saturating_add(1) } else { 1 };
        stretch = own;
        peak = peak.max(present);
    }
    peak
}

/// Microseconds in flood.
fn flooded(raised: &[&Summary], to: Timestamp) -> i64 {
    let (mut flood, mut total, mut since) = (Flood::default(), 0i64, None);
    let mut take = |changes: Vec<FloodChange>, since: &mut Option<Timestamp>| {
        for change in changes {
            match change {
                FloodChange::Begun(notice) => *since = Some(notice.at),
                FloodChange::Ended(notice) => total = total.saturating_add(since.take().map_or(0, |begun| notice.at.micros_since(begun))),
                FloodChange::Noticed(_) => {}
            }
        }
    };
    for one in raised.iter().filter(|one| !one.suppressed) {
        let raise = Raise { at: one.raised_at, received: one.raised_received, id: SmolStr::default(), severity: Severity::default() };
        take(flood.raise(&raise), &mut since);
    }
    take(flood.elapse(to), &mut since);
    total.saturating_add(since.map_or(0, |begun| to.micros_since(begun)))
}

fn mean_time_to_acknowledge(raised: &[&Summary]) -> Option<Duration> {
    let waits = raised.iter().filter_map(|one| Some(one.acknowledged_received?.micros_since(one.raised_received).max(0)));
    let (sum, n) = waits.fold((0i128, 0i128), |(sum, n), wait| (sum + i128::from(wait), n + 1));
    let mean = sum.checked_div(n)?;
    u64::try_from(mean).ok().map(Duration::from_micros)
}

fn frequent(raised: &[&Summary]) -> Vec<(SmolStr, u32)> {
    let mut counts: BTreeMap<&SmolStr, u32> = BTreeMap::new();
    for one in raised {
        *counts.entry(&one.rule).or_default() += 1;
    }
    let mut counts: Vec<(SmolStr, u32)> = counts.into_iter().map(|(rule, count)| (rule.clone(), count)).collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts.truncate(FREQUENT_MAX);
    counts
}
