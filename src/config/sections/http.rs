//! `[http]`: the HTTP door.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::config::kind::ByteCount;
use crate::config::setting::section;

section! {
    /// The HTTP door: ingest, health, metrics.
    Http = "http" {
        /// Where to listen.
        listen: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
        /// Connections that may be open at once; further ones wait until one closes.
        connections_max: usize [1..=1_000_000] = 8_192,
        /// The largest body of a request; a larger one is answered with 413.
        body_bytes_max: ByteCount [ByteCount::kib(1)..=ByteCount::gib(1)] = ByteCount::mib(8),
        /// The most items of one request to `/ingest`.
        items_max: usize [1..=1_000_000] = 10_000,
        /// How long a request waits for its commit before it is answered with 503.
        commit_wait_max: Duration [Duration::from_secs(1)..=Duration::from_secs(600)] = Duration::from_secs(30),
    }
}
