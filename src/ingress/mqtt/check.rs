//! The strict check of the packets that the protocol library reads. What passes here is well formed to the last byte.

use super::frame::{Header, Kind, Version};
use super::properties::{self, Place};
use super::reader::Reader;
use super::reason::{Reason, Refusal, malformed, protocol_error};
use super::topic;

/// Checks a whole packet that is neither CONNECT nor PUBLISH.
pub(super) fn packet(header: &Header, packet: &[u8], version: Version) -> Result<(), Refusal> {
    let mut reader = Reader::new(packet, header.body);
    match header.kind {
        Kind::Subscribe => subscribe(&mut reader, version)?,
        Kind::Unsubscribe => unsubscribe(&mut reader, version)?,
        Kind::Disconnect => disconnect(&mut reader, version)?,
        Kind::PingReq => {}
        Kind::Connect | Kind::Publish => return Err(protocol_error("a packet out of place")),
    }
    reader.end()
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
