//! Twins to which time alone will matter, soonest first: delays of rules, values that outlive their time, silence, hours.
//!
//! A twin stands here once at most, so there are never more entries than twins.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::reading::{Timestamp, TwinNo};
use crate::rule::START_GRACE;
use crate::twin::{Input, step};

use super::Runtime;
use super::directory::Directory;
use super::resident::Resident;
use super::twin_actor::TwinMsg;

/// The wall clock may be set while we sleep, so it is looked at so often at least.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Twins that are woken in one go, before others have a turn.
const AT_ONCE_MAX: usize = 1024;

#[derive(Debug)]
pub struct Wakes {
    /// Since when this program runs.
    pub started: Timestamp,
    queue: Mutex<BTreeSet<(Timestamp, TwinNo)>>,
    /// Of those that are not in the queue any more, how many have not been dealt with.
    serving: AtomicUsize,
    /// Rung when there is a new soonest.
    rung: Notify,
}

impl Wakes {
    pub fn since(started: Timestamp) -> Wakes {
        Wakes { started, queue: Mutex::default(), serving: AtomicUsize::new(0), rung: Notify::new() }
    }

    /// Wakes the twin at that time, unless it is woken before anyway.
    pub fn arm(&self, resident: &Resident, due: Timestamp) {
        let mut queue = self.queue.lock();
        let Some(before) = resident.wake_earlier(due) else { return };
        queue.remove(&(before, resident.no));
        let is_soonest = queue.first().is_none_or(|(soonest, _)| due < *soonest);
        queue.insert((due, resident.no));
        drop(queue);
        if is_soonest {
            self.rung.notify_one();
        }
    }

    /// Wakes those whose time has come.
    fn serve(&self, directory: &Directory, now: Timestamp) {
        for _ in 0..AT_ONCE_MAX {
            let Some((at, no)) = self.take(now) else { return };
            if let Some(resident) = directory.by_no(no).filter(|resident| resident.wakes_at(at)) {
                self.wake(directory, &resident, now);
            }
            self.serving.store(0, Ordering::Release);
        }
    }

    fn take(&self, now: Timestamp) -> Option<(Timestamp, TwinNo)> {
        let mut queue = self.queue.lock();
        let soonest = queue.first().copied().filter(|(at, _)| *at <= now)?;
        queue.pop_first();
        self.serving.store(1, Ordering::Release);
        Some(soonest)
    }

    /// A twin at rest to which nothing happens by this stays at rest: after a start that is most of them.
    fn wake(&self, directory: &Directory, resident: &Arc<Resident>, now: Timestamp) {
        let next = resident.while_resting(|twin| {
            // A try: what it comes to is shared, so the copy is small.
            let mut copy = twin.clone();
            step(&mut copy, &Input::Woken { started: self.started }, now).events.is_empty().then(|| twin.due(now, self.started))
        });
        match next.flatten() {
            Some(Some(due)) => self.arm(resident, due),
            Some(None) => {}
            None => directory.send(resident, TwinMsg::Wake),
        }
    }

    /// How many times have come and are not served yet.
    pub fn due(&self, now: Timestamp) -> usize {
        let queue = self.queue.lock();
        queue.iter().take_while(|(at, _)| *at <= now).count() + self.serving.load(Ordering::Acquire)
    }

    fn next(&self) -> Option<Timestamp> {
        self.queue.lock().first().map(|(at, _)| *at)
    }
}

pub(super) async fn run(runtime: Weak<Runtime>) {
    loop {
        let pause = {
            let Some(runtime) = runtime.upgrade() else { return };
            let shared = &runtime.shared;
            let now = shared.clock.now();
            shared.wakes.serve(&shared.directory, now);
            let until = shared.wakes.next().map_or(i64::MAX, |next| next.micros_since(now).max(0));
            Duration::from_micros(u64::try_from(until).unwrap_or(0)).min(LOOK_EVERY)
        };
        let Some(rung) = runtime.upgrade().map(|runtime| runtime.shared.clone()) else { return };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = rung.wakes.rung.notified() => {}
        }
    }
}

impl Runtime {
    /// After a start: what fell due while we were away waits for the first readings, or for the grace.
    pub(super) fn arm_all(&self) {
        let now = self.shared.clock.now();
        for resident in self.shared.directory.all() {
            let state = resident.cell.peek();
            if state.layout.logic.is_empty() && state.out_of_service.is_none() && state.flood.is_none() {
                continue;
            }
            let due = resident.while_resting(|twin| twin.due(now, self.shared.wakes.started)).flatten();
            let grace = now.plus(START_GRACE);
            self.shared.wakes.arm(&resident, due.map_or(grace, |due| due.min(grace)));
        }
    }
}
