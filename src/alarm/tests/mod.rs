//! Alarms: every cell of the table of transitions under every suppression, what ends suppressions, floods, figures and how others see it.

mod floods;
mod suppressions;
mod table;
mod views;

use std::time::Duration;

use smol_str::SmolStr;

use crate::reading::Timestamp;

use super::{Action, AlarmState, Change, Evidence, OutOfService, Policy, Severity, Signal, Verdict, When};

const MINUTE: i64 = 60_000_000;

fn minute(minute: i64) -> Timestamp {
    Timestamp(minute * MINUTE)
}

fn when(at: i64) -> When {
    When::both(minute(at))
}

fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

fn evidence(severity: Severity) -> Evidence {
    Evidence { severity, text: SmolStr::new("hot"), explain: None }
}

fn raised(at: i64) -> Signal {
    Signal::Raised { first_true_at: minute(at), level: 0, evidence: evidence(Severity::Major) }
}

const CLEARED: Signal = Signal::Cleared { explain: None };

/// One alarm that changes as facts come in, and everything it was told.
#[derive(Debug, Clone, Default)]
struct Story {
    state: AlarmState,
    policy: Policy,
    twin: Option<OutOfService>,
    changes: Vec<Change>,
}

impl Story {
    fn new(policy: Policy) -> Story {
        Story { policy, ..Story::default() }
    }

    fn heed(&mut self, at: i64, signal: &Signal) -> Vec<Change> {
        let changes = self.state.heed(&self.policy, signal, when(at), self.twin.as_ref());
        self.take(changes)
    }

    fn act(&mut self, at: i64, action: &Action) -> (Verdict, Vec<Change>) {
        let answer = self.state.act(&self.policy, None, action, "ann", when(at), self.twin.as_ref());
        (answer.verdict, self.take(answer.changes))
    }

    fn elapse(&mut self, at: i64) -> Vec<Change> {
        let changes = self.state.elapse_on_wall(&self.policy, when(at), self.twin.as_ref());
        self.take(changes)
    }

    fn take(&mut self, changes: Vec<Change>) -> Vec<Change> {
        for change in &changes {
            self.state.apply(change);
        }
        self.changes.extend(changes.iter().cloned());
        changes
    }
}

fn acknowledge() -> Action {
    Action::Acknowledge { comment: None }
}

fn out_of_service() -> OutOfService {
    OutOfService { until: None, by: SmolStr::new("ann"), reason: SmolStr::new("overhaul") }
}
