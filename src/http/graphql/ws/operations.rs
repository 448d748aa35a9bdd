//! The operations of one socket: each is a task of its own, and hands over its results as there is room for them.
//!
//! Room is counted in bytes and given in the order in which it was asked for; an operation asks once for each result. So all take turns, however
//! many results one of them has.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;

use futures_util::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::{AbortHandle, JoinError, JoinSet};

use crate::api::{Answer, ApiError, Caller, OperationKind, Outcome, Request};
use crate::http::graphql::service::Service;

use super::protocol::Serial;

/// What a result takes up beside its body.
const RESULT_BYTES: usize = 64;
/// Results that may wait, whatever their size.
const WAITING_MAX: usize = 1024;
/// Tasks that are not wanted any more live on for a moment; a client that starts and stops is not read faster than they end.
const TASKS_PER_OPERATION_MAX: usize = 2;

pub(super) struct Operations<S: Service> {
    service: Arc<S>,
    view: Option<Arc<str>>,
    tasks: JoinSet<Serial>,
    tasks_max: usize,
    running: HashMap<Serial, AbortHandle>,
    outlet: Outlet,
}

/// Something for the client, with its share of what may wait.
pub(super) struct Result {
    pub(super) serial: Serial,
    pub(super) what: What,
    pub(super) share: OwnedSemaphorePermit,
}

pub(super) enum What {
    Next(Answer),
    Refused(Vec<ApiError>),
    Completed,
}

impl<S: Service> Operations<S> {
    pub(super) fn new(
        service: Arc<S>,
        view: Option<Arc<str>>,
        operations_max: usize,
        bytes_max: usize,
    ) -> (Operations<S>, mpsc::Receiver<Result>) {
        let (sender, results) = mpsc::channel(WAITING_MAX);
        let bytes_max = bytes_max.clamp(RESULT_BYTES, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
        let outlet = Outlet { room: Arc::new(Semaphore::new(bytes_max)), bytes_max, sender };
        let tasks_max = operations_max.saturating_mul(TASKS_PER_OPERATION_MAX);
        (Operations { service, view, tasks: JoinSet::new(), tasks_max, running: HashMap::new(), outlet }, results)
    }

    pub(super) fn start(&mut self, serial: Serial, request: Request, caller: &Arc<Caller>) {
        let (service, view, caller, outlet) = (self.service.clone(), self.view.clone(), caller.clone(), self.outlet.clone());
        let task = async move {
            // If nobody takes the results any more, the socket is gone, and this task with it.
            run(&*service, view.as_deref(), request, &caller, serial, &outlet).await;
            serial
        };
        self.running.insert(serial, self.tasks.spawn(task));
    }

    pub(super) fn stop(&mut self, serial: Serial) {
        if let Some(task) = self.running.remove(&serial) {
            task.abort();
        }
    }

    pub(super) fn may_have_more(&self) -> bool {
        self.tasks.len() < self.tasks_max
    }

    /// Waits until a task has ended; for ever if there is none. An error is a panic.
    pub(super) async fn ended(&mut self) -> std::result::Result<(), JoinError> {
        loop {
            match self.tasks.join_next().await {
                Some(Ok(serial)) => {
                    self.running.remove(&serial);
                    return Ok(());
                }
                Some(Err(error)) if error.is_cancelled() => return Ok(()),
                Some(Err(error)) => return Err(error),
                None => std::future::pending().await,
            }
        }
    }

    pub(super) fn stop_all(&mut self) {
        self.running.clear();
        self.tasks.abort_all();
    }
}

/// `None`: the socket is gone.
async fn run<S: Service>(
    service: &S,
    view: Option<&str>,
    request: Request,
    caller: &Caller,
    serial: Serial,
    outlet: &Outlet,
) -> Option<()> {
    let prepared = match service.prepare(view, request, caller).await {
        Ok(prepared) => prepared,
        Err(errors) => return outlet.hand_over(serial, What::Refused(errors)).await,
    };
    match S::kind(&prepared) {
        OperationKind::Query | OperationKind::Mutation => {
            let answer = service.execute(prepared).await;
            if outlet.answer(serial, answer).await? {
                outlet.hand_over(serial, What::Completed).await?;
            }
        }
        OperationKind::Subscription => {
            let mut answers = pin!(service.subscribe(prepared));
            loop {
                // While there is no room nothing is asked for: what would have been sent folds into what will be.
                outlet.open().await?;
                let Some(answer) = answers.next().await else { break };
                if !outlet.answer(serial, answer).await? {
                    return Some(());
                }
            }
            outlet.hand_over(serial, What::Completed).await?;
        }
    }
    Some(())
}

#[derive(Clone)]
struct Outlet {
    room: Arc<Semaphore>,
    bytes_max: usize,
    sender: mpsc::Sender<Result>,
}

impl Outlet {
    /// Waits for its turn, and for any room at all.
    async fn open(&self) -> Option<()> {
        self.room.acquire().await.ok().map(drop)
    }

    /// Whether the operation goes on after it.
    async fn answer(&self, serial: Serial, answer: Answer) -> Option<bool> {
        if let Outcome::Refused(errors) = answer.outcome {
            self.hand_over(serial, What::Refused(errors)).await?;
            return Some(false);
        }
        self.hand_over(serial, What::Next(answer)).await?;
        Some(true)
    }

    async fn hand_over(&self, serial: Serial, what: What) -> Option<()> {
        let bytes = match &what {
            What::Next(answer) => answer.body.len() + RESULT_BYTES,
            What::Refused(_) | What::Completed => RESULT_BYTES,
        };
        // What is larger than all the room goes alone.
        let bytes = u32::try_from(bytes.min(self.bytes_max)).unwrap_or(u32::MAX);
        let share = self.room.clone().acquire_many_owned(bytes).await.ok()?;
        self.sender.send(Result { serial, what, share }).await.ok()
    }
}
