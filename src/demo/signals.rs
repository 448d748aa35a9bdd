//! What signals are made of: noise, drift, pulses, faults. All of them are pure functions of a seed and a time, so the same seed gives the
//! same plant, and a value can be asked for at any moment without having lived through the time before it.

use std::f64::consts::TAU;

/// Scrambles a counter (splitmix64); enough randomness for a plant and no state to keep.
fn scramble(seed: u64, tick: u64) -> u64 {
    let mut z = seed.wrapping_add(tick.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Evenly spread over -1..1.
fn random(seed: u64, tick: u64) -> f64 {
    (scramble(seed, tick) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

/// Measurement noise in -1..1, mostly small, another value every tenth of a second.
pub(super) fn noise(seed: u64, seconds: f64) -> f64 {
    let tick = (seconds * 10.0) as u64;
    (random(seed, tick) + random(seed ^ 0xA5A5, tick) + random(seed ^ 0x5A5A, tick)) / 3.0
}

/// A slow wander in -1..1 that has forgotten where it was after `period` seconds.
pub(super) fn drift(seed: u64, seconds: f64, period: f64) -> f64 {
    let place = seconds / period;
    let (from, to) = (random(seed, place as u64), random(seed, place as u64 + 1));
    from + (to - from) * smooth(place.fract())
}

/// 0 to 1 without a corner.
pub(super) fn smooth(x: f64) -> f64 {
    let x = x.clamp(0.0, 1.0);
    x * x * (3.0 - 2.0 * x)
}

/// 0 at the start, two thirds after `constant` seconds, 1 in the end: how things warm up.
pub(super) fn warm_up(seconds: f64, constant: f64) -> f64 {
    1.0 - (-seconds.max(0.0) / constant).exp()
}

/// 1 at three in the afternoon and -1 at three in the night.
pub(super) fn day_cycle(hour: f64) -> f64 {
    ((hour - 15.0) / 24.0 * TAU).cos()
}

/// Something that is switched on once in a cycle: up in `ramp` seconds, on, and down again, at 0 by `end`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pulse {
    pub(super) start: f64,
    pub(super) end: f64,
    pub(super) ramp: f64,
    pub(super) cycle: f64,
}

impl Pulse {
    pub(super) fn value(&self, seconds: f64) -> f64 {
        let phase = seconds.rem_euclid(self.cycle);
        ((phase - self.start) / self.ramp).min((self.end - phase) / self.ramp).clamp(0.0, 1.0)
    }

    /// The area under `value` from 0 to then: what has flowed in seconds of full flow.
    pub(super) fn total(&self, seconds: f64) -> f64 {
        (seconds / self.cycle).floor() * self.per_cycle() + self.area_until(seconds.rem_euclid(self.cycle))
    }

    pub(super) fn per_cycle(&self) -> f64 {
        self.end - self.start - self.ramp
    }

    fn area_until(&self, phase: f64) -> f64 {
        let into = phase - self.start;
        let left = self.end - phase;
        if into <= 0.0 {
            0.0
        } else if into < self.ramp {
            into * into / (2.0 * self.ramp)
        } else if left > self.ramp {
            into - self.ramp / 2.0
        } else if left > 0.0 {
            self.per_cycle() - left * left / (2.0 * self.ramp)
        } else {
            self.per_cycle()
        }
    }
}

/// Something that comes over the plant again and again: a fault, a drop-out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Recurring {
    pub(super) first: f64,
    pub(super) every: f64,
    pub(super) length: f64,
}

impl Recurring {
    pub(super) fn is_on(&self, seconds: f64) -> bool {
        self.seconds_into(seconds).is_some()
    }

    /// 0 outside; rises to 1 in the first half, stays, and falls in the last fifth.
    pub(super) fn severity(&self, seconds: f64) -> f64 {
        let Some(into) = self.seconds_into(seconds) else { return 0.0 };
        let part = into / self.length;
        smooth(part * 2.0).min(smooth((1.0 - part) * 5.0))
    }

    fn seconds_into(&self, seconds: f64) -> Option<f64> {
        let since = seconds - self.first;
        let into = since.rem_euclid(self.every);
        (since >= 0.0 && into < self.length).then_some(into)
    }
}
