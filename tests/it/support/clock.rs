//! A clock that a test turns by hand. It can be told to blow up when it is asked, which is how a test makes an actor crash.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use pollux::reading::Timestamp;
use pollux::runtime::clock::Clock;

/// The day on which all stories play.
const DAY: &str = "2026-01-01";

/// `10:00:05.250` on the day of the stories.
pub fn at(time: &str) -> Timestamp {
    Timestamp::parse_rfc3339(&format!("{DAY}T{time}Z")).unwrap_or_else(|_| panic!("`{time}` is no time of day"))
}

#[derive(Clone)]
pub struct HandClock(Arc<Works>);

struct Works {
    now: AtomicI64,
    /// How many more times it may be asked before it blows up, plus one; 0 if it will not.
    fuse: AtomicU32,
}

impl HandClock {
    pub fn new(now: Timestamp) -> HandClock {
        HandClock(Arc::new(Works { now: AtomicI64::new(now.0), fuse: AtomicU32::new(0) }))
    }

    pub fn now(&self) -> Timestamp {
        Timestamp(self.0.now.load(Ordering::SeqCst))
    }

    pub fn set(&self, now: Timestamp) {
        self.0.now.store(now.0, Ordering::SeqCst);
    }

    pub fn forward(&self, by: Duration) {
        self.set(self.now().plus(by));
    }

    /// Whoever asks for the time next panics, once.
    pub fn light_the_fuse(&self) {
        self.0.fuse.store(1, Ordering::SeqCst);
    }

    pub fn fuse_is_burnt(&self) -> bool {
        self.0.fuse.load(Ordering::SeqCst) == 0
    }

    /// For the program.
    pub fn face(&self) -> Clock {
        let hands = self.clone();
        Clock(Arc::new(move || {
            let lit = hands.0.fuse.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            assert!(lit != Ok(1), "the clock has blown up");
            hands.now()
        }))
    }
}

impl fmt::Debug for HandClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HandClock({})", self.now())
    }
}
