//! What must come of a recording, found out the plain way: reading after reading, with the whole past at hand. It shares nothing with the engine.

use pollux::reading::Timestamp;

pub const MINUTE: i64 = 60_000_000;

/// How `value > limit` is looked at; times in microseconds.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    pub limit: f64,
    pub deadband: f64,
    pub on_delay: i64,
    pub off_delay: i64,
}

/// When it was true first, when its alarm was raised and when cleared.
pub type Span = (Timestamp, Timestamp, Option<Timestamp>);

/// The alarms over readings as they are evaluated, and how many pendings ended without one.
pub fn alarms(evaluated: &[(i64, f64)], look: Look) -> (Vec<Span>, u64) {
    let (mut spans, mut avoided): (Vec<Span>, u64) = (Vec::new(), 0);
    let (mut pending, mut active, mut recovering): (Option<i64>, bool, Option<i64>) = (None, false, None);
    for (at, value) in evaluated {
        // What ends before this reading, then the reading, then what ends with it.
        for moment in [at - 1, *at] {
            if moment == *at {
                let holds = *value > if active { look.limit - look.deadband } else { look.limit };
                match (active, holds) {
                    (false, true) => pending = pending.or(Some(*at)),
                    (false, false) => avoided += u64::from(pending.take().is_some()),
                    (true, true) => recovering = None,
                    (true, false) => recovering = recovering.or(Some(*at)),
                }
            }
            if let Some(since) = pending.filter(|since| since + look.on_delay <= moment) {
                spans.push((Timestamp(since), Timestamp(since + look.on_delay), None));
                (pending, active) = (None, true);
            }
            if let Some(since) = recovering.filter(|since| since + look.off_delay <= moment) {
                spans.last_mut().unwrap().2 = Some(Timestamp(since + look.off_delay));
                (recovering, active) = (None, false);
            }
        }
    }
    (spans, avoided)
}

/// In file order: readings that are older than the newest are not looked at, nor is one that says the same again.
pub fn in_file_order(rows: &[(i64, f64)]) -> Vec<(i64, f64)> {
    let mut seen: Vec<(i64, f64)> = Vec::new();
    for row in rows {
        if seen.last().is_none_or(|newest| row.0 > newest.0 || (row.0 == newest.0 && row.1 != newest.1)) {
            seen.push(*row);
        }
    }
    seen
}

/// As a view sees it that waits that long: by time, of each instant the last that came while it waited, and nothing of what still waits.
pub fn in_order(rows: &[(i64, f64)], wait: i64) -> Vec<(i64, f64)> {
    let mut seen: Vec<(i64, f64)> = Vec::new();
    let mut clock = i64::MIN;
    for (at, value) in rows {
        clock = clock.max(*at);
        if *at < clock - wait {
            continue;
        }
        match seen.binary_search_by_key(at, |(at, _)| *at) {
            Ok(place) => seen[place].1 = *value,
            Err(place) => seen.insert(place, (*at, *value)),
        }
    }
    seen.retain(|(at, _)| *at < clock - wait);
    seen
}

/// The spans in which nothing came for longer than that.
pub fn silences(rows: &[(i64, f64)], after: i64) -> Vec<(Timestamp, Option<Timestamp>)> {
    let gaps = rows.windows(2).filter(|pair| pair[1].0 - pair[0].0 > after);
    gaps.map(|pair| (Timestamp(pair[0].0 + after), Some(Timestamp(pair[1].0)))).collect()
}

/// Hours that are over, with the mean of their values.
pub fn hours(rows: &[(i64, f64)]) -> Vec<(i64, u64, f64)> {
    const HOUR: i64 = 60 * MINUTE;
    let mut hours: std::collections::BTreeMap<i64, (u64, f64)> = std::collections::BTreeMap::new();
    for (at, value) in rows {
        let hour = hours.entry(at.div_euclid(HOUR) * HOUR).or_default();
        *hour = (hour.0 + 1, hour.1 + value);
    }
    hours.pop_last();
    hours.into_iter().map(|(start, (count, sum))| (start, count, sum / count as f64)).collect()
}
