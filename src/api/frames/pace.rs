//! When a frame may go: at most so many a second, the first after silence at once.

use std::time::Duration;

use tokio::time::Instant;

use crate::reading::Timestamp;

/// After a look that found nothing worth a frame, the next is this much later: changes of what is not selected, or within the dead-band, may come
/// by the thousand.
pub const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Slower than this is not slower: it is silence.
const HZ_MIN: f64 = 0.001;

/// Frames per second that a client wants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    every: Duration,
}

impl Rate {
    /// `hz` is clamped to `hz_max`. `None` if it is no rate: zero, negative or not a number.
    pub fn of(hz: f64, hz_max: f64) -> Option<Rate> {
        (hz > 0.0).then(|| Rate { every: Duration::from_secs_f64(1.0 / hz.clamp(HZ_MIN, hz_max.max(HZ_MIN))) })
    }

    pub fn every(self) -> Duration {
        self.every
    }
}

#[derive(Debug)]
pub(super) struct Pace {
    every: Duration,
    /// Nothing goes before.
    next: Option<Instant>,
}

impl Pace {
    pub(super) fn new(rate: Rate) -> Pace {
        Pace { every: rate.every, next: None }
    }

    /// Until when nothing may go; `None`: it may now.
    pub(super) fn holds_until(&self, now: Instant) -> Option<Instant> {
        self.next.filter(|next| now < *next)
    }

    pub(super) fn sent(&mut self, now: Instant) {
        self.next = Some(now + self.every);
    }

    /// There was something to look at and nothing of it was worth a frame.
    pub(super) fn looked_in_vain(&mut self, now: Instant) -> Instant {
        let next = now + LOOK_EVERY.min(self.every);
        self.next = Some(next);
        next
    }
}

/// The instant at which the wall's clock shows `then`, if it goes on as it does.
pub(super) fn instant_of(then: Timestamp, now: Instant, wall: Timestamp) -> Instant {
    now + Duration::from_micros(u64::try_from(then.micros_since(wall)).unwrap_or(0)).min(FAR)
}

/// Far enough that nobody waits for it, near enough that adding it to an instant cannot overflow.
const FAR: Duration = Duration::from_secs(86_400);
