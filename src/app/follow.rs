//! Edited files take effect while the workspace runs: they are read as a whole, checked as a whole, and either all of it counts or nothing.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use xxhash_rust::xxh3::Xxh3;

use crate::api::Api;
use crate::api::types::issue::{Issue, Severity};
use crate::app::trial::Trials;
use crate::app::workspace;
use crate::catalog::{self, Catalog};
use crate::runtime::Runtime;
use crate::source::{self, Diagnostic, Diagnostics, Sources, Span, render_text};

/// Editors write a file in several steps; a change counts once nothing has changed for so long.
const QUIET: Duration = Duration::from_millis(250);

const FOLDERS: [&str; 3] = ["schemas", "twins", "detectors"];

/// Looks at the files of one workspace.
#[derive(Debug)]
pub(super) struct Follower {
    pub(super) workspace: PathBuf,
    pub(super) runtime: Arc<Runtime>,
    pub(super) api: Arc<Api>,
    /// One edit at a time, whether it comes by file or by mutation.
    pub(super) taken: Mutex<Taken>,
    pub(super) trials: Arc<Trials>,
}

/// A hash of the files that were taken over last, where it is known: what is there already is no edit.
#[derive(Debug, Default)]
pub(super) struct Taken(Option<u64>);

impl Follower {
    pub(super) async fn run(self: Arc<Follower>, closing: CancellationToken) {
        // One place is enough: a change that finds it taken is seen with the one before.
        let (changed, mut changes) = mpsc::channel(1);
        let watcher = match self.watch(changed) {
            Ok(watcher) => watcher,
            Err(error) => {
                warn!(%error, "the files of the workspace cannot be followed; edits take effect with the next start");
                return;
            }
        };
        loop {
            tokio::select! {
                () = closing.cancelled() => break,
                change = changes.recv() => if change.is_none() { break },
            }
            while let Ok(Some(())) = tokio::time::timeout(QUIET, changes.recv()).await {}
            self.take_over().await;
        }
        drop(watcher);
    }

    fn watch(&self, changed: mpsc::Sender<()>) -> notify::Result<RecommendedWatcher> {
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let is_change = event.is_ok_and(|event| !matches!(event.kind, EventKind::Access(_)));
            if is_change {
                changed.try_send(()).ok();
            }
        })?;
        for folder in FOLDERS.map(|folder| self.workspace.join(folder)).iter().filter(|folder| folder.is_dir()) {
            watcher.watch(folder, RecursiveMode::Recursive)?;
        }
        Ok(watcher)
    }

    async fn take_over(&self) {
        let mut taken = self.taken.lock().await;
        let workspace = self.workspace.clone();
        let read = tokio::task::spawn_blocking(move || {
            let sources = workspace::read(&workspace)?;
            let (catalog, problems) = catalog::load(&sources);
            anyhow::Ok((hash(&sources), sources, catalog, problems))
        });
        let (hash, sources, catalog, problems) = match read.await {
            Ok(Ok(read)) => read,
            Ok(Err(error)) => return self.refuse(vec![trouble("WORKSPACE_UNREADABLE", format!("{error:#}"))]),
            Err(error) => return self.refuse(vec![trouble("INTERNAL", format!("reading the workspace has crashed: {error}"))]),
        };
        if taken.0 == Some(hash) {
            return;
        }
        // Whatever comes of it: a file that is edited back to this has to be looked at again only if this was taken over.
        taken.0 = None;
        if problems.has_errors() {
            warn!("the workspace was edited and has errors; what was before stays in force\n{}", render_text(&sources, &problems, false));
            return self.api.keep(issues(&sources, &problems));
        }
        match self.renew(Arc::new(catalog)).await {
            Ok(()) => taken.0 = Some(hash),
            Err(issues) => self.refuse(issues),
        }
    }

    /// After files were written that are in force already.
    pub(super) async fn note_what_is_there(&self, taken: &mut Taken) {
        let workspace = self.workspace.clone();
        let read = tokio::task::spawn_blocking(move || workspace::read(&workspace).map(|sources| hash(&sources))).await;
        taken.0 = read.ok().and_then(Result::ok);
    }

    /// The schema first, because it can be made without changing anything.
    pub(super) async fn renew(&self, catalog: Arc<Catalog>) -> Result<(), Vec<Issue>> {
        let (api, of) = (self.api.clone(), catalog.clone());
        let next = match tokio::task::spawn_blocking(move || api.revise(&of)).await {
            Ok(Ok(next)) => next,
            Ok(Err(issues)) => return Err(issues),
            Err(error) => return Err(vec![trouble("INTERNAL", format!("making the schema has crashed: {error}"))]),
        };
        match self.runtime.renew(&catalog).await {
            Ok(applied) => {
                info!(created = applied.created, described = applied.described, "the edited workspace is in force");
                self.api.adopt(next);
                Ok(())
            }
            Err(error) => Err(vec![trouble("WORKSPACE_REFUSED", error.to_string())]),
        }
    }

    fn refuse(&self, issues: Vec<Issue>) {
        for issue in &issues {
            warn!(code = %issue.code, "the workspace was edited, and what was before stays in force: {}", issue.message);
        }
        self.api.keep(issues);
    }
}

fn hash(sources: &Sources) -> u64 {
    let mut hash = Xxh3::new();
    for (_, file) in sources.iter() {
        hash.update(file.path.as_bytes());
        hash.update(&[0]);
        hash.update(file.text.as_bytes());
        hash.update(&[0]);
    }
    hash.digest()
}

fn trouble(code: &str, message: impl Into<String>) -> Issue {
    Issue::new(code, Severity::Major, message)
}

pub(super) fn issues(sources: &Sources, problems: &Diagnostics) -> Vec<Issue> {
    problems.iter().map(|problem| issue(sources, problem)).collect()
}

pub(super) fn issue(sources: &Sources, problem: &Diagnostic) -> Issue {
    let hint = problem.label.iter().chain(&problem.help).cloned().collect::<Vec<_>>().join("; ");
    let severity = match problem.severity() {
        source::Severity::Error => Severity::Major,
        source::Severity::Warning => Severity::Warning,
    };
    Issue {
        hint: Some(hint).filter(|text| !text.is_empty()),
        ..issue_at(sources, problem.span, problem.code.id, severity, problem.message.clone())
    }
}

/// Something that is to be said of a place in a file.
pub(super) fn issue_at(sources: &Sources, span: Span, code: &str, severity: Severity, message: String) -> Issue {
    let at = sources.start_of(span);
    Issue {
        file: Some(sources.file(span.file).path.clone()),
        line: Some(at.line),
        column: Some(at.col),
        ..Issue::new(code, severity, message)
    }
}
