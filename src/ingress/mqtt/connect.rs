//! CONNECT: who comes, with what wishes. Checked to the last byte while it is read.

use bytes::Bytes;

use super::frame::{Header, Version};
use super::properties::{self, Found, Place};
use super::reader::Reader;
use super::reason::{Reason, Refusal, malformed};

#[derive(Debug, Clone)]
pub(super) struct Connect {
    pub(super) version: Version,
    pub(super) client_id: String,
    pub(super) clean_start: bool,
    /// 0: the client may be silent for ever.
    pub(super) keep_alive_s: u16,
    pub(super) will: Option<Will>,
    /// 0 if not asked for.
    pub(super) session_expiry_s: u32,
    /// The longest packet the client takes.
    pub(super) packet_bytes_max: usize,
    pub(super) wants_reasons: bool,
    pub(super) wants_authentication: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Will {
    pub(super) topic: Bytes,
    pub(super) payload: Bytes,
    pub(super) qos: u8,
    pub(super) retain: bool,
}

/// The version a CONNECT asks for. What else is wrong with the packet is said by [`packet`].
pub(super) fn version(header: &Header, packet: &[u8]) -> Result<Version, Refusal> {
    let mut reader = Reader::new(packet, header.body);
    let name = reader.binary()?;
    let level = reader.u8()?;
    match (name, level) {
        (b"MQTT", 4) => Ok(Version::V3),
        (b"MQTT", 5) => Ok(Version::V5),
        (b"MQTT" | b"MQIsdp", _) => {
            Err(Refusal::new(Reason::UnsupportedVersion, format!("protocol level {level}: this endpoint speaks MQTT 3.1.1 and 5")))
        }
        _ => Err(malformed("CONNECT with an unknown protocol name")),
    }
}

/// Reads the whole packet. User name and password are checked for their form; nobody asks for them yet.
pub(super) fn read(header: &Header, packet: &[u8], version: Version) -> Result<Connect, Refusal> {
    let mut reader = Reader::new(packet, header.body);
    reader.binary()?;
    reader.u8()?;
    let flags = Flags(reader.u8()?);
    flags.check(version)?;
    let keep_alive_s = reader.u16()?;
    let asked = if version == Version::V5 { properties::check(&mut reader, Place::Connect)? } else { Found::default() };
    let client_id = reader.text()?.to_owned();
    let will = if flags.has_will() { Some(will(&mut reader, flags, version)?) } else { None };
    if flags.has_username() {
        reader.text()?;
    }
    if flags.has_password() {
        reader.binary()?;
    }
    reader.end()?;
    Ok(Connect {
        version,
        client_id,
        clean_start: flags.is_clean(),
        keep_alive_s,
        will,
        session_expiry_s: asked.session_expiry_s.unwrap_or(0),
        packet_bytes_max: asked.packet_bytes_max.map_or(usize::MAX, |max| max as usize),
        wants_reasons: version == Version::V5 && asked.problem_information != Some(0),
        wants_authentication: asked.authentication_method,
    })
}

fn will(reader: &mut Reader<'_>, flags: Flags, version: Version) -> Result<Will, Refusal> {
    if version == Version::V5 {
        properties::check(reader, Place::Will)?;
    }
    let topic = reader.text()?;
    if topic.is_empty() || topic.contains(['+', '#']) {
        return Err(Refusal::new(Reason::TopicNameInvalid, "the will topic is no topic name"));
    }
    let payload = reader.binary()?;
    Ok(Will {
        topic: Bytes::copy_from_slice(topic.as_bytes()),
        payload: Bytes::copy_from_slice(payload),
        qos: flags.will_qos(),
        retain: flags.retains_will(),
    })
}

#[derive(Debug, Clone, Copy)]
struct Flags(u8);

impl Flags {
    fn is_clean(self) -> bool {
        self.0 & 0b0000_0010 != 0
    }

    fn has_will(self) -> bool {
        self.0 & 0b0000_0100 != 0
    }

    fn will_qos(self) -> u8 {
        (self.0 >> 3) & 0b11
    }

    fn retains_will(self) -> bool {
        self.0 & 0b0010_0000 != 0
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
