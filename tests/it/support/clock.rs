//! A clock that a test turns by hand. It can be a trap for whoever asks for the time next, which is how a test makes an actor crash.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use pollux::reading::Timestamp;
use pollux::runtime::clock::Clock;

use super::world::PATIENCE;

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
    /// The next who asks is caught.
    is_trap: AtomicBool,
    caught: Mutex<Caught>,
    changed: Condvar,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caught {
    Nobody,
    Somebody,
    /// Has been told to go on, and panics.
    LetGo,
}

impl HandClock {
    pub fn new(now: Timestamp) -> HandClock {
        let works = Works {
            now: AtomicI64::new(now.0),
            is_trap: AtomicBool::new(false),
            caught: Mutex::new(Caught::Nobody),
            changed: Condvar::new(),
        };
        HandClock(Arc::new(works))
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

    /// Catches the next who asks for the time: it waits there until [`HandClock::spring`], and then panics.
    pub fn set_trap(&self) {
        *self.0.caught.lock() = Caught::Nobody;
        self.0.is_trap.store(true, Ordering::SeqCst);
    }

    pub fn wait_until_caught(&self) {
        let mut caught = self.0.caught.lock();
        let waited = self.0.changed.wait_while_for(&mut caught, |caught| *caught == Caught::Nobody, PATIENCE);
        assert!(!waited.timed_out(), "nobody asked for the time");
    }

    pub fn spring(&self) {
        *self.0.caught.lock() = Caught::LetGo;
        self.0.changed.notify_all();
    }

    fn catch(&self) {
        let mut caught = self.0.caught.lock();
        *caught = Caught::Somebody;
        self.0.changed.notify_all();
        self.0.changed.wait_while_for(&mut caught, |caught| *caught == Caught::Somebody, PATIENCE);
        drop(caught);
        panic!("the clock was a trap");
    }

    /// For the program.
    pub fn face(&self) -> Clock {
        let hands = self.clone();
        Clock(Arc::new(move || {
            if hands.0.is_trap.swap(false, Ordering::SeqCst) {
                hands.catch();
            }
            hands.now()
        }))
    }
}

impl fmt::Debug for HandClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HandClock({})", self.now())
    }
}
