//! The thread of a host: loads the file, then runs batch after batch until it is told to end.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::rows::{Rows, run_rows};
use super::{
    Breaker, FAILURES_MAX, LEAKS_MAX, LOAD_MAX, Pass, Phase, Request, Run, Running, STOP_GRACE, Shared, State, Waiting, Worker,
    micros_between,
};
use crate::model::backend::{Batch, LoadError, Loaded, Outputs, RunError};
use crate::model::panic_text;
use crate::reading::Timestamp;

pub(super) fn spawn(shared: &Arc<Shared>) {
    let mut state = shared.state.lock();
    let number = state.next_worker;
    state.next_worker += 1;
    state.workers.insert(number, Worker::default());
    drop(state);
    let own = Arc::clone(shared);
    let name = format!("model-{}-{number}", shared.version.model);
    let work = move || {
        own.work(number);
        own.leave(number);
    };
    if let Err(error) = std::thread::Builder::new().name(name).spawn(work) {
        shared.leave(number);
        shared.fail(format!("no thread for the model: {error}"));
    }
}

impl Shared {
    fn work(self: &Arc<Self>, number: u64) {
        let Some(mut loaded) = self.load(number) else { return };
        while let Some((batch, is_only_probe)) = self.next(number) {
            let max = if is_only_probe { batch.rows } else { self.config.max_batch };
            let run = || run_rows(&mut *loaded, &batch, max, &self.config.checked);
            match catch_unwind(AssertUnwindSafe(run)) {
                Ok(rows) => {
                    if !self.finish(number, rows) {
                        return;
                    }
                }
                // What it left behind may be half done, so it is loaded anew.
                Err(panic) => {
                    let error = RunError::Failed(format!("the runtime panicked: {}", panic_text(&*panic)));
                    if !self.finish(number, vec![Err(error); batch.rows]) {
                        return;
                    }
                    match self.load(number) {
                        Some(fresh) => loaded = fresh,
                        None => return,
                    }
                }
            }
        }
    }

    fn load(&self, number: u64) -> Option<Box<dyn Loaded>> {
        let load = || self.backend.load(&self.model);
        let loaded = catch_unwind(AssertUnwindSafe(load)).unwrap_or_else(|panic| Err(LoadError::Panicked(panic_text(&*panic))));
        match loaded {
            Ok(loaded) => {
                let mut state = self.state.lock();
                let worker = state.workers.get_mut(&number)?;
                worker.stopper = loaded.stopper();
                if state.phase == Phase::Loading {
                    state.phase = Phase::Ready;
                }
                Some(loaded)
            }
            Err(error) => {
                self.fail(error.to_string());
                None
            }
        }
    }

    /// The next batch, once there is one. Nothing if this thread is to end.
    fn next(&self, number: u64) -> Option<(Batch, bool)> {
        let mut state = self.state.lock();
        loop {
            if !state.workers.contains_key(&number) || matches!(state.phase, Phase::Failed(_) | Phase::Ended) {
                return None;
            }
            let now = (self.now)();
            let expired = state.queue.expire(now.minus(self.config.queue_timeout));
            if !expired.is_empty() {
                state.figures.expired += expired.len() as u64;
                let after_ms = u64::try_from(self.config.queue_timeout.as_millis()).unwrap_or(u64::MAX);
                drop(state);
                self.refuse_all(expired, now, &RunError::Waited { after_ms });
                state = self.state.lock();
                continue;
            }
            if state.queue.len() == 0 {
                if state.phase == Phase::Ending {
                    return None;
                }
                self.wake.wait(&mut state);
                continue;
            }
            let pass = state.breaker.passes(now);
            if let Pass::None { failures, wait_ms } = pass {
                if matches!(state.breaker, Breaker::Probing { .. }) {
                    // Another thread is finding out; its end wakes this one.
                    self.wake.wait(&mut state);
                    continue;
                }
                let refused = state.queue.drain();
                drop(state);
                self.refuse_all(refused, now, &RunError::Broken { failures, wait_ms });
                state = self.state.lock();
                continue;
            }
            let is_short = state.queue.rows() < self.config.max_batch;
            if !self.config.max_delay.is_zero() && is_short && state.phase != Phase::Ending {
                let until = self.config.max_delay;
                let is_full = |state: &mut State| state.queue.rows() < self.config.max_batch && state.phase != Phase::Ending;
                self.wake.wait_while_for(&mut state, is_full, until);
            }
            let rows_max = if pass == Pass::One { 1 } else { self.config.max_batch };
            let taken =
                if state.busy.is_empty() { state.queue.take(rows_max, &HashSet::new()) } else { self.take_beside(&mut state, rows_max) };
            if taken.is_empty() {
                // All that waits is of twins whose last answer is not out yet.
                self.wake.wait(&mut state);
                continue;
            }
            if pass == Pass::One {
                state.breaker.probe();
            }
            match self.begin(&mut state, number, taken, (self.now)()) {
                Ok(batch) => return Some((batch, pass == Pass::One)),
                Err((requests, error)) => {
                    drop(state);
                    self.refuse_all(requests, now, &error);
                    state = self.state.lock();
                }
            }
        }
    }

    fn take_beside(&self, state: &mut State, rows_max: usize) -> Vec<Request> {
        let busy = std::mem::take(&mut state.busy);
        let taken = state.queue.take(rows_max, &busy);
        state.busy = busy;
        taken
    }

    fn begin(&self, state: &mut State, number: u64, taken: Vec<Request>, now: Timestamp) -> Result<Batch, (Vec<Request>, RunError)> {
        let batch = match Batch::stack(taken.iter().map(|request| &request.batch)) {
            Ok(batch) => batch,
            Err(error) => return Err((taken, RunError::Failed(error.to_string()))),
        };
        let mut waiting = Vec::with_capacity(taken.len());
        for request in taken {
            let key = request.key();
            // With one thread nobody else could take a request of the same twin meanwhile.
            if self.config.workers > 1 {
                state.busy.extend(key);
            }
            let queued_micros = micros_between(request.asked, now);
            state.figures.waits.add(queued_micros);
            waiting.push(Waiting { key, rows: request.batch.rows, queued_micros, reply: request.reply });
        }
        if let Some(worker) = state.workers.get_mut(&number) {
            worker.running = Some(Running { since: now, waiting, rows: batch.rows, stop_asked: None });
        }
        Ok(batch)
    }

    /// Hands out the answers. False if this thread was given up meanwhile, and others have answered in its stead.
    fn finish(&self, number: u64, mut rows: Rows) -> bool {
        let now = (self.now)();
        let mut state = self.state.lock();
        let Some(running) = state.workers.get_mut(&number).and_then(|worker| worker.running.take()) else { return false };
        let micros = micros_between(running.since, now);
        if running.stop_asked.is_some() {
            let after_ms = u64::try_from(self.config.run_timeout.as_millis()).unwrap_or(u64::MAX);
            rows.iter_mut().filter(|row| matches!(row, Err(RunError::Stopped))).for_each(|row| *row = Err(RunError::TimedOut { after_ms }));
            state.figures.timed_out += 1;
        }
        state.figures.run_times.add(micros);
        state.count(&rows, now);
        state.busy_ends(&running.waiting);
        drop(state);
        if self.config.workers > 1 {
            self.wake.notify_all();
        }
        self.hand_out(running, rows, micros);
        true
    }

    fn hand_out(&self, running: Running, rows: Rows, micros: u64) {
        let (mut rows, mut position) = (rows.into_iter(), 0);
        for waiting in running.waiting {
            let own: Rows = rows.by_ref().take(waiting.rows).collect();
            let run = Some(Run { micros, rows: running.rows, position });
            position += waiting.rows;
            let answer = super::Answer { version: Arc::clone(&self.version), rows: own, queued_micros: waiting.queued_micros, run };
            // Foreign code: if it panics, the others still get theirs.
            let reply = waiting.reply;
            if catch_unwind(AssertUnwindSafe(|| reply(answer))).is_err() {
                tracing::error!(model = %self.version.model, "whoever asked a model could not take its answer");
            }
        }
    }

    /// Looks for runs and requests that took too long, by the clock of the host.
    pub(super) fn supervise(self: &Arc<Self>) {
        let now = (self.now)();
        let mut state = self.state.lock();
        let expired = state.queue.expire(now.minus(self.config.queue_timeout));
        state.figures.expired += expired.len() as u64;
        let mut hung = Vec::new();
        for (number, worker) in &mut state.workers {
            let Some(running) = &mut worker.running else { continue };
            let since = running.stop_asked.unwrap_or(running.since);
            let patience = if running.stop_asked.is_some() { STOP_GRACE } else { self.config.run_timeout };
            if now < since.plus(patience) {
                continue;
            }
            match (&worker.stopper, running.stop_asked) {
                (Some(stop), None) => {
                    running.stop_asked = Some(now);
                    stop();
                }
                (None, _) | (Some(_), Some(_)) => hung.push(*number),
            }
        }
        let given_up: Vec<Running> = hung.iter().filter_map(|number| state.workers.remove(number)?.running).collect();
        for running in &given_up {
            state.stuck += 1;
            state.figures.leaked += 1;
            state.figures.timed_out += 1;
            state.count(&vec![Err(RunError::Stopped); running.rows], now);
            state.busy_ends(&running.waiting);
        }
        let is_too_often = state.figures.leaked >= LEAKS_MAX;
        let loads_for_ever = state.phase == Phase::Loading && now >= state.since.plus(LOAD_MAX);
        if loads_for_ever {
            let hanging = u32::try_from(state.workers.len()).unwrap_or(u32::MAX);
            state.workers.clear();
            state.stuck = state.stuck.saturating_add(hanging);
            state.figures.leaked = state.figures.leaked.saturating_add(hanging);
        }
        drop(state);
        if loads_for_ever {
            self.fail(format!("loading it took more than {} s", LOAD_MAX.as_secs()));
        }
        let wait_ms = u64::try_from(self.config.queue_timeout.as_millis()).unwrap_or(u64::MAX);
        self.refuse_all(expired, now, &RunError::Waited { after_ms: wait_ms });
        let after_ms = u64::try_from(self.config.run_timeout.as_millis()).unwrap_or(u64::MAX);
        let fresh = given_up.len();
        for running in given_up {
            let micros = micros_between(running.since, now);
            let rows = vec![Err(RunError::TimedOut { after_ms }); running.rows];
            self.hand_out(running, rows, micros);
        }
        if fresh > 0 && is_too_often {
            self.fail(format!("{LEAKS_MAX} runs hung and could not be stopped: promote the version again to try it anew"));
        } else {
            (0..fresh).for_each(|_| spawn(self));
        }
    }

    pub(super) fn fail(&self, why: String) {
        let now = (self.now)();
        let mut state = self.state.lock();
        let error = RunError::Failed(why.clone());
        state.phase = Phase::Failed(why);
        let waiting = state.queue.drain();
        drop(state);
        self.wake.notify_all();
        self.refuse_all(waiting, now, &error);
    }

    /// The thread ends. One that was given up comes back only here.
    fn leave(&self, number: u64) {
        let mut state = self.state.lock();
        if state.workers.remove(&number).is_none() {
            state.stuck = state.stuck.saturating_sub(1);
        }
        if state.workers.is_empty() && state.phase == Phase::Ending {
            state.phase = Phase::Ended;
        }
    }
}

impl State {
    /// A run of which nothing came through is a failure of the model; one bad row is not.
    fn count(&mut self, rows: &Rows, now: Timestamp) {
        let failed = rows.iter().filter(|row| row.is_err()).count();
        self.figures.runs += 1;
        self.figures.rows += rows.len() as u64;
        self.figures.errors += failed as u64;
        // What a row brings about by itself says nothing about the model.
        let is_fault = |row: &Result<Outputs, RunError>| {
            matches!(row, Err(RunError::Failed(_) | RunError::Stopped | RunError::TimedOut { .. } | RunError::Rows { .. }))
        };
        if !rows.iter().all(is_fault) {
            self.breaker.worked();
        } else if self.breaker.failed(now) {
            tracing::warn!(failures = FAILURES_MAX, "a model fails again and again and is left alone for a while");
        }
    }

    fn busy_ends(&mut self, waiting: &[Waiting]) {
        for key in waiting.iter().filter_map(|waiting| waiting.key) {
            self.busy.remove(&key);
        }
    }
}
