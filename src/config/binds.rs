//! Which addresses may be listened on: those that other machines can reach only if someone said that this is meant.

use std::fmt::Write;
use std::net::SocketAddr;

use super::Config;

/// The doors that would be open to everyone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.explain())]
pub struct InsecureBinds {
    /// Section and address.
    pub doors: Vec<(&'static str, SocketAddr)>,
}

/// Checked before anything listens.
pub fn check_binds(config: &Config) -> Result<(), InsecureBinds> {
    if config.security.allow_insecure {
        return Ok(());
    }
    let mqtt = config.mqtt.enabled.then_some(("mqtt", config.mqtt.listen));
    let doors: Vec<_> = [("http", config.http.listen)].into_iter().chain(mqtt).filter(|(_, listen)| !is_loopback(*listen)).collect();
    if doors.is_empty() { Ok(()) } else { Err(InsecureBinds { doors }) }
}

fn is_loopback(listen: SocketAddr) -> bool {
    listen.ip().to_canonical().is_loopback()
}

impl InsecureBinds {
    fn explain(&self) -> String {
        let mut text = String::new();
        for (section, listen) in &self.doors {
            writeln!(text, "{section}.listen is {listen}, which other machines can reach").unwrap_or_default();
        }
        text.push_str("there is no authentication: whoever reaches a door may read every twin and send readings to it. Either\n");
        for (section, listen) in &self.doors {
            let safe = if listen.is_ipv6() { format!("[::1]:{}", listen.port()) } else { format!("127.0.0.1:{}", listen.port()) };
            writeln!(text, "- set `listen = \"{safe}\"` in [{section}], and put what authenticates in front of it, or").unwrap_or_default();
        }
        text.push_str(
            "- if everyone on that network may come in, set `allow_insecure = true` in [security] or POLLUX_SECURITY_ALLOW_INSECURE=true",
        );
        text
    }
}
