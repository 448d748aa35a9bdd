//! `[[broker]]`: an external MQTT broker that Pollux subscribes to. There may be several.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::kind::{ByteCount, Kind, mismatch, names};
use crate::config::setting::section;
use crate::source::Node;

names! {
    Protocol {
        /// 3.1.1
        V3 = "3.1.1",
        V5 = "5",
    }
}

section! {
    /// An external MQTT broker that Pollux subscribes to; one table for each.
    Broker = "broker" {
        /// What bindings call it (`source: NAME`). Required.
        name: String = String::new(),
        /// Where it is: `mqtt://HOST:PORT`. Required.
        url: Option<BrokerUrl> = None,
        /// The version of MQTT that it speaks.
        protocol: Protocol = Protocol::V5,
        /// The client id; without it `pollux-NAME`. Two clients of one broker need different ones.
        client_id: Option<String> = None,
        /// Who to sign in as.
        username: Option<String> = None,
        /// A file outside the workspace with the password on its first line.
        password_file: Option<PathBuf> = None,
        /// The name of an environment variable that holds the password.
        password_env: Option<String> = None,
        /// What to subscribe to; without it, the topics of the bindings that have this broker as their source.
        topics: Vec<String> = Vec::new(),
        /// The quality of service to subscribe with. With 1 the broker keeps a message until it is on disk here.
        qos: u8 [0..=1] = 1,
        /// How long the line may be silent before either side takes it for dead.
        keep_alive: Duration [Duration::from_secs(5)..=Duration::from_secs(65_535)] = Duration::from_secs(30),
        /// How long it keeps what comes while we are away (MQTT 5; with 3.1.1 the broker decides).
        session_expiry: Duration [Duration::ZERO..=Duration::from_secs(365 * 86_400)] = Duration::from_secs(7 * 86_400),
        /// How long it may take to answer, or to take what we write.
        timeout: Duration [Duration::from_millis(100)..=Duration::from_secs(300)] = Duration::from_secs(10),
        /// The largest packet that is taken from it.
        packet_bytes_max: ByteCount [ByteCount::kib(1)..=ByteCount::mib(256)] = ByteCount(1_052_672),
        /// Messages taken from it and not yet acknowledged. With MQTT 5 it is told; with 3.1.1 it has a bound of its own (20 in
        /// mosquitto, `max_inflight_messages`), which limits the speed.
        window_packets_max: u16 [1..=65_535] = 8_192,
        /// Their bytes.
        window_bytes_max: ByteCount [ByteCount::kib(1)..=ByteCount::gib(4)] = ByteCount::mib(16),
    }
}

impl Broker {
    pub fn client_id(&self) -> String {
        self.client_id.clone().unwrap_or_else(|| format!("pollux-{}", self.name))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BrokerUrl {
    /// A name or an address; of IPv6 without the brackets.
    pub host: String,
    pub port: u16,
}

const PORT: u16 = 1883;

impl Kind for BrokerUrl {
    fn expected() -> String {
        "a URL as in \"mqtt://broker.example:1883\"".to_owned()
    }

    fn read(node: &Node) -> Result<BrokerUrl, String> {
        let text = String::read(node)?;
        if text.starts_with("mqtts://") || text.starts_with("ssl://") {
            return Err("TLS to an external broker is not supported in this version: use mqtt:// through a tunnel".to_owned());
        }
        let Some(rest) = text.strip_prefix("mqtt://").or_else(|| text.strip_prefix("tcp://")) else {
            return Err(mismatch::<BrokerUrl>(node));
        };
        if rest.contains('@') {
            return Err("a user and password do not belong into the URL: use username, and password_file or password_env".to_owned());
        }
        parse_authority(rest.strip_suffix('/').unwrap_or(rest)).ok_or_else(|| mismatch::<BrokerUrl>(node))
    }

    fn show(&self) -> Option<String> {
        Some(format!("\"{self}\""))
    }
}

fn parse_authority(text: &str) -> Option<BrokerUrl> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            let port = if after.is_empty() { None } else { Some(after.strip_prefix(':')?) };
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, port)
        }
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let port = port.map_or(Some(PORT), |port| port.parse().ok().filter(|port| *port != 0))?;
    let is_clean = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'));
    is_clean.then(|| BrokerUrl { host: host.to_owned(), port })
}

impl fmt::Display for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "mqtt://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "mqtt://{}:{}", self.host, self.port)
        }
    }
}
