//! The settings of the embedded endpoint. Every bound of it is here.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where devices connect to.
    pub listen: SocketAddr,
    /// Connections at once; further ones are told that the server is busy.
    pub connections_max: usize,
    /// How long a new connection may take to send its CONNECT.
    pub connect_timeout: Duration,
    /// How long a client may take nothing of what is sent to it.
    pub write_timeout: Duration,
    /// The longest packet of a client.
    pub packet_bytes_max: usize,
    /// The longest client id.
    pub client_id_bytes_max: usize,
    /// The longest topic filter or aliased topic. What a topic of a message may be is for the door to say.
    pub topic_bytes_max: usize,
    /// Levels of a topic filter.
    pub topic_levels_max: usize,
    /// Topic aliases a client may set.
    pub topic_aliases_max: u16,
    /// Messages of one connection that may be on their way to the gate at once.
    pub offered_packets_max: usize,
    /// Messages of one connection that may wait for a permit; at that point nothing more is read. Also the Receive Maximum of MQTT 5.
    pub held_packets_max: usize,
    /// Their bytes.
    pub held_bytes_max: usize,
    /// How often a message is offered before its sender is told to try again later.
    pub offers_max: u8,
    /// Bytes that may wait for a client to read them; beyond that it is disconnected. From the half on nothing more is read from it.
    pub outgoing_bytes_max: usize,
    /// Subscriptions of one connection.
    pub subscriptions_max: usize,
    /// Bytes of messages that may wait for one subscriber; beyond that it loses the oldest.
    pub subscriber_bytes_max: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 1883)),
            connections_max: 20_000,
            connect_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(20),
            packet_bytes_max: 1024 * 1024 + 4096,
            client_id_bytes_max: 256,
            topic_bytes_max: 1024,
            topic_levels_max: 32,
            topic_aliases_max: 64,
            offered_packets_max: 4096,
            held_packets_max: 1024,
            held_bytes_max: 4 * 1024 * 1024,
            offers_max: 3,
            outgoing_bytes_max: 1024 * 1024,
            subscriptions_max: 256,
            subscriber_bytes_max: 1024 * 1024,
        }
    }
}

impl Config {
    pub(super) fn receive_max(&self) -> u16 {
        u16::try_from(self.held_packets_max).unwrap_or(u16::MAX).max(1)
    }
}
