//! Frames: the fixed header, and PUBLISH, the one packet that must be read fast. Nothing here copies.
//!
//! This, [`super::connect`] and [`super::check`] are the strict gate in front of the protocol library, which lets much pass that the standard forbids.

use std::ops::Range;

use super::properties::{self, Place};
use super::reader::Reader;
use super::reason::{Reason, Refusal, malformed, protocol_error};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// 3.1.1
    V3,
    V5,
}

/// What a client may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Connect,
    Publish,
    Subscribe,
    Unsubscribe,
    PingReq,
    Disconnect,
}

/// The fixed header of a packet; `body..end` is what follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    pub(super) flags: u8,
    pub(super) body: usize,
    pub(super) end: usize,
}

/// Reads the fixed header at the front of `bytes`; `None` if it is not all there yet. A forbidden first byte is refused at once.
/// Before CONNECT the version is not known, and nothing but CONNECT is allowed.
pub(super) fn header(bytes: &[u8], version: Option<Version>, packet_bytes_max: usize) -> Result<Option<Header>, Refusal> {
    let Some((&first, rest)) = bytes.split_first() else { return Ok(None) };
    let flags = first & 0x0F;
    let kind = kind(first >> 4, flags, version)?;
    let Some((length, length_bytes)) = length(rest, version)? else { return Ok(None) };
    let body = 1 + length_bytes;
    let end = body + length;
    if end > packet_bytes_max {
        return Err(Refusal::new(Reason::PacketTooLarge, format!("a packet of {end} bytes is over the limit of {packet_bytes_max}")));
    }
    Ok(Some(Header { kind, flags, body, end }))
}

fn kind(number: u8, flags: u8, version: Option<Version>) -> Result<Kind, Refusal> {
    let kind = match number {
        1 => Kind::Connect,
        3 => Kind::Publish,
        8 => Kind::Subscribe,
        10 => Kind::Unsubscribe,
        12 => Kind::PingReq,
        14 => Kind::Disconnect,
        2 | 9 | 11 | 13 => return Err(protocol_error("a packet that only a server sends")),
        4..=7 => return Err(protocol_error("an answer to a packet that was not sent: nothing is sent with QoS 1 or 2 here")),
        15 if version == Some(Version::V5) => return Err(protocol_error("AUTH, but no authentication method was agreed")),
        _ => return Err(malformed("a packet type that does not exist")),
    };
    if version.is_none() && kind != Kind::Connect {
        return Err(protocol_error("the first packet must be CONNECT"));
    }
    if version.is_some() && kind == Kind::Connect {
        return Err(protocol_error("a second CONNECT"));
    }
    let expected = match kind {
        Kind::Publish => return publish_flags(flags).map(|()| kind),
        Kind::Subscribe | Kind::Unsubscribe => 0b0010,
        Kind::Connect | Kind::PingReq | Kind::Disconnect => 0,
    };
    if flags == expected { Ok(kind) } else { Err(malformed("reserved flags of the fixed header are wrong")) }
}

fn publish_flags(flags: u8) -> Result<(), Refusal> {
    match (flags >> 1) & 0b11 {
        3 => Err(malformed("PUBLISH with QoS 3")),
        0 if flags & 0b1000 != 0 => Err(malformed("PUBLISH with QoS 0 marked as a duplicate")),
        _ => Ok(()),
    }
}

/// The remaining length and how many bytes it took.
fn length(bytes: &[u8], version: Option<Version>) -> Result<Option<(usize, usize)>, Refusal> {
    let mut length = 0;
    for (index, &byte) in bytes.iter().take(4).enumerate() {
        length |= usize::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            let padded = index > 0 && byte == 0;
            if padded && version == Some(Version::V5) {
                return Err(malformed("the remaining length is not written in the fewest bytes"));
            }
            return Ok(Some((length, index + 1)));
        }
    }
    if bytes.len() >= 4 { Err(malformed("a remaining length of more than four bytes")) } else { Ok(None) }
}

/// A checked PUBLISH; ranges count from the start of the packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Publish {
    pub(super) qos: u8,
    pub(super) retain: bool,
    /// 0 with QoS 0, and only then.
    pub(super) id: u16,
    /// Empty only together with an alias.
    pub(super) topic: Range<usize>,
    pub(super) alias: Option<u16>,
    pub(super) payload: Range<usize>,
}

/// Checks a whole PUBLISH.
pub(super) fn publish(header: &Header, packet: &[u8], version: Version) -> Result<Publish, Refusal> {
    let qos = (header.flags >> 1) & 0b11;
    let mut reader = Reader::new(packet, header.body);
    let topic_text = reader.text()?;
    if topic_text.bytes().any(|byte| byte == b'+' || byte == b'#') {
        return Err(Refusal::new(Reason::TopicNameInvalid, "PUBLISH to a topic with a wildcard"));
    }
    let topic = reader.position() - topic_text.len()..reader.position();
    let id = if qos == 0 { 0 } else { reader.packet_id()? };
    let mut alias = None;
    if version == Version::V5 {
        let found = properties::check(&mut reader, Place::Publish)?;
        alias = found.topic_alias;
    }
    if topic.is_empty() && alias.is_none() {
        return Err(match version {
            Version::V3 => malformed("PUBLISH without a topic"),
            Version::V5 => protocol_error("PUBLISH with neither a topic nor a topic alias"),
        });
    }
    Ok(Publish { qos, retain: header.flags & 1 != 0, id, topic, alias, payload: reader.position()..packet.len() })
}
