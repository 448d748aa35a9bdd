//! Keeps a model that fails from being asked again and again: after a few failures nobody asks for a while, then one does.

use std::collections::VecDeque;
use std::time::Duration;

use crate::reading::Timestamp;

use super::request::micros_between;

/// So many failures in so long, with nothing that worked between them, open it.
pub const FAILURES_MAX: usize = 5;
pub const FAILURES_WITHIN: Duration = Duration::from_secs(30);
/// Until the first probe; each that fails doubles it.
pub const WAIT_MIN: Duration = Duration::from_secs(10);
pub const WAIT_MAX: Duration = Duration::from_secs(300);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Breaker {
    Closed {
        failures: VecDeque<Timestamp>,
    },
    Open {
        until: Timestamp,
        wait: Duration,
        failures: u32,
    },
    /// One request is on its way to find out.
    Probing {
        wait: Duration,
        failures: u32,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    All,
    /// One request, to find out.
    One,
    None {
        failures: u32,
        wait_ms: u64,
    },
}

impl Breaker {
    pub(super) fn new() -> Breaker {
        Breaker::Closed { failures: VecDeque::new() }
    }

    /// Who may go now.
    pub(super) fn passes(&self, now: Timestamp) -> Pass {
        match self {
            Breaker::Closed { .. } => Pass::All,
            Breaker::Open { until, .. } if now >= *until => Pass::One,
            Breaker::Open { until, failures, .. } => {
                Pass::None { failures: *failures, wait_ms: micros_between(now, *until).div_ceil(1000) }
            }
            Breaker::Probing { failures, .. } => Pass::None { failures: *failures, wait_ms: 0 },
        }
    }

    /// The one request goes.
    pub(super) fn probe(&mut self) {
        if let Breaker::Open { wait, failures, .. } = *self {
            *self = Breaker::Probing { wait, failures };
        }
    }

    pub(super) fn worked(&mut self) {
        match self {
            // Mostly so, and then it costs nothing.
            Breaker::Closed { failures } if failures.is_empty() => {}
            Breaker::Closed { .. } | Breaker::Open { .. } | Breaker::Probing { .. } => *self = Breaker::new(),
        }
    }

    /// Whether it is open from now on and was not before.
    pub(super) fn failed(&mut self, now: Timestamp) -> bool {
        match self {
            Breaker::Closed { failures } => {
                failures.retain(|failure| *failure >= now.minus(FAILURES_WITHIN));
                failures.push_back(now);
                if failures.len() < FAILURES_MAX {
                    return false;
                }
                let failures = u32::try_from(failures.len()).unwrap_or(u32::MAX);
                *self = Breaker::Open { until: now.plus(WAIT_MIN), wait: WAIT_MIN, failures };
                true
            }
            Breaker::Probing { wait, failures } => {
                let wait = (*wait * 2).min(WAIT_MAX);
                *self = Breaker::Open { until: now.plus(wait), wait, failures: failures.saturating_add(1) };
                false
            }
            // Another worker's run that ended late.
            Breaker::Open { .. } => false,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        !matches!(self, Breaker::Closed { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1_000_000)
    }

    fn fail(breaker: &mut Breaker, times: impl IntoIterator<Item = i64>) -> Vec<bool> {
        times.into_iter().map(|second| breaker.failed(at(second))).collect()
    }

    #[test]
    fn five_failures_in_thirty_seconds_open_it() {
        let mut breaker = Breaker::new();
        assert_eq!(fail(&mut breaker, [0, 1, 2, 3]), [false; 4]);
        // The first lies more than thirty seconds back.
        assert_eq!(fail(&mut breaker, [31]), [false]);
        assert_eq!(fail(&mut breaker, [31]), [true]);
        assert_eq!(breaker.passes(at(33)), Pass::None { failures: 5, wait_ms: 8000 });
        assert_eq!(breaker.passes(at(41)), Pass::One);
    }

    #[test]
    fn whatever_works_between_them_closes_it() {
        let mut breaker = Breaker::new();
        fail(&mut breaker, [0, 1, 2, 3]);
        breaker.worked();
        assert_eq!(fail(&mut breaker, [4, 5, 6, 7]), [false; 4]);
        assert_eq!(breaker.passes(at(7)), Pass::All);
    }

    #[test]
    fn each_probe_that_fails_doubles_the_wait_up_to_five_minutes() {
        let mut breaker = Breaker::new();
        fail(&mut breaker, [0; 5]);
        let (mut now, mut waits) = (0, Vec::new());
        for _ in 0..7 {
            let Pass::None { wait_ms, .. } = breaker.passes(at(now)) else { panic!("{breaker:?} at {now}") };
            waits.push(wait_ms / 1000);
            now += i64::try_from(wait_ms / 1000).expect("seconds");
            assert_eq!(breaker.passes(at(now)), Pass::One);
            breaker.probe();
            // Only one goes.
            assert!(matches!(breaker.passes(at(now)), Pass::None { .. }));
            assert!(!breaker.failed(at(now)));
        }
        assert_eq!(waits, [10, 20, 40, 80, 160, 300, 300]);
        breaker.probe();
        breaker.worked();
        assert!(!breaker.is_open());
    }
}
