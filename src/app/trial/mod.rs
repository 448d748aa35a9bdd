//! Rules tried on the journal of the running system (`rules.md`, 12): the files of the workspace with what is to be tried, the twins that live now,
//! and what has come in. It has a thread of its own, which ends when nobody waits for it any more; nothing that runs waits for it.

mod population;
mod recorder;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Semaphore, oneshot};
use tokio::time::Instant;

use crate::api::trial::{READINGS_MAX, Trial, Tried};
use crate::api::types::issue::{Issue, Severity};
use crate::api::{ApiError, Code};
use crate::app::follow::{Follower, issue, issues};
use crate::app::workspace;
use crate::backtest::{Backtest, Report, Selection};
use crate::catalog::{self, Catalog, Change, RuleName, Setting};
use crate::reading::{Seq, Timestamp, TwinId};
use crate::runtime::Runtime;
use crate::source::{FileId, Sources, did_you_mean};

pub use recorder::Recorder;

/// Trials that run at the same time; others wait for their turn.
const TRIALS_AT_ONCE_MAX: usize = 2;
/// Entries of the journal between two looks at whether anybody still waits.
const LOOK_EVERY: u64 = 256;
/// Occurrences with their evidence that are held at once, of the tried rules and of those that stand.
const KEPT_MAX: usize = 10_000;
/// Twins with which an unknown name is compared.
const SUGGESTION_TWINS_MAX: usize = 10_000;

/// Who may run.
#[derive(Debug)]
pub(super) struct Trials(Arc<Semaphore>);

impl Default for Trials {
    fn default() -> Trials {
        Trials(Arc::new(Semaphore::new(TRIALS_AT_ONCE_MAX)))
    }
}

/// Says so when nobody waits any more.
struct Waits(Arc<AtomicBool>);

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

impl Follower {
    pub(super) async fn try_out(&self, trial: Trial) -> Result<Tried, ApiError> {
        let internal = |what: &str| ApiError::new(Code::Internal, what.to_owned());
        let turn = self.trials.0.clone().acquire_owned().await.map_err(|_| internal("no trials are run any more"))?;
        let stop = Arc::new(AtomicBool::new(false));
        let _waits = Waits(stop.clone());
        let work = Work { workspace: self.workspace.clone(), runtime: self.runtime.clone(), trial, stop };
        let (answer, tried) = oneshot::channel();
        let thread = std::thread::Builder::new().name("dry-run".to_owned()).spawn(move || {
            let _turn = turn;
            // Whoever asked may have gone.
            answer.send(work.run()).ok();
        });
        thread.map_err(|error| ApiError::new(Code::Unavailable, format!("there is no thread for it: {error}")))?;
        tried.await.map_err(|_| internal("the dry run has crashed"))?
    }
}

struct Work {
    workspace: PathBuf,
    runtime: Arc<Runtime>,
    trial: Trial,
    stop: Arc<AtomicBool>,
}

/// How far the journal was gone through.
#[derive(Debug, Clone, Copy, Default)]
struct Gone {
    /// The oldest entry that is kept.
    first: Option<(Seq, Timestamp)>,
    is_cut: bool,
}

impl Work {
    fn run(self) -> Result<Tried, ApiError> {
        let refused = |issues| Ok(Tried { report: None, issues, truncated: false });
        let mut sources = workspace::read(&self.workspace).map_err(|error| {
            tracing::warn!(%error, "the workspace cannot be read for a dry run");
            ApiError::new(Code::Unavailable, "the files of the workspace cannot be read")
        })?;
        let (standing, problems) = catalog::load(&sources);
        if problems.has_errors() {
            return refused(issues(&sources, &problems));
        }
        let (changes, files) = self.changes(&mut sources);
        let (candidate, problems, mut rules) = catalog::load_changed(&sources, &changes);
        // What the workspace is warned of anyway is not said here.
        let own =
            problems.iter().filter(|problem| files.contains(&problem.span.file) || problem.severity() == crate::source::Severity::Error);
        let mut said: Vec<Issue> = own.map(|problem| issue(&sources, problem)).collect();
        if problems.has_errors() {
            return refused(said);
        }
        if let Some(rule) = &self.trial.rule {
            rule.check(&candidate).map_err(ApiError::bad_input)?;
            rules.push(rule.clone());
        }
        let tried = candidate.with_twins(population::living(&self.runtime, &candidate));
        let standing = self.trial.against.then(|| standing.with_twins(population::living(&self.runtime, &standing)));
        let selection = self.selection(&tried, rules)?;
        let mut backtest = Backtest::new(&tried, standing.as_ref()).keeping(KEPT_MAX);
        let gone = self.go_through(&tried, &mut backtest)?;
        if !gone.is_cut {
            backtest.run_until(self.trial.to.min(self.runtime.shared.clock.now()));
        }
        let report = backtest.finish(std::time::Duration::ZERO, &selection);
        said.extend(self.notes(&report, gone));
        Ok(Tried { report: Some(report), issues: said, truncated: gone.is_cut })
    }

    /// What is tried, as files of its own.
    fn changes(&self, sources: &mut Sources) -> (Vec<Change>, Vec<FileId>) {
        let (mut changes, mut files) = (Vec::new(), Vec::new());
        if let Some(source) = &self.trial.source {
            let file = sources.add("source", source.as_bytes());
            files.push(file);
            changes.push(Change::File(file));
        }
        for (key, value) in &self.trial.set {
            let file = sources.add(format!("set {key}"), value.as_bytes());
            files.push(file);
            changes.push(Change::Setting(Setting { rule: self.trial.rule.clone(), key: key.clone(), value: file }));
        }
        (changes, files)
    }

    fn selection(&self, catalog: &Catalog, rules: Vec<RuleName>) -> Result<Selection, ApiError> {
        let mut selection = Selection::default().of_rules(rules.into_iter().map(|rule| (rule.type_name, rule.id)));
        let twin = |id: &str| -> Result<TwinId, ApiError> {
            catalog.twin(id).map(|spec| spec.id.clone()).ok_or_else(|| {
                let near = did_you_mean(id, catalog.twins.iter().take(SUGGESTION_TWINS_MAX).map(|twin| twin.id.as_str()));
                let meant = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                let shown: String = id.chars().take(60).collect();
                ApiError::bad_input(format!("there is no twin `{shown}`{meant}"))
            })
        };
        if let Some(root) = &self.trial.under {
            selection = selection.under(&twin(root)?, catalog);
        }
        if !self.trial.twins.is_empty() {
            selection = selection.of_twins(self.trial.twins.iter().map(|id| twin(id)).collect::<Result<Vec<_>, _>>()?);
        }
        Ok(selection)
    }

    fn go_through(&self, catalog: &Catalog, backtest: &mut Backtest<'_>) -> Result<Gone, ApiError> {
        let mut recorder = Recorder::new("the journal".into(), catalog);
        for resident in self.runtime.shared.directory.all() {
            let state = resident.cell.state();
            recorder.know_twin(resident.no, resident.id.clone(), state.layout.0.clone());
        }
        let (mut gone, mut entries, mut failed) = (Gone::default(), 0_u64, None);
        let (from, to) = (Some(self.trial.from), Some(self.trial.to));
        let more = |fingerprint| self.runtime.layouts.get(fingerprint);
        let read = self.runtime.each_entry(&mut |seq, bytes| {
            entries += 1;
            if entries % LOOK_EVERY == 0 && self.is_over() {
                gone.is_cut = true;
                return ControlFlow::Break(());
            }
            let taken = recorder.entry(seq, bytes, &more, &mut |found| {
                if found.is_within(from, to) {
                    backtest.take(found);
                }
            });
            match taken {
                Ok(at) => {
                    gone.first.get_or_insert((seq, at));
                    gone.is_cut = backtest.readings() >= READINGS_MAX;
                    // Entries are in the order of the clock that wrote them, which may have been set back a little.
                    if gone.is_cut { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                }
                Err(reason) => {
                    failed = Some((seq, reason));
                    ControlFlow::Break(())
                }
            }
        });
        let unreadable = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, "the journal cannot be read for a dry run");
            ApiError::new(Code::Unavailable, "the journal cannot be read; the log says why")
        };
        read.map_err(|error| unreadable(&error))?;
        match failed {
            Some((seq, reason)) => Err(unreadable(&format!("entry {seq}: {reason}"))),
            None => Ok(gone),
        }
    }

    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Acquire) || Instant::now() >= self.trial.until
    }

    fn notes(&self, report: &Report, gone: Gone) -> Vec<Issue> {
        let mut notes = Vec::new();
        if let Some((seq, at)) = gone.first.filter(|(seq, at)| seq.0 > 1 && *at > self.trial.from) {
            let message = format!("the journal begins with entry {seq} at {at}: what was before is not gone through");
            notes.push(Issue::new("JOURNAL_BEGINS_LATER", Severity::Info, message));
        }
        notes.extend(
            report
                .warnings
                .iter()
                .map(|warning| Issue::new(warning.code, Severity::Warning, format!("{}: {}", warning.rule, warning.message))),
        );
        notes.extend(report.refused.iter().map(|refused| Issue::new("NOT_READ", Severity::Info, refused.clone())));
        notes
    }
}
