//! The listening end: accepts connections up to the bound, runs them, and stops them in good order.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::clients::Clients;
use super::config::Config;
use super::connection::{self, Place};
use super::fanout::Fanout;
use super::peer::Order;
use super::shared::{Complaints, Shared};
use crate::ingress::counters::{Counters, count, uncount};
use crate::ingress::{Door, Permits};
use crate::reading::Timestamp;

/// Connections the kernel keeps for us until we accept them.
const BACKLOG: u32 = 4096;
/// Connections over the bound that are being told so; any more are closed without a word.
const REFUSING_MAX: u64 = 256;
/// How long accepting pauses when the process is out of file descriptors.
const PAUSE: Duration = Duration::from_millis(50);

pub struct Endpoint {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
    refusing: Arc<AtomicU64>,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Endpoint {
    /// Takes the port; nobody is let in before [`Endpoint::run`].
    pub fn bind(
        config: Config,
        door: Arc<dyn Door>,
        permits: Arc<Permits>,
        now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
        counters: Arc<Counters>,
    ) -> io::Result<Endpoint> {
        let listener = listen(config.listen)?;
        let address = listener.local_addr()?;
        let shared = Shared {
            config,
            door,
            permits,
            started: now(),
            now,
            fanout: Arc::new(Fanout::new(counters.clone())),
            counters,
            clients: Clients::default(),
            stopping: CancellationToken::new(),
            ids_assigned: AtomicU64::new(0),
            complaints: Complaints::default(),
        };
        Ok(Endpoint { listener, address, shared: Arc::new(shared), refusing: Arc::default() })
    }

    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Sends a message of the server itself to whoever has subscribed to its topic.
    pub fn publish(&self, topic: &str, payload: &[u8]) {
        self.shared.fanout.publish(None, topic.as_bytes(), payload);
    }

    /// Serves until `shutdown`; then lets what is on its way be settled and acknowledged, and takes leave of everybody.
    /// The caller bounds how long that may take.
    pub async fn run(&self, shutdown: CancellationToken) {
        let connections = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = shutdown.cancelled() => break,
            };
            match accepted {
                Ok((stream, _)) => self.enter(stream, &connections),
                Err(error) => self.cannot_accept(&error).await,
            }
        }
        self.shared.stopping.cancel();
        self.shared.clients.tell_all(Order::Stop);
        connections.close();
        // Who has knocked and was not let in yet is sent away at once, so that it tries elsewhere or later.
        loop {
            tokio::select! {
                () = connections.wait() => return,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => drop(stream),
                    Err(error) => self.cannot_accept(&error).await,
                },
            }
        }
    }

    fn enter(&self, stream: TcpStream, connections: &TaskTracker) {
        let shared = self.shared.clone();
        // An acknowledgement must not wait for the next one. A socket that refuses this is gone already.
        if stream.set_nodelay(true).is_err() {
            return;
        }
        if let Some(place) = Place::take(&shared.counters, shared.config.connections_max) {
            connections.spawn(connection::serve(stream, shared, Some(place)));
        } else if self.refusing.load(Ordering::Relaxed) < REFUSING_MAX {
            let refusing = self.refusing.clone();
            count(&refusing, 1);
            connections.spawn(async move {
                connection::serve(stream, shared, None).await;
                uncount(&refusing, 1);
            });
        } else {
            count(&shared.counters.connects_refused, 1);
        }
    }

    async fn cannot_accept(&self, error: &io::Error) {
        if self.shared.complaints.may_speak((self.shared.now)()) {
            tracing::warn!(%error, "a connection could not be accepted: if there are too many open files, raise the limit (ulimit -n)");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
