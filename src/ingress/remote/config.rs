//! The settings of one external broker.

use std::sync::Arc;
use std::time::Duration;

#[derive(Debug, Clone)]
pub struct Config {
    /// What bindings call it.
    pub name: Arc<str>,
    pub host: String,
    pub port: u16,
    pub protocol: Protocol,
    /// The broker keeps our session under this id; two programs must not share one.
    pub client_id: String,
    pub credentials: Option<Credentials>,
    /// Topic filters to subscribe to.
    pub topics: Vec<String>,
    /// 0 or 1.
    pub qos: u8,
    pub keep_alive: Duration,
    /// How long the broker keeps our session, and with it all messages, while we are away (MQTT 5; with 3.1.1 the broker decides).
    pub session_expiry: Duration,
    /// How long the broker may take to answer a connect or a ping, or to take what we write.
    pub timeout: Duration,
    pub packet_bytes_max: usize,
    /// Messages taken from the broker and not acknowledged. MQTT 5 tells the broker; with 3.1.1 it has a bound of its own
    /// (`max_inflight_messages` of mosquitto, 20 by default), which limits the speed.
    pub window_packets_max: u16,
    pub window_bytes_max: usize,
    /// How often a message is offered before it is rejected as busy.
    pub offers_max: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// 3.1.1
    V3,
    V5,
}

impl Config {
    /// The usual settings for a broker of that name.
    pub fn new(name: &str, host: &str, client_id: &str) -> Config {
        Config {
            name: name.into(),
            host: host.to_owned(),
            port: 1883,
            protocol: Protocol::V5,
            client_id: client_id.to_owned(),
            credentials: None,
            topics: Vec::new(),
            qos: 1,
            keep_alive: Duration::from_secs(30),
            session_expiry: Duration::from_secs(7 * 24 * 3600),
            timeout: Duration::from_secs(10),
            packet_bytes_max: 1024 * 1024 + 4096,
            window_packets_max: 8192,
            window_bytes_max: 16 * 1024 * 1024,
            offers_max: 3,
        }
    }

    pub(super) fn check(&self) -> Result<(), InvalidConfig> {
        let name = self.name.clone();
        if self.client_id.trim().is_empty() {
            return Err(InvalidConfig::NoClientId(name));
        }
        if self.qos > 1 {
            return Err(InvalidConfig::Qos(name));
        }
        if !(1..=u64::from(u16::MAX)).contains(&self.keep_alive.as_secs()) {
            return Err(InvalidConfig::KeepAlive(name));
        }
        if self.window_packets_max == 0 {
            return Err(InvalidConfig::Window(name));
        }
        if self.topics.is_empty() {
            return Err(InvalidConfig::NoTopics(name));
        }
        match self.topics.iter().find(|topic| !rumqttc::valid_filter(topic)) {
            Some(topic) => Err(InvalidConfig::Topic(name, topic.clone())),
            None => Ok(()),
        }
    }
}

/// Read from a file or the environment by `config`; never written anywhere.
#[derive(Clone)]
pub struct Credentials {
    pub username: String,
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidConfig {
    #[error("broker `{0}`: it needs a client id, under which the broker keeps what it has not yet handed over")]
    NoClientId(Arc<str>),
    #[error("broker `{0}`: qos must be 0 or 1")]
    Qos(Arc<str>),
    #[error("broker `{0}`: keep_alive must be 1 to 65535 seconds")]
    KeepAlive(Arc<str>),
    #[error("broker `{0}`: window_packets_max must be at least 1")]
    Window(Arc<str>),
    #[error("broker `{0}`: name at least one topic filter to subscribe to")]
    NoTopics(Arc<str>),
    #[error("broker `{0}`: `{1}` is not a topic filter: `+` stands for a whole level, `#` only at the end")]
    Topic(Arc<str>, String),
}
