//! A device as the standard wants it: it keeps what is not acknowledged, and after a broken connection sends it again, in order, as DUP.
//!
//! Its readings count: the n-th of a machine has count n and the time of the n-th millisecond. So whoever sees a value knows which it was.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex};
use std::thread;

use crate::mqtt_peer::{connect_v3, publish_v3};
use crate::process::{PATIENCE, Program, until};

/// The time of the reading before the first, in milliseconds since 1970: long enough ago for any clock.
pub const EPOCH_MS: u64 = 1_600_000_000_000;
const DUP: u8 = 0x08;
const PUBACK: u8 = 0x40;

/// A gateway that speaks for some machines in turn.
pub struct Device {
    name: String,
    machines: Vec<Machine>,
    /// Not acknowledged yet, in the order in which it was sent.
    window: VecDeque<Sent>,
    window_max: usize,
    turn: usize,
    last_id: u16,
}

/// What a device knows of a machine.
#[derive(Debug, Clone)]
pub struct Machine {
    pub number: usize,
    pub sent: u64,
    pub acknowledged: u64,
}

struct Sent {
    id: u16,
    machine: usize,
    count: u64,
}

/// What a running device is told, and what it tells.
#[derive(Default)]
pub struct Orders {
    /// Send nothing new, wait for what is under way, and leave.
    finish: AtomicBool,
    /// Acknowledgements heard by all.
    acknowledged: AtomicU64,
    /// What the server did wrong, if anything.
    complaint: Mutex<Option<String>>,
    /// How many more messages may be sent; without it, as many as the server takes.
    allowance: Option<Mutex<u64>>,
    /// Rung when there is more to do.
    more: Condvar,
}

impl Orders {
    /// Nothing is sent but what is [allowed](Orders::allow).
    pub fn bounded() -> Orders {
        Orders { allowance: Some(Mutex::new(0)), ..Orders::default() }
    }

    pub fn allow(&self, messages: u64) {
        if let Some(allowance) = &self.allowance {
            *allowance.lock().unwrap() += messages;
            self.more.notify_all();
        }
    }

    /// From now on nothing new is sent.
    pub fn finish(&self) {
        self.finish.store(true, Ordering::SeqCst);
        // Whoever is about to wait has the lock, so this is not missed.
        drop(self.allowance.as_ref().map(|allowance| allowance.lock().unwrap()));
        self.more.notify_all();
    }

    fn may_send(&self) -> bool {
        let Some(allowance) = &self.allowance else { return true };
        let mut left = allowance.lock().unwrap();
        let may = *left > 0;
        *left = left.saturating_sub(1);
        may
    }

    fn wait_for_more(&self) {
        let Some(allowance) = &self.allowance else { return };
        let is_idle = |left: &mut u64| *left == 0 && !self.finish.load(Ordering::SeqCst);
        drop(self.more.wait_while(allowance.lock().unwrap(), is_idle).unwrap());
    }

    pub fn heard(&self) -> u64 {
        self.acknowledged.load(Ordering::SeqCst)
    }
}

impl Device {
    pub fn new(name: &str, machines: std::ops::Range<usize>, window_max: usize) -> Device {
        let machines = machines.map(|number| Machine { number, sent: 0, acknowledged: 0 }).collect();
        Device { name: name.to_owned(), machines, window: VecDeque::new(), window_max, turn: 0, last_id: 0 }
    }

    pub fn machines(&self) -> &[Machine] {
        &self.machines
    }

    /// Sends until so many more are acknowledged, and leaves with nothing under way.
    pub fn send(&mut self, server: SocketAddr, count: u64) {
        let orders = Orders::default();
        run_beside(std::slice::from_mut(self), server, &orders, || {
            until("the device has sent enough", || orders.heard() >= count, || format!("{} of {count}", orders.heard()));
            orders.finish();
        });
    }

    /// Sends again what is not acknowledged, and leaves.
    pub fn settle(&mut self, server: SocketAddr) {
        let orders = Orders::default();
        orders.finish();
        run_beside(std::slice::from_mut(self), server, &orders, || ());
    }

    /// Connects and sends until the connection breaks, or until all is acknowledged after the order to finish.
    fn run(&mut self, server: SocketAddr, orders: &Orders) {
        let Ok(mut stream) = TcpStream::connect(server) else { return };
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut bytes = connect_v3(&self.name, 0);
        for sent in &self.window {
            let first = bytes.len();
            bytes.extend(self.packet(sent));
            bytes[first] |= DUP;
        }
        let mut input = Vec::new();
        loop {
            if self.window.is_empty() {
                orders.wait_for_more();
            }
            let finishing = orders.finish.load(Ordering::SeqCst);
            while !finishing && self.window.len() < self.window_max && orders.may_send() {
                let sent = self.next();
                bytes.extend(self.packet(&sent));
                self.window.push_back(sent);
            }
            if finishing && self.window.is_empty() {
                bytes.extend([0xE0, 0]);
            }
            let written = stream.write_all(&bytes);
            bytes.clear();
            if finishing && self.window.is_empty() {
                return;
            }
            // A server that has gone away may have said something before.
            let Some(count) = read(&mut stream, &mut input) else { return };
            if let Err(wrong) = self.hear(&mut input, orders) {
                *orders.complaint.lock().unwrap() = Some(wrong);
                return;
            }
            if count == 0 && written.is_err() {
                return;
            }
        }
    }

    fn next(&mut self) -> Sent {
        self.turn = (self.turn + 1) % self.machines.len();
        let machine = &mut self.machines[self.turn];
        machine.sent += 1;
        let count = machine.sent;
        // An id that is still under way is never given again: the window is far smaller than the ids are many.
        self.last_id = self.last_id % u16::MAX + 1;
        Sent { id: self.last_id, machine: self.turn, count }
    }

    fn packet(&self, sent: &Sent) -> Vec<u8> {
        publish_v3(&format!("pollux/machine-{}/telemetry", self.machines[sent.machine].number), sent.id, &payload(sent.count))
    }

    /// CONNACK, and acknowledgements in the order of sending.
    fn hear(&mut self, input: &mut Vec<u8>, orders: &Orders) -> Result<(), String> {
        let whole = input.len() / 4 * 4;
        for packet in input.drain(..whole).collect::<Vec<u8>>().chunks(4) {
            match *packet {
                [0x20, 2, _, 0] => {}
                [PUBACK, 2, high, low] => {
                    let id = u16::from_be_bytes([high, low]);
                    let oldest = self.window.pop_front().filter(|oldest| oldest.id == id);
                    let Some(oldest) = oldest else { return Err(format!("{}: {id} is acknowledged out of turn", self.name)) };
                    self.machines[oldest.machine].acknowledged = oldest.count;
                    orders.acknowledged.fetch_add(1, Ordering::SeqCst);
                }
                _ => return Err(format!("{}: unexpected {packet:02X?}", self.name)),
            }
        }
        Ok(())
    }
}

/// Runs devices while something else happens, and waits until all of them have gone.
pub fn run_beside<R>(devices: &mut [Device], server: SocketAddr, orders: &Orders, happening: impl FnOnce() -> R) -> R {
    let result = thread::scope(|scope| {
        for device in devices {
            scope.spawn(move || device.run(server, orders));
        }
        // Otherwise the scope would wait for devices that nobody ever tells to finish.
        panic::catch_unwind(AssertUnwindSafe(happening)).unwrap_or_else(|panic| {
            orders.finish();
            panic::resume_unwind(panic)
        })
    });
    assert_eq!(*orders.complaint.lock().unwrap(), None);
    result
}

/// The n-th reading of a machine.
pub fn payload(count: u64) -> String {
    format!("{{\"ts\": {}, \"count\": {count}, \"temperature\": {}}}", EPOCH_MS + count, temperature(count))
}

pub fn temperature(count: u64) -> f64 {
    (count % 1000) as f64 / 10.0
}

/// Reads what there is. `None` when the connection has ended.
fn read(stream: &mut TcpStream, input: &mut Vec<u8>) -> Option<usize> {
    let mut buffer = [0; 4096];
    match stream.read(&mut buffer) {
        Ok(0) => None,
        Ok(count) => {
            input.extend(&buffer[..count]);
            Some(count)
        }
        Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => None,
        Err(error) => panic!("no acknowledgement came: {error}"),
    }
}

/// The newest count that the read view has of each machine; its time and its other value must be those that were sent with it.
pub fn counts_in_state(program: &Program) -> Vec<u64> {
    let page = program.json("/admin/twins?limit=1000");
    let twins = page["twins"].as_array().unwrap();
    let mut counts = vec![0; twins.len()];
    for twin in twins {
        let Some(count) = twin["values"]["count"]["value"].as_u64() else { continue };
        assert_eq!(twin["values"]["temperature"]["value"].as_f64(), Some(temperature(count)), "{twin}");
        let time: jiff::Timestamp = twin["values"]["count"]["time"].as_str().unwrap().parse().unwrap();
        assert_eq!(time.as_millisecond(), i64::try_from(EPOCH_MS + count).unwrap(), "{twin}");
        let number: usize = twin["id"].as_str().unwrap().strip_prefix("machine-").unwrap().parse().unwrap();
        counts[number] = count;
    }
    counts
}
