//! The embedded MQTT endpoint: 3.1.1 and 5 on one port.
//!
//! The connection loop is ours because the commit gate sits inside it: all packets that have arrived are read and offered at once, and what the
//! gate has let through is acknowledged in order, in one write. In this version: QoS 0 and 1, subscriptions with wildcards (served with QoS 0),
//! no kept sessions, no retained messages, no shared subscriptions; CONNACK of MQTT 5 says so.
//!
//! A message: the socket → `frame` (strict check) → `packets` → the window (permit, line) → the door … the gate … → `acknowledge` → the socket.

mod acknowledge;
mod check;
mod clients;
mod config;
mod connect;
mod connection;
mod endpoint;
mod fanout;
mod frame;
mod handshake;
mod packets;
mod peer;
mod properties;
mod reader;
mod reason;
mod shared;
mod subscriptions;
mod topic;
mod wire;

#[cfg(test)]
mod tests;

pub use config::Config;
pub use endpoint::Endpoint;
