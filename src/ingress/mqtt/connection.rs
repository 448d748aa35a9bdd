//! One connection from its CONNECT to its end: read all that has arrived, offer it, and acknowledge in order what the gate has let through,
//! all of it in one write.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::Ready;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::acknowledge::Answers;
use super::frame::{self, Kind, Version};
use super::handshake::{self, Admission, Client};
use super::packets::Packets;
use super::peer::{Order, Peer};
use super::reason::{End, Reason, Refusal};
use super::shared::Shared;
use super::wire;
use crate::catalog::binding::Source;
use crate::ingress::counters::{Counters, count, uncount};
use crate::ingress::socket::{Read, Socket};
use crate::ingress::window::{Bounds, Window};

/// Mail for a subscriber is taken while less than this waits to be written.
const OUTPUT_BYTES_LOW: usize = 64 * 1024;

/// Serves a socket until its client has gone and everything it sent is settled.
pub(super) async fn serve(stream: TcpStream, shared: Arc<Shared>, place: Option<Place>) {
    let mut socket = Socket::new(stream);
    let admission = if place.is_some() { Admission::Admitted } else { Admission::Full };
    let greeting = tokio::select! {
        greeting = tokio::time::timeout(shared.config.connect_timeout, handshake::greet(&mut socket, &shared, admission)) => greeting,
        () = shared.stopping.cancelled() => return,
    };
    match greeting {
        Ok(Ok(Some(client))) => Connection::new(socket, client, shared, place).run().await,
        Ok(Err(refusal)) => {
            count(&shared.counters.connects_refused, 1);
            tracing::debug!(reason = %refusal, "client turned away");
            socket.close().await;
        }
        Ok(Ok(None)) | Err(_) => count(&shared.counters.connects_refused, 1),
    }
}

/// One of the places for connections. Dropping it makes room for the next.
#[derive(Debug)]
pub(super) struct Place(Arc<Counters>);

impl Place {
    /// Only the accept loop takes places, so that looking and taking need not be one step.
    pub(super) fn take(counters: &Arc<Counters>, connections_max: usize) -> Option<Place> {
        if counters.connections.load(Ordering::Relaxed) >= connections_max as u64 {
            return None;
        }
        count(&counters.connections, 1);
        Some(Place(counters.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        uncount(&self.0.connections, 1);
    }
}

struct Connection {
    socket: Socket,
    place: Option<Place>,
    shared: Arc<Shared>,
    peer: Arc<Peer>,
    window: Window,
    answers: Answers,
    packets: Packets,
    last_packet: Instant,
    /// One and a half times what the client promised; `None`: it may be silent for ever.
    silence_max: Option<Duration>,
}

/// All that can wake a connection.
enum Woken {
    Socket(std::io::Result<Ready>),
    Settled,
    Permit,
    Peer,
    Timer,
}

impl Connection {
    fn new(socket: Socket, client: Client, shared: Arc<Shared>, place: Option<Place>) -> Connection {
        let config = &shared.config;
        let bounds = Bounds {
            offered_max: config.offered_packets_max,
            held_packets_max: config.held_packets_max,
            held_bytes_max: config.held_bytes_max,
            offers_max: config.offers_max,
        };
        let window = Window::new(shared.door.lane(Source::Embedded), shared.permits.clone(), bounds);
        let answers = Answers::new(&client, shared.clone());
        let keep_alive = Duration::from_secs(u64::from(client.connect.keep_alive_s));
        Connection {
            socket,
            place,
            peer: client.peer.clone(),
            window,
            answers,
            packets: Packets::new(client, shared.clone()),
            shared,
            last_packet: Instant::now(),
            silence_max: (!keep_alive.is_zero()).then(|| keep_alive * 3 / 2),
        }
    }

    async fn run(mut self) {
        count(&self.shared.counters.connects, 1);
        self.shared.clients.enter(&self.peer);
        // Whoever connects while all are told to stop may have been missed.
        if self.shared.stopping.is_cancelled() {
            self.peer.tell(Order::Stop);
        }
        let end = match self.converse().await {
            Ok(never) => match never {},
            Err(end) => end,
        };
        self.finish(end).await;
    }

    async fn converse(&mut self) -> Result<std::convert::Infallible, End> {
        let timer = tokio::time::sleep_until(self.deadline());
        tokio::pin!(timer);
        // The CONNECT may have had company.
        self.parse()?;
        loop {
            self.write()?;
            match self.peer.order() {
                Order::Stay => {}
                Order::MakeWay => return Err(Refusal::new(Reason::SessionTakenOver, "the same client id has connected again").into()),
                Order::Stop if self.window.is_drained() => return Err(End::Stopping),
                Order::Stop => {}
            }
            let deadline = self.deadline();
            if deadline < timer.deadline() {
                timer.as_mut().reset(deadline);
            }
            let wants_input = self.wants_input();
            let woken = tokio::select! {
                ready = self.socket.ready(wants_input) => Woken::Socket(ready),
                () = self.window.line.settled() => Woken::Settled,
                () = self.window.permits.take(), if self.window.wants_permit() => Woken::Permit,
                () = self.peer.wake.notified() => Woken::Peer,
                () = &mut timer => Woken::Timer,
            };
            match woken {
                Woken::Socket(ready) => {
                    if ready.map_err(lost)?.is_readable() && wants_input {
                        self.read()?;
                    }
                }
                Woken::Settled => self.acknowledge()?,
                Woken::Permit => self.window.use_permit(),
                Woken::Peer => {}
                Woken::Timer => {
                    self.check_time()?;
                    timer.as_mut().reset(self.deadline());
                }
            }
        }
    }

    /// What is not read stays in the socket, which slows the client.
    fn wants_input(&self) -> bool {
        let is_behind = self.socket.output.len() > self.shared.config.outgoing_bytes_max / 2;
        !is_behind && !self.window.is_full() && self.peer.order() != Order::Stop
    }

    fn read(&mut self) -> Result<(), End> {
        match self.socket.read().map_err(lost)? {
            Read::Nothing => Ok(()),
            Read::End => Err(lost("the client closed the connection without a DISCONNECT")),
            Read::Bytes(bytes) => {
                count(&self.shared.counters.bytes_in, bytes as u64);
                self.parse()
            }
        }
    }

    /// Takes in every packet that is there, as far as there is room for them.
    fn parse(&mut self) -> Result<(), End> {
        let received = (self.shared.now)();
        let mut result = Ok(());
        let mut packets = 0;
        while result.is_ok() && !self.window.is_full() {
            let header = match frame::header(&self.socket.input, Some(self.peer.version), self.shared.config.packet_bytes_max) {
                Ok(Some(header)) if header.end <= self.socket.input.len() => header,
                Ok(_) => break,
                Err(refusal) => {
                    result = Err(refusal.into());
                    break;
                }
            };
            let packet = self.socket.input.split_to(header.end).freeze();
            packets += 1;
            result = match header.kind {
                Kind::Publish => self.packets.publish(&header, packet, received, &mut self.window).map_err(End::from),
                Kind::Connect | Kind::Subscribe | Kind::Unsubscribe | Kind::PingReq | Kind::Disconnect => {
                    self.packets.other(&header, &packet, &mut self.socket.output)
                }
            };
        }
        // What came before a bad packet is taken all the same.
        self.window.flush();
        self.packets.count_burst(packets);
        if packets > 0 {
            self.last_packet = Instant::now();
        }
        result
    }

    /// Answers everything at the front of the line that is settled.
    fn acknowledge(&mut self) -> Result<(), End> {
        let was_full = self.window.is_full();
        let Connection { window, answers, socket, peer, .. } = self;
        window.settle(&mut |arrival, outcome| answers.answer(&arrival, &outcome, peer, &mut socket.output));
        answers.count_burst(window.take_offered_again());
        if was_full && !self.window.is_full() {
            // Not the client was silent, we did not listen.
            self.last_packet = Instant::now();
            self.parse()?;
        }
        Ok(())
    }

    /// Writes what there is to write, and takes mail while the client keeps up.
    fn write(&mut self) -> Result<(), End> {
        loop {
            let Socket { output, .. } = &mut self.socket;
            if output.len() < OUTPUT_BYTES_LOW {
                let sent = self.peer.receive(OUTPUT_BYTES_LOW, |packet| output.extend_from_slice(packet));
                count(&self.shared.counters.sent_to_subscribers, sent);
            }
            self.socket.write().map_err(lost)?;
            if !self.socket.output.is_empty() || !self.peer.has_mail() {
                break;
            }
        }
        count(&self.shared.counters.bytes_out, self.socket.take_written());
        if self.socket.output.len() > self.shared.config.outgoing_bytes_max {
            return Err(Refusal::new(Reason::QuotaExceeded, "the client does not read what is sent to it").into());
        }
        self.socket.rest();
        Ok(())
    }

    /// When to look at the clock again. A distant one if there is nothing to watch.
    fn deadline(&self) -> Instant {
        let silence = self.silence_max.map(|max| self.last_packet + max);
        let stuck = self.socket.stuck_since().map(|since| since + self.shared.config.write_timeout);
        let distant = self.last_packet + Duration::from_secs(24 * 3600);
        silence.into_iter().chain(stuck).min().unwrap_or(distant)
    }

    fn check_time(&mut self) -> Result<(), End> {
        let now = Instant::now();
        if self.socket.stuck_since().is_some_and(|since| now >= since + self.shared.config.write_timeout) {
            return Err(Refusal::new(Reason::QuotaExceeded, "the client has not read what was sent to it for too long").into());
        }
        if !self.wants_input() {
            self.last_packet = now;
        }
        match self.silence_max {
            Some(max) if now >= self.last_packet + max => {
                Err(Refusal::new(Reason::KeepAliveTimeout, "the client was silent for one and a half times its keep-alive").into())
            }
            Some(_) => Ok(()),
            None => {
                self.last_packet = now;
                Ok(())
            }
        }
    }

    /// Says good-bye and lets run out what is on its way to the gate.
    async fn finish(self, end: End) {
        let Connection { mut socket, place, shared, peer, mut window, mut answers, mut packets, .. } = self;
        shared.clients.leave(&peer);
        packets.unsubscribe_all();
        peer.close();
        if let Some(will) = packets.will(&end, (shared.now)()) {
            window.hold(will);
            window.admit();
        }
        log(&shared, &peer, &end);
        if let Some(refusal) = farewell(&end)
            && peer.version == Version::V5
        {
            let packet = wire::disconnect(&refusal, answers.may_say(&refusal.what)).unwrap_or_default();
            socket.output.extend_from_slice(&packet);
        }
        match end {
            End::Refused(_) | End::Stopping => socket.close().await,
            End::Clean | End::CleanWithWill | End::Lost(_) => drop(socket),
        }
        drop(place);
        let mut unheard = bytes::BytesMut::new();
        window
            .drain(&mut |arrival, outcome| {
                answers.answer(&arrival, &outcome, &peer, &mut unheard);
                unheard.clear();
            })
            .await;
        answers.count_burst(window.take_offered_again());
    }
}

fn lost(error: impl ToString) -> End {
    End::Lost(error.to_string())
}

/// What the client is told at the end.
fn farewell(end: &End) -> Option<Refusal> {
    match end {
        End::Refused(refusal) => Some(refusal.clone()),
        End::Stopping => Some(Refusal::new(Reason::ServerShuttingDown, "the server is stopping")),
        End::Clean | End::CleanWithWill | End::Lost(_) => None,
    }
}

fn log(shared: &Shared, peer: &Peer, end: &End) {
    let client = peer.client_id.as_str();
    match end {
        End::Clean | End::CleanWithWill | End::Stopping => tracing::debug!(client, "client disconnected"),
        End::Lost(cause) => tracing::debug!(client, cause, "client lost"),
        End::Refused(refusal) => {
            count(&shared.counters.malformed, u64::from(refusal.reason.is_clients_fault()));
            if shared.complaints.may_speak((shared.now)()) {
                tracing::info!(client, code = refusal.reason.code(), reason = %refusal, "client disconnected by the server");
            }
        }
    }
}
