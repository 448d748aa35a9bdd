//! A thin publishing client over rumqttc, for programs that play devices (the demo plant). It connects again by itself.

use std::time::Duration;

use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Outgoing, QoS};
use tokio::task::JoinSet;

/// Messages that wait for the connection; then [`Publisher::publish`] waits.
const QUEUE_MESSAGES_MAX: usize = 256;
const KEEP_ALIVE: Duration = Duration::from_secs(30);
const RETRY_PAUSE: Duration = Duration::from_millis(500);
const PACKET_BYTES_MAX: usize = 2 * 1024 * 1024;

#[derive(Debug)]
pub struct Publisher {
    client: AsyncClient,
    /// Ends with the publisher.
    connection: JoinSet<()>,
}

/// The connection has been closed for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the MQTT client is closed")]
pub struct Closed;

impl Publisher {
    /// Starts connecting and returns at once; what is published before it succeeds waits.
    pub fn connect(host: &str, port: u16, client_id: &str) -> Publisher {
        let mut options = MqttOptions::new(client_id, host, port);
        options.set_keep_alive(KEEP_ALIVE);
        options.set_clean_session(true);
        options.set_max_packet_size(PACKET_BYTES_MAX, PACKET_BYTES_MAX);
        let (client, events) = AsyncClient::new(options, QUEUE_MESSAGES_MAX);
        let mut connection = JoinSet::new();
        connection.spawn(keep_connected(events, client_id.to_owned()));
        Publisher { client, connection }
    }

    /// Queues a message. With QoS 1 it is sent again after a reconnect until it is acknowledged.
    pub async fn publish(&self, topic: &str, payload: impl Into<Vec<u8>>, qos1: bool) -> Result<(), Closed> {
        let qos = if qos1 { QoS::AtLeastOnce } else { QoS::AtMostOnce };
        self.client.publish(topic, qos, false, payload).await.map_err(|_| Closed)
    }

    /// Sends what is queued, says DISCONNECT and waits for it to be written; gives up after `limit`.
    pub async fn close(mut self, limit: Duration) -> Result<(), Closed> {
        self.client.disconnect().await.map_err(|_| Closed)?;
        match tokio::time::timeout(limit, self.connection.join_next()).await {
            Ok(_) => Ok(()),
            Err(_) => Err(Closed),
        }
    }
}

async fn keep_connected(mut events: EventLoop, client_id: String) {
    let mut was_connected = true;
    loop {
        match events.poll().await {
            Ok(Event::Outgoing(Outgoing::Disconnect)) => return,
            Ok(_) => was_connected = true,
            Err(error) => {
                // Once per outage, not once per try.
                if was_connected {
                    tracing::info!(client = client_id, %error, "lost the broker, connecting again");
                }
                was_connected = false;
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        }
    }
}
