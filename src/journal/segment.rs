//! The bytes of a segment: its name, its header and the frames of its groups. Pure; knows no files.
//!
//! ```text
//! name     FIRST_SEQ(20 digits)-NUMBER(8 digits).seg    both only ever grow; a segment made in place of a broken one has the same or a later first seq
//! header   64 bytes: magic 8, version u16, durability u8, 0 u8, partition u32, first seq u64, number u64, salt u32, zeros, crc32 of the 60 bytes before
//! group    32 bytes: magic 4, payload length u32, first seq u64, entries u32, crc32 of the payload, 0 u32, salted crc32 of the 28 bytes before
//!          payload: per entry its length u32 and its bytes
//! zeros    up to the end of the file
//! ```
//! Numbers are little endian. Every later version keeps the header's length, magic, version and crc where they are.
//!
//! *Which group counts.* The groups of a segment count up to the first seq of the segment after it. What lies behind in the file was never
//! released: a sync of it failed, and the entries were written again into the next segment.
//!
//! *Why a salt.* After a crash, the bytes behind the last good group are searched for a later one. Payloads come from outside; the salt keeps
//! anybody from sending one that contains a group.

use crate::reading::Seq;

use super::Durability;

pub(super) const VERSION: u16 = 1;
pub(super) const HEADER_BYTES: usize = 64;
pub(super) const GROUP_HEADER_BYTES: usize = 32;
pub(super) const GROUP_MAGIC: [u8; 4] = *b"PXgr";
const MAGIC: [u8; 8] = *b"PLXJRNL\n";
const EXTENSION: &str = ".seg";

/// The name of a segment. Names sort in the order in which the segments were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) first: Seq,
    pub(super) number: u64,
}

impl Name {
    pub(super) fn parse(file_name: &str) -> Option<Name> {
        let (first, number) = file_name.strip_suffix(EXTENSION)?.split_once('-')?;
        let name = Name { first: Seq(first.parse().ok()?), number: number.parse().ok()? };
        (name.file_name() == file_name).then_some(name)
    }

    pub(super) fn file_name(self) -> String {
        format!("{:020}-{:08}{EXTENSION}", self.first.0, self.number)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) durability: Durability,
    pub(super) partition: u32,
    pub(super) name: Name,
    pub(super) salt: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadHeader {
    Damaged(&'static str),
    Newer(u16),
}

impl Header {
    pub(super) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
        bytes[10] = match self.durability {
            Durability::Fsync => 0,
            Durability::Os => 1,
        };
        bytes[12..16].copy_from_slice(&self.partition.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.name.first.0.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.name.number.to_le_bytes());
        bytes[32..36].copy_from_slice(&self.salt.to_le_bytes());
        let crc = crc32fast::hash(&bytes[..60]);
        bytes[60..64].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Header, BadHeader> {
        if bytes.len() < HEADER_BYTES {
            return Err(BadHeader::Damaged("the file is shorter than a header"));
        }
        if bytes[0..8] != MAGIC {
            return Err(BadHeader::Damaged("it does not begin like a segment"));
        }
        if u32_at(bytes, 60) != crc32fast::hash(&bytes[..60]) {
            return Err(BadHeader::Damaged("its checksum is wrong"));
        }
        let version = u16::from_le_bytes([bytes[8], bytes[9]]);
        if version != VERSION {
            return Err(BadHeader::Newer(version));
        }
        let durability = match bytes[10] {
            0 => Durability::Fsync,
            1 => Durability::Os,
            _ => return Err(BadHeader::Damaged("its durability is unknown")),
        };
        let name = Name { first: Seq(u64_at(bytes, 16)), number: u64_at(bytes, 24) };
        Ok(Header { durability, partition: u32_at(bytes, 12), name, salt: u32_at(bytes, 32) })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GroupHeader {
    pub(super) payload_bytes: u32,
    pub(super) first: Seq,
    pub(super) count: u32,
    payload_crc: u32,
}

impl GroupHeader {
    /// Writes the header into the room that was left for it in front of the payload.
    pub(super) fn frame(group: &mut [u8], first: Seq, count: u32, salt: u32) {
        let (header, payload) = group.split_at_mut(GROUP_HEADER_BYTES);
        header[0..4].copy_from_slice(&GROUP_MAGIC);
        header[4..8].copy_from_slice(&(payload.len() as u32).to_le_bytes());
        header[8..16].copy_from_slice(&first.0.to_le_bytes());
        header[16..20].copy_from_slice(&count.to_le_bytes());
        header[20..24].copy_from_slice(&crc32fast::hash(payload).to_le_bytes());
        header[24..28].fill(0);
        let crc = salted(&header[..28], salt);
        header[28..32].copy_from_slice(&crc.to_le_bytes());
    }

    pub(super) fn decode(bytes: &[u8], salt: u32) -> Result<GroupHeader, &'static str> {
        if bytes.len() < GROUP_HEADER_BYTES {
            return Err("the file ends within the header of a group");
        }
        if bytes[0..4] != GROUP_MAGIC {
            return Err("there is no group");
        }
        if u32_at(bytes, 28) != salted(&bytes[..28], salt) {
            return Err("the checksum of the header of a group is wrong");
        }
        let count = u32_at(bytes, 16);
        if count == 0 {
            return Err("a group has no entries");
        }
        Ok(GroupHeader { payload_bytes: u32_at(bytes, 4), first: Seq(u64_at(bytes, 8)), count, payload_crc: u32_at(bytes, 20) })
    }

    pub(super) fn check(&self, payload: &[u8]) -> Result<(), &'static str> {
        if payload.len() < self.payload_bytes as usize {
            return Err("the file ends within a group");
        }
        if crc32fast::hash(payload) != self.payload_crc {
            return Err("the checksum of a group is wrong");
        }
        let mut entries = Entries(payload);
        let whole = entries.by_ref().count() == self.count as usize && entries.0.is_empty();
        if whole { Ok(()) } else { Err("the entries of a group do not fill it") }
    }

    pub(super) fn last(&self) -> Seq {
        Seq(self.first.0.saturating_add(u64::from(self.count) - 1))
    }
}

/// The entries of a payload; ends early where they make no sense.
#[derive(Debug, Clone)]
pub(super) struct Entries<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Entries<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (len, rest) = self.0.split_first_chunk::<4>()?;
        let (entry, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        self.0 = rest;
        Some(entry)
    }
}

fn salted(bytes: &[u8], salt: u32) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(salt);
    hasher.update(bytes);
    hasher.finalize()
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at..].first_chunk().map_or(0, |chunk| u32::from_le_bytes(*chunk))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes[at..].first_chunk().map_or(0, |chunk| u64::from_le_bytes(*chunk))
}
