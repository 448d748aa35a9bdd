//! The threads the store works on: its own, at a lower priority, so that a large transaction never stands in the way of a packet.

use std::future::Future;
use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

use super::Error;

/// How much the operating system favours other threads over these.
const NICENESS: i32 = 10;

#[derive(Debug)]
pub(super) struct Threads {
    /// Always there until it is dropped.
    runtime: Option<Runtime>,
    handle: Handle,
}

impl Threads {
    pub(super) fn start(name: &str, workers: usize) -> io::Result<Threads> {
        let runtime =
            Builder::new_multi_thread().worker_threads(workers).thread_name(name).enable_all().on_thread_start(step_back).build()?;
        Ok(Threads { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Runs there, and waits for it here.
    pub(super) async fn run<T: Send + 'static>(&self, work: impl Future<Output = Result<T, Error>> + Send + 'static) -> Result<T, Error> {
        match self.handle.spawn(work).await {
            Ok(done) => done,
            Err(error) => Err(Error::Refused(format!("the graph store has crashed in the middle of a call: {error}"))),
        }
    }
}

/// On Linux this is of the calling thread alone.
fn step_back() {
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::debug!(%error, "the graph store works at full priority");
    }
}

impl Drop for Threads {
    /// In the background, because the last handle may go inside of another runtime, where nothing may block.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
