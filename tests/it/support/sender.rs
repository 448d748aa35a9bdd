//! A device that publishes over MQTT and says what it heard, in words.

use std::net::SocketAddr;

use crate::mqtt_peer::{Client, bytes, connect_v3, connect_v5, framed};

const PUBLISH: u8 = 0x30;
const QOS_1: u8 = 0x02;
const PUBACK: u8 = 0x40;
const DISCONNECT: u8 = 0xE0;
/// The property of MQTT 5 that holds a reason in words.
const REASON_STRING: u8 = 0x1F;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    V3,
    V5,
}

pub struct Sender {
    pub client: Client,
    version: Version,
    last_id: u16,
}

impl Sender {
    pub fn v3(address: SocketAddr, id: &str) -> Sender {
        let mut client = Client::to(address);
        client.send(&connect_v3(id, 60));
        client.expect("20 02 0000");
        Sender { client, version: Version::V3, last_id: 0 }
    }

    pub fn v5(address: SocketAddr, id: &str) -> Sender {
        let mut client = Client::to(address);
        client.send(&connect_v5(id, 60));
        let connack = client.packet().expect("an answer to CONNECT");
        assert_eq!((connack[0], connack[3]), (0x20, 0), "{connack:02X?}");
        Sender { client, version: Version::V5, last_id: 0 }
    }

    /// Publishes with QoS 1 and waits for what the server says to it.
    pub fn publish(&mut self, topic: &str, payload: &[u8]) -> String {
        let id = self.send(topic, payload);
        self.answer(id)
    }

    /// Publishes with QoS 1; the packet id to ask [`Sender::answer`] for.
    pub fn send(&mut self, topic: &str, payload: &[u8]) -> u16 {
        self.last_id = self.last_id.wrapping_add(1).max(1);
        self.client.try_send(&self.packet(topic, self.last_id, payload));
        self.last_id
    }

    /// Publishes with QoS 0: nobody will say anything. Comes back when the server has read it.
    pub fn mention(&mut self, topic: &str, payload: &[u8]) {
        let packet = self.packet(topic, 0, payload);
        self.client.send(&packet);
        self.client.ping();
    }

    fn packet(&self, topic: &str, id: u16, payload: &[u8]) -> Vec<u8> {
        let mut body = bytes(&format!("\"{topic}\""));
        if id != 0 {
            body.extend(id.to_be_bytes());
        }
        if self.version == Version::V5 {
            body.push(0);
        }
        body.extend(payload);
        framed(if id == 0 { PUBLISH } else { PUBLISH | QOS_1 }, &body)
    }

    /// The next packet, which must be about `id`, in words.
    pub fn answer(&mut self, id: u16) -> String {
        let Some(packet) = self.client.packet() else { return "closed".to_owned() };
        assert!(packet[0] != PUBACK || body(&packet)[..2] == id.to_be_bytes(), "acknowledgements come in order: {packet:02X?}");
        words(&packet)
    }

    /// The code of the next PUBACK.
    pub fn answer_code(&mut self, id: u16) -> Option<u8> {
        let packet = self.client.packet()?;
        let body = body(&packet);
        (packet[0] == PUBACK && body[..2] == id.to_be_bytes()).then(|| body.get(2).copied().unwrap_or(0))
    }
}

/// `ack`, `ack 99 the reason`, `disconnected 81 the reason`; other packets in hex.
pub fn words(packet: &[u8]) -> String {
    let (what, said) = match packet[0] {
        PUBACK => ("ack", &body(packet)[2..]),
        DISCONNECT => ("disconnected", body(packet)),
        _ => return packet.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" "),
    };
    let (code, properties) = said.split_first().map_or((0, said), |(code, properties)| (*code, properties));
    let code = if code == 0 { String::new() } else { format!(" {code:02X}") };
    let reason = reason_string(properties).map_or(String::new(), |reason| format!(" {reason}"));
    format!("{what}{code}{reason}")
}

/// A packet without its fixed header.
pub fn body(packet: &[u8]) -> &[u8] {
    let length_bytes = packet[1..].iter().position(|byte| byte & 0x80 == 0).expect("a whole packet") + 1;
    &packet[1 + length_bytes..]
}

/// The reason in words, if it is the first of the properties.
fn reason_string(properties: &[u8]) -> Option<String> {
    let length_bytes = properties.iter().position(|byte| byte & 0x80 == 0)? + 1;
    let (name, value) = properties.get(length_bytes..)?.split_first()?;
    let (length, text) = value.split_at_checked(2)?;
    let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
    (*name == REASON_STRING).then(|| String::from_utf8_lossy(&text[..length]).into_owned())
}
