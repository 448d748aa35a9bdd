//! The devices beside the readers: messages over MQTT at QoS 1, each with the instant at which it was made as its event time.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::ensure;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::cli::bench::connection::{Pace, Plan, Publisher, Schedule};
use crate::cli::bench::report::Tally;
use crate::cli::bench::wire::PayloadShape;

const CONNECTIONS_MAX: usize = 200;
const WINDOW: u16 = 100;

/// What the devices send.
#[derive(Debug, Clone)]
pub(super) struct Devices {
    pub(super) mqtt: SocketAddr,
    pub(super) prefix: String,
    pub(super) twins: usize,
    /// Values in a message.
    pub(super) readings: usize,
}

/// Connections that stand and have sent nothing yet.
#[derive(Debug)]
pub(super) struct Publishing {
    publishers: Vec<(Publisher, TcpStream)>,
    tally: Rc<RefCell<Tally>>,
}

impl Publishing {
    /// At `rate` messages per second of all together; 0 is as fast as the server answers.
    pub(super) async fn open(devices: &Devices, rate: u64) -> anyhow::Result<Publishing> {
        ensure!(devices.twins > 0, "--twins must be at least 1");
        let plan = Rc::new(Plan {
            addr: devices.mqtt,
            qos: 1,
            window: WINDOW,
            refill_min: usize::from(WINDOW).div_ceil(4),
            // Microseconds: subscribers tell by them which message they see.
            shape: PayloadShape::new(devices.readings, true),
            time_step_micros: 1,
        });
        let tally = Rc::new(RefCell::new(Tally::new()?));
        let connections = CONNECTIONS_MAX.min(devices.twins);
        let mut publishers = Vec::with_capacity(connections);
        for number in 0..connections {
            let twins = (number..devices.twins).step_by(connections);
            let topics = twins.map(|twin| format!("pollux/{}{twin}/telemetry", devices.prefix));
            let client_id = format!("pollux-bench-{}-device-{number}", std::process::id());
            let publisher = Publisher::new(plan.clone(), client_id, pace(rate, number, connections), topics, tally.clone());
            let stream = publisher.open().await?;
            publishers.push((publisher, stream));
        }
        Ok(Publishing { publishers, tally })
    }

    /// Lets them go by the schedule; what they count is added to the tally that is given back.
    pub(super) fn begin(self, schedule: Schedule, tasks: &mut JoinSet<()>) -> Rc<RefCell<Tally>> {
        for (publisher, stream) in self.publishers {
            tasks.spawn_local(async move {
                tokio::time::sleep_until(schedule.start.into()).await;
                publisher.run(stream, schedule).await;
            });
        }
        self.tally
    }
}

/// The connections take turns.
fn pace(rate: u64, number: usize, connections: usize) -> Option<Pace> {
    let nanos_per_message = 1e9 / rate as f64;
    (rate > 0).then_some(Pace { period_nanos: nanos_per_message * connections as f64, phase_nanos: nanos_per_message * number as f64 })
}

/// How long it takes at most, at full speed, until each twin has been heard of.
pub(super) fn prime_time(twins: usize) -> Duration {
    const PER_SECOND: usize = 20_000;
    Duration::from_secs((twins / PER_SECOND) as u64 + 1)
}
