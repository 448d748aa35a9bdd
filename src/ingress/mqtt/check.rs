//! The strict check of all packets but PUBLISH. What passes here is well formed to the last byte, so the protocol library may read it.

use super::frame::{Header, Kind, Version};
use super::properties::{self, Place};
use super::reader::Reader;
use super::reason::{Reason, Refusal, malformed, protocol_error};
use super::topic;

/// The version a CONNECT asks for. What else is wrong with the packet is said by [`packet`].
pub(super) fn version(header: &Header, packet: &[u8]) -> Result<Version, Refusal> {
    let mut reader = Reader::new(packet, header.body);
    let name = reader.binary()?;
    let level = reader.u8()?;
    match (name, level) {
        (b"MQTT", 4) => Ok(Version::V3),
        (b"MQTT", 5) => Ok(Version::V5),
        (b"MQTT" | b"MQIsdp", _) => Err(Refusal::new(Reason::UnsupportedVersion, format!("protocol level {level}: this endpoint speaks MQTT 3.1.1 and 5"))),
        _ => Err(malformed("CONNECT with an unknown protocol name")),
    }
}

/// Checks a whole packet that is not a PUBLISH.
pub(super) fn packet(header: &Header, packet: &[u8], version: Version) -> Result<(), Refusal> {
    let mut reader = Reader::new(packet, header.body);
    match header.kind {
        Kind::Connect => connect(&mut reader, version)?,
        Kind::Subscribe => subscribe(&mut reader, version)?,
        Kind::Unsubscribe => unsubscribe(&mut reader, version)?,
        Kind::Disconnect => disconnect(&mut reader, version)?,
        Kind::PingReq | Kind::Publish => {}
    }
    reader.end()
}

fn connect(reader: &mut Reader<'_>, version: Version) -> Result<(), Refusal> {
    reader.binary()?;
    reader.u8()?;
    let flags = ConnectFlags(reader.u8()?);
    flags.check(version)?;
    reader.u16()?;
    if version == Version::V5 {
        properties::check(reader, Place::Connect)?;
    }
    reader.text()?;
    if flags.has_will() {
        if version == Version::V5 {
            properties::check(reader, Place::Will)?;
        }
        let topic = reader.text()?;
        if topic.is_empty() || topic.contains(['+', '#']) {
            return Err(Refusal::new(Reason::TopicNameInvalid, "the will topic is no topic name"));
        }
        reader.binary()?;
    }
    if flags.has_username() {
        reader.text()?;
    }
    if flags.has_password() {
        reader.binary()?;
    }
    Ok(())
}

#[derive(Debug, Clone, Copy)]
struct ConnectFlags(u8);

impl ConnectFlags {
    fn has_will(self) -> bool {
        self.0 & 0b0000_0100 != 0
    }

    fn will_qos(self) -> u8 {
        (self.0 >> 3) & 0b11
    }

    fn has_username(self) -> bool {
        self.0 & 0b1000_0000 != 0
    }

    fn has_password(self) -> bool {
        self.0 & 0b0100_0000 != 0
    }

    fn check(self, version: Version) -> Result<(), Refusal> {
        if self.0 & 1 != 0 {
            return Err(malformed("the reserved flag of CONNECT is set"));
        }
        if self.will_qos() == 3 {
            return Err(malformed("a will with QoS 3"));
        }
        if !self.has_will() && self.0 & 0b0011_1000 != 0 {
            return Err(malformed("flags of a will without a will"));
        }
        if version == Version::V3 && self.has_password() && !self.has_username() {
            return Err(malformed("a password without a user name"));
        }
        Ok(())
    }
}

fn subscribe(reader: &mut Reader<'_>, version: Version) -> Result<(), Refusal> {
    reader.packet_id()?;
    if version == Version::V5 && properties::check(reader, Place::Subscribe)?.subscription_id {
        return Err(Refusal::new(Reason::SubscriptionIdsNotSupported, "subscription identifiers are not available, as CONNACK said"));
    }
    if reader.is_at_end() {
        return Err(protocol_error("SUBSCRIBE without a topic filter"));
    }
    while !reader.is_at_end() {
        let filter = filter(reader)?;
        let options = reader.u8()?;
        if options & 0b11 == 3 {
            return Err(malformed("SUBSCRIBE with QoS 3"));
        }
        let reserved = match version {
            Version::V3 => 0b1111_1100,
            Version::V5 => 0b1100_0000,
        };
        if options & reserved != 0 {
            return Err(malformed("reserved bits of the subscription options are set"));
        }
        if options & 0b0011_0000 == 0b0011_0000 {
            return Err(protocol_error("retain handling 3"));
        }
        if options & 0b0100 != 0 && topic::is_shared(filter) {
            return Err(protocol_error("no local on a shared subscription"));
        }
    }
    Ok(())
}

fn unsubscribe(reader: &mut Reader<'_>, version: Version) -> Result<(), Refusal> {
    reader.packet_id()?;
    if version == Version::V5 {
        properties::check(reader, Place::Unsubscribe)?;
    }
    if reader.is_at_end() {
        return Err(protocol_error("UNSUBSCRIBE without a topic filter"));
    }
    while !reader.is_at_end() {
        filter(reader)?;
    }
    Ok(())
}

fn filter<'a>(reader: &mut Reader<'a>) -> Result<&'a str, Refusal> {
    let filter = reader.text()?;
    if topic::is_filter(filter) { Ok(filter) } else { Err(malformed("a topic filter with a wildcard in the wrong place, or an empty one")) }
}

fn disconnect(reader: &mut Reader<'_>, version: Version) -> Result<(), Refusal> {
    if version == Version::V3 || reader.is_at_end() {
        return Ok(());
    }
    match reader.u8()? {
        0x00 | 0x04 | 0x80..=0x83 | 0x90 | 0x93..=0x99 => {}
        _ => return Err(malformed("a reason code that a client may not give")),
    }
    if !reader.is_at_end() {
        properties::check(reader, Place::Disconnect)?;
    }
    Ok(())
}
