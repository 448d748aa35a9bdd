//! `Job`: a change of many twins that goes on after its mutation was answered. Jobs are known for as long as the program runs.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::{Stream, stream};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::issue::UserError;
use super::twin::session;
use crate::api::build::{Args, ObjectBuilder, Out, Root, SchemaBuilder};
use crate::api::engine::RequestContext;
use crate::api::error::{ApiError, Code};
use crate::api::mutations::keys::KeysInUse;
use crate::api::session::Session;
use crate::reading::Timestamp;
use crate::runtime::clock::Clock;

/// Jobs that are remembered; the oldest that have ended go first.
const JOBS_KEPT_MAX: usize = 200;
/// Jobs that run at once.
const JOBS_RUNNING_MAX: usize = 8;
/// Errors of one job that are listed; the rest are counted in `failed`.
const ERRORS_MAX: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

impl JobState {
    fn name(self) -> &'static str {
        match self {
            JobState::Running => "RUNNING",
            JobState::Succeeded => "SUCCEEDED",
            JobState::Failed => "FAILED",
            JobState::Cancelled => "CANCELLED",
        }
    }
}

/// How far a job has come.
#[derive(Debug, Clone)]
pub struct Progress {
    pub state: JobState,
    pub done: usize,
    pub failed: usize,
    pub finished: Option<Timestamp>,
    pub errors: Vec<UserError>,
}

#[derive(Debug)]
pub struct Job {
    no: u64,
    kind: Arc<str>,
    total: usize,
    started: Timestamp,
    progress: watch::Sender<Progress>,
}

impl Job {
    pub fn id(&self) -> String {
        format!("job/{}", self.no)
    }

    /// One more twin is dealt with.
    pub fn advance(&self, result: Result<(), UserError>) {
        self.progress.send_modify(|progress| match result {
            Ok(()) => progress.done += 1,
            Err(error) => {
                progress.failed += 1;
                if progress.errors.len() < ERRORS_MAX {
                    progress.errors.push(error);
                }
            }
        });
    }

    pub fn finish(&self, state: JobState, at: Timestamp) {
        self.progress.send_modify(|progress| (progress.state, progress.finished) = (state, Some(at)));
    }

    fn is_running(&self) -> bool {
        self.progress.borrow().state == JobState::Running
    }
}

/// All that are known.
#[derive(Debug, Default)]
pub struct Jobs {
    inner: Mutex<Inner>,
    /// They end with this.
    tasks: Mutex<JoinSet<()>>,
    /// Keys of requests that are worked on, which may become jobs.
    pub(in crate::api) keys: KeysInUse,
}

#[derive(Debug, Default)]
struct Inner {
    last: u64,
    kept: VecDeque<Arc<Job>>,
}

impl Jobs {
    /// A job that is running from now on. Whoever begins it tells how far it comes, and finishes it.
    pub fn begin(&self, kind: Arc<str>, total: usize, at: Timestamp) -> Result<Arc<Job>, ApiError> {
        let mut inner = self.inner.lock();
        if inner.kept.iter().filter(|job| job.is_running()).count() >= JOBS_RUNNING_MAX {
            let message = format!("{JOBS_RUNNING_MAX} jobs are running, which is the most");
            return Err(ApiError::new(Code::Unavailable, message).hint("wait until one has ended: subscribe to `jobUpdates`"));
        }
        while inner.kept.len() >= JOBS_KEPT_MAX {
            let Some(ended) = inner.kept.iter().position(|job| !job.is_running()) else { break };
            inner.kept.remove(ended);
        }
        // The time sets them apart from those before a restart.
        inner.last = (inner.last + 1).max(u64::try_from(at.0 / 1_000).unwrap_or(0));
        let progress = Progress { state: JobState::Running, done: 0, failed: 0, finished: None, errors: Vec::new() };
        let job = Arc::new(Job { no: inner.last, kind, total, started: at, progress: watch::Sender::new(progress) });
        inner.kept.push_back(job.clone());
        Ok(job)
    }

    /// Begins a job and does its `work`, whose error says why it ended before it was through.
    pub fn start<F>(&self, kind: Arc<str>, total: usize, clock: Clock, work: impl FnOnce(Arc<Job>) -> F) -> Result<Arc<Job>, ApiError>
    where
        F: Future<Output = Result<(), UserError>> + Send + 'static,
    {
        let job = self.begin(kind, total, clock.now())?;
        let (work, ending) = (work(job.clone()), Ending { job: job.clone(), clock });
        let mut tasks = self.tasks.lock();
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            let outcome = work.await;
            ending.end(outcome);
        });
        Ok(job)
    }

    /// By its id, or by what stands in it behind `job/`.
    pub fn find(&self, id: &str) -> Option<Arc<Job>> {
        let no: u64 = id.strip_prefix("job/").unwrap_or(id).parse().ok()?;
        self.inner.lock().kept.iter().find(|job| job.no == no).cloned()
    }
}

/// Finishes a job also if its work crashes.
struct Ending {
    job: Arc<Job>,
    clock: Clock,
}

impl Ending {
    fn end(&self, outcome: Result<(), UserError>) {
        match outcome {
            Ok(()) => self.job.finish(JobState::Succeeded, self.clock.now()),
            Err(reason) => {
                // Said even where no more find room: why it ended.
                self.job.progress.send_modify(|progress| progress.errors.push(reason));
                self.job.finish(JobState::Failed, self.clock.now());
            }
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if self.job.is_running() {
            self.end(Err(UserError::new("UNAVAILABLE", &[], "the job was broken off")));
        }
    }
}

/// A job as it was at one moment.
#[derive(Debug, Clone)]
pub struct JobNode {
    job: Arc<Job>,
    progress: Progress,
}

impl JobNode {
    pub fn now(job: Arc<Job>) -> JobNode {
        let progress = job.progress.borrow().clone();
        JobNode { job, progress }
    }
}

pub fn declare(schema: &mut SchemaBuilder) {
    schema.enumeration(
        "JobState",
        "Whether a job still runs, and how it ended.",
        &[
            ("RUNNING", ""),
            ("SUCCEEDED", "It went through all; `failed` says how many were refused."),
            ("FAILED", "It ended before it was through; the last of its errors says why."),
            ("CANCELLED", "Somebody ended it."),
        ],
    );
    schema
        .object::<JobNode>("Job", "A change of many twins that goes on after its mutation was answered.")
        .implements("Node")
        .value("id", "ID!", "Known until the program ends.", |node, _| node.job.id())
        .value("kind", "String!", "The mutation that began it.", |node, _| node.job.kind.to_string())
        .value("state", "JobState!", "", |node, _| node.progress.state.name())
        .value("total", "Int", "How many twins it is about.", |node, _| node.job.total)
        .value("done", "Int!", "", |node, _| node.progress.done)
        .value("failed", "Int!", "Those that were refused.", |node, _| node.progress.failed)
        .value("startedAt", "DateTime!", "", |node, _| Out::print(node.job.started))
        .value("finishedAt", "DateTime", "", |node, _| node.progress.finished.map(Out::print))
        .value("errors", "[UserError!]!", "Of the first that were refused.", |node, _| Out::objects(node.progress.errors.iter().cloned()));
}

/// `job(id:)`
pub fn declare_query(query: &mut ObjectBuilder<'_, Root>) {
    query.field("job", "Job", "A job by its id; null if it is not known any more.").arg("id", "ID!").now(|_, args, ctx| {
        let job = args.required_text("id")?.strip_prefix("job/").and_then(|no| find(session(ctx).ok()?, no));
        Ok(job.map_or(Out::Null, Out::object))
    });
}

/// By what stands in its id behind `job/`.
pub fn find(session: &Session, no: &str) -> Option<JobNode> {
    session.services.lasting.jobs.find(no).map(JobNode::now)
}

/// The job at once, and whenever it has come further; what happens between two looks is one item.
pub fn updates(ctx: &RequestContext, args: &Args) -> Result<impl Stream<Item = Result<Out, ApiError>> + Send + use<>, ApiError> {
    let id = args.required_text("id")?;
    let job = session(ctx)?.services.lasting.jobs.find(id).ok_or_else(|| {
        let id: String = id.chars().take(60).collect();
        ApiError::new(Code::NotFound, format!("there is no job `{id}`")).hint("jobs are forgotten when the program ends")
    })?;
    let mut looks = job.progress.subscribe();
    looks.mark_changed();
    Ok(stream::unfold(Some((job, looks)), |state| async move {
        let (job, mut looks) = state?;
        looks.changed().await.ok()?;
        let progress = looks.borrow_and_update().clone();
        let is_over = progress.state != JobState::Running;
        let item = Out::object(JobNode { job: job.clone(), progress });
        Some((Ok(item), (!is_over).then_some((job, looks))))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_bounded_and_found() {
        let jobs = Jobs::default();
        let at = Timestamp(0);
        let first = jobs.begin("updateTwins".into(), 2, at).unwrap();
        first.advance(Ok(()));
        first.advance(Err(UserError::new("OUT_OF_RANGE", &["set"], "too much")));
        first.finish(JobState::Succeeded, at);
        let node = JobNode::now(jobs.find(&first.id()).unwrap());
        assert_eq!((node.progress.done, node.progress.failed, node.progress.errors.len()), (1, 1, 1));
        let running: Vec<_> = (0..JOBS_RUNNING_MAX).map(|_| jobs.begin("deleteTwins".into(), 1, at).unwrap()).collect();
        assert_eq!(jobs.begin("deleteTwins".into(), 1, at).unwrap_err().code, Code::Unavailable);
        running.iter().for_each(|job| job.finish(JobState::Failed, at));
        (0..JOBS_KEPT_MAX).for_each(|_| jobs.begin("deleteTwins".into(), 1, at).unwrap().finish(JobState::Succeeded, at));
        assert!(jobs.find(&first.id()).is_none() && jobs.inner.lock().kept.len() == JOBS_KEPT_MAX);
    }

    async fn ended(job: &Job) -> Progress {
        job.progress.subscribe().wait_for(|progress| progress.state != JobState::Running).await.unwrap().clone()
    }

    #[tokio::test]
    async fn a_job_ends_as_its_work_does() {
        let jobs = Jobs::default();
        let work = |job: Arc<Job>| async move {
            job.advance(Ok(()));
            Ok(())
        };
        let progress = ended(&jobs.start("updateTwins".into(), 1, Clock::system(), work).unwrap()).await;
        assert_eq!((progress.state, progress.done, progress.finished.is_some()), (JobState::Succeeded, 1, true));
        let work = |_| async move { Err(UserError::new("UNAVAILABLE", &[], "the journal is closed")) };
        let progress = ended(&jobs.start("updateTwins".into(), 1, Clock::system(), work).unwrap()).await;
        assert_eq!((progress.state, progress.errors.len()), (JobState::Failed, 1));
        let work = |_| async move { panic!("of its own accord") };
        let progress = ended(&jobs.start("updateTwins".into(), 1, Clock::system(), work).unwrap()).await;
        assert_eq!((progress.state, progress.errors.len()), (JobState::Failed, 1));
    }
}
