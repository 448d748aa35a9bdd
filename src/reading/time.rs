//! Instants: microseconds since 1970 in UTC. Reading and writing them as text; never asking what time it is.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(pub i64);

/// How the shell asks for the time: the system's clock, or one that a test turns by hand.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTime {
    #[error("`{0}` is not a time: write RFC 3339 with an offset, as in 2026-01-31T12:00:00.250Z")]
    Text(String),
    #[error("{0} is not a time in milliseconds since 1970: it lies outside the years 0001 to 9999")]
    Number(String),
}

/// The years RFC 3339 can say: 0001-01-01, and 9999-12-30T22:00 so that it is the year 9999 in every time zone.
const EARLIEST: i64 = -62_135_596_800_000_000;
const LATEST: i64 = 253_402_207_200_999_999;

impl Timestamp {
    pub fn from_micros(micros: i64) -> Option<Timestamp> {
        (EARLIEST..=LATEST).contains(&micros).then_some(Timestamp(micros))
    }

    pub fn from_millis(millis: i64) -> Result<Timestamp, InvalidTime> {
        let micros = millis.checked_mul(1000).and_then(Timestamp::from_micros);
        micros.ok_or_else(|| InvalidTime::Number(millis.to_string()))
    }

    /// Milliseconds whose fraction is microseconds, as in the native payload.
    pub fn from_millis_f64(millis: f64) -> Result<Timestamp, InvalidTime> {
        let micros = (millis * 1000.0).round();
        let in_range = micros >= EARLIEST as f64 && micros <= LATEST as f64;
        if in_range { Ok(Timestamp(micros as i64)) } else { Err(InvalidTime::Number(format!("{millis:?}"))) }
    }

    /// RFC 3339 with an offset. More than six fraction digits are cut.
    pub fn parse_rfc3339(text: &str) -> Result<Timestamp, InvalidTime> {
        let instant: jiff::Timestamp = text.parse().map_err(|_| InvalidTime::Text(text.chars().take(60).collect()))?;
        Timestamp::from_micros(instant.as_microsecond()).ok_or_else(|| InvalidTime::Text(text.to_owned()))
    }

    pub fn plus(self, duration: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// Later by so many microseconds, or earlier.
    #[must_use]
    pub fn shifted(self, micros: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(micros))
    }

    pub fn minus(self, duration: Duration) -> Timestamp {
        Timestamp(self.0.saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// Microseconds from `earlier` to `self`; negative if `earlier` is later.
    pub fn micros_since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// RFC 3339 in UTC with 0, 3 or 6 fraction digits: the form in which every door writes a time.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(instant) = jiff::Timestamp::from_microsecond(self.0) else {
            return write!(f, "{}us", self.0);
        };
        match self.0.rem_euclid(1_000_000) {
            0 => write!(f, "{instant:.0}"),
            micros if micros % 1000 == 0 => write!(f, "{instant:.3}"),
            _ => write!(f, "{instant:.6}"),
        }
    }
}
