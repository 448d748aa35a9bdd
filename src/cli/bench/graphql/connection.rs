//! A keep-alive connection, and a socket of graphql-transport-ws: what is said was made before, what comes is kept in one buffer.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde_json::{Value as Json, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::wire::{self, Kind, MESSAGE_BYTES_MAX};
use crate::cli::bench::session::write_all;

const ANSWER_WAIT_MAX: Duration = Duration::from_secs(10);
const BUFFER_BYTES: usize = 16 * 1024;

/// Bytes that have arrived, in a buffer that grows with what comes.
#[derive(Debug)]
struct Inbound {
    bytes: Vec<u8>,
    filled: usize,
}

impl Inbound {
    fn new() -> Inbound {
        Inbound { bytes: vec![0; BUFFER_BYTES], filled: 0 }
    }

    fn held(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }

    /// Waits for more.
    async fn more(&mut self, stream: &TcpStream) -> anyhow::Result<()> {
        if self.filled == self.bytes.len() {
            ensure!(self.filled <= MESSAGE_BYTES_MAX, "the server sent more than {MESSAGE_BYTES_MAX} bytes in one piece");
            self.bytes.resize(self.filled * 2, 0);
        }
        loop {
            stream.readable().await?;
            match stream.try_read(&mut self.bytes[self.filled..]) {
                Ok(0) => bail!("the server closed the connection"),
                Ok(count) => {
                    self.filled += count;
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error).context("cannot read"),
            }
        }
    }

    fn forget(&mut self, count: usize) {
        self.bytes.copy_within(count..self.filled, 0);
        self.filled -= count;
    }
}

/// One request at a time.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    inbound: Inbound,
}

impl Connection {
    pub(super) async fn open(addr: SocketAddr) -> anyhow::Result<Connection> {
        Ok(Connection { stream: connect(addr, None).await?, inbound: Inbound::new() })
    }

    /// Sends a request, waits for the whole answer, and gives its body.
    pub(super) async fn ask(&mut self, request: &[u8]) -> anyhow::Result<&[u8]> {
        self.inbound.filled = 0;
        write_all(&self.stream, request).await?;
        let body = loop {
            self.inbound.more(&self.stream).await?;
            if let Some(body) = wire::answer(self.inbound.held())? {
                break body;
            }
        };
        Ok(&self.inbound.bytes[body])
    }
}

/// A socket that has been let in.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    inbound: Inbound,
    /// What the last message took; it goes when the next is asked for.
    done: usize,
}

impl Socket {
    /// With `receive_bytes` the kernel keeps no more than that for a client that does not read.
    pub(super) async fn open(addr: SocketAddr, receive_bytes: Option<u32>) -> anyhow::Result<Socket> {
        let stream = connect(addr, receive_bytes).await?;
        write_all(&stream, &wire::upgrade(&addr.to_string())).await?;
        let mut inbound = Inbound::new();
        let head = async {
            loop {
                inbound.more(&stream).await?;
                if let Some(head_bytes) = wire::upgraded(inbound.held())? {
                    return anyhow::Ok(head_bytes);
                }
            }
        };
        let done = timeout(ANSWER_WAIT_MAX, head).await.with_context(|| format!("{addr} did not answer the upgrade"))??;
        let mut socket = Socket { stream, inbound, done };
        socket.say(&json!({ "type": "connection_init" })).await?;
        let ack = timeout(ANSWER_WAIT_MAX, socket.message()).await.with_context(|| format!("{addr} did not let the socket in"))??;
        let ack: Json = serde_json::from_slice(ack)?;
        ensure!(ack["type"] == "connection_ack", "{addr} answered connection_init with {ack}");
        Ok(socket)
    }

    pub(super) async fn subscribe(&self, id: usize, document: &str, variables: &Json) -> anyhow::Result<()> {
        let payload = json!({ "query": document, "variables": variables });
        self.say(&json!({ "id": id.to_string(), "type": "subscribe", "payload": payload })).await
    }

    async fn say(&self, message: &Json) -> anyhow::Result<()> {
        write_all(&self.stream, &wire::text(&message.to_string())).await
    }

    /// The next message, once all of it is there; pings are answered meanwhile. May be dropped and called again.
    pub(super) async fn message(&mut self) -> anyhow::Result<&[u8]> {
        let payload = self.text().await?;
        Ok(&self.inbound.bytes[payload])
    }

    async fn text(&mut self) -> anyhow::Result<Range<usize>> {
        loop {
            self.inbound.forget(std::mem::take(&mut self.done));
            let Some((kind, payload)) = wire::next_frame(self.inbound.held())? else {
                self.inbound.more(&self.stream).await?;
                continue;
            };
            self.done = payload.end;
            match kind {
                Kind::Text => return Ok(payload),
                Kind::Ping => {
                    let pong = wire::pong(&self.inbound.bytes[payload]);
                    write_all(&self.stream, &pong).await?;
                }
                Kind::Pong => {}
                Kind::Close => {
                    let payload = &self.inbound.bytes[payload];
                    let code = payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code));
                    bail!("the server closed the socket: {code} {}", String::from_utf8_lossy(payload.get(2..).unwrap_or_default()));
                }
            }
        }
    }
}

async fn connect(addr: SocketAddr, receive_bytes: Option<u32>) -> anyhow::Result<TcpStream> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    if let Some(bytes) = receive_bytes {
        socket.set_recv_buffer_size(bytes)?;
    }
    let stream = timeout(ANSWER_WAIT_MAX, socket.connect(addr)).await.with_context(|| format!("{addr} does not accept connections"))?;
    let stream = stream.with_context(|| format!("cannot connect to {addr}"))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
