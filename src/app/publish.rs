//! Types that come by mutation: they are checked with all other files, written, and taken over like any edit. If that fails, the files are
//! as before.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::MutexGuard;

use crate::api::ApiError;
use crate::api::publish::{Publish, Published};
use crate::api::trial::{Trial, Tried};
use crate::api::types::issue::{Issue, Severity, UserError};
use crate::app::follow::{Follower, Taken, issue_at};
use crate::app::workspace;
use crate::app::write::write_all;
use crate::backtest::{Failure, try_out};
use crate::catalog::{self, Catalog};
use crate::source::{Diagnostics, Sources, codes, read_yaml};

/// Texts by their paths in the workspace, with `/`.
type Files = BTreeMap<String, String>;

impl Publish for Follower {
    fn publish(self: Arc<Self>, sources: Vec<String>, dry_run: bool) -> BoxFuture<'static, Result<Published, Vec<UserError>>> {
        async move {
            let mut taken = self.taken.lock().await;
            let (names, files) = files_of(&sources)?;
            let (sources_of, catalog) = self.check(&files, &names).await?;
            if !dry_run {
                self.put_in_force(&catalog, files, &mut taken).await?;
            }
            let types = names.iter().filter_map(|name| catalog.layout(name)).cloned().collect();
            let issues = if dry_run { failing(sources_of, catalog, names).await } else { Vec::new() };
            Ok(Published { types, seq: self.runtime.view().seq(), issues })
        }
        .boxed()
    }

    fn try_rules(self: Arc<Self>, trial: Trial) -> BoxFuture<'static, Result<Tried, ApiError>> {
        async move { self.try_out(trial).await }.boxed()
    }
}

impl Follower {
    async fn check(&self, files: &Files, names: &[String]) -> Result<(Sources, Arc<Catalog>), Vec<UserError>> {
        let (dir, files) = (self.workspace.clone(), files.clone());
        let read = tokio::task::spawn_blocking(move || {
            let sources = workspace::read_with(&dir, &files)?;
            let (catalog, problems) = catalog::load(&sources);
            anyhow::Ok((sources, catalog, problems))
        });
        let (sources, catalog, problems) = match read.await {
            Ok(Ok(read)) => read,
            Ok(Err(error)) => return Err(vec![refusal(&format!("{error:#}"))]),
            Err(error) => return Err(vec![refusal(&format!("reading the workspace has crashed: {error}"))]),
        };
        if problems.has_errors() {
            return Err(mistakes(&sources, &problems, names));
        }
        Ok((sources, Arc::new(catalog)))
    }

    /// On the disk first: what a crash leaves there is what was asked for, and was checked.
    async fn put_in_force(&self, catalog: &Arc<Catalog>, files: Files, taken: &mut MutexGuard<'_, Taken>) -> Result<(), Vec<UserError>> {
        let dir = self.workspace.clone();
        let written = tokio::task::spawn_blocking(move || write_all(&dir, &files)).await;
        let undo = match written {
            Ok(Ok(undo)) => undo,
            Ok(Err(error)) => return Err(vec![refusal(&format!("the types cannot be written: {error}"))]),
            Err(error) => return Err(vec![refusal(&format!("writing the types has crashed: {error}"))]),
        };
        if let Err(issues) = self.renew(catalog.clone()).await {
            // Nothing was taken over, so nothing but the files has to go back.
            if let Err(error) = undo.run() {
                tracing::error!(%error, "types that were refused are left in schemas/");
            }
            return Err(issues.into_iter().map(of_issue).collect());
        }
        self.note_what_is_there(taken).await;
        Ok(())
    }
}

/// The `tests:` of these types that do not come out as they say.
async fn failing(sources: Sources, catalog: Arc<Catalog>, names: Vec<String>) -> Vec<Issue> {
    let tried = tokio::task::spawn_blocking(move || {
        let examples = catalog.examples.iter().filter(|example| names.iter().any(|name| **name == *example.layout.name));
        let attempts = examples.map(try_out);
        let issues = attempts.flat_map(|attempt| {
            let issue = |failure: &Failure| {
                let message = format!("{}: after {}: {}", attempt.name, failure.after(), failure.message);
                issue_at(&sources, failure.span, "TEST_FAILED", Severity::Major, message)
            };
            attempt.failures.iter().map(issue).collect::<Vec<_>>()
        });
        issues.collect()
    });
    tried.await.unwrap_or_else(|error| vec![Issue::new("INTERNAL", Severity::Major, format!("trying the tests has crashed: {error}"))])
}

/// The names of the types and the files they belong into.
fn files_of(texts: &[String]) -> Result<(Vec<String>, Files), Vec<UserError>> {
    let (mut names, mut files, mut errors) = (Vec::new(), Files::new(), Vec::new());
    for (index, text) in texts.iter().enumerate() {
        let path = index.to_string();
        let error = |message: String| UserError::new("INVALID_VALUE", &["sources", &path], message);
        let Some(name) = name_of(text).filter(|name| catalog::is_type_name(name)) else {
            errors
                .push(error("it does not say its name: begin it with `type: NAME`, a capital letter, then letters and digits".to_owned()));
            continue;
        };
        if files.insert(format!("schemas/{name}.yaml"), text.clone()).is_some() {
            errors.push(error(format!("`{name}` is published twice")));
        }
        names.push(name);
    }
    if errors.is_empty() { Ok((names, files)) } else { Err(errors) }
}

fn name_of(text: &str) -> Option<String> {
    let mut sources = Sources::new();
    let file = sources.add("source", text.as_bytes());
    let root = read_yaml(&sources, file, &mut Diagnostics::new())?;
    root.as_mapping()?.get("type")?.value.as_text().map(str::to_owned)
}

fn refusal(message: &str) -> UserError {
    UserError::new("WORKSPACE_REFUSED", &["sources"], message)
}

fn of_issue(issue: Issue) -> UserError {
    UserError { hint: issue.hint, ..refusal(&issue.message) }
}

/// What is wrong in a published type points to its source; what it breaks elsewhere names the file.
fn mistakes(sources: &Sources, problems: &Diagnostics, names: &[String]) -> Vec<UserError> {
    let errors = problems.iter().filter(|problem| problem.severity() == crate::source::Severity::Error);
    let mistake = |problem: &crate::source::Diagnostic| {
        let (file, at) = (&sources.file(problem.span.file).path, sources.start_of(problem.span));
        let index = names.iter().position(|name| *file == format!("schemas/{name}.yaml")).map(|index| index.to_string());
        let path: Vec<&str> = std::iter::once("sources").chain(index.as_deref()).collect();
        let hint = problem.label.iter().chain(&problem.help).cloned().collect::<Vec<_>>().join("; ");
        let code = codes::find(problem.code.id).map_or("INVALID_VALUE", |code| code.id);
        let error = UserError::new(code, &path, format!("{file}:{}:{}: {}", at.line, at.col, problem.message));
        UserError { hint: Some(hint).filter(|hint| !hint.is_empty()), ..error }
    };
    errors.map(mistake).collect()
}
