//! The one place that asks the system what time it is.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::reading::{Now, Timestamp};

/// What everything in the shell is handed to know the time: the system's clock, or one that a test turns by hand.
#[derive(Clone)]
pub struct Clock(pub Now);

impl Clock {
    /// Wall time. It may jump; nothing that must not jump is measured with it.
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is handed")]
    pub fn system() -> Clock {
        Clock(Arc::new(|| {
            let micros = match SystemTime::now().duration_since(UNIX_EPOCH) {
                Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
                Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
            };
            Timestamp(micros)
        }))
    }

    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
