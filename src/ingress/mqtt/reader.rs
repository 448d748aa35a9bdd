//! Reads the field types of MQTT from a packet, strictly.

use super::reason::{Refusal, malformed};

#[derive(Debug)]
pub(super) struct Reader<'a> {
    packet: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(packet: &'a [u8], at: usize) -> Reader<'a> {
        Reader { packet, at }
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.packet.len()
    }

    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], Refusal> {
        let rest = self.packet.get(self.at..).unwrap_or_default();
        let Some(found) = rest.get(..count) else { return Err(malformed("a field reaches beyond the end of its packet")) };
        self.at += count;
        Ok(found)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Refusal> {
        self.bytes(1).map(|bytes| bytes[0])
    }

    pub(super) fn u16(&mut self) -> Result<u16, Refusal> {
        self.bytes(2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    pub(super) fn u32(&mut self) -> Result<u32, Refusal> {
        self.bytes(4).map(|bytes| u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    pub(super) fn packet_id(&mut self) -> Result<u16, Refusal> {
        match self.u16()? {
            0 => Err(malformed("packet id 0")),
            id => Ok(id),
        }
    }

    pub(super) fn binary(&mut self) -> Result<&'a [u8], Refusal> {
        let length = self.u16()?;
        self.bytes(usize::from(length))
    }

    /// UTF-8 without U+0000. Surrogates and overlong forms are no UTF-8.
    pub(super) fn text(&mut self) -> Result<&'a str, Refusal> {
        let text = std::str::from_utf8(self.binary()?).map_err(|_| malformed("a text is not UTF-8"))?;
        if text.as_bytes().contains(&0) { Err(malformed("a text contains U+0000")) } else { Ok(text) }
    }

    /// A variable byte integer in the fewest bytes.
    pub(super) fn varint(&mut self) -> Result<u32, Refusal> {
        let mut value = 0;
        for index in 0..4 {
            let byte = self.u8()?;
            value |= u32::from(byte & 0x7F) << (7 * index);
            if byte & 0x80 == 0 {
                let padded = index > 0 && byte == 0;
                return if padded { Err(malformed("a number is not written in the fewest bytes")) } else { Ok(value) };
            }
        }
        Err(malformed("a variable number of more than four bytes"))
    }

    /// The next `count` bytes as a reader of their own.
    pub(super) fn part(&mut self, count: usize) -> Result<Reader<'a>, Refusal> {
        let start = self.at;
        self.bytes(count)?;
        Ok(Reader { packet: &self.packet[..start + count], at: start })
    }

    pub(super) fn end(&self) -> Result<(), Refusal> {
        if self.is_at_end() { Ok(()) } else { Err(malformed("bytes follow the last field of the packet")) }
    }
}
