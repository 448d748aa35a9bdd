//! The transports before a service that follows a script: here it is decided when a result comes, when it crashes and how large it is, which no
//! real operation lets a test decide.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one thing; that there are others is for the code to know")]

mod document;
mod event_stream;
mod script;
mod socket;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::http::listener::{Listener, Peer};

use super::{Settings, Timing, routes};
use script::Script;

const CONNECTIONS_MAX: usize = 100;
/// However busy the machine is, what takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

struct Server {
    address: SocketAddr,
    script: Arc<Script>,
    closing: CancellationToken,
    /// The sockets that live.
    sockets: TaskTracker,
    running: TaskTracker,
}

impl Server {
    async fn start() -> Server {
        Server::with(Settings::default()).await
    }

    async fn timed(timing: Timing) -> Server {
        Server::with(Settings { timing, ..Settings::default() }).await
    }

    async fn with(settings: Settings) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let script = Arc::new(Script::default());
        let (closing, sockets, running) = (CancellationToken::new(), TaskTracker::new(), TaskTracker::new());
        let routes = routes(script.clone(), settings, closing.clone(), sockets.clone());
        let serve = axum::serve(Listener::new(listener, CONNECTIONS_MAX, PATIENCE), routes.into_make_service_with_connect_info::<Peer>());
        let served = serve.with_graceful_shutdown(closing.clone().cancelled_owned());
        running.spawn(async move { served.await.unwrap() });
        Server { address, script, closing, sockets, running }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Every connection ends in time.
    async fn stop(self) {
        self.closing.cancel();
        for tasks in [self.sockets, self.running] {
            tasks.close();
            patiently(tasks.wait()).await;
        }
    }
}

async fn patiently<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it happens in time")
}
