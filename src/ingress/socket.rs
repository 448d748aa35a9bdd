//! A socket that speaks MQTT, with what has been read and not parsed, and what is to be written. Idle, it holds no buffer.

use std::io;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use futures_util::FutureExt;
use tokio::io::{AsyncReadExt, Interest, Ready};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// One read takes as much as has come, between these bounds; it grows with what comes.
const READ_BYTES_MIN: usize = 2 * 1024;
const READ_BYTES_MAX: usize = 64 * 1024;
/// How long we wait at the end for the client to take our last words.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES_MAX: usize = 1024 * 1024;

#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    pub(super) input: BytesMut,
    pub(super) output: BytesMut,
    read_bytes: usize,
    /// Since when `output` waits for a client that takes nothing.
    stuck_since: Option<Instant>,
    written: u64,
}

/// What one read brought.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    Bytes(usize),
    Nothing,
    End,
}

impl Socket {
    pub(super) fn new(stream: TcpStream) -> Socket {
        Socket { stream, input: BytesMut::new(), output: BytesMut::new(), read_bytes: READ_BYTES_MIN, stuck_since: None, written: 0 }
    }

    /// Waits until it can be read (if that is wanted) or written (if something is to be).
    pub(super) async fn ready(&self, wants_input: bool) -> io::Result<Ready> {
        let interest = match (wants_input, self.output.is_empty()) {
            (true, true) => Interest::READABLE,
            (true, false) => Interest::READABLE | Interest::WRITABLE,
            (false, false) => Interest::WRITABLE,
            (false, true) => return std::future::pending().await,
        };
        self.stream.ready(interest).await
    }

    /// Reads once what has arrived. A read that does not fill its buffer tells tokio that the socket is empty, which saves asking it again.
    pub(super) fn read(&mut self) -> io::Result<Read> {
        self.input.reserve(self.read_bytes);
        let room = self.input.capacity() - self.input.len();
        match self.stream.read_buf(&mut self.input).now_or_never() {
            None => Ok(Read::Nothing),
            Some(Ok(0)) => Ok(Read::End),
            Some(Ok(count)) => {
                if count == room {
                    self.read_bytes = (self.read_bytes * 2).min(READ_BYTES_MAX);
                } else if count < self.read_bytes / 4 {
                    self.read_bytes = (self.read_bytes / 2).max(READ_BYTES_MIN);
                }
                Ok(Read::Bytes(count))
            }
            Some(Err(error)) => Err(error),
        }
    }

    /// Gives the buffers back when nothing is in them.
    pub(super) fn rest(&mut self) {
        if self.input.is_empty() {
            self.input = BytesMut::new();
        }
        if self.output.is_empty() && self.output.capacity() > READ_BYTES_MIN {
            self.output = BytesMut::new();
        }
    }

    /// Writes as much as the client takes now.
    pub(super) fn write(&mut self) -> io::Result<()> {
        while !self.output.is_empty() {
            match self.stream.try_write(&self.output) {
                Ok(count) => {
                    self.output.advance(count);
                    self.written += count as u64;
                    self.stuck_since = None;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.stuck_since.get_or_insert_with(Instant::now);
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    pub(super) fn stuck_since(&self) -> Option<Instant> {
        self.stuck_since
    }

    /// Bytes written since this was last asked.
    pub(super) fn take_written(&mut self) -> u64 {
        std::mem::take(&mut self.written)
    }

    /// Writes what is left and closes, politely: a socket closed with unread input would tear our last words away from the client.
    pub(super) async fn close(mut self) {
        let farewell = async {
            while self.write().is_ok() && !self.output.is_empty() {
                if self.stream.writable().await.is_err() {
                    return;
                }
            }
            if tokio::io::AsyncWriteExt::shutdown(&mut self.stream).await.is_err() {
                return;
            }
            let mut discarded = 0;
            while discarded < LINGER_BYTES_MAX {
                self.input.clear();
                self.input.reserve(READ_BYTES_MIN);
                match self.stream.read_buf(&mut self.input).await {
                    Ok(0) | Err(_) => return,
                    Ok(count) => discarded += count,
                }
            }
        };
        // Whether it was in time makes no difference any more.
        drop(tokio::time::timeout(LINGER, farewell).await);
    }
}
