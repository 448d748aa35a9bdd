//! What a host did, in numbers: counters, and times in bounded memory.

/// Buckets of a quarter of an octave each: up to about an hour in microseconds.
const BUCKETS: usize = 128;

/// A histogram of microseconds, each known to about a fifth of itself.
#[derive(Debug, Clone)]
pub struct Times {
    buckets: Box<[u64; BUCKETS]>,
    count: u64,
}

#[derive(Debug, Clone, Default)]
pub struct Figures {
    pub rows: u64,
    pub errors: u64,
    pub runs: u64,
    /// Requests that a newer one of the same twin took the place of.
    pub superseded: u64,
    /// Requests that found no room, or lost it to a newer one.
    pub shed: u64,
    /// Requests that waited too long.
    pub expired: u64,
    pub timed_out: u64,
    /// Threads that were given up because their run could not be stopped, whether or not it ended later.
    pub leaked: u32,
    pub waits: Times,
    pub run_times: Times,
}

impl Default for Times {
    fn default() -> Times {
        Times { buckets: Box::new([0; BUCKETS]), count: 0 }
    }
}

impl Times {
    pub fn add(&mut self, micros: u64) {
        self.buckets[bucket(micros)] += 1;
        self.count += 1;
    }

    /// A time that this share of all does not exceed: 0.99 for the 99th percentile.
    pub fn quantile(&self, share: f64) -> Option<u64> {
        let wanted = (self.count as f64 * share).ceil() as u64;
        let mut seen = 0;
        let found = self.buckets.iter().position(|bucket| {
            seen += bucket;
            seen >= wanted.max(1)
        });
        found.map(upper)
    }
}

/// Four to each power of two.
fn bucket(micros: u64) -> usize {
    let value = micros.max(1);
    let octave = value.ilog2();
    let quarter = if octave >= 2 { (value >> (octave - 2)) & 3 } else { (value << (2 - octave)) & 3 };
    (octave as usize * 4 + quarter as usize).min(BUCKETS - 1)
}

/// The largest time of a bucket.
fn upper(bucket: usize) -> u64 {
    let (octave, quarter) = (bucket / 4, bucket as u64 % 4);
    ((4 + quarter + 1) << octave).div_ceil(4).saturating_sub(1).max(1)
}

impl Figures {
    /// Rows of a run, on average.
    pub fn mean_batch(&self) -> f64 {
        if self.runs == 0 { 0.0 } else { self.rows as f64 / self.runs as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_near() {
        let mut times = Times::default();
        assert_eq!(times.quantile(0.5), None);
        (1..=10_000).for_each(|micros| times.add(micros));
        for (share, exact) in [(0.5, 5000.0), (0.99, 9900.0), (1.0, 10_000.0)] {
            let found = times.quantile(share).expect("there are times") as f64;
            assert!(found >= exact && found <= exact * 1.25, "{share}: {found}");
        }
        for micros in [0, 1, 2, 3, 4, 5, 7, 8, 1000, 1 << 31] {
            let mut one = Times::default();
            one.add(micros);
            let found = one.quantile(0.5).expect("one");
            assert!(found >= micros.min(1) && (found <= micros.max(1) * 2), "{micros}: {found}");
        }
    }
}
