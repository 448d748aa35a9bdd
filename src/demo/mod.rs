//! The simulator behind `pollux run --demo`: sixteen devices of the demo plant as real MQTT clients, each with its own connection.
//!
//! It knows Pollux only by its address, as any device does. How the plant behaves is pure (`signals`, `plant`, `devices`);
//! this file owns the rhythm and the connections.

mod devices;
mod garbage;
mod plant;
mod signals;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use crate::ingress::client::Publisher;
use crate::reading::Timestamp;

use devices::Stream;
use plant::{Moment, Plant};

/// Any number does; this one makes the same plant every time.
const SEED: u64 = 0x0501_1B0A;
/// Devices do not all speak in the same millisecond.
const STAGGER: Duration = Duration::from_millis(37);
const CLOSE_WAIT_MAX: Duration = Duration::from_secs(1);
const MICROS_PER_HOUR: f64 = 3.6e9;

/// Tells the time.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Runs the devices of the demo plant against the MQTT endpoint at `addr` until `shutdown`.
pub async fn run(addr: SocketAddr, now: Now, shutdown: CancellationToken) {
    let clock = Clock { began: now(), now };
    let mut streams = JoinSet::new();
    let mut publishers = Vec::new();
    let mut delay = Duration::ZERO;
    for device in devices::all() {
        let publisher = Arc::new(Publisher::connect(&addr.ip().to_string(), addr.port(), device.client_id));
        for stream in device.streams {
            delay += STAGGER;
            streams.spawn(send(publisher.clone(), stream, clock.clone(), delay));
        }
        publishers.push(publisher);
    }
    shutdown.cancelled().await;
    streams.shutdown().await;
    close(publishers).await;
}

/// Says DISCONNECT on all connections at once. An endpoint that is gone already is no reason to wait or to complain.
async fn close(publishers: Vec<Arc<Publisher>>) {
    let mut closing = JoinSet::new();
    for publisher in publishers.into_iter().filter_map(Arc::into_inner) {
        closing.spawn(publisher.close(CLOSE_WAIT_MAX));
    }
    closing.join_all().await;
}

#[derive(Clone)]
struct Clock {
    began: Timestamp,
    now: Now,
}

impl Clock {
    fn read(&self) -> (Moment, Timestamp) {
        let now = (self.now)();
        let elapsed = (now.micros_since(self.began) as f64 / 1e6).max(0.0);
        let hour = (now.0 as f64 / MICROS_PER_HOUR).rem_euclid(24.0);
        (Moment { elapsed, hour }, now)
    }
}

/// A device that is not heard waits and goes on with what is true then: measurements missed meanwhile are not made up.
async fn send(publisher: Arc<Publisher>, stream: Stream, clock: Clock, delay: Duration) {
    let plant = Plant { seed: SEED };
    let mut rhythm = interval_at(tokio::time::Instant::now() + delay, stream.every);
    rhythm.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        rhythm.tick().await;
        let (moment, now) = clock.read();
        for message in (stream.make)(&plant, moment, now) {
            if publisher.publish(&message.topic, message.payload, true).await.is_err() {
                return;
            }
        }
    }
}
