//! The seam to the protocol library: our own types on this side, its packets on the other. Only this file names it.
//!
//! It reads subscriptions and writes our answers. Its state machine is left out: acknowledgements wait for the gate here, and a PUBLISH through
//! it costs three allocations and a copy. PUBLISH and PUBACK are ours ([`super::frame`] and below), and CONNECT too ([`super::connect`]): the
//! library refuses a password without a user name, which MQTT 5 allows.

use bytes::{BufMut, Bytes, BytesMut};
use mqtt_protocol_core::mqtt::packet::{
    AssignedClientIdentifier, MaximumPacketSize, MaximumQos, Property, ReasonString, ReceiveMaximum, RetainAvailable,
    SessionExpiryInterval, SharedSubscriptionAvailable, SubscriptionIdentifierAvailable, TopicAliasMaximum, v3_1_1, v5_0,
};
use mqtt_protocol_core::mqtt::result_code::{
    ConnectReasonCode, ConnectReturnCode, DisconnectReasonCode, MqttError, SubackReasonCode, SubackReturnCode, UnsubackReasonCode,
};

use super::frame::{Header, Version};
use super::reason::{Reason, Refusal};

/// The longest reason we send, so that an acknowledgement stays small.
const REASON_BYTES_MAX: usize = 256;

/// What we say of ourselves in a CONNACK of MQTT 5.
#[derive(Debug, Clone)]
pub(super) struct Welcome {
    pub(super) receive_max: u16,
    pub(super) packet_bytes_max: u32,
    pub(super) topic_alias_max: u16,
    pub(super) assigned_client_id: Option<String>,
    pub(super) refuses_session: bool,
}

/// The check has passed it, so an error here is a gap in the check: the connection ends, and nothing else.
fn unreadable(error: MqttError) -> Refusal {
    Refusal::new(Reason::MalformedPacket, format!("the packet cannot be read: {error:?}"))
}

/// One filter of a SUBSCRIBE.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    pub(super) filter: String,
    /// Not to be sent what this client published itself.
    pub(super) no_local: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Subscribe {
    pub(super) id: u16,
    pub(super) wishes: Vec<Wish>,
}

pub(super) fn subscribe(header: &Header, packet: &[u8], version: Version) -> Result<Subscribe, Refusal> {
    let body = &packet[header.body..];
    let (id, entries) = match version {
        Version::V3 => v3_1_1::Subscribe::parse(body).map(|(packet, _)| (packet.packet_id(), packet.entries().clone())),
        Version::V5 => v5_0::Subscribe::parse(body).map(|(packet, _)| (packet.packet_id(), packet.entries().clone())),
    }
    .map_err(unreadable)?;
    let wishes = entries.iter().map(|entry| Wish { filter: entry.topic_filter().to_owned(), no_local: entry.sub_opts().nl() }).collect();
    Ok(Subscribe { id, wishes })
}

#[derive(Debug, Clone)]
pub(super) struct Unsubscribe {
    pub(super) id: u16,
    pub(super) filters: Vec<String>,
}

pub(super) fn unsubscribe(header: &Header, packet: &[u8], version: Version) -> Result<Unsubscribe, Refusal> {
    let body = &packet[header.body..];
    let (id, entries) = match version {
        Version::V3 => v3_1_1::Unsubscribe::parse(body).map(|(packet, _)| (packet.packet_id(), packet.entries().clone())),
        Version::V5 => v5_0::Unsubscribe::parse(body).map(|(packet, _)| (packet.packet_id(), packet.entries().clone())),
    }
    .map_err(unreadable)?;
    Ok(Unsubscribe { id, filters: entries.iter().map(|entry| entry.as_ref().to_owned()).collect() })
}

/// Whether a DISCONNECT asks for the will (reason code 4).
pub(super) fn disconnect_wants_will(header: &Header, packet: &[u8]) -> bool {
    packet.get(header.body) == Some(&0x04)
}

pub(super) fn connack(version: Version, welcome: &Welcome) -> Result<Vec<u8>, MqttError> {
    if version == Version::V3 {
        let connack = v3_1_1::Connack::builder().session_present(false).return_code(ConnectReturnCode::Accepted).build()?;
        return Ok(connack.to_continuous_buffer());
    }
    let mut properties: Vec<Property> = vec![
        ReceiveMaximum::new(welcome.receive_max)?.into(),
        MaximumQos::new(1)?.into(),
        RetainAvailable::new(0)?.into(),
        MaximumPacketSize::new(welcome.packet_bytes_max)?.into(),
        TopicAliasMaximum::new(welcome.topic_alias_max)?.into(),
        SubscriptionIdentifierAvailable::new(0)?.into(),
        SharedSubscriptionAvailable::new(0)?.into(),
    ];
    if let Some(id) = &welcome.assigned_client_id {
        properties.push(AssignedClientIdentifier::new(id)?.into());
    }
    if welcome.refuses_session {
        properties.push(SessionExpiryInterval::new(0)?.into());
    }
    let connack = v5_0::Connack::builder().session_present(false).reason_code(ConnectReasonCode::Success).props(properties).build()?;
    Ok(connack.to_continuous_buffer())
}

/// A CONNACK that turns the client away.
pub(super) fn connack_refused(version: Version, refusal: &Refusal, with_text: bool) -> Result<Vec<u8>, MqttError> {
    if version == Version::V3 {
        let code = if refusal.reason == Reason::UnsupportedVersion {
            ConnectReturnCode::UnacceptableProtocolVersion
        } else if refusal.reason == Reason::ClientIdNotValid {
            ConnectReturnCode::IdentifierRejected
        } else {
            ConnectReturnCode::ServerUnavailable
        };
        return Ok(v3_1_1::Connack::builder().session_present(false).return_code(code).build()?.to_continuous_buffer());
    }
    let code = ConnectReasonCode::try_from(refusal.reason.code()).unwrap_or(ConnectReasonCode::UnspecifiedError);
    let mut properties: Vec<Property> = Vec::new();
    if with_text {
        properties.push(ReasonString::new(shorten(&refusal.what))?.into());
    }
    Ok(v5_0::Connack::builder().session_present(false).reason_code(code).props(properties).build()?.to_continuous_buffer())
}

/// A DISCONNECT; only MQTT 5 has one that a server may send.
pub(super) fn disconnect(refusal: &Refusal, with_text: bool) -> Result<Vec<u8>, MqttError> {
    let code = DisconnectReasonCode::try_from(refusal.reason.code()).unwrap_or(DisconnectReasonCode::UnspecifiedError);
    let builder = v5_0::Disconnect::builder().reason_code(code);
    let packet =
        if with_text { builder.props(vec![ReasonString::new(shorten(&refusal.what))?.into()]).build()? } else { builder.build()? };
    Ok(packet.to_continuous_buffer())
}

/// `granted` holds one answer per filter.
pub(super) fn suback(version: Version, id: u16, granted: &[Reason]) -> Result<Vec<u8>, MqttError> {
    match version {
        Version::V3 => {
            let code =
                |reason: &Reason| if *reason == Reason::Success { SubackReturnCode::SuccessMaximumQos0 } else { SubackReturnCode::Failure };
            let packet = v3_1_1::Suback::builder().packet_id(id).return_codes(granted.iter().map(code).collect()).build()?;
            Ok(packet.to_continuous_buffer())
        }
        Version::V5 => {
            let code = |reason: &Reason| SubackReasonCode::try_from(reason.code()).unwrap_or(SubackReasonCode::UnspecifiedError);
            let packet = v5_0::Suback::builder().packet_id(id).reason_codes(granted.iter().map(code).collect()).build()?;
            Ok(packet.to_continuous_buffer())
        }
    }
}

pub(super) fn unsuback(version: Version, id: u16, answers: &[Reason]) -> Result<Vec<u8>, MqttError> {
    match version {
        Version::V3 => Ok(v3_1_1::Unsuback::builder().packet_id(id).build()?.to_continuous_buffer()),
        Version::V5 => {
            let code = |reason: &Reason| UnsubackReasonCode::try_from(reason.code()).unwrap_or(UnsubackReasonCode::UnspecifiedError);
            let packet = v5_0::Unsuback::builder().packet_id(id).reason_codes(answers.iter().map(code).collect()).build()?;
            Ok(packet.to_continuous_buffer())
        }
    }
}

pub(super) const PINGRESP: [u8; 2] = [0xD0, 0];

/// The acknowledgement of both versions when all is well.
pub(super) fn puback(into: &mut BytesMut, id: u16) {
    let [high, low] = id.to_be_bytes();
    into.extend_from_slice(&[0x40, 2, high, low]);
}

/// A PUBACK of MQTT 5 with a reason; the text is left out if the packet would be longer than the client takes.
pub(super) fn puback_v5(into: &mut BytesMut, id: u16, reason: Reason, text: &str, packet_bytes_max: usize) {
    let text = shorten(text);
    let properties = 3 + text.len();
    // Fixed header 3, id 2, code 1, length of the properties 2.
    let with_text = !text.is_empty() && 8 + properties <= packet_bytes_max;
    if !with_text {
        into.extend_from_slice(&[0x40, 3]);
        into.put_u16(id);
        into.put_u8(reason.code());
        return;
    }
    into.put_u8(0x40);
    put_length(into, 2 + 1 + length_bytes(properties) + properties);
    into.put_u16(id);
    into.put_u8(reason.code());
    put_length(into, properties);
    into.put_u8(31);
    into.put_u16(text.len() as u16);
    into.extend_from_slice(text.as_bytes());
}

/// A PUBLISH with QoS 0, as subscribers get it; `retained`: it was there before they came.
pub(super) fn publish(version: Version, topic: &[u8], payload: &[u8], retained: bool) -> Bytes {
    let properties = usize::from(version == Version::V5);
    let remaining = 2 + topic.len() + properties + payload.len();
    let mut packet = BytesMut::with_capacity(5 + remaining);
    packet.put_u8(0x30 | u8::from(retained));
    put_length(&mut packet, remaining);
    packet.put_u16(topic.len() as u16);
    packet.extend_from_slice(topic);
    if properties == 1 {
        packet.put_u8(0);
    }
    packet.extend_from_slice(payload);
    packet.freeze()
}

fn put_length(into: &mut BytesMut, mut length: usize) {
    while length >= 0x80 {
        into.put_u8((length & 0x7F) as u8 | 0x80);
        length >>= 7;
    }
    into.put_u8(length as u8);
}

fn length_bytes(length: usize) -> usize {
    if length < 0x80 { 1 } else { 2 }
}

fn shorten(text: &str) -> &str {
    let mut end = text.len().min(REASON_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
