//! Peers of the embedded MQTT endpoint: a raw client that may send any bytes, and a gate that settles when it is told to.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pollux::catalog::binding::Source;
use pollux::ingress::counters::Counters;
use pollux::ingress::mqtt::{Config, Endpoint};
use pollux::ingress::{Address, Door, Fault, Lane, Outcome, Packet, Permits, Receipt, Refused, Tally};
use pollux::reading::{Seq, Timestamp};
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(10);

/// An endpoint on a free port with a gate behind it.
pub struct Server {
    pub address: SocketAddr,
    pub gate: Arc<Gate>,
    pub permits: Arc<Permits>,
    pub counters: Arc<Counters>,
    pub endpoint: Arc<Endpoint>,
    shutdown: CancellationToken,
    running: tokio::task::JoinHandle<()>,
    runtime: tokio::runtime::Runtime,
}

impl Server {
    pub fn start() -> Server {
        Server::with(1000, |_| {})
    }

    pub fn with(permits_max: usize, change: impl FnOnce(&mut Config)) -> Server {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let mut config = Config { listen: "127.0.0.1:0".parse().unwrap(), ..Config::default() };
        change(&mut config);
        let gate = Arc::new(Gate::default());
        let permits = Arc::new(Permits::new(permits_max));
        let counters = Arc::new(Counters::default());
        let now = || Timestamp(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as i64);
        let door = Arc::new(GateDoor(gate.clone()));
        let bound = runtime.block_on(async { Endpoint::bind(config, door, permits.clone(), Arc::new(now), counters.clone()) });
        let endpoint = Arc::new(bound.unwrap());
        let shutdown = CancellationToken::new();
        let (serving, stop) = (endpoint.clone(), shutdown.clone());
        let running = runtime.spawn(async move { serving.run(stop).await });
        Server { address: endpoint.local_addr(), gate, permits, counters, endpoint, shutdown, running, runtime }
    }

    pub fn client(&self) -> Client {
        Client::to(self.address)
    }

    /// A client of 3.1.1 that has been let in.
    pub fn client_v3(&self, id: &str) -> Client {
        let mut client = self.client();
        client.send(&connect_v3(id, 60));
        client.expect("20 02 0000");
        client
    }

    /// A client of 5 that has been let in.
    pub fn client_v5(&self, id: &str) -> Client {
        let mut client = self.client();
        client.send(&connect_v5(id, 60));
        let connack = client.packet().unwrap();
        assert_eq!((connack[0], connack[2], connack[3]), (0x20, 0, 0), "{connack:02X?}");
        client
    }

    pub fn begin_shutdown(&self) {
        self.shutdown.cancel();
    }

    /// Waits until the endpoint has stopped by itself.
    pub fn stopped(self) {
        self.runtime.block_on(async { tokio::time::timeout(PATIENCE, self.running).await }).unwrap().unwrap();
    }

    /// Waits for something that another thread brings about.
    pub fn until(&self, what: &str, mut holds: impl FnMut(&Server) -> bool) {
        let end = std::time::Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(std::time::Instant::now() < end, "waited in vain until {what}: {:?}", self.counters);
            std::thread::yield_now();
        }
    }
}

/// Where packets wait until they are settled. The first level of a topic says what becomes of them:
/// `topic`, `twin`, `payload` and `busy` are refused so, `part` in part, `lost` is dropped, all else is committed.
#[derive(Default)]
pub struct Gate {
    is_open: AtomicBool,
    waiting: Mutex<VecDeque<(String, Receipt)>>,
    offered: Mutex<Vec<(String, Vec<u8>)>>,
    changed: Condvar,
}

impl Gate {
    /// From now on everything is settled as it comes, by whoever flushes.
    pub fn open(&self) {
        self.is_open.store(true, Ordering::SeqCst);
        self.settle(usize::MAX);
    }

    /// Waits until so many packets have been offered in all, and gives their topics and payloads.
    pub fn offered(&self, count: usize) -> Vec<(String, Vec<u8>)> {
        let offered = self.offered.lock().unwrap();
        let (offered, timeout) = self.changed.wait_timeout_while(offered, PATIENCE, |offered| offered.len() < count).unwrap();
        assert!(!timeout.timed_out(), "only {} of {count} packets were offered", offered.len());
        offered.clone()
    }

    pub fn offered_so_far(&self) -> usize {
        self.offered.lock().unwrap().len()
    }

    /// Settles the oldest so many.
    pub fn settle(&self, count: usize) {
        for _ in 0..count {
            let Some((topic, receipt)) = self.waiting.lock().unwrap().pop_front() else { return };
            settle(&topic, receipt);
        }
    }

    /// Settles all, the last first.
    pub fn settle_backwards(&self) {
        loop {
            let Some((topic, receipt)) = self.waiting.lock().unwrap().pop_back() else { return };
            settle(&topic, receipt);
        }
    }
}

fn settle(topic: &str, receipt: Receipt) {
    let refused = |fault, code, message: &str| Arc::new(Refused { fault, code, message: message.to_owned() });
    let rejected = |refused| Outcome::Rejected { seq: Seq(1), refused };
    let outcome = match topic.split('/').next().unwrap_or_default() {
        "topic" => rejected(refused(Fault::Topic, "no_binding", "no binding takes this topic")),
        "twin" => rejected(refused(Fault::Twin, "unknown_twin", "there is no such twin")),
        "payload" => rejected(refused(Fault::Payload, "not_json", "line 1, column 3: expected a value")),
        "busy" => rejected(refused(Fault::Busy, "busy", "try again later")),
        "part" => {
            let refused = Some(refused(Fault::Payload, "out_of_range", "temperature: 900 is over 120"));
            Outcome::Committed { seq: Seq(1), tally: Tally::default(), refused }
        }
        "lost" => return drop(receipt),
        _ => Outcome::Committed { seq: Seq(1), tally: Tally::default(), refused: None },
    };
    if let Some(bell) = receipt.settle(outcome) {
        bell.ring();
    }
}

struct GateDoor(Arc<Gate>);

struct GateLane {
    gate: Arc<Gate>,
    burst: Vec<(String, Vec<u8>, Receipt)>,
}

impl Door for GateDoor {
    fn lane(&self, source: Source) -> Box<dyn Lane> {
        assert_eq!(source, Source::Embedded);
        Box::new(GateLane { gate: self.0.clone(), burst: Vec::new() })
    }
}

impl Lane for GateLane {
    fn offer(&mut self, packet: &Packet, receipt: Receipt) {
        let Address::Topic(topic) = &packet.address else { panic!("MQTT knows topics only") };
        self.burst.push((String::from_utf8(topic.to_vec()).unwrap(), packet.payload.to_vec(), receipt));
    }

    fn flush(&mut self) {
        for (topic, payload, receipt) in self.burst.drain(..) {
            self.gate.waiting.lock().unwrap().push_back((topic.clone(), receipt));
            self.gate.offered.lock().unwrap().push((topic, payload));
        }
        self.gate.changed.notify_all();
        if self.gate.is_open.load(Ordering::SeqCst) {
            self.gate.settle(usize::MAX);
        }
    }
}

/// A socket and nothing that knows better.
pub struct Client {
    stream: TcpStream,
    input: Vec<u8>,
}

impl Client {
    pub fn to(server: SocketAddr) -> Client {
        let stream = TcpStream::connect(server).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Client { stream, input: Vec::new() }
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Sends what the server may already not want any more.
    pub fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// Nothing more will be sent.
    pub fn finish_sending(&self) {
        self.stream.shutdown(Shutdown::Write).ok();
    }

    pub fn set_write_timeout(&self, limit: Duration) {
        self.stream.set_write_timeout(Some(limit)).unwrap();
    }

    /// The next packet, or `None` when the server has closed the connection.
    pub fn packet(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(end) = whole_packet(&self.input) {
                return Some(self.input.drain(..end).collect());
            }
            let mut buffer = [0; 4096];
            match self.stream.read(&mut buffer) {
                Ok(0) => return None,
                Ok(count) => self.input.extend(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("nothing came: {error}"),
            }
        }
    }

    /// The next packet must be these bytes, in hex.
    pub fn expect(&mut self, hex: &str) {
        let packet = self.packet();
        let shown = packet.map_or("closed".to_owned(), |packet| format!("{packet:02X?}"));
        assert_eq!(shown, format!("{:02X?}", bytes(hex)));
    }

    /// A DISCONNECT of 5 with this reason code, and then the end.
    pub fn expect_disconnect(&mut self, reason: u8) {
        let packet = self.packet().expect("a DISCONNECT before the end");
        assert_eq!((packet[0], packet[2]), (0xE0, reason), "{packet:02X?}");
        self.expect_end();
    }

    pub fn expect_end(&mut self) {
        let packet = self.packet();
        assert!(packet.is_none(), "expected the end: {packet:02X?}");
    }

    pub fn ping(&mut self) {
        self.send(&[0xC0, 0]);
        self.expect("D0 00");
    }
}

fn whole_packet(input: &[u8]) -> Option<usize> {
    let mut length = 0;
    for (index, byte) in input.get(1..)?.iter().take(4).enumerate() {
        length |= usize::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            let end = 2 + index + length;
            return (input.len() >= end).then_some(end);
        }
    }
    None
}

/// Bytes of a hex text; `"text"` stands for a text with its length in front.
pub fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (index, part) in text.split('"').enumerate() {
        if index % 2 == 1 {
            bytes.extend((part.len() as u16).to_be_bytes());
            bytes.extend(part.as_bytes());
            continue;
        }
        let digits: Vec<char> = part.chars().filter(|c| !c.is_whitespace()).collect();
        bytes.extend(digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap()));
    }
    bytes
}

pub fn framed(first: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![first];
    let mut length = body.len();
    while length >= 0x80 {
        packet.push((length & 0x7F) as u8 | 0x80);
        length >>= 7;
    }
    packet.push(length as u8);
    packet.extend(body);
    packet
}

pub fn packet(first: u8, body: &str) -> Vec<u8> {
    framed(first, &bytes(body))
}

pub fn connect_v3(id: &str, keep_alive_s: u16) -> Vec<u8> {
    packet(0x10, &format!("\"MQTT\" 04 02 {keep_alive_s:04X} \"{id}\""))
}

pub fn connect_v5(id: &str, keep_alive_s: u16) -> Vec<u8> {
    packet(0x10, &format!("\"MQTT\" 05 02 {keep_alive_s:04X} 00 \"{id}\""))
}

/// QoS 0 if `id` is 0.
pub fn publish_v3(topic: &str, id: u16, payload: &str) -> Vec<u8> {
    let mut body = bytes(&format!("\"{topic}\""));
    if id != 0 {
        body.extend(id.to_be_bytes());
    }
    body.extend(payload.as_bytes());
    framed(if id == 0 { 0x30 } else { 0x32 }, &body)
}

/// QoS 0 if `id` is 0.
pub fn publish_v5(topic: &str, id: u16, payload: &str) -> Vec<u8> {
    let mut body = bytes(&format!("\"{topic}\""));
    if id != 0 {
        body.extend(id.to_be_bytes());
    }
    body.push(0);
    body.extend(payload.as_bytes());
    framed(if id == 0 { 0x30 } else { 0x32 }, &body)
}
