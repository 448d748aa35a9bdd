//! The seam to the packets of rumqttc, of both versions: our own types on this side. Only this file and `config` name it.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rumqttc::mqttbytes as v3;
use rumqttc::mqttbytes::v4 as v3_packet;
use rumqttc::v5::mqttbytes as v5;
use rumqttc::v5::mqttbytes::v5 as v5_packet;

use super::config::{Config, Protocol};

/// What the broker sent, as far as we care.
#[derive(Debug)]
pub(super) enum Incoming {
    Accepted {
        /// The broker may ask for another keep-alive.
        keep_alive: Option<Duration>,
    },
    Refused(String),
    Publish(Publish),
    /// One answer per filter.
    Subscribed(Vec<bool>),
    Pong,
    Goodbye(String),
    Other,
}

#[derive(Debug)]
pub(super) struct Publish {
    pub(super) topic: Bytes,
    pub(super) payload: Bytes,
    /// 0 with QoS 0.
    pub(super) id: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unreadable(String);

/// Takes the next packet from the front of `input`, if it is all there.
pub(super) fn read(input: &mut BytesMut, config: &Config) -> Result<Option<Incoming>, Unreadable> {
    match config.protocol {
        Protocol::V3 => match v3_packet::Packet::read(input, config.packet_bytes_max) {
            Ok(packet) => from_v3(packet).map(Some),
            Err(v3::Error::InsufficientBytes(_)) => Ok(None),
            Err(error) => Err(Unreadable(format!("a packet of the broker cannot be read: {error}"))),
        },
        Protocol::V5 => match v5_packet::Packet::read(input, u32::try_from(config.packet_bytes_max).ok()) {
            Ok(packet) => from_v5(packet).map(Some),
            Err(v5::Error::InsufficientBytes(_)) => Ok(None),
            Err(error) => Err(Unreadable(format!("a packet of the broker cannot be read: {error}"))),
        },
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "packets of the library that mean nothing to a subscriber")]
fn from_v3(packet: v3_packet::Packet) -> Result<Incoming, Unreadable> {
    use v3_packet::Packet;
    Ok(match packet {
        Packet::ConnAck(answer) if answer.code == v3_packet::ConnectReturnCode::Success => Incoming::Accepted { keep_alive: None },
        Packet::ConnAck(answer) => Incoming::Refused(format!("{:?}", answer.code)),
        Packet::Publish(publish) => match publish.qos {
            v3::QoS::ExactlyOnce => return Err(qos2()),
            v3::QoS::AtMostOnce | v3::QoS::AtLeastOnce => {
                Incoming::Publish(Publish { topic: Bytes::from(publish.topic), payload: publish.payload, id: publish.pkid })
            }
        },
        Packet::SubAck(answer) => {
            let granted = |code: &v3_packet::SubscribeReasonCode| matches!(code, v3_packet::SubscribeReasonCode::Success(_));
            Incoming::Subscribed(answer.return_codes.iter().map(granted).collect())
        }
        Packet::PingResp => Incoming::Pong,
        _ => Incoming::Other,
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "packets of the library that mean nothing to a subscriber")]
fn from_v5(packet: v5_packet::Packet) -> Result<Incoming, Unreadable> {
    use v5_packet::Packet;
    Ok(match packet {
        Packet::ConnAck(answer) if answer.code == v5_packet::ConnectReturnCode::Success => {
            let keep_alive = answer.properties.and_then(|properties| properties.server_keep_alive);
            Incoming::Accepted { keep_alive: keep_alive.map(|seconds| Duration::from_secs(u64::from(seconds))) }
        }
        Packet::ConnAck(answer) => Incoming::Refused(format!("{:?}", answer.code)),
        Packet::Publish(publish) => match publish.qos {
            v5::QoS::ExactlyOnce => return Err(qos2()),
            v5::QoS::AtMostOnce | v5::QoS::AtLeastOnce => {
                if std::str::from_utf8(&publish.topic).is_err() {
                    return Err(Unreadable("the broker sent a topic that is not UTF-8".to_owned()));
                }
                Incoming::Publish(Publish { topic: publish.topic, payload: publish.payload, id: publish.pkid })
            }
        },
        Packet::SubAck(answer) => {
            let granted = |code: &v5_packet::SubscribeReasonCode| matches!(code, v5_packet::SubscribeReasonCode::Success(_));
            Incoming::Subscribed(answer.return_codes.iter().map(granted).collect())
        }
        Packet::PingResp(_) => Incoming::Pong,
        Packet::Disconnect(goodbye) => {
            let text = goodbye.properties.and_then(|properties| properties.reason_string).unwrap_or_default();
            Incoming::Goodbye(format!("the broker disconnected us: {:?} {text}", goodbye.reason_code))
        }
        _ => Incoming::Other,
    })
}

fn qos2() -> Unreadable {
    Unreadable("the broker sent a message with QoS 2, which was not subscribed to".to_owned())
}

/// CONNECT for a session that outlives the connection.
pub(super) fn connect(output: &mut BytesMut, config: &Config) -> Result<(), Unreadable> {
    let keep_alive = u16::try_from(config.keep_alive.as_secs()).unwrap_or(u16::MAX);
    let client_id = config.client_id.trim().to_owned();
    let written = match config.protocol {
        Protocol::V3 => {
            let mut connect = v3_packet::Connect::new(client_id);
            connect.keep_alive = keep_alive;
            connect.clean_session = false;
            if let Some(credentials) = &config.credentials {
                connect.set_login(credentials.username.clone(), credentials.password.clone());
            }
            v3_packet::Packet::Connect(connect).write(output, usize::MAX).map_err(|error| error.to_string())
        }
        Protocol::V5 => {
            let mut properties = v5_packet::ConnectProperties::new();
            properties.session_expiry_interval = Some(u32::try_from(config.session_expiry.as_secs()).unwrap_or(u32::MAX));
            properties.receive_maximum = Some(config.window_packets_max);
            properties.max_packet_size = u32::try_from(config.packet_bytes_max).ok();
            let connect = v5_packet::Connect { keep_alive, client_id, clean_start: false, properties: Some(properties) };
            let login = config.credentials.as_ref().map(|credentials| v5_packet::Login::new(&credentials.username, &credentials.password));
            v5_packet::Packet::Connect(connect, None, login).write(output, None).map_err(|error| error.to_string())
        }
    };
    written.map(drop).map_err(Unreadable)
}

/// SUBSCRIBE to all topics; the packet id is always 1, since there is never another.
pub(super) fn subscribe(output: &mut BytesMut, config: &Config) -> Result<(), Unreadable> {
    let written = match config.protocol {
        Protocol::V3 => {
            let qos = if config.qos == 0 { v3::QoS::AtMostOnce } else { v3::QoS::AtLeastOnce };
            let filters = config.topics.iter().map(|topic| v3_packet::SubscribeFilter::new(topic.clone(), qos));
            let mut subscribe = v3_packet::Subscribe::new_many(filters);
            subscribe.pkid = 1;
            v3_packet::Packet::Subscribe(subscribe).write(output, usize::MAX).map_err(|error| error.to_string())
        }
        Protocol::V5 => {
            let qos = if config.qos == 0 { v5::QoS::AtMostOnce } else { v5::QoS::AtLeastOnce };
            let filters = config.topics.iter().map(|topic| v5_packet::Filter::new(topic.clone(), qos));
            let mut subscribe = v5_packet::Subscribe::new_many(filters, None);
            subscribe.pkid = 1;
            v5_packet::Packet::Subscribe(subscribe).write(output, None).map_err(|error| error.to_string())
        }
    };
    written.map(drop).map_err(Unreadable)
}

/// The same bytes in both versions.
pub(super) fn puback(output: &mut BytesMut, id: u16) {
    let [high, low] = id.to_be_bytes();
    output.extend_from_slice(&[0x40, 2, high, low]);
}

pub(super) const PINGREQ: [u8; 2] = [0xC0, 0];
pub(super) const DISCONNECT: [u8; 2] = [0xE0, 0];
