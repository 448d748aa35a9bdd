//! How long to wait before the next attempt: longer each time, scattered, and as long as the receiver asks for within reason.

use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64_with_seed;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackOff {
    /// After the first failure; then it doubles.
    pub min: Duration,
    pub max: Duration,
    /// A receiver may ask for more (`Retry-After`), but not for more than this.
    pub asked_max: Duration,
}

impl Default for BackOff {
    fn default() -> BackOff {
        BackOff { min: Duration::from_secs(1), max: Duration::from_secs(300), asked_max: Duration::from_secs(3600) }
    }
}

impl BackOff {
    /// The pause after so many failed attempts, of which there is at least one. Never shorter than without the receiver's word.
    pub(super) fn pause(&self, key: &str, failed: u32, asked: Option<Duration>) -> Duration {
        let doublings = failed.saturating_sub(1).min(31);
        let whole = self.min.saturating_mul(1 << doublings).min(self.max);
        scatter(whole, key, failed).max(self.granted(asked).unwrap_or_default())
    }

    /// What a receiver that asks for quiet gets.
    pub(super) fn granted(&self, asked: Option<Duration>) -> Option<Duration> {
        asked.map(|asked| asked.min(self.asked_max))
    }
}

/// Between half and all of it: many that failed together do not come back together. The key decides, so nothing here is left to chance.
fn scatter(whole: Duration, key: &str, failed: u32) -> Duration {
    let scattered = xxh3_64_with_seed(key.as_bytes(), u64::from(failed)) >> 54;
    whole / 2 + whole.saturating_mul(u32::try_from(scattered).unwrap_or(0)) / 2048
}
