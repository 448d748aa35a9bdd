//! One hook at work: takes what is asked for, keeps as many requests under way as it may, and tells how each delivery ended.

use std::fmt;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use parking_lot::Mutex;
use reqwest::Client;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::config::HookConfig;
use super::figures::{Figures, Tally};
use super::queue::{Attempt, Bounds, Next, NoRoom, Queue};
use super::request;
use super::verdict::{Failure, Verdict};
use super::{Delivery, End, Ended};
use crate::reading::Now;

pub(super) struct Hook {
    pub(super) config: HookConfig,
    now: Now,
    state: Mutex<State>,
    /// Rings when something was put into the queue.
    bell: Notify,
    /// The queue counts from here.
    since: Instant,
}

struct State {
    queue: Queue<Ended>,
    tally: Tally,
}

impl Hook {
    pub(super) fn new(config: HookConfig, now: Now) -> Hook {
        let bounds = Bounds { in_flight_max: config.in_flight_max, deliveries_max: config.queue_max, bytes_max: config.queue_bytes_max };
        let state = Mutex::new(State { queue: Queue::new(bounds), tally: Tally::default() });
        Hook { config, now, state, bell: Notify::new(), since: Instant::now() }
    }

    pub(super) fn send(&self, delivery: Delivery, ended: Ended) -> Result<(), NoRoom> {
        {
            let mut state = self.state.lock();
            let now = self.since.elapsed();
            state.queue.admit(delivery, ended, now)?;
        }
        self.bell.notify_one();
        Ok(())
    }

    pub(super) fn figures(&self) -> Figures {
        let State { queue, tally } = &*self.state.lock();
        Figures {
            name: self.config.name.clone(),
            waiting: queue.waiting(),
            in_flight: queue.in_flight(),
            delivered: tally.delivered,
            failed_attempts: tally.failed_attempts,
            given_up: tally.given_up,
            last_error: tally.last_error.clone(),
            last_status: tally.last_status,
            is_failing: tally.is_failing,
        }
    }

    /// Until `shutdown`. Dropped in the middle, it leaves a hook that can be run again.
    pub(super) async fn run(&self, client: &Client, shutdown: &CancellationToken) {
        let mut under_way = FuturesUnordered::new();
        while !shutdown.is_cancelled() {
            let due = loop {
                match self.next() {
                    Next::Attempt(attempt) => under_way.push(self.attempt(client, attempt)),
                    Next::At(due) => break Some(due),
                    Next::Idle => break None,
                }
            };
            tokio::select! {
                Some(()) = under_way.next() => {}
                () = self.bell.notified() => {}
                () = self.until(due.unwrap_or_default()), if due.is_some() => {}
                () = shutdown.cancelled() => {}
            }
        }
        self.tell_stopped();
        let last_ones = async { while under_way.next().await.is_some() {} };
        // What does not end in time is put back when its request is dropped, and told with the rest.
        tokio::time::timeout(self.config.stop_wait_max, last_ones).await.unwrap_or_default();
        drop(under_way);
        self.tell_stopped();
    }

    fn next(&self) -> Next {
        let now = self.since.elapsed();
        self.state.lock().queue.next(now)
    }

    async fn until(&self, due: Duration) {
        tokio::time::sleep(due.saturating_sub(self.since.elapsed())).await;
    }

    /// Nothing more is taken or begun, and those who wait hear it.
    fn tell_stopped(&self) {
        let askers = {
            let queue = &mut self.state.lock().queue;
            queue.close();
            queue.clear_line()
        };
        tell(askers, &End::Stopped);
    }

    async fn attempt(&self, client: &Client, attempt: Attempt) {
        let under_way = UnderWay { hook: self, attempt };
        let verdict = request::attempt(client, &self.config, &under_way.attempt.delivery, (self.now)()).await;
        let attempts = under_way.attempt.failed.saturating_add(1);
        self.notice(&verdict);
        match verdict {
            Verdict::Done { status } => {
                let told = {
                    let state = &mut *self.state.lock();
                    state.tally.delivered += 1;
                    state.tally.last_status = Some(status);
                    state.queue.settle(&under_way.attempt.delivery.key)
                };
                tell(told, &End::Delivered { status, attempts });
            }
            Verdict::Refused { status, why } => {
                self.state.lock().tally.failed(status, &why);
                self.give_up(&under_way.attempt, why, attempts);
            }
            Verdict::Again(failure) => self.failed(&under_way.attempt, failure, attempts),
        }
    }

    /// The log says when a receiver begins and ceases to fail, not each time: a dead one would fill it.
    fn notice(&self, verdict: &Verdict) {
        let (name, is_failing) = (&*self.config.name, matches!(verdict, Verdict::Again(_)));
        if std::mem::replace(&mut self.state.lock().tally.is_failing, is_failing) == is_failing {
            return;
        }
        match verdict {
            Verdict::Again(failure) => tracing::warn!(webhook = name, reason = &*failure.why, "the receiver fails; it is tried again"),
            Verdict::Done { .. } | Verdict::Refused { .. } => tracing::info!(webhook = name, "the receiver answers again"),
        }
    }

    fn failed(&self, attempt: &Attempt, failure: Failure, attempts: u32) {
        let key = &attempt.delivery.key;
        let pause = self.config.back_off.pause(key, attempts, failure.asked);
        let deadline = attempt.delivery.asked_at.plus(self.config.give_up_after);
        let is_over = (self.now)().plus(pause) > deadline;
        {
            let State { queue, tally } = &mut *self.state.lock();
            tally.failed(failure.status, &failure.why);
            let now = self.since.elapsed();
            // It speaks for the receiver as a whole, so the other deliveries wait as well.
            if let Some(granted) = self.config.back_off.granted(failure.asked) {
                queue.quiet_until(now.saturating_add(granted));
            }
            if !is_over {
                queue.again(key, now.saturating_add(pause));
            }
        }
        if is_over {
            let span = shown(self.config.give_up_after);
            let why = format!("the next attempt would come more than {span} after it was asked for; the last one: {}", failure.why);
            self.give_up(attempt, why, attempts);
        }
    }

    fn give_up(&self, attempt: &Attempt, reason: String, attempts: u32) {
        let key = &attempt.delivery.key;
        tracing::warn!(webhook = &*self.config.name, key = key.as_str(), attempts, reason = &*reason, "a delivery is given up");
        let told = {
            let state = &mut *self.state.lock();
            state.tally.given_up += 1;
            state.queue.settle(key)
        };
        tell(told, &End::GivenUp { reason, attempts });
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Without any lock held: those who hear it may ask for more at once.
fn tell(askers: Vec<Ended>, end: &End) {
    for ended in askers {
        ended(end.clone());
    }
}

/// As one would write it in the settings.
fn shown(span: Duration) -> String {
    match span.as_secs() {
        0 => format!("{span:?}"),
        seconds if seconds.is_multiple_of(3600) => format!("{}h", seconds / 3600),
        seconds if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

/// Puts a delivery back whose attempt was broken off, whatever broke it off.
struct UnderWay<'a> {
    hook: &'a Hook,
    attempt: Attempt,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let now = self.hook.since.elapsed();
        self.hook.state.lock().queue.put_back(&self.attempt.delivery.key, now);
    }
}
