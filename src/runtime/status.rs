//! What the runtime says of itself: for probes, for the metrics page and for people.

use std::sync::atomic::Ordering;

use serde::Serialize;
use serde_json::{Value, json};

use crate::journal;
use crate::reading::Seq;
use crate::store::{self, RejectionFilter};
use crate::view::View;

use super::Runtime;
use super::resident::Observation;

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthReport {
    pub ready: bool,
    /// What stands in the way, or is not as it should be.
    pub issues: Vec<Issue>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Issue {
    pub part: &'static str,
    /// Whether work stands still because of it.
    pub blocking: bool,
    pub message: String,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    pub seq: u64,
    pub durable_seq: u64,
    pub projected_seq: u64,
    pub saved_seq: u64,
    pub twins: usize,
    pub edges: usize,
    pub restarts: u64,
    pub pending_bytes: usize,
    /// Twins that time alone should have woken by now.
    pub due: usize,
    /// Mail that twins have not dealt with yet.
    pub mail: u64,
    /// What was let out by the gate and has not been handed on yet.
    pub leaving: usize,
}

impl Runtime {
    pub fn view(&self) -> &View {
        &self.view
    }

    pub fn found(&self) -> super::Found {
        self.found
    }

    pub fn store(&self) -> &store::Store {
        &self.store
    }

    pub fn health(&self) -> HealthReport {
        let mut issues = Vec::new();
        let journal = self.shared.journal.health();
        match &journal.state {
            journal::State::Writable => {}
            journal::State::Closed => issues.push(Issue { part: "journal", blocking: true, message: "the journal is closed".to_owned() }),
            journal::State::NoSpace { message, .. } => issues.push(Issue {
                part: "journal",
                blocking: true,
                message: format!("the disk is full, so nothing is acknowledged: {message}; free space and it goes on by itself"),
            }),
            journal::State::Failing { message, .. } => issues.push(Issue {
                part: "journal",
                blocking: true,
                message: format!("the disk does not take what is written, so nothing is acknowledged: {message}"),
            }),
        }
        if let Some(error) = self.progress.failing.lock().clone() {
            issues.push(Issue {
                part: "store",
                blocking: false,
                message: format!("the graph store falls behind: {error}; the journal keeps everything"),
            });
        }
        HealthReport { ready: !issues.iter().any(|issue| issue.blocking), issues }
    }

    pub fn status(&self) -> Status {
        let journal = self.shared.journal.health();
        Status {
            seq: self.view.seq().0,
            durable_seq: journal.last_seq.0,
            projected_seq: self.progress.position.load(Ordering::Acquire),
            saved_seq: self.progress.saved_upto.load(Ordering::Acquire),
            twins: self.shared.directory.count(),
            edges: self.graph.lock().count(),
            restarts: self.shared.restarts.load(Ordering::Relaxed),
            pending_bytes: journal.pending_bytes,
            due: self.shared.wakes.due(self.shared.clock.now()) + usize::from(self.followers.gathering.is_behind(self.shared.clock.now())),
            leaving: self.shared.outbox.leaving(),
            mail: self.shared.directory.all().iter().map(|resident| u64::from(resident.mail())).sum(),
        }
    }

    pub fn observe(&self, id: &str) -> Option<Observation> {
        self.shared.directory.by_id(id).map(|resident| resident.observe())
    }

    /// The edges of a twin that hold now, by direction and name.
    pub fn relations_of(&self, id: &str) -> Value {
        let Some(resident) = self.shared.directory.by_id(id) else { return Value::Null };
        let now = self.shared.clock.now();
        let graph = self.graph.lock();
        let named = |no| self.shared.directory.by_no(no).map(|twin| twin.id.to_string());
        let out = graph.out(resident.no).filter(|edge| edge.holds_at(now));
        let out: Vec<Value> =
            out.map(|edge| json!({ "name": &*edge.relation, "to": named(edge.to), "properties": edge.properties })).collect();
        let into = graph.incoming(resident.no).filter(|edge| edge.holds_at(now));
        let into: Vec<Value> =
            into.map(|edge| json!({ "name": &*edge.relation, "from": named(edge.from), "properties": edge.properties })).collect();
        json!({ "out": out, "in": into })
    }

    /// The newest stored rejections.
    pub async fn rejections(&self, twin: Option<String>, code: Option<String>, limit: usize) -> Result<Vec<Value>, store::Error> {
        let rows = self
            .store
            .rejections(&RejectionFilter { twin, codes: code.into_iter().collect(), limit, ..RejectionFilter::default() })
            .await?;
        let shown = rows.into_iter().map(|row| {
            let rejection = row.rejection;
            json!({
                "seq": row.seq.0,
                "at": rejection.at.to_string(),
                "address": rejection.address,
                "twin": rejection.twin.map(|id| id.to_string()),
                "field": rejection.field,
                "code": rejection.code,
                "message": rejection.message,
                "excerpt": rejection.excerpt,
            })
        });
        Ok(shown.collect())
    }

    pub fn twins_by_state(&self) -> Vec<(&'static str, usize)> {
        let mut counts: std::collections::BTreeMap<&'static str, usize> =
            ["AWAKE", "FAULTED", "RESTING", "WAKING"].map(|state| (state, 0)).into();
        for resident in self.shared.directory.all() {
            *counts.entry(resident.state_name()).or_default() += 1;
        }
        counts.into_iter().collect()
    }

    /// Whether the last that was written to the graph store did not arrive.
    pub fn store_is_failing(&self) -> bool {
        self.progress.failing.lock().is_some()
    }

    /// How far the graph store follows.
    pub fn projected(&self) -> Seq {
        Seq(self.progress.position.load(Ordering::Acquire))
    }
}
