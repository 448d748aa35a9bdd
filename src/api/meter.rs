//! Numbers of the whole system that take a while to gather, or that need two looks: gathered at most once a second, for all who ask.

use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::Mutex;

use crate::catalog::layout::Kind;
use crate::reading::Timestamp;
use crate::runtime::Runtime;

use super::access::Presence;

/// Within this time the same is answered.
const FRESH: Duration = Duration::from_secs(1);
/// Rates are over about this time: between two looks that lie so far apart.
const WINDOW: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub struct Meter {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// The look that rates are counted from, and the one that will take its place.
    from: Option<Look>,
    next: Option<Look>,
    rates: Option<(Timestamp, Rates)>,
}

#[derive(Debug, Clone, Copy)]
struct Look {
    at: Timestamp,
    readings: u64,
    rejections: u64,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rates {
    pub twins: usize,
    pub resident: usize,
    pub online: usize,
    pub offline: usize,
    pub subscriptions: usize,
    pub readings_per_second: f64,
    pub rejections_per_second: f64,
}

impl Meter {
    pub fn read(&self, runtime: &Runtime, now: Timestamp) -> Rates {
        let mut inner = self.inner.lock();
        if let Some((at, rates)) = &inner.rates
            && now >= *at
            && now < at.plus(FRESH)
        {
            return rates.clone();
        }
        let look = look(runtime, now);
        let (readings_per_second, rejections_per_second) = inner.rates_since(look);
        let (mut online, mut offline) = (0, 0);
        devices(runtime, |state| match Presence::of(state, now) {
            Presence::Online => online += 1,
            Presence::Offline => offline += 1,
            Presence::Unknown => {}
        });
        let rates = Rates {
            twins: runtime.view().count(),
            resident: runtime.twins_by_state().iter().filter(|(state, _)| *state == "AWAKE").map(|(_, count)| count).sum(),
            online,
            offline,
            subscriptions: runtime.feed().watches() + runtime.feed().log.followers(),
            readings_per_second,
            rejections_per_second,
        };
        inner.rates = Some((now, rates.clone()));
        rates
    }
}

impl Inner {
    /// What came per second since the older look; the first look has nothing to compare with.
    fn rates_since(&mut self, look: Look) -> (f64, f64) {
        let from = *self.from.get_or_insert(look);
        let next = *self.next.get_or_insert(look);
        if look.at >= next.at.plus(WINDOW) {
            (self.from, self.next) = (Some(next), Some(look));
        }
        let seconds = look.at.micros_since(from.at) as f64 / 1e6;
        if seconds <= 0.0 {
            return (0.0, 0.0);
        }
        let per_second = |now: u64, then: u64| now.saturating_sub(then) as f64 / seconds;
        (per_second(look.readings, from.readings), per_second(look.rejections, from.rejections))
    }
}

fn look(runtime: &Runtime, at: Timestamp) -> Look {
    let tallies = &runtime.shared.tallies;
    let kept = [&tallies.new, &tallies.duplicate, &tallies.conflict, &tallies.out_of_order, &tallies.too_old, &tallies.late];
    let readings = kept.iter().map(|counter| counter.load(Ordering::Relaxed)).sum();
    let rejections = tallies.rejected.load(Ordering::Relaxed) + runtime.refusals.total.load(Ordering::Relaxed);
    Look { at, readings, rejections }
}

fn devices(runtime: &Runtime, mut look: impl FnMut(&crate::twin::State)) {
    for class in runtime.view().classes().iter().filter(|class| class.layout.kind == Kind::Device) {
        let mut rows = Vec::with_capacity(class.count());
        class.scan(&[], |_| (), |row, ()| rows.push(row));
        rows.into_iter().filter_map(|row| class.cell(row)).for_each(|cell| look(&cell.peek()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_over_the_last_seconds() {
        let mut inner = Inner::default();
        let mut look =
            |second: i64, readings: u64| inner.rates_since(Look { at: Timestamp(second * 1_000_000), readings, rejections: readings / 10 });
        assert_eq!(look(0, 0), (0.0, 0.0));
        assert_eq!(look(2, 200), (100.0, 10.0));
        assert_eq!(look(5, 500), (100.0, 10.0));
        // From here on the first seconds count no more.
        assert_eq!(look(10, 500), (50.0, 5.0));
        assert_eq!(look(20, 500), (0.0, 0.0));
    }
}
