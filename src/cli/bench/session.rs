//! What publishers and subscribers have in common: opening a session, and packets that arrive in pieces.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::wire::{self, Incoming};

pub(super) const ANSWER_WAIT_MAX: Duration = Duration::from_secs(10);
pub(super) const ANSWER_BYTES_MAX: usize = 1024;

pub(super) async fn open(addr: SocketAddr, client_id: &str) -> anyhow::Result<TcpStream> {
    let stream = timeout(ANSWER_WAIT_MAX, TcpStream::connect(addr)).await.with_context(|| format!("{addr} does not accept connections"))?;
    let stream = stream.with_context(|| format!("cannot connect to {addr}"))?;
    stream.set_nodelay(true)?;
    write_all(&stream, &wire::connect(client_id)).await?;
    let mut inbound = Inbound::new(ANSWER_BYTES_MAX);
    match timeout(ANSWER_WAIT_MAX, inbound.first(&stream)).await.with_context(|| format!("{addr} did not answer CONNECT"))?? {
        Incoming::ConnAck { code: 0 } => Ok(stream),
        Incoming::ConnAck { code } => bail!("{addr} refused the connection: {}", refusal(code)),
        other @ (Incoming::PubAck(_) | Incoming::SubAck { .. } | Incoming::Publish { .. } | Incoming::PingResp) => {
            bail!("{addr} answered CONNECT with {other:?}")
        }
    }
}

fn refusal(code: u8) -> &'static str {
    match code {
        1 => "it does not speak MQTT 3.1.1",
        2 => "it does not like the client id",
        3 => "it is not available",
        4 => "wrong user or password",
        5 => "not authorised; let it accept anonymous clients",
        _ => "with a code that 3.1.1 does not know",
    }
}

pub(super) async fn write_all(stream: &TcpStream, mut bytes: &[u8]) -> anyhow::Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error).context("cannot write"),
        }
    }
    Ok(())
}

/// Bytes that have arrived and do not yet make up whole packets.
#[derive(Debug)]
pub(super) struct Inbound {
    bytes: Box<[u8]>,
    filled: usize,
}

impl Inbound {
    pub(super) fn new(bytes_max: usize) -> Inbound {
        Inbound { bytes: vec![0; bytes_max].into_boxed_slice(), filled: 0 }
    }

    pub(super) fn clear(&mut self) {
        self.filled = 0;
    }

    /// Whether anything came.
    pub(super) fn read(&mut self, stream: &TcpStream) -> anyhow::Result<bool> {
        match stream.try_read(&mut self.bytes[self.filled..]) {
            Ok(0) if self.filled == self.bytes.len() => bail!("the server sent a packet larger than {} bytes", self.bytes.len()),
            Ok(0) => bail!("the server closed the connection"),
            Ok(count) => {
                self.filled += count;
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error).context("cannot read"),
        }
    }

    /// Hands over every whole packet and keeps the rest for the next read.
    pub(super) fn drain(&mut self, mut take: impl FnMut(Incoming) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let mut start = 0;
        while let Some((packet, length)) = wire::next_packet(&self.bytes[start..self.filled])? {
            start += length;
            take(packet)?;
        }
        self.bytes.copy_within(start..self.filled, 0);
        self.filled -= start;
        Ok(())
    }

    pub(super) async fn first(&mut self, stream: &TcpStream) -> anyhow::Result<Incoming> {
        loop {
            stream.readable().await?;
            if self.read(stream)?
                && let Some((packet, _)) = wire::next_packet(&self.bytes[..self.filled])?
            {
                return Ok(packet);
            }
        }
    }
}
