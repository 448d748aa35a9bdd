//! The listening socket of the HTTP door. It knows two things of a connection that no handler can see: how many bytes its peer has taken, and
//! whether the peer still takes any. Who takes nothing for too long is let go, whatever was being sent. And there are only so many at once:
//! further ones wait in the queue of the operating system.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;

/// How long a peer may take nothing of an answer. It is longer than what a GraphQL socket allows, so that those are told before they are let go.
pub const STALL_MAX: Duration = Duration::from_secs(45);

/// The bytes that a peer has taken.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<AtomicU64>);

impl Meter {
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// Who is at the other end, as handlers get it (`ConnectInfo<Peer>`).
#[derive(Debug, Clone)]
pub struct Peer {
    pub address: SocketAddr,
    pub taken: Meter,
}

impl Connected<IncomingStream<'_, Listener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Listener>) -> Peer {
        Peer { address: *stream.remote_addr(), taken: stream.io().taken.clone() }
    }
}

#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    places: Arc<Semaphore>,
    stall_max: Duration,
}

impl Listener {
    pub fn new(listener: TcpListener, connections_max: usize, stall_max: Duration) -> Listener {
        Listener { listener, places: Arc::new(Semaphore::new(connections_max)), stall_max }
    }
}

impl axum::serve::Listener for Listener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        // Never closed, so there is always a place in the end.
        let place = self.places.clone().acquire_owned().await.ok();
        let (stream, address) = axum::serve::Listener::accept(&mut self.listener).await;
        // A frame must not wait for the next one. A socket that refuses this is gone already, which its first read shows.
        stream.set_nodelay(true).ok();
        (Connection { stream, taken: Meter::default(), stall: None, stall_max: self.stall_max, _place: place }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    taken: Meter,
    /// Runs while the peer takes nothing.
    stall: Option<Pin<Box<Sleep>>>,
    stall_max: Duration,
    /// Given back when it closes.
    _place: Option<OwnedSemaphorePermit>,
}

impl Connection {
    fn count(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(bytes)) => {
                self.taken.add(bytes);
                self.stall = None;
                written
            }
            Poll::Ready(Err(_)) => written,
            Poll::Pending => {
                let stall_max = self.stall_max;
                let stall = self.stall.get_or_insert_with(|| Box::pin(tokio::time::sleep(stall_max)));
                stall.as_mut().poll(cx).map(|()| Err(io::Error::new(io::ErrorKind::TimedOut, "the peer takes nothing of what is sent")))
            }
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.count(cx, written)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.count(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
