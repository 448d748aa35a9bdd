//! `[mqtt]`: the embedded MQTT endpoint.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::config::kind::ByteCount;
use crate::config::setting::section;

section! {
    /// The embedded MQTT endpoint (3.1.1 and 5), to which devices publish.
    Mqtt = "mqtt" {
        /// Whether there is one; without it only HTTP and external brokers bring readings.
        enabled: bool = true,
        /// Where to listen.
        listen: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, 1883)),
        /// Connections open at once; further ones are refused with a reason.
        connections_max: usize [1..=1_000_000] = 20_000,
        /// How long a new connection may take to send CONNECT.
        connect_timeout: Duration [Duration::from_millis(100)..=Duration::from_secs(300)] = Duration::from_secs(10),
        /// How long a client may take nothing of what is sent to it; then it is disconnected.
        write_timeout: Duration [Duration::from_millis(100)..=Duration::from_secs(600)] = Duration::from_secs(20),
        /// The largest packet; a sender of a larger one is disconnected with a reason.
        packet_bytes_max: ByteCount [ByteCount::kib(1)..=ByteCount::mib(256)] = ByteCount(1_052_672),
        /// Messages of one connection that may be on their way to the disk at once.
        offered_packets_max: usize [1..=1_000_000] = 4_096,
        /// Messages of one connection that may wait until there is room; then no more is read from it. MQTT 5 clients are told (Receive
        /// Maximum).
        held_packets_max: usize [1..=65_535] = 1_024,
        /// Their bytes.
        held_bytes_max: ByteCount [ByteCount::kib(1)..=ByteCount::gib(1)] = ByteCount::mib(4),
        /// Bytes that may wait for a client to read them; beyond that it is disconnected.
        outgoing_bytes_max: ByteCount [ByteCount::kib(1)..=ByteCount::gib(1)] = ByteCount::mib(1),
        /// Subscriptions of one connection.
        subscriptions_max: usize [0..=100_000] = 256,
        /// Bytes of messages that may wait for one subscriber; beyond that it loses the oldest, which is counted.
        subscriber_bytes_max: ByteCount [ByteCount::kib(1)..=ByteCount::gib(1)] = ByteCount::mib(1),
    }
}
